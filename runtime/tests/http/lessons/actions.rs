//! What people do about lessons.

use std::sync::Arc;

use axum::http::Method;
use ordain_runtime::{PrincipalKind, Role};
use ordain_store::ManualClock;
use ordain_store::conformance::fixtures::at;
use serde_json::{Value, json};

use super::{LESSONS, broken, lesson, titles};
use crate::support::{Client, on_each_database};

const PROPOSALS: &str = "/api/v1/policy-proposals";

async fn person(client: &Client, name: &str) -> Client {
    client.with_key(&client.tenant, name, &[Role::Author, Role::Approver, Role::Viewer, Role::Ingest]).await
}

#[tokio::test]
async fn a_lesson_becomes_a_proposal_that_another_person_approves() {
    on_each_database("lessons-convert", async |client| {
        let (ada, bob) = (person(&client, "ada").await, person(&client, "bob").await);
        let id = lesson(&ada, &broken("it broke")).await;
        // These tests' language has a rule a line.
        let body = json!({ "text": "learned.mail\n", "title": "watch mail", "rationale": "it broke" });
        let answer = ada.post(&format!("{LESSONS}/{id}/convert"), &body, 200).await;
        let proposal = &answer["proposal"];
        assert_eq!(
            (&proposal["title"], &proposal["rationale"], &proposal["source"], &proposal["status"]),
            (&json!("watch mail"), &json!("it broke"), &json!("LEARNED"), &json!("draft"))
        );
        assert_eq!(
            (&proposal["author"]["name"], &proposal["text"]),
            (&json!("ada"), &json!("learned.mail\n"))
        );
        let converted = &answer["lesson"];
        assert_eq!(
            (&converted["status"], &converted["draft_proposal_id"]),
            (&json!("converted_to_draft"), &proposal["id"])
        );
        assert_eq!(converted["converted_at"], "2026-03-02T11:00:00Z");
        assert_eq!(client.ok("/api/v1/policies/state").await["lessons_pending_action"], 0);
        let of_proposal = proposal["id"].as_str().unwrap();
        assert_eq!(bob.ok(&format!("{PROPOSALS}/{of_proposal}")).await["text"], "learned.mail\n");
        let own =
            ada.post(&format!("{PROPOSALS}/{of_proposal}/approve"), &json!({ "version": 1 }), 403).await;
        assert_eq!(own["code"], "own_proposal", "whoever converts has written it");
        bob.post(&format!("{PROPOSALS}/{of_proposal}/approve"), &json!({ "version": 1 }), 200).await;
        let rules = client.ok("/api/v1/policies/rules?source=LEARNED").await;
        assert_eq!(crate::support::names(&rules), ["learned.mail"]);
        let log = client.ok("/api/v1/audit-log").await;
        let actions: Vec<_> =
            log["items"].as_array().unwrap().iter().map(|it| it["action"].clone()).collect();
        assert_eq!(json!(actions), json!(["proposal.approve", "lesson.convert", "proposal.create"]));
        assert_eq!(
            (&log["items"][1]["subject"], &log["items"][1]["details"]),
            (&json!(id), &json!({ "proposal": of_proposal }))
        );
    })
    .await;
}

#[tokio::test]
async fn lessons_are_deferred_and_come_back() {
    on_each_database("lessons-defer", async |client| {
        let clock = Arc::new(ManualClock::new(at(0)));
        let server = client.by(clock.clone());
        let id = lesson(&server, &broken("it broke")).await;
        let defer = format!("/policy-layer/lessons/{id}/defer");
        for past in ["2026-03-02T10:00:00Z", "2026-03-02T09:00:00Z"] {
            let error = server.post(&defer, &json!({ "defer_until": past }), 422).await;
            assert_eq!(
                (&error["code"], &error["errors"][0]["pointer"]),
                (&json!("invalid_body"), &json!("/defer_until"))
            );
        }
        let deferred = server.post(&defer, &json!({ "defer_until": "2026-03-02T12:00:00+01:00" }), 200).await;
        assert_eq!(
            (&deferred["status"], &deferred["deferred_until"]),
            (&json!("deferred"), &json!("2026-03-02T11:00:00Z"))
        );
        let pending = async |seconds: i64| {
            clock.set(at(seconds));
            server.ok("/api/v1/policies/state").await["lessons_pending_action"].clone()
        };
        assert_eq!((pending(3599).await, pending(3600).await), (json!(0), json!(1)), "the very instant");
        let list = server.ok(&format!("{LESSONS}?status=pending")).await;
        assert_eq!((&list["total"], &list["items"][0]["deferred_until"]), (&json!(1), &Value::Null));
        let again = server.post(&defer, &json!({ "defer_until": "2027-01-01T00:00:00Z" }), 200).await;
        assert_eq!(again["status"], "deferred");
    })
    .await;
}

#[tokio::test]
async fn what_is_done_is_done() {
    on_each_database("lessons-states", async |client| {
        let (ada, bob) = (person(&client, "ada").await, person(&client, "bob").await);
        let mut ids = vec![];
        for title in ["converted", "deferred", "dismissed"] {
            ids.push(lesson(&ada, &broken(title)).await);
        }
        let actions = [
            ("convert", json!({ "text": "learned.a" })),
            ("defer", json!({ "defer_until": "2026-04-01T00:00:00Z" })),
            ("dismiss", json!({ "reason": "not ours" })),
        ];
        for (id, (action, body)) in ids.iter().zip(&actions) {
            ada.post(&format!("{LESSONS}/{id}/{action}"), body, 200).await;
        }
        let codes = ["lesson_converted", "lesson_deferred", "lesson_dismissed"];
        for (id, code) in ids.iter().zip(codes) {
            for (action, body) in &actions {
                let error = bob.post(&format!("{LESSONS}/{id}/{action}"), body, 409).await;
                assert_eq!(error["code"], code, "{action}: {error}");
            }
        }
        let dismissed = ada.ok(&format!("{LESSONS}/{}", ids[2])).await;
        assert_eq!(
            (&dismissed["dismissed_by"], &dismissed["dismissed_reason"], &dismissed["dismissed_at"]),
            (&json!("ada"), &json!("not ours"), &json!("2026-03-02T11:00:00Z"))
        );
        for (status, title) in
            [("converted_to_draft", "converted"), ("deferred", "deferred"), ("dismissed", "dismissed")]
        {
            let list = ada.ok(&format!("{LESSONS}?status={status}")).await;
            assert_eq!(titles(&list), [title]);
        }
        assert_eq!(ada.ok("/api/v1/policy-proposals").await["total"], 1, "refusals leave no proposal");
        let nobody = "00000000-0000-7000-8000-000000000000";
        for (action, body) in &actions {
            let error = ada.post(&format!("{LESSONS}/{nobody}/{action}"), body, 404).await;
            assert_eq!(error["code"], "lesson_not_found", "{action}");
            let error = ada.post(&format!("{LESSONS}/x/{action}"), body, 422).await;
            assert_eq!(error["code"], "invalid_id", "{action}");
            let facade = format!("/api/v1/policies/lessons/{nobody}/{action}");
            let (status, _) = ada.send(Method::POST, &facade, body).await;
            assert_eq!(status.as_u16(), 404, "the facade only reads");
        }
    })
    .await;
}

#[tokio::test]
async fn only_people_act_and_say_why() {
    on_each_database("lessons-people", async |client| {
        let robot = client.with_new_key(&client.tenant, PrincipalKind::Service, "robot", Role::ALL).await;
        let id = lesson(&robot, &broken("it broke")).await;
        let viewer = client.with_key(&client.tenant, "eve", &[Role::Viewer, Role::Approver]).await;
        for (action, body) in [
            ("convert", json!({ "text": "learned.a" })),
            ("defer", json!({ "defer_until": "2026-04-01T00:00:00Z" })),
            ("dismiss", json!({ "reason": "not ours" })),
        ] {
            let path = format!("{LESSONS}/{id}/{action}");
            assert_eq!(robot.post(&path, &body, 403).await["code"], "human_required", "{action}");
            assert_eq!(viewer.post(&path, &body, 403).await["code"], "forbidden", "{action}");
        }
        for (action, body, pointer) in [
            ("dismiss", json!({}), ""),
            ("dismiss", json!({ "reason": " " }), "/reason"),
            ("dismiss", json!({ "reason": "a\u{0}" }), "/reason"),
            ("defer", json!({}), ""),
            ("defer", json!({ "defer_until": "tomorrow" }), "/defer_until"),
            ("convert", json!({ "title": "" }), "/title"),
            ("convert", json!({ "text": " " }), "/text"),
            ("convert", json!({ "rationale": "\u{0}" }), "/rationale"),
            ("convert", json!({ "source": "MANUAL" }), "/source"),
            ("convert", json!([null, null]), ""),
            ("dismiss", json!(["not ours"]), ""),
        ] {
            let error = client.post(&format!("{LESSONS}/{id}/{action}"), &body, 422).await;
            assert_eq!(
                (&error["code"], &error["errors"][0]["pointer"]),
                (&json!("invalid_body"), &json!(pointer)),
                "{body}"
            );
        }
        let error = client.post(&format!("{LESSONS}/{id}/convert"), &json!({ "text": "!" }), 422).await;
        assert_eq!(error["code"], "proposal_invalid");
        let still = client.ok(&format!("{LESSONS}/{id}")).await;
        assert_eq!(still["status"], "pending", "nothing was done");
        assert_eq!(client.ok("/api/v1/audit-log").await["total"], 0);
    })
    .await;
}
