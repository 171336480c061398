//! The log of a process, for those who listen to it.

use std::io;
use std::sync::{Arc, Mutex};

use serde_json::Value;

/// The log of this process.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("nobody panicked").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    /// Hears everything from now on; once in a process.
    pub(crate) fn listen() -> Self {
        let log = Self::default();
        let writer = log.clone();
        tracing_subscriber::fmt().json().with_writer(move || writer.clone()).init();
        log
    }

    /// What was heard since the last time.
    pub(crate) fn heard(&self) -> Vec<Value> {
        let text = std::mem::take(&mut *self.0.lock().expect("nobody panicked"));
        let text = String::from_utf8(text).expect("is text");
        text.lines().map(|line| serde_json::from_str(line).expect("is JSON")).collect()
    }
}
