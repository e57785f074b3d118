//! The client ID of cert-manager, which it takes from its Issuers (cert-manager, "Azure DNS").

use super::{
    super::{
        context::ManifestContext,
        finding::{ManifestCheck::ClientId, ManifestFinding},
        input::Input,
        setting::CLIENT_ID,
    },
    guid::{is_guid, shown},
    listed,
};
use crate::entra::Aadsts;

/// The member of an Issuer that names the client ID.
const MEMBER: &str = "spec.acme.solvers[].dns01.azureDNS.managedIdentity.clientID";

/// The client ID for a service account without the annotation.
pub(super) fn client_id(input: &Input<'_>, object: &str, annotate: &str) -> ManifestFinding {
    let issuers: Vec<_> = input.cert_issuers.iter().map(|issuer| issuer.shown(input.namespace)).collect();
    let mut names: Vec<&str> = issuers.iter().map(String::as_str).collect();
    names.dedup();
    if names.is_empty() {
        let message = format!(
            "the annotation {CLIENT_ID} is missing, so the webhook does not set AZURE_CLIENT_ID, and no Issuer in the input names a client ID"
        );
        let fix = format!(
            "set {MEMBER} of the Issuer or ClusterIssuer, and pass its manifest, too; or annotate the service account, and create the pods again: {annotate}"
        );
        return ManifestFinding::failed(ClientId, object, message).fix(fix);
    }
    let verb = if names.len() == 1 { "names" } else { "name" };
    let message = format!("not annotated; {} {verb} the client ID for cert-manager", listed(&names));
    ManifestFinding::passed(ClientId, object, message)
}

/// Checks the client IDs of the Issuers.
pub(in super::super) fn issuers(input: &Input<'_>, context: &ManifestContext, findings: &mut Vec<ManifestFinding>) {
    for issuer in input.cert_issuers {
        let (object, client_id) = (issuer.shown(input.namespace), issuer.client_id.as_str());
        let fix = format!("set {MEMBER} to the client ID: az identity show --ids ID --query clientId");
        findings.push(if !is_guid(client_id) {
            let message = "managedIdentity.clientID is not a GUID";
            ManifestFinding::failed(ClientId, object, message).compared(shown(client_id), "a GUID").fix(fix)
        } else if context.is_object_id(client_id) {
            let message = "managedIdentity.clientID is the object ID of the identity; Entra expects its client ID";
            let finding = ManifestFinding::failed(ClientId, object, message).compared(client_id, "the client ID");
            finding.fix(fix).aadsts(Aadsts::APPLICATION_NOT_FOUND)
        } else {
            ManifestFinding::passed(ClientId, object, client_id)
        });
    }
}
