//! What an edit computes anew, and that the order of files is no matter.

use std::sync::{Arc, Mutex};

use ordain_compiler::{Config, Database, Workspace, bundle, compile, diagnostics, policies, source_map};
use ordain_ir::{Bundle, Report};

const FACTS: &str = "package p\nfact age : int in 0..150\nlet old = age > 60\n";
const ONE: &str = "package p\n/// Says so.\nrule one { type safety enforce block scope global when old }\n";
const TWO: &str = "package p\nrule two { type safety enforce warn scope tenant acme when age > 5 }\n\
                   limit cap { type runs_daily at most 5 enforce block scope global when rule one }\n";
const FILES: [(&str, &str); 3] = [("a.ordain", FACTS), ("b.ordain", ONE), ("c.ordain", TWO)];

/// A database that writes down which queries run.
struct Watched {
    db: Database,
    workspace: Workspace,
    log: Arc<Mutex<Vec<String>>>,
}

impl Watched {
    fn new() -> Self {
        Self::of(&FILES)
    }

    fn of(files: &[(&str, &str)]) -> Self {
        let log = Arc::new(Mutex::new(vec![]));
        let into = log.clone();
        let db = Database::observed(move |event| {
            if let salsa::EventKind::WillExecute { database_key } = event.kind {
                into.lock().expect("no panic while logging").push(format!("{database_key:?}"));
            }
        });
        let files = files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned()));
        let workspace = Workspace::of(&db, Config::named("w"), files);
        let mut watched = Self { db, workspace, log };
        watched.ask();
        watched
    }

    /// Asks everything, and tells which queries ran, without their arguments, sorted.
    fn ask(&mut self) -> Vec<String> {
        self.log.lock().expect("no panic while logging").clear();
        assert_eq!(*diagnostics(&self.db, self.workspace), []);
        compile(&self.db, self.workspace);
        let mut ran: Vec<String> = self
            .log
            .lock()
            .expect("no panic while logging")
            .iter()
            .map(|key| key.split('(').next().unwrap_or_default().to_owned())
            .collect();
        ran.sort();
        ran
    }

    fn edit(&mut self, path: &str, from: &str, to: &str) -> Vec<String> {
        let file = self.workspace.file(&self.db, path).expect("one of the files");
        let text = file.text(&self.db).replace(from, to);
        assert_ne!(text, file.text(&self.db));
        self.workspace.set_file(&mut self.db, path, text);
        self.ask()
    }
}

fn count(ran: &[String], query: &str) -> usize {
    ran.iter().filter(|name| name.as_str() == query).count()
}

#[test]
fn nothing_is_computed_twice() {
    let mut watched = Watched::new();
    assert_eq!(watched.ask(), <[String; 0]>::default());
    // The same text again is no edit.
    let text = watched.workspace.file(&watched.db, "b.ordain").unwrap().text(&watched.db).to_owned();
    watched.workspace.set_file(&mut watched.db, "b.ordain", text);
    assert_eq!(watched.ask(), <[String; 0]>::default());
}

#[test]
fn an_edit_of_white_space_or_comments_leaves_the_policies() {
    for (from, to) in
        [("type safety", "  type\n  safety // so\n"), ("package p\n", "package p\n\n// hello\n")]
    {
        let mut watched = Watched::new();
        let (before, map) = (
            policies(&watched.db, watched.workspace).clone(),
            source_map(&watched.db, watched.workspace).clone(),
        );
        let ran = watched.edit("b.ordain", from, to);
        assert_eq!((count(&ran, "parse"), count(&ran, "check_file")), (1, 1), "{ran:?}");
        // What has no spans is found to be the same, and nothing that hangs on it runs.
        for query in ["names", "policies", "dependencies"] {
            assert_eq!(count(&ran, query), 0, "{query} {ran:?}");
        }
        let after = policies(&watched.db, watched.workspace);
        assert!(Arc::ptr_eq(&before, after));
        assert_ne!(map, *source_map(&watched.db, watched.workspace));
    }
}

#[test]
fn an_edit_of_one_condition_lowers_its_file_alone() {
    let mut watched = Watched::new();
    let ran = watched.edit("c.ordain", "age > 5", "age > 6");
    assert_eq!(
        (count(&ran, "parse"), count(&ran, "check_file"), count(&ran, "policies")),
        (1, 1, 1),
        "{ran:?}"
    );
    assert_eq!(count(&ran, "names"), 0, "{ran:?}");
    // A `let` reaches those that read it, and whoever may.
    let ran = watched.edit("a.ordain", "age > 60", "age > 61");
    assert_eq!((count(&ran, "parse"), count(&ran, "policies")), (1, 1), "{ran:?}");
}

#[test]
fn dependencies_are_drawn_again_only_for_what_they_tell() {
    let mut watched = Watched::new();
    let mut drawn = |path, from, to| count(&watched.edit(path, from, to), "dependencies");
    assert_eq!(drawn("c.ordain", "age > 5", "age > 6"), 0);
    assert_eq!(drawn("c.ordain", "enforce warn", "enforce audit"), 0);
    assert_eq!(drawn("c.ordain", "at most 5", "at most 6"), 0);
    assert_eq!(drawn("b.ordain", "/// Says so.", "/// Says."), 0);
    for (path, from, to) in [
        ("c.ordain", "scope tenant acme", "scope global"),
        ("b.ordain", "scope global", "scope global priority 5"),
        ("c.ordain", "type safety", "type system"),
        ("c.ordain", "rule two {", "rule two { depends on one"),
        ("c.ordain", "rule two {", "rule two { status retired"),
        ("c.ordain", "when rule one", "when rule two"),
        ("c.ordain", "limit cap", "limit cup"),
    ] {
        assert_eq!(drawn(path, from, to), 1, "{from} -> {to}");
    }
}

#[test]
fn edits_end_where_a_cold_start_does() {
    let mut watched = Watched::new();
    for (path, from, to) in [
        ("c.ordain", "age > 5", "age > 6"),
        ("b.ordain", "block", "warn"),
        ("a.ordain", "60", "70"),
        ("b.ordain", "rule one", "rule  one"),
        ("c.ordain", "scope tenant acme", "scope tenant acme, other"),
    ] {
        watched.edit(path, from, to);
        let files = watched.workspace.files(&watched.db);
        let texts = files.iter().map(|it| (it.path(&watched.db).to_owned(), it.text(&watched.db).to_owned()));
        let cold = Database::default();
        let workspace = Workspace::of(&cold, Config::named("w"), texts);
        assert_eq!(compile(&watched.db, watched.workspace), compile(&cold, workspace));
    }
}

#[test]
fn the_order_of_files_is_no_matter() {
    let bytes = |order: [usize; 3]| {
        let db = Database::default();
        let files = order.map(|at| (FILES[at].0.to_owned(), FILES[at].1.to_owned()));
        let workspace = Workspace::of(&db, Config::named("w"), files);
        bundle::assemble(&db, workspace, &Report::default()).to_bytes()
    };
    let (first, digest) = bytes([0, 1, 2]);
    for order in [[0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        assert_eq!(bytes(order), (first.clone(), digest.clone()));
    }
    let (read, again) = Bundle::from_bytes(&first).unwrap();
    assert_eq!(again, digest);
    assert_eq!(read.to_bytes(), (first.clone(), digest));
    assert_eq!(read.policies.len(), 3);
    // Which fact nobody reads is no part of it.
    assert_eq!(read.policies.facts.len(), 1);
}

/// A template in one file, applied in two others; a third has nothing to do with it.
const APPLIED: [(&str, &str); 5] = [
    (
        "base.ordain",
        "package base\nfact age : int in 0..150\nlet old = age > 60\nlet young = age < 20\n\
         /// Caps.\ntemplate cap(most: int) { limit x { type runs_daily at most most enforce block scope global when old } }\n\
         template other() { rule y { type safety enforce warn scope global } }\n",
    ),
    ("one.ordain", "package one\nuse base.*\napply cap(most = 5)\n"),
    ("two.ordain", "package two\nuse base.*\napply cap(most = 6) as mine\n"),
    (
        "three.ordain",
        "package three\nuse base.*\napply other()\nrule z { type safety enforce audit scope tenant acme when young }\n",
    ),
    (
        "four.ordain",
        "package four\nuse base.*\nrule w { type safety enforce audit scope tenant globex when age > 5 }\n",
    ),
];

/// How often some queries ran: files checked, files whose policies were gathered anew.
fn checked(ran: &[String]) -> (usize, usize) {
    (count(ran, "check_file"), count(ran, "policies"))
}

#[test]
fn an_edit_of_a_template_reaches_its_applications_alone() {
    let mut watched = Watched::of(&APPLIED);
    // Its own file, and the two that apply it.
    let ran = watched.edit("base.ordain", "at most most", "at most most * 2");
    assert_eq!(checked(&ran), (3, 1), "{ran:?}");
    // The other one is applied once.
    let ran = watched.edit("base.ordain", "enforce warn", "enforce audit");
    assert_eq!(checked(&ran), (2, 1), "{ran:?}");
    // Its documentation follows its policies.
    let ran = watched.edit("base.ordain", "/// Caps.", "/// Caps all.");
    assert_eq!(checked(&ran), (3, 1), "{ran:?}");
    // Elsewhere in its file, also before it, nothing reaches them.
    for (from, to) in [
        ("package base\n", "package base\n\n// Hello.\n\n"),
        ("age < 20", "age < 21"),
        ("fact age", "fact  age"),
    ] {
        let ran = watched.edit("base.ordain", from, to);
        let files = if from == "age < 20" { 2 } else { 1 };
        assert_eq!(count(&ran, "check_file"), files, "{from} {ran:?}");
    }
    // A parameter of another type.
    let ran = watched.edit("base.ordain", "cap(most: int)", "cap(most: int = 7)");
    assert_eq!(count(&ran, "check_file"), 3, "{ran:?}");
}

#[test]
fn an_edit_of_a_let_reaches_those_that_read_it() {
    let mut watched = Watched::of(&APPLIED);
    // `old` is read by the template, so by its applications; `young` by one rule.
    let ran = watched.edit("base.ordain", "age > 60", "age > 61");
    assert_eq!(checked(&ran), (3, 1), "{ran:?}");
    let ran = watched.edit("base.ordain", "age < 20", "age < 21");
    assert_eq!(checked(&ran), (2, 1), "{ran:?}");
}

#[test]
fn a_new_declaration_reaches_those_that_name_it() {
    let mut watched = Watched::of(&APPLIED);
    // All names are put together anew, but nobody else is checked again.
    let ran =
        watched.edit("four.ordain", "rule w", "rule v { type safety enforce audit scope global }\nrule w");
    assert_eq!((count(&ran, "names"), count(&ran, "check_file")), (1, 1), "{ran:?}");
    // Who can't see its package looks no name up again.
    assert_eq!((count(&ran, "file_table"), count(&ran, "let_unit")), (1, 0), "{ran:?}");
    // A name that comes before another: only the file that writes it.
    let ran = watched.edit("three.ordain", "rule z", "let young = age < 30\nrule z");
    assert_eq!((count(&ran, "names"), count(&ran, "check_file")), (1, 1), "{ran:?}");
    // A fact that four files read, of which one is its own.
    let ran = watched.edit("base.ordain", "0..150", "0..151");
    assert_eq!(count(&ran, "check_file"), 5, "{ran:?}");
    // One that nobody reads.
    let ran = watched.edit("base.ordain", "fact age", "fact height : int\nfact age");
    assert_eq!(count(&ran, "check_file"), 1, "{ran:?}");
}

#[test]
fn a_library_is_checked_once_and_edits_reach_what_uses_it() {
    let mut watched = Watched::of(&[(
        "a.ordain",
        "package a\nuse std.safety.*\nrule z { type safety enforce audit scope tenant acme when run.risk > 0.5 }\nuse std.facts.*\n",
    )]);
    let ran = watched.edit("a.ordain", "0.5", "0.6");
    assert_eq!(
        (count(&ran, "check_file"), count(&ran, "adopted"), count(&ran, "offered")),
        (1, 0, 0),
        "{ran:?}"
    );
    // White space leaves everything of it alone.
    let ran = watched.edit("a.ordain", "rule z", "rule  z");
    assert_eq!(
        (count(&ran, "check_file"), count(&ran, "adopted"), count(&ran, "policies")),
        (1, 0, 0),
        "{ran:?}"
    );
}
