use issuer::{DocumentKind, Owner, Timestamp};

use super::answer::{Answer, KeyState, PlannedKey, StageName};
use crate::cli::{
    answers::{Change, Document, StaticWebsite, has_named, owners_text},
    clean::{printable, public},
    output::{BAD, FAINT, GOOD, STRONG, WARN, minute},
};

impl Answer {
    /// The plan.
    pub(super) fn plan_text(&self) -> String {
        let who = self.credential.as_ref().map(|who| format!(", as {}", printable(who))).unwrap_or_default();
        let mut lines = vec![
            format!("{STRONG}issuer{STRONG:#}   {}", self.issuer),
            format!("{STRONG}site{STRONG:#}     {}{who}", printable(&self.site)),
            String::new(),
        ];
        let names_owners = !self.owner.is_none() || has_named(self.keys.iter().map(|key| &key.owners));
        let owner = names_owners.then_some(&self.owner);
        lines.extend(self.keys.iter().map(|key| key_line(key, owner)));
        lines.push(String::new());
        if self.static_website == Some(StaticWebsite::Off) {
            let width = self.document_width();
            lines.push(format!("  {WARN}~{WARN:#} {:width$}  off → on", "static website"));
        }
        for document in &self.documents {
            let change = self.change_text(document);
            let (sign, style) = document.change.sign();
            let (width, path) = (self.document_width(), printable(&document.path));
            lines.push(format!("  {style}{sign}{style:#} {path:width$}  {change}"));
            if document.change == Change::Changed {
                lines.extend(document.lines.iter().map(|line| format!("      {}", printable(line))));
            }
        }
        lines.extend([String::new(), String::new()]);
        lines.join("\n")
    }

    /// The written documents; `None` if there are none.
    pub(super) fn written_text(&self) -> Option<String> {
        let written = self.documents.iter().filter(|document| document.change != Change::Unchanged);
        let written: Vec<_> = written.map(|document| printable(&document.path)).collect();
        (!written.is_empty()).then(|| format!("{STRONG}written{STRONG:#}  {}\n", written.join(", then ")))
    }

    /// The result, and the strings to configure if they are new.
    pub(super) fn end_text(&self, is_verbose: bool, is_talkative: bool) -> String {
        let mut lines = vec![self.verdict()];
        let is_new = self.documents.iter().any(|document| document.change == Change::Created);
        if self.stage == StageName::Published && is_talkative && (is_new || is_verbose) {
            lines.extend([
                String::new(),
                format!("{STRONG}kube-apiserver{STRONG:#}"),
                format!("  --service-account-issuer={}", self.kube_apiserver.service_account_issuer),
                format!("  --service-account-jwks-uri={}", self.kube_apiserver.service_account_jwks_uri),
            ]);
            if let Some(credential) = &self.federated_credential {
                lines.extend([
                    String::new(),
                    format!("{STRONG}federated credential{STRONG:#}"),
                    format!("  issuer    {}", credential.issuer),
                    format!("  audience  {}", credential.audience),
                ]);
            }
        }
        if let Some(api_server) = self.api_server.as_ref().filter(|api_server| !api_server.steps.is_empty()) {
            lines.push(String::new());
            lines.extend(api_server.change_lines());
        }
        lines.push(String::new());
        lines.join("\n")
    }

    /// The change of a document. For the JWKS, the number of keys before and after.
    fn change_text(&self, document: &Document) -> String {
        let keys = |count: usize| if count == 1 { "1 key".to_owned() } else { format!("{count} keys") };
        let before = self.keys.iter().filter(|key| key.state != KeyState::Added).count();
        match document.change {
            change if document.kind != DocumentKind::Jwks => change.text().to_owned(),
            Change::Created => keys(self.key_count),
            Change::Changed if before != self.key_count => format!("{} → {}", keys(before), keys(self.key_count)),
            change => change.text().to_owned(),
        }
    }

    fn document_width(&self) -> usize {
        self.documents.iter().map(|document| document.path.len()).max().unwrap_or_default()
    }

    fn verdict(&self) -> String {
        let done = match self.stage {
            StageName::Refused if self.written => {
                return format!("{BAD}refused{BAD:#}: another publisher changed the site");
            }
            StageName::Refused => return format!("{BAD}refused{BAD:#}: nothing was written"),
            StageName::Checked if self.changed => {
                return format!("{WARN}drift{WARN:#}: publishing would make the marked changes; nothing was written");
            }
            StageName::Checked if self.has_unknown_keys() => {
                return format!(
                    "{WARN}drift{WARN:#}: published keys are not in the retention record; nothing was written"
                );
            }
            StageName::Planned if self.changed => return format!("{WARN}planned{WARN:#}: nothing was written"),
            _ if self.changed => "published",
            _ => "unchanged",
        };
        match (&self.read_back_place, &self.mismatch) {
            (Some(place), _) => {
                let keys = if self.key_count == 1 { "key" } else { "keys" };
                let (place, count) = (printable(place), self.key_count);
                format!("{GOOD}{done}{GOOD:#}, and read back from {place}: {count} {keys}, issuer identical")
            }
            (_, Some(mismatch)) if mismatch.is_inconclusive() => {
                format!("{WARN}{done}{WARN:#}, but could not be read back")
            }
            (_, Some(_)) => format!("{BAD}{done}{BAD:#}, but the documents that were read back differ"),
            (None, None) => {
                let advice = if self.credential.is_some() {
                    "leave out --no-fetch-back to read them back"
                } else {
                    "pass --published URL to read them back"
                };
                format!("{GOOD}{done}{GOOD:#}; the documents were not read back: {advice}")
            }
        }
    }
}

impl Change {
    fn sign(self) -> (char, anstyle::Style) {
        match self {
            Self::Created => ('+', GOOD),
            Self::Changed => ('~', WARN),
            Self::Recorded | Self::Unchanged => ('=', FAINT),
        }
    }

    fn text(self) -> &'static str {
        match self {
            Self::Created => "new",
            Self::Changed => "changed",
            Self::Recorded => "unchanged, only its retention record changes",
            Self::Unchanged => "unchanged",
        }
    }
}

/// The line of a key, with its owners if the owner of this publish is given.
fn key_line(key: &PlannedKey, owner: Option<&Owner>) -> String {
    let since = key.retired_since.map(minute).unwrap_or_default();
    let is_own = owner.is_none_or(|owner| key.owners.iter().any(|other| other == owner.as_str()));
    let (sign, style, state) = match key.state {
        KeyState::Added => ("+", GOOD, "new".to_owned()),
        KeyState::Kept | KeyState::OfOthers => ("=", FAINT, "published".to_owned()),
        KeyState::Returned => ("=", FAINT, "published, no longer retired".to_owned()),
        KeyState::Left => {
            ("=", FAINT, format!("published, no longer of {}", owner.map(ToString::to_string).unwrap_or_default()))
        }
        KeyState::Retired if !is_own => ("=", FAINT, format!("retired {since}, stays until its owner prunes it")),
        KeyState::Retired => {
            let may =
                if key.due.is_some_and(|due| due <= Timestamp::now()) { "removable since" } else { "removable from" };
            ("=", WARN, format!("retired {since}, {may} {} (--prune)", key.due.map(minute).unwrap_or_default()))
        }
        KeyState::Unknown => ("?", BAD, "unknown: not in the retention record".to_owned()),
        KeyState::Removed => ("-", BAD, "removed by --remove".to_owned()),
        KeyState::RemovedUnknown => ("-", BAD, "removed by --remove-unknown".to_owned()),
        KeyState::Pruned => ("-", BAD, format!("removed by --prune, retired {since}")),
    };
    let kid = public(if key.kid.is_empty() { "(no kid)" } else { &key.kid });
    let key_type = key.key_type.as_ref().map_or("unknown", |key_type| &key_type.name);
    let owners = match owner {
        Some(_) if !key.owners.is_empty() => format!(", {}", owners_text(&key.owners)),
        _ => String::new(),
    };
    format!("  {style}{sign}{style:#} {kid:43}  {key_type:8}  {state}{owners}")
}
