//! Declared meters, and the types of limits that meters give.

use ordain_grammar::ast::{self, FactTypeKind};
use ordain_grammar::suggest::nearest;
use ordain_ir::{Diagnostic, Meter, MeterUnit, Period, Quantity, codes};

use super::Checker;
use super::declare::declaration;
use crate::resolve::Meaning;

/// The declared unit, telling `report` of every mistake; `None` if it is not understood. Who reports knows the
/// file.
pub(crate) fn lower(meter: &ast::Meter, report: &mut dyn FnMut(Diagnostic)) -> Option<MeterUnit> {
    let unit = &meter.unit;
    let problem = |message: String| Diagnostic::error(codes::UNKNOWN_WORD, "", unit.span, message);
    match &unit.kind {
        FactTypeKind::Money(currency) => Some(MeterUnit::Money(currency.text.clone())),
        FactTypeKind::Word(word) => match word.as_str() {
            "count" => Some(MeterUnit::Count),
            "duration" => Some(MeterUnit::Duration),
            "" => None,
            "money" => {
                let problem = problem("`money` wants a currency".to_owned());
                report(problem.help("write for example `money USD`"));
                None
            }
            "int" => {
                report(
                    problem("a meter counts in `count`, not `int`".to_owned())
                        .fix("write `count`", "count")
                        .certain(),
                );
                None
            }
            word => {
                let problem = problem(format!("`{word}` is no unit of a meter"));
                report(match nearest(word, ["count", "duration"]) {
                    Some(near) => {
                        problem.help(format!("did you mean `{near}`?")).fix(format!("write `{near}`"), near)
                    }
                    None => problem.help("a meter counts in `count`, `money USD` or `duration`"),
                });
                None
            }
        },
        _ => {
            let problem = problem("a meter counts amounts that add up".to_owned());
            report(problem.help("a meter counts in `count`, `money USD` or `duration`"));
            None
        }
    }
}

/// The word of a meter in types of limits, as source writes them: `api_calls`.
pub(crate) fn word(meter: &str) -> String {
    let unit = MeterUnit::Count;
    Meter::Declared { name: meter.to_owned(), unit }.word().to_ascii_lowercase()
}

/// What every request reports, by the words that a meter can't have.
const BUILT_IN: [&str; 5] = ["runs", "tokens", "cost", "risk", "since_last_run"];

impl Checker<'_> {
    /// Checks the declaration of a meter.
    pub(super) fn meter(&mut self, it: &ast::Meter) {
        let mut problems = vec![];
        let unit = lower(it, &mut |problem| problems.push(problem));
        self.placed(problems);
        if BUILT_IN.contains(&word(&it.name.text).as_str()) {
            let message = format!("every request reports its `{}` already", it.name.text);
            let error = self.error(codes::METER_CLASH, it.name.span, message);
            self.report(
                error.help("limits can bound it without a declaration; take this one out, or rename it"),
            );
        }
        let (Some(unit), Ok(Meaning::Meter(first))) = (unit, self.view.meter(&it.name.text)) else { return };
        let Some(other) = first.unit.as_ref().filter(|other| **other != unit) else { return };
        let message = format!("meter `{}` is declared twice with different units", it.name.text);
        let error = self.error(codes::CONFLICTING_METER, it.name.span, message);
        let error = error.labelled(format!("here as {}", written(&unit)));
        let error = match declaration(self.db, first.origin, &it.name.text) {
            Some(span) => error.and_at(
                first.origin.path(self.db),
                span,
                format!("first declared here as {}", written(other)),
            ),
            None => error,
        };
        self.report(
            error.help("a meter's name means the same everywhere; take the same unit, or another name"),
        );
    }
}

fn written(unit: &MeterUnit) -> String {
    match unit {
        MeterUnit::Count => "count".to_owned(),
        MeterUnit::Money(currency) => format!("money {currency}"),
        MeterUnit::Duration => "duration".to_owned(),
    }
}

/// How a type of limit names what it counts and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LimitType<'w> {
    RiskCeiling,
    Cooldown,
    /// Of a meter's word, per run or per period.
    Metered(&'w str, Option<Period>),
}

impl<'w> LimitType<'w> {
    /// Takes the word of a limit's type apart; `None` if it is shaped like none.
    pub(super) fn parse(word: &'w str) -> Option<Self> {
        match word {
            "risk_ceiling" => return Some(Self::RiskCeiling),
            "cooldown" => return Some(Self::Cooldown),
            _ => {}
        }
        ENDINGS.iter().find_map(|(ending, period)| {
            let meter = word.strip_suffix(ending)?.strip_suffix('_')?;
            (!meter.is_empty()).then_some(Self::Metered(meter, *period))
        })
    }
}

/// The ends of the types of limits that meters give. None is the end of another, so that one word is the type of
/// one meter only.
const ENDINGS: [(&str, Option<Period>); 6] = [
    ("per_run", None),
    ("per_minute", Some(Period::Minute)),
    ("hourly", Some(Period::Hour)),
    ("daily", Some(Period::Day)),
    ("weekly", Some(Period::Week)),
    ("monthly", Some(Period::Month)),
];

/// Every type of limit that these meters give, with those that are always there, as source writes them.
pub(super) fn limit_types<'m>(meters: impl IntoIterator<Item = &'m str>) -> Vec<String> {
    let mut all: Vec<String> =
        Quantity::all("USD").iter().map(|quantity| quantity.to_string().to_lowercase()).collect();
    for meter in meters {
        let word = word(meter);
        all.extend(ENDINGS.iter().map(|(ending, _)| format!("{word}_{ending}")));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_of_limits_are_those_of_the_quantities() {
        for quantity in Quantity::all("USD") {
            let word = quantity.to_string().to_lowercase();
            let expected = match &quantity {
                Quantity::RiskCeiling => LimitType::RiskCeiling,
                Quantity::Cooldown => LimitType::Cooldown,
                Quantity::PerRun(_) => LimitType::Metered(word.strip_suffix("_per_run").unwrap(), None),
                Quantity::Accumulated(meter, period) => {
                    assert!(BUILT_IN.contains(&meter.word().to_lowercase().as_str()));
                    LimitType::Metered(word.split('_').next().unwrap(), period.period())
                }
            };
            assert_eq!(LimitType::parse(&word), Some(expected), "{word}");
        }
        let declared = Meter::Declared { name: "api-calls".to_owned(), unit: MeterUnit::Count };
        let own: Vec<String> = Quantity::of_meter(&declared)
            .iter()
            .map(|quantity| quantity.to_string().to_lowercase())
            .collect();
        assert_eq!(limit_types(["api-calls"])[Quantity::all("USD").len()..], own);
    }

    #[test]
    fn what_is_shaped_like_none_is_none() {
        for word in ["", "runs", "_daily", "daily", "runs_yearly", "risk", "runs_dailyy"] {
            assert_eq!(LimitType::parse(word), None, "{word}");
        }
    }
}
