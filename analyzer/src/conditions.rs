//! Questions about conditions: can these hold together, and those not? Answered by boxes where they suffice,
//! else by the solver, and remembered by content.
//!
//! **Opaque facts.** What rests on a fact that the language can't see is not proved. The rule: an overlap is
//! independent of the opaque facts if, whatever values they take, values of the other facts exist that make it
//! true. That is checked for every combination of outcomes that the tests of opaque facts can have; where one
//! sum mixes opaque facts with others, the same values of the others must do for both of its outcomes. Both
//! make the check stricter than need be, never laxer. A proved *no* is a proof whatever is opaque.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use ordain_ir::{Condition, Fact, FactName, Value};

use crate::boxes::{self, Cube, Facts, Valuation};
use crate::cache::{self, Cache, Example};
use crate::strings::Strings;
use crate::valuation::holds;
use crate::{Answer, solver};

/// Bumped whenever an answer to the same question may change.
const REVISION: &str = "ordain conditions v3";
/// Most tests of opaque facts whose outcomes are enumerated; beyond that an overlap counts as resting on them.
const MAX_OPAQUE: usize = 6;
/// Parts of the memo, each with a lock of its own.
const SHARDS: usize = 16;
/// Answers kept in one of them before it starts afresh.
const MAX_KEPT: usize = (1 << 20) / SHARDS;

/// The content hash of a condition or of a question.
pub(crate) type Hash = [u8; 16];

/// A condition in normal form: negations at atoms only, parts sorted and without repetition.
#[derive(Clone, Debug)]
pub struct Prepared {
    condition: Condition,
    facts: BTreeSet<FactName>,
    hash: Hash,
    /// Its boxes and those of its contrary, once asked for; `None` if there are too many.
    boxes: [OnceLock<Option<Vec<Cube>>>; 2],
}

/// What follows from the condition is not compared.
impl PartialEq for Prepared {
    fn eq(&self, other: &Self) -> bool {
        self.hash == other.hash && self.condition == other.condition && self.facts == other.facts
    }
}

impl Eq for Prepared {}

impl Prepared {
    /// The facts that the condition reads.
    pub const fn facts(&self) -> &BTreeSet<FactName> {
        &self.facts
    }

    /// The normal form.
    pub const fn condition(&self) -> &Condition {
        &self.condition
    }

    /// Whether it always holds, plainly.
    pub fn is_true(&self) -> bool {
        self.condition == Condition::True
    }
}

/// The answer to a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The answer; the valuation names every required fact of the question, and optional ones where needed.
    pub answer: Answer<Valuation>,
    /// Whether the solver was needed.
    pub by_solver: bool,
    /// An opaque fact that a yes rests on; the first by name.
    pub opaque: Option<FactName>,
}

/// Answers and automata, shared by all analyses that are given it. Every entry is a pure function of its key,
/// so sharing changes speed and nothing else.
#[derive(Debug, Default)]
pub struct Memo {
    pub(crate) strings: Strings,
    verdicts: [Mutex<HashMap<Hash, Arc<Verdict>>>; SHARDS],
    decided: AtomicU64,
    cache: Cache,
    recalled: AtomicU64,
}

impl Memo {
    /// A memo that looks into what earlier runs have left.
    pub fn with_cache(cache: Cache) -> Self {
        Self { cache, ..Self::default() }
    }

    /// How many questions were decided afresh, and not remembered, since the memo was made.
    pub fn decided(&self) -> u64 {
        self.decided.load(Ordering::Relaxed)
    }

    /// How many were answered by what earlier runs have left.
    pub fn recalled(&self) -> u64 {
        self.recalled.load(Ordering::Relaxed)
    }

    /// What to leave for a later run about these facts, for [`Cache::read`]: the same bytes for the same questions.
    pub fn cache(&self, facts: &Facts) -> Vec<u8> {
        let shards = self.verdicts.iter().map(|shard| shard.lock().unwrap_or_else(PoisonError::into_inner));
        let shards: Vec<_> = shards.collect();
        let all = shards.iter().flat_map(|shard| shard.iter());
        cache::write(all.map(|(key, verdict)| (key, &**verdict)), facts)
    }
}

/// Decides questions over one set of declared facts.
#[derive(Clone, Copy, Debug)]
pub struct Conditions<'a> {
    /// The declared facts.
    pub facts: &'a Facts,
    /// The solver's bound for one question.
    pub bound: u32,
    /// What is known already.
    pub memo: &'a Memo,
}

impl Conditions<'_> {
    /// Brings a condition into normal form.
    pub fn prepare(&self, condition: &Condition) -> Prepared {
        // Of the condition as written: the engine may ask for a fact that the normal form has lost.
        let mut facts = BTreeSet::new();
        condition.collect_facts(&mut facts);
        let condition = normal(condition, true, self.facts);
        let mut hasher = blake3::Hasher::new_derive_key(REVISION);
        // A declaration is part of a condition's meaning, its documentation isn't.
        let declared =
            |name: &FactName| self.facts.get(name).map(|fact| Fact { doc: String::new(), ..fact.clone() });
        let content = (&condition, facts.iter().map(declared).collect::<Vec<_>>());
        hasher.update(&serde_json::to_vec(&content).expect("conditions and facts are plain data"));
        Prepared { hash: truncated(&hasher), condition, facts, boxes: Default::default() }
    }

    /// Whether all of `inside` can hold while none of `outside` does. The order of either doesn't matter.
    pub fn find(&self, inside: &[&Prepared], outside: &[&Prepared]) -> Arc<Verdict> {
        let key = self.key(inside, outside);
        let shard = &self.memo.verdicts[usize::from(key[0]) % SHARDS];
        let lock = || shard.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = lock().get(&key) {
            return Arc::clone(known);
        }
        let recalled = self.recall(&key, inside, outside);
        let counter = if recalled.is_some() { &self.memo.recalled } else { &self.memo.decided };
        counter.fetch_add(1, Ordering::Relaxed);
        let verdict = Arc::new(recalled.unwrap_or_else(|| self.decide(inside, outside)));
        let mut known = lock();
        if known.len() >= MAX_KEPT {
            known.clear();
        }
        known.insert(key, Arc::clone(&verdict));
        verdict
    }

    /// What an earlier run has found, if it proves itself or is trusted. Where something opaque takes part, there is more
    /// to a verdict than its answer, so that is decided afresh.
    fn recall(&self, key: &Hash, inside: &[&Prepared], outside: &[&Prepared]) -> Option<Verdict> {
        let answer = self.memo.cache.answer(key)?;
        let read: BTreeSet<&FactName> = inside.iter().chain(outside).flat_map(|part| &part.facts).collect();
        if read.iter().any(|name| self.is_opaque(name)) {
            return None;
        }
        let answer = match answer {
            Answer::Yes(example) => Answer::Yes(self.replayed(example, &read, inside, outside)?),
            Answer::No => Answer::No,
            Answer::Undecided => return None,
        };
        Some(Verdict { answer, by_solver: true, opaque: None })
    }

    /// The values of an example, if they fit their facts and all of `inside` hold of them and none of `outside`.
    fn replayed(
        &self,
        example: &Example,
        read: &BTreeSet<&FactName>,
        inside: &[&Prepared],
        outside: &[&Prepared],
    ) -> Option<Valuation> {
        let typed = |(name, json): (&FactName, &serde_json::Value)| {
            let fact = self.facts.get(name).filter(|_| read.contains(name))?;
            Some((name.clone(), Value::from_json(fact, json).ok()?))
        };
        let valuation: Valuation = example.iter().map(typed).collect::<Option<_>>()?;
        let required = |name: &&FactName| self.facts.get(*name).is_some_and(|fact| !fact.optional);
        let whole = read.iter().filter(|name| required(name)).all(|name| valuation.contains_key(*name));
        let value = |name: &FactName| valuation.get(name);
        let says =
            |part: &Prepared, wanted| holds(&part.condition, &value, &self.memo.strings) == Some(wanted);
        let as_asked =
            inside.iter().all(|part| says(part, true)) && outside.iter().all(|part| says(part, false));
        (whole && as_asked).then_some(valuation)
    }

    /// Whether wherever all of `premises` hold, all of `conclusions` do. A no comes without its example.
    pub fn implies(&self, premises: &[&Prepared], conclusions: &[&Prepared]) -> Implication {
        let mut out = Implication { answer: Answer::Yes(()), by_solver: false, opaque: None };
        for conclusion in conclusions.iter().filter(|c| !c.is_true() && !premises.contains(c)) {
            let verdict = self.find(premises, &[conclusion]);
            out.by_solver |= verdict.by_solver;
            match &verdict.answer {
                Answer::No => {}
                Answer::Yes(_) => {
                    out.answer = Answer::No;
                    out.opaque.clone_from(&verdict.opaque);
                    return out;
                }
                Answer::Undecided => out.answer = Answer::Undecided,
            }
        }
        out
    }

    /// What required facts are where nothing is said of them, as far as that is known.
    pub(crate) fn defaults(&self) -> Valuation {
        let mut out = Valuation::new();
        boxes::complete(&mut out, self.facts.keys(), self.facts, &self.memo.strings);
        out
    }

    /// The content of a question, but for what the hash of each condition says already.
    fn key(&self, inside: &[&Prepared], outside: &[&Prepared]) -> Hash {
        let mut content = Vec::with_capacity(64 + 16 * (inside.len() + outside.len()));
        content.extend_from_slice(solver::VERSION.as_bytes());
        content.extend_from_slice(&self.bound.to_le_bytes());
        for side in [inside, outside] {
            let mut hashes: Vec<&Hash> = side.iter().map(|part| &part.hash).collect();
            hashes.sort_unstable();
            hashes.dedup();
            content.extend_from_slice(&(hashes.len() as u64).to_le_bytes());
            content.extend(hashes.into_iter().flatten());
        }
        let mut out = Hash::default();
        out.copy_from_slice(&blake3::hash(&content).as_bytes()[..16]);
        out
    }

    fn decide(&self, inside: &[&Prepared], outside: &[&Prepared]) -> Verdict {
        let mut verdict = self.decide_sorted(&sorted(inside), &sorted(outside));
        if let Answer::Yes(valuation) = &mut verdict.answer {
            let read = inside.iter().chain(outside).flat_map(|part| &part.facts);
            boxes::complete(valuation, read, self.facts, &self.memo.strings);
        }
        verdict
    }

    fn decide_sorted(&self, inside: &[&Prepared], outside: &[&Prepared]) -> Verdict {
        let sides = inside.iter().map(|part| (part, true)).chain(outside.iter().map(|part| (part, false)));
        let unions: Option<Vec<&[Cube]>> = sides.map(|(part, holds)| self.boxes(part, holds)).collect();
        let by_boxes =
            unions.map_or(Answer::Undecided, |unions| boxes::meet(&unions, self.facts, &self.memo.strings));
        let whole = || {
            let parts = inside.iter().map(|part| part.condition.clone());
            let contrary = outside.iter().map(|part| normal(&part.condition, false, self.facts));
            normal(&Condition::and(parts.chain(contrary)), true, self.facts)
        };
        let (answer, mut by_solver) = match by_boxes {
            Answer::Undecided => {
                (solver::satisfiable(&whole(), self.facts, &self.memo.strings, self.bound), true)
            }
            decided => (decided, false),
        };
        let mut opaque = None;
        let may_rest = || inside.iter().chain(outside).flat_map(|it| &it.facts).any(|it| self.is_opaque(it));
        if answer.is_yes() && may_rest() {
            let condition = whole();
            let mut read = BTreeSet::new();
            condition.collect_facts(&mut read);
            opaque = read.into_iter().find(|name| self.is_opaque(name));
            if opaque.is_some() && self.independent_of_opaque(&condition, &mut by_solver) {
                opaque = None;
            }
        }
        Verdict { answer, by_solver, opaque }
    }

    /// The boxes of a condition or of its contrary.
    fn boxes<'p>(&self, part: &'p Prepared, holds: bool) -> Option<&'p [Cube]> {
        let boxes = part.boxes[usize::from(holds)].get_or_init(|| {
            if holds {
                boxes::cubes(&part.condition, self.facts)
            } else {
                boxes::cubes(&normal(&part.condition, false, self.facts), self.facts)
            }
        });
        boxes.as_deref()
    }

    fn satisfiable(&self, condition: &Condition) -> (Answer<Valuation>, bool) {
        match boxes::satisfiable(condition, self.facts, &self.memo.strings) {
            Answer::Undecided => {
                let answer = solver::satisfiable(condition, self.facts, &self.memo.strings, self.bound);
                (answer, true)
            }
            decided => (decided, false),
        }
    }

    fn is_opaque(&self, name: &FactName) -> bool {
        self.facts.get(name).is_some_and(|fact| fact.opaque)
    }

    /// The rule of the module's head.
    fn independent_of_opaque(&self, condition: &Condition, by_solver: &mut bool) -> bool {
        let (mut pure, mut mixed) = (BTreeSet::new(), BTreeSet::new());
        self.opaque_atoms(condition, &mut pure, &mut mixed);
        if pure.len() + mixed.len() > MAX_OPAQUE {
            return false;
        }
        let mut holds = |condition: &Condition| {
            let (answer, solved) = self.satisfiable(&normal(condition, true, self.facts));
            *by_solver |= solved;
            answer
        };
        (0..1_u32 << pure.len()).all(|outcomes| {
            let given: HashMap<&Condition, bool> =
                pure.iter().enumerate().map(|(i, atom)| (atom, outcomes >> i & 1 == 1)).collect();
            let happens = Condition::and(
                pure.iter().map(|atom| if given[atom] { atom.clone() } else { atom.clone().negate() }),
            );
            if holds(&happens).is_no() {
                return true;
            }
            let residual = Condition::and((0..1_u32 << mixed.len()).map(|outcomes| {
                let mut given = given.clone();
                given.extend(mixed.iter().enumerate().map(|(i, atom)| (atom, outcomes >> i & 1 == 1)));
                substitute(condition, &given)
            }));
            holds(&residual).is_yes()
        })
    }

    fn opaque_atoms(
        &self,
        part: &Condition,
        pure: &mut BTreeSet<Condition>,
        mixed: &mut BTreeSet<Condition>,
    ) {
        match part {
            Condition::Not(inner) => self.opaque_atoms(inner, pure, mixed),
            Condition::And(parts) | Condition::Or(parts) => {
                for part in parts {
                    self.opaque_atoms(part, pure, mixed);
                }
            }
            atom => {
                let mut read = BTreeSet::new();
                atom.collect_facts(&mut read);
                let opaque = read.iter().filter(|name| self.is_opaque(name)).count();
                if opaque == read.len() && opaque > 0 {
                    pure.insert(atom.clone());
                } else if opaque > 0 {
                    mixed.insert(atom.clone());
                }
            }
        }
    }
}

/// What [`Conditions::implies`] says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Implication {
    /// Whether it follows.
    pub answer: Answer<()>,
    /// Whether the solver was needed.
    pub by_solver: bool,
    /// An opaque fact that a no rests on.
    pub opaque: Option<FactName>,
}

/// In the order of their content, without repetition: the order in which their boxes are looked at.
fn sorted<'p>(parts: &[&'p Prepared]) -> Vec<&'p Prepared> {
    let mut parts = parts.to_vec();
    parts.sort_unstable_by(|a, b| a.condition.cmp(&b.condition));
    parts.dedup_by(|a, b| a.condition == b.condition);
    parts
}

fn truncated(hasher: &blake3::Hasher) -> Hash {
    let mut out = Hash::default();
    hasher.finalize_xof().fill(&mut out);
    out
}

fn substitute(part: &Condition, given: &HashMap<&Condition, bool>) -> Condition {
    match part {
        Condition::Not(inner) => substitute(inner, given).negate(),
        Condition::And(parts) => Condition::and(parts.iter().map(|part| substitute(part, given))),
        Condition::Or(parts) => Condition::or(parts.iter().map(|part| substitute(part, given))),
        atom => match given.get(atom) {
            Some(true) => Condition::True,
            Some(false) => Condition::False,
            None => atom.clone(),
        },
    }
}

/// The normal form of the condition, or of its contrary.
fn normal(part: &Condition, positive: bool, facts: &Facts) -> Condition {
    let sorted = |parts: &[Condition]| {
        let mut parts: Vec<Condition> = parts.iter().map(|part| normal(part, positive, facts)).collect();
        parts.sort();
        parts.dedup();
        parts
    };
    let constant = |value: bool| if value { Condition::True } else { Condition::False };
    match part {
        Condition::True => constant(positive),
        Condition::False => constant(!positive),
        Condition::Not(inner) => normal(inner, !positive, facts),
        // Joining flattens, so the parts are sorted once more; `and` of one part is that part.
        Condition::And(parts) if positive => resorted(Condition::and(sorted(parts))),
        Condition::Or(parts) if !positive => resorted(Condition::and(sorted(parts))),
        Condition::And(parts) | Condition::Or(parts) => resorted(Condition::or(sorted(parts))),
        Condition::Has(name) if facts.get(name).is_some_and(|fact| !fact.optional) => constant(positive),
        atom if positive => atom.clone(),
        atom => Condition::Not(Box::new(atom.clone())),
    }
}

fn resorted(condition: Condition) -> Condition {
    let order = |mut parts: Vec<Condition>| {
        parts.sort();
        parts.dedup();
        parts
    };
    match condition {
        Condition::And(parts) => Condition::And(order(parts)),
        Condition::Or(parts) => Condition::Or(order(parts)),
        other => other,
    }
}
