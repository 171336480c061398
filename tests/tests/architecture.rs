//! The shape of the house: which crate may lean on which, and a few rules that no compiler checks.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use cargo_metadata::{DependencyKind, MetadataCommand};

/// Each crate of ours with what stands directly beneath it. Whatever stands beneath that may be used too.
const BENEATH: &[(&str, &[&str])] = &[
    ("ordain-ir", &[]),
    ("ordain-grammar", &["ordain-ir"]),
    ("ordain-compiler", &["ordain-grammar"]),
    ("ordain-engine", &["ordain-ir"]),
    ("ordain-analyzer", &["ordain-engine"]),
    ("ordain-ide", &["ordain-compiler", "ordain-analyzer"]),
    ("ordain-lsp", &["ordain-ide"]),
    ("ordain-store", &["ordain-ir"]),
    ("ordain-store-sqlite", &["ordain-store"]),
    ("ordain-store-postgres", &["ordain-store"]),
    ("ordain-runtime", &["ordain-engine", "ordain-store-sqlite", "ordain-store-postgres"]),
    ("ordain", &["ordain-lsp", "ordain-runtime"]),
    ("ordain-tests", &["ordain"]),
    ("ordain-fuzz", &["ordain-compiler"]),
    ("xtask", &[]),
];

/// Libraries that few may name, with those few.
const RESERVED: &[(&str, &[&str])] = &[
    ("z3", &["ordain-analyzer"]),
    ("z3-sys", &["ordain-analyzer"]),
    ("tower-lsp", &["ordain-lsp"]),
    ("tower-lsp-server", &["ordain-lsp"]),
    ("sqlx", &["ordain-store-sqlite", "ordain-store-postgres"]),
    ("clap", &["ordain"]),
    ("clap_complete", &["ordain"]),
    ("clap_mangen", &["ordain"]),
    ("miette", &["ordain"]),
    ("pest", &["ordain-grammar"]),
    ("pest_derive", &["ordain-grammar"]),
];

/// Where the machine's clock may be read, each behind a trait or for a person.
const CLOCKS: &[&str] = &["cli/src/clock.rs", "xtask/src/dependencies/date.rs"];

const MOST_LINES: usize = 600;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the tests stand in a folder of the root")
        .to_owned()
}

/// The arrows that should not be, in words. `arrows` leads from each crate of ours to everything it builds on.
fn violations(arrows: &BTreeMap<String, BTreeSet<String>>) -> Vec<String> {
    let direct: BTreeMap<&str, &[&str]> = BENEATH.iter().copied().collect();
    let mut found = vec![];
    for (from, targets) in arrows {
        let Some(allowed) = beneath(&direct, from) else {
            found.push(format!("`{from}` has no place in the house: give it one in this test"));
            continue;
        };
        for to in targets {
            if direct.contains_key(to.as_str()) && !allowed.contains(to.as_str()) {
                found.push(format!("`{from}` -> `{to}` does not point down"));
            }
            if let Some((_, few)) = RESERVED.iter().find(|(library, _)| library == to)
                && !few.contains(&from.as_str())
            {
                found.push(format!("`{from}` -> `{to}`, which only {} may name", few.join(" and ")));
            }
        }
    }
    found
}

fn beneath<'a>(direct: &BTreeMap<&'a str, &'a [&'a str]>, name: &str) -> Option<BTreeSet<&'a str>> {
    let mut all = BTreeSet::new();
    let mut open = direct.get(name)?.to_vec();
    while let Some(next) = open.pop() {
        if all.insert(next) {
            open.extend_from_slice(direct[next]);
        }
    }
    Some(all)
}

#[test]
fn arrows_point_down_only() {
    let metadata = MetadataCommand::new()
        .manifest_path(root().join("Cargo.toml"))
        .no_deps()
        .exec()
        .expect("cargo describes the workspace");
    let arrows: BTreeMap<String, BTreeSet<String>> = metadata
        .packages
        .iter()
        .map(|package| {
            // What tests lean on is their own business; what is shipped is not.
            let shipped = package.dependencies.iter().filter(|d| d.kind != DependencyKind::Development);
            (package.name.to_string(), shipped.map(|dependency| dependency.name.clone()).collect())
        })
        .collect();
    assert!(arrows.len() >= BENEATH.len(), "some crate is missing: {:?}", arrows.keys());
    let violations = violations(&arrows);
    assert!(violations.is_empty(), "{}", violations.join("\n"));
}

#[test]
fn arrows_that_point_up_are_named() {
    let arrows = |from: &str, to: &[&str]| {
        BTreeMap::from([(from.to_owned(), to.iter().map(ToString::to_string).collect::<BTreeSet<_>>())])
    };
    let named = |from, to| violations(&arrows(from, to));
    assert_eq!(
        named("ordain-ir", &["serde", "ordain-engine"]),
        ["`ordain-ir` -> `ordain-engine` does not point down"]
    );
    assert_eq!(named("ordain-engine", &["ordain-analyzer"]).len(), 1, "replay must not know the solver");
    assert_eq!(named("ordain-analyzer", &["ordain-compiler"]).len(), 1, "it analyses policies, not sources");
    assert_eq!(named("ordain-runtime", &["ordain-compiler"]).len(), 1, "only the binary fills the gate");
    assert_eq!(named("xtask", &["ordain-ir"]).len(), 1);
    assert_eq!(named("ordain-ide", &["z3"]), ["`ordain-ide` -> `z3`, which only ordain-analyzer may name"]);
    assert_eq!(named("ordain-new", &[]).len(), 1);
    assert!(named("ordain", &["ordain-ir", "clap", "ordain-store-sqlite"]).is_empty());
}

/// Every file below the workspace's root with this extension, but for what is fetched or built.
fn files(extension: &str) -> Vec<PathBuf> {
    let mut found = vec![];
    let mut open = vec![root()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).expect("a readable folder") {
            let path = entry.expect("a readable entry").path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if path.is_dir() {
                if !matches!(name, "target" | "third_party" | "node_modules" | ".git") {
                    open.push(path);
                }
            } else if path.extension().is_some_and(|found| found == extension) {
                found.push(path);
            }
        }
    }
    found.sort();
    assert!(!found.is_empty(), "no file ends in .{extension}");
    found
}

fn relative(path: &Path) -> String {
    path.strip_prefix(root()).expect("below the root").to_string_lossy().replace('\\', "/")
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn no_file_is_too_long_to_read() {
    let long = |path: &PathBuf| {
        let lines = read(path).lines().count();
        (lines > MOST_LINES).then(|| format!("{} has {lines} lines", relative(path)))
    };
    let long: Vec<String> = files("rs").iter().filter_map(long).collect();
    assert!(long.is_empty(), "more than {MOST_LINES} lines; one subject a file:\n{}", long.join("\n"));
}

#[test]
fn the_clock_is_read_where_it_may_be() {
    // Spelled apart, so that this file is none of those it looks for.
    let exemption = concat!("clippy::", "disallowed_methods");
    let exempt = files("rs").into_iter().filter(|path| read(path).contains(exemption));
    let exempt: Vec<String> = exempt.map(|path| relative(&path)).collect();
    let unexpected: Vec<&String> = exempt.iter().filter(|path| !CLOCKS.contains(&path.as_str())).collect();
    assert!(unexpected.is_empty(), "read the clock through a trait instead: {unexpected:?}");
    let listed = read(&root().join("clippy.toml"));
    for method in ["std::time::SystemTime::now", "jiff::Timestamp::now", "jiff::Zoned::now"] {
        assert!(listed.contains(method), "`clippy.toml` no longer forbids `{method}`");
    }
}

#[test]
fn panics_unwind() {
    // Salsa cancels queries by unwinding, and the server outlives a panic in any request.
    let sets = |line: &str| {
        let line = line.split('#').next().unwrap_or_default();
        line.split_once('=').is_some_and(|(key, value)| key.trim() == "panic" && value.trim() == "\"abort\"")
    };
    for path in files("toml") {
        assert!(!read(&path).lines().any(sets), "{} makes panics abort", relative(&path));
    }
}
