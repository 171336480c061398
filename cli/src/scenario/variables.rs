//! `${name}` in paths and bodies.

use std::collections::BTreeMap;

use serde_json::Value;

/// What steps have saved, beside `scenario` and `run`.
pub(crate) type Variables = BTreeMap<String, Value>;

/// A text with each `${name}` in it replaced; one that is nothing else becomes what the name stands for, whatever that is.
fn filled(text: &str, variables: &Variables) -> Result<Value, String> {
    let unknown = |name: &str| {
        let known: Vec<_> = variables.keys().map(|name| format!("`{name}`")).collect();
        format!("nothing was saved as `{name}`; there is {}", known.join(", "))
    };
    if let Some(name) = text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}'))
        && !name.contains('}')
    {
        return variables.get(name).cloned().ok_or_else(|| unknown(name));
    }
    let (mut out, mut rest) = (String::new(), text);
    while let Some((before, behind)) = rest.split_once("${") {
        let Some((name, after)) = behind.split_once('}') else { break };
        out.push_str(before);
        match variables.get(name).ok_or_else(|| unknown(name))? {
            Value::String(text) => out.push_str(text),
            other => out.push_str(&other.to_string()),
        }
        rest = after;
    }
    out.push_str(rest);
    Ok(out.into())
}

/// A value with all texts in it filled.
pub(crate) fn fill(value: &Value, variables: &Variables) -> Result<Value, String> {
    match value {
        Value::String(text) => filled(text, variables),
        Value::Array(items) => items.iter().map(|item| fill(item, variables)).collect(),
        Value::Object(fields) => {
            let fields = fields.iter().map(|(name, value)| Ok((name.clone(), fill(value, variables)?)));
            fields.collect::<Result<_, _>>().map(Value::Object)
        }
        other => Ok(other.clone()),
    }
}

/// A path with each `${name}` replaced.
pub(crate) fn fill_path(path: &str, variables: &Variables) -> Result<String, String> {
    match filled(path, variables)? {
        Value::String(text) => Ok(text),
        other => Err(format!("the path is `{other}`")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_are_replaced_by_what_was_saved() {
        let variables = Variables::from([("id".to_owned(), json!("a-1")), ("n".to_owned(), json!(7))]);
        let said =
            json!({ "whole": "${n}", "part": "x-${n}-${id}", "list": ["${id}"], "open": "a${", "none": 1 });
        let wanted = json!({ "whole": 7, "part": "x-7-a-1", "list": ["a-1"], "open": "a${", "none": 1 });
        assert_eq!(fill(&said, &variables), Ok(wanted));
        assert_eq!(fill_path("/a/${id}/b", &variables).as_deref(), Ok("/a/a-1/b"));
        let error = fill(&json!("${missing}"), &variables).unwrap_err();
        assert_eq!(error, "nothing was saved as `missing`; there is `id`, `n`");
    }
}
