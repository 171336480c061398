//! The same for periods by the clocks of zones and rolling ones: a grid of half hours around changes of clocks, in which
//! periods, and how often they fit or are touched, are told instant by instant.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use ordain_ir::{Accumulation, Meter, Path, Period, zone};
use proptest::prelude::*;
use z3::ast::Real;
use z3::{SatResult, Solver};

use super::oracle::{askers, runner, scope, world};
use super::*;

/// The first of two days around a change of clocks in Berlin or on Lord Howe Island, and of two without.
const STARTS: [&str; 4] =
    ["2026-03-28T00:00:00Z", "2026-10-24T00:00:00Z", "2026-04-04T00:00:00Z", "2026-06-29T00:00:00Z"];
const DAYS: i64 = 2;
/// Of the grid, in seconds, and days that it reaches beyond.
const STEP: i64 = 1_800;
const BEYOND: i64 = 40;
const DAY: i64 = 86_400;
const PERIODS: [Period; 5] = [Period::Hour, Period::Day, Period::Day, Period::Week, Period::Month];
const ZONES: [&str; 4] = ["UTC", "Europe/Berlin", "Asia/Kolkata", "Australia/Lord_Howe"];
/// Random worlds by default, see `oracle`.
const CASES: u32 = 60;

/// A zone's calendar: by period and step, a number that is the same in one period only.
type Labels = BTreeMap<Period, Vec<usize>>;

struct Grid {
    start: i64,
    steps: usize,
    labels: BTreeMap<&'static str, Labels>,
}

impl Grid {
    fn new(first: i64) -> Self {
        let start = first - BEYOND * DAY;
        let steps = usize::try_from((2 * BEYOND + DAYS) * DAY / STEP).unwrap();
        let labels = ZONES.iter().map(|name| {
            let tz = zone::find(name).unwrap();
            let mut latest = Date::MIN;
            let mut words: Vec<[String; 4]> = vec![];
            for step in 0..steps {
                let at = jiff::Timestamp::from_second(start + i64::try_from(step).unwrap() * STEP).unwrap();
                let shown = tz.to_datetime(at);
                latest = latest.max(shown.date());
                let monday = latest.iso_week_date().first_of_week().unwrap();
                words.push([
                    format!("{} {} {:?}", shown.date(), shown.hour(), tz.to_offset(at)),
                    latest.to_string(),
                    format!("{monday:?}"),
                    format!("{:?}", (latest.year(), latest.month())),
                ]);
            }
            let periods = [Period::Hour, Period::Day, Period::Week, Period::Month];
            let numbered = periods.iter().enumerate().map(|(of, period)| {
                let mut number = 0;
                let numbers = (0..steps).map(|step| {
                    number += usize::from(step > 0 && words[step][of] != words[step - 1][of]);
                    number
                });
                (*period, numbers.collect())
            });
            (*name, numbered.collect())
        });
        Self { start, steps, labels: labels.collect() }
    }

    fn second(&self, step: usize) -> i64 {
        self.start + i64::try_from(step).unwrap() * STEP
    }

    /// The steps of the period around a step.
    fn stretch(&self, zone: &str, period: Period, step: usize) -> (usize, usize) {
        let labels = &self.labels[zone][&period];
        let same = |other: &usize| labels[*other] == labels[step];
        let first = (0..=step).rev().take_while(same).last().unwrap();
        let last = (step..self.steps).take_while(same).last().unwrap();
        assert!(first > 0 && last + 1 < self.steps, "the grid reaches far enough");
        (first, last + 1)
    }

    /// How often what a limit says is said of a stretch, at the steps at which it is open.
    fn count(&self, limit: &Limit, (first, end): (usize, usize), open: &[bool]) -> i64 {
        let Quantity::Accumulated(_, over) = &limit.quantity else { return 0 };
        let inside = || (first..end).filter(|step| open[*step]);
        let count = match over {
            Accumulation::Calendar { period, zone } => {
                let labels = &self.labels[&**zone][period];
                let mut touched: BTreeSet<usize> = inside().map(|step| labels[step]).collect();
                if limit.bound.direction == Direction::AtLeast {
                    touched.remove(&labels[first - 1]);
                    touched.remove(&labels[end]);
                }
                touched.len()
            }
            Accumulation::Rolling(period) => {
                let length = match period {
                    Period::Hour => 3_600,
                    Period::Day => DAY,
                    Period::Week => 7 * DAY,
                    Period::Month => 30 * DAY,
                    Period::Minute => unreachable!("shorter than a step"),
                };
                // The most instants of which no two lie in one stretch; a step's is its first.
                let length = usize::try_from(length / STEP).unwrap();
                let mut chosen: Vec<usize> = vec![];
                for step in inside() {
                    if chosen.last().is_none_or(|last| last + length <= step) {
                        chosen.push(step);
                    }
                }
                chosen.len()
            }
            Accumulation::Concurrent => unreachable!("not counted"),
        };
        i64::try_from(count).unwrap()
    }
}

/// One level of a chain, as far as it matters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Level {
    period: Period,
    seconds: i64,
    /// Which limits are open together.
    open: BTreeSet<Vec<bool>>,
    /// By limit: how often it counts; by limit and floor likewise.
    counts: Vec<Option<i64>>,
    joint: Vec<Vec<Option<i64>>>,
}

fn level(
    grid: &Grid,
    limits: &[&Limit],
    open: &[Vec<bool>],
    zone: &str,
    period: Period,
    step: usize,
) -> Level {
    let stretch = grid.stretch(zone, period, step);
    // Of a longer period of the same calendar nothing is said.
    let counted = |limit: &Limit, open: &[bool]| match &limit.quantity {
        Quantity::Accumulated(_, Accumulation::Calendar { period: own, zone: of }) if **of == *zone => {
            match own.cmp(&period) {
                std::cmp::Ordering::Less => Some(grid.count(limit, stretch, open)),
                std::cmp::Ordering::Equal => Some(1),
                std::cmp::Ordering::Greater => None,
            }
        }
        // What is under way tells nothing of how much is used in any time.
        Quantity::Accumulated(_, Accumulation::Concurrent) => None,
        _ => Some(grid.count(limit, stretch, open)),
    };
    let both = |a: &[bool], b: &[bool]| a.iter().zip(b).map(|(a, b)| *a && *b).collect::<Vec<bool>>();
    Level {
        period,
        seconds: grid.second(stretch.1) - grid.second(stretch.0),
        open: (stretch.0..stretch.1).map(|step| open.iter().map(|open| open[step]).collect()).collect(),
        counts: limits.iter().zip(open).map(|(limit, open)| counted(limit, open)).collect(),
        joint: limits
            .iter()
            .zip(open)
            .map(|(limit, mine)| open.iter().map(|other| counted(limit, &both(mine, other))).collect())
            .collect(),
    }
}

fn nests(shorter: Period, longer: Period) -> bool {
    shorter < longer && (shorter, longer) != (Period::Week, Period::Month)
}

/// Whether no amounts satisfy the limits in these periods, of one subject's requests.
fn contradictory(limits: &[&Limit], askers: &BTreeSet<Vec<bool>>, chain: &[Level]) -> bool {
    let solver = Solver::new();
    let zero = Real::from_rational(0, 1);
    let mut amounts: BTreeMap<(usize, &str, Vec<bool>), Real> = BTreeMap::new();
    for (at, level) in chain.iter().enumerate() {
        for (open, who) in level.open.iter().flat_map(|open| askers.iter().map(move |who| (open, who))) {
            let cell: Vec<bool> = who.iter().zip(open).map(|(a, b)| *a && *b).collect();
            for meter in ["runs", "tokens"] {
                amounts.entry((at, meter, cell.clone())).or_insert_with_key(|key| {
                    let amount = Real::new_const(format!("{key:?}"));
                    solver.assert(amount.ge(&zero));
                    amount
                });
            }
        }
    }
    for ((at, meter, cell), amount) in &amounts {
        for (longer, _) in chain.iter().enumerate().filter(|(_, it)| nests(chain[*at].period, it.period)) {
            solver.assert(amounts[&(longer, *meter, cell.clone())].ge(amount));
        }
    }
    for (at, limit) in limits.iter().enumerate() {
        let of = |level: usize, meter: &Meter, also: Option<usize>| -> Option<Real> {
            let meter = if *meter == Meter::Runs { "runs" } else { "tokens" };
            let counts = |cell: &[bool]| cell[at] && also.is_none_or(|also| cell[also]);
            let mine: Vec<Real> = amounts
                .iter()
                .filter(|((l, m, cell), _)| *l == level && *m == meter && counts(cell))
                .map(|(_, amount)| amount.clone())
                .collect();
            (!mine.is_empty()).then(|| Real::add(&mine))
        };
        let times = |count: i64| Real::from_rational(limit.bound.value * count, 1);
        for (number, level) in chain.iter().enumerate() {
            match (&limit.quantity, limit.bound.direction) {
                (Quantity::Accumulated(meter, _), Direction::AtLeast) => {
                    if let (Some(used), Some(count)) = (of(number, meter, None), level.counts[at]) {
                        solver.assert(used.ge(times(count)));
                    }
                }
                (Quantity::Accumulated(meter, _), Direction::AtMost) => {
                    if let (Some(used), Some(count)) = (of(number, meter, None), level.counts[at]) {
                        solver.assert(used.le(times(count)));
                    }
                    for (floor, _) in limits.iter().enumerate().filter(|(_, it)| is_floor(it)) {
                        let used = of(number, meter, Some(floor));
                        if let (Some(used), Some(count)) = (used, level.joint[at][floor]) {
                            solver.assert(used.le(times(count)));
                        }
                    }
                }
                (Quantity::PerRun(_), _) => {
                    for ((l, meter, cell), tokens) in &amounts {
                        if *l == number && *meter == "tokens" && cell[at] {
                            solver.assert(tokens.le(&amounts[&(*l, "runs", cell.clone())] * &times(1)));
                        }
                    }
                }
                (Quantity::Cooldown, _) => {
                    let runs = 1 + level.seconds * 1_000 / limit.bound.value;
                    if let Some(used) = of(number, &Meter::Runs, None) {
                        solver.assert(used.le(Real::from_rational(runs, 1)));
                    }
                }
                (Quantity::RiskCeiling, _) => {}
            }
        }
    }
    solver.check() == SatResult::Unsat
}

fn is_floor(limit: &Limit) -> bool {
    limit.bound.direction == Direction::AtLeast && !limit.quantity.is_pointwise()
}

fn zone_of(limit: &Limit) -> Option<String> {
    match &limit.quantity {
        Quantity::Accumulated(_, Accumulation::Calendar { zone, .. }) => Some(zone.to_string()),
        _ => None,
    }
}

fn zones(limits: &[&Limit]) -> BTreeSet<String> {
    limits.iter().filter_map(|limit| zone_of(limit)).collect()
}

fn rolls(limits: &[&Limit]) -> bool {
    limits.iter().any(|it| matches!(it.quantity, Quantity::Accumulated(_, Accumulation::Rolling(_))))
}

/// What decides: whose amounts, in which periods.
type Question = (BTreeSet<Vec<bool>>, Vec<Level>);

struct Model<'l> {
    grid: &'l Grid,
    limits: Vec<&'l Limit>,
    open: Vec<Vec<bool>>,
    worlds: BTreeSet<BTreeSet<Vec<bool>>>,
    steps: std::ops::Range<usize>,
    known: RefCell<BTreeMap<(Vec<usize>, Question), bool>>,
}

impl<'l> Model<'l> {
    fn new(grid: &'l Grid, first: i64, limits: Vec<&'l Limit>) -> Self {
        let open =
            limits.iter().map(|it| (0..grid.steps).map(|s| is_open(&it.window, grid.second(s))).collect());
        let subjects: BTreeSet<Path> = world().into_iter().map(|who| who.path).collect();
        let from = usize::try_from((first - grid.start) / STEP).unwrap();
        Self {
            grid,
            open: open.collect(),
            worlds: subjects.iter().map(|subject| askers(&limits, subject)).collect(),
            limits,
            steps: from..from + usize::try_from(DAYS * DAY / STEP).unwrap(),
            known: RefCell::default(),
        }
    }

    /// Whether a set is contradictory in some chain of these zones' periods: of the lengths that it names, or of all.
    fn refuses(&self, set: &[usize], zones: &BTreeSet<String>, all: bool) -> bool {
        let limits: Vec<&Limit> = set.iter().map(|at| self.limits[*at]).collect();
        let open: Vec<Vec<bool>> = set.iter().map(|at| self.open[*at].clone()).collect();
        let project = |who: &Vec<bool>| set.iter().map(|at| who[*at]).collect::<Vec<_>>();
        let worlds: BTreeSet<BTreeSet<_>> =
            self.worlds.iter().map(|w| w.iter().map(project).collect()).collect();
        let mut chains = BTreeSet::new();
        for zone in zones {
            let own = limits.iter().filter_map(|limit| match &limit.quantity {
                Quantity::Accumulated(_, Accumulation::Calendar { period, zone: of }) => {
                    (**of == *zone).then_some(*period)
                }
                Quantity::Cooldown => Some(Period::Day),
                _ => None,
            });
            let mut periods: BTreeSet<Period> = own.collect();
            if all {
                periods.extend([Period::Hour, Period::Day, Period::Week, Period::Month]);
            }
            let mut levels: BTreeMap<(Period, usize), Level> = BTreeMap::new();
            for base in &periods {
                let mut last = None;
                for step in self.steps.clone() {
                    let label = self.grid.labels[zone.as_str()][base][step];
                    if last.replace(label) == Some(label) {
                        continue;
                    }
                    let around = periods.iter().filter(|it| *it == base || nests(*base, **it));
                    // The longer ones around the first of its steps, which the horizon may cut.
                    let step = self.grid.stretch(zone, *base, step).0;
                    // What floors need in longer periods they need where their own ones meet the horizon.
                    let speaks = |(floor, open): (&&Limit, &Vec<bool>)| {
                        let stretch = self.grid.stretch(zone, *base, step);
                        let Quantity::Accumulated(_, over) = &floor.quantity else { return false };
                        let own =
                            *over == Accumulation::Calendar { period: *base, zone: zone.as_str().into() };
                        let within = zone_of(floor).is_some_and(|of| of == *zone)
                            && over.period().is_some_and(|own| nests(own, *base));
                        let open_here = open[stretch.0..stretch.1].contains(&true);
                        is_floor(floor)
                            && open_here
                            && (own || !within && self.grid.count(floor, stretch, open) > 0)
                    };
                    if !limits.iter().zip(&open).any(speaks) {
                        continue;
                    }
                    let chain = around.map(|period| {
                        let number = self.grid.labels[zone.as_str()][period][step];
                        let level = levels
                            .entry((*period, number))
                            .or_insert_with(|| level(self.grid, &limits, &open, zone, *period, step));
                        level.clone()
                    });
                    chains.insert(chain.collect::<Vec<Level>>());
                }
            }
        }
        chains.iter().any(|chain| {
            worlds.iter().any(|askers| {
                let question = (set.to_vec(), (askers.clone(), chain.clone()));
                if let Some(known) = self.known.borrow().get(&question) {
                    return *known;
                }
                let answer = contradictory(&limits, askers, chain);
                self.known.borrow_mut().insert(question, answer);
                answer
            })
        })
    }

    /// The periods in which a set is looked at by itself.
    fn lens(&self, set: &[usize]) -> (BTreeSet<String>, bool) {
        let limits: Vec<&Limit> = set.iter().map(|at| self.limits[*at]).collect();
        let zones = zones(&limits);
        let all = zones.len() > 1 || rolls(&limits);
        (zones, all)
    }

    /// Whether a set is contradictory by itself.
    fn alone(&self, set: &[usize]) -> bool {
        let (zones, all) = self.lens(set);
        self.refuses(set, &zones, all)
    }

    /// Whether it is, and every limit of it takes part: in the same periods it isn't without any of them.
    fn minimal(&self, set: &[usize]) -> bool {
        let (zones, all) = self.lens(set);
        self.refuses(set, &zones, all)
            && !without_one(set).iter().any(|smaller| self.refuses(smaller, &zones, all))
    }

    /// Whether it is beside all others, whose periods are looked at too.
    fn beside(&self, set: &[usize]) -> bool {
        self.refuses(set, &zones(&self.limits), true)
    }
}

/// The sets that lack one member.
fn without_one(set: &[usize]) -> Vec<Vec<usize>> {
    set.iter().map(|out| set.iter().copied().filter(|at| at != out).collect()).collect()
}

fn is_open(window: &Window, at: i64) -> bool {
    window.clauses.is_empty()
        || window.clauses.iter().any(|clause| {
            let shown =
                zone::find(&clause.zone).unwrap().to_datetime(jiff::Timestamp::from_second(at).unwrap());
            match &clause.recurrence {
                Some(Recurrence::Daily { days, start, end }) => {
                    let minute =
                        u16::try_from(i32::from(shown.hour()) * 60 + i32::from(shown.minute())).unwrap();
                    let day = u8::try_from(shown.weekday().to_monday_zero_offset()).unwrap();
                    days.contains(day) && (start.0..end.0).contains(&minute)
                }
                _ => unreachable!("the generator makes daily windows only"),
            }
        })
}

fn window() -> impl Strategy<Value = Window> {
    let part = prop_oneof![Just((0_u16, 24_u16)), Just((2, 3)), Just((9, 12)), Just((22, 24))];
    let days =
        prop_oneof![2 => Just(DaySet::ALL), 1 => Just(DaySet::range(5, 6)), 1 => Just(DaySet::range(6, 6))];
    let daily = (part, days, prop::sample::select(&ZONES[..3])).prop_map(|((start, end), days, zone)| {
        let [start, end] = [start, end].map(|hour| TimeOfDay::new(hour, 0).unwrap());
        let recurrence = Some(Recurrence::Daily { days, start, end });
        Window::new(vec![Active { zone: zone.into(), recurrence, from: None, until: None }])
    });
    prop_oneof![5 => Just(Window::ALWAYS), 1 => daily]
}

/// A bound near what so many hours need or admit, if it is `each` an hour.
fn near(hours: i64, each: std::ops::Range<i64>) -> impl Strategy<Value = i64> {
    (each, -2..3_i64).prop_map(move |(each, more)| (hours * each + more * each).max(0))
}

#[derive(Clone, Copy)]
enum Kind {
    Floor,
    Any,
}

fn limit_of(of: Kind) -> impl Strategy<Value = Limit> {
    let hours = |period| match period {
        Period::Hour | Period::Minute => 1,
        Period::Day => 24,
        Period::Week => 168,
        Period::Month => 720,
    };
    let meter = prop_oneof![8 => Just(Meter::Runs), 1 => Just(Meter::Tokens)];
    let zones = prop::sample::select(&ZONES[..]);
    let floors = (prop::sample::select(&PERIODS[..4]), zones.clone(), meter.clone()).prop_flat_map(
        move |(period, zone, meter)| {
            let over = Accumulation::Calendar { period, zone: zone.into() };
            near(hours(period), 1..4).prop_map(move |value| Limit {
                quantity: Quantity::Accumulated(meter.clone(), over.clone()),
                ..floor("", "RUNS_DAILY", value.max(1))
            })
        },
    );
    let over = prop_oneof![
        3 => (prop::sample::select(&PERIODS[..]), zones)
            .prop_map(|(period, zone)| Accumulation::Calendar { period, zone: zone.into() }),
        2 => prop::sample::select(&PERIODS[..]).prop_map(Accumulation::Rolling),
        1 => Just(Accumulation::Concurrent),
    ];
    let ceilings = (over, meter).prop_flat_map(move |(over, meter)| {
        near(over.period().map_or(1, hours), 0..4).prop_map(move |value| Limit {
            quantity: Quantity::Accumulated(meter.clone(), over.clone()),
            ..ceiling("", "RUNS_DAILY", value)
        })
    });
    let others = prop_oneof![
        (0..3_i64).prop_map(|v| ceiling("", "TOKENS_PER_RUN", v)),
        (1..5_i64).prop_map(|h| limit("", "COOLDOWN", Direction::AtLeast, h * 1_200_000)),
    ];
    let urgent = Condition::Fact("urgent".into());
    let condition =
        prop_oneof![12 => Just(Condition::True), 1 => Just(urgent.clone()), 1 => Just(urgent.negate())];
    let partition =
        prop_oneof![4 => Just(Partition::Whole), 1 => Just(Partition::Tenant), 1 => Just(Partition::Agent)];
    let scope = prop_oneof![5 => Just(ScopeSelector::global()), 1 => scope()];
    let limit = match of {
        Kind::Floor => floors.boxed(),
        Kind::Any => prop_oneof![3 => floors, 8 => ceilings, 1 => others].boxed(),
    };
    (limit, scope, window(), condition, partition).prop_map(|(limit, scope, window, condition, partition)| {
        Limit { scope, window, condition, partition, ..limit }
    })
}

#[test]
fn agrees_with_clocks() {
    let grids: BTreeMap<i64, Grid> = STARTS
        .iter()
        .map(|start| {
            let first = start.parse::<jiff::Timestamp>().unwrap().as_second();
            (first, Grid::new(first))
        })
        .collect();
    let starts: Vec<i64> = grids.keys().copied().collect();
    let mut counts = [0; 4];
    let tally = RefCell::new(&mut counts);
    let others = prop::collection::vec(limit_of(Kind::Any), 1..=2);
    let world = (limit_of(Kind::Floor), others, prop::sample::select(starts));
    runner(CASES)
        .run(&world, |(floor, others, first)| {
            let mut limits = [vec![floor], others].concat();
            for (limit, name) in limits.iter_mut().zip(["a", "b", "c"]) {
                limit.name = PolicyName::new("acme", name);
            }
            let mut all = policies(limits);
            all.settings.horizon = (first, first + DAYS * DAY);
            let listed: Vec<&Limit> = all.limits.values().map(|limit| &**limit).collect();
            let model = Model::new(&grids[&first], first, listed.clone());
            let outcome = analyse(&all);
            let position = |name: &str| listed.iter().position(|it| it.name.local() == name).unwrap();
            let found: Vec<Vec<usize>> =
                sets(&outcome).into_iter().map(|set| set.into_iter().map(position).collect()).collect();
            prop_assert_eq!(outcome.not_fully_explored, 0);
            for set in &found {
                prop_assert!(model.beside(set), "{:?} {:#?}", set, all.limits);
                for smaller in without_one(set) {
                    prop_assert!(!model.alone(&smaller), "{:?} {:#?}", smaller, all.limits);
                }
            }
            for set in 1_usize..1 << listed.len() {
                let set: Vec<usize> = (0..listed.len()).filter(|at| set >> at & 1 == 1).collect();
                // What contradicts itself is no conflict between policies.
                let itself = set.iter().any(|at| model.beside(&[*at]));
                let known = itself || found.iter().any(|found| found.iter().all(|at| set.contains(at)));
                prop_assert!(known || !model.minimal(&set), "{:?} {:#?}", set, all.limits);
            }
            let mut tally = tally.borrow_mut();
            tally[0] += usize::from(!found.is_empty());
            for (finding, set) in outcome.findings.iter().zip(&found) {
                let members: Vec<&Limit> = set.iter().map(|at| listed[*at]).collect();
                tally[1] += usize::from(rolls(&members));
                tally[2] += usize::from(zones(&members).len() > 1);
                // Every repair works, and nothing smaller does.
                let Some(repair) = &finding.repair else { continue };
                let at = *set.iter().find(|at| listed[**at].id() == repair.policy).unwrap();
                if listed[at].quantity == Quantity::Cooldown {
                    continue;
                }
                let new: i64 = repair.description.rsplit(' ').next().unwrap().parse().unwrap();
                let with = |value: i64| {
                    let mut changed = all.clone();
                    Arc::make_mut(changed.limits.get_mut(&listed[at].name).unwrap()).bound.value = value;
                    changed
                };
                let (mended, back) =
                    (with(new), with(if new < listed[at].bound.value { new + 1 } else { new - 1 }));
                let of = |all: &'_ Policies| all.limits.values().map(|it| (**it).clone()).collect::<Vec<_>>();
                let (mended, back) = (of(&mended), of(&back));
                let mended = Model::new(&grids[&first], first, mended.iter().collect());
                prop_assert!(!mended.alone(set), "{} {:#?}", repair.description, all.limits);
                let back = Model::new(&grids[&first], first, back.iter().collect());
                prop_assert!(back.beside(set), "{} {:#?}", repair.description, all.limits);
                tally[3] += 1;
            }
            Ok(())
        })
        .unwrap();
    let [contradictory, rolling, zones, repaired] = counts;
    println!("{contradictory} contradictory, {rolling} with rolling, {zones} of zones, {repaired} repaired");
    // The comparison means something only if all answers are frequent.
    assert!(counts.iter().all(|count| *count > 2), "{counts:?}");
}
