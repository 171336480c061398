//! A language client for tests: real frames over any pair of byte streams, so the same scenarios run against
//! the library in memory and against the built program over its standard input and output. Needs nothing but
//! `serde_json`.

#![expect(clippy::needless_pass_by_value, reason = "callers write their parameters where they call")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// How long anything may take before a test fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// The last `textDocument/publishDiagnostics` of a file.
#[derive(Clone, Debug)]
pub(crate) struct Published {
    pub(crate) version: Option<i64>,
    pub(crate) diagnostics: Vec<Value>,
}

/// One end of a conversation with a server.
pub(crate) struct Client {
    to_server: Option<Box<dyn Write + Send>>,
    from_server: Receiver<Value>,
    next_id: i64,
    /// Answers that nobody has asked for yet, by request.
    answers: BTreeMap<i64, Value>,
    /// By address.
    pub(crate) published: BTreeMap<String, Published>,
    /// Every push, in order of arrival.
    pub(crate) pushes: Vec<(String, Published)>,
    /// Requests that the server made, by method; each was answered with `null`.
    pub(crate) requested: Vec<Value>,
    /// Other notifications.
    pub(crate) notified: Vec<Value>,
}

impl Client {
    /// A client over these streams.
    pub(crate) fn new(
        from_server: impl Read + Send + 'static,
        to_server: impl Write + Send + 'static,
    ) -> Self {
        let (sender, receiver) = channel();
        std::thread::spawn(move || {
            let mut reader = BufReader::new(from_server);
            while let Some(message) = read_frame(&mut reader) {
                if sender.send(message).is_err() {
                    return;
                }
            }
        });
        Self {
            to_server: Some(Box::new(to_server)),
            from_server: receiver,
            next_id: 0,
            answers: BTreeMap::new(),
            published: BTreeMap::new(),
            pushes: vec![],
            requested: vec![],
            notified: vec![],
        }
    }

    /// `initialize` and `initialized`; gives the server's answer.
    pub(crate) fn initialize(&mut self, root: &Path, capabilities: Value) -> Value {
        let folder = json!({ "uri": uri(root), "name": "test" });
        let params = json!({
            "processId": null, "rootUri": uri(root), "workspaceFolders": [folder], "capabilities": capabilities,
        });
        let answer = self.call("initialize", params).expect("initialize succeeds");
        self.notify("initialized", json!({}));
        answer
    }

    /// Sends raw bytes.
    pub(crate) fn send_bytes(&mut self, bytes: &[u8]) {
        let stream = self.to_server.as_mut().expect("the stream is open");
        stream.write_all(bytes).and_then(|()| stream.flush()).expect("the server reads");
    }

    fn send(&mut self, message: &Value) {
        let body = message.to_string();
        self.send_bytes(format!("Content-Length: {}\r\n\r\n{body}", body.len()).as_bytes());
    }

    /// Sends a notification.
    pub(crate) fn notify(&mut self, method: &str, params: Value) {
        self.send(&json!({ "jsonrpc": "2.0", "method": method, "params": params }));
    }

    /// Sends a request; gives its number.
    pub(crate) fn request(&mut self, method: &str, params: Value) -> i64 {
        self.next_id += 1;
        let id = self.next_id;
        let mut message = json!({ "jsonrpc": "2.0", "id": id, "method": method });
        if !params.is_null() {
            message["params"] = params;
        }
        self.send(&message);
        id
    }

    /// Waits for the answer to a request: the result, or the error.
    pub(crate) fn answer(&mut self, id: i64) -> Result<Value, Value> {
        self.wait(&format!("the answer to request {id}"), |client| client.answers.contains_key(&id));
        let mut answer = self.answers.remove(&id).expect("it has just been seen");
        if answer.get("error").is_some() { Err(answer["error"].take()) } else { Ok(answer["result"].take()) }
    }

    /// Sends a request and waits for its answer.
    pub(crate) fn call(&mut self, method: &str, params: Value) -> Result<Value, Value> {
        let id = self.request(method, params);
        self.answer(id)
    }

    /// `textDocument/didOpen`
    pub(crate) fn open(&mut self, path: &Path, version: i64, text: &str) {
        let document = json!({ "uri": uri(path), "languageId": "ordain", "version": version, "text": text });
        self.notify("textDocument/didOpen", json!({ "textDocument": document }));
    }

    /// `textDocument/didChange` with these changes.
    pub(crate) fn change(&mut self, path: &Path, version: i64, changes: Value) {
        let document = json!({ "uri": uri(path), "version": version });
        self.notify("textDocument/didChange", json!({ "textDocument": document, "contentChanges": changes }));
    }

    /// `textDocument/didChange` to a whole new text.
    pub(crate) fn replace(&mut self, path: &Path, version: i64, text: &str) {
        self.change(path, version, json!([{ "text": text }]));
    }

    /// `textDocument/didClose`
    pub(crate) fn close(&mut self, path: &Path) {
        self.notify("textDocument/didClose", json!({ "textDocument": { "uri": uri(path) } }));
    }

    /// `workspace/didChangeWatchedFiles`; kinds are 1 created, 2 changed, 3 deleted.
    pub(crate) fn files_changed(&mut self, changes: &[(&Path, u8)]) {
        let changes: Vec<_> =
            changes.iter().map(|(path, kind)| json!({ "uri": uri(path), "type": kind })).collect();
        self.notify("workspace/didChangeWatchedFiles", json!({ "changes": changes }));
    }

    /// `textDocument/diagnostic`
    pub(crate) fn pull(&mut self, path: &Path, previous: Option<&str>) -> Result<Value, Value> {
        let mut params = json!({ "textDocument": { "uri": uri(path) } });
        if let Some(previous) = previous {
            params["previousResultId"] = previous.into();
        }
        self.call("textDocument/diagnostic", params)
    }

    /// A request about a place in a document.
    pub(crate) fn at(&mut self, method: &str, path: &Path, line: u32, character: u32) -> i64 {
        let position = json!({ "line": line, "character": character });
        self.request(method, json!({ "textDocument": { "uri": uri(path) }, "position": position }))
    }

    /// The diagnostics last pushed for a file; none if there was no push.
    pub(crate) fn diagnostics(&self, path: &Path) -> &[Value] {
        self.published.get(&uri(path)).map_or(&[], |published| &published.diagnostics)
    }

    /// The codes of the diagnostics last pushed for a file.
    pub(crate) fn codes(&self, path: &Path) -> Vec<&str> {
        self.diagnostics(path).iter().filter_map(|diagnostic| diagnostic["code"].as_str()).collect()
    }

    /// Waits until exactly these codes are pushed for a file.
    pub(crate) fn wait_for_codes(&mut self, path: &Path, codes: &[&str]) {
        self.wait(&format!("{codes:?} for {}", path.display()), |client| client.codes(path) == codes);
    }

    /// Waits until diagnostics of this version of a file are pushed.
    pub(crate) fn wait_for_version(&mut self, path: &Path, version: i64) {
        let address = uri(path);
        self.wait(&format!("version {version} of {address}"), |client| {
            client.published.get(&address).is_some_and(|published| published.version == Some(version))
        });
    }

    /// Takes in messages until something holds.
    ///
    /// # Panics
    /// If it doesn't within [`PATIENCE`], or the server goes away.
    pub(crate) fn wait(&mut self, what: &str, holds: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !holds(self) {
            match self.from_server.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(message) => self.take(message),
                Err(RecvTimeoutError::Timeout) => panic!("{what} didn't come\n{}", self.state()),
                Err(RecvTimeoutError::Disconnected) => {
                    panic!("the server left before {what}\n{}", self.state())
                }
            }
        }
    }

    /// Takes in whatever comes during this time.
    pub(crate) fn listen(&mut self, time: Duration) {
        let deadline = Instant::now() + time;
        while let Ok(message) =
            self.from_server.recv_timeout(deadline.saturating_duration_since(Instant::now()))
        {
            self.take(message);
        }
    }

    fn take(&mut self, message: Value) {
        match (message.get("id").cloned(), message.get("method").and_then(Value::as_str)) {
            (Some(id), Some(_)) => {
                self.send(&json!({ "jsonrpc": "2.0", "id": id, "result": null }));
                self.requested.push(message);
            }
            (Some(id), None) => {
                let earlier = id.as_i64().and_then(|id| self.answers.insert(id, message));
                assert!(earlier.is_none(), "two answers to one request: {earlier:?}");
            }
            (None, Some("textDocument/publishDiagnostics")) => {
                let params = &message["params"];
                let address = params["uri"].as_str().expect("a push has an address").to_owned();
                let diagnostics = params["diagnostics"].as_array().expect("a push has a list").clone();
                let published = Published { version: params["version"].as_i64(), diagnostics };
                self.published.insert(address.clone(), published.clone());
                self.pushes.push((address, published));
            }
            _ => self.notified.push(message),
        }
    }

    /// The requests of the server with this method.
    pub(crate) fn requested(&self, method: &str) -> usize {
        self.requested.iter().filter(|message| message["method"] == method).count()
    }

    /// `shutdown` and `exit`.
    pub(crate) fn leave(&mut self) {
        self.call("shutdown", Value::Null).expect("shutdown succeeds");
        self.notify("exit", Value::Null);
    }

    /// Ends the stream to the server.
    pub(crate) fn hang_up(&mut self) {
        self.to_server = None;
    }

    fn state(&self) -> String {
        let mut out = String::new();
        for (address, published) in &self.published {
            let _ = writeln!(out, "{address} {published:#?}");
        }
        let _ = writeln!(out, "answers {:?}\nnotified {:?}", self.answers, self.notified);
        out
    }
}

/// The address of a file.
pub(crate) fn uri(path: &Path) -> String {
    let path = path.to_str().expect("test files have plain names");
    let mut out = String::from("file://");
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            out.push(byte.into());
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// Reads one frame; `None` at the end of the stream.
fn read_frame(reader: &mut impl BufRead) -> Option<Value> {
    let mut length = None;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim_end() {
            "" => break,
            header => {
                if let Some(value) = header.strip_prefix("Content-Length: ") {
                    length = value.parse().ok();
                }
            }
        }
    }
    let mut body = vec![0; length.expect("a frame has a length")];
    reader.read_exact(&mut body).ok()?;
    Some(serde_json::from_slice(&body).expect("a frame holds JSON"))
}
