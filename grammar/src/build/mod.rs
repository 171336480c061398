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

use crate::ast::{Broken, File, Item, Name, TestClause, TestClauseKind};
use crate::parser::{Pair, Rule, span};
use crate::{Parse, SyntaxError, recover, source};

/// Collects the errors that the tree's making brings up.
pub(crate) struct Builder<'a> {
    /// The whole text; pairs may come from a copy of it with other bytes in it.
    source: source::Source<'a>,
    errors: Vec<SyntaxError>,
    /// The last token that was found to lack what should follow it.
    lacking: Option<Span>,
}

pub(crate) fn file(text: &str, pair: Pair<'_>) -> Parse {
    let mut builder = Builder { source: source::Source::new(text), errors: vec![], lacking: None };
    let mut items: Vec<Item> = vec![];
    let mut after_error = false;
    for pair in pair.into_inner() {
        let before = builder.errors.len();
        let item = match pair.as_rule() {
            Rule::package => Item::Package(builder.package(pair)),
            Rule::use_item => Item::Use(builder.use_item(pair)),
            Rule::fact => Item::Fact(builder.fact(pair)),
            Rule::let_item => Item::Let(builder.let_item(pair)),
            Rule::policy => Item::Policy(builder.policy(pair)),
            Rule::meter => Item::Meter(builder.meter(pair)),
            Rule::template => Item::Template(builder.template(pair)),
            Rule::apply => Item::Apply(builder.apply(pair)),
            Rule::require => Item::Require(builder.require(pair)),
            Rule::allow => Item::Allow(builder.allow(pair)),
            Rule::test => Item::Test(builder.test(pair)),
            Rule::bad_item => Item::Broken(builder.bad_item(&pair, &mut items, after_error)),
            _ => continue,
        };
        after_error = builder.errors.len() > before;
        items.push(item);
    }
    builder.errors.sort_by_key(|error| error.span);
    Parse { file: File { items }, errors: builder.errors }
}

impl Builder<'_> {
    fn report(&mut self, error: SyntaxError) {
        self.errors.push(error);
    }

    fn name(&self, pair: &Pair<'_>) -> Name {
        let span = span(pair);
        Name { text: self.source.text[span.range()].to_owned(), span }
    }

    /// What could not be read as an item. `after_error` tells that something in the item before has been
    /// reported: what follows on its line is most likely the rest of the same mistake.
    fn bad_item(&mut self, pair: &Pair<'_>, before: &mut [Item], after_error: bool) -> Broken {
        let whole = span(pair);
        let same_line = before.last().is_some_and(|it| self.source.same_line(it.span(), whole));
        let declares = recover::declares(&self.source, whole);
        let error = match before.last_mut() {
            Some(Item::Policy(policy)) => {
                let error = recover::closed_too_early(&self.source, whole, policy);
                policy.broken |= error.is_some();
                error
            }
            Some(Item::Let(it)) if declares.is_none() => {
                let error = recover::rest_of_let(&self.source, whole, same_line);
                it.broken |= error.is_some();
                error
            }
            _ => None,
        };
        let rest = after_error && (same_line || error.is_some()) && declares.is_none();
        if !rest {
            self.report(error.unwrap_or_else(|| recover::bad_item(&self.source, whole)));
        }
        Broken { span: whole, declares }
    }

    /// What could not be read in a template, between `before`.
    fn bad_member(&mut self, pair: &Pair<'_>, before: &[Item], broken: bool) -> Broken {
        let whole = span(pair);
        let same_line = before.last().is_some_and(|it| self.source.same_line(it.span(), whole));
        let declares = recover::declares(&self.source, whole);
        if !(broken && same_line && declares.is_none()) {
            self.report(recover::bad_member(&self.source, whole));
        }
        Broken { span: whole, declares }
    }

    /// What could not be read in a test.
    fn bad_test_clause(
        &mut self,
        pair: &Pair<'_>,
        previous: Option<&TestClause>,
        broken: bool,
    ) -> TestClause {
        let whole = span(pair);
        let same_line = previous.is_some_and(|it| self.source.same_line(it.span, whole));
        if !(broken && same_line) {
            self.report(recover::bad_test_clause(&self.source, whole));
        }
        TestClause { span: whole, keyword: whole, kind: TestClauseKind::Broken }
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
}
