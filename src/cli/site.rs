use async_trait::async_trait;
use std::{
    collections::HashMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use futures_util::future::join3;
use issuer::{
    DesiredState, Discovery, DocumentPath, IssuerUrl, Plan, ResourceScope, SystemClock, Timestamp,
    site::{
        Azure, AzureOptions, Condition, Content, Directory, ETag, Hosting, Site, SiteError, SiteWarning, Stored,
        Written,
    },
};

use super::{Exit, Failure};

/// The site a command works on.
pub(super) struct OpenSite {
    site: Box<dyn Site>,
    /// The account of a site in Azure Storage.
    account: Option<StorageAccount>,
    /// Documents that were read to find the issuer. Each is returned once. Writes are conditional, so outdated content is safe.
    read_ahead: Mutex<ReadAhead>,
    /// Whether documents that are read are kept for the next read.
    is_reading_ahead: AtomicBool,
    made: Mutex<ChangesMade>,
}

/// The parameters of a site in Azure Storage.
pub(super) struct AzureRequest {
    pub(super) options: AzureOptions,
    pub(super) container: String,
    pub(super) deletes_snapshots: bool,
}

/// The changes made to the site, for the report of an interrupted run.
#[derive(Clone, Default)]
pub(super) struct ChangesMade {
    pub(super) written: Vec<DocumentPath>,
    /// A write without a response yet.
    pub(super) under_way: Option<DocumentPath>,
}

/// The state of the root of a site.
pub(super) enum Root {
    Empty,
    Issuer(IssuerUrl),
    /// The documents cannot be parsed, or do not name an issuer at the root.
    Unusable,
}

/// A storage account, and the scope in which its web endpoint is searched.
struct StorageAccount {
    site: Azure,
    scope: ResourceScope,
}

#[derive(Default)]
struct ReadAhead {
    documents: HashMap<DocumentPath, Option<Stored>>,
    hosting: Option<Hosting>,
}

impl OpenSite {
    pub(super) fn directory(directory: Directory) -> Self {
        Self::new(Box::new(directory), None)
    }

    pub(super) async fn azure(request: AzureRequest, scope: ResourceScope) -> Result<Self, Failure> {
        let AzureRequest { options, container, deletes_snapshots } = request;
        let site = Box::pin(Azure::open(options)).await?.in_container(container);
        let site = if deletes_snapshots { site.deleting_snapshots() } else { site };
        Ok(Self::new(Box::new(site.clone()), Some(StorageAccount { site, scope })))
    }

    fn new(site: Box<dyn Site>, account: Option<StorageAccount>) -> Self {
        Self {
            site,
            account,
            read_ahead: Mutex::default(),
            is_reading_ahead: AtomicBool::new(false),
            made: Mutex::default(),
        }
    }

    /// Makes a plan, and keeps the documents it read for the publish that follows.
    pub(super) async fn plan(&self, desired: &DesiredState) -> Result<Plan, SiteError> {
        self.is_reading_ahead.store(true, Ordering::Relaxed);
        let plan = issuer::plan(self, desired, &SystemClock).await;
        self.is_reading_ahead.store(false, Ordering::Relaxed);
        plan
    }

    /// The changes made so far.
    pub(super) fn made(&self) -> ChangesMade {
        self.lock_made().clone()
    }

    fn lock_made(&self) -> MutexGuard<'_, ChangesMade> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The credential of the account; `None` for a directory.
    pub(super) fn credential(&self) -> Option<String> {
        self.account.as_ref().map(|account| account.site.connection().credential())
    }

    /// The issuer that is published at the root of the site, or whose removal was interrupted.
    pub(super) async fn published_issuer(&mut self) -> Result<Root, Failure> {
        // Any issuer without a path has its documents at the root.
        let root: IssuerUrl = "https://localhost".parse()?;
        let (discovery_path, jwks_path) = (root.discovery_path(), root.jwks_path());
        let (discovery, jwks, hosting) = join3(self.read(&discovery_path), self.read(&jwks_path), self.hosting()).await;
        let (discovery, jwks, hosting) = (discovery?, jwks?, hosting?);
        let named = discovery.as_ref().and_then(|stored| Discovery::parse(&stored.bytes).ok());
        let recorded = jwks.as_ref().and_then(|stored| stored.retention.issuer().map(str::to_owned));
        if discovery.is_none() && jwks.is_none() {
            return Ok(Root::Empty);
        }
        let published = named.map(|discovery| discovery.issuer).or(recorded).and_then(|issuer| issuer.parse().ok());
        let Some(published): Option<IssuerUrl> = published else { return Ok(Root::Unusable) };
        if published.discovery_path() == discovery_path {
            let mut ahead = self.read_ahead();
            ahead.documents.insert(discovery_path, discovery);
            ahead.documents.insert(jwks_path, jwks);
            ahead.hosting = Some(hosting);
            return Ok(Root::Issuer(published));
        }
        // At the blob endpoint the container is a part of the issuer URL.
        let is_here = self.adapt_to(&published).is_ok_and(|is_here| is_here);
        Ok(if is_here { Root::Issuer(published) } else { Root::Unusable })
    }

    /// The issuer that is published at the root of the site; `None` if nothing is published there.
    pub(super) async fn issuer_at_root(&mut self) -> Result<Option<IssuerUrl>, Failure> {
        match self.published_issuer().await? {
            Root::Issuer(issuer) => Ok(Some(issuer)),
            Root::Empty => Ok(None),
            Root::Unusable => {
                let name = self.name();
                let message =
                    format!("the documents at the root of {name} do not name an issuer that is published there");
                let hint = "pass --issuer URL, byte for byte as in --service-account-issuer".to_owned();
                Err(Failure::new(Exit::No, message, Some(hint)))
            }
        }
    }

    /// Configures the site for an issuer. Returns whether the issuer URL is at the blob endpoint of the account.
    pub(super) fn adapt_to(&mut self, issuer: &IssuerUrl) -> Result<bool, Failure> {
        let Some(StorageAccount { site, .. }) = &mut self.account else { return Ok(false) };
        *site = site.clone().for_issuer(issuer)?;
        self.site = Box::new(site.clone());
        Ok(site.is_at_blob_endpoint())
    }

    /// The web endpoint of the account, which is the default issuer; `None` for a directory.
    pub(super) async fn own_issuer(&self) -> Result<Option<IssuerUrl>, Failure> {
        let Some(StorageAccount { site, scope }) = &self.account else { return Ok(None) };
        Ok(Some(Box::pin(site.connection().web_endpoint(scope)).await?))
    }

    fn read_ahead(&self) -> MutexGuard<'_, ReadAhead> {
        self.read_ahead.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Site for OpenSite {
    fn name(&self) -> String {
        self.site.name()
    }

    async fn read(&self, path: &DocumentPath) -> Result<Option<Stored>, SiteError> {
        let known = self.read_ahead().documents.remove(path);
        let stored = match known {
            Some(stored) => stored,
            None => self.site.read(path).await?,
        };
        if self.is_reading_ahead.load(Ordering::Relaxed) {
            self.read_ahead().documents.insert(path.clone(), stored.clone());
        }
        Ok(stored)
    }

    async fn write(&self, path: &DocumentPath, content: &Content, condition: &Condition) -> Result<Written, SiteError> {
        self.lock_made().under_way = Some(path.clone());
        let written = self.site.write(path, content, condition).await;
        let mut made = self.lock_made();
        made.under_way = None;
        if matches!(written, Ok(Written::Done)) && !made.written.contains(path) {
            made.written.push(path.clone());
        }
        written
    }

    async fn remove(&self, path: &DocumentPath, etag: &ETag) -> Result<Written, SiteError> {
        self.site.remove(path, etag).await
    }

    async fn hosting(&self) -> Result<Hosting, SiteError> {
        let known = self.read_ahead().hosting.take();
        let hosting = match known {
            Some(hosting) => hosting,
            None => self.site.hosting().await?,
        };
        if self.is_reading_ahead.load(Ordering::Relaxed) {
            self.read_ahead().hosting = Some(hosting.clone());
        }
        Ok(hosting)
    }

    async fn host(&self) -> Result<(), SiteError> {
        self.site.host().await
    }

    async fn back_off(&self, lost_races: u32) {
        self.site.back_off(lost_races).await;
    }

    fn warnings(&self, documents: &[DocumentPath]) -> Vec<SiteWarning> {
        self.site.warnings(documents)
    }

    fn time(&self) -> Option<Timestamp> {
        self.site.time()
    }
}
