//! Where the usage of accumulated limits comes from.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use ordain_ir::{Limit, Partition, Path, PolicyName, Request};

/// Whose counter it is. The subjects of one partition are disjoint and together cover every request, so that what
/// a limit counts is the sum over its subjects.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// Everything that the limit selects.
    Whole,
    /// One tenant.
    Tenant(String),
    /// One project.
    Project {
        /// Its tenant.
        tenant: String,
        /// Its name.
        project: String,
    },
    /// One agent.
    Agent(Path),
    /// One provider; `None` for what goes to no provider, which shares one counter.
    Provider(Option<String>),
}

impl Subject {
    /// The subject of a partition to which the request belongs.
    pub fn of(partition: Partition, request: &Request) -> Self {
        let path = &request.path;
        match partition {
            Partition::Whole => Self::Whole,
            Partition::Tenant => Self::Tenant(path.tenant.clone()),
            Partition::Project => {
                Self::Project { tenant: path.tenant.clone(), project: path.project.clone() }
            }
            Partition::Agent => Self::Agent(path.clone()),
            Partition::Provider => Self::Provider(request.provider.clone()),
        }
    }
}

impl fmt::Display for Subject {
    /// `agent acme/support/mailer`; different subjects read differently.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let escape = |segment: &str| segment.replace('\\', "\\\\").replace('/', "\\/");
        match self {
            Self::Whole => f.write_str("whole scope"),
            Self::Tenant(tenant) => write!(f, "tenant {}", escape(tenant)),
            Self::Project { tenant, project } => write!(f, "project {}/{}", escape(tenant), escape(project)),
            Self::Agent(path) => write!(f, "agent {path}"),
            Self::Provider(Some(provider)) => write!(f, "provider {provider}"),
            Self::Provider(None) => f.write_str("no provider"),
        }
    }
}

/// What has been used before this request.
pub trait Counters {
    /// How much of the limit's quantity (in units of its scale) the requests of its own domain have used for this
    /// subject within the period that begins at `period_start`, this request not counted. Only asked of
    /// accumulated quantities.
    fn used(&self, limit: &Limit, subject: &Subject, period_start: Timestamp) -> i64;
}

/// Nothing has been used.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoCounters;

impl Counters for NoCounters {
    fn used(&self, _: &Limit, _: &Subject, _: Timestamp) -> i64 {
        0
    }
}

/// So much has been used of each limit, by whichever subject and in whichever period is asked for; nothing of those
/// that are not named. For one request, which has one subject and one period with each limit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UsedByLimit(pub BTreeMap<PolicyName, i64>);

impl Counters for UsedByLimit {
    fn used(&self, limit: &Limit, _: &Subject, _: Timestamp) -> i64 {
        self.0.get(&limit.name).copied().unwrap_or(0)
    }
}
