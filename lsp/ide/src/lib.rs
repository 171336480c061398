//! Editor features as plain data, without protocol types.
//!
//! A [`Workspace`] is the mutable side: files on disk, and over them the buffers that an editor has open. A
//! [`Snapshot`] is the other: an immutable state of it, for another thread. What is lengthy happens on
//! snapshots ([`Snapshot::check`]), or on policies alone ([`Analysis::run`]), so that a search for conflicts
//! never keeps an edit waiting.

mod analysis;
mod edits;
mod findings;
mod guard;
mod hover;
mod line_index;
mod names;
mod snapshot;
mod workspace;

pub use analysis::{Analysed, Analysis, Running, Standing};
pub use edits::{Action, Edit};
pub use findings::Checked;
pub use guard::{CancelHandle, Interrupted, guard, panic_message};
pub use hover::Hover;
pub use line_index::{Encoding, LineIndex, Position, Range};
pub use names::Target;
pub use ordain_grammar::FormatError;
pub use snapshot::Snapshot;
pub use workspace::{WORKSPACE_FILE, Workspace, workspace_root};
