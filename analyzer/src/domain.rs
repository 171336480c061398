//! Domains: conjunctions of scopes, windows and conditions. Those share no variable, so domains meet exactly if
//! each of the three parts does, and one includes another exactly if each part does (or the other is empty).

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};

use ordain_engine::Engine;
use ordain_ir::{Condition, FactName, Limit, Policies, PolicyName, Rule, ScopeSelector, Window};
use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};

use crate::Answer;
use crate::boxes::Valuation;
use crate::calendar::Calendars;
use crate::conditions::{Conditions, Memo, Prepared, Verdict};
use crate::places::{PlaceId, Places};
use crate::scope::{self, Subject};
use crate::window::{self, Intervals, UnknownZone, Windows};

/// A set of instants of the policies at hand; equal ones of one origin have one number.
pub type WindowId = u32;
/// A conjunction of conditions, likewise; 0 is the one without conditions.
pub type ConditionsId = u32;

/// Of which requests a policy speaks. A limit that names a rule has that rule's parts too.
#[derive(Clone, Debug)]
pub struct Domain {
    /// The selectors, all of which must select the request.
    pub place: PlaceId,
    /// The number of the window.
    pub window_id: WindowId,
    /// The instants, within the horizon.
    pub window: Arc<Intervals>,
    /// The number of the conditions.
    pub conditions_id: ConditionsId,
    /// All of them must hold; without repetition and without those that always do.
    pub conditions: AllOf,
}

/// A point of a domain: all of a request but its usage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Point {
    /// Where it comes from and goes to.
    pub subject: Subject,
    /// When, in seconds since 1970.
    pub at: i64,
    /// Every required fact that a condition of the domains reads, and optional ones where needed.
    pub facts: Valuation,
}

/// An answer with what it rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding<W> {
    /// The answer.
    pub answer: Answer<W>,
    /// Whether the solver was needed.
    pub by_solver: bool,
    /// An opaque fact that the answer rests on.
    pub opaque: Option<FactName>,
}

impl<W> Finding<W> {
    const fn by_algebra(answer: Answer<W>) -> Self {
        Self { answer, by_solver: false, opaque: None }
    }
}

/// Which parts of the domains an inclusion is asked of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parts {
    /// All of them.
    All,
    /// All but the windows.
    WithoutWindows,
}

/// The policies cannot be analysed. The compiler produces none of these.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AnalyzerError {
    /// A zone that the database doesn't have.
    #[error("`{policy}`: {zone}")]
    Zone {
        /// The policy.
        policy: PolicyName,
        /// What is wrong.
        zone: UnknownZone,
    },
    /// A limit that names a rule that isn't there.
    #[error("limit `{limit}` is confined to the rule `{rule}`, which does not exist")]
    UnknownRule {
        /// The limit.
        limit: PolicyName,
        /// What it names.
        rule: PolicyName,
    },
    /// The engine contradicts a witness: the analyzer or the engine is wrong.
    #[error(
        "this is a bug in ordain: the witness of {policies} does not replay: {reason}; please report it with these policies"
    )]
    Witness {
        /// The policies of the finding.
        policies: String,
        /// What the engine says.
        reason: String,
    },
    /// The checker refuses certificates: the analyzer or the checker is wrong.
    #[error(
        "this is a bug in ordain: {0} certificates of contradictions do not check; please report it with these policies"
    )]
    Certificate(u64),
    /// No threads to be had.
    #[error("cannot start threads for the analysis: {0}")]
    Threads(String),
    /// The solver is not the expected one.
    #[error(transparent)]
    Solver(#[from] crate::solver::SolverError),
}

/// Everything that questions about the domains of one set of policies need. Equal parts are prepared once.
#[derive(Debug)]
pub struct Algebra<'a> {
    policies: &'a Policies,
    /// Questions about conditions.
    pub conditions: Conditions<'a>,
    ground: Arc<Ground>,
    engine: OnceLock<Result<Engine, String>>,
}

/// What is known of scopes, windows and conditions, whichever policies have them. More can be added, and what was known
/// stays, so that it serves the analysis of other policies too, as long as these have the same facts and horizon.
#[derive(Debug)]
pub(crate) struct Ground {
    windows: Windows,
    calendars: Calendars,
    places: Places,
    prepared: FxHashMap<Condition, Arc<Prepared>>,
    sets: Mutex<Interned<Vec<usize>, AllOf>>,
    times: Mutex<Interned<[usize; 2], Arc<Intervals>>>,
    /// The domains of rules, by where these are in memory, which they keep.
    rules: RwLock<FxHashMap<usize, (Arc<Rule>, Domain)>>,
    /// The first instant that two windows have in common.
    firsts: RwLock<FxHashMap<(WindowId, WindowId), Option<i64>>>,
}

/// Conditions that must all hold.
type AllOf = Arc<[Arc<Prepared>]>;

/// Values by key, numbered in the order in which they came.
#[derive(Debug)]
struct Interned<K, V>(FxHashMap<K, (u32, V)>);

impl<K: Eq + std::hash::Hash, V: Clone> Interned<K, V> {
    fn get(&mut self, key: K, value: impl FnOnce() -> V) -> (u32, V) {
        let next = u32::try_from(self.0.len()).expect("fewer than 2^32 policies");
        self.0.entry(key).or_insert_with(|| (next, value())).clone()
    }
}

impl Ground {
    /// Nothing but the horizon of some policies.
    pub(crate) fn new(policies: &Policies) -> Self {
        let mut sets = Interned(FxHashMap::default());
        sets.get(vec![], || Arc::from([]));
        let windows = Windows::new(window::horizon(policies));
        Self {
            calendars: Calendars::new(windows.horizon()),
            windows,
            places: Places::default(),
            prepared: FxHashMap::default(),
            sets: Mutex::new(sets),
            times: Mutex::new(Interned(FxHashMap::default())),
            rules: RwLock::default(),
            firsts: RwLock::default(),
        }
    }

    /// Takes in the parts of some rules and limits of these policies. Works in the current thread pool.
    pub(crate) fn add<'p>(
        &mut self,
        rules: impl Iterator<Item = &'p Rule> + Clone,
        limits: impl Iterator<Item = &'p Limit> + Clone,
        policies: &'p Policies,
        memo: &Memo,
    ) {
        let conjunctions = rules.clone().map(|rule| vec![&rule.scope]);
        let conjunctions = conjunctions.chain(limits.clone().map(|limit| scopes(limit, policies)));
        self.places.add(conjunctions, &memo.strings);
        let conditions = conditions_of(policies, memo);
        let written = rules.map(|rule| &rule.condition).chain(limits.map(|limit| &limit.condition));
        let written: FxHashSet<&Condition> = written.filter(|it| !self.prepared.contains_key(*it)).collect();
        let written: Vec<&Condition> = written.into_iter().collect();
        let prepared: Vec<(Condition, Arc<Prepared>)> =
            written.into_par_iter().map(|it| (it.clone(), Arc::new(conditions.prepare(it)))).collect();
        self.prepared.extend(prepared);
    }

    /// Whether a condition that it knows always holds, plainly.
    pub(crate) fn is_true(&self, condition: &Condition) -> bool {
        self.prepared.get(condition).is_some_and(|it| it.is_true())
    }

    /// The facts that its conditions read.
    pub(crate) fn facts(&self) -> BTreeSet<FactName> {
        self.prepared.values().flat_map(|it| it.facts()).cloned().collect()
    }

    /// How many scopes, conditions and rules it knows.
    pub(crate) fn len(&self) -> usize {
        let rules = self.rules.read().unwrap_or_else(PoisonError::into_inner);
        self.places.len() + self.prepared.len() + rules.len()
    }

    /// Whether it serves policies with this horizon.
    pub(crate) fn is_within(&self, horizon: &Intervals) -> bool {
        **self.windows.horizon() == *horizon
    }
}

fn conditions_of<'a>(policies: &'a Policies, memo: &'a Memo) -> Conditions<'a> {
    Conditions { facts: &policies.facts, bound: policies.settings.solver_bound, memo }
}

/// An engine that replays witnesses: that of all policies, or one of those that are asked about.
pub(crate) enum Replayer<'e> {
    All(&'e Engine),
    Some(Box<Engine>),
}

impl std::ops::Deref for Replayer<'_> {
    type Target = Engine;

    fn deref(&self) -> &Engine {
        match self {
            Self::All(engine) => engine,
            Self::Some(engine) => engine,
        }
    }
}

impl<'a> Algebra<'a> {
    /// The algebra over these policies' scopes, conditions, facts and horizon. Works in the current thread pool.
    pub fn new(policies: &'a Policies, memo: &'a Memo) -> Self {
        let mut ground = Ground::new(policies);
        let rules = policies.rules.values().map(Arc::as_ref);
        ground.add(rules, policies.limits.values().map(Arc::as_ref), policies, memo);
        Self::on(Arc::new(ground), policies, memo)
    }

    /// The same on a ground to which all parts of these policies were added.
    pub(crate) fn on(ground: Arc<Ground>, policies: &'a Policies, memo: &'a Memo) -> Self {
        Self { policies, conditions: conditions_of(policies, memo), ground, engine: OnceLock::new() }
    }

    /// The policies.
    pub const fn policies(&self) -> &'a Policies {
        self.policies
    }

    /// Expanded windows.
    pub fn windows(&self) -> &Windows {
        &self.ground.windows
    }

    /// The calendars of zones.
    pub(crate) fn calendars(&self) -> &Calendars {
        &self.ground.calendars
    }

    /// Which scopes meet.
    pub(crate) fn places(&self) -> &Places {
        &self.ground.places
    }

    /// The engine that replays witnesses: one for all of them.
    pub(crate) fn engine(&self) -> Result<&Engine, AnalyzerError> {
        let engine = self.engine.get_or_init(|| engine(self.policies.clone()));
        engine.as_ref().map_err(|reason| unusable(reason))
    }

    /// An engine of at least these policies. That of all is not made for a few.
    pub(crate) fn engine_of<'n>(
        &self,
        names: impl IntoIterator<Item = &'n PolicyName>,
    ) -> Result<Replayer<'_>, AnalyzerError> {
        if self.engine.get().is_some() {
            return self.engine().map(Replayer::All);
        }
        let names: BTreeSet<&PolicyName> = names.into_iter().collect();
        if names.len() > self.policies.len() / 4 {
            return self.engine().map(Replayer::All);
        }
        let engine = engine(self.policies.restricted_to(names));
        engine.map(|engine| Replayer::Some(Box::new(engine))).map_err(|reason| unusable(&reason))
    }

    /// The normal form of a condition of the policies.
    pub(crate) fn prepared(&self, condition: &Condition) -> Arc<Prepared> {
        Arc::clone(&self.ground.prepared[condition])
    }

    /// The domain of a rule.
    pub fn rule(&self, rule: &'a Rule) -> Result<Domain, AnalyzerError> {
        let address = std::ptr::from_ref(rule).addr();
        let known = self.ground.rules.read().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, domain)) = known.get(&address) {
            return Ok(domain.clone());
        }
        drop(known);
        let window = self.window(&rule.name, &rule.window)?;
        let domain = self.domain(&[&rule.scope], [&window, &window], &[&rule.condition]);
        let own = self.policies.rules.get(&rule.name).filter(|own| Arc::as_ptr(own).addr() == address);
        if let Some(own) = own {
            let mut known = self.ground.rules.write().unwrap_or_else(PoisonError::into_inner);
            known.insert(address, (Arc::clone(own), domain.clone()));
        }
        Ok(domain)
    }

    /// The domain of a limit, within that of the rule that it names.
    pub fn limit(&self, limit: &'a Limit) -> Result<Domain, AnalyzerError> {
        let own = self.window(&limit.name, &limit.window)?;
        let Some(name) = &limit.rule else {
            return Ok(self.domain(&[&limit.scope], [&own, &own], &[&limit.condition]));
        };
        let rule = self
            .policies
            .rules
            .get(name)
            .ok_or_else(|| AnalyzerError::UnknownRule { limit: limit.name.clone(), rule: name.clone() })?;
        let confining = self.window(&rule.name, &rule.window)?;
        let conditions = [&limit.condition, &rule.condition];
        Ok(self.domain(&scopes(limit, self.policies), [&own, &confining], &conditions))
    }

    fn domain(
        &self,
        scopes: &[&ScopeSelector],
        [own, confining]: [&Arc<Intervals>; 2],
        conditions: &[&Condition],
    ) -> Domain {
        let mut parts: Vec<&Arc<Prepared>> = vec![];
        for part in conditions.iter().map(|condition| &self.ground.prepared[*condition]) {
            if !part.is_true() && !parts.iter().any(|known| known == &part) {
                parts.push(part);
            }
        }
        // Equal windows and conditions are shared, so that their addresses stand for them.
        let mut key: Vec<usize> = parts.iter().map(|part| Arc::as_ptr(part).addr()).collect();
        key.sort_unstable();
        let sets = self.ground.sets.lock();
        let (conditions_id, conditions) =
            sets.unwrap_or_else(PoisonError::into_inner).get(key, || parts.into_iter().cloned().collect());
        let times = self.ground.times.lock();
        let addresses = [own, confining].map(|window| Arc::as_ptr(window).addr());
        let (window_id, window) = times.unwrap_or_else(PoisonError::into_inner).get(addresses, || {
            if Arc::ptr_eq(own, confining) { Arc::clone(own) } else { Arc::new(own.intersection(confining)) }
        });
        Domain { place: self.ground.places.number(scopes), window_id, window, conditions_id, conditions }
    }

    fn window(&self, policy: &PolicyName, window: &Window) -> Result<Arc<Intervals>, AnalyzerError> {
        let failed = |zone| AnalyzerError::Zone { policy: policy.clone(), zone };
        self.windows().expand(window).map_err(failed)
    }

    /// Whether all the domains have a request in common, with the canonical one: the first instant from the
    /// beginning of the horizon on, the most readable path, the smallest values.
    pub fn overlap(&self, domains: &[&Domain]) -> Finding<Point> {
        let subject = match self.common_subject(domains) {
            Answer::No => return Finding::by_algebra(Answer::No),
            Answer::Undecided => None,
            Answer::Yes(subject) => Some(subject),
        };
        let Some(at) = self.common_instant(domains) else { return Finding::by_algebra(Answer::No) };
        let verdict = self.conditions.find(&conditions(domains), &[]);
        let point = |subject: &Subject, facts: &Valuation| Point {
            subject: subject.clone(),
            at,
            facts: facts.clone(),
        };
        joint(subject.as_ref(), &verdict, point)
    }

    /// Whether some path and some instant may be in both; their conditions aren't asked.
    pub(crate) fn may_meet(&self, a: &Domain, b: &Domain) -> bool {
        !self.places().answer(a.place, b.place).is_no()
            && (Arc::ptr_eq(&a.window, &b.window) || a.window.meets(&b.window))
    }

    /// Whether the paths and instants of `small` plainly lie in those of `big`; their conditions aren't asked.
    pub(crate) fn surely_around(&self, small: &Domain, big: &Domain) -> bool {
        let scopes =
            small.place == big.place || scope::plainly_included(&self.selectors(small), &self.selectors(big));
        scopes && (small.window_id == big.window_id || small.window.is_subset_of(&big.window))
    }

    /// The selectors of a limit's domain, sorted, as its policies have them.
    pub(crate) fn selectors_of(&self, limit: &'a Limit) -> Vec<&'a ScopeSelector> {
        let mut selectors = scopes(limit, self.policies);
        selectors.sort_unstable();
        selectors.dedup();
        selectors
    }

    /// The selectors of a domain.
    pub fn selectors(&self, domain: &Domain) -> Vec<&ScopeSelector> {
        self.ground.places.selectors(domain.place)
    }

    fn common_subject(&self, domains: &[&Domain]) -> Answer<Subject> {
        if let [a, b] = domains {
            return self.ground.places.answer(a.place, b.place).map(Clone::clone);
        }
        let selectors: BTreeSet<_> = domains.iter().flat_map(|domain| self.selectors(domain)).collect();
        scope::find(&selectors.into_iter().collect::<Vec<_>>(), &[], &self.conditions.memo.strings)
    }

    fn common_instant(&self, domains: &[&Domain]) -> Option<i64> {
        let start = self.policies.settings.horizon.0;
        match domains {
            [] => self.windows().horizon().first_from(start),
            [one] => one.window.first_from(start),
            [a, b] => self.first_instant(a, b),
            [first, rest @ ..] => {
                let common = |window: Intervals, domain: &&Domain| window.intersection(&domain.window);
                rest.iter().fold((*first.window).clone(), common).first_from(start)
            }
        }
    }

    /// The first instant from the beginning of the horizon on at which both domains are active, else the first before.
    pub(crate) fn first_instant(&self, a: &Domain, b: &Domain) -> Option<i64> {
        let start = self.policies.settings.horizon.0;
        let always = |domain: &Domain| Arc::ptr_eq(&domain.window, self.windows().horizon());
        if a.window_id == b.window_id || always(b) {
            return a.window.first_from(start);
        }
        if always(a) {
            return b.window.first_from(start);
        }
        let key = (a.window_id.min(b.window_id), a.window_id.max(b.window_id));
        if let Some(known) = self.ground.firsts.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return *known;
        }
        let first = a.window.first_common(&b.window, start);
        self.ground.firsts.write().unwrap_or_else(PoisonError::into_inner).insert(key, first);
        first
    }

    /// Whether `small`, which is not empty, lies in `big`.
    pub fn included(&self, small: &Domain, big: &Domain, parts: Parts) -> Finding<()> {
        if parts == Parts::All
            && !Arc::ptr_eq(&small.window, &big.window)
            && !small.window.is_subset_of(&big.window)
        {
            return Finding::by_algebra(Answer::No);
        }
        let (inner, outer) = (self.selectors(small), self.selectors(big));
        let scopes = if small.place == big.place {
            Answer::Yes(())
        } else {
            scope::included(&inner, &outer, &self.conditions.memo.strings)
        };
        if scopes.is_no() {
            return Finding::by_algebra(Answer::No);
        }
        let premises: Vec<&Prepared> = small.conditions.iter().map(Arc::as_ref).collect();
        let conclusions: Vec<&Prepared> = big.conditions.iter().map(Arc::as_ref).collect();
        let follows = self.conditions.implies(&premises, &conclusions);
        let answer = if follows.answer.is_yes() { scopes } else { follows.answer };
        Finding { answer, by_solver: follows.by_solver, opaque: follows.opaque }
    }
}

/// What domains have in common, made of a subject, unless it is unknown, and of what their conditions admit.
pub(crate) fn joint<'f, W>(
    subject: Option<&'f Subject>,
    verdict: &'f Verdict,
    made: impl FnOnce(&'f Subject, &'f Valuation) -> W,
) -> Finding<W> {
    let answer = match (&verdict.answer, subject) {
        (Answer::No, _) => Answer::No,
        (Answer::Yes(facts), Some(subject)) => Answer::Yes(made(subject, facts)),
        _ => Answer::Undecided,
    };
    Finding { answer, by_solver: verdict.by_solver, opaque: verdict.opaque.clone() }
}

/// An engine for whoever comes: what is found holds for those whom the workspace doesn't know, too.
fn engine(mut policies: Policies) -> Result<Engine, String> {
    (policies.settings.agents, policies.settings.providers) = (None, None);
    Engine::new(Arc::new(policies)).map_err(|error| error.to_string())
}

fn unusable(reason: &str) -> AnalyzerError {
    AnalyzerError::Witness { policies: "any policy".to_owned(), reason: reason.to_owned() }
}

/// The selectors of a limit: its own, and that of the rule to which it is confined.
fn scopes<'a>(limit: &'a Limit, policies: &'a Policies) -> Vec<&'a ScopeSelector> {
    let rule = limit.rule.as_ref().and_then(|name| policies.rules.get(name));
    [&limit.scope].into_iter().chain(rule.map(|rule| &rule.scope)).collect()
}

/// The conditions of several domains, without repetition.
pub(crate) fn conditions<'d>(domains: &[&'d Domain]) -> Vec<&'d Prepared> {
    let mut out: Vec<&Prepared> = vec![];
    for condition in domains.iter().flat_map(|domain| &*domain.conditions).map(Arc::as_ref) {
        if !out.contains(&condition) {
            out.push(condition);
        }
    }
    out
}
