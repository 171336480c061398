//! A database that an earlier version has left.

use jiff_sqlx::ToSqlx as _;
use ordain_store::conformance::fixtures::{at, over_names};
use ordain_store::conformance::{followed_conflicts, over_days};
use ordain_store::{
    ConflictFilter, ConflictRecord, ConflictStore, PageRequest, PanelStore, TenantId, ViolationFilter,
    ViolationStore,
};
use ordain_store_postgres::PostgresStore;
use sqlx::Executor as _;
use sqlx::migrate::Migrator;

use crate::database::TestDatabase;
use crate::server::plain_role;

/// The last change of the tables before conflicts had ranks, days were counted, and tenants had names.
const BEFORE: i64 = 8;

#[tokio::test]
async fn what_was_there_is_still_there_and_in_order() {
    let database = TestDatabase::create().await;
    let role = plain_role(&database).await;
    let mut raw = database.connect(Some(role)).await;
    let all = sqlx::migrate!();
    let before: Vec<_> = all.iter().filter(|it| it.version <= BEFORE).cloned().collect();
    assert_eq!(before.len(), 8);
    Migrator::with_migrations(before).run(&mut raw).await.unwrap();
    raw.execute("SELECT set_config('app.tenant_id', 'a', false)").await.unwrap();
    let conflicts = over_names();
    for (position, conflict) in conflicts.iter().rev().enumerate() {
        sqlx::query(
            "INSERT INTO policy_conflicts
               (tenant_id, id, position, conflict_type, severity, resolved, definition, detected_at)
             VALUES ('a', $1, $2, $3, $4, false, $5::text::json, $6)",
        )
        .bind(&conflict.id)
        .bind(i32::try_from(position).unwrap())
        .bind(conflict.conflict_type.as_str())
        .bind(conflict.severity.as_str())
        .bind(serde_json::to_string(conflict).unwrap())
        .bind(at(0).to_sqlx())
        .execute(&mut raw)
        .await
        .unwrap();
    }
    for violation in over_days() {
        sqlx::query(
            "INSERT INTO violations (tenant_id, id, violation_type, violation_kind, source, severity, description,
               is_synthetic, occurred_at, recorded_at)
             VALUES ('a', $1, $2, $3, $4, $5, '', false, $6, $6)",
        )
        .bind(violation.id)
        .bind(violation.violation_type.as_str())
        .bind(violation.violation_kind.as_str())
        .bind(violation.source.as_str())
        .bind(i16::try_from(violation.severity.thousandths()).unwrap())
        .bind(violation.occurred_at.to_sqlx())
        .execute(&mut raw)
        .await
        .unwrap();
        sqlx::query(
            "INSERT INTO violation_counts AS old VALUES ('a', $1, $2, $3, $4, false, 1)
             ON CONFLICT (tenant_id, hour, violation_type, violation_kind, source, is_synthetic)
             DO UPDATE SET violations = old.violations + 1",
        )
        .bind(violation.hour().to_sqlx())
        .bind(violation.violation_type.as_str())
        .bind(violation.violation_kind.as_str())
        .bind(violation.source.as_str())
        .execute(&mut raw)
        .await
        .unwrap();
    }

    let store = PostgresStore::open(&database.url(Some(role))).await.unwrap();
    let tenant = TenantId::new("a").unwrap();
    let listed = store.conflicts(&tenant, &ConflictFilter::default(), PageRequest::FIRST).await.unwrap();
    let ids = |found: &[ConflictRecord]| found.iter().map(|it| it.conflict.id.clone()).collect::<Vec<_>>();
    let wanted: Vec<_> = conflicts.iter().map(|it| it.id.clone()).collect();
    assert_eq!(ids(&listed.items), wanted, "by severity, type and names");
    assert_eq!(ids(&followed_conflicts(&store, &tenant).await), wanted, "and so by cursors");
    let week = ViolationFilter::since(at(-605_000));
    let page = PageRequest::new(2, 0);
    assert_eq!(store.violations(&tenant, &week, page).await.unwrap().total, 5);
    assert_eq!(store.tenants(None, 10).await.unwrap(), [tenant]);
    store.close().await;
    drop(raw);
    database.drop().await;
}
