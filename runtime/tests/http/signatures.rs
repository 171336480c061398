//! Where keys are configured, nothing becomes active for which nobody vouches whose key is among them.

use axum::body::Body;
use axum::http::Request;
use ordain_ir::signature::PrivateKey;
use ordain_ir::{Bundle, EnforcementMode, RuleType};
use ordain_runtime::Role;
use ordain_store::conformance::fixtures::{bundle, policies, rule};
use serde_json::{Value, json};

use crate::support::{Client, names, on_each_database};

const BUNDLES: &str = "/api/v1/bundles";
const PROPOSALS: &str = "/api/v1/policy-proposals";

fn key(seed: u8) -> PrivateKey {
    PrivateKey::from_seed([seed; 32])
}

fn of(rules: &[&str]) -> Bundle {
    let rules = rules.iter().map(|name| rule(name, RuleType::Safety, EnforcementMode::Block));
    bundle(policies(rules, []), vec![], vec![])
}

/// As it stands in the header.
fn line(key: &PrivateKey, bytes: &[u8]) -> String {
    key.sign(bytes).to_text().replace('\n', " ").trim_end().to_owned()
}

async fn put(client: &Client, bytes: &[u8], signature: Option<&str>, status: u16) -> Value {
    let mut request = Request::put(BUNDLES);
    if let Some(signature) = signature {
        request = request.header("Bundle-Signature", signature);
    }
    let (found, answer) =
        client.request(request.body(Body::from(bytes.to_vec())).expect("is a request")).await;
    assert_eq!(found.as_u16(), status, "{answer}");
    answer
}

async fn signed(client: &Client, key: &PrivateKey, bundle: &Bundle) -> Value {
    let bytes = bundle.to_bytes().0;
    put(client, &bytes, Some(&line(key, &bytes)), 200).await
}

async fn activate(client: &Client, bundle: &Bundle, status: u16) -> Value {
    client.post(&format!("{BUNDLES}/{}/activate", bundle.to_bytes().1), &json!({}), status).await
}

async fn refused(client: &Client, bytes: &[u8], signature: Option<&str>, said: &str) {
    let error = put(client, bytes, signature, 422).await;
    assert_eq!(error["code"], "bundle_untrusted", "{error}");
    assert!(error["detail"].as_str().expect("has a detail").contains(said), "{said}: {error}");
}

async fn active(client: &Client) -> Value {
    client.ok("/readyz").await["bundle"].clone()
}

#[tokio::test]
async fn only_what_a_trusted_key_has_signed_is_taken() {
    on_each_database("signed-upload", async |plain| {
        let (ours, next, theirs) = (key(1), key(2), key(3));
        let client = plain.trusting(&[ours.public(), next.public()]);
        let (first, second) = (of(&["one"]), of(&["one", "two"]));
        let stored = signed(&client, &ours, &first).await;
        assert_eq!(stored["signers"], json!([ours.public().to_string()]));
        activate(&client, &first, 200).await;
        let before = active(&client).await;

        let bytes = second.to_bytes().0;
        let good = line(&next, &bytes);
        refused(&client, &bytes, None, "is not signed").await;
        refused(&client, &bytes, Some(&line(&theirs, &bytes)), &theirs.public().to_string()).await;
        refused(&client, &bytes, Some(&line(&ours, b"something else")), "does not fit the bundle").await;
        let claimed = good.replace(&next.public().to_string()[8..], &ours.public().to_string()[8..]);
        refused(&client, &bytes, Some(&claimed), "does not fit the bundle").await;
        for bad in [
            "",
            "x",
            &good[1..],
            &good.replace(" key ", "  key "),
            &format!("{good} {good}"),
            &good[..good.len() - 1],
        ] {
            refused(&client, &bytes, Some(bad), "on one line").await;
        }
        // Nothing of what nobody vouches for is read any further.
        refused(&client, b"hello", None, "is not signed").await;
        refused(&client, &of(&["bad-1", "bad-2"]).to_bytes().0, None, "is not signed").await;
        assert_eq!(client.ok(BUNDLES).await["total"], 1, "nothing was kept");
        assert_eq!(active(&client).await, before);
        // A signature opens no other gate.
        let bad = of(&["bad-1", "bad-2"]).to_bytes().0;
        assert_eq!(put(&client, &bad, Some(&line(&ours, &bad)), 409).await["code"], "activation_blocked");
        assert_eq!(put(&client, b"hello", Some(&line(&ours, b"hello")), 422).await["code"], "bundle_invalid");

        put(&client, &bytes, Some(&good), 200).await;
        activate(&client, &second, 200).await;
        assert_eq!(names(&client.ok("/api/v1/policies/rules").await), ["one", "two"]);
        activate(&client, &first, 200).await;
        // The other tenant's signatures are nobody else's.
        assert_eq!(client.other_tenant().ok(BUNDLES).await["total"], 0);
    })
    .await;
}

#[tokio::test]
async fn what_is_rolled_back_to_needs_a_signature_that_counts_today() {
    on_each_database("signed-rollback", async |plain| {
        let (old, new) = (key(1), key(2));
        let (first, second, third) = (of(&["one"]), of(&["two"]), of(&["three"]));
        // Before anybody asks for signatures, one that comes has to fit all the same, and is kept.
        put(&plain, &first.to_bytes().0, None, 200).await;
        refused(&plain, &second.to_bytes().0, Some(&line(&old, b"x")), "does not fit the bundle").await;
        signed(&plain, &old, &second).await;
        activate(&plain, &first, 200).await;

        let both = plain.trusting(&[old.public(), new.public()]);
        assert_eq!(activate(&both, &first, 422).await["code"], "bundle_untrusted");
        activate(&both, &second, 200).await;
        signed(&both, &new, &third).await;
        activate(&both, &third, 200).await;

        // The old key has gone: what it alone has signed counts no more, until somebody signs it again.
        let rotated = plain.trusting(&[new.public()]);
        let error = activate(&rotated, &second, 422).await;
        assert_eq!(error["code"], "bundle_untrusted");
        assert!(error["detail"].as_str().unwrap().contains(&old.public().to_string()), "{error}");
        assert_eq!(active(&rotated).await, third.to_bytes().1, "the last good one stays");
        let again = signed(&rotated, &new, &second).await;
        let mut signers = [old.public().to_string(), new.public().to_string()];
        signers.sort();
        assert_eq!(again["signers"], json!(signers));
        assert_eq!(again["activations"], 1, "otherwise it is as it was");
        activate(&rotated, &second, 200).await;
        let list = rotated.ok(BUNDLES).await;
        let of_first =
            list["items"].as_array().unwrap().iter().find(|item| item["digest"] == first.to_bytes().1);
        assert_eq!(of_first.unwrap()["signers"], json!([]));
    })
    .await;
}

/// Approves a proposal with one rule.
async fn approve(author: &Client, reviewer: &Client, rule: &str, status: u16) -> Value {
    let draft = json!({ "title": rule, "text": rule });
    let id = author.post(PROPOSALS, &draft, 201).await["id"].as_str().expect("has an id").to_owned();
    reviewer.post(&format!("{PROPOSALS}/{id}/approve"), &json!({ "version": 1 }), status).await
}

#[tokio::test]
async fn people_vouch_for_what_they_decide_and_for_nothing_else() {
    on_each_database("signed-people", async |plain| {
        let (ours, theirs) = (key(1), key(3));
        let tenant = plain.tenant.clone();
        let roles = [Role::Author, Role::Approver, Role::Operator, Role::Viewer];
        let author = plain.with_key(&tenant, "ada", &roles).await;
        let reviewer = plain.with_key(&tenant, "bob", &roles).await;
        let with = |client: &Client, keys: &[&PrivateKey]| {
            client.trusting(&keys.iter().map(|key| key.public()).collect::<Vec<_>>())
        };
        // Out of nothing, nobody else is asked.
        let (one, two) = (with(&author, &[&ours]), with(&reviewer, &[&ours]));
        let alone = approve(&one, &two, "alone", 200).await["bundle"].clone();
        assert_eq!(active(&plain).await, alone);

        // Upon what is signed: a proposal, and a retired rule; one may go back to each.
        let first = of(&["one"]);
        signed(&two, &ours, &first).await;
        activate(&two, &first, 200).await;
        let approved = approve(&one, &two, "more", 200).await["bundle"].as_str().unwrap().to_owned();
        let id = ordain_ir::PolicyId::of(&"more".into());
        let (status, retired) =
            two.send(axum::http::Method::DELETE, &format!("/api/v1/policies/rules/{id}"), &json!({})).await;
        assert_eq!(status.as_u16(), 200, "{retired}");
        let back = |digest: &str| format!("{BUNDLES}/{digest}/activate");
        two.post(&back(&approved), &json!({}), 200).await;
        two.post(&back(alone.as_str().unwrap()), &json!({}), 200).await;
        two.post(&back(&approved), &json!({}), 200).await;

        // The key has gone, and with it what rested on its signature; decisions of people rest on nothing else either.
        let (one, two) = (with(&author, &[&theirs]), with(&reviewer, &[&theirs]));
        let error = approve(&one, &two, "late", 422).await;
        assert_eq!(error["code"], "bundle_untrusted");
        assert!(error["detail"].as_str().unwrap().contains("can't be built upon"), "{error}");
        let (status, _) =
            two.send(axum::http::Method::DELETE, &format!("/api/v1/policies/rules/{id}"), &json!({})).await;
        assert_eq!(status.as_u16(), 422);
        assert_eq!(active(&plain).await, approved, "what is active stays");
        assert_eq!(two.post(&back(&first.to_bytes().1), &json!({}), 422).await["code"], "bundle_untrusted");
        assert_eq!(two.post(&back(&approved), &json!({}), 422).await["code"], "bundle_untrusted");
        two.post(&back(alone.as_str().unwrap()), &json!({}), 200).await;
        // Whoever signs what they rest on vouches for it.
        signed(&two, &theirs, &first).await;
        two.post(&back(&approved), &json!({}), 200).await;
        approve(&one, &two, "late", 200).await;
    })
    .await;
}
