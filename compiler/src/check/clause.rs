//! The clauses of rules and limits: which belong where, and what each says.

use std::collections::{BTreeMap, BTreeSet};
use std::mem::discriminant;

use ordain_grammar::ast::{self, ClauseKind, Expr, LiteralKind, Name, PolicyType};
use ordain_ir::{
    Active, Clause, Condition, Direction, Override, PolicyKind, PolicyName, ScopePattern, ScopeSelector,
    Span, codes,
};

use super::Checker;
use super::linear::Linear;
use super::literal::Unit;
use crate::resolve::Meaning;

/// The clauses of a policy, read. `None` where a clause is not written or has an error.
#[derive(Default)]
pub(super) struct Clauses<'p> {
    pub(super) ty: Option<&'p PolicyType>,
    pub(super) enforce: Option<&'p Name>,
    pub(super) scope: Option<ScopeSelector>,
    pub(super) priority: Option<i64>,
    pub(super) windows: Vec<Active>,
    pub(super) condition: Option<Condition>,
    /// The tests that the condition joins, as written.
    pub(super) tests: Vec<(Span, Condition)>,
    pub(super) rule: Option<PolicyName>,
    pub(super) bound: Option<ReadBound<'p>>,
    pub(super) warning: Option<ReadWarning<'p>>,
    pub(super) per: Option<(&'p Name, Span)>,
    pub(super) depends_on: Vec<PolicyName>,
    pub(super) overrides: Vec<Override>,
    pub(super) status: Option<&'p Name>,
    pub(super) source: Option<&'p Name>,
}

/// `at most …` or `at least …`
pub(super) struct ReadBound<'p> {
    pub(super) direction: Direction,
    /// `None` after an error.
    pub(super) value: Option<Linear>,
    pub(super) expr: &'p Expr,
    pub(super) clause: Span,
}

/// `warn at …`
pub(super) struct ReadWarning<'p> {
    /// `None` after an error.
    pub(super) part: Option<Linear>,
    pub(super) expr: &'p Expr,
    pub(super) clause: Span,
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
    /// Clauses that stand twice, or belong to the other kind of policy.
    pub(super) fn unfitting(&mut self, policy: &ast::Policy) {
        let mut firsts = vec![];
        for clause in &policy.clauses {
            let Some(kind) = clause_of(&clause.kind) else { continue };
            let only = match (&clause.kind, policy.kind) {
                (
                    ClauseKind::Bound(..)
                    | ClauseKind::Per(_)
                    | ClauseKind::WhenRule(_)
                    | ClauseKind::WarnAt(_),
                    PolicyKind::Rule,
                ) => Some(PolicyKind::Limit),
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
            let form = discriminant(&clause.kind);
            let Some((_, first)) = firsts.iter().find(|(known, _)| *known == form) else {
                firsts.push((form, clause.span));
                continue;
            };
            let bound = kind == Clause::Bound;
            let message =
                if bound { "a limit has one bound".to_owned() } else { format!("`{kind}` stands twice") };
            let error = self.error(codes::DUPLICATE_CLAUSE, clause.span, message);
            let error = error.and_at(self.path, *first, "the first one");
            self.report(if bound {
                error.help("write a second limit for the other bound")
            } else {
                error.fix("remove the second one", "")
            });
        }
    }

    /// Clauses that every policy needs. In a policy with a syntax error one of them may only be misspelt.
    pub(super) fn missing(&mut self, policy: &ast::Policy) {
        if policy.broken {
            return;
        }
        let scope =
            (Clause::Scope, "scope", "whom it speaks to: `scope global`, or for example `scope tenant acme`");
        let needed = match policy.kind {
            PolicyKind::Rule => vec![
                (Clause::Type, "type", "its concern: `type system`, `safety`, `ethical` or `temporal`"),
                (Clause::Enforce, "enforce", "what it does: `enforce block`, `warn`, `audit` or `disabled`"),
                scope,
            ],
            PolicyKind::Limit => vec![
                (Clause::Type, "type", "what it bounds, for example `type tokens_daily`"),
                (
                    Clause::Enforce,
                    "enforce",
                    "what a breach does: `enforce block`, `queue`, `degrade`, `warn` …",
                ),
                scope,
                (Clause::Bound, "at most` or `at least", "the bound: `at most …` or `at least …`"),
            ],
        };
        let written: BTreeSet<Clause> =
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

    pub(super) fn clauses<'p>(&mut self, policy: &'p ast::Policy) -> Clauses<'p> {
        let mut read = Clauses::default();
        let mut depends_on = BTreeSet::new();
        let mut overrides: BTreeMap<PolicyName, Option<String>> = BTreeMap::new();
        let mut announced: BTreeMap<PolicyName, Option<String>> = BTreeMap::new();
        for clause in policy.clauses.iter().filter(|clause| !clause.broken) {
            match &clause.kind {
                ClauseKind::Type(ty) => read.ty = read.ty.or(Some(ty)),
                ClauseKind::Enforce(word) => read.enforce = read.enforce.or(Some(word)),
                ClauseKind::Per(word) => read.per = read.per.or(Some((word, clause.span))),
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
                ClauseKind::Priority(expr) => {
                    if policy.kind == PolicyKind::Rule {
                        read.priority = self.priority(expr);
                    }
                }
                ClauseKind::Active(window) => read.windows.extend(self.window(window)),
                ClauseKind::When(expr) => {
                    if let Some((condition, tests)) = self.condition_with_tests(expr) {
                        (read.condition, read.tests) = (Some(condition), tests);
                    }
                }
                ClauseKind::WhenRule(name) => {
                    if policy.kind == PolicyKind::Limit {
                        read.rule = self.policy_named(name, Some(PolicyKind::Rule));
                    }
                }
                ClauseKind::Bound(direction, expr) => {
                    if policy.kind == PolicyKind::Limit && read.bound.is_none() {
                        let value = self.constant(expr, "a bound");
                        let (direction, clause) = (*direction, clause.span);
                        read.bound = Some(ReadBound { direction, value, expr, clause });
                    }
                }
                ClauseKind::WarnAt(expr) => {
                    if policy.kind == PolicyKind::Limit && read.warning.is_none() {
                        let part = self.constant(expr, "a part of the bound");
                        read.warning = Some(ReadWarning { part, expr, clause: clause.span });
                    }
                }
                ClauseKind::DependsOn(names) => {
                    for name in names {
                        if let Some(target) = self.policy_named(name, None)
                            && !depends_on.insert(target)
                        {
                            self.twice(name);
                        }
                    }
                }
                ClauseKind::Overrides(names, because) => {
                    let because = because.as_ref().and_then(|because| match &because.kind {
                        LiteralKind::Text(text) => Some(text),
                        _ => None,
                    });
                    for name in names {
                        let Some(target) = self.policy_named(name, Some(policy.kind)) else { continue };
                        if let Some(warning) = self.warning_of(name) {
                            announced.insert(warning, because.cloned());
                        }
                        if overrides.insert(target, because.cloned()).is_some() {
                            self.twice(name);
                        }
                    }
                }
                ClauseKind::Broken => {}
            }
        }
        // Who overrides a limit overrides what announces it.
        for (warning, because) in announced {
            overrides.entry(warning).or_insert(because);
        }
        read.depends_on = depends_on.into_iter().collect();
        read.overrides =
            overrides.into_iter().map(|(policy, because)| Override { policy, because }).collect();
        read
    }

    pub(super) fn twice(&mut self, name: &Name) {
        let message = format!("`{}` is named twice", name.text);
        let error = self.error(codes::REPEATED_ENTRY, name.span, message);
        self.report(error.help("take one of both out"));
    }

    pub(super) fn refuse_providers(&mut self, selector: &ScopeSelector, span: Span) {
        let provider = |pattern: &ScopePattern| pattern.provider.is_some();
        if selector.include.iter().chain(&selector.except).any(provider) {
            let error = self.error(codes::BAD_SCOPE, span, "only limits speak of providers");
            self.report(error.help("a rule can test a fact instead, such as `model.provider`"));
        }
    }

    fn priority(&mut self, expr: &Expr) -> Option<i64> {
        let value = self.constant(expr, "a priority")?;
        if value.unit != Unit::Plain {
            let message = format!("a priority is a whole number, not {}", value.unit.description());
            let code = super::constant::unit_code(&value.unit, &Unit::Plain);
            let error = self.error(code, expr.span, message);
            self.report(error.help("higher wins"));
            return None;
        }
        self.exactly(&value, 0, expr, "a priority is a whole number")
    }

    /// The policy that a name stands for, of the wanted kind.
    pub(super) fn policy_named(&mut self, name: &Name, wanted: Option<PolicyKind>) -> Option<PolicyName> {
        self.policy_with_kind(name, wanted).map(|(full, _)| full)
    }

    /// Likewise, with its kind.
    pub(super) fn policy_with_kind(
        &mut self,
        name: &Name,
        wanted: Option<PolicyKind>,
    ) -> Option<(PolicyName, PolicyKind)> {
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
                Some((full, kind))
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

    /// The limit that announces the one with this name, if that has a `warn at`.
    fn warning_of(&self, name: &Name) -> Option<PolicyName> {
        let text = format!("{}.warn", name.text);
        if let Some((full, kind)) = self.siblings.get(&text) {
            return (*kind == PolicyKind::Limit).then(|| full.clone());
        }
        match self.view.policy(&text) {
            Ok(Meaning::Policy(full, PolicyKind::Limit, _)) => Some(full),
            _ => None,
        }
    }

    /// A word as one of the audit's enumerations, which source writes in lower case.
    pub(super) fn one_of<T: Copy>(
        &mut self,
        word: Option<&Name>,
        what: &str,
        all: &[T],
        text: impl Fn(T) -> &'static str,
    ) -> Option<T> {
        let word = word?;
        if let Some(found) = all.iter().find(|value| is_lower_case_of(&word.text, text(**value))) {
            return Some(*found);
        }
        let lower: Vec<String> = all.iter().map(|value| text(*value).to_lowercase()).collect();
        self.unknown_word(word, what, &lower.iter().map(String::as_str).collect::<Vec<_>>());
        None
    }
}

fn is_lower_case_of(word: &str, upper: &str) -> bool {
    word.len() == upper.len() && word.bytes().zip(upper.bytes()).all(|(w, u)| w == u.to_ascii_lowercase())
}
