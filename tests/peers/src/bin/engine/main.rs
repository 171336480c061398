//! The same rules and requests through Ordain and other policy engines: `cargo xtask bench engine [--quick]`.
//!
//! Every engine and size runs in a process of its own, so that memory is its own. Before anything is timed, each of 256
//! requests is decided and compared with what has to come out. Then decisions are timed in stretches of sixteen
//! different requests; p50 and p99 are over the stretches, for one decision.

mod engines;
mod threads;
mod work;

use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use engines::{ENGINES, Engine, Loaded, Said};
use ordain_peers::clock::Processor;
use work::{REQUESTS, Shape, expected, requests, rules};

const STRETCH: usize = 16;

/// What came of one engine with one number of rules.
struct Row {
    mismatches: usize,
    p50: f64,
    p99: f64,
    load: f64,
    memory: f64,
}

/// Mebibytes of memory that are resident now.
fn resident() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or("0 kB");
    line.trim().trim_end_matches("kB").trim().parse::<f64>().unwrap_or(0.0) / 1024.0
}

fn mismatches(loaded: &mut dyn Loaded, wanted: &[Vec<String>]) -> usize {
    let right = |said: Said, wanted: &Vec<String>| match said {
        Said::Names(names) => names == *wanted,
        Said::Denied(denied) => denied != wanted.is_empty(),
    };
    wanted.iter().enumerate().filter(|(number, wanted)| !right(loaded.said(*number), wanted)).count()
}

fn percentiles(loaded: &mut dyn Loaded, budget: Duration) -> (f64, f64) {
    let (begin, mut times, mut sum, mut at) = (Instant::now(), vec![], 0_usize, 0);
    while times.len() < 64 || begin.elapsed() < budget {
        let start = Processor::now();
        for _ in 0..STRETCH {
            sum = sum.wrapping_add(loaded.decide(at % REQUESTS));
            at += 1;
        }
        times.push(start.elapsed().as_nanos() as f64 / STRETCH as f64 / 1000.0);
        // Slow engines get three times what was planned.
        if begin.elapsed() > budget * 3 {
            break;
        }
    }
    std::hint::black_box(sum);
    times.sort_by(f64::total_cmp);
    (times[times.len() / 2], times[times.len() * 99 / 100])
}

/// One engine in this process; its row on standard output.
fn child(engine: &Engine, count: usize, shape: Shape, budget: Duration) {
    let (rules, requests) = (rules(count, shape), requests(count, shape));
    let wanted = expected(&rules, &requests, shape);
    let before = resident();
    let (mut loaded, load) = (engine.load)(&rules, &requests, shape);
    let memory = resident() - before;
    // The middle of three: on a busy machine one alone says little.
    let mut loads =
        [load, (engine.load)(&rules, &requests, shape).1, (engine.load)(&rules, &requests, shape).1];
    loads.sort();
    let load = loads[1];
    let wrong = mismatches(&mut *loaded, &wanted);
    let (p50, p99) = percentiles(&mut *loaded, budget);
    println!("{wrong} {p50} {p99} {} {memory}", load.as_secs_f64() * 1000.0);
}

fn measure(engine: &Engine, count: usize, shape: Shape, budget: Duration) -> Result<Row, String> {
    let own = std::env::current_exe().map_err(|error| error.to_string())?;
    let output = Command::new(own)
        .args(["child", engine.name, &count.to_string(), shape.name(), &budget.as_millis().to_string()])
        .output()
        .map_err(|error| error.to_string())?;
    let text = String::from_utf8_lossy(&output.stdout);
    let numbers: Vec<f64> = text.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    match numbers[..] {
        [wrong, p50, p99, load, memory] => Ok(Row { mismatches: wrong as usize, p50, p99, load, memory }),
        _ => Err(String::from_utf8_lossy(&output.stderr).lines().take(3).collect::<Vec<_>>().join(" ")),
    }
}

fn arguments() -> Vec<String> {
    std::env::args().skip(1).collect()
}

fn main() -> ExitCode {
    let arguments = arguments();
    if let [child_word, name, count, shape, budget] = &arguments[..]
        && child_word == "child"
    {
        let engine = ENGINES.iter().find(|engine| engine.name == name).expect("a known engine");
        let shape = Shape::ALL.into_iter().find(|known| known.name() == shape).expect("a known shape");
        let budget = Duration::from_millis(budget.parse().expect("milliseconds"));
        child(engine, count.parse().expect("a number"), shape, budget);
        return ExitCode::SUCCESS;
    }
    let quick = arguments.iter().any(|word| word == "--quick");
    let only = arguments.iter().find(|word| !word.starts_with('-'));
    let budget = Duration::from_millis(if quick { 100 } else { 1_500 });
    let (mut wrong, mut failed, mut compared) = (0, 0, 0);
    // By shape and number of rules.
    let mut ours = [[0.0_f64; 4]; Shape::ALL.len()];
    println!(
        "one decision in µs (p50 / p99) and load in ms, both processor time of the thread; memory in MiB"
    );
    for shape in Shape::ALL {
        println!("\n{}", shape.name());
        println!(
            "{:<28} {:>6} {:>10} {:>10} {:>9} {:>8}  answers",
            "engine", "rules", "p50", "p99", "load", "memory"
        );
        let fits = |engine: &&Engine| {
            let able = match shape {
                Shape::Facts => true,
                Shape::Windows => engine.windows,
                Shape::Patterns | Shape::Parts => engine.patterns,
                Shape::Limits => engine.limits,
            };
            able && only.is_none_or(|only| engine.name.contains(only.as_str()))
        };
        for engine in ENGINES.iter().filter(fits) {
            for (place, count) in [10, 100, 1_000, 10_000].into_iter().enumerate() {
                // What is slow with many rules would take the minute alone.
                let most = if quick {
                    engine.most.min(if engine.most == usize::MAX { 10_000 } else { 1_000 })
                } else {
                    engine.most
                };
                if count > most {
                    continue;
                }
                match measure(engine, count, shape, budget) {
                    Ok(row) => {
                        wrong += row.mismatches;
                        compared += REQUESTS;
                        if engine.name == "ordain, typed request" {
                            ours[shape as usize][place] = row.p50;
                        }
                        let answers = if row.mismatches == 0 { "agree" } else { "DIFFER" };
                        println!(
                            "{:<28} {count:>6} {:>10.3} {:>10.3} {:>9.2} {:>8.1}  {answers}",
                            engine.name, row.p50, row.p99, row.load, row.memory
                        );
                    }
                    Err(reason) => {
                        failed += 1;
                        println!("{:<28} {count:>6} failed: {reason}", engine.name);
                    }
                }
            }
        }
    }
    if only.is_none_or(|only| "threads".contains(only.as_str())) {
        threads::print(budget * 2);
    }
    let growth = |shape: Shape| ours[shape as usize][3] / ours[shape as usize][0];
    println!(
        "\n{compared} answers compared, {wrong} differ; ordain p50 with 1,000 rules {:.3} µs, with patterns \
         {:.3} µs; 10,000 rules {:.2} × 10 rules, with patterns {:.2} ×, with parts {:.2} ×",
        ours[Shape::Facts as usize][2],
        ours[Shape::Patterns as usize][2],
        growth(Shape::Facts),
        growth(Shape::Patterns),
        growth(Shape::Parts),
    );
    if wrong + failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
