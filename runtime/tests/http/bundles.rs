//! `PUT /api/v1/bundles`, `GET /api/v1/bundles`, `POST /api/v1/bundles/{digest}/activate`

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::body::Body;
use axum::http::Request;
use ordain_ir::{Bundle, EnforcementMode, RuleType};
use ordain_store::conformance::fixtures::{audit_example, bundle, policies, rule};
use serde_json::{Value, json};

use crate::support::{Client, names, on_each_database};

const BUNDLES: &str = "/api/v1/bundles";

fn of(rules: &[&str]) -> Bundle {
    let rules = rules.iter().map(|name| rule(name, RuleType::Safety, EnforcementMode::Block));
    bundle(policies(rules, []), vec![], vec![])
}

async fn put(client: &Client, bytes: Vec<u8>, status: u16) -> Value {
    let request = Request::put(BUNDLES).body(Body::from(bytes)).expect("is a request");
    let (found, answer) = client.request(request).await;
    assert_eq!(found.as_u16(), status, "{answer}");
    answer
}

async fn activate(client: &Client, digest: &str, status: u16) -> Value {
    client.post(&format!("{BUNDLES}/{digest}/activate"), &json!({}), status).await
}

#[tokio::test]
async fn upload_activate_and_roll_back() {
    on_each_database("bundles-way", async |client| {
        assert_eq!(client.ok(BUNDLES).await["total"], 0);
        let (first, second) = (of(&["one"]), of(&["one", "two"]));
        let uploaded = put(&client, first.to_bytes().0, 200).await;
        let digest = first.to_bytes().1;
        assert_eq!(
            uploaded,
            json!({
                "digest": digest, "workspace": "fixtures", "language": "1", "compiler": "ordain 0.0.0",
                "size": first.to_bytes().0.len(), "active": false, "activations": 0, "origin": "upload",
                "signers": [], "uploaded_at": "2026-03-02T11:00:00Z", "activated_at": null, "analysed_at": "2026-03-02T11:00:00Z"
            })
        );
        assert_eq!(put(&client, first.to_bytes().0, 200).await, uploaded, "again, nothing changes");
        client.refused("/readyz", 503, "not_ready").await;
        let active = activate(&client, &digest, 200).await;
        assert_eq!((&active["active"], &active["activations"]), (&json!(true), &json!(1)));
        put(&client, second.to_bytes().0, 200).await;
        activate(&client, &second.to_bytes().1, 200).await;
        assert_eq!(names(&client.ok("/api/v1/policies/rules").await), ["one", "two"]);
        let back = activate(&client, &digest, 200).await;
        assert_eq!(back["activations"], 2);
        assert_eq!(names(&client.ok("/api/v1/policies/rules").await), ["one"]);
        let list = client.ok(BUNDLES).await;
        assert_eq!((&list["total"], &list["has_more"]), (&json!(2), &json!(false)));
        let active: Vec<_> = list["items"].as_array().unwrap().iter().filter(|item| item["active"] == true).collect();
        assert_eq!(active.len(), 1);
        assert_eq!(client.ok("/api/v1/audit-log").await["total"], 3);
        let other = client.other_tenant();
        assert_eq!(other.ok(BUNDLES).await["total"], 0);
        let error = activate(&other, &digest, 404).await;
        assert_eq!(error["code"], "bundle_not_found");
        for odd in ["x", "blake3:00", "%00", "%FF"] {
            let (status, _) = client.send(axum::http::Method::POST, &format!("{BUNDLES}/{odd}/activate"), &json!({})).await;
            assert!(status.is_client_error(), "{odd}: {status}");
        }
    })
    .await;
}

#[tokio::test]
async fn what_cannot_become_active_is_not_kept() {
    on_each_database("bundles-bad", async |client| {
        client.load(&audit_example(), 0).await.unwrap();
        let before = client.ok("/readyz").await;
        let whole = of(&["one"]).to_bytes().0;
        let mut flipped = whole.clone();
        let last = flipped.len() - 2;
        flipped[last] ^= 1;
        let mut forged = of(&["one"]);
        forged.workspace = "a\u{0}".to_owned();
        for (bytes, said) in [
            (b"hello".to_vec(), "no Ordain bundle"),
            (vec![], "no Ordain bundle"),
            (whole[..whole.len() - 1].to_vec(), "damaged"),
            (whole[..40].to_vec(), "truncated"),
            (flipped, "damaged"),
            (b"ORDAIN-BUNDLE 9\nx\n".to_vec(), "format `9`"),
            (forged.to_bytes().0, "contradicts itself"),
        ] {
            let error = put(&client, bytes, 422).await;
            assert_eq!(error["code"], "bundle_invalid");
            assert!(error["detail"].as_str().unwrap().contains(said), "{said}: {error}");
        }
        let error = put(&client, of(&["bad-1", "bad-2"]).to_bytes().0, 409).await;
        assert_eq!(
            (&error["code"], error["conflicts"].as_array().unwrap().len()),
            (&json!("activation_blocked"), 1)
        );
        assert_eq!(client.ok(BUNDLES).await["total"], 1);
        assert_eq!(client.ok("/readyz").await, before);
        // More than any other body may have.
        let large =
            of(&["one"]).to_bytes().0.into_iter().chain(std::iter::repeat_n(b' ', 2_000_000)).collect();
        assert_eq!(put(&client, large, 422).await["code"], "bundle_invalid");
        assert_eq!(put(&client, vec![b'x'; (1 << 26) + 1], 413).await["code"], "payload_too_large");
    })
    .await;
}

/// Whoever reads while bundles are swapped sees one of them, whole.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn swaps_under_load_are_atomic() {
    on_each_database("bundles-load", async |client| {
        let client = Arc::new(client);
        let generations = [of(&["a1"]), of(&["b1", "b2"]), of(&["c1", "c2", "c3"])];
        for generation in &generations {
            put(&client, generation.to_bytes().0, 200).await;
        }
        activate(&client, &generations[0].to_bytes().1, 200).await;
        let done = Arc::new(AtomicBool::new(false));
        let readers: Vec<_> = (0..3)
            .map(|_| {
                let (client, done) = (Arc::clone(&client), Arc::clone(&done));
                tokio::spawn(async move {
                    let mut seen = 0;
                    while !done.load(Ordering::Relaxed) {
                        let list = client.ok("/api/v1/policies/rules").await;
                        let found = names(&list).join(" ");
                        assert!(["a1", "b1 b2", "c1 c2 c3"].contains(&found.as_str()), "{found}");
                        seen += 1;
                    }
                    seen
                })
            })
            .collect();
        for generation in generations.iter().cycle().take(12) {
            activate(&client, &generation.to_bytes().1, 200).await;
        }
        done.store(true, Ordering::Relaxed);
        for reader in readers {
            assert!(reader.await.unwrap() > 0);
        }
    })
    .await;
}
