//! Single conditions, for those who ask more than what is decided: which branch of a condition held?

use std::collections::BTreeMap;

use ordain_ir::{Condition, Fact, FactName, Request};

use crate::condition::{Test, Truth};
use crate::{ConditionError, Mismatch};

/// A condition, or any part of one, compiled once and evaluated as in decisions.
#[derive(Debug)]
pub struct Predicate(Test);

impl Predicate {
    /// Compiles a condition over these declared facts.
    ///
    /// # Errors
    /// On conditions that the compiler would not have produced.
    pub fn new(condition: &Condition, facts: &BTreeMap<FactName, Fact>) -> Result<Self, ConditionError> {
        Test::new(condition, facts).map(Self)
    }

    /// Whether it holds for the request; `None` if that depends on a required fact which the request leaves out.
    ///
    /// # Errors
    /// If a value is of another kind than its fact was declared.
    pub fn evaluate(&self, request: &Request) -> Result<Option<bool>, Mismatch> {
        Ok(match self.0.evaluate(request)? {
            Truth::True => Some(true),
            Truth::False => Some(false),
            Truth::Unknown(_) => None,
        })
    }
}
