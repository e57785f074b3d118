//! Controls of a running token endpoint: what it issues, which requests it fails, and how many it received.
//!
//! "OAuth 2.0 client credentials flow on the Microsoft identity platform" (v2-oauth2-client-creds-grant-flow.md) has
//! the members of the answer. `refresh_in` and `expires_in` as a string are not in it: Microsoft's token libraries read
//! both (MSAL, token responses).

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Condvar, Mutex, MutexGuard},
    time::Duration,
};

use serde_json::{Value, json};

use super::{
    issued_tokens::{IssuedTokens, Principal},
    stand_in::Response,
};

/// A test that waits longer for a request has failed.
const PATIENCE: Duration = Duration::from_secs(30);

/// The controls of one token endpoint. Clones share them.
#[derive(Clone, Default)]
pub(crate) struct EntraControls {
    /// The tokens that the endpoint issued.
    pub(crate) tokens: IssuedTokens,
    shared: Arc<(Mutex<State>, Condvar)>,
}

struct State {
    lifetime: i64,
    age: i64,
    refresh_in: Option<i64>,
    expires_in_is_text: bool,
    groups: HashMap<String, Vec<String>>,
    /// The next responses, in place of a token.
    faults: VecDeque<Response>,
    held: bool,
    waiting: usize,
    /// Client IDs whose credentials do not match yet, with the number of requests that this lasts.
    unsettled: HashMap<String, usize>,
    requests: usize,
    exchanges: usize,
}

impl Default for State {
    fn default() -> Self {
        Self {
            lifetime: 3599,
            age: 0,
            refresh_in: None,
            expires_in_is_text: false,
            groups: HashMap::new(),
            faults: VecDeque::new(),
            held: false,
            waiting: 0,
            unsettled: HashMap::new(),
            requests: 0,
            exchanges: 0,
        }
    }
}

impl EntraControls {
    /// Sets the lifetime of the next tokens in seconds. It is 3599 by default.
    pub(crate) fn lifetime(&self, seconds: i64) {
        self.state().lifetime = seconds;
    }

    /// Makes the next tokens this number of seconds old when they are issued. `expires_in` is what remains.
    pub(crate) fn age(&self, seconds: i64) {
        self.state().age = seconds;
    }

    /// Adds `refresh_in` to the next answers.
    pub(crate) fn refresh_in(&self, seconds: Option<i64>) {
        self.state().refresh_in = seconds;
    }

    /// Writes the lifetimes in the next answers as strings. `refresh_in` stays a number, as MSAL for Python requires.
    pub(crate) fn expires_in_is_text(&self, is_text: bool) {
        self.state().expires_in_is_text = is_text;
    }

    /// Adds the identity of a client to a group. Its next tokens have the `groups` claim.
    pub(crate) fn add_to_group(&self, client_id: &str, group: &str) {
        self.state().groups.entry(client_id.to_owned()).or_default().push(group.to_owned());
    }

    /// Answers one of the next requests with this response. Responses are sent in the order of these calls.
    pub(crate) fn fail(&self, response: Response) {
        self.state().faults.push_back(response);
    }

    /// Forgets the responses of [`Self::fail`] that were not sent yet.
    pub(crate) fn fail_no_more(&self) {
        self.state().faults.clear();
    }

    /// The number of responses of [`Self::fail`] that were not sent yet.
    pub(crate) fn faults_left(&self) -> usize {
        self.state().faults.len()
    }

    /// Keeps the credentials of a client from matching for this number of requests. A new credential takes some time to
    /// reach a whole region (workload-identity-federation-considerations.md).
    pub(crate) fn propagate_after(&self, client_id: &str, requests: usize) {
        self.state().unsettled.insert(client_id.to_owned(), requests);
    }

    /// Delays all requests until [`Self::release`].
    pub(crate) fn hold(&self) {
        self.state().held = true;
    }

    /// Answers the delayed requests, and all that follow.
    pub(crate) fn release(&self) {
        self.state().held = false;
        self.shared.1.notify_all();
    }

    /// Waits until this number of requests is delayed.
    pub(crate) fn wait_for_held(&self, requests: usize) {
        self.wait_until(|state| state.waiting >= requests);
    }

    /// Waits until this number of tokens was issued.
    pub(crate) fn wait_for_exchanges(&self, exchanges: usize) {
        self.wait_until(|state| state.exchanges >= exchanges);
    }

    /// The number of requests until now.
    pub(crate) fn requests(&self) -> usize {
        self.state().requests
    }

    /// The number of tokens issued until now.
    pub(crate) fn exchanges(&self) -> usize {
        self.state().exchanges
    }

    /// Counts a request, delays it, and gives the response of [`Self::fail`], if there is one for it.
    pub(super) fn admit(&self) -> Option<Response> {
        let mut state = self.state();
        state.requests += 1;
        if state.held {
            state.waiting += 1;
            self.shared.1.notify_all();
            state = self.shared.1.wait_while(state, |state| state.held).unwrap();
            state.waiting -= 1;
        }
        state.faults.pop_front()
    }

    /// Whether the credentials of a client are known everywhere. Each call is a request of the client.
    pub(super) fn is_settled(&self, client_id: &str) -> bool {
        match self.state().unsettled.get_mut(client_id) {
            Some(left) if *left > 0 => {
                *left -= 1;
                false
            }
            _ => true,
        }
    }

    /// Issues a token, and gives the body of the answer.
    pub(super) fn issue(&self, tenant: &str, client_id: &str, audience: &str) -> Value {
        let mut state = self.state();
        let mut principal = Principal::app(tenant, client_id);
        principal.groups = state.groups.get(client_id).cloned().unwrap_or_default();
        let text = state.expires_in_is_text;
        let seconds = |number: i64| if text { json!(number.to_string()) } else { json!(number) };
        let left = seconds(state.lifetime - state.age);
        let token = self.tokens.issue(&principal, audience, state.lifetime, state.age);
        let mut body =
            json!({ "token_type": "Bearer", "expires_in": left, "ext_expires_in": left, "access_token": token });
        if let Some(refresh_in) = state.refresh_in {
            body["refresh_in"] = json!(refresh_in);
        }
        state.exchanges += 1;
        self.shared.1.notify_all();
        body
    }

    fn wait_until(&self, is_reached: impl Fn(&State) -> bool) {
        let waiting = |state: &mut State| !is_reached(state);
        let (_state, result) = self.shared.1.wait_timeout_while(self.state(), PATIENCE, waiting).unwrap();
        assert!(!result.timed_out(), "the expected requests did not arrive within {PATIENCE:?}");
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.0.lock().unwrap()
    }
}

/// Responses of Entra to requests that it does not judge.
pub(crate) mod fault {
    use super::Response;
    use crate::support::entra_error::EntraError;

    /// 429 with Retry-After in seconds. The code and its text are in "Microsoft Entra authentication and authorization
    /// error codes" (reference-error-codes.md).
    pub(crate) fn throttled(retry_after: u32) -> Response {
        let mut response = EntraError::of(
            "temporarily_unavailable",
            90_055,
            "Server terminated the operation because \
            it encountered excessive request rate.",
        )
        .response();
        response.status = 429;
        response.with("Retry-After", &retry_after.to_string())
    }

    /// 503 with an AADSTS code that the same page calls transient.
    pub(crate) fn transient() -> Response {
        let mut response =
            EntraError::of("temporarily_unavailable", 90_033, "A transient error has occurred. Please try again.")
                .response();
        response.status = 503;
        response
    }

    /// A status of a gateway without JSON, such as 502.
    pub(crate) fn gateway(status: u16) -> Response {
        Response::new(status, &[("Content-Type", "text/html")], "<html><body>The service is unavailable.</body></html>")
    }

    /// A refusal with the code and the value of `error`.
    pub(crate) fn refusal(error: &'static str, code: u32, sentence: &str) -> Response {
        EntraError::of(error, code, sentence).response()
    }
}
