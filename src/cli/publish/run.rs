use issuer::{DesiredState, Mismatch, Plan, VerifyWarning, site::SiteWarning};

/// What a run planned and did.
pub(super) struct Run {
    pub(super) desired: DesiredState,
    /// The name of the site.
    pub(super) site: String,
    pub(super) credential: Option<String>,
    pub(super) site_warnings: Vec<SiteWarning>,
    pub(super) plan: Plan,
    pub(super) stage: Stage,
}

/// What became of the documents.
pub(super) enum Stage {
    /// Refused; nothing was written, unless before another publisher came in between.
    Refused { written: bool },
    /// Asked for by --dry-run or --check; nothing was written.
    Planned { proof: Proof, check: bool },
    /// Written, or found as they should be.
    Published { proof: Proof },
}

/// From where the documents were read back, or how they differ there; `None` where it was not asked for.
type Proof = Option<Result<ReadBack, Mismatch>>;

/// Documents that were read back and are what was written.
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
