//! Scenarios: requests to a running server and what they must be answered with, from end to end.

mod expect;
mod run;
mod variables;

use std::path::Path;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value};

pub(crate) use self::run::{Driver, Outcome};

use crate::failure::Failure;

/// A scenario, as its file says it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Scenario {
    /// Its name.
    #[serde(rename = "scenario")]
    pub(crate) name: String,
    /// What it shows, in words.
    #[serde(default)]
    pub(crate) title: Option<String>,
    /// The capabilities that have been seen at work once all its steps went well.
    #[serde(default)]
    pub(crate) capabilities: Vec<String>,
    /// What is asked, one after the other.
    pub(crate) steps: Vec<Step>,
}

/// One request, and what its answer must be.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Step {
    /// In words; the request, if nothing is said.
    #[serde(default)]
    pub(crate) name: Option<String>,
    /// A method and a path: `POST /api/v1/violations`.
    pub(crate) request: String,
    /// Who asks.
    #[serde(default, rename = "as")]
    pub(crate) who: Option<String>,
    /// What is sent, as JSON.
    #[serde(default)]
    pub(crate) body: Option<Value>,
    /// What must come back.
    #[serde(default)]
    pub(crate) expect: Expectation,
    /// Names for parts of the answer, by their JSON pointers, for steps that follow.
    #[serde(default)]
    pub(crate) save: Map<String, Value>,
    /// How long the answer may take to become so; what isn't right is asked again. Only for requests that change nothing.
    #[serde(default, deserialize_with = "duration")]
    pub(crate) within: Option<Duration>,
}

/// What an answer must be.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expectation {
    /// The status; any success, if nothing is said.
    #[serde(default)]
    pub(crate) status: Option<u16>,
    /// What the body must have, at least.
    #[serde(default)]
    pub(crate) body: Option<Value>,
}

/// `5s`, `500ms`.
fn duration<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let read = |text: &str| {
        let number = |digits: &str| digits.parse::<u64>().ok();
        match text.strip_suffix("ms") {
            Some(digits) => number(digits).map(Duration::from_millis),
            None => text.strip_suffix('s').and_then(number).map(Duration::from_secs),
        }
    };
    let longest = Duration::from_mins(10);
    read(&text).filter(|within| *within <= longest).map(Some).ok_or_else(|| {
        serde::de::Error::custom(format!("`{text}` is no time such as `5s` or `500ms`, up to 600 s"))
    })
}

impl Step {
    /// Its method and its path.
    pub(crate) fn target(&self) -> Option<(&str, &str)> {
        let (method, path) = self.request.split_once(' ')?;
        let known = ["GET", "POST", "PUT", "DELETE"].contains(&method);
        (known && path.starts_with('/') && !path.contains(char::is_whitespace)).then_some((method, path))
    }

    /// What it is called.
    pub(crate) fn name(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.request)
    }
}

/// Reads a scenario, and refuses one that can't be run.
pub(crate) fn read(path: &Path) -> Result<Scenario, Failure> {
    let text =
        std::fs::read_to_string(path).map_err(|reason| Failure::Read { path: path.to_owned(), reason })?;
    let wrong = |reason: String| Failure::Other(format!("`{}`: {reason}", path.display()));
    let scenario: Scenario = serde_yaml::from_str(&text).map_err(|error| wrong(error.to_string()))?;
    if scenario.name.trim().is_empty() || scenario.steps.is_empty() {
        return Err(wrong("a scenario has a name and at least one step".to_owned()));
    }
    for (i, step) in scenario.steps.iter().enumerate() {
        let wrong = |reason: String| wrong(format!("steps[{i}]: {reason}"));
        let Some((method, _)) = step.target() else {
            let wants =
                "a request is GET, POST, PUT or DELETE and a path, such as `GET /api/v1/policies/state`";
            return Err(wrong(format!("`{}`: {wants}", step.request)));
        };
        if step.within.is_some() && method != "GET" {
            return Err(wrong(format!("`within` is for GET; `{method}` would be sent again and again")));
        }
        let is_pointer =
            |pointer: &Value| pointer.as_str().is_some_and(|it| it.is_empty() || it.starts_with('/'));
        if let Some((name, pointer)) = step.save.iter().find(|(_, pointer)| !is_pointer(pointer)) {
            let wants = "the name of a saved part has a JSON pointer, such as `/items/0/id`";
            return Err(wrong(format!("`save.{name}` is `{pointer}`: {wants}")));
        }
        if let Some(body) = &step.expect.body {
            expect::check(body).map_err(|reason| wrong(format!("`expect.body`: {reason}")))?;
        }
    }
    Ok(scenario)
}
