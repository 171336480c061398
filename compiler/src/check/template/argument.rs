//! Arguments: what an application gives for a parameter, read where the application stands.

use std::collections::BTreeSet;

use jiff::tz::TimeZone;
use ordain_grammar::ast::{ArgumentValue, Expr, ExprKind, LiteralKind, Name, Scope, ScopeEntry, Segment};
use ordain_grammar::suggest::nearest;
use ordain_ir::fact::{MONEY_SCALE, format_duration};
use ordain_ir::{
    Condition, Fact, Glob, Level, ScopePattern, ScopeSelector, Span, Type, Value, codes, decimal,
};

use super::super::Checker;
use super::super::condition::{Guards, Truth};
use super::super::literal::Unit;
use super::Binding;
use super::parameter::Takes;
use super::put::Put;
use crate::resolve::Meaning;

/// The value of a parameter.
#[derive(Clone, Debug)]
pub(super) struct Given {
    /// What is put into the template's tree.
    pub(super) put: Option<Put>,
    /// What the parameter's name stands for where it is left in the tree.
    pub(super) binding: Binding,
    /// As it could be written; empty for conditions.
    pub(super) text: String,
}

impl Given {
    fn put(put: Put, what: &str, text: String) -> Self {
        Self { put: Some(put), binding: Binding::Elsewhere(what.to_owned()), text }
    }

    fn bound(binding: Binding, text: String) -> Self {
        Self { put: None, binding, text }
    }

    /// A value of a type.
    fn value(ty: &Type, value: &Value) -> Option<Self> {
        let expr = literal(ty, value)?;
        let text = written(&expr);
        Some(match (ty, value) {
            (Type::Enum { .. }, Value::Text(word)) => {
                Self { put: Some(Put::Word(word.clone())), binding: Binding::Word(word.clone()), text }
            }
            (Type::Set { of }, Value::Set(values)) => Self::list(of, values)?,
            _ => Self {
                put: Some(Put::Value(expr)),
                binding: Binding::Elsewhere(format!("a value of type `{ty}`")),
                text,
            },
        })
    }

    fn list(of: &Type, values: &BTreeSet<Value>) -> Option<Self> {
        let entries: Option<Vec<Expr>> = values
            .iter()
            .map(|value| Some(Expr { span: Span::default(), kind: literal(of, value)? }))
            .collect();
        let entries = entries?;
        let texts: Vec<String> = entries.iter().map(|entry| written(&entry.kind)).collect();
        let text = format!("{{ {} }}", texts.join(", "));
        Some(Self { put: Some(Put::List(entries.clone())), binding: Binding::List(entries), text })
    }

    /// Some value, to check a template before it is applied; `variant` tells which word of an enumeration, `zero`
    /// whether numbers are 0.
    pub(super) fn sample(takes: &Takes, variant: usize, zero: bool) -> Option<Self> {
        let scope = |pattern: ScopePattern| {
            Self::bound(Binding::Scope(ScopeSelector::new(vec![pattern], vec![])), String::new())
        };
        let segment = || Some(Glob::literal("sample"));
        Some(match takes {
            Takes::Level(level) => {
                let mut pattern = ScopePattern::default();
                if *level == Level::Provider {
                    pattern.provider = segment();
                } else {
                    pattern.tenant = segment();
                    pattern.project = segment().filter(|_| *level >= Level::Project);
                    pattern.agent = segment().filter(|_| *level >= Level::Agent);
                }
                scope(pattern)
            }
            Takes::Scope => scope(ScopePattern { tenant: segment(), ..ScopePattern::default() }),
            // Nothing is known of it, so nothing may hang on it.
            Takes::Condition => {
                Self::bound(Binding::Condition(Truth::atom(Condition::Fact("sample".into()))), String::new())
            }
            Takes::Percent => Self::percent(if zero { "0" } else { "50" }),
            Takes::Zone => Self::put(Put::Zone("UTC".to_owned()), "a time zone", "UTC".to_owned()),
            Takes::Time => Self::put(Put::Time("08:00".to_owned()), "a time of day", "08:00".to_owned()),
            Takes::Instant => Self::put(
                Put::Moment("2026-01-01".to_owned()),
                "a date or an instant",
                "2026-01-01".to_owned(),
            ),
            Takes::Value(ty) => return Self::value(ty, &sample(ty, variant, zero)),
        })
    }

    fn percent(text: &str) -> Self {
        let put = Put::Value(ExprKind::Literal(LiteralKind::Percent(text.to_owned())));
        Self::put(put, "a percentage", format!("{text}%"))
    }
}

impl Checker<'_> {
    /// Reads what is given for a parameter; `None` after an error.
    pub(super) fn argument(&mut self, name: &Name, takes: &Takes, value: &ArgumentValue) -> Option<Given> {
        let named = |text: &str, what| Given::put(Put::Zone(text.to_owned()), what, text.to_owned());
        match (takes, value) {
            (Takes::Condition, ArgumentValue::Expr(expr)) => {
                self.prepare_condition(expr);
                let truth = self.truth(expr, &mut Guards::before(expr))?;
                Some(Given::bound(Binding::Condition(truth), String::new()))
            }
            (Takes::Scope | Takes::Level(_), ArgumentValue::Scope(scope)) => {
                self.scope_argument(name, takes, scope)
            }
            (
                Takes::Scope | Takes::Level(_),
                ArgumentValue::Expr(Expr { kind: ExprKind::Name(text), span }),
            ) => {
                let path = vec![Segment { span: *span, text: text.clone(), quoted: false }];
                let entry = ScopeEntry { span: *span, level: None, path };
                self.scope_argument(name, takes, &Scope { span: *span, include: vec![entry], except: vec![] })
            }
            (
                Takes::Scope | Takes::Level(_),
                ArgumentValue::Expr(Expr { kind: ExprKind::Literal(LiteralKind::Text(text)), span }),
            ) => {
                let path = vec![Segment { span: *span, text: text.clone(), quoted: true }];
                let entry = ScopeEntry { span: *span, level: None, path };
                self.scope_argument(name, takes, &Scope { span: *span, include: vec![entry], except: vec![] })
            }
            (Takes::Zone, ArgumentValue::Expr(Expr { kind: ExprKind::Name(text), span })) => {
                let (zone, _) = self.zone(&Name { text: text.clone(), span: *span })?;
                Some(named(&zone, "a time zone"))
            }
            (Takes::Zone, ArgumentValue::Scope(scope)) => {
                let (zone, _) = self.zone(&Name { text: path_text(scope), span: scope.span })?;
                Some(named(&zone, "a time zone"))
            }
            (Takes::Time, ArgumentValue::Time(time)) => {
                self.time(time, true)?;
                Some(Given::put(Put::Time(time.text.clone()), "a time of day", time.text.clone()))
            }
            (Takes::Instant, ArgumentValue::Moment(moment)) => {
                self.moment(moment, &TimeZone::UTC)?;
                let put = Put::Moment(moment.text.clone());
                Some(Given::put(put, "a date or an instant", moment.text.clone()))
            }
            (Takes::Percent, ArgumentValue::Expr(expr)) if is_number(expr) => {
                let value = self.constant(expr, "an argument")?;
                if value.unit != Unit::Percent {
                    return self.unfit(name, takes, expr.span);
                }
                let text = value.unit.written(value.constant, value.scale);
                Some(Given::percent(text.trim_end_matches('%')))
            }
            (Takes::Value(Type::Enum { variants }), ArgumentValue::Expr(expr)) => {
                self.word_argument(name, takes, variants, expr)
            }
            (Takes::Value(Type::Set { of }), ArgumentValue::Set(entries)) => {
                let fact = pretended(name, &Type::Set { of: of.clone() });
                let before = entries.first().map_or(name.span, |entry| entry.span);
                let span = entries.last().map_or(before, |last| before.cover(last.span));
                match self.set_value(&fact, span, entries)? {
                    Value::Set(values) => Given::list(of, &values),
                    _ => None,
                }
            }
            (
                Takes::Value(Type::Set { of }),
                ArgumentValue::Expr(Expr { kind: ExprKind::Name(text), span }),
            ) => {
                let list = Name { text: text.clone(), span: *span };
                self.prepare_condition(&Expr { kind: ExprKind::Name(text.clone()), span: *span });
                let entries = self.list_named(&list, None)?;
                let fact = pretended(name, &Type::Set { of: of.clone() });
                match self.with_list(&list, |this| this.set_value(&fact, *span, &entries))? {
                    Value::Set(values) => Given::list(of, &values),
                    _ => None,
                }
            }
            (Takes::Value(ty), ArgumentValue::Expr(expr)) if ty.scale().is_none() || is_number(expr) => {
                let value = self.value(&pretended(name, ty), expr)?;
                Given::value(ty, &value)
            }
            (_, ArgumentValue::Expr(Expr { kind: ExprKind::Missing, .. })) => None,
            (_, value) => self.unfit(name, takes, span_of(value, name.span)),
        }
    }

    /// An argument that is of another form than its parameter takes.
    fn unfit<T>(&mut self, name: &Name, takes: &Takes, span: Span) -> Option<T> {
        let message = format!("`{}` takes {}", name.text, described(takes));
        let error = self.error(codes::TYPE_MISMATCH, span, message);
        self.report(error.help(format!("write for example `{} = {}`", name.text, takes.example())));
        None
    }

    fn word_argument(
        &mut self,
        name: &Name,
        takes: &Takes,
        variants: &[String],
        expr: &Expr,
    ) -> Option<Given> {
        // Words are no names, so those of outer templates have been put in before.
        let word = match &expr.kind {
            ExprKind::Name(word) => word.clone(),
            ExprKind::Bool(value) => value.to_string(),
            ExprKind::Missing => return None,
            _ => return self.unfit(name, takes, expr.span),
        };
        if variants.contains(&word) {
            return Given::value(&Type::Enum { variants: variants.to_vec() }, &Value::Text(word));
        }
        let message = format!("`{word}` is no word of `{}`", name.text);
        let error = self.error(codes::UNKNOWN_WORD, expr.span, message);
        self.report(match nearest(&word, variants.iter().map(String::as_str)) {
            Some(near) => error.help(format!("did you mean `{near}`?")).fix(format!("write `{near}`"), near),
            None => error.help(format!("its words are {}", super::super::comparison::listed(variants))),
        });
        None
    }

    fn scope_argument(&mut self, name: &Name, takes: &Takes, scope: &Scope) -> Option<Given> {
        let mut scope = scope.clone();
        let Takes::Level(level) = *takes else {
            self.prepare_scope(&scope);
            let selector = self.scope(&scope)?;
            let text = selector.to_string();
            return Some(Given::bound(Binding::Scope(selector), text));
        };
        // The level goes without saying, but where a name stands for a scope.
        let mut above = None;
        for entry in scope.include.iter_mut().chain(&mut scope.except) {
            above = entry.level.or(above);
            if above.is_none() && !self.is_scope_name(entry) {
                let wanted = match level {
                    Level::Global => 0,
                    Level::Tenant | Level::Provider => 1,
                    Level::Project => 2,
                    Level::Agent => 3,
                };
                if entry.path.len() != wanted {
                    return self.unfit(name, takes, entry.span);
                }
                entry.level = Some(level);
            }
        }
        self.prepare_scope(&scope);
        let selector = self.scope(&scope)?;
        if selector.level != level {
            let message = format!("`{}` takes {}, not `{selector}`", name.text, described(takes));
            let error = self.error(codes::BAD_SCOPE, scope.span, message);
            self.report(error.help(format!("write for example `{}`", takes.example())));
            return None;
        }
        let text = selector.to_string();
        Some(Given::bound(Binding::Scope(selector), text))
    }

    /// Whether an entry of a scope is a name that is declared.
    fn is_scope_name(&self, entry: &ScopeEntry) -> bool {
        let [Segment { text, quoted: false, .. }] = entry.path.as_slice() else { return false };
        self.is_parameter(text) || matches!(self.view.value(text), Ok(Meaning::Let(..)))
    }
}

/// What a parameter takes, with an article.
fn described(takes: &Takes) -> String {
    match takes {
        Takes::Level(level) => format!("a {}", level.as_str().to_lowercase()).replace("a agent", "an agent"),
        Takes::Scope => "a scope".to_owned(),
        Takes::Condition => "a condition".to_owned(),
        Takes::Percent => "a percentage".to_owned(),
        Takes::Zone => "a time zone".to_owned(),
        Takes::Time => "a time of day".to_owned(),
        Takes::Instant => "a date or an instant".to_owned(),
        Takes::Value(ty) => format!("a value of type `{ty}`"),
    }
}

/// A fact that has the type of a parameter, whose values are read alike.
fn pretended(name: &Name, ty: &Type) -> Fact {
    Fact {
        name: name.text.as_str().into(),
        ty: ty.clone(),
        range: None,
        optional: false,
        opaque: false,
        doc: String::new(),
    }
}

fn is_number(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Name(_) | ExprKind::Negative(_) | ExprKind::Sum(_) | ExprKind::Product(_) => true,
        ExprKind::Literal(literal) => !matches!(literal, LiteralKind::Text(_)),
        _ => false,
    }
}

fn span_of(value: &ArgumentValue, otherwise: Span) -> Span {
    match value {
        ArgumentValue::Expr(expr) => expr.span,
        ArgumentValue::Scope(scope) => scope.span,
        ArgumentValue::Set(entries) => match (entries.first(), entries.last()) {
            (Some(first), Some(last)) => first.span.cover(last.span),
            _ => otherwise,
        },
        ArgumentValue::Time(name) | ArgumentValue::Moment(name) => name.span,
    }
}

/// The text of a path that may be the name of a zone.
fn path_text(scope: &Scope) -> String {
    match (scope.include.as_slice(), scope.except.as_slice()) {
        ([ScopeEntry { level: None, path, .. }], []) => {
            let segments: Vec<&str> = path.iter().map(|segment| segment.text.as_str()).collect();
            segments.join("/")
        }
        _ => String::new(),
    }
}

/// A value as an expression without names; a word as a name.
fn literal(ty: &Type, value: &Value) -> Option<ExprKind> {
    let number = |value: i64| {
        Some(match ty {
            Type::Int => LiteralKind::Number(value.to_string()),
            Type::Decimal { scale } => LiteralKind::Number(decimal::format(value, *scale, 0)),
            Type::Money { currency } => {
                LiteralKind::Money(decimal::format(value, MONEY_SCALE, 2), currency.clone())
            }
            Type::Duration => LiteralKind::Duration(format_duration(value)),
            _ => return None,
        })
    };
    Some(match (ty, value) {
        (_, Value::Bool(value)) => ExprKind::Bool(*value),
        (_, Value::Number(value)) => ExprKind::Literal(number(*value)?),
        (Type::Enum { .. }, Value::Text(word)) => ExprKind::Name(word.clone()),
        (_, Value::Text(text)) => ExprKind::Literal(LiteralKind::Text(text.clone())),
        (_, Value::Set(_)) => ExprKind::Missing,
    })
}

/// An expression without names as it could be written.
fn written(expr: &ExprKind) -> String {
    match expr {
        ExprKind::Bool(value) => value.to_string(),
        ExprKind::Name(word) => word.clone(),
        ExprKind::Literal(LiteralKind::Number(text) | LiteralKind::Duration(text)) => text.clone(),
        ExprKind::Literal(LiteralKind::Money(text, currency)) => format!("{text} {currency}"),
        ExprKind::Literal(LiteralKind::Percent(text)) => format!("{text}%"),
        ExprKind::Literal(LiteralKind::Text(text)) => format!("{text:?}"),
        _ => String::new(),
    }
}

fn sample(ty: &Type, variant: usize, zero: bool) -> Value {
    match ty {
        Type::Int | Type::Decimal { .. } | Type::Money { .. } | Type::Duration if zero => Value::Number(0),
        Type::Bool => Value::Bool(variant.is_multiple_of(2)),
        Type::Enum { variants } => {
            Value::Text(variants.get(variant % variants.len().max(1)).cloned().unwrap_or_default())
        }
        Type::String => Value::Text("sample".to_owned()),
        Type::Set { of } => Value::Set(BTreeSet::from([sample(of, variant, zero)])),
        Type::Int => Value::Number(1),
        Type::Decimal { scale } => Value::Number(10_i64.pow(u32::from(*scale))),
        Type::Money { .. } => Value::Number(10_i64.pow(MONEY_SCALE.into())),
        Type::Duration => Value::Number(1_000),
    }
}
