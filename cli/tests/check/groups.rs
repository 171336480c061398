//! Many findings are grouped, few are not, and nothing gets lost on the way.

use super::{check, crowded, found};

/// The numbers at the beginnings of lines, behind this heading up to the next blank line.
fn sizes(text: &str, heading: &str) -> Vec<usize> {
    let table =
        text.split_once(&format!("{heading}\n\n")).unwrap_or_else(|| panic!("no `{heading}` in\n{text}")).1;
    let lines = table.lines().take_while(|line| !line.is_empty());
    lines.map(|line| line.split_whitespace().next().unwrap().parse().unwrap()).collect()
}

#[test]
fn many_findings_are_grouped_by_what_they_share_the_worst_first() {
    let folder = crowded(40);
    let json = found(folder.path());
    let total = json["conflicts"].as_array().unwrap().len() + json["diagnostics"].as_array().unwrap().len();
    assert!(total > 45, "{total} findings");

    let shown = check(folder.path(), &[]).expect_code(1).stdout;
    let heads: Vec<&str> = shown.lines().filter_map(|line| line.strip_prefix("── ")).collect();
    assert!(heads[0].contains("BLOCKING THRESHOLD_CONTRADICTION"), "{heads:#?}");
    let hub = "45 WARNING SCOPE_OVERLAP (ORD0301), rule `acme.base.hub` (base.ordain:6)";
    let template = "5 WARNING SCOPE_OVERLAP (ORD0301), template `acme.base.note`";
    let at =
        |wanted: &str| heads.iter().position(|head| *head == wanted).unwrap_or_else(|| panic!("{heads:#?}"));
    assert!(at(hub) < at(template), "{heads:#?}");
    assert!(heads.last().unwrap().contains("warning ORD04"), "{heads:#?}");
    // Each finding is in one group.
    let in_groups: usize =
        heads.iter().map(|head| head.split(' ').next().unwrap().parse::<usize>().unwrap()).sum();
    let further = if shown.contains("further groups\n") { sizes(&shown, "further groups") } else { vec![] };
    assert_eq!(in_groups + further.iter().sum::<usize>(), total, "{shown}");
    let causes = sizes(&shown, &format!("what most of the {total} findings have in common"));
    assert_eq!(causes.iter().sum::<usize>(), total, "{shown}");
    assert!(shown.contains("  … and 44 more\n"), "{shown}");

    // `--all` shows each, with its source.
    let all = check(folder.path(), &["--all"]).expect_code(1).stdout;
    let drawn = |text: &str| text.lines().filter(|line| line.starts_with("ORD0") && line.len() == 7).count();
    assert_eq!(drawn(&all), total);
    assert_eq!(drawn(&shown), heads.len());
    assert_eq!(all.lines().last(), shown.lines().last(), "they sum up alike");

    for threads in ["--threads=1", "--threads=3"] {
        assert_eq!(check(folder.path(), &[threads]).stdout, shown, "the order depends on the findings alone");
    }
}

#[test]
fn few_findings_are_shown_as_they_are() {
    let folder = crowded(10);
    let shown = check(folder.path(), &[]).expect_code(1).stdout;
    assert!(!shown.lines().any(|line| line.starts_with("── ")) && !shown.contains("in common"), "{shown}");
    assert_eq!(shown, check(folder.path(), &["--all"]).stdout);
}

#[test]
fn concise_has_a_line_for_each() {
    let folder = crowded(40);
    let json = found(folder.path());
    let total = json["conflicts"].as_array().unwrap().len() + json["diagnostics"].as_array().unwrap().len();
    let shown = check(folder.path(), &["--format=concise"]).expect_code(1).stdout;
    let (last, lines) =
        shown.lines().collect::<Vec<_>>().split_last().map(|(l, r)| (*l, r.to_vec())).unwrap();
    assert_eq!(lines.len(), total);
    assert!(last.starts_with("48 policies in 3 files: "), "{last}");
    assert!(lines[0].contains(": error ORD0302: "), "errors come first: {}", lines[0]);
    let shape = |line: &str| {
        let mut parts = line.splitn(4, ':');
        let file = parts.next().unwrap();
        let numbers = [parts.next(), parts.next()].map(|part| part.unwrap().parse::<u32>().unwrap());
        folder.path().join(file).is_file() && numbers.iter().all(|n| *n > 0)
    };
    assert!(lines.iter().all(|line| shape(line)), "{lines:#?}");
}

#[test]
fn statistics_tell_of_times_and_counts_on_standard_error() {
    let folder = crowded(3);
    let plain = check(folder.path(), &["--format=json"]);
    assert_eq!(plain.stderr, "");
    let told = check(folder.path(), &["--format=json", "--statistics"]);
    let mut timed = told.json();
    let times = timed["summary"].as_object_mut().unwrap().remove("microseconds").unwrap();
    assert!(times["compiling"].as_u64().unwrap() > 0, "{times}");
    assert_eq!(timed, plain.json(), "without `--statistics` no time is in what programs read");
    let full = check(folder.path(), &["--statistics"]);
    assert_eq!(full.stdout, check(folder.path(), &[]).stdout, "nor in what people read");
    for wanted in
        [" ms  reading\n", " ms  compiling\n", " ms  comparing scopes\n", " ms  in all\n", "  3  files\n"]
    {
        assert!(told.stderr.contains(wanted), "no `{wanted}` in {}", told.stderr);
    }
    let pairs = plain.json()["summary"]["pairs"]["considered"].to_string();
    assert!(told.stderr.contains(&format!("  {pairs}  pairs compared\n")), "{}", told.stderr);
}
