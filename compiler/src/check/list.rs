//! `in { … }`, and lists that have a name.

use std::collections::{BTreeSet, HashSet};

use ordain_grammar::ast::{Expr, ExprKind, LiteralKind, Name};
use ordain_ir::{CompareOp, Condition, FactName, TextTest, Type, codes};

use super::Checker;
use super::condition::{Guards, Truth, Typed};
use super::literal;
use crate::resolve::Meaning;

/// What the entries of one list have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    Word,
    Number(literal::Unit),
}

impl Kind {
    fn description(&self) -> String {
        match self {
            Self::Text => "a text".to_owned(),
            Self::Word => "a word".to_owned(),
            Self::Number(unit) => unit.description(),
        }
    }
}

impl Checker<'_> {
    /// Reads the list of a `let`. What its words belong to is told where it is used.
    pub(super) fn list(&mut self, entries: &[Expr]) -> Typed {
        let mut sound = !self.repeated_entries(entries);
        let mut common: Option<Kind> = None;
        for entry in entries {
            let kind = match &entry.kind {
                ExprKind::Name(_) => Kind::Word,
                ExprKind::Literal(LiteralKind::Text(_)) => Kind::Text,
                ExprKind::Literal(literal) => match literal::number(literal) {
                    Ok(number) => Kind::Number(number.unit),
                    Err(error) => {
                        self.report(error.at(self.path, entry.span));
                        sound = false;
                        continue;
                    }
                },
                _ => continue,
            };
            match &common {
                None => common = Some(kind),
                Some(common) if *common == kind => {}
                Some(common) => {
                    let message = format!(
                        "{} stands in a list that begins with {}",
                        kind.description(),
                        common.description()
                    );
                    let error = self.error(codes::TYPE_MISMATCH, entry.span, message);
                    self.report(error.help("the entries of a list are of one kind"));
                    sound = false;
                }
            }
        }
        if sound { Typed::List(entries.to_vec()) } else { Typed::Poison }
    }

    /// Whether an entry stands twice, and says so.
    pub(super) fn repeated_entries(&mut self, entries: &[Expr]) -> bool {
        let mut seen = HashSet::new();
        let mut repeated = false;
        for entry in entries {
            if !seen.insert(&entry.kind) {
                let error = self.error(codes::REPEATED_ENTRY, entry.span, "this stands twice in the list");
                self.report(error.help("take one of both out"));
                repeated = true;
            }
        }
        repeated
    }

    /// `in { … }`
    pub(super) fn membership(&mut self, left: &Expr, set: &[Expr], guards: &mut Guards) -> Option<Truth> {
        let subject = self.infer(left, guards);
        self.member(subject, left, set)
    }

    /// `in name`
    pub(super) fn named_membership(
        &mut self,
        left: &Expr,
        list: &Name,
        guards: &mut Guards,
    ) -> Option<Truth> {
        let subject = self.infer(left, guards);
        let words = match &subject {
            Typed::Word(fact) => Some(fact),
            _ => None,
        };
        let entries = self.list_named(list, words)?;
        if matches!(subject, Typed::Poison) {
            return None;
        }
        self.with_list(list, |this| this.member(subject, left, &entries))
    }

    /// The entries of the list that a name stands for, as if they were written there; `words` is the enumeration
    /// that is asked about, in case its word was meant.
    pub(super) fn list_named(&mut self, name: &Name, words: Option<&FactName>) -> Option<Vec<Expr>> {
        if name.text.is_empty() {
            return None;
        }
        let found = match self.parameter(&name.text, name.span) {
            Some(found) => found,
            None => match self.view.value(&name.text) {
                Ok(Meaning::Let(package, own, _)) => self.expand(package, own),
                Ok(other) => {
                    let message = format!("`{}` is {}, not a list", name.text, other.description());
                    let error = self.error(codes::WRONG_KIND, name.span, message);
                    self.report(error.help("write the entries: `in { … }`"));
                    return None;
                }
                Err(unresolved) => {
                    let is_word = |ty: &Type| matches!(ty.element(), Type::Enum { variants } if variants.contains(&name.text));
                    if words.and_then(|fact| self.declared(fact)).is_some_and(|fact| is_word(&fact.ty)) {
                        let message = format!("`{}` is a word, not a list", name.text);
                        let braces = format!("{{ {} }}", name.text);
                        let error = self.error(codes::WRONG_KIND, name.span, message);
                        self.report(
                            error
                                .help(format!("write `{braces}`"))
                                .fix(format!("write `{braces}`"), braces)
                                .certain(),
                        );
                    } else if let Some(other) = self.view.anything(&name.text) {
                        let message = format!("`{}` is {}, not a list", name.text, other.description());
                        let error = self.error(codes::WRONG_KIND, name.span, message);
                        self.report(error.help("a list is declared as `let name = { … }`"));
                    } else {
                        self.unknown_name(&name.text, name.span, "list", unresolved);
                    }
                    return None;
                }
            },
        };
        match found {
            Typed::List(entries) => {
                Some(entries.into_iter().map(|entry| Expr { span: name.span, ..entry }).collect())
            }
            Typed::Poison => None,
            other => {
                let message = format!("`{}` is {}, not a list", name.text, other.description());
                let error = self.error(codes::WRONG_KIND, name.span, message);
                self.report(error.help("a list is declared as `let name = { … }`"));
                None
            }
        }
    }

    /// Reads entries of a named list. Of what is wrong with them only the first is told, and nothing is mended
    /// where the name stands.
    pub(super) fn with_list<T>(&mut self, list: &Name, read: impl FnOnce(&mut Self) -> T) -> T {
        let before = self.diagnostics.len();
        let out = read(self);
        self.diagnostics.truncate(before + 1);
        if let Some(error) = self.diagnostics.get_mut(before)
            && error.primary.as_ref().is_some_and(|label| label.span == list.span)
        {
            error.fixes.clear();
            error.notes.push(format!("this is about an entry of the list `{}`", list.text));
        }
        out
    }

    fn member(&mut self, subject: Typed, left: &Expr, set: &[Expr]) -> Option<Truth> {
        let repeated = self.repeated_entries(set);
        let conditions: Option<Vec<Condition>> = match subject {
            Typed::Poison => None,
            Typed::Word(fact) => {
                let words: Vec<_> = set.iter().map(|entry| self.word(&fact, entry)).collect();
                let words: Option<BTreeSet<String>> = words.into_iter().collect();
                words.filter(|words| !words.is_empty()).map(|words| vec![Condition::OneOf { fact, words }])
            }
            Typed::Text(fact) => {
                let texts: Vec<_> = set.iter().map(|entry| self.text_entry(&fact, entry)).collect();
                let test = |text| Condition::Text { fact: fact.clone(), test: TextTest::Equals(text) };
                texts.into_iter().map(|text| text.map(test)).collect()
            }
            Typed::Number(number) => {
                let tests: Vec<_> = set
                    .iter()
                    .map(|entry| {
                        let value = self.number(entry, &mut Guards::default())?;
                        let span = left.span.cover(entry.span);
                        self.compare_numbers((&number, left), CompareOp::Equal, (&value, entry), span)
                    })
                    .collect();
                tests.into_iter().collect()
            }
            Typed::Set(fact) => {
                let error = self.error(
                    codes::MISSING_QUANTIFIER,
                    left.span,
                    format!("`{fact}` is a set: ask for any or for all of its elements"),
                );
                let error = error.help(format!("write `any {fact} in …` or `all {fact} in …`"));
                self.report(error.fix(format!("write `any {fact}`"), format!("any {fact}")));
                None
            }
            other => {
                let message = format!("{} is in no list", other.description());
                let error = self.error(codes::TYPE_MISMATCH, left.span, message);
                self.report(error.help("lists are for words, texts and numbers"));
                None
            }
        };
        conditions.filter(|_| !repeated).map(Truth::alternatives)
    }

    /// An entry of a list for texts.
    pub(super) fn text_entry(&mut self, fact: &FactName, entry: &Expr) -> Option<String> {
        match &entry.kind {
            ExprKind::Literal(LiteralKind::Text(text)) => Some(text.clone()),
            ExprKind::Name(word) => {
                let quoted = format!("\"{word}\"");
                let message = format!("`{fact}` is a text, and texts stand in quotation marks");
                let error = self.error(codes::UNQUOTED_TEXT, entry.span, message);
                self.report(
                    error
                        .help(format!("write `{quoted}`"))
                        .fix(format!("write `{quoted}`"), quoted)
                        .certain(),
                );
                None
            }
            _ => {
                let error = self.error(codes::TYPE_MISMATCH, entry.span, format!("`{fact}` is a text"));
                self.report(error.help("write texts in quotation marks"));
                None
            }
        }
    }
}
