//! `GET /api/v1/policies/conflicts`

use std::collections::BTreeMap;

use ordain_ir::report::{Certificate, Inequality, Repair, Witness};
use ordain_ir::{
    Certainty, Clause, ConflictSeverity, ConflictType, EnforcementMode, Report, RuleType,
    request::RequestJson,
};
use ordain_store::conformance::fixtures::{audit_example, bundle, conflict, limit, policies, rule};
use serde_json::json;

use crate::support::{Finds, on_each_database};

const CONFLICTS: &str = "/api/v1/policies/conflicts";

#[tokio::test]
async fn an_item_has_the_contracts_fields() {
    on_each_database("conflicts-shape", async |client| {
        let example = audit_example();
        client.load(&example, 0).await.unwrap();
        let list = client.ok(CONFLICTS).await;
        let id = |name: &str| example.policies.rules[&name.into()].id().to_string();
        let (a, b) = (id("safety-baseline"), id("rate-limit-warning"));
        assert_eq!(
            list,
            json!({
                "items": [{
                    "id": example.analysis.conflicts[0].id, "code": "ORD0301",
                    "policy_a_id": a, "policy_b_id": b,
                    "policy_a_name": "safety-baseline", "policy_b_name": "rate-limit-warning",
                    "policies": [
                        { "id": a, "kind": "rule", "name": "safety-baseline", "clauses": [] },
                        { "id": b, "kind": "rule", "name": "rate-limit-warning", "clauses": [] }
                    ],
                    "conflict_type": "SCOPE_OVERLAP", "contradiction": null,
                    "severity": "WARNING", "certainty": "proved", "uncertainty": null,
                    "explanation":
                        "Policy 'safety-baseline' blocks while 'rate-limit-warning' is disabled on same scope",
                    "recommended_action": "Align enforcement modes or narrow scopes",
                    "weakens": null, "witness": null, "certificate": null, "repair": null,
                    "resolved": false, "acknowledgement": null, "acknowledged": null,
                    "detected_at": "2026-03-02T10:00:00Z"
                }],
                "total": 1, "unresolved_count": 0, "has_more": false, "next_cursor": null, "limit": 50, "offset": 0,
                "filters_applied": { "tenant_id": "conflicts-shape", "include_resolved": false }
            })
        );
    })
    .await;
}

#[tokio::test]
async fn evidence_comes_along() {
    on_each_database("conflicts-evidence", async |client| {
        let limits = ["a", "b", "c"].map(|name| limit(name, "RUNS_DAILY", 5));
        let three: Vec<_> = limits.iter().map(ordain_ir::Limit::reference).collect();
        let mut found = conflict(ConflictType::TemporalConflict, ConflictSeverity::Warning, &three);
        found.certainty = Certainty::Suspected;
        found.uncertainty = Some("rests on an opaque fact".to_owned());
        found.weakens = Some(true);
        found.clauses = [(three[2].id, vec![Clause::Active, Clause::DependsOn])].into_iter().collect();
        let request: RequestJson =
            serde_json::from_value(json!({ "path": "acme/support/mailer", "at": "2026-03-02T10:00:00Z" }))
                .unwrap();
        found.witness =
            Some(Witness { request, local_time: "Mon 2026-03-02 11:00 Europe/Berlin".to_owned() });
        found.certificate = Some(Box::new(Certificate {
            period: "the day 2026-03-02 (UTC)".to_owned(),
            variables: BTreeMap::new(),
            inequalities: vec![Inequality {
                because: "ceiling of `a`".to_owned(),
                policy: Some(three[0].id),
                terms: BTreeMap::from([("x".to_owned(), "1".to_owned())]),
                bound: "5".to_owned(),
                factor: "1/2".to_owned(),
            }],
        }));
        found.repair = Some(Box::new(Repair {
            policy: three[0].id,
            description: "raise `a` to 6".to_owned(),
            clause: "at most 6".to_owned(),
            verified: false,
        }));
        client.load(&bundle(policies([], limits), vec![], vec![found]), 0).await.unwrap();
        let item = client.ok(CONFLICTS).await["items"][0].take();
        assert_eq!(item["policies"].as_array().unwrap().len(), 3);
        assert_eq!((&item["policy_a_name"], &item["policy_b_name"]), (&json!("a"), &json!("b")));
        assert_eq!(item["policies"][2]["clauses"], json!(["active", "depends on"]));
        assert_eq!((&item["certainty"], &item["weakens"]), (&json!("suspected"), &json!(true)));
        assert_eq!(item["uncertainty"], "rests on an opaque fact");
        assert_eq!(item["witness"]["request"]["path"], "acme/support/mailer");
        assert_eq!(item["witness"]["local_time"], "Mon 2026-03-02 11:00 Europe/Berlin");
        assert_eq!(item["certificate"]["inequalities"][0]["factor"], "1/2");
        assert_eq!(item["repair"]["description"], "raise `a` to 6");
    })
    .await;
}

#[tokio::test]
async fn filters_by_severity_and_resolution() {
    on_each_database("conflicts-filters", async |client| {
        let rules = ["a", "b", "c"].map(|name| rule(name, RuleType::Safety, EnforcementMode::Warn));
        let [a, b, c] = [&rules[0], &rules[1], &rules[2]].map(ordain_ir::Rule::reference);
        let open = conflict(ConflictType::ScopeOverlap, ConflictSeverity::Warning, &[a.clone(), b]);
        let mut done = conflict(ConflictType::ScopeOverlap, ConflictSeverity::Warning, &[a, c]);
        done.resolved = true;
        let all = bundle(policies(rules, []), vec![], vec![open, done]);
        client.load(&all, 0).await.unwrap();
        for (query, total) in [
            ("", 1),
            ("?include_resolved=false", 1),
            ("?include_resolved=true", 2),
            ("?severity=WARNING", 1),
            ("?severity=WARNING&include_resolved=true", 2),
            ("?severity=BLOCKING&include_resolved=true", 0),
        ] {
            let list = client.ok(&format!("{CONFLICTS}{query}")).await;
            assert_eq!((&list["total"], &list["unresolved_count"]), (&json!(total), &json!(0)), "{query}");
        }
        let page = client.ok(&format!("{CONFLICTS}?include_resolved=true&limit=1")).await;
        assert_eq!((&page["has_more"], &page["total"]), (&json!(true), &json!(2)));
        assert_eq!(
            page["filters_applied"],
            json!({ "tenant_id": "conflicts-filters", "include_resolved": true })
        );
        let error = client.refused(&format!("{CONFLICTS}?severity=blocking"), 422, "invalid_parameter").await;
        assert_eq!(error["errors"][0]["allowed"], json!(["WARNING", "BLOCKING"]));
        client.refused(&format!("{CONFLICTS}?include_resolved=1"), 422, "invalid_parameter").await;
        // A conflict keeps its first instant while it lasts, and goes when nobody finds it any more.
        client.load(&all, 60).await.unwrap();
        assert_eq!(client.ok(CONFLICTS).await["items"][0]["detected_at"], "2026-03-02T10:00:00Z");
        client.load_judged(all.to_bytes().0, Finds(Ok(Report::default())), 61).await.unwrap();
        assert_eq!(client.ok(CONFLICTS).await["total"], 0);
    })
    .await;
}
