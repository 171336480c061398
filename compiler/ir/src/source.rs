//! Places in source text, kept apart from the policies that stand there.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{PolicyKind, wire_enum};

/// A half-open range of byte offsets in one file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// A span from byte offsets. Files are capped at 4 GiB by the loader, so the offsets fit.
    ///
    /// # Panics
    /// If an offset exceeds `u32::MAX`.
    pub fn new(start: usize, end: usize) -> Self {
        let narrow = |n| u32::try_from(n).expect("the loader refuses files of 4 GiB and more");
        Self { start: narrow(start), end: narrow(end) }
    }

    /// Number of bytes.
    pub const fn len(self) -> u32 {
        self.end - self.start
    }

    /// Whether the span covers no byte.
    pub const fn is_empty(self) -> bool {
        self.start == self.end
    }

    /// The smallest span that covers both.
    #[must_use]
    pub fn cover(self, other: Self) -> Self {
        Self { start: self.start.min(other.start), end: self.end.max(other.end) }
    }

    /// The span as a range for slicing text.
    pub const fn range(self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// A span with its line and column, for readers without the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Place {
    /// The bytes.
    #[serde(flatten)]
    pub span: Span,
    /// Line of the first byte, from 1.
    pub line: u32,
    /// Column of the first byte in Unicode scalar values, from 1.
    pub column: u32,
}

wire_enum! {
    /// The clauses of a policy that a finding can point at.
    pub enum Clause {
        /// The name after the keyword `rule` or `limit`.
        Name = "name",
        /// `type`
        Type = "type",
        /// `enforce`
        Enforce = "enforce",
        /// `scope`
        Scope = "scope",
        /// `priority`
        Priority = "priority",
        /// `active`; several clauses are covered by one span each, the first is recorded.
        Active = "active",
        /// `when`
        When = "when",
        /// `at most` or `at least`
        Bound = "bound",
        /// `per`
        Per = "per",
        /// `depends on`
        DependsOn = "depends on",
        /// `overrides`
        Overrides = "overrides",
        /// `status`
        Status = "status",
        /// `source`
        Source = "source",
        /// `warn at`
        WarnAt = "warn at",
    }
}

/// A place in a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Site {
    /// Path of the file, relative to the workspace, with `/` separators.
    pub file: String,
    /// Where in it.
    pub place: Place,
}

/// Where one policy stands. One from a template stands in the template; `application` tells where it is applied.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PolicySource {
    /// Rule or limit.
    pub kind: PolicyKind,
    /// Path of the file, relative to the workspace, with `/` separators.
    pub file: String,
    /// The whole item.
    pub item: Place,
    /// Each clause that is written out.
    pub clauses: BTreeMap<Clause, Place>,
    /// The `apply` that makes it, in the file that an author of the workspace would change; of nested ones the
    /// outermost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub application: Option<Site>,
}

impl PolicySource {
    /// The place of a clause, or of the policy's name where the clause is not written.
    pub fn clause(&self, clause: Clause) -> Place {
        let fallback = || self.clauses.get(&Clause::Name).copied().unwrap_or(self.item);
        self.clauses.get(&clause).copied().unwrap_or_else(fallback)
    }
}
