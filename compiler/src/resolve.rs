//! Which name stands for what, where.

use std::collections::{BTreeMap, BTreeSet};

use ordain_grammar::suggest::nearest;
use ordain_ir::{Fact, FactName, PolicyKind, PolicyName};

use crate::declarations::{DeclarationKind, LetBody, Outline, let_bodies, outline};
use crate::{Db, SourceFile, Workspace, library};

/// Where a declaration stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Origin {
    /// In a file of the workspace.
    File(SourceFile),
    /// In this file of the standard library.
    Library(usize),
}

impl Origin {
    /// The path of the file.
    pub fn path(self, db: &dyn Db) -> &str {
        match self {
            Self::File(file) => file.path(db),
            Self::Library(at) => library().get(at).map_or("", |file| &file.path),
        }
    }

    /// What the file declares.
    pub fn outline(self, db: &dyn Db) -> &Outline {
        match self {
            Self::File(file) => outline(db, file),
            Self::Library(at) => &library()[at].outline,
        }
    }

    /// The tree of the file.
    pub fn parse(self, db: &dyn Db) -> &ordain_grammar::Parse {
        match self {
            Self::File(file) => crate::parse(db, file),
            Self::Library(at) => &library()[at].parse,
        }
    }

    pub(crate) fn let_bodies(self, db: &dyn Db) -> &BTreeMap<String, LetBody> {
        match self {
            Self::File(file) => let_bodies(db, file),
            Self::Library(at) => &library()[at].let_bodies,
        }
    }
}

/// A fact with the packages that declare it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FactEntry {
    /// The first declaration; `None` if its type is not understood.
    pub fact: Option<Fact>,
    /// The packages that make it visible.
    pub packages: BTreeSet<String>,
    /// Where the first declaration stands.
    pub origin: Origin,
}

/// A `let` or a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The policy's kind; `None` for a `let`.
    pub policy: Option<PolicyKind>,
    /// Where it stands; where it is declared several times, where first.
    pub origin: Origin,
    /// Whether it is declared several times.
    pub repeated: bool,
}

/// The declarations of a workspace and of the standard library.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// Facts by name, over all packages.
    pub facts: BTreeMap<FactName, FactEntry>,
    /// `let`s and policies by package and name. A package that declares only facts has an empty entry.
    pub packages: BTreeMap<String, BTreeMap<String, Member>>,
}

/// The declarations of a workspace and of the standard library.
#[salsa::tracked]
pub fn names(db: &dyn Db, workspace: Workspace) -> Names {
    let mut names = Names::default();
    let files = workspace.files(db).iter().copied().map(Origin::File);
    for origin in (0..library().len()).map(Origin::Library).chain(files) {
        let outline = origin.outline(db);
        names.packages.entry(outline.package.clone()).or_default();
        for declaration in &outline.declarations {
            let package = outline.package.clone();
            match &declaration.kind {
                DeclarationKind::Fact(fact) => {
                    let entry = names.facts.entry(declaration.name.as_str().into()).or_insert_with(|| {
                        FactEntry { fact: fact.clone(), packages: BTreeSet::new(), origin }
                    });
                    entry.packages.insert(package);
                }
                DeclarationKind::Let => names.declare(package, &declaration.name, None, origin),
                DeclarationKind::Policy(kind) => {
                    names.declare(package, &declaration.name, Some(*kind), origin);
                }
            }
        }
    }
    names
}

impl Names {
    fn declare(&mut self, package: String, name: &str, policy: Option<PolicyKind>, origin: Origin) {
        self.packages
            .entry(package)
            .or_default()
            .entry(name.to_owned())
            .and_modify(|member| member.repeated = true)
            .or_insert(Member { policy, origin, repeated: false });
    }

    /// Splits a full name where a known package ends; the longest package wins.
    pub fn split<'a>(&self, full: &'a str) -> Option<(&'a str, &'a str)> {
        let dots = full.rmatch_indices('.').map(|(at, _)| at);
        dots.map(|at| (&full[..at], &full[at + 1..]))
            .find(|(package, _)| self.packages.contains_key(*package))
    }

    /// The fact, if this package makes it visible.
    fn fact_in(&self, package: &str, name: &str) -> Option<(&FactName, &FactEntry)> {
        self.facts.get_key_value(name).filter(|(_, entry)| entry.packages.contains(package))
    }

    fn member_in(&self, package: &str, name: &str) -> Option<&Member> {
        self.packages.get(package)?.get(name)
    }

    /// Whether the package declares the name, as whatever.
    pub fn declares(&self, package: &str, name: &str) -> bool {
        self.member_in(package, name).is_some() || self.fact_in(package, name).is_some()
    }
}

/// What a name stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meaning<'a> {
    /// A fact.
    Fact(&'a FactName, &'a FactEntry),
    /// A `let`, by package and name.
    Let(&'a str, &'a str, &'a Member),
    /// A policy.
    Policy(PolicyName, PolicyKind, &'a Member),
}

impl Meaning<'_> {
    /// What it is, with an article.
    pub fn description(&self) -> &'static str {
        match self {
            Self::Fact(..) => "a fact",
            Self::Let(..) => "a `let`",
            Self::Policy(_, PolicyKind::Rule, _) => "a rule",
            Self::Policy(_, PolicyKind::Limit, _) => "a limit",
        }
    }
}

/// What can be seen from a file: its own package, what it uses, and everything by its full name.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// All declarations.
    pub names: &'a Names,
    /// The file's package and uses.
    pub outline: &'a Outline,
}

/// Why a name has no meaning here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unresolved<'a> {
    /// Nothing visible has this name; the nearest visible one, and the packages that declare it unseen.
    Unknown {
        /// The nearest visible name.
        near: Option<&'a str>,
        /// Packages that declare it but aren't used.
        unseen: Vec<&'a str>,
    },
    /// Several used packages declare it.
    Ambiguous(Vec<&'a str>),
}

impl<'a> View<'a> {
    /// What a name stands for, among the declarations that `wanted` lets pass.
    fn find(&self, name: &str, wanted: impl Fn(&Meaning<'a>) -> bool) -> Result<Meaning<'a>, Vec<&'a str>> {
        if let Some(meaning) = self.meaning(&self.outline.package, name).filter(&wanted) {
            return Ok(meaning);
        }
        let single = self.outline.uses.iter().filter(|it| !it.all).filter_map(|it| {
            let (package, own) = self.names.split(&it.path)?;
            (own == name).then_some(package)
        });
        let starred = self.outline.uses.iter().filter(|it| it.all).map(|it| it.path.as_str());
        for packages in [single.collect::<BTreeSet<_>>(), starred.collect()] {
            let found: Vec<_> = packages
                .iter()
                .filter_map(|package| Some((*package, self.meaning(package, name).filter(&wanted)?)))
                .collect();
            match found.as_slice() {
                [] => {}
                // One fact that several packages declare is one fact.
                [(_, meaning), rest @ ..]
                    if rest.is_empty()
                        || matches!(meaning, Meaning::Fact(..))
                            && rest.iter().all(|(_, other)| other == meaning) =>
                {
                    return Ok(meaning.clone());
                }
                several => {
                    return Err(several
                        .iter()
                        .filter_map(|(package, _)| self.names.packages.get_key_value(*package))
                        .map(|(package, _)| package.as_str())
                        .collect());
                }
            }
        }
        let full = self.names.split(name).and_then(|(package, own)| self.meaning(package, own));
        full.filter(wanted).ok_or_else(Vec::new)
    }

    fn meaning(&self, package: &str, name: &str) -> Option<Meaning<'a>> {
        if let Some((fact, entry)) = self.names.fact_in(package, name) {
            return Some(Meaning::Fact(fact, entry));
        }
        let (package, members) = self.names.packages.get_key_value(package)?;
        let (name, member) = members.get_key_value(name)?;
        Some(match member.policy {
            None => Meaning::Let(package, name, member),
            Some(kind) => Meaning::Policy(PolicyName::new(package, name), kind, member),
        })
    }

    /// A fact or a `let`, for a condition or a scope.
    pub fn value(&self, name: &str) -> Result<Meaning<'a>, Unresolved<'a>> {
        self.lookup(name, |meaning| !matches!(meaning, Meaning::Policy(..)))
    }

    /// A rule or a limit.
    pub fn policy(&self, name: &str) -> Result<Meaning<'a>, Unresolved<'a>> {
        self.lookup(name, |meaning| matches!(meaning, Meaning::Policy(..)))
    }

    /// Anything at all, to say what a name stands for where it is not what is wanted.
    pub fn anything(&self, name: &str) -> Option<Meaning<'a>> {
        self.find(name, |_| true).ok()
    }

    fn lookup(
        &self,
        name: &str,
        wanted: impl Fn(&Meaning<'a>) -> bool + Copy,
    ) -> Result<Meaning<'a>, Unresolved<'a>> {
        self.find(name, wanted).map_err(|ambiguous| {
            if !ambiguous.is_empty() {
                return Unresolved::Ambiguous(ambiguous);
            }
            let unseen = self
                .names
                .packages
                .keys()
                .map(String::as_str)
                .filter(|package| self.meaning(package, name).is_some_and(|meaning| wanted(&meaning)))
                .collect();
            let visible = self.visible();
            let fitting = visible.iter().filter(|(_, meaning)| wanted(meaning)).map(|(name, _)| *name);
            Unresolved::Unknown { near: nearest(name, fitting), unseen }
        })
    }

    /// Every name that can be written without its package here, sorted, with its meaning.
    pub fn visible(&self) -> Vec<(&'a str, Meaning<'a>)> {
        let mut found: BTreeMap<&'a str, Meaning<'a>> = BTreeMap::new();
        let starred = self.outline.uses.iter().filter(|it| it.all).map(|it| it.path.as_str());
        let packages: BTreeSet<&str> = starred.chain([self.outline.package.as_str()]).collect();
        for (fact, entry) in &self.names.facts {
            if packages.iter().any(|package| entry.packages.contains(*package)) {
                found.insert(fact.as_str(), Meaning::Fact(fact, entry));
            }
        }
        for package in packages {
            for name in self.names.packages.get(package).into_iter().flat_map(BTreeMap::keys) {
                if let Some(meaning) = self.meaning(package, name) {
                    found.insert(name, meaning);
                }
            }
        }
        for it in self.outline.uses.iter().filter(|it| !it.all) {
            if let Some((package, own)) = self.names.split(&it.path)
                && let Some(meaning) = self.meaning(package, own)
            {
                let name = match &meaning {
                    Meaning::Fact(fact, _) => fact.as_str(),
                    Meaning::Let(_, name, _) => name,
                    Meaning::Policy(..) => {
                        match self.names.packages.get(package).and_then(|members| members.get_key_value(own))
                        {
                            Some((name, _)) => name,
                            None => continue,
                        }
                    }
                };
                found.insert(name, meaning);
            }
        }
        found.into_iter().collect()
    }
}
