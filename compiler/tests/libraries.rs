//! Workspaces that depend on others, and the standard library.

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use ordain_compiler::workspace::load;
use ordain_compiler::{Compiled, Database, compile, compile_str};
use ordain_ir::PolicyName;
use support::render_all;

type Files<'a> = &'a [(&'a str, &'a str)];

/// Workspaces side by side in a folder.
fn folder(files: Files<'_>) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (path, text) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().expect("below the folder")).expect("it can be written");
        fs::write(path, text).expect("it can be written");
    }
    folder
}

/// The workspace in the folder `main`, compiled, and what is said.
fn compiled(folder: &Path) -> (Compiled, String) {
    let loaded = match load(&folder.join("main")) {
        Ok(loaded) => loaded,
        Err(problems) => {
            let text = fs::read_to_string(folder.join("main/ordain.yaml")).expect("it is there");
            return (compile_str(&[]), render_all(&[("ordain.yaml", &text)], &problems));
        }
    };
    let mut db = Database::default();
    let workspace = loaded.open(&mut db);
    let compiled = compile(&db, workspace);
    let mut texts: BTreeMap<String, String> = loaded.texts();
    for library in std::iter::once(String::new()).chain(loaded.libraries.iter().map(|it| it.prefix.clone())) {
        let path = format!("{library}ordain.yaml");
        if let Ok(text) = fs::read_to_string(folder.join("main").join(&path)) {
            texts.insert(path, text);
        }
    }
    let texts: Vec<(&str, &str)> = texts.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let said = render_all(&texts, &compiled.diagnostics);
    (compiled, said)
}

fn names(compiled: &Compiled) -> Vec<&str> {
    let policies = &compiled.policies;
    policies.rules.keys().chain(policies.limits.keys()).map(PolicyName::as_str).collect()
}

const MAIN: &str = "name: main\ndependencies: [../platform]\n";
const PLATFORM: &str = "name: platform\n";
const BASE: &str = "package platform.base
use std.facts.*
fact amount : money USD
private fact hidden : bool
meter emails : count
let risky = amount > 5.00 USD and not hidden
rule floor { type safety enforce audit scope global }
rule gate { type safety enforce warn scope global when risky depends on floor }
rule lonely { type safety enforce warn scope tenant acme }
limit daily { type emails_daily at most 5 enforce block scope global warn at 80% when rule gate }
template guard(team: project) { rule x { type safety enforce warn scope team when risky overrides floor } }
apply guard(team = acme/base) as own
test \"here\" { given amount = 6.00 USD, hidden = false expect warn by gate }
";

#[test]
fn policies_of_a_library_take_part_once_they_are_used_or_needed() {
    let nothing: [&str; 0] = [];
    for (main, expected) in [
        ("package main", &nothing[..]),
        // Facts, lets and templates by sight alone.
        ("package main\nuse platform.base.risky\nuse platform.base.amount", &nothing),
        ("package main\nuse platform.base as b\nlet x = b.risky", &nothing),
        // What is used by name, and what that needs.
        ("package main\nuse platform.base.lonely", &["platform.base.lonely"]),
        ("package main\nuse platform.base.lonely as other", &["platform.base.lonely"]),
        ("package main\nuse platform.base.gate", &["platform.base.floor", "platform.base.gate"]),
        // A limit with its warning, and the rule that it follows.
        (
            "package main\nuse platform.base.daily",
            &["platform.base.floor", "platform.base.gate", "platform.base.daily", "platform.base.daily.warn"],
        ),
        ("package main\nuse platform.base.own", &["platform.base.floor", "platform.base.own.x"]),
        // Everything.
        (
            "package main\nuse platform.base.*",
            &[
                "platform.base.floor",
                "platform.base.gate",
                "platform.base.lonely",
                "platform.base.own.x",
                "platform.base.daily",
                "platform.base.daily.warn",
            ],
        ),
        // What one's own policies need.
        (
            "package main\nrule a { type safety enforce warn scope tenant x overrides platform.base.lonely }",
            &["main.a", "platform.base.lonely"],
        ),
        (
            "package main\nlimit l { type runs_daily at most 5 enforce warn scope tenant x when rule platform.base.gate }",
            &["platform.base.floor", "platform.base.gate", "main.l"],
        ),
        // One's own application of its template needs what the template's policies need.
        (
            "package main\nuse platform.base.guard\napply guard(team = acme/mine)",
            &["main.guard.x", "platform.base.floor"],
        ),
    ] {
        let folder = folder(&[
            ("main/ordain.yaml", MAIN),
            ("main/a.ordain", main),
            ("platform/ordain.yaml", PLATFORM),
            ("platform/policies/base.ordain", BASE),
        ]);
        let (compiled, said) = compiled(folder.path());
        assert_eq!(said, "", "{main}");
        assert_eq!(names(&compiled), expected, "{main}");
        assert_eq!(compiled.source_map.iter().count(), expected.len());
        // Conditions read nothing that isn't there.
        let mut read = std::collections::BTreeSet::new();
        compiled.policies.rules.values().for_each(|rule| rule.condition.collect_facts(&mut read));
        assert!(read.iter().all(|fact| compiled.policies.facts.contains_key(fact)), "{main}");
        for (_, source) in compiled.source_map.iter() {
            let expected = if source.application.is_some() || source.file != "a.ordain" {
                "../platform/policies/base.ordain"
            } else {
                "a.ordain"
            };
            assert_eq!(source.file, expected);
        }
    }
}

#[test]
fn the_standard_library_is_a_library() {
    let names_of = |text: &str| {
        let compiled = compile_str(&[("a.ordain", text)]);
        assert_eq!(compiled.diagnostics, []);
        (names(&compiled).len(), compiled.source_map.iter().count())
    };
    assert_eq!(names_of("package main\nuse std.facts.*"), (0, 0));
    let (all, places) = names_of("package main\nuse std.safety.*");
    assert_eq!(all, places);
}

#[test]
fn only_direct_dependencies_are_seen_and_all_that_is_needed_counts() {
    let folder = folder(&[
        ("main/ordain.yaml", MAIN),
        ("main/a.ordain", "package main\nuse platform.base.*"),
        ("platform/ordain.yaml", "name: platform\ndependencies: [../ground]\n"),
        (
            "platform/base.ordain",
            "package platform.base\nuse ground.deep\nrule gate { type safety enforce warn scope global when deep depends on ground.floor }",
        ),
        ("ground/ordain.yaml", "name: ground\n"),
        (
            "ground/x.ordain",
            "package ground\nfact depth : int\nlet deep = depth > 3\nrule floor { type safety enforce audit scope global }",
        ),
    ]);
    let (compiled, said) = compiled(folder.path());
    assert_eq!(said, "");
    assert_eq!(names(&compiled), ["ground.floor", "platform.base.gate"]);
    assert!(compiled.policies.facts.contains_key("depth"));
    let path = folder.path().join("main/a.ordain");
    fs::write(&path, "package main\nuse ground.*\nlet x = ground.deep or depth > 3")
        .expect("it can be written");
    insta::assert_snapshot!(said_in(folder.path()), @r#"
    ORD0212 unknown package `ground`
        at a.ordain ‹ground›
        help: packages are named by the `package` lines of the workspace's files
    ORD0201 unknown fact `ground.deep`
        at a.ordain ‹ground.deep›
    ORD0201 unknown fact `depth`
        at a.ordain ‹depth›
    "#);
}

fn said_in(folder: &Path) -> String {
    compiled(folder).1
}

#[test]
fn a_library_that_two_others_share_is_there_once() {
    let depend = |name: &str, on: &str| format!("name: {name}\ndependencies: {on}\n");
    let rule = |name: &str, on: &str| {
        format!("package {name}\nrule x {{ type safety enforce warn scope global {on} }}")
    };
    let (main, left, right) = (
        depend("main", "[../left, ../right]"),
        depend("left", "[../top]"),
        depend("right", "[\"../left/../top\"]"),
    );
    let (x, y, z) = (rule("left", "depends on top.x"), rule("right", "depends on top.x"), rule("top", ""));
    let folder = folder(&[
        ("main/ordain.yaml", &main),
        ("main/a.ordain", "package main\nuse left.*\nuse right.*"),
        ("left/ordain.yaml", &left),
        ("left/a.ordain", &x),
        ("right/ordain.yaml", &right),
        ("right/a.ordain", &y),
        ("top/ordain.yaml", "name: top\n"),
        ("top/a.ordain", &z),
    ]);
    let (compiled, said) = compiled(folder.path());
    assert_eq!((said.as_str(), names(&compiled)), ("", vec!["left.x", "right.x", "top.x"]));
    assert_eq!(load(&folder.path().join("main")).expect("a workspace").libraries.len(), 3);
}

#[test]
fn what_is_wrong_with_dependencies() {
    let said = |files: Files<'_>| said_in(folder(files).path());
    let rule = "package main\nrule x { type safety enforce warn scope global }\n";
    let base = (
        "platform/base.ordain",
        "package platform.base\nrule x { type safety enforce warn scope nowhere }\nrule y { type safety enforce warn scope global when z }",
    );
    let cases: [(&str, Files<'_>); 14] = [
        (
            "errors in it",
            &[("main/ordain.yaml", MAIN), ("main/a.ordain", rule), ("platform/ordain.yaml", PLATFORM), base],
        ),
        (
            "errors in what it depends on",
            &[
                ("main/ordain.yaml", MAIN),
                ("platform/ordain.yaml", "name: platform\ndependencies: [../ground]\n"),
                ("ground/ordain.yaml", "name: ground\n"),
                ("ground/a.ordain", "rule"),
            ],
        ),
        ("its manifest is wrong", &[("main/ordain.yaml", MAIN), ("platform/ordain.yaml", "nam: x\n")]),
        ("it has no manifest", &[("main/ordain.yaml", MAIN), ("platform/a.ordain", rule)]),
        ("it isn't there", &[("main/ordain.yaml", MAIN)]),
        (
            "twice",
            &[
                ("main/ordain.yaml", "dependencies:\n  - ../platform\n  - ../platform\n"),
                ("platform/ordain.yaml", PLATFORM),
            ],
        ),
        (
            "twice in disguise",
            &[
                ("main/ordain.yaml", "dependencies:\n  - ../platform\n  - ../main/../platform\n"),
                ("platform/ordain.yaml", PLATFORM),
            ],
        ),
        ("absolute", &[("main/ordain.yaml", "dependencies: [/platform]\n")]),
        ("itself", &[("main/ordain.yaml", "name: main\ndependencies: [.]\n")]),
        (
            "in a circle",
            &[
                ("main/ordain.yaml", MAIN),
                ("platform/ordain.yaml", "name: platform\ndependencies: [../ground]\n"),
                ("ground/ordain.yaml", "name: ground\ndependencies: [../main]\n"),
            ],
        ),
        (
            "in a circle beside",
            &[
                ("main/ordain.yaml", MAIN),
                ("platform/ordain.yaml", "name: platform\ndependencies: [../ground]\n"),
                ("ground/ordain.yaml", "name: ground\ndependencies: [../platform]\n"),
            ],
        ),
        (
            "a package of both",
            &[
                ("main/ordain.yaml", MAIN),
                (
                    "main/a.ordain",
                    "package platform.base\nrule z { type safety enforce warn scope global }\n",
                ),
                ("platform/ordain.yaml", PLATFORM),
                ("platform/base.ordain", BASE),
            ],
        ),
        (
            "a package of the standard library",
            &[
                ("main/ordain.yaml", "name: main\n"),
                ("main/a.ordain", "package std.facts\nfact own : bool\n"),
            ],
        ),
        (
            "a package, a fact and a meter of two libraries",
            &[
                ("main/ordain.yaml", "dependencies: [../platform, ../ground]\n"),
                ("platform/ordain.yaml", PLATFORM),
                ("platform/base.ordain", BASE),
                ("ground/ordain.yaml", "name: ground\n"),
                (
                    "ground/base.ordain",
                    "package platform.base\nfact amount : money EUR\nmeter emails : duration\n",
                ),
            ],
        ),
    ];
    let mut out = String::new();
    for (name, files) in cases {
        for part in ["=== ", name, "\n", &said(files), "\n"] {
            out.push_str(part);
        }
    }
    insta::assert_snapshot!(out);
}

#[test]
fn an_update_touches_only_what_differs_in_libraries_too() {
    let folder = folder(&[
        ("main/ordain.yaml", MAIN),
        ("main/a.ordain", "package main\nuse platform.base.*"),
        ("platform/ordain.yaml", PLATFORM),
        ("platform/base.ordain", BASE),
    ]);
    let main = folder.path().join("main");
    let mut db = Database::default();
    let workspace = load(&main).expect("a workspace").open(&mut db);
    assert_eq!(names(&compile(&db, workspace)).len(), 6);
    let library = workspace.dependencies(&db)[0].workspace;
    fs::write(
        folder.path().join("platform/more.ordain"),
        "package platform.base\nrule more { type safety enforce warn scope global }",
    )
    .expect("it can be written");
    load(&main).expect("a workspace").update(&mut db, workspace);
    assert_eq!(workspace.dependencies(&db)[0].workspace, library);
    assert_eq!(names(&compile(&db, workspace)).len(), 7);
    fs::write(main.join("ordain.yaml"), "name: main\n").expect("it can be written");
    load(&main).expect("a workspace").update(&mut db, workspace);
    let compiled = compile(&db, workspace);
    assert_eq!(compiled.diagnostics.len(), 1, "the package is not known any more");
    assert_eq!(names(&compiled), <[&str; 0]>::default());
}

#[test]
fn a_folder_with_a_workspace_file_belongs_to_itself() {
    let folder = folder(&[
        ("main/ordain.yaml", "name: main\ndependencies: [inner]\n"),
        ("main/a.ordain", "package main\nuse inner.x"),
        ("main/inner/ordain.yaml", "name: inner\n"),
        ("main/inner/a.ordain", "package inner\nrule x { type safety enforce warn scope global }"),
    ]);
    let (compiled, said) = compiled(folder.path());
    assert_eq!((said.as_str(), names(&compiled)), ("", vec!["inner.x"]));
    let loaded = load(&folder.path().join("main")).expect("a workspace");
    assert_eq!(loaded.files.keys().collect::<Vec<_>>(), ["a.ordain"]);
    assert_eq!(loaded.libraries[0].files.keys().collect::<Vec<_>>(), ["inner/a.ordain"]);
}

#[test]
fn the_standard_library_has_no_mistake() {
    // The workspace that is the library itself isn't told that its packages are there already.
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../stdlib-policies");
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(folder).expect("it is part of the repository") {
        let path = entry.expect("it can be read").path();
        if path.extension().is_some_and(|it| it == "ordain") {
            let name = path.file_name().map(|it| it.to_string_lossy().into_owned()).unwrap_or_default();
            files.insert(name, fs::read_to_string(&path).expect("it can be read"));
        }
    }
    let db = Database::default();
    let workspace = ordain_compiler::Workspace::of(&db, ordain_compiler::Config::named("std"), files.clone());
    let compiled = compile(&db, workspace);
    let texts: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    assert_eq!(render_all(&texts, &compiled.diagnostics), "");
    // Used as a library it brings the same.
    let uses: Vec<String> =
        files.keys().map(|file| format!("use std.{}.*\n", file.trim_end_matches(".ordain"))).collect();
    let uses = uses.concat();
    let used = compile_str(&[("a.ordain", &format!("package main\n{uses}"))]);
    assert_eq!(render_all(&[], &used.diagnostics), "");
    assert_eq!(names(&used), names(&compiled));
    assert_eq!(used.policies.rules, compiled.policies.rules);
    assert_eq!(used.policies.limits, compiled.policies.limits);
}
