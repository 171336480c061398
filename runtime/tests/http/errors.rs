//! What is wrong with a request is said in one shape.

use axum::body::Body;
use axum::http::{Method, Request};
use ordain_runtime::ErrorCode;
use ordain_store::conformance::fixtures::audit_example;
use serde_json::json;

use crate::support::{on_each_database, request};

#[tokio::test]
async fn unknown_parameters_are_named_with_those_that_exist() {
    on_each_database("errors-unknown", async |client| {
        let error = client
            .refused("/api/v1/policies/rules?severity=BLOCKING&stauts=ACTIVE", 400, "unknown_parameter")
            .await;
        assert_eq!(
            error["errors"][1]["detail"],
            "`stauts` is no parameter of this route, which takes status, enforcement_mode, scope, source, \
             rule_type, created_after, created_before, cursor, limit, offset"
        );
        assert_eq!((&error["errors"][0]["parameter"], &error["status"]), (&json!("severity"), &json!(400)));
        let takes = |error: &serde_json::Value| error["errors"][0]["allowed"].clone();
        let error = client.refused("/api/v1/policies/limits?x", 400, "unknown_parameter").await;
        assert_eq!(takes(&error).as_array().unwrap().len(), 10);
        let error = client.refused("/api/v1/policies/conflicts?x", 400, "unknown_parameter").await;
        assert_eq!(takes(&error), json!(["severity", "include_resolved", "cursor", "limit", "offset"]));
        for none in ["dependencies", "state"] {
            let error =
                client.refused(&format!("/api/v1/policies/{none}?x=1"), 400, "unknown_parameter").await;
            assert_eq!(error["detail"], "`x` is no parameter of this route, which takes no parameter");
        }
    })
    .await;
}

#[tokio::test]
async fn wrong_values_are_named_with_those_that_exist() {
    on_each_database("errors-values", async |client| {
        let error = client.refused("/api/v1/policies/rules?status=DISABLED", 422, "invalid_parameter").await;
        assert_eq!(error["detail"], "`status` is `DISABLED`, which is not one of ACTIVE, RETIRED");
        assert_eq!(error["errors"][0]["allowed"], json!(["ACTIVE", "RETIRED"]));
        assert_eq!(error["title"], "a query parameter has a value that it does not take");
        assert!(error["type"].as_str().unwrap().ends_with("/docs/src/http.md#invalid_parameter"));
        let all = "/api/v1/policies/rules?status=a&enforcement_mode=block&scope=PROVIDER&source=b&rule_type=c&limit=0";
        let error = client.refused(all, 422, "invalid_parameter").await;
        let named: Vec<_> = error["errors"].as_array().unwrap().iter().map(|e| e["parameter"].clone()).collect();
        assert_eq!(json!(named), json!(["status", "enforcement_mode", "scope", "source", "rule_type", "limit"]));
        let all = "/api/v1/policies/limits?category=a&status=RETIRED&scope=b&enforcement=AUDIT";
        let error = client.refused(all, 422, "invalid_parameter").await;
        assert_eq!(error["errors"].as_array().unwrap().len(), 4);
        for bad in ["limit=0", "limit=101", "limit=-1", "limit=%2B5", "limit=1.0", "limit=", "limit=x",
                    "limit=99999999999999999999", "offset=-1", "offset=9223372036854775808", "offset=x"] {
            client.refused(&format!("/api/v1/policies/rules?{bad}"), 422, "invalid_parameter").await;
            client.refused(&format!("/api/v1/policies/conflicts?{bad}"), 422, "invalid_parameter").await;
        }
        let error = client.refused("/api/v1/policies/rules?limit=101", 422, "invalid_parameter").await;
        assert_eq!(error["detail"], "`limit` is `101`, which is not a whole number from 1 to 100");
        let error = client.refused("/api/v1/policies/rules?limit=1&limit=2", 400, "duplicate_parameter").await;
        assert_eq!(error["detail"], "`limit` stands more than once; give it one value");
        client.refused("/api/v1/policies/rules?status=%FF%00", 422, "invalid_parameter").await;
    })
    .await;
}

#[tokio::test]
async fn routes_and_methods_that_are_not_there() {
    on_each_database("errors-routes", async |client| {
        client.load(&audit_example(), 0).await.unwrap();
        for path in [
            "/",
            "/api/v1/policies",
            "/api/v1/policies/rules/",
            "/api/v2/policies/rules",
            "/x/../healthz",
            "/%FF",
        ] {
            client.refused(path, 404, "route_not_found").await;
        }
        for method in [Method::POST, Method::PUT, Method::DELETE, Method::PATCH, Method::OPTIONS] {
            for path in ["/api/v1/policies/rules", "/api/v1/policies/state", "/healthz", "/openapi.json"] {
                let (status, error) = client.request(request(method.clone(), path)).await;
                assert_eq!(
                    (status.as_u16(), &error["code"]),
                    (405, &json!("method_not_allowed")),
                    "{method} {path}"
                );
            }
        }
        let large = Request::post("/api/v1/violations").header("content-type", "application/json");
        let (status, error) = client.request(large.body(Body::from(vec![b' '; 2_000_000])).unwrap()).await;
        assert_eq!((status.as_u16(), &error["code"]), (413, &json!("payload_too_large")));
        let bad_path = format!("/api/v1/policies/rules/{}", "%FF");
        let (status, _) = client.get(&bad_path).await;
        assert!(status.is_client_error(), "{status}");
    })
    .await;
}

#[test]
fn every_code_is_documented() {
    let page = include_str!("../../../docs/src/http.md");
    for code in ErrorCode::ALL {
        let row = format!("| <a id=\"{0}\"></a>`{0}` | {1} |", code.as_str(), code.status().as_u16());
        assert!(page.contains(&row), "docs/src/http.md lacks the row `{row}`");
    }
}

/// By the order of fields nobody means anything.
#[tokio::test]
async fn lists_are_no_objects() {
    on_each_database("errors-lists", async |client| {
        let violation = json!([null, "cost", "STANDARD", "cost", 0.5]);
        for (path, body, pointer) in [
            ("/api/v1/violations", json!([violation]), "/0"),
            (
                "/api/v1/runs",
                json!({ "run_id": "r", "status": "failed", "usage": [["m", 1, 2]] }),
                "/usage/0",
            ),
            ("/api/v1/policy-proposals", json!(["t", "acme.t"]), ""),
            ("/api/v1/decisions", json!([["acme/p/a"]]), "/0"),
        ] {
            let (status, error) = client.send(Method::POST, path, &body).await;
            assert_eq!((status.as_u16(), &error["code"]), (422, &json!("invalid_body")), "{path}: {error}");
            assert_eq!(error["errors"][0]["pointer"], pointer, "{path}: {error}");
            let detail = error["errors"][0]["detail"].as_str().unwrap();
            assert_eq!(detail, "invalid type: sequence, expected an object", "{path}");
        }
    })
    .await;
}
