//! Proposals, decisions of people, and the record of them.

use async_trait::async_trait;
use jiff_sqlx::{Timestamp, ToSqlx};
use ordain_ir::{ConflictSeverity, Source};
use ordain_store::{
    AuditEntry, BundleRecord, ConflictAcknowledgement, ConflictRecord, Decided, Decision, GovernanceStore,
    Governed, Page, PageRequest, Principal, PrincipalKind, ProposalDetail, ProposalFilter, ProposalRecord,
    ProposalStats, ProposalStatus, Refusal, Review, StoreError, Succession, TenantId, VersionRecord,
    to_microsecond,
};
use sqlx::{PgConnection, query, query_as, query_scalar};
use uuid::Uuid;

use crate::PostgresStore;
use crate::bundles::{activate, active};
use crate::conflicts::one;
use crate::row::{count, failed, latest, word};
use crate::watching::{last_taken, take};

const PROPOSALS: &str = "policy_proposals";
const VERSIONS: &str = "policy_versions";
const AUDIT: &str = "audit_log";

struct ProposalRow {
    id: Uuid,
    title: String,
    rationale: String,
    source: String,
    status: String,
    version: i32,
    author_kind: String,
    author: String,
    created_at: Timestamp,
    updated_at: Timestamp,
    reviewer: Option<String>,
    reviewed_at: Option<Timestamp>,
    review_notes: Option<String>,
    bundle_digest: Option<String>,
}

fn number(table: &'static str, row: Uuid, version: i32) -> Result<u32, StoreError> {
    u32::try_from(version).map_err(|error| StoreError::inconsistent(table, "version", &row, &error))
}

/// A version's number as the columns have it.
fn column(version: u32) -> i32 {
    i32::try_from(version).unwrap_or(i32::MAX)
}

fn sql(at: jiff::Timestamp) -> Timestamp {
    to_microsecond(at).to_sqlx()
}

impl ProposalRow {
    fn read(self) -> Result<ProposalRecord, StoreError> {
        let review = match (self.reviewer, self.reviewed_at, self.review_notes) {
            (Some(name), Some(reviewed), Some(notes)) => Some(Review {
                reviewer: Principal { kind: PrincipalKind::Human, name },
                at: reviewed.to_jiff(),
                notes,
                bundle: self.bundle_digest,
            }),
            _ => None,
        };
        Ok(ProposalRecord {
            source: word(PROPOSALS, "source", &self.id, &self.source)?,
            status: word(PROPOSALS, "status", &self.id, &self.status)?,
            version: number(PROPOSALS, self.id, self.version)?,
            author: Principal {
                kind: word(PROPOSALS, "author_kind", &self.id, &self.author_kind)?,
                name: self.author,
            },
            created_at: self.created_at.to_jiff(),
            updated_at: self.updated_at.to_jiff(),
            id: self.id,
            title: self.title,
            rationale: self.rationale,
            review,
        })
    }
}

struct VersionRow {
    proposal_id: Uuid,
    version: i32,
    is_current: bool,
    text: String,
    note: String,
    author_kind: String,
    author: String,
    created_at: Timestamp,
}

impl VersionRow {
    fn read(self) -> Result<VersionRecord, StoreError> {
        Ok(VersionRecord {
            version: number(VERSIONS, self.proposal_id, self.version)?,
            is_current: self.is_current,
            author: Principal {
                kind: word(VERSIONS, "author_kind", &self.proposal_id, &self.author_kind)?,
                name: self.author,
            },
            created_at: self.created_at.to_jiff(),
            proposal: self.proposal_id,
            text: self.text,
            note: self.note,
        })
    }
}

struct AuditRow {
    id: Uuid,
    at: Timestamp,
    actor_kind: String,
    actor: String,
    action: String,
    subject: String,
    details: String,
}

impl AuditRow {
    fn read(self) -> Result<AuditEntry, StoreError> {
        Ok(AuditEntry {
            at: self.at.to_jiff(),
            actor: Principal {
                kind: word(AUDIT, "actor_kind", &self.id, &self.actor_kind)?,
                name: self.actor,
            },
            id: self.id,
            action: self.action,
            subject: self.subject,
            details: self.details,
        })
    }
}

pub(crate) async fn note(
    connection: &mut PgConnection,
    tenant: &str,
    entry: &AuditEntry,
) -> Result<(), StoreError> {
    query!(
        "INSERT INTO audit_log (tenant_id, id, at, actor_kind, actor, action, subject, details)
         VALUES ($1, $2, $3, $4, $5, $6, $7, ($8::text)::json)",
        tenant,
        entry.id,
        sql(entry.at) as Timestamp,
        entry.actor.kind.as_str(),
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
    connection: &mut PgConnection,
    tenant: &str,
    version: &VersionRecord,
) -> Result<(), StoreError> {
    query!(
        "INSERT INTO policy_versions
           (tenant_id, proposal_id, version, is_current, text, note, author_kind, author, created_at)
         VALUES ($1, $2, $3, true, $4, $5, $6, $7, $8)",
        tenant,
        version.proposal,
        column(version.version),
        version.text,
        version.note,
        version.author.kind.as_str(),
        version.author.name,
        sql(version.created_at) as Timestamp
    )
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(())
}

async fn find(
    connection: &mut PgConnection,
    tenant: &str,
    id: Uuid,
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
    connection: &mut PgConnection,
    tenant: &str,
    id: Uuid,
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
    connection: &mut PgConnection,
    tenant: &str,
    new: &ConflictAcknowledgement,
) -> Result<(), StoreError> {
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
        sql(new.at) as Timestamp
    )
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(())
}

async fn succeeded(
    connection: &mut PgConnection,
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
    connection: &mut PgConnection,
    tenant: &str,
    proposal: &ProposalRecord,
    first: &VersionRecord,
    audit: &AuditEntry,
) -> Result<(), StoreError> {
    query!(
        "INSERT INTO policy_proposals
           (tenant_id, id, title, rationale, source, status, version, author_kind, author, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        tenant,
        proposal.id,
        proposal.title,
        proposal.rationale,
        proposal.source.as_str(),
        proposal.status.as_str(),
        column(proposal.version),
        proposal.author.kind.as_str(),
        proposal.author.name,
        sql(proposal.created_at) as Timestamp,
        sql(proposal.updated_at) as Timestamp
    )
    .execute(&mut *connection)
    .await
    .map_err(failed)?;
    insert_version(connection, tenant, first).await?;
    note(connection, tenant, audit).await
}

#[async_trait]
impl GovernanceStore for PostgresStore {
    async fn create_proposal(
        &self,
        tenant_id: &TenantId,
        proposal: &ProposalRecord,
        first: &VersionRecord,
        audit: &AuditEntry,
    ) -> Result<(), StoreError> {
        let tenant = tenant_id.as_str();
        let mut transaction = self.writing(tenant_id).await?;
        propose(&mut transaction, tenant, proposal, first, audit).await?;
        transaction.commit().await.map_err(failed)
    }

    async fn add_proposal_version(
        &self,
        tenant_id: &TenantId,
        version: &VersionRecord,
        audit: &AuditEntry,
    ) -> Result<Governed<ProposalRecord>, StoreError> {
        let tenant = tenant_id.as_str();
        let id = version.proposal;
        let mut transaction = self.writing(tenant_id).await?;
        if let Err(refusal) = pending(&mut transaction, tenant, id, version.version - 1).await? {
            return Ok(Err(refusal));
        }
        query!(
            "UPDATE policy_versions SET is_current = false WHERE tenant_id = $1 AND proposal_id = $2 AND is_current",
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
            column(version.version),
            sql(version.created_at) as Timestamp
        )
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
        note(&mut transaction, tenant, audit).await?;
        let proposal = find(&mut transaction, tenant, id).await?;
        transaction.commit().await.map_err(failed)?;
        Ok(proposal.ok_or(Refusal::NotFound))
    }

    async fn proposals(
        &self,
        tenant_id: &TenantId,
        filter: ProposalFilter,
        page: PageRequest<'_>,
    ) -> Result<Page<ProposalRecord>, StoreError> {
        let tenant = tenant_id.as_str();
        let (status, source) = (filter.status.map(ProposalStatus::as_str), filter.source.map(Source::as_str));
        let (limit, offset, last) = (page.sql_limit(), page.sql_offset(), page.after_event());
        let at = latest(last.map(|last| last.0));
        let id = last.map_or(Uuid::nil(), |last| last.1);
        let mut snapshot = self.reading(tenant_id).await?;
        let total = query_scalar!(
            r#"SELECT count(*) AS "total!" FROM policy_proposals
               WHERE tenant_id = $1 AND ($2::text IS NULL OR status = $2) AND ($3::text IS NULL OR source = $3)"#,
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
             WHERE tenant_id = $1 AND ($2::text IS NULL OR status = $2) AND ($3::text IS NULL OR source = $3)
               AND (created_at, id) < ($4, $5)
             ORDER BY created_at DESC, id DESC LIMIT $6 OFFSET $7",
            tenant,
            status,
            source,
            at as Option<Timestamp>,
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

    async fn proposal(&self, tenant_id: &TenantId, id: Uuid) -> Result<Option<ProposalDetail>, StoreError> {
        let tenant = tenant_id.as_str();
        let mut snapshot = self.reading(tenant_id).await?;
        let Some(proposal) = find(&mut snapshot, tenant, id).await? else { return Ok(None) };
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
        tenant_id: &TenantId,
        only_current: bool,
        page: PageRequest<'_>,
    ) -> Result<Page<VersionRecord>, StoreError> {
        let tenant = tenant_id.as_str();
        let (limit, offset, last) = (page.sql_limit(), page.sql_offset(), page.after_version());
        let at = latest(last.map(|last| last.0));
        let proposal = last.map_or(Uuid::nil(), |last| last.1);
        let version = column(last.map_or(0, |last| last.2));
        let mut snapshot = self.reading(tenant_id).await?;
        let total = query_scalar!(
            r#"SELECT count(*) AS "total!" FROM policy_versions
               WHERE tenant_id = $1 AND (is_current OR NOT $2)"#,
            tenant,
            only_current
        )
        .fetch_one(&mut *snapshot)
        .await
        .map_err(failed)?;
        let rows = query_as!(
            VersionRow,
            "SELECT proposal_id, version, is_current, text, note, author_kind, author, created_at FROM policy_versions
             WHERE tenant_id = $1 AND (is_current OR NOT $2)
               AND (created_at, proposal_id, version) < ($3, $4, $5)
             ORDER BY created_at DESC, proposal_id DESC, version DESC LIMIT $6 OFFSET $7",
            tenant,
            only_current,
            at as Option<Timestamp>,
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

    async fn proposal_stats(&self, tenant_id: &TenantId) -> Result<ProposalStats, StoreError> {
        let tenant = tenant_id.as_str();
        let mut snapshot = self.reading(tenant_id).await?;
        let row = query!(
            r#"SELECT count(*) FILTER (WHERE status = 'draft') AS "draft!",
                      count(*) FILTER (WHERE status = 'approved') AS "approved!",
                      count(*) FILTER (WHERE status = 'rejected') AS "rejected!",
                      count(*) FILTER (WHERE source = 'MANUAL') AS "manual!",
                      count(*) FILTER (WHERE source = 'LEARNED') AS "learned!",
                      min(created_at) FILTER (WHERE status = 'draft') AS "waiting?"
               FROM policy_proposals WHERE tenant_id = $1"#,
            tenant
        )
        .fetch_one(&mut *snapshot)
        .await
        .map_err(failed)?;
        Ok(ProposalStats {
            draft: count(PROPOSALS, row.draft)?,
            approved: count(PROPOSALS, row.approved)?,
            rejected: count(PROPOSALS, row.rejected)?,
            manual: count(PROPOSALS, row.manual)?,
            learned: count(PROPOSALS, row.learned)?,
            waiting_since: row.waiting.map(Timestamp::to_jiff),
        })
    }

    async fn decide_proposal(
        &self,
        tenant_id: &TenantId,
        decision: Decision<'_>,
        audit: &AuditEntry,
    ) -> Result<Governed<Decided>, StoreError> {
        let (tenant, id) = (tenant_id.as_str(), decision.proposal);
        let mut transaction = self.writing(tenant_id).await?;
        if let Err(refusal) = pending(&mut transaction, tenant, id, decision.version).await? {
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
        let digest = bundle.as_ref().map(|bundle| bundle.digest.as_str());
        query!(
            "UPDATE policy_proposals
             SET status = $3, reviewer = $4, reviewed_at = $5, review_notes = $6, bundle_digest = $7, updated_at = $5
             WHERE tenant_id = $1 AND id = $2",
            tenant,
            id,
            status,
            decision.reviewer.name,
            sql(decision.at) as Timestamp,
            decision.notes,
            digest
        )
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
        note(&mut transaction, tenant, audit).await?;
        let proposal = find(&mut transaction, tenant, id).await?;
        transaction.commit().await.map_err(failed)?;
        Ok(proposal.map(|proposal| Decided { proposal, bundle }).ok_or(Refusal::NotFound))
    }

    async fn succeed(
        &self,
        tenant_id: &TenantId,
        succession: Succession<'_>,
        audit: &AuditEntry,
    ) -> Result<Governed<BundleRecord>, StoreError> {
        let tenant = tenant_id.as_str();
        let mut transaction = self.writing(tenant_id).await?;
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
        tenant_id: &TenantId,
        new: &ConflictAcknowledgement,
        audit: &AuditEntry,
    ) -> Result<Governed<ConflictRecord>, StoreError> {
        let tenant = tenant_id.as_str();
        let mut transaction = self.writing(tenant_id).await?;
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
            "UPDATE policy_conflicts SET resolved = true WHERE tenant_id = $1 AND id = $2",
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
        tenant_id: &TenantId,
        page: PageRequest<'_>,
    ) -> Result<Page<AuditEntry>, StoreError> {
        let tenant = tenant_id.as_str();
        let (limit, offset) = (page.sql_limit(), page.sql_offset());
        let mut snapshot = self.reading(tenant_id).await?;
        let total =
            query_scalar!(r#"SELECT count(*) AS "total!" FROM audit_log WHERE tenant_id = $1"#, tenant)
                .fetch_one(&mut *snapshot)
                .await
                .map_err(failed)?;
        let rows = query_as!(
            AuditRow,
            r#"SELECT id, at, actor_kind, actor, action, subject, details::text AS "details!" FROM audit_log
               WHERE tenant_id = $1
                 AND position < CASE WHEN $2::uuid IS NULL THEN 9223372036854775807
                                     ELSE (SELECT position FROM audit_log WHERE tenant_id = $1 AND id = $2) END
               ORDER BY position DESC LIMIT $3 OFFSET $4"#,
            tenant,
            page.after_audit(),
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
