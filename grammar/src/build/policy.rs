//! Rules, limits and their clauses.

use ordain_ir::{Direction, PolicyKind, Span, codes};

use super::Builder;
use crate::ast::{Clause, ClauseKind, Name, Policy};
use crate::parser::{Pair, Rule, span};
use crate::{SyntaxError, recover, source};

impl Builder<'_> {
    /// A rule or a limit.
    pub(super) fn policy(&mut self, pair: Pair<'_>) -> Policy {
        let before = self.errors.len();
        let whole = span(&pair);
        let (mut kind, mut keyword, mut private) = (PolicyKind::Rule, whole, None);
        let mut name = Name { text: String::new(), span: whole };
        let mut clauses: Vec<Clause> = vec![];
        let mut open = None;
        for inner in pair.into_inner() {
            let place = span(&inner);
            match inner.as_rule() {
                Rule::kw_private => private = Some(place),
                Rule::kw_rule => keyword = place,
                Rule::kw_limit => (kind, keyword) = (PolicyKind::Limit, place),
                Rule::name => name = self.name(&inner),
                Rule::missing_name => {
                    name.span = keyword;
                    self.report(SyntaxError::new(
                        codes::SYNTAX,
                        keyword,
                        format!("expected a name after `{kind}`"),
                    ));
                }
                Rule::open_brace => open = Some(place),
                Rule::missing_open => {
                    let message = format!("expected `{{` after `{}`", name.text);
                    self.report(SyntaxError::new(codes::SYNTAX, name.span, message));
                }
                Rule::close_brace => {}
                Rule::missing_close => {
                    // A text or bracket that is not closed may have swallowed the brace.
                    let swallowed = clauses.last().is_some_and(|it| it.broken && self.source.opens(it.span));
                    if !swallowed {
                        self.report(recover::unclosed(&self.source, kind.as_str(), &name, open, place));
                    }
                }
                Rule::bad_clause => {
                    let clause = self.bad_clause(&inner, kind, clauses.last_mut());
                    clauses.push(clause);
                }
                _ => clauses.push(self.clause(inner)),
            }
        }
        let doc = self.doc(whole);
        // White space before a brace that isn't there is no part of the item.
        let span = Span { start: whole.start, end: source::trimmed_end(self.source.text, whole) };
        Policy { span, private, kind, doc, name, clauses, broken: self.errors.len() > before }
    }

    fn clause(&mut self, pair: Pair<'_>) -> Clause {
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
                parts.into_iter().last().map(|value| ClauseKind::Priority(self.sum(value)))
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
                parts.into_iter().last().map(|value| ClauseKind::Bound(direction, self.sum(value)))
            }
            Rule::depends_clause => {
                parts.into_iter().last().map(|list| ClauseKind::DependsOn(self.name_list(list)))
            }
            Rule::overrides_clause => {
                let mut parts = parts.into_iter();
                parts.next().map(|list| {
                    let names = self.name_list(list);
                    let because =
                        parts.find(|part| part.as_rule() == Rule::string).map(|part| self.text(&part));
                    ClauseKind::Overrides(names, because)
                })
            }
            Rule::warn_clause => parts.into_iter().last().map(|value| ClauseKind::WarnAt(self.sum(value))),
            _ => None,
        }
        .unwrap_or(ClauseKind::Broken)
    }

    /// What could not be read as a clause. Where something before it has been reported, this is most likely
    /// the rest of the same mistake: all that begins no clause, and keywords alone on the same line.
    fn bad_clause(&mut self, pair: &Pair<'_>, kind: PolicyKind, previous: Option<&mut Clause>) -> Clause {
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

    pub(super) fn name_list(&mut self, pair: Pair<'_>) -> Vec<Name> {
        pair.into_inner().filter(|part| part.as_rule() == Rule::name).map(|part| self.name(&part)).collect()
    }
}
