//! The live objects of a cluster, its issuer, and a token of one of its service accounts.

use issuer::{
    ClusterKind, FederatedCredential, Hint, Manifest, ManifestContext, ServiceAccount, TOKEN_EXCHANGE_AUDIENCE, Token,
    json::Value,
    kubernetes::{Cluster, ClusterError, ClusterOptions, ObjectScope, RequestedToken, TokenRequest},
};

use super::{super::Failure, answer::Check};

/// The annotation that marks a service account of workload identity.
const CLIENT_ID: &str = "azure.workload.identity/client-id";

/// Which pods to check.
pub(super) enum Scope {
    /// Those of the namespace of the context.
    Default,
    /// Those of every namespace.
    All,
    /// Those of a namespace.
    Namespace(String),
    /// One pod.
    Pod {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
    },
    /// Those of a service account.
    Account(ServiceAccount),
}

/// What was read from a cluster.
pub(super) struct Gathered {
    pub(super) manifest: Manifest,
    /// The namespace of the scope, for messages.
    pub(super) place: String,
    /// The kinds that were not read, each with the reason.
    not_read: Vec<(ClusterKind, String)>,
    /// The issuer of the API server, or why it is not known.
    issuer: Result<String, ClusterError>,
    /// The URL of the API server.
    server: String,
    /// The service account and its token, or why there is none; `None` if no service account was found.
    token: Option<(ServiceAccount, Result<RequestedToken, ClusterError>)>,
    /// The audiences of the API server, if they are known.
    audiences: Option<Vec<String>>,
}

impl Gathered {
    /// Reads the objects of a scope. Pods are required; a check is skipped if its objects cannot be read.
    pub(super) async fn read(
        options: &ClusterOptions,
        scope: Scope,
        credentials: Option<&[FederatedCredential]>,
    ) -> Result<Self, Failure> {
        let cluster = Cluster::connect(options).await?;
        let mut found = Found::default();
        let namespace = found.read_pods(&cluster, &scope).await?;
        let webhooks = cluster.objects(ClusterKind::MutatingWebhookConfiguration, &ObjectScope::All).await;
        let webhooks = found.add(ClusterKind::MutatingWebhookConfiguration, webhooks);
        found.read_webhook(&cluster, &webhooks).await;
        let issuer = cluster.discovery().await.map(|discovery| discovery.issuer);
        let account = match &scope {
            Scope::Account(account) => Some(account.clone()),
            _ => found.account(),
        };
        let audience = credentials.and_then(|credentials| credentials.first()?.audiences.first());
        let (mut token, mut audiences) = (None, None);
        if let Some(account) = account {
            let request = TokenRequest::new(account.clone());
            let audience = audience.map_or(TOKEN_EXCHANGE_AUDIENCE, String::as_str);
            let requested = cluster.request_token(&request.clone().audience(audience)).await;
            if requested.is_ok() {
                // A token without a requested audience has those of the API server (--api-audiences).
                audiences = cluster.request_token(&request).await.ok().and_then(|token| audiences_of(token.secret()));
            }
            token = Some((account, requested));
        }
        let place = namespace.map_or_else(|| "the cluster".to_owned(), |name| format!("the namespace {name}"));
        let server = cluster.url().to_owned();
        Ok(Self { manifest: found.manifest, place, not_read: found.not_read, issuer, server, token, audiences })
    }

    /// The context in which the objects are checked.
    pub(super) fn context(&self, context: ManifestContext) -> ManifestContext {
        let is_read = |kind: &ClusterKind| self.not_read.iter().all(|(other, _)| other != kind);
        let context = context.live(ClusterKind::ALL.into_iter().filter(is_read));
        let context = match &self.issuer {
            Ok(issuer) => context.issuer(issuer),
            Err(_) => context,
        };
        self.not_read.iter().fold(context, |context, (kind, reason)| context.not_read(*kind, reason))
    }

    /// The token, if it was requested.
    pub(super) fn token(&self) -> Option<&str> {
        self.token.as_ref().and_then(|(_, token)| token.as_ref().ok()).map(RequestedToken::secret)
    }

    /// The checks of the API server itself.
    pub(super) fn checks(&self, expected: Option<&str>, credentials: Option<&[FederatedCredential]>) -> Vec<Check> {
        let object = format!("API server {}", self.server);
        let mut checks = vec![match &self.issuer {
            Ok(issuer) => issuer_check(&object, issuer, expected, credentials),
            Err(error) => skipped("issuer", &object, error),
        }];
        if let Some(audiences) = &self.audiences {
            checks.push(audience_check(&object, audiences));
        }
        match &self.token {
            Some((account, Err(error))) => {
                let object = format!("token of {}/{}", account.namespace, account.name);
                checks.push(skipped("token", &object, error));
            }
            Some((account, Ok(_))) => {
                let object = format!("token of {}/{}", account.namespace, account.name);
                checks.push(Check::passed("token", &object, "the API server issues tokens of this service account"));
            }
            None => {
                let message = format!("no service account has the annotation {CLIENT_ID}, so no token was requested");
                checks.push(Check::skipped("token", &object, message));
            }
        }
        checks
    }
}

/// The issuer of the API server beside the expected one and those of the credentials.
fn issuer_check(
    object: &str,
    issuer: &str,
    expected: Option<&str>,
    credentials: Option<&[FederatedCredential]>,
) -> Check {
    let fix = "run issuer status --from-cluster, which prints the order of changes without an outage";
    if let Some(expected) = expected.filter(|expected| *expected != issuer) {
        let check = Check::failed("issuer", object, "it issues tokens with another issuer than --issuer");
        return check.compared(issuer, expected).fix(fix);
    }
    let is_known =
        credentials.is_none_or(|credentials| credentials.iter().any(|credential| credential.issuer == issuer));
    if !is_known {
        let check =
            Check::failed("issuer", object, format!("no federated identity credential has its issuer {issuer}"));
        return check.fix("create one: issuer federate --from-cluster --service-account NAMESPACE/NAME --apply");
    }
    Check::passed("issuer", object, issuer)
}

fn audience_check(object: &str, audiences: &[String]) -> Check {
    if audiences.iter().any(|audience| audience == TOKEN_EXCHANGE_AUDIENCE) {
        let message = format!(
            "it accepts tokens with the audience {TOKEN_EXCHANGE_AUDIENCE}, so a token for Entra is also a login to this cluster"
        );
        return Check::warning("audiences", object, message)
            .fix(format!("remove {TOKEN_EXCHANGE_AUDIENCE} from --api-audiences"));
    }
    Check::passed("audiences", object, audiences.join(", "))
}

fn skipped(check: &str, object: &str, error: &ClusterError) -> Check {
    let skipped = Check::skipped(check, object, error.to_string());
    match error.hint() {
        Some(hint) => skipped.fix(hint),
        None => skipped,
    }
}

fn audiences_of(token: &str) -> Option<Vec<String>> {
    let mut buffer = Vec::new();
    let token = Token::parse(token, &mut buffer).ok()?;
    Some(token.claims.aud?.into_iter().map(std::borrow::Cow::into_owned).collect())
}

/// The objects that were read.
#[derive(Default)]
struct Found {
    manifest: Manifest,
    not_read: Vec<(ClusterKind, String)>,
    accounts: Vec<Value>,
}

impl Found {
    /// Reads the pods of a scope with their service accounts and namespaces, and returns the namespace of the scope.
    async fn read_pods(&mut self, cluster: &Cluster, scope: &Scope) -> Result<Option<String>, Failure> {
        let one = |namespace: Option<&str>, name: &str| ObjectScope::One {
            namespace: namespace.map(str::to_owned),
            name: name.to_owned(),
        };
        let namespace = match scope {
            Scope::All => None,
            Scope::Default => Some(cluster.namespace().to_owned()),
            Scope::Namespace(name) | Scope::Pod { namespace: name, .. } => Some(name.clone()),
            Scope::Account(account) => Some(account.namespace.clone()),
        };
        let all = namespace.clone().map_or(ObjectScope::All, ObjectScope::Namespace);
        let of_pods = match scope {
            Scope::Pod { namespace, name } => one(Some(namespace), name),
            _ => all.clone(),
        };
        let mut pods = cluster.objects(ClusterKind::Pod, &of_pods).await?;
        if let (Scope::Pod { namespace, name }, []) = (scope, &pods[..]) {
            let hint = format!("list the pods: kubectl get pods --namespace {namespace}");
            let message = format!("there is no pod {namespace}/{name} in the cluster");
            return Err(Failure::new(super::super::Exit::Incomplete, message, Some(hint)));
        }
        if let Scope::Account(account) = scope {
            pods.retain(|pod| account_of(pod) == account.name);
        }
        let of_accounts = match scope {
            Scope::Pod { namespace, .. } => one(Some(namespace), pods.first().map_or("default", account_of)),
            Scope::Account(account) => one(Some(&account.namespace), &account.name),
            _ => all,
        };
        pods.iter().for_each(|pod| self.manifest.add_value(pod));
        let accounts = cluster.objects(ClusterKind::ServiceAccount, &of_accounts).await;
        self.accounts = self.add(ClusterKind::ServiceAccount, accounts);
        let of_namespaces = namespace.as_deref().map_or(ObjectScope::All, |name| one(None, name));
        let namespaces = cluster.objects(ClusterKind::Namespace, &of_namespaces).await;
        let is_read = namespaces.is_ok();
        let found = self.add(ClusterKind::Namespace, namespaces);
        if let Some(name) = namespace.as_ref().filter(|_| is_read && found.is_empty()) {
            let hint = "list the namespaces: kubectl get namespaces".to_owned();
            let message = format!("there is no namespace {name} in the cluster");
            return Err(Failure::new(super::super::Exit::Incomplete, message, Some(hint)));
        }
        Ok(namespace)
    }

    /// Reads the Deployment of the webhook, which has its version. It is not needed for any verdict.
    async fn read_webhook(&mut self, cluster: &Cluster, configurations: &[Value]) {
        let services = configurations
            .iter()
            .flat_map(|configuration| configuration.get("webhooks").and_then(Value::as_array).into_iter().flatten());
        let namespaces = services.filter_map(|webhook| {
            let service = webhook.pointer("/clientConfig/service")?;
            let name = service.get("name")?.as_str()?;
            // The Service of the chart and of AKS is azure-wi-webhook-webhook-service.
            name.starts_with("azure-wi-webhook").then(|| service.get("namespace")?.as_str().map(str::to_owned))?
        });
        for namespace in namespaces.collect::<std::collections::BTreeSet<_>>() {
            if let Ok(deployments) = cluster.deployments(&namespace).await {
                deployments.iter().for_each(|deployment| self.manifest.add_value(deployment));
            }
        }
    }

    /// Adds the objects of a kind, or notes why they were not read.
    fn add(&mut self, kind: ClusterKind, read: Result<Vec<Value>, ClusterError>) -> Vec<Value> {
        match read {
            Ok(objects) => {
                objects.iter().for_each(|object| self.manifest.add_value(object));
                objects
            }
            Err(error) => {
                let reason = match error {
                    ClusterError::Forbidden { user, .. } => format!("{user} may not read them, 403 Forbidden"),
                    error => error.to_string(),
                };
                self.not_read.push((kind, reason));
                Vec::new()
            }
        }
    }

    /// The first service account of workload identity.
    fn account(&self) -> Option<ServiceAccount> {
        let is_annotated = |account: &&Value| {
            let annotations = account.pointer("/metadata/annotations").and_then(Value::as_object);
            annotations.is_some_and(|annotations| annotations.contains_key(CLIENT_ID))
        };
        let account = self.accounts.iter().find(is_annotated)?;
        let text = |member: &str| account.pointer(&format!("/metadata/{member}"))?.as_str();
        format!("{}/{}", text("namespace")?, text("name")?).parse().ok()
    }
}

/// The service account of a pod.
fn account_of(pod: &Value) -> &str {
    pod.pointer("/spec/serviceAccountName").and_then(Value::as_str).unwrap_or("default")
}
