//! The registry of diagnostic codes: `ORD` and four digits, never reused.
//!
//! 01xx syntax, 02xx names, types and units, 03xx conflicts, 04xx lints, 05xx limits, 06xx scopes and
//! windows, 07xx bundles, 08xx workspace, 09xx suppressions.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

/// A diagnostic code.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Code(Cow<'static, str>);

impl Code {
    /// The code as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

macro_rules! codes {
    ($($name:ident = $code:literal, $title:literal;)+) => {
        $(#[doc = $title] pub const $name: Code = Code(Cow::Borrowed($code));)+

        /// Every code with its title, in order.
        pub const ALL: &[(Code, &str)] = &[$(($name, $title)),+];
    };
}

codes! {
    SYNTAX = "ORD0101", "this is not the language's syntax";
    UNCLOSED = "ORD0102", "a bracket or a quotation mark is not closed";
    TOO_DEEP = "ORD0103", "brackets are nested too deeply";
    NOT_UTF8 = "ORD0104", "the file is not valid UTF-8";
    DUPLICATE_CLAUSE = "ORD0105", "a clause stands twice";
    MISSING_CLAUSE = "ORD0106", "a clause is missing";
    UNKNOWN_CLAUSE = "ORD0107", "this clause does not belong here";
    BAD_LITERAL = "ORD0108", "a literal is malformed";
    // ORD0109 told of words that were reserved before they had a meaning.
    HIDDEN_TEXT = "ORD0110", "the text contains characters that can't be seen or that change its direction";
    CONFUSABLE = "ORD0111", "a name contains a character that looks like another";
    SINGLE_EQUALS = "ORD0112", "one `=` stands where two compare";

    UNKNOWN_NAME = "ORD0201", "a name is not declared";
    DUPLICATE_NAME = "ORD0202", "a name is declared twice";
    WRONG_KIND = "ORD0203", "a name stands for something else than is wanted here";
    TYPE_MISMATCH = "ORD0204", "types do not fit together";
    UNIT_MISMATCH = "ORD0205", "units do not fit together";
    UNGUARDED_OPTIONAL = "ORD0206", "an optional fact is read without `has`";
    OUT_OF_RANGE = "ORD0207", "a value lies outside the range of the fact";
    NONLINEAR = "ORD0208", "a product of two facts";
    OVERFLOW = "ORD0209", "a number is too large";
    DECLARATION_CYCLE = "ORD0210", "`let` declarations refer to each other in a cycle";
    BAD_PATTERN = "ORD0211", "a pattern is malformed";
    UNKNOWN_PACKAGE = "ORD0212", "a package is not known";
    OVERRIDE_CYCLE = "ORD0213", "`overrides` go round in a cycle";
    DEPENDENCY_CYCLE = "ORD0214", "`depends on` goes round in a cycle";
    UNKNOWN_WORD = "ORD0215", "a word is not one of the allowed ones";
    CONFLICTING_FACT = "ORD0216", "a fact is declared twice with different types";
    AMBIGUOUS_NAME = "ORD0217", "a name is declared in several packages";
    TOO_LARGE = "ORD0218", "a condition is too large";
    PRIVATE_NAME = "ORD0219", "a name is private to another package";
    BAD_ARGUMENT = "ORD0220", "an argument of a template is missing, unknown or given twice";
    TEMPLATE_CYCLE = "ORD0221", "templates apply each other in a cycle";
    IN_EXPANSION = "ORD0222", "a template does not fit the arguments given here";
    CONFLICTING_METER = "ORD0223", "a meter is declared twice with different units";
    BAD_TEST = "ORD0224", "a test can't be run";
    NOT_CONSTANT = "ORD0225", "a value must be known when the policies are compiled";
    CURRENCY_MISMATCH = "ORD0226", "two currencies do not fit together";
    MISSING_UNIT = "ORD0227", "a length of time lacks its unit";
    MISSING_CURRENCY = "ORD0228", "an amount of money lacks its currency";
    BAD_PERCENT = "ORD0229", "a percentage does not fit here";
    TOO_PRECISE = "ORD0230", "a number has more digits after the point than fit";
    INEXACT = "ORD0231", "a value falls between two that can be represented";
    UNQUOTED_TEXT = "ORD0232", "a text lacks its quotation marks";
    QUOTED_WORD = "ORD0233", "a word of an enumeration stands in quotation marks";
    MISSING_QUANTIFIER = "ORD0234", "a set is tested without `any` or `all`";
    NOT_A_SET = "ORD0235", "`any` or `all` tests what is no set";
    EMPTY_RANGE = "ORD0236", "a range contains no value";
    NEEDLESS_HAS = "ORD0237", "`has` asks for a fact that is always present";
    NO_ORDER = "ORD0238", "values without an order are compared by it";
    REPEATED_ENTRY = "ORD0239", "a list has an entry twice";
    METER_CLASH = "ORD0240", "two meters give limit types of the same name";

    SCOPE_OVERLAP = "ORD0301", "policies with different enforcement overlap";
    THRESHOLD_CONTRADICTION = "ORD0302", "limits contradict each other";
    TEMPORAL_CONFLICT = "ORD0303", "policies with different enforcement meet at some times";
    PRIORITY_OVERRIDE = "ORD0304", "a policy is beaten wherever it meets another";

    COVERAGE_GAP = "ORD0401", "no rule covers a request that must be covered";
    NEVER_TRUE = "ORD0402", "a condition is never true";
    ALWAYS_TRUE = "ORD0403", "a condition is always true";
    NEVER_ACTIVE = "ORD0404", "a window is empty or has passed";
    SHADOWED = "ORD0405", "a rule never speaks";
    REDUNDANT = "ORD0406", "a policy changes no decision";
    CANNOT_BIND = "ORD0407", "a limit can never be reached";
    IDLE_OVERRIDE = "ORD0408", "an `overrides` that overrides nothing";
    UNUSED = "ORD0409", "nothing uses a declaration";
    UNUSED_USE = "ORD0410", "nothing uses what a `use` brings";

    BAD_LIMIT_VALUE = "ORD0501", "a limit's value does not fit its type";
    BAD_DIRECTION = "ORD0502", "this type of limit takes the other direction";
    BAD_PARTITION = "ORD0503", "a limit cannot be counted per this subject";

    BAD_WARNING = "ORD0504", "`warn at` does not fit the limit";
    BAD_ACCUMULATION = "ORD0505", "this type does not count by these periods";

    BAD_SCOPE = "ORD0601", "a scope is malformed";
    MIXED_SCOPE = "ORD0602", "a scope mixes levels";
    UNKNOWN_ZONE = "ORD0603", "a time zone is not known";
    BAD_TIME = "ORD0604", "a time of day does not exist";
    EMPTY_WINDOW = "ORD0605", "a window contains no instant";
    BAD_DATE = "ORD0606", "a date or an instant does not exist";

    BAD_BUNDLE = "ORD0701", "a bundle cannot be read";

    BAD_WORKSPACE = "ORD0801", "the workspace file is wrong";
    UNREADABLE = "ORD0802", "a file cannot be read";
    WORKSPACE_CYCLE = "ORD0803", "workspaces depend on each other in a cycle";

    MISSING_REASON = "ORD0901", "an `allow` without a reason";
    UNUSED_ALLOW = "ORD0902", "an `allow` that allows nothing";
    EXPIRED_ALLOW = "ORD0903", "an `allow` that has run out";
    BLOCKING_ALLOWED = "ORD0904", "a BLOCKING conflict can't be allowed";
    NOT_ALLOWABLE = "ORD0905", "an error can't be allowed";
    BAD_ALLOW = "ORD0906", "an `allow` names too few or too many policies";
}

/// The title of a code.
pub fn title(code: &Code) -> Option<&'static str> {
    ALL.iter().find(|(known, _)| known == code).map(|(_, title)| *title)
}

/// Whether a code is that of a warning about one policy, which may be accepted with an `allow`.
pub fn is_lint(code: &Code) -> bool {
    code.as_str().starts_with("ORD04") || *code == HIDDEN_TEXT
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_well_formed_and_unique() {
        let mut seen: Vec<_> = ALL.iter().map(|(code, _)| code.as_str()).collect();
        assert!(seen.iter().all(|code| code.len() == 7 && code.starts_with("ORD")));
        assert!(seen.is_sorted(), "keep the registry in order");
        seen.dedup();
        assert_eq!(seen.len(), ALL.len());
    }
}
