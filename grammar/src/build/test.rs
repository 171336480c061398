//! Tests.

use ordain_ir::{Span, codes};

use super::Builder;
use super::expr::word;
use crate::ast::{
    AssignedValue, Assignment, Expect, Given, Literal, LiteralKind, Name, Test, TestClause, TestClauseKind,
};
use crate::parser::{Pair, Rule, span};
use crate::{SyntaxError, recover, source};

impl Builder<'_> {
    pub(super) fn test(&mut self, pair: Pair<'_>) -> Test {
        let before = self.errors.len();
        let whole = span(&pair);
        let (mut keyword, mut open) = (whole, None);
        let mut name = Literal { span: whole, kind: LiteralKind::Text(String::new()) };
        let mut clauses: Vec<TestClause> = vec![];
        for inner in pair.into_inner() {
            let place = span(&inner);
            match inner.as_rule() {
                Rule::kw_test => keyword = place,
                Rule::string => name = self.text(&inner),
                Rule::missing_text => {
                    name.span = keyword;
                    let error = SyntaxError::new(codes::SYNTAX, keyword, "expected a text after `test`");
                    self.report(error.help("say what is tested: `test \"exports are blocked\" { … }`"));
                }
                Rule::open_brace => open = Some(place),
                Rule::missing_open_test => {
                    let message = "expected `{` after what is tested";
                    self.report(SyntaxError::new(codes::SYNTAX, name.span, message));
                }
                Rule::missing_close => {
                    let label = Name { text: String::new(), span: name.span };
                    self.report(recover::unclosed(&self.source, "the test", &label, open, place));
                }
                Rule::close_brace => {}
                Rule::bad_test_clause => {
                    let clause = self.bad_test_clause(&inner, clauses.last(), self.errors.len() > before);
                    clauses.push(clause);
                }
                _ => clauses.push(self.test_clause(inner)),
            }
        }
        let doc = self.doc(whole);
        let span = Span { start: whole.start, end: source::trimmed_end(self.source.text, whole) };
        Test { span, doc, name, clauses, broken: self.errors.len() > before }
    }

    fn test_clause(&mut self, pair: Pair<'_>) -> TestClause {
        let whole = span(&pair);
        let keyword = pair.clone().into_inner().next().map_or(whole, |word| span(&word));
        let kind = match pair.as_rule() {
            Rule::apply => TestClauseKind::Apply(self.apply(pair)),
            Rule::given_clause => TestClauseKind::Given(self.given(pair)),
            Rule::uses_clause => TestClauseKind::Uses(self.assignments(pair)),
            Rule::used_clause => TestClauseKind::Used(self.assignments(pair)),
            _ => TestClauseKind::Expect(self.expect(pair)),
        };
        TestClause { span: whole, keyword, kind }
    }

    fn given(&mut self, pair: Pair<'_>) -> Given {
        let mut given = Given::default();
        for part in pair.into_inner() {
            let place = span(&part);
            let twice = match part.as_rule() {
                Rule::given_agent => given.agent.replace(self.scope_entry(part)).map(|_| "the agent"),
                Rule::given_provider => {
                    given.provider.replace(self.scope_entry(part)).map(|_| "the provider")
                }
                Rule::given_at => {
                    let moment = part.into_inner().last().map(|moment| self.name(&moment));
                    std::mem::replace(&mut given.at, moment).map(|_| "the instant")
                }
                Rule::assignment => {
                    given.facts.extend(self.assignment(part));
                    None
                }
                _ => None,
            };
            if let Some(what) = twice {
                self.report(SyntaxError::new(
                    codes::DUPLICATE_CLAUSE,
                    place,
                    format!("{what} is given twice"),
                ));
            }
        }
        given
    }

    fn assignments(&mut self, pair: Pair<'_>) -> Vec<Assignment> {
        let parts = pair.into_inner().filter(|part| part.as_rule() == Rule::assignment);
        parts.filter_map(|part| self.assignment(part)).collect()
    }

    fn assignment(&mut self, pair: Pair<'_>) -> Option<Assignment> {
        let whole = span(&pair);
        let name = self.find_name(pair.clone());
        let value = pair.into_inner().last()?;
        let place = span(&value);
        let value = match value.as_rule() {
            Rule::list => AssignedValue::Set(place, self.list(value)),
            Rule::literal => AssignedValue::Expr(self.literal_expr(value)),
            _ => AssignedValue::Expr(word(&value)),
        };
        Some(Assignment { span: whole, name, value })
    }

    fn expect(&mut self, pair: Pair<'_>) -> Expect {
        let mut expect =
            Expect { outcome: Name { text: String::new(), span: span(&pair) }, by: vec![], not_by: vec![] };
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::any_word => expect.outcome = self.name(&part),
                rule @ (Rule::by | Rule::not_by) => {
                    let names = part.into_inner().find(|part| part.as_rule() == Rule::name_list);
                    let names = names.map(|list| self.name_list(list)).unwrap_or_default();
                    if rule == Rule::by { expect.by.extend(names) } else { expect.not_by.extend(names) }
                }
                _ => {}
            }
        }
        expect
    }
}
