//! Cedar: from text to policies compiled for a solver, which its analysis compares through cvc5.

use std::fmt::Write as _;
use std::str::FromStr as _;

use cedar_policy::{PolicyId, PolicySet, Schema};
use cedar_policy_symcc::err::Error;
use cedar_policy_symcc::{CedarSymCompiler, CompiledPolicy, ResetMode};
use tokio::runtime::{Builder, Runtime};

use super::Verdict;
use super::cvc5::Cvc5;
use super::rule::{Fact, Has, Rule, Test};

/// The schema: one kind of request, whose context has just the facts that the rules read.
pub fn schema(facts: &[Fact], rules: &[Rule]) -> String {
    let mut out = "entity Class enum [\"public\", \"internal\", \"pii\", \"phi\"];\n".to_owned();
    if rules.iter().any(|rule| rule.path.is_some()) {
        out.push_str("entity Agent { tenant: String, project: String, name: String };\n");
    } else {
        out.push_str("entity Agent;\n");
    }
    let mut context: Vec<String> =
        facts.iter().map(|fact| format!("{}: {}", fact.name, fact.cedar)).collect();
    if rules.iter().any(|rule| rule.hours.is_some() || rule.days.is_some()) {
        context.push("now: datetime".to_owned());
    }
    let _ = writeln!(
        out,
        "entity Thing;\naction run appliesTo {{ principal: [Agent], resource: [Thing], context: {{ {} }} }};",
        context.join(", ")
    );
    out
}

/// The rules as `forbid` policies.
pub fn text(rules: &[Rule]) -> String {
    let mut out = String::new();
    for rule in rules {
        let mut parts = vec![];
        for (name, pattern) in ["tenant", "project", "name"].into_iter().zip(rule.path.iter().flatten()) {
            if pattern != "*" {
                parts.push(fits(&format!("principal.{name}"), pattern));
            }
        }
        if let Some((from, until)) = rule.hours {
            let time = |op, minutes| format!("context.now.toTime() {op} duration(\"{minutes}m\")");
            let between = if from < until { "&&" } else { "||" };
            parts.push(format!("({} {between} {})", time(">=", from), time("<", until)));
        }
        if let Some((from, until)) = &rule.days {
            let day = |op, day| format!("context.now {op} datetime(\"{day}\")");
            parts.extend([day(">=", from), day("<", until)]);
        }
        // Numbers have no range of their own.
        let mut bounded: Vec<(&str, i64, i64)> = vec![];
        for test in rule.groups.iter().flatten() {
            if let Test::Number { terms, .. } = test {
                let ranges =
                    terms.iter().filter_map(|(_, it)| it.range.map(|range| (it.name, range.0, range.1)));
                bounded.extend(ranges);
            }
        }
        bounded.sort_unstable();
        bounded.dedup();
        for (name, least, most) in bounded {
            parts.push(format!("context.{name} >= {least} && context.{name} <= {most}"));
        }
        for group in &rule.groups {
            let tests: Vec<String> = group.iter().map(test).collect();
            parts.push(format!("({})", tests.join(" || ")));
        }
        if parts.is_empty() {
            parts.push("true".to_owned());
        }
        let _ = writeln!(out, "forbid(principal, action, resource) when {{ {} }};", parts.join(" && "));
    }
    out
}

fn fits(text: &str, pattern: &str) -> String {
    let op = if pattern.contains('*') { "like" } else { "==" };
    format!("{text} {op} \"{pattern}\"")
}

fn test(test: &Test) -> String {
    let (holds, said) = match test {
        Test::Number { terms, op, bound } => {
            let terms: Vec<String> = terms
                .iter()
                .map(|(factor, fact)| match factor {
                    1 => format!("context.{}", fact.name),
                    _ => format!("context.{} * {factor}", fact.name),
                })
                .collect();
            (true, format!("{} {op} {bound}", terms.join(" + ")))
        }
        Test::Flag { fact, holds } => (*holds, format!("context.{}", fact.name)),
        Test::Word { fact, words, holds } => {
            let words: Vec<String> = words.iter().map(|word| format!("Class::\"{word}\"")).collect();
            (*holds, format!("[{}].contains(context.{})", words.join(", "), fact.name))
        }
        Test::Text { fact, pattern, holds } => (*holds, fits(&format!("context.{}", fact.name), pattern)),
        Test::Set { fact, has, words, holds } => {
            let list = format!("[\"{}\"]", words.join("\", \""));
            let said = match has {
                Has::Any => format!("context.{}.containsAny({list})", fact.name),
                Has::All => format!("context.{}.containsAll({list})", fact.name),
                Has::Only => format!("{list}.containsAll(context.{})", fact.name),
            };
            (*holds, said)
        }
    };
    if holds { format!("({said})") } else { format!("!({said})") }
}

/// Policies that are ready to be compared.
pub struct Ready {
    policies: Vec<CompiledPolicy>,
    compiler: CedarSymCompiler<Cvc5>,
    runtime: Runtime,
}

impl Ready {
    /// From texts.
    pub fn new(schema: &str, text: &str, solver: Cvc5) -> Self {
        let (schema, _) = Schema::from_cedarschema_str(schema).expect("a Cedar schema");
        let policies = PolicySet::from_str(text).expect("Cedar policies");
        let environment = schema.request_envs().next().expect("one kind of request");
        let compile = |number| {
            let policy =
                policies.policy(&PolicyId::new(format!("policy{number}"))).expect("as many as rules");
            CompiledPolicy::compile(policy, &environment, &schema).unwrap_or_else(|e| panic!("{e}\n{policy}"))
        };
        let policies = (0..policies.num_of_policies()).map(compile).collect();
        let compiler = CedarSymCompiler::new(solver).expect("a compiler of queries");
        // Each script goes to a solver of its own, so that there is nothing to reset.
        let compiler = compiler.with_reset_mode(ResetMode::Comment);
        Self { policies, compiler, runtime: Builder::new_current_thread().build().expect("a runtime") }
    }

    /// Whether some request is matched by both; with an example, which is thrown away.
    pub fn overlap(&mut self, a: usize, b: usize) -> Verdict {
        let (a, b) = (&self.policies[a], &self.policies[b]);
        let asked = self.compiler.check_matches_disjoint_with_counterexample_opt(a, b);
        verdict(self.runtime.block_on(asked).map(|example| example.is_some()))
    }

    /// Whether every request that matches the one matches the other.
    pub fn implies(&mut self, a: usize, b: usize) -> Verdict {
        let (a, b) = (&self.policies[a], &self.policies[b]);
        let asked = self.compiler.check_matches_implies_opt(a, b);
        verdict(self.runtime.block_on(asked))
    }
}

fn verdict(answer: Result<bool, Error>) -> Verdict {
    match answer {
        Ok(answer) => Some(answer),
        Err(Error::SolverUnknown) => None,
        Err(error) => panic!("{error}: {:?}", std::error::Error::source(&error)),
    }
}
