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
    /// The name of the role: a `ClusterRole` of Kubernetes, or a role that [`commands`](Self::commands) creates.
    pub fn role(&self) -> &'static str {
        match self {
            Self::Discovery => "system:service-account-issuer-discovery",
            Self::Secret { .. } => "issuer-secret",
            Self::Token { .. } => "issuer-token",
            Self::Namespace { .. } => "issuer-namespace",
            Self::Doctor => "issuer-doctor",
        }
    }

    /// The kubectl commands that grant the permission to a user, as the API server names it.
    pub fn commands(&self, user: &str) -> Vec<String> {
        let (role, subject) = (self.role(), subject(user));
        let cluster_binding =
            |name: &str| format!("kubectl create clusterrolebinding {name} --clusterrole {role} {subject}");
        let namespaced = |namespace: &str, rules: String| {
            let namespace = quoted(namespace);
            vec![
                format!("kubectl create role {role} --namespace {namespace} {rules}"),
                format!("kubectl create rolebinding {role} --namespace {namespace} --role {role} {subject}"),
            ]
        };
        match self {
            Self::Discovery => vec![cluster_binding("issuer-discovery")],
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
                cluster_binding(role),
            ],
            Self::Doctor => vec![
                format!(
                    "kubectl create clusterrole {role} --verb get,list --resource pods,serviceaccounts,namespaces,deployments.apps,mutatingwebhookconfigurations.admissionregistration.k8s.io"
                ),
                cluster_binding(role),
            ],
        }
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
                    "kubectl create clusterrolebinding issuer-discovery --clusterrole system:service-account-issuer-discovery --serviceaccount ci:publisher",
                ],
            ),
            (
                secret,
                "jane'; rm -rf ~",
                vec![
                    "kubectl create role issuer-secret --namespace org-acme --verb get --resource secrets --resource-name prod-1-sa",
                    "kubectl create rolebinding issuer-secret --namespace org-acme --role issuer-secret --user 'jane'\\''; rm -rf ~'",
                ],
            ),
        ];
        for (grant, user, expected) in cases {
            assert_eq!(grant.commands(user), expected, "{grant:?}");
        }
    }
}
