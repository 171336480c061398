//! The language-independent heart of Ordain: what policies, scopes, windows, conditions, quantities,
//! requests, conflicts and bundles *are*. Plain data without spans, so that two sources which differ only
//! in white space, comments or place give equal values; places live beside it, in the [`SourceMap`].
//!
//! Nothing here parses source text, calls a solver, reads a clock or does I/O.

pub mod bundle;
pub mod codes;
pub mod condition;
pub mod decimal;
pub mod diagnostic;
pub mod fact;
pub mod fix;
pub mod glob;
pub mod graph;
pub mod name;
pub mod outcome;
pub mod policy;
pub mod quantity;
pub mod report;
pub mod request;
pub mod scope;
pub mod signature;
pub mod source;
mod source_map;
pub mod test;
pub mod window;
mod wording;
pub mod zone;

pub use bundle::{Bundle, BundleError};
pub use codes::Code;
pub use condition::{CompareOp, Condition, ElementTest, TextTest};
pub use diagnostic::{Diagnostic, Label, Severity};
pub use fact::{Fact, FactName, Type, Value};
pub use glob::Glob;
pub use graph::{DependencyEdge, DependencyGraph, DependencyType};
pub use name::{PolicyId, PolicyKind, PolicyName, PolicyRef};
pub use outcome::Outcome;
pub use policy::{
    Allowance, Allowed, Derived, EnforcementMode, Fail, Limit, LimitStatus, Obligation, Override, Policies,
    Rule, RuleStatus, RuleType, Settings, Source,
};
pub use quantity::{
    Accumulation, AccumulationKind, Bound, Category, Direction, Enforcement, Meter, MeterUnit, Partition,
    Period, Quantity,
};
pub use report::{
    Acknowledgement, Certainty, Conflict, ConflictSeverity, ConflictType, Gap, PairCounts, Report,
};
pub use request::{Fault, Path, Request, Usage};
pub use scope::{Level, ScopePattern, ScopeSelector};
pub use source::{Clause, Place, PolicySource, Site, Span};
pub use source_map::{FileSources, Makers, SourceMap};
pub use test::{Expectation, TestCase};
pub use window::{Active, DaySet, Recurrence, TimeOfDay, Window};

/// Declares an enumeration with its spelling on the wire, in the audit's upper-case words. Whoever uses it names
/// `serde` among its dependencies.
#[macro_export]
macro_rules! wire_enum {
    ($(#[$meta:meta])* $vis:vis enum $name:ident { $($(#[$vmeta:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        $vis enum $name { $($(#[$vmeta])* #[serde(rename = $text)] $variant),+ }

        impl $name {
            /// Every value, in declaration order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The spelling in bundles, reports and HTTP answers.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.pad(self.as_str()) }
        }

        impl std::str::FromStr for $name {
            type Err = String;
            /// Accepts the exact wire spelling; the error lists the allowed ones.
            fn from_str(text: &str) -> Result<Self, String> {
                match text {
                    $($text => Ok(Self::$variant),)+
                    _ => Err(format!("`{text}` is not one of {}", [$($text),+].join(", "))),
                }
            }
        }
    };
}
