//! Taking bundles in: GOV-POL-001, and the last good one stays.

use ordain_ir::{
    Bundle, ConflictSeverity, ConflictType, DependencyGraph, Policies, PolicyName, PolicyRef, Report, Source,
};
use ordain_runtime::{CompileError, Compiled, Gate, GateError, LoadError};
use ordain_store::conformance::fixtures::{audit_example, bundle, conflict, limit, policies};
use serde_json::json;

use crate::support::{Client, Finds, on_each_database};

/// Two limits, with the BLOCKING conflict between them.
fn contradictory() -> Bundle {
    let limits = ["floor", "cap"].map(|name| limit(name, "RUNS_DAILY", 5));
    let pair = [limits[0].reference(), limits[1].reference()];
    let blocking = conflict(ConflictType::ThresholdContradiction, ConflictSeverity::Blocking, &pair);
    bundle(policies([], limits), vec![], vec![blocking])
}

/// A gate with a bug.
struct Panics;

impl Gate for Panics {
    fn check(&self, _: &Bundle) -> Result<Report, GateError> {
        panic!("on purpose")
    }

    fn evidence(&self, _: &Bundle) -> Result<(), String> {
        Ok(())
    }

    fn compile(&self, _: Option<&Bundle>, _: &str, _: Source) -> Result<Compiled, CompileError> {
        panic!("on purpose")
    }

    fn dependencies(&self, _: &Policies) -> DependencyGraph {
        panic!("on purpose")
    }

    fn dependents(&self, _: &DependencyGraph, _: &PolicyName) -> Vec<PolicyRef> {
        panic!("on purpose")
    }
}

async fn assert_still_good(client: &Client, digest: &str) {
    let ready = client.ok("/readyz").await;
    assert_eq!(ready, json!({ "status": "ready", "bundle": digest }));
    assert_eq!(client.ok("/api/v1/policies/rules").await["total"], 3);
    assert_eq!(client.ok("/api/v1/policies/limits").await["total"], 0);
    assert_eq!(client.ok("/api/v1/policies/state").await["last_updated"], "2026-03-02T10:00:00Z");
}

#[tokio::test]
async fn whatever_is_refused_leaves_the_last_good_one() {
    on_each_database("load-refused", async |client| {
        client.refused("/readyz", 503, "not_ready").await;
        let good = client.load(&audit_example(), 0).await.unwrap();
        assert_still_good(&client, &good.digest).await;

        let error = client.load(&contradictory(), 1).await.unwrap_err();
        let LoadError::Blocked(blocked) = &error else { panic!("{error}") };
        assert_eq!(blocked.conflicts, contradictory().analysis.conflicts);
        assert_eq!(
            error.to_string(),
            "cannot activate: 1 BLOCKING conflict (GOV-POL-001)\n  \
             ORD0302 THRESHOLD_CONTRADICTION: 'floor' and 'cap' contradict each other\n    Change one of them"
        );
        assert_still_good(&client, &good.digest).await;

        // The report that a bundle carries is for readers: its silence opens no gate, its alarm shuts none.
        let mut silent = contradictory();
        silent.analysis = Report::default();
        let gate = Finds(Ok(contradictory().analysis));
        let error = client.load_judged(silent.to_bytes().0, gate, 2).await.unwrap_err();
        assert!(matches!(error, LoadError::Blocked(_)), "{error}");
        assert_still_good(&client, &good.digest).await;

        let (mut bytes, _) = audit_example().to_bytes();
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        let error = client.load_judged(bytes, Finds(Ok(Report::default())), 3).await.unwrap_err();
        assert!(matches!(error, LoadError::Unreadable(_)), "{error}");

        let mut torn = audit_example();
        torn.policies.rules.remove(&"ethical-ai".into());
        let error = client.load(&torn, 4).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "the bundle contradicts itself: a dependency names `ethical-ai`, which is not in the bundle; build it anew"
        );

        let failed = Finds(Err(GateError("the solver is not there".to_owned())));
        let error = client.load_judged(audit_example().to_bytes().0, failed, 5).await.unwrap_err();
        assert_eq!(error.to_string(), "the bundle's policies could not be analysed: the solver is not there");
        let error = client.load_judged(audit_example().to_bytes().0, Panics, 6).await.unwrap_err();
        assert!(error.to_string().contains("a bug of ours"), "{error}");

        let stranger = Finds(Ok(contradictory().analysis));
        let error = client.load_judged(audit_example().to_bytes().0, stranger, 7).await.unwrap_err();
        assert!(error.to_string().contains("names policies that are not there"), "{error}");
        assert_still_good(&client, &good.digest).await;
    })
    .await;
}

#[tokio::test]
async fn an_alarm_that_nobody_confirms_is_no_alarm() {
    on_each_database("load-alarm", async |client| {
        let record =
            client.load_judged(contradictory().to_bytes().0, Finds(Ok(Report::default())), 0).await.unwrap();
        assert_eq!(record.digest, contradictory().to_bytes().1);
        assert_eq!(client.ok("/api/v1/policies/conflicts").await["total"], 0);
    })
    .await;
}

#[tokio::test]
async fn a_conflict_reported_twice_is_one() {
    on_each_database("load-twice", async |client| {
        let mut twice = audit_example();
        let again = twice.analysis.conflicts[0].clone();
        twice.analysis.conflicts.push(again);
        client.load(&twice, 0).await.unwrap();
        assert_eq!(client.ok("/api/v1/policies/conflicts").await["total"], 1);
    })
    .await;
}
