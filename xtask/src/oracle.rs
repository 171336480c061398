//! `oracle`: the long forms of tests that hold the product against something that shares no code with it.

use crate::{
    failure::{Failure, Outcome},
    postgres::{self, Durability},
    process,
    repository::Repository,
    schemathesis, setup,
};

/// A test with a second opinion. It says in its last lines how much it compared, and a failure names its seed.
struct Oracle {
    /// As one names it; several may be meant by one name.
    name: &'static str,
    package: &'static str,
    /// Its folder.
    folder: &'static str,
    /// The test target of the package, or the name that its unit tests begin with.
    target: Target,
    /// Environment variables with the number of cases and the first seed.
    cases: &'static str,
    seed: &'static str,
    /// How many cases the long form tries where none are asked for.
    whole: u64,
    /// The same for the quick form.
    quick: u64,
    /// Whether it works on a database, so that it wants a PostgreSQL, and a faster build would gain little.
    postgres: bool,
}

/// Where an oracle is.
#[derive(Clone, Copy)]
enum Target {
    /// A test target of the package.
    Test(&'static str),
    /// Unit tests of the package, by a part of their names.
    Unit(&'static str),
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Test(name) | Self::Unit(name) => f.write_str(name),
        }
    }
}

const ORACLES: [Oracle; 10] =
    [ENGINE, WORKSPACES, LINTS, ARITHMETIC, QUESTIONS, SESSIONS, DIFFERENCES, ADMISSION, KILLS, HTTP];

const ENGINE: Oracle = Oracle {
    name: "engine",
    package: "ordain-tests",
    folder: "tests",
    target: Target::Test("engine_reference"),
    cases: "ORDAIN_ENGINE_CASES",
    seed: "ORDAIN_ENGINE_SEED",
    whole: 200_000,
    quick: 2_000,
    postgres: false,
};

/// Random workspaces against enumeration.
const WORKSPACES: Oracle = Oracle {
    name: "analyzer",
    package: "ordain-tests",
    folder: "tests",
    target: Target::Test("conflict_oracle"),
    cases: "ORDAIN_ORACLE_CASES",
    seed: "ORDAIN_ORACLE_SEED",
    whole: 100_000,
    quick: 1_000,
    postgres: false,
};

/// The lints of random workspaces against enumeration.
const LINTS: Oracle = Oracle { target: Target::Test("lint_oracle"), ..WORKSPACES };

/// Sets of limits against histories of usage, and their calendars against clocks.
const ARITHMETIC: Oracle = Oracle {
    package: "ordain-analyzer",
    folder: "analyzer",
    target: Target::Unit("empty::tests"),
    whole: 3_000,
    quick: 200,
    ..WORKSPACES
};

/// What a change makes tighter and looser, against enumeration.
const DIFFERENCES: Oracle =
    Oracle { target: Target::Test("diff_oracle"), whole: 10_000, quick: 200, ..WORKSPACES };

/// Random questions against a second solver.
const QUESTIONS: Oracle = Oracle {
    name: "analyzer",
    package: "ordain-tests",
    folder: "tests",
    target: Target::Test("second_solver"),
    cases: "ORDAIN_SOLVER_CASES",
    seed: "ORDAIN_ORACLE_SEED",
    whole: 10_000,
    quick: 100,
    postgres: false,
};

/// Analyses after random edits against first analyses.
const SESSIONS: Oracle = Oracle {
    name: "analyzer",
    package: "ordain-tests",
    folder: "tests",
    target: Target::Test("session_oracle"),
    cases: "ORDAIN_SESSION_CASES",
    seed: "ORDAIN_SESSION_SEED",
    whole: 5_000,
    quick: 50,
    postgres: false,
};

/// Servers on one database against a cap, and against the ledger in memory.
const ADMISSION: Oracle = Oracle {
    name: "runtime",
    package: "ordain-runtime",
    folder: "runtime",
    target: Target::Test("admission"),
    cases: "ORDAIN_ADMISSION_CASES",
    seed: "ORDAIN_ADMISSION_SEED",
    whole: 300,
    quick: 6,
    postgres: true,
};

/// A server that is killed while it counts.
const KILLS: Oracle = Oracle {
    name: "runtime",
    package: "ordain",
    folder: "cli",
    target: Target::Test("durability"),
    cases: "ORDAIN_KILL_CASES",
    seed: "ORDAIN_KILL_SEED",
    whole: 200,
    quick: 5,
    postgres: true,
};

/// Requests made out of the OpenAPI document; a case is a request of each operation.
const HTTP: Oracle = Oracle {
    name: "http",
    package: "ordain",
    folder: "cli",
    target: Target::Test("openapi"),
    cases: "ORDAIN_HTTP_CASES",
    seed: "ORDAIN_HTTP_SEED",
    whole: 100,
    quick: 3,
    postgres: true,
};

/// What is to be run.
#[derive(Debug)]
struct Chosen {
    oracles: Vec<&'static Oracle>,
    cases: Option<u64>,
    seed: u64,
    quick: bool,
}

impl std::fmt::Debug for Oracle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// Runs the oracles that are named, or all: `--cases N` of them, or few with `--quick`, from `--seed S`.
pub(crate) fn run(repository: &Repository, arguments: &[String]) -> Outcome {
    let Chosen { oracles, cases, seed, quick } = chosen(arguments)?;
    setup::all(repository)?;
    for oracle in oracles {
        let cases = cases.unwrap_or(if quick { oracle.quick } else { oracle.whole });
        println!("\n== {}, {}/{}: {cases} cases from seed {seed}", oracle.name, oracle.folder, oracle.target);
        let mut command = repository.cargo(&["test", "--package", oracle.package]);
        if !oracle.postgres {
            command.arg("--release");
        }
        match oracle.target {
            Target::Test(name) => command.args(["--test", name, "--", "--nocapture"]),
            Target::Unit(name) => command.args(["--lib", "--", "--nocapture", name]),
        };
        command.env(oracle.cases, cases.to_string()).env(oracle.seed, seed.to_string());
        if oracle.name == HTTP.name {
            command.env("ORDAIN_SCHEMATHESIS", schemathesis::program(repository)?);
        }
        if oracle.postgres {
            postgres::with_database(repository, Durability::None, |database| {
                process::run(command.envs(database))
            })?;
        } else {
            process::run(&mut command)?;
        }
    }
    Ok(())
}

fn chosen(arguments: &[String]) -> Outcome<Chosen> {
    let refuse = |message: String| Failure { message, code: 2 };
    let mut chosen = Chosen { oracles: vec![], cases: None, seed: 0, quick: false };
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        let mut number = || {
            let text = words.next().ok_or_else(|| refuse(format!("`{word}` wants a number")))?;
            text.replace('_', "")
                .parse()
                .map_err(|_| refuse(format!("`{word}` wants a number, not `{text}`")))
        };
        match word.as_str() {
            "--cases" => chosen.cases = Some(number()?),
            "--seed" => chosen.seed = number()?,
            "--quick" => chosen.quick = true,
            name => {
                let before = chosen.oracles.len();
                chosen.oracles.extend(ORACLES.iter().filter(|oracle| oracle.name == name));
                if chosen.oracles.len() == before {
                    let mut known: Vec<&str> = ORACLES.iter().map(|oracle| oracle.name).collect();
                    known.dedup();
                    let known = known.join("`, `");
                    return Err(refuse(format!(
                        "there is no oracle `{name}`, only `{known}`; options are `--cases`, `--seed` and `--quick`"
                    )));
                }
            }
        }
    }
    if chosen.oracles.is_empty() {
        chosen.oracles.extend(&ORACLES);
    }
    Ok(chosen)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn oracles_are_chosen_by_name_with_cases_and_a_seed() {
        let all = chosen(&[]).unwrap();
        assert_eq!((all.oracles.len(), all.cases, all.seed), (ORACLES.len(), None, 0));
        let one = chosen(&words("engine --cases 1_000 --seed 7")).unwrap();
        assert_eq!((one.oracles.len(), one.cases, one.seed), (1, Some(1_000), 7));
        assert!(chosen(&words("http --quick")).unwrap().quick);
        assert_eq!(chosen(&words("analyzer")).unwrap().oracles.len(), 6);
        for (wrong, told) in
            [("engin", "no oracle `engin`"), ("--cases", "`--cases` wants a number"), ("--seed x", "not `x`")]
        {
            let failure = chosen(&words(wrong)).unwrap_err();
            assert!(failure.message.contains(told) && failure.code == 2, "{failure}");
        }
    }

    #[test]
    fn every_oracle_is_there_and_reads_its_variables() {
        let root = Repository::find().unwrap().root().to_owned();
        for oracle in &ORACLES {
            let folder = root.join(oracle.folder);
            // One file, or the files of a folder.
            let within = match oracle.target {
                Target::Test(name) => folder.join("tests").join(name),
                Target::Unit(name) => folder.join("src").join(name.replace("::", "/")),
            };
            let mut files = vec![within.with_extension("rs")];
            let parts = fs::read_dir(within);
            files.extend(parts.into_iter().flatten().map(|entry| entry.unwrap().path()));
            let test: String = files.iter().filter_map(|file| fs::read_to_string(file).ok()).collect();
            assert!(test.contains(oracle.cases) && test.contains(oracle.seed), "{}", oracle.name);
        }
    }
}
