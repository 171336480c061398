//! Declarations of facts.

use std::collections::HashSet;

use ordain_grammar::ast;
use ordain_grammar::suggest::nearest;
use ordain_ir::{Diagnostic, Fact, Span, Type, codes};

use super::constant::unit_code;
use super::literal::{self, Number, Unit};

/// The declared fact, telling `report` of every mistake; `None` if its type is not understood.
pub(crate) fn lower(fact: &ast::Fact, report: &mut dyn FnMut(Diagnostic)) -> Option<Fact> {
    let ty = lower_type(&fact.ty, report);
    for again in fact.optional.iter().skip(1).chain(fact.opaque.iter().skip(1)) {
        let twice = problem(codes::DUPLICATE_CLAUSE, *again, "this word stands twice");
        report(twice.fix("remove it", "").certain());
    }
    let mut bounds = None;
    for (at, range) in fact.ranges.iter().enumerate() {
        if at > 0 {
            report(problem(codes::DUPLICATE_CLAUSE, range.span, "a fact has one range").fix("remove it", ""));
        } else if let Some(ty) = &ty {
            bounds = lower_range(range, ty, report);
        }
    }
    Some(Fact {
        name: fact.name.text.as_str().into(),
        ty: ty?,
        range: bounds,
        optional: !fact.optional.is_empty(),
        opaque: !fact.opaque.is_empty(),
        doc: fact.doc.clone(),
    })
}

/// A problem without a file; whoever reports it knows the file.
fn problem(code: ordain_ir::Code, span: Span, message: impl Into<String>) -> Diagnostic {
    Diagnostic::error(code, "", span, message)
}

pub(super) fn lower_type(ty: &ast::FactType, report: &mut dyn FnMut(Diagnostic)) -> Option<Type> {
    match &ty.kind {
        ast::FactTypeKind::Word(word) => match word.as_str() {
            "bool" => Some(Type::Bool),
            "int" => Some(Type::Int),
            "duration" => Some(Type::Duration),
            "string" => Some(Type::String),
            "decimal" => {
                let message = "`decimal` wants the number of digits after the point";
                report(
                    problem(codes::UNKNOWN_WORD, ty.span, message)
                        .help("write for example `decimal(2)`")
                        .fix("write `decimal(2)`", "decimal(2)"),
                );
                None
            }
            "money" => {
                let message = "`money` wants a currency";
                report(problem(codes::UNKNOWN_WORD, ty.span, message).help("write for example `money USD`"));
                None
            }
            "" => None,
            word => {
                let message = format!("`{word}` is no type");
                let problem = problem(codes::UNKNOWN_WORD, ty.span, message);
                let known = ["bool", "int", "decimal", "money", "duration", "string", "enum", "set"];
                report(match nearest(word, known).or_else(|| usual(word)) {
                    Some(near) => {
                        problem.help(format!("did you mean `{near}`?")).fix(format!("write `{near}`"), near)
                    }
                    None => problem.help(
                        "the types are `bool`, `int`, `decimal(2)`, `money USD`, `duration`, `string`, \
                         `enum { … }` and `set of …`",
                    ),
                });
                None
            }
        },
        ast::FactTypeKind::Decimal(digits) => {
            if let Ok(scale @ 1..=9) = digits.text.parse() {
                return Some(Type::Decimal { scale });
            }
            let message = format!("`decimal({})` is no type", digits.text);
            let problem = problem(codes::BAD_LITERAL, digits.span, message);
            report(problem.help("a decimal has 1 to 9 digits after the point; for none write `int`"));
            None
        }
        ast::FactTypeKind::Money(currency) => Some(Type::Money { currency: currency.text.clone() }),
        ast::FactTypeKind::Enum(words) => {
            let mut variants: Vec<String> = vec![];
            let mut seen = HashSet::new();
            for word in words {
                if seen.insert(&word.text) {
                    variants.push(word.text.clone());
                } else {
                    let message = format!("the word `{}` stands twice", word.text);
                    let problem = problem(codes::REPEATED_ENTRY, word.span, message);
                    report(problem.help("take one of both out"));
                }
            }
            Some(Type::Enum { variants })
        }
        ast::FactTypeKind::Set(element) => {
            let of = lower_type(element, report)?;
            let problem = |message: &str| problem(codes::TYPE_MISMATCH, element.span, message);
            match of {
                Type::Set { .. } => {
                    report(
                        problem("the elements of a set are no sets")
                            .help("write for example `set of string`"),
                    );
                    None
                }
                Type::Bool => {
                    let problem = problem("the elements of a set are not true or false");
                    report(
                        problem
                            .help("declare two facts of type `bool`, or a set of words: `set of enum { … }`"),
                    );
                    None
                }
                of => Some(Type::Set { of: Box::new(of) }),
            }
        }
    }
}

/// What other languages call a type.
fn usual(word: &str) -> Option<&'static str> {
    Some(match word.to_ascii_lowercase().as_str() {
        "boolean" | "flag" => "bool",
        "integer" | "long" | "number" => "int",
        "float" | "double" | "real" => "decimal(2)",
        "text" | "str" | "varchar" => "string",
        "time" | "interval" | "timespan" => "duration",
        _ => return None,
    })
}

fn lower_range(range: &ast::Range, ty: &Type, report: &mut dyn FnMut(Diagnostic)) -> Option<(i64, i64)> {
    let element = ty.element();
    let (Some(scale), Some(unit)) = (element.scale(), Unit::of(element)) else {
        let message = format!("a fact of type `{ty}` has no range");
        report(problem(codes::TYPE_MISMATCH, range.span, message).fix("remove the range", ""));
        return None;
    };
    let (least, greatest) = (
        range_end(&range.least, element, scale, &unit, report),
        range_end(&range.greatest, element, scale, &unit, report),
    );
    let (least, greatest) = (least?, greatest?);
    if least > greatest {
        let message = "the range is empty: its end is below its start";
        let write = |value: i64| unit.written(value.into(), scale);
        let exchanged = format!("in {}..{}", write(greatest), write(least));
        report(
            problem(codes::EMPTY_RANGE, range.span, message)
                .help("write the least value first")
                .fix(format!("write `{exchanged}`"), exchanged),
        );
        return None;
    }
    Some((least, greatest))
}

fn range_end(
    literal: &ast::Literal,
    ty: &Type,
    scale: u8,
    unit: &Unit,
    report: &mut dyn FnMut(Diagnostic),
) -> Option<i64> {
    let number = match literal::number(&literal.kind) {
        Ok(number) => number,
        Err(error) => {
            report(error.at("", literal.span));
            return None;
        }
    };
    // The currency may be left to the type: `money USD in 0..5`.
    let is_amount = number.unit == Unit::Plain && matches!(unit, Unit::Money(_));
    if number.unit != *unit && !is_amount {
        let (code, message) = match (&number.unit, unit) {
            (Unit::Plain, Unit::Duration) => {
                (codes::MISSING_UNIT, "a length of time wants a unit".to_owned())
            }
            (found, _) => {
                let message = format!(
                    "the range of a `{ty}` is written in its own unit, not as {}",
                    found.description()
                );
                (unit_code(found, unit), message)
            }
        };
        let problem = problem(code, literal.span, message);
        report(match unit {
            Unit::Duration => problem.help("write for example `30s`"),
            Unit::Money(currency) => problem.help(format!("write an amount of {currency}, or a number")),
            Unit::Plain | Unit::Percent => problem.help("write a number"),
        });
        return None;
    }
    let scaled = scaled_to(&number, scale);
    if scaled.is_none() {
        let precise = number.scale > scale;
        let code = if precise { codes::TOO_PRECISE } else { codes::OVERFLOW };
        let message = format!("this is no value of type `{ty}`");
        report(problem(code, literal.span, message).help(match (precise, scale) {
            (false, _) => "numbers have 64 bits, counted in the finest unit of the type".to_owned(),
            (true, 0) => "write a whole number".to_owned(),
            (true, 1) => "write at most one digit after the point".to_owned(),
            (true, _) => format!("write at most {scale} digits after the point"),
        }));
    }
    scaled
}

/// The number in units of 10^-`scale`, if it is whole there.
fn scaled_to(number: &Number, scale: u8) -> Option<i64> {
    if number.scale <= scale {
        let factor = 10_i128.checked_pow(u32::from(scale - number.scale))?;
        return i64::try_from(number.value.checked_mul(factor)?).ok();
    }
    let factor = 10_i128.checked_pow(u32::from(number.scale - scale))?;
    (number.value % factor == 0).then(|| i64::try_from(number.value / factor).ok())?
}
