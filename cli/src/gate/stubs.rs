//! Active policies as source again, as far as a proposal can name them: a bundle has no source, and a proposal may
//! depend on what is active, override it, or confine a limit to it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use ordain_ir::{Direction, Limit, Meter, Policies, PolicyName, Quantity, Rule};

/// Sources that declare the active policies but those named, one file for each package, by path; and the names
/// that they declare.
pub(super) fn of(
    active: &Policies,
    but: &BTreeSet<PolicyName>,
) -> (BTreeMap<String, String>, BTreeSet<PolicyName>) {
    let (mut files, mut names) = (BTreeMap::<String, String>::new(), BTreeSet::new());
    let mut declare = |name: &PolicyName, label: &str, item: String| {
        // The library declares its own; what a template made has a name that cannot be written as a policy's.
        if but.contains(name) || name.as_str().starts_with("std.") || label.contains('.') {
            return;
        }
        let package = name.package();
        let file = files.entry(format!("active/{package}.ordain")).or_insert_with(|| match package {
            "" => String::new(),
            package => format!("package {package}\n"),
        });
        file.push_str(&item);
        names.insert(name.clone());
    };
    for rule in active.rules.values() {
        declare(&rule.name, rule.label(), of_rule(rule));
    }
    for limit in active.limits.values() {
        if let Some(item) = of_limit(limit) {
            declare(&limit.name, limit.label(), item);
        }
    }
    (files, names)
}

fn of_rule(rule: &Rule) -> String {
    let (concern, mode) = (rule.rule_type.as_str(), rule.enforcement_mode.as_str());
    format!(
        "rule {} {{ type {}  enforce {}  scope global }}\n",
        rule.name.local(),
        concern.to_ascii_lowercase(),
        mode.to_ascii_lowercase()
    )
}

/// None for limits on meters that a workspace declares: a proposal that names one declares the meter itself.
fn of_limit(limit: &Limit) -> Option<String> {
    let declared = |meter: &Meter| matches!(meter, Meter::Declared { .. });
    match &limit.quantity {
        Quantity::PerRun(meter) | Quantity::Accumulated(meter, _) if declared(meter) => return None,
        _ => {}
    }
    let direction = match limit.bound.direction {
        Direction::AtMost => "at most",
        Direction::AtLeast => "at least",
    };
    let mut item = String::new();
    let _ = writeln!(
        item,
        "limit {} {{ type {}  {direction} {}  enforce {}  scope global }}",
        limit.name.local(),
        limit.quantity.source(),
        limit.quantity.format(limit.bound.value),
        limit.enforcement.as_str().to_ascii_lowercase()
    );
    Some(item)
}
