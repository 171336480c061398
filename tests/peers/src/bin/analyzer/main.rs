//! The same questions about pairs of rules through Ordain's algebra, and through Cedar's symbolic compiler with cvc5:
//! the last part of `cargo xtask bench analyzer [--quick]`.
//!
//! Rules come in families that both languages can say (`families.rs`). Of every two rules of a family it is asked whether
//! they overlap, with an example, and for both whether the one implies the other. Both engines answer every question; a
//! difference is a failure. Both run in this process, on one thread, from texts, and the clock is the processor time of
//! the process. `--seed N` makes other rules.

mod cedar;
mod cvc5;
mod families;
mod ordain;
mod rule;

use std::process::ExitCode;
use std::time::Duration;

use ordain_analyzer::Memo;
use ordain_peers::clock::Processor;

use cvc5::Cvc5;
use families::{FAMILIES, Family};
use rule::Rule;

/// The answer to a question; none where the engine gives up.
type Verdict = Option<bool>;

/// One engine, asked all questions of a family.
struct Asked {
    /// From texts to where questions can be asked.
    ready: Duration,
    answers: Vec<(Verdict, Duration)>,
}

impl Asked {
    fn total(&self) -> Duration {
        self.ready + self.answers.iter().map(|(_, took)| *took).sum::<Duration>()
    }

    /// Milliseconds in the middle, and at the 99th percentile.
    fn percentiles(&self) -> (f64, f64) {
        let mut times: Vec<f64> = self.answers.iter().map(|(_, took)| milliseconds(*took)).collect();
        times.sort_by(f64::total_cmp);
        (times[times.len() / 2], times[times.len() * 99 / 100])
    }

    fn undecided(&self) -> usize {
        self.answers.iter().filter(|(verdict, _)| verdict.is_none()).count()
    }
}

/// What is asked about two rules.
#[derive(Clone, Copy, Debug)]
enum Question {
    Overlap(usize, usize),
    Implies(usize, usize),
}

fn questions(rules: usize) -> Vec<Question> {
    let pairs = (0..rules).flat_map(|b| (0..b).map(move |a| (a, b)));
    pairs
        .flat_map(|(a, b)| [Question::Overlap(a, b), Question::Implies(a, b), Question::Implies(b, a)])
        .collect()
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Processor::of_all();
    let made = work();
    (made, start.elapsed())
}

fn through_cedar(family: &Family, rules: &[Rule]) -> Asked {
    let (schema, text) = (cedar::schema(family.facts, rules), cedar::text(rules));
    let solver = Cvc5::load();
    let (mut policies, ready) = timed(|| cedar::Ready::new(&schema, &text, solver));
    let ask = |question| {
        timed(|| match question {
            Question::Overlap(a, b) => policies.overlap(a, b),
            Question::Implies(a, b) => policies.implies(a, b),
        })
    };
    Asked { ready, answers: questions(rules.len()).into_iter().map(ask).collect() }
}

fn through_ordain(family: &Family, rules: &[Rule]) -> Asked {
    let text = ordain::text(family.facts, rules);
    // Nothing is known beforehand.
    let memo = Memo::default();
    let (policies, compiled) = timed(|| ordain::compiled(&text));
    let (ready, prepared) = timed(|| ordain::Ready::new(&policies, &memo));
    let ask = |question| {
        timed(|| match question {
            Question::Overlap(a, b) => ready.overlap(a, b),
            Question::Implies(a, b) => ready.implies(a, b),
        })
    };
    Asked { ready: compiled + prepared, answers: questions(rules.len()).into_iter().map(ask).collect() }
}

/// The two engines' answers to all questions about the rules of a family, side by side.
fn compare(family: &Family, rules: &[Rule], sums: &mut Sums) {
    let (theirs, ours) = (through_cedar(family, rules), through_ordain(family, rules));
    let asked = questions(rules.len());
    let (mut overlap, mut implied) = (0, 0);
    for ((question, (they, _)), (we, _)) in asked.iter().zip(&theirs.answers).zip(&ours.answers) {
        if let (Some(they), Some(we)) = (they, we)
            && they != we
        {
            sums.differ += 1;
            println!("DIFFER on {question:?}: Cedar says {they}, Ordain {we}");
            let (Question::Overlap(a, b) | Question::Implies(a, b)) = *question;
            let pair = [rules[a].clone(), rules[b].clone()];
            println!("{}{}", cedar::text(&pair), ordain::text(family.facts, &pair));
        }
        match question {
            Question::Overlap(..) => overlap += usize::from(*we == Some(true)),
            Question::Implies(..) => implied += usize::from(*we == Some(true)),
        }
    }
    sums.asked += asked.len();
    sums.undecided += theirs.undecided() + ours.undecided();
    let times = theirs.total().as_secs_f64() / ours.total().as_secs_f64();
    sums.times.push(times);
    let about = [
        rules.len().to_string(),
        asked.len().to_string(),
        overlap.to_string(),
        implied.to_string(),
        (theirs.undecided() + ours.undecided()).to_string(),
    ];
    for (name, engine, times) in [(family.name, &theirs, String::new()), ("", &ours, format!("{times:.0}"))] {
        let about = if name.is_empty() { ["", "", "", "", ""] } else { about.each_ref().map(String::as_str) };
        let [rules, asked, overlap, implied, undecided] = about;
        let (p50, p99) = engine.percentiles();
        let who = if name.is_empty() { "Ordain" } else { "Cedar" };
        println!(
            "{name:<27} {rules:>5} {asked:>5} {overlap:>7} {implied:>7} {undecided:>9}  {who:<6} {:>8.3} {p50:>9.4} \
             {p99:>9.4} {:>10.2} {times:>7}",
            milliseconds(engine.ready),
            milliseconds(engine.total()),
        );
    }
}

/// What came of all families.
#[derive(Default)]
struct Sums {
    asked: usize,
    differ: usize,
    undecided: usize,
    times: Vec<f64>,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let quick = arguments.iter().any(|word| word == "--quick");
    let seed = arguments.iter().skip_while(|word| *word != "--seed").nth(1);
    let seed = seed.map_or(7, |seed| seed.parse().expect("a number after `--seed`"));
    println!("the same questions about pairs of rules, seed {seed}; ms, processor time of the process");
    println!(
        "{:<27} {:>5} {:>5} {:>7} {:>7} {:>9}  {:<6} {:>8} {:>9} {:>9} {:>10} {:>7}",
        "rules",
        "count",
        "asked",
        "overlap",
        "implied",
        "undecided",
        "by",
        "ready",
        "p50",
        "p99",
        "total",
        "times"
    );
    let mut sums = Sums::default();
    for family in &FAMILIES {
        compare(family, &family.make(family.rules[usize::from(quick)], seed), &mut sums);
    }
    let Sums { asked, differ, undecided, mut times } = sums;
    times.sort_by(f64::total_cmp);
    println!(
        "\nbeside Cedar: {asked} verdicts compared, {differ} differ, {undecided} undecided; Ordain takes {:.0} to {:.0} \
         times less",
        times[0],
        times[times.len() - 1]
    );
    if differ == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
