//! The command line, case by case: `tests/cmd/*/*.toml` hold arguments, exit code, stdout and stderr as data.
//!
//! `TRYCMD=overwrite cargo test --test it -- cli::` writes the current output into the cases. Read the diff before you
//! commit it.

#[test]
fn command_line_output_matches_its_cases() {
    let cases = trycmd::TestCases::new();
    // One case waits for a read-back that never succeeds.
    cases.timeout(std::time::Duration::from_secs(30));
    cases.env("NO_COLOR", "1").env("AZURE_STORAGE_ACCOUNT", "");
    // An empty variable counts as unset.
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
