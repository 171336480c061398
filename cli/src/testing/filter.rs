//! Which tests are meant.

use std::fmt;
use std::str::FromStr;

use ordain_ir::glob::GlobError;
use ordain_ir::{Glob, TestCase};

/// A part of `package: name`, or a glob over all of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Filter {
    text: String,
    /// Without one, the text is a part.
    glob: Option<Glob>,
}

impl FromStr for Filter {
    type Err = GlobError;

    /// A text with `*` or `?` is a glob; a backslash takes the meaning from them.
    fn from_str(text: &str) -> Result<Self, GlobError> {
        let glob = text.contains(['*', '?']).then(|| Glob::parse(text)).transpose()?;
        Ok(Self { text: text.to_owned(), glob })
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Filter {
    /// Whether the test is meant.
    pub(crate) fn matches(&self, case: &TestCase) -> bool {
        let name = format!("{}: {}", case.package, case.name);
        self.glob.as_ref().map_or_else(|| name.contains(&self.text), |glob| glob.matches(&name))
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
