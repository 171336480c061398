//! Pages of lists.

use jiff::Timestamp;
use uuid::Uuid;

use crate::Cursor;

/// Which part of a list is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageRequest<'a> {
    /// How many items at most.
    pub limit: u32,
    /// How many items to leave out before the first.
    pub offset: u64,
    /// Only what comes after this place, which is one of a list of the same order.
    pub after: Option<&'a Cursor>,
}

impl<'a> PageRequest<'a> {
    /// The largest page.
    pub const MAX_LIMIT: u32 = 100;
    /// The largest offset: what both databases count to.
    pub const MAX_OFFSET: u64 = i64::MAX as u64;
    /// The first items, as many as a page can have.
    pub const FIRST: PageRequest<'static> =
        PageRequest { limit: PageRequest::MAX_LIMIT, offset: 0, after: None };

    /// A page; what exceeds [`Self::MAX_LIMIT`] or [`Self::MAX_OFFSET`] is cut down to it, a limit of 0 is 1.
    pub fn new(limit: u32, offset: u64) -> Self {
        Self { limit: limit.clamp(1, Self::MAX_LIMIT), offset: offset.min(Self::MAX_OFFSET), after: None }
    }

    /// The same size after a place.
    #[must_use]
    pub fn after(self, cursor: Option<&'a Cursor>) -> Self {
        Self { after: cursor, ..self }
    }

    /// How many rows a database is asked for: one more than the page has, which tells whether more follow.
    pub fn sql_limit(self) -> i64 {
        i64::from(self.limit) + 1
    }

    /// The offset as databases take it.
    pub fn sql_offset(self) -> i64 {
        i64::try_from(self.offset).unwrap_or(i64::MAX)
    }

    /// The name after which it begins; less than any name where it begins at the first.
    pub fn after_name(self) -> &'a str {
        match self.after {
            Some(Cursor::Name(name)) => name,
            _ => "",
        }
    }

    /// The rank and the identity of the conflict after which it begins, likewise.
    pub fn after_conflict(self) -> (&'a str, &'a str) {
        match self.after {
            Some(Cursor::Conflict { rank, id }) => (rank, id),
            _ => ("", ""),
        }
    }

    /// The event after which it begins.
    pub fn after_event(self) -> Option<(Timestamp, Uuid)> {
        match self.after {
            Some(Cursor::Event { at, id }) => Some((*at, *id)),
            _ => None,
        }
    }

    /// The bundle after which it begins.
    pub fn after_bundle(self) -> Option<(Timestamp, &'a str)> {
        match self.after {
            Some(Cursor::Bundle { at, digest }) => Some((*at, digest)),
            _ => None,
        }
    }

    /// The version after which it begins.
    pub fn after_version(self) -> Option<(Timestamp, Uuid, u32)> {
        match self.after {
            Some(Cursor::Version { at, proposal, version }) => Some((*at, *proposal, *version)),
            _ => None,
        }
    }

    /// The entry of the record after which it begins.
    pub fn after_audit(self) -> Option<Uuid> {
        match self.after {
            Some(Cursor::Audit(id)) => Some(*id),
            _ => None,
        }
    }
}

/// One part of a list, with the length of the whole. Both are of the same instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// The items, in the list's order.
    pub items: Vec<T>,
    /// How many items the filter leaves in all, wherever the page begins.
    pub total: u64,
    /// Where the next page begins; nowhere, if nothing follows.
    pub next: Option<Cursor>,
}

/// An item of a list.
pub trait Placed {
    /// Its place in there.
    fn place(&self) -> Cursor;
}

impl<T: Placed> Page<T> {
    /// From items of which there may be one more than were asked for.
    pub fn new(mut items: Vec<T>, total: u64, request: PageRequest<'_>) -> Self {
        let size = usize::try_from(request.limit).unwrap_or(usize::MAX);
        let more = items.len() > size;
        items.truncate(size);
        let next = items.last().filter(|_| more).map(Placed::place);
        Self { items, total, next }
    }
}
