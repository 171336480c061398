//! From pest's pairs to the tree. Every function takes a pair of the rule that its name tells.

mod expr;
mod item;
mod literal;
mod policy;
mod scope;
mod template;
mod test;
mod window;

use ordain_ir::Span;

use crate::ast::{Broken, File, Item, Name};
use crate::parser::{Pair, Rule, span};
use crate::{Parse, SyntaxError, foreign, recover, source};

/// Collects the errors that the tree's making brings up.
pub(crate) struct Builder<'a> {
    /// The whole text; pairs may come from a copy of it with other bytes in it.
    source: source::Source<'a>,
    errors: Vec<SyntaxError>,
    /// The last token that was found to lack what should follow it.
    lacking: Option<Span>,
    /// Whether a missing brace has been reported, so that one too many is no news.
    unclosed: bool,
    /// The end of the last stretch in which something has been reported.
    reported: u32,
}

pub(crate) fn file(text: &str, pair: Pair<'_>) -> Parse {
    let source = source::Source::new(text);
    let mut builder = Builder { source, errors: vec![], lacking: None, unclosed: false, reported: 0 };
    let mut items: Vec<Item> = vec![];
    let mut after_error = false;
    for pair in inner(pair) {
        let before = builder.errors.len();
        let mut after = vec![];
        let item = match pair.as_rule() {
            Rule::package => Item::Package(builder.package(pair)),
            Rule::use_item => Item::Use(builder.use_item(pair)),
            Rule::fact => Item::Fact(builder.fact(pair)),
            Rule::let_item => Item::Let(builder.let_item(pair)),
            Rule::policy => Item::Policy(builder.policy(pair)),
            Rule::meter => Item::Meter(builder.meter(pair)),
            Rule::template => Item::Template(builder.template(pair, &mut after)),
            Rule::apply => Item::Apply(builder.apply(pair)),
            Rule::require => Item::Require(builder.require(pair)),
            Rule::allow => Item::Allow(builder.allow(pair)),
            Rule::test => Item::Test(builder.test(pair, &mut after)),
            Rule::bad_item => Item::Broken(builder.bad_item(&pair, &mut items, after_error)),
            _ => continue,
        };
        after_error = builder.errors.len() > before;
        items.push(item);
        items.append(&mut after);
    }
    builder.errors.sort_by_key(|error| error.span);
    Parse { file: File { items }, errors: builder.errors, warnings: vec![] }
}

/// The parts of a pair, one after the other, without the comments between them.
struct Parts<'a> {
    pairs: pest::iterators::Pairs<'a, Rule>,
    next: Option<Pair<'a>>,
}

impl<'a> Parts<'a> {
    fn peek(&self) -> Option<&Pair<'a>> {
        self.next.as_ref()
    }

    fn next_if(&mut self, wanted: impl Fn(&Pair<'a>) -> bool) -> Option<Pair<'a>> {
        if self.next.as_ref().is_some_and(wanted) { self.next() } else { None }
    }
}

impl<'a> Iterator for Parts<'a> {
    type Item = Pair<'a>;

    fn next(&mut self) -> Option<Pair<'a>> {
        let next = self.pairs.find(|pair| pair.as_rule() != Rule::comment);
        std::mem::replace(&mut self.next, next)
    }
}

fn inner(pair: Pair<'_>) -> Parts<'_> {
    let mut parts = Parts { pairs: pair.into_inner(), next: None };
    parts.next();
    parts
}

impl Builder<'_> {
    fn report(&mut self, error: SyntaxError) {
        self.reported = self.reported.max(error.span.end);
        self.errors.push(error);
    }

    /// Reports what is wrong somewhere in a stretch that nothing could be made of.
    fn report_within(&mut self, stretch: Span, error: SyntaxError) {
        self.report(error);
        self.reported = self.reported.max(stretch.end);
    }

    /// Passes over a stretch that is most likely the rest of what has been reported.
    fn pass(&mut self, stretch: Span) {
        self.reported = self.reported.max(stretch.end);
    }

    /// Reports that a body of `what` isn't closed before `at`. Where the text breaks off in the middle of
    /// something, that is the mistake, and all that is open then is no news.
    fn report_unclosed(&mut self, what: &str, name: &str, whole: Span, at: u32) {
        let breaks_off = self.source.after(at).is_none();
        let last = self.source.before(at).map_or(whole, |token| token.span);
        let next = self.source.after(at).filter(|next| !self.outermost(next.span));
        if let (Some(next), "template" | "the test") = (next, what) {
            self.report(recover::misplaced(&self.source, what, next));
        } else if !(breaks_off && self.reported > last.start) {
            self.report(recover::unclosed(&self.source, what, name, whole, at));
        }
        self.unclosed = true;
    }

    /// The span of a pair without the white space and comments that it takes behind its last token.
    fn whole(&self, pair: &Pair<'_>) -> Span {
        source::trimmed(self.source.text, span(pair))
    }

    /// A name or a word. Where letters in it are none of ASCII's, the name is what it looks like.
    fn name(&mut self, pair: &Pair<'_>) -> Name {
        let span = span(pair);
        Name { text: self.word_text(span), span }
    }

    fn word_text(&mut self, span: Span) -> String {
        let text = &self.source.text[span.range()];
        if text.is_ascii() {
            return text.to_owned();
        }
        let (plain, error) = foreign::plain(text, span);
        self.report(error);
        plain
    }

    /// What could not be read as an item. `after_error` tells that something in the item before has been
    /// reported: what follows on its line is most likely the rest of the same mistake.
    fn bad_item(&mut self, pair: &Pair<'_>, before: &mut [Item], after_error: bool) -> Broken {
        let whole = self.whole(pair);
        let declares = recover::declares(&self.source, whole);
        let rest = match before.last_mut() {
            Some(previous) if declares.is_none() => {
                let same_line = self.source.same_line(previous.span(), whole);
                let error = recover::rest_of_item(&self.source, whole, previous, same_line);
                if error.is_some() {
                    mark_broken(previous);
                }
                (after_error && (same_line || error.is_some()), error)
            }
            _ => (false, None),
        };
        match rest {
            (true, _) => self.pass(whole),
            (false, Some(error)) => self.report_within(whole, error),
            (false, None) if self.unclosed && self.source.is(whole, "}") => {}
            (false, None) => self.report_within(whole, recover::bad_item(&self.source, whole)),
        }
        Broken { span: whole, declares }
    }

    /// The lines straight above `item` that begin with `///`, without that and one blank after it.
    fn doc(&self, item: Span) -> String {
        // The item's own line up to it must be blank, else the lines above belong to something else. Only
        // blanks are passed on the way, so that many items on one line cost little.
        let above = self.source.text[..item.range().start].trim_end_matches([' ', '\t', '\u{feff}']);
        if !above.ends_with(['\n', '\r']) {
            return String::new();
        }
        let mut lines: Vec<&str> = above
            .lines()
            .rev()
            .map_while(|line| {
                let text = line.trim().trim_start_matches('\u{feff}').strip_prefix("///")?;
                (!text.starts_with('/')).then(|| text.strip_prefix(' ').unwrap_or(text))
            })
            .collect();
        lines.reverse();
        lines.join("\n").trim().to_owned()
    }

    /// Whether something stands at the very beginning of a line.
    fn outermost(&self, span: Span) -> bool {
        let before = &self.source.text[..span.range().start];
        before.is_empty() || before.ends_with(['\n', '\r', '\u{feff}'])
    }
}

/// Notes that an error in an item has been reported.
pub(crate) fn mark_broken(item: &mut Item) {
    match item {
        Item::Let(it) => it.broken = true,
        Item::Policy(it) => it.broken = true,
        Item::Template(it) => it.broken = true,
        Item::Apply(it) => it.broken = true,
        Item::Require(it) => it.broken = true,
        Item::Allow(it) => it.broken = true,
        Item::Test(it) => it.broken = true,
        Item::Package(_) | Item::Use(_) | Item::Fact(_) | Item::Meter(_) | Item::Broken(_) => {}
    }
}
