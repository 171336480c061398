//! Counters and holds under the lock.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::fmt::Write as _;

use jiff::Timestamp;
use ordain_ir::{Limit, Meter, Outcome, PolicyName, Usage};

use super::effect::Effect;
use super::event::{Band, LimitEvent};
use super::{Claim, Closing, LedgerError, Standing};
use crate::{Answer, Counters, Engine, Prepared, Subject, SubjectRef};

/// What is counted of one limit for one subject in one period.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct CounterState {
    /// Which limit.
    pub limit: PolicyName,
    /// Whose counter.
    pub subject: Subject,
    /// Where the period begins.
    pub period_start: Timestamp,
    /// What has been used for good, in units of the quantity's scale.
    pub used: i64,
    /// What is held beside it.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub held: i64,
    /// The nearest band that was told.
    #[serde(default = "far", skip_serializing_if = "is_far")]
    pub told: Band,
}

/// When a subject last ran under a limit on cooldowns.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct LastRunState {
    /// Which limit.
    pub limit: PolicyName,
    /// Who ran.
    pub subject: Subject,
    /// The latest instant at which one went ahead.
    pub at: Timestamp,
}

/// What one request holds.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct HoldState {
    /// The request's name.
    pub id: String,
    /// What was decided.
    pub outcome: Outcome,
    /// How it stands.
    pub standing: Standing,
    /// When it expires, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
    entries: Vec<Entry>,
}

/// A hold's share in one counter.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
struct Entry {
    limit: PolicyName,
    subject: Subject,
    period_start: Timestamp,
    meter: Meter,
    amount: i64,
}

/// Everything that a ledger knows, to be kept elsewhere; every list is sorted.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LedgerState {
    /// By limit, subject and period.
    #[serde(default)]
    pub counters: Vec<CounterState>,
    /// By limit and subject.
    #[serde(default)]
    pub last_runs: Vec<LastRunState>,
    /// By name of the request.
    #[serde(default)]
    pub holds: Vec<HoldState>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
const fn is_zero(number: &i64) -> bool {
    *number == 0
}

const fn far() -> Band {
    Band::Far
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn is_far(band: &Band) -> bool {
    *band == Band::Far
}

/// The tables are looked up by key only; where all of them are read, they are sorted first.
#[derive(Debug, Default)]
pub(super) struct State {
    counters: HashMap<Box<str>, CounterState>,
    last_runs: HashMap<Box<str>, LastRunState>,
    holds: HashMap<Box<str>, HoldState>,
    /// Holds by the instant at which they expire.
    expiring: BTreeSet<(Timestamp, Box<str>)>,
    /// For looking up without memory of its own.
    key: RefCell<String>,
}

/// Writes the name of a counter; different counters are written differently, since no name has a NUL in it but a
/// subject's, and those are written with their lengths.
fn write_key(into: &mut String, limit: &PolicyName, subject: SubjectRef<'_>, start: Option<Timestamp>) {
    into.clear();
    into.push_str(limit.as_str());
    let parts: &[&str] = match subject {
        SubjectRef::Whole => &["w"],
        SubjectRef::Tenant(tenant) => &["t", tenant],
        SubjectRef::Project(tenant, project) => &["p", tenant, project],
        SubjectRef::Agent(tenant, project, agent) => &["a", tenant, project, agent],
        SubjectRef::Provider(None) => &["n"],
        SubjectRef::Provider(Some(provider)) => &["m", provider],
    };
    for part in parts {
        // Writing to a string can't fail.
        let _ = write!(into, "\0{}:{part}", part.len());
    }
    if let Some(start) = start {
        let _ = write!(into, "\0{}", start.as_second());
    }
}

fn key(limit: &PolicyName, subject: &Subject, start: Option<Timestamp>) -> Box<str> {
    let mut key = String::new();
    write_key(&mut key, limit, subject.as_ref(), start);
    key.into()
}

impl Counters for State {
    fn used(&self, limit: &Limit, subject: SubjectRef<'_>, period_start: Timestamp) -> i64 {
        let mut key = self.key.borrow_mut();
        write_key(&mut key, &limit.name, subject, Some(period_start));
        self.counters.get(key.as_str()).map_or(0, |counter| counter.used.saturating_add(counter.held))
    }

    fn last_run(&self, limit: &Limit, subject: SubjectRef<'_>) -> Option<Timestamp> {
        let mut key = self.key.borrow_mut();
        write_key(&mut key, &limit.name, subject, None);
        self.last_runs.get(key.as_str()).map(|last| last.at)
    }
}

impl State {
    /// What was decided on a claim of this name that counts, or did until it was closed.
    pub(super) fn admitted(&self, id: &str) -> Option<Outcome> {
        self.holds.get(id).map(|hold| hold.outcome)
    }

    /// Gives expired holds back.
    pub(super) fn expire(&mut self, now: Timestamp) -> usize {
        let mut expired = 0;
        while let Some((expires, id)) = self.expiring.first()
            && *expires <= now
        {
            let id = id.clone();
            self.give_back(&id, Standing::Expired);
            expired += 1;
        }
        expired
    }

    fn give_back(&mut self, id: &str, standing: Standing) {
        let Some(hold) = self.holds.get_mut(id) else { return };
        if let Some(expires) = hold.expires {
            self.expiring.remove(&(expires, id.into()));
        }
        hold.standing = standing;
        for entry in &hold.entries {
            if let Some(counter) =
                self.counters.get_mut(&key(&entry.limit, &entry.subject, Some(entry.period_start)))
            {
                counter.held = counter.held.saturating_sub(entry.amount);
            }
        }
    }

    /// Settles with a usage, or releases without one.
    pub(super) fn close(&mut self, id: &str, usage: Option<&Usage>) -> Result<Closing, LedgerError> {
        let hold = self.holds.get(id).ok_or_else(|| LedgerError::Unknown(id.to_owned()))?;
        let closing = match (hold.standing, usage) {
            (Standing::Held, _) => Closing::Done,
            (Standing::Expired, Some(_)) => Closing::Late,
            (standing, _) => return Ok(Closing::Already(standing)),
        };
        if closing == Closing::Done {
            self.give_back(id, Standing::Released);
        }
        if let (Some(usage), Some(hold)) = (usage, self.holds.get_mut(id)) {
            hold.standing = Standing::Settled;
            for entry in &mut hold.entries {
                entry.amount = usage.amount(&entry.meter);
                let key = key(&entry.limit, &entry.subject, Some(entry.period_start));
                let counter = self.counters.entry(key).or_insert_with(|| entry.counter());
                counter.used = counter.used.saturating_add(entry.amount);
            }
        }
        Ok(closing)
    }

    /// Tells of limits that the request brings near their bounds, or beyond.
    pub(super) fn tell(
        &mut self,
        engine: &Engine,
        request: &Prepared,
        answer: &Answer,
        events: &mut Vec<LimitEvent>,
    ) {
        for near in engine.nearing(request, answer) {
            if let (Some(start), false) = (near.period_start, near.band == Band::Breached) {
                let counter = self.counter(&near.limit.name, near.subject, start);
                if counter.told >= near.band {
                    continue;
                }
                counter.told = near.band;
            }
            events.push(near.event(request));
        }
    }

    fn counter(
        &mut self,
        limit: &PolicyName,
        subject: SubjectRef<'_>,
        start: Timestamp,
    ) -> &mut CounterState {
        let key = self.key.get_mut();
        write_key(key, limit, subject, Some(start));
        self.counters.entry(key.as_str().into()).or_insert_with(|| CounterState {
            limit: limit.clone(),
            subject: subject.to_subject(),
            period_start: start,
            used: 0,
            held: 0,
            told: Band::Far,
        })
    }

    /// Counts a request that goes ahead.
    pub(super) fn count(&mut self, engine: &Engine, request: &Prepared, answer: &Answer, claim: Claim<'_>) {
        let mut entries = vec![];
        let held = claim.id.is_some() && claim.hold.is_some();
        for effect in engine.effects(request, answer) {
            match effect {
                Effect::Uses { limit, subject, period_start, meter, amount } => {
                    let counter = self.counter(&limit.name, subject, period_start);
                    let side = if held { &mut counter.held } else { &mut counter.used };
                    *side = side.saturating_add(amount);
                    if claim.id.is_some() {
                        entries.push(Entry {
                            limit: limit.name.clone(),
                            subject: subject.to_subject(),
                            period_start,
                            meter: meter.clone(),
                            amount,
                        });
                    }
                }
                Effect::Runs { limit, subject } => self.ran(&limit.name, subject, request.at),
            }
        }
        let Some(id) = claim.id else { return };
        let expires = claim.hold.map(|hold| claim.now.saturating_add(hold).unwrap_or(Timestamp::MAX));
        if let Some(expires) = expires {
            self.expiring.insert((expires, id.into()));
        }
        let standing = if held { Standing::Held } else { Standing::Settled };
        let hold = HoldState { id: id.to_owned(), outcome: answer.outcome(), standing, expires, entries };
        self.holds.insert(id.into(), hold);
    }

    fn ran(&mut self, limit: &PolicyName, subject: SubjectRef<'_>, at: Timestamp) {
        let key = self.key.get_mut();
        write_key(key, limit, subject, None);
        let last = self.last_runs.entry(key.as_str().into()).or_insert_with(|| LastRunState {
            limit: limit.clone(),
            subject: subject.to_subject(),
            at,
        });
        last.at = last.at.max(at);
    }

    pub(super) fn forget(&mut self, before: Timestamp) {
        self.counters.retain(|_, counter| counter.period_start >= before);
        self.holds.retain(|_, hold| {
            hold.standing == Standing::Held || hold.expires.is_none_or(|expires| expires >= before)
        });
    }

    pub(super) fn snapshot(&self) -> LedgerState {
        let mut counters: Vec<_> = self.counters.values().cloned().collect();
        counters.sort_by(|a, b| {
            (&a.limit, &a.subject, a.period_start).cmp(&(&b.limit, &b.subject, b.period_start))
        });
        let mut last_runs: Vec<_> = self.last_runs.values().cloned().collect();
        last_runs.sort_by(|a, b| (&a.limit, &a.subject).cmp(&(&b.limit, &b.subject)));
        let mut holds: Vec<_> = self.holds.values().cloned().collect();
        holds.sort_by(|a, b| a.id.cmp(&b.id));
        LedgerState { counters, last_runs, holds }
    }

    pub(super) fn restore(state: LedgerState) -> Self {
        let mut restored = Self::default();
        for counter in state.counters {
            let key = key(&counter.limit, &counter.subject, Some(counter.period_start));
            restored.counters.insert(key, counter);
        }
        for last in state.last_runs {
            restored.last_runs.insert(key(&last.limit, &last.subject, None), last);
        }
        for hold in state.holds {
            if let (Standing::Held, Some(expires)) = (hold.standing, hold.expires) {
                restored.expiring.insert((expires, hold.id.as_str().into()));
            }
            restored.holds.insert(hold.id.as_str().into(), hold);
        }
        restored
    }
}

impl Entry {
    fn counter(&self) -> CounterState {
        CounterState {
            limit: self.limit.clone(),
            subject: self.subject.clone(),
            period_start: self.period_start,
            used: 0,
            held: 0,
            told: Band::Far,
        }
    }
}
