use crate::cli::api_server::ApiServer;
use issuer::{DesiredState, Mismatch, Plan, VerifyWarning, site::SiteWarning};

/// The plan and the progress of a run.
pub(super) struct Run {
    pub(super) desired: DesiredState,
    /// The name of the site.
    pub(super) site: String,
    pub(super) credential: Option<String>,
    /// The resource ID of the storage account that this run created.
    pub(super) created_account: Option<String>,
    /// The API server that the keys came from.
    pub(super) api_server: Option<ApiServer>,
    pub(super) site_warnings: Vec<SiteWarning>,
    pub(super) plan: Plan,
    pub(super) stage: Stage,
}

/// The last stage of a run.
pub(super) enum Stage {
    /// The plan was refused. Nothing was written, except before a lost race.
    Refused { written: bool },
    /// --dry-run or --check: nothing was written.
    Planned { proof: Proof, check: bool },
    /// The documents were written, or needed no change.
    Published { proof: Proof },
}

/// The result of reading the documents back; `None` if they were not read back.
type Proof = Option<Result<ReadBack, Mismatch>>;

/// Documents that were read back and equal those written.
pub(super) struct ReadBack {
    /// The URL or directory, or `the issuer URL`.
    pub(super) place: String,
    pub(super) warnings: Vec<VerifyWarning>,
}

impl Run {
    pub(super) fn proof(&self) -> Option<&Result<ReadBack, Mismatch>> {
        match &self.stage {
            Stage::Refused { .. } => None,
            Stage::Planned { proof, .. } | Stage::Published { proof } => proof.as_ref(),
        }
    }

    pub(super) fn read_back(&self) -> Option<&ReadBack> {
        self.proof()?.as_ref().ok()
    }

    pub(super) fn mismatch(&self) -> Option<&Mismatch> {
        self.proof()?.as_ref().err()
    }

    /// Whether this run changed the site.
    pub(super) fn was_written(&self) -> bool {
        match &self.stage {
            Stage::Refused { written } => *written,
            Stage::Planned { .. } => false,
            Stage::Published { .. } => !self.plan.is_unchanged(),
        }
    }
}
