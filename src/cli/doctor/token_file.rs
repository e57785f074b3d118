//! The file with the token of a pod: read, then judged as a value.

use std::{fs, path::Path};

use issuer::{Aadsts, Claims, Timestamp, Token};
use jiff::SignedDuration;

use super::{
    super::{
        inputs,
        output::second,
        token_input::{TOKEN_FILE_MAX, VARIABLE},
    },
    answer::Check,
    variables::Variables,
};

/// The object of these checks.
pub(super) const FILE: &str = "token file";
/// The difference between two clocks that is not reported.
const LEEWAY: SignedDuration = SignedDuration::from_secs(60);
/// The part of its life after which a token that was not renewed is reported, in percent. The kubelet renews a token after
/// 80 percent (Kubernetes, `pkg/kubelet/token/token_manager.go`), and needs up to two minutes to update the file.
const OLD_PERCENT: i64 = 90;

/// A token file.
pub(super) struct TokenFile {
    pub(super) text: String,
    /// When the file was written, if the file system reports it.
    modified: Option<Timestamp>,
}

impl TokenFile {
    /// Reads the file that the variable names, or returns the failed check. `None` if the variable is not set.
    pub(super) fn read(variables: &Variables) -> Option<Result<Self, Check>> {
        let path = Path::new(variables.get(VARIABLE)?);
        // The variable may contain the token itself, so errors do not show its value.
        let shown = format!("the file that {VARIABLE} names");
        Some(match inputs::read_as(Some(&shown), path, TOKEN_FILE_MAX) {
            Ok(bytes) => {
                let modified = fs::metadata(path).and_then(|metadata| metadata.modified()).ok();
                let modified = modified.and_then(|time| Timestamp::try_from(time).ok());
                Ok(Self { text: String::from_utf8_lossy(&bytes).into_owned(), modified })
            }
            Err(failure) => {
                let fix = "mount the token volume in this container, or remove the variable from the pod template, so that the webhook sets it; the path moved with version 1.6 of the webhook";
                Err(Check::failed("token_file", FILE, failure.message).fix(fix))
            }
        })
    }

    /// The token without a newline at its end.
    pub(super) fn token(&self) -> &str {
        self.text.trim_end_matches(['\r', '\n'])
    }

    /// Checks the file at this time.
    pub(super) fn check(&self, now: Timestamp) -> Vec<Check> {
        let mut checks = Vec::new();
        if self.token().is_empty() {
            let fix = "check that the token volume is mounted, and that the kubelet has written the file";
            let check = Check::failed("token_file", FILE, "it is empty").fix(fix);
            return vec![check.aadsts(Some(Aadsts::NO_ASSERTION))];
        }
        if self.text.trim() == self.text {
            checks.push(Check::passed("token_file", FILE, format!("{} bytes", self.text.len())));
        } else {
            let message = "it starts or ends with white space, which the SDKs send as a part of the token";
            let fix = "write the file without a newline or a space at its end, such as with printf %s";
            checks.push(Check::failed("token_file", FILE, message).fix(fix).aadsts(Some(Aadsts::MALFORMED)));
        }
        let mut buffer = Vec::new();
        if let Ok(Token { claims, .. }) = Token::parse(self.token(), &mut buffer) {
            checks.extend(freshness(&claims, now));
            checks.extend(self.clock(&claims, now));
        }
        checks
    }

    /// The clocks of this machine and of the API server.
    fn clock(&self, claims: &Claims<'_>, now: Timestamp) -> Option<Check> {
        let issued = claims.iat?;
        let behind = issued.duration_since(now);
        let fix = "synchronise the clocks of the nodes and of the control plane (NTP)";
        let failed = |seen: &str, time: Timestamp| {
            let message = format!("the token was issued after {seen}: a clock is wrong");
            Check::failed("clock", FILE, message)
                .compared(format!("issued {}", second(issued)), format!("before {}", second(time)))
        };
        if behind > LEEWAY {
            return Some(failed("the current time of this machine", now).fix(fix).aadsts(Some(Aadsts::TIME)));
        }
        // The kubelet writes the file after the API server has issued the token.
        if let Some(modified) = self.modified.filter(|modified| issued.duration_since(*modified) > LEEWAY) {
            let mut check = failed("the file was written", modified).fix(fix);
            check.outcome = super::answer::Outcome::Warning;
            return Some(check);
        }
        Some(Check::passed("clock", FILE, format!("issued {}, now {}", second(issued), second(now))))
    }
}

/// Whether the kubelet renews the token.
fn freshness(claims: &Claims<'_>, now: Timestamp) -> Option<Check> {
    let (issued, expires) = (claims.iat?, claims.exp?);
    let (age, life) = (now.duration_since(issued), expires.duration_since(issued));
    let fix = "mount the whole token volume, not with subPath, and read the file again at each exchange";
    let compared =
        |check: Check| check.compared(format!("now {}", second(now)), format!("before {}", second(expires))).fix(fix);
    if now >= expires {
        let check = Check::failed("freshness", FILE, "the token has expired, and the kubelet has not renewed the file");
        return Some(compared(check).aadsts(Some(Aadsts::TIME)));
    }
    let is_old = age.as_secs().saturating_mul(100) > life.as_secs().saturating_mul(OLD_PERCENT);
    if is_old {
        let message = "the token is near its end, and the kubelet, which renews it after 80 % of its life, has not";
        return Some(compared(Check::warning("freshness", FILE, message)));
    }
    Some(Check::passed("freshness", FILE, format!("expires {}", second(expires))))
}

#[cfg(test)]
mod tests {
    use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};

    use super::{super::answer::Outcome, *};
    use Outcome::{Failed, Passed, Warning};

    const NOW: i64 = 1_795_307_700;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(NOW + seconds).unwrap()
    }

    /// A token file with these times, relative to now.
    fn file(issued: i64, expires: i64, modified: i64) -> TokenFile {
        let claims = format!(r#"{{"iat":{},"exp":{}}}"#, NOW + issued, NOW + expires);
        let parts = [r#"{"alg":"RS256"}"#, &claims, "x"].map(|part| BASE64_URL_SAFE_NO_PAD.encode(part));
        TokenFile { text: parts.join("."), modified: Some(at(modified)) }
    }

    #[test]
    fn file_is_judged_by_its_times() {
        let cases = [
            ("sound", file(-60, 3540, -59), Passed, Passed),
            ("renewed at 80 %", file(-2880, 720, -2880), Passed, Passed),
            ("not renewed", file(-3300, 300, -3300), Warning, Passed),
            ("expired", file(-3700, -100, -3700), Failed, Passed),
            ("issued in the future", file(61, 3661, 0), Passed, Failed),
            ("issued within the leeway", file(60, 3660, 0), Passed, Passed),
            ("written before it was issued", file(-60, 3540, -200), Passed, Warning),
        ];
        for (what, file, freshness, clock) in cases {
            let checks = file.check(at(0));
            let outcome = |name: &str| checks.iter().find(|check| check.name == name).unwrap().outcome;
            assert_eq!((outcome("freshness"), outcome("clock")), (freshness, clock), "{what}");
            assert_eq!(outcome("token_file"), Passed, "{what}");
        }
    }

    #[test]
    fn empty_file_is_found() {
        let mut empty = file(-60, 3540, -59);
        empty.text.clear();
        let checks = empty.check(at(0));
        assert_eq!((checks[0].outcome, checks[0].aadsts), (Failed, Some(Aadsts::NO_ASSERTION.code())));
    }

    #[test]
    fn newline_at_the_end_is_found() {
        let mut file = file(-60, 3540, -59);
        file.text.push('\n');
        let checks = file.check(at(0));
        assert_eq!((checks[0].outcome, checks[0].aadsts), (Failed, Some(Aadsts::MALFORMED.code())));
        assert!(checks.iter().any(|check| check.name == "freshness"));
    }
}
