//! The grammar file as notation for people: what recovers from mistakes, looks ahead or skips white space is left
//! out, what stands for one sign or word only is put in its place.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use pest_meta::ast::Expr;
use pest_meta::parser::{self, Rule};

/// A part of the grammar file under one of its headings.
pub(crate) struct Section {
    pub(crate) title: String,
    /// Its rules, in order, by name.
    pub(crate) rules: Vec<(String, Ebnf)>,
}

/// What a rule stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ebnf {
    /// Nothing at all.
    Empty,
    /// Something that no correct text has.
    Never,
    /// A sign or a word.
    Text(String),
    /// One of some characters, as in `[a-z]`.
    Class(String),
    /// A rule.
    Rule(String),
    /// One after the other.
    Sequence(Vec<Self>),
    /// One of these.
    Choice(Vec<Self>),
    /// None or one; none or more; one or more.
    Repeated(Box<Self>, char),
}

/// The headings under which nothing stands that authors need to know.
const INTERNAL: [&str; 2] = ["recovery", "tokens"];

/// Reads a grammar file, with headings of the form `// ------- title`.
pub(crate) fn sections(grammar: &str) -> Vec<Section> {
    let pairs =
        parser::parse(Rule::grammar_rules, grammar).expect("the parser is generated from this grammar");
    let rules = parser::consume_rules(pairs).expect("the parser is generated from this grammar");
    let mut rules: BTreeMap<String, Ebnf> =
        rules.into_iter().map(|rule| (rule.name, simple(&rule.expr))).collect();
    // They are parted by their first letters for speed; here by what they are.
    let groups = ["operator_word", "clause_word", "item_word"].map(|name| Ebnf::Rule(name.to_owned()));
    rules.insert("reserved".to_owned(), Ebnf::Choice(groups.to_vec()));
    let rules = settled(rules);
    let mut sections: Vec<Section> = vec![];
    for line in grammar.lines() {
        if let Some(title) = line.strip_prefix("// ---").map(|rest| rest.trim_start_matches('-').trim()) {
            sections.push(Section { title: title.to_owned(), rules: vec![] });
        } else if let (Some((name, _)), Some(section)) = (line.split_once(" = "), sections.last_mut())
            && let Some(rule) = rules.get(name.trim_end())
        {
            section.rules.push((name.trim_end().to_owned(), rule.clone()));
        }
    }
    sections.retain(|section| !INTERNAL.contains(&section.title.as_str()));
    tidy(&mut sections);
    sections
}

/// Puts rules that stand for one sign, one word or one other rule in the place of their names.
fn settled(mut rules: BTreeMap<String, Ebnf>) -> BTreeMap<String, Ebnf> {
    // Words in the place of names may make other rules single words.
    for _ in 0..4 {
        let place = |name: &str| match rules.get(name) {
            Some(single @ (Ebnf::Text(_) | Ebnf::Never | Ebnf::Empty)) => single.clone(),
            Some(single @ Ebnf::Rule(_)) if !NAMED.contains(&name) => single.clone(),
            _ => Ebnf::Rule(name.to_owned()),
        };
        rules = rules.iter().map(|(name, rule)| (name.clone(), replaced(rule, &place))).collect();
    }
    rules
}

/// Rules that keep their names, though they are other ones.
const NAMED: [&str; 2] = ["condition", "constant"];

/// Drops the rules that stand elsewhere now, and those that no other needs.
fn tidy(sections: &mut [Section]) {
    for section in sections.iter_mut() {
        section.rules.retain(|(name, rule)| match rule {
            Ebnf::Text(_) | Ebnf::Never | Ebnf::Empty => false,
            Ebnf::Rule(_) => NAMED.contains(&name.as_str()),
            _ => true,
        });
    }
    let mut used = BTreeSet::from(["file".to_owned(), "reserved".to_owned()]);
    loop {
        let before = used.len();
        for (name, rule) in sections.iter().flat_map(|section| &section.rules) {
            if used.contains(name) {
                names(rule, &mut used);
            }
        }
        if used.len() == before {
            break;
        }
    }
    for section in sections {
        section.rules.retain(|(name, _)| used.contains(name));
    }
}

fn names(rule: &Ebnf, into: &mut BTreeSet<String>) {
    match rule {
        Ebnf::Rule(name) => {
            into.insert(name.clone());
        }
        Ebnf::Sequence(parts) | Ebnf::Choice(parts) => parts.iter().for_each(|part| names(part, into)),
        Ebnf::Repeated(part, _) => names(part, into),
        Ebnf::Empty | Ebnf::Never | Ebnf::Text(_) | Ebnf::Class(_) => {}
    }
}

fn replaced(rule: &Ebnf, place: &impl Fn(&str) -> Ebnf) -> Ebnf {
    match rule {
        Ebnf::Rule(name) => place(name),
        Ebnf::Sequence(parts) => sequence(parts.iter().map(|part| replaced(part, place)).collect()),
        Ebnf::Choice(parts) => choice(parts.iter().map(|part| replaced(part, place)).collect()),
        Ebnf::Repeated(part, times) => repeated(replaced(part, place), *times),
        other => other.clone(),
    }
}

fn simple(expr: &Expr) -> Ebnf {
    match expr {
        Expr::Str(text) | Expr::Insens(text) => Ebnf::Text(text.clone()),
        Expr::Range(from, to) => Ebnf::Class(format!("{from}-{to}")),
        Expr::Ident(name) => ident(name),
        Expr::PosPred(_) | Expr::NegPred(_) | Expr::PeekSlice(..) | Expr::Push(_) | Expr::Skip(_) => {
            Ebnf::Empty
        }
        Expr::Seq(left, right) => match (&**left, &**right) {
            // `!ANY ~ ANY` and `!"x" ~ ANY`
            (Expr::NegPred(not), Expr::Ident(any)) if any == "ANY" => all_but(not),
            _ => sequence(vec![simple(left), simple(right)]),
        },
        Expr::Choice(left, right) => choice(vec![simple(left), simple(right)]),
        Expr::Opt(inner) => repeated(simple(inner), '?'),
        Expr::Rep(inner) | Expr::RepMin(inner, 0) => repeated(simple(inner), '*'),
        Expr::RepOnce(inner) | Expr::RepMin(inner, _) => repeated(simple(inner), '+'),
        Expr::RepExact(inner, times) => sequence(vec![simple(inner); *times as usize]),
        Expr::RepMinMax(inner, least, most) => {
            let mut parts = vec![simple(inner); *least as usize];
            parts.extend(vec![repeated(simple(inner), '?'); (*most - *least) as usize]);
            sequence(parts)
        }
        Expr::RepMax(inner, most) => sequence(vec![repeated(simple(inner), '?'); *most as usize]),
    }
}

fn ident(name: &str) -> Ebnf {
    let wrong =
        ["missing_", "want_", "wrong_", "bad_", "early_"].iter().any(|prefix| name.starts_with(prefix));
    match name {
        _ if wrong => Ebnf::Never,
        // The last is a list without its opening brace.
        "nothing" | "foreign" | "set_end" => Ebnf::Never,
        "gap" | "word_end" | "word_gap" | "SOI" | "EOI" => Ebnf::Empty,
        "ASCII_DIGIT" => Ebnf::Class("0-9".to_owned()),
        "ASCII_ALPHA" => Ebnf::Class("A-Za-z".to_owned()),
        "ASCII_ALPHA_UPPER" => Ebnf::Class("A-Z".to_owned()),
        "ASCII_ALPHANUMERIC" => Ebnf::Class("0-9A-Za-z".to_owned()),
        "ANY" => Ebnf::Class("^".to_owned()),
        // The same lists where commas also part arguments.
        "scope_list_in" => Ebnf::Rule("scope_list".to_owned()),
        "except_list_in" => Ebnf::Rule("except_list".to_owned()),
        _ => Ebnf::Rule(name.to_owned()),
    }
}

/// Any character but those that `not` begins with.
fn all_but(not: &Expr) -> Ebnf {
    fn characters(expr: &Expr) -> Option<String> {
        match expr {
            Expr::Str(text) if text.chars().count() == 1 => Some(text.escape_default().to_string()),
            Expr::Choice(left, right) => Some(characters(left)? + &characters(right)?),
            _ => None,
        }
    }
    characters(not).map_or(Ebnf::Never, |characters| Ebnf::Class(format!("^{characters}")))
}

fn sequence(parts: Vec<Ebnf>) -> Ebnf {
    let mut flat = vec![];
    for part in parts {
        match part {
            Ebnf::Never => return Ebnf::Never,
            Ebnf::Empty => {}
            Ebnf::Sequence(parts) => flat.extend(parts),
            part => flat.push(part),
        }
    }
    // `x x*` is `x+`, and words that were parted for speed are one again.
    let mut out: Vec<Ebnf> = vec![];
    for part in flat {
        match (out.last_mut(), part) {
            (Some(last), Ebnf::Repeated(inner, '*')) if *last == *inner => *last = Ebnf::Repeated(inner, '+'),
            (_, part) => out.push(part),
        }
    }
    match out.len() {
        0 => Ebnf::Empty,
        1 => out.remove(0),
        _ => Ebnf::Sequence(out),
    }
}

fn choice(parts: Vec<Ebnf>) -> Ebnf {
    let mut flat: Vec<Ebnf> = vec![];
    let mut optional = false;
    for part in parts {
        match part {
            Ebnf::Never => {}
            Ebnf::Empty => optional = true,
            Ebnf::Choice(parts) => flat.extend(parts),
            part => flat.push(part),
        }
    }
    let mut out: Vec<Ebnf> = vec![];
    for part in flat {
        let seen = out.contains(&part);
        match (out.last_mut(), part) {
            (Some(Ebnf::Class(last)), Ebnf::Class(class)) if !last.starts_with('^') => last.push_str(&class),
            (_, part) if !seen => out.push(part),
            _ => {}
        }
    }
    let choice = match out.len() {
        0 if optional => return Ebnf::Empty,
        0 => return Ebnf::Never,
        1 => out.remove(0),
        _ => Ebnf::Choice(out),
    };
    if optional { repeated(choice, '?') } else { choice }
}

fn repeated(inner: Ebnf, times: char) -> Ebnf {
    match inner {
        Ebnf::Never if times == '+' => Ebnf::Never,
        Ebnf::Empty | Ebnf::Never => Ebnf::Empty,
        inner => Ebnf::Repeated(Box::new(inner), times),
    }
}

/// The longest line.
const WIDTH: usize = 100;

/// All rules of a section, one below the other.
pub(crate) fn write(section: &Section) -> String {
    let mut out = String::new();
    let width = section.rules.iter().map(|(name, _)| shown(name).len()).max().unwrap_or_default();
    for (name, rule) in &section.rules {
        let head = format!("{:width$} ::= ", shown(name));
        let indent = " ".repeat(head.len() - 2);
        let whole = written(rule, Level::Choice);
        if head.len() + whole.len() <= WIDTH {
            writeln!(out, "{head}{whole}").expect("a string takes everything");
            continue;
        }
        let (parts, separator) = match rule {
            Ebnf::Choice(parts) => (parts.clone(), "| "),
            Ebnf::Sequence(parts) => (parts.clone(), "  "),
            other => (vec![other.clone()], "  "),
        };
        let level = if separator == "| " { Level::Choice } else { Level::Sequence };
        let mut line = head;
        let mut empty = true;
        for part in &parts {
            let part = written(part, level);
            let joint = if separator == "| " { " | " } else { " " };
            if !empty && line.len() + joint.len() + part.len() > WIDTH {
                writeln!(out, "{line}").expect("a string takes everything");
                line = format!("{indent}{separator}{part}");
            } else {
                line.push_str(if empty { "" } else { joint });
                line.push_str(&part);
            }
            empty = false;
        }
        writeln!(out, "{line}").expect("a string takes everything");
    }
    out
}

/// A token and the token with the white space behind it are the same to readers.
fn shown(name: &str) -> String {
    name.strip_suffix("_t").unwrap_or(name).replace('_', "-")
}

/// What stands around an expression, and so decides whether it needs parentheses.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Choice,
    Sequence,
    Repetition,
}

fn written(rule: &Ebnf, around: Level) -> String {
    let in_parentheses = |text: String, needed: bool| if needed { format!("({text})") } else { text };
    let joined = |parts: &[Ebnf], by: &str, level: Level| {
        parts.iter().map(|part| written(part, level)).collect::<Vec<_>>().join(by)
    };
    match rule {
        Ebnf::Empty | Ebnf::Never => String::new(),
        Ebnf::Text(text) if text.contains('"') => {
            format!("'{}'", text.escape_default().to_string().replace("\\\"", "\""))
        }
        Ebnf::Text(text) => format!("\"{}\"", text.escape_default()),
        Ebnf::Class(class) if class == "^" => "any-character".to_owned(),
        Ebnf::Class(class) => format!("[{class}]"),
        Ebnf::Rule(name) => shown(name),
        Ebnf::Sequence(parts) => {
            in_parentheses(joined(parts, " ", Level::Sequence), around > Level::Sequence)
        }
        Ebnf::Choice(parts) => in_parentheses(joined(parts, " | ", Level::Choice), around > Level::Choice),
        Ebnf::Repeated(part, times) => format!("{}{times}", written(part, Level::Repetition)),
    }
}

/// The words of every rule that consists of words only.
pub(crate) fn words(grammar: &str) -> BTreeMap<String, Vec<String>> {
    let pairs =
        parser::parse(Rule::grammar_rules, grammar).expect("the parser is generated from this grammar");
    let rules = parser::consume_rules(pairs).expect("the parser is generated from this grammar");
    rules.into_iter().filter_map(|rule| Some((rule.name, spelt(&rule.expr)?))).collect()
}

fn spelt(expr: &Expr) -> Option<Vec<String>> {
    match expr {
        Expr::Str(text) => Some(vec![text.clone()]),
        Expr::Choice(left, right) => Some([spelt(left)?, spelt(right)?].concat()),
        Expr::Seq(left, right) => {
            let (starts, ends) = (spelt(left)?, spelt(right)?);
            Some(
                starts.iter().flat_map(|start| ends.iter().map(move |end| format!("{start}{end}"))).collect(),
            )
        }
        _ => None,
    }
}
