//! All declarations that a workspace can speak of: its own, those of the workspaces that it depends on, and those
//! of the standard library.
#![expect(clippy::needless_pass_by_value, reason = "salsa keys a query by what it owns")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use ordain_ir::{Fact, FactName, MeterUnit, PolicyKind};

use crate::declarations::{Declaration, DeclarationKind, Inner, Outline};
use crate::{Db, SourceFile, Workspace, library, outline};

/// The name of the workspace that is the standard library itself, for those who work on it.
const STANDARD: &str = "std";

/// Where a declaration stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Origin {
    /// In a file of this workspace.
    File(Workspace, SourceFile),
    /// In this file of the standard library.
    Library(usize),
}

impl Origin {
    /// The path of the file, as diagnostics have it.
    pub fn path(self, db: &dyn Db) -> &str {
        match self {
            Self::File(_, file) => file.path(db),
            Self::Library(at) => library().get(at).map_or("", |file| &file.path),
        }
    }

    /// The text of the file.
    pub fn text(self, db: &dyn Db) -> &str {
        match self {
            Self::File(_, file) => file.text(db),
            Self::Library(at) => library().get(at).map_or("", |file| file.text),
        }
    }

    /// What the file declares.
    pub fn outline(self, db: &dyn Db) -> &Outline {
        match self {
            Self::File(_, file) => outline(db, file),
            Self::Library(at) => &library()[at].outline,
        }
    }

    /// The tree of the file.
    pub fn parse(self, db: &dyn Db) -> &ordain_grammar::Parse {
        match self {
            Self::File(_, file) => crate::parse(db, file),
            Self::Library(at) => &library()[at].parse,
        }
    }

    /// Everything that the file can speak of.
    pub(crate) fn names(self, db: &dyn Db) -> Lookup<'_> {
        match self {
            Self::File(workspace, _) => {
                Lookup { db, workspace: Some(workspace), shared: shared(db, workspace) }
            }
            Self::Library(_) => Lookup { db, workspace: None, shared: library_shared() },
        }
    }
}

/// The packages that declare a name; `true` for those that keep it private.
pub(crate) type Declaring = BTreeMap<String, bool>;

/// A fact with the packages that declare it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FactEntry {
    /// Its name.
    pub name: FactName,
    /// The first declaration; `None` if its type is not understood.
    pub fact: Option<Fact>,
    /// Who declares it.
    pub packages: Declaring,
    /// Where the first declaration stands.
    pub origin: Origin,
}

/// A meter with the packages that declare it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MeterEntry {
    /// Its name.
    pub name: String,
    /// What it counts in, by the first declaration; `None` if that is not understood.
    pub unit: Option<MeterUnit>,
    /// Who declares it.
    pub packages: Declaring,
    /// Where the first declaration stands.
    pub origin: Origin,
}

/// Something that belongs to one package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// What it is.
    pub kind: MemberKind,
    /// Whether other packages can't see it.
    pub private: bool,
    /// Where it stands; where it is declared several times, where first.
    pub origin: Origin,
    /// Whether it is declared several times.
    pub repeated: bool,
}

/// Something that belongs to one package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MemberKind {
    /// A `let`.
    Let,
    /// A rule or a limit.
    Policy {
        /// Which of both.
        kind: PolicyKind,
        /// Whether a `warn at` adds a second limit.
        warns: bool,
    },
    /// A template.
    Template {
        /// What it makes, in order.
        inner: Arc<[Inner]>,
        /// Whether an error in it may hide more.
        broken: bool,
    },
    /// Policies of a template.
    Apply {
        /// The template, as it is named where the application stands.
        template: String,
    },
}

/// Whose a package is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Home {
    /// Of this workspace.
    Workspace(Workspace),
    /// Of the standard library.
    Library,
}

/// A package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    /// Whose it is.
    pub home: Home,
    /// What it declares, apart from facts, meters and templates.
    pub members: BTreeMap<String, Member>,
    /// Its templates. They have names of their own, since an application without `as` takes its template's.
    pub templates: BTreeMap<String, Member>,
}

impl Package {
    fn empty(home: Home) -> Arc<Self> {
        Arc::new(Self { home, members: BTreeMap::new(), templates: BTreeMap::new() })
    }
}

/// Everything that a workspace can speak of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// Facts by name, over all packages, also those that can't be seen: a name means one fact.
    pub facts: BTreeMap<FactName, Arc<FactEntry>>,
    /// Meters by name, likewise.
    pub meters: BTreeMap<String, Arc<MeterEntry>>,
    /// The packages that can be named.
    pub packages: BTreeMap<String, Arc<Package>>,
    /// Packages that two libraries declare, or a library and the workspace, whose own then counts.
    pub clashes: BTreeMap<String, (Home, Home)>,
}

/// Everything that a workspace can speak of.
#[salsa::tracked]
pub fn names(db: &dyn Db, workspace: Workspace) -> Names {
    let mut names = if is_library(db, workspace) { Names::default() } else { library_names().clone() };
    for dependency in workspace.dependencies(db) {
        names.import(crate::names(db, dependency.workspace), dependency.workspace);
    }
    let home = Home::Workspace(workspace);
    for file in workspace.files(db) {
        names.add(outline(db, *file), home, Origin::File(workspace, *file));
    }
    names
}

/// Whether a workspace is the standard library itself, which then isn't there a second time.
pub(crate) fn is_library(db: &dyn Db, workspace: Workspace) -> bool {
    workspace.config(db).name == STANDARD
}

/// What the standard library declares.
pub(crate) fn library_names() -> &'static Names {
    static NAMES: OnceLock<Names> = OnceLock::new();
    NAMES.get_or_init(|| {
        let mut names = Names::default();
        for (at, file) in library().iter().enumerate() {
            names.add(&file.outline, Home::Library, Origin::Library(at));
        }
        names
    })
}

/// The names that belong to no package alone, and which packages there are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Shared {
    pub(crate) facts: BTreeMap<FactName, Arc<FactEntry>>,
    pub(crate) meters: BTreeMap<String, Arc<MeterEntry>>,
    /// The packages that can be named.
    pub(crate) packages: BTreeMap<String, Home>,
}

impl Shared {
    fn of(names: &Names) -> Self {
        let packages = names.packages.iter().map(|(name, package)| (name.clone(), package.home));
        Self { facts: names.facts.clone(), meters: names.meters.clone(), packages: packages.collect() }
    }
}

#[salsa::tracked]
fn shared(db: &dyn Db, workspace: Workspace) -> Shared {
    Shared::of(names(db, workspace))
}

fn library_shared() -> &'static Shared {
    static SHARED: OnceLock<Shared> = OnceLock::new();
    SHARED.get_or_init(|| Shared::of(library_names()))
}

/// A package that can be named.
#[salsa::tracked]
fn package(db: &dyn Db, workspace: Workspace, name: String) -> Option<Arc<Package>> {
    names(db, workspace).packages.get(&name).cloned()
}

/// The names of a workspace, asked package by package: what is declared in one reaches those who ask for it, and
/// nobody else.
#[derive(Clone, Copy)]
pub(crate) struct Lookup<'a> {
    db: &'a dyn Db,
    /// None for the standard library.
    workspace: Option<Workspace>,
    pub(crate) shared: &'a Shared,
}

impl<'a> Lookup<'a> {
    /// A package that can be named, with its name.
    pub(crate) fn package(self, name: &str) -> Option<(&'a str, &'a Package)> {
        let (known, _) = self.shared.packages.get_key_value(name)?;
        let found = match self.workspace {
            Some(workspace) => package(self.db, workspace, name.to_owned()).as_ref(),
            None => library_names().packages.get(name),
        };
        Some((known, found?))
    }

    /// Whether a package can be named.
    pub(crate) fn has_package(self, name: &str) -> bool {
        self.shared.packages.contains_key(name)
    }

    /// The ways to split a full name behind a known package, the longest package first.
    pub(crate) fn splits(self, full: &str) -> impl Iterator<Item = (&str, &str)> {
        splits(full, move |package| self.has_package(package))
    }

    /// Every package that can be named, apart from that of files without one.
    pub(crate) fn package_names(self) -> BTreeSet<&'a str> {
        self.shared.packages.keys().map(String::as_str).filter(|name| !name.is_empty()).collect()
    }
}

/// The ways to split a full name behind a package that `is_known`, the longest first.
fn splits(full: &str, is_known: impl Fn(&str) -> bool) -> impl Iterator<Item = (&str, &str)> {
    let dots = full.rmatch_indices('.').map(|(at, _)| at);
    dots.map(|at| (&full[..at], &full[at + 1..])).filter(move |(package, _)| is_known(package))
}

impl Names {
    /// Adds the declarations of a file.
    fn add(&mut self, outline: &Outline, home: Home, origin: Origin) {
        let package = &outline.package;
        let known = self.packages.entry(package.clone()).or_insert_with(|| Package::empty(home));
        if known.home != home {
            self.clashes.entry(package.clone()).or_insert((known.home, home));
            *known = Package::empty(home);
        }
        for declaration in &outline.declarations {
            self.declare(package, declaration, origin);
        }
    }

    fn declare(&mut self, package: &str, declaration: &Declaration, origin: Origin) {
        let Declaration { name, private, kind } = declaration;
        let kind = match kind {
            DeclarationKind::Fact(fact) => {
                let name = FactName::from(name.as_str());
                let entry = self.facts.entry(name.clone()).or_insert_with(|| {
                    Arc::new(FactEntry { name, fact: fact.clone(), packages: Declaring::new(), origin })
                });
                share(&mut Arc::make_mut(entry).packages, package, *private);
                return;
            }
            DeclarationKind::Meter(unit) => {
                let entry = self.meters.entry(name.clone()).or_insert_with(|| {
                    let (name, packages) = (name.clone(), Declaring::new());
                    Arc::new(MeterEntry { name, unit: unit.clone(), packages, origin })
                });
                share(&mut Arc::make_mut(entry).packages, package, *private);
                return;
            }
            DeclarationKind::Let => MemberKind::Let,
            DeclarationKind::Policy(named) => MemberKind::Policy { kind: named.kind, warns: named.warns },
            DeclarationKind::Template { inner, broken } => {
                MemberKind::Template { inner: inner.as_slice().into(), broken: *broken }
            }
            DeclarationKind::Apply { template } => MemberKind::Apply { template: template.clone() },
        };
        if let Some(package) = self.packages.get_mut(package) {
            let package = Arc::make_mut(package);
            let template = matches!(kind, MemberKind::Template { .. });
            let members = if template { &mut package.templates } else { &mut package.members };
            let member = Member { kind, private: *private, origin, repeated: false };
            members.entry(name.clone()).and_modify(|first| first.repeated = true).or_insert(member);
        }
    }

    /// Adds what a workspace declares that this one depends on. Packages of its own dependencies stay unseen.
    fn import(&mut self, other: &Self, workspace: Workspace) {
        for (name, package) in &other.packages {
            // Nobody can name a package without a name.
            if package.home != Home::Workspace(workspace) || name.is_empty() {
                continue;
            }
            if let Some(known) = self.packages.get(name) {
                self.clashes.entry(name.clone()).or_insert((known.home, package.home));
            } else {
                self.packages.insert(name.clone(), package.clone());
            }
        }
        for (name, entry) in &other.facts {
            if let Some(known) = self.facts.get_mut(name) {
                merge(known, entry, |entry| &mut entry.packages, |entry| &entry.packages);
            } else {
                self.facts.insert(name.clone(), entry.clone());
            }
        }
        for (name, entry) in &other.meters {
            if let Some(known) = self.meters.get_mut(name) {
                merge(known, entry, |entry| &mut entry.packages, |entry| &entry.packages);
            } else {
                self.meters.insert(name.clone(), entry.clone());
            }
        }
    }

    /// The ways to split a full name behind a known package, the longest package first.
    pub fn splits<'n>(&self, full: &'n str) -> impl Iterator<Item = (&'n str, &'n str)> {
        splits(full, |package| self.packages.contains_key(package))
    }

    /// The packages by name that belong to libraries, for `use` and for adoption.
    pub(crate) fn is_of_library(&self, package: &str, workspace: Workspace) -> bool {
        self.packages.get(package).is_some_and(|it| it.home != Home::Workspace(workspace))
    }

    /// Every package that can be named, apart from that of files without one.
    pub fn package_names(&self) -> BTreeSet<&str> {
        self.packages.keys().map(String::as_str).filter(|name| !name.is_empty()).collect()
    }
}

/// Something is private to a package only if each of its declarations there is.
fn share(packages: &mut Declaring, package: &str, private: bool) {
    packages.entry(package.to_owned()).and_modify(|it| *it &= private).or_insert(private);
}

/// Adds the packages of an entry to those of another of the same name.
fn merge<T: Clone>(
    known: &mut Arc<T>,
    other: &Arc<T>,
    packages: impl Fn(&mut T) -> &mut Declaring,
    theirs: impl Fn(&T) -> &Declaring,
) {
    if Arc::ptr_eq(known, other)
        || theirs(other).iter().all(|it| theirs(known).get_key_value(it.0) == Some(it))
    {
        return;
    }
    let own = packages(Arc::make_mut(known));
    for (package, private) in theirs(other) {
        share(own, package, *private);
    }
}
