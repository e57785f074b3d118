//! Public signatures name no type of a dependency, except those that the crate exports on purpose.

use std::{
    collections::{BTreeSet, HashMap},
    fs,
    path::{Path, PathBuf},
};

use syn::{
    Fields, File, ImplItem, Item, Signature, TraitItem, UseTree, Visibility,
    visit::{self, Visit},
};
use toml_edit::DocumentMut;

/// Types of dependencies that the crate exports: `issuer::Timestamp` and `issuer::json`.
const EXPORTED: [&str; 3] = ["jiff::Timestamp", "serde_json::Map", "serde_json::Value"];

#[test]
fn public_signatures_name_only_exported_types_of_dependencies() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let manifest: DocumentMut = fs::read_to_string(root.join("Cargo.toml")).unwrap().parse().unwrap();
    let dependencies = manifest["dependencies"].as_table().unwrap().iter();
    let dependencies: BTreeSet<_> = dependencies.map(|(name, _)| name.replace('-', "_")).collect();
    let mut found = BTreeSet::new();
    for path in library_files(&root.join("src")) {
        let source = syn::parse_file(&fs::read_to_string(&path).unwrap()).unwrap();
        for name in Names::of_dependencies(&source, &dependencies).in_signatures(&source) {
            found.insert((path.strip_prefix(root).unwrap().to_owned(), name));
        }
    }
    let seen: BTreeSet<_> = found.iter().map(|(_, name)| name.as_str()).collect();
    assert_eq!(seen, BTreeSet::from(EXPORTED), "{found:#?}");
}

/// The source files of the library: the command line is a part of the binary.
pub(crate) fn library_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() && !entry.ends_with("cli") {
            files.extend(library_files(&entry));
        } else if entry.extension().is_some_and(|extension| extension == "rs") && !entry.ends_with("main.rs") {
            files.push(entry);
        }
    }
    files
}

/// The names in one file that belong to dependencies, with their full paths.
struct Names {
    imported: HashMap<String, String>,
    found: BTreeSet<String>,
}

impl Names {
    fn of_dependencies(source: &File, dependencies: &BTreeSet<String>) -> Self {
        let mut imported = dependencies.iter().map(|name| (name.clone(), name.clone())).collect();
        for item in &source.items {
            if let Item::Use(item) = item
                && let UseTree::Path(tree) = &item.tree
                && dependencies.contains(&tree.ident.to_string())
            {
                import(&tree.tree, &tree.ident.to_string(), &mut imported);
            }
        }
        Self { imported, found: BTreeSet::new() }
    }

    /// The names in signatures and fields of public items.
    fn in_signatures(mut self, source: &File) -> BTreeSet<String> {
        source.items.iter().for_each(|item| self.item(item));
        self.found
    }

    fn item(&mut self, item: &Item) {
        match item {
            Item::Fn(item) if is_public(&item.vis) => self.visit_signature(&item.sig),
            Item::Type(item) if is_public(&item.vis) => self.visit_type(&item.ty),
            Item::Const(item) if is_public(&item.vis) => self.visit_type(&item.ty),
            Item::Struct(item) if is_public(&item.vis) => self.fields(&item.fields, false),
            Item::Enum(item) if is_public(&item.vis) => {
                item.variants.iter().for_each(|variant| self.fields(&variant.fields, true));
            }
            Item::Trait(item) if is_public(&item.vis) => {
                for item in &item.items {
                    if let TraitItem::Fn(function) = item {
                        self.visit_signature(&function.sig);
                    }
                }
            }
            Item::Impl(item) if item.trait_.is_none() => {
                for item in &item.items {
                    match item {
                        ImplItem::Fn(function) if is_public(&function.vis) => self.visit_signature(&function.sig),
                        ImplItem::Const(constant) if is_public(&constant.vis) => self.visit_type(&constant.ty),
                        _ => {}
                    }
                }
            }
            // The source type of a conversion is a part of the public API.
            Item::Impl(item) => {
                if let Some((_, path, _)) = &item.trait_
                    && path.segments.last().is_some_and(|last| last.ident == "From" || last.ident == "TryFrom")
                {
                    self.visit_path(path);
                }
            }
            _ => {}
        }
    }

    fn fields(&mut self, fields: &Fields, are_public: bool) {
        for field in fields.iter().filter(|field| are_public || is_public(&field.vis)) {
            self.visit_type(&field.ty);
        }
    }
}

impl Visit<'_> for Names {
    fn visit_path(&mut self, path: &syn::Path) {
        let mut segments = path.segments.iter().map(|segment| segment.ident.to_string());
        let first = segments.next().and_then(|first| self.imported.get(&first).cloned());
        if let Some(first) = first {
            let name = segments.fold(first, |name, segment| format!("{name}::{segment}"));
            // Only the crate and the type count, not the modules between them.
            let (dependency, last) = (name.split("::").next().unwrap(), name.rsplit("::").next().unwrap());
            self.found.insert(format!("{dependency}::{last}"));
        }
        visit::visit_path(self, path);
    }

    fn visit_signature(&mut self, signature: &Signature) {
        visit::visit_signature(self, signature);
    }
}

pub(crate) fn is_public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}

/// Adds the names of one `use`, below the path so far.
fn import(tree: &UseTree, path: &str, imported: &mut HashMap<String, String>) {
    match tree {
        UseTree::Path(tree) => import(&tree.tree, &format!("{path}::{}", tree.ident), imported),
        UseTree::Name(name) => {
            imported.insert(name.ident.to_string(), format!("{path}::{}", name.ident));
        }
        UseTree::Rename(name) => {
            imported.insert(name.rename.to_string(), format!("{path}::{}", name.ident));
        }
        UseTree::Group(group) => group.items.iter().for_each(|tree| import(tree, path, imported)),
        UseTree::Glob(_) => {}
    }
}
