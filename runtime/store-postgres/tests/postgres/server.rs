//! What PostgreSQL has beyond the suite: connecting, row-level security, several replicas.

use std::sync::Arc;

use ordain_store::conformance::fixtures::{Packed, at, audit_example};
use ordain_store::conformance::{
    known_of_a_policy, known_over_days, learn_at_once, of_a_policy, over_days, race,
};
use ordain_store::{
    AccessStore, ApiKeyRecord, BundleStore, CounterStore, DependencyStore, PanelStore, Principal,
    PrincipalKind, Role, TenantId, ViolationStore,
};
use ordain_store_postgres::PostgresStore;
use sqlx::{AssertSqlSafe, Executor, Row};

use crate::database::TestDatabase;

fn tenant(name: &str) -> TenantId {
    TenantId::new(name).expect("short and printable")
}

/// A role that row-level security binds, and that may make tables.
pub(crate) async fn plain_role(database: &TestDatabase) -> &'static str {
    let mut admin = database.connect(None).await;
    let role = "ordain_test_app";
    let create = format!(
        "DO $$ BEGIN CREATE ROLE {role} LOGIN NOSUPERUSER NOBYPASSRLS PASSWORD '{role}';
         EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$; GRANT ALL ON SCHEMA public TO {role}"
    );
    admin.execute(sqlx::raw_sql(AssertSqlSafe(create))).await.expect("a superuser may make roles");
    role
}

/// As after an upgrade from before there were such counts, by an owner who sees nobody's rows.
#[tokio::test]
async fn violations_from_before_are_counted_of_their_policies() {
    let database = TestDatabase::create().await;
    let role = plain_role(&database).await;
    let store = PostgresStore::open(&database.url(Some(role))).await.unwrap();
    store.record_violations(&tenant("a"), &of_a_policy()).await.unwrap();
    store.record_violations(&tenant("b"), &of_a_policy()[..1]).await.unwrap();
    store.close().await;
    let mut raw = database.connect(Some(role)).await;
    let back = "DROP TABLE violation_policy_counts; DELETE FROM _sqlx_migrations WHERE version = 8";
    raw.execute(sqlx::raw_sql(back)).await.unwrap();
    let store = PostgresStore::open(&database.url(Some(role))).await.unwrap();
    assert_eq!(known_of_a_policy(&store, &tenant("a")).await, (3, 2));
    assert_eq!(known_of_a_policy(&store, &tenant("b")).await, (1, 1));
    let seen = raw.fetch_one("SELECT count(*) FROM violations").await.unwrap().get::<i64, _>(0);
    assert_eq!(seen, 0, "the owner is bound as before");
    store.close().await;
    drop(raw);
    database.drop().await;
}

/// As after an upgrade from before days were counted, by an owner who sees nobody's rows.
#[tokio::test]
async fn violations_from_before_are_counted_by_the_day() {
    let database = TestDatabase::create().await;
    let role = plain_role(&database).await;
    let store = PostgresStore::open(&database.url(Some(role))).await.unwrap();
    store.record_violations(&tenant("a"), &over_days()).await.unwrap();
    store.record_violations(&tenant("b"), &over_days()[..1]).await.unwrap();
    store.close().await;
    let mut raw = database.connect(Some(role)).await;
    let back = "ALTER TABLE violation_counts NO FORCE ROW LEVEL SECURITY;
         DELETE FROM violation_counts WHERE span = 86400;
         ALTER TABLE violation_counts FORCE ROW LEVEL SECURITY;
         ALTER TABLE violation_counts DROP CONSTRAINT violation_counts_pkey;
         ALTER TABLE violation_counts DROP COLUMN span;
         ALTER TABLE violation_counts RENAME COLUMN start TO hour;
         ALTER TABLE violation_counts
             ADD PRIMARY KEY (tenant_id, hour, violation_type, violation_kind, source, is_synthetic);
         DELETE FROM _sqlx_migrations WHERE version = 11;";
    raw.execute(sqlx::raw_sql(back)).await.unwrap();
    let store = PostgresStore::open(&database.url(Some(role))).await.unwrap();
    assert_eq!(known_over_days(&store, &tenant("a")).await, [5, 4, 2]);
    assert_eq!(known_over_days(&store, &tenant("b")).await, [1, 1, 1]);
    let seen = raw.fetch_one("SELECT count(*) FROM violation_counts").await.unwrap().get::<i64, _>(0);
    assert_eq!(seen, 0, "the owner is bound as before");
    store.close().await;
    drop(raw);
    database.drop().await;
}

/// As after an upgrade from before there were names, by an owner who sees nobody's rows.
#[tokio::test]
async fn tenants_from_before_are_known() {
    let database = TestDatabase::create().await;
    let role = plain_role(&database).await;
    let store = PostgresStore::open(&database.url(Some(role))).await.unwrap();
    store.activate_bundle(&tenant("a"), Packed::new(audit_example()).activation(at(0))).await.unwrap();
    store.record_violations(&tenant("b"), &of_a_policy()).await.unwrap();
    store.close().await;
    let mut raw = database.connect(Some(role)).await;
    let back = "DROP TABLE tenants, panel_health; DROP FUNCTION note_tenant CASCADE;
                DELETE FROM _sqlx_migrations WHERE version = 10";
    raw.execute(sqlx::raw_sql(back)).await.unwrap();
    let store = PostgresStore::open(&database.url(Some(role))).await.unwrap();
    assert_eq!(store.tenants(None, 10).await.unwrap(), [tenant("a"), tenant("b")]);
    store.record_violations(&tenant("c"), &of_a_policy()).await.unwrap();
    assert_eq!(store.tenants(Some(&tenant("a")), 10).await.unwrap(), [tenant("b"), tenant("c")]);
    let seen = raw.fetch_one("SELECT count(*) FROM bundles").await.unwrap().get::<i64, _>(0);
    assert_eq!(seen, 0, "the owner is bound as before");
    store.close().await;
    drop(raw);
    database.drop().await;
}

#[tokio::test]
async fn row_level_security_holds_even_for_the_owner() {
    let database = TestDatabase::create().await;
    let role = plain_role(&database).await;
    let store = PostgresStore::open(&database.url(Some(role))).await.unwrap();
    let packed = Packed::new(audit_example());
    store.activate_bundle(&tenant("one"), packed.activation(at(0))).await.unwrap();
    assert_eq!(store.dependency_graph(&tenant("one")).await.unwrap().rules.len(), 3);

    // Straight to the tables, past the store.
    let mut raw = database.connect(Some(role)).await;
    let visible = "SELECT count(*) FROM policy_rules";
    assert_eq!(raw.fetch_one(visible).await.unwrap().get::<i64, _>(0), 0, "no tenant, no row");
    raw.execute("SET app.tenant_id = 'two'").await.unwrap();
    assert_eq!(raw.fetch_one(visible).await.unwrap().get::<i64, _>(0), 0, "not mine, no row");
    let stolen = raw
        .execute("INSERT INTO watched_places VALUES ('one', 'p', 'o', now(), 'd', now())")
        .await
        .unwrap_err();
    assert!(stolen.to_string().contains("row-level security"), "{stolen}");
    raw.execute("SET app.tenant_id = 'one'").await.unwrap();
    assert_eq!(raw.fetch_one(visible).await.unwrap().get::<i64, _>(0), 3);
    let key = ApiKeyRecord {
        id: uuid::Uuid::nil(),
        prefix: "known".to_owned(),
        hash: [1; 32],
        principal: Principal::new(PrincipalKind::Service, "s").unwrap(),
        roles: Role::ALL.iter().copied().collect(),
        created_at: at(0),
        expires_at: None,
        revoked_at: None,
        last_used_at: None,
        replaces: None,
    };
    store.create_api_key(&tenant("one"), &key).await.unwrap();
    raw.execute("SET app.tenant_id = 'two'").await.unwrap();
    let keys = "SELECT count(*) FROM api_keys";
    assert_eq!(raw.fetch_one(keys).await.unwrap().get::<i64, _>(0), 0, "not mine, no key");
    raw.execute("SET app.key_prefix = 'known'").await.unwrap();
    assert_eq!(raw.fetch_one(keys).await.unwrap().get::<i64, _>(0), 1, "but for the one whose prefix I know");
    let changed = raw.execute("UPDATE api_keys SET roles = ''").await.unwrap().rows_affected();
    assert_eq!(changed, 0, "and that one to see only");
    let taken = raw.execute("DELETE FROM api_keys").await.unwrap().rows_affected();
    assert_eq!(taken, 0);
    store.create_api_key(&tenant("two"), &ApiKeyRecord { prefix: "other".to_owned(), ..key }).await.unwrap();
    let names = "SELECT count(*) FROM tenants";
    assert_eq!(raw.fetch_one(names).await.unwrap().get::<i64, _>(0), 1, "my own name");
    assert_eq!(store.tenants(None, 10).await.unwrap(), [tenant("one"), tenant("two")]);
    raw.execute("SET app.every_tenant = 'on'").await.unwrap();
    assert_eq!(raw.fetch_one(names).await.unwrap().get::<i64, _>(0), 2, "all names, for who asks for them");
    assert_eq!(raw.fetch_one(visible).await.unwrap().get::<i64, _>(0), 0, "and nothing of what they have");
    assert_eq!(raw.execute("DELETE FROM tenants WHERE tenant_id = 'one'").await.unwrap().rows_affected(), 0);
    let made = raw.execute("INSERT INTO tenants VALUES ('three')").await.unwrap_err();
    assert!(made.to_string().contains("row-level security"), "{made}");
    assert_eq!(store.role_above_row_level_security().await.unwrap(), None);
    let above = PostgresStore::open(&database.url(None)).await.unwrap();
    assert!(above.role_above_row_level_security().await.unwrap().is_some(), "the tests' own user may all");
    above.close().await;
    let tables = "SELECT count(*) FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
                  WHERE c.relkind = 'r' AND a.attname = 'tenant_id' AND NOT (relrowsecurity AND relforcerowsecurity)";
    assert_eq!(raw.fetch_one(tables).await.unwrap().get::<i64, _>(0), 0, "no table is left out");
    store.close().await;
    drop(raw);
    database.drop().await;
}

#[tokio::test]
async fn two_replicas_share_one_database() {
    let database = TestDatabase::create().await;
    let url = database.url(None);
    let (one, two) = tokio::join!(PostgresStore::open(&url), PostgresStore::open(&url));
    let (one, two) = (one.unwrap(), two.unwrap());
    let packed = Packed::new(audit_example());
    let record = one.activate_bundle(&tenant("a"), packed.activation(at(0))).await.unwrap();
    assert_eq!(two.active_bundle(&tenant("a")).await.unwrap(), Some(record));
    one.close().await;
    two.close().await;
    database.drop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_stay_within_a_cap_together() {
    let database = TestDatabase::create().await;
    let mut replicas = vec![];
    for _ in 0..3 {
        replicas.push(Arc::new(PostgresStore::open(&database.url(None)).await.unwrap()));
    }
    race(&replicas, 8, 4, &tenant("race")).await;
    for replica in replicas {
        replica.close().await;
    }
    database.drop().await;
}

/// As servers do when a client hangs up: at whatever point a question is given up, the connection is fit for the next.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_question_that_is_given_up_leaves_nothing_behind() {
    let database = TestDatabase::create().await;
    let store = Arc::new(PostgresStore::open(&database.url(None)).await.unwrap());
    for round in 0..3 {
        let given_up = (0..300_u64).map(|i| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                let patience = std::time::Duration::from_micros(i * 37 % 3_000);
                let _ = tokio::time::timeout(patience, store.active_bundle(&tenant("a"))).await;
            })
        });
        for question in given_up.collect::<Vec<_>>() {
            question.await.unwrap();
        }
        race(&[Arc::clone(&store)], 12, 1, &tenant(&format!("race-{round}"))).await;
    }
    store.close().await;
    database.drop().await;
}

#[tokio::test]
async fn an_audit_finds_what_was_changed_behind_the_ledger() {
    let database = TestDatabase::create().await;
    let store = Arc::new(PostgresStore::open(&database.url(None)).await.unwrap());
    race(&[Arc::clone(&store)], 2, 2, &tenant("a")).await;
    let mut raw = database.connect(None).await;
    for statement in [
        "UPDATE limit_counters SET used = used + 1 WHERE limit_name = 'wide'",
        "DELETE FROM limit_ledger WHERE limit_name = 'cap-1' AND number = 1",
        "DELETE FROM limit_counters WHERE limit_name = 'cap-0'",
    ] {
        assert!(raw.execute(statement).await.unwrap().rows_affected() > 0, "{statement}");
    }
    let wrong = store.audit_counters(&tenant("a")).await.unwrap().wrong;
    let mut wrong: Vec<_> = wrong.iter().map(|key| key.limit.as_str()).collect();
    // The second is rolling, and has several counters.
    wrong.dedup();
    assert_eq!(wrong, ["cap-0", "cap-1", "wide"]);
    store.close().await;
    drop(raw);
    database.drop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_learn_nothing_twice() {
    let database = TestDatabase::create().await;
    let mut replicas = vec![];
    for _ in 0..3 {
        replicas.push(Arc::new(PostgresStore::open(&database.url(None)).await.unwrap()));
    }
    learn_at_once(&replicas, 9, &tenant("learn")).await;
    for replica in replicas {
        replica.close().await;
    }
    database.drop().await;
}

#[tokio::test]
async fn what_cannot_be_reached_is_explained() {
    let database = TestDatabase::create().await;
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let error = PostgresStore::open(&format!("postgres://me:s3cret@127.0.0.1:{free}/x")).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "cannot open the database `postgres://me:***@127.0.0.1:{free}/x`: nothing listens on port {free} there; \
             is the server running?"
        )
    );
    let error = PostgresStore::open("postgres://me:s3cret@[::1/x").await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot open the database `postgres://me:***@[::1/x`: it is malformed; write \
         `postgres://USER:PASSWORD@HOST:PORT/DATABASE`"
    );
    let url = database.url(None);
    database.drop().await;
    let error = PostgresStore::open(&url).await.unwrap_err().to_string();
    assert!(error.contains("the server has no database `ordain_test_"), "{error}");
}
