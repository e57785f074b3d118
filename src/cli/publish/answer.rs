use issuer::{
    Change, DesiredState, DocumentChange, DropReason, Hint, KeyState, Location, Mismatch, PlannedDocument, PlannedKey,
    RelyingParty, TOKEN_EXCHANGE_AUDIENCE, Timestamp, site::Hosting,
};
use serde_json::{Value, json};

use super::{Outcome, ReadBack, Stage};
use crate::cli::{
    Exit,
    clean::{printable, public},
    output::{BAD, FAINT, GOOD, STRONG, WARN, minute},
    values,
};

/// The plan, what became of it, and how both print.
pub(super) struct Answer {
    pub(super) desired: DesiredState,
    pub(super) outcome: Outcome,
}

impl Answer {
    pub(super) fn exit(&self, check: bool) -> Exit {
        match (&self.outcome.stage, self.proof()) {
            // A fault that is known is the answer, whatever could not be read.
            (Stage::Planned { .. }, _) if check && self.outcome.plan.is_drift() => Exit::No,
            (_, Some(Err(mismatch))) if mismatch.is_inconclusive() => Exit::Incomplete,
            (Stage::Refused { .. }, _) | (_, Some(Err(_))) => Exit::No,
            _ => Exit::Yes,
        }
    }

    pub(super) fn proof(&self) -> Option<&Result<ReadBack, Mismatch>> {
        match &self.outcome.stage {
            Stage::Refused { .. } => None,
            Stage::Planned { proof, .. } | Stage::Published { proof } => proof.as_ref(),
        }
    }

    /// Whether this run changed the site.
    pub(super) fn was_written(&self) -> bool {
        match &self.outcome.stage {
            Stage::Refused { written } => *written,
            Stage::Planned { .. } => false,
            Stage::Published { .. } => !self.outcome.plan.is_unchanged(),
        }
    }

    /// What happened to the documents, after `what` or `the documents`.
    pub(super) fn deed(&self) -> &'static str {
        if self.was_written() { "was written" } else { "is on the site" }
    }

    /// What would be, or will be, done.
    pub(super) fn plan_text(&self) -> String {
        let mut lines = vec![
            format!("{STRONG}issuer{STRONG:#}   {}", self.desired.issuer),
            format!("{STRONG}site{STRONG:#}     {}{}", printable(&self.outcome.site), self.credential()),
            String::new(),
        ];
        lines.extend(self.outcome.plan.keys.iter().map(key_line));
        lines.push(String::new());
        if self.outcome.plan.hosting == Hosting::Off {
            let width = self.document_width();
            lines.push(format!("  {WARN}~{WARN:#} {:width$}  off → on", "static website"));
        }
        for document in [&self.outcome.plan.jwks, &self.outcome.plan.discovery] {
            lines.push(self.document_line(document));
            if document.change == Change::Changed {
                let changes = document.changes.iter().filter(|change| **change != DocumentChange::Record);
                lines.extend(changes.map(|change| format!("      {}", printable(&change.to_string()))));
            }
        }
        lines.extend([String::new(), String::new()]);
        lines.join("\n")
    }

    /// Which documents were written; `None` where none was.
    pub(super) fn written_text(&self) -> Option<String> {
        let documents = [&self.outcome.plan.jwks, &self.outcome.plan.discovery];
        let written = documents.into_iter().filter(|document| document.change != Change::Unchanged);
        let written: Vec<_> = written.map(|document| printable(document.path.as_str())).collect();
        (!written.is_empty()).then(|| format!("{STRONG}written{STRONG:#}  {}\n", written.join(", then ")))
    }

    /// How it ended, and the strings to configure where they are new.
    pub(super) fn end_text(&self, is_verbose: bool, is_talkative: bool) -> String {
        let mut lines = vec![self.verdict()];
        let documents = [&self.outcome.plan.jwks, &self.outcome.plan.discovery];
        let is_new = documents.iter().any(|document| document.change == Change::Created);
        if matches!(self.outcome.stage, Stage::Published { .. }) && is_talkative && (is_new || is_verbose) {
            let issuer = self.desired.issuer.as_str();
            lines.extend([
                String::new(),
                format!("{STRONG}kube-apiserver{STRONG:#}"),
                format!("  --service-account-issuer={issuer}"),
                format!("  --service-account-jwks-uri={}", self.desired.issuer.jwks_uri()),
            ]);
            if self.desired.relying_party == RelyingParty::Entra {
                lines.extend([
                    String::new(),
                    format!("{STRONG}federated credential{STRONG:#}"),
                    format!("  issuer    {issuer}"),
                    format!("  audience  {TOKEN_EXCHANGE_AUDIENCE}"),
                ]);
            }
        }
        lines.push(String::new());
        lines.join("\n")
    }

    fn document_line(&self, document: &PlannedDocument) -> String {
        let (sign, style, change) = match document.change {
            Change::Created => ("+", GOOD, "new"),
            Change::Changed => ("~", WARN, "changed"),
            Change::Recorded => ("=", FAINT, "unchanged, its record is updated"),
            Change::Unchanged => ("=", FAINT, "unchanged"),
        };
        let keys = |count: usize| if count == 1 { "1 key".to_owned() } else { format!("{count} keys") };
        let is_key_set = document.path == self.outcome.plan.jwks.path;
        let change = match document.change {
            Change::Created if is_key_set => keys(self.outcome.plan.documents.jwks.keys.len()),
            Change::Changed if is_key_set => {
                let before = self.outcome.plan.keys.iter().filter(|key| key.state != KeyState::Added).count();
                let after = self.outcome.plan.documents.jwks.keys.len();
                let counts = format!("{} → {}", keys(before), keys(after));
                if before == after { "changed".to_owned() } else { counts }
            }
            _ => change.to_owned(),
        };
        let width = self.document_width();
        format!("  {style}{sign}{style:#} {:width$}  {change}", printable(document.path.as_str()))
    }

    /// Where the documents were read back, as a URL or directory.
    fn address<'a>(&'a self, place: &'a str) -> &'a str {
        if place == Location::Issuer.to_string() { self.desired.issuer.as_str() } else { place }
    }

    fn document_width(&self) -> usize {
        self.outcome.plan.jwks.path.as_str().len().max(self.outcome.plan.discovery.path.as_str().len())
    }

    /// Who we are at the site, as the end of its line.
    fn credential(&self) -> String {
        self.outcome.credential.as_ref().map(|who| format!(", as {}", printable(who))).unwrap_or_default()
    }

    fn verdict(&self) -> String {
        let unchanged = self.outcome.plan.is_unchanged();
        let done = match &self.outcome.stage {
            Stage::Refused { written: false } => return format!("{BAD}refused{BAD:#}: nothing was written"),
            Stage::Refused { written: true } => return format!("{BAD}refused{BAD:#}: others published meanwhile"),
            Stage::Planned { check: true, .. } if !unchanged => {
                return format!("{WARN}drift{WARN:#}: publishing would change what is marked; nothing was written");
            }
            Stage::Planned { check: true, .. } if self.outcome.plan.has_unknown_keys() => {
                return format!(
                    "{WARN}drift{WARN:#}: keys are published that the retention record does not know; nothing was written"
                );
            }
            Stage::Planned { .. } if !unchanged => return format!("{WARN}planned{WARN:#}: nothing was written"),
            _ if unchanged => "unchanged",
            _ => "published",
        };
        match self.proof() {
            None => {
                let advice = if self.outcome.credential.is_some() {
                    "leave out --no-fetch-back"
                } else {
                    "pass --published URL to read it back"
                };
                format!("{GOOD}{done}{GOOD:#}; nothing was proven from outside: {advice}")
            }
            Some(Ok(ReadBack { place, .. })) => {
                let count = self.outcome.plan.documents.jwks.keys.len();
                let keys = if count == 1 { "key" } else { "keys" };
                let place = printable(place);
                format!("{GOOD}{done}{GOOD:#}, and read back from {place}: {count} {keys}, issuer identical")
            }
            Some(Err(mismatch)) if mismatch.is_inconclusive() => {
                format!("{WARN}{done}{WARN:#}, and it could not be read back")
            }
            Some(Err(_)) => format!("{BAD}{done}{BAD:#}, and what is read back is something else"),
        }
    }

    pub(super) fn to_json(&self) -> Value {
        let (read_back, mismatch) = match self.proof() {
            Some(Ok(read_back)) => (Some(read_back), None),
            Some(Err(mismatch)) => (None, Some(mismatch)),
            None => (None, None),
        };
        let cautions = read_back.map(|read_back| read_back.warnings.as_slice()).unwrap_or_default();
        let cautions = cautions.iter().map(|warning| values::caution(warning, self.desired.relying_party));
        let of_site = self.outcome.site_warnings.iter().map(ToString::to_string);
        let warnings = self.outcome.plan.warnings.iter().map(ToString::to_string).chain(of_site).chain(cautions);
        let federated_credential = (self.desired.relying_party == RelyingParty::Entra)
            .then(|| json!({ "issuer": self.desired.issuer.as_str(), "audience": TOKEN_EXCHANGE_AUDIENCE }));
        let issuer = self.desired.issuer.as_str();
        json!({
            "issuer": issuer,
            "site": self.outcome.site,
            "credential": self.outcome.credential,
            "static_website": values::website(&self.outcome.plan.hosting),
            "changed": !self.outcome.plan.is_unchanged(),
            "written": self.was_written(),
            "read_back_from": read_back.map(|read_back| self.address(&read_back.place)),
            "mismatch": mismatch.map(|mismatch| values::mismatch_json(mismatch, self.desired.relying_party)),
            "keys": self.outcome.plan.keys.iter().map(key_json).collect::<Vec<_>>(),
            "documents": [document_json(&self.outcome.plan.jwks), document_json(&self.outcome.plan.discovery)],
            "refusals": self.outcome.plan.refusals.iter().map(|refusal| json!({
                "message": refusal.to_string(),
                "hint": refusal.hint(),
            })).collect::<Vec<_>>(),
            "warnings": warnings.collect::<Vec<_>>(),
            "kube_apiserver": {
                "service-account-issuer": issuer,
                "service-account-jwks-uri": self.desired.issuer.jwks_uri().as_str(),
            },
            "federated_credential": federated_credential,
        })
    }
}

fn key_line(key: &PlannedKey) -> String {
    let (sign, style, state) = match key.state {
        KeyState::Added => ("+", GOOD, "new".to_owned()),
        KeyState::Kept => ("=", FAINT, "published".to_owned()),
        KeyState::Returned => ("=", FAINT, "published, no longer retired".to_owned()),
        KeyState::Retired { since, due } => {
            let (since, when) = (minute(since), minute(due));
            let may = if due <= Timestamp::now() { "due since" } else { "may go from" };
            ("=", WARN, format!("retired {since}, {may} {when} (--prune)"))
        }
        KeyState::Unknown => ("?", BAD, "unknown: not in the retention record".to_owned()),
        KeyState::Dropped(DropReason::Removed) => ("-", BAD, "dropped, as --remove asks".to_owned()),
        KeyState::Dropped(DropReason::Unknown) => ("-", BAD, "dropped, as --remove-unknown asks".to_owned()),
        KeyState::Dropped(DropReason::Pruned { since }) => ("-", BAD, format!("dropped, retired {}", minute(since))),
    };
    let kid = public(if key.kid().is_empty() { "(no kid)" } else { key.kid() });
    let kind = key.jwk.key().map_or_else(|_| "unknown".to_owned(), ToString::to_string);
    format!("  {style}{sign}{style:#} {kid:43}  {kind:8}  {state}")
}

fn key_json(key: &PlannedKey) -> Value {
    let mut value = json!({ "kid": key.kid() });
    if let Ok(public) = key.jwk.key() {
        value["type"] = json!(public.to_string());
        value["alg"] = json!(public.algorithm().name());
    }
    let (state, since) = match key.state {
        KeyState::Added => ("added", None),
        KeyState::Kept => ("kept", None),
        KeyState::Returned => ("returned", None),
        KeyState::Retired { since, due } => {
            value["due"] = json!(due.to_string());
            ("retired", Some(since))
        }
        KeyState::Unknown => ("unknown", None),
        KeyState::Dropped(DropReason::Removed) => ("removed", None),
        KeyState::Dropped(DropReason::Unknown) => ("removed_unknown", None),
        KeyState::Dropped(DropReason::Pruned { since }) => ("pruned", Some(since)),
    };
    value["state"] = json!(state);
    if let Some(since) = since {
        value["retired_since"] = json!(since.to_string());
    }
    value
}

fn document_json(document: &PlannedDocument) -> Value {
    let change = match document.change {
        Change::Created => "created",
        Change::Changed => "changed",
        Change::Recorded => "recorded",
        Change::Unchanged => "unchanged",
    };
    let changes: Vec<_> = document.changes.iter().map(change_json).collect();
    json!({ "path": document.path.as_str(), "change": change, "changes": changes })
}

fn change_json(change: &DocumentChange) -> Value {
    match change {
        DocumentChange::KeyAdded(kid) => json!({ "member": "keys", "added": kid }),
        DocumentChange::KeyRemoved(kid) => json!({ "member": "keys", "removed": kid }),
        DocumentChange::KeyChanged(kid) => json!({ "member": "keys", "changed": kid }),
        DocumentChange::KeyOrder => json!({ "member": "keys" }),
        DocumentChange::Member { name, from, to } => json!({ "member": name, "from": from, "to": to }),
        DocumentChange::Header { name, from, to } => json!({ "header": name, "from": from, "to": to }),
        DocumentChange::Record => json!({ "record": true }),
        other => json!({ "form": other.to_string() }),
    }
}
