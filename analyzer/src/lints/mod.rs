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
mod limits;
mod overriding;
mod reach;
mod rules;

use std::collections::BTreeSet;

use jiff::Timestamp;
use ordain_ir::{Clause, Code, Policies, PolicyName, PolicyRef};
use rayon::prelude::*;

pub use self::diagnostics::{lint_diagnostics, lint_diagnostics_beside};

use crate::analysis::{Options, pool};
use crate::decisions::RuleBook;
use crate::domain::{Algebra, AnalyzerError};
use crate::limits::LimitEntry;
use crate::overrides::Overrides;

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
    let overrides = Overrides::new(policies);
    let context = Context {
        policies,
        algebra: &algebra,
        overrides: &overrides,
        rules: RuleBook::new(&algebra, &overrides)?,
        limits: limits::active(&algebra)?,
        needed: needed(policies),
        now,
    };
    let runner = Runner { pool: &pool, interrupt: options.interrupt };
    let mut found = domains::lints(&context, &runner)?;
    let mut void: BTreeSet<PolicyName> = domains::empty(&context);
    void.extend(found.iter().filter(|lint| domains::is_void(lint)).map(|lint| lint.policy.name.clone()));
    let mut more = rules::lints(&context, &runner, &void)?;
    more.extend(limits::lints(&context, &runner, &void)?);
    runner.check();
    more.extend(pool.install(|| overriding::lints(&context)));
    found.extend(more);
    found.sort();
    Ok(found)
}

/// Everything that lints ask.
pub(super) struct Context<'a, 'm> {
    policies: &'a Policies,
    algebra: &'m Algebra<'a>,
    overrides: &'m Overrides<'a>,
    rules: RuleBook<'a>,
    limits: Vec<LimitEntry<'a>>,
    needed: BTreeSet<&'a PolicyName>,
    now: Option<Timestamp>,
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
pub(super) struct Runner<'r> {
    pool: &'r rayon::ThreadPool,
    interrupt: Option<&'r dyn Fn()>,
}

impl Runner<'_> {
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
