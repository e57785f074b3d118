//! Runs the commands of the documents unchanged.

use super::{
    blocks::{Mark, Setting, blocks},
    console::{Updates, outcome, same},
    documents, is_update, read,
    sandbox::World,
};

#[test]
fn every_command_block_is_marked() {
    let mut faults = Vec::new();
    for file in documents() {
        for block in blocks(&file, &read(&file)).iter().filter(|block| block.is_command()) {
            match &block.mark {
                None => {
                    faults.push(format!(
                        "{}: no `<!-- run: … -->`, `<!-- setup: … -->` or `<!-- not run: … -->` above it",
                        block.place()
                    ));
                }
                Some(Mark::NotRun(reason)) if reason.len() < 10 => faults.push(format!("{}: no reason", block.place())),
                Some(_) => {}
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// `UPDATE_DOCS=1 cargo test --test it -- docs::` writes the current output of the commands into the documents. Read
/// the diff before you commit it.
#[test]
fn commands_in_the_docs_work_as_shown() {
    let world = World::new();
    let (mut faults, mut ran) = (Vec::new(), 0);
    let mut updates = Updates::default();
    for file in documents() {
        let (mut sandbox, mut is_skipped) = (None, false);
        for block in blocks(&file, &read(&file)).iter().filter(|block| block.is_command()) {
            let Some(Mark::Run(run)) = &block.mark else { continue };
            if run.setting != Setting::Continued {
                // The one before it goes first: both have the same account.
                drop(sandbox.take());
                is_skipped = run.setting == Setting::Cluster && world.cluster(run.is_moved).is_none();
                if !is_skipped {
                    sandbox = Some(world.sandbox(run));
                }
            }
            if is_skipped {
                continue;
            }
            let Some(sandbox) = &sandbox else {
                faults.push(format!("{}: there is no block to continue", block.place()));
                continue;
            };
            ran += 1;
            match outcome(block, run.exit_code, &|script| sandbox.run(script)) {
                Ok(lines) if same(&lines, &block.lines) => {}
                Ok(lines) if is_update() => updates.add(block, lines),
                Ok(lines) => faults.push(format!("{}: prints\n{}", block.place(), lines.join("\n"))),
                Err(fault) => faults.push(format!("{}: {fault}", block.place())),
            }
        }
    }
    updates.write();
    assert!(faults.is_empty(), "{}\n(Azurite was process {})", faults.join("\n\n"), world.azurite());
    assert!(ran > 30, "only {ran} blocks ran");
}
