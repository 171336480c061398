//! Governance of the model.

use async_trait::async_trait;
use ordain_ir::{ConflictSeverity, Source};
use uuid::Uuid;

use super::{MemoryStore, Tenant, page_of};
use crate::{
    AuditEntry, BundleRecord, ConflictAcknowledgement, ConflictRecord, Decided, Decision, GovernanceStore,
    Governed, Page, PageRequest, ProposalDetail, ProposalFilter, ProposalRecord, ProposalStats,
    ProposalStatus, Refusal, Review, StoreError, Succession, Taken, TenantId, VersionRecord, to_microsecond,
};

impl Tenant {
    pub(super) fn stats(&self) -> ProposalStats {
        let all = || self.proposals.iter().map(|detail| &detail.proposal);
        let with = |status| all().filter(|proposal| proposal.status == status).count() as u64;
        let of = |source| all().filter(|proposal| proposal.source == source).count() as u64;
        let waiting = all().filter(|proposal| proposal.status == ProposalStatus::Draft);
        ProposalStats {
            draft: with(ProposalStatus::Draft),
            approved: with(ProposalStatus::Approved),
            rejected: with(ProposalStatus::Rejected),
            manual: of(Source::Manual),
            learned: of(Source::Learned),
            waiting_since: waiting.map(|proposal| proposal.created_at).min(),
        }
    }

    fn pending(&mut self, id: Uuid, version: u32) -> Governed<&mut ProposalDetail> {
        let found =
            self.proposals.iter_mut().find(|detail| detail.proposal.id == id).ok_or(Refusal::NotFound)?;
        match (found.proposal.status, found.proposal.version) {
            (ProposalStatus::Draft, current) if current == version => Ok(found),
            (ProposalStatus::Draft, current) => Err(Refusal::VersionChanged(current)),
            (status, _) => Err(Refusal::NotPending(status)),
        }
    }

    fn succeeded(&mut self, succession: Succession<'_>) -> Governed<BundleRecord> {
        if self.active().map(|bundle| bundle.digest.as_str()) != succession.based_on {
            return Err(Refusal::BaseChanged);
        }
        if let Some(sighting) = succession.sighting {
            let last = self.taken.get(sighting.place).map(|taken| taken.digest.as_str());
            if last != sighting.after {
                return Err(Refusal::BaseChanged);
            }
            let taken = Taken {
                object: sighting.object.to_owned(),
                modified_at: to_microsecond(sighting.modified_at),
                digest: succession.activation.digest.to_owned(),
                taken_at: to_microsecond(succession.activation.at),
            };
            self.taken.insert(sighting.place.to_owned(), taken);
        }
        for new in succession.acknowledgements {
            self.acknowledgements.retain(|old| old.conflict != new.conflict);
            self.acknowledgements.push(ConflictAcknowledgement { at: to_microsecond(new.at), ..new.clone() });
        }
        Ok(self.activate(succession.activation))
    }

    /// Keeps a new proposal, with the record of it.
    pub(super) fn proposed(&mut self, proposal: &ProposalRecord, first: &VersionRecord, audit: &AuditEntry) {
        let proposal = ProposalRecord {
            created_at: to_microsecond(proposal.created_at),
            updated_at: to_microsecond(proposal.updated_at),
            ..proposal.clone()
        };
        let first = VersionRecord { created_at: to_microsecond(first.created_at), ..first.clone() };
        self.proposals.push(ProposalDetail { proposal, versions: vec![first] });
        self.noted(audit);
    }

    pub(super) fn noted(&mut self, entry: &AuditEntry) {
        self.audit.push(AuditEntry { at: to_microsecond(entry.at), ..entry.clone() });
    }
}

#[async_trait]
impl GovernanceStore for MemoryStore {
    async fn create_proposal(
        &self,
        tenant: &TenantId,
        proposal: &ProposalRecord,
        first: &VersionRecord,
        audit: &AuditEntry,
    ) -> Result<(), StoreError> {
        self.write(tenant, |held| held.proposed(proposal, first, audit));
        Ok(())
    }

    async fn add_proposal_version(
        &self,
        tenant: &TenantId,
        version: &VersionRecord,
        audit: &AuditEntry,
    ) -> Result<Governed<ProposalRecord>, StoreError> {
        Ok(self.write(tenant, |held| {
            let detail = held.pending(version.proposal, version.version - 1)?;
            for old in &mut detail.versions {
                old.is_current = false;
            }
            let at = to_microsecond(version.created_at);
            detail.versions.push(VersionRecord { created_at: at, ..version.clone() });
            detail.proposal.version = version.version;
            detail.proposal.updated_at = at;
            let proposal = detail.proposal.clone();
            held.noted(audit);
            Ok(proposal)
        }))
    }

    async fn proposals(
        &self,
        tenant: &TenantId,
        filter: ProposalFilter,
        page: PageRequest<'_>,
    ) -> Result<Page<ProposalRecord>, StoreError> {
        let keep = |proposal: &ProposalRecord| {
            filter.status.is_none_or(|status| status == proposal.status)
                && filter.source.is_none_or(|source| source == proposal.source)
        };
        Ok(self.read(tenant, |held| {
            let mut all: Vec<_> = held.proposals.iter().map(|detail| detail.proposal.clone()).collect();
            all.sort_by_key(|proposal| std::cmp::Reverse((proposal.created_at, proposal.id)));
            page_of(&all, keep, page)
        }))
    }

    async fn proposal(&self, tenant: &TenantId, id: Uuid) -> Result<Option<ProposalDetail>, StoreError> {
        Ok(self.read(tenant, |held| held.proposals.iter().find(|detail| detail.proposal.id == id).cloned()))
    }

    async fn proposal_versions(
        &self,
        tenant: &TenantId,
        only_current: bool,
        page: PageRequest<'_>,
    ) -> Result<Page<VersionRecord>, StoreError> {
        Ok(self.read(tenant, |held| {
            let mut all: Vec<_> = held.proposals.iter().flat_map(|detail| detail.versions.clone()).collect();
            all.sort_by_key(|version| {
                std::cmp::Reverse((version.created_at, version.proposal, version.version))
            });
            page_of(&all, |version| version.is_current || !only_current, page)
        }))
    }

    async fn proposal_stats(&self, tenant: &TenantId) -> Result<ProposalStats, StoreError> {
        Ok(self.read(tenant, Tenant::stats))
    }

    async fn decide_proposal(
        &self,
        tenant: &TenantId,
        decision: Decision<'_>,
        audit: &AuditEntry,
    ) -> Result<Governed<Decided>, StoreError> {
        Ok(self.write(tenant, |held| {
            held.pending(decision.proposal, decision.version)?;
            let bundle = decision.approved.map(|succession| held.succeeded(succession)).transpose()?;
            let proposal = &mut held.pending(decision.proposal, decision.version)?.proposal;
            let at = to_microsecond(decision.at);
            proposal.status =
                if bundle.is_some() { ProposalStatus::Approved } else { ProposalStatus::Rejected };
            proposal.updated_at = at;
            proposal.review = Some(Review {
                reviewer: decision.reviewer.clone(),
                at,
                notes: decision.notes.to_owned(),
                bundle: bundle.as_ref().map(|bundle| bundle.digest.clone()),
            });
            let proposal = proposal.clone();
            held.noted(audit);
            Ok(Decided { proposal, bundle })
        }))
    }

    async fn succeed(
        &self,
        tenant: &TenantId,
        succession: Succession<'_>,
        audit: &AuditEntry,
    ) -> Result<Governed<BundleRecord>, StoreError> {
        Ok(self.write(tenant, |held| {
            let bundle = held.succeeded(succession)?;
            held.noted(audit);
            Ok(bundle)
        }))
    }

    async fn acknowledge_conflict(
        &self,
        tenant: &TenantId,
        new: &ConflictAcknowledgement,
        audit: &AuditEntry,
    ) -> Result<Governed<ConflictRecord>, StoreError> {
        Ok(self.write(tenant, |held| {
            let found = held.conflicts.iter_mut().find(|record| record.conflict.id == new.conflict);
            let record = found.ok_or(Refusal::NotFound)?;
            if record.conflict.severity == ConflictSeverity::Blocking {
                return Err(Refusal::Blocking);
            }
            if record.conflict.resolved {
                return Err(Refusal::AlreadyResolved);
            }
            let kept = ConflictAcknowledgement { at: to_microsecond(new.at), ..new.clone() };
            record.conflict.resolved = true;
            record.acknowledged = Some(kept.clone());
            let record = record.clone();
            held.acknowledgements.push(kept);
            held.noted(audit);
            Ok(record)
        }))
    }

    async fn audit_log(
        &self,
        tenant: &TenantId,
        page: PageRequest<'_>,
    ) -> Result<Page<AuditEntry>, StoreError> {
        Ok(self.read(tenant, |held| {
            let mut all = held.audit.clone();
            all.reverse();
            let total = all.len() as u64;
            // Of its places only the list knows which comes first.
            let seen = page.after_audit().map_or(0, |last| {
                all.iter().position(|entry| entry.id == last).map_or(all.len(), |index| index + 1)
            });
            let rest = all.split_off(seen);
            Page { total, ..page_of(&rest, |_| true, PageRequest { after: None, ..page }) }
        }))
    }
}
