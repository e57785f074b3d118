use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

use super::{AccessToken, ExchangeError, WorkloadIdentity};
use crate::entra::Scope;

pub(super) type Outcome = Result<AccessToken, ExchangeError>;

/// The future of an access token. A cached token needs no allocation.
///
/// ```
/// use issuer::{ExchangeError, TokenFuture};
/// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
/// # runtime.block_on(async {
/// let ready = TokenFuture::ready(Err(ExchangeError::NoRuntime));
/// assert!(ready.await.is_err());
/// let boxed = TokenFuture::boxed(async { Err(ExchangeError::NoRuntime) });
/// assert!(boxed.await.is_err());
/// # });
/// # Ok::<(), std::io::Error>(())
/// ```
#[must_use = "a future does nothing until it is awaited"]
pub struct TokenFuture<'a>(State<'a>);

enum State<'a> {
    Ready(Outcome),
    /// The cache is read when the future is polled, because a token may expire before.
    Unpolled(&'a WorkloadIdentity, &'a Scope),
    Boxed(Pin<Box<dyn Future<Output = Outcome> + Send + 'a>>),
    Done,
}

impl<'a> TokenFuture<'a> {
    /// A future that is ready.
    pub fn ready(outcome: Result<AccessToken, ExchangeError>) -> Self {
        Self(State::Ready(outcome))
    }

    /// A future that runs another one.
    pub fn boxed(future: impl Future<Output = Result<AccessToken, ExchangeError>> + Send + 'a) -> Self {
        Self(State::Boxed(Box::pin(future)))
    }

    pub(super) fn of(identity: &'a WorkloadIdentity, scope: &'a Scope) -> Self {
        Self(State::Unpolled(identity, scope))
    }
}

impl Future for TokenFuture<'_> {
    type Output = Result<AccessToken, ExchangeError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Outcome> {
        loop {
            match std::mem::replace(&mut self.0, State::Done) {
                State::Ready(outcome) => return Poll::Ready(outcome),
                State::Unpolled(identity, scope) => match identity.cached(scope) {
                    Some(outcome) => return Poll::Ready(outcome),
                    None => self.0 = State::Boxed(Box::pin(identity.wait(scope))),
                },
                State::Boxed(mut future) => {
                    let poll = future.as_mut().poll(context);
                    if poll.is_pending() {
                        self.0 = State::Boxed(future);
                    }
                    return poll;
                }
                // A future must not be polled after it is ready.
                State::Done => return Poll::Pending,
            }
        }
    }
}

impl fmt::Debug for TokenFuture<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenFuture").finish_non_exhaustive()
    }
}
