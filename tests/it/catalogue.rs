//! The catalogue of AADSTS codes is complete, well formed, and the only place that states a code.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use crate::support::issuer::{run, stdout};
use issuer::{Aadsts, CatalogueEntry, Evidence, Waiting};

/// Codes that are documented or reported for exchanges of federated tokens.
#[allow(clippy::unreadable_literal, reason = "written as Entra does")]
const REFERENCE: [u32; 51] = [
    28002, 50013, 50027, 50166, 53003, 70011, 70021, 70023, 70025, 90002, 90014, 90038, 90061, 500011, 500133, 501661,
    530032, 700016, 700021, 700024, 700027, 700211, 700212, 700213, 700222, 700223, 700229, 700238, 900023, 900382,
    900432, 900439, 900612, 1002012, 5002719, 5002723, 5002727, 5002738, 5002741, 7000112, 7000217, 7000218, 7000272,
    7000274, 7002121, 7002137, 7002138, 7002140, 7002381, 9001023, 70022204,
];

/// Further codes from reports of users.
#[allow(clippy::unreadable_literal, reason = "written as Entra does")]
const FIELD: [u32; 56] = [
    50000, 50005, 50196, 53003, 70025, 90006, 90012, 90013, 90024, 90033, 90036, 90055, 90090, 90092, 100007, 500531,
    501051, 700016, 700022, 700023, 700024, 700211, 700214, 700223, 700226, 700227, 700231, 700233, 700234, 700235,
    700236, 700237, 700238, 700239, 700263, 900144, 900384, 900439, 900440, 900561, 900612, 1000502, 5000211, 5000224,
    5000225, 5000229, 7000214, 7000226, 7000229, 7000277, 7002131, 7002142, 7002203, 7002241, 7002381, 9002313,
];

#[test]
fn every_researched_code_has_an_entry() {
    let missing: Vec<_> =
        REFERENCE.iter().chain(&FIELD).filter(|code| Aadsts::from(**code).entry().is_none()).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn codes_are_sorted_and_found() {
    let codes: Vec<_> = Aadsts::catalogue().map(|entry| entry.code).collect();
    assert!(codes.is_sorted_by(|one, other| one < other), "{codes:?}");
    for entry in Aadsts::catalogue() {
        assert_eq!(entry.code.entry(), Some(entry));
        assert_eq!(entry.code.meaning(), entry.meaning);
        assert_eq!(entry.code.to_string().parse(), Ok(entry.code));
        for code in [entry.code.code() - 1, entry.code.code() + 1].map(Aadsts::from) {
            assert_eq!(code.entry().is_some(), codes.contains(&code), "{code}");
        }
    }
}

#[test]
fn unknown_codes_have_no_entry_and_no_meaning() {
    for code in [0, 1, u32::MAX] {
        assert_eq!(Aadsts::from(code).entry(), None);
        assert_eq!(Aadsts::from(code).meaning(), "this code is not in the catalogue");
    }
}

#[test]
fn entries_are_complete() {
    for entry in Aadsts::catalogue() {
        let CatalogueEntry { code, causes, confirm, fix, source, .. } = entry;
        let is_known = entry.evidence != Evidence::NumberOnly;
        assert!(!entry.meaning.is_empty(), "{code}");
        assert_eq!([causes.is_empty(), fix.is_empty(), source.is_empty()], [!is_known; 3], "{code}");
        assert!(!confirm.is_empty(), "{code}");
        if !is_known {
            assert!(entry.templates.is_empty() && entry.errors.is_empty() && entry.name.is_none(), "{code}");
        }
        assert_eq!(entry.is_retryable(), matches!(entry.waiting, Waiting::Transient | Waiting::Throttled), "{code}");

        let clauses = [entry.meaning].into_iter().chain(causes.iter().chain(*confirm).chain(*fix).copied());
        for clause in clauses.chain([*source]).filter(|clause| !clause.is_empty()) {
            assert_eq!(clause.trim(), clause, "{code}");
            assert!(!clause.ends_with('.') && clause.matches('`').count() % 2 == 0, "{code}: {clause}");
        }
        assert!(entry.meaning.len() <= 110, "{code}: {}", entry.meaning);
        for error in entry.errors {
            assert!(error.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{code}: {error}");
        }
        for items in [entry.errors, entry.templates, causes, confirm, fix] {
            assert_eq!(items.iter().collect::<BTreeSet<_>>().len(), items.len(), "{code}: {items:?}");
        }
    }
}

#[test]
fn symbolic_name_belongs_to_one_code() {
    let mut names = BTreeMap::new();
    for (name, code) in Aadsts::catalogue().filter_map(|entry| Some((entry.name?, entry.code))) {
        assert!(name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'), "{code}: {name}");
        assert_eq!(names.insert(name.to_ascii_lowercase(), code), None, "{name}");
    }
    assert!(names.len() > 30);
}

/// The parts of a template around its placeholders; `None` where braces are not balanced or a placeholder has no name.
fn literals(template: &str) -> Option<Vec<&str>> {
    let (first, rest) = template.split_once('{').unwrap_or((template, ""));
    let mut parts = vec![first];
    let mut rest = Some(rest).filter(|_| template.contains('{'));
    while let Some(text) = rest {
        let (name, after) = text.split_once('}')?;
        let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        let (literal, next) = after.split_once('{').map_or((after, None), |(literal, next)| (literal, Some(next)));
        parts.push(Some(literal).filter(|_| is_name)?);
        rest = next;
    }
    parts.iter().all(|part| !part.contains(['{', '}'])).then_some(parts)
}

#[test]
fn templates_are_balanced_and_specific() {
    for unbalanced in ["{", "}", "a {b", "a b}", "a {b} c}", "a {{b}}", "a {} b", "a {B} c"] {
        assert_eq!(literals(unbalanced), None, "{unbalanced}");
    }
    assert_eq!(literals("a '{b}'"), Some(vec!["a '", "'"]));
    for (entry, template) in Aadsts::catalogue().flat_map(|entry| entry.templates.iter().map(move |text| (entry, text)))
    {
        let code = entry.code;
        let literals = literals(template).unwrap_or_else(|| panic!("{code}: {template}"));
        // Long enough that no other text matches by chance.
        assert!(literals.iter().map(|part| part.len()).sum::<usize>() >= 20, "{code}: {template}");
        assert!(literals[1..].iter().rev().skip(1).all(|part| !part.is_empty()), "{code}: {template}");
        assert!(!template.contains("AADSTS") && !template.contains("Trace ID"), "{code}: {template}");
    }
}

/// The constants of `Aadsts`, by name.
fn constants() -> BTreeMap<String, u32> {
    let text = fs::read_to_string(src().join("entra/aadsts.rs")).unwrap();
    let lines = text.lines().filter_map(|line| line.trim().strip_prefix("pub const ")?.split_once(": Self = Self("));
    let constants = lines.map(|(name, number)| {
        let number = number.strip_suffix(");").unwrap().replace('_', "");
        (name.to_owned(), number.parse().unwrap())
    });
    constants.collect()
}

#[test]
fn every_predicted_code_has_an_entry() {
    let constants = constants();
    for name in ["ISSUER", "SECRET_EXPIRED"] {
        assert!(constants.contains_key(name), "{name} is not among {constants:?}");
    }
    for (name, code) in &constants {
        assert!(Aadsts::from(*code).entry().is_some_and(|entry| entry.evidence != Evidence::NumberOnly), "{name}");
    }
    // The verifier and the publisher predict only codes of these constants.
    for file in ["verify/refusal.rs", "verify/warning.rs", "publish/proof.rs"] {
        let text = fs::read_to_string(src().join(file)).unwrap();
        let names = text.split("Aadsts::").skip(1).map(|rest| {
            rest.split(|character: char| !character.is_ascii_alphanumeric() && character != '_').next().unwrap()
        });
        let names: BTreeSet<_> = names.collect();
        assert!(!names.is_empty(), "{file}");
        let unknown: Vec<_> = names.into_iter().filter(|name| !constants.contains_key(*name)).collect();
        assert!(unknown.is_empty(), "{file}: {unknown:?}");
    }
}

/// Commands of this program in the steps exist, with their flags.
#[test]
fn commands_in_fix_steps_exist() {
    let steps = Aadsts::catalogue().flat_map(|entry| entry.confirm.iter().chain(entry.fix));
    let commands: BTreeSet<_> = steps.flat_map(|step| step.split('`').skip(1).step_by(2)).collect();
    let ours: Vec<_> = commands.iter().filter_map(|command| command.strip_prefix("issuer ")).collect();
    assert!(ours.len() >= 6, "{ours:?}");
    for command in ours {
        // `$(` starts a command of another program.
        let mut words = command.split("$(").next().unwrap().split(' ');
        let help = run([words.next().unwrap(), "--help"]);
        assert!(help.status.success(), "{command}");
        let help = stdout(&help);
        for flag in words.filter(|word| word.starts_with('-')) {
            assert!(help.split_whitespace().any(|word| word == flag), "{command}: {flag}");
        }
    }
    for command in &commands {
        let tool = command.split(' ').next().unwrap();
        let is_word = ["and", "az login", "azd auth login"].contains(command);
        assert!(is_word || ["issuer", "az", "kubectl", "date"].contains(&tool), "{command}");
    }
}

fn src() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// The source files outside the catalogue, with their text.
fn other_files() -> Vec<(PathBuf, String)> {
    let (mut files, mut folders) = (Vec::new(), vec![src()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                files.push((path, text));
            }
        }
    }
    files.retain(|(path, _)| !path.starts_with(src().join("entra")));
    assert!(files.len() > 100, "{}", files.len());
    files
}

/// The numbers of the catalogue in a line, as the literals `700211` and `700_211`, in text and after `AADSTS`.
fn codes_in(line: &str) -> Vec<u32> {
    let is_part = |character: char| character.is_ascii_digit() || character == '_';
    let numbers =
        line.split(|character: char| !is_part(character)).filter_map(|word| word.replace('_', "").parse().ok());
    numbers.filter(|number| Aadsts::from(*number).entry().is_some()).collect()
}

/// Whether a line has an AADSTS code of any number.
fn has_code(line: &str) -> bool {
    line.split("AADSTS").skip(1).any(|rest| rest.starts_with(|character: char| character.is_ascii_digit()))
}

/// Comments, examples and tests inside `src` name a code by its constant, too, so a code that Microsoft changes is
/// changed in one place. Tests outside `src` contain numbers, to check the catalogue.
#[test]
fn codes_are_written_only_in_the_catalogue() {
    for line in ["AADSTS700211", "Self(700_211)", "code: 700211,", "\"700211\"", "x AADSTS AADSTS1"] {
        assert!(has_code(line) || !codes_in(line).is_empty(), "{line}");
    }
    for line in ["AADSTS", "AADSTS…: ", "1700211", "Aadsts::ISSUER"] {
        assert!(!has_code(line) && codes_in(line).is_empty(), "{line}");
    }
    let mut found = Vec::new();
    for (path, text) in other_files() {
        for (at, line) in text.lines().enumerate() {
            if has_code(line) || !codes_in(line).is_empty() {
                found.push(format!("{}:{}: {}", path.display(), at + 1, line.trim()));
            }
        }
    }
    assert!(found.is_empty(), "these lines contain a code that belongs into src/entra:\n{}", found.join("\n"));
}

#[test]
fn entra_texts_are_written_only_in_the_catalogue() {
    let templates = Aadsts::catalogue().flat_map(|entry| entry.templates);
    let beginnings: BTreeSet<_> = templates.filter_map(|template| literals(template)?.first().copied()).collect();
    let beginnings: Vec<_> = beginnings.into_iter().filter(|text| text.len() >= 20).collect();
    assert!(beginnings.len() > 50);
    for (path, text) in other_files() {
        for beginning in &beginnings {
            assert!(!text.contains(beginning), "{}: {beginning}", path.display());
        }
    }
}
