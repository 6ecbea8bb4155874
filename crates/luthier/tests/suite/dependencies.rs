//! Dependencies between the crates point down only.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// What each crate may use of the others, apart from what follows from that.
const MAY_USE: [(&str, &[&str]); 8] = [
    ("luthier-frame", &[]),
    ("luthier-derive", &[]),
    ("luthier-core", &["luthier-frame", "luthier-derive"]),
    ("luthier-stages", &["luthier-core"]),
    ("luthier-tune", &["luthier-core"]),
    ("luthier-testkit", &["luthier-core", "luthier-tune"]),
    ("luthier-report", &["luthier-tune"]),
    ("luthier", &["luthier-frame", "luthier-core", "luthier-stages", "luthier-tune", "luthier-report"]),
];

/// The program may use everything.
const PROGRAM: &str = "luthier-cli";

/// Tests may use this one from anywhere.
const TESTKIT: &str = "luthier-testkit";

/// A crate, and the crates of this workspace that it uses.
#[derive(Debug)]
struct Manifest {
    name: String,
    uses: Vec<String>,
    tests_use: Vec<String>,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// The manifests of all packages below a folder.
fn manifests(folder: &Path) -> Vec<Manifest> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.join("Cargo.toml").is_file() {
            found.push(manifest(&path.join("Cargo.toml")));
        }
        if path.is_dir() && !path.ends_with("src") {
            found.extend(manifests(&path));
        }
    }
    found
}

fn manifest(path: &Path) -> Manifest {
    let text = std::fs::read_to_string(path).unwrap();
    let table: toml::Table = text.parse().unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let targets = table.get("target").and_then(toml::Value::as_table);
    let tables =
        [&table].into_iter().chain(targets.into_iter().flat_map(|t| t.values().filter_map(|t| t.as_table())));
    let (mut uses, mut tests_use) = (Vec::new(), Vec::new());
    for table in tables {
        uses.extend(ours(table, "dependencies"));
        uses.extend(ours(table, "build-dependencies"));
        tests_use.extend(ours(table, "dev-dependencies"));
    }
    Manifest { name: table["package"]["name"].as_str().unwrap().to_owned(), uses, tests_use }
}

fn ours(table: &toml::Table, section: &str) -> Vec<String> {
    let entries = table.get(section).and_then(toml::Value::as_table).into_iter().flatten();
    let real_name = |(name, value): (&String, &toml::Value)| {
        value.get("package").and_then(toml::Value::as_str).unwrap_or(name).to_owned()
    };
    entries.map(real_name).filter(|name| name == "luthier" || name.starts_with("luthier-")).collect()
}

#[test]
fn crates_use_what_lies_below_them() {
    let manifests = manifests(&root().join("crates"));
    let mut names: Vec<&str> = manifests.iter().map(|manifest| manifest.name.as_str()).collect();
    let mut known: Vec<&str> = MAY_USE.iter().map(|(name, _)| *name).chain([PROGRAM]).collect();
    names.sort_unstable();
    known.sort_unstable();
    assert_eq!(names, known, "a new crate needs its place in the order");
    for manifest in &manifests {
        let Some((_, may_use)) = MAY_USE.iter().find(|(name, _)| *name == manifest.name) else { continue };
        for used in &manifest.uses {
            assert!(may_use.contains(&used.as_str()), "{} must not use {used}", manifest.name);
        }
        for used in &manifest.tests_use {
            let allowed = may_use.contains(&used.as_str()) || used == TESTKIT;
            assert!(allowed, "tests of {} must not use {used}", manifest.name);
        }
    }
}

/// Whoever writes a stage depends on the core alone, whoever writes an executor on the tuning crate alone; their
/// programs use the command line, and an application the facade.
#[test]
fn examples_of_third_parties_use_one_crate() {
    for manifest in manifests(&root().join("examples")) {
        let allowed: &[&[&str]] = &[&["luthier-core"], &["luthier-tune"], &[PROGRAM], &["luthier"]];
        let uses: Vec<&str> = manifest.uses.iter().map(String::as_str).collect();
        assert!(allowed.contains(&uses.as_slice()), "{} uses {uses:?}", manifest.name);
    }
}

/// The order has no cycle: each crate uses only those listed before it.
#[test]
fn the_order_is_an_order() {
    for (i, (name, may_use)) in MAY_USE.iter().enumerate() {
        for used in *may_use {
            assert!(MAY_USE[..i].iter().any(|(earlier, _)| earlier == used), "{name} before {used}");
        }
    }
}

/// The modules of a crate that use each other in a circle. What a file calls `crate::x` it uses, be `x` a module or
/// something that the crate's root exports from one.
fn circles(folder: &str) -> Vec<BTreeSet<String>> {
    let src = root().join("crates").join(folder).join("src");
    let mut texts: BTreeMap<String, String> = BTreeMap::new();
    for entry in std::fs::read_dir(&src).unwrap() {
        let path = entry.unwrap().path();
        let module = path.file_stem().unwrap().to_str().unwrap().to_owned();
        texts.insert(module, code_below(&path));
    }
    let lib = texts.remove("lib").unwrap();
    texts.remove("main");
    let mut exported = BTreeMap::new();
    for export in lib.split("pub use ").skip(1).filter_map(|rest| rest.split(';').next()) {
        let mut names = words(export);
        let Some(module) = names.next().filter(|module| texts.contains_key(*module)) else { continue };
        names.for_each(|name| drop(exported.insert(name.to_owned(), module.to_owned())));
    }
    let used = |module: &String, text: &String| -> BTreeSet<String> {
        let paths = text.split("crate::").skip(1).map(|rest| match rest.strip_prefix('{') {
            Some(list) => list.split(';').next().unwrap_or_default(),
            None => rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default(),
        });
        let named = paths.flat_map(words).filter_map(|name| match texts.contains_key(name) {
            true => Some(name.to_owned()),
            false => exported.get(name).cloned(),
        });
        named.filter(|name| name != module).collect()
    };
    let mut reached: BTreeMap<String, BTreeSet<String>> =
        texts.iter().map(|(module, text)| (module.clone(), used(module, text))).collect();
    for via in texts.keys() {
        let behind = reached[via].clone();
        reached.values_mut().filter(|all| all.contains(via)).for_each(|all| all.extend(behind.clone()));
    }
    let circle = |module: &String| -> BTreeSet<String> {
        reached[module].iter().filter(|other| reached[*other].contains(module)).cloned().collect()
    };
    let all: BTreeSet<_> = texts.keys().map(circle).filter(|circle| !circle.is_empty()).collect();
    all.into_iter().collect()
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty())
}

/// All code of a file or folder, without comments and without the tests at the end of a file.
fn code_below(path: &Path) -> String {
    if path.is_dir() {
        return std::fs::read_dir(path).unwrap().map(|entry| code_below(&entry.unwrap().path())).collect();
    }
    let text = std::fs::read_to_string(path).unwrap();
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    code.lines().map(|line| line.split("//").next().unwrap_or_default().to_owned() + "\n").collect()
}

/// The traits, what they are given and what they give speak of each other; nothing else does.
#[test]
fn modules_are_in_no_circle() {
    assert_eq!(circles("luthier-cli"), []);
    assert_eq!(circles("luthier-stages"), []);
    let traits = ["dataset", "rows", "stage", "summary"].map(str::to_owned);
    assert_eq!(circles("luthier-core"), [BTreeSet::from(traits)]);
}
