//! Policies built by hand.

use std::collections::BTreeSet;
use std::sync::Arc;

use ordain_analyzer::{Options, analyze};
use ordain_ir::{
    Active, Bound, CompareOp, Condition, Conflict, DaySet, Enforcement, EnforcementMode, Fact, Glob, Limit,
    Override, Policies, PolicyName, Quantity, Recurrence, Report, Rule, RuleType, ScopePattern,
    ScopeSelector, TextTest, TimeOfDay, Type, Window,
};

/// `global`, `acme`, `acme/support`, `acme/support/mailer`, `@openai`, several with commas, `except` with ` - `.
pub(crate) fn scope(text: &str) -> ScopeSelector {
    let patterns =
        |text: &str| -> Vec<ScopePattern> { text.split(',').map(|part| pattern(part.trim())).collect() };
    let (include, except) = text.split_once(" - ").unwrap_or((text, ""));
    let except = if except.is_empty() { vec![] } else { patterns(except) };
    ScopeSelector::new(patterns(include), except)
}

fn pattern(text: &str) -> ScopePattern {
    if text == "global" {
        return ScopePattern::default();
    }
    if let Some(provider) = text.strip_prefix('@') {
        return ScopePattern { provider: Some(Glob::parse(provider).unwrap()), ..ScopePattern::default() };
    }
    let mut segments = text.split('/').map(|segment| Glob::parse(segment).unwrap());
    ScopePattern { tenant: segments.next(), project: segments.next(), agent: segments.next(), provider: None }
}

/// `mon..fri 09:00..17:00` in a zone, days by number.
pub(crate) fn daily(
    zone: &str,
    days: std::ops::RangeInclusive<u8>,
    start: (u16, u16),
    end: (u16, u16),
) -> Window {
    let time = |(hour, minute)| TimeOfDay::new(hour, minute).unwrap();
    let recurrence = Recurrence::Daily {
        days: DaySet::range(*days.start(), *days.end()),
        start: time(start),
        end: time(end),
    };
    Window::new(vec![Active { zone: zone.into(), recurrence: Some(recurrence), from: None, until: None }])
}

pub(crate) fn validity(from: Option<&str>, until: Option<&str>) -> Window {
    let seconds = |text: &str| text.parse::<jiff::Timestamp>().unwrap().as_second();
    Window::new(vec![Active {
        zone: "UTC".into(),
        recurrence: None,
        from: from.map(seconds),
        until: until.map(seconds),
    }])
}

pub(crate) fn rule(name: &str, mode: EnforcementMode) -> Rule {
    Rule::new(name, RuleType::Safety, mode)
}

pub(crate) fn limit(name: &str, quantity: &str, bound: Bound, enforcement: Enforcement) -> Limit {
    Limit::new(name, Quantity::parse(quantity, "USD").unwrap(), bound, enforcement)
}

pub(crate) fn at_most(value: i64) -> Bound {
    Bound::at_most(value)
}

pub(crate) fn at_least(value: i64) -> Bound {
    Bound::at_least(value)
}

pub(crate) fn overriding(names: &[&str]) -> Vec<Override> {
    names.iter().map(|name| Override { policy: PolicyName::from(*name), because: None }).collect()
}

pub(crate) fn fact(name: &str, ty: Type) -> Fact {
    Fact { name: name.into(), ty, range: None, optional: false, opaque: false, doc: String::new() }
}

pub(crate) fn compare(terms: &[(&str, i64)], op: CompareOp, bound: i64) -> Condition {
    let mut terms: Vec<_> = terms.iter().map(|(name, c)| ((*name).into(), *c)).collect();
    terms.sort();
    Condition::Compare { terms, op, bound }
}

pub(crate) fn text(name: &str, test: TextTest) -> Condition {
    Condition::Text { fact: name.into(), test }
}

pub(crate) fn equals(name: &str, value: &str) -> Condition {
    text(name, TextTest::Equals(value.into()))
}

pub(crate) fn one_of(name: &str, words: &[&str]) -> Condition {
    let words: BTreeSet<String> = words.iter().map(|word| (*word).to_owned()).collect();
    Condition::OneOf { fact: name.into(), words }
}

#[derive(Default)]
pub(crate) struct Build(pub(crate) Policies);

impl Build {
    pub(crate) fn rules(mut self, rules: impl IntoIterator<Item = Rule>) -> Self {
        self.0.rules.extend(rules.into_iter().map(|rule| (rule.name.clone(), Arc::new(rule))));
        self
    }

    pub(crate) fn limits(mut self, limits: impl IntoIterator<Item = Limit>) -> Self {
        self.0.limits.extend(limits.into_iter().map(|limit| (limit.name.clone(), Arc::new(limit))));
        self
    }

    pub(crate) fn facts(mut self, facts: impl IntoIterator<Item = Fact>) -> Self {
        self.0.facts.extend(facts.into_iter().map(|fact| (fact.name.clone(), fact)));
        self
    }

    pub(crate) fn report(&self) -> Report {
        analyze(&self.0, &Options::default()).unwrap()
    }

    /// The only conflict.
    pub(crate) fn conflict(&self) -> Conflict {
        let mut conflicts = self.report().conflicts;
        assert_eq!(conflicts.len(), 1, "{conflicts:#?}");
        Arc::unwrap_or_clone(conflicts.remove(0))
    }

    pub(crate) fn none(&self) {
        let report = self.report();
        assert_eq!(report.conflicts, vec![], "no conflict was expected");
    }
}
