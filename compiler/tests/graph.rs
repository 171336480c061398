//! Dependencies between policies.

use ordain_compiler::{compile_str, dependents_of};
use ordain_ir::PolicyName;

/// The edges of a text as `from -TYPE-> to`, sorted.
fn edges(text: &str) -> Vec<String> {
    let compiled = compile_str(&[("a.ordain", text)]);
    assert_eq!(compiled.diagnostics, []);
    let edges = compiled.dependencies.edges.iter();
    let mut lines: Vec<_> = edges
        .map(|it| format!("{} -{}-> {}", it.from.name, it.dependency_type.as_str(), it.to.name))
        .collect();
    lines.sort();
    lines
}

#[test]
fn each_type_of_edge() {
    for (text, expected) in [
        (
            "rule a { type safety enforce block scope global }
             rule b { type safety enforce block scope tenant x depends on a }",
            &["b -EXPLICIT-> a"][..],
        ),
        (
            "rule a { type safety enforce block scope global }
             limit l { type runs_daily at most 5 enforce block scope global when rule a }",
            &["l -IMPLICIT_LIMIT-> a"],
        ),
        // Concern first, then priority, higher first, then name.
        (
            "rule a { type temporal enforce block scope global }
             rule b { type safety enforce block scope global }
             rule c { type safety enforce block scope global priority 5 }
             rule d { type system enforce block scope global }",
            &["a -IMPLICIT_SCOPE-> b", "b -IMPLICIT_SCOPE-> c", "c -IMPLICIT_SCOPE-> d"],
        ),
        // Another scope, or one that is retired, is in no order; spelling and order of entries are no matter.
        (
            "rule a { type safety enforce block scope tenant x, y }
             rule b { type safety enforce block scope tenant x }
             rule c { type safety enforce block scope tenant y, x }
             rule d { type safety enforce block scope tenant x status retired }",
            &["c -IMPLICIT_SCOPE-> a"],
        ),
        // Limits have no order among themselves.
        (
            "limit k { type runs_daily at most 5 enforce block scope global }
             limit l { type tokens_daily at most 5 enforce block scope global }",
            &[],
        ),
    ] {
        assert_eq!(edges(text), expected, "{text}");
    }
}

#[test]
fn the_audit_has_its_two_edges() {
    let found = edges(
        "rule safety-baseline { type safety enforce block scope global }
         rule rate-limit-warning { type safety enforce disabled scope global }
         rule ethical-ai { type ethical enforce warn scope global }",
    );
    assert_eq!(
        found,
        [
            "ethical-ai -IMPLICIT_SCOPE-> safety-baseline",
            "safety-baseline -IMPLICIT_SCOPE-> rate-limit-warning"
        ]
    );
}

#[test]
fn dependents_are_those_that_bind_directly_or_not() {
    let compiled = compile_str(&[(
        "a.ordain",
        "rule a { type safety enforce block scope global }
         rule b { type safety enforce block scope tenant x depends on a }
         rule c { type safety enforce block scope tenant y depends on b }
         rule d { type safety enforce block scope global }
         limit l { type runs_daily at most 5 enforce block scope global when rule c }",
    )]);
    assert_eq!(compiled.diagnostics, []);
    for (name, expected) in
        [("a", &["b", "c", "l"][..]), ("b", &["c", "l"]), ("c", &["l"]), ("d", &[]), ("l", &[]), ("z", &[])]
    {
        let found = dependents_of(&compiled.dependencies, &PolicyName::new("", name));
        let names: Vec<_> = found.iter().map(|it| it.name.local()).collect();
        assert_eq!(names, expected, "{name}");
    }
}

#[test]
fn a_cycle_is_told_as_a_path_once_and_leaves_the_others() {
    let rule =
        |name: &str, rest: &str| format!("rule {name} {{ type safety enforce block scope global {rest} }}\n");
    for (relation, code) in [("depends on", "ORD0214"), ("overrides", "ORD0213")] {
        let text = [
            rule("a", &format!("{relation} b")),
            rule("b", &format!("{relation} c")),
            rule("c", &format!("{relation} a")),
            rule("d", &format!("{relation} a")),
        ]
        .concat();
        let compiled = compile_str(&[("a.ordain", &text)]);
        let said: Vec<_> =
            compiled.diagnostics.iter().map(|it| (it.code.as_str(), it.message.as_str())).collect();
        let message = format!("`{relation}` goes round in a cycle: `a` -> `b` -> `c` -> `a`");
        assert_eq!(said, [(code, message.as_str())]);
        let left: Vec<_> = compiled.policies.rules.keys().map(PolicyName::local).collect();
        assert_eq!(left, ["d"]);
    }
}
