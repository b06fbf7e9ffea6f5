//! Which names the sources of a crate use, read from their syntax tree. Tests inside a source file
//! (`#[cfg(test)]`) don't count: they are not shipped.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use syn::visit::{self, Visit};
use syn::{Attribute, ItemUse, Macro, UseTree};

/// The `.rs` files below a folder, sorted.
pub fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let entries = fs::read_dir(folder)
        .unwrap_or_else(|error| panic!("{} can't be read: {error}", folder.display()));
    for entry in entries {
        let path = entry.expect("an entry of a folder").path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// The files among these that a `#[cfg(test)] mod name;` declares.
pub fn test_files(files: &[PathBuf]) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    for file in files {
        let folder = match file.file_stem().and_then(|stem| stem.to_str()) {
            Some("lib" | "main" | "mod") => file.with_file_name(""),
            _ => file.with_extension(""),
        };
        for item in parse(file).items {
            if let syn::Item::Mod(module) = item
                && module.content.is_none()
                && is_test(&module.attrs)
            {
                found.insert(folder.join(format!("{}.rs", module.ident)));
                found.insert(folder.join(module.ident.to_string()).join("mod.rs"));
            }
        }
    }
    found
}

fn parse(file: &Path) -> syn::File {
    let source = fs::read_to_string(file)
        .unwrap_or_else(|error| panic!("{} can't be read: {error}", file.display()));
    syn::parse_file(&source).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// The paths that a source file names, joined by `::`, and the macros that it calls, with `!`
/// behind their names.
pub fn names(file: &Path) -> BTreeSet<String> {
    names_of(&parse(file))
}

fn names_of(file: &syn::File) -> BTreeSet<String> {
    let mut names = Names::default();
    if !is_test(&file.attrs) {
        names.visit_file(file);
    }
    names.found
}

#[derive(Default)]
struct Names {
    found: BTreeSet<String>,
}

impl Names {
    fn add_use(&mut self, before: &str, tree: &UseTree) {
        let join = |name: &syn::Ident| match before {
            "" => name.to_string(),
            _ => format!("{before}::{name}"),
        };
        match tree {
            UseTree::Path(path) => self.add_use(&join(&path.ident), &path.tree),
            UseTree::Name(name) => drop(self.found.insert(join(&name.ident))),
            UseTree::Rename(name) => drop(self.found.insert(join(&name.ident))),
            UseTree::Glob(_) => drop(self.found.insert(format!("{before}::*"))),
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.add_use(before, tree);
                }
            }
        }
    }
}

impl<'ast> Visit<'ast> for Names {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        if !is_test(attributes(item)) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        self.add_use("", &item.tree);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments: Vec<String> = path
            .segments
            .iter()
            .map(|segment| segment.ident.to_string())
            .collect();
        self.found.insert(segments.join("::"));
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast Macro) {
        if let Some(last) = call.path.segments.last() {
            self.found.insert(format!("{}!", last.ident));
        }
        visit::visit_macro(self, call);
    }
}

/// Whether an item is compiled for tests only.
fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("test")
            || (attribute.path().is_ident("cfg")
                && attribute
                    .parse_args::<syn::Path>()
                    .is_ok_and(|condition| condition.is_ident("test")))
    })
}

fn attributes(item: &syn::Item) -> &[Attribute] {
    use syn::Item;
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::ExternCrate(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

#[test]
fn names_are_found_wherever_they_stand_and_not_in_tests() {
    let source = "use a::{b, c::{self, d as e}, f::*};
         fn g(x: h::I) -> J { k::l(x); m!(); }
         #[cfg(test)] use n::o;
         #[cfg(test)] mod tests { use p::q; }
         #[cfg(feature = \"r\")] use s::t;";
    let found = names_of(&syn::parse_file(source).expect("sources"));
    for name in [
        "a::b",
        "a::c::d",
        "a::c::self",
        "a::f::*",
        "h::I",
        "J",
        "k::l",
        "m!",
        "s::t",
    ] {
        assert!(found.contains(name), "{name} is missing in {found:?}");
    }
    assert!(
        !found.iter().any(|name| name.starts_with(['n', 'p'])),
        "{found:?}"
    );
}

#[test]
fn a_file_that_only_tests_have_is_known_by_its_declaration() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, source: &str| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(&path, source).expect("a file");
        path
    };
    let root = write("lib.rs", "mod a; #[cfg(test)] mod vectors;");
    let inner = write("a.rs", "#[cfg(test)] mod tests;");
    let vectors = write("vectors.rs", "use std::vec::Vec;");
    let tests = write("a/tests.rs", "use std::fs;");
    let only_tests = test_files(&[root.clone(), inner.clone(), vectors.clone(), tests.clone()]);
    assert!(only_tests.contains(&vectors) && only_tests.contains(&tests));
    assert!(!only_tests.contains(&root) && !only_tests.contains(&inner));
}
