//! What a decision procedure says.

/// The answer to a yes-or-no question, with a witness for the yes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer<W> {
    /// Proved, and here is an example.
    Yes(W),
    /// Proved that there is none.
    No,
    /// Not decided within the bounds of the procedure. Never a guess in either direction.
    Undecided,
}

impl<W> Answer<W> {
    /// The same answer with another witness.
    pub fn map<V>(self, f: impl FnOnce(W) -> V) -> Answer<V> {
        match self {
            Self::Yes(witness) => Answer::Yes(f(witness)),
            Self::No => Answer::No,
            Self::Undecided => Answer::Undecided,
        }
    }

    /// Whether it is a proved yes.
    pub const fn is_yes(&self) -> bool {
        matches!(self, Self::Yes(_))
    }

    /// Whether it is a proved no.
    pub const fn is_no(&self) -> bool {
        matches!(self, Self::No)
    }
}
