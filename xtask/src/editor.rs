//! As much of an editor as it takes to see what a language server says about a file.

use std::{
    fs,
    io::{self, BufRead, BufReader, Read, Write},
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::failure::{Context, Failure, Outcome};

/// How long the server may take to say something about the file.
const PATIENCE: Duration = Duration::from_secs(30);

/// Opens a file with the server and gives the first diagnostics whose code begins with `code`.
pub(crate) fn diagnostics(server: &mut Command, file: &Path, code: &str) -> Outcome<Vec<Value>> {
    let text = fs::read_to_string(file).context("read", file)?;
    let address = format!("file://{}", file.display());
    let failed = |error: io::Error| Failure::new(format!("could not talk to `ordain lsp`: {error}"));
    let server = server.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
    let mut server = Running(server.map_err(failed)?);
    let (Some(mut to_server), Some(from_server)) = (server.0.stdin.take(), server.0.stdout.take()) else {
        return Err(Failure::new("`ordain lsp` has no standard input or output"));
    };
    let messages = listen(from_server);
    let folder = file.parent().unwrap_or(file).display().to_string();
    let open = json!({ "uri": address, "languageId": "ordain", "version": 1, "text": text });
    for message in [
        json!({ "id": 1, "method": "initialize", "params": {
            "processId": null, "rootUri": format!("file://{folder}"), "capabilities": {} } }),
        json!({ "method": "initialized", "params": {} }),
        json!({ "method": "textDocument/didOpen", "params": { "textDocument": open } }),
    ] {
        let mut message = message;
        message["jsonrpc"] = "2.0".into();
        let body = message.to_string();
        write!(to_server, "Content-Length: {}\r\n\r\n{body}", body.len()).map_err(failed)?;
        to_server.flush().map_err(failed)?;
    }
    let deadline = Instant::now() + PATIENCE;
    while let Ok(message) = messages.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
        if message["method"] != "textDocument/publishDiagnostics"
            || message["params"]["uri"] != address.as_str()
        {
            continue;
        }
        let all = message["params"]["diagnostics"].as_array().cloned().unwrap_or_default();
        let wanted = |diagnostic: &Value| diagnostic["code"].as_str().is_some_and(|it| it.starts_with(code));
        let found: Vec<Value> = all.into_iter().filter(wanted).collect();
        if !found.is_empty() {
            return Ok(found);
        }
    }
    Err(Failure::new(format!("`ordain lsp` said nothing with the code `{code}…` about `{}`", file.display())))
}

/// Reads the server's messages in a thread of their own, so that waiting for one can end.
fn listen(from_server: impl Read + Send + 'static) -> Receiver<Value> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut reader = BufReader::new(from_server);
        while let Ok(Some(message)) = read(&mut reader) {
            if sender.send(message).is_err() {
                return;
            }
        }
    });
    receiver
}

/// The next message; `None` at the end.
fn read(reader: &mut impl BufRead) -> io::Result<Option<Value>> {
    let mut length = None;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        match line.trim_end().split_once(": ") {
            Some(("Content-Length", number)) => length = number.parse().ok(),
            Some(_) => {}
            None => break,
        }
    }
    let length =
        length.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "a message without length"))?;
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(Some(serde_json::from_slice(&body)?))
}

/// A server that is ended when we are done with it.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_read_one_by_one() {
        let mut stream =
            io::Cursor::new("Content-Length: 7\r\n\r\n{\"a\":1}Content-Length: 2\r\nX: y\r\n\r\n{}");
        assert_eq!(read(&mut stream).unwrap(), Some(json!({ "a": 1 })));
        assert_eq!(read(&mut stream).unwrap(), Some(json!({})));
        assert_eq!(read(&mut stream).unwrap(), None);
    }
}
