//! Bundles, and what becomes active with them.

use std::sync::Arc;

use async_trait::async_trait;
use ordain_ir::Conflict;
use ordain_store::{
    Activation, BundleRecord, BundleStore, Page, PageRequest, StoreError, Taken, TenantId, Vouchers,
    conflict_rank,
};
use sqlx::{SqliteConnection, query, query_as, query_scalar};

use crate::SqliteStore;
use crate::row::{count, failed, id, instant, json, reference, word};
use crate::vouchers::{signers, vouch, vouchers};
use crate::watching::last_taken;

const TABLE: &str = "bundles";

struct BundleRow {
    digest: String,
    workspace: String,
    language: String,
    compiler: String,
    size: i64,
    is_active: i64,
    activations: i64,
    origin: String,
    signers: String,
    uploaded_at: i64,
    activated_at: i64,
    analysed_at: i64,
}

impl BundleRow {
    fn read(self) -> Result<BundleRecord, StoreError> {
        let at = |column, value| instant(TABLE, column, &self.digest, value);
        Ok(BundleRecord {
            uploaded_at: at("uploaded_at", self.uploaded_at)?,
            activated_at: at("activated_at", self.activated_at)?,
            analysed_at: at("analysed_at", self.analysed_at)?,
            size: count(TABLE, self.size)?,
            active: self.is_active != 0,
            activations: count(TABLE, self.activations)?,
            origin: word(TABLE, "origin", &self.digest, &self.origin)?,
            signers: signers(&self.signers),
            digest: self.digest,
            workspace: self.workspace,
            language: self.language,
            compiler: self.compiler,
        })
    }
}

/// The active bundle.
pub(crate) async fn active(
    connection: &mut SqliteConnection,
    tenant: &str,
) -> Result<Option<BundleRecord>, StoreError> {
    let row = query_as!(
        BundleRow,
        r#"SELECT digest, workspace, language, compiler, length(content) AS "size!: i64", is_active, activations,
                  origin, uploaded_at, activated_at, analysed_at,
                  (SELECT coalesce(group_concat(signer, ' ' ORDER BY signer), '') FROM bundle_signatures AS s
                   WHERE s.tenant_id = bundles.tenant_id AND s.digest = bundles.digest) AS "signers!: String"
           FROM bundles WHERE tenant_id = $1 AND is_active = 1"#,
        tenant
    );
    row.fetch_optional(connection).await.map_err(failed)?.map(BundleRow::read).transpose()
}

#[async_trait]
impl BundleStore for SqliteStore {
    async fn activate_bundle(
        &self,
        tenant: &TenantId,
        activation: Activation<'_>,
    ) -> Result<BundleRecord, StoreError> {
        let mut transaction = self.write.begin_with("BEGIN IMMEDIATE").await.map_err(failed)?;
        let record = activate(&mut transaction, tenant.as_str(), &activation).await?;
        transaction.commit().await.map_err(failed)?;
        Ok(record)
    }

    async fn store_bundle(&self, tenant: &TenantId, new: Activation<'_>) -> Result<BundleRecord, StoreError> {
        let (tenant, at, origin) = (tenant.as_str(), new.at.as_microsecond(), new.origin.as_str());
        let mut transaction = self.write.begin_with("BEGIN IMMEDIATE").await.map_err(failed)?;
        query!(
            "INSERT INTO bundles
               (tenant_id, digest, workspace, language, compiler, content, is_active, activations, origin, uploaded_at,
                activated_at, analysed_at)
             VALUES ($1, $2, $3, $4, $5, $6, 0, 0, $7, $8, $8, $8)
             ON CONFLICT (tenant_id, digest) DO NOTHING",
            tenant,
            new.digest,
            new.workspace,
            new.language,
            new.compiler,
            new.content,
            origin,
            at
        )
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
        vouch(&mut transaction, tenant, &new).await.map_err(failed)?;
        let row = query_as!(
            BundleRow,
            r#"SELECT digest, workspace, language, compiler, length(content) AS "size!: i64", is_active, activations,
                      origin, uploaded_at, activated_at, analysed_at,
                      (SELECT coalesce(group_concat(signer, ' ' ORDER BY signer), '') FROM bundle_signatures AS s
                       WHERE s.tenant_id = bundles.tenant_id AND s.digest = bundles.digest) AS "signers!: String"
               FROM bundles WHERE tenant_id = $1 AND digest = $2"#,
            tenant,
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
        let tenant = tenant.as_str();
        let (limit, offset) = (page.sql_limit(), page.sql_offset());
        let last = page.after_bundle();
        let (at, digest) =
            (last.map_or(i64::MAX, |last| last.0.as_microsecond()), last.map_or("", |last| last.1));
        let mut snapshot = self.read.begin().await.map_err(failed)?;
        let total =
            query_scalar!(r#"SELECT count(*) AS "total!: i64" FROM bundles WHERE tenant_id = $1"#, tenant)
                .fetch_one(&mut *snapshot)
                .await
                .map_err(failed)?;
        let rows = query_as!(
            BundleRow,
            r#"SELECT digest, workspace, language, compiler, length(content) AS "size!: i64", is_active, activations,
                      origin, uploaded_at, activated_at, analysed_at,
                      (SELECT coalesce(group_concat(signer, ' ' ORDER BY signer), '') FROM bundle_signatures AS s
                       WHERE s.tenant_id = bundles.tenant_id AND s.digest = bundles.digest) AS "signers!: String"
               FROM bundles
               WHERE tenant_id = $1 AND uploaded_at <= $2 AND (uploaded_at < $2 OR digest > $3)
               ORDER BY uploaded_at DESC, digest LIMIT $4 OFFSET $5"#,
            tenant,
            at,
            digest,
            limit,
            offset
        )
        .fetch_all(&mut *snapshot)
        .await
        .map_err(failed)?;
        let items = rows.into_iter().map(BundleRow::read).collect::<Result<_, _>>()?;
        Ok(Page::new(items, count(TABLE, total)?, page))
    }

    async fn active_bundle(&self, tenant: &TenantId) -> Result<Option<BundleRecord>, StoreError> {
        active(&mut *self.read.acquire().await.map_err(failed)?, tenant.as_str()).await
    }

    async fn bundle_content(&self, tenant: &TenantId, digest: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let tenant = tenant.as_str();
        let content =
            query_scalar!("SELECT content FROM bundles WHERE tenant_id = $1 AND digest = $2", tenant, digest);
        content.fetch_optional(&self.read).await.map_err(failed)
    }

    async fn last_taken(&self, tenant: &TenantId, place: &str) -> Result<Option<Taken>, StoreError> {
        last_taken(&mut *self.read.acquire().await.map_err(failed)?, tenant.as_str(), place).await
    }

    async fn bundle_vouchers(&self, tenant: &TenantId, digest: &str) -> Result<Vouchers, StoreError> {
        let mut snapshot = self.read.begin().await.map_err(failed)?;
        vouchers(&mut snapshot, tenant.as_str(), digest).await
    }
}

/// Replaces everything that is active.
pub(crate) async fn activate(
    connection: &mut SqliteConnection,
    tenant: &str,
    activation: &Activation<'_>,
) -> Result<BundleRecord, StoreError> {
    replace(connection, tenant, activation).await.map_err(failed)?;
    active(connection, tenant).await?.ok_or_else(|| {
        StoreError::inconsistent(TABLE, "is_active", &activation.digest, &"not active after its activation")
    })
}

async fn replace(
    connection: &mut SqliteConnection,
    tenant: &str,
    new: &Activation<'_>,
) -> Result<(), sqlx::Error> {
    bundle(connection, tenant, new).await?;
    vouch(connection, tenant, new).await?;
    rules(connection, tenant, new).await?;
    limits(connection, tenant, new).await?;
    conflicts(connection, tenant, new.conflicts, new.at.as_microsecond()).await?;
    dependencies(connection, tenant, new).await
}

async fn bundle(
    connection: &mut SqliteConnection,
    tenant: &str,
    new: &Activation<'_>,
) -> Result<(), sqlx::Error> {
    let (at, origin) = (new.at.as_microsecond(), new.origin.as_str());
    query!(
        "UPDATE bundles SET is_active = 0 WHERE tenant_id = $1 AND is_active = 1 AND digest <> $2",
        tenant,
        new.digest
    )
    .execute(&mut *connection)
    .await?;
    query!(
        "INSERT INTO bundles
           (tenant_id, digest, workspace, language, compiler, content, is_active, activations, origin, uploaded_at,
            activated_at, analysed_at)
         VALUES ($1, $2, $3, $4, $5, $6, 1, 1, $7, $8, $8, $8)
         ON CONFLICT (tenant_id, digest) DO UPDATE SET
           is_active = 1,
           activations = bundles.activations + iif(bundles.is_active = 1, 0, 1),
           origin = iif(bundles.is_active = 1, bundles.origin, excluded.origin),
           activated_at = iif(bundles.is_active = 1, bundles.activated_at, excluded.activated_at),
           analysed_at = excluded.analysed_at",
        tenant,
        new.digest,
        new.workspace,
        new.language,
        new.compiler,
        new.content,
        origin,
        at
    )
    .execute(&mut *connection)
    .await?;
    Ok(())
}

async fn rules(
    connection: &mut SqliteConnection,
    tenant: &str,
    new: &Activation<'_>,
) -> Result<(), sqlx::Error> {
    let at = new.at.as_microsecond();
    let kept = json(&new.policies.rules.values().map(|rule| id(rule.id())).collect::<Vec<_>>());
    query!(
        "DELETE FROM policy_rules WHERE tenant_id = $1 AND id NOT IN (SELECT value FROM json_each($2))",
        tenant,
        kept
    )
    .execute(&mut *connection)
    .await?;
    for rule in new.policies.rules.values() {
        let (key, name, definition) = (id(rule.id()), rule.name.as_str(), json(&**rule));
        let (rule_type, mode) = (rule.rule_type.as_str(), rule.enforcement_mode.as_str());
        let (scope, source, status) = (rule.scope.level.as_str(), rule.source.as_str(), rule.status.as_str());
        query!(
            "INSERT INTO policy_rules
               (tenant_id, id, name, rule_type, enforcement_mode, scope, source, status, bundle_digest, definition,
                created_at, updated_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11)
             ON CONFLICT (tenant_id, id) DO UPDATE SET
               rule_type = excluded.rule_type, enforcement_mode = excluded.enforcement_mode,
               scope = excluded.scope, source = excluded.source, status = excluded.status,
               bundle_digest = excluded.bundle_digest, definition = excluded.definition,
               updated_at = iif(policy_rules.definition = excluded.definition,
                                policy_rules.updated_at, excluded.updated_at)",
            tenant,
            key,
            name,
            rule_type,
            mode,
            scope,
            source,
            status,
            new.digest,
            definition,
            at
        )
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

async fn limits(
    connection: &mut SqliteConnection,
    tenant: &str,
    new: &Activation<'_>,
) -> Result<(), sqlx::Error> {
    let at = new.at.as_microsecond();
    let kept = json(&new.policies.limits.values().map(|limit| id(limit.id())).collect::<Vec<_>>());
    query!(
        "DELETE FROM limits WHERE tenant_id = $1 AND id NOT IN (SELECT value FROM json_each($2))",
        tenant,
        kept
    )
    .execute(&mut *connection)
    .await?;
    for limit in new.policies.limits.values() {
        let (key, name, definition) = (id(limit.id()), limit.name.as_str(), json(&**limit));
        let (category, limit_type) = (limit.quantity.category().as_str(), limit.quantity.to_string());
        let (scope, enforcement) = (limit.scope.level.as_str(), limit.enforcement.as_str());
        let status = limit.status.as_str();
        query!(
            "INSERT INTO limits
               (tenant_id, id, name, limit_category, limit_type, scope, enforcement, status, bundle_digest,
                definition, created_at, updated_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11)
             ON CONFLICT (tenant_id, id) DO UPDATE SET
               limit_category = excluded.limit_category, limit_type = excluded.limit_type,
               scope = excluded.scope, enforcement = excluded.enforcement, status = excluded.status,
               bundle_digest = excluded.bundle_digest, definition = excluded.definition,
               updated_at = iif(limits.definition = excluded.definition,
                                limits.updated_at, excluded.updated_at)",
            tenant,
            key,
            name,
            category,
            limit_type,
            scope,
            enforcement,
            status,
            new.digest,
            definition,
            at
        )
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

async fn conflicts(
    connection: &mut SqliteConnection,
    tenant: &str,
    new: &[Arc<Conflict>],
    at: i64,
) -> Result<(), sqlx::Error> {
    let kept = json(&new.iter().map(|conflict| &conflict.id).collect::<Vec<_>>());
    query!(
        "DELETE FROM policy_conflicts WHERE tenant_id = $1 AND id NOT IN (SELECT value FROM json_each($2))",
        tenant,
        kept
    )
    .execute(&mut *connection)
    .await?;
    for conflict in new {
        let (conflict_type, severity) = (conflict.conflict_type.as_str(), conflict.severity.as_str());
        let (definition, rank) = (json(conflict), conflict_rank(conflict));
        query!(
            "INSERT INTO policy_conflicts
               (tenant_id, id, rank, conflict_type, severity, resolved, definition, detected_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
             ON CONFLICT (tenant_id, id) DO UPDATE SET
               rank = excluded.rank, severity = excluded.severity, resolved = excluded.resolved,
               definition = excluded.definition",
            tenant,
            conflict.id,
            rank,
            conflict_type,
            severity,
            conflict.resolved,
            definition,
            at
        )
        .execute(&mut *connection)
        .await?;
    }
    // What people have accepted stays accepted while it is found, and as long as it is no worse.
    query!(
        "DELETE FROM conflict_acknowledgements
         WHERE tenant_id = $1 AND conflict_id NOT IN (SELECT id FROM policy_conflicts WHERE tenant_id = $1)",
        tenant
    )
    .execute(&mut *connection)
    .await?;
    query!(
        "UPDATE policy_conflicts SET resolved = 1
         WHERE tenant_id = $1 AND severity = 'WARNING'
           AND id IN (SELECT conflict_id FROM conflict_acknowledgements WHERE tenant_id = $1)",
        tenant
    )
    .execute(&mut *connection)
    .await?;
    Ok(())
}

async fn dependencies(
    connection: &mut SqliteConnection,
    tenant: &str,
    new: &Activation<'_>,
) -> Result<(), sqlx::Error> {
    query!("DELETE FROM policy_dependencies WHERE tenant_id = $1", tenant).execute(&mut *connection).await?;
    for (position, edge) in (0_i64..).zip(new.edges) {
        let (from, to, definition) = (reference(&edge.from), reference(&edge.to), json(edge));
        let dependency_type = edge.dependency_type.as_str();
        query!(
            "INSERT INTO policy_dependencies
               (tenant_id, from_policy_id, to_policy_id, dependency_type, position, definition)
             VALUES ($1, $2, $3, $4, $5, $6)",
            tenant,
            from,
            to,
            dependency_type,
            position,
            definition
        )
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}
