//! From pest's pairs to the tree. Every function takes a pair of the rule that its name tells.

mod clause;
mod expr;
mod literal;

use ordain_ir::{PolicyKind, Span, codes};

use crate::ast::{
    Broken, Clause, Declares, Fact, FactType, FactTypeKind, File, Item, Let, LetValue, Name, Package, Policy,
    Range, Use,
};
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
            Rule::reserved_item => Item::Broken(builder.reserved(pair)),
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

    fn package(&mut self, pair: Pair<'_>) -> Package {
        let whole = span(&pair);
        let name = self.find_name(pair);
        Package { span: whole, name }
    }

    /// The first name in a pair that the grammar gives one.
    fn find_name(&self, pair: Pair<'_>) -> Name {
        let fallback = Span { start: span(&pair).end, end: span(&pair).end };
        pair.into_inner()
            .find(|inner| matches!(inner.as_rule(), Rule::name | Rule::plain_word))
            .map_or(Name { text: String::new(), span: fallback }, |inner| self.name(&inner))
    }

    fn use_item(&mut self, pair: Pair<'_>) -> Use {
        let whole = span(&pair);
        let all = pair.clone().into_inner().any(|inner| inner.as_rule() == Rule::star);
        Use { span: whole, path: self.find_name(pair), all, alias: None }
    }

    fn fact(&mut self, pair: Pair<'_>) -> Fact {
        let whole = span(&pair);
        let mut fact = Fact {
            span: whole,
            private: None,
            doc: self.doc(whole),
            name: self.find_name(pair.clone()),
            ty: FactType { span: whole, kind: FactTypeKind::Word(String::new()) },
            ranges: vec![],
            optional: vec![],
            opaque: vec![],
        };
        for inner in pair.into_inner() {
            match inner.as_rule() {
                Rule::fact_type => fact.ty = self.fact_type(inner),
                Rule::range => {
                    let span = span(&inner);
                    let mut ends = inner.into_inner().filter(|end| end.as_rule() == Rule::literal);
                    if let (Some(least), Some(greatest)) = (ends.next(), ends.next()) {
                        let (least, greatest) = (self.literal(least), self.literal(greatest));
                        fact.ranges.push(Range { span, least, greatest });
                    }
                }
                Rule::kw_optional => fact.optional.push(span(&inner)),
                Rule::kw_opaque => fact.opaque.push(span(&inner)),
                _ => {}
            }
        }
        fact
    }

    fn fact_type(&mut self, pair: Pair<'_>) -> FactType {
        let whole = span(&pair);
        let inner = pair.into_inner().next();
        let kind = inner.map_or(FactTypeKind::Word(String::new()), |inner| {
            let mut words = inner.clone().into_inner().filter(|word| {
                matches!(word.as_rule(), Rule::number | Rule::currency | Rule::any_word | Rule::plain_word)
            });
            match inner.as_rule() {
                Rule::decimal_type => words.next().map(|word| FactTypeKind::Decimal(self.name(&word))),
                Rule::money_type => words.next().map(|word| FactTypeKind::Money(self.name(&word))),
                Rule::enum_type => Some(FactTypeKind::Enum(words.map(|word| self.name(&word)).collect())),
                Rule::plain_type => Some(FactTypeKind::Word(inner.as_str().to_owned())),
                _ => None,
            }
            .unwrap_or(FactTypeKind::Word(String::new()))
        });
        if kind == FactTypeKind::Word(String::new()) {
            self.report(recover::reserved(whole, "`set of`"));
        }
        FactType { span: whole, kind }
    }

    fn let_item(&mut self, pair: Pair<'_>) -> Let {
        let before = self.errors.len();
        let whole = span(&pair);
        let name = self.find_name(pair.clone());
        let value = pair.into_inner().find_map(|inner| match inner.as_rule() {
            Rule::scope_list => Some(LetValue::Scope(self.scope(inner))),
            Rule::condition => Some(LetValue::Condition(self.condition(inner))),
            _ => None,
        });
        let missing =
            || LetValue::Condition(crate::ast::Expr { span: whole, kind: crate::ast::ExprKind::Missing });
        let value = value.unwrap_or_else(missing);
        Let {
            span: whole,
            private: None,
            doc: self.doc(whole),
            name,
            value,
            broken: self.errors.len() > before,
        }
    }

    fn policy(&mut self, pair: Pair<'_>) -> Policy {
        let before = self.errors.len();
        let whole = span(&pair);
        let (mut kind, mut keyword) = (PolicyKind::Rule, whole);
        let mut name = Name { text: String::new(), span: whole };
        let mut clauses: Vec<Clause> = vec![];
        let mut open = None;
        for inner in pair.into_inner() {
            let place = span(&inner);
            match inner.as_rule() {
                Rule::kw_rule => keyword = place,
                Rule::kw_limit => (kind, keyword) = (PolicyKind::Limit, place),
                Rule::name => name = self.name(&inner),
                Rule::missing_name => {
                    name.span = keyword;
                    self.report(SyntaxError::new(
                        codes::SYNTAX,
                        keyword,
                        format!("expected a name after `{kind}`"),
                    ));
                }
                Rule::open_brace => open = Some(place),
                Rule::missing_open => {
                    let message = format!("expected `{{` after `{}`", name.text);
                    self.report(SyntaxError::new(codes::SYNTAX, name.span, message));
                }
                Rule::close_brace => {}
                Rule::missing_close => {
                    // A text or bracket that is not closed may have swallowed the brace.
                    let swallowed = clauses.last().is_some_and(|it| it.broken && self.source.opens(it.span));
                    if !swallowed {
                        self.report(recover::unclosed_policy(&self.source, kind, &name, open, place));
                    }
                }
                Rule::bad_clause => {
                    let clause = self.bad_clause(&inner, kind, clauses.last_mut());
                    clauses.push(clause);
                }
                _ => clauses.push(self.clause(inner)),
            }
        }
        let doc = self.doc(whole);
        // White space before a brace that isn't there is no part of the item.
        let span = Span { start: whole.start, end: source::trimmed_end(self.source.text, whole) };
        Policy { span, private: None, kind, doc, name, clauses, broken: self.errors.len() > before }
    }

    fn reserved(&mut self, pair: Pair<'_>) -> Broken {
        let whole = span(&pair);
        let keyword = pair.into_inner().next().map_or(whole, |word| span(&word));
        let keyword = Name { text: self.source.text[keyword.range()].to_owned(), span: keyword };
        self.report(recover::reserved(keyword.span, &format!("`{}`", keyword.text)));
        Broken {
            span: Span { start: whole.start, end: source::trimmed_end(self.source.text, whole) },
            declares: None,
        }
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

impl Declares {
    /// The keyword.
    pub const fn keyword(self) -> &'static str {
        match self {
            Self::Package => "package",
            Self::Fact => "fact",
            Self::Let => "let",
            Self::Rule => "rule",
            Self::Limit => "limit",
            Self::Meter => "meter",
            Self::Template => "template",
            Self::Apply => "apply",
        }
    }
}
