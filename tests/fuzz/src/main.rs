//! `fuzz`: tries random texts, and keeps what fails, small. `cargo xtask fuzz` starts it.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a tool for developers talks to its terminal")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use ordain_fuzz::Target;
use ordain_fuzz::drive::{Driver, try_file, try_texts};
use ordain_fuzz::mutate::Corpus;
use ordain_fuzz::shrink::shrink;

const USAGE: &str = "\
usage: fuzz [--inputs N | --seconds N] [--seed N] [--target parse|format|compile]
       fuzz --reproduce FILE

  --inputs N         so many texts for each target; 2000 if nothing else is said
  --seconds N        for so long, shared by the targets
  --seed N           other texts; 1 if nothing else is said
  --target NAME      only this one
  --reproduce FILE   try one text, which was kept when it failed, again
  --patience N       seconds that one text may take; 60 if nothing else is said
";
/// How often a text is tried to make it small.
const TRIES: usize = 400;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match arguments.as_slice() {
        ["child", target, seed, first, end] => child(target, seed, first, end),
        ["check", target, file] => named(target).and_then(|target| try_file(target, Path::new(file))),
        arguments => return parent(arguments),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

fn named(name: &str) -> Result<Target, String> {
    Target::named(name).ok_or_else(|| format!("there is no target `{name}`"))
}

fn number(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("`{text}` is no number"))
}

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

fn child(target: &str, seed: &str, first: &str, end: &str) -> Result<(), String> {
    let corpus = Corpus::of_repository(root()).map_err(|error| format!("cannot read the corpus: {error}"))?;
    try_texts(&corpus, named(target)?, number(seed)?, number(first)?..number(end)?)
}

/// What was asked for.
struct Asked {
    inputs: Option<u64>,
    seconds: Option<u64>,
    seed: u64,
    targets: Vec<Target>,
    reproduce: Option<PathBuf>,
    patience: Duration,
}

fn asked(arguments: &[&str]) -> Result<Asked, String> {
    let (inputs, seconds, targets) = (None, None, Target::ALL.to_vec());
    let patience = Duration::from_mins(1);
    let mut asked = Asked { inputs, seconds, seed: 1, targets, reproduce: None, patience };
    let mut rest = arguments.iter();
    while let Some(name) = rest.next() {
        let value = rest.next().ok_or_else(|| format!("`{name}` wants a value"));
        match *name {
            "--inputs" => asked.inputs = Some(number(value?)?),
            "--seconds" => asked.seconds = Some(number(value?)?),
            "--seed" => asked.seed = number(value?)?,
            "--target" => asked.targets = vec![named(value?)?],
            "--reproduce" => asked.reproduce = Some(value?.into()),
            "--patience" => asked.patience = Duration::from_secs(number(value?)?),
            _ => return Err(format!("there is no `{name}`")),
        }
    }
    Ok(asked)
}

fn parent(arguments: &[&str]) -> ExitCode {
    if arguments.contains(&"--help") {
        print!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    let asked = match asked(arguments) {
        Ok(asked) => asked,
        Err(why) => {
            eprintln!("error: {why}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match run(&asked) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

fn run(asked: &Asked) -> std::io::Result<bool> {
    let program = std::env::current_exe()?;
    let driver = |target| Driver { program: &program, target, patience: asked.patience };
    if let Some(file) = &asked.reproduce {
        let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let of_name = Target::named(name.split('-').next().unwrap_or_default());
        let targets = of_name.map_or_else(|| asked.targets.clone(), |target| vec![target]);
        let mut well = true;
        for target in targets {
            let failure = driver(target).try_one(file)?;
            well &= failure.is_none();
            println!("{}: {}", target.name(), failure.as_deref().unwrap_or("nothing is wrong with it"));
        }
        return Ok(well);
    }
    let share = asked
        .seconds
        .map(|seconds| Duration::from_secs(seconds) / u32::try_from(asked.targets.len()).unwrap_or(1));
    let inputs = asked.inputs.unwrap_or(if share.is_some() { u64::MAX } else { 2_000 });
    let mut well = true;
    for target in &asked.targets {
        well &= try_target(&driver(*target), asked.seed, inputs, share)?;
    }
    Ok(well)
}

/// Tries a target, to the end whatever fails on the way.
fn try_target(driver: &Driver<'_>, seed: u64, inputs: u64, share: Option<Duration>) -> std::io::Result<bool> {
    let (start, target) = (Instant::now(), driver.target.name());
    let until = share.map(|share| start + share);
    let (mut next, mut texts, mut failures) = (0, 0, 0);
    while next < inputs && until.is_none_or(|until| Instant::now() < until) {
        let tried = driver.try_all(seed, next..inputs, until)?;
        texts += tried.texts;
        let Some((number, why)) = tried.failure else { break };
        failures += 1;
        keep(driver, seed, number, &why)?;
        next = number + 1;
        if failures == 5 {
            println!("{target}: five failures are enough");
            break;
        }
    }
    let told = if failures == 1 { "1 failure".to_owned() } else { format!("{failures} failures") };
    println!("{target}: {texts} texts of seed {seed} in {:.0} s, {told}", start.elapsed().as_secs_f64());
    Ok(failures == 0)
}

/// Makes a text that fails small, keeps it, and tells how to try it again.
fn keep(driver: &Driver<'_>, seed: u64, number: u64, why: &str) -> std::io::Result<()> {
    let target = driver.target.name();
    let folder = root().canonicalize()?.join("target/fuzz");
    fs::create_dir_all(&folder)?;
    let file = folder.join(format!("{target}-{seed}-{number}.ordain"));
    let text = Corpus::of_repository(root())?.text(seed, number);
    println!("{target}: text {number} of seed {seed} fails, {why}\n{target}: it is being made small …");
    let trial = folder.join("trial.ordain");
    let small = shrink(&text, TRIES, &mut |text| {
        let tried = fs::write(&trial, text).and_then(|()| driver.try_one(&trial));
        tried.is_ok_and(|failure| failure.is_some())
    });
    fs::write(&file, small)?;
    let shown = file.strip_prefix(root().canonicalize()?).unwrap_or(&file).display().to_string();
    println!("{target}: kept; try it again with `cargo xtask fuzz --reproduce {shown}`");
    Ok(())
}
