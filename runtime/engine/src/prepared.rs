//! A request in the shape in which it is decided.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use ordain_ir::{FactName, Quantity, Request, Value};

use crate::index::PathNodes;
use crate::schema::{Kind, Schema};
use crate::{Engine, Mismatch, period};

/// A piece of [`Prepared::texts`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Piece {
    start: u32,
    end: u32,
}

/// A fact's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Slotted {
    /// The request doesn't say it.
    Missing,
    Bool(bool),
    Number(i64),
    /// A text, and its number if a policy names it.
    Text(u32, Piece),
    /// A range of [`Prepared::elements`].
    Set(u32, u32),
}

/// An element of a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Element {
    Number(i64),
    Text(u32, Piece),
}

/// A request whose names are numbers of one engine's: made by [`Engine::prepare`], decided by [`Engine::answer`] any
/// number of times.
///
/// Keep one for each thread and prepare it again for the next request: its memory is used again.
#[derive(Clone, Debug, Default)]
pub struct Prepared {
    /// Of the engine that it was prepared for.
    schema: Option<Arc<Schema>>,
    texts: String,
    slots: Vec<Slotted>,
    elements: Vec<Element>,
    path: [Piece; 3],
    provider: Option<Piece>,
    pub(crate) nodes: PathNodes,
    pub(crate) at: Timestamp,
    /// Whole seconds since 1970, rounded down.
    pub(crate) second: i64,
    /// What the request uses, by number of the meter.
    pub(crate) amounts: Vec<i64>,
    /// Numbers of meters of which it can't be read what it uses.
    unread: Vec<u32>,
    pub(crate) risk: Option<i64>,
    pub(crate) risk_unread: bool,
    /// Whether its agent or its provider is none that the policies know.
    pub(crate) strange: bool,
    pub(crate) since_last_run: Option<i64>,
}

impl Prepared {
    fn push(&mut self, text: &str) -> Piece {
        // A request that is larger than 4 GiB gets empty texts rather than wrong ones; no reader lets one in.
        let place = |length: usize| u32::try_from(length).ok();
        let start = self.texts.len();
        match (place(start), place(start + text.len())) {
            (Some(start), Some(end)) => {
                self.texts.push_str(text);
                Piece { start, end }
            }
            _ => Piece::default(),
        }
    }

    pub(crate) fn text(&self, piece: Piece) -> &str {
        &self.texts[piece.start as usize..piece.end as usize]
    }

    pub(crate) fn path(&self) -> [&str; 3] {
        self.path.map(|piece| self.text(piece))
    }

    pub(crate) fn provider(&self) -> Option<&str> {
        self.provider.map(|piece| self.text(piece))
    }

    pub(crate) fn slot(&self, slot: u32) -> Slotted {
        self.slots[slot as usize]
    }

    pub(crate) fn elements(&self, start: u32, end: u32) -> &[Element] {
        &self.elements[start as usize..end as usize]
    }

    /// What the request uses of what a limit bounds.
    pub(crate) fn amount_for(&self, engine: &Engine, limit: u32) -> i64 {
        self.amounts[engine.limits[limit as usize].meter as usize]
    }

    /// Whether it can't be read what the request uses of what a limit bounds.
    pub(crate) fn is_unread(&self, meter: u32) -> bool {
        self.unread.contains(&meter)
    }

    pub(crate) fn is_of(&self, schema: &Arc<Schema>) -> bool {
        self.schema.as_ref().is_some_and(|own| Arc::ptr_eq(own, schema))
    }

    /// Takes the facts over. Of those that no condition reads nothing is kept.
    pub(crate) fn take_facts(
        &mut self,
        schema: &Arc<Schema>,
        facts: &BTreeMap<FactName, Value>,
    ) -> Result<(), Mismatch> {
        if !self.is_of(schema) {
            self.schema = Some(Arc::clone(schema));
        }
        self.texts.clear();
        self.elements.clear();
        self.slots.clear();
        self.slots.resize(schema.slots.len(), Slotted::Missing);
        for (name, value) in facts {
            let Some(slot) = schema.slot(name) else { continue };
            let kind = schema.slots[slot as usize].kind;
            let taken = match (kind, value) {
                (Kind::Bool, Value::Bool(flag)) => Some(Slotted::Bool(*flag)),
                (Kind::Number, Value::Number(number)) => Some(Slotted::Number(*number)),
                (Kind::Text, Value::Text(text)) => {
                    Some(Slotted::Text(schema.symbols.get(text), self.push(text)))
                }
                (Kind::SetOfNumbers | Kind::SetOfTexts, Value::Set(items)) => {
                    let start = self.elements.len();
                    let whole = items.iter().try_for_each(|item| {
                        let element = match (kind, item) {
                            (Kind::SetOfNumbers, Value::Number(number)) => Element::Number(*number),
                            (Kind::SetOfTexts, Value::Text(text)) => {
                                Element::Text(schema.symbols.get(text), self.push(text))
                            }
                            _ => return None,
                        };
                        self.elements.push(element);
                        Some(())
                    });
                    let place = |length: usize| u32::try_from(length).ok();
                    whole.and_then(|()| Some(Slotted::Set(place(start)?, place(self.elements.len())?)))
                }
                _ => None,
            };
            self.slots[slot as usize] =
                taken.ok_or_else(|| Mismatch { fact: name.clone(), wanted: kind.name() })?;
        }
        Ok(())
    }

    fn take_rest(&mut self, engine: &Engine, request: &Request) {
        let path = &request.path;
        let segments = [&path.tenant, &path.project, &path.agent];
        self.path = segments.map(|segment| self.push(segment));
        self.provider = request.provider.as_deref().map(|provider| self.push(provider));
        self.nodes = engine.index.nodes_of(&engine.schema, segments.map(String::as_str));
        self.at = request.at;
        self.second = period::second(request.at);
        let usage = &request.usage;
        self.amounts.clear();
        self.amounts.extend(engine.schema.meters.iter().map(|meter| usage.amount(meter)));
        (self.risk, self.since_last_run) = (usage.risk, usage.since_last_run);
        self.unread.clear();
        self.risk_unread = usage.unread.contains(&Quantity::RiskCeiling);
        for (meter, number) in engine.schema.meters.iter().zip(0..) {
            if !usage.unread.is_empty() && usage.unread.contains(&Quantity::PerRun(meter.clone())) {
                self.unread.push(number);
            }
        }
        let settings = &engine.policies().settings;
        self.strange = !settings.knows_agent(segments.map(String::as_str))
            || request.provider.as_deref().is_some_and(|provider| !settings.knows_provider(provider));
    }
}

impl Engine {
    /// Prepares a request for this engine, in memory that may have held another one.
    ///
    /// # Errors
    /// If a fact that a condition reads has a value of another kind than its declaration.
    pub fn prepare_into(&self, request: &Request, prepared: &mut Prepared) -> Result<(), Mismatch> {
        self.prepare_with(request, &request.facts, prepared)
    }

    /// Likewise, with these facts in place of the request's own.
    ///
    /// # Errors
    /// As [`Engine::prepare_into`].
    pub fn prepare_with(
        &self,
        request: &Request,
        facts: &BTreeMap<FactName, Value>,
        prepared: &mut Prepared,
    ) -> Result<(), Mismatch> {
        prepared.take_facts(&self.schema, facts)?;
        prepared.take_rest(self, request);
        Ok(())
    }

    /// Prepares a request for this engine.
    ///
    /// # Errors
    /// As [`Engine::prepare_into`].
    pub fn prepare(&self, request: &Request) -> Result<Prepared, Mismatch> {
        let mut prepared = Prepared::default();
        self.prepare_into(request, &mut prepared)?;
        Ok(prepared)
    }
}
