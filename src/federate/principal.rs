/// The service principal of a managed identity or application: the IDs that tokens and other services name it by.
///
/// ```
/// use issuer::federate::Principal;
/// let principal = Principal { client_id: "a".to_owned(), object_id: Some("b".to_owned()), tenant: None, name: "orders".to_owned() };
/// assert_eq!(principal.object_id.as_deref(), Some("b"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// The name of the managed identity, or the display name of the application.
    pub name: String,
    /// The client ID, which pods are annotated with.
    pub client_id: String,
    /// The object ID of the service principal, which roles are assigned to; `None` for an application without one.
    pub object_id: Option<String>,
    /// The tenant, if the service names it.
    pub tenant: Option<String>,
}
