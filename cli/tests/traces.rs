//! Traces, as a collector gets them. Runs with the feature `traces` only.

mod support;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};

use serde_json::Value;
use support::{Server, example};

/// A collector: each body that it gets, and what it was sent with.
fn collector() -> (String, Receiver<(String, Value)>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("listens");
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.expect("connects"));
            let (mut head, mut length) = (String::new(), 0);
            loop {
                let mut line = String::new();
                if stream.read_line(&mut line).expect("reads") <= 2 {
                    break;
                }
                if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().expect("is a number");
                }
                head.push_str(&line);
            }
            let mut body = vec![0; length];
            stream.read_exact(&mut body).expect("is there");
            let answer = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}";
            stream.get_mut().write_all(answer.as_bytes()).expect("is read");
            let _ = sender.send((head, serde_json::from_slice(&body).expect("is JSON")));
        }
    });
    (format!("http://{address}/v1/traces"), receiver)
}

/// The spans of all bodies.
fn spans(bodies: &[Value]) -> Vec<Value> {
    let list = |value: &Value, name: &str| value[name].as_array().cloned().unwrap_or_default();
    let resources = bodies.iter().flat_map(|body| list(body, "resourceSpans"));
    let scopes = resources.flat_map(|resource| list(&resource, "scopeSpans"));
    scopes.flat_map(|scope| list(&scope, "spans")).collect()
}

fn attribute<'a>(span: &'a Value, name: &str) -> &'a Value {
    let attributes = span["attributes"].as_array().expect("has attributes");
    attributes.iter().find(|it| it["key"] == name).map_or(&Value::Null, |it| &it["value"])
}

#[test]
fn each_request_is_a_span_below_what_its_client_says() {
    let (endpoint, received) = collector();
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite://{}", folder.path().join("a.db").display());
    let setting = format!("traces.endpoint={endpoint}");
    let server =
        Server::start_with(&example("acme"), &database, &["--tenant", "sentinel", "--set", &setting]);
    let (trace, parent) = ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7");
    let headers = format!("traceparent: 00-{trace}-{parent}-01\r\nX-Request-Id: my-request\r\n");
    assert_eq!(server.get_with_headers("/api/v1/policies/rules?limit=1", &headers).0, 200);
    // The client says that it isn't recorded, so neither is this.
    let unsampled = format!("traceparent: 00-{}-{parent}-00\r\n", trace.replace('4', "5"));
    assert_eq!(server.get_with_headers("/api/v1/policies/limits", &unsampled).0, 200);
    assert_eq!(server.get("/api/v1/policies/nothing").0, 404);
    server.stopped();

    let (heads, bodies): (Vec<_>, Vec<_>) = received.try_iter().unzip();
    assert!(heads[0].starts_with("POST /v1/traces HTTP/1.1\r\n"), "{heads:?}");
    let whole = Value::from(bodies.clone()).to_string();
    assert!(whole.contains(r#"{"key":"service.name","value":{"stringValue":"ordain"}}"#), "{whole}");
    assert!(!whole.contains("sentinel"), "nothing says whose request it was: {whole}");
    let spans = spans(&bodies);
    let named = |name: &str| spans.iter().filter(|span| span["name"] == name).collect::<Vec<_>>();
    let [rules] = named("GET /api/v1/policies/rules")[..] else { panic!("{whole}") };
    assert_eq!((&rules["traceId"], &rules["parentSpanId"]), (&trace.into(), &parent.into()));
    assert_eq!(rules["kind"], 2, "SERVER");
    for (name, value) in [
        ("request_id", "my-request"),
        ("http.route", "/api/v1/policies/rules"),
        ("http.request.method", "GET"),
    ] {
        assert_eq!(attribute(rules, name)["stringValue"], value, "{rules}");
    }
    assert_eq!(attribute(rules, "http.response.status_code")["intValue"], "200", "{rules}");
    assert!(named("GET /api/v1/policies/limits").is_empty(), "{whole}");
    let [lost] = named("GET none")[..] else { panic!("{whole}") };
    assert_eq!(attribute(lost, "http.response.status_code")["intValue"], "404");
    assert_ne!(lost["traceId"], trace);
    let begun =
        rules["startTimeUnixNano"].as_str().and_then(|at| at.parse::<u64>().ok()).expect("an instant");
    let ended = rules["endTimeUnixNano"].as_str().and_then(|at| at.parse::<u64>().ok()).expect("an instant");
    assert!(begun < ended);
    let words: Vec<_> =
        rules["attributes"].as_array().unwrap().iter().map(|it| it["key"].as_str().unwrap()).collect();
    let wanted =
        ["request_id", "method", "path", "http.route", "http.request.method", "http.response.status_code"];
    assert_eq!(words, wanted, "and nothing else");
}

#[test]
fn a_collector_that_is_not_there_is_no_harm() {
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite://{}", folder.path().join("a.db").display());
    let more = ["--set", "traces.endpoint=http://127.0.0.1:9/v1/traces", "--set", "traces.sample=50%"];
    let server = Server::start_with(&example("acme"), &database, &more);
    assert_eq!(server.get("/api/v1/policies/rules").0, 200);
    server.stopped();
}
