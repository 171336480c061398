//! A file that an earlier version has left.

use ordain_store::conformance::fixtures::{at, over_names};
use ordain_store::conformance::{followed_conflicts, over_days};
use ordain_store::{
    ConflictFilter, ConflictRecord, ConflictStore, PageRequest, PanelStore, TenantId, ViolationFilter,
    ViolationStore,
};
use ordain_store_sqlite::SqliteStore;
use sqlx::migrate::Migrator;
use sqlx::{Connection as _, SqliteConnection};

/// The last change of the tables before conflicts had ranks, days were counted, and tenants had names.
const BEFORE: i64 = 8;

#[tokio::test]
async fn what_was_there_is_still_there_and_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ordain.db");
    let mut raw = SqliteConnection::connect(&format!("sqlite://{}?mode=rwc", file.display())).await.unwrap();
    let all = sqlx::migrate!();
    let before: Vec<_> = all.iter().filter(|it| it.version <= BEFORE).cloned().collect();
    assert_eq!(before.len(), 8);
    Migrator::with_migrations(before).run(&mut raw).await.unwrap();
    let conflicts = over_names();
    for (position, conflict) in conflicts.iter().rev().enumerate() {
        sqlx::query("INSERT INTO policy_conflicts VALUES ('a', $1, $2, $3, $4, 0, $5, $6)")
            .bind(&conflict.id)
            .bind(i64::try_from(position).unwrap())
            .bind(conflict.conflict_type.as_str())
            .bind(conflict.severity.as_str())
            .bind(serde_json::to_string(conflict).unwrap())
            .bind(at(0).as_microsecond())
            .execute(&mut raw)
            .await
            .unwrap();
    }
    for violation in over_days() {
        sqlx::query(
            "INSERT INTO violations (tenant_id, id, violation_type, violation_kind, source, severity, description,
               is_synthetic, occurred_at, recorded_at)
             VALUES ('a', $1, $2, $3, $4, $5, '', 0, $6, $6)",
        )
        .bind(violation.id.to_string())
        .bind(violation.violation_type.as_str())
        .bind(violation.violation_kind.as_str())
        .bind(violation.source.as_str())
        .bind(violation.severity.thousandths())
        .bind(violation.occurred_at.as_microsecond())
        .execute(&mut raw)
        .await
        .unwrap();
        sqlx::query(
            "INSERT INTO violation_counts VALUES ('a', $1, $2, $3, $4, 0, 1)
             ON CONFLICT DO UPDATE SET violations = violations + 1",
        )
        .bind(violation.hour().as_microsecond())
        .bind(violation.violation_type.as_str())
        .bind(violation.violation_kind.as_str())
        .bind(violation.source.as_str())
        .execute(&mut raw)
        .await
        .unwrap();
    }
    raw.close().await.unwrap();

    let (store, tenant) = (SqliteStore::open(&file).await.unwrap(), TenantId::new("a").unwrap());
    let filter = ConflictFilter::default();
    let listed = store.conflicts(&tenant, &filter, PageRequest::FIRST).await.unwrap();
    let ids = |found: &[ConflictRecord]| found.iter().map(|it| it.conflict.id.clone()).collect::<Vec<_>>();
    let wanted: Vec<_> = conflicts.iter().map(|it| it.id.clone()).collect();
    assert_eq!(ids(&listed.items), wanted, "by severity, type and names");
    assert_eq!(ids(&followed_conflicts(&store, &tenant).await), wanted, "and so by cursors");
    let week = ViolationFilter::since(at(-605_000));
    let page = PageRequest::new(2, 0);
    assert_eq!(store.violations(&tenant, &week, page).await.unwrap().total, 5);
    assert_eq!(store.tenants(None, 10).await.unwrap(), [tenant]);
}
