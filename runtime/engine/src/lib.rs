//! The decision function: what a set of policies says about one request.
//!
//! A pure function of (policies, request, counters). No I/O, no clock, no randomness, no order of declarations:
//! policies, requests and counters that are equal give decisions that are equal, byte for byte.
//!
//! # How the outcome comes about
//!
//! A policy **applies** if it is active, the request lies in its domain (scope × window × condition, and for a
//! limit the domain of the rule that it names), and no policy that applies overrides it.
//!
//! Overriding is transitive over the *declarations*: if `a` overrides `b` and `b` overrides `c`, then `a` silences
//! `c` even where `b` does not speak, and also after `b` is retired. What is silenced this way is the same whether
//! one asks for an overriding policy that applies or for one that is merely active with the request in its domain:
//! above any silenced overrider stands one that isn't.
//!
//! **Rules.** Within a concern only the rules of the highest priority speak. **Limits.** All that apply speak, and
//! those that are breached count. The outcome is the strictest of what is said:
//!
//! | outcome, mildest first | a rule that speaks says | a breached limit says |
//! | --- | --- | --- |
//! | `ALLOW` | `DISABLED`, or no rule speaks | no limit is breached |
//! | `AUDIT` | `AUDIT` | |
//! | `WARN` | `WARN` | `WARN`, `ALERT` |
//! | `DEGRADE` | | `DEGRADE` |
//! | `QUEUE` | | `QUEUE` |
//! | `BLOCK` | `BLOCK` | `BLOCK`, `REJECT` |
//!
//! # What is not known
//!
//! Conditions are evaluated in three values. A required fact that the request leaves out makes the tests that read
//! it *unknown*; `and` and `or` may still be decided by their other parts. An optional fact that is absent makes its
//! tests false. The empty set is a value like others: no element of it passes any test. A request without a risk value
//! (or without an earlier run) is not measured by limits on it; they are listed as [`Decision::unmeasured`].
//!
//! A policy whose scope and window hold and whose condition stays unknown is *undecided*. [`Engine::decide`] refuses
//! then ([`DecideError::MissingFact`]); [`Engine::enforce`] never does. There, unless the policies are set to fail
//! open, an undecided policy speaks, but silences and outranks nobody: so the outcome is at least as strict as it is
//! for any request that says the missing facts.
//!
//! # Speed
//!
//! [`Engine::decide`] is for those who want words. On a busy path keep a [`Prepared`] and an [`Answer`] for each
//! thread: [`Engine::prepare_into`] and [`Engine::answer`] use their memory again, look only at policies that may
//! speak about the path and the facts, and leave the words to [`Engine::explain`].

mod answer;
mod condition;
mod counters;
mod decide;
mod decision;
mod engine;
mod error;
mod explain;
mod index;
mod keys;
pub mod ledger;
mod overrides;
mod pattern;
pub mod period;
mod predicate;
mod prepared;
mod room;
mod schema;
mod span;
mod symbols;
mod window;
mod zones;

pub use answer::{Answer, LimitPart, Part, PolicyNumber, RulePart, UnmeasuredPart};
pub use counters::{CounterRef, Counters, NoCounters, Subject, SubjectRef, UsedByLimit, counted_as};
pub use decision::{Decision, LimitFinding, Role, RuleFinding, Unmeasured};
pub use engine::Engine;
pub use error::{ConditionError, DecideError, EngineError, Mismatch};
pub use ledger::Ledger;
pub use ordain_ir::{Fault, Outcome};
pub use predicate::Predicate;
pub use prepared::Prepared;
pub use room::Room;
pub use span::Span;
