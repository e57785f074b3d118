//! The layers of the library: which module may import from which.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// The modules of the library from bottom to top. A module imports only from those before it.
const LAYERS: [(&str, Layer); 37] = [
    ("hint", Layer::Core),
    ("redact", Layer::Core),
    ("public_host", Layer::Core),
    ("file_text", Layer::Core),
    ("backoff", Layer::Core),
    ("shell_word", Layer::Core),
    ("issuer_url", Layer::Core),
    ("yaml", Layer::Core),
    ("key", Layer::Core),
    ("documents", Layer::Core),
    ("token", Layer::Core),
    ("entra", Layer::Core),
    ("no_answer", Layer::Core),
    ("verify", Layer::Core),
    ("explain", Layer::Core),
    ("manifest", Layer::Core),
    ("api_server", Layer::Core),
    ("plan", Layer::Core),
    ("postgresql", Layer::Core),
    ("federation", Layer::Core),
    ("clock", Layer::Edge),
    ("file_error", Layer::Edge),
    ("replace_file", Layer::Edge),
    ("secret_file", Layer::Edge),
    ("resolver", Layer::Edge),
    ("http_clients", Layer::Edge),
    ("probe", Layer::Edge),
    ("published", Layer::Edge),
    ("exchange", Layer::Edge),
    ("azure", Layer::Edge),
    ("federate", Layer::Edge),
    ("kubernetes", Layer::Edge),
    ("site", Layer::Edge),
    ("publish", Layer::Edge),
    ("remote", Layer::Edge),
    ("serve", Layer::Edge),
    ("error", Layer::Umbrella),
];

/// Words that a core module must not contain: I/O, clocks, threads and asynchronous code. Types such as
/// `std::net::IpAddr` do none of that.
const NOT_IN_CORE: [&str; 17] = [
    "async",
    "await",
    "Future",
    "fs",
    "File",
    "env",
    "process",
    "thread",
    "TcpStream",
    "TcpListener",
    "UdpSocket",
    "Instant",
    "SystemTime",
    "tokio",
    "reqwest",
    "rustix",
    "now()",
];

#[derive(Clone, Copy, PartialEq)]
enum Layer {
    Core,
    Edge,
    Umbrella,
}

impl Layer {
    fn name(self) -> &'static str {
        match self {
            Self::Core => "core",
            Self::Edge => "edge",
            Self::Umbrella => "umbrella",
        }
    }
}

fn source(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The Rust files of a module, without those that are compiled only for tests.
fn files(module: &str) -> Vec<PathBuf> {
    let single = source(&format!("src/{module}.rs"));
    if single.exists() {
        return vec![single];
    }
    let (mut folders, mut files) = (vec![source(&format!("src/{module}"))], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() {
                folders.push(entry);
            } else if entry.extension().is_some_and(|extension| extension == "rs") && !is_test_module(&entry) {
                files.push(entry);
            }
        }
    }
    files.sort();
    files
}

/// Whether `mod.rs` beside the file declares it behind `#[cfg(test)]`.
fn is_test_module(file: &Path) -> bool {
    let name = file.file_stem().unwrap().to_str().unwrap();
    let parent = fs::read_to_string(file.with_file_name("mod.rs")).unwrap_or_default();
    parent.contains(&format!("#[cfg(test)]\nmod {name};"))
}

/// The code of a file: without comments, the contents of strings, and a test module at its end.
fn code(file: &Path) -> String {
    let text = fs::read_to_string(file).unwrap();
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
    let mut code = String::new();
    for line in text.lines().filter(|line| !line.trim_start().starts_with("//")) {
        let mut in_string = false;
        let mut characters = line.chars().peekable();
        while let Some(character) = characters.next() {
            match character {
                '\\' if in_string => drop(characters.next()),
                '"' => in_string = !in_string,
                '/' if !in_string && characters.peek() == Some(&'/') => break,
                other if !in_string => code.push(other),
                _ => {}
            }
        }
        code.push('\n');
    }
    code
}

/// The first segments of all paths that start at `crate`: `crate::key::KeyId` and `use crate::{key::KeyId, token}`.
fn imports(code: &str) -> Vec<String> {
    let first = |path: &str| path.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let mut imports = Vec::new();
    for rest in code.split("crate::").skip(1) {
        let Some(group) = rest.strip_prefix('{') else {
            imports.push(first(rest));
            continue;
        };
        let mut depth = 0;
        let mut item = String::new();
        for character in group.chars() {
            match character {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => imports.push(first(std::mem::take(&mut item).trim())),
                _ => {}
            }
            if !matches!((character, depth), (',', 0)) {
                item.push(character);
            }
        }
        imports.push(first(item.trim()));
    }
    imports.retain(|import| !import.is_empty());
    imports
}

fn position(module: &str) -> Option<usize> {
    LAYERS.iter().position(|(name, _)| *name == module)
}

#[test]
fn modules_import_only_from_modules_below_them() {
    let mut faults = Vec::new();
    let mut seen = 0;
    for (at, (module, _)) in LAYERS.iter().enumerate() {
        for file in files(module) {
            for import in imports(&code(&file)) {
                seen += 1;
                match position(&import) {
                    Some(below) if below <= at => {}
                    Some(_) => faults.push(format!("{}: {module} is below {import}", file.display())),
                    None => faults.push(format!("{}: crate::{import} is not the path of a module", file.display())),
                }
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(seen > 100, "only {seen} imports were found");
}

#[test]
fn core_modules_have_no_io_and_no_async_code() {
    let mut faults = Vec::new();
    for (module, _) in LAYERS.iter().filter(|(_, layer)| *layer == Layer::Core) {
        for file in files(module) {
            let code = code(&file);
            let words = code.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == '(' || c == ')'));
            for word in words {
                if let Some(found) = NOT_IN_CORE.iter().find(|banned| word == **banned) {
                    faults.push(format!("{}: {found}", file.display()));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_module_is_in_the_layer_table_and_the_docs() {
    let lib = fs::read_to_string(source("src/lib.rs")).unwrap();
    let declared =
        lib.lines().filter_map(|line| line.trim_start_matches("pub ").strip_prefix("mod ")?.strip_suffix(';'));
    for module in declared {
        assert!(position(module).is_some(), "{module} is not in the table");
    }
    let page = fs::read_to_string(source("docs/architecture.md")).unwrap();
    let rows = page.lines().filter(|line| line.starts_with("| `")).map(|row| row.split('|').map(str::trim));
    let rows: Vec<(String, String)> = rows
        .map(|mut cells| (cells.nth(1).unwrap().trim_matches('`').to_owned(), cells.next().unwrap().to_owned()))
        .collect();
    let table: Vec<_> = LAYERS.iter().map(|(name, layer)| ((*name).to_owned(), layer.name().to_owned())).collect();
    assert_eq!(rows, table, "docs/architecture.md has another table");
}

#[test]
fn import_scan_reads_every_form_of_use() {
    let code =
        "use crate::{\n    key::{Jwk, KeyId},\n    token,\n};\nuse crate::plan::Plan;\nfn f(x: crate::site::ETag) {}";
    assert_eq!(imports(code), ["key", "token", "plan", "site"]);
}
