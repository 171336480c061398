//! Words for what could not be read: each swallowed stretch is read a second time, alone, to find out where
//! it goes wrong and what would have been right.

use ordain_ir::{Level, PolicyKind, Span, codes};

use crate::ast::{Clause, ClauseKind, Declares, Item, Name, Policy, Scope};
use crate::parser::Rule;
use crate::source::{Source, quoted};
use crate::suggest::nearest;
use crate::wanted::{Wanted, any_of, expectation, expected, reread};
use crate::{SyntaxError, Token, TokenKind, foreign};

mod block;

pub(crate) use block::{bad_member, bad_parameters, bad_part, bad_test_clause};

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
const CLAUSE_WORDS: [&str; 13] = [
    "type",
    "enforce",
    "scope",
    "priority",
    "active",
    "when",
    "at",
    "per",
    "depends",
    "overrides",
    "status",
    "source",
    "warn",
];
const ITEM_WORDS: [&str; 13] = [
    "package", "use", "fact", "let", "rule", "limit", "meter", "template", "apply", "require", "allow",
    "test", "private",
];

/// Nothing stands behind a token where a condition or a value should.
pub(crate) fn missing_operand(source: &Source<'_>, before: Token) -> SyntaxError {
    let text = source.text;
    let word = &text[before.span.range()];
    let wanted = match word {
        "when" | "and" | "or" | "not" | "(" | "=" | "&&" | "||" | "!" => "a condition",
        _ => "a value",
    };
    SyntaxError::new(codes::SYNTAX, before.span, format!("expected {wanted} after {}", quoted(text, before)))
}

/// A body whose brace at the end is missing before `at`.
pub(crate) fn unclosed(source: &Source<'_>, what: &str, name: &str, whole: Span, at: u32) -> SyntaxError {
    let last = source.before(at).map_or(whole, |token| token.span);
    let name = if name.is_empty() { String::new() } else { format!(" `{name}`") };
    let error = SyntaxError::new(codes::UNCLOSED, last, format!("expected `}}` at the end of {what}{name}"));
    match source.within(whole).iter().find(|token| source.is(token.span, "{")) {
        Some(open) => error.and_at(open.span, "this `{` is not closed"),
        None => error,
    }
}

/// A keyword without the name that it declares.
pub(crate) fn missing_name(source: &Source<'_>, keyword: Span) -> SyntaxError {
    let word = &source.text[keyword.range()];
    let message = match source.after(keyword.end) {
        Some(found) if !source.is(found.span, "{") && !source.is(found.span, "(") => {
            let error = format!("expected a name after `{word}`, found {}", quoted(source.text, found));
            let error = SyntaxError::new(codes::SYNTAX, found.span, error);
            return match found.kind {
                TokenKind::Keyword => error.help(format!(
                    "`{}` is a keyword; choose another name",
                    &source.text[found.span.range()]
                )),
                _ => error,
            };
        }
        _ => format!("expected a name after `{word}`"),
    };
    SyntaxError::new(codes::SYNTAX, keyword, message)
}

/// The brace that should follow `last`.
pub(crate) fn missing_open(source: &Source<'_>, last: Span) -> SyntaxError {
    SyntaxError::new(codes::SYNTAX, last, format!("expected `{{` after `{}`", &source.text[last.range()]))
}

/// What stands between a header and the brace that should follow it.
pub(crate) fn bad_header(source: &Source<'_>, span: Span) -> SyntaxError {
    let text = source.text;
    let tokens = source.within(span);
    let Some((first, last)) = tokens.first().copied().zip(source.before(span.start)) else {
        return SyntaxError::new(codes::SYNTAX, span, "expected `{`");
    };
    if let Some(error) = told_by_token(text, tokens) {
        return error;
    }
    let message = format!("expected `{{` after {}, found {}", quoted(text, last), quoted(text, first));
    let error = SyntaxError::new(codes::SYNTAX, first.span, message);
    let words: Vec<&str> = std::iter::once(last)
        .chain(tokens.iter().copied())
        .map_while(|token| token.kind.is_word().then_some(&text[token.span.range()]))
        .collect();
    if words.len() != tokens.len() + 1 {
        return error;
    }
    // Blanks in a name.
    let name = words.join("-");
    let whole = Span { start: last.span.start, end: span.end };
    error.help(format!("a name has no blanks: `{name}`")).fix_at(whole, format!("write `{name}`"), name)
}

/// A string without its end anywhere in a stretch.
fn unclosed_text(text: &str, tokens: &[Token]) -> Option<SyntaxError> {
    let token = tokens.iter().find(|token| token.kind == TokenKind::Unclosed)?;
    let source = text[token.span.range()].trim_end();
    let span = Span::new(token.span.range().start, token.span.range().start + source.len());
    Some(
        SyntaxError::new(codes::UNCLOSED, span, "this text is not closed")
            .help("end it with `\"` on the same line; a line break is written `\\n`")
            .fix("close it at the end of the line", format!("{source}\"")),
    )
}

/// What a token in a stretch tells by itself: a text without its end, or a letter that is none of ours.
fn told_by_token(text: &str, tokens: &[Token]) -> Option<SyntaxError> {
    unclosed_text(text, tokens).or_else(|| {
        let foreign = |token: &&Token| token.kind == TokenKind::Word && !text[token.span.range()].is_ascii();
        let token = tokens.iter().find(foreign)?;
        Some(foreign::plain(&text[token.span.range()], token.span).1)
    })
}

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
    match word {
        "because" => return syntax("expected a text in quotation marks after `because`".to_owned()),
        ";" => return syntax("a clause ends without `;`".to_owned()).fix("remove it", ""),
        _ => {
            if let Some(error) = rest_of_condition(source, first) {
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
                _ => error,
            }
        }
        None => syntax(format!("expected a clause, found {}", quoted(text, first))),
    }
}

fn unexpected(text: &str, found: Token, before: Token) -> SyntaxError {
    let message = format!("unexpected {} after {}", quoted(text, found), quoted(text, before));
    SyntaxError::new(codes::SYNTAX, found.span, message)
}

/// Something that can only have been meant to go on with a condition.
fn rest_of_condition(source: &Source<'_>, first: Token) -> Option<SyntaxError> {
    let word = &source.text[first.span.range()];
    let syntax = |message: String| SyntaxError::new(codes::SYNTAX, first.span, message);
    Some(match word {
        ")" | "]" => syntax(format!("this `{word}` closes nothing")),
        "in" => syntax("expected a list of words in braces after `in`".to_owned())
            .help("write for example `in { pii, phi }`"),
        "starts" | "ends" => syntax(format!("expected `with` after `{word}`")),
        "like" | "matches" | "contains" => syntax(format!("expected a text after `{word}`")),
        "/" => syntax("there is no division".to_owned())
            .help("multiply the other side of the comparison instead"),
        _ => return None,
    })
}

/// Something behind an item that goes on with it, most likely.
pub(crate) fn rest_of_item(
    source: &Source<'_>,
    span: Span,
    previous: &Item,
    same_line: bool,
) -> Option<SyntaxError> {
    let tokens = source.within(span);
    let first = tokens.first().copied()?;
    let word = &source.text[first.span.range()];
    if let Item::Policy(policy) = previous {
        return closed_too_early(source, first, policy);
    }
    if matches!(previous, Item::Template(_) | Item::Test(_) | Item::Broken(_))
        || ITEM_WORDS.contains(&word)
        || word == "}"
    {
        return None;
    }
    let continues = matches!(previous, Item::Let(_) | Item::Require(_));
    let error = rest_of_condition(source, first).filter(|_| continues).or_else(|| {
        let before = source.before(first.span.start).filter(|_| same_line)?;
        Some(unexpected(source.text, first, before))
    });
    error.map(|error| told_by_token(source.text, tokens).unwrap_or(error))
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

/// Something that stands where an item should begin.
pub(crate) fn bad_item(source: &Source<'_>, span: Span) -> SyntaxError {
    let text = source.text;
    let tokens = source.within(span);
    let Some(first) = tokens.first().copied() else {
        return SyntaxError::new(codes::SYNTAX, span, "expected an item");
    };
    if let Some(error) = told_by_token(text, tokens) {
        return error;
    }
    let word = &text[first.span.range()];
    let syntax = |message: String| SyntaxError::new(codes::SYNTAX, first.span, message);
    if ITEM_WORDS.contains(&word) {
        let failure = reread(Rule::only_item, text, span);
        return expected(source, span, failure.at, &expectation(&failure.positives));
    }
    if word == "}" {
        return syntax("this `}` closes nothing".to_owned()).fix("remove it", "");
    }
    if CLAUSE_WORDS.contains(&word) {
        return syntax(format!("`{word}` stands outside of a rule or limit"))
            .help("clauses belong between the braces of a rule or limit");
    }
    if matches!(first.kind, TokenKind::Word | TokenKind::Keyword)
        && let Some(near) = nearest(word, ITEM_WORDS)
    {
        let error = syntax(format!("`{word}` begins no item"));
        return error.help(format!("did you mean `{near}`?")).fix(format!("write `{near}`"), near);
    }
    syntax(format!("expected an item, found {}", quoted(text, first)))
        .help(format!("a file consists of {}", any_of(&ITEM_WORDS.map(|word| format!("`{word}`")), "and")))
}

/// The rest of a policy behind a brace that closed it too early.
fn closed_too_early(source: &Source<'_>, first: Token, policy: &Policy) -> Option<SyntaxError> {
    let word = &source.text[first.span.range()];
    if !CLAUSE_WORDS.contains(&word) {
        return None;
    }
    let brace =
        Span { start: policy.span.end.saturating_sub(1).max(policy.span.start), end: policy.span.end };
    Some(
        SyntaxError::new(codes::SYNTAX, first.span, format!("`{word}` stands outside of a rule or limit"))
            .and_at(brace, format!("{} `{}` ends here", policy.kind, policy.name.text)),
    )
}

/// What a broken item declares, as far as its first two words tell.
pub(crate) fn declares(source: &Source<'_>, span: Span) -> Option<(Declares, Name)> {
    let text = source.text;
    let tokens = source.within(span);
    let private = &text[tokens.first()?.span.range()] == "private";
    let tokens = &tokens[usize::from(private)..];
    let declares = match &text[tokens.first()?.span.range()] {
        "package" => Declares::Package,
        "fact" => Declares::Fact,
        "let" => Declares::Let,
        "rule" => Declares::Rule,
        "limit" => Declares::Limit,
        "meter" => Declares::Meter,
        "template" => Declares::Template,
        "apply" => Declares::Apply,
        _ => return None,
    };
    let name = tokens.get(1).filter(|token| matches!(token.kind, TokenKind::Word | TokenKind::Keyword))?;
    Some((declares, Name { text: text[name.span.range()].to_owned(), span: name.span }))
}
