//! Conflicts between policies: exact algebra, solver, evidence

mod answer;
pub mod boxes;
pub mod cells;
pub mod conditions;
pub mod domain;
pub mod scope;
pub mod solver;
pub mod strings;
pub mod window;

pub use answer::Answer;
