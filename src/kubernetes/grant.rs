use crate::shell_word::quoted;

/// A permission that a request needs, with the commands that grant it.
///
/// ```
/// use issuer::kubernetes::Grant;
/// assert_eq!(Grant::Discovery.role(), "system:service-account-issuer-discovery");
/// assert_eq!(Grant::Doctor.role(), "issuer-doctor");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Grant {
    /// Read the discovery document and the JWKS of the API server.
    Discovery,
    /// Read a Secret.
    Secret {
        /// The namespace.
        namespace: String,
        /// The name.
        name: String,
    },
    /// Request tokens of a service account.
    Token {
        /// The namespace.
        namespace: String,
        /// The name.
        name: String,
    },
    /// Read a namespace, for its UID or its labels.
    Namespace {
        /// The name.
        name: String,
    },
    /// List the objects that `issuer doctor` checks.
    Doctor,
}

impl Grant {
    /// The name of the role: a `ClusterRole` of Kubernetes, or a role that [`commands`](Self::commands) creates. Roles for
    /// different objects have different names.
    pub fn role(&self) -> String {
        match self {
            Self::Discovery => "system:service-account-issuer-discovery".to_owned(),
            Self::Secret { name, .. } => format!("issuer-secret-{name}"),
            Self::Token { name, .. } => format!("issuer-token-{name}"),
            Self::Namespace { name } => format!("issuer-namespace-{name}"),
            Self::Doctor => "issuer-doctor".to_owned(),
        }
    }

    /// The kubectl commands that grant the permission to a user, as the API server names it. The arguments are quoted for a
    /// POSIX shell.
    pub fn commands(&self, user: &str) -> Vec<String> {
        let (role, subject) = (quoted(&self.role()), subject(user));
        let binding = self.binding(user);
        let bind_cluster_role =
            || format!("kubectl create clusterrolebinding {binding} --clusterrole {role} {subject}");
        let namespaced = |namespace: &str, rules: String| {
            let namespace = quoted(namespace);
            vec![
                format!("kubectl create role {role} --namespace {namespace} {rules}"),
                format!("kubectl create rolebinding {binding} --namespace {namespace} --role {role} {subject}"),
            ]
        };
        match self {
            Self::Discovery => vec![bind_cluster_role()],
            Self::Secret { namespace, name } => {
                namespaced(namespace, format!("--verb get --resource secrets --resource-name {}", quoted(name)))
            }
            Self::Token { namespace, name } => namespaced(
                namespace,
                format!("--verb create --resource serviceaccounts/token --resource-name {}", quoted(name)),
            ),
            Self::Namespace { name } => vec![
                format!(
                    "kubectl create clusterrole {role} --verb get --resource namespaces --resource-name {}",
                    quoted(name)
                ),
                bind_cluster_role(),
            ],
            Self::Doctor => vec![
                format!(
                    "kubectl create clusterrole {role} --verb get,list --resource pods,serviceaccounts,namespaces,deployments.apps,mutatingwebhookconfigurations.admissionregistration.k8s.io"
                ),
                bind_cluster_role(),
            ],
        }
    }

    /// The name of the binding, one for each user. Kubernetes accepts all but `/` and `%` in it (`IsValidPathSegmentName`).
    fn binding(&self, user: &str) -> String {
        let role = if *self == Self::Discovery { "issuer-discovery".to_owned() } else { self.role() };
        let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-._:@".contains(letter);
        let user: String = user.chars().map(|letter| if is_plain(letter) { letter } else { '-' }).collect();
        quoted(&format!("{role}-{user}"))
    }
}

/// The flag of `kubectl create rolebinding` for a user name.
fn subject(user: &str) -> String {
    let account = user.strip_prefix("system:serviceaccount:").and_then(|account| account.split_once(':'));
    match account {
        Some((namespace, name)) => format!("--serviceaccount {}", quoted(&format!("{namespace}:{name}"))),
        None => format!("--user {}", quoted(user)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_grant_just_what_is_needed() {
        let secret = Grant::Secret { namespace: "org-acme".to_owned(), name: "prod-1-sa".to_owned() };
        let cases = [
            (
                Grant::Discovery,
                "system:serviceaccount:ci:publisher",
                vec![
                    "kubectl create clusterrolebinding issuer-discovery-system:serviceaccount:ci:publisher --clusterrole system:service-account-issuer-discovery --serviceaccount ci:publisher",
                ],
            ),
            (
                secret,
                "jane'; rm -rf ~",
                vec![
                    "kubectl create role issuer-secret-prod-1-sa --namespace org-acme --verb get --resource secrets --resource-name prod-1-sa",
                    "kubectl create rolebinding issuer-secret-prod-1-sa-jane---rm--rf-- --namespace org-acme --role issuer-secret-prod-1-sa --user 'jane'\\''; rm -rf ~'",
                ],
            ),
        ];
        for (grant, user, expected) in cases {
            assert_eq!(grant.commands(user), expected, "{grant:?}");
        }
    }
}
