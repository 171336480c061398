//! Templates: what they make, and what is said when something is wrong with them or their arguments.

mod support;

use ordain_compiler::{Compiled, compile_str};
use ordain_ir::{PolicyId, PolicyName};
use support::render_all;

/// What templates stand among: a package of their own, seen from another.
const GROUND: &str = "package base
use std.facts.*
fact amount : money USD in 0.00..1_000_000.00
fact age : int in 0..150
fact ports : set of int in 1..65_535
fact class : enum { public, internal, pii }
meter emails : count
let sensitive = class == pii
let org = tenant acme
rule floor { type safety enforce audit scope global }
";

fn compile(ground: &str, main: &str) -> (Compiled, String) {
    let ground = format!("{GROUND}{ground}");
    let main = format!("package main\nuse base.*\nuse std.facts.*\n{main}");
    let files = [("base.ordain", ground.as_str()), ("main.ordain", main.as_str())];
    let compiled = compile_str(&files);
    let said = render_all(&files, &compiled.diagnostics);
    (compiled, said)
}

/// The policies of package `main`, in one line each.
fn made(template: &str, applied: &str) -> Vec<String> {
    let (compiled, said) = compile(template, applied);
    assert_eq!(said, "", "{template} {applied}");
    let rules = compiled.policies.rules.values().map(|rule| {
        format!(
            "{} {} {} {} {:?}",
            rule.name, rule.rule_type, rule.enforcement_mode, rule.scope, rule.condition
        )
    });
    let limits = compiled.policies.limits.values().map(|limit| {
        let bound = limit.quantity.format(limit.bound.value);
        let overrides: Vec<_> = limit.overrides.iter().map(|it| it.policy.to_string()).collect();
        format!(
            "{} {} {bound} {} {} {} [{}]",
            limit.name,
            limit.quantity,
            limit.enforcement,
            limit.scope,
            limit.partition,
            overrides.join(" ")
        )
    });
    rules.chain(limits).filter(|line| line.starts_with("main.")).collect()
}

fn table<'a>(items: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut out = String::new();
    for (template, applied) in items {
        let (_, said) = compile(template, applied);
        for part in ["=== ", template, "\n--- ", applied, "\n", &said, "\n"] {
            out.push_str(part);
        }
    }
    out
}

#[test]
fn parameters_may_stand_wherever_a_value_may() {
    let limit = "template t(team: project, cap: money USD, share: percent = 80%) {
        limit hard { type cost_daily at most cap enforce block scope team warn at share }
        limit half { type cost_daily at most cap * 50% enforce degrade scope team overrides hard }
    }";
    assert_eq!(
        made(limit, "apply t(team = acme/support, cap = 400.00 USD) as spend"),
        [
            "main.spend.half COST_DAILY 200.00 USD DEGRADE project acme/support WHOLE [main.spend.hard main.spend.hard.warn]",
            "main.spend.hard COST_DAILY 400.00 USD BLOCK project acme/support WHOLE []",
            "main.spend.hard.warn COST_DAILY 320.00 USD WARN project acme/support WHOLE []",
        ]
    );
    // Without a name of its own an application has the template's; sums and `let`s are arguments too.
    assert_eq!(
        made(
            limit,
            "let team = project acme/x, acme/y except project acme/y\napply t(share = 50%, cap = 2 * 1.50 USD + 1 USD, team = team)"
        ),
        [
            "main.t.half COST_DAILY 2.00 USD DEGRADE project acme/x, project acme/y except project acme/y WHOLE [main.t.hard main.t.hard.warn]",
            "main.t.hard COST_DAILY 4.00 USD BLOCK project acme/x, project acme/y except project acme/y WHOLE []",
            "main.t.hard.warn COST_DAILY 2.00 USD WARN project acme/x, project acme/y except project acme/y WHOLE []",
        ]
    );
    let rule = "template r(whom: scope = org, if-so: condition = sensitive, names: set of string = { \"b\" }, glob: string = \"x*\", level: int = 3, kind: enum { safety, ethical } = ethical, secret: enum { pii, internal } = pii, on: bool = true) {
        rule one { type kind enforce block scope whom priority level when if-so and tool.name in names and tool.name like glob and class == secret and age > level and run.attended == on and any ports in { 80, level } }
    }";
    assert_eq!(
        made(rule, "apply r(if-so = age < 7, level = 5, on = false)"),
        [
            "main.r.one ETHICAL BLOCK tenant acme And([Compare { terms: [(FactName(\"age\"), 1)], op: Less, bound: 7 }, Text { fact: FactName(\"tool.name\"), test: Equals(\"b\") }, Text { fact: FactName(\"tool.name\"), test: Like(Glob([Text(\"x\"), Any])) }, OneOf { fact: FactName(\"class\"), words: {\"pii\"} }, Compare { terms: [(FactName(\"age\"), 1)], op: Greater, bound: 5 }, Not(Fact(FactName(\"run.attended\"))), Any { fact: FactName(\"ports\"), test: AnyOf([Compare { op: Equal, bound: 80 }, Compare { op: Equal, bound: 5 }]) }])"
        ]
    );
    let window = "template w(place: zone, opens: time = 09:00, since: instant = 2026-01-01) {
        rule one { type temporal enforce warn scope global active mon..fri opens .. 17:00 in place from since }
    }";
    let (compiled, said) =
        compile(window, "apply w(place = Europe/Berlin, opens = 10:30)\napply w(place = UTC) as x");
    assert_eq!(said, "");
    let windows: Vec<_> = compiled
        .policies
        .rules
        .values()
        .filter_map(|rule| Some(rule.window.clauses.first()?.to_string()))
        .collect();
    assert_eq!(
        windows,
        [
            "mon, tue, wed, thu, fri 10:30 .. 17:00 in Europe/Berlin from 2025-12-31T23:00:00Z",
            "mon, tue, wed, thu, fri 09:00 .. 17:00 in UTC from 2026-01-01T00:00:00Z",
        ]
    );
}

#[test]
fn names_mean_what_they_mean_where_they_stand() {
    // `sensitive` and `org` of the template's package, whatever the application's declares.
    let template = "template t(extra: condition) {
        rule one { type safety enforce block scope org when sensitive and extra depends on floor }
    }";
    let lines = made(
        template,
        "let sensitive = age > 5\nlet org = tenant other\nrule floor { type system enforce warn scope global }
         apply t(extra = sensitive)",
    );
    assert!(lines[1].starts_with("main.t.one SAFETY BLOCK tenant acme And([OneOf"), "{lines:?}");
    assert!(lines[1].ends_with("op: Greater, bound: 5 }])"), "{lines:?}");
    let (compiled, _) = compile(template, "apply t(extra = true)");
    let rule = &compiled.policies.rules[&PolicyName::from("main.t.one")];
    assert_eq!(rule.depends_on, [PolicyName::from("base.floor")]);
    // A parameter comes before everything else of its name.
    let shadowing = "template t(age: int, org: tenant, sensitive: condition) {
        rule one { type safety enforce block scope org priority age when sensitive }
    }";
    let lines = made(shadowing, "apply t(age = 7, org = globex, sensitive = run.attended)");
    assert_eq!(lines, ["main.t.one SAFETY BLOCK tenant globex Fact(FactName(\"run.attended\"))"]);
    // A list of tenants, of which one has the name of the parameter.
    let listed = "template t(org: tenant) { rule one { type safety enforce block scope tenant acme, org } }";
    assert_eq!(
        made(listed, "apply t(org = globex)"),
        ["main.t.one SAFETY BLOCK tenant acme, tenant globex True"]
    );
}

#[test]
fn templates_apply_templates() {
    let templates = "template cap(team: project, most: int) {
        limit hard { type runs_daily at most most enforce block scope team warn at 50% }
    }
    /// Both.
    template both(team: project, most: int, where-else: project = acme/b) {
        apply cap(team = team, most = most * 2) as first
        /// The second.
        apply cap(team = where-else, most = most)
        limit own { type tokens_daily at most most enforce warn scope team overrides first.hard.warn }
        limit other { type runs_daily at most 1 enforce warn scope team overrides first.hard.warn, cap.hard }
    }";
    let templates = templates.replace(
        "limit own { type tokens_daily at most most enforce warn scope team overrides first.hard.warn }",
        "",
    );
    let (compiled, said) = compile(&templates, "/// Applied.\napply both(team = acme/a, most = 4) as x");
    assert_eq!(said, "");
    let limits: Vec<_> = compiled
        .policies
        .limits
        .values()
        .map(|limit| {
            let derived = limit.derived.clone().expect("all are made");
            let template = derived.template.unwrap_or_default();
            format!("{} {} {template} {} {}", derived.local, limit.bound.value, limit.scope, limit.doc)
        })
        .collect();
    assert_eq!(
        limits,
        [
            "x.cap.hard 4 base.cap project acme/b The second.",
            "x.cap.hard.warn 2 base.cap project acme/b The second.",
            "x.first.hard 8 base.cap project acme/a Applied.",
            "x.first.hard.warn 4 base.cap project acme/a Applied.",
            "x.other 1 base.both project acme/a Applied.",
        ]
    );
    let other = &compiled.policies.limits[&PolicyName::from("main.x.other")];
    let overrides: Vec<_> = other.overrides.iter().map(|it| it.policy.as_str()).collect();
    assert_eq!(overrides, ["main.x.cap.hard", "main.x.cap.hard.warn", "main.x.first.hard.warn"]);
    // Each stands in the innermost template, and is applied in the file of the outermost application.
    let source = compiled.source_map.get(&PolicyId::of(&PolicyName::from("main.x.first.hard"))).unwrap();
    let site = source.application.as_ref().expect("it is applied");
    assert_eq!((source.file.as_str(), site.file.as_str()), ("base.ordain", "main.ordain"));
    assert_eq!(site.place.line, 5);
}

#[test]
fn documentation_is_the_nearest() {
    let template = "/// The template.
    template t() {
        /// Its own.
        rule one { type safety enforce block scope global }
        rule two { type safety enforce block scope tenant acme }
    }";
    let docs = |applied: &str| {
        let (compiled, said) = compile(template, applied);
        assert_eq!(said, "");
        let rules = compiled.policies.rules.values().filter(|rule| rule.derived.is_some());
        rules.map(|rule| rule.doc.clone()).collect::<Vec<_>>()
    };
    assert_eq!(docs("apply t()"), ["Its own.", "The template."]);
    assert_eq!(docs("/// The application.\napply t()"), ["Its own.", "The application."]);
}

#[test]
fn what_a_template_makes_can_be_named_like_anything_else() {
    let template = "template t(most: int = 5) {
        limit hard { type runs_daily at most most enforce block scope global warn at 50% }
        private limit inside { type tokens_daily at most most enforce block scope global }
    }
    apply t() as here";
    let limit =
        |rest: &str| format!("limit x {{ type runs_daily at most 1 enforce warn scope tenant acme {rest} }}");
    for (applied, overrides) in [
        ("overrides here.hard", &["base.here.hard", "base.here.hard.warn"][..]),
        ("overrides here.hard.warn", &["base.here.hard.warn"]),
        ("overrides base.here.hard.warn", &["base.here.hard.warn"]),
    ] {
        let (compiled, said) = compile(template, &limit(applied));
        assert_eq!(said, "", "{applied}");
        let found = &compiled.policies.limits[&PolicyName::from("main.x")].overrides;
        let found: Vec<_> = found.iter().map(|it| it.policy.as_str()).collect();
        assert_eq!(found, overrides, "{applied}");
    }
    insta::assert_snapshot!(table([
        (template, limit("overrides here.hrad").as_str()),
        (template, limit("overrides here.inside").as_str()),
        (template, limit("overrides here").as_str()),
        (template, limit("overrides here.hard.want").as_str()),
        (template, limit("depends on t.hard").as_str()),
    ]));
}

#[test]
fn mistakes_in_templates_are_told_once_there() {
    let twice = "apply t(cap = 5.00 USD)\napply t(cap = 6.00 USD) as again";
    insta::assert_snapshot!(table([
        (
            "template t(cap: money USD) { limit x { type cost_daily at most cap enforce block scope nowhere } }",
            twice
        ),
        (
            "template t(cap: money USD) { limit x { type tokens_daily at most cap enforce block scope global } }",
            twice
        ),
        ("template t(cap: money USD) { limit x { type cost_daily at most cap enforce block } }", twice),
        ("template t(cap: money USD) { rule x { type safety enforce block scope cap when cap > 5 } }", twice),
        (
            "template t(cap: money USD) { rule x { type safety enforce block scope global when has cap } }",
            twice
        ),
        (
            "template t(cap: money USD) { limit x { type cost_daily at most cap + 1 EUR enforce block scope global } }",
            twice
        ),
        ("template t(cap: money USD, cap: int) { }", twice),
        (
            "template t(cap: money) { limit x { type cost_daily at most cap enforce block scope global } }",
            twice
        ),
        (
            "template t(cap: monney) { limit x { type cost_daily at most cap enforce block scope global } }",
            twice
        ),
        ("template t(cap: money USD, team: projekt = acme/x) { }", twice),
        (
            "template t(cap: money USD = 5 EUR) { limit x { type cost_daily at most cap enforce block scope global } }",
            twice
        ),
        (
            "template t(cap: money USD, mode: enum { block, stop } = block) { rule x { type safety enforce mode scope global } }",
            twice
        ),
        ("template t(cap: money USD, a: int = 5, b: int = a) { }", twice),
        (
            "template t(cap: money USD) { limit x { type cost_daily at most cap enforce block scope global }\nlimit x { type cost_daily at most cap enforce warn scope global } }",
            twice
        ),
        ("template t(cap: money USD) { apply u(x = cap) }\ntemplate u(x: int) { }", twice),
        ("template t(cap: money USD) { apply nothing(x = cap) }", twice),
        (
            "template t(cap: money USD) { rule x { type safety enforce block scope global when amount > cap and } }",
            twice
        ),
        (
            "template t(cap: money USD { limit x { type cost_daily at most cap enforce block scope global } }",
            twice
        ),
        ("template t(cap: money USD) { fact x : int }", twice),
        (
            "template t(cap: money USD) { rule x { type safety enforce block scope global overrides y }\nrule y { type safety enforce block scope global overrides x } }",
            "apply t(cap = 5.00 USD)"
        ),
    ]));
}

#[test]
fn templates_in_a_circle() {
    insta::assert_snapshot!(table([
        ("template a() { apply a() }", "apply a()"),
        (
            "template a() { apply b() }\ntemplate b() { apply c() }\ntemplate c() { apply a() as x }",
            "apply b()\nrule x { type safety enforce block scope global overrides b.c.x.y }"
        ),
        ("template a() { apply b() }\ntemplate b() { apply b() as again }", "apply a()"),
    ]));
}

#[test]
fn mistakes_in_arguments() {
    let template = "template t(team: project, cap: money USD = 5.00 USD, mode: enum { block, warn } = block, tools: set of string = { \"a\" }, level: int = 1, share: percent = 50%, opens: time = 09:00, place: zone = UTC, since: instant = 2026-01-01, cond: condition = true, on: bool = true, who: tenant = acme, whole: scope = global, name: string = \"x\") { }";
    let arguments = [
        "",
        "cap = 5.00 USD",
        "team = acme/x, teem = acme/y",
        "team = acme/x, whatever = 5",
        "team = acme/x, team = acme/y",
        "team = acme",
        "team = tenant acme",
        "team = 5",
        "team = age",
        "team = org",
        "team = acme/x, cap = 5",
        "team = acme/x, cap = 5 EUR",
        "team = acme/x, cap = amount",
        "team = acme/x, cap = \"5\"",
        "team = acme/x, cap = 50%",
        "team = acme/x, mode = blok",
        "team = acme/x, mode = \"block\"",
        "team = acme/x, tools = { a }",
        "team = acme/x, tools = { \"a\", \"a\" }",
        "team = acme/x, tools = \"a\"",
        "team = acme/x, tools = sensitive",
        "team = acme/x, level = 1.5",
        "team = acme/x, level = 99_999_999_999_999_999_999",
        "team = acme/x, share = 5",
        "team = acme/x, opens = 25:00",
        "team = acme/x, opens = 2026-01-01",
        "team = acme/x, place = Berlin",
        "team = acme/x, place = 5",
        "team = acme/x, since = 2026-02-30",
        "team = acme/x, cond = age",
        "team = acme/x, cond = org",
        "team = acme/x, on = 5",
        "team = acme/x, who = acme/x",
        "team = acme/x, whole = acme/x",
        "team = acme/x, whole = global except global",
        "team = acme/x, name = acme",
        "team = acme/x, name = 5",
    ];
    let applied: Vec<String> = arguments.iter().map(|arguments| format!("apply t({arguments})")).collect();
    let mut out = String::new();
    for applied in &applied {
        let (compiled, said) = compile(template, applied);
        assert!(!compiled.diagnostics.is_empty(), "{applied}");
        for part in ["--- ", applied, "\n", &said, "\n"] {
            out.push_str(part);
        }
    }
    insta::assert_snapshot!(out);
    insta::assert_snapshot!(
        "other",
        table([
            (template, "apply tt(team = acme/x)"),
            (template, "apply floor()"),
            (template, "apply base.t(team = acme/x)\napply t(team = acme/x)"),
            (
                template,
                "apply t(team = acme/x) as floors\nrule floors { type safety enforce block scope global }"
            ),
            ("private template s() { }", "apply s()"),
            ("private template s() { }", "apply base.s()"),
        ])
    );
}

#[test]
fn what_depends_on_arguments_is_told_where_they_are_given() {
    insta::assert_snapshot!(table([
        (
            "template t(cap: int, team: scope = global) { limit x { type runs_daily at most cap * 33% enforce block scope team } }",
            "apply t(cap = 100)\napply t(cap = 10) as ten\napply t(cap = -5) as negative",
        ),
        (
            "template t(least: int) { rule x { type safety enforce block scope global when age > least } }",
            "apply t(least = 150)\napply t(least = 151) as more",
        ),
        (
            "template t(opens: time, closes: instant) { rule x { type safety enforce block scope global active opens .. 12:00 from 2026-01-01 until closes } }",
            "apply t(opens = 09:00, closes = 2025-01-01)\napply t(opens = 24:00, closes = 2027-01-01) as late",
        ),
        (
            "template t(who: scope) { rule x { type safety enforce block scope who except tenant acme } }",
            "apply t(who = tenant globex)\napply t(who = tenant acme) as empty\napply t(who = provider openai) as model",
        ),
        (
            "template t(glob: string, word: enum { pii, phi }) { rule x { type safety enforce block scope global when tool.name matches glob and class == word } }",
            "apply t(glob = \"a\", word = pii)\napply t(glob = \"(\", word = pii) as bad\napply t(glob = \"a\", word = phi) as word",
        ),
        (
            "template t(word: string) { rule x { type safety enforce block scope global when tool.name in { \"a\", word } } }",
            "apply t(word = \"b\")\napply t(word = \"a\") as twice",
        ),
        (
            "template inner(most: int) { limit x { type runs_daily at most most * 10% enforce block scope global } }\ntemplate outer(most: int) { apply inner(most = most + 1) }",
            "apply outer(most = 9)\napply outer(most = 10) as ten",
        ),
        (
            "template t(share: percent) { limit x { type runs_daily at most 5 enforce block scope global warn at share } }",
            "apply t(share = 20%)\napply t(share = 120%) as beyond",
        ),
    ]));
}

#[test]
fn a_template_of_the_library_can_be_applied() {
    let (compiled, said) =
        compile("", "use std.limits.*\napply spend-guard(where = project acme/support) as support");
    assert_eq!(said, "");
    let names: Vec<_> = compiled.policies.limits.keys().map(PolicyName::as_str).collect();
    assert!(names.contains(&"main.support.daily.warn"), "{names:?}");
    let source = compiled.source_map.get(&PolicyId::of(&PolicyName::from("main.support.daily"))).unwrap();
    assert_eq!(source.file, "std/limits.ordain");
    assert_eq!(source.application.as_ref().map(|site| site.file.as_str()), Some("main.ordain"));
}

#[test]
fn too_many_policies_are_refused() {
    let mut templates = String::from("template t0() { rule x { type safety enforce block scope global } }\n");
    for level in 1..13 {
        let below = level - 1;
        let applied = format!("apply t{below}() as a\napply t{below}() as b");
        templates.extend(["template t", &level.to_string(), "() { ", &applied, " }\n"]);
    }
    let (compiled, said) = compile(&templates, "apply t10()\napply t12()");
    assert_eq!(compiled.policies.rules.len(), 1 + (1 << 10));
    insta::assert_snapshot!(said, @"
    ORD0222 `t11` makes more than 1024 policies
        at base.ordain ‹t11›
        help: apply fewer templates within templates
    ORD0222 `t11` makes more than 1024 policies
        at base.ordain ‹t11›
        help: apply fewer templates within templates
    ORD0222 `t12` makes more than 1024 policies
        at main.ordain ‹t12›
        help: apply fewer templates within templates
    ");
}
