//! A gate without compiler and analyzer.

use ordain_ir::{Bundle, DependencyGraph, Policies, PolicyName, PolicyRef, Report, Source};
use ordain_runtime::{CompileError, Compiled, Gate, GateError};

/// Believes what bundles say of themselves, and compiles nothing.
pub(crate) struct Trusting;

impl Gate for Trusting {
    fn check(&self, bundle: &Bundle) -> Result<Report, GateError> {
        Ok(bundle.analysis.clone())
    }

    fn evidence(&self, _: &Bundle) -> Result<(), String> {
        Ok(())
    }

    fn compile(&self, _: Option<&Bundle>, _: &str, _: Source) -> Result<Compiled, CompileError> {
        Err(GateError("nothing is compiled here".to_owned()).into())
    }

    fn dependencies(&self, _: &Policies) -> DependencyGraph {
        DependencyGraph::default()
    }

    fn dependents(&self, graph: &DependencyGraph, policy: &PolicyName) -> Vec<PolicyRef> {
        graph.edges.iter().filter(|edge| edge.to.name == *policy).map(|edge| edge.from.clone()).collect()
    }
}
