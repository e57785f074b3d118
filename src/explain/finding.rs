use std::{collections::BTreeMap, ops::Range};

use super::{
    ChainFailure, KnownFailure,
    codes::{self, FoundCode},
    ids,
    normal_text::NormalText,
    placeholders::filled,
    template::{Place, Template},
};
use crate::{entra::Aadsts, redact::redacted_start};

/// The longest value of a finding, in characters: that of an issuer or subject.
const VALUE_MAX: usize = 600;
/// How many places of a code are searched for its values and IDs. A log may repeat a code thousands of times.
const PLACES_MAX: usize = 20;
/// The longest text in which a symbolic name alone counts, in bytes.
const SHORT: usize = 100;
/// Words that a text about a sign-in to Entra contains.
const ENTRA: [&str; 5] = ["aadsts", "entra", "azure ad", "azure active directory", "microsoftonline"];

/// A failure in a text, with the values that the text names.
///
/// ```
/// use issuer::{Aadsts, Finding};
/// let text = Aadsts::ISSUER.entry().unwrap().templates[0].replace("{issuer}", r"https:\/\/a.example.com\/");
/// let trace = "Trace ID: 6ba7b810-9dad-11d1-80b4-00c04fd430c8";
/// let log = format!(r#"401 {{"error": "invalid_client", "error_description": "{}: {text} {trace}"}}"#, Aadsts::ISSUER);
/// let findings = Finding::all_in(&log);
/// assert_eq!(findings.len(), 1);
/// assert_eq!(findings[0].failure, Aadsts::ISSUER.into());
/// assert_eq!(findings[0].value("issuer"), Some("https://a.example.com/"));
/// assert_eq!(findings[0].trace_id.as_deref(), Some("6ba7b810-9dad-11d1-80b4-00c04fd430c8"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// The failure.
    pub failure: ChainFailure,
    /// The values that the text has in place of placeholders, by the name of the placeholder. Secrets are redacted.
    pub values: Vec<(&'static str, String)>,
    /// The trace ID in the response of Entra.
    pub trace_id: Option<String>,
    /// The correlation ID in the response of Entra.
    pub correlation_id: Option<String>,
}

impl Finding {
    /// All failures in a text, each once, in order of their first place.
    ///
    /// The text may be an error, a JSON body, JSON in a string of JSON, or a log. Codes are found in texts and in the
    /// member `error_codes`; known failures by their texts. Where a text is the start of another, the longer one counts.
    /// If a text contains no code, the texts of the codes are searched too; several codes may have one text. If nothing is
    /// found, the symbolic names of the codes are searched.
    pub fn all_in(text: &str) -> Vec<Self> {
        let text = NormalText::new(text);
        let codes = codes::all_in(&text);
        let known = KnownFailure::all().map(ChainFailure::Known);
        let mut found = if codes.is_empty() {
            let entries = Aadsts::catalogue().map(|entry| ChainFailure::Aadsts(entry.code));
            by_texts(&text, entries.chain(known))
        } else {
            by_texts(&text, known)
        };
        for (code, places) in by_code(&text, codes) {
            found.push((places[0].found.at, Self::of_code(&text, code, &places)));
        }
        if found.is_empty() {
            found.extend(by_whole_text(&text));
        }
        if found.is_empty() {
            found.extend(by_names(&text));
        }
        found.sort_by_key(|(at, _)| *at);
        found.into_iter().map(|(_, finding)| finding).collect()
    }

    /// The value of a placeholder.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.values.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
    }

    /// A step with the values of this failure in place of its placeholders, and with more values by their names, such as
    /// `principal_id` for `PRINCIPAL_ID`.
    ///
    /// ```
    /// use issuer::Finding;
    /// let text = "FATAL: Microsoft Entra user token for role[orders] is neither an AAD_AUTH_TOKENTYPE_APP_USER or an AAD_AUTH_TOKENTYPE_APP_OBO token.";
    /// let finding = Finding::all_in(text).remove(0);
    /// let create = finding.failure.fix().last().unwrap();
    /// let filled = finding.filled(create, &[("principal_id", "2f6a4f4e-5a0c-4c57-9d3a-3a6f1d8f5b11")]);
    /// assert!(filled.contains("('orders', '2f6a4f4e-5a0c-4c57-9d3a-3a6f1d8f5b11', 'service', false, false)"));
    /// ```
    pub fn filled(&self, step: &str, more: &[(&str, &str)]) -> String {
        let own = self.values.iter().map(|(name, value)| (*name, value.as_str()));
        let values: Vec<_> = own.chain(more.iter().copied()).collect();
        filled(step, &values).into_owned()
    }

    fn of_code(text: &NormalText, code: Aadsts, places: &[CodePlace]) -> Self {
        let templates: Vec<_> = ChainFailure::from(code).templates().iter().map(|text| Template::new(text)).collect();
        let longest = |CodePlace { found, .. }: &CodePlace| {
            let places = templates.iter().filter_map(|template| template.place_at(text, found.text_at?));
            places.max_by_key(|place| place.span.len())
        };
        let mut finding = Self::at(text, code.into(), places.iter().find_map(longest));
        let id = |names| places.iter().find_map(|CodePlace { found, end }| ids::after(text, found.at, *end, names));
        finding.trace_id = id(["trace id", "trace_id"]);
        finding.correlation_id = id(["correlation id", "correlation_id"]);
        finding
    }

    fn at(text: &NormalText, failure: ChainFailure, place: Option<Place>) -> Self {
        let value = |range: Range<usize>| redacted_start(&text.text()[range].replace('\n', " "), VALUE_MAX);
        let values = place.map_or_else(Vec::new, |place| place.values);
        let values = values.into_iter().map(|(name, range)| (name, value(range))).collect();
        Self { failure, values, trace_id: None, correlation_id: None }
    }
}

/// A failure without a text: no values are known.
impl From<ChainFailure> for Finding {
    fn from(failure: ChainFailure) -> Self {
        Self { failure, values: Vec::new(), trace_id: None, correlation_id: None }
    }
}

/// A place of a code.
struct CodePlace {
    found: FoundCode,
    /// The position of the next text with another code, which may belong to another response.
    end: usize,
}

/// The first places of each code.
fn by_code(text: &NormalText, codes: Vec<FoundCode>) -> BTreeMap<Aadsts, Vec<CodePlace>> {
    let mut by_code: BTreeMap<_, Vec<_>> = BTreeMap::new();
    let mut ends = Vec::with_capacity(codes.len());
    let (mut end, mut next) = (text.text().len(), None::<&FoundCode>);
    for found in codes.iter().rev() {
        // Numbers in JSON belong to the response of the text before them.
        if let Some(next) = next.filter(|next| next.code != found.code && next.text_at.is_some()) {
            end = next.at;
        }
        ends.push(end);
        next = Some(found);
    }
    for (found, end) in codes.into_iter().zip(ends.into_iter().rev()) {
        let places = by_code.entry(found.code).or_default();
        if places.len() < PLACES_MAX {
            places.push(CodePlace { found, end });
        }
    }
    by_code
}

/// The failures whose texts a text contains, each with its first position.
fn by_texts(text: &NormalText, failures: impl Iterator<Item = ChainFailure>) -> Vec<(usize, Finding)> {
    let mut places: Vec<(ChainFailure, Place)> = Vec::new();
    for failure in failures {
        for template in failure.templates() {
            places.extend(Template::new(template).places(text).map(|place| (failure, place)));
        }
    }
    places.sort_by_key(|(_, place)| (place.span.start, usize::MAX - place.span.end));
    let mut found: Vec<(usize, Finding)> = Vec::new();
    let mut longest = 0..0;
    for (failure, place) in places {
        // A text inside a longer one is that of another failure. Several codes share one text.
        let is_inside = place.span.end <= longest.end && place.span != longest;
        if is_inside {
            continue;
        }
        longest = place.span.clone();
        if found.iter().all(|(_, earlier)| earlier.failure != failure) {
            found.push((place.span.start, Finding::at(text, failure, Some(place))));
        }
    }
    found
}

/// The failure whose text, without quotes, is the whole text.
fn by_whole_text(text: &NormalText) -> Option<(usize, Finding)> {
    let whole = bare(text.lower());
    let mut failures = KnownFailure::all()
        .filter(|failure| failure.patterns.iter().any(|pattern| bare(pattern).eq_ignore_ascii_case(whole)));
    Some((0, Finding::from(ChainFailure::Known(failures.next()?))))
}

/// A text without the white space, quotes and stops around it.
fn bare(text: &str) -> &str {
    text.trim_matches([' ', '\n', '.', '"', '\''])
}

/// The codes whose symbolic name a text contains as a word.
///
/// Names such as `InvalidRequest` also occur in errors of other services, so a long text must be about Entra.
fn by_names(text: &NormalText) -> Vec<(usize, Finding)> {
    let is_about_entra = bare(text.text()).len() <= SHORT
        || ENTRA.iter().any(|word| text.lower().match_indices(word).any(|(at, _)| text.is_whole(at, at + word.len())));
    if !is_about_entra {
        return Vec::new();
    }
    let named = Aadsts::catalogue().filter_map(|entry| {
        let name = entry.name?;
        let mut places = text.text().match_indices(name).map(|(at, _)| at);
        let at = places.find(|at| text.is_whole(*at, at + name.len()))?;
        Some((at, Finding::at(text, entry.code.into(), None)))
    });
    named.collect()
}
