//! People who show tokens of an issuer.

mod issuer;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::http::Method;
use jiff::Timestamp;
use ordain_runtime::{
    Administration, NewApiKey, Oidc, OidcOptions, Principal, PrincipalKind, Role, ServeOptions, Server,
    TenantId, TenantSource,
};
use ordain_store::SeededRandom;
use ordain_store::conformance::fixtures::at;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::time::{Instant, sleep};

use self::issuer::{Issuer, Key, base64};
use crate::server::{exchange, options};
use crate::support::{Stopped, on_each_database};

const PROPOSALS: &str = "/api/v1/policy-proposals";

/// When the tests' servers live.
fn now() -> i64 {
    at(3600).as_second()
}

fn believing(issuer: &str) -> OidcOptions {
    let roles =
        [("reviewers", vec![Role::Viewer, Role::Author, Role::Approver]), ("staff", vec![Role::Viewer])];
    OidcOptions {
        issuer: issuer.to_owned(),
        audience: vec!["ordain".to_owned(), "ordain-panel".to_owned()],
        algorithms: ["RS256", "ES256", "EdDSA"].map(ToOwned::to_owned).into(),
        tenant: TenantSource::Claim("tenant".to_owned()),
        name_claim: "sub".to_owned(),
        roles_claim: "groups".to_owned(),
        roles: roles
            .into_iter()
            .map(|(name, roles)| (name.to_owned(), roles.into_iter().collect()))
            .collect::<BTreeMap<_, _>>(),
        skew: Duration::from_secs(30),
        authorities: None,
    }
}

fn known(issuer: &str) -> Oidc {
    Oidc::new(believing(issuer), Arc::new(Stopped(at(3600)))).expect("can be believed")
}

/// What a good token says.
fn claims(issuer: &Issuer, tenant: &str, name: &str) -> Value {
    json!({
        "iss": issuer.address, "aud": "ordain", "sub": name, "tenant": tenant, "groups": ["reviewers", "others"],
        "iat": now() - 60, "nbf": now() - 60, "exp": now() + 300
    })
}

fn with(mut claims: Value, name: &str, value: Value) -> Value {
    claims[name] = value;
    claims
}

fn without(mut claims: Value, name: &str) -> Value {
    claims.as_object_mut().expect("is an object").remove(name);
    claims
}

fn rsa() -> Key {
    Key::rsa(include_str!("issuer.pem"))
}

#[tokio::test]
async fn people_with_tokens_propose_and_approve_and_are_recorded() {
    on_each_database("people-approve", async |client| {
        let keys = [rsa(), Key::ec(), Key::ed()];
        let published = keys.iter().map(|key| key.published(key.algorithm())).collect();
        let issuer = Issuer::started(published).await;
        let client = client.believing(known(&issuer.address));
        let tenant = client.tenant.as_str().to_owned();
        let shown = |key: &Key, name: &str| {
            client.presenting(&key.token(Some(key.algorithm()), &claims(&issuer, &tenant, name)))
        };
        let [ada, bob, carol] =
            [("ada", 0), ("bob", 1), ("carol", 2)].map(|(name, key)| shown(&keys[key], name));
        let draft = json!({ "title": "stop it", "text": "acme.stop\n" });
        let made = ada.post(PROPOSALS, &draft, 201).await;
        assert_eq!(made["author"], json!({ "kind": "human", "name": "ada" }));
        let path = format!("{PROPOSALS}/{}/approve", made["id"].as_str().unwrap());
        assert_eq!(ada.post(&path, &json!({ "version": 1 }), 403).await["code"], "own_proposal");
        // The same person with an API key is the same person.
        let key = client.with_key(&client.tenant, "ada", &[Role::Approver]).await;
        assert_eq!(key.post(&path, &json!({ "version": 1 }), 403).await["code"], "own_proposal");
        bob.post(&path, &json!({ "version": 1 }), 200).await;
        let record = carol.ok("/api/v1/audit-log").await;
        assert_eq!(record["items"][0]["action"], "proposal.approve");
        assert_eq!(record["items"][0]["actor"], json!({ "kind": "human", "name": "bob" }));
        let bundles = carol.refused("/api/v1/bundles", 403, "forbidden").await;
        assert_eq!(
            bundles["detail"],
            "this takes the role `operator`; the credential has `viewer`, `author`, `approver`"
        );
    })
    .await;
}

#[tokio::test]
async fn tokens_of_programs_approve_nothing() {
    on_each_database("people-programs", async |client| {
        let key = rsa();
        let issuer = Issuer::started(vec![key.published("one")]).await;
        let client = client.believing(known(&issuer.address));
        let tenant = client.tenant.as_str().to_owned();
        let ada = client.presenting(&key.token(Some("one"), &claims(&issuer, &tenant, "ada")));
        let made = ada.post(PROPOSALS, &json!({ "title": "t", "text": "acme.stop\n" }), 201).await;
        let path = format!("{PROPOSALS}/{}/approve", made["id"].as_str().unwrap());
        let robot = with(claims(&issuer, &tenant, "robot"), "client_id", json!("robot"));
        let robot = client.presenting(&key.token(Some("one"), &robot));
        let error = robot.post(&path, &json!({ "version": 1 }), 403).await;
        assert_eq!(error["code"], "human_required", "{error}");
    })
    .await;
}

#[tokio::test]
async fn tokens_that_are_not_good_are_refused_and_told_why() {
    on_each_database("people-refused", async |client| {
        let (key, stranger) = (rsa(), Key::rsa(include_str!("stranger.pem")));
        let issuer = Issuer::started(vec![key.published("one")]).await;
        let client = client.believing(known(&issuer.address));
        let good = claims(&issuer, client.tenant.as_str(), "ada");
        let signed = |claims: &Value| key.token(Some("one"), claims);
        let unsigned =
            |header: Value| format!("{}.{}.", base64(header.to_string()), base64(good.to_string()));
        // What whoever has the public key alone can make.
        let n = key.published("one")["n"].as_str().unwrap().to_owned();
        let confused = {
            let message = format!(
                "{}.{}",
                base64(json!({ "alg": "HS256", "kid": "one" }).to_string()),
                base64(good.to_string())
            );
            let secret = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, n.as_bytes());
            format!("{message}.{}", base64(ring::hmac::sign(&secret, message.as_bytes())))
        };
        let mut forged = signed(&good);
        let (head, signature) = forged.rsplit_once('.').unwrap();
        forged = format!(
            "{}.{signature}",
            head.replace(
                &base64(good.to_string()),
                &base64(with(good.clone(), "sub", json!("root")).to_string())
            )
        );
        let aud = "the token is not for this server: its `aud` is not `ordain` or `ordain-panel`";
        let published = "the token is signed with a key that its issuer doesn't publish";
        let none = "this is no token that is signed with RS256, ES256, EdDSA";
        let cases: Vec<(&str, String, u16, &str)> = vec![
            (
                "expired",
                signed(&with(good.clone(), "exp", json!(now() - 31))),
                401,
                "the token has expired, at 2026-03-02T10:59:29Z",
            ),
            ("without an end", signed(&without(good.clone(), "exp")), 401, "the token has no claim `exp`"),
            (
                "an end in words",
                signed(&with(good.clone(), "exp", json!("soon"))),
                401,
                "the token's claim `exp` is no instant",
            ),
            (
                "not yet",
                signed(&with(good.clone(), "nbf", json!(now() + 31))),
                401,
                "the token counts from 2026-03-02T11:00:31Z on",
            ),
            ("for others", signed(&with(good.clone(), "aud", json!(["billing"]))), 401, aud),
            ("for nobody", signed(&without(good.clone(), "aud")), 401, "the token has no claim `aud`"),
            (
                "of others",
                signed(&with(good.clone(), "iss", json!("https://evil.example"))),
                401,
                "the token is of another issuer than",
            ),
            ("of nobody", signed(&without(good.clone(), "iss")), 401, "the token has no claim `iss`"),
            ("unknown key", key.token(Some("two"), &good), 401, published),
            ("a stranger's key", stranger.token(Some("one"), &good), 401, "the token's signature is wrong"),
            ("forged", forged, 401, "the token's signature is wrong"),
            ("alg none", unsigned(json!({ "alg": "none", "kid": "one" })), 401, none),
            ("alg None", unsigned(json!({ "alg": "None" })), 401, none),
            (
                "alg RS256, no signature",
                unsigned(json!({ "alg": "RS256", "kid": "one" })),
                401,
                "the token's signature is wrong",
            ),
            (
                "HS256 with the public key",
                confused,
                401,
                "the token is signed with HS256; accepted are RS256, ES256, EdDSA",
            ),
            ("another kind of key", Key::ec().token(Some("one"), &good), 401, published),
            ("no token", "nonsense".to_owned(), 401, none),
            (
                "no tenant",
                signed(&without(good.clone(), "tenant")),
                403,
                "the token has no claim `tenant`, so nobody can say whose data it is about",
            ),
            (
                "a tenant in a list",
                signed(&with(good.clone(), "tenant", json!(["a"]))),
                403,
                "the token's claim `tenant` is no text",
            ),
            (
                "no name",
                signed(&without(good.clone(), "sub")),
                403,
                "the token has no claim `sub` that says who it is",
            ),
            (
                "no groups",
                signed(&without(good.clone(), "groups")),
                403,
                "this takes the role `viewer`; the credential has none",
            ),
            (
                "other groups",
                signed(&with(good.clone(), "groups", json!(["viewer"]))),
                403,
                "this takes the role `viewer`; the credential has none",
            ),
        ];
        for (what, token, status, said) in cases {
            let code = if status == 401 { "unauthenticated" } else { "forbidden" };
            let error = client.presenting(&token).refused("/api/v1/policies/rules", status, code).await;
            assert!(error["detail"].as_str().unwrap().contains(said), "{what}: {error}");
        }
        // The edges of what counts.
        for claims in [
            with(good.clone(), "exp", json!(now() - 29)),
            with(good.clone(), "nbf", json!(now() + 30)),
            with(good.clone(), "aud", json!(["billing", "ordain-panel"])),
            without(good.clone(), "nbf"),
            with(good.clone(), "groups", json!(["staff"])),
        ] {
            client.presenting(&signed(&claims)).ok("/api/v1/policies/rules").await;
        }
        // The one key that fits needs no name.
        client.presenting(&key.token(None, &good)).ok("/api/v1/policies/rules").await;
        // Another tenant's token sees another tenant.
        let other = client.presenting(&signed(&with(good.clone(), "tenant", json!("people-other"))));
        let seen = other.ok("/api/v1/policies/rules").await;
        assert_eq!(seen["filters_applied"]["tenant_id"], "people-other");
        // Keys go on as before, and what is no key of anybody is no token either.
        client.with_key(&client.tenant, "ada", &[Role::Viewer]).await.ok("/api/v1/policies/rules").await;
        let error =
            client.presenting("ordain_x").refused("/api/v1/policies/rules", 401, "unauthenticated").await;
        assert_eq!(error["detail"], "the API key is unknown, has expired, or was revoked");
    })
    .await;
}

#[tokio::test]
async fn keys_are_rotated_and_the_issuer_is_not_asked_without_end() {
    on_each_database("people-rotated", async |client| {
        let (old, new) = (rsa(), Key::ed());
        let issuer = Issuer::started(vec![old.published("old")]).await;
        let client = client.believing(known(&issuer.address));
        let good = claims(&issuer, client.tenant.as_str(), "ada");
        let [before, after] =
            [("old", &old), ("new", &new)].map(|(kid, key)| client.presenting(&key.token(Some(kid), &good)));
        before.ok("/api/v1/policies/rules").await;
        after.refused("/api/v1/policies/rules", 401, "unauthenticated").await;
        issuer.rotate(vec![new.published("new")]);
        after.ok("/api/v1/policies/rules").await;
        before.refused("/api/v1/policies/rules", 401, "unauthenticated").await;
        for round in 0..20 {
            let made_up = client.presenting(&old.token(Some(&format!("made-up-{round}")), &good));
            made_up.refused("/api/v1/policies/rules", 401, "unauthenticated").await;
        }
        assert_eq!(issuer.asked(), 5, "so often within a minute, whatever comes");
        after.ok("/api/v1/policies/rules").await;
    })
    .await;
}

#[tokio::test]
async fn a_server_starts_before_its_issuer_does() {
    // A port on which nobody answers yet.
    let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (options, stop) = options(&folder, "127.0.0.1:0");
    let people = OidcOptions {
        tenant: TenantSource::Always(TenantId::new("demo-tenant").unwrap()),
        ..believing(&format!("http://{port}"))
    };
    let url = options.database_url.clone();
    let clock = Arc::new(Stopped(at(3600)));
    let options = ServeOptions { dev: false, people: Some(people), clock: clock.clone(), ..options };
    let server = Server::bind(options).await.unwrap();
    let address = server.local_addr().unwrap();
    let running = tokio::spawn(server.run());
    let administration = Administration::open(&url, clock, Arc::new(SeededRandom::new(7))).await.unwrap();
    let new = NewApiKey {
        principal: Principal::new(PrincipalKind::Service, "panel").unwrap(),
        roles: [Role::Viewer].into(),
        lifetime: None,
    };
    let (api_key, _) =
        administration.api_keys().create(&TenantId::new("demo-tenant").unwrap(), new).await.unwrap();
    administration.close().await;
    let get = |path: &str, bearer: &str| {
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer {bearer}\r\n\r\n"
        );
        async move { exchange(address, &request).await }
    };
    let key = rsa();
    let mut good =
        json!({ "iss": format!("http://{port}"), "aud": "ordain", "sub": "ada", "groups": ["staff"] });
    good["exp"] = (now() + 300).into();
    let token = key.token(Some("one"), &good);
    let answer = get("/readyz", "").await;
    assert!(
        answer.starts_with("HTTP/1.1 503 ") && answer.contains("the issuer of tokens has not said its keys"),
        "{answer}"
    );
    assert!(get("/healthz", "").await.starts_with("HTTP/1.1 200 "));
    let answer = get("/api/v1/policies/state", &token).await;
    assert!(answer.starts_with("HTTP/1.1 503 ") && answer.contains("\"code\":\"not_ready\""), "{answer}");
    assert!(
        get("/api/v1/policies/state", api_key.reveal()).await.starts_with("HTTP/1.1 200 "),
        "keys count already"
    );

    Issuer::started_at(
        TcpListener::bind(port).await.expect("the port is still free"),
        vec![key.published("one")],
    );
    let begun = Instant::now();
    while !get("/readyz", "").await.starts_with("HTTP/1.1 200 ") {
        assert!(begun.elapsed() < Duration::from_secs(30), "the server doesn't notice its issuer");
        sleep(Duration::from_millis(50)).await;
    }
    assert!(get("/api/v1/policies/state", &token).await.starts_with("HTTP/1.1 200 "));
    stop.send(()).unwrap();
    running.await.unwrap().unwrap();
}

#[tokio::test]
async fn issuers_that_cannot_be_believed_are_refused() {
    let clock = || Arc::new(Stopped(Timestamp::UNIX_EPOCH));
    let refused = |options| Oidc::new(options, clock()).err().expect("is refused").to_string();
    let plain = believing("http://login.example.com");
    assert!(refused(plain).starts_with("`http://login.example.com` is not https"));
    let secret =
        OidcOptions { algorithms: vec!["HS256".to_owned()], ..believing("https://login.example.com") };
    assert!(refused(secret).starts_with("`HS256` is no algorithm; there are RS256"));
    let authorities = Some("no/such/file.pem".into());
    let absent = OidcOptions { authorities, ..believing("https://login.example.com") };
    assert!(refused(absent).contains("cannot read certificates from `no/such/file.pem`"));

    // One that calls itself otherwise is no issuer of ours.
    let key = rsa();
    let issuer = Issuer::started(vec![key.published("one")]).await;
    let elsewhere = issuer.address.replace("127.0.0.1", "localhost");
    on_each_database("people-names", async |client| {
        let client = client.believing(known(&elsewhere));
        let token = key.token(Some("one"), &claims(&issuer, client.tenant.as_str(), "ada"));
        let (status, error) =
            client.presenting(&token).send(Method::GET, "/api/v1/policies/rules", &json!({})).await;
        assert_eq!((status.as_u16(), &error["code"]), (503, &json!("not_ready")), "{error}");
    })
    .await;
}
