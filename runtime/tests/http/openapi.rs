//! The document and the routes agree.

use ordain_ir::{EnforcementMode, RuleType};
use ordain_store::conformance::fixtures::{bundle, limit, policies, rule};
use serde_json::{Value, json};

use crate::support::on_each_database;

#[test]
fn the_committed_document_is_the_servers() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/openapi.json");
    let document = ordain_runtime::openapi();
    if std::env::var_os("ORDAIN_BLESS").is_some() {
        std::fs::write(file, &document).unwrap();
    }
    assert!(
        std::fs::read_to_string(file).unwrap() == document,
        "docs/openapi.json is not what the server says; if the change is meant, renew it with \
         `ORDAIN_BLESS=1 cargo test -p ordain-runtime --test http openapi`"
    );
}

#[tokio::test]
async fn every_documented_route_takes_exactly_its_documented_parameters() {
    on_each_database("openapi-routes", async |client| {
        let rule = rule("r", RuleType::Safety, EnforcementMode::Block);
        let limit = limit("l", "RUNS_DAILY", 1);
        let (rule_id, limit_id) = (rule.id().to_string(), limit.id().to_string());
        client.load(&bundle(policies([rule], [limit]), vec![], vec![]), 0).await.unwrap();
        let draft = json!({ "title": "t", "text": "acme.t" });
        let proposal = client.post("/api/v1/policy-proposals", &draft, 201).await;
        let proposal_id = proposal["id"].as_str().unwrap().to_owned();
        client.post("/api/v1/incidents", &json!({ "severity": "LOW", "title": "t" }), 201).await;
        let lesson_id = client.ok("/api/v1/lessons").await["items"][0]["id"].as_str().unwrap().to_owned();
        let document = client.ok("/openapi.json").await;
        assert_eq!(document, serde_json::from_str::<Value>(&ordain_runtime::openapi()).unwrap());
        let paths = document["paths"].as_object().unwrap();
        for (path, operations) in paths.iter().filter(|(_, operations)| operations.get("get").is_some()) {
            let path = path
                .replace("{rule_id}", &rule_id)
                .replace("{limit_id}", &limit_id)
                .replace("{proposal_id}", &proposal_id)
                .replace("{lesson_id}", &lesson_id)
                .replace("{panel_id}", "POL-GOV-ACT-O1");
            let operation = &operations["get"];
            client.ok(&path).await;
            let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
            let query: Vec<_> = parameters.iter().filter(|parameter| parameter["in"] == "query").collect();
            for parameter in &query {
                let (name, schema) = (parameter["name"].as_str().unwrap(), &parameter["schema"]);
                for word in schema["enum"].as_array().into_iter().flatten() {
                    client.ok(&format!("{path}?{name}={}", word.as_str().unwrap())).await;
                }
                let (status, _) = client.get(&format!("{path}?{name}=!")).await;
                assert_eq!(status.as_u16(), 422, "{path} reads {name}");
                for bound in ["minimum", "maximum"].iter().filter_map(|bound| schema[bound].as_i64()) {
                    client.ok(&format!("{path}?{name}={bound}")).await;
                }
            }
            if operation["tags"] != json!(["operations"]) {
                let error = client.refused(&format!("{path}?surely-not=1"), 400, "unknown_parameter").await;
                let documented: Vec<_> = query.iter().map(|parameter| parameter["name"].clone()).collect();
                let allowed = error["errors"][0]["allowed"].clone();
                assert_eq!(allowed.as_array().cloned().unwrap_or_default(), documented, "{path}");
                let codes: Vec<_> = operation["responses"].as_object().unwrap().keys().cloned().collect();
                for status in ["200", "400", "422", "500", "503", "504"] {
                    assert!(codes.iter().any(|code| code == status), "{path} documents {status}");
                }
            }
        }
    })
    .await;
}

/// Fields that an answer has are those that its schema has.
#[tokio::test]
async fn answers_have_the_documented_fields() {
    on_each_database("openapi-fields", async |client| {
        let mut example = ordain_store::conformance::fixtures::audit_example();
        let budget = limit("budget", "COST_MONTHLY", 1);
        example.policies.limits.insert(budget.name.clone(), budget.into());
        client.load(&example, 0).await.unwrap();
        let seen = json!({ "violation_type": "safety", "source": "guard", "severity": 1 });
        client.post("/api/v1/violations", &seen, 201).await;
        let incident =
            client.post("/api/v1/incidents", &json!({ "severity": "LOW", "title": "t" }), 201).await;
        let draft = json!({ "title": "t", "text": "acme.t" });
        client.post("/api/v1/policy-proposals", &draft, 201).await;
        let document = client.ok("/openapi.json").await;
        let fields = |schema: &str| -> Vec<String> {
            let properties = &document["components"]["schemas"][schema]["properties"];
            let mut names: Vec<_> = properties.as_object().unwrap().keys().cloned().collect();
            names.sort();
            names
        };
        let keys = |value: &Value| -> Vec<String> {
            let mut names: Vec<_> = value.as_object().unwrap().keys().cloned().collect();
            names.sort();
            names
        };
        for (path, schema, item) in [
            ("policy-proposals", "ProposalList", "ProposalSummary"),
            ("policy-proposals/versions", "VersionList", "VersionView"),
            ("audit-log", "AuditList", "AuditItem"),
            ("bundles", "BundleList", "BundleView"),
            ("lessons", "LessonList", "LessonItem"),
            ("panels", "PanelRegistry", "PanelItem"),
            ("panels/health", "PanelHealthList", "PanelHealthItem"),
            ("capabilities", "CapabilityRegistry", "CapabilityItem"),
        ] {
            let answer = client.ok(&format!("/api/v1/{path}")).await;
            assert_eq!(keys(&answer), fields(schema), "{path}");
            assert_eq!(keys(&answer["items"][0]), fields(item), "{path}");
        }
        for (path, schema, item, pointer) in [
            ("rules", "RuleList", "RuleSummary", "/items/0"),
            ("limits", "LimitList", "LimitSummary", "/items/0"),
            ("budgets", "LimitList", "LimitSummary", "/items/0"),
            ("violations", "ViolationList", "ViolationItem", "/items/0"),
            ("conflicts", "ConflictList", "ConflictItem", "/items/0"),
            ("dependencies", "DependencyGraphView", "DependencyNode", "/nodes/0"),
            ("dependencies", "DependencyGraphView", "DependencyEdgeView", "/edges/0"),
        ] {
            let answer = client.ok(&format!("/api/v1/policies/{path}")).await;
            assert_eq!(keys(&answer), fields(schema), "{path}");
            assert_eq!(keys(answer.pointer(pointer).unwrap()), fields(item), "{path}{pointer}");
        }
        assert_eq!(keys(&incident), fields("IngestedView"));
        assert_eq!(keys(&client.ok("/policy-layer/lessons/stats").await), fields("LessonStats"));
        let asked = json!({ "path": "acme/p/a", "usage": { "cost": { "USD": "5" } }, "reserve": true });
        let answer = client.post("/api/v1/decisions", &asked, 200).await;
        let mut documented = fields("DecisionView");
        documented.retain(|field| !["unmeasured", "faults"].contains(&field.as_str()));
        assert_eq!(keys(&answer), documented);
        let parts =
            [("rules", "RuleFindingView"), ("limits", "LimitFindingView"), ("events", "LimitEventView")];
        for (part, schema) in parts {
            let (found, documented) = (keys(&answer[part][0]), fields(schema));
            assert!(found.iter().all(|field| documented.contains(field)), "{part}: {found:?}");
        }
        let release = format!("/api/v1/decisions/{}/release", answer["id"].as_str().unwrap());
        assert_eq!(
            client.post(&release, &json!({}), 404).await["code"],
            "decision_not_found",
            "it was stopped"
        );
        assert_eq!(keys(&client.ok("/api/v1/policies/state").await), fields("PolicyState"));
        assert_eq!(keys(&client.ok("/api/v1/policies/metrics").await), fields("PolicyMetrics"));
        let error = client.refused("/api/v1/policies/rules?status=x", 422, "invalid_parameter").await;
        let mut documented = fields("Problem");
        documented.retain(|field| !["conflicts", "dependents"].contains(&field.as_str()));
        assert_eq!(keys(&error), documented);
    })
    .await;
}
