//! `issuer federate list`: the federated credentials of an identity, and which of them are not used.

use std::{collections::BTreeMap, path::PathBuf};

use clap::Args;
use futures_util::future::join_all;
use issuer::{
    CREDENTIALS_MAX, Discovery, FederatedCredential, HttpFetcher, IssuerUrl, Location, Manifest, ManifestAccount,
    PublishedIssuer,
};
use serde::Serialize;

use super::stored::Values;
use crate::cli::{
    Exit, Failure, Output,
    azure_args::{AzureArgs, Requests},
    clean::{message, printable},
    inputs::{self, is_stdin, name},
    output::{GOOD, STRONG, WARN},
    runtime, values,
};

/// The longest manifest that is read, in bytes.
const MANIFEST_MAX: usize = 256 << 20;

/// The description in the list of commands.
pub(super) const ABOUT: &str = "List the federated credentials of an identity, and mark those without use";

#[derive(Debug, Args)]
#[command(
    about = ABOUT,
    long_about = "List the federated credentials of a managed identity or app registration.

A credential is marked if its issuer is not published any more, if it breaks a rule of Entra, if another credential differs \
only by a slash or by case, and with --manifest if its service account is not in the manifests. A mark does not change the \
exit code.",
    after_help = "Examples:
  issuer federate list --identity orders --resource-group identities
  issuer federate list --app 2f6a4f4e-5a0c-4c57-9d3a-3a6f1d8f5b11 \\
    --manifest rendered.yaml"
)]
pub(crate) struct List {
    #[command(flatten)]
    azure: AzureArgs,
    /// Mark credentials whose service account is not in these manifests (repeatable)
    ///
    /// The manifests must contain the service accounts of all clusters with the issuers of the credentials.
    #[arg(long, value_name = "FILE")]
    manifest: Vec<PathBuf>,
    /// Use this namespace for objects without one [default: default]
    #[arg(long, value_name = "NAME", requires = "manifest")]
    namespace: Option<String>,
    /// Skip fetching the documents of the issuers
    #[arg(long)]
    no_fetch: bool,
    /// Trust the PEM certificates of this file too (repeatable)
    #[arg(long, value_name = "PEM")]
    ca_file: Vec<PathBuf>,
    /// Set the total time limit for requests, including retries
    #[arg(long, value_name = "DURATION", default_value = "60s")]
    timeout: String,
}

/// The federated credentials of an identity.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub(crate) struct Listed {
    /// The identity: its kind, and its name or client ID.
    identity: String,
    /// The number of credentials.
    used: usize,
    /// The maximum number of credentials of an identity.
    limit: usize,
    /// The credentials, in the order of Azure.
    credentials: Vec<Marked>,
}

/// A federated credential with the signs that it is not used.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub(crate) struct Marked {
    #[serde(flatten)]
    credential: Values,
    /// The marks; empty for a credential without a known fault.
    marks: Vec<Mark>,
}

/// A sign that a credential is not used, or is not valid.
#[derive(Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
struct Mark {
    kind: MarkKind,
    /// The reason, a sentence.
    message: String,
}

/// The kind of a mark.
///
/// - `issuer_not_published`: the issuer serves no discovery document with its URL.
/// - `issuer_not_checked`: the issuer could not be fetched.
/// - `not_in_manifest`: the service account is not in the manifests.
/// - `near_duplicate`: another credential differs only by a slash, by case or in a similar way.
/// - `invalid`: the credential breaks a rule of Entra.
#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
enum MarkKind {
    IssuerNotPublished,
    IssuerNotChecked,
    NotInManifest,
    NearDuplicate,
    Invalid,
}

impl List {
    pub(super) fn run(self, output: &mut Output) -> Result<Exit, Failure> {
        let timeout = values::seconds("--timeout", &self.timeout)?;
        let requests = Requests { fetcher: HttpFetcher::new(&self.ca_file)?, timeout };
        let manifest = self.read_manifests(output)?;
        let (identity, list, issuers) = runtime::block_on(output.steps().without_warnings(async {
            let identity = self.azure.identity(&requests).await?;
            let identity =
                identity.ok_or_else(|| Failure::usage("no identity is given", "pass --identity or --app"))?;
            let list = identity.credentials.list().await?;
            let issuers = if self.no_fetch { BTreeMap::new() } else { issuers(&list, &requests.fetcher).await };
            Ok::<_, Failure>((identity.credentials.name(), list, issuers))
        }))??;
        let mark = |(at, credential): (usize, &FederatedCredential)| {
            let mut marks: Vec<Mark> = issuers.get(&credential.issuer).into_iter().flatten().map(Mark::clone).collect();
            let invalid = |problem: issuer::CredentialProblem| Mark::new(MarkKind::Invalid, problem.to_string());
            marks.extend(credential.problems().into_iter().map(invalid));
            marks.extend(list.iter().enumerate().filter(|(other, _)| *other != at).filter_map(|(_, other)| {
                let near = credential.near_duplicate(other)?;
                let other = printable(other.name.as_deref().unwrap_or_default());
                Some(Mark::new(MarkKind::NearDuplicate, format!("nearly the same as {other}: {near}")))
            }));
            if let Some(manifest) = &manifest {
                marks.extend(self.not_in(manifest, credential));
            }
            Marked { credential: Values::from(credential), marks }
        };
        let credentials: Vec<_> = list.iter().enumerate().map(mark).collect();
        let answer = Listed { identity, used: list.len(), limit: CREDENTIALS_MAX, credentials };
        if output.is_json() {
            output.json(&answer);
        } else {
            output.text(&answer.to_text());
        }
        Ok(Exit::Yes)
    }

    fn read_manifests(&self, output: &mut Output) -> Result<Option<Manifest>, Failure> {
        if self.manifest.is_empty() {
            return Ok(None);
        }
        let mut manifest = Manifest::default();
        for path in &self.manifest {
            if is_stdin(path) {
                output.waits_for_stdin();
            }
            let bytes = inputs::read(path, MANIFEST_MAX)?;
            manifest.add(&name(path), &bytes);
        }
        if let Some(unreadable) = manifest.unreadable.first() {
            let line = unreadable.line.map(|line| format!(" (line {line})")).unwrap_or_default();
            let message = format!("a document of {} cannot be parsed{line}", printable(&unreadable.input));
            return Err(Failure::new(Exit::Incomplete, message, Some("correct the manifest".to_owned())));
        }
        Ok(Some(manifest))
    }

    fn not_in(&self, manifest: &Manifest, credential: &FederatedCredential) -> Option<Mark> {
        let subject = credential.subject.as_deref()?;
        // Subjects of other issuers than clusters have another form.
        let account = subject.strip_prefix("system:serviceaccount:")?;
        let default = self.namespace.as_deref().unwrap_or("default");
        let is_it = |found: &ManifestAccount| {
            format!("{}:{}", found.namespace.as_deref().unwrap_or(default), found.name) == account
        };
        let is_missing = !manifest.service_accounts.iter().any(is_it);
        is_missing.then(|| {
            let account = printable(&account.replace(':', "/"));
            Mark::new(MarkKind::NotInManifest, format!("the service account {account} is not in the manifests"))
        })
    }
}

/// The mark of each issuer of the credentials; `None` for an issuer that is published.
async fn issuers(list: &[FederatedCredential], fetcher: &HttpFetcher) -> BTreeMap<String, Option<Mark>> {
    let mut names: Vec<&String> = list.iter().map(|credential| &credential.issuer).collect();
    names.sort();
    names.dedup();
    let checks = names.into_iter().map(|text| async { (text.clone(), issuer_mark(text, fetcher).await) });
    join_all(checks).await.into_iter().collect()
}

async fn issuer_mark(text: &str, fetcher: &HttpFetcher) -> Option<Mark> {
    let not_published = |because: String| {
        Some(Mark::new(MarkKind::IssuerNotPublished, format!("the issuer is not published: {because}")))
    };
    let issuer: IssuerUrl = match text.parse() {
        Ok(issuer) => issuer,
        Err(error) => return not_published(format!("{error}")),
    };
    // The credentials name the hosts, so they must be public.
    let fetcher = fetcher.clone().only_public();
    match PublishedIssuer::fetch(&issuer, &Location::Issuer, &fetcher).await.discovery.outcome {
        Err(error) if error.is_inconclusive() => {
            Some(Mark::new(MarkKind::IssuerNotChecked, format!("the issuer could not be checked: {error}")))
        }
        Err(error) => not_published(error.to_string()),
        Ok(page) => match Discovery::parse(&page.body) {
            Err(error) => not_published(error.to_string()),
            Ok(discovery) if discovery.issuer != text => {
                not_published(format!("its discovery document names the issuer {}", printable(&discovery.issuer)))
            }
            Ok(_) => None,
        },
    }
}

impl Mark {
    fn new(kind: MarkKind, message: String) -> Self {
        Self { kind, message }
    }
}

impl Listed {
    fn to_text(&self) -> String {
        let Self { identity, used, limit, credentials } = self;
        let mut lines =
            vec![format!("{STRONG}identity{STRONG:#}  {}, {used} of {limit} credentials", printable(identity))];
        for Marked { credential, marks } in credentials {
            lines.push(String::new());
            let name = printable(&credential.name);
            lines.push(if marks.is_empty() {
                format!("  {GOOD}ok{GOOD:#}       {name}")
            } else {
                format!("  {WARN}warning{WARN:#}  {name}")
            });
            lines.extend(credential.lines(None).into_iter().map(|line| format!("     {line}")));
            lines.extend(marks.iter().map(|mark| format!("           {WARN}!{WARN:#} {}", message(&mark.message))));
        }
        lines.push(String::new());
        lines.join("\n")
    }
}
