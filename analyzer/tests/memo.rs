//! What is known is not asked again: by a memo that outlives edits, as an editor keeps one, or a file that outlives runs.

use std::fmt::Write as _;
use std::sync::Arc;

use ordain_analyzer::{Cache, Memo, Options, analyze};
use ordain_compiler::{Config, Database, Workspace, diagnostics, policies};
use ordain_ir::{Policies, Report};

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

/// Policies of which half the pairs of rules meet and half don't, as only the solver can tell.
fn hard() -> Arc<Policies> {
    let db = Database::default();
    let mut text = source(&(10..16).collect::<Vec<_>>());
    for number in 0..3 {
        let _ = writeln!(
            text,
            "rule far{number} {{\n  type safety\n  enforce audit\n  scope global\n  when 3 * y - 2 * x > 200{number}\n}}"
        );
    }
    let workspace = Workspace::of(&db, Config::named("test"), [("acme.ordain".to_owned(), text)]);
    assert_eq!(diagnostics(&db, workspace).clone(), vec![]);
    Arc::clone(policies(&db, workspace))
}

fn with(policies: &Policies, cache: Cache) -> (Report, Arc<Memo>) {
    let memo = Arc::new(Memo::with_cache(cache));
    let options = Options { memo: Some(Arc::clone(&memo)), ..Options::default() };
    (analyze(policies, &options).expect("these policies are the compiler's"), memo)
}

fn read(bytes: &[u8]) -> Cache {
    Cache::read(bytes).expect("it is a cache")
}

#[test]
fn another_run_takes_what_proves_itself_and_proves_the_rest() {
    let policies = hard();
    let (first, cold) = with(&policies, Cache::default());
    assert_eq!((first.conflicts.len(), first.pairs.by_solver, cold.recalled()), (9, 27, 0));
    let file = cold.cache(&policies.facts);
    assert_eq!(read(&file).len(), 27);

    // The nine that meet show an example, of the others nothing is believed.
    let (again, warm) = with(&policies, read(&file));
    assert_eq!((again, warm.recalled()), (first.clone(), 9));
    assert_eq!(warm.decided(), cold.decided() - 9);
    assert_eq!(warm.cache(&policies.facts), file, "what is taken is left again");

    let (trusting, warm) = with(&policies, read(&file).trusted());
    assert_eq!((trusting, warm.recalled()), (first.clone(), 27));
    assert_eq!(warm.decided(), cold.decided() - 27);

    // Another bound, another question.
    let mut other = Policies::clone(&policies);
    other.settings.solver_bound += 1;
    assert_eq!(with(&other, read(&file).trusted()).1.recalled(), 0);
}

#[test]
fn a_cache_that_lies_changes_nothing_unless_it_is_trusted() {
    let policies = hard();
    let (truth, cold) = with(&policies, Cache::default());
    let file: serde_json::Value = serde_json::from_slice(&cold.cache(&policies.facts)).unwrap();
    let forged = |forge: &dyn Fn(&mut serde_json::Value)| {
        let mut file = file.clone();
        file["answers"].as_object_mut().unwrap().values_mut().for_each(forge);
        serde_json::to_vec(&file).unwrap()
    };
    let example = |json: &str| {
        let json: serde_json::Value = serde_json::from_str(json).unwrap();
        forged(&|answer| *answer = json.clone())
    };
    for lie in [
        // Everything meets: out of the condition, of range, of type; too little, too much.
        example(r#"{"x": 0, "y": 0}"#),
        example(r#"{"x": 5000, "y": 0}"#),
        example(r#"{"x": true, "y": "no"}"#),
        example(r#"{"x": 500}"#),
        example(r#"{"x": 500, "y": 0, "z": 0}"#),
        example("{}"),
        // Nothing does.
        forged(&|answer| *answer = serde_json::Value::Null),
    ] {
        let (report, memo) = with(&policies, read(&lie));
        assert_eq!((report, memo.recalled()), (truth.clone(), 0), "{}", String::from_utf8_lossy(&lie));
    }
    let (report, _) = with(&policies, read(&forged(&|answer| *answer = serde_json::Value::Null)).trusted());
    assert_eq!(report.conflicts, vec![], "trust is trust");
}

#[test]
fn what_is_opaque_is_decided_afresh() {
    let mut policies = Policies::clone(&hard());
    let file = with(&policies, Cache::default()).1.cache(&policies.facts);
    policies.facts.values_mut().for_each(|fact| fact.opaque = true);
    let (report, memo) = with(&policies, read(&file).trusted());
    assert!(report.conflicts.iter().all(|conflict| conflict.uncertainty.is_some()));
    assert_eq!(memo.recalled(), 0);
    // Nor is it left to others, since there is more to say of it than yes or no.
    let left = with(&policies, Cache::default()).1.cache(&policies.facts);
    assert!(
        serde_json::from_slice::<serde_json::Value>(&left).unwrap()["answers"]
            .as_object()
            .unwrap()
            .values()
            .all(serde_json::Value::is_null)
    );
}

#[test]
fn other_files_are_no_caches() {
    for (bytes, said) in [
        (&b"not json"[..], "expected ident at line 1 column 2"),
        (
            br#"{"format":"ordain answers 0","answers":{}}"#,
            "its format is `ordain answers 0`, not `ordain answers 1`",
        ),
        (br#"{"format":"ordain answers 1","answers":{"12":null}}"#, "`12` isn't 32 hexadecimal digits"),
    ] {
        assert_eq!(Cache::read(bytes).unwrap_err().to_string(), said);
    }
}
