use serde::Serialize;

/// The JSON value of a command that fails, instead of its answer.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
#[cfg_attr(test, schemars(extend("dependentRequired" = {
    "written": ["not_written", "unknown", "proven"],
    "not_written": ["written", "unknown", "proven"],
    "unknown": ["written", "not_written", "proven"],
    "proven": ["written", "not_written", "unknown"],
})))]
pub(crate) struct ErrorAnswer {
    pub(crate) error: ErrorDetails,
    #[serde(flatten)]
    pub(crate) interruption: Option<Interruption>,
}

/// The error and its exit code.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub(crate) struct ErrorDetails {
    /// What failed and why, a sentence.
    pub(crate) message: String,
    /// The next step; null if none is known.
    pub(crate) hint: Option<String>,
    /// The exit code: 1 the answer is no, 2 the command line is not valid, 3 the command did not complete.
    #[cfg_attr(test, schemars(extend("enum" = [1, 2, 3])))]
    pub(crate) exit: u8,
    /// The error response of Azure or Entra; absent if there was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) service: Option<Service>,
}

/// The error response of Azure or Entra, for Microsoft support.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub(crate) struct Service {
    /// The HTTP status code; null if there was no HTTP response.
    pub(crate) status: Option<u16>,
    /// The error code of the service, such as AuthorizationPermissionMismatch; null if it sent none.
    pub(crate) code: Option<String>,
    /// The request ID, for Microsoft support; null if the service sent none.
    pub(crate) request_id: Option<String>,
}

/// The changes that `issuer publish` made before SIGINT or SIGTERM ended it.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Interruption {
    /// The paths of the documents that were written, in the order in which they were written. Present only after an interrupted publish.
    pub(crate) written: Vec<String>,
    /// The paths of the documents that were not written. Present only after an interrupted publish.
    pub(crate) not_written: Vec<String>,
    /// The paths of the documents that may have been written: the request was sent, but no response was received. Present only after an interrupted publish.
    pub(crate) unknown: Vec<String>,
    /// Whether the documents were read back: always false. Present only after an interrupted publish.
    #[cfg_attr(test, schemars(extend("const" = false)))]
    pub(crate) proven: bool,
}
