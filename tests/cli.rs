//! The command line, case by case: `tests/cmd/*/*.toml` hold arguments, exit code, stdout and stderr as data.
//!
//! `TRYCMD=overwrite cargo test --test cli` writes what is printed now into the cases, to be read before it is committed.

#[test]
fn the_command_line_prints_what_its_cases_say() {
    trycmd::TestCases::new().env("NO_COLOR", "1").env("AZURE_FEDERATED_TOKEN_FILE", "").case("tests/cmd/*/*.toml");
}
