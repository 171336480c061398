//! Items without a body.

use ordain_ir::{Span, codes};

use super::Builder;
use crate::SyntaxError;
use crate::ast::{
    Allow, Expr, ExprKind, Fact, FactType, FactTypeKind, Let, LetValue, Literal, Meter, Name, Package, Range,
    Require, Use,
};
use crate::parser::{Pair, Rule, span};

impl Builder<'_> {
    pub(super) fn package(&mut self, pair: Pair<'_>) -> Package {
        let whole = span(&pair);
        let name = self.find_name(pair);
        Package { span: whole, name }
    }

    /// The first name in a pair that the grammar gives one.
    pub(super) fn find_name(&self, pair: Pair<'_>) -> Name {
        let fallback = Span { start: span(&pair).end, end: span(&pair).end };
        pair.into_inner()
            .find(|inner| matches!(inner.as_rule(), Rule::name | Rule::plain_word))
            .map_or(Name { text: String::new(), span: fallback }, |inner| self.name(&inner))
    }

    pub(super) fn use_item(&mut self, pair: Pair<'_>) -> Use {
        let whole = span(&pair);
        let mut item = Use { span: whole, path: self.find_name(pair.clone()), all: false, alias: None };
        for inner in pair.into_inner() {
            match inner.as_rule() {
                Rule::star => item.all = true,
                Rule::use_alias if item.all => {
                    let error = SyntaxError::new(codes::SYNTAX, span(&inner), "`.*` takes no other name")
                        .help(format!(
                            "`use {} as p` names the package, so that one can write `p.x`",
                            item.path.text
                        ));
                    self.report(error);
                }
                Rule::use_alias => item.alias = Some(self.find_name(inner)),
                _ => {}
            }
        }
        item
    }

    pub(super) fn fact(&mut self, pair: Pair<'_>) -> Fact {
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
                Rule::kw_private => fact.private = Some(span(&inner)),
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

    pub(super) fn fact_type(&mut self, pair: Pair<'_>) -> FactType {
        let whole = span(&pair);
        let kind = pair.into_inner().next().and_then(|inner| {
            let rule = inner.as_rule();
            let word = FactTypeKind::Word(inner.as_str().to_owned());
            let mut parts = inner.into_inner().filter(|part| {
                matches!(part.as_rule(), Rule::number | Rule::currency | Rule::any_word | Rule::fact_type)
            });
            match rule {
                Rule::decimal_type => parts.next().map(|digits| FactTypeKind::Decimal(self.name(&digits))),
                Rule::money_type => parts.next().map(|currency| FactTypeKind::Money(self.name(&currency))),
                Rule::enum_type => Some(FactTypeKind::Enum(parts.map(|word| self.name(&word)).collect())),
                Rule::set_type => {
                    parts.next().map(|element| FactTypeKind::Set(Box::new(self.fact_type(element))))
                }
                _ => Some(word),
            }
        });
        // The grammar gives every type its parts; should it ever not, the type is one that nobody knows.
        FactType { span: whole, kind: kind.unwrap_or(FactTypeKind::Word(String::new())) }
    }

    pub(super) fn meter(&mut self, pair: Pair<'_>) -> Meter {
        let whole = span(&pair);
        let mut meter = Meter {
            span: whole,
            private: None,
            doc: self.doc(whole),
            name: self.find_name(pair.clone()),
            unit: FactType { span: whole, kind: FactTypeKind::Word(String::new()) },
        };
        for inner in pair.into_inner() {
            match inner.as_rule() {
                Rule::kw_private => meter.private = Some(span(&inner)),
                Rule::fact_type => meter.unit = self.fact_type(inner),
                _ => {}
            }
        }
        meter
    }

    pub(super) fn let_item(&mut self, pair: Pair<'_>) -> Let {
        let before = self.errors.len();
        let whole = span(&pair);
        let name = self.find_name(pair.clone());
        let (mut private, mut value) = (None, None);
        for inner in pair.into_inner() {
            match inner.as_rule() {
                Rule::kw_private => private = Some(span(&inner)),
                Rule::scope_list => value = Some(LetValue::Scope(self.scope(inner))),
                Rule::list => value = Some(LetValue::Set(self.list(inner))),
                Rule::condition => value = Some(LetValue::Condition(self.condition(inner))),
                _ => {}
            }
        }
        let value =
            value.unwrap_or_else(|| LetValue::Condition(Expr { span: whole, kind: ExprKind::Missing }));
        let broken = self.errors.len() > before;
        Let { span: whole, private, doc: self.doc(whole), name, value, broken }
    }

    pub(super) fn require(&mut self, pair: Pair<'_>) -> Require {
        let before = self.errors.len();
        let whole = span(&pair);
        let (mut condition, mut scope) = (None, None);
        let concern = self.find_name(pair.clone());
        for inner in pair.into_inner() {
            match inner.as_rule() {
                Rule::condition => condition = Some(self.condition(inner)),
                Rule::scope_list => scope = Some(self.scope(inner)),
                _ => {}
            }
        }
        let broken = self.errors.len() > before;
        Require { span: whole, doc: self.doc(whole), concern, condition, scope, broken }
    }

    pub(super) fn allow(&mut self, pair: Pair<'_>) -> Allow {
        let before = self.errors.len();
        let whole = span(&pair);
        let mut what = Name { text: String::new(), span: whole };
        let (mut policies, mut until, mut because) = (vec![], vec![], vec![]);
        for inner in pair.into_inner() {
            match inner.as_rule() {
                Rule::code | Rule::any_word => what = self.name(&inner),
                Rule::name => policies.push(self.name(&inner)),
                Rule::until => until.extend(inner.into_inner().last().map(|moment| self.name(&moment))),
                Rule::because => because.extend(inner.into_inner().last().map(|text| self.text(&text))),
                _ => {}
            }
        }
        Allow { span: whole, what, policies, until, because, broken: self.errors.len() > before }
    }

    /// A text as a literal.
    pub(super) fn text(&mut self, pair: &Pair<'_>) -> Literal {
        Literal { span: span(pair), kind: self.quantity(pair) }
    }
}
