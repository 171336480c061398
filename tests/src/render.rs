//! Workspaces as text that one can read, close to the language's own.

use std::fmt::Write as _;

use ordain_ir::{Condition, Direction, ElementTest, Override, Policies, PolicyName, TextTest, Window};

/// Every declaration, clause by clause.
pub fn render(policies: &Policies) -> String {
    let mut out = String::new();
    for fact in policies.facts.values() {
        let range =
            fact.range.map(|(least, greatest)| format!(" in {least}..{greatest}")).unwrap_or_default();
        let optional = if fact.optional { " optional" } else { "" };
        let opaque = if fact.opaque { " opaque" } else { "" };
        let _ = writeln!(out, "fact {} : {}{range}{optional}{opaque}", fact.name, fact.ty);
    }
    for rule in policies.rules.values() {
        let _ = writeln!(
            out,
            "rule {} {{ type {} enforce {} scope {} priority {} status {}{} when {}{} }}",
            rule.name,
            rule.rule_type,
            rule.enforcement_mode,
            rule.scope,
            rule.priority,
            rule.status,
            window(&rule.window),
            condition(&rule.condition),
            overrides(&rule.overrides),
        );
    }
    for limit in policies.limits.values() {
        let direction = match limit.bound.direction {
            Direction::AtMost => "at most",
            Direction::AtLeast => "at least",
        };
        let rule = |rule: &PolicyName| format!(" when rule {rule}");
        let _ = writeln!(
            out,
            "limit {} {{ type {} {direction} {} enforce {} scope {} per {} status {}{} when {}{}{} }}",
            limit.name,
            limit.quantity.source(),
            limit.quantity.format(limit.bound.value),
            limit.enforcement,
            limit.scope,
            limit.partition,
            limit.status,
            window(&limit.window),
            condition(&limit.condition),
            limit.rule.as_ref().map(rule).unwrap_or_default(),
            overrides(&limit.overrides),
        );
    }
    for obligation in &policies.obligations {
        let _ = writeln!(
            out,
            "require coverage {} for {} in {}",
            obligation.rule_type,
            condition(&obligation.condition),
            obligation.scope
        );
    }
    let _ = writeln!(out, "settings {:?}", policies.settings);
    out
}

fn window(window: &Window) -> String {
    let clauses: Vec<String> = window.clauses.iter().map(|clause| format!(" active {clause}")).collect();
    clauses.concat()
}

fn overrides(overrides: &[Override]) -> String {
    let overrides: Vec<String> = overrides.iter().map(|o| format!(" overrides {}", o.policy)).collect();
    overrides.concat()
}

/// A condition, fully bracketed.
pub fn condition(condition: &Condition) -> String {
    let list = |parts: &[Condition], word: &str| {
        let parts: Vec<String> = parts.iter().map(self::condition).collect();
        format!("({})", parts.join(word))
    };
    match condition {
        Condition::True => "true".into(),
        Condition::False => "false".into(),
        Condition::Not(inner) => format!("not {}", self::condition(inner)),
        Condition::And(parts) => list(parts, " and "),
        Condition::Or(parts) => list(parts, " or "),
        Condition::Has(fact) => format!("has {fact}"),
        Condition::Fact(fact) => fact.to_string(),
        Condition::Compare { terms, op, bound } => {
            let terms: Vec<String> = terms.iter().map(|(fact, factor)| format!("{factor}*{fact}")).collect();
            format!("{} {op} {bound}", terms.join(" + "))
        }
        Condition::OneOf { fact, words } => {
            format!("{fact} in {{ {} }}", words.iter().cloned().collect::<Vec<_>>().join(", "))
        }
        Condition::Text { fact, test } => format!("{fact} {}", text(test)),
        Condition::Any { fact, test } => format!("any {fact} {}", element(test)),
    }
}

fn text(test: &TextTest) -> String {
    match test {
        TextTest::Equals(text) => format!("== {text:?}"),
        TextTest::Like(glob) => format!("like {:?}", glob.to_string()),
        TextTest::Matches(regex) => format!("matches {regex:?}"),
        TextTest::Contains(text) => format!("contains {text:?}"),
        TextTest::StartsWith(text) => format!("starts with {text:?}"),
        TextTest::EndsWith(text) => format!("ends with {text:?}"),
    }
}

fn element(test: &ElementTest) -> String {
    match test {
        ElementTest::Not(inner) => format!("not ({})", element(inner)),
        ElementTest::AnyOf(tests) => {
            format!("({})", tests.iter().map(element).collect::<Vec<_>>().join(" or "))
        }
        ElementTest::OneOf(words) => {
            format!("in {{ {} }}", words.iter().cloned().collect::<Vec<_>>().join(", "))
        }
        ElementTest::Text(test) => text(test),
        ElementTest::Compare { op, bound } => format!("{op} {bound}"),
    }
}
