//! From pest's pairs to the tree. Every function takes a pair of the rule that its name tells.

mod clause;
mod expr;
mod literal;

use ordain_ir::{PolicyKind, Span, codes};

use crate::ast::{
    Broken, ClauseKind, Declares, Fact, FactType, FactTypeKind, File, Item, Let, LetValue, Name, Package,
    Policy, Range, Reserved, Use,
};
use crate::parser::{Pair, Rule, span};
use crate::{Parse, SyntaxError, recover};

/// Collects the errors that the tree's making brings up.
pub(crate) struct Builder<'a> {
    /// The whole text; pairs may come from a copy of it with other bytes in it.
    source: recover::Source<'a>,
    errors: Vec<SyntaxError>,
}

pub(crate) fn file(text: &str, pair: Pair<'_>) -> Parse {
    let mut builder = Builder { source: recover::Source::new(text), errors: vec![] };
    let mut items: Vec<Item> = vec![];
    for pair in pair.into_inner() {
        let item = match pair.as_rule() {
            Rule::package => Item::Package(builder.package(pair)),
            Rule::use_item => Item::Use(builder.use_item(pair)),
            Rule::fact => Item::Fact(builder.fact(pair)),
            Rule::let_item => Item::Let(builder.let_item(pair)),
            Rule::policy => Item::Policy(builder.policy(pair)),
            Rule::reserved_item => Item::Reserved(builder.reserved(pair)),
            Rule::bad_item => Item::Broken(builder.bad_item(&pair, items.last_mut())),
            _ => continue,
        };
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
        Use { span: whole, path: self.find_name(pair), all }
    }

    fn fact(&mut self, pair: Pair<'_>) -> Fact {
        let whole = span(&pair);
        let mut fact = Fact {
            span: whole,
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
        let kind = inner.map_or(FactTypeKind::Set, |inner| {
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
            .unwrap_or(FactTypeKind::Set)
        });
        if kind == FactTypeKind::Set {
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
        Let { span: whole, doc: self.doc(whole), name, value, broken: self.errors.len() > before }
    }

    fn policy(&mut self, pair: Pair<'_>) -> Policy {
        let before = self.errors.len();
        let whole = span(&pair);
        let (mut kind, mut keyword) = (PolicyKind::Rule, whole);
        let mut name = Name { text: String::new(), span: whole };
        let mut clauses = vec![];
        let mut after_error = false;
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
                    self.report(recover::unclosed_policy(&self.source, kind, &name, open, place))
                }
                Rule::bad_clause => {
                    let clause = self.bad_clause(&inner, kind, after_error);
                    after_error = true;
                    clauses.push(clause);
                }
                _ => {
                    let errors = self.errors.len();
                    clauses.push(self.clause(inner));
                    after_error = self.errors.len() > errors;
                }
            }
        }
        let doc = self.doc(whole);
        // White space before a brace that isn't there is no part of the item.
        let span = Span { start: whole.start, end: recover::trimmed_end(self.source.text, whole) };
        Policy { span, kind, doc, name, clauses, broken: self.errors.len() > before }
    }

    fn reserved(&mut self, pair: Pair<'_>) -> Reserved {
        let whole = span(&pair);
        let keyword = pair.into_inner().next().map_or(whole, |word| span(&word));
        let keyword = Name { text: self.source.text[keyword.range()].to_owned(), span: keyword };
        self.report(recover::reserved(keyword.span, &format!("`{}`", keyword.text)));
        Reserved {
            span: Span { start: whole.start, end: recover::trimmed_end(self.source.text, whole) },
            keyword,
        }
    }

    fn bad_item(&mut self, pair: &Pair<'_>, previous: Option<&mut Item>) -> Broken {
        let whole = span(pair);
        if let Some(Item::Policy(policy)) = previous
            && let Some(error) = recover::closed_too_early(&self.source, whole, policy)
        {
            if !policy.broken {
                self.report(error);
            }
            policy.broken = true;
            policy.clauses.push(crate::ast::Clause { span: whole, keyword: whole, kind: ClauseKind::Broken });
            return Broken { span: whole, declares: None };
        }
        self.report(recover::bad_item(&self.source, whole));
        Broken { span: whole, declares: recover::declares(&self.source, whole) }
    }

    /// The lines straight above `item` that begin with `///`, without that and one blank after it.
    fn doc(&self, item: Span) -> String {
        let above = &self.source.text[..item.range().start];
        // The item's own line up to it must be blank, else the lines above belong to something else.
        let start = above.rfind(['\n', '\r']).map_or(0, |at| at + 1);
        if !above[start..].trim_matches([' ', '\t', '\u{feff}']).is_empty() {
            return String::new();
        }
        let mut lines: Vec<&str> = above[..start]
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
        }
    }
}
