//! After any sequence of edits, the answers are those of a fresh start, also where the edits cut other questions
//! short.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;

use ordain_compiler::{Compiled, Config, Database, Workspace, compile, tests};
use ordain_ir::{ConflictSeverity, ConflictType, TestCase};
use salsa::Setter as _;

/// A small random generator: `SplitMix64`.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound).expect("64 bits");
        usize::try_from(self.next() % bound).expect("less than a usize")
    }

    fn pick<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[self.below(choices.len())]
    }
}

/// Few names, so that much refers to each other, clashes, and goes round in circles.
const NAMES: [&str; 5] = ["a", "b", "c", "d", "e"];
const PACKAGES: [&str; 5] = ["p", "q", "p.a", "lib.x", "std.facts"];
const PATHS: [&str; 6] = ["a.ordain", "b.ordain", "p/c.ordain", "q/d.ordain", "x/y/e.ordain", "f.ordain"];

fn name(random: &mut Random) -> &'static str {
    random.pick(&NAMES)
}

/// A name as somebody may write it: bare, of a package, under an alias, or of what a template makes.
fn reference(random: &mut Random) -> String {
    let (one, two) = (name(random), name(random));
    match random.below(8) {
        0 => format!("{}.{one}", random.pick(&PACKAGES)),
        1 => format!("{one}.{two}"),
        2 => format!("{one}.warn"),
        3 => format!("z.{one}"),
        4 => format!("{}.{one}.{two}", random.pick(&PACKAGES)),
        _ => one.to_owned(),
    }
}

fn condition(random: &mut Random) -> String {
    match random.below(8) {
        0 => "run.risk > 0.5".to_owned(),
        1 => format!("{} > {}", reference(random), random.below(9)),
        2 => format!("{} and not {}", reference(random), reference(random)),
        3 => format!("tool.name in {}", reference(random)),
        4 => format!("has {0} and {0}", reference(random)),
        5 => "true".to_owned(),
        6 => "tool.name ==".to_owned(),
        _ => reference(random),
    }
}

fn policy(random: &mut Random) -> String {
    let private = random.pick(&["", "", "", "private "]);
    let extra = match random.below(6) {
        0 => format!("depends on {}", reference(random)),
        1 => format!("overrides {}", reference(random)),
        2 => format!("when {}", condition(random)),
        _ => String::new(),
    };
    let scope = match random.below(4) {
        0 => reference(random),
        1 => "tenant acme, globex".to_owned(),
        _ => "global".to_owned(),
    };
    let name = name(random);
    if random.below(2) == 0 {
        let mode = random.pick(&["block", "warn", "audit", "blok"]);
        return format!("{private}rule {name} {{ type safety enforce {mode} scope {scope} {extra} }}");
    }
    let ty = random.pick(&["runs_daily", "a_daily", "b_hourly", "tokens_daily"]);
    let more = match random.below(5) {
        0 => "warn at 50%".to_owned(),
        1 => format!("when rule {}", reference(random)),
        _ => String::new(),
    };
    let bound = random.pick(&["5", "10", "x", "x * 50%"]);
    format!(
        "{private}limit {name} {{ type {ty} at most {bound} enforce block scope {scope} {extra} {more} }}"
    )
}

fn apply(random: &mut Random) -> String {
    let (template, alias) = (reference(random), name(random));
    let arguments =
        random.pick(&["", "x = 4", "x = 5", "x = 5, x = 5", "y = 5", "c = run.attended", "x = 4, c = d > 3"]);
    let alias = if random.below(2) == 0 { format!(" as {alias}") } else { String::new() };
    format!("apply {template}({arguments}){alias}")
}

fn item(random: &mut Random) -> String {
    let private = random.pick(&["", "", "", "private "]);
    let name = name(random);
    match random.below(14) {
        0 => {
            let ty =
                random.pick(&["bool", "int in 0..9", "int", "set of string", "string optional", "nonsense"]);
            format!("{private}fact {name} : {ty}")
        }
        1 => format!("{private}meter {name} : {}", random.pick(&["count", "duration", "money USD", "int"])),
        2 => format!("{private}let {name} = {}", condition(random)),
        3 => format!(
            "{private}let {name} = {}",
            random.pick(&["tenant acme", "{ \"x\" }", "a", "global except b"])
        ),
        4 => {
            let parameters =
                random.pick(&["", "x: int = 2", "x: int", "x: int = 2, c: condition = true", "x: nonsense"]);
            let inner: Vec<String> = (0..random.below(3))
                .map(|_| if random.below(4) == 0 { apply(random) } else { policy(random) })
                .collect();
            format!("{private}template {name}({parameters}) {{\n  {}\n}}", inner.join("\n  "))
        }
        5 | 6 => apply(random),
        7 => {
            let given = random.pick(&["a = true", "run.risk = 0.7", "tool.name = \"x\""]);
            let local = if random.below(3) == 0 { apply(random) } else { String::new() };
            format!(
                "test \"{name}\" {{ {local} given {given} expect {} not by {} }}",
                random.pick(&["block", "allow", "warn"]),
                reference(random)
            )
        }
        8 => format!("require coverage safety for {}", condition(random)),
        9 => format!(
            "allow scope-overlap between {} and {} because \"so\"",
            reference(random),
            reference(random)
        ),
        10 => random.pick(&["rule", "let x = (", "}", "// a comment\n", "\n\n"]).to_owned(),
        _ => policy(random),
    }
}

fn header(random: &mut Random) -> Vec<String> {
    let mut lines = vec![];
    if random.below(4) > 0 {
        lines.push(format!("package {}", random.pick(&PACKAGES)));
    }
    if random.below(3) > 0 {
        lines.push("use std.facts.*".to_owned());
    }
    for _ in 0..random.below(3) {
        let package = random.pick(&PACKAGES);
        lines.push(match random.below(5) {
            0 => format!("use {package}.{}", name(random)),
            1 => format!("use {package}.{} as {}", name(random), name(random)),
            2 => format!("use {package} as z"),
            _ => format!("use {package}.*"),
        });
    }
    lines
}

/// A file as its lines and items.
type Text = Vec<String>;

fn text(random: &mut Random) -> Text {
    let mut lines = header(random);
    lines.extend((0..random.below(6)).map(|_| item(random)));
    lines
}

/// Files of a workspace and of one that it depends on, as they should be.
#[derive(Default)]
struct Wanted {
    files: [BTreeMap<String, Text>; 2],
    config: usize,
    depends: bool,
}

fn joined(text: &Text) -> String {
    text.join("\n") + "\n"
}

fn config(variant: usize) -> Config {
    let mut config = Config::named("w");
    match variant {
        1 => {
            config.settings.severity.insert(ConflictType::ScopeOverlap, ConflictSeverity::Blocking);
        }
        2 => config.name = "std".to_owned(),
        _ => {}
    }
    config
}

/// A database with the two workspaces in it.
struct Opened {
    db: Database,
    main: Workspace,
    library: Workspace,
}

impl Opened {
    fn new() -> Self {
        let db = Database::default();
        let main = Workspace::of(&db, config(0), []);
        let library = Workspace::of(&db, Config::named("library"), []);
        Self { db, main, library }
    }

    /// Makes everything as it is wanted, touching what differs.
    fn bring(&mut self, wanted: &Wanted) {
        for (workspace, files) in [(self.main, &wanted.files[0]), (self.library, &wanted.files[1])] {
            let texts = files.iter().map(|(path, text)| (path.clone(), joined(text))).collect();
            workspace.set_texts(&mut self.db, &texts);
        }
        if *self.main.config(&self.db) != config(wanted.config) {
            self.main.set_config(&mut self.db).to(config(wanted.config));
        }
        let span = ordain_ir::Span::default();
        let workspace = self.library;
        let dependency = ordain_compiler::Dependency { written: "../library".to_owned(), span, workspace };
        let dependencies: Vec<_> = Some(dependency).filter(|_| wanted.depends).into_iter().collect();
        if self.main.dependencies(&self.db) != dependencies {
            self.main.set_dependencies(&mut self.db).to(dependencies);
        }
    }

    fn ask(&self) -> (Compiled, Vec<std::sync::Arc<TestCase>>) {
        (compile(&self.db, self.main), tests(&self.db, self.main).clone())
    }
}

fn edit(random: &mut Random, wanted: &mut Wanted) -> String {
    let which = usize::from(random.below(4) == 0);
    let paths: Vec<String> = match which {
        0 => PATHS.iter().map(|path| (*path).to_owned()).collect(),
        // Files of the library lie elsewhere.
        _ => PATHS[..2].iter().map(|path| format!("../library/{path}")).collect(),
    };
    let path = paths[random.below(paths.len())].clone();
    let kind = random.below(20);
    match kind {
        0 => {
            wanted.config = random.below(3);
            return format!("config {}", wanted.config);
        }
        1 => {
            wanted.depends = !wanted.depends;
            return format!("depends {}", wanted.depends);
        }
        2 => {
            wanted.files[which].remove(&path);
            return format!("remove {path}");
        }
        _ => {}
    }
    let file = wanted.files[which].entry(path.clone());
    let existed = matches!(file, std::collections::btree_map::Entry::Occupied(_));
    let text = file.or_insert_with(|| text(random));
    if !existed || text.is_empty() {
        return format!("add {path}");
    }
    let at = random.below(text.len());
    match kind {
        3 => *text = self::text(random),
        4 => {
            let uses =
                text.iter().take_while(|line| line.starts_with("use") || line.starts_with("package")).count();
            text.splice(..uses, header(random));
        }
        5 | 6 => drop(text.remove(at)),
        7 => text.insert(at, String::new()),
        8 => text.insert(at, "// something else".to_owned()),
        9 => {
            let other = random.below(text.len());
            text.swap(at, other);
        }
        10 => {
            // Somebody is still typing.
            let cut = random.below(text[at].len() + 1);
            let cut = (0..=cut).rev().find(|cut| text[at].is_char_boundary(*cut)).unwrap_or(0);
            text[at].truncate(cut);
        }
        11..=13 => text.insert(at, item(random)),
        _ => text[at] = item(random),
    }
    format!("edit {path}")
}

/// How many edits to try: the environment's word, or a few hundred.
fn count() -> usize {
    std::env::var("ORDAIN_EDITS").ok().and_then(|text| text.parse().ok()).unwrap_or(200)
}

/// Says which files there are, for a failure's sake.
fn listed(wanted: &Wanted) -> String {
    let all = wanted.files.iter().flatten();
    all.map(|(path, text)| format!("--- {path}\n{}", joined(text))).collect()
}

#[test]
fn edits_end_where_a_fresh_start_does() {
    let seed = std::env::var("ORDAIN_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(7);
    let mut random = Random(seed);
    let mut wanted = Wanted::default();
    let mut edited = Opened::new();
    let (mut cut, mut policies, mut cases, mut findings) = (0, 0, 0, 0);
    for step in 0..count() {
        // From time to time a new beginning, lest everything clashes with everything.
        if step % 60 == 59 {
            wanted = Wanted::default();
        }
        let mut what = edit(&mut random, &mut wanted);
        // Another thread asks while the edit comes; whatever it has computed by then may stay.
        let other = edited.db.clone();
        let main = edited.main;
        let patience = random.below(400);
        std::thread::scope(|scope| {
            let reader = scope.spawn(move || {
                let asked = salsa::Cancelled::catch(AssertUnwindSafe(|| {
                    compile(&other, main);
                    tests(&other, main);
                }));
                drop(other);
                asked.is_err()
            });
            for _ in 0..patience {
                std::hint::spin_loop();
            }
            edited.bring(&wanted);
            if random.below(3) == 0 {
                what.push_str(", then ");
                what.push_str(&edit(&mut random, &mut wanted));
                edited.bring(&wanted);
            }
            cut += usize::from(reader.join().expect("the reader is only ever cancelled"));
        });
        let (now, now_tests) = edited.ask();
        let mut fresh = Opened::new();
        fresh.bring(&wanted);
        let (cold, cold_tests) = fresh.ask();
        let context = || format!("seed {seed}, step {step}: {what}\n{}", listed(&wanted));
        assert_eq!(now.diagnostics, cold.diagnostics, "{}", context());
        assert_eq!(now.policies, cold.policies, "{}", context());
        assert_eq!(now.source_map, cold.source_map, "{}", context());
        assert_eq!(now.dependencies, cold.dependencies, "{}", context());
        assert_eq!(now_tests, cold_tests, "{}", context());
        assert_eq!(now.policies.len(), now.source_map.len(), "{}", context());
        policies += now.policies.len();
        cases += now_tests.len();
        findings += now.diagnostics.len();
    }
    println!("{policies} policies, {cases} tests, {findings} findings; {cut} questions cut short");
    // The test would be no test if nothing ever compiled.
    assert!(policies > count() / 2 && cases > 0 && findings > count());
}
