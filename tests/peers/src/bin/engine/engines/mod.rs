//! One file per engine.

#[cfg(feature = "engines")]
mod casbin;
#[cfg(feature = "engines")]
mod cedar;
mod hash;
mod ordain;
#[cfg(feature = "engines")]
mod rego;

use std::time::Duration;

use crate::work::{Request, Rule, Shape};

/// What an engine says of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// The names of the rules that deny, sorted.
    Names(Vec<String>),
    /// Whether anything denies; for engines that don't tell who.
    #[cfg_attr(not(feature = "engines"), expect(dead_code, reason = "ours tell who"))]
    Denied(bool),
}

/// An engine with rules in it and requests made ready in its own types.
pub trait Loaded {
    /// Decides request `number`, with whatever reasons the engine gives, and returns something that depends on the
    /// answer, so that nothing is optimised away.
    fn decide(&mut self, number: usize) -> usize;
    /// Decides request `number` and says what came of it.
    fn said(&mut self, number: usize) -> Said;
}

/// Loads rules, timed by the engine's own file since what loading is differs.
pub type Load = fn(&[Rule], &[Request], Shape) -> (Box<dyn Loaded>, Duration);

pub struct Engine {
    pub name: &'static str,
    pub load: Load,
    /// Where more rules would take minutes.
    pub most: usize,
    pub windows: bool,
    pub patterns: bool,
    pub limits: bool,
}

pub const ENGINES: &[Engine] = &[
    Engine {
        name: "hash index, by hand",
        load: hash::load,
        most: usize::MAX,
        windows: true,
        patterns: false,
        limits: true,
    },
    Engine {
        name: "ordain, prepared request",
        load: ordain::prepared,
        most: usize::MAX,
        windows: true,
        patterns: true,
        limits: true,
    },
    Engine {
        name: "ordain, typed request",
        load: ordain::typed,
        most: usize::MAX,
        windows: true,
        patterns: true,
        limits: false,
    },
    Engine {
        name: "ordain, with the words",
        load: ordain::explained,
        most: usize::MAX,
        windows: true,
        patterns: false,
        limits: false,
    },
    #[cfg(feature = "engines")]
    Engine {
        name: "regorus, rules as data, RVM",
        load: rego::data_rvm,
        most: usize::MAX,
        windows: false,
        patterns: false,
        limits: false,
    },
    #[cfg(feature = "engines")]
    Engine {
        name: "regorus, rules as data",
        load: rego::data,
        most: usize::MAX,
        windows: true,
        patterns: false,
        limits: false,
    },
    #[cfg(feature = "engines")]
    Engine {
        name: "regorus, rules as code, RVM",
        load: rego::code_rvm,
        most: 1_000,
        windows: false,
        patterns: true,
        limits: false,
    },
    #[cfg(feature = "engines")]
    Engine {
        name: "regorus, rules as code",
        load: rego::code_interpreted,
        most: 1_000,
        windows: true,
        patterns: true,
        limits: false,
    },
    #[cfg(feature = "engines")]
    Engine {
        name: "casbin",
        load: casbin::load,
        most: 10_000,
        windows: false,
        patterns: false,
        limits: false,
    },
    #[cfg(feature = "engines")]
    Engine {
        name: "cedar-policy",
        load: cedar::load,
        most: 10_000,
        windows: false,
        patterns: true,
        limits: false,
    },
];
