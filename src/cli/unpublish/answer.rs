use issuer::DocumentPath;
use serde::Serialize;

use super::Ending;
use crate::cli::{
    answers::RefusalAnswer,
    clean::printable,
    output::{BAD, GOOD, STRONG, WARN},
};

/// The removed documents, or the reason why none was removed.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub(crate) struct Answer {
    /// The issuer URL, byte for byte; null if none was given and none was found.
    issuer: Option<String>,
    /// The site: the container and storage account, or the directory.
    site: String,
    /// With --dry-run the paths that would be removed, in order; empty without it.
    planned: Vec<String>,
    /// The paths that were removed, in the order in which they were removed.
    removed: Vec<String>,
    /// Why nothing was removed; null if the removal was not refused.
    pub(super) refusal: Option<RefusalAnswer>,
    #[serde(skip)]
    pub(super) end: End,
}

/// How a run ended.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Refused,
    Planned,
    /// The user did not confirm the removal.
    Declined,
    Removed,
}

impl Answer {
    pub(super) fn new(issuer: Option<String>, site: String, outcome: Ending) -> Self {
        let texts = |paths: Vec<DocumentPath>| paths.iter().map(|path| path.as_str().to_owned()).collect();
        let answer = Self { issuer, site, planned: Vec::new(), removed: Vec::new(), refusal: None, end: End::Declined };
        match outcome {
            Ending::Refused(refusal) => {
                Self { refusal: Some(RefusalAnswer::from(&refusal)), end: End::Refused, ..answer }
            }
            Ending::Planned(paths) => Self { planned: texts(paths), end: End::Planned, ..answer },
            Ending::Declined => answer,
            Ending::Removed(removal) => Self { removed: texts(removal.removed), end: End::Removed, ..answer },
        }
    }

    pub(super) fn to_text(&self) -> String {
        let issuer = self.issuer.as_ref().map(|issuer| format!("{STRONG}issuer{STRONG:#}   {issuer}"));
        let mut lines: Vec<_> = issuer.into_iter().collect();
        lines.extend([format!("{STRONG}site{STRONG:#}     {}", printable(&self.site)), String::new()]);
        let paths = if self.end == End::Planned { &self.planned } else { &self.removed };
        lines.extend(paths.iter().map(|path| format!("  {BAD}-{BAD:#} {}", printable(path))));
        if !paths.is_empty() {
            lines.push(String::new());
        }
        lines.push(match (self.end, paths.is_empty()) {
            (End::Refused, _) => format!("{BAD}refused{BAD:#}: nothing was removed"),
            (End::Declined, _) => format!("{WARN}stopped{WARN:#}: nothing was removed"),
            (End::Planned, true) => format!("{GOOD}planned{GOOD:#}: nothing is published there"),
            (End::Planned, false) => format!("{WARN}planned{WARN:#}: nothing was removed"),
            (End::Removed, true) => format!("{GOOD}done{GOOD:#}: nothing was published there"),
            (End::Removed, false) => {
                format!("{GOOD}removed{GOOD:#}: relying parties reject tokens of this issuer when their caches expire")
            }
        });
        lines.push(String::new());
        lines.join("\n")
    }
}
