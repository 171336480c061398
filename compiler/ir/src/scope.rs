//! Whom a policy speaks to: sets of `tenant / project / agent` paths, and of providers.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Glob, Path, wire_enum};

wire_enum! {
    /// The audit's `scope`: the depth at which a selector is written.
    pub enum Level {
        /// Everything.
        Global = "GLOBAL",
        /// All of some tenants.
        Tenant = "TENANT",
        /// All of some projects.
        Project = "PROJECT",
        /// Some agents.
        Agent = "AGENT",
        /// Whatever goes to some providers (limits only).
        Provider = "PROVIDER",
    }
}

/// A box of requests: each named part must match, a part that is `None` may be anything. `provider: None`
/// also covers requests without a provider; a named provider doesn't.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ScopePattern {
    /// The tenant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<Glob>,
    /// The project within the tenant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<Glob>,
    /// The agent within the project.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<Glob>,
    /// The model provider that the request goes to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<Glob>,
}

impl ScopePattern {
    /// Whether the request's path and provider lie in the box.
    pub fn contains(&self, path: &Path, provider: Option<&str>) -> bool {
        self.selects([&path.tenant, &path.project, &path.agent], provider)
    }

    /// Whether tenant, project and agent, and a provider, lie in the box.
    pub fn selects(&self, [tenant, project, agent]: [&str; 3], provider: Option<&str>) -> bool {
        let holds = |glob: &Option<Glob>, text: &str| glob.as_ref().is_none_or(|glob| glob.matches(text));
        holds(&self.tenant, tenant)
            && holds(&self.project, project)
            && holds(&self.agent, agent)
            && self.provider.as_ref().is_none_or(|glob| provider.is_some_and(|name| glob.matches(name)))
    }

    /// Reads one to three segments with `/` between them, each a glob: a tenant, a project or an agent. A backslash takes
    /// the meaning from the character after it. `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let (mut segments, mut escaped) = (vec![String::new()], false);
        for c in text.chars() {
            if c == '/' && !escaped {
                segments.push(String::new());
                continue;
            }
            escaped = c == '\\' && !escaped;
            segments.last_mut().expect("starts with one segment and only grows").push(c);
        }
        let globs: Option<Vec<Glob>> =
            segments.iter().map(|it| if it.is_empty() { None } else { Glob::parse(it).ok() }).collect();
        let mut globs = globs?.into_iter();
        let pattern =
            Self { tenant: globs.next(), project: globs.next(), agent: globs.next(), provider: None };
        globs.next().is_none().then_some(pattern)
    }

    /// The depth at which this pattern is written.
    pub fn level(&self) -> Level {
        match self {
            Self { provider: Some(_), .. } => Level::Provider,
            Self { agent: Some(_), .. } => Level::Agent,
            Self { project: Some(_), .. } => Level::Project,
            Self { tenant: Some(_), .. } => Level::Tenant,
            _ => Level::Global,
        }
    }
}

impl fmt::Display for ScopePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let any = Glob::any();
        let part = |glob: &Option<Glob>| glob.as_ref().unwrap_or(&any).to_string();
        match self.level() {
            Level::Global => f.write_str("global"),
            Level::Tenant => write!(f, "tenant {}", part(&self.tenant)),
            Level::Project => write!(f, "project {}/{}", part(&self.tenant), part(&self.project)),
            Level::Agent => {
                write!(f, "agent {}/{}/{}", part(&self.tenant), part(&self.project), part(&self.agent))
            }
            Level::Provider => write!(f, "provider {}", part(&self.provider)),
        }
    }
}

/// A finite union of boxes minus another. All of `include` is written at one level; `except` may be deeper.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ScopeSelector {
    /// The level of `include`.
    pub level: Level,
    /// What is in, sorted, without repetition, at least one.
    pub include: Vec<ScopePattern>,
    /// What is out all the same, sorted, without repetition.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub except: Vec<ScopePattern>,
}

impl ScopeSelector {
    /// Everything.
    pub fn global() -> Self {
        Self { level: Level::Global, include: vec![ScopePattern::default()], except: vec![] }
    }

    /// A selector in normal form.
    ///
    /// # Panics
    /// If `include` is empty.
    pub fn new(mut include: Vec<ScopePattern>, mut except: Vec<ScopePattern>) -> Self {
        include.sort();
        include.dedup();
        except.sort();
        except.dedup();
        let level = include.iter().map(ScopePattern::level).max().expect("a selector includes something");
        Self { level, include, except }
    }

    /// Whether the request's path and provider are selected.
    pub fn contains(&self, path: &Path, provider: Option<&str>) -> bool {
        let within = |patterns: &[ScopePattern]| patterns.iter().any(|p| p.contains(path, provider));
        within(&self.include) && !within(&self.except)
    }
}

impl fmt::Display for ScopeSelector {
    /// As in source: `tenant acme, globex except project acme/sandbox`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |patterns: &[ScopePattern]| {
            patterns.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
        };
        f.write_str(&list(&self.include))?;
        if !self.except.is_empty() {
            write!(f, " except {}", list(&self.except))?;
        }
        Ok(())
    }
}
