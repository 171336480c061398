//! A model of the definition that shares no code with the analysis: requests of a tiny world are listed one by
//! one, every subset of the limits is tried at every day, hour and subject, and Z3 says whether amounts exist.

use std::collections::{BTreeMap, BTreeSet};

use ordain_ir::{Meter, Override, Path, Period};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use z3::ast::Real;
use z3::{SatResult, Solver};

use super::*;

/// Monday 2026-03-02 and the Tuesday after it.
const START: i64 = 1_772_409_600;
const DAYS: i64 = 2;
/// Random worlds by default; `ORDAIN_ORACLE_CASES` asks for more, `ORDAIN_ORACLE_SEED` for others.
const CASES: u32 = 60;

/// Requests, but for their time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Who {
    pub(super) path: Path,
    urgent: bool,
}

/// Named tenants, projects and agents, and of each two that nobody names, so that one of those can be the subject and the
/// other somebody else.
pub(super) fn world() -> Vec<Who> {
    let mut world = vec![];
    for (tenant, project) in ["a", "b", "u", "v"].iter().flat_map(|t| ["p", "u", "v"].map(|p| (t, p))) {
        for agent in ["x", "y", "u", "v"] {
            for urgent in [false, true] {
                let path = Path { tenant: (*tenant).into(), project: project.into(), agent: agent.into() };
                world.push(Who { path, urgent });
            }
        }
    }
    world
}

fn holds(condition: &Condition, urgent: bool) -> bool {
    match condition {
        Condition::True => true,
        Condition::Not(inner) => !holds(inner, urgent),
        _ => urgent,
    }
}

/// Hours since the start.
fn open(window: &Window, hour: i64) -> bool {
    window.clauses.is_empty()
        || window.clauses.iter().any(|clause| match &clause.recurrence {
            Some(Recurrence::Daily { days, start, end }) => {
                let of_day = u16::try_from(hour % 24 * 60).unwrap();
                days.contains(u8::try_from(hour / 24).unwrap()) && start.0 <= of_day && of_day < end.0
            }
            _ => unreachable!("the generator makes daily windows only"),
        })
}

fn shares(limit: &Limit, who: &Path, subject: &Path) -> bool {
    match limit.partition {
        _ if matches!(limit.quantity, Quantity::PerRun(_)) => true,
        Partition::Tenant => who.tenant == subject.tenant,
        Partition::Agent => who == subject,
        _ => true,
    }
}

/// Which limits a request counts for, and whether it is in the hour.
type Kind = (Vec<bool>, bool);

/// Everything that decides whether amounts exist, by lists of concrete requests with the same memberships.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Question {
    kinds: BTreeSet<Kind>,
    /// By two members: hours of the day in which both windows are open.
    touched: Vec<Vec<i64>>,
    hour: bool,
}

/// The requests of one subject's world that count for each limit, but for their time.
pub(super) fn askers(limits: &[&Limit], subject: &Path) -> BTreeSet<Vec<bool>> {
    let counts = |limit: &&Limit, who: &Who| {
        limit.scope.contains(&who.path, None)
            && holds(&limit.condition, who.urgent)
            && shares(limit, &who.path, subject)
    };
    world().iter().map(|who| limits.iter().map(|limit| counts(limit, who)).collect()).collect()
}

fn question(limits: &[&Limit], askers: &BTreeSet<Vec<bool>>, day: i64, hour: Option<i64>) -> Question {
    let hours = day * 24..day * 24 + 24;
    let mut times = BTreeSet::new();
    for at in hours.clone() {
        times.insert((limits.iter().map(|l| open(&l.window, at)).collect::<Vec<_>>(), hour == Some(at)));
    }
    let mut kinds = BTreeSet::new();
    for (open, in_hour) in &times {
        for who in askers {
            kinds.insert((who.iter().zip(open).map(|(a, b)| *a && *b).collect(), *in_hour));
        }
    }
    let together = |a: &&Limit, b: &&Limit| {
        hours.clone().map(|at| i64::from(open(&a.window, at) && open(&b.window, at))).sum()
    };
    let touched = limits.iter().map(|a| limits.iter().map(|b| together(a, b)).collect()).collect();
    Question { kinds, touched, hour: hour.is_some() }
}

/// Whether the set is contradictory there.
fn contradictory(limits: &[&Limit], question: &Question) -> bool {
    let solver = Solver::new();
    let zero = Real::from_rational(0, 1);
    let mut amounts: BTreeMap<(bool, &str, &Kind), Real> = BTreeMap::new();
    for kind in &question.kinds {
        for meter in ["runs", "tokens"] {
            let name = |period: &str| format!("{meter} {period} {kind:?}");
            let day = Real::new_const(name("day"));
            solver.assert(day.ge(&zero));
            if kind.1 {
                let hour = Real::new_const(name("hour"));
                solver.assert(hour.ge(&zero));
                solver.assert(day.ge(&hour));
                amounts.insert((true, meter, kind), hour);
            }
            amounts.insert((false, meter, kind), day);
        }
    }
    // The day's amounts that count for two of the limits.
    let of_both = |a: usize, b: usize, meter: &str| -> Vec<Real> {
        let mine = amounts.iter().filter(|((h, m, kind), _)| !h && *m == meter && kind.0[a] && kind.0[b]);
        mine.map(|(_, amount)| amount.clone()).collect()
    };
    let levels: &[(bool, i64)] = if question.hour { &[(false, 24), (true, 1)] } else { &[(false, 24)] };
    for (at, limit) in limits.iter().enumerate() {
        let of = |hour: bool, meter: &str| -> Vec<Real> {
            let mine = amounts.iter().filter(|((h, m, kind), _)| *h == hour && *m == meter && kind.0[at]);
            mine.map(|(_, amount)| amount.clone()).collect()
        };
        let value = |count: i64| Real::from_rational(limit.bound.value * count, 1);
        let meter = |meter: &Meter| if *meter == Meter::Runs { "runs" } else { "tokens" };
        for (hour, length) in levels {
            match (&limit.quantity, limit.bound.direction) {
                (Quantity::Accumulated(m, over), Direction::AtLeast) => {
                    // What each of its hours needs, the day needs as often.
                    let period = over.utc_period();
                    let count = match (period, hour) {
                        (Some(Period::Hour), true) | (Some(Period::Day), false) => 1,
                        (Some(Period::Hour), false) => question.touched[at][at],
                        _ => continue,
                    };
                    let amounts = of(*hour, meter(m));
                    if !amounts.is_empty() {
                        solver.assert(Real::add(&amounts).ge(value(count)));
                    }
                }
                (Quantity::Accumulated(m, over), Direction::AtMost) => {
                    let period = over.utc_period();
                    let count = match (period, hour) {
                        (Some(Period::Hour), true) | (Some(Period::Day), false) => 1,
                        (Some(Period::Hour), false) => question.touched[at][at],
                        _ => continue,
                    };
                    let amounts = of(*hour, meter(m));
                    if !amounts.is_empty() {
                        solver.assert(Real::add(&amounts).le(value(count)));
                    }
                    for floor in (0..limits.len()).filter(|_| period == Some(Period::Hour) && !hour) {
                        let both: Vec<Real> = of_both(at, floor, meter(m));
                        let is_floor = limits[floor].bound.direction == Direction::AtLeast
                            && limits[floor].quantity != Quantity::Cooldown;
                        if is_floor && !both.is_empty() {
                            solver.assert(Real::add(&both).le(value(question.touched[at][floor])));
                        }
                    }
                }
                (Quantity::PerRun(_), _) => {
                    for ((h, m, kind), tokens) in &amounts {
                        if h == hour && *m == "tokens" && kind.0[at] {
                            solver.assert(tokens.le(&amounts[&(*h, "runs", *kind)] * &value(1)));
                        }
                    }
                }
                (Quantity::Cooldown, _) => {
                    let amounts = of(*hour, "runs");
                    if !amounts.is_empty() {
                        let runs = 1 + length * 3_600_000 / limit.bound.value;
                        solver.assert(Real::add(&amounts).le(Real::from_rational(runs, 1)));
                    }
                }
                (Quantity::RiskCeiling, _) => {}
            }
        }
    }
    solver.check() == SatResult::Unsat
}

/// Every minimal contradictory set, by position.
fn model(limits: &[&Limit]) -> Vec<Vec<usize>> {
    let subjects: BTreeSet<Path> = world().into_iter().map(|who| who.path).collect();
    let worlds: BTreeSet<_> = subjects.iter().map(|subject| askers(limits, subject)).collect();
    let clash = |a: &Limit, b: &Limit| a.overrides.iter().any(|o| o.policy == b.name);
    let mut found: Vec<Vec<usize>> = vec![];
    let mut subsets: Vec<Vec<usize>> = (1_u32..1 << limits.len())
        .map(|set| (0..limits.len()).filter(|at| set >> at & 1 == 1).collect())
        .collect();
    subsets.sort_by_key(Vec::len);
    for subset in subsets {
        let chosen: Vec<&Limit> = subset.iter().map(|at| limits[*at]).collect();
        let free = chosen.iter().all(|a| chosen.iter().all(|b| !clash(a, b)));
        if !free || found.iter().any(|smaller| smaller.iter().all(|at| subset.contains(at))) {
            continue;
        }
        let mut questions = BTreeSet::new();
        let hourly = chosen.iter().any(|l| {
            l.bound.direction == Direction::AtLeast
                && matches!(&l.quantity, Quantity::Accumulated(_, over) if over.period() == Some(Period::Hour))
        });
        let project = |who: &Vec<bool>| subset.iter().map(|at| who[*at]).collect::<Vec<_>>();
        let here: BTreeSet<BTreeSet<_>> = worlds.iter().map(|w| w.iter().map(project).collect()).collect();
        for askers in &here {
            for day in 0..DAYS {
                if hourly {
                    questions.extend((0..24).map(|h| question(&chosen, askers, day, Some(day * 24 + h))));
                } else {
                    questions.insert(question(&chosen, askers, day, None));
                }
            }
        }
        if questions.iter().any(|question| contradictory(&chosen, question)) {
            found.push(subset);
        }
    }
    found
}

fn window() -> impl Strategy<Value = Window> {
    let part = prop_oneof![Just((0_u16, 24_u16)), Just((8, 10)), Just((9, 11)), Just((10, 11))];
    let days =
        prop_oneof![2 => Just(DaySet::ALL), 1 => Just(DaySet::range(0, 0)), 1 => Just(DaySet::range(1, 1))];
    let daily = (part, days).prop_map(|((start, end), days)| {
        let [start, end] = [start, end].map(|hour| TimeOfDay::new(hour, 0).unwrap());
        let recurrence = Some(Recurrence::Daily { days, start, end });
        Window::new(vec![Active { zone: "UTC".into(), recurrence, from: None, until: None }])
    });
    prop_oneof![2 => Just(Window::ALWAYS), 1 => daily]
}

pub(super) fn scope() -> impl Strategy<Value = ScopeSelector> {
    let one = |text: &str| ScopeSelector::new(vec![pattern(text)], vec![]);
    prop_oneof![
        3 => Just(ScopeSelector::global()),
        2 => Just(one("a")),
        1 => Just(one("b")),
        1 => Just(one("a/p/x")),
        1 => Just(one("*/*/x")),
        1 => Just(ScopeSelector::new(vec![pattern("a")], vec![pattern("a/p/x")])),
        1 => Just(ScopeSelector::new(vec![ScopePattern::default()], vec![pattern("a")])),
    ]
}

fn any_limit() -> impl Strategy<Value = Limit> {
    const RUNS: [&str; 2] = ["RUNS_DAILY", "RUNS_HOURLY"];
    const TOKENS: [&str; 2] = ["TOKENS_DAILY", "TOKENS_HOURLY"];
    let quantity = prop_oneof![
        3 => (prop::sample::select(&RUNS), 10..40_i64).prop_map(|(q, v)| floor("", q, v)),
        2 => (prop::sample::select(&TOKENS), 20..80_i64).prop_map(|(q, v)| floor("", q, v)),
        4 => (prop::sample::select(&RUNS), 0..25_i64).prop_map(|(q, v)| ceiling("", q, v)),
        2 => (prop::sample::select(&TOKENS), 0..50_i64).prop_map(|(q, v)| ceiling("", q, v)),
        2 => (0..4_i64).prop_map(|v| ceiling("", "TOKENS_PER_RUN", v)),
        1 => (1..5_i64).prop_map(|h| limit("", "COOLDOWN", Direction::AtLeast, h * 1_800_000)),
    ];
    let urgent = Condition::Fact("urgent".into());
    let condition =
        prop_oneof![3 => Just(Condition::True), 1 => Just(urgent.clone()), 1 => Just(urgent.negate())];
    let partition = prop_oneof![
        3 => Just(Partition::Whole), 1 => Just(Partition::Tenant), 1 => Just(Partition::Agent)
    ];
    (quantity, scope(), window(), condition, partition).prop_map(
        |(limit, scope, window, condition, partition)| Limit { scope, window, condition, partition, ..limit },
    )
}

/// The same of a declared meter instead of tokens.
fn of_emails(quantity: &Quantity) -> Quantity {
    let emails = Meter::Declared { name: "emails".into(), unit: MeterUnit::Count };
    match quantity {
        Quantity::Accumulated(Meter::Tokens, over) => Quantity::Accumulated(emails, over.clone()),
        Quantity::PerRun(Meter::Tokens) => Quantity::PerRun(emails),
        other => other.clone(),
    }
}

/// So many cases, or as many as `ORDAIN_ORACLE_CASES` says: those of the seed `ORDAIN_ORACLE_SEED`.
pub(super) fn runner(usual: u32) -> TestRunner {
    let number = |name| std::env::var(name).ok().and_then(|number| number.parse::<u64>().ok());
    let cases = number("ORDAIN_ORACLE_CASES").map_or(usual, |cases| u32::try_from(cases).unwrap_or(u32::MAX));
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let Some(number) = number("ORDAIN_ORACLE_SEED") else {
        return TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    };
    let mut seed = [0; 32];
    seed[..8].copy_from_slice(&number.to_le_bytes());
    TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &seed))
}

#[test]
fn agrees_with_the_model() {
    let mut runner = runner(CASES);
    let (mut contradictory, mut repaired) = (0, 0);
    let counts = std::cell::RefCell::new((&mut contradictory, &mut repaired));
    let world = (prop::collection::vec(any_limit(), 2..=4), any::<bool>(), any::<bool>());
    runner
        .run(&world, |(mut limits, overriding, declared)| {
            if declared {
                for limit in &mut limits {
                    limit.quantity = of_emails(&limit.quantity);
                }
            }
            for (limit, name) in limits.iter_mut().zip(["a", "b", "c", "d"]) {
                limit.name = PolicyName::new("acme", name);
            }
            if overriding && limits.len() > 3 {
                limits[0].overrides = vec![Override { policy: limits[1].name.clone(), because: None }];
            }
            let mut all = policies(limits);
            all.settings.horizon = (START, START + DAYS * 86_400);
            let listed: Vec<&Limit> = all.limits.values().map(|limit| &**limit).collect();
            let names = |set: &Vec<usize>| set.iter().map(|at| listed[*at].name.local()).collect::<Vec<_>>();
            let mut expected: Vec<Vec<&str>> = model(&listed).iter().map(names).collect();
            // A limit that contradicts itself is no conflict between policies.
            expected.retain(|set| set.len() > 1);
            expected.sort();
            let outcome = analyse(&all);
            prop_assert_eq!(sets(&outcome), expected, "{:#?}", all.limits);
            prop_assert_eq!(outcome.not_fully_explored, 0);
            let mut counts = counts.borrow_mut();
            *counts.0 += usize::from(!outcome.findings.is_empty());
            // Every repair works, and nothing smaller does.
            for finding in &outcome.findings {
                let Some(repair) = &finding.repair else { continue };
                let at = listed.iter().position(|l| l.id() == repair.policy).unwrap();
                let new: i64 = match &listed[at].quantity {
                    Quantity::Cooldown => continue,
                    _ => repair.description.rsplit(' ').next().unwrap().parse().unwrap(),
                };
                let with = |value: i64| {
                    let members = finding.members.iter().map(|name| (*all.limits[name]).clone());
                    let mut members: Vec<Limit> = members.collect();
                    members
                        .iter_mut()
                        .filter(|l| l.name == listed[at].name)
                        .for_each(|l| l.bound.value = value);
                    model(&members.iter().collect::<Vec<_>>()).is_empty()
                };
                let back = if new < listed[at].bound.value { new + 1 } else { new - 1 };
                prop_assert!(with(new) && !with(back), "{} {:#?}", repair.description, all.limits);
                *counts.1 += 1;
            }
            Ok(())
        })
        .unwrap();
    println!("{contradictory} contradictory, {repaired} repaired");
    // The comparison means something only if both answers are frequent.
    assert!(contradictory > 5 && repaired > 5, "{contradictory} contradictory, {repaired} repaired");
}
