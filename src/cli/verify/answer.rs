use issuer::{CheckName, Checked, Outcome, Refusal, RelyingParty, Report, Token};
use serde_json::{Value, json};

use super::super::output::{BAD, FAINT, GOOD, STRONG, WARN, printable};

/// A report and the token it is about, and how both print.
pub(super) struct Answer<'t> {
    pub(super) token: Option<Token<'t>>,
    pub(super) report: Report,
    /// The JWKS file that was given, in place of what is published.
    pub(super) jwks: Option<String>,
    pub(super) relying_party: RelyingParty,
}

impl Answer<'_> {
    pub(super) fn to_text(&self) -> String {
        let mut lines = Vec::new();
        if let Some(token) = &self.token {
            let pod = token.claims.kubernetes.as_ref().and_then(|kubernetes| kubernetes.pod.as_ref());
            let pod = pod.map(|pod| format!(", pod {}", printable(&pod.name))).unwrap_or_default();
            let or_none = |text: Option<&str>| printable(text.unwrap_or("(none)"));
            lines.push(format!("{STRONG}token{STRONG:#}    {}{pod}", or_none(token.claims.sub.as_deref())));
            lines.push(format!("{STRONG}issuer{STRONG:#}   {}", or_none(token.claims.iss.as_deref())));
            lines.push(String::new());
        }
        for checked in &self.report.checks {
            let name = checked.name;
            match &checked.outcome {
                Outcome::Passed(seen) => lines.push(format!("  {GOOD}ok{GOOD:#}       {name:9}  {}", printable(seen))),
                // A token that cannot be read leaves nothing else to look at.
                Outcome::Skipped(_) if self.token.is_none() => {}
                Outcome::Skipped(because) => {
                    lines.push(format!("  {FAINT}skipped  {name:9}  {}{FAINT:#}", printable(because)));
                }
                Outcome::Failed(refusal) => {
                    if let Some((expected, seen)) = refusal.expected_and_seen() {
                        let (expected, seen) = (printable(&expected), printable(&seen));
                        lines.push(format!("  {BAD}failed{BAD:#}   {name:9}  expected {expected}"));
                        lines.push(format!("                      seen     {seen}"));
                    } else {
                        let message = printable(&refusal.to_string());
                        lines.push(format!("  {BAD}failed{BAD:#}   {name:9}  {message}"));
                    }
                }
            }
        }
        lines.push(String::new());
        lines.extend(self.verdict());
        lines.push(String::new());
        lines.join("\n")
    }

    fn verdict(&self) -> Vec<String> {
        let Some(refusal) = self.report.refusal() else {
            let seen = |name| {
                self.report.checks.iter().find(|checked| checked.name == name).and_then(|checked| {
                    match &checked.outcome {
                        Outcome::Passed(seen) => Some(seen.as_str()),
                        _ => None,
                    }
                })
            };
            let key = seen(CheckName::Signature).unwrap_or_default();
            let accepted = match &self.jwks {
                None => format!("{GOOD}accepted{GOOD:#}: signed with a published key, {key}"),
                Some(file) => format!(
                    "{GOOD}accepted{GOOD:#}: signed with a key of {}, {key}; whether it is published was not checked",
                    printable(file)
                ),
            };
            let entra = "takes it where a federated credential has this issuer, subject and audience";
            return match self.relying_party {
                RelyingParty::Entra => vec![accepted, format!("{STRONG}Entra{STRONG:#} {entra}")],
                _ => vec![accepted],
            };
        };
        let word = if refusal.is_inconclusive() { "undecided" } else { "refused" };
        let because = match (self.relying_party, refusal.aadsts()) {
            (RelyingParty::Entra, Some(code)) if refusal.is_inconclusive() => {
                format!("a document could not be read; if Entra cannot read it either, it will answer {code}")
            }
            (RelyingParty::Entra, Some(code)) => format!("Entra will answer {code}, {}", code.meaning()),
            (RelyingParty::Entra, None) => format!("{refusal}, though Entra may take it"),
            _ => refusal.to_string(),
        };
        let style = if refusal.is_inconclusive() { WARN } else { BAD };
        vec![
            format!("{style}{word}{style:#}: {}", printable(&because)),
            format!("{STRONG}fix{STRONG:#}: {}", printable(&refusal.fix())),
        ]
    }

    pub(super) fn to_json(&self) -> Value {
        let refusal = self.report.refusal();
        let verdict = match refusal {
            None => "accepted",
            Some(refusal) if refusal.is_inconclusive() => "undecided",
            Some(_) => "refused",
        };
        let claims = self.token.as_ref().map(|token| &token.claims);
        json!({
            "verdict": verdict,
            "issuer": claims.and_then(|claims| claims.iss.as_ref()),
            "subject": claims.and_then(|claims| claims.sub.as_ref()),
            "checks": self.report.checks.iter().map(check_json).collect::<Vec<_>>(),
            "refusal": refusal.map(|refusal| refusal_json(refusal, self.relying_party)),
        })
    }
}

/// A refusal in JSON.
pub(super) fn refusal_json(refusal: &Refusal, relying_party: RelyingParty) -> Value {
    let code = refusal.aadsts().filter(|_| relying_party == RelyingParty::Entra);
    json!({
        "check": id(refusal.check()),
        "message": refusal.to_string(),
        "aadsts": code.map(issuer::Aadsts::code),
        "meaning": code.map(issuer::Aadsts::meaning),
        "fix": refusal.fix(),
    })
}

fn check_json(checked: &Checked) -> Value {
    let name = id(checked.name);
    match &checked.outcome {
        Outcome::Passed(seen) => json!({ "check": name, "outcome": "passed", "seen": seen }),
        Outcome::Failed(refusal) => {
            let mut value = json!({ "check": name, "outcome": "failed", "message": refusal.to_string() });
            if let Some((expected, seen)) = refusal.expected_and_seen() {
                value["expected"] = json!(expected);
                value["seen"] = json!(seen);
            }
            value
        }
        Outcome::Skipped(because) => json!({ "check": name, "outcome": "skipped", "because": because }),
    }
}

/// The name of a check in JSON.
fn id(name: CheckName) -> String {
    name.to_string().replace(' ', "_")
}
