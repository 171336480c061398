//! What analysing costs: `cargo bench -p ordain-tests --bench analyzer -- [--quick] [POLICIES…]`. For workspaces of
//! these sizes (1,000, 10,000 and 100,000 if none is given; 1,000 and 10,000 with `--quick`): the time of a cold
//! analysis on one and on two threads, what its stages take, what became of the pairs, and what an edit of one policy
//! costs where the memo is kept, as an editor does. Beside each time by the clock stands the processor's, which a busy
//! machine doesn't stretch.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ordain_analyzer::{Memo, Options, Stage, analyze};
use ordain_compiler::{Config, Database, Workspace, compile};
use ordain_ir::{CompareOp, Condition, Policies, Report, Rule};
use ordain_tests::workload::Workload;

/// Edits of one policy, each of another one.
const EDITS: usize = 20;

#[expect(clippy::disallowed_methods, reason = "measuring is what this is for")]
fn now() -> Instant {
    Instant::now()
}

/// What the processor has worked for this process, in all threads, to the hundredth of a second; none where the system
/// doesn't tell.
fn worked() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(") ").next().unwrap_or_default().split(' ').skip(11).take(2);
    Duration::from_millis(fields.filter_map(|ticks| ticks.parse::<u64>().ok()).sum::<u64>() * 10)
}

/// Bytes of memory that are resident now; 0 where the system doesn't tell.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.trim().trim_end_matches("kB").trim().parse::<usize>().unwrap_or(0) * 1024
}

/// Policies of a workload, with one seed.
fn workspace(count: usize) -> Arc<Policies> {
    let db = Database::default();
    let workspace = Workspace::of(&db, Config::named("w"), Workload::new(1, count).files);
    compile(&db, workspace).policies
}

/// By the clock, and by the processor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Time(Duration, Duration);

impl Time {
    fn between(from: (Instant, Duration), to: (Instant, Duration)) -> Self {
        Self(to.0 - from.0, to.1.saturating_sub(from.1))
    }
}

impl std::fmt::Display for Time {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:>10.1?} {:>10.1?}", self.0, self.1)
    }
}

struct Run {
    report: Report,
    time: Time,
    stages: BTreeMap<Stage, Time>,
}

fn run(policies: &Policies, threads: usize, memo: &Arc<Memo>) -> Run {
    let marks: RefCell<Vec<(Stage, (Instant, Duration))>> = RefCell::default();
    let mark = |stage: Stage| marks.borrow_mut().push((stage, (now(), worked())));
    let options = Options {
        threads: NonZeroUsize::new(threads),
        memo: Some(Arc::clone(memo)),
        progress: Some(&mark),
        ..Options::default()
    };
    let start = (now(), worked());
    let report = analyze(policies, &options).expect("the workload can be analysed");
    let end = (now(), worked());
    let marks = marks.take();
    let ends = marks.iter().skip(1).map(|(_, at)| *at).chain([end]);
    let mut stages: BTreeMap<Stage, Time> = BTreeMap::new();
    for ((stage, from), to) in marks.iter().zip(ends) {
        let (sum, more) = (stages.entry(*stage).or_default(), Time::between(*from, to));
        *sum = Time(sum.0 + more.0, sum.1 + more.1);
    }
    Run { report, time: Time::between(start, end), stages }
}

/// The policies with one rule's condition made stricter.
fn edited(policies: &Policies, number: usize) -> Policies {
    let mut out = policies.clone();
    let at = number * out.rules.len() / EDITS;
    let (name, rule) = out.rules.iter().nth(at).expect("fewer edits than rules");
    let steps = ("run.step".into(), 1);
    let more = Condition::Compare {
        terms: vec![steps],
        op: CompareOp::Greater,
        bound: i64::try_from(number).expect("a small number") + 100,
    };
    let condition = Condition::and([rule.condition.clone(), more]);
    let rule = Rule { condition, ..Rule::clone(rule) };
    out.rules.insert(name.clone(), Arc::new(rule));
    out
}

fn measure(count: usize) {
    let policies = workspace(count);
    let total = policies.rules.len() + policies.limits.len();
    let before = resident();
    let one = run(&policies, 1, &Arc::default());
    let grown = resident().saturating_sub(before);
    println!("{:<32}{:>10} {:>10}", format!("{total} policies"), "clock", "processor");
    println!("{:<31} {}", "cold, one thread", one.time);
    for (stage, time) in &one.stages {
        println!("  {:<29} {time}", stage.describe());
    }
    let Report { conflicts, pairs, gaps } = &one.report;
    let count = |what: &str, number: u64| println!("  {what:<29} {number:>10}");
    count("pairs considered", pairs.considered);
    count("decided by algebra", pairs.by_algebra);
    count("needed the solver", pairs.by_solver);
    count("undecided", pairs.undecided);
    count("groups not fully searched", pairs.unexplored_groups);
    count("conflicts", conflicts.len() as u64);
    count("gaps", gaps.len() as u64);
    count("bytes for each conflict", (grown / conflicts.len().max(1)) as u64);
    drop(one.report);
    let memo = Arc::default();
    let two = run(&policies, 2, &memo);
    println!("{:<31} {}", "cold, two threads", two.time);
    println!("  {:<29} {:>10.2}", "times as fast", one.time.0.as_secs_f64() / two.time.0.as_secs_f64());
    let mut times: Vec<Time> = (0..EDITS).map(|n| run(&edited(&policies, n), 2, &memo).time).collect();
    times.sort();
    for (name, percent) in [("one edit, median", 50), ("one edit, 95 %", 95)] {
        println!("{name:<31} {}", times[(times.len() - 1) * percent / 100]);
    }
    println!();
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let mut sizes: Vec<usize> = words.iter().filter_map(|word| word.replace('_', "").parse().ok()).collect();
    if sizes.is_empty() {
        sizes = vec![1_000, 10_000, 100_000];
        if words.iter().any(|word| word == "--quick") {
            sizes.pop();
        }
    }
    for count in sizes {
        measure(count);
    }
}
