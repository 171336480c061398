//! `eval` and `simulate`: what a user sees of decisions.
#![expect(clippy::unwrap_used, reason = "a helper of tests fails like a test")]

mod support;

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use support::{Run, ordain, run_with_input, workspace};

const POLICIES: &str = "\
package shop

use std.facts.tool.name

fact amount : money USD in 0.00..10_000.00
fact note   : string optional

rule no-large-refunds {
  type safety  enforce block  scope tenant acme
  when tool.name == \"refund\" and (amount > 500.00 USD or has note and note == \"stop\")
}
rule noted   { type safety  enforce audit  scope tenant acme  when tool.name == \"refund\" }
rule nowhere { type system  enforce block  scope tenant globex }
limit daily {
  type runs_daily  at most 10  enforce block  scope tenant acme  per agent
}
limit pause { type cooldown  at least 30s  enforce queue  scope agent acme/shop/mailer }
";

fn in_folder(folder: &Path, args: &[&str]) -> Run {
    Run::of(ordain().args(args).current_dir(folder).output().expect("the binary starts"))
}

fn request(agent: &str, at: &str, amount: &str, runs: i64) -> Value {
    json!({
        "path": format!("acme/shop/{agent}"), "at": format!("2026-03-02T{at}Z"),
        "facts": { "tool.name": "refund", "amount": amount }, "usage": { "runs": runs },
    })
}

/// The output fits its published schema, which refuses a field more and one less.
fn fits(command: &str, output: &Value) {
    let path = support::root().join(format!("docs/{command}.schema.json"));
    let schema: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    let schema = jsonschema::options().should_validate_formats(true).build(&schema).unwrap();
    let wrong: Vec<String> = schema.iter_errors(output).map(|error| error.to_string()).collect();
    assert!(wrong.is_empty(), "{wrong:#?}\n{output:#}");
    let mut more = output.clone();
    more["more"] = json!(1);
    let mut less = output.clone();
    less.as_object_mut().unwrap().remove("outcomes").or_else(|| less.as_object_mut()?.remove("outcome"));
    assert!(!schema.is_valid(&more) && !schema.is_valid(&less));
}

#[test]
fn what_eval_prints_fits_its_schema() {
    let policies = POLICIES.replace("  at most 10", "  at most 10  warn at 80%");
    let more = "\nlimit risk { type risk_ceiling  at most 0.5  enforce warn  scope global }\n\
        limit long { type tokens_per_run  at most 100  enforce reject  scope global }\n\
        rule first { type system  enforce audit  scope global  priority 5 }\n\
        rule second { type system  enforce warn  scope global }\n\
        rule third { type system  enforce warn  scope global  overrides first }\n";
    let manifest = "agents: [acme/shop]\nproviders: [openai]\n";
    let folder = workspace(&[("shop.ordain", &(policies + more)), ("ordain.yaml", manifest)]);
    let with = |part: Value| {
        let mut whole = request("clerk", "10:00:00", "600.00 USD", 9);
        for (key, value) in part.as_object().unwrap() {
            whole[key] = value.clone();
        }
        whole
    };
    let mut seen = std::collections::BTreeSet::new();
    for (part, code) in [
        (json!({}), 0),
        (json!({ "usage": { "tokens": -1, "risk": "0.9" } }), 1),
        (json!({ "facts": { "tool.name": "refund", "amount": "a lot" }, "path": "acme/shop/mailer" }), 1),
        (json!({ "path": "acme/sohp/clerk", "provider": "opneai" }), 1),
    ] {
        let args = ["eval", folder.path().to_str().unwrap(), "-", "--format", "json"];
        let output = run_with_input(&args, &with(part).to_string()).expect_code(code).json();
        fits("eval", &output);
        for finding in ["rules", "limits"].iter().flat_map(|key| output[key].as_array().unwrap()) {
            seen.insert(finding["role"].as_str().unwrap().to_owned());
        }
    }
    assert!(seen.len() >= 5, "{seen:?}");
}

fn lines(requests: &[Value]) -> String {
    let mut lines: Vec<String> = requests.iter().map(ToString::to_string).collect();
    lines.push(String::new());
    lines.join("\n")
}

#[test]
fn reasons_name_the_parts_of_conditions_that_hold() {
    let folder = workspace(&[("shop.ordain", POLICIES)]);
    let large = request("clerk", "10:00:00", "600.00 USD", 1).to_string();
    let run = run_with_input(&["eval", folder.path().to_str().unwrap(), "-"], &large).expect_code(0);
    let expected = "BLOCK\n  \
        rule `shop.no-large-refunds` says BLOCK, the strictest that is said\n    \
        because tool.name == \"refund\" and amount > 500.00 USD\n  \
        rule `shop.noted` says AUDIT, milder than `shop.no-large-refunds`\n    \
        because tool.name == \"refund\"\n  \
        limit `shop.daily`: RUNS_DAILY 1 of at most 10 (10%), agent acme/shop/clerk; held\n";
    assert_eq!(run.stdout, expected);
}

#[test]
fn a_faulty_request_is_decided_closed_or_open_and_told() {
    let faulty = json!({
        "path": "acme/shop/clerk", "at": "2026-03-02T10:00:00Z",
        "facts": { "tool.name": "refund", "amount": "a lot", "not": "x" }, "usage": { "tokens": -1 },
    });
    let decided = |manifest: &str| {
        let folder = workspace(&[("shop.ordain", POLICIES), ("ordain.yaml", manifest)]);
        let args = ["eval", folder.path().to_str().unwrap(), "-", "--format", "json"];
        run_with_input(&args, &faulty.to_string()).expect_code(1).json()
    };
    let closed = decided("");
    assert_eq!(closed["outcome"], "BLOCK");
    assert_eq!(closed["rules"][0]["unknown"], "amount");
    let places: Vec<&Value> = closed["faults"].as_array().unwrap().iter().map(|it| &it["place"]).collect();
    assert_eq!(places, ["facts.amount", "facts.not", "usage.tokens"]);
    let open = decided("fail: OPEN\n");
    assert_eq!(open["outcome"], "AUDIT");
    assert_eq!(open["rules"][0]["role"], "ignored");
    // What nobody depends on changes nothing, and is told all the same.
    let folder = workspace(&[("shop.ordain", POLICIES)]);
    let mut harmless = request("clerk", "10:00:00", "5.00 USD", 1);
    harmless["facts"]["amout"] = json!("7.00 USD");
    let run = run_with_input(&["eval", folder.path().to_str().unwrap(), "-"], &harmless.to_string());
    let run = run.expect_code(1);
    assert!(run.stdout.starts_with("AUDIT\n"), "{}", run.stdout);
    assert!(
        run.stdout.contains("at `facts.amout`: unknown fact `amout`\n    did you mean `amount`?\n"),
        "{run:?}"
    );
}

#[test]
fn who_may_be_meant_stands_below_each_name_that_nobody_knows() {
    let manifest = "agents: [acme/shop, acme/*/bot]\nproviders: [openai, local-*]\n";
    let folder = workspace(&[("shop.ordain", POLICIES), ("ordain.yaml", manifest)]);
    for (path, meant) in [
        ("acme/sohp/clerk", "    did you mean `acme/shop/clerk`?\n"),
        ("acme/sales/bto", "    did you mean `acme/sales/bot`?\n"),
        ("other/shop/clerk", ""),
    ] {
        let mut asked = request("clerk", "10:00:00", "5.00 USD", 1);
        (asked["path"], asked["provider"]) = (json!(path), json!("opneai"));
        let run = run_with_input(&["eval", folder.path().to_str().unwrap(), "-"], &asked.to_string());
        let told = format!(
            "at `path`: unknown agent `{path}`; `agents` in `ordain.yaml` lists who is known\n{meant}  \
             at `provider`: unknown provider `opneai`; `providers` in `ordain.yaml` lists which are known\n    \
             did you mean `openai`?\n"
        );
        let run = run.expect_code(1);
        assert!(run.stdout.ends_with(&told), "{}", run.stdout);
    }
}

#[test]
fn counters_are_kept_in_a_file() {
    let folder = workspace(&[("shop.ordain", POLICIES)]);
    let requests = [
        request("clerk", "10:00:00", "5.00 USD", 9),
        request("clerk", "10:00:01", "5.00 USD", 2),
        request("mailer", "10:00:00", "5.00 USD", 1),
        request("mailer", "10:00:29", "5.00 USD", 1),
        request("mailer", "10:00:30", "5.00 USD", 1),
    ];
    fs::write(folder.path().join("trace.jsonl"), lines(&requests)).unwrap();
    let args = ["eval", ".", "trace.jsonl", "--state", "state.json", "--format", "json"];
    let run = in_folder(folder.path(), &args).expect_code(0);
    let outcomes = |run: &Run| -> Vec<String> {
        let decisions = run.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        decisions.map(|decision| decision["outcome"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(outcomes(&run), ["AUDIT", "BLOCK", "AUDIT", "QUEUE", "AUDIT"]);
    // The next run goes on from there: one more run is left to the clerk, and none after it.
    let next =
        lines(&[request("clerk", "11:00:00", "5.00 USD", 1), request("clerk", "12:00:00", "5.00 USD", 1)]);
    fs::write(folder.path().join("trace.jsonl"), next).unwrap();
    assert_eq!(outcomes(&in_folder(folder.path(), &args).expect_code(0)), ["AUDIT", "BLOCK"]);
    // What is no state is left alone.
    fs::write(folder.path().join("state.json"), "{\"counter\": 1}").unwrap();
    let run = in_folder(folder.path(), &args).expect_code(2);
    assert!(run.stderr.contains("`state.json` holds no counters"), "{run:?}");
    assert_eq!(fs::read_to_string(folder.path().join("state.json")).unwrap(), "{\"counter\": 1}");
}

#[test]
fn a_trace_is_replayed_and_compared() {
    let before =
        POLICIES.replace("amount > 500.00 USD", "amount > 100.00 USD").replace("at most 10", "at most 3");
    let folder = workspace(&[("new/shop.ordain", POLICIES), ("old/shop.ordain", &before)]);
    let requests: Vec<Value> = (0..8)
        .map(|n| {
            request("clerk", &format!("10:0{n}:00"), if n == 2 { "600.00 USD" } else { "200.00 USD" }, 2)
        })
        .collect();
    fs::write(folder.path().join("trace.jsonl"), lines(&requests) + "\n").unwrap();
    let args = ["simulate", "new", "trace.jsonl", "--against", "old"];
    let text = in_folder(folder.path(), &args).expect_code(0).stdout;
    for part in [
        "8 requests from 2026-03-02T10:00:00Z to 2026-03-02T10:07:00Z: AUDIT 5, BLOCK 3\n",
        "shop.no-large-refunds         1         0         0         0\n",
        "shop.noted                    5         3         0         0\n",
        "no request is in the domain of `shop.nowhere` and `shop.pause`\n",
        "acme/shop AUDIT 5, BLOCK 3\n",
        "shop.daily: 95-100 1×, breached 2×\n",
        "5 outcomes differ: 0 stricter, 5 milder\n",
        "BLOCK -> AUDIT: 5, first on line 1, acme/shop/clerk at 2026-03-02T10:00:00Z: BLOCK by \
         `shop.no-large-refunds`, then AUDIT by `shop.noted`\n",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    let json = in_folder(folder.path(), &[&args[..], &["--format", "json"]].concat()).expect_code(0).json();
    fits("simulate", &json);
    assert_eq!(json["outcomes"], json!({ "AUDIT": 5, "BLOCK": 3 }));
    assert_eq!(
        json["policies"]["shop.daily"],
        json!({ "decided": 2, "milder": 0, "silenced": 0, "held": 6 })
    );
    assert_eq!(json["against"]["differences"]["milder"], 5);
    assert_eq!(json["against"]["outcomes"], json!({ "BLOCK": 8 }));
    let same =
        in_folder(folder.path(), &["simulate", "new", "trace.jsonl", "--against", "new"]).expect_code(0);
    assert!(same.stdout.ends_with("no outcome differs\n"), "{}", same.stdout);
    fs::write(folder.path().join("trace.jsonl"), "{}\n").unwrap();
    let broken = in_folder(folder.path(), &args).expect_code(2);
    assert!(broken.stderr.contains("`trace.jsonl`, line 1: no request"), "{broken:?}");
}

#[test]
fn a_bundle_comes_with_a_schema_of_its_requests() {
    let folder = workspace(&[("shop.ordain", POLICIES)]);
    let args = ["build", ".", "-o", "shop.ordain-bundle", "--request-schema", "requests.schema.json"];
    in_folder(folder.path(), &args).expect_code(0);
    let schema = fs::read_to_string(folder.path().join("requests.schema.json")).unwrap();
    let schema: Value = serde_json::from_str(&schema).unwrap();
    let validator = jsonschema::options().should_validate_formats(true).build(&schema).unwrap();
    assert!(validator.is_valid(&request("clerk", "10:00:00", "5.00 USD", 1)));
    assert!(!validator.is_valid(&request("clerk", "10:00:00", "5.00 EUR", 1)));
    let amount = &schema["properties"]["facts"]["properties"]["amount"];
    assert_eq!(amount["description"], "From 0.00 USD to 10000.00 USD.");
}
