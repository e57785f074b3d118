use std::collections::HashSet;

use super::{
    super::finding::{ManifestCheck::Credential, ManifestFinding},
    Case, word,
};
use crate::{
    entra::{Assertion, CredentialMismatch, TOKEN_EXCHANGE_AUDIENCE},
    hint::Hint,
    token::{subject, subject_parts},
};

/// Matches the token that the pods would send with the credentials: once for each subject and audience. An issuer that is
/// not known is not compared.
pub(in super::super) fn check(
    case: &Case<'_>,
    done: &mut HashSet<(String, String, bool)>,
    findings: &mut Vec<ManifestFinding>,
) {
    let Some(credentials) = &case.context.credentials else { return };
    let (namespace, name) = case.key();
    let object = format!("ServiceAccount {namespace}/{name}");
    let subject = subject(namespace, name);
    let audience = audience(case);
    let has_binding = case.workload.pod.uses_identity_binding();
    if !done.insert((subject.clone(), audience.to_owned(), has_binding)) {
        return;
    }
    if has_binding {
        let message = "the token goes to the proxy of an identity binding, which has its own federated credential";
        findings.push(ManifestFinding::skipped(Credential, object, message));
        return;
    }
    let mut assertion = Assertion::default().subject(&subject).audience(audience);
    if let Some(issuer) = &case.context.issuer {
        assertion = assertion.issuer(issuer);
    }
    findings.push(match assertion.find(credentials) {
        Ok(credential) => {
            let named = credential.name.as_ref().map_or_else(String::new, |name| format!("{name}, "));
            ManifestFinding::passed(Credential, object, format!("{named}subject {subject}"))
        }
        Err(mismatch) => {
            // Another mismatch does not depend on the namespace.
            let is_assumed = matches!(mismatch, CredentialMismatch::Subject { .. })
                && case.workload.namespace.is_none()
                && case.context.namespace.is_none();
            let assumed = if is_assumed { "; the manifest names no namespace, so default is assumed" } else { "" };
            let mut finding = ManifestFinding::failed(Credential, object, format!("{mismatch}{assumed}"));
            (finding.expected, finding.seen) = mismatch.expected_and_seen().unzip();
            (finding.fix, finding.aadsts) = (mismatch.hint(), mismatch.aadsts());
            if is_assumed {
                finding.fix = Some(pass_namespace(&mismatch, name, finding.fix.as_deref()));
            }
            finding
        }
    });
}

/// The fix for an assumed namespace, with that of the credential if it names the same service account. `other` is the fix
/// if the namespace is right.
fn pass_namespace(mismatch: &CredentialMismatch, name: &str, other: Option<&str>) -> String {
    let expected = mismatch.nearest().and_then(|nearest| subject_parts(&nearest.expected));
    let namespace = expected.filter(|(_, account)| *account == name).map_or("NAMESPACE", |(namespace, _)| namespace);
    let fix = format!("pass the namespace of the workload: --namespace {}", word(namespace, "NAMESPACE"));
    other.map_or_else(|| fix.clone(), |other| format!("{fix}; if it is default, {other}"))
}

/// The audience of the token that the pods send: that of their own volume if they do not need the webhook.
fn audience<'a>(case: &Case<'a>) -> &'a str {
    let pod = &case.workload.pod;
    let own = pod.own_token().and_then(|volume| volume.audience.as_deref());
    own.unwrap_or(TOKEN_EXCHANGE_AUDIENCE)
}
