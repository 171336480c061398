//! What SQLite has beyond the suite: files, what survives, and what can't be opened.

use std::fs;
use std::sync::Arc;

use ordain_store::conformance::fixtures::{Packed, at, audit_example, violation};
use ordain_store::conformance::{known_of_a_policy, known_over_days, of_a_policy, over_days, race};
use ordain_store::{BundleStore, DependencyStore, StateStore, TenantId, ViolationStore};
use ordain_store_sqlite::SqliteStore;
use sqlx::{Connection, SqliteConnection};

fn tenant() -> TenantId {
    TenantId::new("demo-tenant").expect("short and printable")
}

#[tokio::test]
async fn what_was_activated_survives_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("with space & ünïcode?.db");
    let packed = Packed::new(audit_example());
    let store = SqliteStore::open(&file).await.unwrap();
    let before = store.activate_bundle(&tenant(), packed.activation(at(0))).await.unwrap();
    let graph = store.dependency_graph(&tenant()).await.unwrap();
    store.close().await;
    assert!(file.is_file());
    let store = SqliteStore::open(&file).await.unwrap();
    assert_eq!(store.active_bundle(&tenant()).await.unwrap(), Some(before));
    assert_eq!(store.dependency_graph(&tenant()).await.unwrap(), graph);
}

#[tokio::test]
async fn what_cannot_be_opened_is_explained() {
    let folder = tempfile::tempdir().unwrap();
    let shown =
        |name: &str| format!("cannot open the database `sqlite://{}/{name}`: ", folder.path().display());
    let reason = async |name: &str| {
        let error = SqliteStore::open(&folder.path().join(name)).await.unwrap_err().to_string();
        error.strip_prefix(&shown(name)).unwrap_or(&error).to_owned()
    };
    fs::create_dir(folder.path().join("sub")).unwrap();
    assert_eq!(reason("sub").await, "it is a folder; name a file in it");
    let missing = folder.path().join("missing");
    assert_eq!(
        reason("missing/x.db").await,
        format!("the folder `{}` does not exist; create it first", missing.display())
    );
    fs::write(
        folder.path().join("text.db"),
        "this is no database, and it is long enough to tell ".repeat(50),
    )
    .unwrap();
    assert_eq!(
        reason("text.db").await,
        "it is no intact SQLite database; choose another file, or restore a backup"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn several_servers_may_make_a_file_at_once() {
    let folder = tempfile::tempdir().unwrap();
    for round in 0..20 {
        let file = folder.path().join(format!("{round}.db"));
        let mut servers = tokio::task::JoinSet::new();
        for _ in 0..4 {
            let file = file.clone();
            servers.spawn(async move { SqliteStore::open(&file).await.map(drop) });
        }
        while let Some(opened) = servers.join_next().await {
            opened.unwrap().unwrap();
        }
    }
}

/// As after an upgrade from before there were such counts.
#[tokio::test]
async fn violations_from_before_are_counted_of_their_policies() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ordain.db");
    let store = SqliteStore::open(&file).await.unwrap();
    store.record_violations(&tenant(), &of_a_policy()).await.unwrap();
    store.close().await;
    let mut raw = SqliteConnection::connect(&format!("sqlite://{}", file.display())).await.unwrap();
    let back = "DROP TABLE violation_policy_counts; DELETE FROM _sqlx_migrations WHERE version = 8;";
    sqlx::raw_sql(back).execute(&mut raw).await.unwrap();
    let store = SqliteStore::open(&file).await.unwrap();
    assert_eq!(known_of_a_policy(&store, &tenant()).await, (3, 2));
}

/// As after an upgrade from before days were counted.
#[tokio::test]
async fn violations_from_before_are_counted_by_the_day() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ordain.db");
    let store = SqliteStore::open(&file).await.unwrap();
    store.record_violations(&tenant(), &over_days()).await.unwrap();
    store.close().await;
    let mut raw = SqliteConnection::connect(&format!("sqlite://{}", file.display())).await.unwrap();
    let back = "ALTER TABLE violation_counts RENAME TO spans;
         CREATE TABLE violation_counts (
             tenant_id TEXT NOT NULL, hour INTEGER NOT NULL, violation_type TEXT NOT NULL,
             violation_kind TEXT NOT NULL, source TEXT NOT NULL, is_synthetic INTEGER NOT NULL,
             violations INTEGER NOT NULL,
             PRIMARY KEY (tenant_id, hour, violation_type, violation_kind, source, is_synthetic)
         ) STRICT, WITHOUT ROWID;
         INSERT INTO violation_counts
         SELECT tenant_id, start, violation_type, violation_kind, source, is_synthetic, violations
         FROM spans WHERE span = 3600;
         DROP TABLE spans;
         DELETE FROM _sqlx_migrations WHERE version = 11;";
    sqlx::raw_sql(back).execute(&mut raw).await.unwrap();
    let store = SqliteStore::open(&file).await.unwrap();
    assert_eq!(known_over_days(&store, &tenant()).await, [5, 4, 2]);
}

#[tokio::test]
async fn a_damaged_row_is_reported_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ordain.db");
    let store = SqliteStore::open(&file).await.unwrap();
    let packed = Packed::new(audit_example());
    store.activate_bundle(&tenant(), packed.activation(at(0))).await.unwrap();
    let mut raw = SqliteConnection::connect(&format!("sqlite://{}", file.display())).await.unwrap();
    sqlx::query("UPDATE policy_rules SET definition = '{}' WHERE name = 'ethical-ai'")
        .execute(&mut raw)
        .await
        .unwrap();
    let error = store.dependency_graph(&tenant()).await.unwrap_err().to_string();
    let id = packed.bundle.policies.rules[&"ethical-ai".into()].id();
    assert!(
        error.starts_with(&format!(
            "the database holds something that cannot be read: policy_rules.definition of `{id}`"
        )),
        "{error}"
    );
}

#[tokio::test]
async fn the_schema_refuses_words_that_are_none() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ordain.db");
    let store = SqliteStore::open(&file).await.unwrap();
    store.activate_bundle(&tenant(), Packed::new(audit_example()).activation(at(0))).await.unwrap();
    store.record_violations(&tenant(), &[violation(1, at(0))]).await.unwrap();
    let mut raw = SqliteConnection::connect(&format!("sqlite://{}", file.display())).await.unwrap();
    for (statement, constraint) in [
        ("UPDATE policy_rules SET rule_type = 'OTHER'", "ck_policy_rules_rule_type"),
        ("UPDATE policy_rules SET enforcement_mode = 'block'", "ck_policy_rules_enforcement_mode"),
        ("UPDATE policy_rules SET bundle_digest = 'blake3:00'", "FOREIGN KEY"),
        ("UPDATE policy_conflicts SET severity = 'FATAL'", "ck_policy_conflicts_severity"),
        ("UPDATE violations SET violation_kind = 'standard'", "ck_violations_violation_kind"),
        ("UPDATE violations SET severity = 1001", "ck_violations_severity"),
        ("UPDATE violations SET policy_name = 'x'", "ck_violations_policy"),
    ] {
        let error = sqlx::query(statement).execute(&mut raw).await.unwrap_err().to_string();
        assert!(error.contains(constraint), "{statement}: {error}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn programs_on_one_file_stay_within_a_cap_together() {
    let folder = tempfile::tempdir().unwrap();
    let mut programs = vec![];
    for _ in 0..3 {
        programs.push(Arc::new(SqliteStore::open(&folder.path().join("ordain.db")).await.unwrap()));
    }
    race(&programs, 4, 3, &tenant()).await;
}

/// As servers do when a client hangs up: at whatever point a question is given up, the connection is fit for the next.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_question_that_is_given_up_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(SqliteStore::open(&folder.path().join("ordain.db")).await.unwrap());
    for round in 0..3 {
        let given_up = (0..300_u64).map(|i| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                let patience = std::time::Duration::from_micros(i * 37 % 3_000);
                let violations = [violation(i.into(), at(0))];
                let write = async {
                    store.record_violations(&tenant(), &violations).await.unwrap();
                    store.state_counts(&tenant(), at(0)).await.unwrap();
                };
                let _ = tokio::time::timeout(patience, write).await;
            })
        });
        for question in given_up.collect::<Vec<_>>() {
            question.await.unwrap();
        }
        race(&[Arc::clone(&store)], 12, 1, &TenantId::new(&format!("race-{round}")).unwrap()).await;
    }
}
