//! What the log says of a bundle. A program of its own, since the log is one for a whole process.

#[path = "support/trusting.rs"]
mod trusting;

use std::io;
use std::sync::{Arc, Mutex};

use ordain_ir::{ConflictSeverity, ConflictType};
use ordain_runtime::{
    BundleFile, BundleService, GovernanceService, Principal, PrincipalKind, TenantId, Trust,
};
use ordain_store::conformance::fixtures::{at, audit_example, bundle, conflict, limit, policies};
use ordain_store::{ManualClock, MemoryStore, SeededRandom};
use serde_json::{Value, json};
use trusting::Trusting;

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("nobody panicked").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn the_gates_verdict_is_logged() {
    let log = Log::default();
    let writer = log.clone();
    tracing_subscriber::fmt().json().with_writer(move || writer.clone()).init();
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

    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    let events: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
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
