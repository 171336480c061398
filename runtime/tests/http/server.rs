//! The server as a whole, on a real port.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use ordain_runtime::{
    Administration, BundleFile, Limits, NewApiKey, PanelOptions, Principal, PrincipalKind, Role, ServeError,
    ServeOptions, Server, Shutdown, TenantId, Trust, serve,
};
use ordain_store::SeededRandom;
use ordain_store::conformance::fixtures::{at, audit_example};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use crate::support::{Finds, Stopped, postgres_database};

/// A server of the audit's example on this address, and what ends it.
pub(crate) fn options(folder: &tempfile::TempDir, listen: &str) -> (ServeOptions, oneshot::Sender<()>) {
    let (stop, stopped) = oneshot::channel();
    let bundle = audit_example();
    let options = ServeOptions {
        listen: listen.parse().expect("is an address"),
        database_url: format!("sqlite://{}", folder.path().join("ordain.db").display()),
        bundle: Some(BundleFile::unsigned(bundle.to_bytes().0)),
        trust: Trust::default(),
        watch: None,
        tenant: "demo-tenant".to_owned(),
        dev: true,
        gate: Arc::new(Finds(Ok(bundle.analysis))),
        clock: Arc::new(Stopped(at(0))),
        random: Arc::new(SeededRandom::new(1)),
        people: None,
        tls: None,
        limits: Limits::default(),
        panels: PanelOptions::default(),
        shutdown: Shutdown::default(),
        stop: Box::pin(async move {
            let _ = stopped.await;
        }),
    };
    (options, stop)
}

/// Sends a request that closes the connection, and returns the whole answer.
pub(crate) async fn exchange(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.expect("is there");
    stream.write_all(request.as_bytes()).await.expect("takes it");
    let mut answer = vec![];
    stream.read_to_end(&mut answer).await.expect("answers");
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn it_serves_until_it_is_told_to_stop() {
    let folder = tempfile::tempdir().unwrap();
    let (options, stop) = options(&folder, "127.0.0.1:0");
    let server = Server::bind(options).await.unwrap();
    let address = server.local_addr().unwrap();
    let running = tokio::spawn(server.run());
    let get = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    let answer = exchange(address, &get("/api/v1/policies/state")).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.ends_with(
        "{\"total_policies\":3,\"active_policies\":3,\"drafts_pending_review\":0,\"conflicts_detected\":1,\
         \"violations_24h\":0,\"lessons_pending_action\":0,\"last_updated\":\"2026-03-02T10:00:00Z\"}"
    ), "{answer}");
    let answer = exchange(address, &get("/api/v1/policies/rules")).await;
    assert!(answer.contains("\"filters_applied\":{\"tenant_id\":\"demo-tenant\"}"), "{answer}");
    let evil = "GET /api/v1/policies/rules HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n";
    assert!(exchange(address, evil).await.starts_with("HTTP/1.1 421 "));

    // A connection that is kept open without a request doesn't hold the end up.
    let idle = TcpStream::connect(address).await.unwrap();
    stop.send(()).unwrap();
    tokio::time::timeout(Duration::from_secs(9), running).await.expect("ends soon").unwrap().unwrap();
    assert!(TcpStream::connect(address).await.is_err(), "the port is free again");
    drop(idle);
}

#[tokio::test]
async fn a_port_in_use_is_named_and_nothing_has_changed() {
    let folder = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap();
    let (options, _stop) = options(&folder, &address.to_string());
    let error = serve(options).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("port {} on 127.0.0.1 is in use; choose another with --listen", address.port())
    );
    assert!(!folder.path().join("ordain.db").exists());
}

#[tokio::test]
async fn without_credentials_only_this_machine_is_served() {
    let folder = tempfile::tempdir().unwrap();
    for (listen, shown) in
        [("0.0.0.0:8642", "0.0.0.0:8642"), ("[::]:8642", "[::]:8642"), ("192.0.2.1:8642", "192.0.2.1:8642")]
    {
        let (options, _stop) = options(&folder, listen);
        let error = serve(options).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "other machines could reach {shown}, and under --dev no credential is asked; listen on this machine \
                 only, for example with --listen 127.0.0.1:8642, or leave --dev out"
            )
        );
    }
}

#[tokio::test]
async fn with_credentials_others_are_served_too() {
    let folder = tempfile::tempdir().unwrap();
    let (options, stop) = options(&folder, "0.0.0.0:0");
    let options = ServeOptions { dev: false, ..options };
    let url = options.database_url.clone();
    let server = Server::bind(options).await.unwrap();
    let address = SocketAddr::from(([127, 0, 0, 1], server.local_addr().unwrap().port()));
    let running = tokio::spawn(server.run());
    // Beside the running server, as an operator does it.
    let (clock, random) = (Arc::new(Stopped(at(0))), Arc::new(SeededRandom::new(7)));
    let administration = Administration::open(&url, clock, random).await.unwrap();
    let ada = NewApiKey {
        principal: Principal::new(PrincipalKind::Human, "ada").unwrap(),
        roles: [Role::Viewer].into(),
        lifetime: None,
    };
    let tenant = TenantId::new("demo-tenant").unwrap();
    let (key, record) = administration.api_keys().create(&tenant, ada).await.unwrap();
    let ask = |more: &str| {
        let request = format!(
            "GET /api/v1/policies/state HTTP/1.1\r\nHost: ordain.example\r\nConnection: close\r\n{more}\r\n"
        );
        async move { exchange(address, &request).await }
    };
    let answer = ask("").await;
    assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
    assert!(answer.to_ascii_lowercase().contains("www-authenticate: bearer"), "{answer}");
    let header = format!("Authorization: Bearer {}\r\n", key.reveal());
    assert!(ask(&header).await.contains("\"total_policies\":3"));
    administration.api_keys().revoke(&tenant, record.id).await.unwrap();
    assert!(ask(&header).await.starts_with("HTTP/1.1 401 "), "at once");
    administration.close().await;
    stop.send(()).unwrap();
    running.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_restart_does_not_undo_what_people_did() {
    let folder = tempfile::tempdir().unwrap();
    let started = async |bundle: Option<Vec<u8>>| {
        let bundle = bundle.map(BundleFile::unsigned);
        let (options, stop) = options(&folder, "127.0.0.1:0");
        let server = Server::bind(ServeOptions { bundle, ..options }).await.unwrap();
        let address = server.local_addr().unwrap();
        let running = tokio::spawn(server.run());
        let get = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        let answer = exchange(address, &get("/readyz")).await;
        (address, answer, async move {
            stop.send(()).unwrap();
            running.await.unwrap().unwrap();
        })
    };
    let (first, mut second) = (audit_example(), audit_example());
    second.workspace = "newer".to_owned();
    let (address, answer, end) = started(Some(first.to_bytes().0)).await;
    assert!(answer.contains(&first.to_bytes().1), "{answer}");
    let id = first.policies.rules[&"ethical-ai".into()].id();
    let delete = format!(
        "DELETE /api/v1/policies/rules/{id} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    );
    assert!(exchange(address, &delete).await.starts_with("HTTP/1.1 200 "));
    end.await;
    for again in [Some(first.to_bytes().0), None] {
        let (_, answer, end) = started(again).await;
        assert!(answer.starts_with("HTTP/1.1 200 ") && !answer.contains(&first.to_bytes().1), "{answer}");
        end.await;
    }
    let (_, answer, end) = started(Some(second.to_bytes().0)).await;
    assert!(answer.contains(&second.to_bytes().1), "what is new becomes active: {answer}");
    end.await;
}

#[tokio::test]
async fn a_role_above_row_level_security_is_refused() {
    let Some(url) = postgres_database().await else { return };
    let folder = tempfile::tempdir().unwrap();
    let (options, _stop) = options(&folder, "127.0.0.1:0");
    let options = ServeOptions { dev: false, database_url: url.to_owned(), ..options };
    let error = Server::bind(options).await.err().expect("is refused").to_string();
    assert!(error.contains("is a superuser or has BYPASSRLS"), "{error}");
}

#[tokio::test]
async fn what_cannot_be_served_is_explained() {
    let folder = tempfile::tempdir().unwrap();
    let fails = async |change: &dyn Fn(&mut ServeOptions)| {
        let (mut options, _stop) = options(&folder, "127.0.0.1:0");
        change(&mut options);
        Server::bind(options).await.err().expect("is refused")
    };
    let error = fails(&|o| "foo://x".clone_into(&mut o.database_url)).await;
    assert_eq!(
        error.to_string(),
        "unknown database `foo://`; use `sqlite://FILE` or `postgres://USER@HOST/DATABASE`"
    );
    let error = fails(&|o| o.bundle = Some(BundleFile::unsigned(b"hello".to_vec()))).await;
    assert_eq!(error.to_string(), "this is no Ordain bundle: it does not begin with `ORDAIN-BUNDLE`");
    let error = fails(&|o| o.tenant.clear()).await;
    assert!(matches!(error, ServeError::Tenant(_)), "{error}");
}
