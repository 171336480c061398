//! Coverage that is required and lacking: requests in the domain of an obligation, and in that of no rule which could
//! cover it.
//!
//! The covering rules' scopes cut the obligation's subjects, and their windows cut time, into finitely many cells; of
//! the subjects and instants of one cell the same rules speak. A request is uncovered exactly if in its cell the
//! obligation's condition holds and that of no rule there does. Where fewer rules speak, more is uncovered, so only
//! the cells with the fewest need be asked about.

use std::collections::BTreeMap;
use std::sync::Arc;

use ordain_engine::Engine;
use ordain_ir::{
    Certainty, Condition, EnforcementMode, FactName, Gap, Obligation, Policies, PolicyName, Rule, RuleStatus,
    RuleType, ScopeSelector, Usage, Window,
};
use rayon::prelude::*;
use rustc_hash::FxHashMap;

use crate::bits::Bits;
use crate::boxes::Valuation;
use crate::cells::{self, MAX_CELLS};
use crate::conditions::Prepared;
use crate::domain::{Algebra, AnalyzerError, Domain, Point};
use crate::scope::{self, Subject};
use crate::{Answer, evidence, solver};

/// Most sets of windows that are open together at some time.
const MAX_PARTS: usize = 1 << 16;

/// What became of an obligation.
#[derive(Clone, Debug)]
pub(crate) struct Covered {
    pub(crate) gap: Option<Gap>,
    parts: Arc<Parts>,
}

/// What is known of an obligation from before some rules have changed.
pub(crate) enum Before<'k> {
    /// None of them could cover it.
    All(&'k Covered),
    /// Only conditions of such rules have changed.
    Parts(&'k Covered),
    Nothing,
}

/// How the rules that could cover an obligation cut what is required. That depends on their scopes and windows, and on
/// whether they have conditions at all.
#[derive(Debug)]
struct Parts {
    /// The rules, by name.
    rules: Vec<PolicyName>,
    /// The cells in which the fewest of them speak and none of them always; `None` if there are too many.
    cells: Option<Vec<Cell>>,
}

/// What becomes of all obligations, beside what is known of them.
pub(crate) fn covered<'k>(
    algebra: &Algebra<'_>,
    before: impl Fn(&Obligation) -> Before<'k>,
) -> Result<BTreeMap<Obligation, Covered>, AnalyzerError> {
    let mut out = BTreeMap::new();
    let mut open: Vec<(&Obligation, Option<Arc<Parts>>)> = vec![];
    for obligation in &algebra.policies().obligations {
        match before(obligation) {
            Before::All(known) => {
                out.insert(obligation.clone(), known.clone());
            }
            Before::Parts(known) => open.push((obligation, Some(Arc::clone(&known.parts)))),
            Before::Nothing => open.push((obligation, None)),
        }
    }
    let search = |(obligation, parts): &(&Obligation, Option<Arc<Parts>>)| {
        let condition = algebra.conditions.prepare(&obligation.condition);
        let covers = match parts {
            Some(parts) => Cover::named(&parts.rules, algebra)?,
            None => Cover::meeting(obligation, algebra)?,
        };
        let mut search = Search { obligation, condition, covers, parts: None, algebra };
        let parts = parts.clone().unwrap_or_else(|| Arc::new(search.parts()));
        search.parts = Some(&parts);
        Ok(Covered { gap: search.gap()?, parts: Arc::clone(&parts) })
    };
    // `collect` into a list first: of several errors the first in order counts.
    let found: Vec<Result<Covered, AnalyzerError>> = open.par_iter().map(search).collect();
    for ((obligation, _), covered) in open.into_iter().zip(found) {
        out.insert(obligation.clone(), covered?);
    }
    Ok(out)
}

/// Whether a rule covers requests of its domain that a concern requires to be covered.
pub(crate) fn covers(rule: &Rule, concern: RuleType) -> bool {
    rule.rule_type == concern
        && rule.status == RuleStatus::Active
        && rule.enforcement_mode != EnforcementMode::Disabled
}

/// A rule that could cover an obligation.
struct Cover<'a> {
    rule: &'a Rule,
    domain: Domain,
}

impl<'a> Cover<'a> {
    fn new(rule: &'a Rule, algebra: &Algebra<'a>) -> Result<Self, AnalyzerError> {
        Ok(Self { rule, domain: algebra.rule(rule)? })
    }

    /// The covers whose scope may meet that of an obligation.
    fn meeting(obligation: &Obligation, algebra: &Algebra<'a>) -> Result<Vec<Self>, AnalyzerError> {
        let mut known: FxHashMap<&ScopeSelector, bool> = FxHashMap::default();
        let strings = &algebra.conditions.memo.strings;
        let mut meets = |rule: &Rule, scope: &'a ScopeSelector| {
            covers(rule, obligation.rule_type)
                && *known
                    .entry(scope)
                    .or_insert_with(|| !scope::find(&[&obligation.scope, scope], &[], strings).is_no())
        };
        let rules = algebra.policies().rules.values().map(Arc::as_ref);
        rules.filter(|rule| meets(rule, &rule.scope)).map(|rule| Self::new(rule, algebra)).collect()
    }

    /// These rules.
    fn named(names: &[PolicyName], algebra: &Algebra<'a>) -> Result<Vec<Self>, AnalyzerError> {
        let rules = names.iter().filter_map(|name| algebra.policies().rules.get(name));
        rules.map(|rule| Self::new(rule, algebra)).collect()
    }
}

struct Search<'a, 'm> {
    obligation: &'a Obligation,
    /// The obligation's own.
    condition: Prepared,
    /// Those whose scope may meet the obligation's.
    covers: Vec<Cover<'a>>,
    parts: Option<&'m Parts>,
    algebra: &'m Algebra<'a>,
}

/// Subjects and instants of which the same rules speak, with the canonical ones.
#[derive(Debug)]
struct Cell {
    rules: Bits,
    subject: Subject,
    at: i64,
}

/// What is known of uncovered requests.
enum Uncovered {
    None,
    /// There are some; the opaque fact that this rests on.
    Some(Point, Option<FactName>),
    /// Why it isn't known.
    Undecided(String),
}

impl<'a> Search<'a, '_> {
    fn gap(&self) -> Result<Option<Gap>, AnalyzerError> {
        let (point, uncertainty) = match self.uncovered()? {
            Uncovered::None => return Ok(None),
            Uncovered::Some(point, opaque) => (Some(point), opaque.as_ref().map(evidence::rests_on)),
            Uncovered::Undecided(why) => (None, Some(why)),
        };
        let witness = match point {
            None => None,
            Some(point) => {
                let request = evidence::request(point, Usage::default());
                self.replay(&request)?;
                let speaking = self
                    .covers
                    .iter()
                    .filter(|cover| cover.rule.scope.contains(&request.path, request.provider.as_deref()));
                let windows: Vec<&Window> = speaking.map(|cover| &cover.rule.window).collect();
                Some(evidence::witness(&request, windows, self.algebra.policies()))
            }
        };
        let certainty = if uncertainty.is_some() { Certainty::Suspected } else { Certainty::Proved };
        Ok(Some(Gap { obligation: self.obligation.clone(), certainty, witness, uncertainty }))
    }

    fn uncovered(&self) -> Result<Uncovered, AnalyzerError> {
        let Some(cells) = self.parts.and_then(|parts| parts.cells.as_deref()) else {
            return Ok(Uncovered::Undecided(
                "the scopes and windows of the rules cut what is required into more parts than are compared"
                    .to_owned(),
            ));
        };
        let mut best: Option<(Point, Option<FactName>)> = None;
        let mut undecided = false;
        for cell in cells {
            let conditions: Vec<&Prepared> =
                self.speaking(cell).flat_map(|cover| &*cover.domain.conditions).map(Arc::as_ref).collect();
            let verdict = self.algebra.conditions.find(&[&self.condition], &conditions);
            if verdict.by_solver {
                solver::check()?;
            }
            match &verdict.answer {
                Answer::No => {}
                Answer::Undecided => undecided = true,
                Answer::Yes(facts) => {
                    let better =
                        best.as_ref().is_none_or(|(_, opaque)| opaque.is_some() && verdict.opaque.is_none());
                    if better {
                        best = Some((cell.point(facts), verdict.opaque.clone()));
                    }
                }
            }
        }
        Ok(match best {
            Some((point, Some(_))) if self.independent_of_opaque(cells) => Uncovered::Some(point, None),
            Some((point, opaque)) => Uncovered::Some(point, opaque),
            None if undecided => Uncovered::Undecided(evidence::undecided(&self.algebra.policies().settings)),
            None => Uncovered::None,
        })
    }

    /// Whether, though it rests on opaque facts in each cell, some cell has an uncovered request whatever they are.
    fn independent_of_opaque(&self, cells: &[Cell]) -> bool {
        let uncovered = cells.iter().map(|cell| {
            let others = self.speaking(cell).map(|cover| cover.rule.condition.clone().negate());
            Condition::and([self.obligation.condition.clone()].into_iter().chain(others))
        });
        let anywhere = self.algebra.conditions.prepare(&Condition::or(uncovered));
        let verdict = self.algebra.conditions.find(&[&anywhere], &[]);
        verdict.answer.is_yes() && verdict.opaque.is_none()
    }

    fn speaking<'s>(&'s self, cell: &'s Cell) -> impl Iterator<Item = &'s Cover<'a>> {
        let numbered = self.covers.iter().enumerate();
        numbered.filter(|(at, _)| cell.rules.contains(*at)).map(|(_, cover)| cover)
    }

    fn parts(&self) -> Parts {
        let rules = self.covers.iter().map(|cover| cover.rule.name.clone()).collect();
        Parts { rules, cells: self.cells() }
    }

    /// The cells in which the fewest rules speak and none of them always, in canonical order; `None` if there are too
    /// many.
    fn cells(&self) -> Option<Vec<Cell>> {
        let subjects = self.subjects()?;
        let instants = self.instants(&subjects)?;
        let unconditional = Bits::new(self.covers.len(), |at| {
            self.covers[at].domain.conditions.iter().all(|condition| condition.is_true())
        });
        let pairs =
            subjects.iter().flat_map(|subject| instants.iter().map(move |instant| (subject, instant)));
        let cells =
            pairs.map(|((of_subject, subject), (of_time, at))| (of_subject.and(of_time), (subject, *at)));
        let cells = least(cells.filter(|(rules, _)| !rules.meets(&unconditional)))?;
        let cell =
            |(rules, (subject, at)): (Bits, (&Subject, i64))| Cell { rules, subject: subject.clone(), at };
        Some(cells.into_iter().map(cell).collect())
    }

    /// The obligation's subjects by the rules that select them, the most readable one of each; only where the fewest
    /// do.
    fn subjects(&self) -> Option<Vec<(Bits, Subject)>> {
        least(cells::subjects(&[&self.obligation.scope], &self.domains(), self.algebra)?)
    }

    /// The horizon by the rules that are active and select one of the subjects, the first instant of each part; only
    /// where the fewest are.
    fn instants(&self, subjects: &[(Bits, Subject)]) -> Option<Vec<(Bits, i64)>> {
        let horizon = self.algebra.windows().horizon();
        let selects = |at: usize| subjects.iter().any(|(rules, _)| rules.contains(at));
        least(cells::instants(horizon, &self.domains(), selects, self.algebra, MAX_PARTS)?)
    }

    fn domains(&self) -> Vec<&Domain> {
        self.covers.iter().map(|cover| &cover.domain).collect()
    }

    /// Lets the engine confirm that the request is the obligation's and no rule's.
    fn replay(&self, request: &ordain_ir::Request) -> Result<(), AnalyzerError> {
        let fail = |reason: String| AnalyzerError::Witness {
            policies: format!("a `require coverage` in `{}`", self.obligation.package),
            reason,
        };
        let all = self.algebra.policies();
        let (facts, meters) = (all.facts.clone(), all.meters.clone());
        let mut alone = Policies { facts, meters, settings: all.settings.clone(), ..Policies::default() };
        // No policy's name: those have no blank.
        let required = PolicyName::from("require coverage");
        alone.rules.insert(required.clone(), Arc::new(self.as_rule(required.clone())));
        let alone = Engine::new(Arc::new(alone)).map_err(|error| fail(error.to_string()))?;
        let is_in = |engine: &Engine, name: &PolicyName| {
            engine.in_domain(name, request).map_err(|error| fail(error.to_string()))
        };
        if !is_in(&alone, &required)? {
            return Err(fail("the request is not one that must be covered".to_owned()));
        }
        // Of the rules of the concern, however they were found, those whose scope has the request; the engine decides
        // about the rest of their domains.
        let near = all.rules.values().filter(|rule| {
            covers(rule, self.obligation.rule_type)
                && rule.scope.contains(&request.path, request.provider.as_deref())
        });
        let near: Vec<&PolicyName> = near.map(|rule| &rule.name).collect();
        let engine = self.algebra.engine_of(near.iter().copied())?;
        for name in near {
            if is_in(&engine, name)? {
                return Err(fail(format!("`{name}` covers the request")));
            }
        }
        Ok(())
    }

    /// A rule with the obligation's domain.
    fn as_rule(&self, name: PolicyName) -> Rule {
        Rule {
            name,
            doc: String::new(),
            rule_type: self.obligation.rule_type,
            enforcement_mode: EnforcementMode::Audit,
            scope: self.obligation.scope.clone(),
            window: Window::ALWAYS,
            condition: self.obligation.condition.clone(),
            priority: 0,
            source: ordain_ir::Source::Manual,
            status: RuleStatus::Active,
            depends_on: vec![],
            overrides: vec![],
            derived: None,
        }
    }
}

/// Those that include no other of them, and of equal ones the first; `None` if there are too many.
fn least<T>(sets: impl IntoIterator<Item = (Bits, T)>) -> Option<Vec<(Bits, T)>> {
    let mut out: Vec<(Bits, T)> = vec![];
    for (set, what) in sets {
        if !out.iter().any(|(known, _)| known.is_subset_of(&set)) {
            out.retain(|(known, _)| !set.is_subset_of(known));
            out.push((set, what));
        }
        if out.len() > MAX_CELLS {
            return None;
        }
    }
    Some(out)
}

impl Cell {
    fn point(&self, facts: &Valuation) -> Point {
        Point { subject: self.subject.clone(), at: self.at, facts: facts.clone() }
    }
}
