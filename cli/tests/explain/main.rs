//! `ordain explain`: what it prints, and that its pages tell the truth.

#[path = "../support/mod.rs"]
mod support;

mod pages;

use std::fs;

use ordain_ir::codes;
use serde_json::Value;
use support::{root, run};

#[test]
fn a_page_in_the_terminal() {
    let shown = run(["explain", "ord0227"]).expect_code(0);
    insta::assert_snapshot!(shown.stdout);
    assert_eq!(shown.stderr, "");
}

#[test]
fn a_page_for_programs() {
    let file = fs::read_to_string(root().join("docs/src/codes/ORD0227.md")).unwrap();
    assert_eq!(run(["explain", "ORD0227", "--format=markdown"]).expect_code(0).stdout, file);
    let json = run(["explain", "ORD0227", "--format=json"]).expect_code(0).json();
    assert_eq!(json["code"], "ORD0227");
    assert_eq!(json["title"], "a length of time lacks its unit");
    assert_eq!(json["group"], "Names, types and units");
    assert_eq!(json["markdown"], file);
}

#[test]
fn every_code_is_listed_and_explained() {
    let wanted: Vec<(&str, &str)> = codes::ALL.iter().map(|(code, title)| (code.as_str(), *title)).collect();
    for (arguments, pages) in
        [(&["explain", "--format=json"][..], false), (&["explain", "--all", "--format=json"], true)]
    {
        let json = run(arguments).expect_code(0).json();
        let found: Vec<_> = json
            .as_array()
            .unwrap()
            .iter()
            .map(|page| (page["code"].as_str().unwrap(), page["title"].as_str().unwrap()))
            .collect();
        assert_eq!(found, wanted);
        assert!(
            json.as_array()
                .unwrap()
                .iter()
                .all(|page| page.get("markdown").is_some_and(Value::is_string) == pages)
        );
    }
    let list = run(["explain"]).expect_code(0).stdout;
    let all = run(["explain", "--all"]).expect_code(0).stdout;
    for (code, title) in wanted {
        assert!(list.contains(&format!("\n  {code}  {title}\n")), "{code} is not listed");
        assert!(all.contains(&format!("{code}: {title}\n")), "{code} is not shown by --all");
    }
}

#[test]
fn what_is_no_code_is_refused_with_a_suggestion() {
    let refused = run(["explain", "ORD227"]).expect_code(2);
    assert_eq!(refused.stdout, "");
    insta::assert_snapshot!(refused.stderr, @"error: `ORD227` is no code; did you mean `ORD0227` (a length of time lacks its unit)?");
    insta::assert_snapshot!(run(["explain", "zone"]).expect_code(2).stderr, @"error: `zone` is no code; did you mean `ORD0603` (a time zone is not known)?");
    insta::assert_snapshot!(run(["explain", "bracket"]).expect_code(2).stderr, @"
    error: `bracket` is no code; these are about it:
      ORD0102  a bracket or a quotation mark is not closed
      ORD0103  brackets are nested too deeply
    ");
    assert_eq!(run(["explain", "ORD0227", "--all"]).code, Some(2), "one page or all");
}
