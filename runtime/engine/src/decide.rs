//! The decision function.

use jiff::Timestamp;
use ordain_ir::request::RequestJson;
use ordain_ir::{Direction, Fail, LimitStatus, Outcome, PolicyName, Quantity, Request, RuleStatus, RuleType};

use crate::answer::{Answer, LimitPart, Part, PolicyNumber, RulePart, UnmeasuredPart};
use crate::condition::Truth;
use crate::decision::Decision;
use crate::index::Side;
use crate::prepared::Prepared;
use crate::{CounterRef, Counters, DecideError, Engine, Span, SubjectRef};

/// Policies in whose domain the request is, or may be: ascending numbers, each with the fact that this depends on.
#[derive(Clone, Copy)]
struct Found<'a>(&'a [(u32, Option<u32>)]);

impl Found<'_> {
    fn is_certain(self, number: u32) -> bool {
        self.0.binary_search_by_key(&number, |it| it.0).is_ok_and(|at| self.0[at].1.is_none())
    }

    fn may_be(self, number: u32) -> bool {
        self.0.binary_search_by_key(&number, |it| it.0).is_ok()
    }

    /// Who silences a policy: the first by name of those certain to be here that is not silenced itself. There is one
    /// wherever there is a silencer at all, since overriding is transitive and has no cycle.
    fn silencer<'s>(self, of: u32, silencers: impl Fn(u32) -> &'s [u32]) -> Option<u32> {
        let certain = |number| silencers(number).iter().copied().filter(|by| self.is_certain(*by));
        certain(of).find(|by| certain(*by).next().is_none())
    }
}

/// Notes a policy in whose domain the request is, or may be.
fn note(found: &mut Vec<(u32, Option<u32>)>, number: u32, truth: Truth) {
    match truth {
        Truth::True => found.push((number, None)),
        Truth::Unknown(slot) => found.push((number, Some(slot))),
        Truth::False => {}
    }
}

fn order(found: &mut Vec<(u32, Option<u32>)>) {
    found.sort_unstable();
    found.dedup();
}

impl Engine {
    /// What the policies say about the request, and why.
    ///
    /// # Errors
    /// If the request leaves out, or says wrongly, what the decision depends on. [`Engine::enforce`] decides such
    /// requests too.
    pub fn decide(&self, request: &Request, counters: &dyn Counters) -> Result<Decision, DecideError> {
        let (prepared, mut answer) = (self.prepare(request)?, Answer::default());
        self.answer(&prepared, counters, &mut answer)?;
        let faults = request.strangers(&self.policies().settings);
        Ok(Decision { faults, ..self.decided(&prepared, &answer)? })
    }

    /// What these policies say about the request, were there no others: the ones that are active and whose domain
    /// the request is in. Who overrides whom stays as it is, also where that goes through policies left out.
    ///
    /// # Errors
    /// As [`Engine::decide`], and if there is no policy of one of the names.
    pub fn decide_by(
        &self,
        policies: &[&PolicyName],
        request: &Request,
        counters: &dyn Counters,
    ) -> Result<Decision, DecideError> {
        let (prepared, answer) = self.answer_of(policies, request, counters)?;
        Ok(self.explain(&prepared, &answer))
    }

    /// The same by numbers, for those who need no words.
    ///
    /// # Errors
    /// As [`Engine::decide_by`].
    pub fn answer_by(
        &self,
        policies: &[&PolicyName],
        request: &Request,
        counters: &dyn Counters,
    ) -> Result<Answer, DecideError> {
        let (_, answer) = self.answer_of(policies, request, counters)?;
        Ok(answer)
    }

    fn answer_of(
        &self,
        policies: &[&PolicyName],
        request: &Request,
        counters: &dyn Counters,
    ) -> Result<(Prepared, Answer), DecideError> {
        let number = |policy: &&PolicyName| {
            self.number_of(policy).ok_or_else(|| DecideError::UnknownPolicy((*policy).clone()))
        };
        let numbers: Vec<PolicyNumber> = policies.iter().map(number).collect::<Result<_, _>>()?;
        let (prepared, mut answer) = (self.prepare(request)?, Answer::default());
        self.answer_among(&numbers, &prepared, counters, &mut answer)?;
        Ok((prepared, answer))
    }

    /// What policies with these [numbers](Engine::number_of) say about a prepared request, as [`Engine::answer_by`],
    /// into memory that may have held another answer.
    ///
    /// # Errors
    /// As [`Engine::answer_by`], and if the request was prepared for another engine.
    pub fn answer_among(
        &self,
        policies: &[PolicyNumber],
        request: &Prepared,
        counters: &dyn Counters,
        answer: &mut Answer,
    ) -> Result<(), DecideError> {
        if !request.is_of(&self.schema) {
            return Err(DecideError::ForeignRequest);
        }
        let rule = |policy: &PolicyNumber| match *policy {
            PolicyNumber::Rule(rule) if self.rule(rule).status == RuleStatus::Active => Some(rule),
            _ => None,
        };
        let limit = |policy: &PolicyNumber| match *policy {
            PolicyNumber::Limit(limit) if self.limit(limit).status == LimitStatus::Active => Some(limit),
            _ => None,
        };
        answer.now.set(request.second, &self.clocks);
        let Answer { found, now, .. } = answer;
        found.clear();
        for rule in policies.iter().filter_map(rule) {
            note(found, rule, self.rule_holds(rule, request, now));
        }
        order(found);
        self.answer_rules(answer);
        let Answer { found, now, .. } = answer;
        found.clear();
        for limit in policies.iter().filter_map(limit) {
            note(found, limit, self.limit_holds(limit, request, now));
        }
        order(found);
        self.answer_limits(request, counters, answer);
        // It is about these policies, not about who asks.
        self.settle(Outcome::Allow, answer);
        self.settled(answer)
    }

    /// An answer that leaves nothing undecided, in words.
    fn decided(&self, request: &Prepared, answer: &Answer) -> Result<Decision, DecideError> {
        self.settled(answer)?;
        Ok(self.explain(request, answer))
    }

    /// Fails if the answer leaves something undecided.
    fn settled(&self, answer: &Answer) -> Result<(), DecideError> {
        match answer.undecided() {
            None => Ok(()),
            Some((PolicyNumber::Rule(rule), slot)) => Err(self.missing(slot, &self.rule(rule).name)),
            Some((PolicyNumber::Limit(limit), slot)) => Err(self.missing(slot, &self.limit(limit).name)),
        }
    }

    /// Decides whatever comes: a request with faults too, and one that leaves facts out. The faults stand in the
    /// decision, and policies that depend on what isn't said do as the policies' [settings](ordain_ir::Settings::fail)
    /// say: by default they speak, so that the outcome is at least as strict as it could be for any value.
    ///
    /// An agent or a provider that no policy names is none of a narrow scope's, and decided by the wider ones; one that is
    /// not among those that the settings know is a fault, and blocked where these fail closed. Any instant is decided, also
    /// one outside of the horizon in which the analysis compares windows.
    pub fn enforce(&self, request: RequestJson, counters: &dyn Counters) -> Decision {
        let policies = self.policies();
        let (request, mut faults) = Request::read(request, &policies.facts, &policies.meters);
        faults.extend(request.strangers(&policies.settings));
        let prepared = self.prepare(&request).expect("what is read has the declared kinds");
        let mut answer = Answer::default();
        self.answer(&prepared, counters, &mut answer).expect("it was prepared for this engine");
        Decision { faults, ..self.explain(&prepared, &answer) }
    }

    /// What the policies say about a prepared request, and why, into memory that may have held another answer.
    ///
    /// A policy of which it isn't known whether it speaks, because the request leaves a required fact out, is dealt
    /// with as the policies' [settings](ordain_ir::Settings::fail) say.
    ///
    /// # Errors
    /// If the request was prepared for another engine.
    pub fn answer<C: Counters + ?Sized>(
        &self,
        request: &Prepared,
        counters: &C,
        answer: &mut Answer,
    ) -> Result<Outcome, DecideError> {
        if !request.is_of(&self.schema) {
            return Err(DecideError::ForeignRequest);
        }
        answer.now.set(request.second, &self.clocks);
        self.find(Side::Rules, request, answer);
        self.answer_rules(answer);
        self.find(Side::Limits, request, answer);
        self.answer_limits(request, counters, answer);
        // A stranger gets the strictest there is, where what isn't known fails closed.
        let stranger = request.strange && self.closed();
        self.settle(if stranger { Outcome::Block } else { Outcome::Allow }, answer);
        Ok(answer.outcome)
    }

    /// Whether policies that may speak do so.
    fn closed(&self) -> bool {
        self.policies().settings.fail == Fail::Closed
    }

    /// Finds the policies of one side in whose domain the request is, or may be.
    fn find(&self, side: Side, request: &Prepared, answer: &mut Answer) {
        let Answer { found, now, .. } = answer;
        found.clear();
        self.index.candidates(side, &self.schema, request, |candidate, tests| {
            note(found, candidate.number, self.candidate_holds(side, (candidate, tests), request, now));
        });
        order(found);
    }

    fn answer_rules(&self, answer: &mut Answer) {
        let (closed, found) = (self.closed(), Found(&answer.found));
        let silencers = |number: u32| &*self.rules[number as usize].silencers;
        // The first by name of each concern's rules of highest priority, of those that speak whatever the missing
        // facts are.
        let mut top: [Option<u32>; RuleType::ALL.len()] = Default::default();
        for (number, unknown) in found.0 {
            let rule = &self.rules[*number as usize];
            let best = &mut top[rule.rule_type as usize];
            let higher = best.is_none_or(|best| self.rules[best as usize].priority < rule.priority);
            // Where who may speak does, who may silence can't be relied on to do so, nor to leave others alone.
            let silenced = || {
                silencers(*number)
                    .iter()
                    .any(|by| if closed { found.may_be(*by) } else { found.is_certain(*by) })
            };
            if unknown.is_none() && higher && !silenced() {
                *best = Some(*number);
            }
        }
        answer.rules.clear();
        answer.rules.extend(found.0.iter().map(|(number, unknown)| {
            let rule = &self.rules[*number as usize];
            let part = if unknown.is_some() && !closed {
                Part::Ignored
            } else if let Some(by) = found.silencer(*number, silencers) {
                Part::Overridden(by)
            } else {
                match top[rule.rule_type as usize] {
                    Some(best) if self.rules[best as usize].priority > rule.priority => Part::Outranked(best),
                    _ => Part::Agreed,
                }
            };
            RulePart { rule: *number, part, unknown: *unknown }
        }));
    }

    /// A limit without a value does not apply, so it overrides nothing either.
    fn answer_limits<C: Counters + ?Sized>(&self, request: &Prepared, counters: &C, answer: &mut Answer) {
        let closed = self.closed();
        let Answer { found, limits, unmeasured, spans, .. } = answer;
        limits.clear();
        unmeasured.clear();
        spans.clear();
        spans.resize(self.ways.len(), None);
        found.retain(|(number, unknown)| {
            let measured = self.measure(*number, request, spans, counters);
            match measured {
                Some(part) => limits.push(LimitPart { unknown: *unknown, ..part }),
                None => unmeasured.push(UnmeasuredPart { limit: *number, unknown: *unknown }),
            }
            measured.is_some()
        });
        let (found, silencers) = (Found(found), |number: u32| &*self.limits[number as usize].silencers);
        for limit in limits {
            limit.part = if limit.unknown.is_some() && !closed {
                Part::Ignored
            } else if let Some(by) = found.silencer(limit.limit, silencers) {
                Part::Overridden(by)
            } else if limit.breached {
                Part::Agreed
            } else {
                Part::Held
            };
        }
    }

    /// The limit's value for this request, and whether it breaks the bound; `None` where the value is unknown.
    fn measure<C: Counters + ?Sized>(
        &self,
        number: u32,
        request: &Prepared,
        spans: &mut [Option<Span>],
        counters: &C,
    ) -> Option<LimitPart> {
        let prepared = &self.limits[number as usize];
        let limit = &*prepared.limit;
        let unread = match &limit.quantity {
            Quantity::RiskCeiling => request.risk_unread,
            Quantity::Cooldown => false,
            Quantity::PerRun(_) | Quantity::Accumulated(..) => request.is_unread(prepared.meter),
        };
        if unread && !self.closed() {
            return None;
        }
        let (own, span, used) = match &limit.quantity {
            Quantity::RiskCeiling => (if unread { 0 } else { request.risk? }, None, 0),
            Quantity::Cooldown => {
                let subject = SubjectRef::of(limit.partition, request.path(), request.provider());
                // A clock that was set back since then doesn't let the time pass.
                let since = |last: Timestamp| (request.at.as_millisecond() - last.as_millisecond()).max(0);
                (counters.last_run(limit, subject).map(since).or(request.since_last_run)?, None, 0)
            }
            Quantity::PerRun(_) => (request.amounts[prepared.meter as usize], None, 0),
            Quantity::Accumulated(..) => {
                let (way, quantity) = (prepared.way as usize, &*prepared.quantity);
                let span = *spans[way].get_or_insert_with(|| self.ways[way].span(request.second));
                let subject = SubjectRef::of(limit.partition, request.path(), request.provider());
                let used = counters.used(CounterRef { limit, quantity, subject, span });
                (request.amounts[prepared.meter as usize], Some(span), used)
            }
        };
        let value = i128::from(used) + i128::from(own);
        // A floor on what accumulates is a guarantee, to be protected from other limits; no request breaches it.
        let guarantee = span.is_some() && limit.bound.direction == Direction::AtLeast;
        Some(LimitPart {
            limit: number,
            part: Part::Held,
            value: i64::try_from(value).unwrap_or(if value < 0 { i64::MIN } else { i64::MAX }),
            breached: !guarantee && (unread || !limit.bound.allows(value)),
            span,
            unread,
            unknown: None,
        })
    }

    /// The strictest that is said, `least` at least, and who said it. Policies that speak stand as [`Part::Agreed`] until then.
    fn settle(&self, least: Outcome, answer: &mut Answer) {
        let Answer { outcome, decider, rules, limits, .. } = answer;
        let rule_says = |number: u32| self.rules[number as usize].says;
        let limit_says = |number: u32| self.limits[number as usize].says;
        let said = rules.iter().filter(|it| it.part == Part::Agreed).map(|it| rule_says(it.rule));
        let breached = limits.iter().filter(|it| it.part == Part::Agreed).map(|it| limit_says(it.limit));
        *outcome = said.chain(breached).max().unwrap_or(Outcome::Allow).max(least);
        *decider = None;
        let mut part = |says: Outcome, policy: PolicyNumber| match *decider {
            _ if says < *outcome => Part::Milder,
            None => {
                *decider = Some(policy);
                Part::Decided
            }
            Some(_) => Part::Agreed,
        };
        for it in rules.iter_mut().filter(|it| it.part == Part::Agreed) {
            it.part = part(rule_says(it.rule), PolicyNumber::Rule(it.rule));
        }
        for it in limits.iter_mut().filter(|it| it.part == Part::Agreed) {
            it.part = part(limit_says(it.limit), PolicyNumber::Limit(it.limit));
        }
    }
}
