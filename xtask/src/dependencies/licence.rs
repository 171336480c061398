//! Licence expressions, as packages state them: SPDX, and the older form with a slash.

/// Whether one may use what has the licence `expression`, given which single licences are `allowed`.
/// An error tells what is wrong with the expression.
pub(crate) fn permits(expression: &str, allowed: &dyn Fn(&str) -> bool) -> Result<bool, String> {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut parser = Parser { words: &words, allowed };
    let permitted = parser.either()?;
    match parser.words.first() {
        None => Ok(permitted),
        Some(word) => Err(format!("unexpected `{word}` in the licence `{expression}`")),
    }
}

struct Parser<'a> {
    words: &'a [&'a str],
    allowed: &'a dyn Fn(&str) -> bool,
}

impl<'a> Parser<'a> {
    fn take(&mut self, word: &str) -> bool {
        let found = self.words.first() == Some(&word);
        if found {
            self.words = &self.words[1..];
        }
        found
    }

    fn either(&mut self) -> Result<bool, String> {
        let mut permitted = self.both()?;
        while self.take("OR") {
            permitted |= self.both()?;
        }
        Ok(permitted)
    }

    fn both(&mut self) -> Result<bool, String> {
        let mut permitted = self.single()?;
        while self.take("AND") {
            permitted &= self.single()?;
        }
        Ok(permitted)
    }

    fn single(&mut self) -> Result<bool, String> {
        if self.take("(") {
            let permitted = self.either()?;
            return if self.take(")") { Ok(permitted) } else { Err("a `)` is missing in a licence".into()) };
        }
        let name = self.name()?;
        // An exception makes it another licence, to be allowed by its full name.
        if self.take("WITH") {
            let exception = self.name()?;
            return Ok((self.allowed)(&format!("{name} WITH {exception}")));
        }
        Ok((self.allowed)(name))
    }

    fn name(&mut self) -> Result<&'a str, String> {
        match self.words.split_first() {
            Some((word, rest)) if !["OR", "AND", "WITH", "(", ")"].contains(word) => {
                self.words = rest;
                Ok(word)
            }
            Some((word, _)) => Err(format!("`{word}` stands where a licence should be named")),
            None => Err("a licence ends where a name should follow".into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::permits;

    fn check(expression: &str) -> Result<bool, String> {
        permits(expression, &|name| ["MIT", "Zlib", "Apache-2.0 WITH LLVM-exception"].contains(&name))
    }

    #[test]
    fn one_of_a_choice_is_enough_and_all_of_a_sum_are_needed() {
        for good in ["MIT", "GPL-3.0 OR MIT", "GPL-3.0/MIT", "Apache-2.0 / MIT", "MIT AND Zlib"] {
            assert_eq!(check(good), Ok(true), "{good}");
        }
        for bad in ["GPL-3.0", "MIT AND GPL-3.0", "GPL-3.0 OR AGPL-3.0", "mit"] {
            assert_eq!(check(bad), Ok(false), "{bad}");
        }
    }

    #[test]
    fn and_binds_tighter_than_or() {
        assert_eq!(check("MIT OR Zlib AND GPL-3.0"), Ok(true));
        assert_eq!(check("(MIT OR Zlib) AND GPL-3.0"), Ok(false));
        assert_eq!(check("(MIT OR GPL-3.0) AND (Zlib OR GPL-3.0)"), Ok(true));
    }

    #[test]
    fn an_exception_makes_another_licence() {
        assert_eq!(check("Apache-2.0 WITH LLVM-exception"), Ok(true));
        assert_eq!(check("Apache-2.0"), Ok(false));
        assert_eq!(check("MIT WITH LLVM-exception"), Ok(false));
    }

    #[test]
    fn nonsense_is_an_error() {
        for bad in ["", "MIT OR", "OR MIT", "(MIT", "MIT)", "MIT Zlib", "MIT WITH", "()"] {
            assert!(check(bad).is_err(), "{bad}");
        }
    }
}
