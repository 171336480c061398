//! Clauses of policies and tests: their order, their columns, and policies on one line.

use super::doc::{Doc, flat, width};
use super::item::{call, call_arguments};
use super::lexeme::{Lexeme, write_last};
use super::tree::nodes;
use super::value::{self, Argument, Setting, row};
use crate::ast::{Clause, ClauseKind, TestClause, TestClauseKind};

/// Blanks behind the longest keyword of a block.
const GAP: usize = 2;

/// How the value of a clause is laid out.
#[derive(Clone, Debug)]
pub(super) enum Shape {
    Words,
    Amount,
    Scope,
    Condition,
    Window,
    Names,
    Overrides,
    Assignments,
    Expectation,
    Call(Vec<Argument>),
}

/// What of a clause decides on its layout.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    /// Where it starts.
    start: u32,
    /// Its place among the others; the same for those that may stand in any order.
    pub(super) rank: u8,
    /// How many words its keyword has.
    words: usize,
    shape: Shape,
}

impl From<&Clause> for Plan {
    /// What it is, how much, how hard, for whom, when; then what it has to do with others, and where it is from.
    fn from(clause: &Clause) -> Self {
        let (rank, words, shape) = match &clause.kind {
            ClauseKind::Type(_) => (0, 1, Shape::Words),
            ClauseKind::Bound(..) => (1, 2, Shape::Amount),
            ClauseKind::Enforce(_) => (2, 1, Shape::Words),
            ClauseKind::Scope(_) => (3, 1, Shape::Scope),
            ClauseKind::Per(_) => (4, 1, Shape::Words),
            ClauseKind::WarnAt(_) => (5, 2, Shape::Amount),
            ClauseKind::Priority(_) => (6, 1, Shape::Amount),
            ClauseKind::Active(_) => (7, 1, Shape::Window),
            ClauseKind::When(_) => (8, 1, Shape::Condition),
            ClauseKind::WhenRule(_) => (8, 1, Shape::Words),
            ClauseKind::DependsOn(_) => (9, 2, Shape::Names),
            ClauseKind::Overrides(..) => (10, 1, Shape::Overrides),
            ClauseKind::Status(_) => (11, 1, Shape::Words),
            ClauseKind::Source(_) => (12, 1, Shape::Words),
            ClauseKind::Broken => (13, 1, Shape::Words),
        };
        Self { start: clause.span.start, rank, words, shape }
    }
}

impl From<&TestClause> for Plan {
    /// What there is, what is asked, what it uses, what was used before, and what should come of it.
    fn from(clause: &TestClause) -> Self {
        let (rank, shape) = match &clause.kind {
            TestClauseKind::Apply(apply) => (0, Shape::Call(call_arguments(apply))),
            TestClauseKind::Given(_) => (1, Shape::Assignments),
            TestClauseKind::Uses(_) => (2, Shape::Assignments),
            TestClauseKind::Used(_) => (3, Shape::Assignments),
            TestClauseKind::Expect(_) => (4, Shape::Expectation),
            TestClauseKind::Broken => (5, Shape::Words),
        };
        Self { start: clause.span.start, rank, words: 1, shape }
    }
}

/// A clause with its lexemes.
#[derive(Clone, Debug)]
struct Planned<'t, 'a> {
    plan: Plan,
    lexemes: &'t [Lexeme<'a>],
}

/// The clauses of a block, in the order in which they are written.
#[derive(Clone, Debug)]
pub(super) struct Clauses<'t, 'a>(Vec<Planned<'t, 'a>>);

impl<'t, 'a> Clauses<'t, 'a> {
    /// Gives each clause the lexemes from its start up to the next one's, and orders them.
    pub(super) fn new(plans: Vec<Plan>, lexemes: &'t [Lexeme<'a>]) -> Self {
        let starts: Vec<usize> =
            plans.iter().map(|plan| lexemes.partition_point(|lexeme| lexeme.start < plan.start)).collect();
        let end = |at: usize| starts.get(at + 1).copied().unwrap_or(lexemes.len());
        let planned = |(at, plan)| Planned { plan, lexemes: &lexemes[starts[at]..end(at)] };
        let mut clauses: Vec<_> = plans.into_iter().enumerate().map(planned).collect();
        clauses.sort_by_key(|clause| clause.plan.rank);
        Self(clauses)
    }

    /// One below the other, values in a column; then the comments above the closing brace.
    pub(super) fn write(&self, close: &Lexeme<'a>, out: &mut Vec<Doc<'a>>) {
        let column = self.0.iter().map(Planned::keyword_width).max().unwrap_or(0) + GAP;
        for (at, clause) in self.0.iter().enumerate() {
            out.push(Doc::Hard);
            if at > 0 && clause.lexemes.first().is_some_and(Lexeme::gap) {
                out.push(Doc::Blank);
            }
            clause.write(column, out);
        }
        write_last(&close.above, !self.0.is_empty(), out);
    }

    /// Each on one line with its rank, if that can be.
    pub(super) fn flat(&self) -> Option<Vec<(u8, String)>> {
        let flat_one = |(at, clause): (usize, &Planned<'t, 'a>)| {
            let mut docs = vec![];
            clause.write(0, &mut docs);
            // What must end its line can't have another clause behind it.
            let last = at + 1 == self.0.len();
            let ends =
                !last && matches!(clause.plan.shape, Shape::Condition) && value::ends_fragile(clause.lexemes);
            flat(&docs).filter(|_| !ends).map(|text| (clause.plan.rank, text))
        };
        self.0.iter().enumerate().map(flat_one).collect()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<'a> Planned<'_, 'a> {
    fn split(&self) -> (&[Lexeme<'a>], &[Lexeme<'a>]) {
        self.lexemes.split_at(self.plan.words.min(self.lexemes.len()))
    }

    fn keyword_width(&self) -> usize {
        let words = self.split().0;
        words.iter().map(|word| width(word.text)).sum::<usize>() + words.len().saturating_sub(1)
    }

    fn write(&self, column: usize, out: &mut Vec<Doc<'a>>) {
        let (keyword, value) = self.split();
        row(&nodes(keyword), Setting::Declaration, out);
        out.push(Doc::Column(column));
        let nodes = nodes(value);
        let mut docs = vec![];
        match &self.plan.shape {
            Shape::Words => row(&nodes, Setting::Declaration, &mut docs),
            Shape::Amount => row(&nodes, Setting::Condition, &mut docs),
            Shape::Scope => value::scopes(&nodes, &mut docs),
            Shape::Condition => value::condition(&nodes, &mut docs),
            Shape::Window => value::window(&nodes, &mut docs),
            Shape::Names => value::names(&nodes, &mut docs),
            Shape::Overrides => value::overrides(&nodes, &mut docs),
            Shape::Assignments => value::assignments(&nodes, &mut docs),
            Shape::Expectation => value::expectation(&nodes, &mut docs),
            Shape::Call(arguments) => call(&nodes, arguments, Setting::Declaration, &mut docs),
        }
        out.push(Doc::nest(column, docs));
    }
}
