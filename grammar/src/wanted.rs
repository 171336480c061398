//! What should stand where a second reading of a swallowed stretch fails.

use ordain_ir::{Span, codes};
use pest::Parser as _;
use pest::error::{ErrorVariant, InputLocation};

use crate::parser::{Grammar, Rule};
use crate::source::{Source, quoted};
use crate::{SyntaxError, TokenKind};

/// Where a second reading ended, and what it would have taken there.
pub(crate) struct Failure {
    pub(crate) at: u32,
    pub(crate) positives: Vec<Rule>,
}

pub(crate) fn reread(rule: Rule, text: &str, span: Span) -> Failure {
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
pub(crate) struct Wanted {
    words: String,
    example: Option<&'static str>,
}

impl Wanted {
    pub(crate) fn one(words: &str, example: &'static str) -> Self {
        Self { words: words.to_owned(), example: Some(example) }
    }

    pub(crate) fn words(words: &str) -> Self {
        Self { words: words.to_owned(), example: None }
    }

    /// The same, or the end of an entry of a list where nothing else is wanted.
    pub(crate) fn or_end_of_list(self) -> Self {
        if self.words.is_empty() { Self::words("`,` or `)`") } else { self }
    }
}

pub(crate) fn expected(source: &Source<'_>, within: Span, at: u32, wanted: &Wanted) -> SyntaxError {
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

pub(crate) fn expectation(positives: &[Rule]) -> Wanted {
    let (mut words, mut examples): (Vec<String>, Vec<&str>) = (vec![], vec![]);
    for rule in positives {
        let Some(wanted) = describe(*rule).filter(|wanted| !words.contains(&wanted.words)) else { continue };
        examples.extend(wanted.example);
        words.push(wanted.words);
    }
    // What is more general says the rest.
    for (general, special) in [
        ("a condition", "a value"),
        ("a value", "a name"),
        ("a value", "a text in quotation marks"),
        ("a path", "a text in quotation marks"),
        ("an outcome", "a word"),
        ("the request", "a name"),
    ] {
        if words.iter().any(|word| word == general) {
            words.retain(|word| word != special);
        }
    }
    // Of several examples nobody could tell which is for what.
    Wanted { words: any_of(&words, "or"), example: examples.first().copied().filter(|_| examples.len() == 1) }
}

/// What a rule of the grammar stands for; `None` for what is no news.
fn describe(rule: Rule) -> Option<Wanted> {
    let (words, example) = match rule {
        Rule::name_t | Rule::plain_t | Rule::assignment | Rule::parameter | Rule::argument => {
            ("a name", None)
        }
        Rule::word_t => ("a word", None),
        Rule::number_t => ("a number", None),
        Rule::percent_t
        | Rule::duration_t
        | Rule::want_literal
        | Rule::want_operand
        | Rule::constant
        | Rule::argument_value => ("a value", Some("`500`, `0.7`, `30s` or `1_200.00 USD`")),
        Rule::currency_t => ("a currency", Some("`USD`")),
        Rule::string_t => ("a text in quotation marks", None),
        Rule::fact_type
        | Rule::parameter_type
        | Rule::decimal_type
        | Rule::money_type
        | Rule::enum_type
        | Rule::set_type => ("a type", Some("`int`, `string` or `money USD`")),
        Rule::scope_list | Rule::scope_entry => ("a scope", Some("`global` or `tenant acme`")),
        Rule::want_path | Rule::glob_t => ("a path", Some("`acme` or `acme/support`")),
        Rule::window
        | Rule::weekly
        | Rule::daily
        | Rule::days
        | Rule::window_zone
        | Rule::window_from
        | Rule::window_until => ("a window", Some("`mon..fri 09:00 .. 17:00`")),
        Rule::day_span | Rule::day_t => ("a day", Some("`mon`")),
        Rule::clock_t => ("a time", Some("`09:00`")),
        Rule::zone_t => ("a time zone", Some("`Europe/Berlin`")),
        Rule::date_t => ("a date", Some("`2026-03-01`")),
        Rule::condition => ("a condition", None),
        Rule::want_list => ("a list", Some("`in { pii, phi }`")),
        Rule::want_list_end => ("`,` or `}`", None),
        Rule::want_open_brace => ("`{`", None),
        Rule::want_close_brace => ("`}`", None),
        Rule::want_open_paren => ("`(`", None),
        Rule::want_close_paren => ("`)`", None),
        Rule::want_colon => ("`:`", None),
        Rule::want_equals => ("`=`", None),
        Rule::want_dots => ("`..`", None),
        Rule::want_outcome => ("an outcome", Some("`allow`, `warn` or `block`")),
        Rule::direction => ("`most` or `least`", None),
        Rule::given_clause | Rule::given_agent | Rule::given_provider | Rule::given_at => {
            ("the request", Some("`agent acme/support/mailer` or `tool.name = \"export\"`"))
        }
        other => {
            let name = format!("{other:?}");
            return name.strip_prefix("want_").map(|word| Wanted::words(&format!("`{word}`")));
        }
    };
    Some(Wanted { words: words.to_owned(), example })
}

/// `a`, `a or b`, `a, b or c`.
pub(crate) fn any_of(words: &[String], last: &str) -> String {
    match words {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., end] => format!("{} {last} {end}", first.join(", ")),
    }
}
