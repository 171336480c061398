//! Witnesses: concrete requests that the engine, which shares no code with the algebra, confirms.

use std::sync::Arc;

use jiff::Timestamp;
use ordain_engine::{Answer, DecideError, Engine, NoCounters, Outcome, PolicyNumber, Prepared};
use ordain_ir::report::Witness;
use ordain_ir::request::{FactsJson, RequestJson, facts_to_json};
use ordain_ir::{
    Accumulation, Direction, FactName, Limit, Policies, PolicyName, Quantity, Request, Rule, Settings, Usage,
    Window, zone,
};

use crate::boxes::Valuation;
use crate::domain::{AnalyzerError, Point};
use crate::scope::Subject;

/// Why something is not proved that the solver gave up on.
pub(crate) fn undecided(settings: &Settings) -> String {
    format!("the solver did not decide it within its bound of {} units", settings.solver_bound)
}

/// Why something is not proved that holds for some values of an opaque fact only.
pub(crate) fn rests_on(fact: &FactName) -> String {
    format!("it rests on the opaque fact `{fact}`, whose value this language can't see")
}

fn instant(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("the horizon is clamped to what jiff can count")
}

/// The request at a point, with this usage.
pub(crate) fn request(point: Point, usage: Usage) -> Request {
    let Point { subject, at, facts } = point;
    Request { path: subject.path, provider: subject.provider, at: instant(at), facts, usage }
}

/// The witness for readers, on the wall clock of the first zone that a window names.
pub(crate) fn witness<'a>(
    request: &Request,
    windows: impl IntoIterator<Item = &'a Window>,
    policies: &Policies,
) -> Witness {
    Witness {
        local_time: local_time(request.at, first_zone(windows)),
        request: request.to_json(&policies.facts, &policies.meters),
    }
}

/// The witness of limits, on the wall clock of [`zone_of_limits`].
pub(crate) fn witness_of_limits(limits: &[&Limit], request: &Request, policies: &Policies) -> Witness {
    Witness {
        local_time: local_time(request.at, zone_of_limits(limits, policies)),
        request: request.to_json(&policies.facts, &policies.meters),
    }
}

/// The first zone that a window of a limit names, or else by whose calendar one of them counts.
fn zone_of_limits<'a>(limits: &[&'a Limit], policies: &'a Policies) -> &'a str {
    let windows = limits.iter().flat_map(|limit| windows_of_limit(limit, policies));
    let named = windows.flat_map(|window| &window.clauses).map(|active| active.zone.as_str());
    let counted = limits.iter().filter_map(|limit| match &limit.quantity {
        Quantity::Accumulated(_, Accumulation::Calendar { zone, .. }) => Some(&**zone),
        _ => None,
    });
    named.chain(counted.filter(|zone| *zone != "UTC")).next().unwrap_or("UTC")
}

fn first_zone<'a>(windows: impl IntoIterator<Item = &'a Window>) -> &'a str {
    let mut clauses = windows.into_iter().flat_map(|window| &window.clauses);
    clauses.next().map_or("UTC", |active| &active.zone)
}

/// `Mon 2026-03-02 11:00 Europe/Berlin`; seconds only where they are not zero.
fn local_time(at: Timestamp, name: &str) -> String {
    let zone = zone::find(name).unwrap_or(jiff::tz::TimeZone::UTC);
    let local = at.to_zoned(zone);
    let pattern = if local.second() == 0 { "%a %Y-%m-%d %H:%M" } else { "%a %Y-%m-%d %H:%M:%S" };
    format!("{} {name}", local.strftime(pattern))
}

/// The windows that decide when a limit speaks.
fn windows_of_limit<'a>(limit: &'a Limit, policies: &'a Policies) -> Vec<&'a Window> {
    let rule = limit.rule.as_ref().and_then(|name| policies.rules.get(name));
    [&limit.window].into_iter().chain(rule.map(|rule| &rule.window)).collect()
}

/// Where two policies meet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Meeting<'a> {
    pub(crate) subject: &'a Subject,
    /// In seconds since 1970.
    pub(crate) at: i64,
    pub(crate) facts: &'a Valuation,
    /// Which question the facts answer: meetings with one number have the same ones.
    pub(crate) question: usize,
}

impl Meeting<'_> {
    /// The request there, but for its facts.
    fn request(self, usage: Usage) -> Request {
        let Subject { path, provider } = self.subject.clone();
        Request { path, provider, at: instant(self.at), facts: Valuation::new(), usage }
    }
}

/// Replays of the findings about two policies on nothing but these.
pub(crate) struct Replay<'r> {
    pub(crate) policies: &'r Policies,
    pub(crate) engine: &'r Engine,
    pub(crate) names: [&'r PolicyName; 2],
    /// Their numbers in the engine.
    pub(crate) numbers: [PolicyNumber; 2],
    pub(crate) memory: &'r mut Memory,
}

/// What one replay after another uses.
#[derive(Default)]
pub(crate) struct Memory {
    prepared: Prepared,
    answer: Answer,
    shown: Option<Shown>,
    local_time: Option<LocalTime>,
}

/// The facts of the last question as witnesses show them.
struct Shown {
    question: usize,
    facts: Arc<FactsJson>,
}

/// An instant on a zone's clocks.
struct LocalTime {
    at: Timestamp,
    zone: String,
    text: String,
}

impl Memory {
    fn shown(&mut self, meeting: Meeting<'_>, policies: &Policies) -> Arc<FactsJson> {
        let Meeting { facts, question, .. } = meeting;
        let shown = self.shown.take().filter(|shown| shown.question == question);
        let new = || Shown { question, facts: facts_to_json(facts, &policies.facts).into() };
        Arc::clone(&self.shown.insert(shown.unwrap_or_else(new)).facts)
    }

    fn local_time(&mut self, at: Timestamp, zone: &str) -> String {
        let known = self.local_time.take().filter(|known| known.at == at && known.zone == zone);
        let new = || LocalTime { at, zone: zone.to_owned(), text: local_time(at, zone) };
        self.local_time.insert(known.unwrap_or_else(new)).text.clone()
    }
}

impl Replay<'_> {
    fn check(&self, holds: bool, reason: impl FnOnce() -> String) -> Result<(), AnalyzerError> {
        if holds { Ok(()) } else { Err(mismatch(self.names, &reason())) }
    }

    /// Tells which of them doesn't.
    fn both_apply(&self, meeting: Meeting<'_>, request: &Request) -> Result<(), AnalyzerError> {
        let request = Request { facts: meeting.facts.clone(), ..request.clone() };
        for name in self.names {
            let inside =
                self.engine.in_domain(name, &request).map_err(|error| mismatch(self.names, &error))?;
            self.check(inside, || format!("the request is not in the domain of `{name}`"))?;
        }
        Ok(())
    }

    fn answer(&mut self, meeting: Meeting<'_>, request: &Request) -> Result<(), AnalyzerError> {
        let Self { engine, numbers, memory: Memory { prepared, answer, .. }, .. } = self;
        let prepare = engine.prepare_with(request, meeting.facts, prepared).map_err(DecideError::from);
        let answered = prepare.and_then(|()| engine.answer_among(numbers, prepared, &NoCounters, answer));
        answered.map_err(|error| mismatch(self.names, &error))
    }

    fn witness(&mut self, meeting: Meeting<'_>, request: Request, zone: &str) -> Witness {
        let Request { path, provider, at, usage, .. } = request;
        let facts = self.memory.shown(meeting, self.policies);
        let usage = usage.to_json(&self.policies.meters);
        let request = RequestJson { path, provider, at, facts, usage };
        Witness { local_time: self.memory.local_time(at, zone), request }
    }

    /// Replays a meeting of the two, rules: both must speak of it, and the outcome must be the winner's.
    pub(crate) fn rules(
        &mut self,
        rules: [&Rule; 2],
        winner: &Rule,
        meeting: Meeting<'_>,
    ) -> Result<Witness, AnalyzerError> {
        let request = meeting.request(Usage::default());
        self.answer(meeting, &request)?;
        let answer = &self.memory.answer;
        if answer.rules().len() != 2 {
            self.both_apply(meeting, &request)?;
        }
        let wanted = Outcome::from(winner.enforcement_mode);
        self.check(answer.outcome() == wanted && answer.rules().len() == 2, || {
            format!("the engine says {}, not {wanted}", answer.outcome())
        })?;
        Ok(self.witness(meeting, request, first_zone(rules.map(|rule| &rule.window))))
    }

    /// Replays a meeting of the two, limits, given in their order: both must speak of it, and it must break exactly the
    /// bounds that the finding says it breaks.
    pub(crate) fn limits(
        &mut self,
        limits: [&Limit; 2],
        meeting: Meeting<'_>,
    ) -> Result<Witness, AnalyzerError> {
        let [a, b] = limits;
        let request = meeting.request(telling_usage(a, b));
        self.answer(meeting, &request)?;
        let answer = &self.memory.answer;
        if answer.limits().len() + answer.unmeasured().len() != 2 {
            self.both_apply(meeting, &request)?;
        }
        for (limit, number) in limits.into_iter().zip(self.numbers) {
            let part = answer.limits().iter().find(|part| PolicyNumber::Limit(part.limit) == number);
            let wanted = breaks(limit, request.usage.value(&limit.quantity));
            self.check(part.is_some_and(|part| part.breached == wanted), || {
                format!("`{}` should be {}", limit.name, if wanted { "breached" } else { "held" })
            })?;
        }
        Ok(self.witness(meeting, request, zone_of_limits(&limits, self.policies)))
    }
}

fn mismatch(names: [&PolicyName; 2], reason: &dyn std::fmt::Display) -> AnalyzerError {
    AnalyzerError::Witness {
        policies: format!("`{}` and `{}`", names[0], names[1]),
        reason: reason.to_string(),
    }
}

/// Replays a request of which all these policies are said to speak.
pub(crate) fn replay_domains(
    names: &[PolicyName],
    request: &Request,
    engine: &Engine,
) -> Result<(), AnalyzerError> {
    let wrong =
        |name: &PolicyName, reason: String| AnalyzerError::Witness { policies: format!("`{name}`"), reason };
    for name in names {
        let inside = engine.in_domain(name, request);
        if !inside.map_err(|error| wrong(name, error.to_string()))? {
            return Err(wrong(name, "the request is not in its domain".to_owned()));
        }
    }
    Ok(())
}

fn breaks(limit: &Limit, value: Option<i64>) -> bool {
    !is_guarantee(limit) && value.is_some_and(|value| !limit.bound.allows(value.into()))
}

/// Whether it is a floor on what accumulates: no single request breaks it.
pub(crate) fn is_guarantee(limit: &Limit) -> bool {
    matches!(limit.quantity, Quantity::Accumulated(..)) && limit.bound.direction == Direction::AtLeast
}

/// The usage that shows how two limits on one quantity differ: just beyond the tighter bound.
fn telling_usage(a: &Limit, b: &Limit) -> Usage {
    let ceilings = [a, b].into_iter().filter(|limit| limit.bound.direction == Direction::AtMost);
    let value = match ceilings.map(|limit| limit.bound.value).min() {
        Some(ceiling) => ceiling.saturating_add(1),
        None => a.bound.value.max(b.bound.value).saturating_sub(1),
    };
    let mut usage = Usage::default();
    usage.set(&a.quantity, value.max(0));
    usage
}
