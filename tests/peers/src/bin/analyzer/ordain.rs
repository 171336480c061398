//! Ordain: from text to the domains of rules, which its algebra compares.

use std::fmt::Write as _;
use std::sync::Arc;

use ordain_analyzer::domain::{Algebra, Domain, Parts};
use ordain_analyzer::{Answer, Memo};
use ordain_compiler::compile_str;
use ordain_ir::{Policies, PolicyName, Severity};

use super::Verdict;
use super::rule::{Fact, Has, Rule, Test};

/// The rules of a workspace.
pub fn text(facts: &[Fact], rules: &[Rule]) -> String {
    let mut out = "package peers\n\n".to_owned();
    for fact in facts {
        let _ = writeln!(out, "fact {} : {}", fact.name, fact.ordain);
    }
    for (number, rule) in rules.iter().enumerate() {
        let scope = match &rule.path {
            None => "global".to_owned(),
            Some(path) => format!("agent {}", path.join("/")),
        };
        let _ = writeln!(out, "\nrule r{number} {{\n  type safety\n  enforce block\n  scope {scope}");
        if let Some((from, until)) = rule.hours {
            let time = |minutes: i64| format!("{:02}:{:02}", minutes / 60, minutes % 60);
            let _ = writeln!(out, "  active {} .. {} in UTC", time(from), time(until));
        }
        if let Some((from, until)) = &rule.days {
            let _ = writeln!(out, "  active from {from} until {until}");
        }
        if !rule.groups.is_empty() {
            let groups = rule.groups.iter().map(|group| {
                let tests: Vec<String> = group.iter().map(test).collect();
                format!("({})", tests.join(" or "))
            });
            let _ = writeln!(out, "  when {}", groups.collect::<Vec<_>>().join(" and "));
        }
        out.push_str("}\n");
    }
    out
}

fn test(test: &Test) -> String {
    let (holds, said) = match test {
        Test::Number { terms, op, bound } => {
            let terms: Vec<String> =
                terms.iter().map(|(factor, fact)| format!("{factor} * {}", fact.name)).collect();
            (true, format!("{} {op} {bound}", terms.join(" + ")))
        }
        Test::Flag { fact, holds } => (*holds, fact.name.to_owned()),
        Test::Word { fact, words, holds } => (*holds, format!("{} in {{ {} }}", fact.name, words.join(", "))),
        Test::Text { fact, pattern, holds } => {
            let op = if pattern.contains('*') { "like" } else { "==" };
            (*holds, format!("{} {op} \"{pattern}\"", fact.name))
        }
        Test::Set { fact, has, words, holds } => {
            let each = |between: &str| {
                let each = words.iter().map(|word| format!("{} contains \"{word}\"", fact.name));
                each.collect::<Vec<_>>().join(between)
            };
            let said = match has {
                Has::Any => each(" or "),
                Has::All => each(" and "),
                Has::Only => format!("all {} in {{ \"{}\" }}", fact.name, words.join("\", \"")),
            };
            (*holds, said)
        }
    };
    if holds { format!("({said})") } else { format!("not ({said})") }
}

/// A workspace that was compiled.
pub fn compiled(text: &str) -> Arc<Policies> {
    let compiled = compile_str(&[("peers.ordain", text)]);
    let errors: Vec<_> = compiled.diagnostics.iter().filter(|it| it.severity == Severity::Error).collect();
    assert!(errors.is_empty(), "{errors:?}\n{text}");
    compiled.policies
}

/// Rules that are ready to be compared.
pub struct Ready<'a> {
    algebra: Algebra<'a>,
    domains: Vec<Domain>,
}

impl<'a> Ready<'a> {
    pub fn new(policies: &'a Policies, memo: &'a Memo) -> Self {
        let algebra = Algebra::new(policies, memo);
        let domain = |number| {
            let name = format!("peers.r{number}");
            algebra.rule(&policies.rules[&PolicyName::from(name.as_str())]).expect("a known zone")
        };
        let domains = (0..policies.rules.len()).map(domain).collect();
        Self { algebra, domains }
    }

    /// Whether some request is in both; with an example, which is thrown away.
    pub fn overlap(&self, a: usize, b: usize) -> Verdict {
        verdict(&self.algebra.overlap(&[&self.domains[a], &self.domains[b]]).answer)
    }

    /// Whether every request in the one is in the other.
    pub fn implies(&self, a: usize, b: usize) -> Verdict {
        let (a, b) = (&self.domains[a], &self.domains[b]);
        // Inclusion is asked of domains in which something lies.
        match self.algebra.overlap(&[a]).answer {
            Answer::No => Some(true),
            _ => verdict(&self.algebra.included(a, b, Parts::All).answer),
        }
    }
}

fn verdict<W>(answer: &Answer<W>) -> Verdict {
    match answer {
        Answer::Yes(_) => Some(true),
        Answer::No => Some(false),
        Answer::Undecided => None,
    }
}
