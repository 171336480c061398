//! The model: a store in memory, as plain as can be, that the others are compared with.

mod access;
mod capabilities;
mod counting;
mod governance;
mod lessons;
mod panels;
mod violations;

use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock};

use async_trait::async_trait;
use jiff::Timestamp;
use ordain_ir::{Conflict, ConflictSeverity, DependencyEdge, Limit, LimitStatus, PolicyId, Rule, RuleStatus};

use crate::counting::{Book, LedgerEntry, Progress};
use crate::{
    Activation, ApiKeyRecord, AuditEntry, BundleRecord, BundleStore, CapabilityObservation,
    ConflictAcknowledgement, ConflictFilter, ConflictPage, ConflictRecord, ConflictStore, Debounces,
    DependencyStore, EvaluationTally, GraphSnapshot, Incident, Lesson, LimitFilter, LimitRecord, LimitStore,
    Page, PageRequest, PanelHealth, Placed, PolicyDetail, ProposalDetail, RuleFilter, RuleRecord, RuleStore,
    Run, StateCounts, StateStore, StoreError, Taken, TenantId, Violation, ViolationFilter, Voucher, Vouchers,
    conflict_rank, to_microsecond,
};

/// A store that forgets everything when it is dropped.
#[derive(Debug, Default)]
pub struct MemoryStore(RwLock<BTreeMap<TenantId, Tenant>>);

#[derive(Clone, Debug, Default)]
struct Tenant {
    rules: Vec<RuleRecord>,
    limits: Vec<LimitRecord>,
    conflicts: Vec<ConflictRecord>,
    edges: Vec<DependencyEdge>,
    bundles: Vec<(BundleRecord, Vec<u8>)>,
    vouchers: BTreeMap<String, Vouchers>,
    taken: BTreeMap<String, Taken>,
    /// The latest first.
    violations: Vec<Violation>,
    evaluations: Vec<EvaluationTally>,
    book: Book,
    ledger: Vec<LedgerEntry>,
    forgetting: Option<Progress>,
    keys: Vec<ApiKeyRecord>,
    proposals: Vec<ProposalDetail>,
    audit: Vec<AuditEntry>,
    acknowledgements: Vec<ConflictAcknowledgement>,
    panels: BTreeMap<String, PanelHealth>,
    observed: BTreeMap<String, CapabilityObservation>,
    incidents: Vec<Incident>,
    runs: Vec<Run>,
    lessons: Vec<Lesson>,
    debounces: Debounces,
}

impl MemoryStore {
    fn read<T>(&self, tenant: &TenantId, answer: impl FnOnce(&Tenant) -> T) -> T {
        let tenants = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let nobody = Tenant::default();
        answer(tenants.get(tenant).unwrap_or(&nobody))
    }

    fn write<T>(&self, tenant: &TenantId, change: impl FnOnce(&mut Tenant) -> T) -> T {
        let mut tenants = self.0.write().unwrap_or_else(PoisonError::into_inner);
        change(tenants.entry(tenant.clone()).or_default())
    }
}

impl Tenant {
    fn active(&self) -> Option<&BundleRecord> {
        self.bundles.iter().map(|(bundle, _)| bundle).find(|bundle| bundle.active)
    }

    fn touching(&self, id: PolicyId) -> Vec<DependencyEdge> {
        self.edges.iter().filter(|edge| edge.from.id == id || edge.to.id == id).cloned().collect()
    }

    /// Keeps who vouches for a bundle, and tells the keys of all who have signed it.
    fn vouched(&mut self, new: &Activation<'_>) -> Vec<String> {
        let known = self.vouchers.entry(new.digest.to_owned()).or_default();
        match new.voucher {
            Voucher::Nobody => {}
            Voucher::Signer(signature) => {
                known.signatures.retain(|old| old.key != signature.key);
                known.signatures.push(*signature);
                known.signatures.sort_by_cached_key(|signature| signature.key.to_string());
            }
            Voucher::People { on } => known.decided = Some(on.map(ToOwned::to_owned)),
        }
        known.signatures.iter().map(|signature| signature.key.to_string()).collect()
    }

    fn activate(&mut self, new: Activation<'_>) -> BundleRecord {
        let signers = self.vouched(&new);
        let at = to_microsecond(new.at);
        self.rules = new.policies.rules.values().map(|rule| renewed_rule(&self.rules, rule, at)).collect();
        self.limits =
            new.policies.limits.values().map(|limit| renewed_limit(&self.limits, limit, at)).collect();
        let seen = |conflict: &Conflict| self.conflicts.iter().find(|old| old.conflict.id == conflict.id);
        self.acknowledgements.retain(|old| new.conflicts.iter().any(|found| found.id == old.conflict));
        self.conflicts = new
            .conflicts
            .iter()
            .map(|conflict| {
                let acknowledged =
                    self.acknowledgements.iter().find(|ack| ack.conflict == conflict.id).cloned();
                // What has become BLOCKING nobody has accepted.
                let acknowledged = acknowledged.filter(|_| conflict.severity == ConflictSeverity::Warning);
                ConflictRecord {
                    conflict: Conflict {
                        resolved: conflict.resolved || acknowledged.is_some(),
                        ..Conflict::clone(conflict)
                    },
                    detected_at: seen(conflict).map_or(at, |old| old.detected_at),
                    acknowledged,
                }
            })
            .collect();
        self.conflicts
            .sort_by_cached_key(|found| (conflict_rank(&found.conflict), found.conflict.id.clone()));
        self.edges = new.edges.to_vec();
        let before = self.bundles.iter().position(|(bundle, _)| bundle.digest == new.digest);
        let before = before.map(|index| self.bundles.remove(index).0);
        let was_active = before.as_ref().is_some_and(|old| old.active);
        for (bundle, _) in &mut self.bundles {
            bundle.active = false;
        }
        let bundle = BundleRecord {
            digest: new.digest.to_owned(),
            workspace: new.workspace.to_owned(),
            language: new.language.to_owned(),
            compiler: new.compiler.to_owned(),
            size: new.content.len() as u64,
            active: true,
            activations: before.as_ref().map_or(0, |old| old.activations) + u64::from(!was_active),
            origin: before.as_ref().filter(|_| was_active).map_or(new.origin, |old| old.origin),
            signers,
            uploaded_at: before.as_ref().map_or(at, |old| old.uploaded_at),
            activated_at: before.filter(|old| old.active).map_or(at, |old| old.activated_at),
            analysed_at: at,
        };
        self.bundles.push((bundle.clone(), new.content.to_vec()));
        bundle
    }
}

fn renewed_rule(before: &[RuleRecord], rule: &Rule, at: Timestamp) -> RuleRecord {
    let old = before.iter().find(|old| old.rule.name == rule.name);
    RuleRecord {
        rule: rule.clone(),
        created_at: old.map_or(at, |old| old.created_at),
        updated_at: old.filter(|old| old.rule == *rule).map_or(at, |old| old.updated_at),
    }
}

fn renewed_limit(before: &[LimitRecord], limit: &Limit, at: Timestamp) -> LimitRecord {
    let old = before.iter().find(|old| old.limit.name == limit.name);
    LimitRecord {
        limit: limit.clone(),
        created_at: old.map_or(at, |old| old.created_at),
        updated_at: old.filter(|old| old.limit == *limit).map_or(at, |old| old.updated_at),
    }
}

fn allows<T: PartialEq>(wanted: Option<&T>, found: &T) -> bool {
    wanted.is_none_or(|wanted| wanted == found)
}

fn within(after: Option<Timestamp>, before: Option<Timestamp>, at: Timestamp) -> bool {
    after.is_none_or(|after| at >= after) && before.is_none_or(|before| at <= before)
}

/// A page of a list that is in its order.
fn page_of<T: Clone + Placed>(items: &[T], keep: impl Fn(&T) -> bool, page: PageRequest<'_>) -> Page<T> {
    let kept: Vec<&T> = items.iter().filter(|item| keep(item)).collect();
    let total = kept.len() as u64;
    let rest = kept.into_iter().filter(|item| page.after.is_none_or(|place| place.is_before(&item.place())));
    let skipped = rest.skip(usize::try_from(page.offset).unwrap_or(usize::MAX));
    let size = usize::try_from(page.limit).unwrap_or(usize::MAX);
    Page::new(skipped.take(size + 1).cloned().collect(), total, page)
}

#[async_trait]
impl RuleStore for MemoryStore {
    async fn rules(
        &self,
        tenant: &TenantId,
        filter: &RuleFilter,
        page: PageRequest<'_>,
    ) -> Result<Page<RuleRecord>, StoreError> {
        let keep = |record: &RuleRecord| {
            let rule = &record.rule;
            allows(filter.status.as_ref(), &rule.status)
                && allows(filter.enforcement_mode.as_ref(), &rule.enforcement_mode)
                && allows(filter.scope.as_ref(), &rule.scope.level)
                && allows(filter.source.as_ref(), &rule.source)
                && allows(filter.rule_type.as_ref(), &rule.rule_type)
                && within(filter.created_after, filter.created_before, record.created_at)
        };
        Ok(self.read(tenant, |held| page_of(&held.rules, keep, page)))
    }

    async fn rule(
        &self,
        tenant: &TenantId,
        id: PolicyId,
    ) -> Result<Option<PolicyDetail<RuleRecord>>, StoreError> {
        Ok(self.read(tenant, |held| {
            let policy = held.rules.iter().find(|record| record.id() == id)?.clone();
            Some(PolicyDetail { policy, edges: held.touching(id) })
        }))
    }
}

#[async_trait]
impl LimitStore for MemoryStore {
    async fn limits(
        &self,
        tenant: &TenantId,
        filter: &LimitFilter,
        page: PageRequest<'_>,
    ) -> Result<Page<LimitRecord>, StoreError> {
        let keep = |record: &LimitRecord| {
            let limit = &record.limit;
            allows(filter.category.as_ref(), &limit.quantity.category())
                && allows(filter.status.as_ref(), &limit.status)
                && allows(filter.scope.as_ref(), &limit.scope.level)
                && allows(filter.enforcement.as_ref(), &limit.enforcement)
                && filter.limit_type.as_ref().is_none_or(|p| p.matches(&limit.quantity.to_string()))
                && within(filter.created_after, filter.created_before, record.created_at)
        };
        Ok(self.read(tenant, |held| page_of(&held.limits, keep, page)))
    }

    async fn limit(
        &self,
        tenant: &TenantId,
        id: PolicyId,
    ) -> Result<Option<PolicyDetail<LimitRecord>>, StoreError> {
        Ok(self.read(tenant, |held| {
            let policy = held.limits.iter().find(|record| record.id() == id)?.clone();
            Some(PolicyDetail { policy, edges: held.touching(id) })
        }))
    }
}

#[async_trait]
impl ConflictStore for MemoryStore {
    async fn conflicts(
        &self,
        tenant: &TenantId,
        filter: &ConflictFilter,
        page: PageRequest<'_>,
    ) -> Result<ConflictPage, StoreError> {
        let keep = |record: &ConflictRecord| {
            allows(filter.severity.as_ref(), &record.conflict.severity)
                && (filter.include_resolved || !record.conflict.resolved)
        };
        let blocking = |record: &&ConflictRecord| {
            record.conflict.severity == ConflictSeverity::Blocking && !record.conflict.resolved
        };
        Ok(self.read(tenant, |held| {
            let Page { items, total, next } = page_of(&held.conflicts, keep, page);
            ConflictPage {
                items,
                total,
                next,
                unresolved_count: held.conflicts.iter().filter(blocking).count() as u64,
            }
        }))
    }

    async fn conflict(&self, tenant: &TenantId, id: &str) -> Result<Option<ConflictRecord>, StoreError> {
        Ok(self.read(tenant, |held| held.conflicts.iter().find(|record| record.conflict.id == id).cloned()))
    }
}

#[async_trait]
impl DependencyStore for MemoryStore {
    async fn dependency_graph(&self, tenant: &TenantId) -> Result<GraphSnapshot, StoreError> {
        Ok(self.read(tenant, |held| GraphSnapshot {
            rules: held.rules.clone(),
            limits: held.limits.clone(),
            edges: held.edges.clone(),
            computed_at: held.active().map(|bundle| bundle.analysed_at),
        }))
    }
}

#[async_trait]
impl BundleStore for MemoryStore {
    async fn activate_bundle(
        &self,
        tenant: &TenantId,
        activation: Activation<'_>,
    ) -> Result<BundleRecord, StoreError> {
        Ok(self.write(tenant, |held| held.activate(activation)))
    }

    async fn store_bundle(&self, tenant: &TenantId, new: Activation<'_>) -> Result<BundleRecord, StoreError> {
        Ok(self.write(tenant, |held| {
            let signers = held.vouched(&new);
            if let Some((old, _)) = held.bundles.iter_mut().find(|(old, _)| old.digest == new.digest) {
                old.signers = signers;
                return old.clone();
            }
            let at = to_microsecond(new.at);
            let bundle = BundleRecord {
                digest: new.digest.to_owned(),
                workspace: new.workspace.to_owned(),
                language: new.language.to_owned(),
                compiler: new.compiler.to_owned(),
                size: new.content.len() as u64,
                active: false,
                activations: 0,
                origin: new.origin,
                signers,
                uploaded_at: at,
                activated_at: at,
                analysed_at: at,
            };
            held.bundles.push((bundle.clone(), new.content.to_vec()));
            bundle
        }))
    }

    async fn bundles(
        &self,
        tenant: &TenantId,
        page: PageRequest<'_>,
    ) -> Result<Page<BundleRecord>, StoreError> {
        Ok(self.read(tenant, |held| {
            let mut bundles: Vec<_> = held.bundles.iter().map(|(bundle, _)| bundle.clone()).collect();
            bundles.sort_by(|a, b| (b.uploaded_at, &a.digest).cmp(&(a.uploaded_at, &b.digest)));
            page_of(&bundles, |_| true, page)
        }))
    }

    async fn active_bundle(&self, tenant: &TenantId) -> Result<Option<BundleRecord>, StoreError> {
        Ok(self.read(tenant, |held| held.active().cloned()))
    }

    async fn bundle_content(&self, tenant: &TenantId, digest: &str) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.read(tenant, |held| {
            held.bundles
                .iter()
                .find(|(bundle, _)| bundle.digest == digest)
                .map(|(_, content)| content.clone())
        }))
    }

    async fn last_taken(&self, tenant: &TenantId, place: &str) -> Result<Option<Taken>, StoreError> {
        Ok(self.read(tenant, |held| held.taken.get(place).cloned()))
    }

    async fn bundle_vouchers(&self, tenant: &TenantId, digest: &str) -> Result<Vouchers, StoreError> {
        Ok(self.read(tenant, |held| held.vouchers.get(digest).cloned().unwrap_or_default()))
    }
}

#[async_trait]
impl StateStore for MemoryStore {
    async fn state_counts(
        &self,
        tenant: &TenantId,
        violations_since: Timestamp,
    ) -> Result<StateCounts, StoreError> {
        Ok(self.read(tenant, |held| {
            let recent = ViolationFilter::since(violations_since);
            let active_rules = held.rules.iter().filter(|r| r.rule.status == RuleStatus::Active).count();
            let active_limits = held.limits.iter().filter(|l| l.limit.status == LimitStatus::Active).count();
            StateCounts {
                total_policies: (held.rules.len() + held.limits.len()) as u64,
                active_policies: (active_rules + active_limits) as u64,
                drafts_pending_review: held.stats().draft,
                conflicts_detected: held.conflicts.iter().filter(|c| !c.conflict.resolved).count() as u64,
                violations: held.violations.iter().filter(|violation| recent.passes(violation)).count()
                    as u64,
                last_updated: held.active().map(|bundle| bundle.analysed_at),
            }
        }))
    }
}
