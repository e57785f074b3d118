/// The version of a stored document. Every change of body, headers or retention record changes the `ETag` (RFC 9110
/// section 8.8.3).
///
/// ```
/// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
/// # runtime.block_on(async {
/// use issuer::{CurrentState, Plan, Timestamp, site::{Condition, Content, ETag, Memory, Site}};
/// # use issuer::{KeySet, DesiredState};
/// # let keys = KeySet::from_bytes(&std::fs::read("fixtures/kubernetes/rotation/sa.pub")?)?;
/// # let desired = DesiredState::new("https://issuer.example.com".parse()?, keys);
/// let jwks = Plan::new(&CurrentState::default(), &desired, Timestamp::now()).documents.remove(0);
/// let site = Memory::default();
/// site.write(&jwks.path, &jwks.content, &Condition::IfNoneMatch).await?;
/// let first: ETag = site.read(&jwks.path).await?.unwrap().etag;
/// let changed = Content { bytes: b"{\"keys\":[]}".to_vec(), ..jwks.content };
/// site.write(&jwks.path, &changed, &Condition::IfMatch(first.clone())).await?;
/// assert_ne!(site.read(&jwks.path).await?.unwrap().etag, first);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ETag(pub String);

/// The precondition of a conditional write (RFC 9110 section 13.1).
///
/// ```
/// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
/// # runtime.block_on(async {
/// use issuer::{KeySet, CurrentState, Plan, Timestamp, DesiredState, site::{Condition, ETag, Memory, Site, Written}};
/// let keys = KeySet::from_bytes(&std::fs::read("fixtures/kubernetes/rotation/sa.pub")?)?;
/// let desired = DesiredState::new("https://issuer.example.com".parse()?, keys);
/// let jwks = Plan::new(&CurrentState::default(), &desired, Timestamp::now()).documents.remove(0);
/// let site = Memory::default();
/// let changed = Condition::IfMatch(ETag("1".to_owned()));
/// assert_eq!(site.write(&jwks.path, &jwks.content, &changed).await?, Written::PreconditionFailed);
/// assert_eq!(site.write(&jwks.path, &jwks.content, &Condition::IfNoneMatch).await?, Written::Done);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// The document still has the version that was read.
    IfMatch(ETag),
    /// The document still does not exist (`If-None-Match: *`).
    IfNoneMatch,
}
