//! Violations and evaluations of the model.

use async_trait::async_trait;
use jiff::Timestamp;

use super::MemoryStore;
use crate::{
    EvaluationStore, EvaluationTally, EvaluationTotals, Page, PageRequest, Recorded, StoreError, TenantId,
    Violation, ViolationCounts, ViolationFilter, ViolationStore, minute_of, to_microsecond,
};

#[async_trait]
impl ViolationStore for MemoryStore {
    async fn record_violations(
        &self,
        tenant: &TenantId,
        violations: &[Violation],
    ) -> Result<Recorded, StoreError> {
        self.write(tenant, |held| {
            let mut outcome = Recorded::default();
            for violation in violations {
                if held.violations.iter().any(|old| old.id == violation.id) {
                    outcome.duplicates += 1;
                    continue;
                }
                outcome.recorded += 1;
                held.violations.push(Violation {
                    occurred_at: to_microsecond(violation.occurred_at),
                    recorded_at: to_microsecond(violation.recorded_at),
                    ..violation.clone()
                });
            }
            held.violations.sort_by_key(|violation| std::cmp::Reverse((violation.occurred_at, violation.id)));
            Ok(outcome)
        })
    }

    async fn violations(
        &self,
        tenant: &TenantId,
        filter: &ViolationFilter,
        page: PageRequest<'_>,
    ) -> Result<Page<Violation>, StoreError> {
        Ok(self.read(tenant, |held| {
            super::page_of(&held.violations, |violation| filter.passes(violation), page)
        }))
    }

    async fn violation_counts(
        &self,
        tenant: &TenantId,
        filter: &ViolationFilter,
    ) -> Result<ViolationCounts, StoreError> {
        Ok(self.read(tenant, |held| {
            let mut counts = ViolationCounts::new();
            for violation in held.violations.iter().filter(|violation| filter.passes(violation)) {
                *counts.entry(violation.violation_type).or_default() += 1;
            }
            counts
        }))
    }
}

#[async_trait]
impl EvaluationStore for MemoryStore {
    async fn record_evaluations(
        &self,
        tenant: &TenantId,
        tallies: &[EvaluationTally],
    ) -> Result<(), StoreError> {
        self.write(tenant, |held| {
            held.evaluations.extend_from_slice(tallies);
            Ok(())
        })
    }

    async fn evaluation_totals(
        &self,
        tenant: &TenantId,
        since: Timestamp,
    ) -> Result<EvaluationTotals, StoreError> {
        Ok(self.read(tenant, |held| {
            let mut totals = EvaluationTotals::new();
            let first = minute_of(since);
            let kept = held.evaluations.iter().filter(|tally| tally.at >= first && tally.evaluations > 0);
            for tally in kept {
                let total = totals.entry(tally.action).or_default();
                total.evaluations += tally.evaluations;
                total.microseconds += tally.microseconds;
            }
            totals
        }))
    }
}
