//! What limits bound, by how much, and where they are announced.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use ordain_grammar::ast::{Expr, ExprKind, LiteralKind, Name, PolicyType};
use ordain_grammar::suggest::nearest;
use ordain_ir::diagnostic::Fix;
use ordain_ir::fact::RISK_SCALE;
use ordain_ir::{Accumulation, Bound, Direction, Enforcement, Meter, Quantity, Span, codes};

use super::Checker;
use super::clause::{ReadBound, ReadWarning};
use super::constant::unit_code;
use super::linear::Linear;
use super::literal::Unit;
use super::meter::{self, LimitType, Over};
use crate::resolve::Private;

impl Checker<'_> {
    /// The quantity that a type names, with its bound. Costs take their currency from the bound.
    pub(super) fn bounded_quantity(
        &mut self,
        ty: &PolicyType,
        bound: Option<&ReadBound<'_>>,
    ) -> Option<(Quantity, Bound)> {
        let word = &ty.word;
        let currency = match bound.and_then(|bound| bound.value.as_ref()) {
            Some(Linear { unit: Unit::Money(currency), .. }) => Some(currency.as_str()),
            _ => None,
        };
        let quantity = self.quantity(word, currency.unwrap_or("USD"));
        let quantity = self.counted(ty, quantity?)?;
        let bound = bound?;
        if bound.direction == Direction::AtLeast && self.no_floor(&quantity, word, bound.clause) {
            return None;
        }
        let wrong = match (&quantity, bound.direction) {
            (Quantity::RiskCeiling, Direction::AtLeast) => Some("at most"),
            (Quantity::Cooldown, Direction::AtMost) => Some("at least"),
            _ => None,
        };
        if let Some(other) = wrong {
            let message = format!("`{}` is bounded with `{other}`", word.text);
            let mut error = self.error(codes::BAD_DIRECTION, bound.clause, message);
            error.fixes.push(Fix {
                title: format!("write `{other}`"),
                file: self.path.to_owned(),
                span: Span { start: bound.clause.start, end: bound.expr.span.start },
                replacement: format!("{other} "),
                certain: true,
            });
            self.report(error);
            return None;
        }
        let value = self.bound_value(&quantity, word, bound.value.as_ref()?, bound.expr)?;
        Some((quantity, Bound { direction: bound.direction, value }))
    }

    fn quantity(&mut self, word: &Name, currency: &str) -> Option<Quantity> {
        let built_in = |word: &str| match word {
            "runs" => Some(Meter::Runs),
            "tokens" => Some(Meter::Tokens),
            "cost" => Some(Meter::Cost(currency.to_owned())),
            _ => None,
        };
        let (meter, over) = match LimitType::parse(&word.text) {
            Some(LimitType::RiskCeiling) => return Some(Quantity::RiskCeiling),
            Some(LimitType::Cooldown) => return Some(Quantity::Cooldown),
            Some(LimitType::Metered(own, over)) => (built_in(own).or_else(|| self.declared_meter(own)), over),
            None => (None, Over::Run),
        };
        match (meter, over) {
            (Some(meter), Over::Period(period)) => {
                Some(Quantity::Accumulated(meter, Accumulation::utc(period)))
            }
            (Some(meter), Over::Concurrent) => Some(Quantity::Accumulated(meter, Accumulation::Concurrent)),
            (Some(meter), Over::Run) if meter != Meter::Runs => Some(Quantity::PerRun(meter)),
            _ => {
                self.unknown_type(word);
                None
            }
        }
    }

    /// The quantity with the periods that a type names behind its word.
    fn counted(&mut self, ty: &PolicyType, quantity: Quantity) -> Option<Quantity> {
        let zones: Vec<Span> = ty.zones.iter().map(|name| name.span).collect();
        for (spans, what) in [(&zones, "in"), (&ty.rolling, "rolling")] {
            for again in spans.iter().skip(1) {
                let error = self.error(codes::DUPLICATE_CLAUSE, *again, format!("`{what}` stands twice"));
                self.report(error.and_at(self.path, spans[0], "the first one"));
            }
        }
        let word = &ty.word.text;
        let why = match &quantity {
            Quantity::RiskCeiling | Quantity::PerRun(_) => "is a value of one request",
            Quantity::Cooldown => "is the time between two runs",
            Quantity::Accumulated(_, Accumulation::Concurrent) => "is what is under way",
            Quantity::Accumulated(..) => "",
        };
        if !why.is_empty() {
            let fits = self.refuse_periods(ty, &format!("`{word}` {why} and has no periods"));
            return fits.then_some(quantity);
        }
        let (Quantity::Accumulated(meter, over), Some(period)) = (&quantity, quantity.period()) else {
            return Some(quantity);
        };
        let over = match (ty.zones.first(), ty.rolling.first()) {
            (None, None) => over.clone(),
            (None, Some(_)) => Accumulation::Rolling(period),
            (Some(name), None) => {
                let (zone, tz) = self.zone(name)?;
                let zone = if is_utc(&tz) { "UTC".into() } else { zone.into() };
                Accumulation::Calendar { period, zone }
            }
            (Some(name), Some(rolling)) => {
                let message = "a rolling period begins at any time, so no zone's clocks tell when";
                let error = self.error(codes::BAD_ACCUMULATION, *rolling, message);
                let error = error.and_at(self.path, name.span, "the zone");
                self.report(error.help("take one of both out"));
                return None;
            }
        };
        Some(Quantity::Accumulated(meter.clone(), over))
    }

    /// Refuses the periods that a type names, since it has none; whether it names none.
    pub(super) fn refuse_periods(&mut self, ty: &PolicyType, message: &str) -> bool {
        let zone = ty.zones.first().map(|name| (name.span, "take `in` and the time zone out"));
        let Some((span, help)) = zone.or(ty.rolling.first().map(|span| (*span, "take `rolling` out"))) else {
            return true;
        };
        let error = self.error(codes::BAD_ACCUMULATION, span, message);
        self.report(error.help(help));
        false
    }

    /// Refuses a floor on what has no period of its own; whether it did.
    fn no_floor(&mut self, quantity: &Quantity, word: &Name, clause: Span) -> bool {
        let (message, help) = match quantity {
            Quantity::Accumulated(_, Accumulation::Rolling(_)) => (
                format!(
                    "`{} rolling` takes no floor: a guarantee is one for periods that begin and end",
                    word.text
                ),
                format!("without `rolling` each period of the calendar has its own: `type {}`", word.text),
            ),
            Quantity::Accumulated(meter, Accumulation::Concurrent) => (
                format!("`{}` takes no floor: nobody can guarantee what is under way", word.text),
                format!(
                    "bound it with `at most`, or a period's use, such as `{}_daily`",
                    meter.word().to_lowercase()
                ),
            ),
            _ => return false,
        };
        let error = self.error(codes::BAD_DIRECTION, clause, message);
        self.report(error.help(help));
        true
    }

    /// The meter with this word that can be seen here.
    fn declared_meter(&self, word: &str) -> Option<Meter> {
        let (_, entry) = self.view.meters().iter().find(|(known, _)| meter::word(known) == word)?;
        Some(Meter::Declared { name: entry.name.clone(), unit: entry.unit.clone()? })
    }

    /// The package that declares a meter with this word, where nothing of it is used, or keeps it to itself.
    fn unseen_meter(&self, word: &str) -> Option<Result<&str, Private>> {
        let names = self.view.origin().names(self.db);
        let entry = names.shared.meters.values().find(|entry| meter::word(&entry.name) == word)?;
        let nameable = |package: &str| !package.is_empty() && names.has_package(package);
        let mut packages = entry.packages.iter().filter(|(package, _)| nameable(package));
        let offered = packages.clone().find(|(_, private)| !**private).map(|(package, _)| package.as_str());
        Some(match offered {
            Some(package) => Ok(package),
            None => Err(Private {
                package: packages.next()?.0.clone(),
                name: entry.name.clone(),
                origin: entry.origin,
                what: "a meter",
                made: false,
            }),
        })
    }

    fn unknown_type(&mut self, word: &Name) {
        let mut error =
            self.error(codes::UNKNOWN_WORD, word.span, format!("`{}` is no type of limit", word.text));
        if let Some(LimitType::Metered(own, _)) = LimitType::parse(&word.text)
            && let Some(unseen) = self.unseen_meter(own)
        {
            let package = match unseen {
                Ok(package) => package.to_owned(),
                Err(private) => {
                    let error = self.private_name(&private.name, word.span, &private);
                    return self.report(error);
                }
            };
            error =
                error.help(format!("its meter is declared in package `{package}`; add `use {package}.*`"));
            error.fixes.push(self.use_fix(&package, true));
            self.report(error);
            return;
        }
        let meters: Vec<&str> = self.view.meters().iter().map(|(known, _)| known.as_str()).collect();
        let known = meter::limit_types(meters.iter().copied());
        let error = if let Some(near) = nearest(&word.text, known.iter().map(String::as_str)) {
            error.help(format!("did you mean `{near}`?")).fix(format!("write `{near}`"), near)
        } else {
            let own = meters.iter().map(|meter| format!(", `{meter}`")).collect::<Vec<_>>().concat();
            error
                .help(format!(
                    "the types are `risk_ceiling`, `cooldown`, and those of the meters `runs`, `tokens`, \
                     `cost`{own}"
                ))
                .note("a meter `m` gives `m_per_run`, `m_per_minute`, `m_hourly`, `m_daily`, `m_weekly`, `m_monthly` and `m_concurrent`")
        };
        self.report(error);
    }

    fn bound_value(&mut self, quantity: &Quantity, word: &Name, value: &Linear, expr: &Expr) -> Option<i64> {
        let wanted = unit_of(quantity);
        let is_cost =
            matches!(quantity, Quantity::PerRun(Meter::Cost(_)) | Quantity::Accumulated(Meter::Cost(_), _));
        if value.unit != wanted {
            self.wrong_unit(quantity, word, value, expr, &wanted, is_cost);
            return None;
        }
        let scale = quantity.scale();
        let holder = match scale {
            0 => format!("`{}` counts whole numbers", word.text),
            _ => format!("`{}` has at most {scale} digits after the point", word.text),
        };
        let value = self.exactly(value, scale, expr, &holder)?;
        if value < 0 {
            let error = self.error(codes::BAD_LIMIT_VALUE, expr.span, "a bound cannot be negative");
            self.report(error.help("`at most 0` allows none"));
            return None;
        }
        if *quantity == Quantity::RiskCeiling && value > 10_i64.pow(RISK_SCALE.into()) {
            let error = self.error(codes::BAD_LIMIT_VALUE, expr.span, "a risk lies between 0 and 1");
            let hundredth = Unit::Plain.written(value.into(), RISK_SCALE + 2);
            let percent = value <= 100 * 10_i64.pow(RISK_SCALE.into()) && is_literal(expr);
            self.report(if percent {
                error
                    .help(format!("a percentage is written as a part of 1: `{hundredth}`"))
                    .fix(format!("write `{hundredth}`"), hundredth)
            } else {
                error
            });
            return None;
        }
        Some(value)
    }

    fn wrong_unit(
        &mut self,
        quantity: &Quantity,
        word: &Name,
        value: &Linear,
        expr: &Expr,
        wanted: &Unit,
        is_cost: bool,
    ) {
        if is_cost && value.unit == Unit::Plain {
            self.any_currency(expr, &value.constant_text());
            return;
        }
        let counts = *wanted == Unit::Plain && *quantity != Quantity::RiskCeiling;
        if let Some(error) =
            self.bare((value, expr), wanted).filter(|_| !(counts && value.unit == Unit::Percent))
        {
            self.report(error);
            return;
        }
        let message =
            format!("`{}` wants {}, not {}", word.text, example(quantity), value.unit.description());
        let code = match unit_code(&value.unit, wanted) {
            code if code == codes::UNIT_MISMATCH => codes::BAD_LIMIT_VALUE,
            code => code,
        };
        let error = self.error(code, expr.span, message);
        self.report(match value.unit {
            Unit::Percent => {
                error.help("a bound is an amount; to warn before it is reached, add `warn at 85%`")
            }
            _ => error,
        });
    }

    /// Says that an amount lacks its currency where any may be meant.
    pub(super) fn any_currency(&mut self, expr: &Expr, amount: &str) {
        let message = format!("an amount of money is wanted here; `{amount}` has no currency");
        let error = self.error(codes::MISSING_CURRENCY, expr.span, message);
        self.report(error.help(format!("write for example `{amount} USD`")));
    }

    /// Values of one request have no counter that could be kept per subject.
    pub(super) fn check_partition(&mut self, quantity: &Quantity, clause: Span) {
        if matches!(quantity, Quantity::RiskCeiling | Quantity::PerRun(_)) {
            let message = format!(
                "`{}` is a value of one request, not counted per anything",
                quantity.to_string().to_lowercase()
            );
            let error = self.error(codes::BAD_PARTITION, clause, message);
            self.report(error.fix("remove the clause", ""));
        }
    }

    /// The value from which on a limit is announced: the part of its bound, rounded down to what can be counted.
    pub(super) fn warning(
        &mut self,
        warning: &ReadWarning<'_>,
        bound: Option<&ReadBound<'_>>,
        bounded: Option<(&Quantity, Bound)>,
        enforcement: Option<Enforcement>,
    ) -> Option<i64> {
        let part = warning.part.as_ref()?;
        let refuse = |this: &mut Self, span: Span, message: &str, help: &str| {
            let error = this.error(codes::BAD_WARNING, span, message);
            let error = error.help(help);
            this.report(if span == warning.clause { error.fix("remove the clause", "") } else { error });
            None
        };
        if part.unit != Unit::Percent {
            let written = part.constant_text();
            return refuse(
                self,
                warning.expr.span,
                &format!("`warn at` wants a percentage of the bound, not {}", part.unit.description()),
                &match part.unit {
                    Unit::Plain => format!(
                        "write for example `{}`",
                        percent_of(part).unwrap_or_else(|| "85%".to_owned())
                    ),
                    _ => format!(
                        "write for example `85%`; for a bound of its own, such as {written}, write a limit"
                    ),
                },
            );
        }
        let hundred = 10_i128.checked_pow(part.scale.into())?;
        if part.constant <= 0 || part.constant >= hundred {
            return refuse(
                self,
                warning.expr.span,
                &format!("`warn at {}` is not between 0% and 100%", part.constant_text()),
                "it is the part of the bound at which somebody is told, such as `85%`",
            );
        }
        if bound.is_some_and(|bound| bound.direction == Direction::AtLeast) {
            return refuse(
                self,
                warning.clause,
                "`warn at` announces a ceiling, and this limit has a floor",
                "write a second limit with a higher floor and `enforce warn`",
            );
        }
        if matches!(enforcement, Some(Enforcement::Warn | Enforcement::Alert)) {
            return refuse(
                self,
                warning.clause,
                "this limit only warns, so nothing is left to announce",
                "`warn at` is for limits that block, reject, queue or degrade",
            );
        }
        let (_, bound) = bounded?;
        let value = i128::from(bound.value).checked_mul(part.constant)?.div_euclid(hundred);
        i64::try_from(value).ok()
    }
}

/// Whether a zone's clocks always show UTC, as those of `Etc/UTC` do.
fn is_utc(zone: &TimeZone) -> bool {
    let first = Timestamp::MIN;
    zone.to_offset(first).is_zero() && zone.following(first).next().is_none()
}

/// `0.85` or `85`, where `85%` was meant.
fn percent_of(part: &Linear) -> Option<String> {
    let one = 10_i128.checked_pow(part.scale.into())?;
    let value = if part.constant < one { part.constant.checked_mul(100)? } else { part.constant };
    Some(format!("{}%", Unit::Plain.written(value, part.scale)))
}

/// The unit of a quantity's bounds.
pub(super) fn unit_of(quantity: &Quantity) -> Unit {
    match quantity {
        Quantity::RiskCeiling => Unit::Plain,
        Quantity::Cooldown => Unit::Duration,
        Quantity::PerRun(meter) | Quantity::Accumulated(meter, _) => {
            match (meter.currency(), meter.scale()) {
                (Some(currency), _) => Unit::Money(currency.to_owned()),
                (None, 0) => Unit::Plain,
                (None, _) => Unit::Duration,
            }
        }
    }
}

/// What a bound of this quantity looks like.
fn example(quantity: &Quantity) -> String {
    match unit_of(quantity) {
        Unit::Plain if *quantity == Quantity::RiskCeiling => {
            "a number between 0 and 1, such as `0.7`".to_owned()
        }
        Unit::Plain | Unit::Percent => "a whole number, such as `2_000_000`".to_owned(),
        Unit::Duration => "a length of time, such as `30s`".to_owned(),
        Unit::Money(currency) => format!("an amount of money, such as `1_200.00 {currency}`"),
    }
}

/// Whether an expression is one literal, as opposed to a computation.
pub(super) fn is_literal(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Literal(kind) => !matches!(kind, LiteralKind::Text(_)),
        ExprKind::Negative(inner) => is_literal(inner),
        _ => false,
    }
}
