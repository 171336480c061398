//! Rules that never speak, and rules without which their concerns say the same.

mod beside;

use std::collections::BTreeSet;

use ordain_engine::{Engine, NoCounters};
use ordain_ir::{Clause, Condition, EnforcementMode, FactName, PolicyName, Usage, codes};

use self::beside::Beside;
use super::{Context, Lint, Runner};
use crate::bits::Bits;
use crate::cells::cells;
use crate::domain::{AnalyzerError, Domain, Point};
use crate::{Answer, boxes, evidence};

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
    let engine = context.algebra.engine()?;
    let search = Search { context, engine };
    let alone = runner.each(&numbers, |rule| search.found(*rule))?;
    // All that is called redundant can go at once: those that come later by name go first.
    let mut gone: BTreeSet<usize> = BTreeSet::new();
    let mut kept = vec![];
    for found in alone.into_iter().rev() {
        runner.check();
        let again = match found.kind {
            Kind::Redundant if search.meets_any(found.rule, &gone) => {
                search.proved(found.rule, Kind::Redundant, &search.involved(found.rule, &gone))?
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
    /// All policies: a quick way to see that a rule does speak.
    engine: &'c Engine,
}

impl Search<'_, '_, '_> {
    /// What is wrong with a rule beside all others.
    fn found(&self, rule: usize) -> Result<Option<Found>, AnalyzerError> {
        let none = BTreeSet::new();
        let kinds = [(Kind::Shadowed, true), (Kind::Redundant, self.may_go(rule))];
        let refuted = self.refuted_by_example(rule);
        let kinds = kinds.into_iter().filter(|(kind, wanted)| *wanted && !refuted.contains(kind));
        let kinds: Vec<Kind> = kinds.map(|(kind, _)| kind).collect();
        if kinds.is_empty() {
            return Ok(None);
        }
        let involved = self.involved(rule, &none);
        for kind in kinds {
            if let Some(others) = self.proved(rule, kind, &involved)? {
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

    /// What the engine's decision about the rule's own example already shows to be wrong.
    fn refuted_by_example(&self, rule: usize) -> Vec<Kind> {
        let none = vec![];
        let domain = &self.context.rules.entries[rule].domain;
        let Some(point) = self.example(domain) else { return none };
        let request = evidence::request(point, Usage::default());
        let Ok(decision) = self.engine.decide(&request, &NoCounters) else { return none };
        let mut present: Vec<usize> =
            decision.rules.iter().filter_map(|found| self.context.rules.number(&found.rule.name)).collect();
        present.sort_unstable();
        let holds = |without: Option<usize>| {
            let present = present.clone();
            move |at: usize| {
                if present.contains(&at) && without != Some(at) { Condition::True } else { Condition::False }
            }
        };
        let mut refuted = vec![];
        if self.context.rules.speaks(rule, &present, &holds(None)) == Condition::True {
            refuted.push(Kind::Shadowed);
        }
        let differs = Self::levels().any(|mode| {
            self.context.rules.concerns(rule).into_iter().any(|concern| {
                let says = |without| self.context.rules.at_least((concern, mode), &present, &holds(without));
                says(None) != says(Some(rule))
            })
        });
        if differs {
            refuted.push(Kind::Redundant);
        }
        refuted
    }

    /// The domain's canonical request, with every fact that any policy may ask for.
    fn example(&self, domain: &Domain) -> Option<Point> {
        let algebra = self.context.algebra;
        let Answer::Yes(mut point) = algebra.overlap(&[domain]).answer else { return None };
        let facts: BTreeSet<FactName> = self.context.policies.facts.keys().cloned().collect();
        boxes::complete(&mut point.facts, &facts, algebra.conditions.facts, &algebra.conditions.memo.strings);
        Some(point)
    }

    fn levels() -> impl Iterator<Item = EnforcementMode> {
        EnforcementMode::ALL.iter().copied().filter(|mode| *mode != EnforcementMode::Disabled)
    }

    /// The fewest of the involved others beside which it is proved; `None` if it isn't.
    fn proved(
        &self,
        rule: usize,
        kind: Kind,
        involved: &[usize],
    ) -> Result<Option<Vec<usize>>, AnalyzerError> {
        let book = &self.context.rules;
        let domain = &book.entries[rule].domain;
        if involved.is_empty() || involved.len() > MAX_INVOLVED {
            return Ok(None);
        }
        let beside = Beside::new(self, (rule, kind), involved);
        let open = self.open_at_example(rule, involved);
        if open.is_some_and(|open| beside.may_differ(&open)) {
            beside.check()?;
            return Ok(None);
        }
        let domains: Vec<&Domain> = involved.iter().map(|other| &book.entries[*other].domain).collect();
        let Some(cells) = cells(domain, &domains, self.context.algebra) else { return Ok(None) };
        let everything = Bits::new(involved.len(), |_| true);
        if !beside.holds(&cells, &everything)? {
            return Ok(None);
        }
        let mut told = everything;
        if involved.len() <= MAX_TOLD {
            for at in 0..involved.len() {
                let fewer = told.and(&Bits::new(involved.len(), |other| other != at));
                if beside.holds(&cells, &fewer)? {
                    told = fewer;
                }
            }
        }
        Ok(Some((0..involved.len()).filter(|at| told.contains(*at)).map(|at| involved[at]).collect()))
    }

    /// Which of the involved rules may be present where the rule's own example lies: most often that cell tells.
    fn open_at_example(&self, rule: usize, involved: &[usize]) -> Option<Bits> {
        let book = &self.context.rules;
        let domain = &book.entries[rule].domain;
        let Answer::Yes(point) = self.context.algebra.overlap(&[domain]).answer else { return None };
        Some(Bits::new(involved.len(), |at| {
            let other = &book.entries[involved[at]];
            other.rule.scope.contains(&point.subject.path, point.subject.provider.as_deref())
                && other.domain.window.contains(point.at)
        }))
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
