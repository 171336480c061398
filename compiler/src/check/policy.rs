//! Rules and limits, clause by clause.

use std::sync::Arc;

use ordain_grammar::ast::{self, ClauseKind, LiteralKind, Name};
use ordain_ir::{
    Clause, Condition, Enforcement, EnforcementMode, Limit, LimitStatus, Override, Partition, PolicyKind,
    PolicyName, Rule, RuleStatus, RuleType, ScopeSelector, Source, Window, codes,
};

use super::{Checker, FilePolicies};
use crate::resolve::Meaning;

/// The clauses of a policy, read. `None` where a clause is not written or has an error.
#[derive(Default)]
struct Clauses<'p> {
    type_word: Option<&'p Name>,
    enforce: Option<&'p Name>,
    scope: Option<ScopeSelector>,
    priority: Option<i64>,
    windows: Vec<ordain_ir::Active>,
    condition: Option<Condition>,
    rule: Option<PolicyName>,
    bound: Option<(ordain_ir::Direction, ast::Literal, ordain_ir::Span)>,
    per: Option<&'p Name>,
    depends_on: Vec<PolicyName>,
    overrides: Vec<Override>,
    status: Option<&'p Name>,
    source: Option<&'p Name>,
}

/// Which clause of the audit's vocabulary one is; `None` for what could not be read.
pub(crate) fn clause_of(kind: &ClauseKind) -> Option<Clause> {
    Some(match kind {
        ClauseKind::Type(_) => Clause::Type,
        ClauseKind::Enforce(_) => Clause::Enforce,
        ClauseKind::Scope(_) => Clause::Scope,
        ClauseKind::Priority(_) => Clause::Priority,
        ClauseKind::Active(_) => Clause::Active,
        ClauseKind::When(_) | ClauseKind::WhenRule(_) => Clause::When,
        ClauseKind::Bound(..) => Clause::Bound,
        ClauseKind::Per(_) => Clause::Per,
        ClauseKind::DependsOn(_) => Clause::DependsOn,
        ClauseKind::Overrides(..) => Clause::Overrides,
        ClauseKind::Status(_) => Clause::Status,
        ClauseKind::Source(_) => Clause::Source,
        ClauseKind::WarnAt(_) => Clause::WarnAt,
        ClauseKind::Broken => return None,
    })
}

impl Checker<'_> {
    /// Checks a policy and puts it to the others if nothing is wrong with it.
    pub(super) fn policy(&mut self, policy: &ast::Policy, repeated: bool, into: &mut FilePolicies) {
        let before = self.diagnostics.len();
        self.unfitting(policy);
        let clauses = self.clauses(policy);
        self.missing(policy);
        let (name, derived, doc) = self.identity(policy);
        match policy.kind {
            PolicyKind::Rule => {
                let rule = self.rule(&name, clauses).map(|rule| Rule { doc, derived, ..rule });
                if let Some(rule) = rule.filter(|_| self.is_clean(policy, repeated, before)) {
                    into.rules.insert(name, Arc::new(rule));
                }
            }
            PolicyKind::Limit => {
                let limit = self.limit(policy, &name, clauses).map(|limit| Limit { doc, derived, ..limit });
                if let Some(limit) = limit.filter(|_| self.is_clean(policy, repeated, before)) {
                    into.limits.insert(name, Arc::new(limit));
                }
            }
        }
    }

    fn is_clean(&self, policy: &ast::Policy, repeated: bool, before: usize) -> bool {
        !policy.broken && !repeated && self.diagnostics.len() == before
    }

    /// Clauses that stand twice, or belong to the other kind of policy.
    fn unfitting(&mut self, policy: &ast::Policy) {
        for (at, clause) in policy.clauses.iter().enumerate() {
            let Some(kind) = clause_of(&clause.kind) else { continue };
            let only = match (&clause.kind, policy.kind) {
                (ClauseKind::Bound(..) | ClauseKind::Per(_) | ClauseKind::WhenRule(_), PolicyKind::Rule) => {
                    Some(PolicyKind::Limit)
                }
                (ClauseKind::Priority(_), PolicyKind::Limit) => Some(PolicyKind::Rule),
                _ => None,
            };
            if let Some(only) = only {
                let word = match &clause.kind {
                    ClauseKind::WhenRule(_) => "when rule".to_owned(),
                    ClauseKind::Bound(..) => "at most` and `at least".to_owned(),
                    _ => kind.to_string(),
                };
                let verb = if matches!(clause.kind, ClauseKind::Bound(..)) { "belong" } else { "belongs" };
                let message = format!("`{word}` {verb} to a {only}, not to a {}", policy.kind);
                let error = self.error(codes::UNKNOWN_CLAUSE, clause.span, message);
                self.report(error.fix("remove the clause", ""));
                continue;
            }
            if matches!(kind, Clause::Active | Clause::DependsOn | Clause::Overrides) {
                continue;
            }
            let same = |other: &&ast::Clause| {
                std::mem::discriminant(&other.kind) == std::mem::discriminant(&clause.kind)
            };
            if let Some(first) = policy.clauses[..at].iter().find(same) {
                let bound = kind == Clause::Bound;
                let message =
                    if bound { "a limit has one bound".to_owned() } else { format!("`{kind}` stands twice") };
                let error = self.error(codes::DUPLICATE_CLAUSE, clause.span, message);
                let error = error.and_at(self.path, first.span, "the first one");
                self.report(if bound {
                    error.help("write a second limit for the other bound")
                } else {
                    error.fix("remove the second one", "")
                });
            }
        }
    }

    /// Clauses that every policy needs. In a policy with a syntax error one of them may only be misspelt.
    fn missing(&mut self, policy: &ast::Policy) {
        if policy.broken {
            return;
        }
        let needed: &[(Clause, &str, &str)] = match policy.kind {
            PolicyKind::Rule => &[
                (Clause::Type, "type", "its concern: `type system`, `safety`, `ethical` or `temporal`"),
                (Clause::Enforce, "enforce", "what it does: `enforce block`, `warn`, `audit` or `disabled`"),
                (
                    Clause::Scope,
                    "scope",
                    "whom it speaks to: `scope global`, or for example `scope tenant acme`",
                ),
            ],
            PolicyKind::Limit => &[
                (Clause::Type, "type", "what it bounds, for example `type tokens_daily`"),
                (
                    Clause::Enforce,
                    "enforce",
                    "what a breach does: `enforce block`, `queue`, `degrade`, `warn` …",
                ),
                (
                    Clause::Scope,
                    "scope",
                    "whom it speaks to: `scope global`, or for example `scope tenant acme`",
                ),
                (Clause::Bound, "at most` or `at least", "the bound: `at most …` or `at least …`"),
            ],
        };
        let written: Vec<Clause> =
            policy.clauses.iter().filter_map(|clause| clause_of(&clause.kind)).collect();
        let missing: Vec<_> = needed.iter().filter(|(clause, ..)| !written.contains(clause)).collect();
        if missing.is_empty() {
            return;
        }
        let words = missing.iter().map(|(_, word, _)| format!("`{word}`")).collect::<Vec<_>>().join(", ");
        let message = format!("{} `{}` lacks {words}", policy.kind, policy.name.text);
        let mut error = self.error(codes::MISSING_CLAUSE, policy.name.span, message);
        for (_, _, advice) in missing {
            error = error.note(format!("add {advice}"));
        }
        self.report(error);
    }

    fn clauses<'p>(&mut self, policy: &'p ast::Policy) -> Clauses<'p> {
        let mut read = Clauses::default();
        for clause in policy.clauses.iter().filter(|clause| !clause.broken) {
            match &clause.kind {
                ClauseKind::Type(word) => read.type_word = read.type_word.or(Some(word)),
                ClauseKind::Enforce(word) => read.enforce = read.enforce.or(Some(word)),
                ClauseKind::Per(word) => read.per = read.per.or(Some(word)),
                ClauseKind::Status(word) => read.status = read.status.or(Some(word)),
                ClauseKind::Source(word) => read.source = read.source.or(Some(word)),
                ClauseKind::Scope(scope) => {
                    self.prepare_scope(scope);
                    let selector = self.scope(scope);
                    if let (Some(selector), PolicyKind::Rule) = (&selector, policy.kind) {
                        self.refuse_providers(selector, clause.span);
                    }
                    read.scope = read.scope.or(selector);
                }
                ClauseKind::Priority(literal) => {
                    read.priority = self.constant(literal).and_then(|literal| self.priority(&literal));
                }
                ClauseKind::Active(window) => read.windows.extend(self.window(window)),
                ClauseKind::When(expr) => read.condition = self.condition(expr),
                ClauseKind::WhenRule(name) => {
                    if policy.kind == PolicyKind::Limit {
                        read.rule = self.policy_named(name, Some(PolicyKind::Rule));
                    }
                }
                ClauseKind::Bound(direction, value) => {
                    let literal = self.constant(value);
                    read.bound = read.bound.or(literal.map(|literal| (*direction, literal, clause.span)));
                }
                ClauseKind::DependsOn(names) => {
                    for name in names {
                        if let Some(target) = self.policy_named(name, None) {
                            self.twice(read.depends_on.contains(&target), name);
                            read.depends_on.push(target);
                        }
                    }
                }
                ClauseKind::Overrides(names, because) => {
                    for name in names {
                        if let Some(target) = self.policy_named(name, Some(policy.kind)) {
                            self.twice(read.overrides.iter().any(|it| it.policy == target), name);
                            let because = because.as_ref().and_then(|because| match &because.kind {
                                LiteralKind::Text(text) => Some(text.clone()),
                                _ => None,
                            });
                            read.overrides.push(Override { policy: target, because });
                        }
                    }
                }
                ClauseKind::WarnAt(_) | ClauseKind::Broken => {}
            }
        }
        read.depends_on.sort();
        read.overrides.sort();
        read
    }

    fn twice(&mut self, twice: bool, name: &Name) {
        if twice {
            let message = format!("`{}` is named twice", name.text);
            let error = self.error(codes::DUPLICATE_CLAUSE, name.span, message);
            self.report(error);
        }
    }

    fn refuse_providers(&mut self, selector: &ScopeSelector, span: ordain_ir::Span) {
        let provider = |pattern: &ordain_ir::ScopePattern| pattern.provider.is_some();
        if selector.include.iter().chain(&selector.except).any(provider) {
            let error = self.error(codes::BAD_SCOPE, span, "only limits speak of providers");
            self.report(error.help("a rule can test a fact instead, such as `model.provider`"));
        }
    }

    /// The literal that a constant expression is.
    fn constant(&mut self, expr: &ast::Expr) -> Option<ast::Literal> {
        match &expr.kind {
            ast::ExprKind::Literal(kind) => Some(ast::Literal { span: expr.span, kind: kind.clone() }),
            ast::ExprKind::Missing => None,
            _ => {
                let error = self.error(codes::NOT_CONSTANT, expr.span, "a number is wanted here");
                self.report(error);
                None
            }
        }
    }

    fn priority(&mut self, literal: &ast::Literal) -> Option<i64> {
        let LiteralKind::Number(text) = &literal.kind else { return None };
        match ordain_ir::decimal::parse(text, 0) {
            Ok(priority) => Some(priority),
            Err(ordain_ir::decimal::DecimalError::TooLarge) => {
                let error = self.error(codes::OVERFLOW, literal.span, format!("`{text}` is too large"));
                self.report(error.help("priorities have 64 bits"));
                None
            }
            Err(_) => {
                let error = self.error(codes::BAD_LITERAL, literal.span, format!("`{text}` is no priority"));
                self.report(error.help("a priority is a whole number; higher wins"));
                None
            }
        }
    }

    /// The policy that a name stands for, of the wanted kind.
    pub(super) fn policy_named(&mut self, name: &Name, wanted: Option<PolicyKind>) -> Option<PolicyName> {
        let sibling = self.siblings.get(&name.text).cloned();
        let found = match sibling {
            Some(sibling) => Ok(sibling),
            None => match self.view.policy(&name.text) {
                Ok(Meaning::Policy(full, kind, _)) => Ok((full, kind)),
                Ok(_) => return None,
                Err(unresolved) => Err(unresolved),
            },
        };
        match found {
            Ok((full, kind)) => {
                if let Some(wanted) = wanted.filter(|wanted| *wanted != kind) {
                    let message = format!("`{}` is a {kind}; a {wanted} is wanted here", name.text);
                    let error = self.error(codes::WRONG_KIND, name.span, message);
                    self.report(error);
                    return None;
                }
                Some(full)
            }
            Err(unresolved) => {
                if let Some(other) = self.view.anything(&name.text) {
                    let message = format!("`{}` is {}, not a policy", name.text, other.description());
                    let error = self.error(codes::WRONG_KIND, name.span, message);
                    self.report(error);
                } else {
                    let what = wanted.map_or("policy", PolicyKind::as_str);
                    self.unknown_name(&name.text, name.span, what, unresolved);
                }
                None
            }
        }
    }

    fn rule(&mut self, name: &PolicyName, clauses: Clauses<'_>) -> Option<Rule> {
        let rule_type = self.one_of(clauses.type_word, "type of rule", RuleType::ALL, RuleType::as_str);
        let mode = self.one_of(
            clauses.enforce,
            "enforcement of a rule",
            EnforcementMode::ALL,
            EnforcementMode::as_str,
        );
        let source = self.one_of(clauses.source, "source", Source::ALL, Source::as_str);
        let status = self.one_of(clauses.status, "status of a rule", RuleStatus::ALL, RuleStatus::as_str);
        Some(Rule {
            name: name.clone(),
            doc: String::new(),
            rule_type: rule_type?,
            enforcement_mode: mode?,
            scope: clauses.scope?,
            window: Window::new(clauses.windows),
            condition: clauses.condition.unwrap_or(Condition::True),
            priority: clauses.priority.unwrap_or(0),
            source: source.unwrap_or(Source::Manual),
            status: status.unwrap_or(RuleStatus::Active),
            depends_on: clauses.depends_on,
            overrides: clauses.overrides,
            derived: None,
        })
    }

    fn limit(&mut self, policy: &ast::Policy, name: &PolicyName, clauses: Clauses<'_>) -> Option<Limit> {
        let enforcement =
            self.one_of(clauses.enforce, "enforcement of a limit", Enforcement::ALL, Enforcement::as_str);
        let source = self.one_of(clauses.source, "source", Source::ALL, Source::as_str);
        let status = self.one_of(clauses.status, "status of a limit", LimitStatus::ALL, LimitStatus::as_str);
        let bounded = clauses.type_word.and_then(|word| self.bounded_quantity(word, clauses.bound));
        let per = [Partition::Tenant, Partition::Project, Partition::Agent, Partition::Provider];
        let partition = self.one_of(clauses.per, "subject of a counter", &per, Partition::as_str);
        let (quantity, bound) = bounded?;
        if let Some(word) = clauses.per {
            self.check_partition(&quantity, word, policy);
        }
        Some(Limit {
            name: name.clone(),
            doc: String::new(),
            quantity,
            bound,
            enforcement: enforcement?,
            scope: clauses.scope?,
            window: Window::new(clauses.windows),
            condition: clauses.condition.unwrap_or(Condition::True),
            rule: clauses.rule,
            partition: partition.unwrap_or(Partition::Whole),
            source: source.unwrap_or(Source::Manual),
            status: status.unwrap_or(LimitStatus::Active),
            depends_on: clauses.depends_on,
            overrides: clauses.overrides,
            derived: None,
        })
    }

    /// A word as one of the audit's enumerations, which source writes in lower case.
    fn one_of<T: Copy>(
        &mut self,
        word: Option<&Name>,
        what: &str,
        all: &[T],
        text: impl Fn(T) -> &'static str,
    ) -> Option<T> {
        let word = word?;
        let lower: Vec<String> = all.iter().map(|value| text(*value).to_lowercase()).collect();
        if let Some(at) = lower.iter().position(|allowed| *allowed == word.text) {
            return all.get(at).copied();
        }
        self.unknown_word(word, what, &lower.iter().map(String::as_str).collect::<Vec<_>>());
        None
    }
}
