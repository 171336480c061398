//! What the runtime does, apart from how it is asked.

mod bundles;
mod integrity;
mod policies;
mod violations;

pub use bundles::{BundleService, LoadError, PolicyActivationBlockedError};
pub use policies::PoliciesFacade;
pub use violations::{NewViolation, ViolationService};
