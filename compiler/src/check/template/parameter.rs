//! Parameters: what they take.

use ordain_grammar::ast::{self, FactTypeKind, ParameterTypeKind};
use ordain_grammar::suggest::nearest;
use ordain_ir::{Diagnostic, Level, Type, codes};

use super::super::fact;

/// What a parameter takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Takes {
    /// A scope of this level.
    Level(Level),
    /// Any scope.
    Scope,
    /// A condition.
    Condition,
    /// A percentage.
    Percent,
    /// A time zone.
    Zone,
    /// A time of day.
    Time,
    /// A date or an instant.
    Instant,
    /// What a fact of this type could hold.
    Value(Type),
}

/// The words for types that only parameters have.
const WORDS: [(&str, Takes); 6] = [
    ("scope", Takes::Scope),
    ("condition", Takes::Condition),
    ("percent", Takes::Percent),
    ("zone", Takes::Zone),
    ("time", Takes::Time),
    ("instant", Takes::Instant),
];

/// All words for types, for suggestions.
const KNOWN: [&str; 17] = [
    "tenant",
    "project",
    "agent",
    "provider",
    "scope",
    "condition",
    "percent",
    "zone",
    "time",
    "instant",
    "bool",
    "int",
    "decimal",
    "money",
    "duration",
    "string",
    "enum",
];

impl Takes {
    /// What a parameter takes, telling `report` of every mistake. Who reports knows the file.
    pub(super) fn of(ty: &ast::ParameterType, report: &mut dyn FnMut(Diagnostic)) -> Option<Self> {
        let kind = match &ty.kind {
            ParameterTypeKind::Level(level) => return Some(Self::Level(*level)),
            ParameterTypeKind::Value(kind) => kind,
        };
        if let FactTypeKind::Word(word) = kind {
            if word.is_empty() {
                return None;
            }
            if let Some((_, takes)) = WORDS.into_iter().find(|(known, _)| known == word) {
                return Some(takes);
            }
            if !KNOWN.contains(&word.as_str()) {
                let message = format!("`{word}` is no type of a parameter");
                let problem = Diagnostic::error(codes::UNKNOWN_WORD, "", ty.span, message);
                report(match nearest(word, KNOWN) {
                    Some(near) => {
                        problem.help(format!("did you mean `{near}`?")).fix(format!("write `{near}`"), near)
                    }
                    None => problem.help(
                        "parameters take what facts hold (`int`, `money USD`, `string` …), or `tenant`, \
                         `project`, `agent`, `provider`, `scope`, `condition`, `percent`, `zone`, `time` or \
                         `instant`",
                    ),
                });
                return None;
            }
        }
        fact::lower_type(&ast::FactType { span: ty.span, kind: kind.clone() }, report).map(Self::Value)
    }

    /// What it looks like in an application.
    pub(super) fn example(&self) -> String {
        match self {
            Self::Level(Level::Project) => "acme/support".to_owned(),
            Self::Level(Level::Agent) => "acme/support/mailer".to_owned(),
            Self::Level(Level::Provider) => "openai".to_owned(),
            Self::Level(_) => "acme".to_owned(),
            Self::Scope => "tenant acme".to_owned(),
            Self::Condition => "run.risk > 0.5".to_owned(),
            Self::Percent => "80%".to_owned(),
            Self::Zone => "Europe/Berlin".to_owned(),
            Self::Time => "09:00".to_owned(),
            Self::Instant => "2026-01-01".to_owned(),
            Self::Value(ty) => example(ty),
        }
    }
}

fn example(ty: &Type) -> String {
    match ty {
        Type::Bool => "true".to_owned(),
        Type::Int => "5".to_owned(),
        Type::Decimal { .. } => "0.5".to_owned(),
        Type::Money { currency } => format!("5.00 {currency}"),
        Type::Duration => "30s".to_owned(),
        Type::String => "\"text\"".to_owned(),
        Type::Enum { variants } => variants.first().cloned().unwrap_or_default(),
        Type::Set { of } => format!("{{ {} }}", example(of)),
    }
}
