//! Rules, limits and their clauses.

use ordain_ir::{Direction, PolicyKind, Span};

use super::item::nameless;
use super::{Builder, Parts, inner};
use crate::ast::{Clause, ClauseKind, Name, Policy, PolicyType};
use crate::parser::{Pair, Rule, span};
use crate::recover;

impl Builder<'_> {
    /// A rule or a limit.
    pub(super) fn policy(&mut self, pair: Pair<'_>) -> Policy {
        let before = self.errors.len();
        let whole = self.whole(&pair);
        let (mut kind, mut keyword, mut private) = (PolicyKind::Rule, whole, None);
        let mut name = nameless(whole);
        let mut clauses: Vec<Clause> = vec![];
        let (mut early, mut headless) = (false, false);
        for part in inner(pair) {
            let place = span(&part);
            match part.as_rule() {
                Rule::private_t => private = Some(place),
                Rule::policy_kind => {
                    keyword = place;
                    if part.as_str() == "limit" {
                        kind = PolicyKind::Limit;
                    }
                }
                Rule::name_t => name = self.name(&part),
                Rule::missing_name => {
                    name.span = keyword;
                    self.report(recover::missing_name(&self.source, keyword));
                }
                Rule::bad_header => self.bad_header(&part, before),
                Rule::missing_open => {
                    headless = true;
                    self.missing_open(name.span, before);
                }
                Rule::early_brace => {
                    early = true;
                    self.report(recover::early_brace(&self.source, place, kind, &name.text));
                }
                Rule::missing_close if early || headless => {}
                Rule::missing_close => {
                    // A text or bracket that is not closed may have swallowed the brace.
                    let swallowed = clauses.last().is_some_and(|it| it.broken && self.source.opens(it.span));
                    if !swallowed {
                        self.report_unclosed(kind.as_str(), &name.text, whole, place.start);
                    }
                }
                // What stands behind a header without its brace is most likely a part of it.
                Rule::bad_clause if headless && clauses.is_empty() => {
                    let stretch = self.whole(&part);
                    self.pass(stretch);
                }
                Rule::bad_clause => {
                    let clause = self.bad_clause(&part, kind, clauses.last_mut());
                    clauses.push(clause);
                }
                _ => clauses.push(self.clause(part)),
            }
        }
        let broken = self.errors.len() > before;
        Policy { span: whole, private, kind, doc: self.doc(whole), name, clauses, broken }
    }

    /// What stands between a header and its brace and belongs to neither. `before` counts the errors that
    /// there were before the header.
    pub(super) fn bad_header(&mut self, pair: &Pair<'_>, before: usize) {
        if self.errors.len() == before {
            let place = self.whole(pair);
            self.report_within(place, recover::bad_header(&self.source, place));
        }
    }

    /// The body's brace is missing after `last`.
    pub(super) fn missing_open(&mut self, last: Span, before: usize) {
        if self.errors.len() == before {
            self.report(recover::missing_open(&self.source, last));
            self.unclosed = true;
        }
    }

    fn clause(&mut self, pair: Pair<'_>) -> Clause {
        let before = self.errors.len();
        let whole = self.whole(&pair);
        let keyword = self.keyword(whole);
        let word = &self.source.text[keyword.range()];
        let kind = self.clause_kind(word, inner(pair));
        // The grammar gives each clause its parts; should it ever not, the clause counts as broken.
        let kind = kind.unwrap_or(ClauseKind::Broken);
        Clause { span: whole, keyword, kind, broken: self.errors.len() > before }
    }

    /// The word at the beginning of a stretch.
    pub(super) fn keyword(&self, whole: Span) -> Span {
        let text = &self.source.text.as_bytes()[whole.range()];
        let length = text.iter().take_while(|byte| byte.is_ascii_lowercase()).count();
        Span::new(whole.range().start, whole.range().start + length)
    }

    fn clause_kind(&mut self, keyword: &str, mut parts: Parts<'_>) -> Option<ClauseKind> {
        if keyword == "depends" {
            return Some(ClauseKind::DependsOn(self.name_list(&mut parts)));
        }
        if keyword == "overrides" {
            let names = self.name_list(&mut parts);
            let because = parts.next().and_then(|because| inner(because).next());
            return Some(ClauseKind::Overrides(names, because.map(|text| self.text(&text))));
        }
        let first = parts.next()?;
        Some(match keyword {
            "type" => {
                let word = self.name(&first);
                ClauseKind::Type(self.policy_type(word, parts))
            }
            "enforce" => ClauseKind::Enforce(self.name(&first)),
            "per" => ClauseKind::Per(self.name(&first)),
            "status" => ClauseKind::Status(self.name(&first)),
            "source" => ClauseKind::Source(self.name(&first)),
            "scope" => ClauseKind::Scope(self.scope(first)),
            "priority" => ClauseKind::Priority(self.constant(first)),
            "active" => ClauseKind::Active(self.window(first)),
            "warn" => ClauseKind::WarnAt(self.constant(first)),
            "at" => {
                let floor = first.as_str() == "least";
                let direction = if floor { Direction::AtLeast } else { Direction::AtMost };
                ClauseKind::Bound(direction, self.constant(parts.next()?))
            }
            "when" if first.as_rule() == Rule::rule_reference => {
                ClauseKind::WhenRule(self.name(&inner(first).next()?))
            }
            "when" => ClauseKind::When(self.condition(first)),
            _ => return None,
        })
    }

    /// A type with what stands behind its word.
    fn policy_type(&mut self, word: Name, parts: Parts<'_>) -> PolicyType {
        let (mut zones, mut rolling) = (vec![], vec![]);
        for part in parts {
            match part.as_rule() {
                Rule::type_zone => zones.extend(self.names(part)),
                _ => rolling.push(self.keyword(self.whole(&part))),
            }
        }
        PolicyType { word, zones, rolling }
    }

    /// The names that come next.
    pub(super) fn name_list(&mut self, parts: &mut Parts<'_>) -> Vec<Name> {
        let mut names = vec![];
        while let Some(name) = parts.next_if(|part| part.as_rule() == Rule::name_t) {
            names.push(self.name(&name));
        }
        names
    }

    /// What could not be read as a clause. Where something before it has been reported, this is most likely
    /// the rest of the same mistake: all that begins no clause, and keywords alone on the same line.
    fn bad_clause(&mut self, pair: &Pair<'_>, kind: PolicyKind, previous: Option<&mut Clause>) -> Clause {
        let whole = self.whole(pair);
        let error = recover::bad_clause(&self.source, whole, kind, previous.as_deref());
        let mut rest = false;
        if let Some(previous) = previous {
            let alone = error.keyword == whole && self.source.same_line(previous.span, whole);
            rest = previous.broken && (!error.starts_clause || alone);
            previous.broken |= error.continues;
        }
        if rest {
            self.pass(whole);
        } else {
            self.report_within(whole, error.error);
        }
        Clause { span: whole, keyword: error.keyword, kind: ClauseKind::Broken, broken: true }
    }
}
