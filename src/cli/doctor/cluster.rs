//! The live objects of a cluster, its issuer, and a token of one of its service accounts.

use issuer::{
    ClusterKind, FederatedCredential, Hint, ManifestContext, ServiceAccount, TOKEN_EXCHANGE_AUDIENCE, Token,
    kubernetes::{Cluster, ClusterError, ClusterOptions, RequestedToken, TokenRequest},
};

use super::{
    super::Failure,
    answer::Check,
    live_objects::{LiveObjects, Scope},
};

/// What was read from a cluster.
pub(super) struct Gathered {
    pub(super) objects: LiveObjects,
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
        let objects = LiveObjects::read(&cluster, &scope).await?;
        let issuer = cluster.discovery().await.map(|discovery| discovery.issuer);
        let account = match scope {
            Scope::Account(account) => Some(account),
            _ => objects.account(),
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
        Ok(Self { objects, issuer, server: cluster.url().to_owned(), token, audiences })
    }

    /// The context in which the objects are checked.
    pub(super) fn context(&self, context: ManifestContext) -> ManifestContext {
        let is_read = |kind: &ClusterKind| self.objects.not_read.iter().all(|(other, _)| other != kind);
        let context = context.live(ClusterKind::ALL.into_iter().filter(is_read));
        let context = match &self.issuer {
            Ok(issuer) => context.issuer(issuer),
            Err(_) => context,
        };
        self.objects.not_read.iter().fold(context, |context, (kind, reason)| context.not_read(*kind, reason))
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
        checks.push(if let Some((account, requested)) = &self.token {
            let object = format!("token of {}/{}", account.namespace, account.name);
            match requested {
                Ok(_) => Check::passed("token", &object, "the API server issues tokens of this service account"),
                Err(error) => skipped("token", &object, error),
            }
        } else {
            let message =
                "no service account has the annotation azure.workload.identity/client-id, so no token was requested";
            Check::skipped("token", &object, message)
        });
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
