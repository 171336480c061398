//! What is handed in, and what it teaches.

use std::sync::Arc;

use ordain_runtime::{PrincipalKind, Role};
use ordain_store::ManualClock;
use ordain_store::conformance::fixtures::at;
use serde_json::{Value, json};

use super::{INCIDENTS, LESSONS, RUNS, broken, titles, with};
use crate::support::{Client, on_each_database};

#[tokio::test]
async fn an_incident_becomes_a_lesson() {
    on_each_database("lessons-incident", async |client| {
        let empty = client.ok(LESSONS).await;
        assert_eq!(
            empty,
            json!({
                "items": [], "total": 0, "has_more": false, "next_cursor": null, "limit": 50, "offset": 0,
                "filters_applied": { "tenant_id": "lessons-incident", "include_synthetic": false }
            })
        );
        let id = "00000000-0000-0000-0000-000000000007";
        let whole = json!({
            "id": id, "severity": "CRITICAL", "title": "mails went to the wrong people", "error_code": "E42",
            "error_message": "no such \"list\"\n}", "run_id": "run-7", "path": "acme/support/mailer",
            "policy_name": "acme.support.no-mail", "details": { "n": 1.5 }, "occurred_at": "2026-03-02T10:30:00.123456Z"
        });
        let answer = client.post(INCIDENTS, &whole, 201).await;
        assert_eq!(answer, json!({ "recorded": 1, "duplicates": 0, "lessons": 1, "ids": [id] }));
        let again = client.post(INCIDENTS, &with(whole.clone(), &json!({ "severity": "LOW" })), 201).await;
        assert_eq!(again, json!({ "recorded": 0, "duplicates": 1, "lessons": 0, "ids": [id] }));
        let list = client.ok(LESSONS).await;
        let item = &list["items"][0];
        let wanted = json!({
            "id": item["id"], "lesson_type": "failure", "severity": "CRITICAL", "source_event_id": id,
            "source_event_type": "incident", "source_run_id": "run-7", "title": "mails went to the wrong people",
            "description": "mails went to the wrong people. It was a run of `acme/support/mailer`. It is about \
                            `acme.support.no-mail`. The error was E42: no such \"list\"\n}",
            "proposed_action": "Record or warn about what `acme/support/mailer` does, with a rule of its own.",
            "detected_pattern": {
                "path": "acme/support/mailer", "error_code": "E42", "policy_name": "acme.support.no-mail",
                "severity": "CRITICAL"
            },
            "status": "pending", "draft_proposal_id": null, "created_at": "2026-03-02T11:00:00Z",
            "converted_at": null, "deferred_until": null, "dismissed_at": null, "dismissed_by": null,
            "dismissed_reason": null, "is_synthetic": false, "synthetic_scenario_id": null
        });
        assert_eq!((item, &list["total"]), (&wanted, &json!(1)));
        let event = with(whole, &json!({ "recorded_at": "2026-03-02T11:00:00Z" }));
        for address in ["/api/v1/lessons", "/policy-layer/lessons", "/api/v1/policies/lessons"] {
            let path = format!("{address}/{}", item["id"].as_str().unwrap());
            assert_eq!(client.ok(&path).await, with(wanted.clone(), &json!({ "source_event": event })), "{path}");
            assert_eq!(client.ok(address).await["items"], json!([wanted]), "{address}");
            client.refused(&format!("{address}/{id}"), 404, "lesson_not_found").await;
            client.refused(&format!("{address}/x"), 422, "invalid_id").await;
        }
        assert_eq!(client.other_tenant().ok(LESSONS).await["total"], 0);
        assert_eq!(client.ok("/api/v1/policies/state").await["lessons_pending_action"], 1);
    })
    .await;
}

#[tokio::test]
async fn lessons_are_filtered_and_counted() {
    on_each_database("lessons-filters", async |client| {
        for severity in ["CRITICAL", "HIGH", "MEDIUM", "LOW"] {
            client.post(INCIDENTS, &json!({ "severity": severity, "title": severity }), 201).await;
        }
        let made_up = json!({
            "severity": "LOW", "title": "made up", "is_synthetic": true, "synthetic_scenario_id": "s-1"
        });
        client.post(INCIDENTS, &made_up, 201).await;
        let runs = json!([
            { "run_id": "a", "status": "failed", "error_code": "E1" },
            { "run_id": "b", "status": "failed", "severity": "LOW" },
            { "run_id": "c", "status": "succeeded", "duration_ms": 10,
              "usage": [{ "metric": "acme.cap", "used": 1, "limit": "100" }] },
            { "run_id": "d", "status": "succeeded", "usage": [{ "metric": "acme.cap", "used": "9.5", "limit": 10 }] },
            { "run_id": "e", "status": "succeeded", "duration_ms": 10 }
        ]);
        let answer = client.post(RUNS, &runs, 201).await;
        assert_eq!((&answer["recorded"], &answer["lessons"]), (&json!(5), &json!(4)));
        for (query, wanted) in [
            ("", 8),
            ("?include_synthetic=true", 9),
            ("?lesson_type=failure", 6),
            ("?lesson_type=near_threshold", 1),
            ("?lesson_type=critical_success", 1),
            ("?severity=LOW", 2),
            ("?severity=LOW&include_synthetic=true", 3),
            ("?severity=MEDIUM", 2),
            ("?severity=NONE", 1),
            ("?severity=HIGH&lesson_type=near_threshold", 1),
            ("?status=pending", 8),
            ("?status=deferred", 0),
            ("?limit=3", 8),
        ] {
            let list = client.ok(&format!("{LESSONS}{query}")).await;
            assert_eq!(list["total"], wanted, "{query}");
        }
        let page = client.ok(&format!("{LESSONS}?limit=3&offset=6")).await;
        assert_eq!((page["items"].as_array().unwrap().len(), &page["has_more"]), (2, &json!(false)));
        let stats = client.ok("/policy-layer/lessons/stats").await;
        assert_eq!(
            stats,
            json!({
                "total": 8, "by_type": { "failure": 6, "near_threshold": 1, "critical_success": 1 },
                "by_status": { "pending": 8, "converted_to_draft": 0, "deferred": 0, "dismissed": 0 },
                "by_severity": { "CRITICAL": 1, "HIGH": 2, "MEDIUM": 2, "LOW": 2, "NONE": 1 },
                "filters_applied": { "tenant_id": "lessons-filters", "include_synthetic": false }
            })
        );
        let whole = client.ok("/api/v1/policies/lessons/stats?include_synthetic=true").await;
        assert_eq!((&whole["total"], &whole["by_severity"]["LOW"]), (&json!(9), &json!(3)));
        assert_eq!(client.ok("/api/v1/policies/state").await["lessons_pending_action"], 8, "only real ones");
        for bad in ["lesson_type=failures", "status=open", "severity=high", "include_synthetic=1", "limit=0"] {
            client.refused(&format!("{LESSONS}?{bad}"), 422, "invalid_parameter").await;
        }
    })
    .await;
}

#[tokio::test]
async fn runs_teach_exactly_what_they_should() {
    on_each_database("lessons-runs", async |client| {
        let run = |name: &str, more: Value| with(json!({ "run_id": name, "status": "succeeded" }), &more);
        let used =
            |used: Value, limit: Value| json!({ "usage": [{ "metric": "m", "used": used, "limit": limit }] });
        for (i, (more, wanted)) in [
            (used(json!(0.849_999), json!(1)), None),
            (used(json!("849999.999999"), json!(1_000_000)), None),
            (used(json!("850000.000000"), json!(1_000_000)), Some("85-90")),
            (used(json!(9), json!(10)), Some("90-95")),
            (used(json!(9_500_000_000_u64), json!("10000000000")), Some("95-100")),
        ]
        .into_iter()
        .enumerate()
        {
            let answer = client.post(RUNS, &run(&format!("r{i}"), more.clone()), 201).await;
            assert_eq!(answer["lessons"], u64::from(wanted.is_some()), "{more}");
            let list = client.ok(&format!("{LESSONS}?lesson_type=near_threshold")).await;
            if let Some(band) = wanted {
                let newest =
                    list["items"].as_array().unwrap().iter().any(|it| it["detected_pattern"]["band"] == band);
                assert!(newest, "{list}");
            }
        }
        let again = client.post(RUNS, &run("r9", used(json!(9), json!(10))), 201).await;
        assert_eq!(again["lessons"], 0, "the band was told today");
        let list = client.ok(&format!("{LESSONS}?severity=HIGH")).await;
        assert_eq!(titles(&list), ["m is at 95-100 % of its bound"]);
        let id = list["items"][0]["id"].as_str().unwrap().to_owned();
        let detail = client.ok(&format!("{LESSONS}/{id}")).await;
        assert_eq!(detail["source_event"]["usage"][0]["used"], "9500000000", "amounts come back exactly");
        assert_eq!(detail["source_run_id"], "r4");

        let failed = run("f", json!({ "status": "failed", "error_message": "boom" }));
        let first = client.post(RUNS, &failed, 201).await;
        let second = client.post(RUNS, &failed, 201).await;
        assert_eq!(
            (&first["ids"], &second["duplicates"]),
            (&second["ids"], &json!(1)),
            "a run is known by its name"
        );
        let other = with(failed, &json!({ "id": "00000000-0000-0000-0000-000000000001" }));
        assert_eq!(client.post(RUNS, &other, 201).await["lessons"], 1, "unless the report has an identity");
    })
    .await;
}

#[tokio::test]
async fn a_day_lies_between_lessons_and_servers_share_it() {
    on_each_database("lessons-day", async |client| {
        let clock = Arc::new(ManualClock::new(at(0)));
        let (one, two) = (client.by(clock.clone()), client.by(clock.clone()));
        let mut runs = 0;
        let mut learns = async |server: &Client, seconds: i64, made_up: bool| {
            clock.set(at(seconds));
            runs += 1;
            let run = json!({
                "run_id": format!("run-{runs}"), "status": "succeeded", "is_synthetic": made_up,
                "usage": [{ "metric": "cap", "used": 86, "limit": 100 }]
            });
            server.post(RUNS, &run, 201).await["lessons"] == 1
        };
        assert!(
            learns(&one, 0, true).await && learns(&one, 0, false).await,
            "what is made up silences nothing"
        );
        assert!(!learns(&two, 86_399, false).await && !learns(&one, -3_600, false).await);
        assert!(learns(&two, 86_400, false).await && !learns(&one, 86_401, false).await);
        assert!(learns(&one, 0, false).await, "a clock that was ahead for a day silences nobody");
    })
    .await;
}

#[tokio::test]
async fn bad_reports_are_explained_and_nothing_is_recorded() {
    on_each_database("lessons-bodies", async |client| {
        let incident = |more: Value| with(broken("t"), &more);
        let run = |more: Value| with(json!({ "run_id": "r", "status": "succeeded" }), &more);
        let usage = |used: Value, limit: Value| {
            run(json!({ "usage": [{ "metric": "m", "used": used, "limit": limit }] }))
        };
        for (path, body, pointer, said) in [
            (INCIDENTS, json!({}), "", "missing field `severity`"),
            (INCIDENTS, json!({ "severity": "HIGH" }), "", "missing field `title`"),
            (INCIDENTS, incident(json!({ "severity": "NONE" })), "/severity", "unknown variant `NONE`"),
            (INCIDENTS, incident(json!({ "title": "" })), "/title", "1 to 500 characters"),
            (INCIDENTS, incident(json!({ "title": "a\nb" })), "/title", "no control characters"),
            (INCIDENTS, incident(json!({ "error_message": "\u{0}" })), "/error_message", "U+0000"),
            (
                INCIDENTS,
                incident(json!({ "occurred_at": "2026-03-02T11:05:01Z" })),
                "/occurred_at",
                "clock right?",
            ),
            (INCIDENTS, incident(json!({ "policy": "x" })), "/policy", "unknown field `policy`"),
            (
                INCIDENTS,
                json!([broken("a"), incident(json!({ "path": "" }))]),
                "/1/path",
                "1 to 500 characters",
            ),
            (INCIDENTS, json!([]), "", "the body has 0 incidents; hand in 1 to 1000 at once"),
            (RUNS, json!({ "run_id": "r" }), "", "missing field `status`"),
            (RUNS, run(json!({ "status": "done" })), "/status", "unknown variant `done`"),
            (RUNS, run(json!({ "run_id": "" })), "/run_id", "1 to 500 characters"),
            (RUNS, run(json!({ "duration_ms": -1 })), "/duration_ms", "a whole number from 0 to"),
            (RUNS, usage(json!(-1), json!(1)), "/usage/0/used", "an amount from 0"),
            (RUNS, usage(json!("x"), json!(1)), "/usage/0/used", "an amount from 0"),
            (RUNS, usage(json!("1_0"), json!(1)), "/usage/0/used", "an amount from 0"),
            (RUNS, run(json!({ "usage": [["m", 1, 1]] })), "/usage/0", "sequence, expected an object"),
            (INCIDENTS, json!([[null, "HIGH", "t"]]), "/0", "sequence, expected an object"),
            (
                RUNS,
                usage(json!(1), json!("0.1234567")),
                "/usage/0/limit",
                "12 digits before the point and 6 after it",
            ),
            (RUNS, usage(json!("1000000000000"), json!(1)), "/usage/0/used", "an amount from 0"),
            (
                RUNS,
                run(json!({ "usage": [{ "metric": "", "used": 1, "limit": 1 }] })),
                "/usage/0/metric",
                "1 to 200",
            ),
            (
                RUNS,
                run(json!({ "started_at": "2026-03-02T10:00:01Z", "ended_at": "2026-03-02T10:00:00Z" })),
                "/ended_at",
                "before `started_at`",
            ),
            (
                RUNS,
                json!([run(json!({})), run(json!({ "path": "\u{1}" }))]),
                "/1/path",
                "no control characters",
            ),
        ] {
            let error = client.post(path, &body, 422).await;
            assert_eq!(error["code"], "invalid_body", "{body}");
            assert_eq!(error["errors"][0]["pointer"], pointer, "{error}");
            assert!(error["errors"][0]["detail"].as_str().unwrap().contains(said), "{error}");
        }
        let many = vec![broken("t"); 1001];
        assert_eq!(client.post(INCIDENTS, &json!(many), 422).await["code"], "invalid_body");
        assert_eq!(client.ok(&format!("{LESSONS}?include_synthetic=true")).await["total"], 0);
        let most: Vec<_> =
            (0..1000).map(|i| json!({ "run_id": format!("{i}"), "status": "failed" })).collect();
        assert_eq!(client.post(RUNS, &json!(most), 201).await["lessons"], 1000);
    })
    .await;
}

#[tokio::test]
async fn only_ingest_hands_in() {
    on_each_database("lessons-roles", async |client| {
        let worker =
            client.with_new_key(&client.tenant, PrincipalKind::Service, "worker", &[Role::Ingest]).await;
        worker.post(INCIDENTS, &broken("t"), 201).await;
        worker.refused(LESSONS, 403, "forbidden").await;
        let ada = client.with_key(&client.tenant, "ada", &[Role::Viewer, Role::Author]).await;
        assert_eq!(ada.post(INCIDENTS, &broken("t"), 403).await["code"], "forbidden");
        assert_eq!(ada.ok(LESSONS).await["total"], 1);
    })
    .await;
}
