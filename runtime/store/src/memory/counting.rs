//! What the model knows of counters.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use jiff::Timestamp;
use ordain_ir::PolicyName;

use super::{MemoryStore, Tenant};
use crate::{
    CounterAudit, CounterKey, CounterRecord, CounterStore, CountingAnswer, CountingStep, Forget, Forgotten,
    Standing, StoreError, TenantId,
};

#[async_trait]
impl CounterStore for MemoryStore {
    async fn count(
        &self,
        tenant: &TenantId,
        steps: &[CountingStep],
        now: Timestamp,
    ) -> Result<Vec<CountingAnswer>, StoreError> {
        Ok(self.write(tenant, |held| {
            let (answers, changes) = held.book.apply(steps, now);
            held.ledger.extend(changes.ledger);
            answers
        }))
    }

    async fn counters(
        &self,
        tenant: &TenantId,
        limit: &PolicyName,
        most: u32,
    ) -> Result<Vec<CounterRecord>, StoreError> {
        Ok(self.read(tenant, |held| {
            let own = held.book.counters().iter().filter(|(key, _)| key.limit == *limit);
            let mut own: Vec<_> =
                own.map(|(key, counter)| CounterRecord { key: key.clone(), counter: *counter }).collect();
            own.sort_by(|a, b| {
                let names = (&a.key.quantity, &a.key.subject).cmp(&(&b.key.quantity, &b.key.subject));
                b.key.period_start.cmp(&a.key.period_start).then(names)
            });
            own.truncate(most as usize);
            own
        }))
    }

    async fn audit_counters(&self, tenant: &TenantId) -> Result<CounterAudit, StoreError> {
        Ok(self.read(tenant, Tenant::audit))
    }

    /// All at once, however much it is.
    async fn forget_counted(&self, tenant: &TenantId, forget: Forget) -> Result<Forgotten, StoreError> {
        Ok(self.write(tenant, |held| {
            let oldest = held.book.counters().keys().map(|key| key.period_start).min();
            let (cut, progress) = forget.cut(held.forgetting, oldest);
            held.forgetting = Some(progress);
            let (gone, decisions) = held.book.forget(cut.counters_before, cut.decisions_before);
            held.ledger.retain(|entry| !gone.contains(&entry.key));
            Forgotten { counters: gone.len() as u64, decisions, more: false }
        }))
    }
}

impl Tenant {
    fn audit(&self) -> CounterAudit {
        let counters = self.book.counters();
        let mut sums: BTreeMap<&CounterKey, (i64, i64, i64)> = BTreeMap::new();
        for entry in &self.ledger {
            let sum = sums.entry(&entry.key).or_default();
            *sum = (sum.0 + entry.used, sum.1 + entry.held, sum.2 + 1);
        }
        let mut holds: BTreeMap<&CounterKey, i64> = BTreeMap::new();
        for record in self.book.decisions().filter(|record| record.standing == Standing::Held) {
            for share in &record.shares {
                *holds.entry(&share.key).or_default() += share.amount;
            }
        }
        let all: BTreeSet<_> = counters.keys().chain(sums.keys().copied()).collect();
        let wrong = all.into_iter().filter(|key| {
            let counter = counters.get(*key).copied().unwrap_or_default();
            let sum = sums.get(key).copied().unwrap_or_default();
            (counter.used, counter.held, counter.entries) != sum
                || holds.get(key).copied().unwrap_or_default() != counter.held
        });
        CounterAudit {
            counters: counters.len() as u64,
            entries: self.ledger.len() as u64,
            wrong: wrong.cloned().collect(),
        }
    }
}
