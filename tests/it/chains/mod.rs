//! Every setup of `fixtures/chains`: the crate predicts the answer of the stand-in for Entra.

mod chain;
mod doctor;
mod keys;
pub(crate) mod pod;
mod site;
mod values;
mod world;

use std::{collections::BTreeSet, path::Path};

use chain::{Chain, Command, FailedCheck};
use doctor::Diagnosis;
use issuer::{Aadsts, Evidence, Report};
use tempfile::TempDir;
use world::{Setup, World, fix_of};

/// The differences between the expectations of a chain, the answer of the stand-in and the predictions.
fn faults(world: &World, setup: &Setup<'_>) -> Vec<String> {
    let Chain { expected, manifest, .. } = setup.chain;
    let mut faults = Faults { chain: &setup.chain.name, texts: Vec::new() };
    faults.compare("answer of the stand-in", shown(expected.code), shown(world.ask(setup)));
    if manifest.is_none() {
        let report = world.examine(setup);
        let (refusal, fix) = (report.refusal(), fix_of(&report));
        if setup.chain.uses(Command::Verify) {
            faults.compare("code of verify", shown(expected.code), shown(predicted(&report, expected.code)));
        } else {
            faults.compare("refusal of verify", None, refusal.map(ToString::to_string));
        }
        if std::env::var_os("UPDATE_CHAINS").is_some() {
            setup.chain.update(fix.map(|fix| setup.values.blank(&fix)).as_deref());
        } else {
            faults.compare("fix of verify", expected.fix.as_ref().map(|fix| setup.values.fill(fix)), fix);
        }
    }
    faults.texts
}

/// The differences between the expectations of a chain and what `doctor` finds.
fn faults_of_doctor(world: &World, setup: &Setup<'_>, folder: &Path) -> Vec<String> {
    let Chain { expected, manifest, .. } = setup.chain;
    let diagnosis = Diagnosis::of(world, setup, folder);
    let mut faults = Faults { chain: &setup.chain.name, texts: Vec::new() };
    let is_listed = manifest.is_some() || !expected.doctor.is_empty();
    let is_used = setup.chain.uses(Command::Doctor);
    if is_listed || !is_used {
        let listed = |mut checks: Vec<FailedCheck>| {
            checks.sort();
            checks.iter().map(|check| format!("{check:?}")).reduce(|all, check| format!("{all}, {check}"))
        };
        let seen = diagnosis.failed();
        // A check of a value's form predicts no code. Otherwise one check predicts the answer.
        let predicts = |code: u32| seen.iter().any(|check| check.aadsts == Some(code));
        let is_silent = seen.iter().all(|check| check.aadsts.is_none());
        let is_wrong = |code: &u32| is_used && !is_silent && !predicts(*code);
        faults.compare("code that doctor does not predict", None, shown(expected.code.filter(is_wrong)));
        faults.compare("failed checks of doctor", listed(expected.doctor.clone()), listed(seen));
    } else {
        faults.compare(
            "code of doctor",
            shown(expected.code),
            shown(expected.code.filter(|code| diagnosis.predicts(*code))),
        );
        let fix = expected.fix.as_ref().map(|fix| setup.values.fill(fix));
        let seen = fix.clone().filter(|fix| diagnosis.fixes().any(|seen| seen == *fix));
        faults.compare("fix of doctor", fix, seen);
    }
    faults.texts
}

/// The code that a report predicts. A warning names a code that Entra may answer.
fn predicted(report: &Report, expected: Option<u32>) -> Option<u32> {
    let warned = || report.warnings.iter().filter_map(|warning| warning.aadsts().map(Aadsts::code));
    match report.refusal() {
        Some(refusal) => refusal.aadsts().map(Aadsts::code),
        None => warned().find(|warned| Some(*warned) == expected),
    }
}

/// The differences that were found in a chain.
struct Faults<'a> {
    chain: &'a str,
    texts: Vec<String>,
}

impl Faults<'_> {
    fn compare(&mut self, what: &str, expected: Option<String>, seen: Option<String>) {
        let shown = |text: Option<String>| text.unwrap_or_else(|| "none".to_owned());
        if expected != seen {
            let (expected, seen) = (shown(expected), shown(seen));
            self.texts.push(format!("{}: {what}:\n    expected {expected}\n    seen     {seen}", self.chain));
        }
    }
}

fn shown(code: Option<u32>) -> Option<String> {
    code.map(|code| format!("AADSTS{code}"))
}

#[test]
fn verify_predicts_the_answer_of_entra() {
    let chains = Chain::all();
    let (world, setups) = World::with(&chains);
    let faults: Vec<_> = setups.iter().flat_map(|setup| faults(&world, setup)).collect();
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

#[test]
fn doctor_finds_each_fault_and_predicts_the_answer() {
    let chains = Chain::all();
    let (world, setups) = World::with(&chains);
    let folder = TempDir::new().unwrap();
    // Each call waits for a process, so several run at the same time.
    let (world, folder) = (&world, folder.path());
    let faults: Vec<_> = std::thread::scope(|scope| {
        let run = |setups| {
            move || -> Vec<_> {
                <[Setup<'_>]>::iter(setups).flat_map(|setup| faults_of_doctor(world, setup, folder)).collect()
            }
        };
        let threads: Vec<_> = setups.chunks(setups.len().div_ceil(4)).map(|setups| scope.spawn(run(setups))).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

#[test]
fn wrong_expectations_are_faults() {
    let is_refused = |chain: &Chain| chain.manifest.is_none() && chain.expected.code.is_some();
    let mut chains: Vec<_> = Chain::all().into_iter().filter(is_refused).take(5).collect();
    chains[0].expected.code = None;
    chains[1].expected.code = Some(4711);
    chains[2].expected.fix = Some("another fix".to_owned());
    chains[3].expected.commands.clear();
    let (world, setups) = World::with(&chains);
    let counts: Vec<_> = setups.iter().map(|setup| faults(&world, setup).len()).collect();
    // The code is compared twice.
    assert_eq!(counts, [2, 2, 1, 1, 0]);
}

#[test]
fn wrong_expectations_of_doctor_are_faults() {
    let is_listed = |chain: &Chain| chain.expected.doctor.iter().any(|check| check.aadsts.is_some());
    let (listed, others): (Vec<_>, Vec<_>) = Chain::all().into_iter().partition(is_listed);
    let is_predicted = |chain: &Chain| chain.uses(Command::Doctor) && chain.expected.code.is_some();
    let others = others.into_iter().filter(|chain| chain.manifest.is_none() && is_predicted(chain)).take(3);
    let mut chains: Vec<_> = listed.into_iter().filter(is_predicted).take(4).chain(others).collect();
    chains[0].expected.doctor.clear();
    chains[1].expected.doctor[0].object = "Deployment shop/other".to_owned();
    chains[2].expected.code = Some(4711);
    chains[4].expected.code = Some(4711);
    chains[5].expected.fix = Some("another fix".to_owned());
    let (world, setups) = World::with(&chains);
    let folder = TempDir::new().unwrap();
    let counts: Vec<_> = setups.iter().map(|setup| faults_of_doctor(&world, setup, folder.path()).len()).collect();
    // A chain without listed checks is compared by its code and its fix.
    assert_eq!(counts[1..], [1, 1, 0, 1, 1, 0]);
    assert!(counts[0] > 0, "{counts:?}");
}

#[test]
fn chains_cover_every_predicted_code() {
    let chains = Chain::all();
    let codes: BTreeSet<_> = chains.iter().filter_map(|chain| chain.expected.code).collect();
    let predicted = [
        Aadsts::ALGORITHM,
        Aadsts::AUDIENCE,
        Aadsts::BLOCKED,
        Aadsts::CLAIM_MISSING,
        Aadsts::DISCOVERY,
        Aadsts::EXPRESSION_NOT_ALLOWED,
        Aadsts::ISSUER,
        Aadsts::KEY_ID_MISSING,
        Aadsts::KEY_NOT_FOUND,
        Aadsts::KEY_SET,
        Aadsts::LIFETIME,
        Aadsts::MALFORMED,
        Aadsts::NO_ASSERTION,
        Aadsts::NO_CREDENTIAL,
        Aadsts::SIGNATURE,
        Aadsts::SUBJECT,
        Aadsts::SUBJECT_CASE,
        Aadsts::TIME,
        Aadsts::TYPE,
        Aadsts::UNREACHABLE,
    ];
    let missing: Vec<_> = predicted.iter().filter(|code| !codes.contains(&code.code())).collect();
    assert!(missing.is_empty(), "no chain has {missing:?}");
    let sound = chains.iter().filter(|chain| chain.is_sound()).count();
    assert!(sound >= 10 && chains.len() - sound >= 60, "{sound} sound, {} broken", chains.len() - sound);
}

#[test]
fn each_chain_says_what_is_documented() {
    for Chain { name, expected, .. } in Chain::all() {
        assert!(expected.what.ends_with('.') && !expected.source.is_empty(), "{name}");
        let Some(code) = expected.code.filter(|_| expected.documented) else { continue };
        let evidence = Aadsts::new(code).entry().map(|entry| entry.evidence);
        assert_eq!(evidence, Some(Evidence::Documented), "{name}: the catalogue says otherwise about AADSTS{code}");
    }
}
