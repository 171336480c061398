//! `test` blocks: the request that one describes, and what is expected of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use ordain_grammar::ast::{
    AssignedValue, Assignment, Expect, Expr, ExprKind, Given, Item, LiteralKind, Name, ScopeEntry, Test,
    TestClause, TestClauseKind,
};
use ordain_grammar::suggest::nearest;
use ordain_ir::fact::RISK_SCALE;
use ordain_ir::{
    Diagnostic, Expectation, Fact, FactName, Limit, Meter, MeterUnit, Outcome, Path, PolicyKind, PolicyName,
    Quantity, Request, Site, Span, TestCase, Type, Usage, codes,
};

use super::literal::Unit;
use super::{Branches, Checker, FilePolicies};
use crate::Db;
use crate::made::WARN;
use crate::packages::Origin;
use crate::resolve::Meaning;
use crate::view::View;

/// Monday 2026-01-05, 12:00 UTC, for tests that name no instant.
const NOON: i64 = 1_767_614_400;
/// What every request reports of its use, beside declared meters.
const REPORTED: [&str; 5] = ["runs", "tokens", "cost", "risk", "since_last_run"];

/// The tests of one file. Their requests have only the facts that they give.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct CheckedCases {
    pub(crate) cases: Vec<Arc<TestCase>>,
    /// For each of them, the tests in the conditions of the policies that exist in it only.
    pub(crate) branches: Vec<Branches>,
    pub(crate) diagnostics: Vec<Diagnostic>,
}

/// Checks the tests of a file.
pub(crate) fn check_cases(db: &dyn Db, origin: Origin) -> CheckedCases {
    let file = &origin.parse(db).file;
    let mut checker = Checker::new(db, View::of(db, origin), file);
    let tests = file.items.iter().filter_map(|item| match item {
        Item::Test(test) => Some(test),
        _ => None,
    });
    let cases = tests.filter_map(|test| {
        let case = checker.case(test);
        let branches = std::mem::take(&mut checker.branches);
        Some((Arc::new(case?), branches))
    });
    let (cases, branches) = cases.unzip();
    CheckedCases { cases, branches, diagnostics: checker.diagnostics }
}

/// What a test says, read so far.
#[derive(Default)]
struct Draft {
    policies: FilePolicies,
    path: Option<(Option<Path>, Span)>,
    provider: Option<(Option<String>, Span)>,
    at: Option<(Option<Timestamp>, Span)>,
    facts: BTreeMap<FactName, ordain_ir::Value>,
    usage: Usage,
    used: BTreeMap<PolicyName, i64>,
    /// What the counters of announcements hold by that: they count what their limits count.
    used_too: BTreeMap<PolicyName, i64>,
    expectations: Vec<Expectation>,
    /// Whether everything that was named is known and can be used.
    sound: bool,
}

impl<'a> Checker<'a> {
    /// Reads a test; `None` if it can't be run.
    fn case(&mut self, test: &Test) -> Option<TestCase> {
        let before = self.diagnostics.len();
        let LiteralKind::Text(name) = &test.name.kind else { return None };
        if name.trim().is_empty() && !test.broken {
            let error =
                self.error(codes::BAD_TEST, test.name.span, "a test says in its name what it is about");
            self.report(error.help("write for example `test \"exports of customers' data are blocked\"`"));
        }
        let mut draft = Draft { sound: true, ..Draft::default() };
        // Policies of the test can be named wherever they are applied.
        for clause in &test.clauses {
            if let TestClauseKind::Apply(apply) = &clause.kind {
                let own = self.apply_locally(apply);
                draft.policies.rules.extend(own.rules);
                draft.policies.limits.extend(own.limits);
            }
        }
        let mut given: BTreeSet<String> = BTreeSet::new();
        let mut reported: BTreeSet<String> = BTreeSet::new();
        for clause in &test.clauses {
            match &clause.kind {
                TestClauseKind::Apply(_) | TestClauseKind::Broken => {}
                TestClauseKind::Given(it) => self.given_request(it, &mut given, &mut draft),
                TestClauseKind::Uses(all) => {
                    for it in all {
                        self.uses_amount(it, &mut reported, &mut draft);
                    }
                }
                TestClauseKind::Used(all) => {
                    for it in all {
                        self.used_before(it, &mut draft);
                    }
                }
                TestClauseKind::Expect(it) => self.expectation(it, clause, &mut draft),
            }
        }
        self.forget_local_policies();
        let expects =
            |clause: &TestClause| matches!(clause.kind, TestClauseKind::Expect(_) | TestClauseKind::Broken);
        if !test.broken && !test.clauses.iter().any(expects) {
            let error = self.error(codes::MISSING_CLAUSE, test.name.span, "the test lacks `expect`");
            self.report(
                error.help("say what must come of the request, such as `expect block by no-pii-export`"),
            );
        }
        if test.broken || !draft.sound || self.diagnostics.len() > before {
            return None;
        }
        let head = Span { start: test.span.start, end: test.name.span.end };
        Some(draft.finish(name, self.view.package(), self.site(head)))
    }

    fn site(&self, span: Span) -> Site {
        Site { file: self.path.to_owned(), place: self.view.origin().place(self.db, span) }
    }

    fn given_request(&mut self, it: &Given, given: &mut BTreeSet<String>, draft: &mut Draft) {
        if let Some(agent) = &it.agent {
            let path = self.whole_path(agent, 3).and_then(|path| <[String; 3]>::try_from(path).ok());
            let path = path.map(|[tenant, project, agent]| Path { tenant, project, agent });
            self.once("agent", agent.span, draft.path.as_ref().map(|(_, span)| *span));
            draft.path.get_or_insert((path, agent.span));
        }
        if let Some(provider) = &it.provider {
            let name = self.whole_path(provider, 1).and_then(|path| path.into_iter().next());
            self.once("provider", provider.span, draft.provider.as_ref().map(|(_, span)| *span));
            draft.provider.get_or_insert((name, provider.span));
        }
        if let Some(at) = &it.at {
            let instant = self.moment(at, &TimeZone::UTC).and_then(|at| Timestamp::from_second(at).ok());
            self.once("at", at.span, draft.at.as_ref().map(|(_, span)| *span));
            draft.at.get_or_insert((instant, at.span));
        }
        for it in &it.facts {
            if !given.insert(it.name.text.clone()) {
                self.twice(&it.name);
            } else if let Some((fact, value)) = self.given_fact(it, draft) {
                draft.facts.insert(fact, value);
            }
        }
    }

    /// Says that a part of the request is given a second time.
    fn once(&mut self, what: &str, span: Span, first: Option<Span>) {
        if let Some(first) = first {
            let error = self.error(codes::DUPLICATE_CLAUSE, span, format!("`{what}` is given twice"));
            self.report(error.and_at(self.path, first, "the first one"));
        }
    }

    /// The segments of a path that names one thing.
    fn whole_path(&mut self, entry: &ScopeEntry, wanted: usize) -> Option<Vec<String>> {
        if entry.path.len() != wanted {
            let (what, shape) = match wanted {
                1 => ("provider", "one segment, such as `openai`"),
                _ => ("agent", "three segments, such as `acme/support/mailer`"),
            };
            let error = self.error(codes::BAD_SCOPE, entry.span, format!("`{what}` wants {shape}"));
            self.report(error);
            return None;
        }
        for segment in &entry.path {
            if segment.text.is_empty() {
                let error = self.error(codes::BAD_SCOPE, segment.span, "a segment of a path cannot be empty");
                self.report(error);
                return None;
            }
            if !segment.quoted && segment.text.contains('*') {
                let message = format!("a request comes from one place, and `{}` is a pattern", segment.text);
                let error = self.error(codes::BAD_TEST, segment.span, message);
                self.report(
                    error.help("write the segment out; in quotation marks `*` is a character like any other"),
                );
                return None;
            }
        }
        Some(entry.path.iter().map(|segment| segment.text.clone()).collect())
    }

    fn given_fact(&mut self, it: &Assignment, draft: &mut Draft) -> Option<(FactName, ordain_ir::Value)> {
        let fact = match self.view.value(&it.name.text) {
            Ok(Meaning::Fact(_, entry)) => {
                draft.sound &= entry.fact.is_some();
                entry.fact.as_ref()?
            }
            Ok(other) => {
                let message = format!("`{}` is {}, not a fact", it.name.text, other.description());
                let error = self.error(codes::WRONG_KIND, it.name.span, message);
                self.report(error.help("give the facts that it reads"));
                return None;
            }
            Err(unresolved) => {
                draft.sound = false;
                if REPORTED.contains(&it.name.text.as_str()) {
                    let message =
                        format!("`{}` is no fact; what a request uses stands in `uses`", it.name.text);
                    let error = self.error(codes::BAD_TEST, it.name.span, message);
                    self.report(error.help(format!("write `uses {} = …`", it.name.text)));
                } else {
                    self.unknown_name(&it.name.text, it.name.span, "fact", unresolved);
                }
                return None;
            }
        };
        let value = match &it.value {
            AssignedValue::Expr(expr) => self.value(fact, expr),
            AssignedValue::Set(span, entries) => self.set_value(fact, *span, entries),
        };
        Some((fact.name.clone(), value?))
    }

    fn uses_amount(&mut self, it: &Assignment, reported: &mut BTreeSet<String>, draft: &mut Draft) {
        let name = it.name.text.as_str();
        let meter = match name {
            "runs" => Meter::Runs,
            "tokens" => Meter::Tokens,
            "cost" => match cost(it) {
                Cost::Of(currency) => Meter::Cost(currency.to_owned()),
                Cost::Bare(expr, amount) => return self.any_currency(expr, amount),
            },
            "risk" => return self.uses_value(it, &Quantity::RiskCeiling, reported, draft),
            "since_last_run" => return self.uses_value(it, &Quantity::Cooldown, reported, draft),
            _ => match self.view.meter(name) {
                Ok(Meaning::Meter(entry)) => {
                    let Some(unit) = entry.unit.clone() else {
                        draft.sound = false;
                        return;
                    };
                    Meter::Declared { name: entry.name.clone(), unit }
                }
                Ok(_) => return,
                Err(unresolved) => {
                    draft.sound = false;
                    self.unknown_use(&it.name, unresolved);
                    return;
                }
            },
        };
        self.uses_value(it, &Quantity::PerRun(meter), reported, draft);
    }

    fn unknown_use(&mut self, name: &Name, unresolved: crate::resolve::Unresolved) {
        if let Some(other) = self.view.anything(&name.text) {
            let message =
                format!("`{}` is {}, not something that requests use", name.text, other.description());
            let error = self.error(codes::WRONG_KIND, name.span, message);
            self.report(match other {
                Meaning::Fact(..) => error.help(format!("write `given {} = …`", name.text)),
                Meaning::Policy(_, PolicyKind::Limit, _) => {
                    error.help(format!("for what its counter holds before, write `used {} = …`", name.text))
                }
                _ => error.help("declare a `meter`"),
            });
            return;
        }
        if let Some(near) = nearest(&name.text, REPORTED) {
            let error = self.error(codes::UNKNOWN_NAME, name.span, format!("unknown meter `{}`", name.text));
            self.report(error.help(format!("did you mean `{near}`?")).fix(format!("write `{near}`"), near));
            return;
        }
        self.unknown_name(&name.text, name.span, "meter", unresolved);
    }

    fn uses_value(
        &mut self,
        it: &Assignment,
        quantity: &Quantity,
        reported: &mut BTreeSet<String>,
        draft: &mut Draft,
    ) {
        let key = match quantity.currency() {
            Some(currency) => format!("{} {currency}", it.name.text),
            None => it.name.text.clone(),
        };
        if !reported.insert(key) {
            self.twice(&it.name);
            return;
        }
        if let Some(value) = self.amount(it, quantity) {
            draft.usage.set(quantity, value);
        }
    }

    /// An amount of what a quantity measures.
    fn amount(&mut self, it: &Assignment, quantity: &Quantity) -> Option<i64> {
        let ty = match (super::limit::unit_of(quantity), quantity) {
            (_, Quantity::RiskCeiling) => Type::Decimal { scale: RISK_SCALE },
            (Unit::Money(currency), _) => Type::Money { currency },
            (Unit::Duration, _) => Type::Duration,
            (Unit::Plain | Unit::Percent, _) => Type::Int,
        };
        let range = (*quantity == Quantity::RiskCeiling).then_some((0, 10_i64.pow(RISK_SCALE.into())));
        let name = it.name.text.as_str().into();
        let holder = Fact { name, ty, range, optional: false, opaque: false, doc: String::new() };
        let (value, span) = match &it.value {
            AssignedValue::Expr(expr) => (self.value(&holder, expr), expr.span),
            AssignedValue::Set(span, entries) => (self.set_value(&holder, *span, entries), *span),
        };
        let Some(ordain_ir::Value::Number(value)) = value else { return None };
        if value < 0 {
            let message = format!("`{}` cannot be negative", it.name.text);
            let error = self.error(codes::BAD_TEST, span, message);
            self.report(error.help("what requests use adds up; it is 0 or more"));
            return None;
        }
        Some(value)
    }

    fn used_before(&mut self, it: &Assignment, draft: &mut Draft) {
        let Some((name, limit, announced)) = self.limit_named(&it.name, draft) else { return };
        let Quantity::Accumulated(..) = &limit.quantity else {
            let message = format!("`{}` bounds a value of one request and has no counter", it.name.text);
            let error = self.error(codes::BAD_TEST, it.name.span, message);
            let instead = match &limit.quantity {
                Quantity::RiskCeiling => "write `uses risk = …`".to_owned(),
                Quantity::Cooldown => "write `uses since_last_run = …`".to_owned(),
                Quantity::PerRun(meter) | Quantity::Accumulated(meter, _) => {
                    format!("write `uses {} = …`", meter.word().to_lowercase())
                }
            };
            self.report(error.help(instead));
            return;
        };
        let amount = self.amount(it, &limit.quantity).unwrap_or(0);
        if let Some(announced) = announced {
            draft.used_too.insert(announced, amount);
        }
        if draft.used.insert(name, amount).is_some() {
            self.twice(&it.name);
        }
    }

    /// The limit that a name stands for, and the one that its `warn at` adds. One with an error of its own can't be
    /// used, which has been reported there.
    fn limit_named(
        &mut self,
        name: &Name,
        draft: &mut Draft,
    ) -> Option<(PolicyName, Arc<Limit>, Option<PolicyName>)> {
        let (full, _) = self.policy_with_kind(name, Some(PolicyKind::Limit))?;
        let all = self.policies_with(name, &full, draft);
        let found = all.limits.get(&full).cloned();
        let announced = PolicyName::from(format!("{full}.{WARN}").as_str());
        let announced = all.limits.contains_key(&announced).then_some(announced);
        draft.sound &= found.is_some();
        Some((full, found?, announced))
    }

    /// The policies of the file in which the one stands that a name stands for; those of the test itself, if it is one
    /// of them.
    fn policies_with<'p>(&self, name: &Name, full: &PolicyName, draft: &'p Draft) -> &'p FilePolicies
    where
        'a: 'p,
    {
        let own = &draft.policies;
        if own.rules.contains_key(full) || own.limits.contains_key(full) {
            return own;
        }
        match self.view.policy(&name.text) {
            Ok(Meaning::Policy(_, _, member)) => member.origin.policies(self.db),
            _ => own,
        }
    }

    fn expectation(&mut self, it: &Expect, clause: &TestClause, draft: &mut Draft) {
        let outcome = self.one_of(Some(&it.outcome), "outcome", Outcome::ALL, Outcome::as_str);
        let mut by = BTreeSet::new();
        let mut not_by = BTreeSet::new();
        for (names, into) in [(&it.by, &mut by), (&it.not_by, &mut not_by)] {
            for name in names {
                if let Some(full) = self.policy_named(name, None)
                    && !into.insert(full)
                {
                    self.twice(name);
                }
            }
        }
        if let Some(both) = by.intersection(&not_by).next() {
            let named = it.not_by.iter().find(|name| self.siblings_or_view(name).as_ref() == Some(both));
            let span = named.map_or(clause.span, |name| name.span);
            let error = self.error(codes::BAD_TEST, span, "a policy can't both demand the outcome and not");
            self.report(error.help("take it out of `by` or out of `not by`"));
        }
        if let Some(outcome) = outcome {
            for name in &it.by {
                self.can_demand(name, outcome, draft);
            }
            draft.expectations.push(Expectation { site: self.site(clause.span), outcome, by, not_by });
        }
    }

    /// Refuses a policy that never demands this outcome: it has one of its own.
    fn can_demand(&mut self, name: &Name, outcome: Outcome, draft: &Draft) {
        let Some(full) = self.siblings_or_view(name) else { return };
        let all = self.policies_with(name, &full, draft);
        let rule = all.rules.get(&full).map(|rule| Outcome::from(rule.enforcement_mode));
        let limit = all.limits.get(&full).map(|limit| Outcome::from(limit.enforcement));
        let Some(own) = rule.or(limit).filter(|own| *own != outcome) else { return };
        let word = |outcome: Outcome| outcome.as_str().to_lowercase();
        let message = format!("`{}` never demands `{}`: it says `{}`", name.text, word(outcome), word(own));
        let error = self.error(codes::BAD_TEST, name.span, message);
        self.report(error.help(format!("expect `{}`, or name another policy", word(own))));
    }

    fn siblings_or_view(&self, name: &Name) -> Option<PolicyName> {
        if let Some((full, _)) = self.siblings.get(&name.text) {
            return Some(full.clone());
        }
        match self.view.policy(&name.text) {
            Ok(Meaning::Policy(full, ..)) => Some(full),
            _ => None,
        }
    }
}

/// An amount of money that is written out.
enum Cost<'t> {
    /// In this currency; in any one where it is no amount of money.
    Of(&'t str),
    /// In none.
    Bare(&'t Expr, &'t str),
}

fn cost(it: &Assignment) -> Cost<'_> {
    match &it.value {
        AssignedValue::Expr(expr) => match &expr.kind {
            ExprKind::Literal(LiteralKind::Money(_, currency)) => Cost::Of(currency),
            ExprKind::Literal(LiteralKind::Number(amount)) => Cost::Bare(expr, amount),
            _ => Cost::Of("USD"),
        },
        AssignedValue::Set(..) => Cost::Of("USD"),
    }
}

impl Draft {
    fn finish(self, name: &str, package: &str, site: Site) -> TestCase {
        let word = || "test".to_owned();
        let path = self.path.and_then(|(path, _)| path);
        let given = self.facts.keys().cloned().collect();
        let request = Request {
            path: path.unwrap_or_else(|| Path { tenant: word(), project: word(), agent: word() }),
            provider: self.provider.and_then(|(name, _)| name),
            at: self.at.and_then(|(at, _)| at).unwrap_or_else(|| Timestamp::constant(NOON, 0)),
            facts: self.facts,
            usage: self.usage,
        };
        let declared = self.policies.limits.values().filter_map(|limit| match &limit.quantity {
            Quantity::PerRun(Meter::Declared { name, unit })
            | Quantity::Accumulated(Meter::Declared { name, unit }, _) => Some((name.clone(), unit.clone())),
            _ => None,
        });
        let meters: BTreeMap<String, MeterUnit> = declared.collect();
        TestCase {
            name: name.to_owned(),
            package: package.to_owned(),
            site,
            rules: self.policies.rules,
            limits: self.policies.limits,
            facts: BTreeMap::new(),
            meters,
            request,
            given,
            used: self.used_too.into_iter().chain(self.used).collect(),
            expectations: self.expectations,
        }
    }
}
