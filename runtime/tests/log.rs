//! What the log says of a bundle. A program of its own, since the log is one for a whole process.

#[path = "support/listening.rs"]
mod listening;
#[path = "support/trusting.rs"]
mod trusting;

use std::sync::Arc;

use listening::Log;
use ordain_ir::{ConflictSeverity, ConflictType};
use ordain_runtime::{
    BundleFile, BundleService, GovernanceService, Principal, PrincipalKind, TenantId, Trust,
};
use ordain_store::conformance::fixtures::{at, audit_example, bundle, conflict, limit, policies};
use ordain_store::{ManualClock, MemoryStore, SeededRandom};
use serde_json::json;
use trusting::Trusting;

#[tokio::test]
async fn the_gates_verdict_is_logged() {
    let log = Log::listen();
    let (store, random) = (Arc::new(MemoryStore::default()), Arc::new(SeededRandom::new(1)));
    let (gate, clock) = (Arc::new(Trusting), Arc::new(ManualClock::new(at(0))));
    let service =
        BundleService::new(store.clone(), gate.clone(), clock.clone(), random.clone(), Trust::default());
    let tenant = TenantId::new("acme").unwrap();
    service.load(&tenant, BundleFile::unsigned(audit_example().to_bytes().0)).await.unwrap();
    let limits = ["floor", "cap"].map(|name| limit(name, "RUNS_DAILY", 5));
    let pair = [limits[0].reference(), limits[1].reference()];
    let blocking = conflict(ConflictType::ThresholdContradiction, ConflictSeverity::Blocking, &pair);
    let contradictory = bundle(policies([], limits), vec![], vec![blocking]);
    service.load(&tenant, BundleFile::unsigned(contradictory.to_bytes().0)).await.unwrap_err();

    let governance = GovernanceService::new(store, gate, clock.clone(), random, Trust::default());
    let person = Principal::new(PrincipalKind::Human, "ada").unwrap();
    let id = |name: &str| ordain_ir::PolicyId::of(&name.into());
    governance.retire(&tenant, &person, id("safety-baseline")).await.unwrap_err();
    governance.retire(&tenant, &person, id("ethical-ai")).await.unwrap();

    let events = log.heard();
    let find = |message: &str| events.iter().find(|event| event["fields"]["message"] == message).unwrap();
    let passed = find("GOV-POL-001_CONFLICT_CHECK_PASSED");
    assert_eq!((&passed["level"], &passed["fields"]["warnings"]), (&json!("INFO"), &json!(1)));
    let blocked = find("GOV-POL-001_ACTIVATION_BLOCKED");
    assert_eq!((&blocked["level"], &blocked["fields"]["blocking"]), (&json!("WARN"), &json!(1)));
    assert_eq!(blocked["fields"]["tenant"], "acme");
    let blocked = find("GOV-POL-002_DELETION_BLOCKED");
    assert_eq!((&blocked["level"], &blocked["fields"]["dependents"]), (&json!("WARN"), &json!(1)));
    assert_eq!(blocked["fields"]["rule"], "safety-baseline");
    let allowed = find("GOV-POL-002_DELETION_ALLOWED");
    assert_eq!((&allowed["level"], &allowed["fields"]["rule"]), (&json!("INFO"), &json!("ethical-ai")));
    assert_eq!(allowed["fields"]["actor"], "ada");
}
