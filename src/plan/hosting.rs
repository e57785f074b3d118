/// Whether a site serves its documents.
///
/// ```
/// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
/// # runtime.block_on(async {
/// use issuer::site::{Directory, Hosting, Site};
/// assert_eq!(Directory::open("site")?.hosting().await?, Hosting::Plain);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Hosting {
    /// The site has no hosting that can be enabled.
    #[default]
    Plain,
    /// The static website is enabled.
    On,
    /// The static website is disabled; publishing enables it before the first write.
    Off,
    /// The state cannot be read; the sentence gives the reason.
    Unknown(String),
}
