//! Every public item has an example, which the documentation tests compile.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// The keywords that start a public item.
const KINDS: [&str; 7] = ["async fn", "const", "enum", "fn", "struct", "trait", "type"];

/// A public item: its module in the crate, and its name.
type Item = (String, String);

#[test]
fn every_public_item_has_an_example() {
    let lib = read(&src().join("lib.rs"));
    let modules: BTreeSet<_> = lib.iter().filter_map(|line| module(line)).collect();
    let site = read(&src().join("site/mod.rs"));
    // `pub use crate::plan::X` is defined in `plan`, everything else in `site`.
    let own = |(module, name): Item| (module.strip_prefix("crate::").unwrap_or("site").to_owned(), name);
    let of_site = re_exports(&site).into_iter().filter(|(module, _)| module != "async_trait");
    let of_site = of_site.map(own).chain(definitions(&site).into_iter().map(site_item));
    let items: BTreeSet<Item> = re_exports(&lib)
        // Items of another crate have their examples there.
        .into_iter()
        .filter(|(module, _)| modules.contains(module))
        .chain(of_site)
        .collect();
    for (module, name) in [("key", "PublicKey"), ("publish", "read_back"), ("site", "Memory"), ("site", "Written")] {
        assert!(items.contains(&(module.to_owned(), name.to_owned())), "{name} is not among {items:?}");
    }

    let missing = items.into_iter().filter(|item| !has_example(item));
    let missing: Vec<_> = missing.map(|(module, name)| format!("{module}: {name}")).collect();
    assert!(missing.is_empty(), "{} public items have no example:\n{}", missing.len(), missing.join("\n"));
}

fn site_item(name: String) -> Item {
    ("site".to_owned(), name)
}

fn src() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src"))
}

fn read(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.lines().map(str::to_owned).collect()
}

/// `mod key;` or `pub mod site;`.
fn module(line: &str) -> Option<String> {
    Some(line.strip_prefix("pub ").unwrap_or(line).strip_prefix("mod ")?.strip_suffix(';')?.to_owned())
}

/// The names of `pub use MODULE::NAME;` and `pub use MODULE::{NAME, NAME};`, over one line or several.
fn re_exports(lines: &[String]) -> Vec<Item> {
    let text = lines.join(" ");
    let uses = text.split("pub use ").skip(1).map(|rest| rest.split(';').next().unwrap());
    let items = uses.flat_map(|text| {
        let (path, names) = text.rsplit_once("::").unwrap();
        assert!(!text.contains(" as ") && !path.contains('{'), "the test cannot read `pub use {text}`");
        let module = if path.starts_with("crate::") { path } else { path.split("::").next().unwrap() };
        let names = names.trim_matches(['{', '}']).split(',').map(str::trim).filter(|name| !name.is_empty());
        names.map(|name| (module.to_owned(), name.to_owned())).collect::<Vec<_>>()
    });
    items.collect()
}

/// The name of the public item that a line begins to define.
fn defined(line: &str) -> Option<&str> {
    let rest = line.trim_start().strip_prefix("pub ")?;
    let rest = KINDS.iter().find_map(|kind| rest.strip_prefix(kind)?.strip_prefix(' '))?;
    rest.split(|character: char| !character.is_alphanumeric() && character != '_').next()
}

/// The names of the public items that a file defines at its top level.
fn definitions(lines: &[String]) -> Vec<String> {
    let names = lines.iter().filter(|line| !line.starts_with(' ')).filter_map(|line| defined(line));
    names.map(str::to_owned).collect()
}

/// Whether every definition of an item, one for each set of features, has an example, and there is one at all.
fn has_example((module, name): &Item) -> bool {
    let mut definitions = 0;
    for file in files_of(module) {
        let lines = read(&file);
        for at in (0..lines.len()).filter(|at| defined(&lines[*at]) == Some(name)) {
            definitions += 1;
            if !has_code(&lines[..at]) {
                return false;
            }
        }
    }
    assert!(definitions > 0, "{module} does not define {name}");
    true
}

/// The files of a module of the crate.
fn files_of(module: &str) -> Vec<PathBuf> {
    let mut found = vec![src().join(format!("{module}.rs"))];
    let mut directories = vec![src().join(module)];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() { directories.push(path) } else { found.push(path) }
        }
    }
    found.retain(|path| path.is_file());
    found
}

/// Whether the doc comment above a definition and its attributes has a block of code that is compiled.
fn has_code(above: &[String]) -> bool {
    let lines = above.iter().rev().map(|line| line.trim());
    let block =
        lines.take_while(|line| line.starts_with("///") || !(line.is_empty() || line.ends_with(['{', '}', ';'])));
    let fences = block.filter_map(|line| line.strip_prefix("///")?.trim_start().strip_prefix("```"));
    // From below, every second fence opens a block.
    fences.skip(1).step_by(2).any(|language| matches!(language, "" | "no_run"))
}
