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

/// Few names of each kind, so that much refers to each other, clashes, and goes round in circles.
const FACTS: [&str; 3] = ["fa", "fb", "fc"];
const LETS: [&str; 4] = ["la", "lb", "lc", "lc"];
const SCOPES: [&str; 2] = ["sa", "sb"];
const METERS: [&str; 2] = ["ma", "mb"];
const TEMPLATES: [&str; 3] = ["ta", "tb", "ta"];
const APPLIED: [&str; 4] = ["xa", "xb", "ta", "tb"];
const RULES: [&str; 7] = ["ra", "rb", "rc", "rd", "re", "rf", "rg"];
const LIMITS: [&str; 5] = ["ka", "kb", "kc", "kd", "ke"];
const PACKAGES: [&str; 4] = ["p", "q", "p.ta", "library"];
const PATHS: [&str; 6] = ["a.ordain", "b.ordain", "p/c.ordain", "q/d.ordain", "x/y/e.ordain", "f.ordain"];

/// A name as somebody may write it: bare, of a package, under an alias, and sometimes one of another kind.
fn named(random: &mut Random, names: &[&str]) -> String {
    let name = match random.below(40) {
        0 => random.pick(&LETS),
        1 => random.pick(&TEMPLATES),
        _ => random.pick(names),
    };
    match random.below(24) {
        0 => format!("{}.{name}", random.pick(&PACKAGES)),
        1 => format!("z.{name}"),
        2..=5 => format!("p.{name}"),
        _ => name.to_owned(),
    }
}

/// The name of a rule or a limit, written or made.
fn policy_named(random: &mut Random, names: &[&str]) -> String {
    match random.below(6) {
        0 => format!("{}.warn", named(random, &LIMITS)),
        1 => format!("{}.{}", named(random, &APPLIED), random.pick(names)),
        _ => named(random, names),
    }
}

fn condition(random: &mut Random) -> String {
    match random.below(10) {
        0 => "tool.name ==".to_owned(),
        1 => format!("{} > {}", named(random, &FACTS), random.below(9)),
        2 => format!("{} and not {}", named(random, &LETS), named(random, &LETS)),
        3 => format!("tool.name in {}", named(random, &SCOPES)),
        4 => format!("has {0} and {0}", named(random, &FACTS)),
        5 | 6 => named(random, &LETS),
        7 => "true".to_owned(),
        _ => format!("run.risk > 0.{}", random.below(9)),
    }
}

fn policy(random: &mut Random, inside: bool) -> String {
    let private = random.pick(&["", "", "", "", "private "]);
    let scope = match random.below(5) {
        0 => named(random, &SCOPES),
        1 | 2 => "tenant acme, globex".to_owned(),
        _ => "global".to_owned(),
    };
    let when = if random.below(3) == 0 { format!("when {}", condition(random)) } else { String::new() };
    if random.below(2) == 0 {
        let mode = random.pick(&["block", "warn", "audit", "audit", "blok"]);
        let extra = match random.below(5) {
            0 => format!("depends on {}", policy_named(random, &LIMITS)),
            1 => format!("overrides {}", policy_named(random, &RULES)),
            _ => String::new(),
        };
        let name = random.pick(&RULES);
        return format!("{private}rule {name} {{ type safety enforce {mode} scope {scope} {when} {extra} }}");
    }
    let ty = random.pick(&["runs_daily", "ma_daily", "mb_hourly", "tokens_daily", "runs_hourly"]);
    let more = match random.below(6) {
        0 | 1 => "warn at 50%".to_owned(),
        2 => format!("overrides {}", policy_named(random, &LIMITS)),
        3 if when.is_empty() => format!("when rule {}", policy_named(random, &RULES)),
        _ => String::new(),
    };
    let bound = if inside { random.pick(&["6", "x", "x * 50%"]) } else { random.pick(&["6", "10", "4"]) };
    let name = random.pick(&LIMITS);
    format!("{private}limit {name} {{ type {ty} at most {bound} enforce block scope {scope} {when} {more} }}")
}

fn apply(random: &mut Random) -> String {
    let (template, alias) = (named(random, &TEMPLATES), random.pick(&APPLIED));
    let arguments =
        random.pick(&["", "", "x = 4", "x = 5", "x = 5, x = 5", "y = 5", "c = la", "x = 4, c = fa > 3"]);
    let alias = if random.below(2) == 0 { format!(" as {alias}") } else { String::new() };
    format!("apply {template}({arguments}){alias}")
}

fn item(random: &mut Random) -> String {
    let private = random.pick(&["", "", "", "private "]);
    match random.below(18) {
        0 => {
            let ty = random.pick(&[
                "int in 0..9",
                "int in 0..9",
                "int in 0..9",
                "int",
                "string optional",
                "nonsense",
            ]);
            format!("{private}fact {} : {ty}", random.pick(&FACTS))
        }
        1 => {
            let unit = random.pick(&["count", "count", "count", "duration", "int"]);
            format!("{private}meter {} : {unit}", random.pick(&METERS))
        }
        2 | 3 => format!("{private}let {} = {}", random.pick(&LETS), condition(random)),
        4 => {
            let value =
                random.pick(&["tenant acme", "tenant globex", "{ \"x\" }", "sa", "global except tenant b"]);
            format!("{private}let {} = {value}", random.pick(&SCOPES))
        }
        5 | 6 => {
            let parameters = random.pick(&[
                "x: int = 2",
                "x: int = 2, c: condition = true",
                "x: int",
                "x: int = 4, whom: scope = sa",
                "x: nonsense",
            ]);
            let inner: Vec<String> = (0..random.below(4))
                .map(|_| if random.below(4) == 0 { apply(random) } else { policy(random, true) })
                .collect();
            format!(
                "{private}template {}({parameters}) {{\n  {}\n}}",
                random.pick(&TEMPLATES),
                inner.join("\n  ")
            )
        }
        7 | 8 => apply(random),
        9 | 10 => {
            let given = random.pick(&["run.risk = 0.7", "run.risk = 0.7", "tool.name = \"x\"", "fa = 3"]);
            let local = if random.below(4) == 0 { apply(random) } else { String::new() };
            format!(
                "test \"{}\" {{ {local} given {given} expect {} not by {} }}",
                random.pick(&RULES),
                random.pick(&["block", "allow", "warn"]),
                policy_named(random, &RULES)
            )
        }
        11 => format!("require coverage safety for {}", condition(random)),
        12 => {
            let (one, two) = (policy_named(random, &RULES), policy_named(random, &RULES));
            format!("allow scope-overlap between {one} and {two} because \"so\"")
        }
        13 if random.below(2) == 0 => {
            random.pick(&["rule", "let x = (", "}", "// a comment\n", "\n\n"]).to_owned()
        }
        _ => policy(random, false),
    }
}

fn header(random: &mut Random) -> Vec<String> {
    let mut lines = vec![];
    if random.below(4) > 0 {
        lines.push(format!("package {}", random.pick(&["q", "q", "r", "p", "p.ta"])));
    }
    lines.push(
        random
            .pick(&["use std.facts.*", "use std.facts.*", "use std.facts.*", "use std.facts as z"])
            .to_owned(),
    );
    if random.below(3) > 0 {
        lines.push("use p.*".to_owned());
    }
    for _ in 0..random.below(2) {
        let package = random.pick(&PACKAGES);
        let all = [&FACTS[..], &LETS, &SCOPES, &METERS, &TEMPLATES, &APPLIED, &RULES, &LIMITS].concat();
        let (one, two) = (random.pick(&all), random.pick(&all));
        lines.push(match random.below(6) {
            0 => format!("use {package}.{one}"),
            1 => format!("use {package}.{one} as {two}"),
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
    lines.extend((0..random.below(7)).map(|_| item(random)));
    lines
}

/// Files of a workspace and of one that it depends on, as they should be.
struct Wanted {
    files: [BTreeMap<String, Text>; 2],
    config: usize,
    depends: bool,
}

impl Wanted {
    /// A file that declares something of every kind, for others to refer to.
    fn new() -> Self {
        let ground = [
            "package p",
            "use std.facts.*",
            "fact fa : int in 0..9\nfact fb : int\nfact fc : string optional",
            "meter ma : count\nmeter mb : count",
            "let la = fa > 3\nlet lb = la and run.risk > 0.5\nlet lc = true",
            "let sa = tenant acme\nlet sb = sa",
            "rule ra { type safety enforce audit scope sa when lb }",
            "limit ka { type ma_daily at most 8 enforce block scope sb warn at 50% }",
            "template ta(x: int = 2) { limit ka { type runs_daily at most x enforce block scope global warn at 50% } }",
            "template tb(x: int = 4) { apply ta(x = x) as xb\n rule rb { type safety enforce audit scope sa when lc } }",
            "apply tb() as xa",
        ];
        let ground = ground.map(str::to_owned).to_vec();
        Self {
            files: [BTreeMap::from([(PATHS[0].to_owned(), ground)]), BTreeMap::new()],
            config: 0,
            depends: true,
        }
    }
}

fn joined(text: &Text) -> String {
    text.join("\n") + "\n"
}

fn config(variant: usize) -> Config {
    let mut config = Config::named("w");
    if variant == 1 {
        config.settings.severity.insert(ConflictType::ScopeOverlap, ConflictSeverity::Blocking);
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
            wanted.config = random.below(2);
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

/// How many edits to try: the environment's word, or a hundred and some.
fn count() -> usize {
    std::env::var("ORDAIN_EDITS").ok().and_then(|text| text.parse().ok()).unwrap_or(120)
}

/// Says which files there are, for a failure's sake.
fn listed(wanted: &Wanted) -> String {
    let all = wanted.files.iter().flatten();
    all.map(|(path, text)| format!("--- {path}\n{}", joined(text))).collect::<Vec<_>>().concat()
}

#[test]
fn edits_end_where_a_fresh_start_does() {
    let seed = std::env::var("ORDAIN_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(7);
    let mut random = Random(seed);
    let mut wanted = Wanted::new();
    let mut edited = Opened::new();
    let (mut cut, mut policies, mut cases, mut findings) = (0, 0, 0, 0);
    for step in 0..count() {
        // From time to time a new beginning, lest everything clashes with everything.
        if step % 40 == 39 {
            wanted = Wanted::new();
        }
        let mut what = edit(&mut random, &mut wanted);
        // Another thread asks while the edit comes; whatever it has computed by then may stay.
        let other = edited.db.clone();
        let main = edited.main;
        let most = random.below(21);
        let patience = random.below(1 << most);
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
        assert_eq!(now.policies.len(), now.source_map.iter().count(), "{}", context());
        policies += now.policies.len();
        cases += now_tests.len();
        findings += now.diagnostics.len();
    }
    println!("{policies} policies, {cases} tests, {findings} findings; {cut} questions cut short");
    // The test would be no test if nothing ever compiled.
    assert!(policies > 2 * count() && cases > count() / 20 && findings > count());
}
