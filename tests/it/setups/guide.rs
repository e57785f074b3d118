//! The blocks of a guide that belong to its setup, in their order.

use std::{
    cell::{Cell, RefCell},
    path::PathBuf,
    process::Output,
};

use crate::docs::{
    blocks::{Block, Mark, blocks},
    console::{Updates, outcome, same},
    is_update, read,
};

/// A page of `docs/setups`.
pub(super) struct Guide {
    blocks: Vec<Block>,
    next: Cell<usize>,
    updates: RefCell<Updates>,
}

impl Guide {
    pub(super) fn read(name: &str) -> Self {
        let file = PathBuf::from(format!("docs/setups/{name}.md"));
        let mut blocks = blocks(&file, &read(&file));
        blocks.retain(|block| matches!(block.mark, Some(Mark::Setup(..))));
        Self { blocks, next: Cell::new(0), updates: RefCell::default() }
    }

    /// The content of the next block, which has this name.
    pub(super) fn file(&self, name: &str) -> String {
        self.take(name).0.lines.join("\n") + "\n"
    }

    /// Runs the commands of the next block, which has this name, compares what they print with the page, and returns
    /// the block with it.
    pub(super) fn run(&self, name: &str, run: impl Fn(&str) -> Output) -> String {
        let (block, exit_code) = self.take(name);
        let lines = outcome(block, exit_code, &run).unwrap_or_else(|fault| panic!("{}: {fault}", block.place()));
        let text = lines.join("\n");
        if is_update() {
            self.updates.borrow_mut().add(block, lines);
        } else {
            let hint = "UPDATE_DOCS=1 cargo test --test it -- setups:: writes it into the page";
            assert!(same(&lines, &block.lines), "{}: prints\n{text}\n{hint}", block.place());
        }
        text
    }

    /// Checks that every block was used, and writes the current outputs into the page if `UPDATE_DOCS` is set.
    pub(super) fn finish(self) {
        if let Some(block) = self.blocks.get(self.next.get()) {
            panic!("{}: no test uses this block", block.place());
        }
        self.updates.into_inner().write();
    }

    fn take(&self, name: &str) -> (&Block, i32) {
        let block = self.blocks.get(self.next.get()).unwrap_or_else(|| panic!("no block is left for {name:?}"));
        self.next.set(self.next.get() + 1);
        match &block.mark {
            Some(Mark::Setup(found, exit_code)) if found == name => (block, *exit_code),
            _ => panic!("{}: this block is not {name:?}", block.place()),
        }
    }
}
