//! Rules and limits.

#[test]
fn clauses() {
    assert_said!([
        "rule x { }",
        "limit x { type runs_daily enforce block scope global }",
        "rule x { type safty enforce block scope global }",
        "rule x { type tokens_daily enforce block scope global }",
        "rule x { type safety enforce queue scope global }",
        "rule x { type safety type ethical enforce block scope global }",
        "rule x { type safety enforce block scope global per agent }",
        "rule x { type safety enforce block scope global at most 5 }",
        "rule x { type safety enforce block scope global when rule base }",
        "rule x { type safety enforce block scope global priority 1.5 }",
        "rule x { type safety enforce block scope global priority 99_999_999_999_999_999_999 }",
        "rule x { type safety enforce block scope global status gone }",
        "limit x { type runs_dayly at most 5 enforce block scope global }",
        "limit x { type runs_daily at most 5 at least 1 enforce block scope global }",
        "limit x { type runs_daily at most 5 USD enforce block scope global }",
        "limit x { type runs_daily at most 0.5 enforce block scope global }",
        "limit x { type cost_daily at most 5 enforce block scope global }",
        "limit x { type cooldown at least 30 enforce block scope global }",
        "limit x { type cooldown at most 30s enforce block scope global }",
        "limit x { type risk_ceiling at most 70 enforce block scope global }",
        "limit x { type risk_ceiling at most 0.7 enforce block scope global per agent }",
        "limit x { type runs_daily at most -5 enforce block scope global }",
        "limit x { type runs_daily at most 5 enforce block scope global per team }",
        "limit x { type runs_daily at most 5 enforce block scope global priority 5 }",
        "limit x { type runs_daily in Europe/Berlin rolling at most 5 enforce block scope global }",
        "limit x { type runs_daily in Berlin at most 5 enforce block scope global }",
        "limit x { type runs_daily in UTC in UTC rolling rolling at most 5 enforce block scope global }",
        "limit x { type risk_ceiling rolling at most 0.5 enforce block scope global }",
        "limit x { type cooldown in UTC at least 5s enforce block scope global }",
        "limit x { type cost_concurrent rolling at most 5.00 USD enforce block scope global }",
        "limit x { type runs_daily rolling at least 5 enforce block scope global }",
        "limit x { type runs_concurrent at least 5 enforce block scope global }",
        "limit x { type runs_concurent at most 5 enforce block scope global }",
        "limit x { type emails_concurrent at most 5 enforce block scope global }",
        "rule x { type safety in UTC enforce block scope global }",
        "rule x { type safety rolling enforce block scope global }",
    ]);
}

#[test]
fn scopes_and_windows() {
    let rule = |rest: &str| format!("rule x {{ type safety enforce block {rest} }}");
    let items = [
        "scope acme",
        "scope acme/support",
        "scope tenant acme/support",
        "scope project acme",
        "scope tenant acme, project acme/x",
        "scope global, tenant acme",
        "scope provider openai",
        "scope tenant \"\"",
        "scope near",
        "scope age",
        "scope tenant acme except tenant acme",
        "scope here, tenant other",
        "scope tenant acme except here",
        "scope global active mon..fri 09:00 .. 17:00 in Europe/Berlni",
        "scope global active 09:00 .. 17:00 in Berlin",
        "scope global active mon 25:00 .. 26:00",
        "scope global active 24:00 .. 08:00",
        "scope global active tues 09:00 .. 17:00",
        "scope global active from 2026-02-30",
        "scope global active from 2026-03-01T08:00:00",
        "scope global active from 2026-13-01T08:00:00Z",
        "scope global active from 9999-01-01",
        "scope global active from 2026-03-01 until 2026-03-01",
        "scope global active in UTC in UTC 09:00 .. 10:00",
        "scope global active from 2026-01-01 from 2026-02-01",
    ]
    .map(rule);
    assert_said!(items.iter().map(String::as_str));
}

#[test]
fn constants() {
    let limit = |bound: &str| format!("limit x {{ type {bound} enforce block scope global }}");
    let items = [
        "runs_daily at most 1_001 * 80%",
        "runs_daily at most 1_000 * 80% + 1",
        "runs_daily at most 33.3% * 100",
        "runs_daily at most age",
        "runs_daily at most 5 + 2 * age",
        "runs_daily at most 5 + nope",
        "runs_daily at most near",
        "runs_daily at most \"five\"",
        "runs_daily at most 5 - 6",
        "runs_daily at most 80%",
        "runs_daily at most 5 + 5 USD",
        "runs_daily at most 99_999_999_999_999_999_999",
        "cost_daily at most full * 50%",
        "cost_daily at most full * 5",
        "cost_daily at most full + 5",
        "cost_daily at most 0.000_000_1 USD * 10",
        "cost_daily at most 0.000_001 USD * 50%",
        "cost_daily at most 80%",
        "cost_daily at most 30s",
        "risk_ceiling at most 70%",
        "risk_ceiling at most 70",
        "risk_ceiling at most 2 * 0.4",
        "risk_ceiling at most 0.12345678",
        "cooldown at least 30s * 2",
        "cooldown at least 1s * 0.0001",
        "cooldown at least 30",
        "cooldown at least 2 USD",
    ]
    .map(limit);
    assert_said!(items.iter().map(String::as_str).chain([
        "rule x { type safety enforce block scope global priority 10 * 10 }",
        "rule x { type safety enforce block scope global priority 5 USD }",
        "rule x { type safety enforce block scope global priority 50% }",
        "rule x { type safety enforce block scope global priority 3 * 50% }",
        "rule x { type safety enforce block scope global priority age }",
    ]));
}

#[test]
fn meters() {
    let limit = |rest: &str| format!("limit x {{ type {rest} scope global }}");
    let items = [
        "emails_daily at most 500 enforce block",
        "emails_per_run at most 5 enforce block per agent",
        "emails_per_run at most 5.00 USD enforce block",
        "emials_daily at most 500 enforce block",
        "emails_dayly at most 500 enforce block",
        "emails at most 500 enforce block",
        "letters_daily at most 500 enforce block",
        "zebras_daily at most 500 enforce block",
        "runs_per_run at most 5 enforce block",
        "fees_monthly at most 500 enforce block",
        "fees_monthly at most 500 USD enforce block",
        "fees_monthly at most 5.000_000_1 EUR enforce block",
    ]
    .map(limit);
    assert_said!(items.iter().map(String::as_str).chain([
        "meter x : cuont",
        "meter x : money",
        "meter x : int",
        "meter x : string",
        "meter x : set of int",
        "meter x : decimal(2)",
        "meter tokens : count",
        "meter since-last-run : duration",
        "meter emails : count",
        "meter emails : duration",
        "meter e-mails : count\nmeter e_mails : count",
        "meter x-mails : count\nlimit y { type x_mails_daily at most 5 enforce block scope global }",
        "let x = emails > 5",
    ]));
}

#[test]
fn warnings() {
    let limit = |rest: &str| format!("limit x {{ type runs_daily {rest} scope global }}");
    let items = [
        "at most 1_000 enforce block warn at 85%",
        "at most 1_000 enforce block warn at 85",
        "at most 1_000 enforce block warn at 0.85",
        "at most 1_000 enforce block warn at 850 USD",
        "at most 1_000 enforce block warn at 100%",
        "at most 1_000 enforce block warn at 0%",
        "at most 1_000 enforce block warn at -5%",
        "at most 1_000 enforce block warn at age",
        "at least 1_000 enforce block warn at 85%",
        "at most 1_000 enforce warn warn at 85%",
        "at most 1_000 enforce alert warn at 85%",
        "at most 1_000 enforce block warn at 85% warn at 95%",
    ]
    .map(limit);
    assert_said!(items.iter().map(String::as_str).chain([
        "rule x { type safety enforce block scope global warn at 85% }",
        "limit x { type runs_daily at most 5 enforce block scope global overrides announced }",
        "limit x { type runs_daily at most 5 enforce block scope global overrides announced.warn }",
        "limit x { type runs_daily at most 5 enforce block scope global overrides cap.warn }",
        "limit x { type runs_daily at most 5 enforce block scope global overrides announced, announced.warn }",
    ]));
}
