//! Templates, their parameters and their applications.

use ordain_ir::{Span, codes};

use super::item::nameless;
use super::scope::level_of;
use super::{Builder, inner};
use crate::ast::{
    Apply, Argument, ArgumentValue, Broken, FactTypeKind, Item, Parameter, ParameterType, ParameterTypeKind,
    Template,
};
use crate::parser::{Pair, Rule, span};
use crate::{SyntaxError, recover};

impl Builder<'_> {
    /// A template. What turns out to stand behind it, since its brace is missing, goes to `after`.
    pub(super) fn template(&mut self, pair: Pair<'_>, after: &mut Vec<Item>) -> Template {
        let before = self.errors.len();
        let mut whole = self.whole(&pair);
        let (mut keyword, mut private, mut name) = (whole, None, nameless(whole));
        let (mut parameters, mut items): (_, Vec<Item>) = (vec![], vec![]);
        let mut headless = false;
        for part in inner(pair) {
            let place = span(&part);
            match part.as_rule() {
                Rule::private_t => private = Some(place),
                Rule::template_t => keyword = place,
                Rule::name_t => name = self.name(&part),
                Rule::missing_name => {
                    name.span = keyword;
                    self.report(recover::missing_name(&self.source, keyword));
                }
                Rule::parameters => parameters = self.parameters(part),
                Rule::bad_parameters if self.errors.len() == before => {
                    let place = self.whole(&part);
                    self.report_within(place, recover::bad_parameters(&self.source, place, name.span));
                }
                Rule::bad_header => self.bad_header(&part, before),
                Rule::missing_open_template => {
                    let last = self.source.before(place.start).map_or(name.span, |token| token.span);
                    headless = true;
                    self.missing_open(last, before);
                }
                Rule::missing_close if headless => {}
                Rule::missing_close => {
                    *after = self.split_off_outermost(&mut items);
                    let end = after.first().map_or(place.start, |item| item.span().start);
                    whole = self.until(whole, end);
                    self.report_unclosed("template", &name.text, whole, end);
                }
                Rule::policy => items.push(Item::Policy(self.policy(part))),
                Rule::apply => items.push(Item::Apply(self.apply(part))),
                Rule::bad_member => {
                    let broken = self.bad_member(&part, &items, self.errors.len() > before);
                    items.push(Item::Broken(broken));
                }
                _ => {}
            }
        }
        let broken = self.errors.len() > before;
        Template { span: whole, private, doc: self.doc(whole), name, parameters, items, broken }
    }

    /// Where the brace of a template is missing, the rules behind it read as its members. Those at the very
    /// beginning of a line are taken out again.
    fn split_off_outermost(&self, items: &mut Vec<Item>) -> Vec<Item> {
        let inside = items.iter().position(|item| self.outermost(item.span()));
        items.split_off(inside.unwrap_or(items.len()))
    }

    /// A stretch cut off at `end`, without what is blank there.
    pub(super) fn until(&self, whole: Span, end: u32) -> Span {
        crate::source::trimmed(self.source.text, Span { start: whole.start, end: end.min(whole.end) })
    }

    /// What could not be read in a template, between `before`.
    fn bad_member(&mut self, pair: &Pair<'_>, before: &[Item], broken: bool) -> Broken {
        let whole = self.whole(pair);
        let same_line = before.last().is_some_and(|it| self.source.same_line(it.span(), whole));
        let declares = recover::declares(&self.source, whole);
        if broken && same_line && declares.is_none() {
            self.pass(whole);
        } else {
            self.report_within(whole, recover::bad_member(&self.source, whole));
        }
        Broken { span: whole, declares }
    }

    fn parameters(&mut self, pair: Pair<'_>) -> Vec<Parameter> {
        let before = self.errors.len();
        let mut parameters = vec![];
        for part in inner(pair) {
            match part.as_rule() {
                Rule::parameter => parameters.push(self.parameter(part)),
                Rule::bad_parameter => {
                    let place = self.whole(&part);
                    let error = recover::bad_part(&self.source, place, Rule::only_parameter);
                    self.report_within(place, error);
                }
                _ => self.missing_close_paren(&part, before),
            }
        }
        parameters
    }

    fn missing_close_paren(&mut self, pair: &Pair<'_>, before: usize) {
        if self.errors.len() == before {
            let last = self.source.before(span(pair).start).map_or(span(pair), |token| token.span);
            self.report(SyntaxError::new(codes::UNCLOSED, last, "expected `)` after this"));
        }
    }

    fn parameter(&mut self, pair: Pair<'_>) -> Parameter {
        let whole = self.whole(&pair);
        let unknown = ParameterTypeKind::Value(FactTypeKind::Word(String::new()));
        let mut ty = ParameterType { span: whole, kind: unknown };
        let (mut name, mut default) = (nameless(whole), None);
        for part in inner(pair) {
            match part.as_rule() {
                Rule::plain_t => name = self.name(&part),
                Rule::parameter_type => {
                    ty.span = self.whole(&part);
                    if let Some(part) = inner(part).next() {
                        ty.kind = self.parameter_type(part);
                    }
                }
                _ => default = self.argument_value(part),
            }
        }
        Parameter { span: whole, name, ty, default }
    }

    fn parameter_type(&mut self, pair: Pair<'_>) -> ParameterTypeKind {
        if pair.as_rule() == Rule::fact_type {
            return ParameterTypeKind::Value(self.fact_type(pair).kind);
        }
        let word = pair.as_str();
        level_of(word).map_or_else(
            || ParameterTypeKind::Value(FactTypeKind::Word(word.to_owned())),
            ParameterTypeKind::Level,
        )
    }

    pub(super) fn apply(&mut self, pair: Pair<'_>) -> Apply {
        let before = self.errors.len();
        let whole = self.whole(&pair);
        let (mut template, mut arguments, mut alias) = (nameless(whole), vec![], None);
        for part in inner(pair) {
            match part.as_rule() {
                Rule::name_t => template = self.name(&part),
                Rule::arguments => arguments = self.arguments(part),
                Rule::apply_alias => alias = inner(part).next().map(|name| self.name(&name)),
                _ => {}
            }
        }
        let broken = self.errors.len() > before;
        Apply { span: whole, doc: self.doc(whole), template, arguments, alias, broken }
    }

    fn arguments(&mut self, pair: Pair<'_>) -> Vec<Argument> {
        let before = self.errors.len();
        let mut arguments = vec![];
        for part in inner(pair) {
            match part.as_rule() {
                Rule::argument => arguments.extend(self.argument(part)),
                Rule::bad_argument => {
                    let place = self.whole(&part);
                    let error = recover::bad_part(&self.source, place, Rule::only_argument);
                    self.report_within(place, error);
                }
                _ => self.missing_close_paren(&part, before),
            }
        }
        arguments
    }

    fn argument(&mut self, pair: Pair<'_>) -> Option<Argument> {
        let whole = self.whole(&pair);
        let mut parts = inner(pair);
        let name = self.name(&parts.next()?);
        Some(Argument { span: whole, name, value: self.argument_value(parts.next()?)? })
    }

    fn argument_value(&mut self, pair: Pair<'_>) -> Option<ArgumentValue> {
        let value = inner(pair).next()?;
        Some(match value.as_rule() {
            Rule::list => ArgumentValue::Set(self.list(value)),
            Rule::date_t => ArgumentValue::Moment(self.name(&value)),
            Rule::clock_t => ArgumentValue::Time(self.name(&value)),
            Rule::scope_list_in => ArgumentValue::Scope(self.scope(value)),
            _ => ArgumentValue::Expr(self.condition(value)),
        })
    }
}
