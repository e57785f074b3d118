//! Controls of the stand-ins for Azure Resource Manager and Microsoft Graph: faults, delays, roles, rates and limits,
//! with a log of all requests and changes.

use std::{
    collections::{HashSet, VecDeque},
    sync::{Arc, Condvar, Mutex, MutexGuard},
    time::Duration,
};

use serde_json::Value;

use super::{
    azure_rates::{Operation, Rates},
    stand_in::{Request, Response},
};

/// A test that waits longer for a request has failed.
const PATIENCE: Duration = Duration::from_secs(30);

/// What happens to one request.
pub(crate) enum Fault {
    /// Nothing: the request is served. For a fault that comes later.
    Pass,
    /// This response, and no change.
    Answer(Response),
    /// This response, although the change is made.
    AnswerAfterChange(Response),
    /// The change is made, and the connection is closed without a response.
    LostAnswer,
    /// The connection is closed without a response and without a change.
    LostRequest,
}

/// A change of a resource.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    /// The ID of the resource in Azure Resource Manager, or its path in Microsoft Graph.
    pub(crate) resource: String,
    /// `None`: the resource was created.
    pub(crate) before: Option<Value>,
    /// `None`: the resource was deleted.
    pub(crate) after: Option<Value>,
}

impl Change {
    /// Whether an existing resource got other properties.
    pub(crate) fn is_overwrite(&self) -> bool {
        self.before.is_some() && self.after.is_some() && self.before != self.after
    }

    pub(crate) fn is_creation(&self) -> bool {
        self.before.is_none()
    }

    pub(crate) fn is_deletion(&self) -> bool {
        self.after.is_none()
    }
}

/// The controls of one directory. Clones share them.
#[derive(Clone, Default)]
pub(crate) struct AzureControls(Arc<(Mutex<State>, Condvar)>);

pub(super) struct State {
    read_faults: VecDeque<Fault>,
    write_faults: VecDeque<Fault>,
    before_write: Option<Box<dyn FnOnce() + Send>>,
    are_writes_held: bool,
    waiting: usize,
    /// The resources whose children are written at the moment.
    in_flight: HashSet<String>,
    /// Methods and paths of all requests.
    requests: Vec<(String, String)>,
    changes: Vec<Change>,
    rates: Rates,
    /// `Retry-After` in place of the true number of seconds.
    retry_after: Option<u64>,
    pub(super) forbidden: Vec<String>,
    /// The issuers that the policy allows; `None` without a policy.
    pub(super) allowed_issuers: Option<Vec<String>>,
    pub(super) regions_without_credentials: Vec<String>,
    pub(super) page: usize,
    /// Requests for the state of an operation that are answered before it is complete.
    pub(super) polls: usize,
    /// Token requests that do not see a change yet.
    pub(super) propagation: usize,
}

impl Default for State {
    fn default() -> Self {
        Self {
            read_faults: VecDeque::new(),
            write_faults: VecDeque::new(),
            before_write: None,
            are_writes_held: false,
            waiting: 0,
            in_flight: HashSet::new(),
            requests: Vec::new(),
            changes: Vec::new(),
            rates: Rates::default(),
            retry_after: None,
            forbidden: Vec::new(),
            allowed_issuers: None,
            regions_without_credentials: Vec::new(),
            page: 100,
            polls: 1,
            propagation: 0,
        }
    }
}

impl AzureControls {
    /// Adds a fault for the next write without one: PUT, POST, PATCH or DELETE, except for a check of a name.
    pub(crate) fn fail_write(&self, fault: Fault) {
        self.state().write_faults.push_back(fault);
    }

    /// Adds a fault for the next read without one: GET, or a check of a name.
    pub(crate) fn fail_read(&self, fault: Fault) {
        self.state().read_faults.push_back(fault);
    }

    /// The number of faults that no request has met yet.
    pub(crate) fn faults_left(&self) -> usize {
        let state = self.state();
        state.read_faults.len() + state.write_faults.len()
    }

    /// Runs this function once, when the next write arrives and before it is judged. The function may change the
    /// directory and send requests, as a second caller does between the read and the write of the first one.
    pub(crate) fn before_next_write(&self, run: impl FnOnce() + Send + 'static) {
        self.state().before_write = Some(Box::new(run));
    }

    /// Delays all writes until [`Self::release`]. A delayed write counts as in flight.
    pub(crate) fn hold_writes(&self) {
        self.state().are_writes_held = true;
    }

    /// Waits until this number of writes is delayed.
    pub(crate) fn wait_for_held(&self, writes: usize) {
        let waiting = |state: &mut State| state.waiting < writes;
        let (_state, result) = self.0.1.wait_timeout_while(self.state(), PATIENCE, waiting).unwrap();
        assert!(!result.timed_out(), "the expected writes did not arrive within {PATIENCE:?}");
    }

    /// Serves the delayed writes, and all that follow.
    pub(crate) fn release(&self) {
        self.state().are_writes_held = false;
        self.0.1.notify_all();
    }

    /// Removes the permission for an action, such as
    /// `Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/write`, or
    /// `microsoft.directory/applications/credentials/update` in Microsoft Graph. `*` stands for any text.
    pub(crate) fn forbid(&self, action: &str) {
        self.state().forbidden.push(action.to_owned());
    }

    /// Restores all permissions.
    pub(crate) fn permit_all(&self) {
        self.state().forbidden.clear();
    }

    /// Assigns the policy that allows only these issuers on managed identities.
    pub(crate) fn allow_only_issuers(&self, issuers: &[&str]) {
        self.state().allowed_issuers = Some(issuers.iter().map(|&issuer| issuer.to_owned()).collect());
    }

    /// Makes a region one that does not support federated identity credentials.
    pub(crate) fn disable_credentials_in(&self, region: &str) {
        self.state().regions_without_credentials.push(region.to_owned());
    }

    /// Rejects requests beyond the documented rates of a managed identity with 429. The clock is that of
    /// [`Self::advance`].
    pub(crate) fn limit_rates(&self) {
        self.state().rates.are_limited = true;
    }

    /// Sets the clock of the rates forward.
    pub(crate) fn advance(&self, seconds: u64) {
        self.state().rates.advance(seconds);
    }

    /// Sends this `Retry-After` in place of the true one, and sets the clock forward by the true one, as if the client
    /// had waited.
    pub(crate) fn retry_after(&self, seconds: u64) {
        self.state().retry_after = Some(seconds);
    }

    /// Sets the number of items on a page of a list. It is 100 by default.
    pub(crate) fn page(&self, items: usize) {
        self.state().page = items;
    }

    /// Sets how often a client finds the creation of a storage account incomplete. It is once by default.
    pub(crate) fn polls(&self, polls: usize) {
        self.state().polls = polls;
    }

    /// Hides the next changes of credentials from this number of token requests.
    pub(crate) fn propagate_after(&self, token_requests: usize) {
        self.state().propagation = token_requests;
    }

    /// The number of requests with this method until now.
    pub(crate) fn count(&self, method: &str) -> usize {
        self.state().requests.iter().filter(|(found, _)| found == method).count()
    }

    /// The methods and paths of all requests until now.
    pub(crate) fn requests(&self) -> Vec<(String, String)> {
        self.state().requests.clone()
    }

    /// All changes that requests made until now. Those of a test itself are not in it.
    pub(crate) fn changes(&self) -> Vec<Change> {
        self.state().changes.clone()
    }

    /// The changes that gave other properties to an existing resource.
    pub(crate) fn overwrites(&self) -> Vec<Change> {
        self.changes().into_iter().filter(Change::is_overwrite).collect()
    }

    /// Serves a request, or lets it meet its fault.
    pub(super) fn serve(&self, request: &Request, answer: impl FnOnce() -> Response) -> Response {
        let is_read = request.method == "GET" || request.path.to_ascii_lowercase().ends_with("/checknameavailability");
        let (fault, before) = {
            let mut state = self.state();
            state.requests.push((request.method.clone(), request.path.clone()));
            if is_read {
                (state.read_faults.pop_front(), None)
            } else {
                (state.write_faults.pop_front(), state.before_write.take())
            }
        };
        if let Some(run) = before {
            run();
        }
        match fault.unwrap_or(Fault::Pass) {
            Fault::Pass => answer(),
            Fault::Answer(response) => response,
            Fault::AnswerAfterChange(response) => {
                answer();
                response
            }
            Fault::LostAnswer => {
                answer();
                Response::lost()
            }
            Fault::LostRequest => Response::lost(),
        }
    }

    /// Delays a write while writes are held.
    pub(super) fn wait_while_held(&self) {
        let mut state = self.state();
        if state.are_writes_held {
            state.waiting += 1;
            self.0.1.notify_all();
            state = self.0.1.wait_while(state, |state| state.are_writes_held).unwrap();
            state.waiting -= 1;
        }
    }

    /// Starts a write to a child of a resource; `None` if another one is in flight.
    pub(super) fn start_write(&self, parent: &str) -> Option<InFlight> {
        let parent = parent.to_ascii_lowercase();
        if !self.state().in_flight.insert(parent.clone()) {
            return None;
        }
        let write = InFlight { controls: self.clone(), parent };
        self.wait_while_held();
        Some(write)
    }

    /// Admits a request, or gives the value of `Retry-After`.
    pub(super) fn admit(&self, resource: &str, operation: Operation) -> Result<(), u64> {
        let mut state = self.state();
        state.rates.admit(resource, operation).map_err(|seconds| match state.retry_after {
            Some(other) => {
                state.rates.advance(seconds);
                other
            }
            None => seconds,
        })
    }

    pub(super) fn is_forbidden(&self, action: &str) -> bool {
        self.state().forbidden.iter().any(|pattern| match pattern.split_once('*') {
            Some((start, end)) => action.starts_with(start) && action.ends_with(end),
            None => action.eq_ignore_ascii_case(pattern),
        })
    }

    pub(super) fn log(&self, resource: &str, before: Option<Value>, after: Option<Value>) {
        self.state().changes.push(Change { resource: resource.to_owned(), before, after });
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.0.0.lock().unwrap()
    }
}

/// A write that is in flight until this is dropped.
pub(super) struct InFlight {
    controls: AzureControls,
    parent: String,
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.controls.state().in_flight.remove(&self.parent);
    }
}
