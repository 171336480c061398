//! Asking a server, step by step.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use ordain_runtime::{ApiClient, ClientError};
use serde_json::{Value, json};

use super::expect::{Difference, difference};
use super::variables::{Variables, fill, fill_path};
use super::{Scenario, Step};
use crate::failure::Failure;

/// How long to wait before asking again.
const PAUSE: Duration = Duration::from_millis(100);

/// What became of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StepOutcome {
    /// The request as it was sent.
    pub(crate) request: String,
    /// The status of the answer; none, if the step could not be sent.
    pub(crate) status: Option<u16>,
    /// What isn't as expected; nothing, if all is.
    pub(crate) wrong: Vec<Difference>,
}

/// What became of a scenario: of its steps up to the first that went wrong.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    pub(crate) steps: Vec<StepOutcome>,
    pub(crate) passed: bool,
}

/// Somebody who asks a server.
pub(crate) struct Driver {
    client: ApiClient,
    /// API keys by the names under which steps ask; the one for everybody else has none.
    keys: BTreeMap<Option<String>, String>,
    runtime: tokio::runtime::Runtime,
}

impl Driver {
    pub(crate) fn new(client: ApiClient, keys: BTreeMap<Option<String>, String>) -> Result<Self, Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        Ok(Self { client, keys, runtime: runtime.map_err(Failure::other)? })
    }

    /// Headers that say who asks. A server that asks for no key is told a name.
    fn who(&self, name: Option<&str>) -> Result<Vec<(&'static str, String)>, Failure> {
        if self.keys.is_empty() {
            return Ok(name.map(|name| ("x-ordain-dev-user", name.to_owned())).into_iter().collect());
        }
        let named = self.keys.get(&name.map(ToOwned::to_owned)).or_else(|| self.keys.get(&None));
        let key = named.ok_or_else(|| {
            let (flag, who) = match name {
                Some(name) => (format!("--key {name}=FILE"), format!("`{name}`")),
                None => ("--key FILE".to_owned(), "a step that names nobody".to_owned()),
            };
            Failure::Other(format!("there is no key for {who}; give {flag}"))
        })?;
        Ok(vec![("authorization", format!("Bearer {key}"))])
    }

    /// The status and the body of an answer; null where the body is no JSON.
    fn ask(
        &self,
        (method, path): (&str, &str),
        who: Option<&str>,
        body: Option<&Value>,
    ) -> Result<(u16, Value), Failure> {
        let body = body.map(|body| body.to_string().into_bytes());
        let who = self.who(who)?;
        let asked = self.client.ask(method, path, &who, body);
        let (status, body) =
            self.runtime.block_on(asked).map_err(|error: ClientError| Failure::other(error))?;
        Ok((status, serde_json::from_slice(&body).unwrap_or(Value::Null)))
    }

    /// Runs a scenario to its end, or to its first step that goes wrong. `run` is a word that no other run has.
    pub(crate) fn run(&self, scenario: &Scenario, run: &str) -> Result<Outcome, Failure> {
        let mut variables = Variables::from([
            ("scenario".to_owned(), scenario.name.as_str().into()),
            ("run".to_owned(), run.into()),
        ]);
        let mut steps = vec![];
        for step in &scenario.steps {
            let outcome = self.step(step, &mut variables)?;
            let went_wrong = !outcome.wrong.is_empty();
            steps.push(outcome);
            if went_wrong {
                break;
            }
        }
        let passed = steps.iter().all(|step| step.wrong.is_empty());
        Ok(Outcome { steps, passed })
    }

    fn step(&self, step: &Step, variables: &mut Variables) -> Result<StepOutcome, Failure> {
        let unsent = |said: String| StepOutcome {
            request: step.request.clone(),
            status: None,
            wrong: vec![Difference { place: String::new(), said }],
        };
        let (method, path) = step.target().expect("was looked at when it was read");
        let filled = (|| {
            let body = step.body.as_ref().map(|body| fill(body, variables)).transpose()?;
            let expected = step.expect.body.as_ref().map(|body| fill(body, variables)).transpose()?;
            Ok::<_, String>((fill_path(path, variables)?, body, expected))
        })();
        let (path, body, expected) = match filled {
            Ok(filled) => filled,
            Err(reason) => return Ok(unsent(reason)),
        };
        let begun = Instant::now();
        loop {
            let (status, answer) = self.ask((method, &path), step.who.as_deref(), body.as_ref())?;
            let mut wrong = vec![];
            let fits = match step.expect.status {
                Some(wanted) => status == wanted,
                None => (200..300).contains(&status),
            };
            if !fits {
                let wanted = step.expect.status.map_or_else(|| "a success".to_owned(), |it| it.to_string());
                let why = answer["detail"].as_str().map_or_else(String::new, |detail| format!(": {detail}"));
                let said = format!("expected {wanted}, found the status {status}{why}");
                wrong.push(Difference { place: String::new(), said });
            } else if let Some(expected) = &expected {
                wrong.extend(difference(expected, Some(&answer)));
            }
            let mut saved = vec![];
            for (name, pointer) in &step.save {
                match pointer.as_str().and_then(|pointer| answer.pointer(pointer)) {
                    Some(value) => saved.push((name.clone(), value.clone())),
                    None => wrong.push(Difference {
                        place: pointer.as_str().unwrap_or_default().to_owned(),
                        said: format!("expected something to save as `{name}`, and there is nothing"),
                    }),
                }
            }
            let again = step.within.is_some_and(|within| begun.elapsed() < within);
            if wrong.is_empty() || !again {
                variables.extend(saved);
                return Ok(StepOutcome { request: format!("{method} {path}"), status: Some(status), wrong });
            }
            std::thread::sleep(PAUSE);
        }
    }

    /// Tells the server what a scenario has seen at work.
    pub(crate) fn promote(&self, scenario: &Scenario, who: &str) -> Result<(), Failure> {
        let seen = json!({ "scenario": scenario.name, "capabilities": scenario.capabilities });
        let route = ("POST", "/api/v1/capabilities/observations");
        let (status, answer) = self.ask(route, Some(who), Some(&seen))?;
        if status == 200 {
            return Ok(());
        }
        let detail = answer["detail"].as_str().unwrap_or("and gives no reason");
        Err(Failure::Other(format!(
            "the server does not take what `{}` has seen ({status}): {detail}",
            scenario.name
        )))
    }
}
