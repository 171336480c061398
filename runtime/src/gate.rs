//! Who compiles and judges policies. The program fills this with the compiler and the analyzer, so that the runtime
//! needs neither.

use ordain_ir::{Bundle, DependencyGraph, Policies, PolicyName, PolicyRef, Report, Source};

/// What the runtime asks of compiler and analyzer. Each question runs on a thread of its own and may take its time.
pub trait Gate: Send + Sync {
    /// The conflicts among the bundle's policies, analysed anew, whatever report the bundle carries.
    fn check(&self, bundle: &Bundle) -> Result<Report, GateError>;

    /// What is wrong with the evidence in the report that the bundle carries, if anything. Nobody believes the report, but
    /// a bundle with false evidence isn't what it says.
    fn evidence(&self, bundle: &Bundle) -> Result<(), String>;

    /// The policies of a text, put in the place of those of the same names among what is active. The bundle that comes
    /// out carries no report yet.
    fn compile(&self, active: Option<&Bundle>, text: &str, source: Source) -> Result<Compiled, CompileError>;

    /// How policies depend on each other.
    fn dependencies(&self, policies: &Policies) -> DependencyGraph;

    /// What depends on a policy, directly or through others, so that it can't go before them; by name.
    fn dependents(&self, graph: &DependencyGraph, policy: &PolicyName) -> Vec<PolicyRef>;
}

/// A text together with what is active.
#[derive(Clone, Debug, PartialEq)]
pub struct Compiled {
    /// All policies.
    pub bundle: Bundle,
    /// Those that the text has, by name; at least one.
    pub changed: Vec<PolicyRef>,
}

/// Something that is wrong with a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceProblem {
    /// Its code, such as `ORD0207`, where it has one.
    pub code: Option<String>,
    /// Line, from 1, and column in characters, from 1; none where it has no place.
    pub place: Option<(u32, u32)>,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
}

/// Why a text gives no bundle.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CompileError {
    /// It has errors.
    #[error("the text has {} errors", .0.len())]
    Invalid(Vec<SourceProblem>),
    /// It couldn't be judged.
    #[error(transparent)]
    Failed(#[from] GateError),
}

/// Why no judgement was reached.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct GateError(pub String);
