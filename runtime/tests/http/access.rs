//! Who gets in. The routes and their roles come from the document, so that no route can be forgotten.

use axum::body::Body;
use axum::http::{Method, Request, header};
use ordain_ir::{ConflictSeverity, ConflictType, DependencyType, EnforcementMode, RuleType};
use ordain_runtime::{Role, TenantId};
use ordain_store::conformance::fixtures::{bundle, conflict, edge, limit, policies, rule};
use serde_json::{Value, json};

use crate::support::{Client, on_each_database};

/// Stands in everything that the first tenant has, and must stand in nothing that another gets.
const MARK: &str = "sentinel";

/// One operation of the document, with a body that it can read.
struct Operation {
    method: Method,
    path: String,
    roles: Option<Vec<String>>,
    body: Value,
}

/// A small value of a schema: what is required, and what says about which version.
fn sample(document: &Value, schema: &Value) -> Value {
    if let Some(name) = schema["$ref"].as_str().and_then(|name| name.strip_prefix("#/")) {
        return sample(document, document.pointer(&format!("/{name}")).expect("is in the document"));
    }
    if let Some(one) = schema["oneOf"].get(0) {
        return sample(document, one);
    }
    if let Some(word) = schema["enum"].get(0) {
        return word.clone();
    }
    let kind = schema["type"].as_str().or_else(|| schema["type"].get(0)?.as_str()).unwrap_or_default();
    match kind {
        "object" => {
            let required = |name: &str| {
                let listed =
                    schema["required"].as_array().is_some_and(|all| all.iter().any(|one| one == name));
                listed || ["version", "reason"].contains(&name)
            };
            let properties = schema["properties"].as_object().cloned().unwrap_or_default();
            let kept = properties.into_iter().filter(|(name, _)| required(name));
            kept.map(|(name, schema)| (name, sample(document, &schema))).collect()
        }
        "string" if schema["format"] == "date-time" => "2100-01-01T00:00:00Z".into(),
        "string" => "x".into(),
        "integer" | "number" => 1.into(),
        "array" => json!([]),
        _ => Value::Null,
    }
}

fn operations() -> Vec<Operation> {
    let document: Value = serde_json::from_str(&ordain_runtime::openapi()).expect("is JSON");
    let mut found = vec![];
    for (path, methods) in document["paths"].as_object().expect("has paths") {
        for (method, operation) in methods.as_object().expect("has methods") {
            let roles = operation["security"][0]["api_key"].as_array();
            let words = |roles: &Vec<Value>| {
                roles.iter().map(|role| role.as_str().expect("is a role").to_owned()).collect()
            };
            let method = method.to_uppercase().parse().expect("is a method");
            let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
            let body = sample(&document, schema);
            found.push(Operation { method, path: path.clone(), roles: roles.map(words), body });
        }
    }
    assert!(found.len() > 10);
    found
}

/// What the first tenant has, by the names of the parameters of paths.
struct Seeded {
    ids: Vec<(&'static str, String)>,
}

async fn seeded(client: &Client) -> Seeded {
    let rule = rule(&format!("{MARK}.rule"), RuleType::Safety, EnforcementMode::Block);
    let limit = limit(&format!("{MARK}.limit"), "COST_MONTHLY", 1);
    let pair = [rule.reference(), limit.reference()];
    let found = conflict(ConflictType::ScopeOverlap, ConflictSeverity::Warning, &pair);
    let mut ids = vec![
        ("rule_id", rule.id().to_string()),
        ("limit_id", limit.id().to_string()),
        ("conflict_id", found.id.clone()),
        ("panel_id", "POL-LIM-VIO-O1".to_owned()),
    ];
    let edges = vec![edge(pair[1].clone(), pair[0].clone(), DependencyType::Explicit)];
    let record = client.load(&bundle(policies([rule], [limit]), edges, vec![found]), 0).await.expect("loads");
    ids.push(("digest", record.digest));
    let draft = json!({ "title": MARK, "text": format!("{MARK}.new") });
    let proposal = client.post("/api/v1/policy-proposals", &draft, 201).await;
    ids.push(("proposal_id", proposal["id"].as_str().expect("has an id").to_owned()));
    let asked = json!({ "path": format!("{MARK}/p/a"), "reserve": true });
    let decision = client.post("/api/v1/decisions", &asked, 200).await;
    ids.push(("decision_id", decision["id"].as_str().expect("has an id").to_owned()));
    let violation = json!({
        "violation_type": "safety", "source": "guard", "severity": 1, "policy_name": format!("{MARK}.rule")
    });
    client.post("/api/v1/violations", &violation, 201).await;
    let incident = json!({ "severity": "HIGH", "title": MARK });
    client.post("/api/v1/incidents", &incident, 201).await;
    let lessons = client.ok("/api/v1/lessons").await;
    ids.push(("lesson_id", lessons["items"][0]["id"].as_str().expect("has an id").to_owned()));
    Seeded { ids }
}

impl Seeded {
    fn request(&self, operation: &Operation) -> Request<Body> {
        let mut path = operation.path.clone();
        for (name, id) in &self.ids {
            path = path.replace(&format!("{{{name}}}"), id);
        }
        assert!(!path.contains('{'), "`{path}`: seed something that the parameter names");
        let request = Request::builder().method(operation.method.clone()).uri(path);
        request
            .header(header::CONTENT_TYPE, "application/json")
            .body(operation.body.to_string().into())
            .expect("is a request")
    }
}

#[tokio::test]
async fn every_route_asks_for_a_key_and_a_role() {
    on_each_database("access-roles", async |client| {
        let seeded = seeded(&client).await;
        let nobody = client.without_key();
        let garbage = client.presenting("ordain_0000000000000000_0000");
        let mut open = vec![];
        for operation in operations() {
            let shown = format!("{} {}", operation.method, operation.path);
            let Some(roles) = &operation.roles else {
                open.push(operation.path);
                continue;
            };
            for client in [&nobody, &garbage] {
                let (status, error) = client.request(seeded.request(&operation)).await;
                assert_eq!((status.as_u16(), &error["code"]), (401, &json!("unauthenticated")), "{shown}");
            }
            for role in Role::ALL {
                let one = client.with_key(&client.tenant, "ada", &[*role]).await;
                let (status, answer) = one.request(seeded.request(&operation)).await;
                if roles.iter().any(|wanted| wanted == role.as_str()) {
                    assert!(![401, 403].contains(&status.as_u16()), "{shown} as {role}: {answer}");
                } else {
                    assert_eq!(
                        (status.as_u16(), &answer["code"]),
                        (403, &json!("forbidden")),
                        "{shown} as {role}"
                    );
                }
            }
        }
        assert_eq!(open, ["/healthz", "/openapi.json", "/readyz"], "the routes for everybody");
        for path in open {
            nobody.ok(&path).await;
        }
    })
    .await;
}

#[tokio::test]
async fn every_route_keeps_tenants_apart() {
    on_each_database("access-tenants", async |client| {
        let seeded = seeded(&client).await;
        let other = TenantId::new(&format!("{}-other", client.tenant)).unwrap();
        let mine = client.with_key(&client.tenant, "ada", Role::ALL).await;
        let theirs = client.with_key(&other, "eve", Role::ALL).await;
        let mut seen = 0;
        for operation in operations() {
            let shown = format!("{} {}", operation.method, operation.path);
            let (status, answer) = theirs.request(seeded.request(&operation)).await;
            assert!(!answer.to_string().contains(MARK), "{shown}: {answer}");
            // The panels are everybody's; what they show isn't.
            if operation.roles.is_some()
                && operation.path.contains('{')
                && !operation.path.contains("{panel_id}")
            {
                assert_eq!(status.as_u16(), 404, "{shown} has nothing of this identity: {answer}");
            }
            if operation.method == Method::GET && operation.path.starts_with("/api/") {
                let (_, answer) = mine.request(seeded.request(&operation)).await;
                seen += usize::from(answer.to_string().contains(MARK));
            }
        }
        assert!(seen >= 20, "the mark is seen where it may be: {seen}");
    })
    .await;
}

#[tokio::test]
async fn credentials_of_other_kinds_are_refused() {
    on_each_database("access-headers", async |client| {
        let nobody = client.without_key();
        let error = nobody.refused("/api/v1/policies/rules", 401, "unauthenticated").await;
        assert!(error["detail"].as_str().unwrap().contains("`ordain apikey create`"), "{error}");
        for header in ["Basic YTpi", "Bearer", "Bearer ", "", "ordain_x", "Bearer \u{80}"] {
            let request = Request::get("/api/v1/policies/rules").header(header::AUTHORIZATION, header);
            let (status, error) = nobody.request(request.body(Body::empty()).unwrap()).await;
            assert_eq!((status.as_u16(), &error["code"]), (401, &json!("unauthenticated")), "{header:?}");
        }
        // Whether one may comes before what one asks.
        nobody.refused("/api/v1/policies/rules?nonsense=1", 401, "unauthenticated").await;
        let ingest = client.with_key(&client.tenant, "worker", &[Role::Ingest]).await;
        let error = ingest.refused("/api/v1/policies/rules?nonsense=1", 403, "forbidden").await;
        assert_eq!(error["detail"], "this takes the role `viewer`; the credential has `ingest`");
        nobody.refused("/no/such/route", 404, "route_not_found").await;
    })
    .await;
}
