use issuer::Timestamp;

use super::{
    answer::{Answer, StoredKey},
    api_server::ComparedApiServer,
};
use crate::cli::{
    answers::{Key, MismatchKind, StaticWebsite, has_named, owners_text},
    clean::printable,
    output::{BAD, FAINT, GOOD, STRONG, WARN, minute},
};

impl Answer {
    pub(super) fn to_text(&self) -> String {
        let mut lines = vec![format!("{STRONG}issuer{STRONG:#}   {}", self.issuer)];
        if let Some(stored) = &self.stored {
            let who = stored.credential.as_ref().map(|who| format!(", as {}", printable(who))).unwrap_or_default();
            lines.push(format!("{STRONG}site{STRONG:#}     {}{who}", printable(&stored.site)));
        }
        if let Some(website) = self.website() {
            let style = if website == StaticWebsite::Off { BAD } else { anstyle::Style::new() };
            lines.push(format!("{STRONG}website{STRONG:#}  {style}{}{style:#}", website.name()));
        }
        lines.push(String::new());
        match (&self.stored, &self.public) {
            (Some(stored), _) => {
                let names_owners = has_named(stored.keys.iter().map(|key| &key.owners));
                lines.extend(stored.keys.iter().map(|key| stored_key_line(key, names_owners)));
            }
            (None, Some(public)) => lines.extend(public.keys.iter().flatten().map(|key| key_line(key, ""))),
            (None, None) => {}
        }
        if lines.last().is_some_and(|line| !line.is_empty()) {
            lines.push(String::new());
        }
        if let Some(api_server) = &self.api_server {
            lines.extend(api_server.table(&self.issuer, self.stored.is_some(), self.public.is_some()));
            lines.push(String::new());
        }
        lines.push(format!("{STRONG}public{STRONG:#}   {}", self.public_line()));
        if let Some(ComparedApiServer { api_server, .. }) = &self.api_server {
            lines.push(format!("{STRONG}cluster{STRONG:#}  {}", printable(&api_server.server)));
            if !api_server.steps.is_empty() {
                lines.push(String::new());
                lines.extend(api_server.change_lines());
            }
        }
        lines.push(String::new());
        lines.join("\n")
    }

    fn public_line(&self) -> String {
        let Some(public) = &self.public else {
            return "not read; pass --published URL to read them".to_owned();
        };
        let from = printable(&public.from);
        if let Some(mismatch) = &public.mismatch {
            return match mismatch.kind {
                MismatchKind::Unreadable => format!("{WARN}cannot be read{WARN:#} at {from}"),
                MismatchKind::Unusable => format!("{BAD}not usable{BAD:#} at {from}"),
                MismatchKind::Different => format!("{BAD}differs from the stored documents{BAD:#} at {from}"),
            };
        }
        let count = match public.keys.as_ref().map_or(0, Vec::len) {
            1 => "1 key".to_owned(),
            count => format!("{count} keys"),
        };
        let is_compared = self.stored.as_ref().is_some_and(|stored| stored.is_readable);
        let same = if is_compared { "identical to the stored documents, " } else { "" };
        format!("{GOOD}ok{GOOD:#}, {same}{count} at {from}")
    }
}

fn stored_key_line(key: &StoredKey, names_owners: bool) -> String {
    let published = match key.published_since {
        Some(since) => format!("published {}", minute(since)),
        None if !key.known => format!("{WARN}unknown{WARN:#}: not in the retention record"),
        None => "published by another tool".to_owned(),
    };
    let retired = match (key.retired_since, key.due) {
        (Some(since), Some(due)) => {
            let may = if due <= Timestamp::now() { "removable since" } else { "removable from" };
            format!(", {WARN}retired {}{WARN:#}, {may} {} (--prune)", minute(since), minute(due))
        }
        _ => String::new(),
    };
    let owners =
        if names_owners && !key.owners.is_empty() { format!(", {}", owners_text(&key.owners)) } else { String::new() };
    key_line(&key.key, &format!("{published}{retired}{owners}"))
}

fn key_line(key: &Key, rest: &str) -> String {
    let kid = key.kid.as_deref().filter(|kid| !kid.is_empty()).unwrap_or("(no kid)");
    let key_type = match &key.key_type {
        Some(key_type) => key_type.name.clone(),
        None => format!("{FAINT}unknown{FAINT:#}"),
    };
    format!("  {:43}  {key_type:8}  {rest}", printable(kid)).trim_end().to_owned()
}
