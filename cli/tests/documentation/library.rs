//! The pages of the standard library, made from the library itself, and what those pages claim.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use ordain_compiler::{Database, LibraryFile, compile, library, workspace};
use ordain_grammar::ast::{Fact, FactTypeKind, Item, LetValue};
use ordain_ir::{Condition, Policies, PolicyKind, Span};

use super::support::{root, run};

/// The page of a package: its documentation, then each item that others can see, with its text.
fn page(file: &LibraryFile) -> String {
    let mut out = format!(
        "<!-- Made from stdlib-policies/{} by `cargo test -p ordain --test documentation`. Change that file. -->\n\n",
        file.path.trim_start_matches("std/")
    );
    let before = file.text.split("\npackage ").next().unwrap_or_default();
    let about: Vec<&str> =
        before.lines().filter_map(|line| line.strip_prefix("///")).map(str::trim).collect();
    let _ = writeln!(out, "# {}\n\n{}", file.outline.package, about.join("\n"));
    let items = || file.parse.file.items.iter().filter(|item| !is_private(item));
    facts(&mut out, items().filter_map(|item| if let Item::Fact(fact) = item { Some(fact) } else { None }));
    for item in items() {
        let (kind, name, doc) = match item {
            Item::Let(it) => (let_kind(&it.value), &it.name.text, &it.doc),
            Item::Policy(it) if it.kind == PolicyKind::Rule => ("rule", &it.name.text, &it.doc),
            Item::Policy(it) => ("limit", &it.name.text, &it.doc),
            Item::Meter(it) => ("meter", &it.name.text, &it.doc),
            Item::Template(it) => ("template", &it.name.text, &it.doc),
            _ => continue,
        };
        let text = source(file.text, item.span());
        let _ = writeln!(out, "\n## {name}\n\n*{kind}*\n\n{}\n\n```ordain,source\n{text}\n```", doc.trim());
    }
    out
}

fn is_private(item: &Item) -> bool {
    match item {
        Item::Fact(it) => it.private.is_some(),
        Item::Let(it) => it.private.is_some(),
        Item::Policy(it) => it.private.is_some(),
        Item::Meter(it) => it.private.is_some(),
        Item::Template(it) => it.private.is_some(),
        _ => false,
    }
}

const fn let_kind(value: &LetValue) -> &'static str {
    match value {
        LetValue::Condition(_) => "condition",
        LetValue::Scope(_) => "scope",
        LetValue::Set(_) => "list",
    }
}

fn source(text: &str, span: Span) -> &str {
    text[span.range()].trim_end()
}

/// A table for each group of facts; the first word of a name is its group.
fn facts<'a>(out: &mut String, facts: impl Iterator<Item = &'a Fact>) {
    let mut group = "";
    for fact in facts {
        let first = fact.name.text.split('.').next().unwrap_or_default();
        if first != group {
            let _ = writeln!(out, "\n## {first}\n\n| fact | type | says |\n| --- | --- | --- |");
            group = first;
        }
        let mut marks = String::new();
        for range in &fact.ranges {
            let _ = write!(marks, " in {}", fact_range(range));
        }
        let flags = [("optional", !fact.optional.is_empty()), ("opaque", !fact.opaque.is_empty())];
        for (word, _) in flags.iter().filter(|(_, set)| *set) {
            let _ = write!(marks, " {word}");
        }
        let doc = fact.doc.split_whitespace().collect::<Vec<_>>().join(" ");
        let _ = writeln!(out, "| `{}` | `{}{marks}` | {doc} |", fact.name.text, fact_type(&fact.ty.kind));
    }
}

fn fact_range(range: &ordain_grammar::ast::Range) -> String {
    use ordain_grammar::ast::LiteralKind::{Duration, Money, Number, Percent, Text};
    let write = |literal: &ordain_grammar::ast::Literal| match &literal.kind {
        Number(text) | Duration(text) | Text(text) => text.clone(),
        Money(amount, currency) => format!("{amount} {currency}"),
        Percent(text) => format!("{text}%"),
    };
    format!("{}..{}", write(&range.least), write(&range.greatest))
}

fn fact_type(kind: &FactTypeKind) -> String {
    match kind {
        FactTypeKind::Word(word) => word.clone(),
        FactTypeKind::Decimal(digits) => format!("decimal({})", digits.text),
        FactTypeKind::Money(currency) => format!("money {}", currency.text),
        FactTypeKind::Enum(words) => {
            let words: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
            format!("enum {{ {} }}", words.join(", "))
        }
        FactTypeKind::Set(of) => format!("set of {}", fact_type(&of.kind)),
    }
}

fn file_of(file: &LibraryFile) -> PathBuf {
    let name = file.path.trim_start_matches("std/").replace(".ordain", ".md");
    root().join("docs/src/std").join(name)
}

#[test]
fn the_pages_are_what_the_library_says() {
    let mut stale = vec![];
    for file in library() {
        let (path, page) = (file_of(file), page(file));
        if std::env::var_os("ORDAIN_BLESS").is_some() {
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            fs::write(&path, &page).expect("a file");
        }
        if fs::read_to_string(&path).unwrap_or_default() != page {
            stale.push(super::shown(&path));
        }
    }
    assert!(library().len() >= 6);
    assert!(
        stale.is_empty(),
        "{} are not what the library says; renew them with \
         `ORDAIN_BLESS=1 cargo test -p ordain --test documentation pages`",
        stale.join(", ")
    );
}

/// All rules and templates of the library, compiled in a workspace that adopts everything.
fn everything() -> Policies {
    let mut db = Database::default();
    let loaded = workspace::load(&root().join("stdlib-policies/tests/together")).expect("it loads");
    let compiled = {
        let workspace = loaded.open(&mut db);
        compile(&db, workspace)
    };
    assert!(compiled.diagnostics.is_empty(), "{:?}", compiled.diagnostics);
    Policies::clone(&compiled.policies)
}

/// The facts that an item's documentation says it reads, between `**Reads:**` and the next full stop.
fn said(doc: &str) -> BTreeSet<String> {
    let reads = doc.split("**Reads:**").nth(1).and_then(|rest| rest.split("**").next()).unwrap_or_default();
    reads.split('`').skip(1).step_by(2).map(ToOwned::to_owned).collect()
}

#[test]
fn every_policy_reads_the_facts_that_it_says_and_names_its_source() {
    let policies = everything();
    let facts_of = |condition: &Condition| {
        let mut facts = BTreeSet::new();
        condition.collect_facts(&mut facts);
        facts.into_iter().map(|fact| fact.to_string()).collect::<BTreeSet<_>>()
    };
    let made_of = |template: &str| -> Vec<BTreeSet<String>> {
        let from = |derived: &Option<ordain_ir::Derived>| {
            derived.as_ref().and_then(|it| it.template.clone()).is_some_and(|name| name == template)
        };
        let rules = policies.rules.values().filter(|rule| from(&rule.derived));
        let limits = policies.limits.values().filter(|limit| from(&limit.derived));
        rules.map(|rule| facts_of(&rule.condition)).chain(limits.map(|it| facts_of(&it.condition))).collect()
    };
    let mut seen = 0;
    for file in library() {
        for item in &file.parse.file.items {
            let (name, doc, read) = match item {
                Item::Policy(it) => {
                    let name = format!("{}.{}", file.outline.package, it.name.text);
                    let rule = policies.rules.iter().find(|(full, _)| full.as_str() == name);
                    let (_, rule) = rule.unwrap_or_else(|| panic!("`{name}` is not adopted in the tests"));
                    (name, &it.doc, facts_of(&rule.condition))
                }
                Item::Template(it) => {
                    let name = format!("{}.{}", file.outline.package, it.name.text);
                    let made = made_of(&name);
                    assert!(!made.is_empty(), "`{name}` is not applied in the tests");
                    (name, &it.doc, made.into_iter().flatten().collect())
                }
                _ => continue,
            };
            seen += 1;
            assert_eq!(said(doc), read, "`{name}` says that it reads other facts than it does");
            for part in ["**When to use it:**", "**Source:**", "https://"] {
                assert!(doc.contains(part), "the documentation of `{name}` lacks `{part}`");
            }
        }
    }
    assert!(seen >= 30, "{seen}");
}

#[test]
fn the_library_is_free_of_conflicts_and_its_tests_pass() {
    for name in ["together", "units"] {
        let folder = root().join("stdlib-policies/tests").join(name);
        let checked = run(["check".as_ref(), "--fail-on".as_ref(), "warning".as_ref(), folder.as_os_str()]);
        assert_eq!(checked.code, Some(0), "{}{}", checked.stdout, checked.stderr);
        run(["test".as_ref(), folder.as_os_str()]).expect_code(0);
    }
}
