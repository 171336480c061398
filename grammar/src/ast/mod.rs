//! The syntax tree: what is written, with a span for every clause and every name, whether or not it means
//! anything. Broken parts stay in it, so that their names still count as declared.

mod expr;
mod item;
mod policy;
mod scope;
mod template;
mod test;

pub use expr::{Expr, ExprKind, Literal, LiteralKind, Name, TextOp};
pub use item::{
    Allow, Broken, Declares, Fact, FactType, FactTypeKind, File, Item, Let, LetValue, Meter, Package, Range,
    Require, Use,
};
pub use policy::{Clause, ClauseKind, Policy, PolicyType, Recurrence, Window};
pub use scope::{Scope, ScopeEntry, Segment};
pub use template::{Apply, Argument, ArgumentValue, Parameter, ParameterType, ParameterTypeKind, Template};
pub use test::{AssignedValue, Assignment, Expect, Given, Test, TestClause, TestClauseKind};
