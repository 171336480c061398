//! The language server: protocol only. What it says about policies comes from `ordain-ide`.
//!
//! One thread, the `actor`, owns all state: the open documents, the workspaces, what the client has been
//! told. The transport's handlers turn messages into events for it and wait for answers; pools of threads
//! compute on snapshots and report back with events of their own. From that follow the rules that hold here:
//!
//! 1. **A handler sends to the actor before it first waits.** So edits and questions keep the client's order.
//! 2. **No handler waits for the client.** What asks the client for something runs in a task of its own.
//! 3. **No query runs on the asynchronous executor,** nor on the actor's thread.
//! 4. **Every query runs guarded.** A panic becomes an error answer and a log message, never the server's end.

mod actor;
mod convert;
mod document;
mod event;
mod features;
mod frames;
mod project;
mod publisher;
mod show;
mod transport;
mod workers;

use std::process::ExitCode;
use std::time::Duration;

pub use transport::serve;
pub use workers::{Job, Probe};

/// How a server behaves.
#[derive(Clone)]
pub struct Options {
    /// How long the policies must rest before conflicts are searched for. Syntax, names and types never wait.
    pub analysis_delay: Duration,
    /// Sees every job before it computes; for tests.
    pub probe: Probe,
}

impl Default for Options {
    fn default() -> Self {
        Self { analysis_delay: Duration::from_millis(150), probe: Probe::none() }
    }
}

/// Why a server ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The client asked for it: `shutdown`, then `exit` or the end of the input.
    Orderly,
    /// `exit`, or the end of the input, without `shutdown`.
    Abrupt,
}

/// Serves one client on standard input and output until it leaves. Gives 0 if the client said `shutdown`
/// before, 1 if not, as the protocol wants.
pub fn run_stdio() -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            tracing::error!(%error, "the language server cannot start its threads");
            return ExitCode::from(2);
        }
    };
    let ending = runtime.block_on(serve(tokio::io::stdin(), tokio::io::stdout(), Options::default()));
    // A read of standard input can't be interrupted, so don't wait for it: the client may never close its end.
    runtime.shutdown_background();
    match ending {
        Ok(Ending::Orderly) => ExitCode::SUCCESS,
        Ok(Ending::Abrupt) => ExitCode::from(1),
        Err(error) => {
            tracing::error!(%error, "the language server cannot start its threads");
            ExitCode::from(2)
        }
    }
}
