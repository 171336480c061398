//! Query parameters, read by the same table that documents them, so that the two can't drift apart.

use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::str::FromStr;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use jiff::Timestamp;
use jiff::civil::DateTime;
use ordain_ir::Quantity;
use ordain_store::{Cursor, LimitTypePattern, Order, PageRequest, TenantId, ViolationSeverity};
use serde_json::{Map, Value};
use utoipa::IntoParams;
use utoipa::openapi::Required;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type};

use super::access::presented;
use super::app::AppState;
use super::problem::{ErrorCode, Problem, ProblemDetail};

/// What a parameter takes.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    /// One of these words, exactly.
    Words(fn() -> Vec<&'static str>),
    /// One of these words, exactly, and which it is if none is given.
    WordsOr(fn() -> Vec<&'static str>, &'static str),
    /// A type of limit, or the beginning of some with `*` after it.
    LimitType,
    /// An instant.
    Time,
    /// `true` or `false`, which is the default.
    Flag,
    /// A window that ends now: 1 to 720 hours, and the default.
    Hours(u32),
    /// A number from 0 to 1 with three digits after the point at most.
    Severity,
    /// A place in a list of this order, as an earlier page gave it.
    Cursor(Order),
    /// A page's size: 1 to 100, and the default.
    Limit(u32),
    /// A page's start: from 0, which is the default.
    Offset,
}

/// One query parameter.
#[derive(Clone, Copy)]
pub(crate) struct Param {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) description: &'static str,
}

impl Param {
    pub(crate) const fn new(name: &'static str, kind: Kind, description: &'static str) -> Self {
        Self { name, kind, description }
    }

    pub(crate) const fn limit(default: u32) -> Self {
        Self::new("limit", Kind::Limit(default), "How many items at most.")
    }

    pub(crate) const fn cursor(order: Order) -> Self {
        let description = "Only what follows after a page: its `next_cursor`. Not together with `offset`.";
        Self::new("cursor", Kind::Cursor(order), description)
    }

    pub(crate) const HOURS: Self =
        Self::new("hours", Kind::Hours(24), "How many hours the window has that ends now.");
    pub(crate) const INCLUDE_SYNTHETIC: Self =
        Self::new("include_synthetic", Kind::Flag, "Also those that were made up.");
    pub(crate) const OFFSET: Self =
        Self::new("offset", Kind::Offset, "How many items to leave out before the first.");
    pub(crate) const CREATED_AFTER: Self = Self::new(
        "created_after",
        Kind::Time,
        "Only created at this instant or later: RFC 3339, or a date or a date and time, which are in UTC.",
    );
    pub(crate) const CREATED_BEFORE: Self =
        Self::new("created_before", Kind::Time, "Only created at this instant or earlier, likewise.");
}

/// A [`Kind::Words`] of one of the wire's enumerations.
macro_rules! words {
    ($name:ty) => {
        $crate::http::query::Kind::Words(|| <$name>::ALL.iter().map(|word| word.as_str()).collect())
    };
}
pub(crate) use words;

/// The query of one route.
pub(crate) trait QueryParams: Sized {
    /// Its parameters.
    const PARAMS: &'static [Param];

    /// Reads them.
    fn read(values: &mut Values) -> Self;
}

/// No parameter at all.
pub(crate) struct NoParams;

impl QueryParams for NoParams {
    const PARAMS: &'static [Param] = &[];

    fn read(_: &mut Values) -> Self {
        Self
    }
}

/// The query of a request.
pub(crate) struct Query<T> {
    /// What it asks for.
    pub(crate) filter: T,
    /// Which part of the list.
    pub(crate) page: PageAsked,
    /// What was applied, for the answer: the tenant, and each filter with its value.
    pub(crate) applied: Map<String, Value>,
}

/// Which part of a list is asked for.
#[derive(Clone)]
pub(crate) struct PageAsked {
    /// How many items at most.
    pub(crate) limit: u32,
    /// How many to leave out before the first.
    pub(crate) offset: u64,
    /// The place after which it begins.
    cursor: Option<Cursor>,
}

impl PageAsked {
    /// As stores are asked.
    pub(crate) fn request(&self) -> PageRequest<'_> {
        PageRequest::new(self.limit, self.offset).after(self.cursor.as_ref())
    }
}

/// Documents a query; never made.
pub(crate) struct Documented<T>(PhantomData<T>);

impl<T: QueryParams> IntoParams for Documented<T> {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        T::PARAMS.iter().map(Param::documented).collect()
    }
}

impl Param {
    fn documented(&self) -> Parameter {
        let text = ObjectBuilder::new().schema_type(Type::String);
        let whole = ObjectBuilder::new().schema_type(Type::Integer);
        let schema = match self.kind {
            Kind::Words(words) => text.enum_values(Some(words())),
            Kind::WordsOr(words, default) => text.enum_values(Some(words())).default(Some(default.into())),
            Kind::Hours(default) => whole.minimum(Some(1)).maximum(Some(720)).default(Some(default.into())),
            Kind::Severity => ObjectBuilder::new()
                .schema_type(Type::Number)
                .minimum(Some(0))
                .maximum(Some(1))
                .multiple_of(Some(0.001)),
            Kind::Cursor(order) => text.pattern(Some(Cursor::pattern(order))),
            Kind::LimitType => text.pattern(Some(limit_types())),
            Kind::Time => text.format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime))),
            Kind::Flag => ObjectBuilder::new().schema_type(Type::Boolean).default(Some(false.into())),
            Kind::Limit(default) => {
                whole.minimum(Some(1)).maximum(Some(PageRequest::MAX_LIMIT)).default(Some(default.into()))
            }
            Kind::Offset => {
                whole.minimum(Some(0)).maximum(Some(PageRequest::MAX_OFFSET)).default(Some(0.into()))
            }
        };
        ParameterBuilder::new()
            .name(self.name)
            .parameter_in(ParameterIn::Query)
            .required(Required::False)
            .description(Some(self.description))
            .schema(Some(schema.build()))
            .build()
    }
}

/// The types of limits, and what may be the beginning of some with `*` after it.
fn limit_types() -> String {
    // The currency is no part of a type's name, so any will do.
    let names: Vec<_> = Quantity::all("USD").iter().map(ToString::to_string).collect();
    format!(r"^({}|[A-Z_]*\*)$", names.join("|"))
}

/// The values of a query while it is read.
pub(crate) struct Values {
    params: &'static [Param],
    given: BTreeMap<String, String>,
    applied: Map<String, Value>,
    wrong: Vec<ProblemDetail>,
}

impl Values {
    fn wrong(&mut self, name: &str, wanted: &str, allowed: Vec<String>) {
        let value = self.given.get(name).map_or("", String::as_str);
        let shown: String = value.chars().take(80).collect();
        let detail = format!("`{name}` is `{shown}`, which is not {wanted}");
        self.wrong.push(ProblemDetail::of_parameter(name, detail).allowing(allowed));
    }

    /// A word of an enumeration.
    pub(crate) fn word<T: FromStr>(&mut self, name: &'static str) -> Option<T> {
        let value = self.given.get(name)?.clone();
        // The table decides, not the type: a rule's scope has fewer words than a limit's.
        let allowed = self
            .params
            .iter()
            .find_map(|param| match param.kind {
                Kind::Words(words) | Kind::WordsOr(words, _) if param.name == name => Some(words()),
                _ => None,
            })
            .unwrap_or_default();
        match value.parse() {
            Ok(word) if allowed.contains(&value.as_str()) => {
                self.applied.insert(name.to_owned(), value.into());
                Some(word)
            }
            _ => {
                let wanted = format!("one of {}", allowed.join(", "));
                self.wrong(name, &wanted, allowed.into_iter().map(ToOwned::to_owned).collect());
                None
            }
        }
    }

    /// A word of an enumeration, or this one; always part of what is applied.
    pub(crate) fn word_or<T: FromStr + std::fmt::Display>(&mut self, name: &'static str, default: T) -> T {
        self.word(name).unwrap_or_else(|| {
            self.applied.insert(name.to_owned(), default.to_string().into());
            default
        })
    }

    /// A window in hours; always part of what is applied.
    pub(crate) fn hours(&mut self) -> u32 {
        let default = self.params.iter().find_map(|param| match param.kind {
            Kind::Hours(default) => Some(default),
            _ => None,
        });
        let hours = self.whole("hours", 1, 720, default.unwrap_or(24));
        self.applied.insert("hours".to_owned(), hours.into());
        hours
    }

    /// A severity.
    pub(crate) fn severity(&mut self, name: &'static str) -> Option<ViolationSeverity> {
        let value = self.given.get(name)?.clone();
        let severity: Option<ViolationSeverity> = value.parse().ok();
        match severity {
            Some(severity) => drop(self.applied.insert(name.to_owned(), severity.as_number().into())),
            None => {
                self.wrong(name, "a number from 0 to 1 with three digits after the point at most", vec![]);
            }
        }
        severity
    }

    /// A place in a list; not together with an offset.
    fn cursor(&mut self, order: Order) -> Option<Cursor> {
        let value = self.given.get("cursor")?.clone();
        let cursor = Cursor::read(order, &value);
        if cursor.is_none() {
            self.wrong("cursor", "the `next_cursor` of an earlier page", vec![]);
        } else if self.given.get("offset").is_some_and(|offset| offset != "0") {
            self.wrong("offset", "possible together with `cursor`; give one of the two", vec![]);
        }
        cursor
    }

    /// A type of limit, or a pattern that covers at least one.
    pub(crate) fn limit_type(&mut self, name: &'static str) -> Option<LimitTypePattern> {
        let value = self.given.get(name)?.clone();
        let pattern = LimitTypePattern::parse(&value);
        // The currency is no part of a type's name, so any will do.
        let known: Vec<String> = Quantity::all("USD").iter().map(ToString::to_string).collect();
        if known.iter().any(|limit_type| pattern.matches(limit_type)) {
            self.applied.insert(name.to_owned(), value.into());
            return Some(pattern);
        }
        self.wrong(name, "a type of limit, nor the beginning of one with `*` after it", known);
        None
    }

    /// An instant; without an offset it is in UTC.
    pub(crate) fn time(&mut self, name: &'static str) -> Option<Timestamp> {
        let value = self.given.get(name)?.clone();
        let local = |value: &str| value.parse::<DateTime>().ok()?.in_tz("UTC").ok().map(|at| at.timestamp());
        if let Some(at) = value.parse().ok().or_else(|| local(&value)) {
            self.applied.insert(name.to_owned(), at.to_string().into());
            return Some(at);
        }
        let hint = "a time such as 2026-03-01T08:00:00Z (a `+` is written %2B in a URL)";
        self.wrong(name, hint, vec![]);
        None
    }

    /// `true` or `false`; always part of what is applied.
    pub(crate) fn flag(&mut self, name: &'static str) -> bool {
        let flag = match self.given.get(name).map(String::as_str) {
            None | Some("false") => false,
            Some("true") => true,
            Some(_) => {
                self.wrong(name, "`true` or `false`", vec!["false".to_owned(), "true".to_owned()]);
                false
            }
        };
        self.applied.insert(name.to_owned(), flag.into());
        flag
    }

    fn page(&mut self) -> PageAsked {
        let mut page = PageAsked { limit: PageRequest::MAX_LIMIT, offset: 0, cursor: None };
        for param in self.params {
            match param.kind {
                Kind::Limit(default) => {
                    page.limit = self.whole(param.name, 1, PageRequest::MAX_LIMIT, default);
                }
                Kind::Cursor(order) => page.cursor = self.cursor(order),
                Kind::Offset => page.offset = self.whole(param.name, 0, PageRequest::MAX_OFFSET, 0),
                _ => {}
            }
        }
        page
    }

    fn whole<T: FromStr + PartialOrd + Copy + std::fmt::Display>(
        &mut self,
        name: &str,
        least: T,
        most: T,
        default: T,
    ) -> T {
        let Some(value) = self.given.get(name) else { return default };
        // A sign is no digit: `+5` is not what anybody writes.
        let digits = value.bytes().all(|b| b.is_ascii_digit());
        match value.parse::<T>() {
            Ok(number) if digits && number >= least && number <= most => number,
            _ => {
                self.wrong(name, &format!("a whole number from {least} to {most}"), vec![]);
                default
            }
        }
    }
}

fn read<T: QueryParams>(query: &str, tenant: &TenantId) -> Result<Query<T>, Problem> {
    let mut given = BTreeMap::new();
    let mut duplicates = vec![];
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        if given.insert(name.clone().into_owned(), value.into_owned()).is_some() {
            duplicates.push(name.into_owned());
        }
    }
    let names: Vec<String> = T::PARAMS.iter().map(|param| param.name.to_owned()).collect();
    let unknown: Vec<_> = given.keys().filter(|name| !names.contains(name)).collect();
    if !unknown.is_empty() {
        let takes = if names.is_empty() { "no parameter".to_owned() } else { names.join(", ") };
        let detail = |name: &str| {
            let name: String = name.chars().take(80).collect();
            let detail = format!("`{name}` is no parameter of this route, which takes {takes}");
            ProblemDetail::of_parameter(name, detail).allowing(names.clone())
        };
        let errors = unknown.into_iter().map(|name| detail(name)).collect();
        return Err(Problem::of_details(ErrorCode::UnknownParameter, errors));
    }
    if !duplicates.is_empty() {
        duplicates.dedup();
        let detail = |parameter: String| {
            let detail = format!("`{parameter}` stands more than once; give it one value");
            ProblemDetail::of_parameter(parameter, detail)
        };
        let errors = duplicates.into_iter().map(detail).collect();
        return Err(Problem::of_details(ErrorCode::DuplicateParameter, errors));
    }
    let applied = Map::from_iter([("tenant_id".to_owned(), tenant.as_str().into())]);
    let mut values = Values { params: T::PARAMS, given, applied, wrong: vec![] };
    let filter = T::read(&mut values);
    let page = values.page();
    if !values.wrong.is_empty() {
        return Err(Problem::of_details(ErrorCode::InvalidParameter, values.wrong));
    }
    Ok(Query { filter, page, applied: values.applied })
}

impl<T: QueryParams> FromRequestParts<AppState> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self, Problem> {
        read(parts.uri.query().unwrap_or_default(), &presented(parts)?.tenant)
    }
}
