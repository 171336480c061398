//! The panels: what each asks, which request answers it, what is expected of the answer, and somebody who looks at all of
//! them again and again (GOV-POL-003), so that "nothing happened" can be told from "nothing is recorded any more". A panel
//! that shows nothing is told to whoever runs the server, and shown all the same.

mod evaluation;
mod look;
mod monitor;
mod registry;

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use jiff::Timestamp;
use ordain_store::{Clock, PanelHealth, PanelStatus, Store, StoreError, TenantId};

use evaluation::Finding;
pub(crate) use evaluation::is_healthy;
pub(crate) use look::{Answer, Answers, Look, read};
pub use monitor::PanelMonitor;
pub use registry::{Expectation, PanelRegistry, PanelRegistryError};

/// A panel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Panel {
    /// Its identity: `POL-GOV-ACT-O1`.
    pub id: String,
    /// GOVERNANCE or LIMITS.
    pub subdomain: String,
    /// ACTIVE, DRAFTS, `POLICY_LIBRARY`, LESSONS, THRESHOLDS or VIOLATIONS.
    pub topic: String,
    /// What it asks.
    pub question: String,
    /// The capability that answers it.
    pub capability: String,
    /// The request that answers it.
    pub request: String,
    /// What is counted in the answer: a number, or a list.
    pub(crate) counts: String,
    /// An instant in the answer, or in its items.
    pub(crate) newest: Option<String>,
    /// Where nothing happens, nothing is missing.
    pub(crate) only_with: Option<Activity>,
}

/// What shows that something happens.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Activity {
    /// The request that tells.
    pub(crate) request: String,
    /// What is counted in its answer.
    pub(crate) counts: String,
}

/// The 25 panels, in order.
pub static PANELS: LazyLock<Vec<Panel>> = LazyLock::new(|| registry::panels(|panel| panel.topic != LESSONS));

/// Those about lessons, which stand beside them.
pub static LESSON_PANELS: LazyLock<Vec<Panel>> =
    LazyLock::new(|| registry::panels(|panel| panel.topic == LESSONS));

/// The topic of panels about lessons.
const LESSONS: &str = "LESSONS";

/// All that are watched.
pub(crate) fn watched() -> impl Iterator<Item = &'static Panel> {
    PANELS.iter().chain(LESSON_PANELS.iter())
}

/// How panels are watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PanelOptions {
    /// What is expected of each.
    pub registry: Arc<PanelRegistry>,
    /// How long they are left alone after each look at all of them.
    pub interval: Duration,
}

impl Default for PanelOptions {
    /// What comes with the program, every five minutes.
    fn default() -> Self {
        Self { registry: Arc::default(), interval: Duration::from_mins(5) }
    }
}

/// What is known of the health of panels.
#[derive(Clone)]
pub(crate) struct PanelService {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    options: PanelOptions,
}

impl PanelService {
    pub(crate) fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>, options: PanelOptions) -> Self {
        Self { store, clock, options }
    }

    /// What is expected of a panel.
    pub(crate) fn expected(&self, panel: &Panel) -> &Expectation {
        self.options.registry.expected(panel)
    }

    /// How panels were when they were last looked at.
    pub(crate) async fn health(&self, tenant: &TenantId) -> Result<Vec<PanelHealth>, StoreError> {
        self.store.panel_health(tenant).await
    }

    /// How long panels are left alone after each look at all of them.
    pub(crate) fn interval(&self) -> Duration {
        self.options.interval
    }

    /// The present instant.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// How a panel is by what it shows, if nothing newer was known than this.
    pub(crate) fn status(&self, panel: &Panel, look: &Look, newest_at: Option<Timestamp>) -> PanelStatus {
        let finding = match look {
            Look::Shows(rows, newest) => Finding::Shows { rows: *rows, newest: *newest, due: true },
            Look::Broken(_) | Look::Unknown(_) => Finding::Broken,
        };
        evaluation::status(self.expected(panel), finding, newest_at, self.now())
    }

    /// Somebody who looks at what these answers show.
    pub(crate) fn monitor(&self, answers: Answers) -> PanelMonitor {
        PanelMonitor::new(Arc::clone(&self.store), Arc::clone(&self.clock), self.options.clone(), answers)
    }
}
