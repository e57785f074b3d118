//! The public API is listed in `docs/public-api.txt`, so that each change of it is seen in a review.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use quote::ToTokens;
use syn::{Attribute, Fields, ImplItem, Item, TraitItem, Type};

use crate::public_types::{is_public, library_files};

/// `UPDATE_API=1 cargo test --test it -- public_api` writes the list. A removed or changed line breaks programs that use it.
#[test]
fn public_api_is_the_listed_one() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let parse = |path: PathBuf| (syn::parse_file(&fs::read_to_string(&path).unwrap()).unwrap(), path);
    let sources: Vec<_> = library_files(&root.join("src")).into_iter().map(parse).collect();
    let types: BTreeSet<_> = sources.iter().flat_map(|(source, _)| source.items.iter().filter_map(type_name)).collect();
    let mut modules: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (source, path) in &sources {
        let below = path.strip_prefix(root.join("src")).unwrap();
        let module = below.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs").to_owned();
        let lines = modules.entry(module).or_default();
        let items = source.items.iter().filter(|item| match item {
            Item::Impl(item) => types.contains(&name_of(&item.self_ty)),
            _ => true,
        });
        items.for_each(|item| list(item, lines));
    }
    let mut listed_now = Vec::new();
    for (module, lines) in modules.into_iter().filter(|(_, lines)| !lines.is_empty()) {
        listed_now.extend([format!("# {module}"), String::new()]);
        listed_now.extend(lines);
        listed_now.push(String::new());
    }
    let text = listed_now.join("\n");
    let list = root.join("docs/public-api.txt");
    if std::env::var_os("UPDATE_API").is_some_and(|value| !value.is_empty()) {
        fs::write(&list, &text).unwrap();
    }
    let listed = fs::read_to_string(&list).unwrap_or_default();
    let (now, before): (BTreeSet<_>, BTreeSet<_>) = (text.lines().collect(), listed.lines().collect());
    let (added, removed): (Vec<_>, Vec<_>) = (now.difference(&before).collect(), before.difference(&now).collect());
    assert!(
        text == listed,
        "the public API has changed; name the change in CHANGELOG.md and run UPDATE_API=1 cargo test --test it -- public_api\nadded: {added:#?}\nremoved: {removed:#?}"
    );
}

/// Adds the lines of one item.
fn list(item: &Item, lines: &mut BTreeSet<String>) {
    let mut add = |attributes: &[Attribute], text: String| {
        lines.insert(format!("{}{text}", kept(attributes)));
    };
    match item {
        Item::Fn(item) if is_public(&item.vis) => add(&item.attrs, shown(&item.sig)),
        Item::Type(item) if is_public(&item.vis) => {
            add(&item.attrs, format!("type {} = {}", item.ident, shown(&item.ty)));
        }
        Item::Const(item) if is_public(&item.vis) => {
            add(&item.attrs, format!("const {}: {}", item.ident, shown(&item.ty)));
        }
        Item::Struct(item) if is_public(&item.vis) => {
            let name = format!("struct {}{}", item.ident, shown(&item.generics));
            add(&item.attrs, format!("{name} {{ {} }}", fields(&item.fields, false)));
        }
        Item::Enum(item) if is_public(&item.vis) => {
            let name = format!("{}{}", item.ident, shown(&item.generics));
            add(&item.attrs, format!("enum {name}"));
            for variant in &item.variants {
                add(
                    &variant.attrs,
                    format!("{name}::{} {{ {} }}", variant.ident, fields(&variant.fields, true)).replace(" {  }", ""),
                );
            }
        }
        Item::Trait(item) if is_public(&item.vis) => {
            add(&item.attrs, format!("trait {}: {}", item.ident, shown(&item.supertraits)));
            for member in &item.items {
                if let TraitItem::Fn(function) = member {
                    let default = if function.default.is_some() { " (has a default)" } else { "" };
                    add(&function.attrs, format!("{}::{}{default}", item.ident, shown(&function.sig)));
                }
            }
        }
        Item::Impl(item) => match &item.trait_ {
            Some((_, name, _)) => add(&[], format!("impl {} for {}", shown(name), shown(&item.self_ty))),
            None => {
                for member in &item.items {
                    match member {
                        ImplItem::Fn(function) if is_public(&function.vis) => {
                            add(&function.attrs, format!("{}::{}", name_of(&item.self_ty), shown(&function.sig)));
                        }
                        ImplItem::Const(constant) if is_public(&constant.vis) => {
                            let constant = format!("const {}: {}", constant.ident, shown(&constant.ty));
                            add(&[], format!("{}::{constant}", name_of(&item.self_ty)));
                        }
                        _ => {}
                    }
                }
            }
        },
        _ => {}
    }
}

/// Derives, features, `must_use` and `non_exhaustive`: the attributes that are a part of the API.
fn kept(attributes: &[Attribute]) -> String {
    let names = ["derive", "cfg", "non_exhaustive", "must_use"];
    let kept = attributes.iter().filter(|attribute| names.iter().any(|name| attribute.path().is_ident(name)));
    kept.flat_map(|attribute| [shown(attribute), " ".to_owned()]).collect()
}

fn fields(fields: &Fields, are_public: bool) -> String {
    let shown_field = |field: &syn::Field| match &field.ident {
        _ if !are_public && !is_public(&field.vis) => "_".to_owned(),
        Some(name) => format!("{name}: {}", shown(&field.ty)),
        None => shown(&field.ty),
    };
    let mut shown: Vec<_> = fields.iter().map(shown_field).collect();
    // The number of private fields is no part of the API.
    shown.dedup();
    shown.join(", ")
}

/// The name of a type without its parameters.
fn name_of(of: &Type) -> String {
    let Type::Path(path) = of else { return shown(of) };
    path.path.segments.last().map(|last| last.ident.to_string()).unwrap_or_default()
}

/// The name of a public type.
fn type_name(item: &Item) -> Option<String> {
    match item {
        Item::Struct(item) if is_public(&item.vis) => Some(item.ident.to_string()),
        Item::Enum(item) if is_public(&item.vis) => Some(item.ident.to_string()),
        _ => None,
    }
}

/// Tokens as text, with fewer spaces.
fn shown(tokens: &impl ToTokens) -> String {
    let mut text = tokens.to_token_stream().to_string();
    for (spaced, close) in [
        (" :: ", "::"),
        (":: ", "::"),
        (" ::", "::"),
        (" ,", ","),
        ("& ", "&"),
        (" (", "("),
        ("( ", "("),
        (" )", ")"),
        (" <", "<"),
        ("< ", "<"),
        (" >", ">"),
        (" :", ":"),
        ("# ", "#"),
        ("[ ", "["),
        (" ]", "]"),
        (" [", "["),
    ] {
        text = text.replace(spaced, close);
    }
    text
}
