//! What is used of limits: counters, decisions that count, and a ledger that says how each counter came about.
//!
//! Who decides says what to count only once it sees the counters, and nobody else changes them in between. So a store
//! takes a batch of [steps](CountingStep) and works through them **in one transaction**: it reads what they need, hands
//! it to [`Decide`], and writes what comes of it. Of several limits on one decision all count it or none does, and one
//! commit serves the whole batch. What happens in between is the same for every store: the [`Book`].
//!
//! An expired hold is given back by whichever step comes next, before anything else.

mod book;
mod forget;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::ops::RangeInclusive;
use std::sync::Arc;

use jiff::Timestamp;
use ordain_ir::{Meter, Outcome, PolicyName, Usage, wire_enum};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use book::{Book, Changes};
pub use forget::{Cut, Forget, Progress};

/// Which counter: of what a limit counts, for one subject, under one instant. The order matters: what a [`CounterRange`]
/// takes in stands together.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CounterKey {
    /// The limit.
    pub limit: PolicyName,
    /// What is counted, and how it adds up, spelled so that different quantities read differently. So a limit that is
    /// edited to count something else begins anew.
    pub quantity: String,
    /// Whose it is, spelled so that different subjects read differently; without U+0000.
    pub subject: String,
    /// Where the calendar period begins, or the part of a rolling one; the month of what is concurrent. To the second.
    pub period_start: Timestamp,
}

/// Some of the counters of what a limit counts for one subject: those from one instant to another, both included.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CounterRange {
    /// As of [`CounterKey::limit`].
    pub limit: PolicyName,
    /// As of [`CounterKey::quantity`].
    pub quantity: String,
    /// As of [`CounterKey::subject`].
    pub subject: String,
    /// The first instant.
    pub from: Timestamp,
    /// The last one.
    pub to: Timestamp,
}

impl From<CounterKey> for CounterRange {
    /// The one counter.
    fn from(key: CounterKey) -> Self {
        let CounterKey { limit, quantity, subject, period_start } = key;
        Self { limit, quantity, subject, from: period_start, to: period_start }
    }
}

impl CounterRange {
    /// The first and the last key that it may take in.
    fn ends(&self) -> RangeInclusive<CounterKey> {
        let end = |period_start| CounterKey {
            limit: self.limit.clone(),
            quantity: self.quantity.clone(),
            subject: self.subject.clone(),
            period_start,
        };
        end(self.from)..=end(self.to)
    }

    /// Takes another in that touches this one and doesn't begin before it; whether it did.
    fn take_in(&mut self, next: &Self) -> bool {
        let same =
            (&self.limit, &self.quantity, &self.subject) == (&next.limit, &next.quantity, &next.subject);
        let touches = same && next.from <= self.to;
        if touches {
            self.to = self.to.max(next.to);
        }
        touches
    }
}

/// Whose cooldown: under a limit, of one subject.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunKey {
    /// The limit.
    pub limit: PolicyName,
    /// Whose it is, as in [`CounterKey::subject`].
    pub subject: String,
}

/// What is counted, in units of the scale of the limit's quantity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counter {
    /// For good.
    pub used: i64,
    /// Set aside beside it.
    pub held: i64,
    /// The nearest band that was told; who decides gives it its meaning.
    pub told: i16,
    /// How many entries the ledger has of it.
    pub entries: i64,
}

impl Counter {
    /// Everything that counts.
    pub fn total(&self) -> i64 {
        self.used.saturating_add(self.held)
    }
}

/// What a decision may look at: the counters and cooldowns that its claim names.
#[derive(Clone, Copy, Debug)]
pub struct Counted<'a> {
    pub(crate) counters: &'a BTreeMap<CounterKey, Counter>,
    pub(crate) runs: &'a BTreeMap<RunKey, Timestamp>,
}

impl Counted<'_> {
    /// Everything that counts in a range.
    pub fn total(&self, range: &CounterRange) -> i64 {
        self.counters.range(range.ends()).fold(0, |sum, (_, counter)| sum.saturating_add(counter.total()))
    }

    /// The nearest band that was told in a range.
    pub fn told(&self, range: &CounterRange) -> i16 {
        self.counters.range(range.ends()).map(|(_, counter)| counter.told).max().unwrap_or_default()
    }

    /// A counter; zero if nothing has been counted.
    pub fn counter(&self, key: &CounterKey) -> Counter {
        self.counters.get(key).copied().unwrap_or_default()
    }

    /// When the subject last ran.
    pub fn last_run(&self, key: &RunKey) -> Option<Timestamp> {
        self.runs.get(key).copied()
    }
}

/// Decides once the counters are known. Nothing else changes them until the verdict is counted. It may be asked
/// several times, since a transaction may have to be tried again; the last verdict counts.
pub trait Decide: Send + Sync + Debug {
    /// What becomes of the claim.
    fn decide(&self, counted: Counted<'_>) -> Verdict;
}

/// What is decided, and what to count if it lets the request go ahead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// What was decided.
    pub outcome: Outcome,
    /// What the request uses.
    pub charges: Vec<Charge>,
    /// Whose cooldowns begin.
    pub runs: Vec<RunKey>,
    /// The answer, to be given again if the claim is made again.
    pub answer: String,
}

/// What a request uses of one counter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Charge {
    /// Which counter.
    pub key: CounterKey,
    /// Of what.
    pub meter: Meter,
    /// How much.
    pub amount: i64,
    /// The nearest band that will have been told under the key.
    pub told: i16,
    /// Whether it counts only as long as it is held; without a hold, not at all.
    pub concurrent: bool,
}

/// A request that wants to be counted.
#[derive(Clone, Debug)]
pub struct Claim {
    /// The decision's identity.
    pub id: Uuid,
    /// What the client calls its request. Made again with the same fingerprint, the answer is the same and nothing
    /// is counted.
    pub request_id: Option<String>,
    /// A hash of what was asked.
    pub fingerprint: [u8; 32],
    /// The instant of the request.
    pub at: Timestamp,
    /// Until when the usage is held; it counts for good at once, if nothing is said.
    pub hold_until: Option<Timestamp>,
    /// Whether nothing is to be counted or kept, whatever is decided.
    pub dry_run: bool,
    /// The counters that the decision looks at, or charges.
    pub counters: BTreeSet<CounterRange>,
    /// The cooldowns that it looks at.
    pub runs: BTreeSet<RunKey>,
    /// Who decides.
    pub decide: Arc<dyn Decide>,
}

/// One thing to do with counters.
#[derive(Clone, Debug)]
pub enum CountingStep {
    /// Decide, and count.
    Claim(Box<Claim>),
    /// Count what was really used instead of what was asked for.
    Settle {
        /// Of which decision.
        id: Uuid,
        /// What was used; it may be more than any limit allows.
        usage: Usage,
    },
    /// Give back what was asked for.
    Release {
        /// Of which decision.
        id: Uuid,
    },
    /// Give back what was counted, held or not: nobody got the answer. A claim under the same name is new.
    Void {
        /// Of which decision.
        id: Uuid,
    },
}

/// What became of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CountingAnswer {
    /// It was decided now.
    Decided {
        /// The answer.
        answer: String,
    },
    /// It was decided before, under the same name; nothing was counted.
    Repeated {
        /// The answer from then.
        answer: String,
    },
    /// Another request was decided under this name.
    OtherRequest,
    /// The usage was settled, released, or voided.
    Closed {
        /// Whether the hold had expired before; what was really used counts all the same.
        late: bool,
    },
    /// It was closed before, in this way; nothing has changed.
    Already(Standing),
    /// There is no decision of this identity that counts.
    Unknown,
}

wire_enum! {
    /// How the usage of a decision stands.
    pub enum Standing {
        /// Nothing was counted: the request had to wait or was stopped.
        Refused = "REFUSED",
        /// What was asked for counts for good, since nothing was held.
        Counted = "COUNTED",
        /// What was asked for is set aside.
        Held = "HELD",
        /// What was really used counts.
        Settled = "SETTLED",
        /// It was given back.
        Released = "RELEASED",
        /// It was given back because the hold had expired.
        Expired = "EXPIRED",
    }
}

/// A decision's share in one counter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// Which counter.
    pub key: CounterKey,
    /// Of what.
    pub meter: Meter,
    /// How much was added to the counter.
    pub amount: i64,
    /// Whether it counts only as long as it is held.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub concurrent: bool,
}

/// A decision that counts, or was stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecisionRecord {
    /// Its identity.
    pub id: Uuid,
    /// What the client called it.
    pub request_id: Option<String>,
    /// A hash of what was asked.
    pub fingerprint: [u8; 32],
    /// What was decided.
    pub outcome: Outcome,
    /// How its usage stands.
    pub standing: Standing,
    /// When it was decided.
    pub decided_at: Timestamp,
    /// When its hold ends or ended, if there is one.
    pub hold_until: Option<Timestamp>,
    /// What it added to which counters.
    pub shares: Vec<Share>,
    /// The answer, if it may be asked for again.
    pub answer: Option<String>,
}

wire_enum! {
    /// Why a counter changed.
    pub enum EntryKind {
        /// A decision counted for good.
        Use = "USE",
        /// A decision holds.
        Hold = "HOLD",
        /// A hold became what was really used.
        Settle = "SETTLE",
        /// A hold, or what nobody got an answer to, was given back.
        Release = "RELEASE",
        /// A hold was given back since it had expired.
        Expire = "EXPIRE",
    }
}

/// One change of one counter. The counter is the sum of its entries, always.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerEntry {
    /// Which counter.
    pub key: CounterKey,
    /// Its place among the entries of this counter, from 1.
    pub number: i64,
    /// Because of which decision.
    pub decision: Uuid,
    /// Why.
    pub kind: EntryKind,
    /// How much more, or less, is used.
    pub used: i64,
    /// How much more, or less, is held.
    pub held: i64,
    /// When.
    pub at: Timestamp,
}

/// A counter with its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CounterRecord {
    /// Which.
    pub key: CounterKey,
    /// What is counted.
    pub counter: Counter,
}

/// Whether counters are what the ledger says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CounterAudit {
    /// How many counters there are.
    pub counters: u64,
    /// How many entries the ledger has.
    pub entries: u64,
    /// Counters that are not the sum of their entries, have too few or too many, or hold something else than the
    /// decisions that hold say; sorted. Those that are being forgotten are not looked at.
    pub wrong: Vec<CounterKey>,
}

/// What was forgotten.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Forgotten {
    /// How many counters.
    pub counters: u64,
    /// How many decisions.
    pub decisions: u64,
    /// Whether there is more.
    pub more: bool,
}
