//! Names and values as an author writes them.

use ordain_ir::{Policies, PolicyName, Type, Value};

/// A policy as it is called in the package: by its own name there, in full from elsewhere.
pub(crate) fn name_in<'a>(policies: &'a Policies, name: &'a PolicyName, package: &str) -> &'a str {
    let label = policies.label(name);
    let inside = match name.as_str().strip_suffix(label) {
        Some("") => package.is_empty(),
        Some(before) => before.strip_suffix('.') == Some(package),
        None => false,
    };
    if inside { label } else { name.as_str() }
}

/// A value as it stands in a test: `"export"`, `pii`, `12.50 USD`, `{ 80, 443 }`.
pub(crate) fn value(value: &Value, ty: &Type) -> String {
    match (value, ty) {
        (Value::Set(items), Type::Set { of }) => {
            let items: Vec<String> = items.iter().map(|item| self::value(item, of)).collect();
            if items.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", items.join(", ")) }
        }
        // JSON's escapes are the language's, but for those of control characters.
        (_, Type::String) => value.to_json(ty).to_string(),
        _ => match value.to_json(ty) {
            serde_json::Value::String(text) => text,
            other => other.to_string(),
        },
    }
}

/// ``a`, `b` and `c``
pub(crate) fn listed<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    match names.split_last() {
        None => String::new(),
        Some((only, [])) => only.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_read_as_in_source() {
        let money = Type::Money { currency: "USD".into() };
        assert_eq!(value(&Value::Number(12_500_000), &money), "12.50 USD");
        assert_eq!(value(&Value::Text("a \"b\"".into()), &Type::String), r#""a \"b\"""#);
        assert_eq!(value(&Value::Text("pii".into()), &Type::Enum { variants: vec!["pii".into()] }), "pii");
        let ports = Type::Set { of: Box::new(Type::Int) };
        let set = |items: &[i64]| Value::Set(items.iter().map(|n| Value::Number(*n)).collect());
        assert_eq!(value(&set(&[443, 80]), &ports), "{ 80, 443 }");
        assert_eq!(value(&set(&[]), &ports), "{}");
        assert_eq!(value(&Value::Number(30_000), &Type::Duration), "30s");
        assert_eq!(value(&Value::Bool(true), &Type::Bool), "true");
    }

    #[test]
    fn lists_end_in_and() {
        assert_eq!(listed(["a"]), "`a`");
        assert_eq!(listed(["a", "b", "c"]), "`a`, `b` and `c`");
    }
}
