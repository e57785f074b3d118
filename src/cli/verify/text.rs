use issuer::{CheckName, RelyingParty};

use super::{
    super::{
        clean::{message, printable},
        output::{BAD, FAINT, GOOD, STRONG, WARN},
    },
    answer::{Answer, Check, CheckId, CheckOutcome, TokenRefusal, Verdict},
};

/// The columns before the name of a check, and between the name and the rest of the line.
const BEFORE_NAME: usize = "  skipped  ".len();
const AFTER_NAME: usize = 2;

impl Answer {
    pub(super) fn to_text(&self) -> String {
        let mut lines = Vec::new();
        if self.is_parsed {
            let pod = self.pod.as_ref().map(|pod| format!(", pod {}", printable(pod))).unwrap_or_default();
            let or_none = |text: &Option<String>| printable(text.as_deref().unwrap_or("(none)"));
            lines.push(format!("{STRONG}token{STRONG:#}    {}{pod}", or_none(&self.subject)));
            lines.push(format!("{STRONG}issuer{STRONG:#}   {}", or_none(&self.issuer)));
            lines.push(String::new());
        }
        let width = self.checks.iter().map(|check| check.name.to_string().len()).max().unwrap_or_default();
        lines.extend(self.checks.iter().flat_map(|check| self.check_lines(check, width)));
        lines.push(String::new());
        lines.extend(match &self.refusal {
            Some(refusal) => self.refused(refusal),
            None => self.accepted(),
        });
        lines.push(String::new());
        lines.join("\n")
    }

    fn check_lines(&self, Check { name, outcome }: &Check, width: usize) -> Vec<String> {
        let indent = BEFORE_NAME + width + AFTER_NAME;
        // The longest compared value that fits beside the name of its check in 80 columns.
        let compared_max = 80 - indent - "expected ".len();
        match outcome {
            CheckOutcome::Passed { seen } => vec![format!("  {GOOD}ok{GOOD:#}       {name:width$}  {}", message(seen))],
            // Skipped checks of a token that cannot be parsed say nothing.
            CheckOutcome::Skipped { .. } if !self.is_parsed => Vec::new(),
            CheckOutcome::Skipped { because } => {
                vec![format!("  {FAINT}skipped  {name:width$}  {}{FAINT:#}", message(because))]
            }
            CheckOutcome::Failed { expected: Some(expected), seen: Some(seen), near_miss, .. } => {
                let (expected, seen) = (printable(expected), printable(seen));
                let longest = expected.chars().count().max(seen.chars().count());
                // Compared values are aligned below each other, on unbroken lines.
                let mut lines = if longest <= compared_max {
                    vec![
                        format!("  {BAD}failed{BAD:#}   {name:width$}  expected {expected}"),
                        format!("{:indent$}seen     {seen}", ""),
                    ]
                } else {
                    vec![
                        format!("  {BAD}failed{BAD:#}   {name}"),
                        format!("      expected {expected}"),
                        format!("      seen     {seen}"),
                    ]
                };
                let indent = if longest <= compared_max { indent } else { 6 };
                lines.extend(near_miss.iter().map(|near_miss| format!("{:indent$}{near_miss}", "")));
                lines
            }
            CheckOutcome::Failed { message: because, .. } => {
                vec![format!("  {BAD}failed{BAD:#}   {name:width$}  {}", message(because))]
            }
        }
    }

    fn accepted(&self) -> Vec<String> {
        let signature = CheckId::from(CheckName::Signature);
        let key = self.checks.iter().find_map(|check| match &check.outcome {
            CheckOutcome::Passed { seen } if check.name == signature => Some(seen.as_str()),
            _ => None,
        });
        let from = self.sources.keys.as_ref().map(|place| format!("a key from {}", printable(place)));
        let from = from.unwrap_or_else(|| "a published key".to_owned());
        let mut lines = vec![format!("{GOOD}accepted{GOOD:#}: signed with {from}, {}", key.unwrap_or_default())];
        if self.relying_party == RelyingParty::Entra && self.limits.is_empty() {
            let condition = match &self.sources.credentials {
                Some(from) => format!("with the federated identity credentials of {}", printable(from)),
                None => "if a federated credential has this issuer, subject and audience".to_owned(),
            };
            lines.push(format!("{STRONG}Entra{STRONG:#} accepts it {condition}"));
        } else if !self.limits.is_empty() {
            lines.push(format!("{WARN}Entra may answer differently{WARN:#}:"));
            lines.extend(self.limits.iter().map(|limit| format!("  - {}", message(limit))));
        }
        lines
    }

    fn refused(&self, refusal: &TokenRefusal) -> Vec<String> {
        let (word, style) = match self.verdict {
            Verdict::Undecided => ("undecided", WARN),
            Verdict::Accepted | Verdict::Refused => ("refused", BAD),
        };
        let because = match (refusal.aadsts, refusal.meaning) {
            (Some(code), _) if self.verdict == Verdict::Undecided => {
                format!("a document could not be read; if Entra cannot read it either, it answers AADSTS{code}")
            }
            (Some(code), Some(meaning)) if refusal.others.is_empty() => {
                format!("Entra will answer AADSTS{code}, {meaning}")
            }
            (Some(code), Some(meaning)) => {
                let others: Vec<_> = refusal.others.iter().map(|code| format!("AADSTS{code}")).collect();
                format!(
                    "Entra will most likely answer AADSTS{code}, {meaning}; other failed checks: {}",
                    others.join(", ")
                )
            }
            _ if self.relying_party == RelyingParty::Entra => format!("{}; Entra may accept it", refusal.message),
            _ => refusal.message.clone(),
        };
        vec![
            format!("{style}{word}{style:#}: {}", message(&because)),
            format!("{STRONG}fix{STRONG:#}: {}", message(&refusal.fix)),
        ]
    }
}
