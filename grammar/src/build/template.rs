//! Templates, their parameters and their applications.

use ordain_ir::{Span, codes};

use super::Builder;
use super::scope::level;
use crate::ast::{
    Apply, Argument, ArgumentValue, FactTypeKind, Item, Name, Parameter, ParameterType, ParameterTypeKind,
    Template,
};
use crate::parser::{Pair, Rule, span};
use crate::{SyntaxError, recover, source};

impl Builder<'_> {
    pub(super) fn template(&mut self, pair: Pair<'_>) -> Template {
        let before = self.errors.len();
        let whole = span(&pair);
        let (mut keyword, mut private, mut open) = (whole, None, None);
        let mut name = Name { text: String::new(), span: whole };
        let (mut parameters, mut items): (_, Vec<Item>) = (vec![], vec![]);
        for inner in pair.into_inner() {
            let place = span(&inner);
            match inner.as_rule() {
                Rule::kw_private => private = Some(place),
                Rule::kw_template => keyword = place,
                Rule::name => name = self.name(&inner),
                Rule::missing_name => {
                    name.span = keyword;
                    let message = "expected a name after `template`";
                    self.report(SyntaxError::new(codes::SYNTAX, keyword, message));
                }
                Rule::parameters => parameters = self.parameters(inner),
                Rule::bad_parameters => {
                    self.report(recover::bad_parameters(&self.source, place, name.span));
                }
                Rule::open_brace => open = Some(place),
                Rule::missing_open_template => {
                    let last = self.source.before(place.start).map_or(name.span, |token| token.span);
                    let message = format!("expected `{{` after the parameters of `{}`", name.text);
                    self.report(SyntaxError::new(codes::SYNTAX, last, message));
                }
                Rule::missing_close => {
                    self.report(recover::unclosed(&self.source, "template", &name, open, place));
                }
                Rule::policy => items.push(Item::Policy(self.policy(inner))),
                Rule::apply => items.push(Item::Apply(self.apply(inner))),
                Rule::bad_member => {
                    let broken = self.bad_member(&inner, &items, self.errors.len() > before);
                    items.push(Item::Broken(broken));
                }
                _ => {}
            }
        }
        let doc = self.doc(whole);
        let span = Span { start: whole.start, end: source::trimmed_end(self.source.text, whole) };
        let broken = self.errors.len() > before;
        Template { span, private, doc, name, parameters, items, broken }
    }

    fn parameters(&mut self, pair: Pair<'_>) -> Vec<Parameter> {
        pair.into_inner()
            .filter(|part| part.as_rule() == Rule::parameter)
            .map(|part| self.parameter(part))
            .collect()
    }

    fn parameter(&mut self, pair: Pair<'_>) -> Parameter {
        let whole = span(&pair);
        let name = self.find_name(pair.clone());
        let unknown = ParameterTypeKind::Value(FactTypeKind::Word(String::new()));
        let mut ty = ParameterType { span: whole, kind: unknown };
        let mut default = None;
        for inner in pair.into_inner() {
            match inner.as_rule() {
                Rule::parameter_type => {
                    ty.span = span(&inner);
                    if let Some(inner) = inner.into_inner().next() {
                        ty.kind = self.parameter_type(inner);
                    }
                }
                Rule::argument_value => default = self.argument_value(inner),
                _ => {}
            }
        }
        Parameter { span: whole, name, ty, default }
    }

    fn parameter_type(&mut self, pair: Pair<'_>) -> ParameterTypeKind {
        match pair.as_rule() {
            Rule::fact_type => ParameterTypeKind::Value(self.fact_type(pair).kind),
            Rule::level => {
                let text = pair.as_str().to_owned();
                let keyword = pair.into_inner().next();
                keyword
                    .and_then(|word| level(&word))
                    .map_or(ParameterTypeKind::Value(FactTypeKind::Word(text)), ParameterTypeKind::Level)
            }
            _ => ParameterTypeKind::Value(FactTypeKind::Word(pair.as_str().to_owned())),
        }
    }

    pub(super) fn apply(&mut self, pair: Pair<'_>) -> Apply {
        let before = self.errors.len();
        let whole = span(&pair);
        let template = self.find_name(pair.clone());
        let (mut arguments, mut alias) = (vec![], None);
        for inner in pair.into_inner() {
            match inner.as_rule() {
                Rule::arguments => {
                    let parts = inner.into_inner().filter(|part| part.as_rule() == Rule::argument);
                    for part in parts {
                        arguments.extend(self.argument(part));
                    }
                }
                Rule::plain_word => alias = Some(self.name(&inner)),
                _ => {}
            }
        }
        let broken = self.errors.len() > before;
        Apply { span: whole, doc: self.doc(whole), template, arguments, alias, broken }
    }

    fn argument(&mut self, pair: Pair<'_>) -> Option<Argument> {
        let whole = span(&pair);
        let name = self.find_name(pair.clone());
        let value = pair.into_inner().find(|part| part.as_rule() == Rule::argument_value)?;
        Some(Argument { span: whole, name, value: self.argument_value(value)? })
    }

    fn argument_value(&mut self, pair: Pair<'_>) -> Option<ArgumentValue> {
        let value = pair.into_inner().next()?;
        Some(match value.as_rule() {
            Rule::list => ArgumentValue::Set(self.list(value)),
            Rule::moment => ArgumentValue::Moment(self.name(&value)),
            Rule::time => ArgumentValue::Time(self.name(&value)),
            Rule::scope_list_in => ArgumentValue::Scope(self.scope(value)),
            _ => ArgumentValue::Expr(self.condition(value)),
        })
    }
}
