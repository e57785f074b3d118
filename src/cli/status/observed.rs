use issuer::{
    Documents, Hint, IssuerUrl, Jwk, Location, Mismatch, Owner, PublishedIssuer, Refusal, RelyingParty, RetentionError,
    SiteFault, SiteStatus, TrustedIssuer, VerifyWarning, compare, published_documents,
    site::{Site, SiteWarning},
};

use crate::cli::{api_server::WithKeys, site::OpenSite};

/// The documents on the site and those that relying parties fetch.
pub(super) struct Observed {
    pub(super) issuer: IssuerUrl,
    pub(super) site: Option<StoredSide>,
    pub(super) public: Option<PublicSide>,
    pub(super) relying_party: RelyingParty,
    /// The API server, and the owner of its keys.
    pub(super) api_server: Option<(WithKeys, Owner)>,
}

pub(super) struct StoredSide {
    pub(super) name: String,
    pub(super) credential: Option<String>,
    pub(super) status: SiteStatus,
    /// Why every token is rejected with these documents, although they exist and can be parsed.
    pub(super) refusal: Option<Refusal>,
    /// Permissions that let other users change the documents.
    pub(super) warnings: Vec<SiteWarning>,
}

/// The documents that relying parties fetch.
pub(super) struct PublicSide {
    /// A URL or directory.
    pub(super) from: String,
    pub(super) keys: Result<Vec<Jwk>, Mismatch>,
    pub(super) warnings: Vec<VerifyWarning>,
}

impl StoredSide {
    pub(super) fn new(site: &OpenSite, issuer: &IssuerUrl, status: SiteStatus, relying_party: RelyingParty) -> Self {
        let judge = |documents| TrustedIssuer::new(documents).and_then(|trusted| trusted.judge(relying_party));
        let refusal = status.documents.as_ref().and_then(|documents| judge(documents).err());
        let warnings = site.warnings(&[issuer.jwks_path(), issuer.discovery_path()]);
        Self { name: site.name(), credential: site.credential(), status, refusal, warnings }
    }

    pub(super) fn faults(&self) -> Vec<String> {
        // Faults that make relying parties reject tokens come first.
        let (recorded, documents): (Vec<_>, Vec<_>) = self.status.faults.iter().partition(|fault| is_of_record(fault));
        let text = |faults: Vec<&SiteFault>| faults.into_iter().map(ToString::to_string).collect::<Vec<_>>();
        let refusal = self.refusal.iter().map(ToString::to_string).collect();
        [text(documents), refusal, text(recorded)].concat()
    }

    pub(super) fn fix(&self) -> String {
        if let Some(refusal) = &self.refusal {
            return refusal.hint().unwrap_or_default();
        }
        let other = |fault: &SiteFault| match fault {
            SiteFault::Issuer { seen, .. } => Some(seen.clone()),
            _ => None,
        };
        if let Some(seen) = self.status.faults.iter().find_map(other) {
            // The hint is a shell command, and another party wrote the document: show plain URLs only (command injection).
            let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/%".contains(&byte);
            let is_shown = seen.parse::<IssuerUrl>().is_ok() && seen.bytes().all(is_plain);
            let seen = if is_shown { seen } else { "URL".to_owned() };
            return format!(
                "pass the issuer that is published there: --issuer {seen}; or publish yours at its own path"
            );
        }
        let has_unknown = self.status.faults.iter().any(|fault| matches!(fault, SiteFault::UnknownKey(_)));
        if has_unknown && self.status.faults.iter().all(is_of_record) {
            return "publish the API server's keys, which adds them to the record: issuer publish sa.pub; for keys that stay unknown add --adopt KID or --remove-unknown".to_owned();
        }
        let unreadable_record = self.status.faults.iter().find_map(|fault| match fault {
            SiteFault::RecordUnreadable(error) => Some(error),
            _ => None,
        });
        let shared = match unreadable_record {
            Some(RetentionError::Version(_)) => return "use the version of issuer that published last".to_owned(),
            Some(_) => "; if several clusters share the issuer, publish for each with its --owner",
            None => "",
        };
        let is_unreadable = |fault: &SiteFault| matches!(fault, SiteFault::Unreadable { .. });
        let replace = if self.status.faults.iter().any(is_unreadable) { " --replace-unreadable" } else { "" };
        format!("publish the documents again, to the same site and issuer: issuer publish sa.pub{replace}{shared}")
    }
}

/// Whether a fault is of the retention record alone, which relying parties do not read.
fn is_of_record(fault: &SiteFault) -> bool {
    matches!(fault, SiteFault::RecordUnreadable(_) | SiteFault::RecordTimes | SiteFault::UnknownKey(_))
}

impl PublicSide {
    /// Checks the fetched documents, and compares them with the stored ones.
    pub(super) fn new(
        issuer: &IssuerUrl,
        location: &Location,
        published: &PublishedIssuer,
        stored: Option<&Documents>,
        relying_party: RelyingParty,
    ) -> Self {
        let from = if *location == Location::Issuer { issuer.to_string() } else { location.to_string() };
        let same = stored.map_or(Ok(()), |documents| compare(documents, published, relying_party));
        let read = published_documents(issuer, published, relying_party);
        let keys = same.and(read).map(|documents| documents.jwks.keys);
        let warnings = TrustedIssuer::from_published(issuer.clone(), published).warnings().to_vec();
        Self { from, keys, warnings }
    }
}
