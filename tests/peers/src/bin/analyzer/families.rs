//! Families of rules, each made from a seed. One in three rules is an earlier one with more to ask for, so that many imply
//! each other.

use ordain_peers::random::Random;

use super::rule::{Fact, Has, Rule, Test};

/// Rules of one kind.
pub struct Family {
    pub name: &'static str,
    pub facts: &'static [Fact],
    rule: fn(&mut Random) -> Rule,
    /// How many rules, in whole and for a quick look.
    pub rules: [usize; 2],
}

impl Family {
    /// So many rules, the same for the same seed.
    pub fn make(&self, count: usize, seed: u64) -> Vec<Rule> {
        let mut random = Random::new(seed);
        let mut rules: Vec<Rule> = vec![];
        while rules.len() < count {
            let mut next = (self.rule)(&mut random);
            if !rules.is_empty() && !next.groups.is_empty() && random.chance(33) {
                let more = next.groups.pop();
                next = random.one(&rules);
                next.groups.extend(more);
            }
            rules.push(next);
        }
        rules
    }
}

const fn any_number(name: &'static str) -> Fact {
    Fact { name, ordain: "int", cedar: "Long", range: None }
}

const fn number(name: &'static str) -> Fact {
    Fact { name, ordain: "int in 0..100", cedar: "Long", range: Some((0, 100)) }
}

const fn flag(name: &'static str) -> Fact {
    Fact { name, ordain: "bool", cedar: "Bool", range: None }
}

const fn text(name: &'static str) -> Fact {
    Fact { name, ordain: "string", cedar: "String", range: None }
}

const CLASSES: [&str; 4] = ["public", "internal", "pii", "phi"];
const CLASS: Fact =
    Fact { name: "class", ordain: "enum { public, internal, pii, phi }", cedar: "Class", range: None };
const LABELS: Fact = Fact { name: "labels", ordain: "set of string", cedar: "Set<String>", range: None };
const NUMBERS: [Fact; 3] = [any_number("risk"), any_number("tokens"), any_number("step")];
const BOUNDED: [Fact; 3] = [number("fetched"), number("written"), number("steps")];
const FLAGS: [Fact; 2] = [flag("attended"), flag("external")];
const TOOL: Fact = text("tool");
const HOUR: Fact = any_number("hour");
const OPERATORS: [&str; 4] = ["<", "<=", ">", ">="];

pub const FAMILIES: [Family; 9] = [
    Family { name: "numbers", facts: &NUMBERS, rule: numbers, rules: [24, 8] },
    Family { name: "words and flags", facts: &[CLASS, FLAGS[0], FLAGS[1]], rule: words, rules: [24, 8] },
    Family { name: "texts", facts: &[TOOL, text("target")], rule: texts, rules: [24, 8] },
    Family { name: "sets of texts", facts: &[LABELS], rule: sets, rules: [24, 8] },
    Family { name: "sums of numbers", facts: &BOUNDED, rule: sums, rules: [16, 6] },
    Family { name: "scopes", facts: &[], rule: scopes, rules: [24, 8] },
    Family { name: "days, from and until", facts: &[], rule: days, rules: [24, 8] },
    Family {
        name: "all of these, as rules are",
        facts: &[NUMBERS[0], CLASS, TOOL, FLAGS[0], HOUR],
        rule: mixed,
        rules: [24, 8],
    },
    Family { name: "times of day", facts: &[NUMBERS[0]], rule: hours, rules: [8, 3] },
];

fn compared(random: &mut Random, fact: Fact) -> Test {
    let op = if random.chance(10) { "==" } else { random.one(&OPERATORS) };
    Test::Number { terms: vec![(1, fact)], op, bound: random.below(12) }
}

fn numbers(random: &mut Random) -> Rule {
    let groups = (0..2 + random.below(2)).map(|_| {
        let fact = random.one(&NUMBERS);
        let first = compared(random, fact);
        if random.chance(25) { vec![first, compared(random, NUMBERS[2])] } else { vec![first] }
    });
    Rule { groups: groups.collect(), ..Rule::default() }
}

fn word(random: &mut Random) -> Test {
    let mut words: Vec<&str> = CLASSES.into_iter().filter(|_| random.chance(40)).collect();
    if words.is_empty() {
        words.push(random.one(&CLASSES));
    }
    Test::Word { fact: CLASS, words, holds: random.chance(75) }
}

fn flagged(random: &mut Random) -> Test {
    Test::Flag { fact: random.one(&FLAGS), holds: random.chance(50) }
}

fn words(random: &mut Random) -> Rule {
    let either = [word(random), flagged(random)].into_iter().take(1 + random.below(2) as usize).collect();
    let mut groups = vec![either];
    if random.chance(60) {
        groups.push(vec![flagged(random)]);
    }
    Rule { groups, ..Rule::default() }
}

fn pattern(random: &mut Random) -> String {
    let (verb, thing) = (random.one(&["read", "write", "deploy"]), random.one(&["mail", "files", "prod"]));
    match random.below(5) {
        0 => format!("{verb}.*"),
        1 => format!("*.{thing}"),
        2 => format!("*{thing}*"),
        3 => format!("{verb}.*{thing}"),
        _ => format!("{verb}.{thing}"),
    }
}

fn texts(random: &mut Random) -> Rule {
    let groups = (0..1 + random.below(2)).map(|_| {
        let fact = if random.chance(80) { TOOL } else { text("target") };
        let one =
            |random: &mut Random| Test::Text { fact, pattern: pattern(random), holds: random.chance(75) };
        let first = one(random);
        if random.chance(25) { vec![first, one(random)] } else { vec![first] }
    });
    Rule { groups: groups.collect(), ..Rule::default() }
}

fn sets(random: &mut Random) -> Rule {
    let groups = (0..1 + random.below(2)).map(|_| {
        let known = ["customer", "eu", "secret", "draft"];
        let mut words: Vec<&str> = known.into_iter().filter(|_| random.chance(40)).collect();
        if words.is_empty() {
            words.push(random.one(&known));
        }
        let has = random.one(&[Has::Any, Has::All, Has::Only]);
        vec![Test::Set { fact: LABELS, has, words, holds: random.chance(75) }]
    });
    Rule { groups: groups.collect(), ..Rule::default() }
}

fn sums(random: &mut Random) -> Rule {
    let groups = (0..2).map(|_| {
        let mut terms: Vec<(i64, Fact)> = vec![];
        for fact in BOUNDED {
            let factor = random.one(&[-1, 0, 1, 1, 2]);
            if factor != 0 {
                terms.push((factor, fact));
            }
        }
        if terms.is_empty() {
            terms.push((1, BOUNDED[0]));
        }
        // In the middle of what the sum can be, since neither language has use for more.
        let reach = |sign: i64| terms.iter().map(|(factor, _)| (sign * factor).max(0) * 100).sum::<i64>();
        let (below, above) = (reach(-1), reach(1));
        let width = below + above;
        let bound = width / 4 + random.below(width / 2) - below;
        vec![Test::Number { terms, op: random.one(&OPERATORS), bound }]
    });
    Rule { groups: groups.collect(), ..Rule::default() }
}

fn path(random: &mut Random) -> [String; 3] {
    let tenant = random.one(&["acme", "acme", "globex", "*"]);
    let project = random.one(&["support", "sales", "s*", "*"]);
    let agent = random.one(&["mailer", "mailer-*", "*-eu", "mail*", "*", "*"]);
    [tenant.to_owned(), project.to_owned(), agent.to_owned()]
}

fn scopes(random: &mut Random) -> Rule {
    Rule { path: Some(path(random)), ..Rule::default() }
}

fn days(random: &mut Random) -> Rule {
    let day = |number: i64| format!("{}-{:02}-01", 2026 + number / 12, 1 + number % 12);
    let from = 1 + random.below(30);
    Rule { days: Some((day(from), day(from + 1 + random.below(18)))), ..Rule::default() }
}

fn hours(random: &mut Random) -> Rule {
    let from = random.below(48) * 30;
    let until = (from + 30 + random.below(30) * 30) % 1_440;
    let risk = compared(random, NUMBERS[0]);
    Rule { hours: Some((from, until)), groups: vec![vec![risk]], ..Rule::default() }
}

fn mixed(random: &mut Random) -> Rule {
    let from = random.below(20);
    let hour = |op, bound| vec![Test::Number { terms: vec![(1, HOUR)], op, bound }];
    let mut groups = vec![
        hour(">=", from),
        hour("<", from + 1 + random.below(24 - from)),
        vec![Test::Text { fact: TOOL, pattern: pattern(random), holds: true }],
        vec![word(random), Test::Flag { fact: FLAGS[0], holds: false }],
        vec![compared(random, NUMBERS[0])],
    ];
    groups.truncate(2 + random.below(4) as usize);
    Rule { path: Some(path(random)), groups, ..Rule::default() }
}
