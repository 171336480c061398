//! Rules that both languages can say, with the same meaning in both.

/// A fact that rules read, and how each language declares it.
#[derive(Clone, Copy, Debug)]
pub struct Fact {
    pub name: &'static str,
    pub ordain: &'static str,
    pub cedar: &'static str,
    /// Between which values a number lies; no bounds where it may be any of 64 bits.
    pub range: Option<(i64, i64)>,
}

/// One test of a fact.
#[derive(Clone, Debug)]
pub enum Test {
    /// A sum of facts with factors, compared with a number.
    Number { terms: Vec<(i64, Fact)>, op: &'static str, bound: i64 },
    /// Whether a fact holds.
    Flag { fact: Fact, holds: bool },
    /// Whether a fact is one of these words.
    Word { fact: Fact, words: Vec<&'static str>, holds: bool },
    /// Whether a text fits a pattern, in which `*` stands for any characters; without one, whether it is this text.
    Text { fact: Fact, pattern: String, holds: bool },
    /// What a set of texts has.
    Set { fact: Fact, has: Has, words: Vec<&'static str>, holds: bool },
}

/// How a set of texts lies to a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Has {
    /// It has one of them at least.
    Any,
    /// It has all of them.
    All,
    /// It has nothing else.
    Only,
}

/// A rule: who, when, what.
#[derive(Clone, Debug, Default)]
pub struct Rule {
    /// Patterns of tenant, project and agent.
    pub path: Option<[String; 3]>,
    /// Minutes of the day, from and until; over midnight where the end comes first.
    pub hours: Option<(i64, i64)>,
    /// Days, from and until, as `2027-01-31`.
    pub days: Option<(String, String)>,
    /// At least one test of each group has to hold.
    pub groups: Vec<Vec<Test>>,
}
