use super::{Aadsts, Waiting};

/// Whether to send a refused token request again.
///
/// ```
/// use issuer::{Aadsts, RetryAdvice};
/// assert_eq!(RetryAdvice::of(401, Some("invalid_client"), &[Aadsts::ISSUER]), RetryAdvice::WhilePropagating);
/// assert_eq!(RetryAdvice::of(401, Some("invalid_client"), &[Aadsts::SIGNATURE]), RetryAdvice::Never);
/// assert_eq!(RetryAdvice::of(503, None, &[]), RetryAdvice::Soon);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RetryAdvice {
    /// Retry with exponential backoff and jitter: the fault is transient.
    Soon,
    /// Retry after some minutes: Entra throttles the tenant.
    Slowly,
    /// Retry only if a credential, key or role was created or changed recently.
    WhilePropagating,
    /// Do not retry: the same request has the same answer, and a loop has a penalty.
    Never,
}

impl RetryAdvice {
    /// The advice for a response that is not a success.
    ///
    /// The catalogue decides for the first code that it has. Without one, the field `error` decides (RFC 6749 section 5.2),
    /// then the status. A response without an `error` does not come from Entra's token service but from a gateway in front
    /// of it, and is transient. A redirect, and a path or method that does not exist, are permanent.
    pub fn of(status: u16, error: Option<&str>, codes: &[Aadsts]) -> Self {
        let entry = codes.iter().find_map(|code| code.entry());
        if let Some(entry) = entry {
            return entry.waiting.into();
        }
        match (error, status) {
            (Some("server_error" | "temporarily_unavailable"), _) | (_, 408 | 429 | 500..=599) => Self::Soon,
            (Some(_), _) | (None, 300..=399 | 404 | 405 | 413) => Self::Never,
            (None, _) => Self::Soon,
        }
    }
}

impl From<Waiting> for RetryAdvice {
    fn from(waiting: Waiting) -> Self {
        match waiting {
            Waiting::No => Self::Never,
            Waiting::Propagation | Waiting::KeyCache | Waiting::RoleAssignment => Self::WhilePropagating,
            Waiting::Transient => Self::Soon,
            Waiting::Throttled => Self::Slowly,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_decide_before_error_and_status() {
        use RetryAdvice::{Never, Slowly, Soon, WhilePropagating};
        for (advice, codes) in [
            (Soon, &[50000, 90006, 90012, 90024, 90033, 90090][..]),
            (Slowly, &[90055]),
            (WhilePropagating, &[70021, 70025, 700_211, 700_212, 700_213, 7_000_272, 7_002_138]),
            (Never, &[50196, 50027, 70023, 90002, 700_016, 700_024, 700_027, 7_000_112, 7_000_218, 53003]),
        ] {
            for code in codes.iter().copied().map(Aadsts::new) {
                for (status, error) in [(400, Some("invalid_request")), (429, None), (500, Some("server_error"))] {
                    assert_eq!(RetryAdvice::of(status, error, &[code]), advice, "{code} {status}");
                    let with_unknown = [Aadsts::new(1), code];
                    assert_eq!(RetryAdvice::of(status, error, &with_unknown), advice, "{code} {status}");
                }
            }
        }
        let unknown = [Aadsts::new(1)];
        for (status, error, codes, advice) in [
            (400, Some("server_error"), &[][..], Soon),
            (400, Some("temporarily_unavailable"), &unknown, Soon),
            (400, Some("invalid_request"), &unknown, Never),
            (401, Some("invalid_client"), &[], Never),
            (429, Some("invalid_request"), &unknown, Soon),
            (503, Some("invalid_request"), &[], Soon),
            (500, None, &[], Soon),
            (403, None, &[], Soon),
            (400, None, &[], Soon),
            (408, None, &[], Soon),
            (302, None, &[], Never),
            (404, None, &[], Never),
        ] {
            assert_eq!(RetryAdvice::of(status, error, codes), advice, "{status} {error:?} {codes:?}");
        }
    }
}
