//! What limits bound, and by how much.

use ordain_grammar::ast::{self, ClauseKind, Literal, LiteralKind, Name};
use ordain_ir::fact::{MONEY_SCALE, RISK_SCALE, parse_duration};
use ordain_ir::{Bound, Direction, Quantity, Span, codes, decimal};

use super::Checker;

impl Checker<'_> {
    /// The quantity that a type names, with its bound. Money takes its currency from the bound.
    pub(super) fn bounded_quantity(
        &mut self,
        word: &Name,
        bound: Option<(Direction, Literal, Span)>,
    ) -> Option<(Quantity, Bound)> {
        let currency = match &bound {
            Some((_, Literal { kind: LiteralKind::Money(_, currency), .. }, _)) => currency.as_str(),
            _ => "USD",
        };
        let all = Quantity::all(currency);
        let names: Vec<String> = all.iter().map(|quantity| quantity.to_string().to_lowercase()).collect();
        let Some(at) = names.iter().position(|name| *name == word.text) else {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            self.unknown_word(word, "type of limit", &names);
            return None;
        };
        let quantity = all.get(at)?.clone();
        let (direction, literal, clause) = bound?;
        let wrong = match (&quantity, direction) {
            (Quantity::RiskCeiling, Direction::AtLeast) => Some("at most"),
            (Quantity::Cooldown, Direction::AtMost) => Some("at least"),
            _ => None,
        };
        if let Some(other) = wrong {
            let message = format!("`{}` is bounded with `{other}`", word.text);
            let error = self.error(codes::BAD_DIRECTION, clause, message);
            let value = literal_text(&literal);
            self.report(error.fix(format!("write `{other}`"), format!("{other} {value}")));
            return None;
        }
        let value = self.bound_value(&quantity, word, &literal)?;
        Some((quantity, Bound { direction, value }))
    }

    fn bound_value(&mut self, quantity: &Quantity, word: &Name, literal: &Literal) -> Option<i64> {
        // A percentage has been refused as reserved.
        let (text, parsed) = match (&literal.kind, quantity) {
            (LiteralKind::Percent(_), _) => return None,
            (LiteralKind::Money(text, _), quantity) if quantity.currency().is_some() => {
                (text, decimal::parse(text, MONEY_SCALE).map_err(|error| error.to_string()))
            }
            (LiteralKind::Number(text), Quantity::RiskCeiling) => {
                (text, decimal::parse(text, RISK_SCALE).map_err(|error| error.to_string()))
            }
            (LiteralKind::Number(text), quantity)
                if quantity.currency().is_none() && *quantity != Quantity::Cooldown =>
            {
                (text, decimal::parse(text, 0).map_err(|error| error.to_string()))
            }
            (LiteralKind::Duration(text), Quantity::Cooldown) => {
                (text, parse_duration(text).ok_or_else(|| "is no length of time".to_owned()))
            }
            _ => {
                self.wants(quantity, word, literal);
                return None;
            }
        };
        let value = match parsed {
            Ok(value) => value,
            Err(message) => {
                let whole = quantity.currency().is_none() && text.contains('.');
                let message = match quantity {
                    Quantity::RiskCeiling | Quantity::Cooldown => message,
                    _ if whole => "is no whole number".to_owned(),
                    _ => message,
                };
                let error = self.error(codes::BAD_LITERAL, literal.span, format!("`{text}` {message}"));
                self.report(error.help(format!("`{}` wants {}", word.text, example(quantity))));
                return None;
            }
        };
        if value < 0 {
            let error = self.error(codes::BAD_LIMIT_VALUE, literal.span, "a bound cannot be negative");
            self.report(error);
            return None;
        }
        if *quantity == Quantity::RiskCeiling && value > 10_i64.pow(RISK_SCALE.into()) {
            let error = self.error(codes::BAD_LIMIT_VALUE, literal.span, "a risk lies between 0 and 1");
            self.report(error);
            return None;
        }
        Some(value)
    }

    fn wants(&mut self, quantity: &Quantity, word: &Name, literal: &Literal) {
        let message = format!("`{}` wants {}", word.text, example(quantity));
        let error = self.error(codes::BAD_LIMIT_VALUE, literal.span, message);
        let fix = match (&literal.kind, quantity) {
            (LiteralKind::Number(text), Quantity::Cooldown) => Some(format!("{text}s")),
            (LiteralKind::Number(text), quantity) if quantity.currency().is_some() => {
                Some(format!("{text} USD"))
            }
            _ => None,
        };
        self.report(match fix {
            Some(text) => error.help(format!("perhaps `{text}`?")),
            None => error,
        });
    }

    /// Values of one request have no counter that could be kept per subject.
    pub(super) fn check_partition(&mut self, quantity: &Quantity, word: &Name, policy: &ast::Policy) {
        if matches!(quantity, Quantity::RiskCeiling | Quantity::PerRun(_)) {
            let clause = policy.clauses.iter().find(|clause| matches!(clause.kind, ClauseKind::Per(_)));
            let message = format!(
                "`{}` is a value of one request, not counted per anything",
                quantity.to_string().to_lowercase()
            );
            let error =
                self.error(codes::BAD_PARTITION, clause.map_or(word.span, |clause| clause.span), message);
            self.report(error.fix("remove the clause", ""));
        }
    }
}

fn literal_text(literal: &Literal) -> String {
    match &literal.kind {
        LiteralKind::Number(text) | LiteralKind::Duration(text) => text.clone(),
        LiteralKind::Money(text, currency) => format!("{text} {currency}"),
        LiteralKind::Percent(text) => format!("{text}%"),
        LiteralKind::Text(text) => format!("{text:?}"),
    }
}

/// What a bound of this quantity looks like.
fn example(quantity: &Quantity) -> &'static str {
    match quantity {
        Quantity::RiskCeiling => "a number between 0 and 1, such as `0.7`",
        Quantity::Cooldown => "a length of time, such as `30s`",
        quantity if quantity.currency().is_some() => "an amount of money, such as `1_200.00 USD`",
        _ => "a whole number, such as `2_000_000`",
    }
}
