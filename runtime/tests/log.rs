//! What the log says of a bundle. A program of its own, since the log is one for a whole process.

use std::io;
use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use ordain_ir::{Bundle, ConflictSeverity, ConflictType, Report};
use ordain_runtime::{BundleService, Gate, GateError, TenantId};
use ordain_store::conformance::fixtures::{at, audit_example, bundle, conflict, limit, policies};
use ordain_store::{Clock, MemoryStore};
use serde_json::{Value, json};

struct Stopped;

impl Clock for Stopped {
    fn now(&self) -> Timestamp {
        at(0)
    }
}

/// Finds what the bundle carries.
struct Trusting;

impl Gate for Trusting {
    fn check(&self, bundle: &Bundle) -> Result<Report, GateError> {
        Ok(bundle.analysis.clone())
    }
}

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
    let service = BundleService::new(Arc::new(MemoryStore::default()), Arc::new(Trusting), Arc::new(Stopped));
    let tenant = TenantId::new("acme").unwrap();
    service.load(&tenant, audit_example().to_bytes().0).await.unwrap();
    let limits = ["floor", "cap"].map(|name| limit(name, "RUNS_DAILY", 5));
    let pair = [limits[0].reference(), limits[1].reference()];
    let blocking = conflict(ConflictType::ThresholdContradiction, ConflictSeverity::Blocking, &pair);
    let contradictory = bundle(policies([], limits), vec![], vec![blocking]);
    service.load(&tenant, contradictory.to_bytes().0).await.unwrap_err();

    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    let events: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let find = |message: &str| events.iter().find(|event| event["fields"]["message"] == message).unwrap();
    let passed = find("GOV-POL-001_CONFLICT_CHECK_PASSED");
    assert_eq!((&passed["level"], &passed["fields"]["warnings"]), (&json!("INFO"), &json!(1)));
    let blocked = find("GOV-POL-001_ACTIVATION_BLOCKED");
    assert_eq!((&blocked["level"], &blocked["fields"]["blocking"]), (&json!("WARN"), &json!(1)));
    assert_eq!(blocked["fields"]["tenant"], "acme");
}
