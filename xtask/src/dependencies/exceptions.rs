//! Exceptions in `deny.toml`: each says why it is there and until when it may stay.

use toml::{Table, Value};

use super::date::Date;

/// Where `deny.toml` keeps exceptions.
const PLACES: [(&str, &str); 6] = [
    ("advisories", "ignore"),
    ("licenses", "exceptions"),
    ("bans", "skip"),
    ("bans", "skip-tree"),
    ("sources", "allow-git"),
    ("sources", "allow-registry"),
];

/// What introduces the deadline.
const DEADLINE: &str = "FIX-DEADLINE:";

/// One exception.
#[derive(Debug)]
pub(crate) struct Exception<'a> {
    place: (&'static str, &'static str),
    /// The package, advisory or address.
    pub(crate) name: &'a str,
    /// Licences that the package may have; empty for other exceptions.
    pub(crate) licences: Vec<&'a str>,
    /// Why, and until when.
    reason: String,
}

impl Exception<'_> {
    /// Whether it allows a licence to the package `name`.
    pub(crate) fn is_licence_of(&self, name: &str) -> bool {
        self.place.0 == "licenses" && self.name == name
    }
}

/// The array `[table] key`.
pub(crate) fn list<'a>(policy: &'a Table, table: &str, key: &str) -> &'a [Value] {
    let value = policy.get(table).and_then(|table| table.get(key));
    value.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// The texts in the array `[table] key`.
pub(crate) fn strings<'a>(policy: &'a Table, table: &str, key: &str) -> Vec<&'a str> {
    list(policy, table, key).iter().filter_map(Value::as_str).collect()
}

/// What an entry is about: it is a text itself, or a table that names a package or an advisory.
pub(crate) fn name(entry: &Value) -> Option<&str> {
    let named = ["crate", "name", "id"].iter().find_map(|key| entry.get(*key));
    named.unwrap_or(entry).as_str()
}

/// All exceptions. `text` is the file, since a licence's exception can state a reason only in a comment.
pub(crate) fn read<'a>(policy: &'a Table, text: &str) -> Vec<Exception<'a>> {
    let entries = PLACES
        .into_iter()
        .flat_map(|place| list(policy, place.0, place.1).iter().map(move |entry| (place, entry)));
    entries
        .map(|(place, entry)| {
            let name = name(entry).unwrap_or("?");
            let reason = entry.get("reason").and_then(Value::as_str).map(str::to_owned);
            let allow = entry.get("allow").and_then(Value::as_array).into_iter().flatten();
            Exception {
                place,
                name,
                licences: allow.filter_map(Value::as_str).collect(),
                reason: reason.unwrap_or_else(|| comment(text, name)),
            }
        })
        .collect()
}

/// The comment at, or right above, the line that has `"name"`.
fn comment(text: &str, name: &str) -> String {
    let quoted = format!("\"{name}\"");
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let code = |line: &str| line.split('#').next().is_some_and(|code| code.contains(&quoted));
    let Some(index) = lines.iter().position(|line| code(line)) else { return String::new() };
    let above = lines[..index].iter().rev().take_while(|line| line.starts_with('#')).count();
    let own = lines[index].split_once('#').map_or("", |(_, comment)| comment);
    let mut parts: Vec<&str> = lines[index - above..index].to_vec();
    parts.push(own);
    parts.iter().map(|part| part.trim_start_matches('#').trim()).collect::<Vec<_>>().join(" ")
}

/// Exceptions without a reason or a deadline, or whose deadline has passed.
pub(crate) fn problems(exceptions: &[Exception], today: Date) -> Vec<String> {
    let problem = |exception: &Exception| {
        let (table, key) = exception.place;
        let about = format!("the exception `{}` in `{table}.{key}`", exception.name);
        let Some((before, after)) = exception.reason.split_once(DEADLINE) else {
            return Some(format!("{about} has no `{DEADLINE} YYYY-MM-DD` in its reason or comment"));
        };
        let after = after.trim_start();
        let Some(deadline) = Date::parse(after) else {
            return Some(format!("{about} has a deadline that is no date"));
        };
        if before.trim().is_empty() && after[10..].trim_matches(['.', ' ']).is_empty() {
            return Some(format!("{about} has a deadline but no reason"));
        }
        (deadline < today).then(|| format!("{about} was to be gone by {deadline}: resolve it"))
    };
    exceptions.iter().filter_map(problem).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> Vec<String> {
        let policy: Table = toml::from_str(text).unwrap();
        problems(&read(&policy, text), Date::parse("2026-06-15").unwrap())
    }

    #[test]
    fn an_exception_lives_until_its_deadline() {
        let with = |date| {
            let reason = format!("no fix yet. FIX-DEADLINE: {date}");
            check(&format!("[advisories]\nignore = [{{ id = \"R-1\", reason = \"{reason}\" }}]"))
        };
        assert!(with("2026-06-15").is_empty());
        let passed = "the exception `R-1` in `advisories.ignore` was to be gone by 2026-06-14: resolve it";
        assert_eq!(with("2026-06-14"), [passed]);
        assert!(with("2026-06-31")[0].contains("no date"));
    }

    #[test]
    fn an_exception_needs_a_reason_and_a_deadline() {
        assert!(check("[advisories]\nignore = [\"R-1\"]")[0].contains("has no `FIX-DEADLINE"));
        assert!(
            check("[bans]\nskip = [{ crate = \"a\", reason = \"why\" }]")[0].contains("has no `FIX-DEADLINE")
        );
        let bare = "[bans]\nskip = [{ crate = \"a\", reason = \"FIX-DEADLINE: 2026-12-31\" }]";
        assert!(check(bare)[0].contains("but no reason"));
    }

    #[test]
    fn a_comment_can_hold_the_reason() {
        let above = "[licenses]\nexceptions = [\n# Data\n# only. FIX-DEADLINE: 2026-12-31\n{ allow = [\"X\"], crate = \"a\" },\n]";
        assert!(check(above).is_empty());
        let beside = "[licenses]\nexceptions = [\n{ allow = [\"X\"], crate = \"a\" }, # data. FIX-DEADLINE: 2026-12-31\n]";
        assert!(check(beside).is_empty());
        let elsewhere = "# why. FIX-DEADLINE: 2026-12-31\n[licenses]\nexceptions = [\n{ allow = [\"X\"], crate = \"a\" },\n]";
        assert_eq!(check(elsewhere).len(), 1);
    }
}
