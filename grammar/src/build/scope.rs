//! Scopes.

use ordain_ir::Level;

use super::Builder;
use crate::ast::{Scope, ScopeEntry, Segment};
use crate::parser::{Pair, Rule, span};

impl Builder<'_> {
    pub(super) fn scope(&mut self, pair: Pair<'_>) -> Scope {
        let whole = span(&pair);
        let (mut include, mut except) = (vec![], vec![]);
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::scope_entry => include.push(self.scope_entry(part)),
                Rule::except_list | Rule::except_list_in => {
                    for entry in part.into_inner().filter(|entry| entry.as_rule() == Rule::scope_entry) {
                        except.push(self.scope_entry(entry));
                    }
                }
                _ => {}
            }
        }
        Scope { span: whole, include, except }
    }

    /// An entry of a scope, or the agent or provider of a test.
    pub(super) fn scope_entry(&mut self, pair: Pair<'_>) -> ScopeEntry {
        let mut entry = ScopeEntry { span: span(&pair), level: None, path: vec![] };
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::kw_global => entry.level = Some(Level::Global),
                Rule::level => entry.level = part.into_inner().next().and_then(|word| level(&word)),
                Rule::kw_agent | Rule::kw_provider => entry.level = level(&part),
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
}

/// The level that a keyword names.
pub(super) fn level(keyword: &Pair<'_>) -> Option<Level> {
    Some(match keyword.as_rule() {
        Rule::kw_tenant => Level::Tenant,
        Rule::kw_project => Level::Project,
        Rule::kw_agent => Level::Agent,
        Rule::kw_provider => Level::Provider,
        _ => return None,
    })
}
