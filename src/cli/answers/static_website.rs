use issuer::site::Hosting;
use serde::Serialize;

/// The state of the static website of a storage account; `unknown` if it cannot be read.
#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub(crate) enum StaticWebsite {
    On,
    Off,
    Unknown,
}

impl StaticWebsite {
    /// `None` if the site has no static website.
    pub(crate) fn of(hosting: &Hosting) -> Option<Self> {
        match hosting {
            Hosting::On => Some(Self::On),
            Hosting::Off => Some(Self::Off),
            Hosting::Unknown(_) => Some(Self::Unknown),
            _ => None,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::On => "on",
            Self::Off => "off",
            Self::Unknown => "unknown",
        }
    }
}
