//! What a server bears, and how it ends, on a real port.

use std::net::SocketAddr;
use std::time::Duration;

use ordain_runtime::{Limits, ServeError, ServeOptions, Server, Shutdown};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use crate::server::{exchange, options};

/// Longer than anything here takes, so that what hangs fails.
const LONG: Duration = Duration::from_secs(20);

struct Running {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    server: JoinHandle<Result<(), ServeError>>,
    _folder: tempfile::TempDir,
}

async fn running(limits: Limits, shutdown: Shutdown) -> Running {
    let folder = tempfile::tempdir().expect("works");
    let (options, stop) = options(&folder, "127.0.0.1:0");
    let server = Server::bind(ServeOptions { limits, shutdown, ..options }).await.expect("works");
    Running {
        address: server.local_addr().expect("works"),
        stop,
        server: tokio::spawn(server.run()),
        _folder: folder,
    }
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
}

fn body(answer: &str) -> Value {
    serde_json::from_str(answer.split_once("\r\n\r\n").expect("has a body").1).expect("is JSON")
}

/// A violation that comes slowly.
struct Slow {
    stream: TcpStream,
    body: String,
}

impl Slow {
    /// Begins, and waits until the server waits for the body.
    async fn begun(address: SocketAddr) -> Self {
        let violation = json!({ "violation_type": "cost", "source": "guard", "severity": 1 }).to_string();
        let mut stream = TcpStream::connect(address).await.expect("works");
        let head = format!(
            "POST /api/v1/violations HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: \
             application/json\r\nContent-Length: {}\r\nExpect: 100-continue\r\n\r\n",
            violation.len()
        );
        stream.write_all(head.as_bytes()).await.expect("works");
        let mut said = [0; 25];
        timeout(LONG, stream.read_exact(&mut said)).await.expect("works").expect("works");
        assert_eq!(&said, b"HTTP/1.1 100 Continue\r\n\r\n");
        Self { stream, body: violation }
    }

    async fn ended(mut self) -> String {
        self.stream.write_all(self.body.as_bytes()).await.expect("works");
        let mut answer = String::new();
        self.stream.read_to_string(&mut answer).await.expect("works");
        answer
    }
}

#[tokio::test]
async fn what_is_too_much_is_turned_away_and_told_when_to_come_back() {
    let it = running(Limits { requests: 1, ..Limits::default() }, Shutdown::default()).await;
    let slow = Slow::begun(it.address).await;
    let answer = exchange(it.address, &get("/api/v1/policies/state")).await;
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    let head = answer.to_ascii_lowercase();
    assert!(
        head.contains("retry-after: 1\r\n") && head.contains("content-type: application/problem+json"),
        "{answer}"
    );
    assert_eq!(body(&answer)["code"], "overloaded");
    assert!(
        exchange(it.address, &get("/healthz")).await.starts_with("HTTP/1.1 200 "),
        "health is seen all the same"
    );
    assert!(slow.ended().await.starts_with("HTTP/1.1 201 "), "what was there first is done");
    assert!(exchange(it.address, &get("/api/v1/policies/state")).await.starts_with("HTTP/1.1 200 "));
    it.stop.send(()).unwrap();
    it.server.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_request_under_way_ends_before_the_server_does() {
    let it = running(Limits::default(), Shutdown { deadline: LONG, ..Shutdown::default() }).await;
    let slow = Slow::begun(it.address).await;
    it.stop.send(()).unwrap();
    let begun = Instant::now();
    while TcpStream::connect(it.address).await.is_ok() {
        assert!(begun.elapsed() < LONG, "connections are still taken");
        sleep(Duration::from_millis(10)).await;
    }
    assert!(!it.server.is_finished());
    assert!(slow.ended().await.starts_with("HTTP/1.1 201 "));
    timeout(LONG, it.server).await.expect("ends at once then").unwrap().unwrap();
}

#[tokio::test]
async fn a_request_that_does_not_end_in_time_is_cut_off() {
    let deadline = Duration::from_millis(200);
    let it = running(Limits::default(), Shutdown { deadline, ..Shutdown::default() }).await;
    let mut slow = Slow::begun(it.address).await;
    it.stop.send(()).unwrap();
    timeout(LONG, it.server).await.expect("the deadline holds").unwrap().unwrap();
    let mut answer = vec![];
    // Closed or reset: there is no answer.
    let _ = timeout(LONG, slow.stream.read_to_end(&mut answer)).await.expect("is closed");
    assert_eq!(answer, b"");
}

#[tokio::test]
async fn balancers_notice_before_connections_are_refused() {
    let delay = Duration::from_secs(2);
    let it = running(Limits::default(), Shutdown { delay, ..Shutdown::default() }).await;
    assert!(exchange(it.address, &get("/readyz")).await.starts_with("HTTP/1.1 200 "));
    it.stop.send(()).unwrap();
    let answer = loop {
        let answer = exchange(it.address, &get("/readyz")).await;
        if !answer.starts_with("HTTP/1.1 200 ") {
            break answer;
        }
    };
    assert_eq!(body(&answer)["code"], "not_ready");
    let state = exchange(it.address, &get("/api/v1/policies/state")).await;
    assert!(state.starts_with("HTTP/1.1 200 "), "whoever hasn't noticed yet is served: {state}");
    timeout(LONG, it.server).await.unwrap().unwrap().unwrap();
}

#[tokio::test]
async fn silent_connections_are_closed_and_others_take_their_places() {
    let idle = Duration::from_millis(300);
    let it = running(Limits { connections: 1, idle, ..Limits::default() }, Shutdown::default()).await;
    // Nothing at all, half a head, and nothing more after an answer.
    let answered = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
    for said in ["", "GET /healthz HTTP/1.1\r\nHost: local", answered] {
        let mut silent = TcpStream::connect(it.address).await.unwrap();
        silent.write_all(said.as_bytes()).await.unwrap();
        // This one waits until there is room, which is when the silent one's time is over.
        let next = timeout(LONG, exchange(it.address, &get("/healthz"))).await.expect("there is room again");
        assert!(next.starts_with("HTTP/1.1 200 "));
        let mut answer = vec![];
        let _ = timeout(LONG, silent.read_to_end(&mut answer)).await.expect("is closed");
        assert_eq!(answer.is_empty(), said != answered);
    }
    it.stop.send(()).unwrap();
    it.server.await.unwrap().unwrap();
}

#[tokio::test]
async fn bodies_are_bounded_as_was_told() {
    let it = running(Limits { body: 100, bundle: 50, ..Limits::default() }, Shutdown::default()).await;
    for (method, path, length, status) in [
        ("POST", "/api/v1/violations", 101, "413"),
        ("POST", "/api/v1/violations", 100, "400"),
        ("PUT", "/api/v1/bundles", 51, "413"),
        ("PUT", "/api/v1/bundles", 50, "422"),
    ] {
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: \
             application/json\r\nContent-Length: {length}\r\n\r\n{}",
            "x".repeat(length)
        );
        let answer = exchange(it.address, &request).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{method} {path} {length}: {answer}");
    }
    it.stop.send(()).unwrap();
    it.server.await.unwrap().unwrap();
}
