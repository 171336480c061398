//! Who judges policies. The program fills this with the analyzer, so that the runtime needs no solver.

use ordain_ir::{Bundle, Report};

/// Analyses the policies of a bundle anew, whatever report the bundle carries.
pub trait Gate: Send + Sync {
    /// The conflicts among the bundle's policies. Runs on a thread of its own and may take its time.
    fn check(&self, bundle: &Bundle) -> Result<Report, GateError>;
}

/// Why no judgement was reached.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct GateError(pub String);
