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
        let log = Arc::new(Mutex::new(vec![]));
        let into = log.clone();
        let db = Database::observed(move |event| {
            if let salsa::EventKind::WillExecute { database_key } = event.kind {
                into.lock().expect("no panic while logging").push(format!("{database_key:?}"));
            }
        });
        let files = FILES.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned()));
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
