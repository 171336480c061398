//! Single conditions, for those who ask more than what is decided: which branch of a condition held?

use std::collections::BTreeMap;
use std::sync::Arc;

use ordain_ir::{Condition, Fact, FactName, Request};

use crate::condition::{Code, Start, Truth};
use crate::prepared::Prepared;
use crate::schema::Schema;
use crate::{ConditionError, Mismatch};

/// A condition, or any part of one, compiled once and evaluated as in decisions.
#[derive(Debug)]
pub struct Predicate {
    schema: Arc<Schema>,
    code: Code,
    start: Start,
}

impl Predicate {
    /// Compiles a condition over these declared facts.
    ///
    /// # Errors
    /// On conditions that the compiler would not have produced.
    pub fn new(condition: &Condition, facts: &BTreeMap<FactName, Fact>) -> Result<Self, ConditionError> {
        let (mut schema, mut code) = (Schema::default(), Code::default());
        let start = code.add(condition, facts, &mut schema)?;
        Ok(Self { schema: Arc::new(schema), code, start })
    }

    /// Whether it holds for the request; `None` if that depends on a required fact which the request leaves out.
    ///
    /// # Errors
    /// If a value that it reads is of another kind than its fact was declared.
    pub fn evaluate(&self, request: &Request) -> Result<Option<bool>, Mismatch> {
        let mut prepared = Prepared::default();
        prepared.take_facts(&self.schema, &request.facts)?;
        Ok(match self.code.evaluate(self.start, &self.schema, &prepared) {
            Truth::True => Some(true),
            Truth::False => Some(false),
            Truth::Unknown(_) => None,
        })
    }
}
