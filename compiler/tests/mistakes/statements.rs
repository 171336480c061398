//! Coverage, allowances and policy tests.

#[test]
fn coverage() {
    assert_said!([
        "require coverage safety for tool.name in { \"export\" } in tenant acme",
        "require coverage saftey",
        "require coverage safety for age",
        "require coverage safety for ticket.id == \"a\"",
        "require coverage safety in provider openai",
        "require coverage safety in tenant acme except tenant acme",
        "require coverage safety in nowhere",
    ]);
}

#[test]
fn allowances() {
    assert_said!([
        "allow scope-overlap between base and cap because \"x\"",
        "allow threshold-contradiction between cap and announced and announced.warn because \"x\"",
        "allow scope-overlap between cap, announced, announced.warn because \"x\"",
        "allow scope-overlap between base because \"x\"",
        "allow scope-overlap between base and base because \"x\"",
        "allow scope-overlap between cap and announced",
        "allow scope-overlap between cap and announced because \" \"",
        "allow scope-overlap between cap and announced because \"x\" because \"y\"",
        "allow scope-overlap between cap and announced because \"x\" until 2027-02-30",
        "allow scope-overlap between cap and announced because \"x\" until 2027-01-01 until 2028-01-01",
        "allow scope-overlp between cap and announced because \"x\"",
        "allow everything between cap and announced because \"x\"",
        "allow scope-overlap between cap and announcde because \"x\"",
        "allow ORD0204 for base because \"x\"",
        "allow ORD0301 for base because \"x\"",
        "allow ORD0499 for base because \"x\"",
        "allow ORD9999 for base because \"x\"",
        "allow ORD0401 for near because \"x\"",
    ]);
}

#[test]
fn policy_tests() {
    let test = |rest: &str| format!("test \"x\" {{ {rest} }}");
    let items = [
        "expect block",
        "given tool.name = \"a\"",
        "expect blok",
        "expect block by bsae",
        "expect block by near",
        "expect block by base, base",
        "expect block by base not by base",
        "given tool.nmae = \"a\" expect block",
        "given near = true expect block",
        "given tool.name = 5 expect block",
        "given tool.name = export expect block",
        "given age = \"5\" expect block",
        "given age = 151 expect block",
        "given age = 5.5 expect block",
        "given age = 5, age = 6 expect block",
        "given spend = 5 expect block",
        "given spend = 5 EUR expect block",
        "given wait = 30 expect block",
        "given flag = yes expect block",
        "given class = \"pii\" expect block",
        "given class = secret expect block",
        "given kinds = mail expect block",
        "given kinds = { mail, mail } expect block",
        "given class = { pii } expect block",
        "given ports = { 0 } expect block",
        "given tokens = 5 expect block",
        "given agent acme/support expect block",
        "given agent acme/support/* expect block",
        "given agent a/b/c agent a/b/d expect block",
        "given provider openai/x expect block",
        "given at 2026-02-30 expect block",
        "given at 2026-02-28 at 2026-03-01 expect block",
        "uses tokens = -5 expect block",
        "uses tokens = 5.5 expect block",
        "uses token = 5 expect block",
        "uses cost = 5 expect block",
        "uses cost = 1 USD, cost = 1 EUR, cost = 2 USD expect block",
        "uses risk = 1.5 expect block",
        "uses since_last_run = 30 expect block",
        "uses emails = 5 expect block",
        "uses emials = 5 expect block",
        "uses age = 5 expect block",
        "uses cap = 5 expect block",
        "uses fees = 5 USD expect block",
        "used cap = 5, announced.warn = 3 expect block",
        "used cap = 5, cap = 6 expect block",
        "used cap = -5 expect block",
        "used cap = 5 USD expect block",
        "used base = 5 expect block",
        "used cpa = 5 expect block",
    ]
    .map(test);
    assert_said!(items.iter().map(String::as_str).chain([
        "test \"\" { expect block }",
        "test \"x\" { expect block }\ntest \"x\" { expect allow }",
        "limit y { type risk_ceiling at most 0.7 enforce block scope global }\ntest \"x\" { used y = 0.5 expect block }",
        "limit y { type tokens_per_run at most 7 enforce block scope global }\ntest \"x\" { used y = 5 expect block }",
        "limit y { type runs_daily at most nope enforce block scope global }\ntest \"x\" { used y = 5 expect block }",
    ]));
}
