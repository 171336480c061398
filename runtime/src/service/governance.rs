//! What people decide: proposals, retired rules, accepted conflicts. Nothing here happens by itself.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use ordain_ir::{Bundle, Conflict, ConflictSeverity, PolicyId, PolicyRef, Report, RuleStatus, Source};
use ordain_store::{
    AuditEntry, BundleOrigin, BundleRecord, Clock, ConflictAcknowledgement, ConflictFilter, ConflictRecord,
    Decided, Decision, Page, PageRequest, Principal, ProposalDetail, ProposalFilter, ProposalRecord,
    ProposalStats, ProposalStatus, Random, Refusal, Store, StoreError, Succession, TenantId, VersionRecord,
    Voucher, new_id,
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::audit::entry;
use super::bundles::{ATTEMPTS, refused};
use super::judge::{Judged, LoadError, PolicyActivationBlockedError};
use super::trust::{Doubt, Trust, Untrusted};
use crate::gate::{CompileError, Compiled, SourceProblem};
use crate::{Gate, GateError, telemetry};

/// GOV-POL-002: a rule that others depend on can't go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyDeletionBlockedError {
    /// The rule.
    pub rule: String,
    /// What depends on it, at least one policy, by name.
    pub dependents: Vec<PolicyRef>,
}

impl std::error::Error for PolicyDeletionBlockedError {}

impl fmt::Display for PolicyDeletionBlockedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.dependents.iter().map(|policy| format!("`{}`", policy.name)).collect();
        let (depend, policies) =
            if names.len() == 1 { ("depends", "policy") } else { ("depend", "policies") };
        write!(
            f,
            "cannot delete `{}`: {} {policies} {depend} on it: {} (GOV-POL-002)",
            self.rule,
            names.len(),
            names.join(", ")
        )
    }
}

/// Why something wasn't done.
#[derive(Debug, thiserror::Error)]
pub enum GovernanceError {
    /// The store said no, or nothing.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Only people decide.
    #[error("only a person can do this, and `{0}` is a service")]
    HumanRequired(String),
    /// Nobody approves their own.
    #[error("`{0}` has written the proposal; somebody else must decide about it")]
    OwnProposal(String),
    /// What isn't there, or was decided already, or has changed.
    #[error("refused: {0:?}")]
    Refused(Refusal),
    /// The rule isn't there.
    #[error("the active bundle has no rule with the id `{0}`")]
    NoRule(PolicyId),
    /// The rule has gone already.
    #[error("`{0}` is retired already")]
    AlreadyRetired(String),
    /// The text has errors.
    #[error("the text does not compile")]
    Invalid(Vec<SourceProblem>),
    /// GOV-POL-001.
    #[error(transparent)]
    Blocked(#[from] PolicyActivationBlockedError),
    /// There are WARNINGs that nobody has accepted.
    #[error("{} new WARNING conflicts must be acknowledged", .0.len())]
    Unacknowledged(Vec<Arc<Conflict>>),
    /// GOV-POL-002.
    #[error(transparent)]
    DeletionBlocked(#[from] PolicyDeletionBlockedError),
    /// Nobody who is trusted vouches for what is active.
    #[error("the active bundle can't be built upon: {0}")]
    Untrusted(Untrusted),
    /// No judgement was reached.
    #[error(transparent)]
    Failed(LoadError),
}

impl From<Refusal> for GovernanceError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<LoadError> for GovernanceError {
    fn from(error: LoadError) -> Self {
        match error {
            LoadError::Blocked(blocked) => Self::Blocked(blocked),
            LoadError::Store(error) => Self::Store(error),
            LoadError::Untrusted(untrusted) => Self::Untrusted(untrusted),
            other => Self::Failed(other),
        }
    }
}

/// A proposal before it is kept.
#[derive(Clone, Debug)]
pub struct NewProposal {
    /// What it is about, in one line.
    pub title: String,
    /// Why.
    pub rationale: String,
    /// The policies, as source.
    pub text: String,
    /// Whether it was learned.
    pub source: Source,
}

/// What a reviewer says with an approval.
#[derive(Clone, Debug, Default)]
pub struct Approval {
    /// Why.
    pub notes: String,
    /// Fingerprints of the new WARNINGs that the reviewer accepts.
    pub acknowledge: BTreeSet<String>,
}

/// Keeps proposals and carries out what people decide.
#[derive(Clone)]
pub struct GovernanceService {
    store: Arc<dyn Store>,
    gate: Arc<dyn Gate>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    trust: Trust,
}

impl GovernanceService {
    /// A service over a store, with this gate before what becomes active. People decide only about what is trusted.
    pub fn new(
        store: Arc<dyn Store>,
        gate: Arc<dyn Gate>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        trust: Trust,
    ) -> Self {
        Self { store, gate, clock, random, trust }
    }

    /// The bundle from elsewhere on which what people decide here will rest, if it rests on any. They vouch for what
    /// they decide about, and not for what was active before.
    async fn root(&self, tenant: &TenantId, base: Option<&str>) -> Result<Option<String>, GovernanceError> {
        let Some(base) = base else { return Ok(None) };
        self.trust.root(&*self.store, tenant, base).await.map_err(|doubt| {
            if let Doubt::Untrusted(untrusted) = &doubt {
                refused(tenant, untrusted);
            }
            LoadError::from(doubt).into()
        })
    }

    fn entry(
        &self,
        at: Timestamp,
        actor: &Principal,
        action: &str,
        subject: &str,
        details: &Value,
    ) -> AuditEntry {
        entry(at, &*self.random, actor, action, subject, details)
    }

    /// Keeps a proposal, if its text compiles with what is active. Nothing becomes active.
    pub async fn propose(
        &self,
        tenant: &TenantId,
        author: &Principal,
        new: NewProposal,
    ) -> Result<ProposalDetail, GovernanceError> {
        self.compiled(tenant, &new.text, new.source).await?;
        let (proposal, first, audit) = self.written(self.clock.now(), author, new);
        self.store.create_proposal(tenant, &proposal, &first, &audit).await?;
        tracing::info!(%tenant, id = %proposal.id, author = author.name, "proposal was created");
        Ok(ProposalDetail { proposal, versions: vec![first] })
    }

    /// A new proposal, its first version, and the record of it.
    pub(super) fn written(
        &self,
        now: Timestamp,
        author: &Principal,
        new: NewProposal,
    ) -> (ProposalRecord, VersionRecord, AuditEntry) {
        let proposal = ProposalRecord {
            id: new_id(now, &*self.random),
            title: new.title,
            rationale: new.rationale,
            source: new.source,
            status: ProposalStatus::Draft,
            version: 1,
            author: author.clone(),
            created_at: now,
            updated_at: now,
            review: None,
        };
        let first = VersionRecord {
            proposal: proposal.id,
            version: 1,
            is_current: true,
            text: new.text,
            note: String::new(),
            author: author.clone(),
            created_at: now,
        };
        let details = json!({ "title": proposal.title });
        let audit = self.entry(now, author, "proposal.create", &proposal.id.to_string(), &details);
        (proposal, first, audit)
    }

    /// Whether a text compiles with what is active and contradicts nothing of it.
    pub(super) async fn could_become_active(
        &self,
        tenant: &TenantId,
        text: &str,
        source: Source,
        now: Timestamp,
    ) -> Result<(), GovernanceError> {
        let (_, compiled) = self.compiled(tenant, text, source).await?;
        let judged = Judged::of(&self.gate, compiled.bundle.to_bytes().0, now).await?;
        let blocking = judged.blocking();
        if blocking.is_empty() {
            return Ok(());
        }
        Err(PolicyActivationBlockedError { conflicts: blocking }.into())
    }

    /// Puts a new text in the place of the version that the author has seen.
    pub async fn revise(
        &self,
        tenant: &TenantId,
        author: &Principal,
        id: Uuid,
        seen: u32,
        (text, note): (String, String),
    ) -> Result<ProposalRecord, GovernanceError> {
        let detail = self.store.proposal(tenant, id).await?.ok_or(Refusal::NotFound)?;
        pending(&detail.proposal, seen)?;
        self.compiled(tenant, &text, detail.proposal.source).await?;
        let now = self.clock.now();
        let version = VersionRecord {
            proposal: id,
            version: seen.saturating_add(1),
            is_current: true,
            text,
            note,
            author: author.clone(),
            created_at: now,
        };
        let details = json!({ "version": version.version });
        let audit = self.entry(now, author, "proposal.revise", &id.to_string(), &details);
        Ok(self.store.add_proposal_version(tenant, &version, &audit).await??)
    }

    /// Approves a proposal: what it says becomes active, together with the rest of what is.
    pub async fn approve(
        &self,
        tenant: &TenantId,
        reviewer: &Principal,
        id: Uuid,
        seen: u32,
        approval: Approval,
    ) -> Result<Decided, GovernanceError> {
        let detail = self.reviewed(tenant, reviewer, id, seen).await?;
        let version = detail.versions.iter().find(|version| version.is_current).ok_or(Refusal::NotFound)?;
        for _ in 0..ATTEMPTS {
            let (base, compiled) = self.compiled(tenant, &version.text, detail.proposal.source).await?;
            let root = self.root(tenant, base.as_deref()).await?;
            let now = self.clock.now();
            let judged = Judged::of(&self.gate, compiled.bundle.to_bytes().0, now).await?;
            judged.passed(tenant)?;
            let new = self.new_warnings(tenant, &judged.conflicts).await?;
            let open: Vec<_> =
                new.iter().filter(|c| !approval.acknowledge.contains(&c.id)).cloned().collect();
            if !open.is_empty() {
                return Err(GovernanceError::Unacknowledged(open));
            }
            let acknowledgements: Vec<_> = new
                .into_iter()
                .map(|conflict| ConflictAcknowledgement {
                    conflict: conflict.id.clone(),
                    by: reviewer.clone(),
                    reason: approval.notes.clone(),
                    at: now,
                })
                .collect();
            let changed: Vec<_> = compiled.changed.iter().map(|policy| policy.name.as_str()).collect();
            let accepted: Vec<_> = acknowledgements.iter().map(|it| it.conflict.as_str()).collect();
            let details = json!({
                "version": seen, "policies": changed, "acknowledged": accepted, "before": base, "after": judged.digest
            });
            let audit = self.entry(now, reviewer, "proposal.approve", &id.to_string(), &details);
            let decision = Decision {
                proposal: id,
                version: seen,
                approved: Some(Succession {
                    activation: judged.activation(
                        BundleOrigin::Proposal,
                        Voucher::People { on: root.as_deref() },
                        now,
                    ),
                    based_on: base.as_deref(),
                    acknowledgements: &acknowledgements,
                    sighting: None,
                }),
                reviewer,
                at: now,
                notes: &approval.notes,
            };
            match self.store.decide_proposal(tenant, decision, &audit).await? {
                Err(Refusal::BaseChanged) => {}
                decided => {
                    let decided = decided?;
                    telemetry::decided("approved");
                    tracing::info!(%tenant, %id, reviewer = reviewer.name, "proposal was approved");
                    return Ok(decided);
                }
            }
        }
        Err(Refusal::BaseChanged.into())
    }

    /// Rejects a proposal. It is kept.
    pub async fn reject(
        &self,
        tenant: &TenantId,
        reviewer: &Principal,
        id: Uuid,
        seen: u32,
        reason: &str,
    ) -> Result<ProposalRecord, GovernanceError> {
        self.reviewed(tenant, reviewer, id, seen).await?;
        let now = self.clock.now();
        let details = json!({ "version": seen, "reason": reason });
        let audit = self.entry(now, reviewer, "proposal.reject", &id.to_string(), &details);
        let decision =
            Decision { proposal: id, version: seen, approved: None, reviewer, at: now, notes: reason };
        let decided = self.store.decide_proposal(tenant, decision, &audit).await??;
        telemetry::decided("rejected");
        tracing::info!(%tenant, %id, reviewer = reviewer.name, "proposal was rejected");
        Ok(decided.proposal)
    }

    /// Retires a rule that nothing depends on: it stays for the record and counts no more.
    pub async fn retire(
        &self,
        tenant: &TenantId,
        actor: &Principal,
        id: PolicyId,
    ) -> Result<BundleRecord, GovernanceError> {
        human(actor)?;
        for _ in 0..ATTEMPTS {
            let Some((base, mut bundle)) = self.active(tenant).await? else {
                return Err(GovernanceError::NoRule(id));
            };
            let rule = bundle.policies.rules.values().find(|rule| rule.id() == id);
            let name = rule.ok_or(GovernanceError::NoRule(id))?.name.clone();
            if let Some(rule) = bundle.policies.rules.get_mut(&name) {
                if rule.status == RuleStatus::Retired {
                    return Err(GovernanceError::AlreadyRetired(name.to_string()));
                }
                Arc::make_mut(rule).status = RuleStatus::Retired;
            }
            // A retired rule holds nobody back.
            let mut dependents = self.gate.dependents(&bundle.dependencies, &name);
            dependents.retain(|policy| {
                let rule = bundle.policies.rules.get(&policy.name);
                rule.is_none_or(|rule| rule.status == RuleStatus::Active)
            });
            if !dependents.is_empty() {
                tracing::warn!(%tenant, rule = %name, dependents = dependents.len(), "GOV-POL-002_DELETION_BLOCKED");
                return Err(PolicyDeletionBlockedError { rule: name.to_string(), dependents }.into());
            }
            bundle.dependencies = self.gate.dependencies(&bundle.policies);
            // What it says is of the policies as they were.
            bundle.analysis = Report::default();
            let root = self.root(tenant, Some(&base)).await?;
            let now = self.clock.now();
            let judged = Judged::of(&self.gate, bundle.to_bytes().0, now).await?;
            judged.passed(tenant)?;
            let details = json!({ "rule": name.as_str(), "before": base, "after": judged.digest });
            let audit = self.entry(now, actor, "rule.retire", &id.to_string(), &details);
            let succession = Succession {
                activation: judged.activation(
                    BundleOrigin::Retirement,
                    Voucher::People { on: root.as_deref() },
                    now,
                ),
                based_on: Some(&base),
                acknowledgements: &[],
                sighting: None,
            };
            match self.store.succeed(tenant, succession, &audit).await? {
                Err(Refusal::BaseChanged) => {}
                done => {
                    let record = done?;
                    tracing::info!(%tenant, rule = %name, actor = actor.name, "GOV-POL-002_DELETION_ALLOWED");
                    return Ok(record);
                }
            }
        }
        Err(Refusal::BaseChanged.into())
    }

    /// Accepts a WARNING, for as long as analyses find it.
    pub async fn acknowledge(
        &self,
        tenant: &TenantId,
        actor: &Principal,
        conflict: &str,
        reason: &str,
    ) -> Result<ConflictRecord, GovernanceError> {
        human(actor)?;
        let now = self.clock.now();
        let new = ConflictAcknowledgement {
            conflict: conflict.to_owned(),
            by: actor.clone(),
            reason: reason.to_owned(),
            at: now,
        };
        let audit = self.entry(now, actor, "conflict.acknowledge", conflict, &json!({ "reason": reason }));
        Ok(self.store.acknowledge_conflict(tenant, &new, &audit).await??)
    }

    /// Whether the tenant has a conflict of this fingerprint.
    pub async fn has_conflict(&self, tenant: &TenantId, conflict: &str) -> Result<bool, StoreError> {
        Ok(self.store.conflict(tenant, conflict).await?.is_some())
    }

    /// A page of proposals, the latest first.
    pub async fn list(
        &self,
        tenant: &TenantId,
        filter: ProposalFilter,
        page: PageRequest<'_>,
    ) -> Result<Page<ProposalRecord>, StoreError> {
        self.store.proposals(tenant, filter, page).await
    }

    /// A proposal with its versions.
    pub async fn detail(&self, tenant: &TenantId, id: Uuid) -> Result<Option<ProposalDetail>, StoreError> {
        self.store.proposal(tenant, id).await
    }

    /// A page of versions of all proposals, the latest first.
    pub async fn versions(
        &self,
        tenant: &TenantId,
        only_current: bool,
        page: PageRequest<'_>,
    ) -> Result<Page<VersionRecord>, StoreError> {
        self.store.proposal_versions(tenant, only_current, page).await
    }

    /// How many proposals there are.
    pub async fn stats(&self, tenant: &TenantId) -> Result<ProposalStats, StoreError> {
        self.store.proposal_stats(tenant).await
    }

    /// A page of the record of who did what, the latest first.
    pub async fn audit_log(
        &self,
        tenant: &TenantId,
        page: PageRequest<'_>,
    ) -> Result<Page<AuditEntry>, StoreError> {
        self.store.audit_log(tenant, page).await
    }

    /// A proposal that this person may decide about, in the version that they have seen.
    async fn reviewed(
        &self,
        tenant: &TenantId,
        reviewer: &Principal,
        id: Uuid,
        seen: u32,
    ) -> Result<ProposalDetail, GovernanceError> {
        human(reviewer)?;
        let detail = self.store.proposal(tenant, id).await?.ok_or(Refusal::NotFound)?;
        pending(&detail.proposal, seen)?;
        let wrote = detail.versions.iter().any(|version| version.author == *reviewer);
        if wrote || detail.proposal.author == *reviewer {
            return Err(GovernanceError::OwnProposal(reviewer.name.clone()));
        }
        Ok(detail)
    }

    /// The active bundle and its digest.
    pub(super) async fn active(
        &self,
        tenant: &TenantId,
    ) -> Result<Option<(String, Bundle)>, GovernanceError> {
        let Some(record) = self.store.active_bundle(tenant).await? else { return Ok(None) };
        let bytes = self.store.bundle_content(tenant, &record.digest).await?.unwrap_or_default();
        let (bundle, digest) = Bundle::from_bytes(&bytes).map_err(LoadError::from)?;
        Ok(Some((digest, bundle)))
    }

    /// A text together with what is active, and the digest of that.
    pub(super) async fn compiled(
        &self,
        tenant: &TenantId,
        text: &str,
        source: Source,
    ) -> Result<(Option<String>, Compiled), GovernanceError> {
        let active = self.active(tenant).await?;
        let (gate, text) = (Arc::clone(&self.gate), text.to_owned());
        let (base, bundle) = active.unzip();
        let compiled =
            tokio::task::spawn_blocking(move || gate.compile(bundle.as_ref(), &text, source)).await;
        let compiled = compiled.unwrap_or_else(|_| {
            let panicked = "the compiler ended with a panic, which is a bug of ours";
            Err(CompileError::Failed(GateError(panicked.to_owned())))
        });
        match compiled {
            Ok(compiled) => Ok((base, compiled)),
            Err(CompileError::Invalid(problems)) => Err(GovernanceError::Invalid(problems)),
            Err(CompileError::Failed(error)) => Err(LoadError::Gate(error).into()),
        }
    }

    /// Unresolved WARNINGs that are not among the present conflicts.
    async fn new_warnings(
        &self,
        tenant: &TenantId,
        found: &[Arc<Conflict>],
    ) -> Result<Vec<Arc<Conflict>>, StoreError> {
        let mut known = BTreeSet::new();
        let everything = ConflictFilter { include_resolved: true, ..ConflictFilter::default() };
        let mut last = None;
        loop {
            let page = PageRequest::FIRST.after(last.as_ref());
            let conflicts = self.store.conflicts(tenant, &everything, page).await?;
            known.extend(conflicts.items.into_iter().map(|record| record.conflict.id));
            last = conflicts.next;
            if last.is_none() {
                break;
            }
        }
        let new = |conflict: &&Arc<Conflict>| {
            conflict.severity == ConflictSeverity::Warning
                && !conflict.resolved
                && !known.contains(&conflict.id)
        };
        Ok(found.iter().filter(new).cloned().collect())
    }
}

/// Only people decide.
pub(super) fn human(principal: &Principal) -> Result<(), GovernanceError> {
    if principal.is_human() { Ok(()) } else { Err(GovernanceError::HumanRequired(principal.name.clone())) }
}

fn pending(proposal: &ProposalRecord, seen: u32) -> Result<(), Refusal> {
    match proposal.status {
        ProposalStatus::Draft if proposal.version == seen => Ok(()),
        ProposalStatus::Draft => Err(Refusal::VersionChanged(proposal.version)),
        status => Err(Refusal::NotPending(status)),
    }
}
