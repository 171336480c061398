//! Items without a body.

use ordain_ir::{Span, codes};

use super::{Builder, inner};
use crate::SyntaxError;
use crate::ast::{
    Allow, Expr, ExprKind, Fact, FactType, FactTypeKind, Let, LetValue, Meter, Name, Package, Range, Require,
    Use,
};
use crate::parser::{Pair, Rule, span};

impl Builder<'_> {
    pub(super) fn package(&mut self, pair: Pair<'_>) -> Package {
        let whole = self.whole(&pair);
        let name = inner(pair).next().map_or_else(|| nameless(whole), |name| self.name(&name));
        Package { span: whole, name }
    }

    pub(super) fn use_item(&mut self, pair: Pair<'_>) -> Use {
        let whole = self.whole(&pair);
        let mut item = Use { span: whole, path: nameless(whole), all: false, alias: None };
        for part in inner(pair) {
            match part.as_rule() {
                Rule::name_t => item.path = self.name(&part),
                Rule::star => item.all = true,
                Rule::use_alias if item.all => {
                    let error =
                        SyntaxError::new(codes::SYNTAX, self.whole(&part), "`.*` takes no other name");
                    self.report(error.help(format!(
                        "`use {} as p` names the package, so that one can write `p.x`",
                        item.path.text
                    )));
                }
                _ => item.alias = inner(part).next().map(|name| self.name(&name)),
            }
        }
        item
    }

    pub(super) fn fact(&mut self, pair: Pair<'_>) -> Fact {
        let whole = self.whole(&pair);
        let mut fact = Fact {
            span: whole,
            private: None,
            doc: self.doc(whole),
            name: nameless(whole),
            ty: untyped(whole),
            ranges: vec![],
            optional: vec![],
            opaque: vec![],
        };
        for part in inner(pair) {
            match part.as_rule() {
                Rule::private_t => fact.private = Some(span(&part)),
                Rule::name_t => fact.name = self.name(&part),
                Rule::fact_type => fact.ty = self.fact_type(part),
                Rule::optional => fact.optional.push(self.whole(&part)),
                Rule::opaque => fact.opaque.push(self.whole(&part)),
                _ => fact.ranges.extend(self.range(part)),
            }
        }
        fact
    }

    fn range(&mut self, pair: Pair<'_>) -> Option<Range> {
        let start = span(&pair).start;
        let mut parts = inner(pair);
        let (least, greatest) = (self.literal(&mut parts)?, self.literal(&mut parts)?);
        Some(Range { span: Span { start, end: greatest.span.end }, least, greatest })
    }

    pub(super) fn fact_type(&mut self, pair: Pair<'_>) -> FactType {
        let whole = self.whole(&pair);
        let kind = inner(pair).next().and_then(|part| {
            let rule = part.as_rule();
            if rule == Rule::plain_t {
                return Some(FactTypeKind::Word(self.name(&part).text));
            }
            let mut parts = inner(part);
            match rule {
                Rule::decimal_type => parts.next().map(|digits| FactTypeKind::Decimal(self.name(&digits))),
                Rule::money_type => parts.next().map(|currency| FactTypeKind::Money(self.name(&currency))),
                Rule::set_type => {
                    parts.next().map(|element| FactTypeKind::Set(Box::new(self.fact_type(element))))
                }
                _ => Some(FactTypeKind::Enum(parts.map(|word| self.name(&word)).collect())),
            }
        });
        // The grammar gives every type its parts; should it ever not, the type is one that nobody knows.
        FactType { span: whole, kind: kind.unwrap_or(FactTypeKind::Word(String::new())) }
    }

    pub(super) fn meter(&mut self, pair: Pair<'_>) -> Meter {
        let whole = self.whole(&pair);
        let mut meter = Meter {
            span: whole,
            private: None,
            doc: self.doc(whole),
            name: nameless(whole),
            unit: untyped(whole),
        };
        for part in inner(pair) {
            match part.as_rule() {
                Rule::private_t => meter.private = Some(span(&part)),
                Rule::name_t => meter.name = self.name(&part),
                _ => meter.unit = self.fact_type(part),
            }
        }
        meter
    }

    pub(super) fn let_item(&mut self, pair: Pair<'_>) -> Let {
        let before = self.errors.len();
        let whole = self.whole(&pair);
        let (mut private, mut name) = (None, nameless(whole));
        let mut value = LetValue::Condition(Expr { span: whole, kind: ExprKind::Missing });
        for part in inner(pair) {
            match part.as_rule() {
                Rule::private_t => private = Some(span(&part)),
                Rule::name_t => name = self.name(&part),
                Rule::scope_list => value = LetValue::Scope(self.scope(part)),
                Rule::list => value = LetValue::Set(self.list(part)),
                _ => value = LetValue::Condition(self.condition(part)),
            }
        }
        let broken = self.errors.len() > before;
        Let { span: whole, private, doc: self.doc(whole), name, value, broken }
    }

    pub(super) fn require(&mut self, pair: Pair<'_>) -> Require {
        let before = self.errors.len();
        let whole = self.whole(&pair);
        let (mut concern, mut condition, mut scope) = (nameless(whole), None, None);
        for part in inner(pair) {
            match part.as_rule() {
                Rule::plain_t => concern = self.name(&part),
                Rule::scope_list => scope = Some(self.scope(part)),
                _ => condition = Some(self.condition(part)),
            }
        }
        let broken = self.errors.len() > before;
        Require { span: whole, doc: self.doc(whole), concern, condition, scope, broken }
    }

    pub(super) fn allow(&mut self, pair: Pair<'_>) -> Allow {
        let before = self.errors.len();
        let whole = self.whole(&pair);
        let mut what = nameless(whole);
        let (mut policies, mut until, mut because) = (vec![], vec![], vec![]);
        for part in inner(pair) {
            match part.as_rule() {
                Rule::code_t | Rule::word_t => what = self.name(&part),
                Rule::until => until.extend(self.names(part)),
                Rule::because => because.extend(inner(part).next().map(|text| self.text(&text))),
                _ => policies.push(self.name(&part)),
            }
        }
        Allow { span: whole, what, policies, until, because, broken: self.errors.len() > before }
    }
}

/// What stands for a name that the grammar should have given.
pub(super) fn nameless(place: Span) -> Name {
    Name { text: String::new(), span: Span { start: place.end, end: place.end } }
}

fn untyped(place: Span) -> FactType {
    FactType { span: place, kind: FactTypeKind::Word(String::new()) }
}
