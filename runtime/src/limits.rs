//! What a server bears, and how it ends.

use std::time::Duration;

/// What a server bears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The largest body of most routes, in bytes.
    pub body: usize,
    /// The largest bundle that is uploaded, in bytes.
    pub bundle: usize,
    /// The longest that an answer may take.
    pub time: Duration,
    /// How many requests are answered at once; more are turned away.
    pub requests: usize,
    /// How many connections are open at once; more wait to be taken.
    pub connections: usize,
    /// How long a connection may take until a request's head is there, the first one or the next.
    pub idle: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body: 1 << 20,
            bundle: 1 << 26,
            time: Duration::from_secs(30),
            requests: 256,
            connections: 4096,
            idle: Duration::from_secs(75),
        }
    }
}

/// How a server ends once it is told to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shutdown {
    /// For how long it goes on taking connections while `/readyz` says that it is not ready, so that whoever sends
    /// requests notices first.
    pub delay: Duration,
    /// For how long requests that are under way then may go on.
    pub deadline: Duration,
}

impl Default for Shutdown {
    fn default() -> Self {
        Self { delay: Duration::ZERO, deadline: Duration::from_secs(10) }
    }
}
