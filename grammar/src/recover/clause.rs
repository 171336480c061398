//! Words for clauses that could not be read.

use ordain_ir::{Level, PolicyKind, Span, codes};

use super::rest::{rest_of_clause, rest_of_condition, wanted_after};
use super::{CLAUSE_WORDS, told_by_token, unexpected};
use crate::ast::{Clause, ClauseKind, Scope};
use crate::parser::Rule;
use crate::source::{Source, quoted};
use crate::suggest::nearest;
use crate::wanted::{Wanted, any_of, expectation, expected, reread};
use crate::{SyntaxError, Token, TokenKind};

const CLAUSES: [&str; 14] = [
    "type",
    "enforce",
    "scope",
    "priority",
    "active",
    "when",
    "at most",
    "at least",
    "per",
    "depends on",
    "overrides",
    "status",
    "source",
    "warn at",
];
/// A clause that could not be read.
pub(crate) struct BadClause {
    /// What to say.
    pub(crate) error: SyntaxError,
    /// Its first word.
    pub(crate) keyword: Span,
    /// Whether it begins with the keyword of a clause.
    pub(crate) starts_clause: bool,
    /// Whether it goes on with the clause before it, whose meaning is then not known.
    pub(crate) continues: bool,
}

pub(crate) fn bad_clause(
    source: &Source<'_>,
    span: Span,
    kind: PolicyKind,
    previous: Option<&Clause>,
) -> BadClause {
    let text = source.text;
    let tokens = source.within(span);
    let Some(first) = tokens.first().copied() else {
        let error = SyntaxError::new(codes::SYNTAX, span, "expected a clause");
        return BadClause { error, keyword: span, starts_clause: false, continues: false };
    };
    let word = &text[first.span.range()];
    let starts_clause = CLAUSE_WORDS.contains(&word);
    let error = told_by_token(text, tokens).unwrap_or_else(|| {
        if starts_clause {
            failed_clause(source, span, first)
        } else {
            stray_clause(source, tokens, kind, previous)
        }
    });
    let continues = !starts_clause && error.code != codes::UNKNOWN_CLAUSE;
    BadClause { error, keyword: first.span, starts_clause, continues }
}

/// A clause whose keyword is right and whose rest is not.
fn failed_clause(source: &Source<'_>, span: Span, keyword: Token) -> SyntaxError {
    let text = source.text;
    let word = &text[keyword.span.range()];
    let failure = reread(Rule::only_clause, text, span);
    let wanted = match word {
        "type" => Wanted::one("a type", "`safety` or `tokens_daily`"),
        "enforce" => Wanted::one("an enforcement", "`block` or `warn`"),
        "per" => Wanted::words("`tenant`, `project`, `agent` or `provider`"),
        "status" => Wanted::words("`active`, `retired` or `disabled`"),
        "source" => Wanted::words("`manual`, `system` or `learned`"),
        _ => expectation(&failure.positives),
    };
    expected(source, span, failure.at, &wanted)
}

/// The clauses that a rule or a limit may have.
fn clauses_of(kind: PolicyKind) -> Vec<String> {
    let foreign: &[&str] = match kind {
        PolicyKind::Rule => &["at most", "at least", "per", "warn at"],
        PolicyKind::Limit => &["priority"],
    };
    CLAUSES.iter().filter(|word| !foreign.contains(word)).map(|word| format!("`{word}`")).collect()
}

/// Something that stands where a clause should begin.
fn stray_clause(
    source: &Source<'_>,
    tokens: &[Token],
    kind: PolicyKind,
    previous: Option<&Clause>,
) -> SyntaxError {
    let text = source.text;
    let first = tokens[0];
    let word = &text[first.span.range()];
    let syntax = |message: String| SyntaxError::new(codes::SYNTAX, first.span, message);
    if let ("/", Some(ClauseKind::Scope(scope))) = (word, previous.map(|it| &it.kind)) {
        return slash_in_scope(first.span, scope);
    }
    let before = source
        .before(first.span.start)
        .filter(|before| !text[before.span.range().end..first.span.range().start].contains(['\n', '\r']))
        .filter(|before| !matches!(&text[before.span.range()], "{" | "}"));
    if let ("in", Some(ClauseKind::Type(_))) = (word, previous.map(|it| &it.kind)) {
        return wanted_after(source, first, "a time zone").help("for example `in Europe/Berlin`");
    }
    match word {
        ";" => return syntax("a clause ends without `;`".to_owned()).fix("remove it", "").certain(),
        _ => {
            if let Some(error) = rest_of_condition(source, first).or_else(|| rest_of_clause(source, first)) {
                return error;
            }
        }
    }
    if matches!(first.kind, TokenKind::Word | TokenKind::Keyword) {
        let near = nearest(word, CLAUSE_WORDS).filter(|near| *near != word);
        if let Some(near) = near.filter(|_| before.is_none() || tokens.len() > 1) {
            let error = SyntaxError::new(codes::UNKNOWN_CLAUSE, first.span, format!("`{word}` is no clause"));
            return error.help(format!("did you mean `{near}`?")).fix(format!("write `{near}`"), near);
        }
        if before.is_none() {
            let message = format!("`{word}` is no clause of a {kind}");
            return SyntaxError::new(codes::UNKNOWN_CLAUSE, first.span, message)
                .help(format!("the clauses are {}", any_of(&clauses_of(kind), "and")));
        }
    }
    match before {
        Some(before) => {
            let error = unexpected(text, first, before);
            match previous.map(|it| &it.kind) {
                Some(ClauseKind::Active(_)) => error
                    .help("a window is written `mon..fri 09:00 .. 17:00 in Europe/Berlin from 2026-03-01`"),
                Some(ClauseKind::Type(_)) if nearest(word, ["rolling"]).is_some() => {
                    error.help("did you mean `rolling`?").fix("write `rolling`", "rolling")
                }
                Some(ClauseKind::Type(_)) if kind == PolicyKind::Limit => error
                    .help("behind a type may stand `in` with a time zone, or `rolling`: `runs_daily in Europe/Berlin`"),
                _ => error,
            }
        }
        None => syntax(format!("expected a clause, found {}", quoted(text, first))),
    }
}

/// A `/` behind a scope that is not followed by a segment.
fn slash_in_scope(slash: Span, scope: &Scope) -> SyntaxError {
    let level = scope.except.last().or(scope.include.last()).and_then(|entry| entry.level);
    let help = match level {
        Some(Level::Tenant) => "a tenant is one name: `tenant acme`",
        Some(Level::Provider) => "a provider is one name: `provider openai`",
        Some(Level::Agent) => "an agent is three names: `agent acme/support/mailer`",
        Some(Level::Project) => "a project is two names: `project acme/support`",
        _ => "a scope is written `tenant acme`, `project acme/support` or `agent acme/support/mailer`",
    };
    SyntaxError::new(codes::SYNTAX, slash, "expected a name after `/`").help(help)
}
