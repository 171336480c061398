//! Two limits on the same quantity: the second table of the definition, but for contradictions of accumulated
//! quantities, which may need more than two limits.

use std::cell::OnceCell;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use num_rational::Ratio;
use ordain_ir::report::{Certificate, Contradiction, Inequality};
use ordain_ir::{Clause, Condition, ConflictType, Direction, Limit, PolicyRef};

use crate::Answer;
use crate::conflict::{Claim, Doubt, Judgement};
use crate::domain::{Algebra, AnalyzerError, Domain, Finding, Parts};
use crate::evidence::{self, Meeting, Replay};
use crate::pairs::Entry;
use crate::words::{Names, bound, enforced_bound, repair as repair_to};

/// An active limit with its domain.
pub(crate) struct LimitEntry<'a> {
    pub(crate) limit: &'a Limit,
    pub(crate) policy: PolicyRef,
    pub(crate) domain: Domain,
}

impl<'a> LimitEntry<'a> {
    pub(crate) fn new(limit: &'a Limit, algebra: &Algebra<'a>) -> Result<Self, AnalyzerError> {
        Ok(Self { limit, policy: limit.reference(), domain: algebra.limit(limit)? })
    }
}

/// Whether the two can conflict at all, before anything is computed.
fn comparable(a: &Limit, b: &Limit) -> bool {
    a.quantity == b.quantity && (a.bound.direction == b.bound.direction || can_be_empty(a, b))
}

/// How many pairs of limits on one quantity are comparable: those of one direction, and hard ceilings with the
/// hard floors above them where values are of one request.
pub(crate) fn comparable_pairs(group: &[LimitEntry<'_>]) -> u64 {
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
    let ceilings = hard(Direction::AtMost);
    let below = |floor: &i64| ceilings.partition_point(|ceiling| ceiling < floor) as u64;
    let opposite: u64 = hard(Direction::AtLeast).iter().map(below).sum();
    let same = Direction::ALL.iter().map(|d| pairs(of(*d).count() as u64)).sum::<u64>();
    same + opposite
}

/// A hard ceiling below a hard floor, on the value of one request.
fn can_be_empty(a: &Limit, b: &Limit) -> bool {
    let (ceiling, floor) = match (a.bound.direction, b.bound.direction) {
        (Direction::AtMost, Direction::AtLeast) => (a, b),
        (Direction::AtLeast, Direction::AtMost) => (b, a),
        _ => return false,
    };
    a.quantity.is_pointwise()
        && a.enforcement.is_hard()
        && b.enforcement.is_hard()
        && ceiling.bound.value < floor.bound.value
}

/// A line of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line {
    Empty,
    Divergent,
    /// The limit that can never take effect: the first or the second of the pair.
    NoEffect(usize),
    Temporal,
    Overlap,
}

/// Whether a line fits.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Fit {
    Yes,
    /// It may; why it isn't sure.
    Maybe(Doubt),
    No,
}

impl Fit {
    const fn when(holds: bool) -> Self {
        if holds { Self::Yes } else { Self::No }
    }

    fn and(self, other: impl FnOnce() -> Self) -> Self {
        match self {
            Self::No => Self::No,
            Self::Yes => other(),
            Self::Maybe(doubt) => match other() {
                Self::No => Self::No,
                _ => Self::Maybe(doubt),
            },
        }
    }

    fn or(self, other: impl FnOnce() -> Self) -> Self {
        match self {
            Self::Yes => Self::Yes,
            Self::No => other(),
            Self::Maybe(doubt) => match other() {
                Self::Yes => Self::Yes,
                _ => Self::Maybe(doubt),
            },
        }
    }

    /// One domain includes another.
    fn included(finding: &Finding<()>) -> Self {
        match finding.answer {
            Answer::Yes(()) => Self::Yes,
            Answer::No => Self::No,
            Answer::Undecided => Self::Maybe(Doubt::Undecided),
        }
    }

    /// It does not.
    fn not_included(finding: &Finding<()>) -> Self {
        match (&finding.answer, &finding.opaque) {
            (Answer::Yes(()), _) => Self::No,
            (Answer::No, None) => Self::Yes,
            (Answer::No, Some(fact)) => Self::Maybe(Doubt::Opaque(fact.clone())),
            (Answer::Undecided, _) => Self::Maybe(Doubt::Undecided),
        }
    }
}

/// Two limits, and what is known of their domains; everything is computed once, and only if it is asked for.
struct Pair<'e, 'a> {
    entries: [&'e LimitEntry<'a>; 2],
    algebra: &'e Algebra<'a>,
    /// Whether the first lies in the second, and the second in the first.
    included: [OnceCell<Finding<()>>; 2],
    /// Likewise, had they no windows.
    without_windows: [OnceCell<Finding<()>>; 2],
}

impl<'a> Pair<'_, 'a> {
    fn limits(&self) -> [&'a Limit; 2] {
        self.entries.map(|entry| entry.limit)
    }

    /// Whether `D(entries[i]) ⊆ D(entries[1 - i])`.
    fn included(&self, i: usize) -> &Finding<()> {
        self.inclusion(&self.included, i, Parts::All)
    }

    fn included_without_windows(&self, i: usize) -> &Finding<()> {
        self.inclusion(&self.without_windows, i, Parts::WithoutWindows)
    }

    fn inclusion<'c>(
        &self,
        cells: &'c [OnceCell<Finding<()>>; 2],
        i: usize,
        parts: Parts,
    ) -> &'c Finding<()> {
        cells[i].get_or_init(|| {
            self.algebra.included(&self.entries[i].domain, &self.entries[1 - i].domain, parts)
        })
    }

    fn by_solver(&self) -> bool {
        let asked = self.included.iter().chain(&self.without_windows).filter_map(OnceCell::get);
        asked.into_iter().any(|finding| finding.by_solver)
    }

    fn neither_includes(&self) -> Fit {
        Fit::not_included(self.included(0)).and(|| Fit::not_included(self.included(1)))
    }

    /// The lines that the attributes alone don't exclude, in the table's order.
    fn lines(&self) -> Vec<Line> {
        let [a, b] = self.limits();
        if a.bound.direction != b.bound.direction {
            return vec![Line::Empty];
        }
        let same_partition = a.partition == b.partition;
        let same_enforcement = a.enforcement == b.enforcement;
        let same_value = a.bound.value == b.bound.value;
        let mut out = vec![];
        if same_partition && same_enforcement && !same_value {
            out.push(Line::Divergent);
        }
        // Of two that are each other's match the later by name has no effect.
        out.extend([1, 0].into_iter().filter(|i| self.may_have_no_effect(*i)).map(Line::NoEffect));
        if same_partition && same_enforcement && !same_value {
            out.push(Line::Temporal);
        }
        if same_partition && (same_value != same_enforcement) {
            out.push(Line::Overlap);
        }
        out
    }

    /// Whether the attributes allow that limit `i` never takes effect beside the other.
    fn may_have_no_effect(&self, i: usize) -> bool {
        let (loser, winner) = (self.limits()[i], self.limits()[1 - i]);
        // A floor on what accumulates guarantees usage; a wider guarantee doesn't imply a narrower one.
        !evidence::is_guarantee(loser)
            && loser.partition.is_same_or_finer_than(winner.partition)
            && winner.bound.at_least_as_tight_as(loser.bound)
            && winner.enforcement.strictness() >= loser.enforcement.strictness()
    }

    fn fits(&self, line: Line) -> Fit {
        let [a, b] = self.limits();
        match line {
            Line::Empty => Fit::when(can_be_empty(a, b)),
            Line::Divergent => Fit::included(self.included(0)).and(|| Fit::included(self.included(1))),
            Line::NoEffect(i) => Fit::included(self.included(i)).and(|| {
                // The same limit written twice is redundant, but contradicts nothing.
                let twins =
                    a.bound == b.bound && a.enforcement == b.enforcement && a.partition == b.partition;
                if twins { Fit::not_included(self.included(1 - i)) } else { Fit::Yes }
            }),
            Line::Temporal => self.neither_includes().and(|| {
                let either = Fit::included(self.included_without_windows(0));
                either.or(|| Fit::included(self.included_without_windows(1)))
            }),
            Line::Overlap if a.bound.value == b.bound.value => Fit::Yes,
            Line::Overlap => self.neither_includes(),
        }
    }
}

impl Entry for LimitEntry<'_> {
    fn policy(&self) -> &PolicyRef {
        &self.policy
    }

    fn domain(&self) -> &Domain {
        &self.domain
    }

    fn comparable(&self, other: &Self) -> bool {
        comparable(self.limit, other.limit)
    }

    fn judge(
        &self,
        other: &Self,
        overlap: Finding<Meeting<'_>>,
        algebra: &Algebra<'_>,
        replay: &mut Replay<'_>,
    ) -> Result<Judgement, AnalyzerError> {
        judge(self, other, overlap, algebra, replay)
    }
}

/// The one conflict of two comparable limits of which none overrides the other, if there is one, by what their domains
/// have in common.
fn judge<'a>(
    a: &LimitEntry<'a>,
    b: &LimitEntry<'a>,
    overlap: Finding<Meeting<'_>>,
    algebra: &Algebra<'a>,
    replay: &mut Replay<'_>,
) -> Result<Judgement, AnalyzerError> {
    let pair = Pair {
        entries: [a, b],
        algebra,
        included: [OnceCell::new(), OnceCell::new()],
        without_windows: [OnceCell::new(), OnceCell::new()],
    };
    let lines = pair.lines();
    if lines.is_empty() {
        return Ok(Judgement::default());
    }
    let (meeting, mut doubt) = match overlap.answer {
        Answer::No => return Ok(Judgement { by_solver: overlap.by_solver, ..Judgement::default() }),
        Answer::Undecided => (None, Some(Doubt::Undecided)),
        Answer::Yes(meeting) => (Some(meeting), overlap.opaque.map(Doubt::Opaque)),
    };
    // The first line that fits or may fit: what isn't excluded is not dropped in silence.
    let line = lines.into_iter().find(|line| match pair.fits(*line) {
        Fit::No => false,
        Fit::Yes => true,
        Fit::Maybe(why) => {
            doubt = doubt.take().or(Some(why));
            true
        }
    });
    let mut out = Judgement { by_solver: overlap.by_solver || pair.by_solver(), ..Judgement::default() };
    if let Some(line) = line {
        out.undecided = doubt == Some(Doubt::Undecided);
        let both = [a.limit, b.limit];
        let witness = meeting.map(|meeting| replay.limits(both, meeting)).transpose()?;
        let mut claim = claim(line, a, b);
        claim.doubt = doubt;
        claim.witness = witness;
        out.conflict = Some(Arc::new(claim.into_conflict(&algebra.policies().settings)));
    }
    Ok(out)
}

/// The claim in words, without its doubt and its witness.
fn claim<'l>(line: Line, a: &LimitEntry<'l>, b: &LimitEntry<'l>) -> Claim {
    let mut entries = [a, b];
    entries.sort_by_key(|entry| (Reverse(entry.limit.enforcement.strictness()), &entry.limit.name));
    let pair = entries.map(|entry| entry.limit);
    let [first, second] = pair;
    let (a, b) = (a.limit, b.limit);
    let names = Names::of([a, b].map(|limit| (&limit.name, limit.label())));
    let quoted = |limit: &'l Limit| names.quoted(&limit.name);
    let quantity = a.quantity.wording();
    let (conflict_type, decisive) = match line {
        Line::Empty | Line::Divergent => (ConflictType::ThresholdContradiction, vec![Clause::Bound]),
        Line::NoEffect(_) => (ConflictType::PriorityOverride, vec![Clause::Bound, Clause::Enforce]),
        Line::Temporal => (ConflictType::TemporalConflict, vec![Clause::Active, Clause::Bound]),
        Line::Overlap if a.bound.value == b.bound.value => {
            (ConflictType::ScopeOverlap, vec![Clause::Enforce, Clause::Bound])
        }
        Line::Overlap => (ConflictType::ScopeOverlap, vec![Clause::Bound]),
    };
    let mut contradiction = None;
    let mut certificate = None;
    let mut repair = None;
    let (explanation, recommended_action) = match line {
        Line::Empty => {
            let (ceiling, floor) = if a.bound.direction == Direction::AtMost { (a, b) } else { (b, a) };
            contradiction = Some(Contradiction::Empty);
            certificate = Some(pointwise_certificate(ceiling, floor));
            let least = a.quantity.format(ceiling.bound.value);
            let description =
                format!("lower `{}` to at least {}", names.plain(&floor.name), least.trim_end());
            repair = Some(repair_to(floor, ceiling.bound.value, description));
            (
                format!(
                    "Policy {} demands {quantity} of {} while {} allows {} for the same requests: \
                     no value satisfies both",
                    quoted(floor),
                    bound(floor),
                    quoted(ceiling),
                    bound(ceiling),
                ),
                format!(
                    "Raise {} to at least {}, lower {} to at most {}, or separate their domains",
                    quoted(ceiling),
                    a.quantity.format(floor.bound.value),
                    quoted(floor),
                    a.quantity.format(ceiling.bound.value),
                ),
            )
        }
        Line::Divergent => {
            contradiction = Some(Contradiction::Divergent);
            let (tight, loose) = by_tightness(first, second);
            let description = format!("set `{}` to {}", names.plain(&loose.name), bound(tight));
            repair = Some(repair_to(loose, tight.bound.value, description));
            (
                format!(
                    "Policy {} sets {quantity} to {} while {} sets it to {} for the same requests",
                    quoted(first),
                    enforced_bound(first),
                    quoted(second),
                    enforced_bound(second),
                ),
                format!("Keep one of {} and {}, or give both the same value", quoted(first), quoted(second)),
            )
        }
        Line::NoEffect(i) => {
            let (loser, winner) = if i == 0 { (a, b) } else { (b, a) };
            (
                format!(
                    "Policy {} limits {quantity} to {} and so {}, which says {} for some of the same requests, \
                     can never take effect",
                    quoted(winner),
                    enforced_bound(winner),
                    quoted(loser),
                    enforced_bound(loser),
                ),
                format!(
                    "Remove {}, make it tighter than {}, or let it say `overrides {}` with the reason",
                    quoted(loser),
                    bound(winner),
                    names.plain(&winner.name),
                ),
            )
        }
        Line::Temporal => (
            format!(
                "Policy {} limits {quantity} to {} while {} limits it to {} where their windows overlap",
                quoted(first),
                bound(first),
                quoted(second),
                bound(second),
            ),
            "Separate the windows, or give both limits the same value".to_owned(),
        ),
        Line::Overlap if a.bound.value == b.bound.value => (
            format!(
                "Policy {} enforces {quantity} of {} with {} while {} enforces it with {} on overlapping scopes",
                quoted(first),
                bound(first),
                first.enforcement,
                quoted(second),
                second.enforcement,
            ),
            "Align enforcement or narrow scopes".to_owned(),
        ),
        Line::Overlap => (
            format!(
                "Policy {} limits {quantity} to {} while {} limits it to {} on overlapping scopes, \
                 of which none includes the other",
                quoted(first),
                bound(first),
                quoted(second),
                bound(second),
            ),
            "Give both limits the same value, or narrow one scope until the other includes it".to_owned(),
        ),
    };
    Claim {
        conflict_type,
        contradiction,
        policies: entries.map(|entry| entry.policy.clone()),
        clauses: pair.map(|limit| clauses(limit, decisive.clone())),
        explanation,
        recommended_action,
        weakens: None,
        doubt: None,
        witness: None,
        certificate,
        repair,
    }
}

fn by_tightness<'l>(a: &'l Limit, b: &'l Limit) -> (&'l Limit, &'l Limit) {
    if a.bound.at_least_as_tight_as(b.bound) { (a, b) } else { (b, a) }
}

/// The clauses of a limit that take part: the decisive ones, then what else bounds its domain.
fn clauses(limit: &Limit, decisive: Vec<Clause>) -> Vec<Clause> {
    let written = |clause: &Clause| *clause != Clause::Active || !limit.window.is_always();
    let mut out: Vec<Clause> = decisive.into_iter().filter(written).collect();
    let mut add = |clause: Clause, wanted: bool| {
        if wanted && !out.contains(&clause) {
            out.push(clause);
        }
    };
    add(Clause::Scope, true);
    add(Clause::Active, !limit.window.is_always());
    add(Clause::When, limit.condition != Condition::True || limit.rule.is_some());
    out
}

/// `v ≤ ceiling` and `-v ≤ -floor` add up to `0 ≤ ceiling - floor < 0`.
fn pointwise_certificate(ceiling: &Limit, floor: &Limit) -> Certificate {
    let quantity = &ceiling.quantity;
    let variable = quantity.to_string();
    let unit = 10_i64.pow(quantity.scale().into());
    let rational = |value: i128| Ratio::new(value, i128::from(unit)).to_string();
    let inequality = |limit: &Limit, sign: i128| Inequality {
        because: format!("`{}`: {quantity} is {}", limit.name, bound(limit)),
        policy: Some(limit.id()),
        terms: BTreeMap::from([(variable.clone(), sign.to_string())]),
        bound: rational(sign * i128::from(limit.bound.value)),
        factor: "1".to_owned(),
    };
    Certificate {
        period: "a single request".to_owned(),
        variables: BTreeMap::from([(variable.clone(), format!("the request's {quantity}"))]),
        inequalities: vec![inequality(ceiling, 1), inequality(floor, -1)],
    }
}
