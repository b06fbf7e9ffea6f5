//! The walls of the house. Each crate says in its `Cargo.toml` what it must never know:
//!
//! ```toml
//! [package.metadata.walls]
//! crates = ["tillcard-emu"]      # not among its dependencies, direct or through others
//! names = ["std", "println!"]    # not in its sources: first names of paths, and macros
//! doors = { tillcard_emu = ["src/demo"] }  # files and folders in which a name may stand
//! ```
//!
//! Development dependencies and `#[cfg(test)]` modules are free: they are not shipped.

use crate::sources::{names, rust_files, test_files};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

#[derive(Deserialize)]
struct Workspace {
    packages: Vec<Package>,
    workspace_members: Vec<String>,
    resolve: Resolve,
}

#[derive(Deserialize)]
struct Package {
    id: String,
    name: String,
    manifest_path: PathBuf,
    metadata: Option<Metadata>,
}

#[derive(Deserialize)]
struct Metadata {
    walls: Option<Walls>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Walls {
    #[serde(default)]
    crates: Vec<String>,
    #[serde(default)]
    names: Vec<String>,
    #[serde(default)]
    doors: BTreeMap<String, Vec<PathBuf>>,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    deps: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    pkg: String,
    dep_kinds: Vec<Kind>,
}

#[derive(Deserialize)]
struct Kind {
    /// Nothing for a normal dependency, else `dev` or `build`.
    kind: Option<String>,
}

impl Package {
    fn folder(&self) -> &Path {
        let folder = self.manifest_path.parent();
        folder.expect("a manifest's folder")
    }

    fn walls(&self) -> Option<&Walls> {
        self.metadata.as_ref()?.walls.as_ref()
    }
}

impl Workspace {
    fn read() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let output = Command::new(env!("CARGO"))
            .args(["metadata", "--locked", "--offline", "--all-features"])
            .args(["--format-version", "1"])
            .current_dir(root)
            .output()
            .expect("cargo runs");
        assert!(
            output.status.success(),
            "cargo metadata: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        serde_json::from_slice(&output.stdout).expect("cargo's metadata")
    }

    fn package(&self, id: &str) -> &Package {
        self.packages
            .iter()
            .find(|package| package.id == id)
            .expect("a package that cargo named")
    }

    fn members(&self) -> impl Iterator<Item = &Package> {
        self.workspace_members.iter().map(|id| self.package(id))
    }

    /// Names of all that is linked into what a package ships.
    fn linked(&self, id: &str) -> BTreeSet<&str> {
        let mut seen = BTreeSet::new();
        let mut waiting = vec![id];
        while let Some(id) = waiting.pop() {
            let node = self.resolve.nodes.iter().find(|node| node.id == id);
            for dependency in &node.expect("a node for each package").deps {
                let normal = dependency.dep_kinds.iter().any(|kind| kind.kind.is_none());
                if normal && seen.insert(dependency.pkg.as_str()) {
                    waiting.push(&dependency.pkg);
                }
            }
        }
        seen.into_iter()
            .map(|id| self.package(id).name.as_str())
            .collect()
    }
}

/// Names in the sources of a package that its walls forbid, as "file: name" lines.
fn forbidden_names(folder: &Path, walls: &Walls) -> Vec<String> {
    let mut broken = Vec::new();
    let files = rust_files(&folder.join("src"));
    let only_tests = test_files(&files);
    for file in files.iter().filter(|file| !only_tests.contains(*file)) {
        let short = file.strip_prefix(folder).expect("a file below the folder");
        for name in names(file) {
            let forbidden = walls.names.iter().find(|wall| {
                name == **wall
                    || name
                        .strip_prefix(wall.as_str())
                        .is_some_and(|rest| rest.starts_with("::"))
            });
            let Some(forbidden) = forbidden else { continue };
            let open = walls
                .doors
                .get(forbidden)
                .is_some_and(|doors| doors.iter().any(|door| short.starts_with(door)));
            if !open {
                broken.push(format!("{}: {name}", short.display()));
            }
        }
    }
    broken
}

#[test]
fn no_crate_knows_what_it_must_not() {
    let workspace = Workspace::read();
    let mut broken = Vec::new();
    for package in workspace.members() {
        let folder = package.folder();
        let Some(walls) = package.walls() else {
            broken.push(format!("{}: has no [package.metadata.walls]", package.name));
            continue;
        };
        let linked = workspace.linked(&package.id);
        for unwanted in &walls.crates {
            if linked.contains(unwanted.as_str()) {
                broken.push(format!("{}: links {unwanted}", package.name));
            }
        }
        for name in forbidden_names(folder, walls) {
            broken.push(format!("{}: {name}", package.name));
        }
    }
    assert!(
        broken.is_empty(),
        "walls are broken:\n{}",
        broken.join("\n")
    );
}

/// A wall against a crate or file that doesn't exist guards nothing: it is a slip of the pen, or
/// what it named has another name now.
#[test]
fn every_wall_stands_against_something() {
    let workspace = Workspace::read();
    let known: BTreeSet<&str> = workspace
        .packages
        .iter()
        .map(|package| package.name.as_str())
        .collect();
    let mut idle = Vec::new();
    for package in workspace.members() {
        let folder = package.folder();
        let Some(walls) = package.walls() else {
            continue;
        };
        for unwanted in walls
            .crates
            .iter()
            .filter(|name| !known.contains(name.as_str()))
        {
            idle.push(format!("{}: no crate is called {unwanted}", package.name));
        }
        for (name, doors) in &walls.doors {
            if !walls.names.contains(name) {
                idle.push(format!("{}: a door in no wall, {name}", package.name));
            }
            for door in doors.iter().filter(|door| !folder.join(door).exists()) {
                idle.push(format!(
                    "{}: a door at nothing, {}",
                    package.name,
                    door.display()
                ));
            }
        }
    }
    assert!(idle.is_empty(), "{}", idle.join("\n"));
}

#[test]
fn a_forbidden_name_is_found_and_a_door_lets_it_pass() {
    let folder = tempfile::tempdir().expect("a folder");
    let source = folder.path().join("src/demo");
    fs::create_dir_all(&source).expect("a folder");
    fs::write(source.join("mod.rs"), "use tillcard_emu::Store;").expect("a file");
    let walls = |doors: &[&str]| Walls {
        crates: Vec::new(),
        names: vec!["tillcard_emu".to_owned()],
        doors: BTreeMap::from([(
            "tillcard_emu".to_owned(),
            doors.iter().map(PathBuf::from).collect(),
        )]),
    };
    let broken = forbidden_names(folder.path(), &walls(&[]));
    assert_eq!(broken, ["src/demo/mod.rs: tillcard_emu::Store"]);
    assert!(forbidden_names(folder.path(), &walls(&["src/demo"])).is_empty());
}
