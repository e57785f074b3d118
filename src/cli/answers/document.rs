use issuer::{DocumentKind, DocumentPath, PlannedDocument};
use serde::Serialize;
use serde_json::Value;

/// A document of the plan.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub(crate) struct Document {
    #[serde(skip)]
    pub(crate) kind: DocumentKind,
    /// The path on the site, without a leading slash.
    pub(crate) path: String,
    pub(crate) change: Change,
    /// The changes, one by one; empty if the document is new or unchanged.
    pub(crate) changes: Vec<DocumentChange>,
    /// The changes as text, without a change of the retention record.
    #[serde(skip)]
    pub(crate) lines: Vec<String>,
}

/// How publishing changes a document. `recorded` means that only the retention record stored with it changes.
#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub(crate) enum Change {
    Created,
    Changed,
    Recorded,
    Unchanged,
}

/// One change of a document.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
#[serde(untagged)]
pub(crate) enum DocumentChange {
    /// A key that is added to the JWKS.
    KeyAdded {
        #[cfg_attr(test, schemars(extend("const" = "keys")))]
        member: &'static str,
        /// The key ID; empty if the key has none.
        added: String,
    },
    /// A key that is removed from the JWKS.
    KeyRemoved {
        #[cfg_attr(test, schemars(extend("const" = "keys")))]
        member: &'static str,
        /// The key ID; empty if the key has none.
        removed: String,
    },
    /// A key of the JWKS that keeps its key ID and gets other members.
    KeyChanged {
        #[cfg_attr(test, schemars(extend("const" = "keys")))]
        member: &'static str,
        /// The key ID; empty if the key has none.
        changed: String,
    },
    /// The order of the keys in the JWKS, or the removal of duplicates.
    KeyOrder {
        #[cfg_attr(test, schemars(extend("const" = "keys")))]
        member: &'static str,
    },
    /// A member of the document.
    Member {
        /// The name of the member.
        member: String,
        /// The value that is published; null if the member is absent.
        from: Option<Value>,
        /// The new value; null if the member is removed.
        to: Option<Value>,
    },
    /// A header that the document is served with.
    Header {
        /// The name of the header, in lower case.
        header: &'static str,
        /// The value that is published; null if the header is absent.
        from: Option<String>,
        /// The new value; null if the header is removed.
        to: Option<String>,
    },
    /// The retention record that is stored with the document.
    Record {
        #[cfg_attr(test, schemars(extend("const" = true)))]
        record: bool,
    },
    /// A change of the bytes alone, or of a document that cannot be parsed.
    Form {
        /// The change, a clause.
        form: String,
    },
}

impl From<issuer::Change> for Change {
    fn from(change: issuer::Change) -> Self {
        match change {
            issuer::Change::Created => Self::Created,
            issuer::Change::Changed => Self::Changed,
            issuer::Change::Recorded => Self::Recorded,
            issuer::Change::Unchanged => Self::Unchanged,
        }
    }
}

impl From<&issuer::DocumentChange> for DocumentChange {
    fn from(change: &issuer::DocumentChange) -> Self {
        use issuer::DocumentChange as From;
        let member = "keys";
        match change.clone() {
            From::KeyAdded(added) => Self::KeyAdded { member, added },
            From::KeyRemoved(removed) => Self::KeyRemoved { member, removed },
            From::KeyChanged(changed) => Self::KeyChanged { member, changed },
            From::KeyOrder => Self::KeyOrder { member },
            From::Member { name, from, to } => Self::Member { member: name, from, to },
            From::Header { name, from, to } => Self::Header { header: name, from, to },
            From::Record => Self::Record { record: true },
            other => Self::Form { form: other.to_string() },
        }
    }
}

impl From<&PlannedDocument> for Document {
    fn from(document: &PlannedDocument) -> Self {
        let shown = document.changes.iter().filter(|change| **change != issuer::DocumentChange::Record);
        Self {
            kind: document.kind,
            path: DocumentPath::as_str(&document.path).to_owned(),
            change: document.change.into(),
            lines: shown.map(ToString::to_string).collect(),
            changes: document.changes.iter().map(DocumentChange::from).collect(),
        }
    }
}
