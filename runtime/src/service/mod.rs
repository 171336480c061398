//! What the runtime does, apart from how it is asked.

mod access;
mod audit;
mod bundles;
mod capabilities;
mod decisions;
mod governance;
mod integrity;
mod judge;
mod kept;
mod lessons;
mod policies;
mod taking;
mod trust;
mod violations;

pub use access::{Access, ApiKey, ApiKeyService, NewApiKey};
pub use bundles::{BundleFile, BundleService};
pub(crate) use capabilities::CapabilityService;
pub use decisions::{Closed, Decided, DecisionError, DecisionService, NewDecision, Rate};
pub use governance::{Approval, GovernanceError, GovernanceService, NewProposal, PolicyDeletionBlockedError};
pub use judge::{LoadError, PolicyActivationBlockedError};
pub(crate) use lessons::USE_SCALE;
pub use lessons::{
    Converted, Ingested, LessonError, LessonService, NewIncident, NewRun, SourceEvent, Wording,
};
pub use policies::PoliciesFacade;
pub(crate) use taking::{Found, Judgement};
pub use trust::{Trust, Untrusted};
pub use violations::{NewViolation, ViolationService};
