//! Pages of lists.

/// Which part of a list is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageRequest {
    /// How many items at most.
    pub limit: u32,
    /// How many items to leave out before the first.
    pub offset: u64,
}

impl PageRequest {
    /// The largest page.
    pub const MAX_LIMIT: u32 = 100;
    /// The largest offset: what both databases count to.
    pub const MAX_OFFSET: u64 = i64::MAX as u64;

    /// A page; what exceeds [`Self::MAX_LIMIT`] or [`Self::MAX_OFFSET`] is cut down to it, a limit of 0 is 1.
    pub fn new(limit: u32, offset: u64) -> Self {
        Self { limit: limit.clamp(1, Self::MAX_LIMIT), offset: offset.min(Self::MAX_OFFSET) }
    }

    /// The offset as databases take it.
    pub fn sql_offset(self) -> i64 {
        i64::try_from(self.offset).unwrap_or(i64::MAX)
    }

    /// The part of a list that this page asks for.
    pub fn slice<T>(self, items: &[T]) -> &[T] {
        let start = usize::try_from(self.offset).unwrap_or(usize::MAX).min(items.len());
        let length = usize::try_from(self.limit).unwrap_or(usize::MAX);
        &items[start..start.saturating_add(length).min(items.len())]
    }
}

/// One part of a list, with the length of the whole. Both are of the same instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// The items, in the list's order.
    pub items: Vec<T>,
    /// How many items the filter leaves in all.
    pub total: u64,
}

impl<T> Page<T> {
    /// Whether items follow after this page.
    pub fn has_more(&self, request: PageRequest) -> bool {
        request.offset.saturating_add(self.items.len() as u64) < self.total
    }
}
