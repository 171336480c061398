//! One file per verb.

pub(crate) mod apikey;
pub(crate) mod build;
pub(crate) mod check;
pub(crate) mod config;
pub(crate) mod diff;
pub(crate) mod doctor;
pub(crate) mod eval;
pub(crate) mod explain;
pub(crate) mod fmt;
pub(crate) mod graph;
pub(crate) mod healthcheck;
pub(crate) mod init;
pub(crate) mod inspect;
pub(crate) mod install;
pub(crate) mod keygen;
pub(crate) mod lsp;
pub(crate) mod request_schema;
pub(crate) mod scenario;
pub(crate) mod serve;
pub(crate) mod simulate;
pub(crate) mod state;
pub(crate) mod test;
pub(crate) mod verify;
mod watch;

use std::io::{self, Write};

use crate::failure::Failure;

/// Writes to standard output. A reader that has seen enough and closes it is no failure.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    stream(|out| out.write_all(text.as_bytes()))
}

/// Writes to standard output what comes piece by piece.
pub(crate) fn stream(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), Failure> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    match write(&mut out).and_then(|()| out.flush()) {
        Err(reason) if reason.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::Write { path: "standard output".into(), reason })
        }
        _ => Ok(()),
    }
}
