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
        | Rule::kw_private
            if rule != Rule::dots =>
        {
            return None;
        }
        Rule::name
        | Rule::plain_word
        | Rule::name_list
        | Rule::assignment
        | Rule::parameter
        | Rule::argument => ("a name", None),
        Rule::any_word => ("a word", None),
        Rule::number => ("a number", None),
        Rule::percent | Rule::duration | Rule::money | Rule::literal | Rule::sum | Rule::argument_value => {
            ("a value", Some("`500`, `0.7`, `30s` or `1_200.00 USD`"))
        }
        Rule::currency => ("a currency", Some("`USD`")),
        Rule::string => ("a text in quotation marks", None),
        Rule::fact_type
        | Rule::plain_type
        | Rule::decimal_type
        | Rule::money_type
        | Rule::enum_type
        | Rule::parameter_type
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
pub(crate) fn any_of(words: &[String], last: &str) -> String {
    match words {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., end] => format!("{} {last} {end}", first.join(", ")),
    }
}
