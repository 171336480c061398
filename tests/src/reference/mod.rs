//! The meaning of policies, written down a second time for clarity only.
//!
//! Follows the definition sentence by sentence, over the data types of `ordain-ir`. It shares no code with the
//! engine or the analyzer: own patterns, own wall clock, own conditions, own decision. Slow on purpose.

mod condition;
mod decide;
mod pattern;
mod period;
mod window;

use ordain_ir::{Limit, Policies, Request, Rule, ScopePattern, ScopeSelector};

pub use condition::holds;
pub use decide::{Counts, Said, Used, Verdict, counts, decide, overrides, subject};
pub use period::{period_start, rolling_seconds};
pub use window::{Clock, in_window, wall_clock};

/// Whether a scope selects a path and a provider.
pub fn selects(scope: &ScopeSelector, path: [&str; 3], provider: Option<&str>) -> bool {
    let any = |patterns: &[ScopePattern]| patterns.iter().any(|pattern| fits(pattern, path, provider));
    any(&scope.include) && !any(&scope.except)
}

fn fits(pattern: &ScopePattern, path: [&str; 3], provider: Option<&str>) -> bool {
    for (wanted, segment) in [&pattern.tenant, &pattern.project, &pattern.agent].into_iter().zip(path) {
        if let Some(glob) = wanted
            && !pattern::glob(glob, segment)
        {
            return false;
        }
    }
    match (&pattern.provider, provider) {
        (None, _) => true,
        (Some(glob), Some(name)) => pattern::glob(glob, name),
        (Some(_), None) => false,
    }
}

fn segments(request: &Request) -> [&str; 3] {
    [&request.path.tenant, &request.path.project, &request.path.agent]
}

/// Whether the request lies in the rule's domain.
pub fn in_rule(policies: &Policies, rule: &Rule, request: &Request) -> bool {
    selects(&rule.scope, segments(request), request.provider.as_deref())
        && in_window(&rule.window, request.at.as_second(), &wall_clock)
        && holds(&rule.condition, &policies.facts, &request.facts)
}

/// Whether the request lies in the limit's domain, which is within that of the rule that it names.
pub fn in_limit(policies: &Policies, limit: &Limit, request: &Request) -> bool {
    selects(&limit.scope, segments(request), request.provider.as_deref())
        && in_window(&limit.window, request.at.as_second(), &wall_clock)
        && holds(&limit.condition, &policies.facts, &request.facts)
        && limit.rule.as_ref().is_none_or(|rule| in_rule(policies, &policies.rules[rule], request))
}
