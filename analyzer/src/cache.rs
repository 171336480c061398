//! Answers of the solver in a file, from one run to the next.
//!
//! Only its answers: what the algebra decides takes less time to decide than to read. A yes comes with its example,
//! which is evaluated when the question is asked, so that it proves itself whoever wrote it. A no has nothing to show,
//! so it is asked again, unless the file is trusted: a wrong one would hide a conflict.
//!
//! Keys are [hashes](crate::conditions) of whole questions, with the solver's release and bound, so an answer to
//! another question is never found. What is undecided isn't kept.

use std::collections::BTreeMap;

use ordain_ir::FactName;
use serde::{Deserialize, Serialize};

use crate::Answer;
use crate::boxes::{Facts, Valuation};
use crate::conditions::{Hash, Verdict};

/// Bumped whenever files of this layout can't be read any more.
const FORMAT: &str = "ordain answers 1";

/// Answers of earlier runs.
#[derive(Clone, Debug, Default)]
pub struct Cache {
    answers: BTreeMap<Hash, Option<Example>>,
    trusted: bool,
}

/// Values of facts, as in a request.
pub(crate) type Example = BTreeMap<FactName, serde_json::Value>;

/// Why a file holds no answers.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// Not JSON of this shape.
    #[error("{0}")]
    Json(#[from] serde_json::Error),
    /// Another layout.
    #[error("its format is `{0}`, not `{FORMAT}`")]
    Format(String),
    /// A key that is no hash.
    #[error("`{0}` isn't 32 hexadecimal digits")]
    Key(String),
}

/// The file: answers by the question in hexadecimal digits; `null` for a no, else the example.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    format: String,
    answers: BTreeMap<String, Option<Example>>,
}

impl Cache {
    /// Reads what [`Memo::cache`](crate::Memo::cache) has written.
    ///
    /// # Errors
    /// If the bytes are anything else.
    pub fn read(bytes: &[u8]) -> Result<Self, CacheError> {
        let File { format, answers } = serde_json::from_slice(bytes)?;
        if format != FORMAT {
            return Err(CacheError::Format(format));
        }
        let answers = answers.into_iter().map(|(key, answer)| match unhex(&key) {
            Some(hash) => Ok((hash, answer)),
            None => Err(CacheError::Key(key)),
        });
        Ok(Self { answers: answers.collect::<Result<_, _>>()?, trusted: false })
    }

    /// The same answers, of which a no counts without proof.
    #[must_use]
    pub fn trusted(self) -> Self {
        Self { trusted: true, ..self }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.answers.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.answers.is_empty()
    }

    /// What the file says of a question. A yes is yet to be evaluated.
    pub(crate) fn answer(&self, question: &Hash) -> Option<Answer<&Example>> {
        match self.answers.get(question)? {
            Some(example) => Some(Answer::Yes(example)),
            None => self.trusted.then_some(Answer::No),
        }
    }
}

/// The file of these verdicts; those that the solver didn't give, or whose facts aren't declared any more, are left out.
pub(crate) fn write<'v>(verdicts: impl Iterator<Item = (&'v Hash, &'v Verdict)>, facts: &Facts) -> Vec<u8> {
    let example = |valuation: &Valuation| {
        let json = |(name, value): (&FactName, &ordain_ir::Value)| {
            Some((name.clone(), value.to_json(&facts.get(name)?.ty)))
        };
        valuation.iter().map(json).collect::<Option<Example>>()
    };
    let answer = |verdict: &Verdict| match &verdict.answer {
        Answer::Yes(valuation) => example(valuation).map(Some),
        Answer::No => Some(None),
        Answer::Undecided => None,
    };
    let kept = verdicts.filter(|(_, verdict)| verdict.by_solver && verdict.opaque.is_none());
    let answers = kept.filter_map(|(key, verdict)| Some((hex(key), answer(verdict)?))).collect();
    let mut out = serde_json::to_vec(&File { format: FORMAT.to_owned(), answers })
        .expect("texts and values of facts are JSON");
    out.push(b'\n');
    out
}

fn hex(hash: &Hash) -> String {
    format!("{:032x}", u128::from_be_bytes(*hash))
}

fn unhex(text: &str) -> Option<Hash> {
    let digits = text.len() == 32 && text.bytes().all(|it| matches!(it, b'0'..=b'9' | b'a'..=b'f'));
    digits.then(|| u128::from_str_radix(text, 16).ok().map(u128::to_be_bytes))?
}
