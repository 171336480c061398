//! What steps do to counters: the part that is the same wherever they are kept.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use ordain_ir::Usage;
use uuid::Uuid;

use super::{
    Charge, Claim, Counted, Counter, CounterKey, CounterRange, CountingAnswer, CountingStep, DecisionRecord,
    EntryKind, LedgerEntry, RunKey, Share, Standing, Verdict,
};
use crate::to_microsecond;

/// Counters, cooldowns and decisions: all there are, or those that some steps need.
#[derive(Clone, Debug, Default)]
pub struct Book {
    counters: BTreeMap<CounterKey, Counter>,
    runs: BTreeMap<RunKey, Timestamp>,
    decisions: BTreeMap<Uuid, DecisionRecord>,
    names: BTreeMap<String, Uuid>,
}

/// What steps have changed, each list in one order.
#[derive(Debug, Default)]
pub struct Changes {
    /// Counters, as they are now.
    pub counters: BTreeMap<CounterKey, Counter>,
    /// Last runs, as they are now.
    pub runs: BTreeMap<RunKey, Timestamp>,
    /// Decisions, as they are now; whether each is new.
    pub decisions: BTreeMap<Uuid, (DecisionRecord, bool)>,
    /// New entries, as they came about.
    pub ledger: Vec<LedgerEntry>,
}

impl Book {
    /// Adds what a store knows.
    pub fn add_counter(&mut self, key: CounterKey, counter: Counter) {
        self.counters.insert(key, counter);
    }

    /// Likewise.
    pub fn add_run(&mut self, key: RunKey, at: Timestamp) {
        self.runs.insert(key, at);
    }

    /// Likewise.
    pub fn add_decision(&mut self, record: DecisionRecord) {
        if let Some(name) = &record.request_id {
            self.names.insert(name.clone(), record.id);
        }
        self.decisions.insert(record.id, record);
    }

    /// The identities of the decisions that steps are about.
    pub fn identities(steps: &[CountingStep]) -> Vec<Uuid> {
        let id = |step: &CountingStep| match step {
            CountingStep::Claim(_) => None,
            CountingStep::Settle { id, .. } | CountingStep::Release { id } | CountingStep::Void { id } => {
                Some(*id)
            }
        };
        steps.iter().filter_map(id).collect()
    }

    fn claims(steps: &[CountingStep]) -> impl Iterator<Item = &Claim> {
        steps.iter().filter_map(|step| match step {
            CountingStep::Claim(claim) => Some(&**claim),
            _ => None,
        })
    }

    /// What clients call the requests that claims are about.
    pub fn request_ids(steps: &[CountingStep]) -> Vec<String> {
        Self::claims(steps).filter_map(|claim| claim.request_id.clone()).collect()
    }

    /// The counters that steps look at or change, once the decisions that they are about are in here; no two ranges have
    /// one in common.
    pub fn counters_of(&self, steps: &[CountingStep]) -> Vec<CounterRange> {
        let claimed = Self::claims(steps).flat_map(|claim| claim.counters.iter().cloned());
        let shared = self.decisions.values().flat_map(|record| record.shares.iter());
        let all: BTreeSet<_> = claimed.chain(shared.map(|share| share.key.clone().into())).collect();
        let mut apart: Vec<CounterRange> = vec![];
        for range in all {
            if !apart.last_mut().is_some_and(|last| last.take_in(&range)) {
                apart.push(range);
            }
        }
        apart
    }

    /// The cooldowns that steps look at or change.
    pub fn runs_of(steps: &[CountingStep]) -> BTreeSet<RunKey> {
        Self::claims(steps).flat_map(|claim| claim.runs.iter().cloned()).collect()
    }

    /// Gives expired holds back, then works through the steps, and tells what became of each, in their order.
    pub fn apply(&mut self, steps: &[CountingStep], now: Timestamp) -> (Vec<CountingAnswer>, Changes) {
        let now = to_microsecond(now);
        let mut work = Work { book: self, now, changes: Changes::default() };
        work.expire();
        let answers = steps.iter().map(|step| work.take(step)).collect();
        let changes = work.changes;
        (answers, changes)
    }

    /// Forgets counters of periods that began before an instant and hold nothing, and decisions that were taken before
    /// another and hold nothing. The counters that are gone, and how many decisions.
    pub fn forget(
        &mut self,
        counters_before: Timestamp,
        decisions_before: Timestamp,
    ) -> (BTreeSet<CounterKey>, u64) {
        let old = |(key, counter): (&CounterKey, &Counter)| {
            (key.period_start < counters_before && counter.held == 0).then(|| key.clone())
        };
        let gone: BTreeSet<_> = self.counters.iter().filter_map(old).collect();
        self.counters.retain(|key, _| !gone.contains(key));
        let before = self.decisions.len();
        self.decisions
            .retain(|_, record| record.standing == Standing::Held || record.decided_at >= decisions_before);
        self.names.retain(|_, id| self.decisions.contains_key(id));
        (gone, (before - self.decisions.len()) as u64)
    }

    /// Every counter.
    pub fn counters(&self) -> &BTreeMap<CounterKey, Counter> {
        &self.counters
    }

    /// Every decision, by identity.
    pub fn decisions(&self) -> impl Iterator<Item = &DecisionRecord> {
        self.decisions.values()
    }
}

/// Some steps being worked through.
struct Work<'b> {
    book: &'b mut Book,
    now: Timestamp,
    changes: Changes,
}

impl Work<'_> {
    fn take(&mut self, step: &CountingStep) -> CountingAnswer {
        match step {
            CountingStep::Claim(claim) => self.claim(claim),
            CountingStep::Settle { id, usage } => self.settle(*id, usage),
            CountingStep::Release { id } => self.release(*id),
            CountingStep::Void { id } => self.void(*id),
        }
    }

    fn expire(&mut self) {
        let expired = |record: &&DecisionRecord| {
            record.standing == Standing::Held && record.hold_until.is_some_and(|until| until <= self.now)
        };
        let mut expired: Vec<_> = self.book.decisions.values().filter(expired).cloned().collect();
        expired.sort_by_key(|record| (record.hold_until, record.id));
        for record in expired {
            self.give_back(&record, EntryKind::Expire);
            self.keep(DecisionRecord { standing: Standing::Expired, ..record }, false);
        }
    }

    fn claim(&mut self, claim: &Claim) -> CountingAnswer {
        let before = claim.request_id.as_ref().and_then(|name| self.book.names.get(name));
        if let Some(record) = before.and_then(|id| self.book.decisions.get(id)) {
            let answer = record.answer.clone().unwrap_or_default();
            let same = record.fingerprint == claim.fingerprint;
            return if same { CountingAnswer::Repeated { answer } } else { CountingAnswer::OtherRequest };
        }
        let counted = Counted { counters: &self.book.counters, runs: &self.book.runs };
        let Verdict { outcome, charges, runs, answer } = claim.decide.decide(counted);
        if claim.dry_run {
            return CountingAnswer::Decided { answer };
        }
        let mut shares = vec![];
        if outcome.goes_ahead() {
            let held = claim.hold_until.is_some();
            // What nobody holds has ended at once.
            for charge in charges.into_iter().filter(|charge| held || !charge.concurrent) {
                let counter = self.book.counters.entry(charge.key.clone()).or_default();
                let side = if held { &mut counter.held } else { &mut counter.used };
                // What really goes in, so that as much comes out again.
                let amount = side.saturating_add(charge.amount) - *side;
                counter.told = charge.told;
                let kind = if held { EntryKind::Hold } else { EntryKind::Use };
                let change = if held { (0, amount) } else { (amount, 0) };
                self.change(&charge.key, claim.id, kind, change);
                let Charge { key, meter, concurrent, .. } = charge;
                shares.push(Share { key, meter, amount, concurrent });
            }
            for run in runs {
                let at = to_microsecond(claim.at);
                let last = self.book.runs.entry(run.clone()).or_insert(at);
                *last = (*last).max(at);
                self.changes.runs.insert(run, *last);
            }
        }
        let standing = match claim.hold_until {
            _ if !outcome.goes_ahead() => Standing::Refused,
            Some(_) => Standing::Held,
            None => Standing::Counted,
        };
        let record = DecisionRecord {
            id: claim.id,
            request_id: claim.request_id.clone(),
            fingerprint: claim.fingerprint,
            outcome,
            standing,
            decided_at: self.now,
            hold_until: claim.hold_until.filter(|_| standing == Standing::Held).map(to_microsecond),
            shares,
            answer: claim.request_id.is_some().then(|| answer.clone()),
        };
        // What was stopped counts nowhere, so without a name nobody can ask for it again.
        if standing != Standing::Refused || record.request_id.is_some() {
            self.keep(record, true);
        }
        CountingAnswer::Decided { answer }
    }

    fn settle(&mut self, id: Uuid, usage: &Usage) -> CountingAnswer {
        let Some(record) = self.book.decisions.get(&id).cloned() else { return CountingAnswer::Unknown };
        let late = match record.standing {
            Standing::Held => false,
            Standing::Expired => true,
            standing => return CountingAnswer::Already(standing),
        };
        let mut shares = vec![];
        for share in &record.shares {
            if share.concurrent {
                // It has ended, if it hadn't before.
                if !late {
                    self.change(&share.key, id, EntryKind::Settle, (0, -share.amount));
                }
                continue;
            }
            let counter = self.book.counters.entry(share.key.clone()).or_default();
            let used = counter.used.saturating_add(usage.amount(&share.meter)) - counter.used;
            let held = if late { 0 } else { -share.amount };
            self.change(&share.key, id, EntryKind::Settle, (used, held));
            shares.push(Share { amount: used, ..share.clone() });
        }
        self.keep(DecisionRecord { standing: Standing::Settled, shares, ..record }, false);
        CountingAnswer::Closed { late }
    }

    fn release(&mut self, id: Uuid) -> CountingAnswer {
        let Some(record) = self.book.decisions.get(&id).cloned() else { return CountingAnswer::Unknown };
        if record.standing != Standing::Held {
            return CountingAnswer::Already(record.standing);
        }
        self.give_back(&record, EntryKind::Release);
        self.keep(DecisionRecord { standing: Standing::Released, ..record }, false);
        CountingAnswer::Closed { late: false }
    }

    fn void(&mut self, id: Uuid) -> CountingAnswer {
        let Some(record) = self.book.decisions.get(&id).cloned() else { return CountingAnswer::Unknown };
        if matches!(record.standing, Standing::Held | Standing::Counted) {
            self.give_back(&record, EntryKind::Release);
        }
        if let Some(name) = &record.request_id {
            self.book.names.remove(name);
        }
        let standing = match record.standing {
            Standing::Held | Standing::Counted => Standing::Released,
            standing => standing,
        };
        self.keep(DecisionRecord { standing, request_id: None, answer: None, ..record }, false);
        CountingAnswer::Closed { late: false }
    }

    fn give_back(&mut self, record: &DecisionRecord, kind: EntryKind) {
        for share in &record.shares {
            let back = match record.standing {
                Standing::Counted => (-share.amount, 0),
                _ => (0, -share.amount),
            };
            self.change(&share.key, record.id, kind, back);
        }
    }

    /// Changes a counter, and says so in the ledger.
    fn change(&mut self, key: &CounterKey, decision: Uuid, kind: EntryKind, (used, held): (i64, i64)) {
        let counter = self.book.counters.entry(key.clone()).or_default();
        counter.used += used;
        counter.held += held;
        counter.entries += 1;
        let number = counter.entries;
        self.changes.counters.insert(key.clone(), *counter);
        self.changes.ledger.push(LedgerEntry {
            key: key.clone(),
            number,
            decision,
            kind,
            used,
            held,
            at: self.now,
        });
    }

    fn keep(&mut self, record: DecisionRecord, is_new: bool) {
        let was_new = self.changes.decisions.get(&record.id).is_some_and(|(_, is_new)| *is_new);
        self.changes.decisions.insert(record.id, (record.clone(), is_new || was_new));
        self.book.add_decision(record);
    }
}
