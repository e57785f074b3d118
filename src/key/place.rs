use std::fmt;

/// A position in the input: the name of the input and the path inside the input.
///
/// It is displayed as `sa.pub, block 2 "PUBLIC KEY"` or `secret.yaml, entry "tls.crt", block 1 "CERTIFICATE"`.
///
/// ```
/// use issuer::{KeyError, KeyReader};
/// let off_curve = std::fs::read("fixtures/malformed/p256-off-curve.pub")?;
/// let error = KeyReader::default().read("sa.pub", &off_curve).unwrap_err();
/// let KeyError::Key { place, .. } = error else { panic!("{error}") };
/// assert_eq!(place.input(), "sa.pub");
/// assert_eq!(place.to_string(), "sa.pub, block 1 \"PUBLIC KEY\"");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    input: String,
    steps: Vec<Step>,
}

/// One step of the path inside an input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// A PEM block by number and label.
    Block(usize, String),
    /// A line of a text, from 1.
    Line(usize),
    /// A key of a JWK Set, from 1.
    Key(usize),
    /// An entry of a Secret, a ConfigMap or another document with entries.
    Entry(String),
    /// A manifest of a kind that holds no keys, by its kind.
    Manifest(String),
    /// A document of a stream, from 1.
    Document(usize),
    /// An object of a list or stream, by its kind and name.
    Object(&'static str, String),
}

impl Place {
    pub(super) fn new(input: &str) -> Self {
        Self { input: input.to_owned(), steps: Vec::new() }
    }

    pub(super) fn step(&self, step: Step) -> Self {
        let mut place = self.clone();
        place.steps.push(step);
        place
    }

    /// The name of the input: a path, `-`, or another name that the caller chose.
    pub fn input(&self) -> &str {
        &self.input
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.input)?;
        self.steps.iter().try_for_each(|step| write!(f, ", {step}"))
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Block(number, label) => write!(f, "block {number} {label:?}"),
            Self::Line(number) => write!(f, "line {number}"),
            Self::Key(number) => write!(f, "key {number}"),
            Self::Entry(name) => write!(f, "entry {name:?}"),
            Self::Manifest(kind) => write!(f, "manifest of kind {kind:?}"),
            Self::Document(number) => write!(f, "document {number}"),
            Self::Object(kind, name) => write!(f, "{kind} {name:?}"),
        }
    }
}
