//! The conflicts between policies, decided exactly, with evidence.
//!
//! [`analyze`] is a pure function of [`Policies`](ordain_ir::Policies). A pair of policies goes through ever
//! more costly questions, and most are answered early:
//!
//! | question | module | by |
//! | --- | --- | --- |
//! | can the two conflict at all? | `rules`, `limits`, `overrides` | attributes |
//! | do their scopes meet? | `places`, [`scope`] | the segments that they name, then classes of segments |
//! | do their windows meet? | [`window`] | interval sets between offset transitions |
//! | do their conditions meet? | [`boxes`], `sums`, [`sets`], [`strings`] | boxes; corners of sums; combinations of elements; products of automata |
//! | … where sums pull against each other or too many cases are involved | [`solver`] | Z3, within a resource bound |
//! | can a set of limits on what accumulates hold at all? | [`empty`] | exact linear programs |
//! | which policies are idle or needless? | `lints` | the same algebra, over the cells that others cut out |
//! | what do two versions decide differently? | `diff` | the same, with both versions side by side |
//! | is all covered that must be? | `coverage` | the same algebra, over the cells that rules cut out |
//!
//! Scope, window and condition share no variable, so a [`domain`] is empty exactly if one of the three is. A
//! positive answer carries a witness, which the engine must confirm before it is reported.

mod allowances;
mod analysis;
mod answer;
mod bits;
pub mod boxes;
mod cache;
mod calendar;
mod cells;
pub mod conditions;
mod conflict;
mod coverage;
mod decisions;
mod diagnostics;
mod diff;
pub mod domain;
pub mod empty;
mod evidence;
mod limits;
mod lints;
mod overrides;
mod pairs;
mod places;
mod progress;
mod rules;
pub mod scope;
mod session;
pub mod sets;
pub mod solver;
pub mod strings;
mod sums;
mod valuation;
mod verify;
pub mod window;
mod words;

pub use allowances::{Places, Ruling, ruling, ruling_beside};
pub use analysis::{Options, analyze};
pub use answer::Answer;
pub use cache::{Cache, CacheError};
pub use conditions::Memo;
pub use diagnostics::{
    conflict_diagnostic, conflict_diagnostics, gap_diagnostic, gap_diagnostics, repair_fix, witness_in_words,
};
pub use diff::{Change, Difference, Example, Kind, Shift, Shifts, diff};
pub use domain::AnalyzerError;
pub use lints::{Lint, lint, lint_diagnostics, lint_diagnostics_beside};
pub use progress::Stage;
pub use session::{Found, Involved, Session, differing};
pub use verify::{Refusal, Verified, verify};
