//! Templates and their applications.

use ordain_ir::Span;

use super::{Expr, FactTypeKind, Item, Name, Scope};

/// `template spend-guard(team: project, cap: money USD = 100.00 USD) { … }`
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Template {
    /// The item.
    pub span: Span,
    /// The keyword `private`: other packages can't see it.
    pub private: Option<Span>,
    /// The lines above that begin with `///`, without that.
    pub doc: String,
    /// Its name.
    pub name: Name,
    /// Its parameters, in order.
    pub parameters: Vec<Parameter>,
    /// What it is made of, in order: [`Item::Policy`], [`Item::Apply`] and [`Item::Broken`] only.
    pub items: Vec<Item>,
    /// Whether an error in it has been reported.
    pub broken: bool,
}

/// `cap: money USD = 100.00 USD`
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Parameter {
    /// All of it.
    pub span: Span,
    /// Its name.
    pub name: Name,
    /// What it takes.
    pub ty: ParameterType,
    /// What it is where an application leaves it out.
    pub default: Option<ArgumentValue>,
}

/// What a parameter takes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ParameterType {
    /// Where.
    pub span: Span,
    /// Which.
    pub kind: ParameterTypeKind,
}

/// What a parameter takes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ParameterTypeKind {
    /// A scope of one level: `tenant`, `project`, `agent` or `provider`.
    Level(ordain_ir::Level),
    /// What a fact could hold, or one of the words `scope`, `condition`, `percent`, `zone`, `time` and `instant`.
    Value(FactTypeKind),
}

/// `apply spend-guard(team = acme/support, cap = 400.00 USD) as support-spend`
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Apply {
    /// The item.
    pub span: Span,
    /// The lines above that begin with `///`, without that.
    pub doc: String,
    /// The template.
    pub template: Name,
    /// What its parameters are, in order.
    pub arguments: Vec<Argument>,
    /// The name under which its policies stand; that of the template where there is none.
    pub alias: Option<Name>,
    /// Whether an error in it has been reported.
    pub broken: bool,
}

impl Apply {
    /// The name under which its policies stand.
    pub fn name(&self) -> Name {
        let own = self.template.text.rsplit('.').next().unwrap_or_default().to_owned();
        self.alias.clone().unwrap_or(Name { text: own, span: self.template.span })
    }
}

/// `cap = 400.00 USD`
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Argument {
    /// All of it.
    pub span: Span,
    /// The parameter.
    pub name: Name,
    /// Its value.
    pub value: ArgumentValue,
}

/// What a parameter is. The form is what can be told without its type: a lone name is an [`Expr`], a zone with
/// a slash reads as a [`Scope`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ArgumentValue {
    /// A value, a condition or a name.
    Expr(Expr),
    /// `acme/support`, `tenant acme`, `global`, also with `except`.
    Scope(Scope),
    /// `{ "delete", "drop" }`
    Set(Vec<Expr>),
    /// `09:00`
    Time(Name),
    /// `2026-01-01` or `2026-01-01T08:00:00Z`
    Moment(Name),
}
