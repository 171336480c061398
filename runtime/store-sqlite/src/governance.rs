//! Proposals, decisions of people, and the record of them.

use async_trait::async_trait;
use ordain_ir::{ConflictSeverity, Source};
use ordain_store::{
    AuditEntry, BundleRecord, ConflictAcknowledgement, ConflictRecord, Decided, Decision, GovernanceStore,
    Governed, Page, PageRequest, Principal, PrincipalKind, ProposalDetail, ProposalFilter, ProposalRecord,
    ProposalStats, ProposalStatus, Refusal, Review, StoreError, Succession, TenantId, VersionRecord,
};
use sqlx::{SqliteConnection, query, query_as, query_scalar};
use uuid::Uuid;

use crate::SqliteStore;
use crate::bundles::{activate, active};
use crate::conflicts::one;
use crate::row::{count, failed, instant, uuid, word};
use crate::watching::{last_taken, take};

const PROPOSALS: &str = "policy_proposals";
const VERSIONS: &str = "policy_versions";
const AUDIT: &str = "audit_log";

struct ProposalRow {
    id: String,
    title: String,
    rationale: String,
    source: String,
    status: String,
    version: i64,
    author_kind: String,
    author: String,
    created_at: i64,
    updated_at: i64,
    reviewer: Option<String>,
    reviewed_at: Option<i64>,
    review_notes: Option<String>,
    bundle_digest: Option<String>,
}

fn number(table: &'static str, row: &str, version: i64) -> Result<u32, StoreError> {
    u32::try_from(version).map_err(|error| StoreError::inconsistent(table, "version", &row, &error))
}

impl ProposalRow {
    fn read(self) -> Result<ProposalRecord, StoreError> {
        let at = |column, value| instant(PROPOSALS, column, &self.id, value);
        let review = match (self.reviewer, self.reviewed_at, self.review_notes) {
            (Some(name), Some(reviewed), Some(notes)) => Some(Review {
                reviewer: Principal { kind: PrincipalKind::Human, name },
                at: at("reviewed_at", reviewed)?,
                notes,
                bundle: self.bundle_digest,
            }),
            _ => None,
        };
        Ok(ProposalRecord {
            source: word(PROPOSALS, "source", &self.id, &self.source)?,
            status: word(PROPOSALS, "status", &self.id, &self.status)?,
            version: number(PROPOSALS, &self.id, self.version)?,
            author: Principal {
                kind: word(PROPOSALS, "author_kind", &self.id, &self.author_kind)?,
                name: self.author,
            },
            created_at: at("created_at", self.created_at)?,
            updated_at: at("updated_at", self.updated_at)?,
            id: uuid(PROPOSALS, "id", &self.id)?,
            title: self.title,
            rationale: self.rationale,
            review,
        })
    }
}

struct VersionRow {
    proposal_id: String,
    version: i64,
    is_current: i64,
    text: String,
    note: String,
    author_kind: String,
    author: String,
    created_at: i64,
}

impl VersionRow {
    fn read(self) -> Result<VersionRecord, StoreError> {
        Ok(VersionRecord {
            version: number(VERSIONS, &self.proposal_id, self.version)?,
            is_current: self.is_current != 0,
            author: Principal {
                kind: word(VERSIONS, "author_kind", &self.proposal_id, &self.author_kind)?,
                name: self.author,
            },
            created_at: instant(VERSIONS, "created_at", &self.proposal_id, self.created_at)?,
            proposal: uuid(VERSIONS, "proposal_id", &self.proposal_id)?,
            text: self.text,
            note: self.note,
        })
    }
}

struct AuditRow {
    id: String,
    at: i64,
    actor_kind: String,
    actor: String,
    action: String,
    subject: String,
    details: String,
}

impl AuditRow {
    fn read(self) -> Result<AuditEntry, StoreError> {
        Ok(AuditEntry {
            at: instant(AUDIT, "at", &self.id, self.at)?,
            actor: Principal {
                kind: word(AUDIT, "actor_kind", &self.id, &self.actor_kind)?,
                name: self.actor,
            },
            id: uuid(AUDIT, "id", &self.id)?,
            action: self.action,
            subject: self.subject,
            details: self.details,
        })
    }
}

pub(crate) async fn note(
    connection: &mut SqliteConnection,
    tenant: &str,
    entry: &AuditEntry,
) -> Result<(), StoreError> {
    let (id, at, kind) =
        (entry.id.hyphenated().to_string(), entry.at.as_microsecond(), entry.actor.kind.as_str());
    query!(
        "INSERT INTO audit_log (tenant_id, id, at, actor_kind, actor, action, subject, details)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        tenant,
        id,
        at,
        kind,
        entry.actor.name,
        entry.action,
        entry.subject,
        entry.details
    )
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(())
}

async fn insert_version(
    connection: &mut SqliteConnection,
    tenant: &str,
    version: &VersionRecord,
) -> Result<(), StoreError> {
    let (proposal, number) = (version.proposal.hyphenated().to_string(), i64::from(version.version));
    let (kind, at) = (version.author.kind.as_str(), version.created_at.as_microsecond());
    query!(
        "INSERT INTO policy_versions
           (tenant_id, proposal_id, version, is_current, text, note, author_kind, author, created_at)
         VALUES ($1, $2, $3, 1, $4, $5, $6, $7, $8)",
        tenant,
        proposal,
        number,
        version.text,
        version.note,
        kind,
        version.author.name,
        at
    )
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(())
}

async fn find(
    connection: &mut SqliteConnection,
    tenant: &str,
    id: &str,
) -> Result<Option<ProposalRecord>, StoreError> {
    let row = query_as!(
        ProposalRow,
        "SELECT id, title, rationale, source, status, version, author_kind, author, created_at, updated_at, reviewer,
                reviewed_at, review_notes, bundle_digest
         FROM policy_proposals WHERE tenant_id = $1 AND id = $2",
        tenant,
        id
    );
    row.fetch_optional(connection).await.map_err(failed)?.map(ProposalRow::read).transpose()
}

/// A proposal that waits, in the version that somebody has seen.
async fn pending(
    connection: &mut SqliteConnection,
    tenant: &str,
    id: &str,
    version: u32,
) -> Result<Governed<ProposalRecord>, StoreError> {
    let Some(proposal) = find(connection, tenant, id).await? else { return Ok(Err(Refusal::NotFound)) };
    Ok(match (proposal.status, proposal.version) {
        (ProposalStatus::Draft, current) if current == version => Ok(proposal),
        (ProposalStatus::Draft, current) => Err(Refusal::VersionChanged(current)),
        (status, _) => Err(Refusal::NotPending(status)),
    })
}

async fn acknowledge(
    connection: &mut SqliteConnection,
    tenant: &str,
    new: &ConflictAcknowledgement,
) -> Result<(), StoreError> {
    let at = new.at.as_microsecond();
    query!(
        "INSERT INTO conflict_acknowledgements (tenant_id, conflict_id, acknowledged_by, reason, acknowledged_at)
         VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (tenant_id, conflict_id) DO UPDATE SET
           acknowledged_by = excluded.acknowledged_by, reason = excluded.reason,
           acknowledged_at = excluded.acknowledged_at",
        tenant,
        new.conflict,
        new.by.name,
        new.reason,
        at
    )
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(())
}

async fn succeeded(
    connection: &mut SqliteConnection,
    tenant: &str,
    succession: &Succession<'_>,
) -> Result<Governed<BundleRecord>, StoreError> {
    let now = active(connection, tenant).await?;
    if now.as_ref().map(|bundle| bundle.digest.as_str()) != succession.based_on {
        return Ok(Err(Refusal::BaseChanged));
    }
    if let Some(sighting) = succession.sighting {
        let last = last_taken(connection, tenant, sighting.place).await?;
        if last.as_ref().map(|taken| taken.digest.as_str()) != sighting.after {
            return Ok(Err(Refusal::BaseChanged));
        }
    }
    for new in succession.acknowledgements {
        acknowledge(connection, tenant, new).await?;
    }
    let record = activate(connection, tenant, &succession.activation).await?;
    if let Some(sighting) = succession.sighting {
        take(connection, tenant, sighting, &succession.activation).await?;
    }
    Ok(Ok(record))
}

/// Keeps a new proposal, with the record of it.
pub(crate) async fn propose(
    connection: &mut SqliteConnection,
    tenant: &str,
    proposal: &ProposalRecord,
    first: &VersionRecord,
    audit: &AuditEntry,
) -> Result<(), StoreError> {
    let (id, source) = (proposal.id.hyphenated().to_string(), proposal.source.as_str());
    let (status, version) = (proposal.status.as_str(), i64::from(proposal.version));
    let (kind, created) = (proposal.author.kind.as_str(), proposal.created_at.as_microsecond());
    let updated = proposal.updated_at.as_microsecond();
    query!(
        "INSERT INTO policy_proposals
           (tenant_id, id, title, rationale, source, status, version, author_kind, author, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        tenant,
        id,
        proposal.title,
        proposal.rationale,
        source,
        status,
        version,
        kind,
        proposal.author.name,
        created,
        updated
    )
    .execute(&mut *connection)
    .await
    .map_err(failed)?;
    insert_version(connection, tenant, first).await?;
    note(connection, tenant, audit).await
}

#[async_trait]
impl GovernanceStore for SqliteStore {
    async fn create_proposal(
        &self,
        tenant: &TenantId,
        proposal: &ProposalRecord,
        first: &VersionRecord,
        audit: &AuditEntry,
    ) -> Result<(), StoreError> {
        let tenant = tenant.as_str();
        let mut transaction = self.write.begin_with("BEGIN IMMEDIATE").await.map_err(failed)?;
        propose(&mut transaction, tenant, proposal, first, audit).await?;
        transaction.commit().await.map_err(failed)
    }

    async fn add_proposal_version(
        &self,
        tenant: &TenantId,
        version: &VersionRecord,
        audit: &AuditEntry,
    ) -> Result<Governed<ProposalRecord>, StoreError> {
        let tenant = tenant.as_str();
        let id = version.proposal.hyphenated().to_string();
        let (number, at) = (i64::from(version.version), version.created_at.as_microsecond());
        let mut transaction = self.write.begin_with("BEGIN IMMEDIATE").await.map_err(failed)?;
        if let Err(refusal) = pending(&mut transaction, tenant, &id, version.version - 1).await? {
            return Ok(Err(refusal));
        }
        query!(
            "UPDATE policy_versions SET is_current = 0 WHERE tenant_id = $1 AND proposal_id = $2 AND is_current = 1",
            tenant,
            id
        )
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
        insert_version(&mut transaction, tenant, version).await?;
        query!(
            "UPDATE policy_proposals SET version = $3, updated_at = $4 WHERE tenant_id = $1 AND id = $2",
            tenant,
            id,
            number,
            at
        )
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
        note(&mut transaction, tenant, audit).await?;
        let proposal = find(&mut transaction, tenant, &id).await?;
        transaction.commit().await.map_err(failed)?;
        Ok(proposal.ok_or(Refusal::NotFound))
    }

    async fn proposals(
        &self,
        tenant: &TenantId,
        filter: ProposalFilter,
        page: PageRequest<'_>,
    ) -> Result<Page<ProposalRecord>, StoreError> {
        let tenant = tenant.as_str();
        let (status, source) = (filter.status.map(ProposalStatus::as_str), filter.source.map(Source::as_str));
        let (limit, offset, last) = (page.sql_limit(), page.sql_offset(), page.after_event());
        let at = last.map_or(i64::MAX, |last| last.0.as_microsecond());
        let id = last.map(|last| last.1.hyphenated().to_string()).unwrap_or_default();
        let mut snapshot = self.read.begin().await.map_err(failed)?;
        let total = query_scalar!(
            r#"SELECT count(*) AS "total!: i64" FROM policy_proposals
               WHERE tenant_id = $1 AND ($2 IS NULL OR status = $2) AND ($3 IS NULL OR source = $3)"#,
            tenant,
            status,
            source
        )
        .fetch_one(&mut *snapshot)
        .await
        .map_err(failed)?;
        let rows = query_as!(
            ProposalRow,
            "SELECT id, title, rationale, source, status, version, author_kind, author, created_at, updated_at,
                    reviewer, reviewed_at, review_notes, bundle_digest
             FROM policy_proposals
             WHERE tenant_id = $1 AND ($2 IS NULL OR status = $2) AND ($3 IS NULL OR source = $3)
               AND (created_at, id) < ($4, $5)
             ORDER BY created_at DESC, id DESC LIMIT $6 OFFSET $7",
            tenant,
            status,
            source,
            at,
            id,
            limit,
            offset
        )
        .fetch_all(&mut *snapshot)
        .await
        .map_err(failed)?;
        let items = rows.into_iter().map(ProposalRow::read).collect::<Result<_, _>>()?;
        Ok(Page::new(items, count(PROPOSALS, total)?, page))
    }

    async fn proposal(&self, tenant: &TenantId, id: Uuid) -> Result<Option<ProposalDetail>, StoreError> {
        let (tenant, id) = (tenant.as_str(), id.hyphenated().to_string());
        let mut snapshot = self.read.begin().await.map_err(failed)?;
        let Some(proposal) = find(&mut snapshot, tenant, &id).await? else { return Ok(None) };
        let rows = query_as!(
            VersionRow,
            "SELECT proposal_id, version, is_current, text, note, author_kind, author, created_at FROM policy_versions
             WHERE tenant_id = $1 AND proposal_id = $2 ORDER BY version",
            tenant,
            id
        )
        .fetch_all(&mut *snapshot)
        .await
        .map_err(failed)?;
        let versions = rows.into_iter().map(VersionRow::read).collect::<Result<_, _>>()?;
        Ok(Some(ProposalDetail { proposal, versions }))
    }

    async fn proposal_versions(
        &self,
        tenant: &TenantId,
        only_current: bool,
        page: PageRequest<'_>,
    ) -> Result<Page<VersionRecord>, StoreError> {
        let tenant = tenant.as_str();
        let (limit, offset, last) = (page.sql_limit(), page.sql_offset(), page.after_version());
        let at = last.map_or(i64::MAX, |last| last.0.as_microsecond());
        let proposal = last.map(|last| last.1.hyphenated().to_string()).unwrap_or_default();
        let version = last.map_or(0, |last| last.2);
        let mut snapshot = self.read.begin().await.map_err(failed)?;
        let total = query_scalar!(
            r#"SELECT count(*) AS "total!: i64" FROM policy_versions
               WHERE tenant_id = $1 AND (is_current = 1 OR NOT $2)"#,
            tenant,
            only_current
        )
        .fetch_one(&mut *snapshot)
        .await
        .map_err(failed)?;
        let rows = query_as!(
            VersionRow,
            "SELECT proposal_id, version, is_current, text, note, author_kind, author, created_at FROM policy_versions
             WHERE tenant_id = $1 AND (is_current = 1 OR NOT $2)
               AND (created_at, proposal_id, version) < ($3, $4, $5)
             ORDER BY created_at DESC, proposal_id DESC, version DESC LIMIT $6 OFFSET $7",
            tenant,
            only_current,
            at,
            proposal,
            version,
            limit,
            offset
        )
        .fetch_all(&mut *snapshot)
        .await
        .map_err(failed)?;
        let items = rows.into_iter().map(VersionRow::read).collect::<Result<_, _>>()?;
        Ok(Page::new(items, count(VERSIONS, total)?, page))
    }

    async fn proposal_stats(&self, tenant: &TenantId) -> Result<ProposalStats, StoreError> {
        let tenant = tenant.as_str();
        let row = query!(
            r#"SELECT count(*) FILTER (WHERE status = 'draft') AS "draft!: i64",
                      count(*) FILTER (WHERE status = 'approved') AS "approved!: i64",
                      count(*) FILTER (WHERE status = 'rejected') AS "rejected!: i64",
                      count(*) FILTER (WHERE source = 'MANUAL') AS "manual!: i64",
                      count(*) FILTER (WHERE source = 'LEARNED') AS "learned!: i64",
                      min(created_at) FILTER (WHERE status = 'draft') AS "waiting?: i64"
               FROM policy_proposals WHERE tenant_id = $1"#,
            tenant
        )
        .fetch_one(&self.read)
        .await
        .map_err(failed)?;
        Ok(ProposalStats {
            draft: count(PROPOSALS, row.draft)?,
            approved: count(PROPOSALS, row.approved)?,
            rejected: count(PROPOSALS, row.rejected)?,
            manual: count(PROPOSALS, row.manual)?,
            learned: count(PROPOSALS, row.learned)?,
            waiting_since: row.waiting.map(|at| instant(PROPOSALS, "created_at", "", at)).transpose()?,
        })
    }

    async fn decide_proposal(
        &self,
        tenant: &TenantId,
        decision: Decision<'_>,
        audit: &AuditEntry,
    ) -> Result<Governed<Decided>, StoreError> {
        let (tenant, id) = (tenant.as_str(), decision.proposal.hyphenated().to_string());
        let mut transaction = self.write.begin_with("BEGIN IMMEDIATE").await.map_err(failed)?;
        if let Err(refusal) = pending(&mut transaction, tenant, &id, decision.version).await? {
            return Ok(Err(refusal));
        }
        let bundle = match &decision.approved {
            None => None,
            Some(succession) => match succeeded(&mut transaction, tenant, succession).await? {
                Ok(bundle) => Some(bundle),
                Err(refusal) => return Ok(Err(refusal)),
            },
        };
        let status =
            if bundle.is_some() { ProposalStatus::Approved } else { ProposalStatus::Rejected }.as_str();
        let (at, digest) =
            (decision.at.as_microsecond(), bundle.as_ref().map(|bundle| bundle.digest.as_str()));
        query!(
            "UPDATE policy_proposals
             SET status = $3, reviewer = $4, reviewed_at = $5, review_notes = $6, bundle_digest = $7, updated_at = $5
             WHERE tenant_id = $1 AND id = $2",
            tenant,
            id,
            status,
            decision.reviewer.name,
            at,
            decision.notes,
            digest
        )
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
        note(&mut transaction, tenant, audit).await?;
        let proposal = find(&mut transaction, tenant, &id).await?;
        transaction.commit().await.map_err(failed)?;
        Ok(proposal.map(|proposal| Decided { proposal, bundle }).ok_or(Refusal::NotFound))
    }

    async fn succeed(
        &self,
        tenant: &TenantId,
        succession: Succession<'_>,
        audit: &AuditEntry,
    ) -> Result<Governed<BundleRecord>, StoreError> {
        let tenant = tenant.as_str();
        let mut transaction = self.write.begin_with("BEGIN IMMEDIATE").await.map_err(failed)?;
        let bundle = match succeeded(&mut transaction, tenant, &succession).await? {
            Ok(bundle) => bundle,
            Err(refusal) => return Ok(Err(refusal)),
        };
        note(&mut transaction, tenant, audit).await?;
        transaction.commit().await.map_err(failed)?;
        Ok(Ok(bundle))
    }

    async fn acknowledge_conflict(
        &self,
        tenant: &TenantId,
        new: &ConflictAcknowledgement,
        audit: &AuditEntry,
    ) -> Result<Governed<ConflictRecord>, StoreError> {
        let tenant = tenant.as_str();
        let mut transaction = self.write.begin_with("BEGIN IMMEDIATE").await.map_err(failed)?;
        match one(&mut transaction, tenant, &new.conflict).await? {
            None => return Ok(Err(Refusal::NotFound)),
            Some(record) if record.conflict.severity == ConflictSeverity::Blocking => {
                return Ok(Err(Refusal::Blocking));
            }
            Some(record) if record.conflict.resolved => return Ok(Err(Refusal::AlreadyResolved)),
            Some(_) => {}
        }
        acknowledge(&mut transaction, tenant, new).await?;
        query!(
            "UPDATE policy_conflicts SET resolved = 1 WHERE tenant_id = $1 AND id = $2",
            tenant,
            new.conflict
        )
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
        note(&mut transaction, tenant, audit).await?;
        let record = one(&mut transaction, tenant, &new.conflict).await?;
        transaction.commit().await.map_err(failed)?;
        Ok(record.ok_or(Refusal::NotFound))
    }

    async fn audit_log(
        &self,
        tenant: &TenantId,
        page: PageRequest<'_>,
    ) -> Result<Page<AuditEntry>, StoreError> {
        let tenant = tenant.as_str();
        let (limit, offset) = (page.sql_limit(), page.sql_offset());
        let last = page.after_audit().map(|last| last.hyphenated().to_string());
        let mut snapshot = self.read.begin().await.map_err(failed)?;
        let total =
            query_scalar!(r#"SELECT count(*) AS "total!: i64" FROM audit_log WHERE tenant_id = $1"#, tenant)
                .fetch_one(&mut *snapshot)
                .await
                .map_err(failed)?;
        let rows = query_as!(
            AuditRow,
            "SELECT id, at, actor_kind, actor, action, subject, details FROM audit_log
             WHERE tenant_id = $1
               AND position < CASE WHEN $2 IS NULL THEN 9223372036854775807
                                   ELSE (SELECT position FROM audit_log WHERE tenant_id = $1 AND id = $2) END
             ORDER BY position DESC LIMIT $3 OFFSET $4",
            tenant,
            last,
            limit,
            offset
        )
        .fetch_all(&mut *snapshot)
        .await
        .map_err(failed)?;
        let items = rows.into_iter().map(AuditRow::read).collect::<Result<_, _>>()?;
        Ok(Page::new(items, count(AUDIT, total)?, page))
    }
}
