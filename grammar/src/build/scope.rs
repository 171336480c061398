//! Scopes.

use ordain_ir::{Level, Span};

use super::{Builder, inner};
use crate::ast::{Scope, ScopeEntry, Segment};
use crate::parser::{Pair, Rule, span};

impl Builder<'_> {
    pub(super) fn scope(&mut self, pair: Pair<'_>) -> Scope {
        let (mut include, mut except) = (vec![], vec![]);
        let start = span(&pair);
        for part in inner(pair) {
            match part.as_rule() {
                Rule::scope_entry => include.push(self.scope_entry(part)),
                _ => except.extend(inner(part).map(|entry| self.scope_entry(entry))),
            }
        }
        let end = except.last().or(include.last()).map_or(start, |entry| entry.span);
        Scope { span: Span { start: start.start, end: end.end }, include, except }
    }

    /// An entry of a scope, or the agent or provider of a test.
    pub(super) fn scope_entry(&mut self, pair: Pair<'_>) -> ScopeEntry {
        let mut whole = span(&pair);
        let (mut level, mut path) = (None, vec![]);
        for part in inner(pair) {
            let place = span(&part);
            whole.end = place.end;
            match part.as_rule() {
                Rule::string_t => {
                    path.push(Segment { span: place, text: self.string(place), quoted: true });
                }
                Rule::glob_t => {
                    path.push(Segment { span: place, text: self.word_text(place), quoted: false });
                }
                _ => level = level_of(part.as_str()),
            }
        }
        ScopeEntry { span: whole, level, path }
    }
}

/// The level that a keyword names.
pub(super) fn level_of(keyword: &str) -> Option<Level> {
    Some(match keyword {
        "global" => Level::Global,
        "tenant" => Level::Tenant,
        "project" => Level::Project,
        "agent" => Level::Agent,
        "provider" => Level::Provider,
        _ => return None,
    })
}
