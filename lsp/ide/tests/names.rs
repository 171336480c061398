//! Going to definitions, and what is shown over names.

use std::path::Path;

use ordain_ide::{Snapshot, Workspace};

const BASE: &str = "package acme.base
/// Too risky.
let risky = amount > 5.00 USD
fact amount : money USD
/// Messages that leave the house.
meter emails : count
/// What a team may spend.
template spend(team: project, cap: money USD = 4.00 USD, mode: enum { block, warn } = block) {
  limit hard { type cost_daily at most cap enforce mode scope team warn at 80% }
}
";

const MAIN: &str = "package acme.support
use acme.base.*
use acme.base.spend as guard
use acme.base as base
apply guard(team = acme/support) as daily
limit mails { type emails_daily at most 5 enforce block scope global overrides daily.hard, daily.hard.warn }
rule careful { type safety enforce block scope global when risky or base.risky }
test \"mails\" { given amount = 4.00 USD uses emails = 3 used mails = 1 expect allow not by careful }
";

fn workspace() -> Snapshot {
    let root = Path::new("/nowhere/at/all");
    let mut workspace = Workspace::load(root);
    workspace.set_buffer(&root.join("base.ordain"), BASE);
    workspace.set_buffer(&root.join("main.ordain"), MAIN);
    workspace.snapshot()
}

/// The offset of a text, by its number of appearance.
fn at(text: &str, needle: &str, which: usize) -> u32 {
    let (at, _) = text.match_indices(needle).nth(which).expect("it is there");
    u32::try_from(at).expect("a small file")
}

/// The line on which what a name stands for is declared, in a file.
fn goes_to(file: &str, needle: &str, which: usize) -> Option<(String, String)> {
    let text = if file == "base.ordain" { BASE } else { MAIN };
    let target = workspace().definition(file, at(text, needle, which))?;
    let text = if target.file == "base.ordain" { BASE } else { MAIN };
    let line = text[..target.span.range().start].matches('\n').count();
    let line: String = text.lines().nth(line)?.chars().take(24).collect();
    assert!(line.contains(&text[target.span.range()]) || line.len() == 24);
    Some((target.file, line))
}

#[test]
fn names_lead_to_their_declarations() {
    let target = |file: &str, line: &str| Some((file.to_owned(), line.to_owned()));
    let template = target("base.ordain", "template spend(team: pro");
    let applied = target("main.ordain", "apply guard(team = acme/");
    for (needle, which, expected) in [
        ("guard", 0, template.clone()),
        ("guard", 1, template.clone()),
        ("acme.base.spend", 0, template.clone()),
        ("daily.hard", 0, applied.clone()),
        ("daily.hard.warn", 0, applied.clone()),
        ("daily", 0, applied),
        ("risky", 0, target("base.ordain", "let risky = amount > 5.0")),
        ("base.risky", 0, target("base.ordain", "let risky = amount > 5.0")),
        ("emails =", 0, target("base.ordain", "meter emails : count")),
        ("mails = 1", 0, target("main.ordain", "limit mails { type email")),
        ("careful }", 0, target("main.ordain", "rule careful { type safe")),
        ("amount", 0, target("base.ordain", "fact amount : money USD")),
    ] {
        assert_eq!(goes_to("main.ordain", needle, which), expected, "{needle} {which}");
    }
    for (needle, which) in [("cap", 0), ("cap enforce", 0), ("team warn", 0)] {
        assert_eq!(goes_to("base.ordain", needle, which), template, "{needle}");
    }
}

#[test]
fn what_is_shown_over_names() {
    let shown = |file: &str, needle: &str, which: usize| {
        let text = if file == "base.ordain" { BASE } else { MAIN };
        workspace().hover(file, at(text, needle, which), None).map(|hover| hover.markdown).unwrap_or_default()
    };
    insta::assert_snapshot!(shown("main.ordain", "guard", 1), @"
    ```ordain
    template spend(team: project, cap: money USD = 4.00 USD, mode: enum { block, warn } = block)
    ```

    What a team may spend.
    ");
    insta::assert_snapshot!(shown("main.ordain", "emails =", 0), @"
    ```ordain
    meter emails : count
    ```

    Messages that leave the house.
    ");
    insta::assert_snapshot!(shown("main.ordain", "daily.hard.warn", 0), @"
    ```ordain
    limit acme.support.daily.hard.warn
    ```

    COST_DAILY at most 3.20 USD · WARN · project acme/support · from template `acme.base.spend`

    What a team may spend.
    ");
    insta::assert_snapshot!(shown("base.ordain", "cap enforce", 0), @"
    ```ordain
    cap: money USD = 4.00 USD
    ```
    ");
}
