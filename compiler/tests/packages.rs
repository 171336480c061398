//! Packages: what is seen from where, under which name.

mod support;

use ordain_compiler::compile_str;
use ordain_ir::PolicyName;
use support::render_all;

/// A package with something of every kind, and something private of every kind.
const BASE: &str = "package acme.base
fact amount : money USD
private fact secret.amount : money USD
meter emails : count
private meter faxes : count
let risky = amount > 5.00 USD
private let hidden = amount > 6.00 USD
let org = tenant acme
let tools = { \"a\", \"b\" }
rule floor { type safety enforce audit scope global when hidden }
private rule cellar { type safety enforce audit scope global when secret.amount > 1.00 USD }
limit daily { type emails_daily at most 5 enforce block scope global warn at 80% }
private limit nightly { type faxes_daily at most 5 enforce block scope global warn at 80% }
template guard() { rule x { type safety enforce warn scope org when risky } }
private template own() { rule x { type safety enforce warn scope tenant acme } }
apply guard() as here
";
const DEEP: &str = "package acme.base.deep
let risky = level > 3
fact level : int
rule floor { type safety enforce warn scope tenant acme }
";

fn said(main: &str) -> String {
    let main = format!("package main\nuse std.facts.*\n{main}\n");
    let files = [("base.ordain", BASE), ("deep.ordain", DEEP), ("main.ordain", main.as_str())];
    render_all(&files, &compile_str(&files).diagnostics)
}

fn table<'a>(items: impl IntoIterator<Item = &'a str>) -> String {
    let parts = items.into_iter().map(|item| ["=== ", item, "\n", &said(item), "\n"].concat());
    parts.collect::<Vec<_>>().concat()
}

/// A rule with these clauses.
fn rule(rest: &str) -> String {
    format!("rule x {{ type safety enforce warn scope tenant acme {rest} }}")
}

#[test]
fn every_way_to_name_something() {
    let limit = |rest: &str| format!("limit l {{ at most 5 enforce block scope global {rest} }}");
    for text in [
        // Everything in the package.
        format!(
            "use acme.base.*\n{}",
            rule(
                "when risky and amount > 1.00 USD and tool.name in tools depends on floor, daily, daily.warn, here.x"
            )
        ),
        "use acme.base.*\nrule y { type safety enforce warn scope org overrides floor }".to_owned(),
        format!("use acme.base.*\n{}\napply guard()", limit("type emails_hourly overrides daily.warn")),
        // One thing, also with what it makes.
        format!("use acme.base.risky\nuse acme.base.amount\n{}", rule("when risky and amount > 1.00 USD")),
        format!("use acme.base.daily\nuse acme.base.here\n{}", rule("depends on daily.warn, here.x")),
        format!("use acme.base.emails\n{}", limit("type emails_hourly")),
        "use acme.base.guard\napply guard()".to_owned(),
        format!("use acme.base.here.x\n{}", rule("overrides here.x")),
        // Under another name.
        format!(
            "use acme.base.risky as hot\nuse acme.base.amount as money\n{}",
            rule("when hot and money > 1.00 USD")
        ),
        format!(
            "use acme.base.daily as cap\nuse acme.base.here as there\nuse acme.base.here.x as one\n{}",
            rule("depends on cap.warn, there.x overrides one")
        ),
        format!("use acme.base.emails as letters\n{}", limit("type letters_hourly")),
        format!("use acme.base.guard as keep\napply keep()\n{}", rule("overrides keep.x")),
        // A package under another name.
        format!(
            "use acme.base as b\n{}",
            rule(
                "when b.risky and b.amount > 1.00 USD and tool.name in b.tools depends on b.floor, b.daily.warn, b.here.x"
            )
        ),
        "use acme.base as b\napply b.guard()\nrule y { type safety enforce warn scope b.org }".to_owned(),
        // By the full name.
        rule(
            "when acme.base.risky and acme.base.amount > 1.00 USD depends on acme.base.floor, acme.base.daily.warn, acme.base.here.x",
        ),
        "apply acme.base.guard() as g".to_owned(),
        // The longest package first.
        rule("when acme.base.deep.risky depends on acme.base.deep.floor"),
        // One's own comes first, what is named comes before what is used as a whole.
        format!("use acme.base.*\nlet risky = run.risk > 0.5\n{}", rule("when risky")),
        format!("use acme.base.*\nuse acme.base.deep.risky\n{}", rule("when risky")),
    ] {
        assert_eq!(said(&text), "", "{text}");
    }
}

#[test]
fn meters_under_another_name_are_the_same() {
    let main = "package main\nuse acme.base.emails as letters\nlimit l { type letters_hourly at most 5 enforce block scope global }";
    let compiled = compile_str(&[("base.ordain", BASE), ("main.ordain", main)]);
    assert_eq!(compiled.diagnostics, []);
    assert_eq!(compiled.policies.limits[&PolicyName::from("main.l")].quantity.to_string(), "EMAILS_HOURLY");
}

#[test]
fn what_is_private_stays_so() {
    insta::assert_snapshot!(table([
        format!("use acme.base.*\n{}", rule("when hidden")).as_str(),
        rule("when acme.base.hidden").as_str(),
        format!("use acme.base as b\n{}", rule("when b.hidden")).as_str(),
        "use acme.base.hidden",
        "use acme.base.hidden as h",
        "use acme.base.cellar",
        format!("use acme.base.*\n{}", rule("overrides cellar")).as_str(),
        rule("depends on acme.base.nightly.warn").as_str(),
        format!("use acme.base.*\n{}", rule("when secret.amount > 1.00 USD")).as_str(),
        "use acme.base.*\nlimit l { type faxes_daily at most 5 enforce block scope global }",
        "use acme.base.*\napply own()",
        "use acme.base.own",
        // Private names are nobody's suggestion.
        format!("use acme.base.*\n{}", rule("when hiden")).as_str(),
        rule("when hidden").as_str(),
    ]));
}

#[test]
fn names_that_mean_nothing_here() {
    insta::assert_snapshot!(table([
        "use acme.base.riksy",
        "use acme.base.daily.wran",
        "use acme.bsae.*",
        "use acme.bsae as b",
        "use nowhere.at.all",
        "use acme.base",
        "use acme.base.risky as hot\nuse acme.base.org as hot",
        "use acme.base.risky as hot\nlet hot = run.risk > 0.5",
        "use acme.base.risky as x\nuse acme.base.deep.risky as y",
        format!("use acme.base as b\n{}", rule("when b.riksy")).as_str(),
        format!("use acme.base as b\n{}", rule("when risky")).as_str(),
        format!("use acme.base.risky as hot\n{}", rule("when risky")).as_str(),
        format!("use acme.base.*\nuse acme.base.deep.*\n{}", rule("when risky")).as_str(),
        format!("use acme.base.*\n{}", rule("when daily")).as_str(),
        format!("use acme.base.*\n{}", rule("when guard")).as_str(),
        format!("use acme.base.*\n{}", rule("when emails > 3")).as_str(),
        format!("use acme.base.*\n{}", rule("depends on daily.wran")).as_str(),
        format!("use acme.base.*\n{}", rule("depends on floor.warn")).as_str(),
        format!("use acme.base.*\n{}", rule("depends on risky")).as_str(),
        format!("use acme.base.*\n{}", rule("overrides guard")).as_str(),
        "use acme.base.*\nlimit l { type email_hourly at most 5 enforce block scope global }",
        "use acme.base.*\nlet a = tool.name in tols",
        "use acme.base.*\nlet a = tool.name in org",
    ]));
}

#[test]
fn one_full_name_is_one_policy() {
    let files = [
        (
            "a.ordain",
            "package acme\nrule support.x { type safety enforce warn scope global }\nlimit cap { type runs_daily at most 5 enforce block scope global warn at 80% }",
        ),
        ("b.ordain", "package acme.support\nrule x { type safety enforce warn scope global }"),
        (
            "c.ordain",
            "package acme.cap\nlimit warn-x { type runs_daily at most 5 enforce block scope global }\nlimit warn { type runs_daily at most 5 enforce block scope global }",
        ),
        (
            "d.ordain",
            "package acme\nlet cap = true\nfact cap : bool\nrule twice { type safety enforce warn scope global }",
        ),
        (
            "e.ordain",
            "package acme\ntemplate twice() { }\nlimit twice { type runs_daily at most 5 enforce block scope global }",
        ),
    ];
    let compiled = compile_str(&files);
    insta::assert_snapshot!(render_all(&files, &compiled.diagnostics));
}

#[test]
fn a_file_without_a_package_line_is_named_by_its_folder() {
    let files = [
        ("Team One/2nd/a.ordain", "let x = true"),
        (
            "b.ordain",
            "package main\nuse team-one.p2nd.x\nrule y { type safety enforce warn scope global when x }",
        ),
    ];
    assert_eq!(render_all(&files, &compile_str(&files).diagnostics), "");
}
