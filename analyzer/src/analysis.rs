//! The whole analysis: from policies to one report.

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;

use ordain_ir::report::Witness;
use ordain_ir::{
    Conflict, Limit, LimitStatus, PairCounts, Policies, PolicyId, PolicyName, Quantity, Report, Rule,
    RuleStatus, RuleType, Usage,
};
use rayon::prelude::*;
use rustc_hash::FxHashMap;

use crate::Answer;
use crate::allowances::Acknowledgements;
use crate::conditions::Memo;
use crate::coverage;
use crate::domain::{Algebra, AnalyzerError, Ground};
use crate::empty;
use crate::evidence;
use crate::limits::{self, LimitEntry};
use crate::overrides::Overrides;
use crate::pairs::{Group, Judged, Pairs};
use crate::progress::{Stage, Watch};
use crate::rules::RuleEntry;
use crate::session::{Changes, Known};
use crate::window::Intervals;

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
    let mut ground = Ground::new(policies);
    let changes = Changes::everything(policies);
    pool.install(|| changes.add_to(&mut ground, policies, &memo));
    let algebra = Algebra::on(Arc::new(ground), policies, &memo);
    let news = News::gather(&algebra, &changes, &Known::default(), &pool, &watch)?;
    watch.enter(Stage::Report);
    let pairs = news.counts(&[]);
    let News { judged, contradictions, covered, .. } = news;
    let mut conflicts = judged.conflicts;
    conflicts.extend(contradictions.joint.values().map(|(_, conflict)| Arc::clone(conflict)));
    let acknowledgements = Acknowledgements::of(policies);
    let conflicts = pool.install(|| {
        let conflicts = sorted(conflicts, policies).into_par_iter();
        let marked =
            |conflict: Arc<Conflict>| acknowledgements.acknowledged(&conflict).map_or(conflict, Arc::new);
        conflicts.map(marked).collect()
    });
    Ok(Report { conflicts, pairs, gaps: covered.into_values().filter_map(|it| it.gap).collect() })
}

/// What one analysis finds about what has changed, and what it knows of all policies.
pub(crate) struct News {
    /// Pairs with a changed policy.
    pub(crate) judged: Judged,
    /// Comparable pairs of which none overrides the other, of each kind with a changed policy.
    pub(crate) considered: BTreeMap<Kind, u64>,
    pub(crate) contradictions: Arc<Contradictions>,
    /// By obligation.
    pub(crate) covered: BTreeMap<ordain_ir::Obligation, coverage::Covered>,
}

/// Sets of limits that can't all hold.
#[derive(Debug, Default)]
pub(crate) struct Contradictions {
    /// By their members, with what was found before it was told.
    pub(crate) joint: BTreeMap<Vec<PolicyName>, (empty::Finding, Arc<Conflict>)>,
    searched: empty::Searched,
    pub(crate) unexplored_groups: u64,
}

/// What policies have in common that can be compared.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Rules(RuleType),
    Limits(Quantity),
}

impl Kind {
    pub(crate) fn of_rule(rule: &Rule) -> Self {
        Self::Rules(rule.rule_type)
    }

    pub(crate) fn of_limit(limit: &Limit) -> Self {
        Self::Limits(limit.quantity.clone())
    }
}

impl News {
    /// Looks at what has changed beside what is known of the rest.
    pub(crate) fn gather(
        algebra: &Algebra<'_>,
        changes: &Changes,
        known: &Known,
        pool: &rayon::ThreadPool,
        watch: &Watch<'_>,
    ) -> Result<Self, AnalyzerError> {
        let policies = algebra.policies();
        let overrides = Overrides::new(policies);
        if changes.is_everything() {
            algebra.engine()?;
        }
        let mut judged = Judged::default();
        let mut considered = BTreeMap::new();
        let mut pairs = Pairs::new(algebra, &overrides, pool, watch);
        for (kind, group) in pool.install(|| rules(algebra, changes))? {
            pairs.judge(&group, &mut judged)?;
            let modes = group.entries.iter().map(|entry| entry.rule.enforcement_mode);
            considered.insert(kind, different_pairs(modes) - Pairs::related(&group.entries, &overrides));
        }
        for (kind, group) in pool.install(|| limits(algebra, changes))? {
            pairs.judge(&group, &mut judged)?;
            let comparable = limits::comparable_pairs(&group.entries);
            considered.insert(kind, comparable - Pairs::related(&group.entries, &overrides));
        }
        drop(pairs);

        watch.enter(Stage::Contradictions);
        let contradictions = if changes.concern_limits() {
            Arc::new(pool.install(|| Contradictions::find(algebra, changes, &known.contradictions))?)
        } else {
            Arc::clone(&known.contradictions)
        };

        watch.enter(Stage::Coverage);
        let covered = pool.install(|| coverage::covered(algebra, |it| known.of(it, changes)))?;
        Ok(Self { judged, considered, contradictions, covered })
    }

    /// The counts of a report, with those pairs that are known to be hard beside what was judged now; all kinds must
    /// have been looked at.
    pub(crate) fn counts(&self, known: &[crate::pairs::Hard]) -> PairCounts {
        let hard = known.iter().chain(&self.judged.hard);
        counts(self.considered.values().sum(), hard, self.contradictions.unexplored_groups)
    }
}

impl Contradictions {
    /// Looks for those that changes can have to do with; the others are known. Works in the current thread pool.
    fn find(algebra: &Algebra<'_>, changes: &Changes, known: &Self) -> Result<Self, AnalyzerError> {
        let concern = |name: &PolicyName| changes.concern(name);
        let (accumulated, searched) = empty::contradictions_beside(algebra, &known.searched, &concern)?;
        if accumulated.refused > 0 {
            return Err(AnalyzerError::Certificate(accumulated.refused));
        }
        let conflict = |finding: empty::Finding| {
            let key = finding.members.clone();
            let same = known.joint.get(&key).filter(|(old, _)| *old == finding);
            if let Some(same) = same.filter(|_| !key.iter().any(concern)) {
                return Ok((key, same.clone()));
            }
            let witness = joint_witness(&finding, algebra)?;
            let conflict = Conflict { witness, ..finding.clone().into_conflict(algebra.policies()) };
            Ok((key, (finding, Arc::new(conflict))))
        };
        // Of several errors the first counts.
        let joint: Vec<Result<_, AnalyzerError>> =
            accumulated.findings.into_par_iter().map(conflict).collect();
        let joint = joint.into_iter().collect::<Result<_, _>>()?;
        Ok(Self { joint, searched, unexplored_groups: accumulated.not_fully_explored })
    }
}

/// The counts of a report.
pub(crate) fn counts<'h>(
    considered: u64,
    hard: impl Iterator<Item = &'h crate::pairs::Hard>,
    unexplored_groups: u64,
) -> PairCounts {
    let (mut by_solver, mut undecided) = (0, 0);
    for pair in hard {
        *if pair.undecided { &mut undecided } else { &mut by_solver } += 1;
    }
    let by_algebra = considered - by_solver - undecided;
    PairCounts { considered, by_algebra, by_solver, undecided, unexplored_groups }
}

/// The active rules of each kind with a changed one, now or before.
fn rules<'a>(
    algebra: &Algebra<'a>,
    changes: &Changes,
) -> Result<BTreeMap<Kind, Group<RuleEntry<'a>>>, AnalyzerError> {
    let mut groups = changes.groups(|kind| matches!(kind, Kind::Rules(_)));
    let wanted = |rule: &Rule| rule.status == RuleStatus::Active && groups.contains_key(&Kind::of_rule(rule));
    let wanted: Vec<&Rule> =
        algebra.policies().rules.values().map(Arc::as_ref).filter(|rule| wanted(rule)).collect();
    let entries: Vec<_> = wanted.into_par_iter().map(|rule| RuleEntry::new(rule, algebra)).collect();
    for entry in entries {
        let entry = entry?;
        if let Some(group) = groups.get_mut(&Kind::of_rule(entry.rule)) {
            group.fresh.push(changes.concern(&entry.rule.name));
            group.entries.push(entry);
        }
    }
    Ok(groups)
}

/// Likewise of limits.
fn limits<'a>(
    algebra: &Algebra<'a>,
    changes: &Changes,
) -> Result<BTreeMap<Kind, Group<LimitEntry<'a>>>, AnalyzerError> {
    let mut groups = changes.groups(|kind| matches!(kind, Kind::Limits(_)));
    let wanted =
        |limit: &Limit| limit.status == LimitStatus::Active && groups.contains_key(&Kind::of_limit(limit));
    let wanted: Vec<&Limit> =
        algebra.policies().limits.values().map(Arc::as_ref).filter(|limit| wanted(limit)).collect();
    let entries: Vec<_> = wanted.into_par_iter().map(|limit| LimitEntry::new(limit, algebra)).collect();
    for entry in entries {
        let entry = entry?;
        if let Some(group) = groups.get_mut(&Kind::of_limit(entry.limit)) {
            group.fresh.push(changes.concern(&entry.limit.name));
            group.entries.push(entry);
        }
    }
    Ok(groups)
}

/// The threads of one analysis.
pub(crate) fn pool(options: &Options<'_>) -> Result<rayon::ThreadPool, AnalyzerError> {
    let mut pool = rayon::ThreadPoolBuilder::new();
    if let Some(threads) = options.threads {
        pool = pool.num_threads(threads.get());
    }
    pool.build().map_err(|error| AnalyzerError::Threads(error.to_string()))
}

/// A request of which all these limits speak, where there is one, in a period of which the proof does if there is: limits
/// on different parts of a whole may contradict each other without meeting.
fn joint_witness(finding: &empty::Finding, algebra: &Algebra<'_>) -> Result<Option<Witness>, AnalyzerError> {
    let (policies, members) = (algebra.policies(), &finding.members);
    let limits: Vec<&Limit> =
        members.iter().filter_map(|name| policies.limits.get(name)).map(|l| &**l).collect();
    let domains = limits.iter().map(|limit| algebra.limit(limit)).collect::<Result<Vec<_>, _>>()?;
    let Answer::Yes(mut point) = algebra.overlap(&domains.iter().collect::<Vec<_>>()).answer else {
        return Ok(None);
    };
    let windows = domains.iter().map(|domain| &domain.window);
    let instant = |(start, end): &(i64, i64)| {
        let all = Intervals::new(vec![(*start, *end)]);
        let open = windows.clone().fold(all, |open, window| open.intersection(window));
        open.parts().first().map(|(first, _)| *first)
    };
    point.at = finding.periods.iter().find_map(instant).unwrap_or(point.at);
    let request = evidence::request(point, Usage::default());
    evidence::replay_domains(members, &request, &*algebra.engine_of(members)?)?;
    Ok(Some(evidence::witness_of_limits(&limits, &request, policies)))
}

/// In the [`order`] of a report. Names are compared once for each policy instead of for each conflict.
fn sorted(conflicts: Vec<Arc<Conflict>>, policies: &Policies) -> Vec<Arc<Conflict>> {
    let mut names: Vec<&PolicyName> = policies.rules.keys().chain(policies.limits.keys()).collect();
    names.sort_unstable();
    let rank: FxHashMap<PolicyId, usize> =
        names.into_par_iter().enumerate().map(|(rank, name)| (PolicyId::of(name), rank)).collect();
    let key = |conflict: &Conflict| {
        let mut ranks = conflict.policies.iter().map(|policy| rank.get(&policy.id).copied());
        let first = [ranks.next().flatten(), ranks.next().flatten()];
        let rest: Vec<Option<usize>> = ranks.collect();
        (std::cmp::Reverse(conflict.severity), conflict.conflict_type, first, rest)
    };
    let mut keyed: Vec<_> = conflicts.into_par_iter().map(|conflict| (key(&conflict), conflict)).collect();
    keyed.par_sort_unstable_by(|(a, x), (b, y)| a.cmp(b).then_with(|| x.id.cmp(&y.id)));
    keyed.into_iter().map(|(_, conflict)| conflict).collect()
}

/// BLOCKING first, then by type, then by names.
pub(crate) fn order(a: &Conflict, b: &Conflict) -> std::cmp::Ordering {
    fn names(conflict: &Conflict) -> impl Iterator<Item = &PolicyName> {
        conflict.policies.iter().map(|policy| &policy.name)
    }
    let kind = |it: &Conflict| (std::cmp::Reverse(it.severity), it.conflict_type);
    kind(a).cmp(&kind(b)).then_with(|| names(a).cmp(names(b))).then_with(|| a.id.cmp(&b.id))
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
