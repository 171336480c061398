//! Bundles, and what becomes active with them.

use async_trait::async_trait;
use jiff_sqlx::{Timestamp, ToSqlx};
use ordain_store::{
    Activation, BundleRecord, BundleStore, Page, PageRequest, StoreError, Taken, TenantId, Vouchers,
    conflict_rank, to_microsecond,
};
use sqlx::{PgConnection, query, query_as, query_scalar};
use uuid::Uuid;

use crate::PostgresStore;
use crate::row::{count, failed, json, latest, word};
use crate::vouchers::{vouch, vouchers};
use crate::watching::last_taken;

const TABLE: &str = "bundles";

struct BundleRow {
    digest: String,
    workspace: String,
    language: String,
    compiler: String,
    size: i64,
    is_active: bool,
    activations: i64,
    origin: String,
    signers: Vec<String>,
    uploaded_at: Timestamp,
    activated_at: Timestamp,
    analysed_at: Timestamp,
}

impl BundleRow {
    fn read(self) -> Result<BundleRecord, StoreError> {
        Ok(BundleRecord {
            size: count(TABLE, self.size)?,
            active: self.is_active,
            activations: count(TABLE, self.activations)?,
            origin: word(TABLE, "origin", &self.digest, &self.origin)?,
            uploaded_at: self.uploaded_at.to_jiff(),
            activated_at: self.activated_at.to_jiff(),
            analysed_at: self.analysed_at.to_jiff(),
            signers: self.signers,
            digest: self.digest,
            workspace: self.workspace,
            language: self.language,
            compiler: self.compiler,
        })
    }
}

/// The active bundle.
pub(crate) async fn active(
    connection: &mut PgConnection,
    tenant: &str,
) -> Result<Option<BundleRecord>, StoreError> {
    let row = query_as!(
        BundleRow,
        r#"SELECT digest, workspace, language, compiler, length(content)::bigint AS "size!", is_active, activations,
                  origin, uploaded_at, activated_at, analysed_at,
                  ARRAY(SELECT signer FROM bundle_signatures AS s WHERE s.tenant_id = bundles.tenant_id
                        AND s.digest = bundles.digest ORDER BY signer) AS "signers!"
           FROM bundles WHERE tenant_id = $1 AND is_active"#,
        tenant
    );
    row.fetch_optional(connection).await.map_err(failed)?.map(BundleRow::read).transpose()
}

#[async_trait]
impl BundleStore for PostgresStore {
    async fn activate_bundle(
        &self,
        tenant: &TenantId,
        activation: Activation<'_>,
    ) -> Result<BundleRecord, StoreError> {
        let mut transaction = self.writing(tenant).await?;
        let record = activate(&mut transaction, tenant.as_str(), &activation).await?;
        transaction.commit().await.map_err(failed)?;
        Ok(record)
    }

    async fn store_bundle(&self, tenant: &TenantId, new: Activation<'_>) -> Result<BundleRecord, StoreError> {
        let mut transaction = self.writing(tenant).await?;
        query!(
            "INSERT INTO bundles
               (tenant_id, digest, workspace, language, compiler, content, is_active, activations, origin, uploaded_at,
                activated_at, analysed_at)
             VALUES ($1, $2, $3, $4, $5, $6, false, 0, $7, $8, $8, $8)
             ON CONFLICT (tenant_id, digest) DO NOTHING",
            tenant.as_str(),
            new.digest,
            new.workspace,
            new.language,
            new.compiler,
            new.content,
            new.origin.as_str(),
            to_microsecond(new.at).to_sqlx() as Timestamp
        )
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
        vouch(&mut transaction, tenant.as_str(), &new).await.map_err(failed)?;
        let row = query_as!(
            BundleRow,
            r#"SELECT digest, workspace, language, compiler, length(content)::bigint AS "size!", is_active,
                      activations, origin, uploaded_at, activated_at, analysed_at,
                      ARRAY(SELECT signer FROM bundle_signatures AS s WHERE s.tenant_id = bundles.tenant_id
                            AND s.digest = bundles.digest ORDER BY signer) AS "signers!"
               FROM bundles WHERE tenant_id = $1 AND digest = $2"#,
            tenant.as_str(),
            new.digest
        )
        .fetch_one(&mut *transaction)
        .await
        .map_err(failed)?;
        transaction.commit().await.map_err(failed)?;
        row.read()
    }

    async fn bundles(
        &self,
        tenant: &TenantId,
        page: PageRequest<'_>,
    ) -> Result<Page<BundleRecord>, StoreError> {
        let last = page.after_bundle();
        let at = latest(last.map(|last| last.0));
        let mut snapshot = self.reading(tenant).await?;
        let total = query_scalar!(
            r#"SELECT count(*) AS "total!" FROM bundles WHERE tenant_id = $1"#,
            tenant.as_str()
        )
        .fetch_one(&mut *snapshot)
        .await
        .map_err(failed)?;
        let rows = query_as!(
            BundleRow,
            r#"SELECT digest, workspace, language, compiler, length(content)::bigint AS "size!", is_active,
                      activations, origin, uploaded_at, activated_at, analysed_at,
                      ARRAY(SELECT signer FROM bundle_signatures AS s WHERE s.tenant_id = bundles.tenant_id
                            AND s.digest = bundles.digest ORDER BY signer) AS "signers!"
               FROM bundles
               WHERE tenant_id = $1 AND uploaded_at <= $2 AND (uploaded_at < $2 OR digest COLLATE "C" > $3)
               ORDER BY uploaded_at DESC, digest COLLATE "C" LIMIT $4 OFFSET $5"#,
            tenant.as_str(),
            at as Option<Timestamp>,
            last.map_or("", |last| last.1),
            page.sql_limit(),
            page.sql_offset()
        )
        .fetch_all(&mut *snapshot)
        .await
        .map_err(failed)?;
        let items = rows.into_iter().map(BundleRow::read).collect::<Result<_, _>>()?;
        Ok(Page::new(items, count(TABLE, total)?, page))
    }

    async fn active_bundle(&self, tenant: &TenantId) -> Result<Option<BundleRecord>, StoreError> {
        active(&mut *self.reading(tenant).await?, tenant.as_str()).await
    }

    async fn bundle_content(&self, tenant: &TenantId, digest: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let mut snapshot = self.reading(tenant).await?;
        let content = query_scalar!(
            "SELECT content FROM bundles WHERE tenant_id = $1 AND digest = $2",
            tenant.as_str(),
            digest
        );
        content.fetch_optional(&mut *snapshot).await.map_err(failed)
    }

    async fn last_taken(&self, tenant: &TenantId, place: &str) -> Result<Option<Taken>, StoreError> {
        last_taken(&mut *self.reading(tenant).await?, tenant.as_str(), place).await
    }

    async fn bundle_vouchers(&self, tenant: &TenantId, digest: &str) -> Result<Vouchers, StoreError> {
        vouchers(&mut *self.reading(tenant).await?, tenant.as_str(), digest).await
    }
}

/// Replaces everything that is active.
pub(crate) async fn activate(
    connection: &mut PgConnection,
    tenant: &str,
    activation: &Activation<'_>,
) -> Result<BundleRecord, StoreError> {
    replace(connection, tenant, activation).await.map_err(failed)?;
    active(connection, tenant).await?.ok_or_else(|| {
        StoreError::inconsistent(TABLE, "is_active", &activation.digest, &"not active after its activation")
    })
}

async fn replace(
    connection: &mut PgConnection,
    tenant: &str,
    new: &Activation<'_>,
) -> Result<(), sqlx::Error> {
    let at = to_microsecond(new.at).to_sqlx();
    bundle(connection, tenant, new, at).await?;
    vouch(connection, tenant, new).await?;
    rules(connection, tenant, new, at).await?;
    limits(connection, tenant, new, at).await?;
    conflicts(connection, tenant, new, at).await?;
    dependencies(connection, tenant, new).await
}

async fn bundle(
    connection: &mut PgConnection,
    tenant: &str,
    new: &Activation<'_>,
    at: Timestamp,
) -> Result<(), sqlx::Error> {
    query!(
        "UPDATE bundles SET is_active = false WHERE tenant_id = $1 AND is_active AND digest <> $2",
        tenant,
        new.digest
    )
    .execute(&mut *connection)
    .await?;
    query!(
        "INSERT INTO bundles
           (tenant_id, digest, workspace, language, compiler, content, is_active, activations, origin, uploaded_at,
            activated_at, analysed_at)
         VALUES ($1, $2, $3, $4, $5, $6, true, 1, $7, $8, $8, $8)
         ON CONFLICT (tenant_id, digest) DO UPDATE SET
           is_active = true,
           activations = bundles.activations + CASE WHEN bundles.is_active THEN 0 ELSE 1 END,
           origin = CASE WHEN bundles.is_active THEN bundles.origin ELSE excluded.origin END,
           activated_at = CASE WHEN bundles.is_active THEN bundles.activated_at ELSE excluded.activated_at END,
           analysed_at = excluded.analysed_at",
        tenant,
        new.digest,
        new.workspace,
        new.language,
        new.compiler,
        new.content,
        new.origin.as_str(),
        at as Timestamp
    )
    .execute(&mut *connection)
    .await?;
    Ok(())
}

async fn rules(
    connection: &mut PgConnection,
    tenant: &str,
    new: &Activation<'_>,
    at: Timestamp,
) -> Result<(), sqlx::Error> {
    let rules: Vec<_> = new.policies.rules.values().collect();
    let ids: Vec<Uuid> = rules.iter().map(|rule| rule.id().0).collect();
    let names: Vec<&str> = rules.iter().map(|rule| rule.name.as_str()).collect();
    let rule_types: Vec<&str> = rules.iter().map(|rule| rule.rule_type.as_str()).collect();
    let modes: Vec<&str> = rules.iter().map(|rule| rule.enforcement_mode.as_str()).collect();
    let scopes: Vec<&str> = rules.iter().map(|rule| rule.scope.level.as_str()).collect();
    let sources: Vec<&str> = rules.iter().map(|rule| rule.source.as_str()).collect();
    let statuses: Vec<&str> = rules.iter().map(|rule| rule.status.as_str()).collect();
    let definitions: Vec<String> = rules.iter().map(|rule| json(&***rule)).collect();
    query!("DELETE FROM policy_rules WHERE tenant_id = $1 AND id <> ALL ($2)", tenant, &ids)
        .execute(&mut *connection)
        .await?;
    query!(
        "INSERT INTO policy_rules
           (tenant_id, id, name, rule_type, enforcement_mode, scope, source, status, bundle_digest, definition,
            created_at, updated_at)
         SELECT $1, id, name, rule_type, enforcement_mode, scope, source, status, $2, definition::json, $3, $3
         FROM UNNEST($4::uuid[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[],
                     $11::text[])
           AS new (id, name, rule_type, enforcement_mode, scope, source, status, definition)
         ON CONFLICT (tenant_id, id) DO UPDATE SET
           rule_type = excluded.rule_type, enforcement_mode = excluded.enforcement_mode,
           scope = excluded.scope, source = excluded.source, status = excluded.status,
           bundle_digest = excluded.bundle_digest, definition = excluded.definition,
           updated_at = CASE WHEN policy_rules.definition::text = excluded.definition::text
                             THEN policy_rules.updated_at ELSE excluded.updated_at END",
        tenant,
        new.digest,
        at as Timestamp,
        &ids,
        &names as &[&str],
        &rule_types as &[&str],
        &modes as &[&str],
        &scopes as &[&str],
        &sources as &[&str],
        &statuses as &[&str],
        &definitions
    )
    .execute(&mut *connection)
    .await?;
    Ok(())
}

async fn limits(
    connection: &mut PgConnection,
    tenant: &str,
    new: &Activation<'_>,
    at: Timestamp,
) -> Result<(), sqlx::Error> {
    let limits: Vec<_> = new.policies.limits.values().collect();
    let ids: Vec<Uuid> = limits.iter().map(|limit| limit.id().0).collect();
    let names: Vec<&str> = limits.iter().map(|limit| limit.name.as_str()).collect();
    let categories: Vec<&str> = limits.iter().map(|limit| limit.quantity.category().as_str()).collect();
    let limit_types: Vec<String> = limits.iter().map(|limit| limit.quantity.to_string()).collect();
    let scopes: Vec<&str> = limits.iter().map(|limit| limit.scope.level.as_str()).collect();
    let enforcements: Vec<&str> = limits.iter().map(|limit| limit.enforcement.as_str()).collect();
    let statuses: Vec<&str> = limits.iter().map(|limit| limit.status.as_str()).collect();
    let definitions: Vec<String> = limits.iter().map(|limit| json(&***limit)).collect();
    query!("DELETE FROM limits WHERE tenant_id = $1 AND id <> ALL ($2)", tenant, &ids)
        .execute(&mut *connection)
        .await?;
    query!(
        "INSERT INTO limits
           (tenant_id, id, name, limit_category, limit_type, scope, enforcement, status, bundle_digest, definition,
            created_at, updated_at)
         SELECT $1, id, name, limit_category, limit_type, scope, enforcement, status, $2, definition::json, $3, $3
         FROM UNNEST($4::uuid[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[],
                     $11::text[])
           AS new (id, name, limit_category, limit_type, scope, enforcement, status, definition)
         ON CONFLICT (tenant_id, id) DO UPDATE SET
           limit_category = excluded.limit_category, limit_type = excluded.limit_type,
           scope = excluded.scope, enforcement = excluded.enforcement, status = excluded.status,
           bundle_digest = excluded.bundle_digest, definition = excluded.definition,
           updated_at = CASE WHEN limits.definition::text = excluded.definition::text
                             THEN limits.updated_at ELSE excluded.updated_at END",
        tenant,
        new.digest,
        at as Timestamp,
        &ids,
        &names as &[&str],
        &categories as &[&str],
        &limit_types,
        &scopes as &[&str],
        &enforcements as &[&str],
        &statuses as &[&str],
        &definitions
    )
    .execute(&mut *connection)
    .await?;
    Ok(())
}

async fn conflicts(
    connection: &mut PgConnection,
    tenant: &str,
    new: &Activation<'_>,
    at: Timestamp,
) -> Result<(), sqlx::Error> {
    let ids: Vec<&str> = new.conflicts.iter().map(|conflict| conflict.id.as_str()).collect();
    let types: Vec<&str> = new.conflicts.iter().map(|conflict| conflict.conflict_type.as_str()).collect();
    let severities: Vec<&str> = new.conflicts.iter().map(|conflict| conflict.severity.as_str()).collect();
    let resolved: Vec<bool> = new.conflicts.iter().map(|conflict| conflict.resolved).collect();
    let definitions: Vec<String> = new.conflicts.iter().map(json).collect();
    let ranks: Vec<String> = new.conflicts.iter().map(|conflict| conflict_rank(conflict)).collect();
    query!("DELETE FROM policy_conflicts WHERE tenant_id = $1 AND id <> ALL ($2)", tenant, &ids as &[&str])
        .execute(&mut *connection)
        .await?;
    query!(
        "INSERT INTO policy_conflicts
           (tenant_id, id, rank, conflict_type, severity, resolved, definition, detected_at)
         SELECT $1, id, rank, conflict_type, severity, resolved, definition::json, $2
         FROM UNNEST($3::text[], $4::text[], $5::text[], $6::bool[], $7::text[], $8::text[])
           AS new (id, conflict_type, severity, resolved, definition, rank)
         ON CONFLICT (tenant_id, id) DO UPDATE SET
           rank = excluded.rank, severity = excluded.severity, resolved = excluded.resolved,
           definition = excluded.definition",
        tenant,
        at as Timestamp,
        &ids as &[&str],
        &types as &[&str],
        &severities as &[&str],
        &resolved,
        &definitions,
        &ranks
    )
    .execute(&mut *connection)
    .await?;
    // What people have accepted stays accepted while it is found, and as long as it is no worse.
    query!(
        "DELETE FROM conflict_acknowledgements
         WHERE tenant_id = $1 AND conflict_id NOT IN (SELECT id FROM policy_conflicts WHERE tenant_id = $1)",
        tenant
    )
    .execute(&mut *connection)
    .await?;
    query!(
        "UPDATE policy_conflicts SET resolved = true
         WHERE tenant_id = $1 AND severity = 'WARNING'
           AND id IN (SELECT conflict_id FROM conflict_acknowledgements WHERE tenant_id = $1)",
        tenant
    )
    .execute(&mut *connection)
    .await?;
    Ok(())
}

async fn dependencies(
    connection: &mut PgConnection,
    tenant: &str,
    new: &Activation<'_>,
) -> Result<(), sqlx::Error> {
    let from: Vec<Uuid> = new.edges.iter().map(|edge| edge.from.id.0).collect();
    let to: Vec<Uuid> = new.edges.iter().map(|edge| edge.to.id.0).collect();
    let types: Vec<&str> = new.edges.iter().map(|edge| edge.dependency_type.as_str()).collect();
    let definitions: Vec<String> = new.edges.iter().map(json).collect();
    query!("DELETE FROM policy_dependencies WHERE tenant_id = $1", tenant).execute(&mut *connection).await?;
    query!(
        "INSERT INTO policy_dependencies
           (tenant_id, from_policy_id, to_policy_id, dependency_type, position, definition)
         SELECT $1, from_policy_id, to_policy_id, dependency_type, position, definition::json
         FROM UNNEST($2::uuid[], $3::uuid[], $4::text[], $5::text[]) WITH ORDINALITY
           AS new (from_policy_id, to_policy_id, dependency_type, definition, position)",
        tenant,
        &from,
        &to,
        &types as &[&str],
        &definitions
    )
    .execute(&mut *connection)
    .await?;
    Ok(())
}
