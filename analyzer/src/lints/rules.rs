//! Rules that never speak, and rules without which their concerns say the same.

mod beside;
mod everywhere;
mod questions;

use std::collections::BTreeSet;

use ordain_ir::{Clause, EnforcementMode, PolicyName, codes};

use self::beside::{Beside, Open};
use self::everywhere::Everywhere;
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
#[derive(Clone, Copy, PartialEq, Eq)]
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

pub(super) fn lints(
    context: &Context<'_, '_>,
    runner: &Runner<'_>,
    void: &BTreeSet<PolicyName>,
) -> Result<Vec<Lint>, AnalyzerError> {
    let numbers: Vec<usize> = (0..context.rules.entries.len())
        .filter(|at| !void.contains(&context.rules.entries[*at].rule.name))
        .collect();
    let search = Search { context, defaults: context.algebra.conditions.defaults() };
    let alone = runner.each(&numbers, |rule| search.found(*rule))?;
    // All that is called redundant can go at once: those that come later by name go first.
    let mut gone: BTreeSet<usize> = BTreeSet::new();
    let mut kept = vec![];
    for found in alone.into_iter().rev() {
        runner.check();
        let again = match found.kind {
            Kind::Redundant if search.meets_any(found.rule, &gone) => {
                let involved = search.involved(found.rule, &gone);
                let beside = Beside::new(&search, found.rule, &involved);
                search.proved(&beside, Kind::Redundant)?
            }
            _ => Some(found.others),
        };
        if let Some(others) = again {
            if found.kind == Kind::Redundant {
                gone.insert(found.rule);
            }
            kept.push(search.lint(&Found { others, ..found }));
        }
    }
    Ok(kept)
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
