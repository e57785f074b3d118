use jiff::{SignedDuration, Timestamp};

/// The maximum difference between the clocks of this machine and of a site.
const APART_MAX: SignedDuration = SignedDuration::from_mins(5);

/// Two clocks that are more than five minutes apart.
///
/// ```
/// use issuer::ClocksApart;
/// let (here, site) = ("2026-11-22T02:00:00Z".parse()?, "2026-11-22T00:00:00Z".parse()?);
/// let apart = ClocksApart::between(here, Some(site)).unwrap();
/// assert_eq!(
///     apart.to_string(),
///     "the clock of this machine is 2h ahead of the site's clock: 2026-11-22T02:00:00Z here, 2026-11-22T00:00:00Z on the site"
/// );
/// assert_eq!(ClocksApart::between(here, Some(here)), None);
/// assert_eq!(ClocksApart::between(here, None), None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClocksApart {
    /// The time of this machine.
    pub here: Timestamp,
    /// The time of the site.
    pub site: Timestamp,
}

impl ClocksApart {
    /// Compares two clocks; `None` if the difference is small or the site has no clock.
    pub fn between(here: Timestamp, site: Option<Timestamp>) -> Option<Self> {
        let site = site?;
        (here.duration_since(site).abs() > APART_MAX).then_some(Self { here, site })
    }

    /// The later of both times. Recording too late a time keeps a key longer; recording too early a time removes it too
    /// early.
    pub(crate) fn later(self) -> Timestamp {
        self.here.max(self.site)
    }
}

impl std::fmt::Display for ClocksApart {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let second = |time: Timestamp| Timestamp::from_second(time.as_second()).unwrap_or(time);
        let (here, site) = (second(self.here), second(self.site));
        let apart = here.duration_since(site);
        let direction = if apart.is_positive() { "ahead of" } else { "behind" };
        write!(
            f,
            "the clock of this machine is {:#} {direction} the site's clock: {here} here, {site} on the site",
            apart.abs()
        )
    }
}
