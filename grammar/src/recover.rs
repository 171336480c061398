//! Words for what could not be read: each swallowed stretch is read a second time, alone, to find out where
//! it goes wrong and what would have been right.

use std::cell::OnceCell;

use ordain_ir::{Level, PolicyKind, Span, codes};
use pest::Parser as _;
use pest::error::{ErrorVariant, InputLocation};

use crate::ast::{Clause, ClauseKind, Declares, Name, Policy, Scope};
use crate::parser::{Grammar, Rule};
use crate::suggest::nearest;
use crate::{SyntaxError, Token, TokenKind, tokens};

const CLAUSES: [&str; 13] = [
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
];
const CLAUSE_WORDS: [&str; 12] = [
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
];
const ITEM_WORDS: [&str; 6] = ["package", "use", "fact", "let", "rule", "limit"];

/// Something that a later version of the language gives a meaning.
pub(crate) fn reserved(span: Span, what: &str) -> SyntaxError {
    SyntaxError::new(codes::RESERVED, span, format!("{what} is reserved for a later version of the language"))
        .help("take it out; this version gives it no meaning")
}

/// The span without white space and comments at its end.
pub(crate) fn trimmed(text: &str, span: Span) -> Span {
    Span { start: span.start, end: trimmed_end(text, span) }
}

/// The end of the span's last byte that is neither white space nor in a comment; its start if there is none.
pub(crate) fn trimmed_end(text: &str, span: Span) -> u32 {
    let start = span.range().start;
    Span::new(start, start + significant_len(&text[span.range()])).end
}

/// How long a text is without white space and comments at its end.
pub(crate) fn significant_len(text: &str) -> usize {
    let blank = |c: char| matches!(c, ' ' | '\t' | '\n' | '\r' | '\u{feff}');
    if !text.contains("//") {
        return text.trim_end_matches(blank).len();
    }
    let (mut end, mut chars) = (0, text.char_indices().peekable());
    let (mut quoted, mut comment) = (false, false);
    while let Some((at, c)) = chars.next() {
        match c {
            '\n' | '\r' => (quoted, comment) = (false, false),
            _ if comment => {}
            '\\' if quoted => {
                end = at + 1;
                if let Some((at, c)) = chars.next_if(|(_, c)| !matches!(c, '\n' | '\r')) {
                    end = at + c.len_utf8();
                }
            }
            '"' => {
                quoted = !quoted;
                end = at + 1;
            }
            '/' if !quoted && chars.peek().is_some_and(|(_, next)| *next == '/') => comment = true,
            c if blank(c) && !quoted => {}
            c => end = at + c.len_utf8(),
        }
    }
    end
}

/// A text with its tokens, which are made when the first error asks for them and once only.
pub(crate) struct Source<'a> {
    pub(crate) text: &'a str,
    tokens: OnceCell<Vec<Token>>,
}

impl<'a> Source<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, tokens: OnceCell::new() }
    }

    /// All tokens that are neither white space nor comments.
    fn tokens(&self) -> &[Token] {
        self.tokens.get_or_init(|| tokens(self.text).into_iter().filter(significant).collect())
    }

    /// Whether no line ends between two stretches, the first of which comes first.
    pub(crate) fn same_line(&self, first: Span, second: Span) -> bool {
        let between = self.text.get(first.range().end..second.range().start);
        between.is_some_and(|between| !between.contains(['\n', '\r']))
    }

    /// Whether a text or a bracket is left open in a stretch.
    pub(crate) fn opens(&self, span: Span) -> bool {
        let mut depth = 0_i64;
        self.within(span).iter().any(|token| match &self.text[token.span.range()] {
            "(" | "[" | "{" => {
                depth += 1;
                false
            }
            ")" | "]" | "}" => {
                depth -= 1;
                false
            }
            _ => token.kind == TokenKind::Unclosed,
        }) || depth > 0
    }

    /// The last token that ends at or before `at`.
    pub(crate) fn before(&self, at: u32) -> Option<Token> {
        let tokens = self.tokens();
        tokens[..tokens.partition_point(|token| token.span.end <= at)].last().copied()
    }

    /// The tokens of a stretch.
    fn within(&self, span: Span) -> &[Token] {
        let tokens = self.tokens();
        let first = tokens.partition_point(|token| token.span.start < span.start);
        let end = tokens.partition_point(|token| token.span.end <= span.end);
        tokens.get(first..end).unwrap_or(&[])
    }
}

fn significant(token: &Token) -> bool {
    !matches!(token.kind, TokenKind::Space | TokenKind::Comment | TokenKind::Doc)
}

/// A token's text for a message, cut where it is long.
fn quoted(text: &str, token: Token) -> String {
    let word = &text[token.span.range()];
    let mut shown: String = word.chars().take(40).collect();
    if shown.len() < word.len() {
        shown.push('…');
    }
    if token.kind == TokenKind::Symbol && !word.is_ascii() || word.chars().any(char::is_control) {
        let code = word.chars().next().map_or(0, u32::from);
        return if word.chars().all(|c| c.is_alphanumeric() || c.is_ascii_graphic()) {
            format!("`{shown}`")
        } else {
            format!("the character U+{code:04X}")
        };
    }
    format!("`{shown}`")
}

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

/// A policy whose end is missing.
pub(crate) fn unclosed_policy(
    source: &Source<'_>,
    kind: PolicyKind,
    name: &Name,
    open: Option<Span>,
    at: Span,
) -> SyntaxError {
    let last = source.before(at.start).map_or(name.span, |token| token.span);
    let message = format!("expected `}}` at the end of {kind} `{}`", name.text);
    let mut error = SyntaxError::new(codes::UNCLOSED, last, message);
    if let Some(open) = open {
        error = error.and_at(open, "this `{` is not closed");
    }
    error
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
    let error = unclosed_text(text, tokens).unwrap_or_else(|| {
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
        PolicyKind::Rule => &["at most", "at least", "per"],
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

/// Something behind a `let` that goes on with it.
pub(crate) fn rest_of_let(source: &Source<'_>, span: Span, same_line: bool) -> Option<SyntaxError> {
    let tokens = source.within(span);
    let first = tokens.first().copied()?;
    let word = &source.text[first.span.range()];
    if ITEM_WORDS.contains(&word) || word == "}" {
        return None;
    }
    let error = rest_of_condition(source, first).or_else(|| {
        let before = source.before(first.span.start).filter(|_| same_line)?;
        Some(unexpected(source.text, first, before))
    });
    error.map(|error| unclosed_text(source.text, tokens).unwrap_or(error))
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
    if let Some(error) = unclosed_text(text, tokens) {
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

/// The rest of a policy behind a brace that closed it too early, or of an item on the same line.
pub(crate) fn closed_too_early(source: &Source<'_>, span: Span, policy: &Policy) -> Option<SyntaxError> {
    let text = source.text;
    let first = source.within(span).first().copied()?;
    let word = &text[first.span.range()];
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
    let declares = match &text[tokens.first()?.span.range()] {
        "package" => Declares::Package,
        "fact" => Declares::Fact,
        "let" => Declares::Let,
        "rule" => Declares::Rule,
        "limit" => Declares::Limit,
        _ => return None,
    };
    let name = tokens.get(1).filter(|token| matches!(token.kind, TokenKind::Word | TokenKind::Keyword))?;
    Some((declares, Name { text: text[name.span.range()].to_owned(), span: name.span }))
}

/// Where a second reading ended, and what it would have taken there.
struct Failure {
    at: u32,
    positives: Vec<Rule>,
}

fn reread(rule: Rule, text: &str, span: Span) -> Failure {
    match Grammar::parse(rule, &text[span.range()]) {
        Ok(_) => Failure { at: span.end, positives: vec![] },
        Err(error) => {
            let offset = match error.location {
                InputLocation::Pos(at) | InputLocation::Span((at, _)) => at,
            };
            let positives = match error.variant {
                ErrorVariant::ParsingError { positives, .. } => positives,
                ErrorVariant::CustomError { .. } => vec![],
            };
            Failure { at: Span::new(0, span.range().start + offset).end, positives }
        }
    }
}

/// What should stand somewhere, in the reader's words.
struct Wanted {
    words: String,
    example: Option<&'static str>,
}

impl Wanted {
    fn one(words: &str, example: &'static str) -> Self {
        Self { words: words.to_owned(), example: Some(example) }
    }

    fn words(words: &str) -> Self {
        Self { words: words.to_owned(), example: None }
    }
}

fn expected(source: &Source<'_>, within: Span, at: u32, wanted: &Wanted) -> SyntaxError {
    let error = expected_here(source, within, at, &wanted.words);
    match wanted.example {
        Some(example) if error.help.is_none() => error.help(format!("for example {example}")),
        _ => error,
    }
}

fn expected_here(source: &Source<'_>, within: Span, at: u32, wanted: &str) -> SyntaxError {
    let text = source.text;
    let rest = Span { start: at.min(within.end), end: within.end };
    let found = source.within(rest).first().copied();
    let wanted = if wanted.is_empty() { "something else" } else { wanted };
    let Some(found) = found else {
        let before = source.before(within.end);
        let span = before.map_or(within, |token| token.span);
        let after = before.map(|token| format!(" after {}", quoted(text, token))).unwrap_or_default();
        return SyntaxError::new(codes::SYNTAX, span, format!("expected {wanted}{after}"));
    };
    let word = &text[found.span.range()];
    let starts_with_digit = word.starts_with(|c: char| c.is_ascii_digit());
    let code =
        if starts_with_digit && found.kind == TokenKind::Number && matches!(wanted, "a number" | "a value") {
            codes::BAD_LITERAL
        } else {
            codes::SYNTAX
        };
    let error =
        SyntaxError::new(code, found.span, format!("expected {wanted}, found {}", quoted(text, found)));
    if found.kind == TokenKind::Keyword && wanted.contains("name") {
        return error.help(format!("`{word}` is a keyword; choose another name"));
    }
    error
}

fn expectation(positives: &[Rule]) -> Wanted {
    let (mut words, mut examples): (Vec<String>, Vec<&str>) = (vec![], vec![]);
    for rule in positives {
        let Some(wanted) = describe(*rule).filter(|wanted| !words.contains(&wanted.words)) else { continue };
        examples.extend(wanted.example);
        words.push(wanted.words);
    }
    // Of several examples nobody could tell which is for what.
    Wanted { words: any_of(&words, "or"), example: examples.first().copied().filter(|_| examples.len() == 1) }
}

/// What a rule of the grammar stands for; `None` for what is no news.
fn describe(rule: Rule) -> Option<Wanted> {
    let (words, example) = match rule {
        Rule::EOI
        | Rule::star
        | Rule::missing_name
        | Rule::missing_open
        | Rule::missing_close
        | Rule::missing_operand
        | Rule::missing_paren
        | Rule::missing_set
        | Rule::minus
        | Rule::dots
        | Rule::range
        | Rule::kw_optional
        | Rule::kw_opaque
            if rule != Rule::dots =>
        {
            return None;
        }
        Rule::name | Rule::plain_word | Rule::name_list => ("a name", None),
        Rule::any_word => ("a word", None),
        Rule::number | Rule::integer => ("a number", None),
        Rule::percent | Rule::duration | Rule::money | Rule::literal => {
            ("a value", Some("`500`, `0.7`, `30s` or `1_200.00 USD`"))
        }
        Rule::currency => ("a currency", Some("`USD`")),
        Rule::string => ("a text in quotation marks", None),
        Rule::fact_type
        | Rule::plain_type
        | Rule::decimal_type
        | Rule::money_type
        | Rule::enum_type
        | Rule::set_type => ("a type", Some("`int`, `string` or `money USD`")),
        Rule::scope_list | Rule::scope_entry => ("a scope", Some("`global` or `tenant acme`")),
        Rule::path | Rule::glob_segment => ("a path", Some("`acme` or `acme/support`")),
        Rule::window
        | Rule::weekly
        | Rule::daily
        | Rule::days
        | Rule::window_zone
        | Rule::window_from
        | Rule::window_until => ("a window", Some("`mon..fri 09:00 .. 17:00`")),
        Rule::day_span | Rule::day => ("a day", Some("`mon`")),
        Rule::time => ("a time", Some("`09:00`")),
        Rule::zone => ("a time zone", Some("`Europe/Berlin`")),
        Rule::moment => ("a date", Some("`2026-03-01`")),
        Rule::condition | Rule::or_expr => ("a condition", None),
        Rule::open_brace => ("`{`", None),
        Rule::close_brace => ("`}`", None),
        Rule::open_paren => ("`(`", None),
        Rule::close_paren => ("`)`", None),
        Rule::comma => ("`,`", None),
        Rule::colon => ("`:`", None),
        Rule::equals => ("`=`", None),
        Rule::dots => ("`..`", None),
        other => {
            let name = format!("{other:?}");
            return name.strip_prefix("kw_").map(|word| Wanted::words(&format!("`{word}`")));
        }
    };
    Some(Wanted { words: words.to_owned(), example })
}

/// `a`, `a or b`, `a, b or c`.
fn any_of(words: &[String], last: &str) -> String {
    match words {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., end] => format!("{} {last} {end}", first.join(", ")),
    }
}
