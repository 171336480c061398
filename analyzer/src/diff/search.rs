//! The search for a request that both sides decide differently.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ordain_engine::{DecideError, Decision, Engine, UsedByLimit};
use ordain_ir::{
    Condition, Direction, EnforcementMode, FactName, LimitStatus, Meter, Outcome, Policies, PolicyKind,
    PolicyName, Quantity, Request, RuleType, Usage,
};

use super::changes::{Changed, changes};
use super::merge::tagged;
use super::{Example, Shift, Shifts};
use crate::Answer;
use crate::bits::Bits;
use crate::cells::{self, cells};
use crate::decisions::RuleBook;
use crate::domain::{Algebra, AnalyzerError, Domain, Point};
use crate::limits::LimitEntry;
use crate::overrides::Overrides;
use crate::{boxes, evidence, solver};

/// Policies of both sides that one change is compared beside; beyond, it is undecided.
const MAX_INVOLVED: usize = 512;

/// One set of policies, as part of the merged one.
pub(super) struct Side<'a, 'm> {
    policies: &'m Policies,
    pub(super) rules: RuleBook<'a>,
    /// The active ones, by name.
    pub(super) limits: Vec<LimitEntry<'a>>,
    /// By limit: those that override it.
    pub(super) silencers: Vec<Vec<usize>>,
    engine: Engine,
}

pub(super) struct Search<'a, 'm> {
    algebra: &'m Algebra<'a>,
    pub(super) overrides: &'m Overrides<'a>,
    pub(super) sides: [Side<'a, 'm>; 2],
    /// The policies that have changed.
    pub(super) changed: Vec<PolicyName>,
}

/// What is broken while a cell is asked about: limits that count the same as `like`, by this value.
#[derive(Clone, Copy)]
pub(super) struct Scenario<'s, 'a> {
    like: &'s LimitEntry<'a>,
    value: i64,
}

/// Where a change is searched for.
pub(super) struct Place {
    condition: Condition,
    rules: [Vec<usize>; 2],
    limits: [Vec<usize>; 2],
    cells: Vec<cells::Cell>,
}

/// A cell of a place, with what is broken there.
#[derive(Clone, Copy)]
pub(super) struct Cell<'p, 's, 'a> {
    place: &'p Place,
    /// By number in the place's domains: rules of both sides, then limits of both.
    open: &'p Bits,
    scenario: Option<Scenario<'s, 'a>>,
}

impl Cell<'_, '_, '_> {
    /// The rules of a side that may be present, ascending.
    pub(super) fn rules(&self, side: usize) -> Vec<usize> {
        let lists = &self.place.rules;
        self.present(&lists[side], if side == 0 { 0 } else { lists[0].len() })
    }

    /// Likewise the limits.
    pub(super) fn limits(&self, side: usize) -> Vec<usize> {
        let (rules, lists) = (&self.place.rules, &self.place.limits);
        let before = rules[0].len() + rules[1].len();
        self.present(&lists[side], before + if side == 0 { 0 } else { lists[0].len() })
    }

    fn present(&self, list: &[usize], from: usize) -> Vec<usize> {
        (0..list.len()).filter(|at| self.open.contains(from + at)).map(|at| list[at]).collect()
    }
}

impl<'a, 'm> Search<'a, 'm> {
    pub(super) fn new(
        policies: [&'m Policies; 2],
        algebra: &'m Algebra<'a>,
        overrides: &'m Overrides<'a>,
    ) -> Result<Self, AnalyzerError> {
        let side = |side: usize| -> Result<Side<'a, 'm>, AnalyzerError> {
            let of_side = |name: &PolicyName| name.as_str().starts_with(["old ", "new "][side]);
            let rules = RuleBook::of(algebra, overrides, of_side)?;
            let limits = algebra.policies().limits.values();
            let limits = limits.filter(|limit| limit.status == LimitStatus::Active && of_side(&limit.name));
            let limits = limits.map(|limit| LimitEntry::new(limit, algebra));
            let limits = limits.collect::<Result<Vec<_>, AnalyzerError>>()?;
            let number: BTreeMap<&PolicyName, usize> =
                limits.iter().enumerate().map(|(at, entry)| (&entry.limit.name, at)).collect();
            let mut silencers = vec![vec![]; limits.len()];
            for (over, under) in overrides.pairs() {
                if let (Some(over), Some(under)) = (number.get(over), number.get(under)) {
                    silencers[*under].push(*over);
                }
            }
            // About whoever the two sides don't know notes tell.
            let mut all = policies[side].clone();
            (all.settings.agents, all.settings.providers) = (None, None);
            let engine = Engine::new(Arc::new(all));
            let engine = engine.map_err(|error| AnalyzerError::Witness {
                policies: ["the old policies", "the new policies"][side].to_owned(),
                reason: error.to_string(),
            })?;
            Ok(Side { policies: policies[side], rules, limits, silencers, engine })
        };
        let changed = changes(policies[0], policies[1]).into_iter().map(|it| it.policy.name).collect();
        Ok(Self { algebra, overrides, sides: [side(0)?, side(1)?], changed })
    }

    /// Whether some decision about the requests of a changed policy shifts in this direction.
    pub(super) fn shifts(&self, changed: &Changed, shift: Shift) -> Result<Shifts, AnalyzerError> {
        let mut open: Option<String> = None;
        for side in (0..2).filter(|side| changed.active[*side]) {
            let name = tagged(side, &changed.policy.name);
            let place = match self.place(changed.policy.kind, side, &name) {
                Ok(Some(place)) => place,
                Ok(None) => continue,
                Err(reason) => {
                    open = Some(reason);
                    continue;
                }
            };
            match self.search(changed, &place, shift)? {
                Shifts::No => {}
                Shifts::Undecided { reason } => open = Some(reason),
                found @ Shifts::Yes(_) => return Ok(found),
            }
        }
        Ok(open.map_or(Shifts::No, |reason| Shifts::Undecided { reason }))
    }

    /// The policy's domain, cut into cells by all that meet it; `None` if it is empty. The error says why it can't be.
    fn place(&self, kind: PolicyKind, side: usize, name: &PolicyName) -> Result<Option<Place>, String> {
        let own = &self.sides[side];
        let (domain, condition) = match kind {
            PolicyKind::Rule => {
                let Some(at) = own.rules.number(name) else { return Ok(None) };
                let entry = &own.rules.entries[at];
                (&entry.domain, entry.rule.condition.clone())
            }
            PolicyKind::Limit => {
                let Ok(at) = own.limits.binary_search_by(|entry| entry.limit.name.cmp(name)) else {
                    return Ok(None);
                };
                (&own.limits[at].domain, self.condition(&own.limits[at]))
            }
        };
        match self.algebra.overlap(&[domain]).answer {
            Answer::No => return Ok(None),
            Answer::Yes(_) | Answer::Undecided => {}
        }
        let meets = |other: &Domain| self.algebra.may_meet(domain, other);
        let rules = self.sides.each_ref().map(|side| -> Vec<usize> {
            let concerns = RuleType::ALL.iter().copied().collect();
            side.rules.involved(&concerns, domain, self.algebra)
        });
        let limits = self.sides.each_ref().map(|side| -> Vec<usize> {
            (0..side.limits.len()).filter(|at| meets(&side.limits[*at].domain)).collect()
        });
        let count: usize = rules.iter().chain(&limits).map(Vec::len).sum();
        if count > MAX_INVOLVED {
            return Err(format!("it meets {count} policies, more than are compared"));
        }
        let mut domains: Vec<&Domain> = vec![];
        for (side, rules) in self.sides.iter().zip(&rules) {
            domains.extend(rules.iter().map(|at| &side.rules.entries[*at].domain));
        }
        for (side, limits) in self.sides.iter().zip(&limits) {
            domains.extend(limits.iter().map(|at| &side.limits[*at].domain));
        }
        let Some(cells) = cells(domain, &domains, self.algebra) else {
            return Err("the others cut it into more parts than are compared".to_owned());
        };
        Ok(Some(Place { condition, rules, limits, cells }))
    }

    fn search(&self, changed: &Changed, place: &Place, shift: Shift) -> Result<Shifts, AnalyzerError> {
        let scenarios = self.scenarios(changed, place);
        let mut open = self.fragile(place).then(|| {
            "a limit that others can't measure along with it silences one of another type".to_owned()
        });
        for scenario in &scenarios {
            for cell in &place.cells {
                let inside = Cell { place, open: &cell.open, scenario: *scenario };
                let takes_part = self.takes_part(changed, inside);
                let condition = Condition::and([takes_part, self.difference(inside, shift)]);
                let prepared = self.algebra.conditions.prepare(&condition);
                let verdict = self.algebra.conditions.find(&[&prepared], &[]);
                if verdict.by_solver {
                    solver::check()?;
                }
                match &verdict.answer {
                    Answer::No => {}
                    Answer::Undecided => {
                        open = Some(evidence::undecided(&self.algebra.policies().settings));
                    }
                    Answer::Yes(facts) => {
                        let point =
                            Point { subject: cell.subject.clone(), at: cell.at, facts: facts.clone() };
                        match self.replayed(changed, point, *scenario, shift)? {
                            Some(example) => return Ok(Shifts::Yes(Box::new(example))),
                            None => {
                                open = Some(
                                    "it depends on what else has been used, in a way that is not shown"
                                        .to_owned(),
                                );
                            }
                        }
                    }
                }
            }
        }
        Ok(open.map_or(Shifts::No, |reason| Shifts::Undecided { reason }))
    }

    /// What to ask the cells of a change about: no limit is broken; and for a change of a limit, those that count like
    /// it, or like one that it silences, at each value around a bound.
    fn scenarios<'s>(&'s self, changed: &Changed, place: &Place) -> Vec<Option<Scenario<'s, 'a>>> {
        let mut out = vec![None];
        if changed.policy.kind == PolicyKind::Rule {
            return out;
        }
        let mut likes: Vec<&'s LimitEntry<'a>> = vec![];
        for side in 0..2 {
            let name = tagged(side, &changed.policy.name);
            let own = &self.sides[side];
            for at in &place.limits[side] {
                let silenced = own.silencers[*at].iter().any(|over| own.limits[*over].limit.name == name);
                if own.limits[*at].limit.name == name || silenced {
                    likes.push(&own.limits[*at]);
                }
            }
        }
        for like in likes {
            let mut values = BTreeSet::new();
            for (side, limits) in self.sides.iter().zip(&place.limits) {
                for at in limits.iter().filter(|at| counts_alike(like, &side.limits[**at])) {
                    // From each of these values to the next the same limits are broken.
                    let bound = side.limits[*at].limit.bound;
                    values.extend(match bound.direction {
                        Direction::AtMost => [bound.value.saturating_add(1); 2],
                        Direction::AtLeast => [0, bound.value],
                    });
                }
            }
            out.extend(
                values.into_iter().filter(|value| *value >= 0).map(|value| Some(Scenario { like, value })),
            );
        }
        out
    }

    /// Whether a silencer may go unmeasured where what it silences is measured: then not all cases are asked.
    fn fragile(&self, place: &Place) -> bool {
        self.sides.iter().zip(&place.limits).any(|(side, limits)| {
            limits.iter().any(|at| {
                side.silencers[*at].iter().any(|over| {
                    let (over, under) =
                        (&side.limits[*over].limit.quantity, &side.limits[*at].limit.quantity);
                    over != under && matches!(over, Quantity::RiskCeiling | Quantity::Cooldown)
                })
            })
        })
    }

    /// When a request of a cell is decided otherwise, in the given direction.
    fn difference(&self, cell: Cell<'_, '_, 'a>, shift: Shift) -> Condition {
        let levels = [Outcome::Audit, Outcome::Warn, Outcome::Degrade, Outcome::Queue, Outcome::Block];
        let (low, high) = match shift {
            Shift::Tightened => (0, 1),
            Shift::Loosened => (1, 0),
        };
        let shifts = levels.into_iter().map(|level| {
            let says = |side| self.at_least(side, level, cell);
            Condition::and([says(high), says(low).negate()])
        });
        Condition::and([cell.place.condition.clone(), Condition::or(shifts)])
    }

    /// When a side decides at least this, of the requests of a cell.
    fn at_least(&self, side: usize, level: Outcome, cell: Cell<'_, '_, 'a>) -> Condition {
        let mode = match level {
            Outcome::Allow | Outcome::Audit => EnforcementMode::Audit,
            Outcome::Warn => EnforcementMode::Warn,
            Outcome::Degrade | Outcome::Queue | Outcome::Block => EnforcementMode::Block,
        };
        let own = &self.sides[side];
        let rules = cell.rules(side);
        let present = |at: usize| own.rules.entries[at].rule.condition.clone();
        let by_rules =
            RuleType::ALL.iter().map(|concern| own.rules.at_least((*concern, mode), &rules, &present));
        let limits = cell.limits(side);
        let broken = limits.iter().filter(|at| {
            let limit = own.limits[**at].limit;
            Outcome::from(limit.enforcement) >= level
                && !evidence::is_guarantee(limit)
                && self.is_broken(side, **at, cell)
        });
        let by_limits = broken.map(|at| self.breaks(side, *at, cell));
        Condition::or(by_rules.chain(by_limits).collect::<Vec<_>>())
    }

    /// Whether a limit's bound is broken wherever it is present.
    pub(super) fn is_broken(&self, side: usize, at: usize, cell: Cell<'_, '_, '_>) -> bool {
        let entry = &self.sides[side].limits[at];
        cell.scenario.is_some_and(|scenario| {
            counts_alike(scenario.like, entry) && !entry.limit.bound.allows(scenario.value.into())
        })
    }

    /// Whether a limit is measured wherever it is present.
    pub(super) fn is_measured(&self, side: usize, at: usize, cell: Cell<'_, '_, '_>) -> bool {
        let quantity = &self.sides[side].limits[at].limit.quantity;
        !matches!(quantity, Quantity::RiskCeiling | Quantity::Cooldown)
            || cell.scenario.is_some_and(|scenario| scenario.like.limit.quantity == *quantity)
    }

    /// When a limit whose bound is broken is present and nothing overrides it.
    pub(super) fn breaks(&self, side: usize, at: usize, cell: Cell<'_, '_, '_>) -> Condition {
        let own = &self.sides[side];
        let limits = cell.limits(side);
        let silencers = own.silencers[at].iter();
        let silencers = silencers
            .filter(|over| limits.binary_search(over).is_ok() && self.is_measured(side, **over, cell));
        let kept = silencers.map(|over| self.condition(&own.limits[*over]).negate());
        Condition::and([self.condition(&own.limits[at])].into_iter().chain(kept))
    }

    /// The condition of a limit, with that of its rule.
    pub(super) fn condition(&self, entry: &LimitEntry<'_>) -> Condition {
        let rule = entry.limit.rule.as_ref().and_then(|name| self.algebra.policies().rules.get(name));
        let parts = [Some(&entry.limit.condition), rule.map(|rule| &rule.condition)];
        Condition::and(parts.into_iter().flatten().cloned())
    }

    /// The example at a point, if the engines of both sides agree that it is one.
    fn replayed(
        &self,
        changed: &Changed,
        mut point: Point,
        scenario: Option<Scenario<'_, 'a>>,
        shift: Shift,
    ) -> Result<Option<Example>, AnalyzerError> {
        let conditions = &self.algebra.conditions;
        let facts: BTreeSet<FactName> = conditions.facts.keys().cloned().collect();
        boxes::complete(&mut point.facts, &facts, conditions.facts, &conditions.memo.strings);
        let mut usage = Usage::default();
        let mut history: Option<(&Meter, i64)> = None;
        if let Some(Scenario { like, value }) = scenario {
            match &like.limit.quantity {
                Quantity::Accumulated(meter, _) => {
                    let own = value.min(1);
                    usage.set(&like.limit.quantity, own);
                    history = Some((meter, value - own));
                }
                quantity => usage.set(quantity, value),
            }
        }
        let mut request = evidence::request(point, usage);
        let counters = [0, 1].map(|at| UsedByLimit(counted(self.sides[at].policies, history)));
        let decide = |request: &Request| -> Result<[Decision; 2], DecideError> {
            let of = |at: usize| {
                let side = &self.sides[at];
                side.engine.decide(&of_side(request, side.policies), &counters[at])
            };
            Ok([of(0)?, of(1)?])
        };
        let outcomes = |made: &[Decision; 2]| made.each_ref().map(|decision| decision.outcome);
        let made = decide(&request).map_err(|error| AnalyzerError::Witness {
            policies: format!("the change of `{}`", changed.policy.name),
            reason: error.to_string(),
        })?;
        let (decided, because) = (outcomes(&made), self.because(&made));
        let [before, after] = decided;
        let holds = match shift {
            Shift::Tightened => before < after,
            Shift::Loosened => after < before,
        };
        if !holds || !because.contains(&changed.policy.name) {
            return Ok(None);
        }
        // Without a fact that a decision needs there is no decision, so what may be left out has no say in either.
        for fact in facts {
            let mut smaller = request.clone();
            smaller.facts.remove(&fact);
            if decide(&smaller).is_ok_and(|made| outcomes(&made) == decided && self.because(&made) == because)
            {
                request = smaller;
            }
        }
        let mut used = BTreeMap::new();
        for (side, counters) in self.sides.iter().zip(&counters) {
            used.extend(counters.0.iter().map(|(name, amount)| {
                let limit = &side.policies.limits[name];
                (name.clone(), limit.quantity.format(*amount).trim_end().to_owned())
            }));
        }
        let windows = self.windows(&changed.policy.name);
        Ok(Some(Example {
            before,
            after,
            witness: evidence::witness(&request, windows.iter(), self.algebra.policies()),
            used,
            because,
        }))
    }

    /// The windows of a policy, as it is and as it was.
    fn windows(&self, name: &PolicyName) -> Vec<ordain_ir::Window> {
        let of = |policies: &Policies| {
            let rule = policies.rules.get(name).map(|rule| rule.window.clone());
            rule.or_else(|| policies.limits.get(name).map(|limit| limit.window.clone()))
        };
        [1, 0].into_iter().filter_map(|side| of(self.sides[side].policies)).collect()
    }
}

/// What each limit on the meter has counted before the request.
fn counted(policies: &Policies, history: Option<(&Meter, i64)>) -> BTreeMap<PolicyName, i64> {
    let counted = policies.limits.values().filter_map(|limit| match (&limit.quantity, history) {
        (Quantity::Accumulated(meter, _), Some((of, amount))) if meter == of && amount > 0 => {
            Some((limit.name.clone(), amount))
        }
        _ => None,
    });
    counted.collect()
}

/// The request with the facts and meters that a side knows.
fn of_side(request: &Request, policies: &Policies) -> Request {
    let mut request = request.clone();
    request.facts.retain(|name, _| policies.facts.contains_key(name));
    request.usage.meters.retain(|name, _| policies.meters.contains_key(name));
    request
}

/// Whether two limits always have the same value: they measure the same, of the same requests.
fn counts_alike(a: &LimitEntry<'_>, b: &LimitEntry<'_>) -> bool {
    let same = a.limit.quantity == b.limit.quantity;
    same && (a.limit.quantity.is_pointwise()
        || (a.limit.partition == b.limit.partition
            && a.domain.place == b.domain.place
            && a.domain.window == b.domain.window
            && a.domain.conditions_id == b.domain.conditions_id))
}
