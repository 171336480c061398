//! Declared meters, and the types of limits that meters give.

use ordain_grammar::ast::{self, FactTypeKind};
use ordain_grammar::suggest::nearest;
use ordain_ir::{Diagnostic, Meter, MeterUnit, Period, codes};

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

/// Over what a type of limit counts, by the end of its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Over {
    /// What one run uses.
    Run,
    Period(Period),
    /// What is under way.
    Concurrent,
}

/// How a type of limit names what it counts and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LimitType<'w> {
    RiskCeiling,
    Cooldown,
    /// Of a meter's word.
    Metered(&'w str, Over),
}

impl<'w> LimitType<'w> {
    /// Takes the word of a limit's type apart; `None` if it is shaped like none.
    pub(super) fn parse(word: &'w str) -> Option<Self> {
        match word {
            "risk_ceiling" => return Some(Self::RiskCeiling),
            "cooldown" => return Some(Self::Cooldown),
            _ => {}
        }
        ENDINGS.iter().find_map(|(ending, over)| {
            let meter = word.strip_suffix(ending)?.strip_suffix('_')?;
            (!meter.is_empty()).then_some(Self::Metered(meter, *over))
        })
    }
}

/// The ends of the types of limits that meters give. None is the end of another, so that one word is the type of
/// one meter only.
const ENDINGS: [(&str, Over); 7] = [
    ("per_run", Over::Run),
    ("per_minute", Over::Period(Period::Minute)),
    ("hourly", Over::Period(Period::Hour)),
    ("daily", Over::Period(Period::Day)),
    ("weekly", Over::Period(Period::Week)),
    ("monthly", Over::Period(Period::Month)),
    ("concurrent", Over::Concurrent),
];

/// The meters that are always there.
const ALWAYS: [&str; 3] = ["runs", "tokens", "cost"];

/// Every type of limit that these meters give, with those that are always there, as source writes them.
pub(super) fn limit_types<'m>(meters: impl IntoIterator<Item = &'m str>) -> Vec<String> {
    let mut all = vec!["risk_ceiling".to_owned(), "cooldown".to_owned()];
    for meter in ALWAYS.into_iter().chain(meters) {
        let word = word(meter);
        // A run is a run.
        let endings = ENDINGS.iter().filter(|(_, over)| (word.as_str(), *over) != ("runs", Over::Run));
        all.extend(endings.map(|(ending, _)| format!("{word}_{ending}")));
    }
    all
}

#[cfg(test)]
mod tests {
    use ordain_ir::{Accumulation, Quantity};

    use super::*;

    #[test]
    fn types_of_limits_are_those_of_the_quantities() {
        let meters = [Meter::Runs, Meter::Tokens, Meter::Cost("USD".into())];
        let concurrent = meters.map(|meter| Quantity::Accumulated(meter, Accumulation::Concurrent));
        let known = limit_types([]);
        let quantities: Vec<Quantity> = Quantity::all("USD").into_iter().chain(concurrent).collect();
        assert_eq!(known.len(), quantities.len());
        for quantity in quantities {
            let word = quantity.to_string().to_lowercase();
            assert!(known.contains(&word), "{word}");
            let expected = match &quantity {
                Quantity::RiskCeiling => LimitType::RiskCeiling,
                Quantity::Cooldown => LimitType::Cooldown,
                Quantity::PerRun(_) => LimitType::Metered(word.strip_suffix("_per_run").unwrap(), Over::Run),
                Quantity::Accumulated(meter, over) => {
                    assert!(BUILT_IN.contains(&meter.word().to_lowercase().as_str()));
                    let over = over.period().map_or(Over::Concurrent, Over::Period);
                    LimitType::Metered(word.split('_').next().unwrap(), over)
                }
            };
            assert_eq!(LimitType::parse(&word), Some(expected), "{word}");
        }
        let declared = Meter::Declared { name: "api-calls".to_owned(), unit: MeterUnit::Count };
        let concurrent = Quantity::Accumulated(declared.clone(), Accumulation::Concurrent);
        let own: Vec<String> = Quantity::of_meter(&declared)
            .iter()
            .chain([&concurrent])
            .map(|quantity| quantity.to_string().to_lowercase())
            .collect();
        assert_eq!(limit_types(["api-calls"])[known.len()..], own);
    }

    #[test]
    fn what_is_shaped_like_none_is_none() {
        for word in ["", "runs", "_daily", "daily", "runs_yearly", "risk", "runs_dailyy"] {
            assert_eq!(LimitType::parse(word), None, "{word}");
        }
    }
}
