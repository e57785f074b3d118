/// The `error_description` of a response of Entra, without its IDs and time.
///
/// Entra sends `AADSTS…: sentence. Trace ID: … Correlation ID: … Timestamp: …`, with spaces or line ends between the
/// parts. Text after the time stays: the Azure CLI appends the command to run.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Description {
    /// The text on one line.
    pub(crate) text: String,
    pub(crate) trace_id: Option<String>,
    pub(crate) correlation_id: Option<String>,
    pub(crate) timestamp: Option<String>,
}

impl Description {
    pub(crate) fn parse(text: &str) -> Self {
        let mut words = text.split_whitespace().peekable();
        let (mut kept, mut found) = (Vec::new(), Self::default());
        while let Some(word) = words.next() {
            match word {
                "Trace" | "Correlation" if words.peek() == Some(&"ID:") => {
                    words.next();
                    let id = words.next().map(ToOwned::to_owned);
                    if word == "Trace" {
                        found.trace_id = id;
                    } else {
                        found.correlation_id = id;
                    }
                }
                "Timestamp:" => {
                    // A date with its time, which some responses separate with a space.
                    let is_of_time = |next: &str| next.contains(':') && next.ends_with('Z');
                    let date = words.next().unwrap_or_default();
                    let time = words.peek().copied().filter(|next| !is_of_time(date) && is_of_time(next));
                    if time.is_some() {
                        words.next();
                    }
                    let parts: Vec<_> =
                        [Some(date), time].into_iter().flatten().filter(|part| !part.is_empty()).collect();
                    found.timestamp = (!parts.is_empty()).then(|| parts.join(" "));
                }
                word => kept.push(word),
            }
        }
        Self { text: kept.join(" "), ..found }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::Aadsts, Description};

    #[test]
    fn ids_are_removed_and_the_remedy_is_kept() {
        let (expired, wrong) = (Aadsts::MFA_EXPIRED, Aadsts::SECRET_INVALID);
        let azure_cli = format!(
            "ERROR: {expired}: It has expired. Trace ID: 11-aa Correlation ID: 22-bb Timestamp: 2026-11-22 00:10:22Z\nInteractive authentication is needed. Please run:\naz login --scope https://storage.azure.com/.default"
        );
        let kept = format!(
            "ERROR: {expired}: It has expired. Interactive authentication is needed. Please run: az login --scope https://storage.azure.com/.default"
        );
        let expected = |text: String, trace: &str, correlation: &str, timestamp: &str| Description {
            text,
            trace_id: Some(trace.to_owned()),
            correlation_id: Some(correlation.to_owned()),
            timestamp: Some(timestamp.to_owned()),
        };
        assert_eq!(Description::parse(&azure_cli), expected(kept, "11-aa", "22-bb", "2026-11-22 00:10:22Z"));
        let compact =
            format!("{wrong}: wrong. Trace ID: 1 Correlation ID: 2 Timestamp: 2026-11-22T00:10:22Z then this");
        let kept = format!("{wrong}: wrong. then this");
        assert_eq!(Description::parse(&compact), expected(kept, "1", "2", "2026-11-22T00:10:22Z"));
        let lines = "a\r\nTrace ID: 1\r\nCorrelation ID: 2\r\nTimestamp: 2026-11-22 00:10:22Z";
        assert_eq!(Description::parse(lines), expected("a".to_owned(), "1", "2", "2026-11-22 00:10:22Z"));
        let bare = Description { text: "no IDs here".to_owned(), ..Description::default() };
        assert_eq!(Description::parse("no  IDs\nhere"), bare);
        assert_eq!(Description::parse("end. Trace ID:").text, "end.");
        assert_eq!(
            Description::parse("end. Timestamp:"),
            Description { text: "end.".to_owned(), ..Description::default() }
        );
    }
}
