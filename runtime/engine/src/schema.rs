//! Names as numbers: the facts, words, path segments and meters that policies speak of.

use std::collections::BTreeMap;

use ordain_ir::{Fact, FactName, Meter, Type};
use rustc_hash::FxHashMap;

use crate::ConditionError;
use crate::symbols::Symbols;

/// What a value has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Bool,
    Number,
    Text,
    SetOfNumbers,
    SetOfTexts,
}

impl Kind {
    fn of(ty: &Type) -> Self {
        match ty {
            Type::Bool => Self::Bool,
            Type::Int | Type::Decimal { .. } | Type::Money { .. } | Type::Duration => Self::Number,
            Type::String | Type::Enum { .. } => Self::Text,
            Type::Set { of } if matches!(**of, Type::String | Type::Enum { .. }) => Self::SetOfTexts,
            Type::Set { .. } => Self::SetOfNumbers,
        }
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::Number => "number",
            Self::Text => "text",
            Self::SetOfNumbers | Self::SetOfTexts => "set",
        }
    }
}

/// A fact that some condition reads.
#[derive(Clone, Debug)]
pub(crate) struct Slot {
    pub(crate) name: FactName,
    pub(crate) kind: Kind,
    pub(crate) optional: bool,
}

/// The vocabulary of one set of policies. Only what policies read has a number; anything else in a request can't
/// change an answer.
#[derive(Debug, Default)]
pub(crate) struct Schema {
    /// Numbered as the slots are.
    facts: Symbols,
    pub(crate) slots: Vec<Slot>,
    pub(crate) symbols: Symbols,
    /// By number, the texts that are searched for in others.
    parts: FxHashMap<u32, Box<str>>,
    pub(crate) meters: Vec<Meter>,
}

fn number(length: usize) -> u32 {
    u32::try_from(length).expect("a bundle of at most 1 GiB names fewer than 2^32 things")
}

impl Schema {
    /// The number of a fact that a condition reads, of any kind.
    pub(crate) fn intern_fact(
        &mut self,
        name: &FactName,
        facts: &BTreeMap<FactName, Fact>,
    ) -> Result<u32, ConditionError> {
        if let Some(slot) = self.slot(name) {
            return Ok(slot);
        }
        let fact = facts.get(name).ok_or_else(|| ConditionError::UnknownFact(name.clone()))?;
        self.slots.push(Slot { name: name.clone(), kind: Kind::of(&fact.ty), optional: fact.optional });
        Ok(self.facts.intern(name.as_str()))
    }

    /// The number of a fact that a condition reads as of this kind.
    pub(crate) fn intern_fact_of(
        &mut self,
        kind: Kind,
        name: &FactName,
        facts: &BTreeMap<FactName, Fact>,
    ) -> Result<u32, ConditionError> {
        let slot = self.intern_fact(name, facts)?;
        if self.slots[slot as usize].kind == kind {
            return Ok(slot);
        }
        Err(ConditionError::Kind { fact: name.clone(), wanted: kind.name() })
    }

    /// The number of a text that is searched for in others.
    pub(crate) fn intern_part(&mut self, text: &str) -> u32 {
        let symbol = self.symbols.intern(text);
        self.parts.entry(symbol).or_insert_with(|| text.into());
        symbol
    }

    /// The text that is searched for under a number.
    pub(crate) fn part(&self, symbol: u32) -> &str {
        &self.parts[&symbol]
    }

    /// The number of a meter that a limit bounds.
    pub(crate) fn intern_meter(&mut self, meter: &Meter) -> u32 {
        let known = self.meters.iter().position(|known| known == meter);
        number(known.unwrap_or_else(|| {
            self.meters.push(meter.clone());
            self.meters.len() - 1
        }))
    }

    /// The number of a fact; `None` if no condition reads it.
    pub(crate) fn slot(&self, name: &FactName) -> Option<u32> {
        self.facts.known(name.as_str())
    }
}
