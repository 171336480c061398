//! `POST /api/v1/violations`, `GET /api/v1/policies/violations`

use axum::body::Body;
use axum::http::{Request, header};
use serde_json::{Value, json};

use crate::support::{Client, on_each_database};

const INGEST: &str = "/api/v1/violations";
const LIST: &str = "/api/v1/policies/violations";

/// The clock of these tests stands at 11:00.
fn seen(id: u32, at: &str) -> Value {
    json!({
        "id": format!("00000000-0000-0000-0000-{id:012}"), "violation_type": "safety", "source": "guard",
        "severity": 0.5, "occurred_at": at
    })
}

fn with(mut violation: Value, more: &Value) -> Value {
    for (key, value) in more.as_object().expect("is an object") {
        violation[key] = value.clone();
    }
    violation
}

fn ids(list: &Value) -> Vec<u64> {
    let items = list["items"].as_array().expect("is a list").iter();
    let number = |item: &Value| item["id"].as_str()?[24..].parse().ok();
    items.map(|item| number(item).expect("is a number")).collect()
}

#[tokio::test]
async fn what_was_handed_in_is_listed() {
    on_each_database("violations-shape", async |client| {
        let empty = client.ok(LIST).await;
        assert_eq!(
            empty,
            json!({
                "items": [], "total": 0, "has_more": false, "next_cursor": null, "limit": 50, "offset": 0,
                "filters_applied": { "tenant_id": "violations-shape", "hours": 24, "include_synthetic": false }
            })
        );
        let whole = with(
            seen(7, "2026-03-02T10:30:00.123456Z"),
            &json!({
                "violation_kind": "ANOMALY", "severity": 0.875, "policy_name": "acme.support.cap",
                "path": "acme/support/mailer", "run_id": "run-7", "description": "too dear",
                "details": { "cost": "12.50 USD", "n": 1.5 }, "is_synthetic": false,
                "synthetic_scenario_id": null
            }),
        );
        let answer = client.post(INGEST, &whole, 201).await;
        assert_eq!(
            answer,
            json!({ "recorded": 1, "duplicates": 0, "ids": ["00000000-0000-0000-0000-000000000007"] })
        );
        let again = client.post(INGEST, &whole, 201).await;
        assert_eq!((&again["recorded"], &again["duplicates"]), (&json!(0), &json!(1)));
        let policy = ordain_ir::PolicyId::of(&"acme.support.cap".into()).to_string();
        let list = client.ok(LIST).await;
        assert_eq!(
            list["items"],
            json!([{
                "id": "00000000-0000-0000-0000-000000000007", "violation_type": "safety",
                "violation_kind": "ANOMALY", "source": "guard", "severity": 0.875, "policy_id": policy,
                "policy_name": "acme.support.cap", "path": "acme/support/mailer", "run_id": "run-7",
                "description": "too dear", "details": { "cost": "12.50 USD", "n": 1.5 },
                "is_synthetic": false, "synthetic_scenario_id": null,
                "occurred_at": "2026-03-02T10:30:00.123456Z", "recorded_at": "2026-03-02T11:00:00Z"
            }])
        );
        assert_eq!(client.ok("/api/v1/policies/state").await["violations_24h"], 1);
        let bare = json!({ "violation_type": "cost", "source": "sim", "severity": 1 });
        let made = client.post(INGEST, &bare, 201).await["ids"][0].clone();
        let list = client.ok(&format!("{LIST}?source=sim&include_synthetic=true")).await;
        let item = &list["items"][0];
        assert_eq!((&item["id"], &item["is_synthetic"]), (&made, &json!(true)), "a simulation's are made up");
        assert_eq!((&item["violation_kind"], &item["description"]), (&json!("STANDARD"), &json!("")));
        assert_eq!(item["occurred_at"], "2026-03-02T11:00:00Z", "now");
        assert_eq!(client.ok(LIST).await["total"], 1, "and not among the real ones");
        assert_eq!(client.other_tenant().ok(&format!("{LIST}?include_synthetic=true")).await["total"], 0);
    })
    .await;
}

async fn one_of_each(client: &Client) {
    let batch = [
        seen(1, "2026-03-02T10:59:00Z"),
        with(seen(2, "2026-03-02T10:58:00Z"), &json!({ "source": "cost", "violation_type": "cost" })),
        with(seen(3, "2026-03-02T10:57:00Z"), &json!({ "source": "sim", "violation_type": "quota" })),
        with(seen(4, "2026-03-02T10:56:00Z"), &json!({ "violation_kind": "ANOMALY", "severity": 0.9 })),
        with(seen(5, "2026-03-02T10:55:00Z"), &json!({ "violation_kind": "DIVERGENCE", "severity": 0.1 })),
        with(seen(6, "2026-03-01T10:59:59Z"), &json!({ "violation_type": "rate" })),
        with(seen(7, "2026-03-01T11:00:00Z"), &json!({ "violation_type": "temporal", "source": "runtime" })),
    ];
    let answer = client.post(INGEST, &json!(batch), 201).await;
    assert_eq!(answer["recorded"], 7);
}

#[tokio::test]
async fn each_filter_keeps_what_it_says() {
    on_each_database("violations-filters", async |client| {
        one_of_each(&client).await;
        for (query, wanted) in [
            ("", &[1, 2, 4, 5, 7][..]),
            ("include_synthetic=true", &[1, 2, 3, 4, 5, 7]),
            ("hours=1", &[1, 2, 4, 5]),
            ("hours=25", &[1, 2, 4, 5, 7, 6]),
            ("hours=720&violation_type=rate", &[6]),
            ("source=cost", &[2]),
            ("source=sim", &[]),
            ("source=sim&include_synthetic=true", &[3]),
            ("source=runtime", &[7]),
            ("violation_kind=ANOMALY", &[4]),
            ("violation_kind=DIVERGENCE", &[5]),
            ("violation_kind=STANDARD&violation_type=safety", &[1]),
            ("severity_min=0.5", &[1, 2, 4, 7]),
            ("severity_min=0.501", &[4]),
            ("severity_min=1", &[]),
            ("severity_min=0&violation_type=safety", &[1, 4, 5]),
            ("violation_type=ethical", &[]),
        ] {
            let list = client.ok(&format!("{LIST}?{query}")).await;
            assert_eq!(ids(&list), wanted, "{query}");
            assert_eq!(list["total"], wanted.len(), "{query}");
        }
        let list = client.ok(&format!("{LIST}?severity_min=0.50&source=guard&violation_type=safety")).await;
        assert_eq!(
            list["filters_applied"],
            json!({
                "tenant_id": "violations-filters", "hours": 24, "include_synthetic": false,
                "severity_min": 0.5, "source": "guard", "violation_type": "safety"
            })
        );
        for bad in [
            "hours=0",
            "hours=721",
            "severity_min=1.1",
            "severity_min=-0.1",
            "severity_min=0.0001",
            "violation_kind=anomaly",
            "violation_type=COST",
            "source=guards",
            "cursor=1",
            "limit=101",
            "cursor=1-0-00000000000000000000000000000007&offset=1",
        ] {
            client.refused(&format!("{LIST}?{bad}"), 422, "invalid_parameter").await;
        }
    })
    .await;
}

#[tokio::test]
async fn pages_add_up() {
    on_each_database("violations-pages", async |client| {
        one_of_each(&client).await;
        let all = ids(&client.ok(&format!("{LIST}?hours=720&include_synthetic=true")).await);
        let (mut by_offset, mut by_cursor, mut cursor) = (vec![], vec![], String::new());
        for page in 0..4 {
            let list = client
                .ok(&format!("{LIST}?hours=720&include_synthetic=true&limit=2&offset={}", 2 * page))
                .await;
            assert_eq!((&list["total"], &list["has_more"]), (&json!(7), &json!(page < 3)));
            by_offset.extend(ids(&list));
            let list = client.ok(&format!("{LIST}?hours=720&include_synthetic=true&limit=2{cursor}")).await;
            assert_eq!((&list["total"], &list["next_cursor"].is_null()), (&json!(7), &(page == 3)));
            by_cursor.extend(ids(&list));
            cursor = format!("&cursor={}", list["next_cursor"].as_str().unwrap_or_default());
        }
        assert_eq!((&by_offset, &by_cursor), (&all, &all));
    })
    .await;
}

#[tokio::test]
async fn bad_bodies_are_explained_and_nothing_is_recorded() {
    on_each_database("violations-bodies", async |client| {
        let good = seen(1, "2026-03-02T10:59:00Z");
        let wrong = |change: Value| with(good.clone(), &change);
        for (body, pointer, said) in [
            (json!({}), "", "missing field `violation_type`"),
            (wrong(json!({ "violation_type": "COST" })), "/violation_type", "unknown variant `COST`"),
            (wrong(json!({ "kind": "x" })), "/kind", "unknown field `kind`"),
            (wrong(json!({ "id": "x" })), "/id", "UUID"),
            (
                wrong(json!({ "severity": 1.001 })),
                "/severity",
                "`severity` is 1.001, which is not a number from 0 to 1",
            ),
            (wrong(json!({ "severity": "1" })), "/severity", "invalid type: string"),
            (wrong(json!({ "path": "" })), "/path", "1 to 500 characters"),
            (wrong(json!({ "run_id": "a\u{0}" })), "/run_id", "no control characters"),
            (wrong(json!({ "description": "a\u{0}" })), "/description", "U+0000"),
            (wrong(json!({ "details": [] })), "/details", "invalid type: sequence"),
            (
                wrong(json!({ "occurred_at": "2026-03-02T11:05:01Z" })),
                "/occurred_at",
                "is the client's clock right?",
            ),
            (
                wrong(json!({ "occurred_at": "1969-12-31T23:59:59Z" })),
                "/occurred_at",
                "not between 1970 and now",
            ),
            (json!([good, { "severity": 2 }]), "/1", "missing field"),
            (json!([good, wrong(json!({ "severity": 2 }))]), "/1/severity", "not a number from 0 to 1"),
            (json!([]), "", "hand in 1 to 1000 at once"),
            (json!("x"), "", "invalid type: string"),
        ] {
            let error = client.post(INGEST, &body, 422).await;
            assert_eq!(error["code"], "invalid_body", "{body}");
            assert_eq!(error["errors"][0]["pointer"], pointer, "{error}");
            assert!(error["errors"][0]["detail"].as_str().unwrap().contains(said), "{error}");
        }
        let many = vec![json!({ "violation_type": "cost", "source": "cost", "severity": 0 }); 1001];
        assert_eq!(client.post(INGEST, &json!(many), 422).await["code"], "invalid_body");
        for (media, body, status, code) in [
            ("text/plain", "{}", 415, "unsupported_media_type"),
            ("application/json", "{", 400, "bad_request"),
            ("application/json", "{} {}", 422, "invalid_body"),
            ("application/json; charset=utf-8", "", 400, "bad_request"),
        ] {
            let request = Request::post(INGEST).header(header::CONTENT_TYPE, media);
            let (found, error) = client.request(request.body(Body::from(body)).unwrap()).await;
            assert_eq!((found.as_u16(), &error["code"]), (status, &json!(code)), "{media} {body}: {error}");
        }
        assert_eq!(client.ok(&format!("{LIST}?hours=720&include_synthetic=true")).await["total"], 0);
    })
    .await;
}
