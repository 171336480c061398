//! Nothing of the language is left out of the specifications: every code of a mistake in policies, every clause, every
//! operator occurs in `specs/*.md`.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use ordain_grammar::ast::{
    Allow, ArgumentValue, AssignedValue, Clause, ClauseKind, Expr, ExprKind, Fact, FactType, FactTypeKind,
    Item, LetValue, LiteralKind, ParameterTypeKind, Recurrence, Scope, Test, TestClauseKind, TextOp, Window,
};
use ordain_ir::{CompareOp, Level, PolicyKind, codes};
use ordain_tests::spec::{self, Case};

/// Codes of these hundreds are about the text of policies.
const HUNDREDS: [&str; 5] = ["ORD01", "ORD02", "ORD05", "ORD06", "ORD09"];

/// Codes that no text in a specification provokes: why, and the test that does.
const ELSEWHERE: [(&str, &str, &str, &str); 1] = [(
    "ORD0104",
    "what stands in a specification is UTF-8",
    "compiler/tests/loader.rs",
    "what_is_wrong_on_disk_is_told_where",
)];

/// Everything that can be written, by how it is written.
const WORDS: [&str; 110] = [
    // Items.
    "package",
    "use",
    "use as",
    "use *",
    "fact",
    "let condition",
    "let scope",
    "let list",
    "rule",
    "limit",
    "meter",
    "template",
    "apply",
    "apply as",
    "require coverage",
    "require for",
    "require in",
    "allow",
    "allow until",
    "test",
    "private",
    // Clauses.
    "type",
    "type in zone",
    "rolling",
    "enforce",
    "scope",
    "priority",
    "active",
    "when",
    "when rule",
    "at most",
    "at least",
    "warn at",
    "per",
    "depends on",
    "overrides",
    "overrides because",
    "status",
    "source",
    // Scopes.
    "global",
    "tenant",
    "project",
    "agent",
    "provider",
    "except",
    "named scope",
    "pattern",
    "quoted segment",
    // Windows.
    "days",
    "times",
    "week",
    "in zone",
    "from",
    "until",
    // Tests.
    "test apply",
    "given",
    "given agent",
    "given provider",
    "given at",
    "uses",
    "used",
    "expect",
    "by",
    "not by",
    "given set",
    // Types.
    "bool",
    "int",
    "decimal",
    "money",
    "duration",
    "string",
    "enum",
    "set",
    "optional",
    "opaque",
    "range",
    // Parameters and arguments.
    "scope parameter",
    "value parameter",
    "default",
    "scope argument",
    "list argument",
    // Operators.
    "or",
    "and",
    "not",
    "<",
    "<=",
    "==",
    "!=",
    ">=",
    ">",
    "in { }",
    "in list",
    "any",
    "all",
    "like",
    "matches",
    "contains",
    "starts with",
    "ends with",
    "has",
    "+",
    "-",
    "*",
    "sign",
    // Literals.
    "number",
    "amount",
    "length of time",
    "percent",
    "text",
    "true or false",
];

fn cases() -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("specs");
    let paths = fs::read_dir(folder).expect("the specifications").map(|entry| entry.expect("a file").path());
    let markdown = paths.filter(|path| path.extension().is_some_and(|extension| extension == "md"));
    markdown
        .flat_map(|path| spec::parse(&fs::read_to_string(path).expect("readable")).expect("cases"))
        .collect()
}

#[test]
fn every_code_occurs() {
    let expected: BTreeSet<String> = cases().iter().flat_map(Case::codes).collect();
    let mut missing = vec![];
    for (code, title) in
        codes::ALL.iter().filter(|(code, _)| HUNDREDS.iter().any(|it| code.as_str().starts_with(it)))
    {
        let elsewhere = ELSEWHERE.iter().find(|(known, ..)| *known == code.as_str());
        match (expected.contains(code.as_str()), elsewhere) {
            (true, None) => {}
            (true, Some(_)) => missing.push(format!("{code} occurs and needs no exception")),
            (false, None) => missing.push(format!("{code} occurs nowhere: {title}")),
            (false, Some((_, _, file, test))) => {
                let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(file);
                let text = fs::read_to_string(path).unwrap_or_default();
                if !(text.contains(&format!("fn {test}(")) && text.contains(code.as_str())) {
                    missing.push(format!("{code} does not occur in {test} of {file}"));
                }
            }
        }
    }
    assert!(missing.is_empty(), "\n{}", missing.join("\n"));
}

#[test]
fn every_word_occurs() {
    let mut seen = Seen::default();
    for (_, text) in cases().iter().flat_map(|case| &case.files) {
        let parse = ordain_grammar::parse(text);
        parse.file.items.iter().for_each(|item| seen.item(item));
    }
    let wanted: BTreeSet<&str> = WORDS.into_iter().collect();
    assert_eq!(wanted.len(), WORDS.len());
    let missing: Vec<_> = wanted.difference(&seen.0).collect();
    assert!(missing.is_empty(), "these occur in no specification: {missing:?}");
    let unlisted: Vec<_> = seen.0.difference(&wanted).collect();
    assert!(unlisted.is_empty(), "these are not listed: {unlisted:?}");
}

/// What has occurred.
#[derive(Default)]
struct Seen(BTreeSet<&'static str>);

impl Seen {
    fn word(&mut self, word: &'static str) {
        self.0.insert(word);
    }

    fn words<const N: usize>(&mut self, words: [(&'static str, bool); N]) {
        self.0.extend(words.into_iter().filter(|(_, occurs)| *occurs).map(|(word, _)| word));
    }

    fn item(&mut self, item: &Item) {
        match item {
            Item::Package(_) => self.word("package"),
            Item::Use(it) => {
                self.words([("use", !it.all), ("use *", it.all), ("use as", it.alias.is_some())]);
            }
            Item::Fact(it) => self.fact(it),
            Item::Let(it) => {
                self.words([("private", it.private.is_some())]);
                match &it.value {
                    LetValue::Condition(expr) => {
                        self.word("let condition");
                        self.expr(expr);
                    }
                    LetValue::Scope(scope) => {
                        self.word("let scope");
                        self.scope(scope);
                    }
                    LetValue::Set(entries) => {
                        self.word("let list");
                        self.all(entries);
                    }
                }
            }
            Item::Policy(it) => {
                self.word(match it.kind {
                    PolicyKind::Rule => "rule",
                    PolicyKind::Limit => "limit",
                });
                it.clauses.iter().for_each(|clause| self.clause(clause));
            }
            Item::Meter(_) => self.word("meter"),
            Item::Template(it) => {
                self.word("template");
                for parameter in &it.parameters {
                    match &parameter.ty.kind {
                        ParameterTypeKind::Level(_) => self.word("scope parameter"),
                        ParameterTypeKind::Value(_) => self.word("value parameter"),
                    }
                    self.words([("default", parameter.default.is_some())]);
                }
                it.items.iter().for_each(|item| self.item(item));
            }
            Item::Apply(it) => {
                self.words([("apply", true), ("apply as", it.alias.is_some())]);
                for argument in &it.arguments {
                    match &argument.value {
                        ArgumentValue::Expr(expr) => self.expr(expr),
                        ArgumentValue::Scope(scope) => {
                            self.word("scope argument");
                            self.scope(scope);
                        }
                        ArgumentValue::Set(_) => self.word("list argument"),
                        ArgumentValue::Time(_) | ArgumentValue::Moment(_) => {}
                    }
                }
            }
            Item::Require(it) => {
                self.words([
                    ("require coverage", true),
                    ("require for", it.condition.is_some()),
                    ("require in", it.scope.is_some()),
                ]);
            }
            Item::Allow(Allow { until, .. }) => {
                self.words([("allow", true), ("allow until", !until.is_empty())]);
            }
            Item::Test(it) => self.test(it),
            Item::Broken(_) => {}
        }
    }

    fn fact(&mut self, it: &Fact) {
        self.words([
            ("fact", true),
            ("private", it.private.is_some()),
            ("optional", !it.optional.is_empty()),
            ("opaque", !it.opaque.is_empty()),
            ("range", !it.ranges.is_empty()),
        ]);
        self.fact_type(&it.ty);
    }

    fn fact_type(&mut self, ty: &FactType) {
        match &ty.kind {
            FactTypeKind::Word(word) => {
                let known = ["bool", "int", "duration", "string"];
                known.into_iter().filter(|known| known == word).for_each(|word| self.word(word));
            }
            FactTypeKind::Decimal(_) => self.word("decimal"),
            FactTypeKind::Money(_) => self.word("money"),
            FactTypeKind::Enum(_) => self.word("enum"),
            FactTypeKind::Set(element) => {
                self.word("set");
                self.fact_type(element);
            }
        }
    }

    fn clause(&mut self, clause: &Clause) {
        match &clause.kind {
            ClauseKind::Type(ty) => {
                self.word("type");
                self.words([("type in zone", !ty.zones.is_empty()), ("rolling", !ty.rolling.is_empty())]);
            }
            ClauseKind::Enforce(_) => self.word("enforce"),
            ClauseKind::Scope(scope) => {
                self.word("scope");
                self.scope(scope);
            }
            ClauseKind::Priority(expr) => {
                self.word("priority");
                self.expr(expr);
            }
            ClauseKind::Active(window) => self.window(window),
            ClauseKind::When(expr) => {
                self.word("when");
                self.expr(expr);
            }
            ClauseKind::WhenRule(_) => self.word("when rule"),
            ClauseKind::Bound(direction, expr) => {
                self.word(match direction {
                    ordain_ir::Direction::AtMost => "at most",
                    ordain_ir::Direction::AtLeast => "at least",
                });
                self.expr(expr);
            }
            ClauseKind::WarnAt(expr) => {
                self.word("warn at");
                self.expr(expr);
            }
            ClauseKind::Per(_) => self.word("per"),
            ClauseKind::DependsOn(_) => self.word("depends on"),
            ClauseKind::Overrides(_, because) => {
                self.words([("overrides", true), ("overrides because", because.is_some())]);
            }
            ClauseKind::Status(_) => self.word("status"),
            ClauseKind::Source(_) => self.word("source"),
            ClauseKind::Broken => {}
        }
    }

    fn scope(&mut self, scope: &Scope) {
        self.words([("except", !scope.except.is_empty())]);
        for entry in scope.include.iter().chain(&scope.except) {
            self.word(match entry.level {
                Some(Level::Global) => "global",
                Some(Level::Tenant) => "tenant",
                Some(Level::Project) => "project",
                Some(Level::Agent) => "agent",
                Some(Level::Provider) => "provider",
                None => "named scope",
            });
            for segment in &entry.path {
                let pattern = !segment.quoted && segment.text.contains('*');
                self.words([("quoted segment", segment.quoted), ("pattern", pattern)]);
            }
        }
    }

    fn window(&mut self, window: &Window) {
        let (days, times, week) = match &window.recurrence {
            Some(Recurrence::Daily { days, times }) => (!days.is_empty(), times.is_some(), false),
            Some(Recurrence::Weekly(_)) => (false, false, true),
            None => (false, false, false),
        };
        self.words([
            ("active", true),
            ("days", days),
            ("times", times),
            ("week", week),
            ("in zone", !window.zones.is_empty()),
            ("from", !window.from.is_empty()),
            ("until", !window.until.is_empty()),
        ]);
    }

    fn test(&mut self, it: &Test) {
        self.word("test");
        for clause in &it.clauses {
            match &clause.kind {
                TestClauseKind::Apply(_) => self.word("test apply"),
                TestClauseKind::Given(it) => {
                    self.words([
                        ("given", true),
                        ("given agent", it.agent.is_some()),
                        ("given provider", it.provider.is_some()),
                        ("given at", it.at.is_some()),
                        ("given set", it.facts.iter().any(|it| matches!(it.value, AssignedValue::Set(..)))),
                    ]);
                }
                TestClauseKind::Uses(_) => self.word("uses"),
                TestClauseKind::Used(_) => self.word("used"),
                TestClauseKind::Expect(it) => {
                    self.words([
                        ("expect", true),
                        ("by", !it.by.is_empty()),
                        ("not by", !it.not_by.is_empty()),
                    ]);
                }
                TestClauseKind::Broken => {}
            }
        }
    }

    fn expr(&mut self, expr: &Expr) {
        match &expr.kind {
            ExprKind::Missing | ExprKind::Name(_) => {}
            ExprKind::Or(parts) => self.parts("or", parts),
            ExprKind::And(parts) => self.parts("and", parts),
            ExprKind::Product(parts) => self.parts("*", parts),
            ExprKind::Sum(parts) => {
                self.words([("+", parts.iter().skip(1).any(|(minus, _)| !minus))]);
                self.words([("-", parts.iter().any(|(minus, _)| *minus))]);
                for (_, part) in parts {
                    self.expr(part);
                }
            }
            ExprKind::Not(inner) => {
                self.word("not");
                self.expr(inner);
            }
            ExprKind::Negative(inner) => {
                self.word("sign");
                self.expr(inner);
            }
            ExprKind::Compare { left, op, right, .. } => {
                self.word(match op {
                    CompareOp::Less => "<",
                    CompareOp::LessEqual => "<=",
                    CompareOp::Equal => "==",
                    CompareOp::NotEqual => "!=",
                    CompareOp::GreaterEqual => ">=",
                    CompareOp::Greater => ">",
                });
                self.expr(left);
                self.expr(right);
            }
            ExprKind::In { left, set } => {
                self.word("in { }");
                self.expr(left);
                self.all(set);
            }
            ExprKind::InNamed { left, .. } => {
                self.word("in list");
                self.expr(left);
            }
            ExprKind::Quantified { all, test, .. } => {
                self.word(if *all { "all" } else { "any" });
                self.expr(test);
            }
            ExprKind::Text { left, op, right, .. } => {
                self.word(match op {
                    TextOp::Like => "like",
                    TextOp::Matches => "matches",
                    TextOp::Contains => "contains",
                    TextOp::StartsWith => "starts with",
                    TextOp::EndsWith => "ends with",
                });
                self.expr(left);
                self.expr(right);
            }
            ExprKind::Has(_) => self.word("has"),
            ExprKind::Literal(literal) => self.word(match literal {
                LiteralKind::Number(_) => "number",
                LiteralKind::Money(..) => "amount",
                LiteralKind::Duration(_) => "length of time",
                LiteralKind::Percent(_) => "percent",
                LiteralKind::Text(_) => "text",
            }),
            ExprKind::Bool(_) => self.word("true or false"),
        }
    }

    fn parts(&mut self, word: &'static str, parts: &[Expr]) {
        self.word(word);
        self.all(parts);
    }

    fn all(&mut self, parts: &[Expr]) {
        for part in parts {
            self.expr(part);
        }
    }
}
