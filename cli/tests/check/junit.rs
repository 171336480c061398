//! `JUnit`'s XML: what fails the check fails there, and the rest passes.

use super::support::junit::{Seen, attribute, validate};
use super::support::{example, workspace};
use super::{check, crowded};

/// Suites with how many tests and failures they say that they have, and how many they have.
fn suites(seen: &[Seen]) -> Vec<(&str, [usize; 2], [usize; 2])> {
    let mut suites: Vec<(&str, [usize; 2], [usize; 2])> = vec![];
    for (element, attributes) in seen {
        let number = |key| attribute(attributes, key).parse().unwrap();
        match (element.as_str(), suites.last_mut()) {
            ("testsuite", _) => {
                suites.push((attribute(attributes, "name"), [number("tests"), number("failures")], [0, 0]));
            }
            ("testcase", Some((name, _, [tests, _]))) => {
                *tests += 1;
                assert_eq!(attribute(attributes, "classname"), *name);
            }
            ("failure", Some((.., [_, failures]))) => {
                *failures += 1;
                assert!(attribute(attributes, "type").starts_with("ORD"), "{attributes:?}");
                assert!(!attribute(attributes, "message").is_empty(), "{attributes:?}");
            }
            _ => {}
        }
    }
    suites
}

#[test]
fn counts_are_those_of_the_elements_and_failures_are_what_fails() {
    let odd = workspace(&[(
        "a,<&>.ordain",
        "package a\nuse std.facts.*\nlet unused = tool.name == \"]]>&<\"\nlet x = nothing\nrule { }\n// \u{1}\n",
    )]);
    let many = crowded(5);
    for folder in [example("acme"), example("conflicts"), odd.path().to_owned(), many.path().to_owned()] {
        for fail_on in ["blocking", "warning", "never"] {
            let run = check(&folder, &["--format=junit", &format!("--fail-on={fail_on}")]);
            let seen = validate(&run.stdout).unwrap_or_else(|why| panic!("{why}\n{}", run.stdout));
            let suites = suites(&seen);
            assert!(suites.iter().all(|(_, said, seen)| said == seen), "{suites:?}\n{}", run.stdout);
            let failed = suites.iter().map(|(_, _, [_, failed])| failed).sum::<usize>();
            assert_eq!(run.code == Some(1), failed > 0, "{suites:?}");
            assert_eq!(attribute(&seen[0].1, "failures"), failed.to_string());
            let names: Vec<&&str> = suites.iter().map(|(name, ..)| name).collect();
            assert!(names.is_sorted(), "{names:?}");
        }
    }
    let clean = check(&example("acme"), &["--format=junit"]).stdout;
    let seen = validate(&clean).unwrap();
    let suites = suites(&seen);
    assert!(
        suites.len() > 3 && suites.iter().all(|(_, said, _)| *said == [1, 0]),
        "a file without findings passes"
    );
}
