//! Tests.

use ordain_ir::codes;

use super::expr::word;
use super::item::nameless;
use super::{Builder, inner};
use crate::ast::{
    AssignedValue, Assignment, Expect, Expr, ExprKind, Given, Item, Literal, LiteralKind, Test, TestClause,
    TestClauseKind,
};
use crate::parser::{Pair, Rule, span};
use crate::{SyntaxError, recover};

impl Builder<'_> {
    /// A test. What turns out to stand behind it, since its brace is missing, goes to `after`.
    pub(super) fn test(&mut self, pair: Pair<'_>, after: &mut Vec<Item>) -> Test {
        let before = self.errors.len();
        let mut whole = self.whole(&pair);
        let (mut keyword, mut headless) = (whole, false);
        let mut name = Literal { span: whole, kind: LiteralKind::Text(String::new()) };
        let mut clauses: Vec<TestClause> = vec![];
        for part in inner(pair) {
            let place = span(&part);
            match part.as_rule() {
                Rule::test_t => keyword = place,
                Rule::string_t => name = self.text(&part),
                Rule::missing_text => {
                    name.span = keyword;
                    let error = SyntaxError::new(codes::SYNTAX, keyword, "expected a text after `test`");
                    self.report(error.help("say what is tested: `test \"exports are blocked\" { … }`"));
                }
                Rule::bad_header => self.bad_header(&part, before),
                Rule::missing_open_test => {
                    headless = true;
                    self.missing_open(name.span, before);
                }
                Rule::missing_close if headless => {}
                Rule::missing_close => {
                    *after = self.applications_behind(&mut clauses);
                    let end = after.first().map_or(place.start, |item| item.span().start);
                    whole = self.until(whole, end);
                    self.report_unclosed("the test", "", whole, end);
                }
                Rule::bad_test_clause => {
                    let clause = self.bad_test_clause(&part, clauses.last(), self.errors.len() > before);
                    clauses.push(clause);
                }
                _ => clauses.push(self.test_clause(part)),
            }
        }
        let broken = self.errors.len() > before;
        Test { span: whole, doc: self.doc(whole), name, clauses, broken }
    }

    /// Where the brace of a test is missing, applications behind it read as its clauses. Those at the very
    /// beginning of a line are taken out again.
    fn applications_behind(&self, clauses: &mut Vec<TestClause>) -> Vec<Item> {
        let behind = |clause: &TestClause| {
            matches!(clause.kind, TestClauseKind::Apply(_)) && self.outermost(clause.span)
        };
        let inside = clauses.iter().position(behind).unwrap_or(clauses.len());
        let apply = |clause: TestClause| match clause.kind {
            TestClauseKind::Apply(apply) => Some(Item::Apply(apply)),
            _ => None,
        };
        clauses.split_off(inside).into_iter().filter_map(apply).collect()
    }

    /// What could not be read in a test.
    fn bad_test_clause(
        &mut self,
        pair: &Pair<'_>,
        previous: Option<&TestClause>,
        broken: bool,
    ) -> TestClause {
        let whole = self.whole(pair);
        let same_line = previous.is_some_and(|it| self.source.same_line(it.span, whole));
        if broken && same_line {
            self.pass(whole);
        } else {
            self.report_within(whole, recover::bad_test_clause(&self.source, whole));
        }
        TestClause { span: whole, keyword: self.keyword(whole), kind: TestClauseKind::Broken }
    }

    fn test_clause(&mut self, pair: Pair<'_>) -> TestClause {
        let whole = self.whole(&pair);
        let kind = match pair.as_rule() {
            Rule::apply => TestClauseKind::Apply(self.apply(pair)),
            Rule::given_clause => TestClauseKind::Given(self.given(pair)),
            Rule::uses_clause => TestClauseKind::Uses(self.assignments(pair)),
            Rule::used_clause => TestClauseKind::Used(self.assignments(pair)),
            _ => TestClauseKind::Expect(self.expect(pair)),
        };
        TestClause { span: whole, keyword: self.keyword(whole), kind }
    }

    fn given(&mut self, pair: Pair<'_>) -> Given {
        let mut given = Given::default();
        for part in inner(pair) {
            let place = self.whole(&part);
            let twice = match part.as_rule() {
                Rule::given_agent => given.agent.replace(self.scope_entry(part)).map(|_| "the agent"),
                Rule::given_provider => {
                    given.provider.replace(self.scope_entry(part)).map(|_| "the provider")
                }
                Rule::given_at => {
                    let moment = inner(part).next().map(|moment| self.name(&moment));
                    std::mem::replace(&mut given.at, moment).map(|_| "the instant")
                }
                _ => {
                    given.facts.extend(self.assignment(part));
                    None
                }
            };
            if let Some(what) = twice {
                let error =
                    SyntaxError::new(codes::DUPLICATE_CLAUSE, place, format!("{what} is given twice"));
                self.report(error);
            }
        }
        given
    }

    fn assignments(&mut self, pair: Pair<'_>) -> Vec<Assignment> {
        inner(pair).filter_map(|part| self.assignment(part)).collect()
    }

    fn assignment(&mut self, pair: Pair<'_>) -> Option<Assignment> {
        let whole = self.whole(&pair);
        let mut parts = inner(pair);
        let name = self.name(&parts.next()?);
        let value = match parts.peek()?.as_rule() {
            Rule::list => {
                let list = parts.next()?;
                AssignedValue::Set(self.whole(&list), self.list(list))
            }
            Rule::missing_set_of => {
                let error = SyntaxError::new(codes::SYNTAX, name.span, "expected `{` after `=`");
                self.report(error.help("list the elements of a set in braces: `{ pii, phi }`"));
                parts.next();
                AssignedValue::Set(whole, self.entries(parts))
            }
            Rule::word_t => AssignedValue::Expr(word(self.name(&parts.next()?))),
            _ => {
                let literal = self.literal(&mut parts)?;
                AssignedValue::Expr(Expr { span: literal.span, kind: ExprKind::Literal(literal.kind) })
            }
        };
        Some(Assignment { span: whole, name, value })
    }

    fn expect(&mut self, pair: Pair<'_>) -> Expect {
        let mut expect = Expect { outcome: nameless(span(&pair)), by: vec![], not_by: vec![] };
        for part in inner(pair) {
            match part.as_rule() {
                Rule::by => expect.by.extend(self.names(part)),
                Rule::not_by => {
                    for by in inner(part) {
                        expect.not_by.extend(self.names(by));
                    }
                }
                _ => expect.outcome = self.name(&part),
            }
        }
        expect
    }
}
