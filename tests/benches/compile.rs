//! What compiling costs: `cargo xtask bench compiler`, or `cargo bench -p ordain-tests --bench compile -- [POLICIES]`.
//! Prints lines a second of reading and checking on one core, resident memory for each policy, and what edits cost.
#![expect(clippy::print_stdout, reason = "figures for people")]

use std::time::Duration;

use ordain_compiler::{
    Config, Database, SourceFile, Workspace, dependencies, diagnostics, file_policies, names, outline, parse,
    policies, source_map,
};
use ordain_tests::measure::{self, Took, middle, percentile, rate, timed};
use ordain_tests::workload::Workload;

/// That of the `ordain` program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How often everything is compiled afresh.
const GOES: usize = 5;
/// How many files each kind of edit is tried in.
const EDITS: usize = 21;

/// What the steps of one compilation took.
struct Steps {
    parse: Took,
    outline: Took,
    names: Took,
    check: Took,
    link: Took,
}

fn all(db: &Database, workspace: Workspace) {
    policies(db, workspace);
    source_map(db, workspace);
    dependencies(db, workspace);
    diagnostics(db, workspace);
}

/// Compiles everything, step by step.
fn compile(workload: &Workload) -> (Database, Workspace, Steps) {
    let db = Database::default();
    let workspace = Workspace::of(&db, Config::named("w"), workload.files.clone());
    let files: Vec<SourceFile> = workspace.files(&db).to_vec();
    let ((), parse) = timed(|| files.iter().for_each(|file| _ = parse(&db, *file).file.items.len()));
    let ((), outline) = timed(|| files.iter().for_each(|file| _ = outline(&db, *file).declarations.len()));
    let (_, names) = timed(|| names(&db, workspace).packages.len());
    let (made, check) = timed(|| {
        files
            .iter()
            .map(|file| file_policies(&db, workspace, *file))
            .map(|it| it.rules.len() + it.limits.len())
            .sum::<usize>()
    });
    assert_eq!(made, workload.policies);
    let ((), link) = timed(|| all(&db, workspace));
    (db, workspace, Steps { parse, outline, names, check, link })
}

type Path<'a> = &'a dyn Fn(usize) -> &'a str;
type Change<'a> = &'a dyn Fn(&str) -> String;

/// Replaces a text and asks everything again.
fn edit(db: &mut Database, workspace: Workspace, path: &str, change: impl Fn(&str) -> String) -> Took {
    let file = workspace.file(db, path).expect("one of the files");
    let text = change(file.text(db));
    assert_ne!(text, file.text(db));
    let ((), took) = timed(|| {
        workspace.set_file(db, path, text);
        all(db, workspace);
    });
    took
}

fn milliseconds(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1e3)
}

fn main() {
    let wanted = std::env::args().skip(1).find_map(|word| word.parse().ok()).unwrap_or(10_000);
    let workload = Workload::new(1, wanted);
    let (lines, count) = (workload.lines(), workload.policies);
    println!("{count} policies in {} files, {lines} lines, {} bytes", workload.files.len(), workload.bytes());
    println!("{}; the middle of {GOES} goes", measure::CLOCK);
    // The standard library is read once a process.
    let warm = Database::default();
    diagnostics(&warm, Workspace::of(&warm, Config::named("w"), []));

    let before = measure::resident();
    let (mut db, workspace, first) = compile(&workload);
    let memory = before.zip(measure::resident()).map(|(before, after)| after.saturating_sub(before) / count);
    let mut goes = vec![first];
    goes.extend((1..GOES).map(|_| compile(&workload).2));
    let step = |pick: fn(&Steps) -> Took| middle(goes.iter().map(pick)).processor;
    let total = step(|it| it.parse) + step(|it| it.outline) + step(|it| it.names) + step(|it| it.check);
    for (what, time) in [
        ("parse", step(|it| it.parse)),
        ("declarations", step(|it| it.outline)),
        ("names", step(|it| it.names)),
        ("check", step(|it| it.check)),
        ("parse and check", total),
        ("link, places …", step(|it| it.link)),
    ] {
        println!("{what:<18} {:>12} {:>12.0} lines/s", milliseconds(time), rate(lines, time));
    }
    if let Some(memory) = memory {
        println!("resident memory    {memory:>6} bytes a policy");
    }

    let paths: Vec<&str> = workload.files.iter().map(|(path, _)| path.as_str()).collect();
    let team = |go: usize| paths[1 + go * (paths.len() - 1) / EDITS];
    let shared = |_| "base/shared.ordain";
    let swapped = |text: &str, a: &str, b: &str| {
        if text.contains(a) { text.replacen(a, b, 1) } else { text.replacen(b, a, 1) }
    };
    let edits: [(&str, Path<'_>, Change<'_>); 5] = [
        ("white space", &team, &|text| text.replacen("  enforce", "    enforce", 1)),
        ("one condition", &team, &|text| text.replacen("  when      ", "  when      run.attended and ", 1)),
        ("a new rule", &team, &|text| {
            format!("{text}\nrule new {{ type safety enforce warn scope global }}\n")
        }),
        ("a template", &shared, &|text| swapped(text, "enforce  audit", "enforce  warn")),
        ("a shared let", &shared, &|text| swapped(text, "10_000", "20_000")),
    ];
    println!("edits, compiled again: the middle and the 95th percentile of {EDITS}");
    let mut worst = vec![];
    for (what, path, change) in edits {
        let goes: Vec<Took> = (0..EDITS).map(|go| edit(&mut db, workspace, path(go), change)).collect();
        let (half, most) = (middle(goes.iter().copied()).processor, percentile(goes, 95).processor);
        println!("{what:<18} {:>12} {:>12}", milliseconds(half), milliseconds(most));
        worst.push(milliseconds(most));
    }
    let memory = memory.map_or_else(String::new, |memory| format!(", {memory} bytes a policy"));
    println!(
        "{:.0} lines/s parsed and checked on one core{memory}; white space again in {}, a condition in {}",
        rate(lines, total),
        worst[0],
        worst[1]
    );
}
