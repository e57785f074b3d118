use super::{
    super::{
        clean::printable,
        output::{FAINT, STRONG},
    },
    Answer, Case,
    answer::Explanation,
};

/// Where Microsoft explains a code.
const LOOK_UP: &str = "https://login.microsoftonline.com/error?code=";

impl Answer {
    pub(super) fn to_text(&self) -> String {
        let mut sections: Vec<_> = self.findings.iter().map(Explanation::to_text).collect();
        sections.extend(self.case.as_ref().map(Case::to_text));
        sections.join("\n")
    }

    /// One line for each failure: its ID, its name and its meaning.
    pub(super) fn to_list(&self) -> String {
        let (codes, others): (Vec<_>, Vec<_>) = self.findings.iter().partition(|finding| finding.aadsts.is_some());
        let lines = |findings: Vec<&Explanation>| {
            let width = findings.iter().map(|finding| finding.id.len()).max().unwrap_or_default();
            let line = |finding: &Explanation| {
                let name = finding.name.map(|name| format!("{name}: ")).unwrap_or_default();
                format!("{:width$}  {name}{}\n", finding.id, finding.meaning)
            };
            findings.into_iter().map(line).collect::<String>()
        };
        format!("{}\n{}", lines(codes), lines(others))
    }
}

impl Explanation {
    fn to_text(&self) -> String {
        let Self { id, meaning, .. } = self;
        let mut lines = vec![format!("{STRONG}{id}{STRONG:#}: {meaning}")];
        let values = self.values.iter().filter_map(|(name, value)| Some((name.replace('_', " "), value.as_str()?)));
        let ids = [("trace ID", &self.trace_id), ("correlation ID", &self.correlation_id)];
        let ids = ids.into_iter().filter_map(|(name, id)| Some((name.to_owned(), id.as_deref()?)));
        lines.extend(columns(values.chain(ids)));
        if !self.known
            && let Some(code) = self.aadsts
        {
            lines.push(String::new());
            lines.push(format!("look up the code: {LOOK_UP}{code}"));
        }
        if self.known {
            lines.push(String::new());
            lines.push(format!("{STRONG}likely causes{STRONG:#}, the most frequent first"));
            lines.extend(self.causes.iter().enumerate().map(|(index, cause)| format!("  {}. {cause}", index + 1)));
            lines.push(format!("{STRONG}how to confirm{STRONG:#}"));
            lines.extend(self.confirm.iter().map(|step| format!("  - {step}")));
            lines.push(String::new());
            lines.extend(self.fix.iter().map(|fix| format!("{STRONG}fix{STRONG:#}: {fix}")));
            lines.extend(self.waits.map(|waiting| format!("{STRONG}waiting helps{STRONG:#}: {waiting}")));
        }
        if let (Some(source), Some(evidence)) = (self.source, self.evidence) {
            lines.push(format!("{FAINT}source: {source} ({}){FAINT:#}", evidence.name()));
        }
        lines.push(String::new());
        lines.join("\n")
    }
}

/// Lines with names and values in two columns.
pub(super) fn columns<'v>(values: impl Iterator<Item = (String, &'v str)>) -> Vec<String> {
    let values: Vec<_> = values.collect();
    let width = values.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    values.into_iter().map(|(name, value)| format!("  {name:width$}  {}", printable(value))).collect()
}
