//! Which policies could speak about a request, found by its path and its facts instead of by asking every policy.
//!
//! **Scopes.** A tree over the segments of paths. A policy hangs at the deepest node whose literal segments every path
//! of one of its patterns shares, so on the way down to a path one meets all policies that may select it.
//!
//! **Facts.** Many conditions hold only where one fact has one of a few values (`tool.name == "export" and …`). At a
//! node such policies are found by that value. Where several facts would do, the one is taken whose values the fewest
//! other policies ask for.

use std::collections::BTreeMap;

use ordain_ir::{CompareOp, Condition, Glob, ScopePattern, ScopeSelector, TextTest};
use rustc_hash::FxHashMap;

use crate::prepared::{Prepared, Slotted};
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
    /// By group and value.
    keyed: FxHashMap<(u32, u64), List>,
    numbers: Vec<u32>,
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
}

/// Values of a fact of which a condition needs one.
pub(crate) type Keys = (u32, Vec<u64>);

/// A policy on its way into the index.
#[derive(Debug)]
pub(crate) struct Entry<'a> {
    pub(crate) side: Side,
    pub(crate) number: u32,
    pub(crate) scope: &'a ScopeSelector,
    /// Each alternative would do.
    pub(crate) keys: Vec<Keys>,
}

/// A policy at a node, and the values by which it is found there.
type Hung<'a> = (u32, Option<&'a Keys>);

fn place(length: usize) -> u32 {
    u32::try_from(length).expect("a bundle of at most 1 GiB has fewer than 2^32 policies")
}

impl Index {
    /// Entries of one side come in ascending order of numbers.
    pub(crate) fn new(entries: &[Entry<'_>], schema: &mut Schema) -> Self {
        let mut wanted: FxHashMap<(u32, u64), u32> = FxHashMap::default();
        for (slot, keys) in entries.iter().flat_map(|entry| &entry.keys) {
            for key in keys {
                *wanted.entry((*slot, *key)).or_default() += 1;
            }
        }
        let mut index = Self { nodes: vec![[Lists::default(), Lists::default()]], ..Self::default() };
        let mut hung: Vec<[Vec<Hung<'_>>; 2]> = vec![Default::default()];
        for entry in entries {
            let crowd =
                |(slot, keys): &&Keys| keys.iter().map(|key| u64::from(wanted[&(*slot, *key)])).sum::<u64>();
            let keys = entry.keys.iter().min_by_key(crowd);
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
        index
    }

    fn store(&mut self, hung: &[Hung<'_>], schema: &Schema) -> Lists {
        let mut by_slot: BTreeMap<u32, Vec<(u32, &[u64])>> = BTreeMap::new();
        let mut plain = vec![];
        for (number, keys) in hung {
            match keys {
                Some((slot, keys)) => by_slot.entry(*slot).or_default().push((*number, keys)),
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
            self.groups.push(Group { slot, if_missing });
            let mut by_key: BTreeMap<u64, Vec<u32>> = BTreeMap::new();
            for (number, keys) in policies {
                for key in keys {
                    by_key.entry(*key).or_default().push(number);
                }
            }
            for (key, numbers) in by_key {
                let list = self.list(&numbers);
                self.keyed.insert((group, key), list);
            }
        }
        Lists { plain: self.list(&plain), groups: (first, place(self.groups.len())) }
    }

    fn list(&mut self, numbers: &[u32]) -> List {
        let start = place(self.numbers.len());
        self.numbers.extend_from_slice(numbers);
        (start, place(self.numbers.len()))
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

    /// Calls `each` with all policies of one side that may speak about the request; with some of them twice, in no
    /// order.
    pub(crate) fn candidates(&self, side: Side, request: &Prepared, mut each: impl FnMut(u32)) {
        let mut all = |(from, to): List| {
            for number in &self.numbers[from as usize..to as usize] {
                each(*number);
            }
        };
        let PathNodes { nodes, len } = request.nodes;
        for node in &nodes[..len] {
            let lists = &self.nodes[*node as usize][side as usize];
            all(lists.plain);
            let (from, to) = lists.groups;
            for number in from..to {
                let group = &self.groups[number as usize];
                let value = request.slot(group.slot);
                if value == Slotted::Missing {
                    all(group.if_missing);
                } else if let Some(list) = value.key().and_then(|key| self.keyed.get(&(number, key))) {
                    all(*list);
                }
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

/// The facts of which the condition needs one of a few values, each with those values. Facts and words are known to
/// the schema.
pub(crate) fn keys(condition: &Condition, schema: &Schema) -> Vec<Keys> {
    let one = |fact, keys: Vec<u64>| schema.slot(fact).map(|slot| (slot, keys)).into_iter().collect();
    let word = |text: &str| match schema.symbol(text) {
        UNKNOWN => None,
        symbol => Some(u64::from(symbol)),
    };
    match condition {
        Condition::Fact(fact) => one(fact, vec![1]),
        Condition::OneOf { fact, words } => one(fact, words.iter().filter_map(|it| word(it)).collect()),
        Condition::Text { fact, test: TextTest::Equals(text) } => one(fact, word(text).into_iter().collect()),
        Condition::Compare { terms, op: CompareOp::Equal, bound } => match &**terms {
            [(fact, 1)] => one(fact, vec![bound.cast_unsigned()]),
            _ => vec![],
        },
        Condition::And(parts) => parts.iter().flat_map(|part| keys(part, schema)).collect(),
        Condition::Or(parts) => {
            let mut parts = parts.iter().map(|part| keys(part, schema));
            let first = parts.next().unwrap_or_default();
            parts.fold(first, |common, part| {
                let both = |(slot, mut keys): Keys| {
                    let (_, more) = part.iter().find(|(other, _)| *other == slot)?;
                    keys.extend_from_slice(more);
                    keys.sort_unstable();
                    keys.dedup();
                    Some((slot, keys))
                };
                common.into_iter().filter_map(both).collect()
            })
        }
        _ => vec![],
    }
}
