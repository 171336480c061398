//! Scopes.

use ordain_grammar::ast::{Scope, ScopeEntry, Segment};
use ordain_ir::{Glob, Level, ScopePattern, ScopeSelector, codes};

use super::Checker;
use super::condition::Typed;
use crate::resolve::Meaning;

/// Entries in one scope, with every `let` put in.
const MAX_ENTRIES: usize = 4096;

/// An entry of a scope, read.
enum Entry {
    Pattern(ScopePattern),
    Named(ScopeSelector),
}

impl Checker<'_> {
    /// Reads a scope; `None` after an error.
    pub(super) fn scope(&mut self, scope: &Scope) -> Option<ScopeSelector> {
        let include = self.entries(&scope.include);
        let except = self.entries(&scope.except);
        let (include, except) = (include?, except?);
        let mut inside = vec![];
        let mut outside = vec![];
        let several = include.len() > 1;
        for (entry, written) in include.into_iter().zip(&scope.include) {
            match entry {
                Entry::Pattern(pattern) => inside.push(pattern),
                Entry::Named(selector) => {
                    if several && !selector.except.is_empty() {
                        self.excepting_let(written, "in a list with others");
                        return None;
                    }
                    inside.extend(selector.include);
                    outside.extend(selector.except);
                }
            }
        }
        for (entry, written) in except.into_iter().zip(&scope.except) {
            match entry {
                Entry::Pattern(pattern) => outside.push(pattern),
                Entry::Named(selector) if selector.except.is_empty() => outside.extend(selector.include),
                Entry::Named(_) => {
                    self.excepting_let(written, "behind `except`");
                    return None;
                }
            }
        }
        if inside.len() + outside.len() > MAX_ENTRIES {
            let message = format!("the scope has more than {MAX_ENTRIES} entries once its `let`s are put in");
            let error = self.error(codes::TOO_LARGE, scope.span, message);
            self.report(error.help("use `*` for a part of a name, or write several policies"));
            return None;
        }
        let level = inside.first()?.level();
        if let Some(other) = inside.iter().find(|pattern| pattern.level() != level) {
            let message = format!("the scope mixes `{}` and `{}`", word(level), word(other.level()));
            let error = self.error(codes::MIXED_SCOPE, scope.span, message);
            self.report(error.help("write one policy for each level, or all entries at the same level"));
            return None;
        }
        if inside.iter().all(|inner| outside.iter().any(|outer| covers(outer, inner))) {
            let error =
                self.error(codes::BAD_SCOPE, scope.span, "the scope is empty: `except` takes out all of it");
            self.report(error);
            return None;
        }
        Some(ScopeSelector::new(inside, outside))
    }

    fn excepting_let(&mut self, entry: &ScopeEntry, place: &str) {
        let name = entry.path.first().map_or("", |segment| &segment.text);
        let message = format!("`{name}` has an `except` of its own and cannot stand {place}");
        let error = self.error(codes::BAD_SCOPE, entry.span, message);
        self.report(error.help("write its entries out"));
    }

    /// Reads the entries of one list; `None` after an error in any of them.
    fn entries(&mut self, entries: &[ScopeEntry]) -> Option<Vec<Entry>> {
        let mut level = None;
        let mut read = vec![];
        for entry in entries {
            // A level holds for the entries behind it that have none.
            level = entry.level.or(level);
            let parameter = match entry.path.as_slice() {
                [segment] => entry.level.is_none() && !segment.quoted && self.is_parameter(&segment.text),
                _ => false,
            };
            read.push(match level.filter(|_| !parameter) {
                None => self.named(entry),
                Some(level) => self.pattern(entry, level).map(Entry::Pattern),
            });
        }
        read.into_iter().collect()
    }

    fn pattern(&mut self, entry: &ScopeEntry, level: Level) -> Option<ScopePattern> {
        let wanted = match level {
            Level::Global if entry.path.is_empty() => return Some(ScopePattern::default()),
            Level::Global => {
                let error = self.error(codes::BAD_SCOPE, entry.span, "`global` stands alone");
                self.report(error.help("say what the entry is: `tenant`, `project`, `agent` or `provider`"));
                return None;
            }
            Level::Tenant | Level::Provider => 1,
            Level::Project => 2,
            Level::Agent => 3,
        };
        if entry.path.len() != wanted {
            let message = format!(
                "`{}` wants {}, not {} segment{}",
                word(level),
                shape(level),
                entry.path.len(),
                if entry.path.len() == 1 { "" } else { "s" }
            );
            let error = self.error(codes::BAD_SCOPE, entry.span, message);
            let fitting = match entry.path.len() {
                1 => Some(Level::Tenant),
                2 => Some(Level::Project),
                3 => Some(Level::Agent),
                _ => None,
            };
            self.report(match fitting.filter(|_| entry.level.is_some()) {
                Some(fitting) => {
                    let text = format!("{} {}", word(fitting), path(&entry.path));
                    error.help(format!("did you mean `{text}`?")).fix(format!("write `{text}`"), text)
                }
                None => error,
            });
            return None;
        }
        let mut globs = vec![];
        for segment in &entry.path {
            if segment.text.is_empty() {
                let error = self.error(codes::BAD_SCOPE, segment.span, "a segment of a path cannot be empty");
                self.report(error);
                return None;
            }
            globs.push(if segment.quoted {
                Glob::literal(&segment.text)
            } else {
                Glob::parse(&segment.text).ok()?
            });
        }
        let mut globs = globs.into_iter();
        if level == Level::Provider {
            return Some(ScopePattern { provider: globs.next(), ..ScopePattern::default() });
        }
        let (tenant, project, agent) = (globs.next(), globs.next(), globs.next());
        Some(ScopePattern { tenant, project, agent, provider: None })
    }

    /// An entry without a level: the name of a `let`.
    fn named(&mut self, entry: &ScopeEntry) -> Option<Entry> {
        let name = match entry.path.as_slice() {
            [segment] if !segment.quoted => segment.text.as_str(),
            segments => {
                let level = match segments.len() {
                    1 => "tenant",
                    2 => "project",
                    _ => "agent",
                };
                let text = format!("{level} {}", path(segments));
                let message = format!("say what `{}` is", path(segments));
                let error = self.error(codes::BAD_SCOPE, entry.span, message);
                self.report(error.help(format!("for example `{text}`")).fix(format!("write `{text}`"), text));
                return None;
            }
        };
        let found = match self.parameter(name, entry.span) {
            Some(value) => Ok(value),
            None => match self.view.value(name) {
                Ok(Meaning::Let(package, name, _)) => Ok(self.expand(package, name)),
                other => Err(other),
            },
        };
        let found = match found {
            Ok(Typed::Scope(selector)) => return Some(Entry::Named(selector)),
            Ok(Typed::Poison) => return None,
            Ok(other) => {
                let message = format!("`{name}` is {}, not a scope", other.description());
                let error = self.error(codes::WRONG_KIND, entry.span, message);
                self.report(error);
                return None;
            }
            Err(found) => found,
        };
        match found {
            Ok(_) => {
                let error =
                    self.error(codes::WRONG_KIND, entry.span, format!("`{name}` is a fact, not a scope"));
                self.report(error);
                None
            }
            Err(unresolved) => {
                let before = self.diagnostics.len();
                self.unknown_name(name, entry.span, "scope", unresolved);
                if let Some(error) = self.diagnostics.get_mut(before)
                    && error.help.is_none()
                {
                    error.help = Some(format!("for a tenant write `tenant {name}`"));
                }
                None
            }
        }
    }
}

fn word(level: Level) -> &'static str {
    match level {
        Level::Global => "global",
        Level::Tenant => "tenant",
        Level::Project => "project",
        Level::Agent => "agent",
        Level::Provider => "provider",
    }
}

fn shape(level: Level) -> &'static str {
    match level {
        Level::Global => "nothing",
        Level::Tenant => "one segment (`acme`)",
        Level::Project => "two segments (`acme/support`)",
        Level::Agent => "three segments (`acme/support/mailer`)",
        Level::Provider => "one segment (`openai`)",
    }
}

/// A path as it is written.
fn path(segments: &[Segment]) -> String {
    let segment = |segment: &Segment| {
        if segment.quoted { format!("{:?}", segment.text) } else { segment.text.clone() }
    };
    segments.iter().map(segment).collect::<Vec<_>>().join("/")
}

/// Whether everything in `inner` plainly lies in `outer`.
fn covers(outer: &ScopePattern, inner: &ScopePattern) -> bool {
    let part = |outer: &Option<Glob>, inner: &Option<Glob>| match (outer, inner) {
        (None, _) => true,
        (Some(outer), Some(inner)) => {
            outer == inner
                || *outer == Glob::any()
                || inner.as_literal().is_some_and(|text| outer.matches(text))
        }
        (Some(_), None) => false,
    };
    part(&outer.tenant, &inner.tenant)
        && part(&outer.project, &inner.project)
        && part(&outer.agent, &inner.agent)
        && part(&outer.provider, &inner.provider)
}
