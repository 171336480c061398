//! The whole analysis: pairs in parallel, one report.

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
use crate::candidates;
use crate::conditions::Memo;
use crate::conflict::Judgement;
use crate::coverage;
use crate::domain::{Algebra, AnalyzerError, Domain};
use crate::empty;
use crate::evidence;
use crate::limits::{self, LimitEntry};
use crate::overrides::Overrides;
use crate::rules::{self, RuleEntry};
use crate::solver;

/// Pairs that are judged between two looks at the interrupt.
const CHUNK: usize = 4_096;

/// How to run an analysis. Nothing here changes its answer.
#[derive(Clone, Default)]
pub struct Options<'a> {
    /// Threads; as many as there are processors if `None`.
    pub threads: Option<NonZeroUsize>,
    /// Answers to remember beyond this analysis.
    pub memo: Option<Arc<Memo>>,
    /// Called in the calling thread now and then; it stops the analysis by unwinding.
    pub interrupt: Option<&'a dyn Fn()>,
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
    let mut pool = rayon::ThreadPoolBuilder::new();
    if let Some(threads) = options.threads {
        pool = pool.num_threads(threads.get());
    }
    let pool = pool.build().map_err(|error| AnalyzerError::Threads(error.to_string()))?;
    let algebra = Algebra::new(policies, &memo);
    let run =
        Run { algebra: &algebra, overrides: Overrides::new(policies), pool, interrupt: options.interrupt };

    let mut report = Report::default();
    for judgements in [run.rules()?, run.limits()?] {
        report.pairs.considered += judgements.considered;
        for judgement in judgements.judged {
            report.pairs.undecided += u64::from(judgement.undecided);
            report.pairs.by_solver += u64::from(judgement.by_solver && !judgement.undecided);
            report.conflicts.extend(judgement.conflict);
        }
    }
    if let Some(interrupt) = run.interrupt {
        interrupt();
    }
    let accumulated = run.pool.install(|| empty::contradictions(&algebra))?;
    if accumulated.refused > 0 {
        return Err(AnalyzerError::Certificate(accumulated.refused));
    }
    report.pairs.unexplored_groups = accumulated.not_fully_explored;
    for finding in accumulated.findings {
        let witness = joint_witness(&finding.members, &algebra)?;
        report.conflicts.push(Conflict { witness, ..finding.into_conflict(policies) });
    }
    let PairCounts { considered, by_solver, undecided, .. } = report.pairs;
    report.pairs.by_algebra = considered - by_solver - undecided;
    sort(&mut report.conflicts);
    allowances::acknowledge(&mut report, policies);
    if let Some(interrupt) = run.interrupt {
        interrupt();
    }
    report.gaps = run.pool.install(|| coverage::gaps(&algebra))?;
    Ok(report)
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
    let request = evidence::request(&point, Usage::default());
    evidence::replay_domains(members, &request, policies)?;
    let windows = limits.iter().flat_map(|limit| evidence::windows_of_limit(limit, policies));
    Ok(Some(evidence::witness(&request, windows, policies)))
}

/// BLOCKING first, then by type, then by names.
fn sort(conflicts: &mut [Conflict]) {
    let names = |conflict: &Conflict| -> Vec<PolicyName> {
        conflict.policies.iter().map(|policy| policy.name.clone()).collect()
    };
    conflicts.sort_by_cached_key(|conflict| {
        (std::cmp::Reverse(conflict.severity), conflict.conflict_type, names(conflict), conflict.id.clone())
    });
}

/// What became of the pairs of one kind.
struct Judgements {
    considered: u64,
    /// Of the pairs that could meet; all others were decided by looking at their scopes' tenants.
    judged: Vec<Judgement>,
}

struct Run<'a, 'm> {
    algebra: &'m Algebra<'a>,
    overrides: Overrides<'a>,
    pool: rayon::ThreadPool,
    interrupt: Option<&'m dyn Fn()>,
}

impl<'a> Run<'a, '_> {
    fn rules(&self) -> Result<Judgements, AnalyzerError> {
        let mut groups: BTreeMap<RuleType, Vec<RuleEntry<'a>>> = BTreeMap::new();
        let active = self.algebra.policies().rules.values().filter(|rule| rule.status == RuleStatus::Active);
        for rule in active {
            let entry = RuleEntry { rule, domain: self.algebra.rule(rule)? };
            groups.entry(rule.rule_type).or_default().push(entry);
        }
        self.groups(
            groups.values(),
            |entry| (&entry.rule.name, &entry.domain),
            |a, b| rules::comparable(a.rule, b.rule),
            |a, b| rules::judge(a, b, self.algebra),
            |group| different_pairs(group.iter().map(|entry| entry.rule.enforcement_mode)),
        )
    }

    fn limits(&self) -> Result<Judgements, AnalyzerError> {
        let mut groups: BTreeMap<Quantity, Vec<LimitEntry<'a>>> = BTreeMap::new();
        let active =
            self.algebra.policies().limits.values().filter(|limit| limit.status == LimitStatus::Active);
        for limit in active {
            let entry = LimitEntry { limit, domain: self.algebra.limit(limit)? };
            groups.entry(limit.quantity.clone()).or_default().push(entry);
        }
        self.groups(
            groups.values(),
            |entry| (&entry.limit.name, &entry.domain),
            |a, b| limits::comparable(a.limit, b.limit),
            |a, b| limits::judge(a, b, self.algebra),
            |group| limit_pairs(group),
        )
    }

    /// Judges the comparable pairs of each group that can meet.
    fn groups<'g, E: Sync + 'g>(
        &self,
        groups: impl Iterator<Item = &'g Vec<E>>,
        parts: impl Fn(&'g E) -> (&'g PolicyName, &'g Domain),
        comparable: impl Fn(&E, &E) -> bool + Sync,
        judge: impl Fn(&E, &E) -> Result<Judgement, AnalyzerError> + Sync,
        comparable_pairs: impl Fn(&[E]) -> u64,
    ) -> Result<Judgements, AnalyzerError> {
        let mut out = Judgements { considered: 0, judged: vec![] };
        for group in groups {
            out.considered += comparable_pairs(group);
            let place: BTreeMap<&PolicyName, usize> =
                group.iter().enumerate().map(|(i, entry)| (parts(entry).0, i)).collect();
            let related = self.overrides.pairs().filter(|(over, under)| {
                let both = place.get(over).zip(place.get(under));
                both.is_some_and(|(i, j)| comparable(&group[*i], &group[*j]))
            });
            out.considered -= related.count() as u64;
            let selectors: Vec<_> = group.iter().map(|e| self.algebra.selectors(parts(e).1)).collect();
            let mut chunk: Vec<(usize, usize)> = vec![];
            for (i, row) in candidates::rows(&selectors).into_iter().enumerate() {
                chunk.extend(
                    row.into_iter()
                        .filter(|j| comparable(&group[i], &group[*j]))
                        .map(|j| (i, j))
                        .filter(|(i, j)| !self.overrides.relate(parts(&group[*i]).0, parts(&group[*j]).0)),
                );
                if chunk.len() >= CHUNK {
                    self.judge_all(&std::mem::take(&mut chunk), group, &judge, &mut out.judged)?;
                }
            }
            self.judge_all(&chunk, group, &judge, &mut out.judged)?;
        }
        Ok(out)
    }

    fn judge_all<E: Sync>(
        &self,
        pairs: &[(usize, usize)],
        group: &[E],
        judge: &(impl Fn(&E, &E) -> Result<Judgement, AnalyzerError> + Sync),
        into: &mut Vec<Judgement>,
    ) -> Result<(), AnalyzerError> {
        for chunk in pairs.chunks(CHUNK) {
            if let Some(interrupt) = self.interrupt {
                interrupt();
            }
            // `collect` keeps the order, and of several errors the first by it would be a race: take all.
            let judged: Vec<Result<Judgement, AnalyzerError>> =
                self.pool.install(|| chunk.par_iter().map(|(i, j)| judge(&group[*i], &group[*j])).collect());
            for judgement in judged {
                let judgement = judgement?;
                if judgement.by_solver {
                    solver::check()?;
                }
                if judgement.conflict.is_some() || judgement.by_solver {
                    into.push(judgement);
                }
            }
        }
        Ok(())
    }
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

/// How many pairs of limits on one quantity are comparable: those of one direction, and hard ceilings with the
/// hard floors above them where values are of one request.
fn limit_pairs(group: &[LimitEntry<'_>]) -> u64 {
    let of = |direction| group.iter().filter(move |entry| entry.limit.bound.direction == direction);
    let pairs = |n: u64| n * n.saturating_sub(1) / 2;
    let hard = |direction| {
        let mut values: Vec<i64> = of(direction)
            .filter(|entry| entry.limit.enforcement.is_hard() && entry.limit.quantity.is_pointwise())
            .map(|entry| entry.limit.bound.value)
            .collect();
        values.sort_unstable();
        values
    };
    let ceilings = hard(ordain_ir::Direction::AtMost);
    let below = |floor: &i64| ceilings.partition_point(|ceiling| ceiling < floor) as u64;
    let opposite: u64 = hard(ordain_ir::Direction::AtLeast).iter().map(below).sum();
    let same = ordain_ir::Direction::ALL.iter().map(|d| pairs(of(*d).count() as u64)).sum::<u64>();
    same + opposite
}
