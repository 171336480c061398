//! The runtime's gate, filled with compiler and analyzer.

mod proposal;
mod stubs;

use ordain_analyzer::Options;
use ordain_ir::{Bundle, DependencyGraph, Policies, PolicyName, PolicyRef, Report, Source};
use ordain_runtime::{CompileError, Compiled, Gate, GateError};

/// Analyses the policies of a bundle anew; the report inside is for readers.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct AnalyzerGate;

impl Gate for AnalyzerGate {
    fn check(&self, bundle: &Bundle) -> Result<Report, GateError> {
        ordain_analyzer::analyze(&bundle.policies, &Options::default()).map_err(|e| GateError(e.to_string()))
    }

    fn evidence(&self, bundle: &Bundle) -> Result<(), String> {
        let verified = ordain_analyzer::verify(&bundle.policies, &bundle.analysis);
        let Some(first) = verified.refused.first() else { return Ok(()) };
        let names: Vec<String> = first.policies.iter().map(|name| format!("`{name}`")).collect();
        Err(format!("the evidence about {} does not hold: {}", names.join(", "), first.reason))
    }

    fn compile(&self, active: Option<&Bundle>, text: &str, source: Source) -> Result<Compiled, CompileError> {
        proposal::compile(active, text, source)
    }

    fn dependencies(&self, policies: &Policies) -> DependencyGraph {
        ordain_compiler::dependencies_of(policies)
    }

    fn dependents(&self, graph: &DependencyGraph, policy: &PolicyName) -> Vec<PolicyRef> {
        ordain_compiler::dependents_of(graph, policy)
    }
}
