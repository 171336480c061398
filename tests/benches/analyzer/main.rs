//! What analysing costs: `cargo xtask bench analyzer`, or `cargo bench -p ordain-tests --bench analyzer -- [POLICIES…]`.
//! For workspaces of these sizes: a cold analysis on one thread and its stages, what became of the pairs, the same on
//! two threads, and what an edit of one policy costs where the memo is kept, as an editor does. Last, what answers of the
//! solver are worth that an earlier run has left.
#![expect(clippy::print_stdout, reason = "figures for people")]

mod editor;
mod kept;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use ordain_analyzer::{AnalyzerError, Options, Session, Stage, analyze, lint};
use ordain_compiler::{Config, Database, Workspace, compile};
use ordain_ir::{CompareOp, Condition, Policies, Report, Rule};
use ordain_tests::measure::{self, Mark, Took, middle, percentile};
use ordain_tests::workload::Workload;

/// That of the `ordain` program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Largest workspace that is searched for lints.
const LINTED: usize = 20_000;
/// Largest workspace that is edited as in an editor.
const EDITOR: usize = 20_000;
/// Edits of one policy, each of another one.
const EDITS: usize = 21;

/// Policies of a workload, with one seed.
fn workspace(count: usize) -> Arc<Policies> {
    let db = Database::default();
    let workspace = Workspace::of(&db, Config::named("w"), Workload::new(1, count).files);
    compile(&db, workspace).policies
}

struct Run<T> {
    found: T,
    took: Took,
    stages: BTreeMap<Stage, Took>,
}

/// Runs an analysis with a watch on its stages.
fn run<T>(threads: usize, analysis: impl FnOnce(&Options<'_>) -> Result<T, AnalyzerError>) -> Run<T> {
    let marks: RefCell<Vec<(Stage, Mark)>> = RefCell::default();
    let mark = |stage: Stage| marks.borrow_mut().push((stage, Mark::now()));
    let options =
        Options { threads: NonZeroUsize::new(threads), progress: Some(&mark), ..Options::default() };
    let start = Mark::now();
    let found = analysis(&options).expect("the workload can be analysed");
    let end = Mark::now();
    let marks = marks.take();
    let ends = marks.iter().skip(1).map(|(_, at)| *at).chain([end]);
    let mut stages: BTreeMap<Stage, Took> = BTreeMap::new();
    for ((stage, from), to) in marks.iter().zip(ends) {
        let (sum, more) = (stages.entry(*stage).or_default(), to.since(*from));
        *sum = Took { processor: sum.processor + more.processor, wall: sum.wall + more.wall };
    }
    Run { found, took: end.since(start), stages }
}

/// The policies with one rule's condition made stricter.
fn edited(policies: &Policies, number: usize) -> Policies {
    let mut out = policies.clone();
    let at = number * out.rules.len() / EDITS;
    let (name, rule) = out.rules.iter().nth(at).expect("fewer edits than rules");
    let bound = i64::try_from(number).expect("a small number") + 100;
    let terms = vec![("run.step".into(), 1)];
    let more = Condition::Compare { terms, op: CompareOp::Greater, bound };
    let condition = Condition::and([rule.condition.clone(), more]);
    let rule = Rule { condition, ..Rule::clone(rule) };
    out.rules.insert(name.clone(), Arc::new(rule));
    out
}

fn milliseconds(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1e3)
}

fn line(what: &str, took: &Took) {
    println!("{what:<28} {:>14} {:>14}", milliseconds(took.processor), milliseconds(took.wall));
}

fn measure(wanted: usize) -> String {
    let policies = workspace(wanted);
    let total = policies.rules.len() + policies.limits.len();
    let before = measure::resident();
    let one = run(1, |options| analyze(&policies, options));
    let grown = before.zip(measure::resident()).map(|(before, after)| after.saturating_sub(before));
    println!("{:<28} {:>14} {:>14}", format!("{total} policies"), "processor", "wall");
    line("cold, one thread", &one.took);
    for (stage, took) in &one.stages {
        line(&format!("  {}", stage.describe()), took);
    }
    let Report { conflicts, pairs, gaps, .. } = &one.found;
    let found = conflicts.len();
    for (what, count) in [
        ("pairs considered", pairs.considered),
        ("decided by algebra", pairs.by_algebra),
        ("decided by the solver", pairs.by_solver),
        ("undecided", pairs.undecided),
        ("groups not fully searched", pairs.unexplored_groups),
        ("conflicts", found as u64),
        ("gaps", gaps.len() as u64),
    ] {
        println!("{what:<28} {count:>14}");
    }
    if let Some(grown) = grown {
        println!("{:<28} {:>14}", "bytes a conflict", grown / found.max(1));
    }
    let (by_solver, undecided) = (pairs.by_solver, pairs.undecided);
    drop(one.found);

    if total <= LINTED {
        let needless = run(1, |options| lint(&policies, options, None));
        line("lints, one thread", &needless.took);
        println!("{:<28} {:>14}", "lints", needless.found.len());
    }

    let two = run(2, |options| analyze(&policies, options));
    assert_eq!(two.found.conflicts.len(), found);
    line("cold, two threads", &two.took);
    let faster = one.took.wall.as_secs_f64() / two.took.wall.as_secs_f64();
    println!("{:<28} {:>14} {faster:>14.2}", "times as fast", "");
    drop(two.found);

    let mut session = Session::new(Arc::default());
    run(2, |options| session.analyze(&policies, options));
    let runs: Vec<Run<()>> = (0..EDITS)
        .map(|at| {
            let edited = Arc::new(edited(&policies, at));
            run(2, |options| session.analyze(&edited, options).map(drop))
        })
        .collect();
    let (half, most) =
        (middle(runs.iter().map(|run| run.took)), percentile(runs.iter().map(|run| run.took), 95));
    line("one edit, the middle", &half);
    for stage in one.stages.keys() {
        let of_stage = |run: &Run<()>| run.stages.get(stage).copied().unwrap_or_default();
        line(&format!("  {}", stage.describe()), &middle(runs.iter().map(of_stage)));
    }
    line("one edit, 95th percentile", &most);
    if total <= LINTED {
        run(2, |options| session.lint(&policies, options, None));
        let runs: Vec<Took> = (0..EDITS)
            .map(|at| {
                let edited = Arc::new(edited(&policies, at));
                run(2, |options| session.analyze(&edited, options).map(drop));
                run(2, |options| session.lint(&edited, options, None).map(drop)).took
            })
            .collect();
        line("its lints, the middle", &middle(runs.iter().copied()));
        line("its lints, 95th percentile", &percentile(runs, 95));
    }
    let mut worst = vec![];
    if total <= EDITOR {
        println!(
            "in the editor, edit to findings of the open file: the middle and the 95th percentile of {EDITS}"
        );
        for edits in editor::edits(wanted) {
            let mut of = |what: String, goes: &[Took]| {
                let (half, most) = (middle(goes.iter().copied()), percentile(goes.iter().copied(), 95));
                line(&what, &half);
                line("", &most);
                worst.push(format!("{what} {}", milliseconds(most.processor)));
            };
            of(edits.what.to_owned(), &edits.checked);
            of(format!("{}, proved", edits.what), &edits.proved);
        }
    }
    println!();
    format!(
        "{total} policies: {}, {found} conflicts, {by_solver} pairs by the solver, {undecided} undecided, an edit {}",
        milliseconds(one.took.processor),
        milliseconds(most.processor)
    ) + &[vec![String::new()], worst].concat().join(", ")
}

fn main() {
    let sizes: Vec<usize> = std::env::args().skip(1).filter_map(|word| word.parse().ok()).collect();
    println!("times are the processor time of all threads, and what passed on the wall");
    let summaries: Vec<String> = sizes.into_iter().map(measure).collect();
    let (what, runs) = kept::measure();
    println!("{what}");
    for (how, took) in &runs {
        line(how, took);
    }
    println!();
    println!("{}", summaries.join("; "));
}
