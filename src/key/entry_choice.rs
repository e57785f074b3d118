//! Chooses the service account keys among the entries of Secrets and other documents: the entries that the caller
//! names, else those with the name of a service account key, else the only key.

use std::collections::{BTreeSet, HashSet};

use super::{
    CertificatePurpose, KeyError, KeyReader, Note, OtherDocument, Place, PublicKey, SkipReason,
    key_reader::Skipped,
    manifest::{Document, Manifest},
    place::Step,
};

/// Words in the names of documents and entries with keys of other programs: `github-app`, `ssh-deploy-key`.
const FOREIGN: [&str; 8] = ["acme", "etcd", "github", "gitlab", "ingress", "letsencrypt", "ssh", "webhook"];

/// The entries that the caller requests, and those of them that were found.
#[derive(Debug, Default)]
pub(super) struct ChosenEntries {
    names: Vec<String>,
    found: BTreeSet<String>,
    /// Every entry of the inputs, for the error.
    there: BTreeSet<String>,
}

impl ChosenEntries {
    pub(super) fn new(names: impl IntoIterator<Item = String>) -> Self {
        Self { names: names.into_iter().collect(), ..Self::default() }
    }

    pub(super) fn is_some(&self) -> bool {
        !self.names.is_empty()
    }

    /// Whether an entry is requested, as `entry` or as `document/entry`.
    fn takes(&mut self, document: Option<&str>, entry: &str) -> bool {
        self.there.insert(document.map_or_else(|| entry.to_owned(), |document| format!("{document}/{entry}")));
        let is_named = |name: &&String| {
            let whole = document.is_some_and(|document| {
                name.strip_prefix(document).is_some_and(|rest| rest.strip_prefix('/') == Some(entry))
            });
            *name == entry || whole
        };
        let named: Vec<_> = self.names.iter().filter(is_named).cloned().collect();
        let takes = !named.is_empty();
        self.found.extend(named);
        takes
    }

    /// # Errors
    ///
    /// [`KeyError::NoEntry`] for the first requested entry that no input has.
    pub(super) fn all_found(&self) -> Result<(), KeyError> {
        match self.names.iter().find(|name| !self.found.contains(*name)) {
            Some(entry) => Err(KeyError::NoEntry { entry: entry.clone(), there: self.there.iter().cloned().collect() }),
            None => Ok(()),
        }
    }
}

/// An entry that holds keys.
struct Candidate {
    /// For example `prod-1-sa/tls.crt` or `sa.pub`.
    name: String,
    place: Place,
    keys: Vec<(PublicKey, Place)>,
    notes: Vec<Note>,
    /// The purpose of its certificate, if the certificate states one.
    purpose: Option<CertificatePurpose>,
    /// The evidence that it is a service account key.
    claim: Claim,
    /// Whether its name is that of another kind of key.
    is_other: bool,
}

/// The maximum depth of documents inside entries of other documents.
const DEPTH_MAX: usize = 8;

/// The evidence that an entry is a service account key.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Claim {
    /// The name of the entry, or the choice of the caller.
    Entry,
    /// The name of the document. The key may still belong to a certificate in the same document.
    Document,
    None,
}

/// The entries of documents that hold keys.
#[derive(Default)]
struct Entries {
    candidates: Vec<Candidate>,
    /// The keys of certificate authorities (`ca.crt`), each with the name of its entry.
    authorities: Vec<(Vec<PublicKey>, String)>,
    /// The first document that cannot be read. It may hold the service account keys.
    unreadable: Option<KeyError>,
    /// The first entry that should hold a key and cannot be read. It is an error if no other entry holds a key.
    broken: Option<KeyError>,
}

impl Candidate {
    fn holds_all_of(&self, other: &Self) -> bool {
        other.keys.iter().all(|(key, _)| self.keys.iter().any(|(own, _)| own == key))
    }
}

impl KeyReader {
    /// Reads the service account keys of documents with entries.
    pub(super) fn read_documents(
        &mut self,
        at: &Place,
        documents: Vec<Document>,
        skipped: &mut Skipped,
    ) -> Result<(), KeyError> {
        if self.depth > DEPTH_MAX {
            let because = format!("documents are nested more than {DEPTH_MAX} levels deep");
            return Err(KeyError::Input { input: at.to_string(), because });
        }
        let single = documents.len() == 1;
        let mut entries = Entries::default();
        for (index, document) in documents.into_iter().enumerate() {
            let place = |step: Step| if single { at.clone() } else { at.step(step) };
            match document {
                Document::Manifest(manifest) => {
                    self.read_entries(at, manifest, single, &mut entries, skipped)?;
                }
                Document::Other(other) => {
                    let what = ("document", other.to_string());
                    let step = match &other {
                        OtherDocument::Manifest(kind) => Step::Manifest(kind.clone()),
                        _ => Step::Document(index + 1),
                    };
                    self.skip(place(step), SkipReason::Document(other), what, skipped);
                }
                Document::Unreadable(because) if single => {
                    return Err(KeyError::Input { input: at.to_string(), because });
                }
                Document::Unreadable(because) => {
                    let what = ("document", (index + 1).to_string());
                    let at = place(Step::Document(index + 1));
                    let input = at.to_string();
                    entries.unreadable.get_or_insert(KeyError::Input { input, because: because.clone() });
                    self.skip(at, SkipReason::Unreadable(because), what, skipped);
                }
            }
        }
        match entries.broken.take() {
            Some(error) if entries.candidates.is_empty() => Err(error),
            _ => self.choose(at, entries, skipped),
        }
    }

    /// Reads each entry on its own; entries without a key are skipped and noted.
    fn read_entries(
        &mut self,
        at: &Place,
        manifest: Manifest,
        single: bool,
        entries: &mut Entries,
        skipped: &mut Skipped,
    ) -> Result<(), KeyError> {
        let at = match &manifest.name {
            Some(name) if !single => at.step(Step::Object(manifest.kind, name.clone())),
            _ => at.clone(),
        };
        let full_name = |entry: &str| match &manifest.name {
            Some(document) if !single => format!("{document}/{entry}"),
            _ => entry.to_owned(),
        };
        let document = manifest.name.as_deref().unwrap_or_default();
        let document_is_of_authority = document.rsplit('-').next() == Some("ca");
        let document_is_of_others = words(document).iter().any(|word| FOREIGN.contains(&word.as_str()));
        let document_says_so = manifest.is_keyset || manifest.name.as_deref().is_some_and(is_of_service_accounts);
        for entry in manifest.entries {
            let is_chosen = self.chosen.takes(manifest.name.as_deref(), &entry.name);
            if self.chosen.is_some() && !is_chosen {
                continue;
            }
            let what = ("entry", entry.name.clone());
            let place = at.step(Step::Entry(entry.name.clone()));
            let entry_says_so = is_chosen || names_service_accounts(&entry.name);
            let bytes = match entry.bytes {
                Ok(bytes) => bytes,
                Err(reason) => {
                    let error = || KeyError::Input { input: place.to_string(), because: reason.to_string() };
                    if reason == SkipReason::Base64 && (is_chosen || entries.broken.is_none()) {
                        entries.broken = Some(error());
                    }
                    self.skip(place, reason, what, skipped);
                    continue;
                }
            };
            let mut reader = Self { depth: self.depth + 1, ..Self::default() };
            let is_of_authority = is_of_authority(&entry.name) || is_named_ca_crt(&entry.name);
            if (is_of_authority || document_is_of_authority) && !entry_says_so && !is_chosen {
                // A CA certificate without extensions does not state its purpose; remember its key, so that it is
                // skipped as well.
                let _ = reader.read_bytes(&place, &bytes, &mut Skipped::new(), true);
                let keys = reader.found.into_iter().map(|(key, _)| key).collect();
                entries.authorities.push((keys, stem(&full_name(&entry.name)).to_owned()));
                self.skip(place, SkipReason::Authority, what, skipped);
                continue;
            }
            let mut inner = Skipped::new();
            match reader.read_bytes(&place, &bytes, &mut inner, true) {
                Ok(_) if reader.found.is_empty() => {
                    // The kind of the document is a better reason than "it holds no key".
                    let reason = reader.notes.iter().find_map(Note::document).cloned();
                    self.skip(place, reason.map_or(SkipReason::NoKey, SkipReason::Document), what, skipped);
                    continue;
                }
                Ok(_) => {}
                Err(error @ (KeyError::Key { .. } | KeyError::Ambiguous { .. }))
                    if entry_says_so || manifest.is_keyset =>
                {
                    return Err(error);
                }
                Err(error) => {
                    // Secrets often hold a template or a kubeconfig besides the keys.
                    if matches!(error, KeyError::Key { .. }) && entries.broken.is_none() {
                        entries.broken = Some(error);
                    }
                    self.skip(place, SkipReason::NoKey, what, skipped);
                    continue;
                }
            }
            let name = full_name(&entry.name);
            let is_unnamed_keyset = manifest.kind == "Keyset" && !manifest.is_keyset;
            let Self { found, notes, certificates, .. } = reader;
            let is_alone = found.len() == 1;
            let (of_certificates, mut other_notes): (Vec<_>, Vec<_>) =
                notes.into_iter().partition(|note| matches!(note, Note::Certificate { .. }));
            // Bare keys of an entry form one candidate; each certificate is a candidate of its own.
            let (certified, bare): (Vec<_>, Vec<_>) =
                found.into_iter().partition(|(_, at)| certificates.iter().any(|(place, _)| place == at));
            if !bare.is_empty() {
                let claim = match () {
                    () if entry_says_so => Claim::Entry,
                    () if document_says_so => Claim::Document,
                    () => Claim::None,
                };
                let is_other = is_of_others(&entry.name) || document_is_of_others;
                entries.candidates.push(Candidate {
                    name: name.clone(),
                    place: place.clone(),
                    keys: bare,
                    notes: std::mem::take(&mut other_notes),
                    purpose: None,
                    claim,
                    is_other: is_other && claim == Claim::None,
                });
            }
            for (key, at) in certified {
                let purpose = certificates.iter().find(|(place, _)| *place == at);
                let mut purpose = purpose.map(|(_, purpose)| purpose.clone()).unwrap_or_default();
                let names_the_key = purpose.common_name.as_deref().is_some_and(names_the_key);
                // A CA certificate without extensions does not state its purpose.
                purpose.authority |= (is_of_authority || is_unnamed_keyset) && !names_the_key;
                let is_in_keyset = manifest.is_keyset && !purpose.server && !purpose.client;
                let claim = match () {
                    () if is_chosen || is_in_keyset => Claim::Entry,
                    () if names_the_key && (entry_says_so || document_says_so || is_unnamed_keyset) => Claim::Entry,
                    () if purpose.is_stated() => Claim::None,
                    () if entry_says_so => Claim::Entry,
                    () if document_says_so => Claim::Document,
                    () => Claim::None,
                };
                let mut notes = std::mem::take(&mut other_notes);
                let own = of_certificates
                    .iter()
                    .filter(|note| matches!(note, Note::Certificate { place, .. } if *place == at));
                notes.extend(own.cloned());
                entries.candidates.push(Candidate {
                    name: name.clone(),
                    place: if is_alone { place.clone() } else { at.clone() },
                    keys: vec![(key, at)],
                    notes,
                    purpose: Some(purpose).filter(CertificatePurpose::is_stated),
                    claim,
                    is_other: (is_of_others(&entry.name) || document_is_of_others) && claim == Claim::None,
                });
            }
        }
        Ok(())
    }

    /// Keeps the candidates that are service account keys, and reports the others.
    fn choose(&mut self, at: &Place, entries: Entries, skipped: &mut Skipped) -> Result<(), KeyError> {
        let Entries { candidates, authorities, unreadable, .. } = entries;
        // The keys of certificates with another purpose: such a key may also have an entry of its own.
        let authority = CertificatePurpose { authority: true, ..CertificatePurpose::default() };
        let mut others: Vec<_> = authorities.into_iter().map(|(keys, stem)| (keys, stem, authority.clone())).collect();
        others.extend(candidates.iter().filter(|candidate| candidate.claim == Claim::None).filter_map(|candidate| {
            let keys = candidate.keys.iter().map(|(key, _)| key.clone()).collect();
            Some((keys, stem(&candidate.name).to_owned(), candidate.purpose.clone()?))
        }));
        let of_certificate = |candidate: &Candidate| {
            let is_of = |keys: &Vec<PublicKey>| candidate.keys.iter().all(|(key, _)| keys.contains(key));
            let counts = |purpose: &CertificatePurpose, of: &str| match candidate.claim {
                Claim::None => true,
                _ if of == stem(&candidate.name) => true,
                // A Secret may hold a service account key together with a CA certificate of that key.
                Claim::Document => purpose.server || purpose.client,
                // The API server may use the key of its server certificate for service accounts.
                Claim::Entry => false,
            };
            let other = others.iter().find(|(keys, stem, purpose)| is_of(keys) && counts(purpose, stem));
            other.map(|(.., purpose)| purpose.clone())
        };
        let is_chosen = self.chosen.is_some();
        let claims = |candidate: &Candidate| candidate.claim != Claim::None && of_certificate(candidate).is_none();
        let says_so = is_chosen || candidates.iter().any(claims);
        if let Some(error) = unreadable.filter(|_| !says_so && !candidates.is_empty()) {
            return Err(error);
        }
        let mut left = Vec::new();
        for candidate in candidates {
            let reason = match (candidate.claim, &candidate.purpose, of_certificate(&candidate)) {
                _ if is_chosen => None,
                (Claim::None, Some(purpose), _) => Some(SkipReason::Certificate(purpose.clone())),
                (_, None, Some(purpose)) => Some(SkipReason::KeyOf(purpose)),
                (Claim::None, None, None) if says_so => Some(SkipReason::NotServiceAccount),
                (Claim::None, None, None) if candidate.is_other => Some(SkipReason::OtherName),
                _ => None,
            };
            match reason {
                Some(reason) => {
                    self.skip(candidate.place, reason, ("entry", candidate.name), skipped);
                }
                None => left.push(candidate),
            }
        }
        let is_clear =
            says_so || is_one_entry(&left) || left.iter().any(|one| left.iter().all(|other| one.holds_all_of(other)));
        if !is_clear && left.len() > 1 {
            let entries = left.into_iter().map(|candidate| candidate.name).collect();
            return Err(KeyError::Ambiguous { input: at.to_string(), entries });
        }
        for candidate in left {
            self.notes.extend(candidate.notes);
            self.found.extend(candidate.keys);
        }
        Ok(())
    }
}

/// Whether all candidates come from the same entry.
fn is_one_entry(candidates: &[Candidate]) -> bool {
    candidates.windows(2).all(|pair| pair[0].name == pair[1].name)
}

/// Whether a common name identifies the key of its certificate as the service account key: `service-account` (kops),
/// `service-accounts`. A user name such as `system:serviceaccount:default:app` identifies a client.
fn names_the_key(common_name: &str) -> bool {
    names_service_accounts(common_name) && !common_name.contains(':')
}

/// Whether the name of an entry is that of a certificate authority: `etcd-ca.crt`, `cacert.pem`, `pki.ca.key`.
fn is_of_authority(name: &str) -> bool {
    words(name).iter().any(|word| {
        word == "ca" || ["cacert", "cabundle"].iter().any(|start| word.starts_with(start)) || word.ends_with("rootca")
    })
}

/// Whether the name of an entry is that of another kind of key: `server.key`, `apiserver-etcd-client.key`.
fn is_of_others(name: &str) -> bool {
    const OTHERS: [&str; 8] = ["apiserver", "client", "controller", "deploy", "kubelet", "password", "proxy", "server"];
    words(name).iter().any(|word| OTHERS.contains(&word.as_str()) || FOREIGN.contains(&word.as_str()))
}

/// The name of an entry without its ending: `sa-client` of `sa-client.key`.
fn stem(name: &str) -> &str {
    name.rsplit_once(['.', '/']).map_or(name, |(stem, _)| stem)
}

/// Splits a name into words: `prod-1-sa` into `prod`, `1`, `sa`; `serviceAccountCA` into `service`, `account`, `ca`.
fn words(name: &str) -> HashSet<String> {
    let mut words = String::with_capacity(name.len());
    let mut before = ' ';
    for character in name.chars() {
        if character.is_ascii_uppercase() && before.is_ascii_lowercase() {
            words.push(' ');
        }
        words.push(if character.is_ascii_alphanumeric() { character.to_ascii_lowercase() } else { ' ' });
        before = character;
    }
    words.split_ascii_whitespace().map(str::to_owned).collect()
}

/// Whether the name of an entry is that of a service account key: `sa.pub`, `service-account-001.pub`,
/// `bound-service-account-signing-key`, `certs.k8sserviceaccount.key`.
fn names_service_accounts(name: &str) -> bool {
    let letters: String = name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    // `sa-east-1` is a region.
    let is_region = ["sa-east", "sa-west"].iter().any(|region| name.to_ascii_lowercase().contains(region));
    letters.contains("serviceaccount") || (words(name).contains("sa") && !is_region)
}

/// Whether a Secret or ConfigMap holds service account keys by its name: `prod-1-sa` (Cluster API),
/// `bound-sa-token-signing-certs` (OpenShift). `default-sa-token-abcde` holds a token.
fn is_of_service_accounts(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let letters: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    name == "sa" || name.ends_with("-sa") || name.contains("sa-token-signing") || letters.contains("serviceaccount")
}

fn is_named_ca_crt(name: &str) -> bool {
    let file = name.rsplit('/').next().unwrap_or(name);
    matches!(file, "ca.crt" | "ca.pem" | "ca-bundle.crt" | "service-ca.crt")
}
