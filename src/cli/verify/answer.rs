use issuer::{CheckName, Checked, Outcome, Refusal, RelyingParty, Report, Token};
use serde_json::{Value, json};

use super::super::{
    clean::{message, printable},
    output::{BAD, FAINT, GOOD, STRONG, WARN},
    values,
};

/// The longest compared value that stands beside the name of its check on a line of 80 columns.
const COMPARED_MAX: usize = 80 - 22 - "expected ".len();

/// A report and the token it is about, and how both print.
pub(super) struct Answer<'t> {
    pub(super) token: Option<Token<'t>>,
    pub(super) report: Report,
    /// What differs from what Entra judges, each a clause; empty where Entra would judge the same input.
    pub(super) limits: Vec<String>,
    /// Where the keys came from, if not from the issuer URL.
    pub(super) keys_from: Option<String>,
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
                Outcome::Passed(seen) => lines.push(format!("  {GOOD}ok{GOOD:#}       {name:9}  {}", message(seen))),
                // A token that cannot be read leaves nothing else to look at.
                Outcome::Skipped(_) if self.token.is_none() => {}
                Outcome::Skipped(because) => {
                    lines.push(format!("  {FAINT}skipped  {name:9}  {}{FAINT:#}", message(because)));
                }
                Outcome::Failed(refusal) => {
                    if let Some((expected, seen)) = refusal.expected_and_seen() {
                        let (expected, seen) = (printable(&expected), printable(&seen));
                        let longest = expected.chars().count().max(seen.chars().count());
                        // Two values that are compared stay below each other, on lines that are not broken.
                        if longest <= COMPARED_MAX {
                            lines.push(format!("  {BAD}failed{BAD:#}   {name:9}  expected {expected}"));
                            lines.push(format!("                      seen     {seen}"));
                        } else {
                            lines.push(format!("  {BAD}failed{BAD:#}   {name}"));
                            lines.push(format!("      expected {expected}"));
                            lines.push(format!("      seen     {seen}"));
                        }
                    } else {
                        let message = message(&refusal.to_string());
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
            let from = self.keys_from.as_ref().map(|place| format!("a key from {}", printable(place)));
            let from = from.unwrap_or_else(|| "a published key".to_owned());
            let mut lines = vec![format!("{GOOD}accepted{GOOD:#}: signed with {from}, {key}")];
            if self.relying_party == RelyingParty::Entra && self.limits.is_empty() {
                let condition = "if a federated credential has this issuer, subject and audience";
                lines.push(format!("{STRONG}Entra{STRONG:#} accepts it {condition}"));
            } else if !self.limits.is_empty() {
                lines.push(format!("{WARN}what Entra answers was not checked{WARN:#}:"));
                lines.extend(self.limits.iter().map(|limit| format!("  - {}", message(limit))));
            }
            return lines;
        };
        let word = if refusal.is_inconclusive() { "undecided" } else { "refused" };
        let because = match (self.relying_party, refusal.aadsts()) {
            (RelyingParty::Entra, Some(code)) if refusal.is_inconclusive() => {
                format!("a document could not be read; if Entra cannot read it either, it answers {code}")
            }
            (RelyingParty::Entra, Some(code)) => format!("Entra will answer {code}, {}", code.meaning()),
            (RelyingParty::Entra, None) => format!("{refusal}; Entra may accept it"),
            _ => refusal.to_string(),
        };
        let style = if refusal.is_inconclusive() { WARN } else { BAD };
        vec![
            format!("{style}{word}{style:#}: {}", message(&because)),
            format!("{STRONG}fix{STRONG:#}: {}", message(&refusal.fix())),
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
            "limits": self.limits,
            "warnings": self.report.warnings.iter().map(|warning| values::caution_json(warning, self.relying_party))
                .collect::<Vec<_>>(),
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
