//! Which policies could speak about a request, found by its path and its facts instead of by asking every policy.
//!
//! **Scopes.** A tree over the segments of paths. A policy hangs at the deepest node whose literal segments every path
//! of one of its patterns shares, so on the way down to a path one meets all policies that may select it.
//!
//! **Facts.** Many conditions hold only where one fact has one of a few values, or a text one of a few ends (`tool.name ==
//! "export" and …`, `tool.name like "deploy.*"`, `labels contains "pii"`). At a node such policies are found by these
//! [keys](Key). Where several facts would do, the one is taken whose keys the fewest other policies ask for. For ends of
//! texts the index knows which lengths there are, and looks up the text's end of each.

use std::collections::{BTreeMap, BTreeSet};

use ordain_ir::{Glob, ScopePattern, ScopeSelector};
use rustc_hash::FxHashMap;

use crate::keys::{Key, Keys, Proved};
use crate::prepared::{Element, Prepared, Slotted};
use crate::schema::{Schema, UNKNOWN};

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

/// A piece of [`Index::numbers`].
type List = (u32, u32);

#[derive(Debug, Default)]
pub(crate) struct Index {
    // Only ever looked up by key, never iterated: hash order can't reach an answer.
    children: FxHashMap<(u32, u32), u32>,
    nodes: Vec<[Lists; 2]>,
    groups: Vec<Group>,
    /// By group and [`Key::code`].
    keyed: FxHashMap<(u32, u64), List>,
    numbers: Vec<u32>,
    /// Of beginnings and ends of texts, in bytes.
    lengths: Vec<u32>,
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
    /// How long the beginnings are that policies ask for, ascending: a range of [`Index::lengths`].
    begins: (u32, u32),
    /// How long the ends are, likewise.
    ends: (u32, u32),
}

/// A policy on its way into the index.
#[derive(Debug)]
pub(crate) struct Entry<'a> {
    pub(crate) side: Side,
    pub(crate) number: u32,
    pub(crate) scope: &'a ScopeSelector,
    /// Each alternative would do.
    pub(crate) keys: Vec<Keys>,
}

/// A policy at a node, and the keys by which it is found there.
type Hung<'a> = (u32, Option<&'a Keys>);

fn place(length: usize) -> u32 {
    u32::try_from(length).expect("a bundle of at most 1 GiB has fewer than 2^32 policies")
}

impl Index {
    /// Entries of one side come in ascending order of numbers. `proved` hears of those of which a part of the condition
    /// holds wherever they are found by a fact.
    pub(crate) fn new(
        entries: &[Entry<'_>],
        schema: &mut Schema,
        mut proved: impl FnMut(&Entry<'_>, Proved),
    ) -> Self {
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
                keys.any.iter().map(|key| u64::from(wanted[&(keys.slot, key.code())])).sum::<u64>()
            };
            let keys = entry.keys.iter().min_by_key(crowd);
            if let Some(what) = keys.and_then(|keys| keys.proves) {
                proved(entry, what);
            }
            for pattern in &entry.scope.include {
                let mut node = 0;
                for segment in literal_prefix(pattern) {
                    let below = (node, schema.intern(segment));
                    node = *index.children.entry(below).or_insert_with(|| {
                        hung.push(Default::default());
                        place(hung.len() - 1)
                    });
                }
                let list = &mut hung[node as usize][entry.side as usize];
                if list.last().is_none_or(|(last, _)| *last != entry.number) {
                    list.push((entry.number, keys));
                }
            }
        }
        index.nodes = hung.into_iter().map(|sides| sides.map(|list| index.store(&list, schema))).collect();
        index.numbers.shrink_to_fit();
        index.groups.shrink_to_fit();
        index.lengths.shrink_to_fit();
        index
    }

    fn store(&mut self, hung: &[Hung<'_>], schema: &Schema) -> Lists {
        let mut by_slot: BTreeMap<u32, Vec<(u32, &[Key])>> = BTreeMap::new();
        let mut plain = vec![];
        for (number, keys) in hung {
            match keys {
                Some(keys) => by_slot.entry(keys.slot).or_default().push((*number, &keys.any)),
                None => plain.push(*number),
            }
        }
        by_slot.retain(|_, policies| {
            let worth = policies.len() >= WORTH_A_TABLE;
            if !worth {
                plain.extend(policies.iter().map(|(number, _)| *number));
            }
            worth
        });
        let first = place(self.groups.len());
        for (slot, policies) in by_slot {
            let group = place(self.groups.len());
            let optional = schema.slots[slot as usize].optional;
            let all: Vec<u32> = if optional { vec![] } else { policies.iter().map(|it| it.0).collect() };
            let if_missing = self.list(&all);
            let mut by_key: BTreeMap<Key, Vec<u32>> = BTreeMap::new();
            for (number, keys) in policies {
                for key in keys {
                    by_key.entry(*key).or_default().push(number);
                }
            }
            let begins =
                by_key.keys().filter_map(|key| if let Key::Begins(_, n) = key { Some(*n) } else { None });
            let begins = self.lengths(begins.collect());
            let ends =
                by_key.keys().filter_map(|key| if let Key::Ends(_, n) = key { Some(*n) } else { None });
            let ends = self.lengths(ends.collect());
            self.groups.push(Group { slot, if_missing, begins, ends });
            for (key, numbers) in by_key {
                let list = self.list(&numbers);
                self.keyed.insert((group, key.code()), list);
            }
        }
        Lists { plain: self.list(&plain), groups: (first, place(self.groups.len())) }
    }

    fn list(&mut self, numbers: &[u32]) -> List {
        let start = place(self.numbers.len());
        self.numbers.extend_from_slice(numbers);
        (start, place(self.numbers.len()))
    }

    fn lengths(&mut self, lengths: BTreeSet<u32>) -> (u32, u32) {
        let start = place(self.lengths.len());
        self.lengths.extend(lengths);
        (start, place(self.lengths.len()))
    }

    pub(crate) fn nodes_of(&self, schema: &Schema, path: [&str; 3]) -> PathNodes {
        let mut found = PathNodes { nodes: [0; 4], len: 1 };
        for segment in path {
            let symbol = schema.symbol(segment);
            let parent = found.nodes[found.len - 1];
            let Some(node) = self.children.get(&(parent, symbol)) else { break };
            found.nodes[found.len] = *node;
            found.len += 1;
        }
        found
    }

    /// Calls `each` with all policies of one side that may speak about the request, and whether a fact has led there; with
    /// some of them twice, in no order.
    pub(crate) fn candidates(
        &self,
        side: Side,
        schema: &Schema,
        request: &Prepared,
        mut each: impl FnMut(u32, bool),
    ) {
        let mut all = |(from, to): List, by_fact: bool| {
            for number in &self.numbers[from as usize..to as usize] {
                each(*number, by_fact);
            }
        };
        let PathNodes { nodes, len } = request.nodes;
        for node in &nodes[..len] {
            let lists = &self.nodes[*node as usize][side as usize];
            all(lists.plain, false);
            let (from, to) = lists.groups;
            for number in from..to {
                let mut by_key = |key: Key| {
                    if let Some(list) = self.keyed.get(&(number, key.code())) {
                        all(*list, true);
                    }
                };
                let group = &self.groups[number as usize];
                match request.slot(group.slot) {
                    Slotted::Missing => all(group.if_missing, false),
                    Slotted::Bool(flag) => by_key(Key::Value(flag.into())),
                    Slotted::Number(number) => by_key(Key::Value(number.cast_unsigned())),
                    Slotted::Text(symbol, piece) => {
                        self.keys_of_text(group, symbol, request.text(piece), schema, by_key);
                    }
                    Slotted::Set(from, to) => {
                        for element in request.elements(from, to) {
                            match *element {
                                Element::Number(number) => by_key(Key::Value(number.cast_unsigned())),
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

    /// The keys by which policies of a group may ask for a text.
    fn keys_of_text(
        &self,
        group: &Group,
        symbol: u32,
        text: &str,
        schema: &Schema,
        mut each: impl FnMut(Key),
    ) {
        if symbol != UNKNOWN {
            each(Key::Value(symbol.into()));
        }
        let lengths = |(from, to): (u32, u32)| {
            // No longer than the text.
            let fits = |length: &&u32| **length as usize <= text.len();
            self.lengths[from as usize..to as usize].iter().take_while(fits).copied()
        };
        let mut named = |affix: Option<&str>, length: u32, key: fn(u32, u32) -> Key| {
            // None where a character is cut.
            let symbol = affix.map_or(UNKNOWN, |affix| schema.symbol(affix));
            if symbol != UNKNOWN {
                each(key(symbol, length));
            }
        };
        for length in lengths(group.begins) {
            named(text.get(..length as usize), length, Key::Begins);
        }
        for length in lengths(group.ends) {
            named(text.get(text.len() - length as usize..), length, Key::Ends);
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
