//! What is tried, and what must hold of every text.

use ordain_compiler::compile_str;
use ordain_grammar::ast::Item;
use ordain_grammar::{FormatError, Parse, SyntaxError, TokenKind, format, parse, tokens};
use ordain_ir::Span;

/// What a text is given to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// The parser.
    Parse,
    /// The formatter, and the parser and the formatter again.
    Format,
    /// The compiler, up to policies, with its fixes.
    Compile,
    /// Nothing of ours: it fails at texts that say how, to test what drives the others.
    Selftest,
}

impl Target {
    /// Those that are tried.
    pub const ALL: [Self; 3] = [Self::Parse, Self::Format, Self::Compile];

    /// Its name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Parse => "parse",
            Self::Format => "format",
            Self::Compile => "compile",
            Self::Selftest => "selftest",
        }
    }

    /// The target with this name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Parse, Self::Format, Self::Compile, Self::Selftest].into_iter().find(|it| it.name() == name)
    }

    /// Gives it a text.
    ///
    /// # Errors
    /// What doesn't hold.
    pub fn check(self, text: &str) -> Result<(), String> {
        match self {
            Self::Parse => parses(text),
            Self::Format => formats(text),
            Self::Compile => compiles(text),
            Self::Selftest => fails_as_told(text),
        }
    }
}

fn holds(what: bool, message: impl FnOnce() -> String) -> Result<(), String> {
    if what { Ok(()) } else { Err(message()) }
}

/// Tokens are the text, spans are stretches of it, and errors stand somewhere.
fn parses(text: &str) -> Result<(), String> {
    let read = parse(text);
    let fits = |span: Span| text.get(span.range()).is_some();
    for error in read.errors.iter().chain(&read.warnings) {
        let SyntaxError { span, secondary, fix, .. } = error;
        let all = fits(*span)
            && secondary.iter().all(|(span, _)| fits(*span))
            && fix.iter().all(|(_, span, _)| fits(*span));
        holds(all, || format!("outside of the text: {error:?}"))?;
        holds(!span.is_empty() || text.trim().is_empty(), || format!("nowhere: {error:?}"))?;
    }
    let mut end = 0;
    for item in &read.file.items {
        let span = item.span();
        holds(fits(span) && span.start >= end && !span.is_empty(), || format!("out of order: {item:?}"))?;
        end = span.end;
    }
    let mut end = 0;
    for token in tokens(text) {
        holds(token.span.start == end && fits(token.span), || format!("a gap before {token:?}"))?;
        end = token.span.end;
    }
    holds(end as usize == text.len(), || format!("the tokens end at {end}"))?;
    holds(parse(text) == read, || "parsed twice, read differently".to_owned())
}

/// What a tree says besides places: its items' kinds, and each word that isn't white space.
fn said(text: &str, read: &Parse) -> (Vec<std::mem::Discriminant<Item>>, Vec<String>) {
    let kinds = read.file.items.iter().filter(|item| !matches!(item, Item::Use(_)));
    let words = tokens(text).into_iter().filter(|token| token.kind != TokenKind::Space);
    let mut words: Vec<String> = words
        .map(|token| text[token.span.range()].trim_end().to_owned())
        .filter(|word| word != ",")
        .collect();
    words.sort_unstable();
    (kinds.map(std::mem::discriminant).collect(), words)
}

/// What is formatted has no mistakes, says the same, and stays as it is.
fn formats(text: &str) -> Result<(), String> {
    let formatted = match format(text) {
        Ok(formatted) => formatted,
        Err(FormatError::Syntax(errors)) => {
            return holds(!errors.is_empty(), || "refused for no mistake".to_owned());
        }
        Err(error @ FormatError::Changed) => return Err(error.to_string()),
    };
    let read = parse(&formatted);
    holds(read.errors.is_empty(), || format!("mistakes after formatting: {:?}", read.errors))?;
    holds(said(text, &parse(text)) == said(&formatted, &read), || {
        format!("says something else: {formatted:?}")
    })?;
    match format(&formatted) {
        Ok(again) => holds(again == formatted, || {
            format!("not formatted after formatting:\n{formatted}\n--- and again ---\n{again}")
        }),
        Err(error) => Err(format!("can't be formatted again: {error}")),
    }
}

/// Everything that is said stands in the text, and every fix fits.
fn compiles(text: &str) -> Result<(), String> {
    let files = [("a.ordain", text)];
    let compiled = compile_str(&files);
    for diagnostic in &compiled.diagnostics {
        let places = diagnostic.primary.iter().chain(&diagnostic.secondary);
        let mut own = places.filter(|label| label.file == "a.ordain");
        let fits = own.all(|label| text.get(label.span.range()).is_some());
        holds(fits, || format!("outside of the text: {diagnostic:?}"))?;
        for fix in diagnostic.fixes.iter().filter(|fix| fix.file == "a.ordain") {
            let (span, _) = fix.edit(text);
            holds(text.get(span.range()).is_some(), || format!("a fix outside of the text: {fix:?}"))?;
        }
    }
    holds(compile_str(&files) == compiled, || "compiled twice, read differently".to_owned())
}

fn fails_as_told(text: &str) -> Result<(), String> {
    assert!(!text.contains("panic!"), "as the text says");
    let mut hog: Vec<Vec<u8>> = vec![];
    while text.contains("hog!") {
        hog.push(Vec::with_capacity(1 << 26));
    }
    while text.contains("hang!") {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    holds(!text.contains("wrong!"), || "the text says so".to_owned())
}
