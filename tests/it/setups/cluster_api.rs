//! A self-managed cluster with Cluster API: from the Secret of the cluster to a secret in a Key Vault.

use serde_json::Value;

use super::{
    api_server::ApiServer,
    guide::Guide,
    pod::Pod,
    world::{CLIENT, World},
};
use crate::support::{issued_tokens::object_id, issuer::stdout, signer::ENTRA};

const ISSUER: &str = "https://acct.z6.web.core.windows.net";
const SUBJECT: &str = "system:serviceaccount:shop:orders";
const SECRET_URL: &str = "https://contoso.vault.azure.net/secrets/db-password";

/// The state at the end of the guide.
struct Cluster {
    world: World,
    manifest: String,
}

impl Cluster {
    /// Follows the guide.
    fn of_the_guide() -> Self {
        let (world, guide) = (World::new("orders"), Guide::read("cluster-api"));
        let secret = ApiServer::of_the_guides().secret("org-acme", "prod-1");
        world.set("secret.yaml", &secret);
        world.azure.vault.set("db-password", "correct horse battery staple", None);
        let run = |step: &str| guide.run(step, |script| world.run(script));
        for step in ["create", "data role", "publish"] {
            run(step);
        }
        let api_server = ApiServer::from_secret(&secret);
        let issuer = issuer_flag(&guide.file("control plane"));
        run("status");
        run("credential");
        run("role");
        run("service account");
        let manifest = guide.file("orders.yaml");
        world.write("orders.yaml", &manifest);
        run("manifest");
        world.set("tokens/shop.orders", &api_server.unbound_token(&issuer, SUBJECT, ENTRA));
        run("verify");
        run("wait");
        let changes = world.directory.controls().changes();
        assert_eq!(changes.len(), 2, "the account and the credential are created once: {changes:?}");
        let pod = Pod::new(&manifest, &api_server, &issuer).unwrap();
        for step in ["probe", "read"] {
            guide.run(step, |script| world.run_in(&pod, script));
        }
        guide.finish();
        Self { world, manifest }
    }

    fn pod(&self, api_server: &ApiServer, issuer: &str) -> Pod {
        Pod::new(&self.manifest, api_server, issuer).unwrap()
    }

    /// What a program prints that reads the secret in a pod.
    fn read_in(&self, pod: &Pod) -> String {
        self.world.printed_in(pod, "issuer exec --resource keyvault --env TOKEN -- sh read-secret.sh db-password")
    }

    /// What `issuer verify` prints about a token of this API server.
    fn verify(&self, api_server: &ApiServer, issuer: &str) -> String {
        self.world.write("token.jwt", &api_server.token(issuer, SUBJECT, ENTRA));
        let script = format!("issuer verify token.jwt --issuer {ISSUER} --identity orders");
        stdout(&self.world.run(&script))
    }
}

/// The issuer in the flags of the control plane, whose JWKS is that of the published issuer.
fn issuer_flag(control_plane: &str) -> String {
    let control_plane: Value = serde_saphyr::from_str(control_plane).unwrap();
    let flags = &control_plane["spec"]["kubeadmConfigSpec"]["clusterConfiguration"]["apiServer"]["extraArgs"];
    let named = |name: &str| {
        let of_name = flags.as_array().unwrap().iter().filter(move |flag| flag["name"] == name);
        of_name.map(|flag| flag["value"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let flag = |name: &str| named(name).remove(0);
    assert_eq!(named("service-account-issuer").len(), 2, "the old issuer stays accepted");
    assert_eq!(flag("service-account-jwks-uri"), format!("{ISSUER}/openid/v1/jwks"));
    assert!(flag("api-audiences").split(',').any(|audience| audience == ISSUER));
    flag("service-account-issuer")
}

#[test]
fn cluster_api_guide_ends_at_the_secret() {
    let cluster = Cluster::of_the_guide();
    let Cluster { world, .. } = &cluster;
    let pod = cluster.pod(&ApiServer::of_the_guides(), ISSUER);
    let read = cluster.read_in(&pod);
    let secret: Value = serde_json::from_str(&read).unwrap_or_else(|error| panic!("{error}: {read}"));
    assert_eq!(secret["value"], "correct horse battery staple");
    // The private key of the Secret is published nowhere, and no access token is in the folder of the administrator.
    let site = stdout(&world.run(&format!("curl --silent {ISSUER}/openid/v1/jwks")));
    assert!(site.contains("\"n\":") && !site.contains("\"d\":"), "{site}");

    failures_of_the_issuer(&cluster);
    firewall_of_the_storage_account(&cluster, &pod);
    failures_of_the_vault(&cluster, &pod);
    recreated_cluster_is_published_again(&cluster);
}

/// The API server has another issuer than the credential.
fn failures_of_the_issuer(cluster: &Cluster) {
    let api_server = ApiServer::of_the_guides();
    for issuer in ["https://kubernetes.default.svc.cluster.local".to_owned(), format!("{ISSUER}/")] {
        let read = cluster.read_in(&cluster.pod(&api_server, &issuer));
        assert!(read.contains("AADSTS700211") && read.contains("trace ID"), "{issuer}: {read}");
        let verified = cluster.verify(&api_server, &issuer);
        assert!(verified.contains("AADSTS700211") && verified.contains("refused"), "{issuer}: {verified}");
    }
}

/// Entra cannot fetch the documents, and neither can a reader outside the network.
fn firewall_of_the_storage_account(cluster: &Cluster, pod: &Pod) {
    cluster.world.block_site(true);
    // The exchange is repeated until its deadline, because the fault may be transient.
    let refused = cluster.world.printed_in(pod, "issuer exec --timeout 1s --resource keyvault --env TOKEN -- true");
    assert!(refused.contains("AADSTS50166"), "{refused}");
    let status = cluster.world.run(&format!("issuer status {ISSUER}"));
    assert!(!status.status.success() && stdout(&status).contains("AADSTS50166"), "{}", stdout(&status));
    cluster.world.block_site(false);
    assert!(cluster.read_in(pod).contains("correct horse battery staple"));
}

/// The token is good, and the vault refuses it.
fn failures_of_the_vault(cluster: &Cluster, pod: &Pod) {
    let vault = &cluster.world.azure.vault;
    vault.permit_after(&object_id(CLIENT), 1);
    cluster.world.set("permitted", "");
    let read = cluster.read_in(pod);
    assert!(read.contains("ForbiddenByRbac"), "{read}");
    vault.permit_after(&object_id(CLIENT), 1);
    let probe = format!("issuer doctor --probe {SECRET_URL}");
    let refused = cluster.world.printed_in(pod, &probe);
    assert!(refused.contains("no role for this action") && refused.contains("wait up to ten minutes"), "{refused}");
    // The role assignment has reached the vault by now.
    let accepted = cluster.world.printed_in(pod, &probe);
    assert!(accepted.contains("it accepts the token: HTTP 200"), "{accepted}");
}

/// A cluster that is created again has a new key under the same issuer.
fn recreated_cluster_is_published_again(cluster: &Cluster) {
    let api_server = ApiServer::recreated();
    let pod = cluster.pod(&api_server, ISSUER);
    let read = cluster.read_in(&pod);
    assert!(read.contains("AADSTS7000272"), "{read}");
    let verified = cluster.verify(&api_server, ISSUER);
    assert!(verified.contains("AADSTS7000272"), "{verified}");

    cluster.world.set("secret.yaml", &api_server.secret("org-acme", "prod-1"));
    let publish = "kubectl --namespace org-acme get secret prod-1-sa --output yaml | issuer publish - --account acct";
    let published = cluster.world.run(publish);
    assert!(published.status.success(), "{}", stdout(&published));
    let read = cluster.read_in(&pod);
    assert!(read.contains("correct horse battery staple"), "{read}");
    // Tokens of the old key stay valid, because its key is kept.
    let read = cluster.read_in(&cluster.pod(&ApiServer::of_the_guides(), ISSUER));
    assert!(read.contains("correct horse battery staple"), "{read}");
}
