//! Conflicts between policies: exact algebra, solver, evidence

mod answer;
pub mod scope;
pub mod strings;
pub mod window;

pub use answer::Answer;
