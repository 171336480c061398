//! What lists can be narrowed by. A part that is `None` lets everything through.

use jiff::Timestamp;
use ordain_ir::{
    Category, ConflictSeverity, Enforcement, EnforcementMode, Level, LimitStatus, RuleStatus, RuleType,
    Source,
};

/// Narrows a list of rules.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RuleFilter {
    /// Only with this status.
    pub status: Option<RuleStatus>,
    /// Only with this mode.
    pub enforcement_mode: Option<EnforcementMode>,
    /// Only written at this level.
    pub scope: Option<Level>,
    /// Only of this origin.
    pub source: Option<Source>,
    /// Only of this concern.
    pub rule_type: Option<RuleType>,
    /// Only created at this instant or later.
    pub created_after: Option<Timestamp>,
    /// Only created at this instant or earlier.
    pub created_before: Option<Timestamp>,
}

/// Narrows a list of limits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LimitFilter {
    /// Only of this category.
    pub category: Option<Category>,
    /// Only with this status.
    pub status: Option<LimitStatus>,
    /// Only written at this level.
    pub scope: Option<Level>,
    /// Only with this enforcement.
    pub enforcement: Option<Enforcement>,
    /// Only of these types.
    pub limit_type: Option<LimitTypePattern>,
    /// Only created at this instant or later.
    pub created_after: Option<Timestamp>,
    /// Only created at this instant or earlier.
    pub created_before: Option<Timestamp>,
}

/// Narrows a list of conflicts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ConflictFilter {
    /// Only of this severity.
    pub severity: Option<ConflictSeverity>,
    /// Also those that somebody has acknowledged.
    pub include_resolved: bool,
}

/// `RUNS_DAILY`, or `RUNS_*` for every type that begins with `RUNS_`. No other character is special, and
/// case counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LimitTypePattern {
    /// Exactly this type.
    Exact(String),
    /// Every type that begins so.
    Prefix(String),
}

impl LimitTypePattern {
    /// Reads a pattern.
    pub fn parse(text: &str) -> Self {
        match text.strip_suffix('*') {
            Some(prefix) => Self::Prefix(prefix.to_owned()),
            None => Self::Exact(text.to_owned()),
        }
    }

    /// Whether the pattern covers this type.
    pub fn matches(&self, limit_type: &str) -> bool {
        match self {
            Self::Exact(text) => text == limit_type,
            Self::Prefix(prefix) => limit_type.starts_with(prefix.as_str()),
        }
    }

    /// The same for SQL's `LIKE … ESCAPE '\'`.
    pub fn to_like(&self) -> String {
        self.escaped(|c| matches!(c, '%' | '_' | '\\').then(|| format!("\\{c}")), '%')
    }

    /// The same for SQLite's `GLOB`, which, unlike its `LIKE`, heeds case.
    pub fn to_glob(&self) -> String {
        self.escaped(|c| matches!(c, '*' | '?' | '[').then(|| format!("[{c}]")), '*')
    }

    fn escaped(&self, escape: impl Fn(char) -> Option<String>, any: char) -> String {
        let (Self::Exact(text) | Self::Prefix(text)) = self;
        let mut out: String = text.chars().map(|c| escape(c).unwrap_or_else(|| c.to_string())).collect();
        if matches!(self, Self::Prefix(_)) {
            out.push(any);
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_star_at_the_end_is_special() {
        let runs = LimitTypePattern::parse("RUNS_*");
        assert!(runs.matches("RUNS_DAILY") && !runs.matches("RUNSXDAILY") && !runs.matches("runs_daily"));
        assert!(!LimitTypePattern::parse("*_DAILY").matches("RUNS_DAILY"));
        assert!(LimitTypePattern::parse("*").matches("COOLDOWN"));
    }

    #[test]
    fn patterns_are_escaped_for_each_dialect() {
        let odd = LimitTypePattern::parse(r"a%b_c\d*e?f[g*");
        assert_eq!(odd.to_like(), r"a\%b\_c\\d*e?f[g%");
        assert_eq!(odd.to_glob(), r"a%b_c\d[*]e[?]f[[]g*");
        assert_eq!(LimitTypePattern::parse("COOLDOWN").to_like(), "COOLDOWN");
    }
}
