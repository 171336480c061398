//! Tests of one string, decided exactly: which combinations of outcomes can occur, and on which text.
//!
//! Each test becomes a deterministic automaton over UTF-8 bytes. Their product, together with the automaton
//! of valid UTF-8, is explored breadth-first, so the first text found for a combination is its shortest and,
//! among those, the most readable. What doesn't fit the caps, or the fragment that automata decide (Unicode
//! word boundaries), is undecided.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt::Write as _;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use ordain_ir::glob::GlobPart;
use ordain_ir::{Glob, TextTest};
use regex_automata::dfa::{Automaton, StartKind, dense};
use regex_automata::nfa::thompson;
use regex_automata::util::primitives::StateID;
use regex_automata::util::start;
use regex_automata::{Anchored, MatchKind};

use crate::Answer;

/// Most tests of one string that are decided together.
pub const MAX_TESTS: usize = 32;
/// Most states of a product that are explored.
const MAX_STATES: usize = 20_000;
/// Most combinations that are listed.
const MAX_VECTORS: usize = 4_096;
/// Bytes that the automaton of one test may take, so that a pattern like `.{9}{9}{9}` is refused early.
const MAX_BYTES: usize = 1 << 20;

/// The combinations of outcomes that some text realises: bit `i` is the outcome of test `i`. Each comes with
/// its shortest text, the most readable among those; the empty text only where no other does.
pub type Vectors = BTreeMap<u64, String>;

/// The automaton of one test.
#[derive(Debug)]
struct Compiled {
    dfa: dense::DFA<Vec<u32>>,
    start: StateID,
}

/// Where one automaton stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Part {
    Running(StateID),
    /// Passed, whatever follows.
    Passed,
    /// Failed, whatever follows.
    Failed,
}

impl Compiled {
    /// `anchored`: the pattern must match from the first byte.
    fn new(pattern: &str, anchored: bool) -> Option<Self> {
        let start_kind = if anchored { StartKind::Anchored } else { StartKind::Unanchored };
        let dfa = dense::Builder::new()
            .configure(
                dense::Config::new()
                    .accelerate(false)
                    .match_kind(MatchKind::LeftmostFirst)
                    .start_kind(start_kind)
                    .dfa_size_limit(Some(MAX_BYTES))
                    .determinize_size_limit(Some(MAX_BYTES)),
            )
            .thompson(thompson::Config::new().nfa_size_limit(Some(MAX_BYTES)))
            .build(pattern)
            .ok()?;
        let anchored = if anchored { Anchored::Yes } else { Anchored::No };
        let start = dfa.start_state(&start::Config::new().anchored(anchored)).ok()?;
        Some(Self { dfa, start })
    }

    fn of(test: &TextTest) -> Option<Self> {
        const ANY: &str = "(?s:.*)";
        match test {
            TextTest::Equals(text) => Self::new(&format!("{}\\z", escape(text)), true),
            TextTest::Like(glob) => Self::new(&format!("{}\\z", glob_pattern(glob)), true),
            TextTest::Contains(text) => Self::new(&escape(text), false),
            TextTest::StartsWith(text) => Self::new(&escape(text), true),
            TextTest::EndsWith(text) => Self::new(&format!("{ANY}{}\\z", escape(text)), true),
            // `\B` may match inside a character, which a search skips and an automaton doesn't see.
            TextTest::Matches(pattern) if pattern.contains(r"\B") => None,
            TextTest::Matches(pattern) => Self::new(pattern, false),
        }
    }

    fn step(&self, part: Part, byte: u8) -> Part {
        let Part::Running(state) = part else { return part };
        let next = self.dfa.next_state(state, byte);
        if self.dfa.is_match_state(next) {
            Part::Passed
        } else if self.dfa.is_dead_state(next) {
            Part::Failed
        } else {
            Part::Running(next)
        }
    }

    fn finish(&self, part: Part) -> bool {
        match part {
            Part::Running(state) => self.dfa.is_match_state(self.dfa.next_eoi_state(state)),
            Part::Passed => true,
            Part::Failed => false,
        }
    }

    fn accepts(&self, text: &str) -> bool {
        let start = Part::Running(self.start);
        self.finish(text.bytes().fold(start, |part, byte| self.step(part, byte)))
    }
}

fn escape(text: &str) -> String {
    text.chars().fold(String::new(), |mut out, c| {
        let _ = write!(out, "\\x{{{:X}}}", u32::from(c));
        out
    })
}

fn glob_pattern(glob: &Glob) -> String {
    glob.parts()
        .iter()
        .map(|part| match part {
            GlobPart::Text(text) => escape(text),
            GlobPart::Any => "(?s:.*)".to_owned(),
            GlobPart::One => "(?s:.)".to_owned(),
        })
        .collect()
}

static UTF8: LazyLock<Compiled> =
    LazyLock::new(|| Compiled::new(r"(?s:.*)\z", true).expect("a constant pattern within the caps"));

/// All bytes, the most readable first.
static BYTES: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let class = |byte: u8| match byte {
        b'a'..=b'z' => 0,
        b'0'..=b'9' => 1,
        b'-' | b'_' | b'.' => 2,
        b'A'..=b'Z' => 3,
        b'!'..=b'~' => 4,
        b' ' => 5,
        // Starts and ends `é`.
        0xC3 | 0xA9 => 6,
        0x80.. => 7,
        _ => 8,
    };
    let mut bytes: Vec<u8> = (0..=u8::MAX).collect();
    bytes.sort_by_key(|byte| (class(*byte), *byte));
    bytes
});

/// The tests, and whether only non-empty texts count.
type VectorsKey = (Vec<TextTest>, bool);

/// Tests with the outcomes that are asked for.
type Wanted = Vec<(TextTest, bool)>;

/// Witnesses kept before the memo of them starts afresh.
const MAX_KEPT: usize = 1 << 16;

/// A memo of automata and of their products. Everything in it is a pure function of its key.
#[derive(Debug, Default)]
pub struct Strings {
    compiled: Mutex<HashMap<TextTest, Option<Arc<Compiled>>>>,
    vectors: Mutex<HashMap<VectorsKey, Option<Arc<Vectors>>>>,
    witnesses: Mutex<HashMap<Wanted, Answer<String>>>,
}

impl Strings {
    fn compiled(&self, test: &TextTest) -> Option<Arc<Compiled>> {
        if let Some(known) = self.compiled.lock().unwrap_or_else(PoisonError::into_inner).get(test) {
            return known.clone();
        }
        let new = Compiled::of(test).map(Arc::new);
        self.compiled.lock().unwrap_or_else(PoisonError::into_inner).insert(test.clone(), new.clone());
        new
    }

    /// Whether `text` passes the test; `None` outside the decided fragment.
    pub fn holds(&self, test: &TextTest, text: &str) -> Option<bool> {
        Some(match test {
            TextTest::Equals(other) => other == text,
            TextTest::Like(glob) => glob.matches(text),
            TextTest::Contains(part) => text.contains(part.as_str()),
            TextTest::StartsWith(part) => text.starts_with(part.as_str()),
            TextTest::EndsWith(part) => text.ends_with(part.as_str()),
            TextTest::Matches(_) => self.compiled(test)?.accepts(text),
        })
    }

    /// Every combination of outcomes that some text (some non-empty one, if `non_empty`) realises; `None`
    /// beyond the caps.
    pub fn realisable(&self, tests: &[TextTest], non_empty: bool) -> Option<Arc<Vectors>> {
        let key = (tests.to_vec(), non_empty);
        if let Some(known) = self.vectors.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return known.clone();
        }
        let new = self.all_vectors(tests, non_empty).map(Arc::new);
        self.vectors.lock().unwrap_or_else(PoisonError::into_inner).insert(key, new.clone());
        new
    }

    fn all_vectors(&self, tests: &[TextTest], non_empty: bool) -> Option<Vectors> {
        let automata = self.automata(tests)?;
        let mut vectors = Vectors::new();
        let mut overflow = false;
        let complete = explore(&automata, None, |vector, text| {
            vectors.entry(vector).or_insert_with(text);
            overflow = vectors.len() > MAX_VECTORS;
            // A product of `n` tests has at most 2^n combinations, and then nothing is left to find.
            overflow || vectors.len() as u64 == 1 << automata.len()
        });
        if overflow || !complete {
            return None;
        }
        if !non_empty {
            vectors.entry(outcome(&automata, "")).or_default();
        }
        Some(vectors)
    }

    /// A text with exactly these outcomes: the shortest, the most readable among those; the empty text only
    /// where no other does.
    pub fn witness(&self, tests: &[(TextTest, bool)]) -> Answer<String> {
        let named = tests.iter().find_map(|(test, wanted)| match test {
            TextTest::Equals(text) if *wanted => Some(text.as_str()),
            TextTest::Like(glob) if *wanted => glob.as_literal(),
            _ => None,
        });
        if let Some(text) = named {
            // One text is left; no product is needed.
            return tests
                .iter()
                .try_fold(true, |all, (test, wanted)| Some(all && self.holds(test, text)? == *wanted))
                .map_or(
                    Answer::Undecided,
                    |all| if all { Answer::Yes(text.to_owned()) } else { Answer::No },
                );
        }
        let lock = || self.witnesses.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = lock().get(tests) {
            return known.clone();
        }
        let new = self.search(&one_exclusion(tests));
        let mut known = lock();
        if known.len() >= MAX_KEPT {
            known.clear();
        }
        known.insert(tests.to_vec(), new.clone());
        new
    }

    /// A text with these outcomes, by walking the product.
    fn search(&self, tests: &[(TextTest, bool)]) -> Answer<String> {
        let plain: Vec<TextTest> = tests.iter().map(|(test, _)| test.clone()).collect();
        let Some(automata) = self.automata(&plain) else { return Answer::Undecided };
        let target =
            tests.iter().enumerate().fold(0, |mask, (i, (_, wanted))| mask | u64::from(*wanted) << i);
        let mut found = None;
        let complete = explore(&automata, Some(target), |vector, text| {
            if vector == target {
                found = Some(text());
            }
            found.is_some()
        });
        match found {
            Some(text) => Answer::Yes(text),
            None if outcome(&automata, "") == target => Answer::Yes(String::new()),
            None if complete => Answer::No,
            None => Answer::Undecided,
        }
    }

    fn automata(&self, tests: &[TextTest]) -> Option<Vec<Arc<Compiled>>> {
        if tests.len() > MAX_TESTS {
            return None;
        }
        tests.iter().map(|test| self.compiled(test)).collect()
    }
}

/// The same tests with one for all texts that are excluded by name, so that a long list costs one automaton.
fn one_exclusion(tests: &[(TextTest, bool)]) -> Vec<(TextTest, bool)> {
    let excluded = |(test, wanted): &(TextTest, bool)| match test {
        TextTest::Equals(text) if !wanted => Some(escape(text)),
        _ => None,
    };
    let names: Vec<String> = tests.iter().filter_map(excluded).collect();
    if names.len() < 2 {
        return tests.to_vec();
    }
    let others = tests.iter().filter(|test| excluded(test).is_none()).cloned();
    let one = TextTest::Matches(format!(r"\A(?:{})\z", names.join("|")));
    others.chain([(one, false)]).collect()
}

fn outcome(automata: &[Arc<Compiled>], text: &str) -> u64 {
    automata.iter().enumerate().fold(0, |mask, (i, a)| mask | u64::from(a.accepts(text)) << i)
}

/// Walks the product of the automata breadth-first over all non-empty texts, calling `visit` with the outcome
/// of each state and a way to get its text, until it returns true. With a `target`, states that can't reach
/// it any more are left out. False if the cap cut the walk short.
fn explore(
    automata: &[Arc<Compiled>],
    target: Option<u64>,
    mut visit: impl FnMut(u64, &dyn Fn() -> String) -> bool,
) -> bool {
    // Bytes that no automaton tells apart are one letter.
    let mut letters: Vec<u8> = vec![];
    let mut seen = HashSet::new();
    for byte in BYTES.iter() {
        let mut class: Vec<u8> = automata.iter().map(|a| a.dfa.byte_classes().get(*byte)).collect();
        class.push(UTF8.dfa.byte_classes().get(*byte));
        if seen.insert(class) {
            letters.push(*byte);
        }
    }
    let root: (Box<[Part]>, Part) =
        (automata.iter().map(|a| Part::Running(a.start)).collect(), Part::Running(UTF8.start));
    let mut index = HashSet::from([root.clone()]);
    let mut nodes = vec![(root, 0_usize, 0_u8)];
    // The root is the empty text, which callers treat on their own; but its state may come back.
    let mut root_seen = false;
    let mut next = 0;
    while next < nodes.len() {
        for letter in &letters {
            let (parts, utf8) = &nodes[next].0;
            let utf8 = UTF8.step(*utf8, *letter);
            if utf8 == Part::Failed {
                continue;
            }
            let parts: Box<[Part]> = automata.iter().zip(parts).map(|(a, p)| a.step(*p, *letter)).collect();
            let hopeless = target.is_some_and(|target| {
                parts.iter().enumerate().any(|(i, part)| match part {
                    Part::Running(_) => false,
                    Part::Passed => target >> i & 1 == 0,
                    Part::Failed => target >> i & 1 == 1,
                })
            });
            if hopeless {
                continue;
            }
            let state = (parts, utf8);
            let again_root = !root_seen && state == nodes[0].0;
            if index.contains(&state) && !again_root {
                continue;
            }
            if again_root {
                root_seen = true;
            } else if nodes.len() >= MAX_STATES {
                return false;
            }
            if UTF8.finish(utf8) {
                let vector = automata
                    .iter()
                    .zip(&state.0)
                    .enumerate()
                    .fold(0, |mask, (i, (a, part))| mask | u64::from(a.finish(*part)) << i);
                let text = || {
                    let mut bytes = vec![*letter];
                    let mut at = next;
                    while at != 0 {
                        bytes.push(nodes[at].2);
                        at = nodes[at].1;
                    }
                    bytes.reverse();
                    String::from_utf8(bytes).expect("the product contains the automaton of UTF-8")
                };
                if visit(vector, &text) {
                    return true;
                }
            }
            if !again_root {
                index.insert(state.clone());
                nodes.push((state, next, *letter));
            }
        }
        next += 1;
    }
    true
}
