//! `ordain build --request-schema`: what requests to these policies look like, as a JSON schema.

use ordain_ir::{Fact, MeterUnit, Policies, Type, Value};
use serde_json::{Map, Value as Json, json};

const DECIMAL: &str = r"[0-9]([0-9_]*[0-9])?(\.[0-9]([0-9_]*[0-9])?)?";
const DURATION: &str = r"([0-9]([0-9_]*[0-9])?(\.[0-9]([0-9_]*[0-9])?)?(w|d|h|m|s|ms))+";

/// The schema of the requests that these policies can be asked about, with every fact and meter that they declare.
pub(crate) fn of(policies: &Policies) -> Json {
    let facts: Map<String, Json> =
        policies.facts.values().map(|fact| (fact.name.to_string(), of_fact(fact))).collect();
    let meters: Map<String, Json> =
        policies.meters.iter().map(|(name, unit)| (name.clone(), of_meter(unit))).collect();
    let whole = json!({ "type": "integer", "minimum": 0, "maximum": i64::MAX });
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A request",
        "description": "What an agent's runtime asks about before it acts. A fact that is left out makes the policies \
                        that depend on it undecided, unless it is optional.",
        "type": "object",
        "additionalProperties": false,
        "required": ["path", "at"],
        "properties": {
            "path": {
                "description": "Who asks: tenant/project/agent. A backslash stands before a slash within a name.",
                "type": "string",
                "pattern": r"^([^/\\]|\\.)+/([^/\\]|\\.)+/([^/\\]|\\.)+$",
            },
            "provider": { "description": "The model provider that it goes to, if any.", "type": "string" },
            "at": { "description": "When, as in RFC 3339.", "type": "string", "format": "date-time" },
            "facts": {
                "description": "What is so.",
                "type": "object",
                "additionalProperties": false,
                "properties": facts,
            },
            "usage": {
                "description": "What it uses.",
                "type": "object",
                "additionalProperties": false,
                "properties": {
                    "runs": with(&whole, "description", "Runs; 1 if left out."),
                    "tokens": with(&whole, "description", "Tokens; 0 if left out."),
                    "cost": {
                        "description": "Money by currency.",
                        "type": "object",
                        "additionalProperties": { "type": "string", "pattern": format!("^{DECIMAL}$") },
                    },
                    "meters": {
                        "description": "Declared meters; 0 if left out.",
                        "type": "object",
                        "additionalProperties": false,
                        "properties": meters,
                    },
                    "risk": {
                        "description": "The risk value; limits on it measure nothing without.",
                        "type": "string",
                        "pattern": format!("^{DECIMAL}$"),
                    },
                    "since_last_run": {
                        "description": "How long ago the subject ran last, if it did.",
                        "type": "string",
                        "pattern": format!("^{DURATION}$"),
                    },
                },
            },
        },
    })
}

fn with(schema: &Json, key: &str, value: &str) -> Json {
    let mut schema = schema.clone();
    if let Json::Object(fields) = &mut schema {
        fields.insert(key.to_owned(), value.into());
    }
    schema
}

fn of_fact(fact: &Fact) -> Json {
    let mut words = vec![fact.doc.trim().to_owned()];
    words.push(if fact.optional { "May be left out.".to_owned() } else { String::new() });
    if let (Some((least, greatest)), false) = (fact.range, matches!(fact.ty.element(), Type::Int)) {
        let write = |n| Value::Number(n).to_json(fact.ty.element()).to_string().replace('"', "");
        words.push(format!("From {} to {}.", write(least), write(greatest)));
    }
    words.retain(|text| !text.is_empty());
    let schema = of_type(&fact.ty, fact.range);
    if words.is_empty() { schema } else { with(&schema, "description", &words.join(" ")) }
}

fn of_type(ty: &Type, range: Option<(i64, i64)>) -> Json {
    match ty {
        Type::Bool => json!({ "type": "boolean" }),
        Type::Int => {
            let (least, greatest) = range.unwrap_or((i64::MIN, i64::MAX));
            json!({ "type": "integer", "minimum": least, "maximum": greatest })
        }
        Type::Decimal { scale } => {
            json!({ "type": "string", "pattern": format!(r"^-?[0-9]+(\.[0-9]{{1,{scale}}})?$") })
        }
        Type::Money { currency } => {
            json!({ "type": "string", "pattern": format!(r"^-?[0-9]+(\.[0-9]{{1,6}})?( {currency})?$") })
        }
        Type::Duration => json!({ "type": "string", "pattern": format!("^-?{DURATION}$") }),
        Type::String => json!({ "type": "string" }),
        Type::Enum { variants } => json!({ "enum": variants }),
        Type::Set { of } => json!({ "type": "array", "items": of_type(of, range) }),
    }
}

fn of_meter(unit: &MeterUnit) -> Json {
    let (pattern, what) = match unit {
        MeterUnit::Count => ("^[0-9]+$".to_owned(), "A whole number.".to_owned()),
        MeterUnit::Money(currency) => {
            (format!("^{DECIMAL}( ?{currency})?$"), format!("Money, in {currency}."))
        }
        MeterUnit::Duration => (format!("^{DURATION}$"), "A length of time.".to_owned()),
    };
    json!({ "description": what, "type": "string", "pattern": pattern })
}

#[cfg(test)]
mod tests {
    use ordain_ir::Request;
    use ordain_ir::request::RequestJson;

    use super::*;

    fn fact(name: &str, ty: Type, range: Option<(i64, i64)>) -> Fact {
        Fact {
            name: name.into(),
            ty,
            range,
            optional: name.ends_with('?'),
            opaque: false,
            doc: String::new(),
        }
    }

    fn policies() -> Policies {
        let set = Type::Set { of: Box::new(Type::Int) };
        let facts = [
            fact("flag", Type::Bool, None),
            fact("n", Type::Int, Some((0, 9))),
            fact("risk", Type::Decimal { scale: 2 }, None),
            fact("amount", Type::Money { currency: "USD".into() }, None),
            fact("wait", Type::Duration, None),
            fact("text?", Type::String, None),
            fact("kind", Type::Enum { variants: vec!["a".into(), "b".into()] }, None),
            fact("ports", set, Some((1, 99))),
        ];
        Policies {
            facts: facts.map(|fact| (fact.name.clone(), fact)).into(),
            meters: [("calls".to_owned(), MeterUnit::Count), ("time".to_owned(), MeterUnit::Duration)].into(),
            ..Policies::default()
        }
    }

    /// The schema and the reader judge each of these alike, one value at a time.
    #[test]
    fn schema_and_reader_agree() {
        let policies = policies();
        let schema = of(&policies);
        let validator = jsonschema::options().should_validate_formats(true).build(&schema).expect("a schema");
        let both = |request: &Json| {
            let read = serde_json::from_value::<RequestJson>(request.clone()).ok();
            let read =
                read.is_some_and(|wire| Request::from_json(wire, &policies.facts, &policies.meters).is_ok());
            (validator.is_valid(request), read)
        };
        let base = json!({ "path": "a/b/c", "at": "2026-03-02T10:00:00Z" });
        assert_eq!(both(&base), (true, true));
        let values = [
            json!(true),
            json!(3),
            json!(10),
            json!(-1),
            json!("0.75"),
            json!("0.755"),
            json!("-3"),
            json!("4.50 USD"),
            json!("4.50 EUR"),
            json!("30s"),
            json!("1h30m"),
            json!("30"),
            json!("a"),
            json!("c"),
            json!(""),
            json!([1, 2]),
            json!([0]),
            json!(["a"]),
            json!(null),
            json!({}),
        ];
        for name in policies.facts.keys() {
            for value in &values {
                let mut request = base.clone();
                request["facts"] = json!({ (name.as_str()): value });
                let (schema, reader) = both(&request);
                // The reader takes numbers as text and text as numbers too; what the schema lets in, it reads.
                assert!(reader || !schema, "{request}");
                let lenient = matches!(value, Json::Number(_))
                    || value.as_str().is_some_and(|it| it.parse::<f64>().is_ok());
                assert!(schema || !reader || lenient, "{request}");
            }
        }
        for (field, value) in
            [("calls", "3"), ("calls", "-3"), ("calls", "3.5"), ("time", "2m"), ("time", "2")]
        {
            let mut request = base.clone();
            request["usage"] = json!({ "meters": { (field): value } });
            let (schema, reader) = both(&request);
            assert_eq!(schema, reader, "{request}");
        }
        for path in ["a/b", "a/b/c/d", "a//c", "a\\/x/b/c", ""] {
            let mut request = base.clone();
            request["path"] = json!(path);
            let (schema, reader) = both(&request);
            assert_eq!(schema, reader, "{request}");
        }
    }
}
