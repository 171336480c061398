//! Random workspaces and requests of the finite [`world`](crate::world).

use std::sync::Arc;

use jiff::Timestamp;
use ordain_ir::{
    Accumulation, Active, Bound, CompareOp, Condition, ConflictSeverity, ConflictType, DaySet, Direction,
    ElementTest, Enforcement, EnforcementMode, FactName, Glob, Limit, LimitStatus, Meter, Obligation,
    Override, Partition, Path, Period, Policies, PolicyName, Quantity, Recurrence, Request, Rule, RuleStatus,
    RuleType, ScopePattern, ScopeSelector, Source, TimeOfDay, Type, Usage, Window,
};

use crate::random::Random;
use crate::world::{
    ELEMENT_TESTS, FACTS, HORIZON, METERS, PROVIDERS, SEGMENT_GLOBS, SEGMENTS, STEP, TEXT_TESTS, ZONES,
    values,
};

/// At most this many policies, so that a set of them fits into sixteen bits.
pub const MOST_POLICIES: usize = 8;

/// A random workspace, the same for the same seed. Small vocabularies make policies meet often.
pub fn workspace(seed: u64) -> Policies {
    let mut random = Random::new(seed);
    let mut palette = Palette::new(&mut random);
    let (rules, limits) = match palette.random.below(4) {
        0 => (palette.random.below(4) + 2, 0),
        1 => (palette.random.below(2), palette.random.below(4) + 2),
        _ => (palette.random.below(4) + 1, palette.random.below(4) + 1),
    };
    debug_assert!(rules + limits <= MOST_POLICIES);
    let mut policies = Policies { facts: palette.facts(), meters: METERS.clone(), ..Policies::default() };
    policies.settings.horizon = HORIZON;
    if palette.random.chance(20) {
        let raised = palette.random.pick(ConflictType::ALL);
        policies.settings.severity.insert(raised, ConflictSeverity::Blocking);
    }
    for number in 0..rules {
        let rule = palette.rule(number, rules);
        policies.rules.insert(rule.name.clone(), Arc::new(rule));
    }
    // Fewer where there is little to cover them.
    let obligations = if rules > 0 { [0, 0, 1, 1, 2] } else { [0, 0, 0, 0, 1] };
    for _ in 0..palette.random.pick(&obligations) {
        policies.obligations.insert(palette.obligation());
    }
    for number in 0..limits {
        let mut limit = palette.limit(number, limits, rules);
        if number > 0 && palette.random.chance(30) {
            let model = policies.limits[&name('l', palette.random.below(number))].clone();
            palette.resemble(&mut limit, &model);
        }
        policies.limits.insert(limit.name.clone(), Arc::new(limit));
    }
    policies
}

/// A random workspace of many policies, the same for the same seed: several of [`workspace`] side by side, over the
/// facts of all of them.
pub fn crowd(seed: u64) -> Policies {
    let mut random = Random::new(seed);
    let mut all = Policies { meters: METERS.clone(), ..Policies::default() };
    all.settings.horizon = HORIZON;
    for part in 0..random.below(12) + 4 {
        let one = workspace(random.next());
        let rename = |name: &PolicyName| PolicyName::new(&format!("w{part:02}"), name.local());
        let renamed = |overrides: &mut Vec<Override>| {
            for o in overrides {
                o.policy = rename(&o.policy);
            }
        };
        for rule in one.rules.values() {
            let mut rule = Rule { name: rename(&rule.name), ..Rule::clone(rule) };
            renamed(&mut rule.overrides);
            all.rules.insert(rule.name.clone(), Arc::new(rule));
        }
        for limit in one.limits.values() {
            let mut limit = Limit { name: rename(&limit.name), ..Limit::clone(limit) };
            limit.rule = limit.rule.as_ref().map(rename);
            renamed(&mut limit.overrides);
            all.limits.insert(limit.name.clone(), Arc::new(limit));
        }
        all.facts.extend(one.facts);
    }
    all
}

/// A random workspace of limits on what accumulates, half of them floors, the same for the same seed.
pub fn guarantees(seed: u64) -> Policies {
    let mut random = Random::new(seed);
    let mut palette = Palette::new(&mut random);
    // The horizon holds no whole month, and what is guaranteed is guaranteed for a whole period.
    let periods: &[Period] = &[Period::Hour, Period::Day, Period::Week];
    let meters = [Meter::Runs, Meter::Tokens, declared("emails")];
    let accumulated = |random: &mut Random| {
        Quantity::Accumulated(random.pick(&meters), Accumulation::utc(random.pick(periods)))
    };
    palette.quantities = (0..2).map(|_| accumulated(palette.random)).collect();
    let per_run = palette.random.pick(&meters[1..]);
    palette.quantities.push(Quantity::PerRun(per_run));
    let count = palette.random.below(3) + 2;
    let mut policies = Policies { facts: palette.facts(), meters: METERS.clone(), ..Policies::default() };
    policies.settings.horizon = HORIZON;
    for number in 0..count {
        let mut limit = palette.limit(number, count, 0);
        if number > 0 && palette.random.chance(60) {
            let model = policies.limits[&name('l', palette.random.below(number))].clone();
            palette.resemble(&mut limit, &model);
        }
        if palette.random.chance(70) {
            limit.window = Window::ALWAYS;
        }
        if palette.random.chance(80) {
            limit.enforcement = Enforcement::Block;
        }
        if !limit.quantity.is_pointwise() {
            let (direction, least) = palette.random.pick(&[(Direction::AtMost, 1), (Direction::AtLeast, 3)]);
            limit.bound = Bound { direction, value: palette.random.between(least, least + 3) };
        }
        policies.limits.insert(limit.name.clone(), Arc::new(limit));
    }
    policies
}

/// A random workspace in which limits add up in several ways, the same for the same seed.
pub fn periods(seed: u64) -> Policies {
    let mut policies = if seed.is_multiple_of(2) { guarantees(seed) } else { workspace(seed) };
    // Apart from what those draw, which stays as it is.
    let mut random = Random::new(seed ^ 0x5eed_0f9e_71d5);
    let zones = ZONES.map(|zone| -> Arc<str> { zone.into() });
    let kinds: Vec<usize> = (0..2).map(|_| random.below(6)).collect();
    let zone = random.pick(&zones);
    for limit in policies.limits.values_mut() {
        let (kind, hourly, other) = (random.pick(&kinds), random.chance(30), random.pick(&zones));
        let Quantity::Accumulated(meter, over) = &limit.quantity else { continue };
        let Some(own) = over.period() else { continue };
        let period = if hourly { Period::Hour } else { own };
        let over = match kind {
            0 | 1 => Accumulation::Calendar { period, zone: Arc::clone(&zone) },
            2 => Accumulation::Calendar { period, zone: other },
            3 | 4 => Accumulation::Rolling(period),
            _ => Accumulation::Concurrent,
        };
        let direction = match &over {
            // Only what begins and ends takes a floor.
            Accumulation::Calendar { .. } => limit.bound.direction,
            Accumulation::Rolling(_) | Accumulation::Concurrent => Direction::AtMost,
        };
        let quantity = Quantity::Accumulated(meter.clone(), over);
        let limit = Arc::make_mut(limit);
        limit.quantity = quantity;
        limit.bound.direction = direction;
    }
    policies
}

/// What one workspace draws from.
struct Palette<'r> {
    random: &'r mut Random,
    facts: Vec<FactName>,
    concerns: Vec<RuleType>,
    quantities: Vec<Quantity>,
    /// Chances in percent.
    windows: usize,
    instants: usize,
}

fn declared(name: &str) -> Meter {
    Meter::Declared { name: name.to_owned(), unit: METERS[name].clone() }
}

fn name(kind: char, number: usize) -> PolicyName {
    PolicyName::new("w", &format!("{kind}{number}"))
}

impl<'r> Palette<'r> {
    fn new(random: &'r mut Random) -> Self {
        let known: Vec<FactName> = FACTS.keys().cloned().collect();
        let facts = (0..3).map(|_| random.pick(&known)).collect();
        let concerns = (0..=random.below(2)).map(|_| random.pick(RuleType::ALL)).collect();
        let cost = |currency: &str| Meter::Cost(currency.to_owned());
        let quantities = [
            Quantity::RiskCeiling,
            Quantity::Cooldown,
            Quantity::PerRun(Meter::Tokens),
            Quantity::PerRun(cost("USD")),
            Quantity::Accumulated(Meter::Runs, Accumulation::utc(Period::Day)),
            Quantity::Accumulated(Meter::Tokens, Accumulation::utc(Period::Day)),
            Quantity::Accumulated(Meter::Tokens, Accumulation::utc(Period::Month)),
            Quantity::Accumulated(cost("USD"), Accumulation::utc(Period::Month)),
            Quantity::Accumulated(cost("EUR"), Accumulation::utc(Period::Month)),
            Quantity::PerRun(declared("emails")),
            Quantity::PerRun(declared("gpu-time")),
            Quantity::Accumulated(declared("emails"), Accumulation::utc(Period::Day)),
            Quantity::Accumulated(declared("refunds"), Accumulation::utc(Period::Month)),
        ];
        let quantities = (0..=random.below(2)).map(|_| random.pick(&quantities)).collect();
        let windows = random.pick(&[0, 40, 80]);
        let instants = random.pick(&[0, 0, 0, 30]);
        Self { random, facts, concerns, quantities, windows, instants }
    }

    fn facts(&self) -> std::collections::BTreeMap<FactName, ordain_ir::Fact> {
        self.facts.iter().map(|name| (name.clone(), FACTS[name].clone())).collect()
    }

    fn rule(&mut self, number: usize, count: usize) -> Rule {
        Rule {
            name: name('r', number),
            doc: String::new(),
            rule_type: self.random.pick(&self.concerns.clone()),
            enforcement_mode: self.random.pick(EnforcementMode::ALL),
            scope: self.scope(false),
            window: self.window(),
            condition: self.condition(2),
            priority: if self.random.chance(70) { 0 } else { self.random.between(-1, 1) },
            source: Source::Manual,
            status: if self.random.chance(92) { RuleStatus::Active } else { RuleStatus::Retired },
            depends_on: vec![],
            overrides: self.overrides('r', number, count),
            derived: None,
        }
    }

    fn limit(&mut self, number: usize, count: usize, rules: usize) -> Limit {
        let quantity = self.random.pick(&self.quantities.clone());
        let unit = match &quantity {
            Quantity::RiskCeiling => 200_000,
            Quantity::Cooldown => 1_000,
            _ => 1,
        };
        let direction = if self.random.chance(70) { Direction::AtMost } else { Direction::AtLeast };
        let partition = if quantity.is_pointwise() || self.random.chance(50) {
            Partition::Whole
        } else {
            self.random.pick(Partition::ALL)
        };
        let confined = rules > 0 && self.random.chance(20);
        Limit {
            name: name('l', number),
            doc: String::new(),
            bound: Bound { direction, value: self.random.between(1, 4) * unit },
            quantity,
            enforcement: if self.random.chance(50) {
                Enforcement::Block
            } else {
                self.random.pick(Enforcement::ALL)
            },
            scope: self.scope(true),
            window: self.window(),
            condition: self.condition(2),
            rule: confined.then(|| name('r', self.random.below(rules))),
            partition,
            source: Source::Manual,
            status: if self.random.chance(92) { LimitStatus::Active } else { LimitStatus::Disabled },
            depends_on: vec![],
            overrides: self.overrides('l', number, count),
            derived: None,
        }
    }

    fn obligation(&mut self) -> Obligation {
        let scope = if self.random.chance(40) { ScopeSelector::global() } else { self.scope(false) };
        Obligation {
            package: "w".to_owned(),
            rule_type: self.random.pick(&self.concerns.clone()),
            condition: self.condition(2),
            scope,
        }
    }

    /// Makes a limit much like another one: the rarer conflicts are between those.
    fn resemble(&mut self, limit: &mut Limit, model: &Limit) {
        limit.quantity.clone_from(&model.quantity);
        limit.partition = model.partition;
        limit.bound.direction = model.bound.direction;
        limit.scope.clone_from(&model.scope);
        limit.condition.clone_from(&model.condition);
        limit.rule.clone_from(&model.rule);
        if self.random.chance(50) {
            limit.window.clone_from(&model.window);
        }
        if self.random.chance(70) {
            limit.enforcement = model.enforcement;
        }
        if self.random.chance(30) {
            limit.bound = model.bound;
        }
    }

    /// From lower to higher numbers, so without cycles.
    fn overrides(&mut self, kind: char, own: usize, count: usize) -> Vec<Override> {
        let targets = (own + 1..count).filter(|_| self.random.chance(10));
        targets.map(|number| Override { policy: name(kind, number), because: None }).collect()
    }

    fn scope(&mut self, limits: bool) -> ScopeSelector {
        if self.random.chance(35) {
            return ScopeSelector::global();
        }
        // 1 tenant, 2 project, 3 agent, 4 provider.
        let level = self.random.below(if limits { 4 } else { 3 }) + 1;
        let include = (0..=self.random.below(2)).map(|_| self.pattern(level)).collect();
        let except = if self.random.chance(30) {
            let deeper = if level == 4 { 4 } else { self.random.below(4 - level) + level };
            vec![self.pattern(deeper)]
        } else {
            vec![]
        };
        ScopeSelector::new(include, except)
    }

    fn pattern(&mut self, level: usize) -> ScopePattern {
        let mut segment = |wanted: bool| {
            wanted.then(|| Glob::parse(self.random.pick(&SEGMENT_GLOBS)).expect("a well-formed glob"))
        };
        let path = |depth| level < 4 && depth <= level;
        ScopePattern {
            tenant: segment(path(1)),
            project: segment(path(2)),
            agent: segment(path(3)),
            provider: segment(level == 4),
        }
    }

    fn window(&mut self) -> Window {
        if !self.random.chance(self.windows) {
            return Window::ALWAYS;
        }
        Window::new((0..=self.random.below(2)).map(|_| self.clause()).collect())
    }

    fn clause(&mut self) -> Active {
        let mut instant = || HORIZON.0 + self.random.between(0, (HORIZON.1 - HORIZON.0) / STEP) * STEP;
        let (one, other) = (instant(), instant());
        let dated = self.random.chance(self.instants);
        let from = (dated && self.random.chance(70)).then_some(one.min(other));
        let until = (dated && self.random.chance(70)).then_some(one.max(other));
        let recurring = !dated || self.random.chance(50);
        let recurrence = recurring.then(|| self.recurrence());
        Active { zone: self.random.pick(&ZONES).to_owned(), recurrence, from, until }
    }

    fn recurrence(&mut self) -> Recurrence {
        // Few times of day, so that ends often meet; most near the hours at which clocks change.
        let starts = [0, 60, 120, 150, 180, 540, 1_320];
        let start = TimeOfDay(self.random.pick(&starts));
        let end = TimeOfDay(self.random.pick(&[0, 60, 120, 150, 180, 540, 1_320, 1_440]));
        let mut day = || u8::try_from(self.random.below(7)).expect("less than seven");
        let (first, last) = (day(), day());
        match self.random.below(3) {
            0 => Recurrence::Daily { days: DaySet::ALL, start, end },
            1 => Recurrence::Daily { days: DaySet::range(first, last), start, end },
            _ => Recurrence::Weekly { start_day: first, start, end_day: last, end },
        }
    }

    fn condition(&mut self, depth: usize) -> Condition {
        if self.random.chance(25) {
            return Condition::True;
        }
        self.node(depth)
    }

    fn node(&mut self, depth: usize) -> Condition {
        let kind = if depth == 0 { 9 } else { self.random.below(8) };
        match kind {
            0 => Condition::and([self.node(depth - 1), self.node(depth - 1)]),
            1 => Condition::or([self.node(depth - 1), self.node(depth - 1)]),
            2 => self.node(depth - 1).negate(),
            // Not in normal form, which a hand-made bundle may be as well.
            3 => Condition::Not(Box::new(Condition::And(vec![self.node(depth - 1), Condition::True]))),
            _ => self.atom(),
        }
    }

    fn atom(&mut self) -> Condition {
        let fact = self.random.pick(&self.facts.clone());
        let declared = &FACTS[&fact];
        if declared.optional && self.random.chance(30) {
            return Condition::Has(fact);
        }
        match &declared.ty {
            Type::Bool => Condition::Fact(fact),
            Type::Enum { variants } => {
                let words = variants.iter().filter(|_| self.random.chance(50)).cloned().collect();
                Condition::OneOf { fact, words }
            }
            Type::String => Condition::Text { fact, test: self.random.pick(&TEXT_TESTS) },
            Type::Set { of } => {
                // The tests of opaque facts stay few: beyond a handful what rests on them isn't looked into.
                let depth = if declared.opaque { 0 } else { 2 };
                Condition::Any { test: self.element_test(of, depth), fact }
            }
            _ => self.comparison(&fact),
        }
    }

    fn element_test(&mut self, of: &Type, depth: usize) -> ElementTest {
        match if depth == 0 { 9 } else { self.random.below(6) } {
            0 => self.element_test(of, depth - 1).negate(),
            1 => ElementTest::AnyOf(vec![self.element_test(of, depth - 1), self.element_test(of, depth - 1)]),
            _ => match of {
                Type::String => ElementTest::Text(self.random.pick(&ELEMENT_TESTS)),
                Type::Enum { variants } => {
                    let words = variants.iter().filter(|_| self.random.chance(50)).cloned().collect();
                    ElementTest::OneOf(words)
                }
                _ => ElementTest::Compare {
                    op: self.random.pick(CompareOp::ALL),
                    bound: self.random.between(-2, 3),
                },
            },
        }
    }

    fn comparison(&mut self, fact: &FactName) -> Condition {
        let mut terms = vec![(fact.clone(), self.random.pick(&[1, 1, 2, -1]))];
        let is_int = |name: &FactName| FACTS[name].ty == Type::Int;
        let others: Vec<FactName> =
            self.facts.iter().filter(|other| *other != fact && is_int(other)).cloned().collect();
        if is_int(fact) && !others.is_empty() && self.random.chance(40) {
            terms.push((self.random.pick(&others), self.random.pick(&[1, -1, 3])));
        }
        terms.sort();
        Condition::Compare { terms, op: self.random.pick(CompareOp::ALL), bound: self.random.between(-1, 4) }
    }
}

/// A random request of the world that fits the policies' declarations, on a time within the horizon that may lie
/// between the half hours.
///
/// # Panics
/// Never for policies of the world.
pub fn request(random: &mut Random, policies: &Policies) -> Request {
    let mut segment = || random.pick(&SEGMENTS).to_owned();
    let path = Path { tenant: segment(), project: segment(), agent: segment() };
    let second = random.between(HORIZON.0, HORIZON.1 - 1);
    let facts =
        policies.facts.values().filter_map(|fact| Some((fact.name.clone(), random.pick(&values(fact))?)));
    let facts = facts.collect();
    let currencies = ["EUR", "USD"].into_iter();
    let cost = currencies.filter_map(|unit| Some((unit.to_owned(), random.pick(&[None, Some(1), Some(3)])?)));
    let cost = cost.collect();
    let meters = policies.meters.keys();
    let meters = meters.filter_map(|name| Some((name.clone(), random.pick(&[None, Some(1), Some(3)])?)));
    let meters = meters.collect();
    let usage = Usage {
        runs: random.between(0, 3),
        tokens: random.between(0, 5),
        cost,
        meters,
        risk: random.pick(&[None, Some(100_000), Some(400_000), Some(900_000)]),
        since_last_run: random.pick(&[None, Some(500), Some(2_000), Some(9_000)]),
        ..Usage::default()
    };
    let provider = random.pick(&PROVIDERS).map(ToOwned::to_owned);
    Request { path, provider, at: Timestamp::from_second(second).expect("within the calendar"), facts, usage }
}
