//! What SQLite does for each query: none that is asked again and again reads all that a tenant has of what grows.

use std::collections::BTreeSet;
use std::fs;

use ordain_store_sqlite::SqliteStore;
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection as _, Row as _, SqliteConnection};

/// Tables that grow with use.
const GROWING: [&str; 7] =
    ["decisions", "limit_ledger", "violations", "audit_log", "incidents", "runs", "lessons_learned"];

/// Queries that are to look at everything, by a part of them: an audit of counters, which nobody waits for, and the record,
/// which is counted, and read from its end.
const WHOLE: [&str; 3] = [
    "HAVING sum(used) <> 0",
    "(SELECT count(*) FROM limit_ledger WHERE tenant_id = $1)",
    "SELECT count(*) AS \"total!: i64\" FROM audit_log",
];

/// Whether a step of a plan reads a growing table, or all of it that is one tenant's.
fn reads_all(step: &str) -> bool {
    let mut words = step.split(' ');
    let (how, what) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let all = how == "SCAN" || how == "SEARCH" && step.ends_with("(tenant_id=?)");
    all && GROWING.contains(&what)
}

#[tokio::test]
async fn no_query_reads_all_that_a_tenant_has() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ordain.db");
    SqliteStore::open(&file).await.unwrap().close().await;
    let mut database = SqliteConnection::connect(&format!("sqlite://{}", file.display())).await.unwrap();
    let described = concat!(env!("CARGO_MANIFEST_DIR"), "/.sqlx");
    let (mut seen, mut whole, mut wrong) = (0, 0, vec![]);
    for entry in fs::read_dir(described).unwrap() {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        let described: Value = serde_json::from_str(&text).unwrap();
        let query = described["query"].as_str().unwrap();
        let query = query.split_whitespace().collect::<Vec<_>>().join(" ");
        let plan = sqlx::query(AssertSqlSafe(format!("EXPLAIN QUERY PLAN {query}")));
        let plan = plan.fetch_all(&mut database).await.unwrap_or_else(|error| panic!("{error}: {query}"));
        let steps: Vec<String> = plan.iter().map(|row| row.get("detail")).collect();
        seen += 1;
        let all: Vec<_> = steps.iter().filter(|step| reads_all(step)).collect();
        if WHOLE.iter().any(|part| query.contains(part)) {
            whole += 1;
        } else if !all.is_empty() {
            wrong.push(format!("{all:?}: {query}"));
        }
    }
    assert!(seen > 50 && whole >= WHOLE.len(), "{seen} queries, {whole} of the whole");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A page begins where its cursor says, however many rows come before, and is read in the order of an index.
#[tokio::test]
async fn pages_begin_at_their_cursor() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ordain.db");
    SqliteStore::open(&file).await.unwrap().close().await;
    let mut database = SqliteConnection::connect(&format!("sqlite://{}", file.display())).await.unwrap();
    let described = concat!(env!("CARGO_MANIFEST_DIR"), "/.sqlx");
    let mut seen = BTreeSet::new();
    for entry in fs::read_dir(described).unwrap() {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        let described: Value = serde_json::from_str(&text).unwrap();
        let query = described["query"].as_str().unwrap();
        if !query.contains(" OFFSET ") {
            continue;
        }
        let plan = sqlx::query(AssertSqlSafe(format!("EXPLAIN QUERY PLAN {query}")));
        let plan = plan.fetch_all(&mut database).await.unwrap_or_else(|error| panic!("{error}: {query}"));
        let steps: Vec<String> = plan.iter().map(|row| row.get("detail")).collect();
        let first = steps[0].clone();
        assert!(first.starts_with("SEARCH ") && first.contains(['<', '>']), "{steps:?}: {query}");
        assert!(steps.iter().all(|step| !step.ends_with("ORDER BY")), "{steps:?}: {query}");
        seen.insert(first.split(' ').nth(1).unwrap().to_owned());
    }
    let lists = [
        "audit_log",
        "bundles",
        "c",
        "lessons_learned",
        "limits",
        "policy_proposals",
        "policy_rules",
        "policy_versions",
        "violations",
    ];
    assert_eq!(seen.iter().map(String::as_str).collect::<Vec<_>>(), lists, "`c` are conflicts");
}

#[test]
fn what_reads_all_is_noticed() {
    for step in ["SCAN decisions", "SEARCH limit_ledger USING INDEX ix (tenant_id=?)"] {
        assert!(reads_all(step), "{step}");
    }
    for step in ["SEARCH decisions USING PRIMARY KEY (tenant_id=? AND id=?)", "SCAN json_each VIRTUAL TABLE"]
    {
        assert!(!reads_all(step), "{step}");
    }
}
