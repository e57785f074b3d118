/// Whether a site serves what it stores.
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
    /// There is nothing to switch on.
    #[default]
    Plain,
    /// The static website is on.
    On,
    /// The static website is off; publishing switches it on before its first write.
    Off,
    /// It may not be asked; why not, in a sentence.
    Unknown(String),
}
