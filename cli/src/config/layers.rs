//! Who says what a setting is: flags before the environment, that before the file, that before the defaults.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use ordain_grammar::suggest::nearest;

use super::field::Raw;
use super::file;
use super::settings::{Config, SETTINGS, Setting, find};
use crate::failure::Failure;

/// Who said it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Nobody.
    Default,
    /// This file.
    File(PathBuf),
    /// This environment variable.
    Environment(String),
    /// This flag.
    Flag(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Environment(name) => write!(f, "environment {name}"),
            Self::Flag(flag) => write!(f, "flag {flag}"),
        }
    }
}

/// What the command line says.
#[derive(Debug, Default)]
pub(crate) struct Flags {
    /// The file.
    pub(crate) file: Option<PathBuf>,
    /// Flags of single settings: the flag, the setting's name, the value.
    pub(crate) single: Vec<(&'static str, &'static str, String)>,
    /// `KEY=VALUE`, in their order.
    pub(crate) set: Vec<String>,
}

/// The environment that the program was started in.
pub(crate) type Environment = BTreeMap<String, String>;

/// The variables of this process that are ours.
pub(crate) fn environment() -> Environment {
    let ours = std::env::vars_os().filter_map(|(name, value)| {
        let name = name.into_string().ok().filter(|name| name.starts_with(PREFIX))?;
        Some((name, value.to_string_lossy().into_owned()))
    });
    ours.collect()
}

/// How the variables of settings begin.
const PREFIX: &str = "ORDAIN_";

/// Names the file.
const FILE_VARIABLE: &str = "ORDAIN_CONFIG";

/// The value of each setting that has one, and who said it.
#[derive(Debug)]
pub(crate) struct Resolved(BTreeMap<&'static str, (Raw, Origin)>);

impl Resolved {
    pub(crate) fn get(&self, key: &str) -> Option<&Raw> {
        self.0.get(key).map(|(raw, _)| raw)
    }

    /// Who said what a setting is; nobody if it isn't set.
    pub(crate) fn origin(&self, key: &str) -> Option<&Origin> {
        self.0.get(key).map(|(_, origin)| origin)
    }

    /// What holds where nobody says anything.
    pub(crate) fn defaults() -> Self {
        let set = |setting: &Setting| {
            Some((setting.key, (Raw::Text(setting.default?.to_owned()), Origin::Default)))
        };
        Self(SETTINGS.iter().filter_map(set).collect())
    }

    fn say(&mut self, setting: &'static Setting, raw: Raw, origin: Origin) {
        self.0.insert(setting.key, (raw, origin));
    }
}

/// A configuration, and where it comes from.
#[derive(Debug)]
pub(crate) struct Effective {
    pub(crate) config: Config,
    pub(crate) resolved: Resolved,
    /// The file that was read.
    pub(crate) file: Option<PathBuf>,
    /// What is odd, and harms nobody.
    pub(crate) notes: Vec<String>,
}

/// Everything that is wrong, each with its place.
#[derive(Debug)]
pub(crate) struct Problems(pub(crate) Vec<String>);

/// Puts the layers together. A file that can't be read is a failure; what is wrong in it or elsewhere are problems.
pub(crate) fn resolve(
    flags: &Flags,
    environment: &Environment,
) -> Result<Result<Effective, Problems>, Failure> {
    let (mut resolved, mut problems, mut notes) = (Resolved::defaults(), vec![], vec![]);
    let named = environment.get(FILE_VARIABLE).filter(|path| !path.is_empty()).map(PathBuf::from);
    let file = flags.file.clone().or(named);
    if let Some(path) = &file {
        read_file(path, &mut resolved, &mut problems)?;
    }
    for (name, value) in environment {
        match SETTINGS.iter().find(|setting| setting.variable() == *name) {
            // As good as not set, which some who start programs can't do.
            _ if value.is_empty() => {}
            Some(setting) => {
                let (raw, origin) = (Raw::Text(value.clone()), Origin::Environment(name.clone()));
                match (setting.check)(&raw) {
                    Ok(()) => resolved.say(setting, raw, origin),
                    Err(message) => problems.push(format!("{origin}: {message}")),
                }
            }
            None if name == FILE_VARIABLE => {}
            None => notes.extend(unknown_variable(name)),
        }
    }
    let set = flags.set.iter().map(|text| match text.split_once('=') {
        Some((key, value)) => Ok(("--set", key, value.to_owned())),
        None => Err(format!("flag --set: `{text}` should be like `limits.body=2MiB`")),
    });
    let single = flags.single.iter().map(|(flag, key, value)| Ok((*flag, *key, value.clone())));
    for said in set.chain(single) {
        let checked = said.and_then(|(flag, key, value)| {
            let setting = find(key).ok_or_else(|| format!("flag {flag}: {}", file::unknown(key)))?;
            let shown = if flag == "--set" { format!("{flag} {key}") } else { flag.to_owned() };
            let (raw, origin) = (Raw::Text(value), Origin::Flag(shown));
            (setting.check)(&raw).map_err(|message| format!("{origin}: {message}"))?;
            Ok((setting, raw, origin))
        });
        match checked {
            Ok((setting, raw, origin)) => resolved.say(setting, raw, origin),
            Err(problem) => problems.push(problem),
        }
    }
    if !problems.is_empty() {
        return Ok(Err(Problems(problems)));
    }
    let config = Config::of(&resolved);
    let problems = config.contradictions(&resolved);
    Ok(if problems.is_empty() {
        Ok(Effective { config, resolved, file, notes })
    } else {
        Err(Problems(problems))
    })
}

fn read_file(path: &Path, resolved: &mut Resolved, problems: &mut Vec<String>) -> Result<(), Failure> {
    let text =
        std::fs::read_to_string(path).map_err(|reason| Failure::Read { path: path.to_owned(), reason })?;
    match file::read(&text) {
        Ok(said) => {
            for (key, raw) in said {
                let setting = find(key).expect("only settings are read");
                resolved.say(setting, raw, Origin::File(path.to_owned()));
            }
        }
        Err(wrong) => {
            let placed = |wrong: &file::Wrong| {
                let place =
                    if wrong.line == 0 { String::new() } else { format!("{}:{}:", wrong.line, wrong.column) };
                format!("{}:{place} {}", path.display(), wrong.message)
            };
            problems.extend(wrong.iter().map(placed));
        }
    }
    Ok(())
}

/// No error: Kubernetes, for one, sets variables such as `ORDAIN_PORT` for every service called `ordain`.
fn unknown_variable(name: &str) -> Option<String> {
    // All begin alike, which says nothing.
    let rest = |name: &str| name.strip_prefix(PREFIX).unwrap_or(name).to_owned();
    let known: Vec<_> = SETTINGS.iter().map(|setting| rest(&setting.variable())).collect();
    let near = nearest(&rest(name), known.iter().map(String::as_str))?;
    Some(format!("the environment variable `{name}` means nothing; did you mean `{PREFIX}{near}`?"))
}
