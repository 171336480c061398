//! Edits cost what they touch: a memo that outlives them, as an editor keeps one, answers all old questions.

use std::fmt::Write as _;
use std::sync::Arc;

use ordain_analyzer::{Memo, Options, analyze};
use ordain_compiler::{Config, Database, Workspace, diagnostics, policies};

fn source(bounds: &[usize]) -> String {
    let mut text = String::from("package acme\nfact x : int in 0..1000\nfact y : int in 0..1000\n");
    for (i, bound) in bounds.iter().enumerate() {
        let mode = if i % 2 == 0 { "block" } else { "warn" };
        let _ = writeln!(
            text,
            "rule r{i} {{\n  type safety\n  enforce {mode}\n  scope global\n  when x - y > {bound} and x + y < 1500\n}}"
        );
    }
    text
}

#[test]
fn an_edit_asks_only_what_it_makes_new() {
    let mut bounds: Vec<usize> = (10..30).collect();
    let mut db = Database::default();
    let file = |text: String| [("acme.ordain".to_owned(), text)];
    let workspace = Workspace::of(&db, Config::named("test"), file(source(&bounds)));
    assert_eq!(diagnostics(&db, workspace).clone(), vec![]);
    let memo = Arc::new(Memo::default());
    let report = |db: &Database| {
        let options = Options { memo: Some(Arc::clone(&memo)), ..Options::default() };
        analyze(policies(db, workspace), &options).unwrap()
    };
    let first = report(&db);
    assert_eq!((first.conflicts.len(), first.pairs.by_solver), (100, 100));
    let cold = memo.decided();
    assert!(cold >= 100);

    // White space and comments: the same policies, not equal ones, so there is nothing to ask.
    let before = Arc::clone(policies(&db, workspace));
    workspace.set_file(&mut db, "acme.ordain", source(&bounds).replace('\n', "\n\n// note\n"));
    assert!(Arc::ptr_eq(&before, policies(&db, workspace)));
    assert_eq!(report(&db), first);
    assert_eq!(memo.decided(), cold);

    // One condition: at most its pairs with the ten rules of the other mode.
    bounds[3] = 500;
    workspace.set_file(&mut db, "acme.ordain", source(&bounds));
    let edited = report(&db);
    assert_eq!(memo.decided() - cold, 10);
    assert_eq!(edited, analyze(policies(&db, workspace), &Options::default()).unwrap());
}
