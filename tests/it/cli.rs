//! The command line, case by case: `tests/cmd/*/*.toml` hold arguments, exit code, stdout and stderr as data.
//!
//! `TRYCMD=overwrite cargo test --test cli` writes what is printed now into the cases, to be read before it is committed.

#[test]
fn command_line_output_matches_its_cases() {
    let cases = trycmd::TestCases::new();
    // One case waits without an end for what it has written.
    cases.timeout(std::time::Duration::from_secs(30));
    cases.env("NO_COLOR", "1").env("AZURE_STORAGE_ACCOUNT", "");
    // An empty variable is as good as none.
    issuer::Environment::NAMES.iter().for_each(|name| {
        cases.env(*name, "");
    });
    cases.case("tests/cmd/*/*.toml");
}

#[test]
fn every_malformed_fixture_has_a_command_line_case() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/");
    for file in std::fs::read_dir(format!("{root}fixtures/malformed")).unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        let case = format!("{root}tests/cmd/malformed/{}.toml", name.replace('.', "-"));
        let case = std::fs::read_to_string(&case).unwrap_or_else(|error| panic!("{case}: {error}"));
        assert!(case.contains(&format!("malformed/{name}")) && case.contains("error: "), "{name}");
    }
}
