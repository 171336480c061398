//! Rules that never speak, and rules without which their concerns say the same.

mod beside;
mod everywhere;
mod questions;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ordain_ir::{Clause, EnforcementMode, PolicyName, codes};

use self::beside::{Beside, Open};
use self::everywhere::Everywhere;
use super::known::{Known, Last, News, Touched};
use super::{Context, Lint, Runner};
use crate::Answer;
use crate::bits::Bits;
use crate::boxes::Valuation;
use crate::domain::AnalyzerError;

/// Other rules that are compared with one; beyond, nothing is said of it.
const MAX_INVOLVED: usize = 256;
/// Others of which the fewest that suffice are told.
const MAX_TOLD: usize = 12;

/// What may be wrong with a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Others speak wherever it would.
    Shadowed,
    /// Its concern, and those of the rules that it silences, say the same without it.
    Redundant,
}

struct Found {
    rule: usize,
    kind: Kind,
    others: Vec<usize>,
}

/// What is known of a rule.
#[derive(Clone, Debug)]
pub(super) struct OfRule {
    /// Whether it could be taken out.
    may_go: bool,
    /// What is wrong with it beside all others, and those others.
    alone: Option<(Kind, Arc<[PolicyName]>)>,
    /// What is left of that beside those that can go first.
    last: Last,
}

pub(super) fn lints(
    context: &Context<'_, '_>,
    runner: &Runner<'_>,
    void: &BTreeSet<PolicyName>,
    (touched, known): (&Touched, &Known),
    news: &mut News,
) -> Result<Vec<Arc<Lint>>, AnalyzerError> {
    let name = |rule: usize| &context.rules.entries[rule].rule.name;
    let (asked, idle): (Vec<usize>, Vec<usize>) =
        (0..context.rules.entries.len()).partition(|rule| !void.contains(name(*rule)));
    let search = Search { context, defaults: context.algebra.conditions.defaults() };
    let kept = |rule: usize| {
        let known = known.rules.get(name(rule)).filter(|_| !touched.rules[rule]);
        known.filter(|known| known.may_go == search.may_go(rule))
    };
    let fresh: Vec<usize> = asked.iter().copied().filter(|rule| kept(*rule).is_none()).collect();
    let found = runner.each(&fresh, |rule| search.found(*rule))?;
    let mut found: BTreeMap<usize, Found> = found.into_iter().map(|found| (found.rule, found)).collect();

    // All that is called redundant can go at once: those that come later by name go first.
    let went = |rule: usize| known.rules.get(name(rule)).is_some_and(|known| known.last.gone);
    let mut gone: BTreeSet<usize> = BTreeSet::new();
    // Those that can go now and couldn't before, or the contrary.
    let mut moved: BTreeSet<usize> = idle.iter().copied().filter(|rule| went(*rule)).collect();
    moved.extend(fresh.iter().copied().filter(|rule| went(*rule) && !found.contains_key(rule)));
    let mut lints = vec![];
    for rule in asked.into_iter().rev() {
        let (kept, fresh) = (kept(rule), found.remove(&rule));
        let last = match (kept, fresh) {
            (Some(OfRule { alone: None, .. }), _) => continue,
            (Some(kept), _) if !search.meets_any(rule, &moved) => kept.last.clone(),
            (kept, fresh) => {
                runner.check();
                let fresh = fresh.or_else(|| Some(search.recalled(rule, kept?.alone.as_ref()?)));
                let alone = fresh.as_ref().map(|found| (found.kind, search.names(&found.others)));
                let last = fresh.map_or(Ok(Last::default()), |found| search.last(found, &gone))?;
                news.rules.push((
                    name(rule).clone(),
                    Some(OfRule { may_go: search.may_go(rule), alone, last: last.clone() }),
                ));
                last
            }
        };
        if last.gone {
            gone.insert(rule);
        }
        if last.gone != went(rule) {
            moved.insert(rule);
        }
        lints.extend(last.lint);
    }
    let known = idle.into_iter().filter(|rule| known.rules.contains_key(name(*rule)));
    news.rules.extend(known.map(|rule| (name(rule).clone(), None)));
    Ok(lints)
}

struct Search<'a, 'm, 'c> {
    context: &'c Context<'a, 'm>,
    /// What facts are where nothing else is said of them.
    defaults: Valuation,
}

impl Search<'_, '_, '_> {
    /// What is wrong with a rule beside all others.
    fn found(&self, rule: usize) -> Result<Option<Found>, AnalyzerError> {
        let involved = self.involved(rule, &BTreeSet::new());
        let beside = Beside::new(self, rule, &involved);
        for kind in [Kind::Shadowed, Kind::Redundant] {
            if (kind == Kind::Shadowed || self.may_go(rule))
                && let Some(others) = self.proved(&beside, kind)?
            {
                return Ok(Some(Found { rule, kind, others }));
            }
        }
        Ok(None)
    }

    fn names(&self, rules: &[usize]) -> Arc<[PolicyName]> {
        rules.iter().map(|at| self.context.rules.entries[*at].rule.name.clone()).collect()
    }

    /// What was found before, all of whose rules are still there.
    fn recalled(&self, rule: usize, (kind, others): &(Kind, Arc<[PolicyName]>)) -> Found {
        let others = others.iter().filter_map(|name| self.context.rules.number(name)).collect();
        Found { rule, kind: *kind, others }
    }

    /// What is left of what was found beside all others, once those have gone that go first.
    fn last(&self, found: Found, gone: &BTreeSet<usize>) -> Result<Last, AnalyzerError> {
        let Found { rule, kind, others } = found;
        let others = match kind {
            Kind::Redundant if self.meets_any(rule, gone) => {
                let involved = self.involved(rule, gone);
                self.proved(&Beside::new(self, rule, &involved), kind)?
            }
            _ => Some(others),
        };
        let lint = others.map(|others| Arc::new(self.lint(&Found { rule, kind, others })));
        Ok(Last { gone: kind == Kind::Redundant && lint.is_some(), lint })
    }

    /// The others on which it depends whether something is wrong with a rule, none of them `gone`.
    fn involved(&self, rule: usize, gone: &BTreeSet<usize>) -> Vec<usize> {
        let book = &self.context.rules;
        let domain = &book.entries[rule].domain;
        let mut involved = book.involved(&book.concerns(rule), domain, self.context.algebra);
        involved.retain(|other| *other != rule && !gone.contains(other));
        involved
    }

    fn meets_any(&self, rule: usize, others: &BTreeSet<usize>) -> bool {
        let domain = |at: usize| &self.context.rules.entries[at].domain;
        others.iter().any(|other| self.context.algebra.may_meet(domain(rule), domain(*other)))
    }

    /// A DISABLED rule says nothing by intention, and one that others name can't be taken out.
    fn may_go(&self, rule: usize) -> bool {
        let rule = self.context.rules.entries[rule].rule;
        rule.enforcement_mode != EnforcementMode::Disabled && !self.context.needed.contains(&rule.name)
    }

    /// The fewest of the involved others beside which it is proved; `None` if it isn't.
    fn proved(
        &self,
        beside: &Beside<'_, '_, '_, '_>,
        kind: Kind,
    ) -> Result<Option<Vec<usize>>, AnalyzerError> {
        let involved = beside.involved();
        if involved.is_empty() || involved.len() > MAX_INVOLVED {
            return Ok(None);
        }
        // Most often the cell of the rule's own example tells.
        let refuted = self
            .present_at_example(beside.rule(), involved)
            .is_some_and(|present| beside.may_differ(kind, Open { may: &present, must: &present }));
        beside.check()?;
        if refuted {
            return Ok(None);
        }
        let everywhere = Everywhere::new(beside, kind);
        let mut told = Bits::new(involved.len(), |_| true);
        if !everywhere.holds(&told)? {
            return Ok(None);
        }
        if involved.len() <= MAX_TOLD {
            for at in 0..involved.len() {
                let fewer = told.and(&Bits::new(involved.len(), |other| other != at));
                if everywhere.holds(&fewer)? {
                    told = fewer;
                }
            }
        }
        Ok(Some((0..involved.len()).filter(|at| told.contains(*at)).map(|at| involved[at]).collect()))
    }

    /// Which of the involved rules may be present where the rule's own example lies.
    fn present_at_example(&self, rule: usize, involved: &[usize]) -> Option<Vec<usize>> {
        let entries = &self.context.rules.entries;
        let Answer::Yes(point) = self.context.algebra.overlap(&[&entries[rule].domain]).answer else {
            return None;
        };
        let is_there = |other: &usize| {
            let other = &entries[*other];
            other.rule.scope.contains(&point.subject.path, point.subject.provider.as_deref())
                && other.domain.window.contains(point.at)
        };
        Some(involved.iter().copied().filter(is_there).collect())
    }

    fn lint(&self, found: &Found) -> Lint {
        let book = &self.context.rules;
        let rule = book.entries[found.rule].rule;
        let names: Vec<&PolicyName> =
            found.others.iter().map(|other| &book.entries[*other].rule.name).collect();
        let name = self.context.quoted(&rule.name);
        let who =
            if names.len() > 3 { format!("{} other rules", names.len()) } else { self.context.list(&names) };
        let (code, message, help) = match found.kind {
            Kind::Shadowed => (
                codes::SHADOWED,
                format!("{name} never speaks: {who} take{} its place wherever it would", s(&names)),
                "take it out, raise its priority, or narrow the others",
            ),
            Kind::Redundant if self.is_twin(found) => (
                codes::REDUNDANT,
                format!("{name} says the same as {who} about the same requests"),
                "take one of both out",
            ),
            Kind::Redundant => (
                codes::REDUNDANT,
                format!("{name} changes no decision: {who} decide{} the same without it", s(&names)),
                "take it out, or let it ask for something else",
            ),
        };
        let (policy, help) = (rule.reference(), help.to_owned());
        let others = found.others.iter().map(|other| book.entries[*other].rule.reference()).collect();
        Lint { policy, code, clause: Clause::Name, others, message, help, removable: false }
    }

    /// Whether the rule and the only other one are the same but for their names.
    fn is_twin(&self, found: &Found) -> bool {
        let [other] = &*found.others else { return false };
        let (a, b) = (&self.context.rules.entries[found.rule].rule, &self.context.rules.entries[*other].rule);
        (a.enforcement_mode, a.priority, a.rule_type, &a.scope, &a.window, &a.condition)
            == (b.enforcement_mode, b.priority, b.rule_type, &b.scope, &b.window, &b.condition)
    }
}

/// `takes`, `take`.
fn s(names: &[&PolicyName]) -> &'static str {
    if names.len() == 1 { "s" } else { "" }
}
