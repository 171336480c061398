//! Which policies could speak about a request, found by its path and its facts instead of by asking every policy.
//!
//! **Scopes.** A tree over the segments of paths. A policy hangs at the deepest node whose literal segments every path
//! of one of its patterns shares, so on the way down to a path one meets all policies that may select it.
//!
//! **Facts.** Many conditions hold only where one fact has one of a few values, or a text one of a few ends (`tool.name ==
//! "export" and …`, `tool.name like "deploy.*"`, `labels contains "pii"`). At a node such policies are found by these
//! [keys](Key). Where several facts would do, the one is taken whose keys the fewest other policies ask for. For ends of
//! texts the index knows which lengths there are, and looks up the text's end of each; for parts (`tool.name like
//! "*.admin.*"`) one pass over the text finds all that policies ask for, by the algorithm of Aho and Corasick (1975).

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use aho_corasick::AhoCorasick;
use ordain_ir::{CompareOp, Glob, ScopePattern, ScopeSelector};
use rustc_hash::FxHashMap;

use crate::condition::{Code, Start, Test};
use crate::engine::Domain;
use crate::keys::{Affix, Key, Keys, Proved};
use crate::prepared::{Element, Prepared, Slotted};
use crate::schema::Schema;
use crate::symbols::UNKNOWN;

/// What searching a text for parts costs, in policies that are asked.
const SEARCH: u64 = 4;

/// Fewer policies than this are asked one by one.
const WORTH_A_TABLE: usize = 3;

/// Rules or limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Side {
    Rules,
    Limits,
}

/// The nodes on the way down to a path, from the root.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct PathNodes {
    nodes: [u32; 4],
    len: usize,
}

/// A piece of [`Index::steps`].
type List = (u32, u32);

/// A policy that may speak about a request; what is left to be asked where it was found follows it. All that are found
/// by one key stand side by side, so that those that don't speak cost no look at the policy itself.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    /// A [`Candidate`] and how many tests follow, written out as the tests are, so that all go beside the tag.
    Policy {
        number: u32,
        window: Option<NonZeroU32>,
        certain: bool,
        tests: u16,
    },
    Compare {
        slot: u32,
        op: CompareOp,
        bound: i32,
    },
    Part(Start),
}

impl Step {
    const fn of(test: Test) -> Self {
        match test {
            Test::Compare { slot, op, bound } => Self::Compare { slot, op, bound },
            Test::Part(part) => Self::Part(part),
        }
    }

    pub(crate) const fn as_test(&self) -> Option<Test> {
        match *self {
            Self::Policy { .. } => None,
            Self::Compare { slot, op, bound } => Some(Test::Compare { slot, op, bound }),
            Self::Part(part) => Some(Test::Part(part)),
        }
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Candidate {
    pub(crate) number: u32,
    /// As of [`Domain`].
    pub(crate) window: Option<NonZeroU32>,
    pub(crate) certain: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Index {
    // Only ever looked up by key, never iterated: hash order can't reach an answer.
    children: FxHashMap<(u32, u32), u32>,
    nodes: Vec<[Lists; 2]>,
    groups: Vec<Group>,
    /// By group and [`Key::code`].
    keyed: FxHashMap<(u32, u64), List>,
    steps: Vec<Step>,
    affixes: Vec<Affixes>,
    searches: Vec<Search>,
}

#[derive(Clone, Debug, Default)]
struct Lists {
    /// Asked whatever the facts are.
    plain: List,
    /// A range of [`Index::groups`].
    groups: (u32, u32),
}

/// The policies at a node that hang on one fact.
#[derive(Debug)]
struct Group {
    slot: u32,
    /// All of them, for requests that don't say a required fact; none where the fact is optional.
    if_missing: List,
    /// The beginnings that policies ask for: a range of [`Index::affixes`].
    begins: (u32, u32),
    /// The ends, likewise.
    ends: (u32, u32),
    /// The parts: one of [`Index::searches`].
    search: Option<u32>,
}

/// Finds all parts of a text for which policies ask.
#[derive(Debug)]
struct Search {
    automaton: AhoCorasick,
    /// By number in the automaton, the codes of their keys.
    codes: Vec<u64>,
}

impl Search {
    /// `None` if nothing is searched for.
    fn new<'a>(keys: impl Iterator<Item = &'a Key>, schema: &Schema) -> Option<Self> {
        let (mut parts, mut codes) = (vec![], vec![]);
        for key in keys {
            if let Key::Contains(symbol) = key {
                parts.push(schema.part(*symbol));
                codes.push(key.code());
            }
        }
        let automaton = || AhoCorasick::new(&parts).expect("1 GiB of parts have fewer than 2^31 states");
        (!parts.is_empty()).then(|| Self { automaton: automaton(), codes })
    }
}

/// The beginnings, or the ends, of one length.
#[derive(Clone, Copy, Debug)]
struct Affixes {
    /// In bytes.
    length: u32,
    /// The bytes with which they border on the rest of the text, by [`border`]. A pattern mostly names whole parts of
    /// names, so this tells of most texts that no policy asks for an affix of theirs of this length.
    borders: u64,
}

/// One bit of 64; bytes of which the lower six bits are the same share one.
const fn border(byte: u8) -> u64 {
    1 << (byte % 64)
}

/// A policy on its way into the index.
#[derive(Debug)]
pub(crate) struct Entry<'a> {
    pub(crate) side: Side,
    pub(crate) number: u32,
    pub(crate) scope: &'a ScopeSelector,
    pub(crate) domain: Domain,
    /// Each alternative would do.
    pub(crate) keys: Vec<Keys>,
}

/// A policy at a node, and the keys by which it is found there.
type Hung<'a> = (&'a Entry<'a>, Option<&'a Keys>);

fn place(length: usize) -> u32 {
    u32::try_from(length).expect("a bundle of at most 1 GiB has fewer than 2^32 policies")
}

impl Index {
    /// Entries of one side come in ascending order of numbers.
    pub(crate) fn new(entries: &[Entry<'_>], schema: &mut Schema, code: &Code) -> Self {
        let mut wanted: FxHashMap<(u32, u64), u32> = FxHashMap::default();
        for keys in entries.iter().flat_map(|entry| &entry.keys) {
            for key in &keys.any {
                *wanted.entry((keys.slot, key.code())).or_default() += 1;
            }
        }
        let mut index = Self { nodes: vec![[Lists::default(), Lists::default()]], ..Self::default() };
        let mut hung: Vec<[Vec<Hung<'_>>; 2]> = vec![Default::default()];
        for entry in entries {
            let crowd = |keys: &&Keys| {
                let wanted = |key: &Key| u64::from(wanted[&(keys.slot, key.code())]);
                let search = if keys.need_search() { SEARCH } else { 0 };
                keys.any.iter().map(wanted).sum::<u64>() + search
            };
            let keys = entry.keys.iter().min_by_key(crowd);
            for pattern in &entry.scope.include {
                let mut node = 0;
                for segment in literal_prefix(pattern) {
                    let below = (node, schema.symbols.intern(segment));
                    node = *index.children.entry(below).or_insert_with(|| {
                        hung.push(Default::default());
                        place(hung.len() - 1)
                    });
                }
                let list = &mut hung[node as usize][entry.side as usize];
                if list.last().is_none_or(|(last, _)| last.number != entry.number) {
                    list.push((entry, keys));
                }
            }
        }
        index.nodes =
            hung.into_iter().map(|sides| sides.map(|list| index.store(&list, schema, code))).collect();
        index.steps.shrink_to_fit();
        index.groups.shrink_to_fit();
        index.affixes.shrink_to_fit();
        index.searches.shrink_to_fit();
        index
    }

    fn store(&mut self, hung: &[Hung<'_>], schema: &Schema, code: &Code) -> Lists {
        let mut by_slot: BTreeMap<u32, Vec<(&Entry<'_>, &Keys)>> = BTreeMap::new();
        let mut plain = vec![];
        for (entry, keys) in hung {
            match keys {
                Some(keys) => by_slot.entry(keys.slot).or_default().push((entry, keys)),
                None => plain.push((*entry, Start::NONE)),
            }
        }
        by_slot.retain(|_, policies| {
            let searched = policies.iter().filter(|(_, keys)| keys.need_search()).count();
            let few = |keys: &Keys| keys.need_search() && searched < WORTH_A_TABLE;
            let worth = policies.iter().filter(|(_, keys)| !few(keys)).count() >= WORTH_A_TABLE;
            policies.retain(|(entry, keys)| {
                let keep = worth && !few(keys);
                if !keep {
                    plain.push((*entry, Start::NONE));
                }
                keep
            });
            worth
        });
        let first = place(self.groups.len());
        for (slot, policies) in by_slot {
            let group = place(self.groups.len());
            let optional = schema.slots[slot as usize].optional;
            let all = policies.iter().filter(|_| !optional).map(|(entry, _)| (*entry, Start::NONE));
            let if_missing = self.list(all, code);
            let mut by_key: BTreeMap<Key, Vec<(&Entry<'_>, Start)>> = BTreeMap::new();
            for (entry, keys) in policies {
                let condition = entry.domain.condition;
                let proved = match keys.proves {
                    None => Start::NONE,
                    Some(Proved::Whole) => condition,
                    Some(Proved::Part(place)) => code.part(condition, place),
                };
                for key in &keys.any {
                    by_key.entry(*key).or_default().push((entry, proved));
                }
            }
            let affix = |key: &Key, begin: bool| match key {
                Key::Begins(affix) if begin => Some(*affix),
                Key::Ends(affix) if !begin => Some(*affix),
                _ => None,
            };
            let begins = self.affixes(by_key.keys().filter_map(|key| affix(key, true)));
            let ends = self.affixes(by_key.keys().filter_map(|key| affix(key, false)));
            let search = Search::new(by_key.keys(), schema).map(|search| {
                self.searches.push(search);
                place(self.searches.len() - 1)
            });
            self.groups.push(Group { slot, if_missing, begins, ends, search });
            for (key, policies) in by_key {
                let list = self.list(policies, code);
                self.keyed.insert((group, key.code()), list);
            }
        }
        Lists { plain: self.list(plain, code), groups: (first, place(self.groups.len())) }
    }

    /// Stores policies, each with the part of its condition of which it is known that it holds.
    fn list<'a>(&mut self, policies: impl IntoIterator<Item = (&'a Entry<'a>, Start)>, code: &Code) -> List {
        let start = place(self.steps.len());
        for (Entry { number, domain, .. }, known) in policies {
            let header = self.steps.len();
            let Domain { window, certain, .. } = *domain;
            // How many tests follow.
            let policy = |tests: u16| Step::Policy { number: *number, window, certain, tests };
            self.steps.push(policy(0));
            self.steps.extend(code.tests(domain.condition, known).map(Step::of));
            let tests = u16::try_from(self.steps.len() - header - 1).unwrap_or_else(|_| {
                self.steps.truncate(header + 1);
                self.steps.push(Step::Part(domain.condition));
                1
            });
            self.steps[header] = policy(tests);
        }
        (start, place(self.steps.len()))
    }

    /// Stores what is asked of beginnings, or of ends, ascending by length.
    fn affixes(&mut self, all: impl Iterator<Item = Affix>) -> (u32, u32) {
        let mut borders: BTreeMap<u32, u64> = BTreeMap::new();
        for affix in all {
            *borders.entry(affix.length).or_default() |= border(affix.border);
        }
        let start = place(self.affixes.len());
        self.affixes.extend(borders.into_iter().map(|(length, borders)| Affixes { length, borders }));
        (start, place(self.affixes.len()))
    }

    pub(crate) fn nodes_of(&self, schema: &Schema, path: [&str; 3]) -> PathNodes {
        let mut found = PathNodes { nodes: [0; 4], len: 1 };
        for segment in path {
            let symbol = schema.symbols.get(segment);
            let parent = found.nodes[found.len - 1];
            let Some(node) = self.children.get(&(parent, symbol)) else { break };
            found.nodes[found.len] = *node;
            found.len += 1;
        }
        found
    }

    /// Calls `each` with all policies of one side that may speak about the request, and what is left to be asked of it; with
    /// some of them twice, in no order.
    pub(crate) fn candidates(
        &self,
        side: Side,
        schema: &Schema,
        request: &Prepared,
        mut each: impl FnMut(&Candidate, &[Step]),
    ) {
        let mut all = |(from, to): List| {
            let mut steps = &self.steps[from as usize..to as usize];
            while let [Step::Policy { number, window, certain, tests }, rest @ ..] = steps {
                let (tests, others) = rest.split_at((*tests).into());
                each(&Candidate { number: *number, window: *window, certain: *certain }, tests);
                steps = others;
            }
        };
        let PathNodes { nodes, len } = request.nodes;
        for node in &nodes[..len] {
            let lists = &self.nodes[*node as usize][side as usize];
            all(lists.plain);
            let (from, to) = lists.groups;
            for number in from..to {
                let mut by_key = |code: u64| {
                    if let Some(list) = self.keyed.get(&(number, code)) {
                        all(*list);
                    }
                };
                let group = &self.groups[number as usize];
                match request.slot(group.slot) {
                    Slotted::Missing => all(group.if_missing),
                    Slotted::Bool(flag) => by_key(flag.into()),
                    Slotted::Number(number) => by_key(number.cast_unsigned()),
                    Slotted::Text(symbol, piece) => {
                        self.keys_of_text(group, symbol, request.text(piece), schema, by_key);
                    }
                    Slotted::Set(from, to) => {
                        for element in request.elements(from, to) {
                            match *element {
                                Element::Number(number) => by_key(number.cast_unsigned()),
                                Element::Text(symbol, piece) => {
                                    self.keys_of_text(
                                        group,
                                        symbol,
                                        request.text(piece),
                                        schema,
                                        &mut by_key,
                                    );
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    /// The codes of the keys by which policies of a group may ask for a text.
    #[inline]
    fn keys_of_text(
        &self,
        group: &Group,
        symbol: u32,
        text: &str,
        schema: &Schema,
        mut each: impl FnMut(u64),
    ) {
        if symbol != UNKNOWN {
            each(symbol.into());
        }
        let affixes = |(from, to): (u32, u32)| {
            // No longer than the text.
            let fits = |affixes: &&Affixes| affixes.length as usize <= text.len();
            self.affixes[from as usize..to as usize].iter().take_while(fits)
        };
        for Affixes { length, borders } in affixes(group.begins) {
            let length = *length as usize;
            if borders & border(text.as_bytes()[length - 1]) != 0
                // None where a character is cut.
                && let Some(symbol) = text.get(..length).and_then(|begin| schema.symbols.known(begin))
            {
                each(Key::begins(symbol));
            }
        }
        for Affixes { length, borders } in affixes(group.ends) {
            let start = text.len() - *length as usize;
            if borders & border(text.as_bytes()[start]) != 0
                && let Some(symbol) = text.get(start..).and_then(|end| schema.symbols.known(end))
            {
                each(Key::ends(symbol));
            }
        }
        if let Some(search) = group.search {
            let Search { automaton, codes } = &self.searches[search as usize];
            for found in automaton.find_overlapping_iter(text) {
                each(codes[found.pattern().as_usize()]);
            }
        }
    }
}

fn literal_prefix(pattern: &ScopePattern) -> impl Iterator<Item = &str> {
    [&pattern.tenant, &pattern.project, &pattern.agent]
        .into_iter()
        .map_while(|part| part.as_ref().and_then(Glob::as_literal))
}

/// Whether a policy that hangs on the way down to a path selects it for certain.
pub(crate) fn is_certain(scope: &ScopeSelector) -> bool {
    let literal = |pattern: &ScopePattern| {
        let parts = [&pattern.tenant, &pattern.project, &pattern.agent, &pattern.provider];
        literal_prefix(pattern).count() == parts.into_iter().flatten().count()
    };
    scope.except.is_empty() && scope.include.iter().all(literal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_steps_fit_into_a_line_of_memory() {
        assert_eq!(size_of::<Step>(), 12);
    }
}
