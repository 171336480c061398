//! Lints: policies that are not in conflict with others, but idle, needless, or other than their author can have
//! meant. Each one is proved, and what is not decided is left unsaid.
//!
//! | lint | module | by |
//! | --- | --- | --- |
//! | a condition that is never true, or always; a window that is empty or has passed | `domains` | the parts of one domain |
//! | a rule that never speaks, or whose concern says the same without it | `rules` | conjunctions of conditions, in the cells that the others cut out |
//! | a limit whose breaches are all breaches of others; one that can't be reached | `limits`, `reach` | inclusion; cells; what runs and shorter periods admit |
//! | an `overrides` between policies that never meet | `overriding` | disjointness |
//!
//! Where several fit one policy, the first of these is said.

mod diagnostics;
mod domains;
mod known;
mod limits;
mod overriding;
mod reach;
mod rules;

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use ordain_ir::{Clause, Code, LimitStatus, Policies, PolicyName, PolicyRef, RuleStatus};
use rayon::prelude::*;
use rustc_hash::FxHashMap;

pub use self::diagnostics::{lint_diagnostics, lint_diagnostics_beside};
use self::known::Touched;
pub(crate) use self::known::{Known, News};

use crate::analysis::{Options, pool};
use crate::decisions::RuleBook;
use crate::domain::{Algebra, AnalyzerError, Domain};
use crate::limits::LimitEntry;
use crate::overrides::Overrides;
use crate::places::PlaceId;
use crate::rules::RuleEntry;
use crate::session::Changes;

/// Something about one policy that is proved and probably not meant.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lint {
    /// Whom it is about.
    pub policy: PolicyRef,
    /// What it is.
    pub code: Code,
    /// Where it is to be told.
    pub clause: Clause,
    /// The policies on which it rests, sorted.
    pub others: Vec<PolicyRef>,
    /// What is wrong: one lower-case phrase with the user's words in backticks.
    pub message: String,
    /// What to do.
    pub help: String,
    /// Whether taking the clause out changes no decision.
    pub removable: bool,
}

/// Finds every lint, sorted by policy. `now` is the instant at which windows have passed; without one, none has. A
/// pure function of the policies and the instant, as [`analyze`](crate::analyze) is.
///
/// # Errors
/// Only on policies that the compiler doesn't produce, without the right solver, or for a bug of ours.
pub fn lint(
    policies: &Policies,
    options: &Options<'_>,
    now: Option<Timestamp>,
) -> Result<Vec<Lint>, AnalyzerError> {
    let memo = options.memo.clone().unwrap_or_default();
    let pool = pool(options)?;
    let algebra = pool.install(|| Algebra::new(policies, &memo));
    let runner = Runner::new(&pool, options);
    let (found, _) = lint_beside(&algebra, &Changes::everything(policies), &Known::default(), &runner, now)?;
    Ok(found.into_iter().map(Arc::unwrap_or_clone).collect())
}

/// The same beside what is known of policies that have not changed, and what is known now.
pub(crate) fn lint_beside(
    algebra: &Algebra<'_>,
    changes: &Changes,
    known: &Known,
    runner: &Runner<'_>,
    now: Option<Timestamp>,
) -> Result<(Vec<Arc<Lint>>, News), AnalyzerError> {
    let policies = algebra.policies();
    let overrides = Overrides::new(policies);
    let context = Context::new(algebra, &overrides, (changes, known))?;
    let touched = Touched::by(changes, known, &context);
    let mut news = News::of(&context, changes);
    let (mut found, void) = domains::lints(&context, runner, (changes, known), now, &mut news)?;
    found.extend(rules::lints(&context, runner, &void, (&touched, known), &mut news)?);
    found.extend(limits::lints(&context, runner, &void, (&touched, known), &mut news)?);
    runner.check();
    found.extend(runner.pool.install(|| overriding::lints(&context)).into_iter().map(Arc::new));
    found.sort();
    Ok((found, news))
}

/// Everything that lints ask.
pub(super) struct Context<'a, 'm> {
    policies: &'a Policies,
    algebra: &'m Algebra<'a>,
    overrides: &'m Overrides<'a>,
    rules: RuleBook<'a>,
    /// The active limits, by name.
    limits: Vec<LimitEntry<'a>>,
    limits_at: FxHashMap<PlaceId, Vec<usize>>,
    needed: BTreeSet<&'a PolicyName>,
}

impl<'a, 'm> Context<'a, 'm> {
    fn new(
        algebra: &'m Algebra<'a>,
        overrides: &'m Overrides<'a>,
        (changes, known): (&Changes, &Known),
    ) -> Result<Self, AnalyzerError> {
        let policies = algebra.policies();
        let active = policies.rules.values().filter(|rule| rule.status == RuleStatus::Active);
        let rules = active.map(|rule| match known.domain(&rule.name, changes) {
            Some(domain) => Ok(RuleEntry { rule, policy: rule.reference(), domain }),
            None => RuleEntry::new(rule, algebra),
        });
        let rules = RuleBook::with(rules.collect::<Result<_, AnalyzerError>>()?, overrides);
        let active = policies.limits.values().filter(|limit| limit.status == LimitStatus::Active);
        let limits = active.map(|limit| match known.domain(&limit.name, changes) {
            Some(domain) => Ok(LimitEntry { limit, policy: limit.reference(), domain }),
            None => LimitEntry::new(limit, algebra),
        });
        let limits = limits.collect::<Result<Vec<_>, AnalyzerError>>()?;
        let mut limits_at: FxHashMap<PlaceId, Vec<usize>> = FxHashMap::default();
        for (at, entry) in limits.iter().enumerate() {
            limits_at.entry(entry.domain.place).or_default().push(at);
        }
        let needed = needed(policies);
        Ok(Self { policies, algebra, overrides, rules, limits, limits_at, needed })
    }

    /// The number of an active limit.
    fn limit(&self, name: &PolicyName) -> Option<usize> {
        self.limits.binary_search_by(|entry| entry.limit.name.cmp(name)).ok()
    }

    /// The limits whose paths and instants may meet a domain, ascending.
    fn limits_meeting(&self, domain: &Domain) -> Vec<usize> {
        let near = self.algebra.places().near(domain.place).iter();
        let near = near.filter_map(|(place, _)| self.limits_at.get(place)).flatten().copied();
        let meets = |at: &usize| self.algebra.first_instant(domain, &self.limits[*at].domain).is_some();
        let mut found: Vec<usize> = near.filter(meets).collect();
        found.sort_unstable();
        found
    }
}

impl Context<'_, '_> {
    /// A policy's name within its package, in backticks.
    fn quoted(&self, name: &PolicyName) -> String {
        format!("`{}`", self.policies.label(name))
    }

    /// Several of them.
    fn list(&self, names: &[&PolicyName]) -> String {
        let mut names: Vec<String> = names.iter().map(|name| self.quoted(name)).collect();
        match (names.pop(), names.is_empty()) {
            (Some(last), false) => format!("{} and {last}", names.join(", ")),
            (last, _) => last.unwrap_or_default(),
        }
    }
}

/// Asks about many policies at once, and lets those who wait stop it.
pub(crate) struct Runner<'r> {
    pool: &'r rayon::ThreadPool,
    interrupt: Option<&'r dyn Fn()>,
}

impl<'r> Runner<'r> {
    pub(crate) fn new(pool: &'r rayon::ThreadPool, options: &Options<'r>) -> Self {
        Self { pool, interrupt: options.interrupt }
    }

    /// Questions between two looks at the interrupt.
    const CHUNK: usize = 64;

    /// Unwinds if nobody wants to know any more.
    pub(super) fn check(&self) {
        if let Some(interrupt) = self.interrupt {
            interrupt();
        }
    }

    /// Applies a question to many policies, answers in order.
    pub(super) fn each<T: Sync, R: Send>(
        &self,
        items: &[T],
        ask: impl Fn(&T) -> Result<Option<R>, AnalyzerError> + Sync + Send,
    ) -> Result<Vec<R>, AnalyzerError> {
        let mut all = vec![];
        for items in items.chunks(Self::CHUNK) {
            self.check();
            // `collect` into a list first: of several errors the first in order counts.
            let answers: Vec<Result<Option<R>, AnalyzerError>> =
                self.pool.install(|| items.par_iter().map(&ask).collect());
            for answer in answers {
                all.extend(answer?);
            }
        }
        Ok(all)
    }
}

/// Policies that others name, so that they can't be taken out: rules to which limits are confined, and what somebody
/// depends on.
fn needed(policies: &Policies) -> BTreeSet<&PolicyName> {
    let rules = policies.rules.values().flat_map(|rule| &rule.depends_on);
    let limits = policies.limits.values().flat_map(|limit| limit.depends_on.iter().chain(&limit.rule));
    rules.chain(limits).collect()
}

/// A limit that `warn at` adds stands where its base does, which tells all there is to tell.
fn is_warning(limit: &ordain_ir::Limit) -> bool {
    limit
        .derived
        .as_ref()
        .is_some_and(|derived| derived.template.is_none() && derived.local.rsplit('.').next() == Some("warn"))
}
