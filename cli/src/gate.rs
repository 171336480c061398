//! The runtime's gate, filled with the analyzer.

use ordain_analyzer::Options;
use ordain_ir::{Bundle, Report};
use ordain_runtime::{Gate, GateError};

/// Analyses the policies of a bundle anew; the report inside is for readers.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct AnalyzerGate;

impl Gate for AnalyzerGate {
    fn check(&self, bundle: &Bundle) -> Result<Report, GateError> {
        ordain_analyzer::analyze(&bundle.policies, &Options::default()).map_err(|e| GateError(e.to_string()))
    }
}
