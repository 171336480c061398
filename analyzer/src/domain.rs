//! Domains: conjunctions of scopes, windows and conditions. Those share no variable, so domains meet exactly if
//! each of the three parts does, and one includes another exactly if each part does (or the other is empty).

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, PoisonError, RwLock};

use ordain_ir::{FactName, Limit, Policies, PolicyName, Rule, ScopeSelector, Window};

use crate::Answer;
use crate::boxes::Valuation;
use crate::conditions::{Conditions, Memo, Prepared};
use crate::scope::{self, Subject};
use crate::window::{self, Intervals, UnknownZone, Windows};

/// A scope selector of the policies at hand; equal ones have one number.
pub type SelectorId = u32;

/// Of which requests a policy speaks. A limit that names a rule has that rule's parts too.
#[derive(Clone, Debug)]
pub struct Domain {
    /// All of them must select the request; sorted, without repetition.
    pub scopes: Vec<SelectorId>,
    /// The instants, within the horizon.
    pub window: Arc<Intervals>,
    /// All of them must hold.
    pub conditions: Vec<Arc<Prepared>>,
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

/// Everything that questions about the domains of one set of policies need.
#[derive(Debug)]
pub struct Algebra<'a> {
    policies: &'a Policies,
    /// Questions about conditions.
    pub conditions: Conditions<'a>,
    /// Expanded windows.
    pub windows: Windows,
    selectors: Vec<&'a ScopeSelector>,
    /// What is known of selectors' common subjects.
    common: RwLock<HashMap<Vec<SelectorId>, Answer<Subject>>>,
}

impl<'a> Algebra<'a> {
    /// The algebra over these policies' facts and horizon.
    pub fn new(policies: &'a Policies, memo: &'a Memo) -> Self {
        let rules = policies.rules.values().map(|rule| &rule.scope);
        let selectors: BTreeSet<_> =
            rules.chain(policies.limits.values().map(|limit| &limit.scope)).collect();
        Self {
            policies,
            selectors: selectors.into_iter().collect(),
            conditions: Conditions { facts: &policies.facts, bound: policies.settings.solver_bound, memo },
            windows: Windows::new(window::horizon(policies)),
            common: RwLock::default(),
        }
    }

    /// The policies.
    pub const fn policies(&self) -> &'a Policies {
        self.policies
    }

    /// The domain of a rule.
    pub fn rule(&self, rule: &'a Rule) -> Result<Domain, AnalyzerError> {
        Ok(Domain {
            scopes: vec![self.selector_id(&rule.scope)],
            window: self.window(&rule.name, &rule.window)?,
            conditions: vec![Arc::new(self.conditions.prepare(&rule.condition))],
        })
    }

    /// The domain of a limit, within that of the rule that it names.
    pub fn limit(&self, limit: &'a Limit) -> Result<Domain, AnalyzerError> {
        let own = Domain {
            scopes: vec![self.selector_id(&limit.scope)],
            window: self.window(&limit.name, &limit.window)?,
            conditions: vec![Arc::new(self.conditions.prepare(&limit.condition))],
        };
        let Some(name) = &limit.rule else { return Ok(own) };
        let rule = self
            .policies
            .rules
            .get(name)
            .ok_or_else(|| AnalyzerError::UnknownRule { limit: limit.name.clone(), rule: name.clone() })?;
        Ok(own.and(&self.rule(rule)?))
    }

    fn window(&self, policy: &PolicyName, window: &Window) -> Result<Arc<Intervals>, AnalyzerError> {
        let failed = |zone| AnalyzerError::Zone { policy: policy.clone(), zone };
        self.windows.expand(window).map_err(failed)
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
        let answer = match (&verdict.answer, subject) {
            (Answer::No, _) => Answer::No,
            (Answer::Yes(facts), Some(subject)) => Answer::Yes(Point { subject, at, facts: facts.clone() }),
            _ => Answer::Undecided,
        };
        Finding { answer, by_solver: verdict.by_solver, opaque: verdict.opaque.clone() }
    }

    fn selector_id(&self, selector: &ScopeSelector) -> SelectorId {
        let at = self.selectors.binary_search(&selector).expect("every policy's selector was collected");
        SelectorId::try_from(at).expect("fewer than 2^32 policies")
    }

    /// The selectors of a domain.
    pub fn selectors(&self, domain: &Domain) -> Vec<&'a ScopeSelector> {
        domain.scopes.iter().map(|id| self.selectors[*id as usize]).collect()
    }

    fn common_subject(&self, domains: &[&Domain]) -> Answer<Subject> {
        let mut ids: Vec<SelectorId> =
            domains.iter().flat_map(|domain| domain.scopes.iter().copied()).collect();
        ids.sort_unstable();
        ids.dedup();
        if let Some(known) = self.common.read().unwrap_or_else(PoisonError::into_inner).get(&ids) {
            return known.clone();
        }
        let selectors: Vec<_> = ids.iter().map(|id| self.selectors[*id as usize]).collect();
        let answer = scope::find(&selectors, &[], &self.conditions.memo.strings);
        self.common.write().unwrap_or_else(PoisonError::into_inner).insert(ids, answer.clone());
        answer
    }

    fn common_instant(&self, domains: &[&Domain]) -> Option<i64> {
        let start = self.policies.settings.horizon.0;
        match domains {
            [] => self.windows.horizon().first_from(start),
            [one] => one.window.first_from(start),
            [a, b] if !a.window.meets(&b.window) => None,
            [first, rest @ ..] => {
                let common = |window: Intervals, domain: &&Domain| window.intersection(&domain.window);
                rest.iter().fold((*first.window).clone(), common).first_from(start)
            }
        }
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
        let scopes = scope::included(&inner, &outer, &self.conditions.memo.strings);
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

fn conditions<'d>(domains: &[&'d Domain]) -> Vec<&'d Prepared> {
    let all = domains.iter().flat_map(|domain| &domain.conditions).map(Arc::as_ref);
    let mut out: Vec<&Prepared> = vec![];
    for condition in all.filter(|condition| !condition.is_true()) {
        if !out.contains(&condition) {
            out.push(condition);
        }
    }
    out
}

impl Domain {
    /// The requests in both.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        let window = if Arc::ptr_eq(&self.window, &other.window) {
            Arc::clone(&self.window)
        } else {
            Arc::new(self.window.intersection(&other.window))
        };
        let mut scopes = [&*self.scopes, &*other.scopes].concat();
        scopes.sort_unstable();
        scopes.dedup();
        Self { scopes, window, conditions: [&*self.conditions, &*other.conditions].concat() }
    }
}
