//! Which name stands for what, where.
//!
//! A name is looked for in the file's own package, then among what the file uses by name or under an alias, then
//! in the packages that it uses as a whole, and last as a full name. The policies that an `apply` or a `warn at`
//! makes aren't declared anywhere by name: `spend.hard` is found through `spend`.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ordain_grammar::suggest::nearest;
use ordain_ir::{FactName, PolicyKind, PolicyName};

use crate::Db;
use crate::declarations::{Outline, Use};
use crate::made::{all_made, behind, made, splits};
use crate::mentions::Wanted;
use crate::packages::{Declaring, FactEntry, Lookup, Member, MemberKind, MeterEntry, Origin};

/// What a name stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meaning<'a> {
    /// A fact.
    Fact(&'a FactName, &'a FactEntry),
    /// A meter.
    Meter(&'a MeterEntry),
    /// A `let`, by package and name.
    Let(&'a str, &'a str, &'a Member),
    /// A policy by its full name, with what declares it: itself, the limit whose warning it is, or an `apply`.
    Policy(PolicyName, PolicyKind, &'a Member),
    /// A template, by package and name.
    Template(&'a str, &'a str, &'a Member),
    /// Policies of a template, by package and name.
    Apply(&'a str, &'a str, &'a Member),
}

impl Meaning<'_> {
    /// What it is, with an article.
    pub fn description(&self) -> &'static str {
        match self {
            Self::Fact(..) => "a fact",
            Self::Meter(_) => "a meter",
            Self::Let(..) => "a `let`",
            Self::Policy(_, PolicyKind::Rule, _) => "a rule",
            Self::Policy(_, PolicyKind::Limit, _) => "a limit",
            Self::Template(..) => "a template",
            Self::Apply(..) => "an `apply`",
        }
    }

    /// Where it is declared.
    pub fn origin(&self) -> Origin {
        match self {
            Self::Fact(_, entry) => entry.origin,
            Self::Meter(entry) => entry.origin,
            Self::Let(.., member)
            | Self::Policy(.., member)
            | Self::Template(.., member)
            | Self::Apply(.., member) => member.origin,
        }
    }

    /// The package of what belongs to one.
    pub fn package(&self) -> Option<&str> {
        match self {
            Self::Fact(..) | Self::Meter(_) | Self::Policy(..) => None,
            Self::Let(package, ..) | Self::Template(package, ..) | Self::Apply(package, ..) => Some(package),
        }
    }

    fn is(&self, wanted: Wanted) -> bool {
        match wanted {
            Wanted::Value => matches!(self, Self::Fact(..) | Self::Let(..)),
            Wanted::Policy => matches!(self, Self::Policy(..)),
            Wanted::Template => matches!(self, Self::Template(..)),
            Wanted::Meter => matches!(self, Self::Meter(_)),
            Wanted::Anything => true,
        }
    }
}

/// Why a name has no meaning somewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unresolved {
    /// Nothing visible has this name and is what is wanted.
    Unknown(Wanted),
    /// It is declared, but another package keeps it to itself.
    Private(Private),
    /// Several used packages declare it.
    Ambiguous(Vec<String>),
    /// It would be made by something with an error that has been reported.
    Excused,
}

/// Something that a package keeps to itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Private {
    /// The package.
    pub package: String,
    /// The name there.
    pub name: String,
    /// Where it is declared.
    pub origin: Origin,
    /// What it is, with an article.
    pub what: &'static str,
    /// Whether it is made by what has that name.
    pub made: bool,
}

/// What a `use` stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Used {
    /// Everything in a package.
    All(String),
    /// A package under an alias.
    Package {
        /// The alias.
        alias: String,
        /// The package.
        package: String,
    },
    /// One thing.
    One {
        /// The name by which it is known.
        known: String,
        /// Its package.
        package: String,
        /// Its name there.
        name: String,
    },
    /// Nothing that is known, or can be seen.
    Nothing,
}

/// What can be seen from a file.
#[derive(Clone)]
pub(crate) struct Lens<'a> {
    db: &'a dyn Db,
    names: Lookup<'a>,
    outline: &'a Outline,
    used: Vec<Used>,
}

impl<'a> Lens<'a> {
    pub(crate) fn of(db: &'a dyn Db, origin: Origin) -> Self {
        let mut lens = Self { db, names: origin.names(db), outline: origin.outline(db), used: vec![] };
        lens.used = lens.outline.uses.iter().map(|it| lens.used(it)).collect();
        lens
    }

    pub(crate) fn names(&self) -> Lookup<'a> {
        self.names
    }

    pub(crate) fn package(&self) -> &'a str {
        &self.outline.package
    }

    /// What each `use` of the file stands for.
    pub(crate) fn uses(&self) -> &[Used] {
        &self.used
    }

    fn used(&self, it: &Use) -> Used {
        let known = self.names.has_package(&it.path);
        if it.all {
            return if known { Used::All(it.path.clone()) } else { Used::Nothing };
        }
        let one = self
            .names
            .splits(&it.path)
            .find(|(package, name)| self.every(package, name).any(|found| self.sees(package, &found)));
        match (one, &it.alias) {
            (Some((package, name)), alias) => Used::One {
                known: alias.clone().unwrap_or_else(|| name.to_owned()),
                package: package.to_owned(),
                name: name.to_owned(),
            },
            (None, Some(alias)) if known => Used::Package { alias: alias.clone(), package: it.path.clone() },
            _ => Used::Nothing,
        }
    }

    fn sees(&self, package: &str, found: &Candidate<'_>) -> bool {
        !found.private || package == self.outline.package
    }

    /// Everything that a name stands for in a package.
    pub(crate) fn every(&self, package: &str, name: &str) -> impl Iterator<Item = Candidate<'a>> {
        let private = |packages: &Declaring| packages.get(package).copied();
        let fact = self.names.shared.facts.get_key_value(name).and_then(|(name, entry)| {
            let private = private(&entry.packages)?;
            Some(Candidate { meaning: Meaning::Fact(name, entry), private })
        });
        let meter = self.names.shared.meters.get(name).and_then(|entry| {
            let private = private(&entry.packages)?;
            Some(Candidate { meaning: Meaning::Meter(entry), private })
        });
        let home = self.names.package(package);
        let member = home.and_then(|(package, it)| {
            let (name, member) = it.members.get_key_value(name)?;
            let meaning = match &member.kind {
                MemberKind::Let => Meaning::Let(package, name, member),
                MemberKind::Policy { kind, .. } => {
                    Meaning::Policy(PolicyName::new(package, name), *kind, member)
                }
                MemberKind::Template { .. } => return None,
                MemberKind::Apply { .. } => Meaning::Apply(package, name, member),
            };
            Some(Candidate { meaning, private: member.private })
        });
        let template = home.and_then(|(package, it)| {
            let (name, member) = it.templates.get_key_value(name)?;
            Some(Candidate { meaning: Meaning::Template(package, name, member), private: member.private })
        });
        let made = home.and_then(|(package, it)| {
            splits(name).find_map(|(base, rest)| {
                let member = it.members.get(base)?;
                let made = made(self.db, member, rest).ok()??;
                let meaning = Meaning::Policy(PolicyName::new(package, name), made.kind, member);
                Some(Candidate { meaning, private: member.private || made.private })
            })
        });
        fact.into_iter().chain(meter).chain(member).chain(template).chain(made)
    }

    /// Whether an alias is a name of the file's own package, in the same way: templates have names of their own.
    pub(crate) fn is_taken(&self, alias: &str, used: &Used) -> bool {
        let is_template = |it: &Candidate<'_>| matches!(it.meaning, Meaning::Template(..));
        let mut own = self.every(&self.outline.package, alias);
        match used {
            Used::One { package, name, .. } => {
                own.any(|own| self.every(package, name).any(|other| is_template(&own) == is_template(&other)))
            }
            _ => own.next().is_some(),
        }
    }

    /// What a name stands for here.
    pub(crate) fn find(&self, name: &str, wanted: Wanted) -> Result<Meaning<'a>, Unresolved> {
        self.find_among(name, |meaning| meaning.is(wanted)).map_err(|unresolved| match unresolved {
            Some(unresolved) => unresolved,
            None if wanted == Wanted::Policy && self.is_excused(name) => Unresolved::Excused,
            None => Unresolved::Unknown(wanted),
        })
    }

    /// What a name stands for, whatever that is, among what `wanted` lets pass.
    pub(crate) fn find_any(&self, name: &str, wanted: impl Fn(&Meaning<'a>) -> bool) -> Option<Meaning<'a>> {
        self.find_among(name, wanted).ok()
    }

    /// The places in which a name is looked for, by rank: the packages, and the name there.
    fn places<'n>(&'n self, name: &'n str) -> [BTreeSet<(&'n str, Cow<'n, str>)>; 4] {
        let own = (self.package(), Cow::Borrowed(name));
        let (mut one, mut all) = (BTreeSet::new(), BTreeSet::new());
        for used in &self.used {
            match used {
                Used::One { known, package, name: there } if known == name => {
                    one.insert((package.as_str(), Cow::Borrowed(there.as_str())));
                }
                Used::One { known, package, name: there } => {
                    // What is made by the thing that is used.
                    if let Some(rest) = behind(name, known) {
                        one.insert((package.as_str(), Cow::Owned(format!("{there}.{rest}"))));
                    }
                }
                Used::Package { alias, package } => {
                    if let Some(rest) = behind(name, alias) {
                        one.insert((package.as_str(), Cow::Borrowed(rest)));
                    }
                }
                Used::All(package) => {
                    all.insert((package.as_str(), Cow::Borrowed(name)));
                }
                Used::Nothing => {}
            }
        }
        let full = self.names.splits(name).map(|(package, name)| (package, Cow::Borrowed(name))).collect();
        [BTreeSet::from([own]), one, all, full]
    }

    fn find_among(
        &self,
        name: &str,
        wanted: impl Fn(&Meaning<'a>) -> bool,
    ) -> Result<Meaning<'a>, Option<Unresolved>> {
        let mut hidden = None;
        for places in self.places(name) {
            let mut found: Vec<(&str, Meaning<'a>)> = vec![];
            for (package, name) in &places {
                let fitting = self.every(package, name).filter(|it| wanted(&it.meaning));
                for candidate in fitting {
                    if self.sees(package, &candidate) {
                        found.push((package, candidate.meaning));
                        break;
                    }
                    hidden.get_or_insert_with(|| self.private(package, name, &candidate.meaning));
                }
            }
            // One fact that several packages declare is one fact.
            let shared = |meaning: &Meaning<'_>| matches!(meaning, Meaning::Fact(..) | Meaning::Meter(_));
            if let Some((_, first)) = found.first() {
                if found.iter().all(|(_, other)| other == first && (found.len() == 1 || shared(first))) {
                    return Ok(first.clone());
                }
                let packages = found.iter().map(|(package, _)| (*package).to_owned()).collect();
                return Err(Some(Unresolved::Ambiguous(packages)));
            }
        }
        Err(hidden.map(Unresolved::Private))
    }

    fn private(&self, package: &str, name: &str, meaning: &Meaning<'_>) -> Private {
        // What is made by something else is declared there.
        let members = self.names.package(package).map(|(_, it)| &it.members);
        let declares = |name: &str| members.is_some_and(|members| members.contains_key(name));
        let made = matches!(meaning, Meaning::Policy(..)) && !declares(name);
        let base = splits(name).map(|(base, _)| base).find(|base| made && declares(base));
        Private {
            package: package.to_owned(),
            name: base.unwrap_or(name).to_owned(),
            origin: meaning.origin(),
            what: meaning.description(),
            made: base.is_some(),
        }
    }

    /// Why nothing that a `use` names can be used: what it names is private.
    pub(crate) fn private_path(&self, path: &str) -> Option<Private> {
        self.names.splits(path).find_map(|(package, name)| {
            let candidate = self.every(package, name).next()?;
            Some(self.private(package, name, &candidate.meaning))
        })
    }

    /// Whether something makes policies under the beginning of this name that can't be told.
    fn is_excused(&self, name: &str) -> bool {
        self.places(name).into_iter().flatten().any(|(package, name)| {
            let Some((_, home)) = self.names.package(package) else { return false };
            splits(&name).any(|(base, rest)| {
                home.members.get(base).is_some_and(|member| made(self.db, member, rest).is_err())
            })
        })
    }

    /// The nearest visible name that is what is wanted, and the packages that declare this one unseen.
    pub(crate) fn suggest(&self, name: &str, wanted: Wanted) -> Suggestion {
        let unseen = self.names.shared.packages.keys().filter(|package| {
            let mut found = self.every(package, name);
            found.any(|it| it.meaning.is(wanted) && self.sees(package, &it))
        });
        let visible = self.visible();
        let fitting = visible.iter().filter(|(_, meaning)| meaning.is(wanted)).map(|(name, _)| name.as_str());
        Suggestion { near: nearest(name, fitting).map(str::to_owned), unseen: unseen.cloned().collect() }
    }

    /// The meters that can be seen, by the names that they have here, sorted.
    pub(crate) fn meters(&self) -> Vec<(String, Arc<MeterEntry>)> {
        let mut found = BTreeMap::new();
        for entry in self.names.shared.meters.values() {
            let seen = |package: &str| {
                entry.packages.get(package).is_some_and(|private| !private || package == self.package())
            };
            for used in &self.used {
                match used {
                    Used::All(package) if seen(package) => {
                        found.insert(entry.name.clone(), entry.clone());
                    }
                    Used::One { known, package, name } if *name == entry.name && seen(package) => {
                        found.insert(known.clone(), entry.clone());
                    }
                    _ => {}
                }
            }
            if seen(self.package()) {
                found.insert(entry.name.clone(), entry.clone());
            }
        }
        found.into_iter().collect()
    }

    /// The names that a package offers to this file.
    pub(crate) fn offered(&self, package: &str) -> Vec<String> {
        let mut found = BTreeMap::new();
        self.all_in(package, "", &mut found);
        found.into_keys().collect()
    }

    /// Every name that can be written without its package here, sorted, with its meaning.
    pub(crate) fn visible(&self) -> Vec<(String, Meaning<'a>)> {
        let mut found: BTreeMap<String, Meaning<'a>> = BTreeMap::new();
        for used in &self.used {
            match used {
                Used::All(package) => self.all_in(package, "", &mut found),
                Used::Package { alias, package } => self.all_in(package, &format!("{alias}."), &mut found),
                Used::One { known, package, name } => {
                    for candidate in self.every(package, name).filter(|it| self.sees(package, it)) {
                        self.made_by(&candidate.meaning, known, &mut found);
                        found.insert(known.clone(), candidate.meaning);
                    }
                }
                Used::Nothing => {}
            }
        }
        self.all_in(self.package(), "", &mut found);
        found.into_iter().collect()
    }

    fn all_in(&self, package: &str, prefix: &str, into: &mut BTreeMap<String, Meaning<'a>>) {
        let own = package == self.package();
        let seen = |packages: &Declaring| packages.get(package).is_some_and(|private| own || !private);
        for (name, entry) in self.names.shared.facts.iter().filter(|(_, entry)| seen(&entry.packages)) {
            into.insert(format!("{prefix}{name}"), Meaning::Fact(name, entry));
        }
        for (name, entry) in self.names.shared.meters.iter().filter(|(_, entry)| seen(&entry.packages)) {
            into.insert(format!("{prefix}{name}"), Meaning::Meter(entry));
        }
        let home = self.names.package(package).into_iter();
        let members = home.flat_map(|(_, it)| it.members.keys().chain(it.templates.keys()));
        for name in members {
            for candidate in self.every(package, name).filter(|it| self.sees(package, it)) {
                if !matches!(candidate.meaning, Meaning::Fact(..) | Meaning::Meter(_)) {
                    let known = format!("{prefix}{name}");
                    self.made_by(&candidate.meaning, &known, into);
                    into.insert(known, candidate.meaning);
                }
            }
        }
    }

    /// The policies that something makes, under the name by which it is known.
    fn made_by(&self, meaning: &Meaning<'a>, known: &str, into: &mut BTreeMap<String, Meaning<'a>>) {
        let (base, member) = match meaning {
            Meaning::Policy(name, _, member) => (name.clone(), *member),
            Meaning::Apply(package, name, member) => (PolicyName::new(package, name), *member),
            _ => return,
        };
        for (name, made) in all_made(self.db, member) {
            let full = PolicyName::from(format!("{base}.{name}").as_str());
            into.insert(format!("{known}.{name}"), Meaning::Policy(full, made.kind, member));
        }
    }
}

/// What a lens finds.
pub(crate) struct Candidate<'a> {
    pub(crate) meaning: Meaning<'a>,
    private: bool,
}

/// What somebody may have meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suggestion {
    /// The nearest name.
    pub near: Option<String>,
    /// Packages that declare the very name but aren't used.
    pub unseen: Vec<String>,
}
