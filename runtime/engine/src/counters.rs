//! Where the usage of accumulated limits comes from.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use ordain_ir::{Limit, Meter, MeterUnit, Partition, Path, PolicyName, Quantity, Request};

use crate::Span;

/// Whose counter it is. The subjects of one partition are disjoint and together cover every request, so that what
/// a limit counts is the sum over its subjects.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
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
        let segments = [&path.tenant, &path.project, &path.agent].map(String::as_str);
        SubjectRef::of(partition, segments, request.provider.as_deref()).to_subject()
    }
}

impl Subject {
    /// The same, borrowed.
    pub fn as_ref(&self) -> SubjectRef<'_> {
        match self {
            Self::Whole => SubjectRef::Whole,
            Self::Tenant(tenant) => SubjectRef::Tenant(tenant),
            Self::Project { tenant, project } => SubjectRef::Project(tenant, project),
            Self::Agent(Path { tenant, project, agent }) => SubjectRef::Agent(tenant, project, agent),
            Self::Provider(provider) => SubjectRef::Provider(provider.as_deref()),
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

/// A [`Subject`] in a request that is being decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SubjectRef<'q> {
    /// Everything that the limit selects.
    Whole,
    /// One tenant.
    Tenant(&'q str),
    /// One project: its tenant and its name.
    Project(&'q str, &'q str),
    /// One agent: its tenant, its project and its name.
    Agent(&'q str, &'q str, &'q str),
    /// One provider, or none.
    Provider(Option<&'q str>),
}

impl<'q> SubjectRef<'q> {
    /// The subject of a partition to which a path and a provider belong.
    pub fn of(
        partition: Partition,
        [tenant, project, agent]: [&'q str; 3],
        provider: Option<&'q str>,
    ) -> Self {
        match partition {
            Partition::Whole => Self::Whole,
            Partition::Tenant => Self::Tenant(tenant),
            Partition::Project => Self::Project(tenant, project),
            Partition::Agent => Self::Agent(tenant, project, agent),
            Partition::Provider => Self::Provider(provider),
        }
    }

    /// The same, to keep.
    pub fn to_subject(self) -> Subject {
        match self {
            Self::Whole => Subject::Whole,
            Self::Tenant(tenant) => Subject::Tenant(tenant.to_owned()),
            Self::Project(tenant, project) => {
                Subject::Project { tenant: tenant.to_owned(), project: project.to_owned() }
            }
            Self::Agent(tenant, project, agent) => Subject::Agent(Path {
                tenant: tenant.to_owned(),
                project: project.to_owned(),
                agent: agent.to_owned(),
            }),
            Self::Provider(provider) => Subject::Provider(provider.map(ToOwned::to_owned)),
        }
    }
}

/// What a limit counts for a subject, as far as it counts for one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CounterRef<'a> {
    /// The limit.
    pub limit: &'a Limit,
    /// What it counts, and how that adds up: text that is different for different quantities. A limit that is edited to
    /// count something else begins anew.
    pub quantity: &'a str,
    /// Whose usage it is.
    pub subject: SubjectRef<'a>,
    /// Which usage counts.
    pub span: Span,
}

/// A quantity as the name of its counters: `RUNS_DAILY`, `COST_DAILY in Europe/Berlin, USD`. Other than its
/// [wording](Quantity::wording) it tells currencies, and meters and their units, apart.
pub fn counted_as(quantity: &Quantity) -> String {
    let wording = quantity.wording();
    match quantity {
        Quantity::Accumulated(Meter::Cost(currency), _) => format!("{wording}, {currency}"),
        Quantity::Accumulated(Meter::Declared { name, unit }, _) => {
            let unit = match unit {
                MeterUnit::Count => "count",
                MeterUnit::Duration => "duration",
                MeterUnit::Money(currency) => currency,
            };
            format!("{wording}, {name} {unit}")
        }
        _ => wording,
    }
}

/// What has been used before this request.
pub trait Counters {
    /// How much of the counter's quantity (in units of its scale) requests in the limit's own domain have used, or hold,
    /// of what its span takes in; this request not counted. Only asked of accumulated quantities.
    fn used(&self, counter: CounterRef<'_>) -> i64;

    /// When this subject last ran in the limit's own domain, if that is known here; otherwise what the request itself
    /// says counts. Only asked of limits on cooldowns.
    fn last_run(&self, limit: &Limit, subject: SubjectRef<'_>) -> Option<Timestamp> {
        let _ = (limit, subject);
        None
    }
}

/// Nothing has been used.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoCounters;

impl Counters for NoCounters {
    fn used(&self, _: CounterRef<'_>) -> i64 {
        0
    }
}

/// So much has been used of each limit, by whichever subject and whenever; nothing of those that are not named. For one
/// request, which has one subject and one span with each limit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UsedByLimit(pub BTreeMap<PolicyName, i64>);

impl Counters for UsedByLimit {
    fn used(&self, counter: CounterRef<'_>) -> i64 {
        self.0.get(&counter.limit.name).copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use ordain_ir::{Accumulation, Period};

    use super::*;

    #[test]
    fn different_quantities_are_counted_under_different_names() {
        let declared = |name: &str, unit| Meter::Declared { name: name.to_owned(), unit };
        let money = |currency: &str| MeterUnit::Money(currency.to_owned());
        let meters = [
            Meter::Runs,
            Meter::Tokens,
            Meter::Cost("USD".to_owned()),
            Meter::Cost("EUR".to_owned()),
            declared("gpu-time", MeterUnit::Duration),
            declared("gpu-time", MeterUnit::Count),
            declared("gpu.time", MeterUnit::Count),
            declared("gpu-time", money("USD")),
            declared("gpu-time", money("EUR")),
        ];
        let mut ways = vec![Accumulation::Concurrent];
        for period in Period::ALL {
            ways.push(Accumulation::Rolling(*period));
            for zone in ["UTC", "Europe/Berlin", "Asia/Tokyo"] {
                ways.push(Accumulation::Calendar { period: *period, zone: zone.into() });
            }
        }
        let quantities = meters
            .iter()
            .flat_map(|meter| ways.iter().map(|way| Quantity::Accumulated(meter.clone(), way.clone())));
        let names: BTreeSet<String> = quantities.map(|quantity| counted_as(&quantity)).collect();
        assert_eq!(names.len(), meters.len() * ways.len());
        assert!(names.contains("COST_DAILY in Europe/Berlin, EUR") && names.contains("RUNS_HOURLY rolling"));
        assert!(names.contains("RUNS_CONCURRENT") && names.contains("GPU_TIME_DAILY, gpu-time duration"));
    }
}
