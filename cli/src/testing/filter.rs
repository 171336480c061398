//! Which tests are meant.

use ordain_ir::{Glob, TestCase};

/// A part of `package: name`, or a glob over all of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Filter {
    /// It occurs somewhere.
    Part(String),
    /// The whole matches.
    Whole(Glob),
}

impl std::str::FromStr for Filter {
    type Err = String;

    /// A text with `*` or `?` is a glob; a backslash takes the meaning from them.
    fn from_str(text: &str) -> Result<Self, String> {
        if text.contains(['*', '?']) {
            Glob::parse(text).map(Self::Whole).map_err(|error| error.to_string())
        } else {
            Ok(Self::Part(text.to_owned()))
        }
    }
}

impl Filter {
    /// Whether the test is meant.
    pub(crate) fn matches(&self, case: &TestCase) -> bool {
        let name = format!("{}: {}", case.package, case.name);
        match self {
            Self::Part(part) => name.contains(part),
            Self::Whole(glob) => glob.matches(&name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::tests::case;

    #[test]
    fn parts_occur_anywhere_and_globs_match_all() {
        let matches = |text: &str| text.parse::<Filter>().unwrap().matches(&case(vec![]));
        for text in ["p: a case", "case", "p:", "", "p: *", "*case", "p: a ????"] {
            assert!(matches(text), "{text}");
        }
        for text in ["q:", "Case", "a*", "p: a ???"] {
            assert!(!matches(text), "{text}");
        }
        assert!("*\\".parse::<Filter>().is_err());
    }
}
