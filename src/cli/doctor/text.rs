use issuer::Aadsts;

use super::{
    super::{
        clean::{message, printable},
        output::{BAD, FAINT, GOOD, STRONG, WARN},
    },
    answer::{Answer, Check, Outcome, Verdict, Workloads},
};

/// The width of the column of check names.
const NAME: usize = 16;

impl Answer {
    pub(super) fn to_text(&self) -> String {
        let mut lines = Vec::new();
        let mut object = None;
        for check in &self.checks {
            if object != Some(&check.object) {
                lines.extend(object.map(|_| String::new()));
                lines.push(format!("{STRONG}{}{STRONG:#}", message(&check.object)));
                object = Some(&check.object);
            }
            lines.extend(check.lines());
        }
        lines.push(String::new());
        if let Some(Workloads { judged, not_judged, without_pod_template, left_out }) = self.workloads {
            let workloads = counted(judged + not_judged + left_out, "workload");
            let others = match without_pod_template {
                0 => String::new(),
                count => format!("; {} not checked", counted(count, "custom resource")),
            };
            let left_out = match left_out {
                0 => String::new(),
                count => format!(", {count} completed or checked by their owner"),
            };
            lines.push(format!(
                "{workloads}: {judged} checked, {not_judged} without workload identity{left_out}{others}"
            ));
        }
        let counts = format!(
            "{} failed, {}, {} passed, {} skipped",
            self.count(Outcome::Failed),
            counted(self.count(Outcome::Warning), "warning"),
            self.count(Outcome::Passed),
            self.count(Outcome::Skipped),
        );
        lines.push(match self.verdict {
            Verdict::Passed => format!("{GOOD}passed{GOOD:#}: {counts}"),
            Verdict::Failed => format!("{BAD}failed{BAD:#}: {counts}"),
        });
        lines.push(String::new());
        lines.join("\n")
    }
}

impl Check {
    fn lines(&self) -> Vec<String> {
        let (name, text) = (self.shown_name(), message(&self.message));
        let mut lines = vec![match self.outcome {
            Outcome::Passed => format!("  {GOOD}ok{GOOD:#}       {name:NAME$}  {text}"),
            Outcome::Warning => format!("  {WARN}warning{WARN:#}  {name:NAME$}  {text}"),
            Outcome::Failed => format!("  {BAD}failed{BAD:#}   {name:NAME$}  {text}"),
            Outcome::Skipped => format!("  {FAINT}skipped  {name:NAME$}  {text}{FAINT:#}"),
        }];
        if let (Some(expected), Some(seen)) = (&self.expected, &self.seen) {
            lines.push(format!("           expected {}", printable(expected)));
            lines.push(format!("           seen     {}", printable(seen)));
        }
        if let Some(code) = self.aadsts.map(Aadsts::from) {
            lines.push(format!("           Entra answers {code}: {}", code.meaning()));
        }
        lines.extend(self.fix.as_ref().map(|fix| format!("           {STRONG}fix{STRONG:#}: {}", message(fix))));
        lines
    }

    /// The name in text, such as `client ID` for `client_id`.
    fn shown_name(&self) -> String {
        let words = self.name.split('_').map(|word| match word {
            "id" => "ID",
            "sdk" => "SDK",
            word => word,
        });
        words.collect::<Vec<_>>().join(" ")
    }
}

fn counted(number: usize, unit: &str) -> String {
    format!("{number} {unit}{}", if number == 1 { "" } else { "s" })
}
