//! Clauses, scopes and windows.

use ordain_ir::{Direction, Level, PolicyKind};

use super::Builder;
use crate::ast::{Clause, ClauseKind, Name, Recurrence, Scope, ScopeEntry, Segment, Window};
use crate::parser::{Pair, Rule, span};
use crate::recover;

impl Builder<'_> {
    pub(super) fn clause(&mut self, pair: Pair<'_>) -> Clause {
        let before = self.errors.len();
        let whole = span(&pair);
        let rule = pair.as_rule();
        let mut inner = pair.into_inner();
        let keyword = inner.next().map_or(whole, |word| span(&word));
        let kind = self.clause_kind(rule, inner.collect());
        Clause { span: whole, keyword, kind, broken: self.errors.len() > before }
    }

    fn clause_kind(&mut self, rule: Rule, parts: Vec<Pair<'_>>) -> ClauseKind {
        // The grammar gives each clause its parts; should it ever not, the clause counts as broken.
        let word = |this: &Self| parts.last().map(|part| this.name(part));
        match rule {
            Rule::type_clause => word(self).map(ClauseKind::Type),
            Rule::enforce_clause => word(self).map(ClauseKind::Enforce),
            Rule::per_clause => word(self).map(ClauseKind::Per),
            Rule::status_clause => word(self).map(ClauseKind::Status),
            Rule::source_clause => word(self).map(ClauseKind::Source),
            Rule::when_rule_clause => word(self).map(ClauseKind::WhenRule),
            Rule::scope_clause => parts.into_iter().last().map(|list| ClauseKind::Scope(self.scope(list))),
            Rule::priority_clause => {
                parts.into_iter().last().map(|number| ClauseKind::Priority(self.literal_expr(number)))
            }
            Rule::active_clause => {
                parts.into_iter().last().map(|window| ClauseKind::Active(self.window(window)))
            }
            Rule::when_clause => {
                parts.into_iter().last().map(|condition| ClauseKind::When(self.condition(condition)))
            }
            Rule::bound_clause => {
                let floor = parts.first().is_some_and(|word| word.as_rule() == Rule::kw_least);
                let direction = if floor { Direction::AtLeast } else { Direction::AtMost };
                parts.into_iter().last().map(|value| ClauseKind::Bound(direction, self.literal_expr(value)))
            }
            Rule::depends_clause => {
                parts.into_iter().last().map(|list| ClauseKind::DependsOn(self.name_list(list)))
            }
            Rule::overrides_clause => {
                let mut parts = parts.into_iter();
                parts.next().map(|list| {
                    let names = self.name_list(list);
                    let because = parts
                        .find(|part| part.as_rule() == Rule::string)
                        .map(|part| crate::ast::Literal { span: span(&part), kind: self.quantity(&part) });
                    ClauseKind::Overrides(names, because)
                })
            }
            Rule::warn_clause => {
                parts.into_iter().last().map(|value| ClauseKind::WarnAt(self.literal_expr(value)))
            }
            _ => None,
        }
        .unwrap_or(ClauseKind::Broken)
    }

    fn literal_expr(&mut self, pair: Pair<'_>) -> crate::ast::Expr {
        let literal = self.literal(pair);
        crate::ast::Expr { span: literal.span, kind: crate::ast::ExprKind::Literal(literal.kind) }
    }

    /// What could not be read as a clause. Where something before it has been reported, this is most likely
    /// the rest of the same mistake: all that begins no clause, and keywords alone on the same line.
    pub(super) fn bad_clause(
        &mut self,
        pair: &Pair<'_>,
        kind: PolicyKind,
        previous: Option<&mut Clause>,
    ) -> Clause {
        let whole = span(pair);
        let error = recover::bad_clause(&self.source, whole, kind, previous.as_deref());
        let mut rest = false;
        if let Some(previous) = previous {
            let alone = error.keyword == whole && self.source.same_line(previous.span, whole);
            rest = previous.broken && (!error.starts_clause || alone);
            previous.broken |= error.continues;
        }
        if !rest {
            self.report(error.error);
        }
        Clause { span: whole, keyword: error.keyword, kind: ClauseKind::Broken, broken: true }
    }

    fn name_list(&mut self, pair: Pair<'_>) -> Vec<Name> {
        pair.into_inner().filter(|part| part.as_rule() == Rule::name).map(|part| self.name(&part)).collect()
    }

    pub(super) fn scope(&mut self, pair: Pair<'_>) -> Scope {
        let whole = span(&pair);
        let (mut include, mut except) = (vec![], vec![]);
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::scope_entry => include.push(self.scope_entry(part)),
                Rule::except_list => {
                    for entry in part.into_inner().filter(|entry| entry.as_rule() == Rule::scope_entry) {
                        except.push(self.scope_entry(entry));
                    }
                }
                _ => {}
            }
        }
        Scope { span: whole, include, except }
    }

    fn scope_entry(&mut self, pair: Pair<'_>) -> ScopeEntry {
        let mut entry = ScopeEntry { span: span(&pair), level: None, path: vec![] };
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::kw_global => entry.level = Some(Level::Global),
                Rule::level => {
                    entry.level = part.into_inner().next().map(|word| match word.as_rule() {
                        Rule::kw_tenant => Level::Tenant,
                        Rule::kw_project => Level::Project,
                        Rule::kw_agent => Level::Agent,
                        _ => Level::Provider,
                    });
                }
                Rule::path => {
                    for segment in part.into_inner() {
                        let place = span(&segment);
                        let quoted = segment.as_rule() == Rule::string;
                        let text = if quoted { self.string(place) } else { segment.as_str().to_owned() };
                        entry.path.push(Segment { span: place, text, quoted });
                    }
                }
                _ => {}
            }
        }
        entry
    }

    fn window(&mut self, pair: Pair<'_>) -> Window {
        let mut window =
            Window { span: span(&pair), recurrence: None, zones: vec![], from: vec![], until: vec![] };
        for part in pair.into_inner() {
            let last = part.clone().into_inner().last().map(|word| self.name(&word));
            match (part.as_rule(), last) {
                (Rule::window_zone, Some(word)) => window.zones.push(word),
                (Rule::window_from, Some(word)) => window.from.push(word),
                (Rule::window_until, Some(word)) => window.until.push(word),
                (Rule::weekly, _) => {
                    let words: Vec<Name> = self.names_of(part, &[Rule::day, Rule::time]);
                    window.recurrence = <[Name; 4]>::try_from(words).ok().map(Recurrence::Weekly);
                }
                (Rule::daily, _) => window.recurrence = Some(self.daily(part)),
                _ => {}
            }
        }
        window
    }

    fn daily(&mut self, pair: Pair<'_>) -> Recurrence {
        let mut days = vec![];
        for list in pair.clone().into_inner().filter(|part| part.as_rule() == Rule::days) {
            for day_span in list.into_inner().filter(|part| part.as_rule() == Rule::day_span) {
                let names = self.names_of(day_span, &[Rule::day]);
                days.extend(names.first().cloned().zip(names.last().cloned()));
            }
        }
        let times = self.names_of(pair, &[Rule::time]);
        Recurrence::Daily { days, times: times.first().cloned().zip(times.last().cloned()) }
    }

    fn names_of(&self, pair: Pair<'_>, rules: &[Rule]) -> Vec<Name> {
        pair.into_inner()
            .filter(|part| rules.contains(&part.as_rule()))
            .map(|part| self.name(&part))
            .collect()
    }
}
