//! `bench`: what is measured, by name.

use std::process::Command;

use crate::{
    failure::{Failure, Outcome},
    postgres::{self, Durability},
    process,
    repository::Repository,
    setup,
};

/// One measurement. Each part says what it measured and on which clock, and gives what matters most in its last line.
struct Bench {
    /// As one names it.
    name: &'static str,
    parts: &'static [Part],
    /// Whether it wants a PostgreSQL.
    postgres: bool,
    /// Whether it wants the second solver.
    second_solver: bool,
}

/// One program of a measurement.
struct Part {
    place: Place,
    /// Its arguments, and those with which it takes seconds.
    whole: &'static [&'static str],
    quick: &'static [&'static str],
}

/// Where a program stands.
enum Place {
    /// A bench target of a package.
    Target { package: &'static str, target: &'static str },
    /// One in a workspace of its own, in this folder, with this feature: what it needs is not for the product.
    Apart { folder: &'static str, binary: &'static str, feature: &'static str },
}

const BENCHES: [Bench; 5] = [
    Bench {
        name: "compiler",
        parts: &[Part {
            place: Place::Target { package: "ordain-tests", target: "compile" },
            whole: &["10000"],
            quick: &["1000"],
        }],
        postgres: false,
        second_solver: false,
    },
    Bench {
        name: "analyzer",
        parts: &[
            Part {
                place: Place::Target { package: "ordain-tests", target: "analyzer" },
                whole: &["1000", "10000", "100000"],
                quick: &["1000"],
            },
            Part {
                place: Place::Apart { folder: "tests/peers", binary: "analyzer", feature: "analyzers" },
                whole: &[],
                quick: &["--quick"],
            },
        ],
        postgres: false,
        second_solver: true,
    },
    Bench {
        name: "runtime",
        parts: &[Part {
            place: Place::Target { package: "ordain", target: "serving" },
            whole: &[],
            quick: &["--quick"],
        }],
        postgres: true,
        second_solver: false,
    },
    Bench {
        name: "panels",
        parts: &[Part {
            place: Place::Target { package: "ordain-runtime", target: "panels" },
            whole: &["1000000"],
            quick: &["100000"],
        }],
        postgres: true,
        second_solver: false,
    },
    Bench {
        name: "engine",
        parts: &[Part {
            place: Place::Apart { folder: "tests/peers", binary: "engine", feature: "engines" },
            whole: &[],
            quick: &["--quick"],
        }],
        postgres: false,
        second_solver: false,
    },
];

/// Builds in release and runs the benches that are named, or all; `--quick` runs them small. Their last lines come
/// once more at the end.
pub(crate) fn run(repository: &Repository, arguments: &[String]) -> Outcome {
    let (benches, quick) = chosen(arguments)?;
    if benches.iter().any(|bench| bench.second_solver) {
        setup::all(repository)?;
    } else {
        setup::run(repository)?;
    }
    let mut summaries = vec![];
    for bench in benches {
        println!("\n== {}", bench.name);
        for part in bench.parts {
            let mut command = program(repository, part)?;
            command.args(if quick { part.quick } else { part.whole });
            let mut printed = String::new();
            let mut measure = |database: postgres::Variable| {
                printed = process::tee(command.envs(database))?;
                Ok(())
            };
            if bench.postgres {
                postgres::with_database(repository, Durability::Real, measure)?;
            } else {
                measure(None)?;
            }
            let last = printed.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default();
            summaries.push((bench.name, last.to_owned()));
        }
    }
    println!();
    for (name, summary) in summaries {
        println!("{name}: {summary}");
    }
    Ok(())
}

/// What builds and runs a part of a bench; its arguments may follow.
fn program(repository: &Repository, part: &Part) -> Outcome<Command> {
    Ok(match part.place {
        Place::Target { package, target } => {
            repository.cargo(&["bench", "--package", package, "--bench", target, "--"])
        }
        Place::Apart { folder, binary, feature } => {
            let mut command = repository.cargo(&["run", "--release", "--bin", binary, "--features", feature]);
            command.arg("--manifest-path").arg(repository.root().join(folder).join("Cargo.toml"));
            // Within the product's target folder, beside which programs find Z3.
            command.arg("--target-dir").arg(repository.target()?.join("peers")).arg("--");
            command
        }
    })
}

/// The benches that are named, each once and in their own order, and whether they are to be quick.
fn chosen(arguments: &[String]) -> Outcome<(Vec<&'static Bench>, bool)> {
    let (options, names): (Vec<_>, Vec<_>) = arguments.iter().partition(|it| it.starts_with('-'));
    let known = || BENCHES.iter().map(|bench| bench.name).collect::<Vec<_>>().join("`, `");
    if let Some(option) = options.iter().find(|option| **option != "--quick") {
        return Err(Failure {
            message: format!("`bench` takes no option `{option}`, only `--quick`"),
            code: 2,
        });
    }
    if let Some(name) = names.iter().find(|name| BENCHES.iter().all(|bench| bench.name != **name)) {
        return Err(Failure { message: format!("there is no bench `{name}`, only `{}`", known()), code: 2 });
    }
    let wanted = |bench: &&Bench| names.is_empty() || names.iter().any(|name| *name == bench.name);
    Ok((BENCHES.iter().filter(wanted).collect(), !options.is_empty()))
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs};

    use super::*;

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn benches_are_chosen_by_name() {
        let (all, quick) = chosen(&[]).unwrap();
        assert_eq!((all.len(), quick), (BENCHES.len(), false));
        let (one, quick) = chosen(&words(&["compiler", "--quick", "compiler"])).unwrap();
        assert_eq!(one.iter().map(|bench| bench.name).collect::<Vec<_>>(), ["compiler"]);
        assert!(quick);
        for wrong in ["--fast", "compilr"] {
            let failure = chosen(&words(&[wrong])).map(|_| ()).unwrap_err();
            assert!(failure.message.contains(&format!("`{wrong}`")) && failure.code == 2, "{failure}");
        }
    }

    #[test]
    fn every_bench_is_there_and_named_once() {
        let names: BTreeSet<&str> = BENCHES.iter().map(|bench| bench.name).collect();
        assert_eq!(names.len(), BENCHES.len());
        let root = Repository::find().unwrap().root().to_owned();
        for (name, place) in BENCHES.iter().flat_map(|it| it.parts.iter().map(|part| (it.name, &part.place)))
        {
            let named = |manifest: &str, line: &str| {
                let manifest = fs::read_to_string(root.join(manifest)).unwrap();
                assert!(manifest.contains(line), "{name}");
            };
            match place {
                Place::Target { package, target } => {
                    // The program's package has the product's own name.
                    let folder =
                        if *package == "ordain" { "cli" } else { package.trim_start_matches("ordain-") };
                    let manifest = format!("{folder}/Cargo.toml");
                    named(&manifest, &format!("name = \"{package}\""));
                    named(&manifest, &format!("[[bench]]\nname = \"{target}\""));
                }
                Place::Apart { folder, binary, feature } => {
                    let manifest = format!("{folder}/Cargo.toml");
                    named(&manifest, "[workspace]");
                    named(&manifest, &format!("[[bin]]\nname = \"{binary}\""));
                    named(&manifest, &format!("\n{feature} = ["));
                }
            }
        }
    }
}
