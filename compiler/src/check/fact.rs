//! Declarations of facts.

use ordain_grammar::ast;
use ordain_grammar::suggest::nearest;
use ordain_ir::{Diagnostic, Fact, Span, Type, codes};

use super::literal::{self, Number, Unit};

/// The declared fact, telling `report` of every mistake; `None` if its type is not understood.
pub(crate) fn lower(fact: &ast::Fact, report: &mut dyn FnMut(Diagnostic)) -> Option<Fact> {
    let ty = lower_type(&fact.ty, report);
    for again in fact.optional.iter().skip(1).chain(fact.opaque.iter().skip(1)) {
        report(problem(codes::DUPLICATE_CLAUSE, *again, "this word stands twice").fix("remove it", ""));
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

fn lower_type(ty: &ast::FactType, report: &mut dyn FnMut(Diagnostic)) -> Option<Type> {
    match &ty.kind {
        ast::FactTypeKind::Word(word) => match word.as_str() {
            "bool" => Some(Type::Bool),
            "int" => Some(Type::Int),
            "duration" => Some(Type::Duration),
            "string" => Some(Type::String),
            "decimal" => {
                let message = "`decimal` wants the digits after the point";
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
            word => {
                let message = format!("`{word}` is no type");
                let problem = problem(codes::UNKNOWN_WORD, ty.span, message);
                let known = ["bool", "int", "decimal", "money", "duration", "string", "enum"];
                report(match nearest(word, known) {
                    Some(near) => {
                        problem.help(format!("did you mean `{near}`?")).fix(format!("write `{near}`"), near)
                    }
                    None => problem.help(
                        "the types are `bool`, `int`, `decimal(2)`, `money USD`, `duration`, `string` and \
                         `enum { … }`",
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
            for word in words {
                if variants.contains(&word.text) {
                    let message = format!("the word `{}` stands twice", word.text);
                    report(problem(codes::DUPLICATE_NAME, word.span, message));
                } else {
                    variants.push(word.text.clone());
                }
            }
            Some(Type::Enum { variants })
        }
        ast::FactTypeKind::Set(_) => None,
    }
}

fn lower_range(range: &ast::Range, ty: &Type, report: &mut dyn FnMut(Diagnostic)) -> Option<(i64, i64)> {
    let (Some(scale), Some(unit)) = (ty.scale(), Unit::of(ty)) else {
        let message = format!("a fact of type `{ty}` has no range");
        report(problem(codes::TYPE_MISMATCH, range.span, message).fix("remove the range", ""));
        return None;
    };
    let mut end = |literal: &ast::Literal| {
        let number = match literal::number(&literal.kind) {
            Ok(number) => number,
            Err(error) => {
                report(error.at("", literal.span));
                return None;
            }
        };
        // The unit may be left to the type: `money USD in 0..5`.
        if number.unit != unit && number.unit != Unit::Plain {
            let message = format!("the range of a `{ty}` is written in its own unit");
            report(problem(codes::UNIT_MISMATCH, literal.span, message));
            return None;
        }
        if number.unit == Unit::Plain && unit == Unit::Duration {
            let message = "a length of time wants a unit".to_owned();
            report(problem(codes::UNIT_MISMATCH, literal.span, message).help("write for example `30s`"));
            return None;
        }
        let scaled = scaled_to(&number, scale);
        if scaled.is_none() {
            let message = format!("this is no value of type `{ty}`");
            let problem = problem(codes::BAD_LITERAL, literal.span, message);
            report(problem.help(match scale {
                0 => "write a whole number of at most 64 bits".to_owned(),
                _ => format!("at most {scale} digits after the point fit, and 64 bits in all"),
            }));
        }
        scaled
    };
    let (least, greatest) = (end(&range.least), end(&range.greatest));
    let (least, greatest) = (least?, greatest?);
    if least > greatest {
        let message = "the range is empty: its end is below its start";
        report(problem(codes::OUT_OF_RANGE, range.span, message));
        return None;
    }
    Some((least, greatest))
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
