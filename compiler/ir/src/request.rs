//! What an agent runtime asks about.
//!
//! On the wire a request is JSON:
//!
//! ```json
//! { "path": "acme/support/mailer", "provider": "openai", "at": "2026-03-02T10:00:00Z",
//!   "facts": { "tool.name": "export", "run.risk": "0.75" },
//!   "usage": { "runs": 1, "tokens": 1200, "cost": { "USD": "0.04" }, "risk": "0.75", "since_last_run": "30s" } }
//! ```
//!
//! Only `path` and `at` are required. Reading fact values needs the declarations, hence two steps:
//! [`RequestJson`] is the wire form, [`Request`] the typed one.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use jiff::Timestamp;
use litemap::LiteMap;
use serde::{Deserialize, Serialize};

use crate::fact::{MONEY_SCALE, RISK_SCALE, ValueError, format_duration, parse_duration};
use crate::{Fact, FactName, Meter, MeterUnit, Quantity, Settings, Value, decimal};

/// `tenant / project / agent`, all three known.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Path {
    /// The tenant; not empty.
    pub tenant: String,
    /// The project within the tenant; not empty.
    pub project: String,
    /// The agent within the project; not empty.
    pub agent: String,
}

impl fmt::Display for Path {
    /// Segments joined by `/`; `/` and `\` within a segment are written with a backslash before them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (segment, before) in [(&self.tenant, ""), (&self.project, "/"), (&self.agent, "/")] {
            f.write_str(before)?;
            if segment.contains(['/', '\\']) {
                f.write_str(&segment.replace('\\', "\\\\").replace('/', "\\/"))?;
            } else {
                f.write_str(segment)?;
            }
        }
        Ok(())
    }
}

impl FromStr for Path {
    type Err = RequestError;

    fn from_str(text: &str) -> Result<Self, RequestError> {
        let mut segments = vec![String::new()];
        let mut chars = text.chars();
        while let Some(c) = chars.next() {
            let last = segments.last_mut().expect("starts with one segment and only grows");
            match c {
                '\\' => last.extend(chars.next()),
                '/' => segments.push(String::new()),
                c => last.push(c),
            }
        }
        match <[String; 3]>::try_from(segments) {
            Ok([tenant, project, agent])
                if !(tenant.is_empty() || project.is_empty() || agent.is_empty()) =>
            {
                Ok(Self { tenant, project, agent })
            }
            _ => Err(RequestError::Path(text.to_owned())),
        }
    }
}

impl Serialize for Path {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Path {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// What one request uses.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Usage {
    /// Runs; 1 if the request doesn't say.
    pub runs: i64,
    /// Tokens.
    pub tokens: i64,
    /// Money by currency, in millionths.
    pub cost: BTreeMap<String, i64>,
    /// Declared meters by name, in units of [`MeterUnit::scale`](crate::quantity::MeterUnit::scale).
    pub meters: BTreeMap<String, i64>,
    /// Risk value in millionths; limits on it don't apply where it is unknown.
    pub risk: Option<i64>,
    /// Milliseconds since the subject's last run; `None` if there was none, and then no cooldown applies.
    pub since_last_run: Option<i64>,
    /// What the request says in a way that can't be read: the risk, or amounts of meters, each as what one run uses. It
    /// stands as nothing above.
    pub unread: BTreeSet<Quantity>,
}

impl Default for Usage {
    /// One run and nothing else.
    fn default() -> Self {
        Self {
            runs: 1,
            tokens: 0,
            cost: BTreeMap::new(),
            meters: BTreeMap::new(),
            risk: None,
            since_last_run: None,
            unread: BTreeSet::new(),
        }
    }
}

impl Usage {
    /// The request's own amount of a meter.
    pub fn amount(&self, meter: &Meter) -> i64 {
        match meter {
            Meter::Runs => self.runs,
            Meter::Tokens => self.tokens,
            Meter::Cost(currency) => self.cost.get(currency).copied().unwrap_or(0),
            Meter::Declared { name, .. } => self.meters.get(name).copied().unwrap_or(0),
        }
    }

    /// The request's own value of a quantity, in units of [`Quantity::scale`]; `None` where it is unknown.
    pub fn value(&self, quantity: &Quantity) -> Option<i64> {
        match quantity {
            Quantity::RiskCeiling => self.risk,
            Quantity::Cooldown => self.since_last_run,
            Quantity::PerRun(meter) | Quantity::Accumulated(meter, _) => Some(self.amount(meter)),
        }
    }

    /// Sets the request's own value of a quantity.
    pub fn set(&mut self, quantity: &Quantity, value: i64) {
        match quantity {
            Quantity::RiskCeiling => self.risk = Some(value),
            Quantity::Cooldown => self.since_last_run = Some(value),
            Quantity::PerRun(meter) | Quantity::Accumulated(meter, _) => match meter {
                Meter::Runs => self.runs = value,
                Meter::Tokens => self.tokens = value,
                Meter::Cost(currency) => {
                    self.cost.insert(currency.clone(), value);
                }
                Meter::Declared { name, .. } => {
                    self.meters.insert(name.clone(), value);
                }
            },
        }
    }
}

/// A typed request. Every fact value fits its declaration.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Request {
    /// Who asks.
    pub path: Path,
    /// The model provider that it goes to, if any.
    pub provider: Option<String>,
    /// When.
    pub at: Timestamp,
    /// Values of declared facts.
    pub facts: BTreeMap<FactName, Value>,
    /// What it uses.
    pub usage: Usage,
}

/// Values of facts on the wire; see [`Value::from_json`]. There are few in one request.
pub type FactsJson = LiteMap<FactName, serde_json::Value>;

/// A request on the wire.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestJson {
    /// Who asks.
    pub path: Path,
    /// The model provider that it goes to, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// When, RFC 3339.
    pub at: Timestamp,
    /// Values by fact name; see [`Value::from_json`]. Many requests may share them.
    #[serde(default, skip_serializing_if = "is_empty")]
    pub facts: Arc<FactsJson>,
    /// What it uses.
    #[serde(default, skip_serializing_if = "UsageJson::is_default")]
    pub usage: UsageJson,
}

fn is_empty(facts: &Arc<FactsJson>) -> bool {
    facts.is_empty()
}

/// [`Usage`] on the wire: amounts as whole numbers or decimal text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UsageJson {
    /// Runs; 1 if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runs: Option<i64>,
    /// Tokens; 0 if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<i64>,
    /// Money by currency, as decimal text.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub cost: BTreeMap<String, String>,
    /// Declared meters by name: `"3"`, `"4.50 USD"`, `"30s"`; 0 if absent.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub meters: BTreeMap<String, String>,
    /// Risk value, as decimal text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub risk: Option<String>,
    /// A duration, `30s`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since_last_run: Option<String>,
}

impl UsageJson {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// Why a request doesn't fit the declarations.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// Not three segments.
    #[error("`{0}` is no path; write `tenant/project/agent`")]
    Path(String),
    /// A fact that no policy declares.
    #[error("unknown fact `{0}`")]
    UnknownFact(FactName),
    /// A value of the wrong type, or out of range.
    #[error(transparent)]
    Value(#[from] ValueError),
    /// A meter that no policy declares.
    #[error("unknown meter `{0}`")]
    UnknownMeter(String),
    /// An agent that is none of the workspace's.
    #[error("unknown agent `{0}`; `agents` in `ordain.yaml` lists who is known")]
    UnknownAgent(Path),
    /// A provider that is none of the workspace's.
    #[error("unknown provider `{0}`; `providers` in `ordain.yaml` lists which are known")]
    UnknownProvider(String),
    /// A malformed or negative amount.
    #[error("usage `{field}` wants {wanted}, not `{found}`")]
    Usage {
        /// The field, dotted.
        field: String,
        /// What would fit.
        wanted: &'static str,
        /// What was given.
        found: String,
    },
}

/// What is wrong at one place of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where, as a path of fields: `facts.tool.name`, `usage.cost.USD`.
    pub place: String,
    /// What.
    pub error: RequestError,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl Serialize for Fault {
    /// `{ "place": …, "message": … }`
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct as _;
        let mut wire = serializer.serialize_struct("Fault", 2)?;
        wire.serialize_field("place", &self.place)?;
        wire.serialize_field("message", &self.error.to_string())?;
        wire.end()
    }
}

/// Reads amounts, and keeps what is wrong with them.
struct Amounts {
    faults: Vec<Fault>,
    unread: BTreeSet<Quantity>,
}

impl Amounts {
    /// The amount of a field, if it can be read.
    fn read(&mut self, field: &str, wanted: &'static str, text: &str, value: Option<i64>) -> Option<i64> {
        let value = value.filter(|value| *value >= 0);
        if value.is_none() {
            let error = RequestError::Usage { field: field.to_owned(), wanted, found: text.to_owned() };
            self.faults.push(Fault { place: format!("usage.{field}"), error });
        }
        value
    }

    /// The amount of a meter, 0 if it can't be read.
    fn of_meter(
        &mut self,
        meter: Meter,
        field: &str,
        wanted: &'static str,
        text: &str,
        value: Option<i64>,
    ) -> i64 {
        self.read(field, wanted, text, value).unwrap_or_else(|| {
            self.unread.insert(Quantity::PerRun(meter));
            0
        })
    }

    fn whole(&mut self, meter: Meter, field: &str, value: Option<i64>, default: i64) -> i64 {
        let wanted = "a whole number from 0";
        value.map_or(default, |n| self.of_meter(meter, field, wanted, &n.to_string(), Some(n)))
    }
}

impl Request {
    /// Types a request by the declared facts and meters.
    ///
    /// # Errors
    /// The first fault that [`Request::read`] finds.
    pub fn from_json(
        json: RequestJson,
        facts: &BTreeMap<FactName, Fact>,
        meters: &BTreeMap<String, MeterUnit>,
    ) -> Result<Self, RequestError> {
        let (request, faults) = Self::read(json, facts, meters);
        faults.into_iter().next().map_or(Ok(request), |fault| Err(fault.error))
    }

    /// Types as much of a request as fits the declared facts and meters, and tells of the rest, in the order of the
    /// fields.
    ///
    /// A fact with a fault is as one that the request doesn't say. An amount with a fault is noted as
    /// [unread](Usage::unread); since the last run, nothing has passed.
    pub fn read(
        json: RequestJson,
        facts: &BTreeMap<FactName, Fact>,
        meters: &BTreeMap<String, MeterUnit>,
    ) -> (Self, Vec<Fault>) {
        let mut faults = vec![];
        let mut typed = BTreeMap::new();
        for (name, value) in json.facts.iter() {
            let read = facts
                .get(name)
                .ok_or_else(|| RequestError::UnknownFact(name.clone()))
                .and_then(|fact| Ok(Value::from_json(fact, value)?));
            match read {
                Ok(value) => {
                    typed.insert(name.clone(), value);
                }
                Err(error) => faults.push(Fault { place: format!("facts.{name}"), error }),
            }
        }
        let mut amounts = Amounts { faults, unread: BTreeSet::new() };
        let wire = json.usage;
        let runs = amounts.whole(Meter::Runs, "runs", wire.runs, 1);
        let tokens = amounts.whole(Meter::Tokens, "tokens", wire.tokens, 0);
        let a_decimal = "a decimal number from 0";
        let cost = wire.cost.iter().map(|(unit, text)| {
            let (meter, field) = (Meter::Cost(unit.clone()), format!("cost.{unit}"));
            let value = decimal::parse(text, MONEY_SCALE).ok();
            (unit.clone(), amounts.of_meter(meter, &field, a_decimal, text, value))
        });
        let cost = cost.collect();
        let mut declared = BTreeMap::new();
        for (name, text) in &wire.meters {
            let Some(unit) = meters.get(name) else {
                let error = RequestError::UnknownMeter(name.clone());
                amounts.faults.push(Fault { place: format!("usage.meters.{name}"), error });
                continue;
            };
            let wanted = match unit {
                MeterUnit::Count => "a whole number from 0",
                MeterUnit::Money(_) => a_decimal,
                MeterUnit::Duration => "a duration such as `30s`",
            };
            let meter = Meter::Declared { name: name.clone(), unit: unit.clone() };
            let field = format!("meters.{name}");
            let value = amounts.of_meter(meter, &field, wanted, text, unit.parse(text));
            declared.insert(name.clone(), value);
        }
        let risk = wire.risk.as_deref().and_then(|text| {
            let value = amounts.read("risk", a_decimal, text, decimal::parse(text, RISK_SCALE).ok());
            if value.is_none() {
                amounts.unread.insert(Quantity::RiskCeiling);
            }
            value
        });
        let since_last_run = wire.since_last_run.as_deref().map(|text| {
            let wanted = "a duration such as `30s`";
            amounts.read("since_last_run", wanted, text, parse_duration(text)).unwrap_or(0)
        });
        let unread = amounts.unread;
        let usage = Usage { runs, tokens, cost, meters: declared, risk, since_last_run, unread };
        let request = Self { path: json.path, provider: json.provider, at: json.at, facts: typed, usage };
        (request, amounts.faults)
    }

    /// What these settings don't know about the request: its agent, its provider.
    pub fn strangers(&self, settings: &Settings) -> Vec<Fault> {
        let mut faults = vec![];
        if !settings.knows_agent([&self.path.tenant, &self.path.project, &self.path.agent]) {
            let error = RequestError::UnknownAgent(self.path.clone());
            faults.push(Fault { place: "path".to_owned(), error });
        }
        if let Some(provider) = self.provider.as_deref().filter(|it| !settings.knows_provider(it)) {
            let error = RequestError::UnknownProvider(provider.to_owned());
            faults.push(Fault { place: "provider".to_owned(), error });
        }
        faults
    }

    /// The wire form; facts and meters that are not declared are left out.
    pub fn to_json(
        &self,
        facts: &BTreeMap<FactName, Fact>,
        meters: &BTreeMap<String, MeterUnit>,
    ) -> RequestJson {
        RequestJson {
            path: self.path.clone(),
            provider: self.provider.clone(),
            at: self.at,
            facts: facts_to_json(&self.facts, facts).into(),
            usage: self.usage.to_json(meters),
        }
    }
}

/// The wire form of values of facts; those that are not declared are left out.
pub fn facts_to_json(values: &BTreeMap<FactName, Value>, declared: &BTreeMap<FactName, Fact>) -> FactsJson {
    let json =
        |(name, value): (&FactName, &Value)| Some((name.clone(), value.to_json(&declared.get(name)?.ty)));
    values.iter().filter_map(json).collect()
}

impl Usage {
    /// Writes it for the wire. Amounts that can't be read are left out, and so are meters that aren't among the
    /// declared ones.
    pub fn to_json(&self, meters: &BTreeMap<String, MeterUnit>) -> UsageJson {
        UsageJson {
            runs: (self.runs != 1).then_some(self.runs),
            tokens: (self.tokens != 0).then_some(self.tokens),
            cost: self
                .cost
                .iter()
                .map(|(unit, value)| (unit.clone(), decimal::format(*value, MONEY_SCALE, 2)))
                .collect(),
            meters: self
                .meters
                .iter()
                .filter_map(|(name, value)| Some((name.clone(), meters.get(name)?.format(*value))))
                .collect(),
            risk: self.risk.map(|value| decimal::format(value, RISK_SCALE, 0)),
            since_last_run: self.since_last_run.map(format_duration),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_round_trips() {
        let facts: BTreeMap<FactName, Fact> = [Fact {
            name: "tool.name".into(),
            ty: crate::Type::String,
            range: None,
            optional: false,
            opaque: false,
            doc: String::new(),
        }]
        .map(|fact| (fact.name.clone(), fact))
        .into();
        let text = r#"{"path":"acme/a\\/b/mailer","at":"2026-03-02T10:00:00Z","facts":{"tool.name":"export"},"usage":{"tokens":1200,"cost":{"USD":"0.04"},"risk":"0.75","since_last_run":"30s"}}"#;
        let wire: RequestJson = serde_json::from_str(text).unwrap();
        let request = Request::from_json(wire.clone(), &facts, &BTreeMap::new()).unwrap();
        assert_eq!(request.path.project, "a/b");
        assert_eq!(request.usage.cost["USD"], 40_000);
        assert_eq!(request.to_json(&facts, &BTreeMap::new()), wire);
        assert_eq!(serde_json::to_string(&request.to_json(&facts, &BTreeMap::new())).unwrap(), text);
    }

    #[test]
    fn bad_requests_are_named() {
        assert_eq!(
            "acme/support".parse::<Path>().unwrap_err().to_string(),
            "`acme/support` is no path; write `tenant/project/agent`"
        );
        let wire = |usage: &str| {
            let text = format!(r#"{{"path":"a/b/c","at":"2026-03-02T10:00:00Z","usage":{usage}}}"#);
            Request::from_json(serde_json::from_str(&text).unwrap(), &BTreeMap::new(), &BTreeMap::new())
                .unwrap_err()
                .to_string()
        };
        assert_eq!(wire(r#"{"tokens":-1}"#), "usage `tokens` wants a whole number from 0, not `-1`");
        assert_eq!(
            wire(r#"{"cost":{"USD":"x"}}"#),
            "usage `cost.USD` wants a decimal number from 0, not `x`"
        );
    }
}
