//! Proposals, and what people decide.

use axum::http::{Method, Request, header};
use ordain_runtime::{PrincipalKind, Role};
use serde_json::{Value, json};

use crate::support::{Client, on_each_database};

const PROPOSALS: &str = "/api/v1/policy-proposals";

/// A writer, a reviewer, and a service that may do everything.
async fn cast(client: &Client) -> (Client, Client, Client) {
    let tenant = &client.tenant;
    let ada = client.with_key(tenant, "ada", &[Role::Author, Role::Approver, Role::Viewer]).await;
    let bob = client.with_key(tenant, "bob", &[Role::Author, Role::Approver, Role::Viewer]).await;
    let robot = client.with_new_key(tenant, PrincipalKind::Service, "robot", Role::ALL).await;
    (ada, bob, robot)
}

async fn propose(client: &Client, text: &str) -> String {
    let draft = json!({ "title": "a proposal", "rationale": "because", "text": text });
    client.post(PROPOSALS, &draft, 201).await["id"].as_str().expect("has an id").to_owned()
}

fn code(error: &Value) -> &str {
    error["code"].as_str().expect("has a code")
}

#[tokio::test]
async fn a_proposal_goes_its_way() {
    on_each_database("governance-way", async |client| {
        let (ada, bob, _) = cast(&client).await;
        let empty = ada.ok(PROPOSALS).await;
        assert_eq!((&empty["items"], &empty["total"]), (&json!([]), &json!(0)));
        let draft = json!({ "title": "stop it", "rationale": "it hurts", "text": "acme.stop\n" });
        let made = ada.post(PROPOSALS, &draft, 201).await;
        let id = made["id"].as_str().unwrap();
        let wanted = json!({
            "id": id, "title": "stop it", "rationale": "it hurts", "source": "MANUAL", "status": "draft",
            "version": 1, "author": { "kind": "human", "name": "ada" }, "created_at": "2026-03-02T11:00:00Z",
            "updated_at": "2026-03-02T11:00:00Z", "review": null, "text": "acme.stop\n"
        });
        assert_eq!(made, wanted);
        assert_eq!(bob.ok(&format!("{PROPOSALS}/{id}")).await, wanted);
        assert_eq!(client.ok("/api/v1/policies/state").await["drafts_pending_review"], 1);
        let mut listed = wanted.clone();
        listed.as_object_mut().unwrap().remove("text");
        assert_eq!(bob.ok("/api/v1/policies/requests").await["items"], json!([listed]));
        assert_eq!(bob.ok(&format!("{PROPOSALS}?status=draft")).await["items"], json!([listed]));
        assert_eq!(client.ok("/api/v1/policies/rules").await["total"], 0, "nothing is active yet");

        let revision =
            json!({ "version": 1, "text": "acme.stop\nacme.more acme.stop\n", "note": "and more" });
        let revised = bob.post(&format!("{PROPOSALS}/{id}/versions"), &revision, 201).await;
        assert_eq!((&revised["version"], &revised["status"]), (&json!(2), &json!("draft")));
        let stale = bob.post(&format!("{PROPOSALS}/{id}/versions"), &revision, 412).await;
        assert_eq!(code(&stale), "version_changed");
        let versions = ada.ok(&format!("{PROPOSALS}/{id}/versions")).await;
        assert_eq!((&versions["total"], &versions["current_version"]), (&json!(2), &json!(2)));
        assert_eq!(
            (&versions["items"][0]["is_current"], &versions["items"][1]["is_current"]),
            (&json!(false), &json!(true))
        );
        assert_eq!(versions["items"][1]["author"]["name"], "bob");
        let current = ada.ok(&format!("{PROPOSALS}/versions?current=true")).await;
        assert_eq!((&current["total"], &current["items"][0]["version"]), (&json!(1), &json!(2)));

        let carol = client.with_key(&client.tenant, "carol", &[Role::Approver]).await;
        for (who, named) in [(&ada, "ada"), (&bob, "bob")] {
            let own = who.post(&format!("{PROPOSALS}/{id}/approve"), &json!({ "version": 2 }), 403).await;
            assert_eq!(code(&own), "own_proposal", "{named} has written a part of it");
        }
        let unsaid = carol.post(&format!("{PROPOSALS}/{id}/approve"), &json!({}), 428).await;
        assert_eq!(code(&unsaid), "version_required");
        let stale = carol.post(&format!("{PROPOSALS}/{id}/approve"), &json!({ "version": 1 }), 412).await;
        assert_eq!(code(&stale), "version_changed");
        let done = carol
            .post(&format!("{PROPOSALS}/{id}/approve"), &json!({ "version": 2, "notes": "fine" }), 200)
            .await;
        let review = &done["proposal"]["review"];
        assert_eq!((&done["proposal"]["status"], &review["notes"]), (&json!("approved"), &json!("fine")));
        assert_eq!(review["reviewed_by"], json!({ "kind": "human", "name": "carol" }));
        assert_eq!(review["bundle"], done["bundle"]);
        let rules = client.ok("/api/v1/policies/rules").await;
        assert_eq!(crate::support::names(&rules), ["acme.more", "acme.stop"]);
        let again = carol.post(&format!("{PROPOSALS}/{id}/approve"), &json!({ "version": 2 }), 409).await;
        assert_eq!(code(&again), "proposal_not_pending");
        let late =
            bob.post(&format!("{PROPOSALS}/{id}/versions"), &json!({ "version": 2, "text": "x" }), 409).await;
        assert_eq!(code(&late), "proposal_not_pending");
        assert_eq!(client.ok("/api/v1/policies/requests").await["total"], 0);
        let log = client.ok("/api/v1/audit-log").await;
        let actions: Vec<_> =
            log["items"].as_array().unwrap().iter().map(|item| item["action"].clone()).collect();
        assert_eq!(json!(actions), json!(["proposal.approve", "proposal.revise", "proposal.create"]));
        assert_eq!(log["items"][0]["actor"]["name"], "carol");
        assert_eq!(log["items"][0]["details"]["policies"], json!(["acme.stop", "acme.more"]));
    })
    .await;
}

#[tokio::test]
async fn only_people_decide_and_a_rejection_is_kept() {
    on_each_database("governance-people", async |client| {
        let (ada, bob, robot) = cast(&client).await;
        let id = propose(&ada, "acme.a").await;
        for (action, body) in
            [("approve", json!({ "version": 1 })), ("reject", json!({ "version": 1, "reason": "x" }))]
        {
            let error = robot.post(&format!("{PROPOSALS}/{id}/{action}"), &body, 403).await;
            assert_eq!(code(&error), "human_required", "{action}");
        }
        let unsaid = bob.post(&format!("{PROPOSALS}/{id}/reject"), &json!({ "version": 1 }), 422).await;
        assert_eq!(unsaid["errors"][0]["pointer"], "/reason");
        // The version stands in the header, as `ETag` gave it.
        let request = |tag: &str| {
            Request::builder()
                .method(Method::POST)
                .uri(format!("{PROPOSALS}/{id}/reject"))
                .header(header::CONTENT_TYPE, "application/json")
                .header(header::IF_MATCH, tag)
                .body(json!({ "reason": "not now" }).to_string().into())
                .unwrap()
        };
        let (status, error) = bob.request(request("\"2\"")).await;
        assert_eq!((status.as_u16(), code(&error)), (412, "version_changed"));
        let (status, error) = bob.request(request("W/x")).await;
        assert_eq!((status.as_u16(), code(&error)), (400, "bad_request"));
        let (status, rejected) = bob.request(request("\"1\"")).await;
        assert_eq!((status.as_u16(), &rejected["status"]), (200, &json!("rejected")));
        assert_eq!(
            (&rejected["review"]["notes"], &rejected["review"]["bundle"]),
            (&json!("not now"), &Value::Null)
        );
        let kept = ada.ok(&format!("{PROPOSALS}?status=rejected")).await;
        assert_eq!(kept["items"][0]["id"], id.as_str());
        let late = bob.post(&format!("{PROPOSALS}/{id}/approve"), &json!({ "version": 1 }), 409).await;
        assert_eq!(code(&late), "proposal_not_pending");
        let by_robot = propose(&robot, "acme.b").await;
        let done = bob.post(&format!("{PROPOSALS}/{by_robot}/approve"), &json!({ "version": 1 }), 200).await;
        assert_eq!(
            done["proposal"]["author"],
            json!({ "kind": "service", "name": "robot" }),
            "services may propose"
        );
        let stats = ada.ok(&format!("{PROPOSALS}/stats/summary")).await;
        assert_eq!(
            stats,
            json!({
                "total": 2, "by_status": { "draft": 0, "approved": 1, "rejected": 1 },
                "by_source": { "MANUAL": 2, "LEARNED": 0 }, "pending_review": 0, "waiting_since": null,
                "approval_rate": 0.5
            })
        );
    })
    .await;
}

#[tokio::test]
async fn contradictions_are_not_approved() {
    on_each_database("governance-blocked", async |client| {
        let (ada, bob, _) = cast(&client).await;
        let first = propose(&ada, "acme.bad-1\nacme.odd-1").await;
        bob.post(&format!("{PROPOSALS}/{first}/approve"), &json!({ "version": 1 }), 200).await;
        let before = client.ok("/readyz").await["bundle"].clone();

        let blocked = propose(&ada, "acme.bad-2").await;
        let error = bob.post(&format!("{PROPOSALS}/{blocked}/approve"), &json!({ "version": 1 }), 409).await;
        assert_eq!(code(&error), "activation_blocked");
        assert_eq!(error["detail"], "cannot activate: 1 BLOCKING conflict (GOV-POL-001)");
        assert_eq!(error["conflicts"][0]["severity"], "BLOCKING");
        assert_eq!(error["conflicts"][0]["policies"][1]["name"], "acme.bad-2");
        assert_eq!(client.ok("/readyz").await["bundle"], before, "the last good one stays");
        assert_eq!(ada.ok(&format!("{PROPOSALS}/{blocked}")).await["status"], "draft");

        let odd = propose(&ada, "acme.odd-2").await;
        let error = bob.post(&format!("{PROPOSALS}/{odd}/approve"), &json!({ "version": 1 }), 409).await;
        assert_eq!(code(&error), "acknowledgement_required");
        let conflict = error["conflicts"][0]["id"].clone();
        let wrong = json!({ "version": 1, "acknowledge": ["another"] });
        assert_eq!(
            code(&bob.post(&format!("{PROPOSALS}/{odd}/approve"), &wrong, 409).await),
            "acknowledgement_required"
        );
        let accepted = json!({ "version": 1, "notes": "we know", "acknowledge": [conflict] });
        bob.post(&format!("{PROPOSALS}/{odd}/approve"), &accepted, 200).await;
        assert_eq!(client.ok("/api/v1/policies/conflicts").await["total"], 0);
        let all = client.ok("/api/v1/policies/conflicts?include_resolved=true").await;
        let item = &all["items"][0];
        assert_eq!((&item["id"], &item["resolved"]), (&conflict, &json!(true)));
        assert_eq!(item["acknowledged"]["acknowledged_by"]["name"], "bob");
        assert_eq!(item["acknowledged"]["reason"], "we know");
        // What was there before is nobody's doing now.
        let third = propose(&ada, "acme.plain").await;
        bob.post(&format!("{PROPOSALS}/{third}/approve"), &json!({ "version": 1 }), 200).await;
    })
    .await;
}

#[tokio::test]
async fn bad_proposals_are_explained() {
    on_each_database("governance-bad", async |client| {
        let (ada, bob, _) = cast(&client).await;
        let whole = json!({ "title": "t", "text": "acme.a" });
        for (change, pointer) in [
            (json!({ "title": "" }), "/title"),
            (json!({ "title": "a\nb" }), "/title"),
            (json!({ "title": "x".repeat(501) }), "/title"),
            (json!({ "text": " \n" }), "/text"),
            (json!({ "text": "a\u{0}" }), "/text"),
            (json!({ "extra": 1 }), "/extra"),
        ] {
            let mut body = whole.clone();
            for (key, value) in change.as_object().unwrap() {
                body[key] = value.clone();
            }
            let error = ada.post(PROPOSALS, &body, 422).await;
            assert_eq!(
                (code(&error), &error["errors"][0]["pointer"]),
                ("invalid_body", &json!(pointer)),
                "{body}"
            );
        }
        let error = ada.post(PROPOSALS, &json!({ "title": "t", "text": "acme.a\n!" }), 422).await;
        assert_eq!(code(&error), "proposal_invalid");
        assert_eq!(error["errors"][0]["detail"], "line 2, column 1: `!` is nothing (ORD0101); leave it out");
        assert_eq!(ada.ok(PROPOSALS).await["total"], 0);
        let id = propose(&ada, "acme.a").await;
        let error =
            bob.post(&format!("{PROPOSALS}/{id}/versions"), &json!({ "version": 1, "text": "!" }), 422).await;
        assert_eq!(code(&error), "proposal_invalid");
        let nobody = "00000000-0000-7000-8000-000000000000";
        bob.refused(&format!("{PROPOSALS}/{nobody}"), 404, "proposal_not_found").await;
        bob.refused(&format!("{PROPOSALS}/x"), 422, "invalid_id").await;
        for action in ["approve", "reject", "versions"] {
            let body = json!({ "version": 1, "reason": "x", "text": "x" });
            let mut body = body.as_object().unwrap().clone();
            body.retain(|key, _| {
                key == "version"
                    || (action == "reject" && key == "reason")
                    || (action == "versions" && key == "text")
            });
            let error = bob.post(&format!("{PROPOSALS}/{nobody}/{action}"), &Value::Object(body), 404).await;
            assert_eq!(code(&error), "proposal_not_found");
        }
    })
    .await;
}

#[tokio::test]
async fn a_rule_is_retired_once_nothing_depends_on_it() {
    on_each_database("governance-retire", async |client| {
        let (ada, bob, robot) = cast(&client).await;
        let id = propose(&ada, "acme.base\nacme.leaf acme.base").await;
        bob.post(&format!("{PROPOSALS}/{id}/approve"), &json!({ "version": 1 }), 200).await;
        let rule = |name: &str| format!("/api/v1/policies/rules/{}", ordain_ir::PolicyId::of(&name.into()));
        let delete = async |client: &Client, name: &str| {
            client.request(crate::support::request(Method::DELETE, &rule(name))).await
        };
        let (status, error) = delete(&robot, "acme.leaf").await;
        assert_eq!((status.as_u16(), code(&error)), (403, "human_required"));
        let (status, error) = delete(&bob, "acme.base").await;
        assert_eq!((status.as_u16(), code(&error)), (409, "deletion_blocked"));
        assert_eq!(
            error["detail"],
            "cannot delete `acme.base`: 1 policy depends on it: `acme.leaf` (GOV-POL-002)"
        );
        assert_eq!(error["dependents"][0]["name"], "acme.leaf");
        assert_eq!(error["dependents"][0]["kind"], "rule");
        let (status, error) = delete(&bob, "acme.nobody").await;
        assert_eq!((status.as_u16(), code(&error)), (404, "rule_not_found"));
        for name in ["acme.leaf", "acme.base"] {
            let (status, done) = delete(&bob, name).await;
            assert_eq!((status.as_u16(), &done["status"]), (200, &json!("RETIRED")), "{name}: {done}");
            assert_eq!(client.ok("/readyz").await["bundle"], done["bundle"]);
        }
        let retired = client.ok("/api/v1/policies/rules?status=RETIRED").await;
        assert_eq!(crate::support::names(&retired), ["acme.base", "acme.leaf"], "kept for the record");
        assert_eq!(client.ok("/api/v1/policies/state").await["active_policies"], 0);
        let (status, error) = delete(&bob, "acme.leaf").await;
        assert_eq!((status.as_u16(), code(&error)), (409, "rule_retired"));
        let (status, error) = delete(&client.other_tenant(), "acme.leaf").await;
        assert_eq!((status.as_u16(), code(&error)), (404, "rule_not_found"));
    })
    .await;
}

#[tokio::test]
async fn warnings_are_acknowledged_by_people_with_a_reason() {
    on_each_database("governance-acknowledge", async |client| {
        let (_, bob, robot) = cast(&client).await;
        let rules = ["a", "b", "c"].map(|name| {
            ordain_store::conformance::fixtures::rule(
                name,
                ordain_ir::RuleType::Safety,
                ordain_ir::EnforcementMode::Warn,
            )
        });
        let pair = [rules[0].reference(), rules[1].reference()];
        let found = ordain_store::conformance::fixtures::conflict(
            ordain_ir::ConflictType::ScopeOverlap,
            ordain_ir::ConflictSeverity::Warning,
            &pair,
        );
        let bundle = ordain_store::conformance::fixtures::bundle(
            ordain_store::conformance::fixtures::policies(rules, []),
            vec![],
            vec![found.clone()],
        );
        client.load(&bundle, 0).await.unwrap();
        let path = format!("/api/v1/policies/conflicts/{}/acknowledge", found.id);
        let reason = json!({ "reason": "they never meet" });
        assert_eq!(code(&robot.post(&path, &reason, 403).await), "human_required");
        assert_eq!(bob.post(&path, &json!({ "reason": " " }), 422).await["errors"][0]["pointer"], "/reason");
        let other = client.other_tenant().post(&path, &reason, 404).await;
        assert_eq!(code(&other), "conflict_not_found");
        let missing = bob.post("/api/v1/policies/conflicts/x/acknowledge", &reason, 404).await;
        assert_eq!(missing["detail"], "there is no conflict with the id `x`");
        let done = bob.post(&path, &reason, 200).await;
        assert_eq!(
            (&done["resolved"], &done["acknowledged"]["reason"]),
            (&json!(true), &json!("they never meet"))
        );
        assert_eq!(done["acknowledged"]["acknowledged_at"], "2026-03-02T11:00:00Z");
        assert_eq!(client.ok("/api/v1/policies/conflicts").await["total"], 0);
        assert_eq!(client.ok("/api/v1/policies/state").await["conflicts_detected"], 0);
        let again = bob.post(&path, &reason, 409).await;
        assert_eq!(code(&again), "conflict_not_acknowledgeable");
    })
    .await;
}
