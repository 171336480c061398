//! The whole analysis: from policies to one report.

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;

use ordain_ir::report::Witness;
use ordain_ir::{
    Conflict, Limit, LimitStatus, PairCounts, Policies, PolicyName, Quantity, Report, RuleStatus, RuleType,
    Usage,
};
use rayon::prelude::*;

use crate::Answer;
use crate::allowances;
use crate::conditions::Memo;
use crate::coverage;
use crate::domain::{Algebra, AnalyzerError};
use crate::empty;
use crate::evidence;
use crate::limits::{self, LimitEntry};
use crate::pairs::{Judged, Pairs};
use crate::progress::{Stage, Watch};
use crate::rules::RuleEntry;

/// How to run an analysis. Nothing here changes its answer.
#[derive(Clone, Default)]
pub struct Options<'a> {
    /// Threads; as many as there are processors if `None`.
    pub threads: Option<NonZeroUsize>,
    /// Answers to remember beyond this analysis.
    pub memo: Option<Arc<Memo>>,
    /// Called in the calling thread now and then; it stops the analysis by unwinding.
    pub interrupt: Option<&'a dyn Fn()>,
    /// Called in the calling thread whenever the analysis turns to something else, for those who wait for it.
    pub progress: Option<&'a dyn Fn(Stage)>,
}

impl fmt::Debug for Options<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let interrupt = self.interrupt.map(|_| "…");
        f.debug_struct("Options").field("threads", &self.threads).field("interrupt", &interrupt).finish()
    }
}

/// Finds every conflict between the policies, and every gap in the coverage that they require. A pure function of them: threads, memo and the solver's past
/// change how long it takes and nothing else.
///
/// # Errors
/// Only on policies that the compiler doesn't produce, without the right solver, or for a bug of ours.
pub fn analyze(policies: &Policies, options: &Options<'_>) -> Result<Report, AnalyzerError> {
    let memo = options.memo.clone().unwrap_or_default();
    let pool = pool(options)?;
    let watch = Watch::new(options.interrupt, options.progress);
    watch.enter(Stage::Domains);
    let algebra = pool.install(|| Algebra::new(policies, &memo));
    let mut judged = Judged::default();
    let mut pairs = Pairs::new(&algebra, &pool, &watch);
    judge_rules(&mut pairs, &mut judged)?;
    judge_limits(&mut pairs, &mut judged)?;
    let Judged { considered, by_solver, undecided, conflicts } = judged;
    let mut report = Report { conflicts, ..Report::default() };

    watch.enter(Stage::Contradictions);
    let accumulated = pool.install(|| empty::contradictions(&algebra))?;
    if accumulated.refused > 0 {
        return Err(AnalyzerError::Certificate(accumulated.refused));
    }
    for finding in accumulated.findings {
        let witness = joint_witness(&finding.members, &algebra)?;
        report.conflicts.push(Conflict { witness, ..finding.into_conflict(policies) });
    }
    let by_algebra = considered - by_solver - undecided;
    let unexplored_groups = accumulated.not_fully_explored;
    report.pairs = PairCounts { considered, by_algebra, by_solver, undecided, unexplored_groups };

    watch.enter(Stage::Coverage);
    report.gaps = pool.install(|| coverage::gaps(&algebra))?;
    watch.enter(Stage::Report);
    report.conflicts = pool.install(|| sorted(std::mem::take(&mut report.conflicts)));
    allowances::acknowledge(&mut report, policies);
    Ok(report)
}

fn judge_rules<'a>(pairs: &mut Pairs<'a, '_>, judged: &mut Judged) -> Result<(), AnalyzerError> {
    let algebra = pairs.algebra;
    let mut groups: BTreeMap<RuleType, Vec<RuleEntry<'a>>> = BTreeMap::new();
    for rule in algebra.policies().rules.values().filter(|rule| rule.status == RuleStatus::Active) {
        groups.entry(rule.rule_type).or_default().push(RuleEntry { rule, domain: algebra.rule(rule)? });
    }
    for group in groups.values() {
        let comparable = different_pairs(group.iter().map(|entry| entry.rule.enforcement_mode));
        pairs.judge(group, comparable, judged)?;
    }
    Ok(())
}

fn judge_limits<'a>(pairs: &mut Pairs<'a, '_>, judged: &mut Judged) -> Result<(), AnalyzerError> {
    let algebra = pairs.algebra;
    let mut groups: BTreeMap<Quantity, Vec<LimitEntry<'a>>> = BTreeMap::new();
    for limit in algebra.policies().limits.values().filter(|limit| limit.status == LimitStatus::Active) {
        let entry = LimitEntry { limit, domain: algebra.limit(limit)? };
        groups.entry(limit.quantity.clone()).or_default().push(entry);
    }
    for group in groups.values() {
        pairs.judge(group, limits::comparable_pairs(group), judged)?;
    }
    Ok(())
}

/// The threads of one analysis.
pub(crate) fn pool(options: &Options<'_>) -> Result<rayon::ThreadPool, AnalyzerError> {
    let mut pool = rayon::ThreadPoolBuilder::new();
    if let Some(threads) = options.threads {
        pool = pool.num_threads(threads.get());
    }
    pool.build().map_err(|error| AnalyzerError::Threads(error.to_string()))
}

/// A request of which all these limits speak, where there is one: limits on different parts of a whole may
/// contradict each other without meeting.
fn joint_witness(members: &[PolicyName], algebra: &Algebra<'_>) -> Result<Option<Witness>, AnalyzerError> {
    let policies = algebra.policies();
    let limits: Vec<&Limit> =
        members.iter().filter_map(|name| policies.limits.get(name)).map(|l| &**l).collect();
    let domains = limits.iter().map(|limit| algebra.limit(limit)).collect::<Result<Vec<_>, _>>()?;
    let Answer::Yes(point) = algebra.overlap(&domains.iter().collect::<Vec<_>>()).answer else {
        return Ok(None);
    };
    let request = evidence::request(point, Usage::default());
    evidence::replay_domains(members, &request, algebra)?;
    let windows = limits.iter().flat_map(|limit| evidence::windows_of_limit(limit, policies));
    Ok(Some(evidence::witness(&request, windows, policies)))
}

/// BLOCKING first, then by type, then by names.
fn sorted(conflicts: Vec<Conflict>) -> Vec<Conflict> {
    fn names(conflict: &Conflict) -> impl Iterator<Item = &PolicyName> {
        conflict.policies.iter().map(|policy| &policy.name)
    }
    // They are large, so their places are sorted, and each moves once.
    let mut order: Vec<usize> = (0..conflicts.len()).collect();
    order.par_sort_unstable_by(|a, b| {
        let kind = |it: &Conflict| (std::cmp::Reverse(it.severity), it.conflict_type);
        let (a, b) = (&conflicts[*a], &conflicts[*b]);
        kind(a).cmp(&kind(b)).then_with(|| names(a).cmp(names(b))).then_with(|| a.id.cmp(&b.id))
    });
    let mut conflicts: Vec<Option<Conflict>> = conflicts.into_iter().map(Some).collect();
    order.into_iter().filter_map(|at| conflicts[at].take()).collect()
}

/// How many pairs of the list differ.
fn different_pairs<T: Ord>(values: impl Iterator<Item = T>) -> u64 {
    let mut counts: BTreeMap<T, u64> = BTreeMap::new();
    for value in values {
        *counts.entry(value).or_default() += 1;
    }
    let total: u64 = counts.values().sum();
    let squares: u64 = counts.values().map(|n| n * n).sum();
    (total * total - squares) / 2
}
