//! `ordain config`

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::Verdict;
use crate::args::{ConfigArgs, ConfigCommand, TextOrJson};
use crate::commands::print;
use crate::config::field::Raw;
use crate::config::settings::{SETTINGS, Setting};
use crate::config::{Effective, Flags, Origin, Problems, environment, resolve};
use crate::failure::Failure;

/// Checks, shows or lists settings.
pub(crate) fn run(args: &ConfigArgs) -> Result<Verdict, Failure> {
    match &args.command {
        ConfigCommand::Check { file, settings } => {
            let flags = settings.flags();
            check(&Flags { file: file.clone().or(flags.file), ..flags })
        }
        ConfigCommand::Show { settings, format } => {
            let effective = resolve(&settings.flags(), &environment())?.map_err(Problems::into_failure)?;
            print(&match format {
                TextOrJson::Text => as_file(&effective),
                TextOrJson::Json => format!("{:#}\n", as_json(&effective)),
            })?;
            Ok(Verdict::Clean)
        }
        ConfigCommand::Settings => {
            print(&list())?;
            Ok(Verdict::Clean)
        }
    }
}

fn check(flags: &Flags) -> Result<Verdict, Failure> {
    let effective = match resolve(flags, &environment())? {
        Ok(effective) => effective,
        Err(Problems(problems)) => return wrong(&problems),
    };
    for note in &effective.notes {
        print(&format!("note: {note}\n"))?;
    }
    let problems = effective.config.not_there();
    if !problems.is_empty() {
        return wrong(&problems);
    }
    let said = |wanted: fn(&Origin) -> bool| {
        let origins = SETTINGS.iter().filter_map(|setting| effective.resolved.origin(setting.key));
        origins.filter(|origin| wanted(origin)).count()
    };
    let settings =
        |count: usize| if count == 1 { "1 setting".to_owned() } else { format!("{count} settings") };
    let mut parts = vec![];
    if let Some(file) = &effective.file {
        parts.push(format!(
            "{} from `{}`",
            settings(said(|it| matches!(it, Origin::File(_)))),
            file.display()
        ));
    }
    for (place, count) in [
        ("the environment", said(|it| matches!(it, Origin::Environment(_)))),
        ("flags", said(|it| matches!(it, Origin::Flag(_)))),
    ] {
        if count > 0 {
            parts.push(format!("{} from {place}", settings(count)));
        }
    }
    let from = if parts.is_empty() { "defaults only".to_owned() } else { parts.join(", ") };
    print(&format!("the configuration is fine: {from}\n"))?;
    Ok(Verdict::Clean)
}

fn wrong(problems: &[String]) -> Result<Verdict, Failure> {
    print(&(problems.join("\n") + "\n"))?;
    Ok(Verdict::Findings)
}

/// Each setting with its value, where it has one, and its origin.
fn rows(effective: &Effective) -> impl Iterator<Item = (&'static Setting, Option<(Raw, &Origin)>)> {
    SETTINGS.iter().map(|setting| {
        let value = (setting.show)(&effective.config);
        (setting, value.zip(effective.resolved.origin(setting.key)))
    })
}

/// As a configuration file, with the origins as comments.
fn as_file(effective: &Effective) -> String {
    let (mut out, mut open) = (String::new(), "");
    for (setting, value) in rows(effective) {
        let (section, name) = setting.key.split_once('.').unwrap_or(("", setting.key));
        if section != open {
            let _ = writeln!(out, "{section}:");
            open = section;
        }
        let indent = if section.is_empty() { "" } else { "  " };
        let _ = match value {
            Some((raw, origin)) => writeln!(out, "{indent}{name}: {}  # {origin}", flow(&raw)),
            None => writeln!(out, "{indent}# {name} is not set"),
        };
    }
    out
}

/// A value on one line of YAML; what is JSON is YAML too.
fn flow(raw: &Raw) -> String {
    let word = |text: &str| {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_./@%=".contains(c);
        let inside = text.chars().enumerate().all(|(i, c)| plain(c) || (i > 0 && "*:,".contains(c)));
        let begins = text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '/' || c == '.');
        if inside && begins && !text.ends_with(':') { text.to_owned() } else { json!(text).to_string() }
    };
    let quoted = |list: &[String]| json!(list).to_string();
    match raw {
        Raw::Text(text) => word(text),
        Raw::List(list) => quoted(list),
        Raw::Map(pairs) => {
            let pairs = pairs.iter().map(|(name, values)| format!("{}: {}", json!(name), quoted(values)));
            format!("{{ {} }}", pairs.collect::<Vec<_>>().join(", "))
        }
    }
}

fn as_json(effective: &Effective) -> Value {
    let rows = rows(effective).map(|(setting, value)| {
        let (value, origin) = match value {
            Some((raw, origin)) => (plain(&raw), Some(origin.to_string())),
            None => (Value::Null, None),
        };
        (setting.key.to_owned(), json!({ "value": value, "from": origin }))
    });
    Value::Object(rows.collect())
}

fn plain(raw: &Raw) -> Value {
    match raw {
        Raw::Text(text) => json!(text),
        Raw::List(list) => json!(list),
        Raw::Map(pairs) => pairs.iter().map(|(name, values)| (name.clone(), json!(values))).collect(),
    }
}

fn list() -> String {
    let mut out = String::new();
    for setting in SETTINGS {
        let default =
            setting.default.map_or_else(|| "not set".to_owned(), |default| format!("default {default}"));
        let _ = writeln!(out, "{}  {}  {default}\n    {}", setting.key, setting.variable(), setting.meaning);
    }
    out
}
