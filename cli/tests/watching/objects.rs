//! A store that speaks S3: as much of it as reading takes, over real connections.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::{Arc, Mutex};

use jiff::Timestamp;

use crate::{Scene, Server, activate, becomes_active, looks, soon, stays};

struct Object {
    bytes: Vec<u8>,
    modified_at: Timestamp,
}

impl Object {
    fn tag(&self) -> String {
        let mut hasher = DefaultHasher::new();
        self.bytes.hash(&mut hasher);
        format!("\"{:x}\"", hasher.finish())
    }
}

#[derive(Default)]
struct Contents {
    objects: BTreeMap<String, Object>,
    /// How often something was put, each time a millisecond later.
    put: i64,
    /// How requests are answered whatever they ask, if they are.
    broken: Option<u16>,
    /// How often bytes were asked for.
    fetched: usize,
    asked: usize,
}

/// One bucket, `policies`, for whoever signs as `AKID`.
struct Store {
    contents: Arc<Mutex<Contents>>,
    address: String,
}

impl Store {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = format!("http://{}", listener.local_addr().expect("it has one"));
        let contents = Arc::<Mutex<Contents>>::default();
        let shared = Arc::clone(&contents);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // Whoever asks may go away.
                let _ = answer(&stream, &shared);
            }
        });
        Self { contents, address }
    }

    fn with<T>(&self, change: impl FnOnce(&mut Contents) -> T) -> T {
        change(&mut self.contents.lock().expect("nobody panicked"))
    }

    fn put(&self, key: &str, bytes: &[u8]) {
        self.with(|held| {
            held.put += 1;
            let modified_at = Timestamp::from_millisecond(1_790_000_000_000 + held.put).expect("is near");
            held.objects.insert(key.to_owned(), Object { bytes: bytes.to_vec(), modified_at });
        });
    }

    /// As the server's environment says it.
    fn said<'a>(&self, server: &'a mut Command) -> &'a mut Command {
        server.env("AWS_ENDPOINT_URL", &self.address).env("AWS_ALLOW_HTTP", "true").envs([
            ("AWS_ACCESS_KEY_ID", "AKID"),
            ("AWS_SECRET_ACCESS_KEY", "s3cret"),
            ("AWS_REGION", "eu-central-1"),
        ])
    }
}

/// Answers one request, and closes the connection.
fn answer(mut stream: &TcpStream, contents: &Mutex<Contents>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let (mut request, mut signed) = (String::new(), false);
    reader.read_line(&mut request)?;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 || line.trim().is_empty() {
            break;
        }
        let line = line.to_ascii_lowercase();
        signed |= line.starts_with("authorization: aws4-hmac-sha256 credential=akid/")
            && line.contains("/eu-central-1/s3/aws4_request");
    }
    let mut words = request.split(' ');
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let mut held = contents.lock().expect("nobody panicked");
    held.asked += 1;
    let (status, headers, body) = match (held.broken, signed) {
        (Some(status), _) => (status, String::new(), b"<Error><Code>Broken</Code></Error>".to_vec()),
        (None, false) => (403, String::new(), b"<Error><Code>AccessDenied</Code></Error>".to_vec()),
        (None, true) => found(&mut held, method, target),
    };
    drop(held);
    write!(
        stream,
        "HTTP/1.1 {status} x\r\nConnection: close\r\n{headers}Content-Length: {}\r\n\r\n",
        body.len()
    )?;
    if method == "HEAD" { Ok(()) } else { stream.write_all(&body) }
}

fn found(held: &mut Contents, method: &str, target: &str) -> (u16, String, Vec<u8>) {
    let path = target.strip_prefix("/policies").unwrap_or_default();
    if let Some(query) = path.trim_start_matches('/').strip_prefix('?') {
        let prefix = query.split('&').find_map(|part| part.strip_prefix("prefix=")).unwrap_or_default();
        let prefix = prefix.replace("%2F", "/");
        assert!(query.contains("list-type=2") && query.contains("delimiter=%2F"), "{query}");
        let mut list = "<ListBucketResult><IsTruncated>false</IsTruncated>".to_owned();
        for (key, object) in held.objects.iter().filter(|(key, _)| key.starts_with(&prefix)) {
            if !key[prefix.len()..].contains('/') {
                // To the millisecond, where a head knows seconds only.
                let at = object.modified_at;
                let (tag, size) = (object.tag().replace('"', "&quot;"), object.bytes.len());
                let _ = write!(
                    list,
                    "<Contents><Key>{key}</Key><LastModified>{at}</LastModified><ETag>{tag}</ETag><Size>{size}</Size></Contents>"
                );
            }
        }
        return (
            200,
            "Content-Type: application/xml\r\n".to_owned(),
            (list + "</ListBucketResult>").into_bytes(),
        );
    }
    let Some(object) = held.objects.get(path.trim_start_matches('/')) else {
        return (404, String::new(), b"<Error><Code>NoSuchKey</Code></Error>".to_vec());
    };
    let at = object.modified_at.strftime("%a, %d %b %Y %H:%M:%S GMT");
    let headers = format!("ETag: {}\r\nLast-Modified: {at}\r\n", object.tag());
    let bytes = object.bytes.clone();
    held.fetched += usize::from(method == "GET");
    (200, headers, bytes)
}

#[test]
fn what_is_pushed_to_a_bucket_decides() {
    let (scene, store) = (Scene::new(), Store::new());
    let [export, refund, delete] = ["export", "refund", "delete"].map(|tool| scene.build(tool, Some("ours")));
    let keys = format!("bundles.keys={}", scene.text("ours.pub"));
    // The store is down when the server starts.
    store.with(|held| held.broken = Some(503));
    let serve = || -> Server {
        scene.serve("s3://policies/prod", |server| store.said(server.args(["--set", &keys])))
    };
    let server = serve();
    soon("it is asked", || looks(&server, "failed") > 0);
    assert_eq!(server.get("/readyz").0, 503);
    store.with(|held| held.broken = None);
    let push = |tool: &str, key: &str| {
        store.put(&format!("{key}.sig"), &scene.read(&format!("{tool}.sig")));
        store.put(key, &scene.read(tool));
    };
    push("export", "prod/1.ordain-bundle");
    becomes_active(&server, &export);
    push("refund", "prod/2.ordain-bundle");
    // Deeper, or elsewhere, is not here.
    push("delete", "prod/old/3.ordain-bundle");
    push("delete", "production/3.ordain-bundle");
    becomes_active(&server, &refund);
    stays(&server, "unchanged", &refund);
    let fetched = store.with(|held| held.fetched);
    stays(&server, "unchanged", &refund);
    assert_eq!(store.with(|held| held.fetched), fetched, "what is known isn't fetched again");

    // It goes away, and comes back.
    store.with(|held| held.broken = Some(500));
    stays(&server, "failed", &refund);
    store.with(|held| held.broken = None);
    store.put("prod/4.ordain-bundle", b"hello");
    stays(&server, "refused", &refund);
    let fetched = store.with(|held| held.fetched);
    stays(&server, "refused", &refund);
    assert_eq!(store.with(|held| held.fetched), fetched, "what is refused isn't fetched again");
    store.with(|held| held.objects.remove("prod/4.ordain-bundle"));
    stays(&server, "unchanged", &refund);

    activate(&server, &export);
    stays(&server, "unchanged", &export);
    let log = server.stopped();
    assert!(!log.contains("s3cret"), "{log}");
    assert!(
        log.contains("could not look for new bundles") && log.contains("the bundle is not signed"),
        "{log}"
    );
    let server = serve();
    stays(&server, "unchanged", &export);
    push("delete", "prod/3.ordain-bundle");
    becomes_active(&server, &delete);
    server.stopped();
}

#[test]
fn one_object_is_taken_whenever_it_is_another() {
    let (scene, store) = (Scene::new(), Store::new());
    let (export, refund) = (scene.build("export", None), scene.build("refund", None));
    let key = "shop.ordain-bundle";
    store.put(key, &scene.read("export"));
    let place = format!("s3://policies/{key}");
    let server = scene.serve(&place, |server| store.said(server));
    becomes_active(&server, &export);
    store.put(key, &scene.read("refund"));
    becomes_active(&server, &refund);
    store.put(key, &scene.read("export"));
    becomes_active(&server, &export);
    store.with(|held| held.objects.clear());
    stays(&server, "missing", &export);
    server.stopped();

    // Neither another's key nor a connection that others can read along.
    let server = scene.serve(&place, |server| store.said(server).env("AWS_ACCESS_KEY_ID", "OTHER"));
    stays(&server, "failed", &export);
    server.stopped();
    let asked = store.with(|held| held.asked);
    let server = scene.serve(&place, |server| store.said(server).env("AWS_ALLOW_HTTP", "false"));
    stays(&server, "failed", &export);
    assert!(server.stopped().contains("`AWS_ALLOW_HTTP=true` allows that"));
    assert_eq!(store.with(|held| held.asked), asked, "nothing was sent");
}
