use std::{fmt, sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};

use super::{AccessTokenClaims, Moment};
use crate::entra::{IssuedToken, Scope};

/// The longest time before its expiry at which a token is refreshed.
const MARGIN: Duration = Duration::from_mins(5);

/// An access token for one scope. It is a secret; the `Debug` output omits it. Clones share it.
///
/// ```
/// use issuer::{AccessToken, Moment, SystemClock, TokenAnswer};
/// let body = br#"{"token_type": "Bearer", "expires_in": 3600, "access_token": "eyJ0eXAi"}"#;
/// let TokenAnswer::Issued(answer) = TokenAnswer::parse(200, body) else { panic!() };
/// let scope = "https://vault.azure.net/.default".parse()?;
/// let token = AccessToken::new(answer, scope, Moment::now(&SystemClock));
/// assert_eq!(token.secret(), "eyJ0eXAi");
/// assert_eq!(token.lifetime().as_secs(), 3600);
/// assert!(token.refresh_at() < token.expires_at());
/// assert!(!token.is_expired(Moment::now(&SystemClock)));
/// assert!(!format!("{token:?}").contains("eyJ0eXAi"));
/// # Ok::<(), issuer::ScopeError>(())
/// ```
#[derive(Clone)]
pub struct AccessToken(Arc<Inner>);

struct Inner {
    secret: String,
    scope: Scope,
    requested: Moment,
    lifetime: Duration,
    refresh_in: Option<Duration>,
}

impl AccessToken {
    /// The token of a response. Its lifetime starts at the time of the request, because the time at which Entra issued it
    /// is unknown.
    pub fn new(answer: IssuedToken, scope: Scope, requested: Moment) -> Self {
        let IssuedToken { access_token: secret, expires_in: lifetime, refresh_in, .. } = answer;
        // A refresh_in of 0 would cause a request loop.
        let refresh_in = refresh_in.filter(|refresh_in| !refresh_in.is_zero() && *refresh_in < lifetime);
        Self(Arc::new(Inner { secret, scope, requested, lifetime, refresh_in }))
    }

    /// The token itself, a secret: the password of a connection, or the value after `Bearer` in a header.
    pub fn secret(&self) -> &str {
        &self.0.secret
    }

    /// The scope that was requested.
    pub fn scope(&self) -> &Scope {
        &self.0.scope
    }

    /// The lifetime, from the time of the request.
    pub fn lifetime(&self) -> Duration {
        self.0.lifetime
    }

    /// The time after which Entra requests a refresh, from the time of the request. It is shorter than the lifetime.
    pub fn refresh_in(&self) -> Option<Duration> {
        self.0.refresh_in
    }

    /// The time at which the token was requested.
    pub fn requested_at(&self) -> Timestamp {
        self.0.requested.wall()
    }

    /// The time at which the token expires, by the wall clock at the time of the request.
    pub fn expires_at(&self) -> Timestamp {
        self.at(self.0.lifetime)
    }

    /// The time from which a [`TokenSource`](super::TokenSource) requests the next token: after `refresh_in`, else five
    /// minutes or a third of the lifetime before the expiry, whichever is later.
    pub fn refresh_at(&self) -> Timestamp {
        self.at(self.refresh_after())
    }

    /// Whether the token has expired by the wall clock or by the monotonic clock.
    pub fn is_expired(&self, now: Moment) -> bool {
        self.remaining(now).is_zero()
    }

    /// Whether to request the next token.
    pub fn is_refresh_due(&self, now: Moment) -> bool {
        now.since(self.0.requested) >= self.refresh_after()
    }

    /// The time until the token expires, by the clock on which more time has passed.
    pub fn remaining(&self, now: Moment) -> Duration {
        self.0.lifetime.saturating_sub(now.since(self.0.requested))
    }

    /// Audience and identity in the token, to show them. `None` if the token is not a JWT: the format of an access token
    /// is a matter of its resource.
    pub fn claims(&self) -> Option<AccessTokenClaims> {
        AccessTokenClaims::read(&self.0.secret)
    }

    /// The moment at which the token was requested.
    pub(super) fn requested(&self) -> Moment {
        self.0.requested
    }

    fn refresh_after(&self) -> Duration {
        let before_margin = self.0.lifetime.saturating_sub(MARGIN.min(self.0.lifetime / 3));
        self.0.refresh_in.unwrap_or(before_margin).min(before_margin)
    }

    fn at(&self, after: Duration) -> Timestamp {
        let after = SignedDuration::try_from(after).unwrap_or(SignedDuration::MAX);
        self.0.requested.wall().checked_add(after).unwrap_or(Timestamp::MAX)
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessToken")
            .field("scope", &self.0.scope)
            .field("expires_at", &self.expires_at())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(expires_in: u64, refresh_in: Option<u64>) -> AccessToken {
        let refresh_in = refresh_in.map(|refresh_in| format!(r#""refresh_in":"{refresh_in}","#)).unwrap_or_default();
        let body = format!(r#"{{{refresh_in}"token_type":"Bearer","expires_in":{expires_in},"access_token":"t"}}"#);
        let crate::entra::TokenAnswer::Issued(answer) = crate::entra::TokenAnswer::parse(200, body.as_bytes()) else {
            panic!("{body}");
        };
        AccessToken::new(answer, "a/.default".parse().unwrap(), Moment::now(&Timestamp::UNIX_EPOCH))
    }

    #[test]
    fn refresh_is_due_before_the_margin_or_after_refresh_in() {
        for (expires_in, refresh_in, refresh) in [
            (3600, None, 3300),
            (86_400, None, 86_100),
            (600, None, 400),
            (3, None, 2),
            (86_400, Some(43_200), 43_200),
            (3600, Some(3599), 3300),
            (3600, Some(3600), 3300),
            (3600, Some(9000), 3300),
            (3600, Some(0), 3300),
            (3600, Some(1), 1),
            (30, Some(0), 20),
        ] {
            let token = token(expires_in, refresh_in);
            let start = token.requested();
            assert_eq!(token.refresh_at().as_second(), refresh, "{expires_in} {refresh_in:?}");
            assert_eq!(token.expires_at().as_second(), i64::try_from(expires_in).unwrap());
            let refresh = u64::try_from(refresh).unwrap();
            assert!(!token.is_refresh_due(start.advanced(0, refresh - 1)));
            assert!(token.is_refresh_due(start.advanced(0, refresh)));
            assert!(!token.is_expired(start.advanced(0, expires_in - 1)));
            assert!(token.is_expired(start.advanced(0, expires_in)));
        }
    }

    #[test]
    fn token_expires_by_either_clock() {
        let token = token(3600, None);
        let start = token.requested();
        for (wall, monotonic, expired) in
            [(3599, 3599, false), (3600, 0, true), (0, 3600, true), (-9000, 3599, false), (-9000, 3600, true)]
        {
            assert_eq!(token.is_expired(start.advanced(wall, monotonic)), expired, "{wall} {monotonic}");
        }
    }
}
