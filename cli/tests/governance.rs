//! Proposals through the running program, with the real compiler and analyzer behind them.

mod support;

use serde_json::{Value, json};
use support::{Server, example, run};

const PROPOSALS: &str = "/api/v1/policy-proposals";

fn serving(folder: &tempfile::TempDir) -> Server {
    Server::start(&example("acme"), &format!("sqlite://{}", folder.path().join("a.db").display()))
}

fn propose(server: &Server, text: &str) -> (u16, Value) {
    server.send("POST", PROPOSALS, "ada", &json!({ "title": "a proposal", "text": text }))
}

/// Proposes as one person and approves as another, accepting what is new.
fn approve(server: &Server, text: &str) -> (u16, Value) {
    let (status, made) = propose(server, text);
    assert_eq!(status, 201, "{made}");
    let path = format!("{PROPOSALS}/{}/approve", made["id"].as_str().expect("has an id"));
    let (status, answer) = server.send("POST", &path, "bob", &json!({ "version": 1 }));
    if answer["code"] != "acknowledgement_required" {
        return (status, answer);
    }
    let ids: Vec<_> =
        answer["conflicts"].as_array().expect("lists them").iter().map(|c| c["id"].clone()).collect();
    server.send("POST", &path, "bob", &json!({ "version": 1, "notes": "we know", "acknowledge": ids }))
}

fn rule(server: &Server, name: &str) -> Value {
    let (_, list) = server.get("/api/v1/policies/rules?limit=100");
    let items = list["items"].as_array().expect("is a list").clone();
    items.into_iter().find(|item| item["name"] == name).unwrap_or_default()
}

#[test]
fn a_proposal_joins_what_is_active() {
    let folder = tempfile::tempdir().unwrap();
    let server = serving(&folder);
    let before = server.get("/api/v1/policies/state").1["total_policies"].as_u64().unwrap();
    // In the package of active rules, naming one of them, and reading facts that are declared elsewhere.
    let text = "package acme.payments\n\nuse std.facts.*\n\n/// Nobody asks for these.\nrule no-gift-cards {\n  type \
                safety\n  enforce block\n  scope project acme/payments\n  when tool.name == \"gift-card\"\n  depends \
                on refund-record\n}\n";
    let (status, done) = approve(&server, text);
    assert_eq!((status, &done["proposal"]["status"]), (200, &json!("approved")), "{done}");
    assert_eq!(server.get("/api/v1/policies/state").1["total_policies"], before + 1);
    let new = rule(&server, "acme.payments.no-gift-cards");
    assert_eq!((&new["enforcement_mode"], &new["status"]), (&json!("BLOCK"), &json!("ACTIVE")));
    let (_, detail) = server.get(&format!("/api/v1/policies/rules/{}", new["id"].as_str().unwrap()));
    assert_eq!(detail["doc"], "Nobody asks for these.");
    let explicit = |edge: &&Value| edge["dependency_type"] == "EXPLICIT";
    let stated = detail["depends_on"].as_array().unwrap().iter().find(explicit).unwrap();
    assert_eq!(stated["policy_name"], "acme.payments.refund-record");

    // The same name again takes its place.
    let milder = text.replace("enforce block", "enforce audit");
    assert_eq!(approve(&server, &milder).0, 200);
    assert_eq!(rule(&server, "acme.payments.no-gift-cards")["enforcement_mode"], "AUDIT");
    assert_eq!(server.get("/api/v1/policies/state").1["total_policies"], before + 1);

    // What others depend on stays; what nobody depends on goes.
    let delete = |name: &str| {
        let id = rule(&server, name)["id"].as_str().expect("is active").to_owned();
        server.send("DELETE", &format!("/api/v1/policies/rules/{id}"), "bob", &json!({}))
    };
    let (status, error) = delete("acme.payments.refund-record");
    assert_eq!((status, &error["code"]), (409, &json!("deletion_blocked")), "{error}");
    let names: Vec<_> = error["dependents"].as_array().unwrap().iter().map(|it| it["name"].clone()).collect();
    let wanted =
        ["large-refund", "no-gift-cards", "refund-attempts"].map(|name| format!("acme.payments.{name}"));
    assert_eq!(json!(names), json!(wanted), "rules that depend on it, and a limit that does");
    assert_eq!(delete("acme.payments.no-gift-cards").0, 200);
    assert_eq!(rule(&server, "acme.payments.no-gift-cards")["status"], "RETIRED");
    let (_, log) = server.get("/api/v1/audit-log");
    assert_eq!(log["items"][0]["action"], "rule.retire");
}

#[test]
fn a_contradiction_is_proved_and_refused() {
    let folder = tempfile::tempdir().unwrap();
    let server = serving(&folder);
    let before = server.get("/readyz").1;
    let cap = "package acme.sales\n\nlimit hourly-cap { type runs_hourly  at most 20  enforce block  scope project \
               acme/sales }\n";
    assert_eq!(approve(&server, cap).0, 200);
    let active = server.get("/readyz").1;
    assert_ne!(active, before);
    let floor = "package acme.desk\n\nlimit daily-floor { type runs_daily  at least 500  enforce reject  scope project \
                 acme/sales }\n";
    let (status, error) = approve(&server, floor);
    assert_eq!((status, &error["code"]), (409, &json!("activation_blocked")), "{error}");
    assert_eq!(error["conflicts"][0]["conflict_type"], "THRESHOLD_CONTRADICTION");
    assert_eq!(error["conflicts"][0]["certainty"], "proved");
    assert!(error["conflicts"][0]["certificate"].is_object(), "{error}");
    assert_eq!(server.get("/readyz").1, active, "the last good one stays");
}

#[test]
fn a_text_with_errors_is_explained() {
    let folder = tempfile::tempdir().unwrap();
    let server = serving(&folder);
    for (text, said) in [
        (
            "rule r { type safety  enforce block  scope tenant acme  when tool.nam == \"x\" }",
            "line 1, column 62: unknown fact `tool.nam` (ORD0201)",
        ),
        ("rule r {", "line 1"),
        ("package acme.desk\n", "no rule and no limit"),
        (
            "use std.facts.*\nfact refund.amount : int\nrule r { type safety  enforce block  scope tenant acme  when \
             refund.amount > 3 }",
            "declared otherwise by what is active",
        ),
        (
            "package acme.payments\nrule refund-record { type safety  enforce audit  scope tenant acme  depends on \
             large-refund }",
            "depends on itself",
        ),
    ] {
        let (status, error) = propose(&server, text);
        assert_eq!((status, &error["code"]), (422, &json!("proposal_invalid")), "{text}: {error}");
        assert!(error["detail"].as_str().unwrap().contains(said), "{text}: {error}");
    }
    assert_eq!(server.get(PROPOSALS).1["total"], 0);
}

#[test]
fn keys_are_made_shown_once_and_revoked() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("a.db").display());
    let apikey = |arguments: &[&str]| run([&["apikey", "--database", url.as_str()], arguments].concat());
    assert!(apikey(&["list"]).expect_code(0).stdout.contains("`ordain apikey create` makes one"));
    let made = apikey(&["create", "--human", "ada", "--role", "viewer,author"]).expect_code(0).stdout;
    let key = made.lines().next().unwrap();
    assert!(key.starts_with("ordain_") && key.len() == 88, "{made}");
    assert!(made.contains("human `ada`") && made.contains("for viewer, author"), "{made}");
    let listed = apikey(&["list", "--format", "json"]).expect_code(0).json();
    assert_eq!((&listed[0]["state"], &listed[0]["principal"]["name"]), (&json!("counts"), &json!("ada")));
    assert!(!listed.to_string().contains(&key[24..]), "the secret is shown once");
    let id = listed[0]["id"].as_str().unwrap();
    let rotated = apikey(&["rotate", id, "--grace", "0s", "--format", "json"]).expect_code(0).json();
    assert_eq!((&rotated["replaces"], rotated["key"].as_str().unwrap().len()), (&json!(id), 88));
    let new = rotated["id"].as_str().unwrap();
    assert!(apikey(&["revoke", new]).expect_code(0).stdout.contains("revoked the key of human `ada`"));
    let listed = apikey(&["list"]).expect_code(0).stdout;
    assert!(listed.contains("expired") && listed.contains("revoked"), "{listed}");
    assert_eq!(apikey(&["list", "--tenant", "other", "--format", "json"]).expect_code(0).json(), json!([]));
}
