//! What compiling costs: `cargo bench -p ordain-tests --bench compile -- [POLICIES]`. Prints lines a second of
//! reading and checking on one core, resident memory for each policy, and what edits cost.

use std::time::{Duration, Instant};

use ordain_compiler::{
    Config, Database, SourceFile, Workspace, dependencies, diagnostics, file_policies, names, outline, parse,
    policies, source_map,
};
use ordain_tests::workload::Workload;

/// Bytes of memory that are resident now; `None` where the system doesn't tell.
fn resident() -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().trim_end_matches("kB").trim().parse::<usize>().ok().map(|kilobytes| kilobytes * 1024)
}

#[expect(clippy::disallowed_methods, reason = "measuring is what this is for")]
fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let value = work();
    (value, start.elapsed())
}

#[expect(clippy::cast_precision_loss, reason = "figures for people")]
fn rate(count: usize, time: Duration) -> String {
    format!("{:>10.0} lines/s", count as f64 / time.as_secs_f64())
}

fn all(db: &Database, workspace: Workspace) {
    policies(db, workspace);
    source_map(db, workspace);
    dependencies(db, workspace);
    diagnostics(db, workspace);
}

fn edit(db: &mut Database, workspace: Workspace, path: &str, change: impl Fn(&str) -> String) -> Duration {
    let file = workspace.file(db, path).expect("one of the files");
    let text = change(file.text(db));
    assert_ne!(text, file.text(db));
    let ((), time) = timed(|| {
        workspace.set_file(db, path, text);
        all(db, workspace);
    });
    time
}

fn main() {
    let wanted = std::env::args().skip(1).find_map(|word| word.parse().ok()).unwrap_or(10_000);
    let workload = Workload::new(1, wanted);
    let (lines, count) = (workload.lines(), workload.policies);
    println!("{count} policies in {} files, {lines} lines, {} bytes", workload.files.len(), workload.bytes());
    // The standard library is read once a process.
    diagnostics(&Database::default(), Workspace::of(&Database::default(), Config::named("w"), []));
    let warm = Database::default();
    diagnostics(&warm, Workspace::of(&warm, Config::named("w"), []));

    let before = resident();
    let mut db = Database::default();
    let workspace = Workspace::of(&db, Config::named("w"), workload.files.clone());
    let files: Vec<SourceFile> = workspace.files(&db).to_vec();
    let ((), parsing) = timed(|| files.iter().for_each(|file| drop(parse(&db, *file).file.items.len())));
    let ((), outlining) =
        timed(|| files.iter().for_each(|file| drop(outline(&db, *file).declarations.len())));
    let (_, naming) = timed(|| names(&db, workspace).packages.len());
    let (made, checking) = timed(|| {
        files
            .iter()
            .map(|file| file_policies(&db, workspace, *file))
            .map(|it| it.rules.len() + it.limits.len())
            .sum::<usize>()
    });
    assert_eq!(made, count);
    let ((), linking) = timed(|| all(&db, workspace));
    let total = parsing + outlining + naming + checking;
    println!("parse            {parsing:>10.1?} {}", rate(lines, parsing));
    println!("declarations     {outlining:>10.1?}");
    println!("names            {naming:>10.1?}");
    println!("check            {checking:>10.1?} {}", rate(lines, checking));
    println!("parse and check  {total:>10.1?} {}", rate(lines, total));
    println!("link, places …   {linking:>10.1?}");
    if let (Some(before), Some(after)) = (before, resident()) {
        println!("resident memory  {} bytes a policy", after.saturating_sub(before) / count);
    }

    let path = &workload.files[workload.files.len() / 2].0;
    let edits: [(&str, &str, &dyn Fn(&str) -> String); 5] = [
        ("white space", path, &|text| text.replacen("  enforce", "    enforce", 1)),
        ("one condition", path, &|text| text.replacen("  when      ", "  when      run.attended and ", 1)),
        ("a new rule", path, &|text| {
            format!("{text}\nrule new {{ type safety enforce warn scope global }}\n")
        }),
        ("a template", "base/shared.ordain", &|text| text.replacen("enforce  audit", "enforce  warn", 1)),
        ("a shared let", "base/shared.ordain", &|text| text.replacen("10_000", "20_000", 1)),
    ];
    for (what, path, change) in edits {
        println!("edit: {what:<14} {:>10.1?}", edit(&mut db, workspace, path, change));
    }
}
