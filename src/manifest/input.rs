use std::{borrow::Cow, collections::HashMap};

use super::{
    Manifest, account::ManifestAccount, cert_issuer::CertIssuer, cluster::Cluster, context::ManifestContext,
    env_source::EnvSources, secret_store::SecretStore, setting::CLIENT_ID, workload::Workload,
};

/// A service account, by namespace and name.
pub(super) type AccountKey<'a> = (&'a str, &'a str);

/// The objects of a manifest that workloads refer to.
pub(super) struct Input<'a> {
    /// The namespace of objects that name none.
    pub(super) namespace: &'a str,
    pub(super) cert_issuers: &'a [CertIssuer],
    /// The state of the cluster; `None` for manifests.
    pub(super) cluster: Option<Cluster<'a>>,
    accounts: HashMap<AccountKey<'a>, &'a ManifestAccount>,
    env_sources: EnvSources<'a>,
    stores: HashMap<AccountKey<'a>, &'a SecretStore>,
}

impl<'a> Input<'a> {
    pub(super) fn new(manifest: &'a Manifest, context: &'a ManifestContext) -> Self {
        let namespace = context.namespace.as_deref().unwrap_or("default");
        let key =
            |account: &'a ManifestAccount| (account.namespace.as_deref().unwrap_or(namespace), account.name.as_str());
        Self {
            namespace,
            cert_issuers: &manifest.cert_issuers,
            cluster: context.not_read.as_ref().map(|not_read| Cluster::new(manifest, not_read, namespace)),
            accounts: manifest.service_accounts.iter().map(|account| (key(account), account)).collect(),
            env_sources: EnvSources::new(&manifest.env_sources, namespace),
            stores: manifest.secret_stores.iter().map(|store| (store.account(namespace), store)).collect(),
        }
    }

    pub(super) fn key(&self, account: &'a ManifestAccount) -> AccountKey<'a> {
        (account.namespace.as_deref().unwrap_or(self.namespace), account.name.as_str())
    }

    /// The service account; `None` if it is not in the input.
    pub(super) fn account(&self, key: AccountKey<'_>) -> Option<&'a ManifestAccount> {
        self.accounts.get(&key).copied()
    }

    /// The store of external-secrets that names the service account.
    pub(super) fn store(&self, key: AccountKey<'_>) -> Option<&'a SecretStore> {
        self.stores.get(&key).copied()
    }

    /// The namespace of a workload.
    pub(super) fn namespace_of<'w>(&self, workload: &'w Workload) -> &'w str
    where
        'a: 'w,
    {
        workload.namespace.as_deref().unwrap_or(self.namespace)
    }

    /// The workload with the variables of the ConfigMaps and Secrets in the input.
    pub(super) fn resolved<'w>(&self, workload: &'w Workload) -> Cow<'w, Workload>
    where
        'a: 'w,
    {
        let namespace = self.namespace_of(workload);
        let account = self.account((namespace, &workload.pod.service_account));
        let client_id = account.and_then(|account| account.metadata.annotations.text(CLIENT_ID));
        workload.resolved(&self.env_sources, namespace, client_id.is_some_and(|client_id| !client_id.is_empty()))
    }
}
