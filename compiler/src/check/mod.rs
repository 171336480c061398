//! Checking one file: names, types and values, and the policies that come out of it.

mod comparison;
mod condition;
pub(crate) mod fact;
mod lets;
mod limit;
mod linear;
mod literal;
mod pattern;
mod policy;
mod scope;
mod template;
mod window;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ordain_grammar::ast::{self, Item};
use ordain_grammar::suggest::nearest;
use ordain_ir::{Code, Diagnostic, Limit, PolicyName, Rule, Span, codes};

use crate::resolve::{Names, Origin, Unresolved, View, names};
use crate::{Db, SourceFile, Workspace};
use condition::Typed;
pub(crate) use policy::clause_of;
use template::{Binding, Expansion, Siblings};

/// The policies of one file that have no error, without spans.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FilePolicies {
    /// Rules.
    pub rules: BTreeMap<PolicyName, Arc<Rule>>,
    /// Limits.
    pub limits: BTreeMap<PolicyName, Arc<Limit>>,
}

/// The outcome of checking a file. It has spans, so it changes with every edit; what goes on from here is
/// [`FilePolicies`] alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Checked {
    pub(crate) policies: FilePolicies,
    pub(crate) diagnostics: Vec<Diagnostic>,
}

#[salsa::tracked]
pub(crate) fn check_file(db: &dyn Db, workspace: Workspace, file: SourceFile) -> Checked {
    check(db, names(db, workspace), Origin::File(file))
}

/// The policies of a file. Equal after every edit that changes none of them.
#[salsa::tracked]
pub fn file_policies(db: &dyn Db, workspace: Workspace, file: SourceFile) -> FilePolicies {
    check_file(db, workspace, file).policies.clone()
}

/// Checks a file of the workspace or of the standard library.
pub(crate) fn check(db: &dyn Db, names: &Names, origin: Origin) -> Checked {
    let outline = origin.outline(db);
    let mut checker = Checker {
        db,
        file: &origin.parse(db).file,
        path: origin.path(db),
        names,
        view: View { names, outline },
        muted: false,
        diagnostics: vec![],
        lets: BTreeMap::new(),
        cyclic: BTreeSet::new(),
        bindings: BTreeMap::new(),
        expansion: None,
        siblings: Siblings::new(),
    };
    let mut policies = FilePolicies::default();
    checker.uses();
    let mut seen = BTreeSet::new();
    for item in &checker.file.items {
        let name = match item {
            Item::Fact(it) => &it.name,
            Item::Let(it) => &it.name,
            Item::Policy(it) => &it.name,
            _ => continue,
        };
        let first = seen.insert(name.text.as_str());
        let repeated = checker.is_repeated(origin, item, name, first);
        match item {
            Item::Fact(it) => checker.fact(it),
            Item::Let(it) if !it.broken => checker.check_let(it, repeated),
            Item::Policy(it) => checker.policy(it, repeated, &mut policies),
            _ => {}
        }
    }
    checker.packages();
    Checked { policies, diagnostics: checker.diagnostics }
}

/// The state of checking one file.
pub(crate) struct Checker<'a> {
    db: &'a dyn Db,
    file: &'a ast::File,
    path: &'a str,
    names: &'a Names,
    /// What names mean; that of another file while a `let` from there is read.
    view: View<'a>,
    /// Whether a `let` is being read whose errors are reported elsewhere.
    muted: bool,
    diagnostics: Vec<Diagnostic>,
    /// What each `let` that was needed stands for, by package and name.
    lets: BTreeMap<(&'a str, &'a str), Typed>,
    /// Those of them that refer to a cycle, or are on one.
    cyclic: BTreeSet<(&'a str, &'a str)>,
    /// The parameters of the template that is being read.
    bindings: BTreeMap<String, Binding>,
    /// Whose policies are being read, where they aren't written out.
    expansion: Option<Expansion>,
    /// Policies that names mean before all others: those of the same template, or of a test's own `apply`.
    siblings: Siblings,
}

impl Checker<'_> {
    fn error(&self, code: Code, span: Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic::error(code, self.path, span, message)
    }

    fn report(&mut self, diagnostic: Diagnostic) {
        if !self.muted {
            self.diagnostics.push(diagnostic);
        }
    }

    /// A word that is not among the allowed ones.
    fn unknown_word(&mut self, word: &ast::Name, what: &str, allowed: &[&str]) {
        let error = self.error(codes::UNKNOWN_WORD, word.span, format!("`{}` is no {what}", word.text));
        let list = allowed.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
        let error = match nearest(&word.text, allowed.iter().copied()) {
            Some(near) => error.help(format!("did you mean `{near}`?")).fix(format!("write `{near}`"), near),
            None => error.help(format!("allowed are {list}")),
        };
        self.report(error);
    }

    /// A name that means nothing here.
    fn unknown_name(&mut self, name: &str, span: Span, what: &str, unresolved: Unresolved<'_>) {
        let error = match unresolved {
            Unresolved::Ambiguous(packages) => {
                let list =
                    packages.iter().map(|package| format!("`{package}`")).collect::<Vec<_>>().join(" and ");
                self.error(codes::AMBIGUOUS_NAME, span, format!("`{name}` is declared in {list}"))
                    .help(format!("write which one you mean: `{}.{name}`", packages.first().unwrap_or(&"")))
            }
            Unresolved::Unknown { near, unseen } => {
                let mut error = self.error(codes::UNKNOWN_NAME, span, format!("unknown {what} `{name}`"));
                if let Some(package) = unseen.first() {
                    error = error.help(if package.is_empty() {
                        "it is declared in a file without a package; give that file a `package` line"
                            .to_owned()
                    } else {
                        format!("it is declared in package `{package}`; add `use {package}.*`")
                    });
                    if !package.is_empty() {
                        error.fixes.push(self.use_fix(package));
                    }
                } else if let Some(near) = near {
                    error =
                        error.help(format!("did you mean `{near}`?")).fix(format!("write `{near}`"), near);
                } else if self.is_difference(name) {
                    error = error.help("a minus sign between two operands needs spaces around it");
                }
                error
            }
        };
        self.report(error);
    }

    /// Whether a name looks like a subtraction without spaces.
    fn is_difference(&self, name: &str) -> bool {
        name.match_indices('-').any(|(at, _)| {
            let (left, right) = (&name[..at], &name[at + 1..]);
            let number = |text: &str| text.starts_with(|c: char| c.is_ascii_digit());
            self.view.value(left).is_ok() && (number(right) || self.view.value(right).is_ok())
        })
    }

    /// Adds a `use` line below the last one.
    fn use_fix(&self, package: &str) -> ordain_ir::diagnostic::Fix {
        let last = self.file.items.iter().rfind(|item| matches!(item, Item::Package(_) | Item::Use(_)));
        let (at, replacement) = match last {
            Some(item) => (item.span().end, format!("\nuse {package}.*")),
            None => (0, format!("use {package}.*\n\n")),
        };
        ordain_ir::diagnostic::Fix {
            title: format!("add `use {package}.*`"),
            file: self.path.to_owned(),
            span: Span { start: at, end: at },
            replacement,
        }
    }

    /// The lines `package` of which a file has at most one.
    fn packages(&mut self) {
        let mut packages = self.file.items.iter().filter_map(|item| match item {
            Item::Package(package) => Some(package),
            _ => None,
        });
        if let Some(first) = packages.next() {
            for again in packages {
                let error = self.error(codes::DUPLICATE_CLAUSE, again.span, "a file belongs to one package");
                self.report(error.and_at(self.path, first.span, "the first one"));
            }
        }
    }

    fn uses(&mut self) {
        for item in &self.file.items {
            let Item::Use(it) = item else { continue };
            let path = it.path.text.as_str();
            if it.all {
                if !self.names.packages.contains_key(path) {
                    let error =
                        self.error(codes::UNKNOWN_PACKAGE, it.path.span, format!("unknown package `{path}`"));
                    let known =
                        self.names.packages.keys().map(String::as_str).filter(|name| !name.is_empty());
                    let error = match nearest(path, known) {
                        Some(near) => {
                            error.help(format!("did you mean `{near}`?")).fix(format!("write `{near}`"), near)
                        }
                        None => {
                            error.help("packages are named by the `package` lines of the workspace's files")
                        }
                    };
                    self.report(error);
                }
                continue;
            }
            if self.names.split(path).is_some_and(|(package, name)| self.names.declares(package, name)) {
                continue;
            }
            if self.names.packages.contains_key(path) {
                let error = self.error(codes::WRONG_KIND, it.path.span, format!("`{path}` is a package"));
                self.report(
                    error
                        .help("use everything in it with `.*`, or name one thing in it")
                        .fix(format!("write `{path}.*`"), format!("{path}.*")),
                );
                continue;
            }
            // The package that fits longest, to look for the name in it.
            let Some((package, name)) = self.names.split(path) else {
                let error = self.error(
                    codes::UNKNOWN_PACKAGE,
                    it.path.span,
                    format!("no package is known for `{path}`"),
                );
                self.report(error.help("write `use package.name` or `use package.*`"));
                continue;
            };
            let facts = self.names.facts.iter().filter(|(_, entry)| entry.packages.contains(package));
            let facts = facts.map(|(name, _)| name.as_str());
            let members =
                self.names.packages.get(package).into_iter().flat_map(BTreeMap::keys).map(String::as_str);
            let near = nearest(name, facts.chain(members));
            let message = format!("package `{package}` declares no `{name}`");
            let error = self.error(codes::UNKNOWN_NAME, it.path.span, message);
            let error = match near {
                Some(near) => error
                    .help(format!("did you mean `{package}.{near}`?"))
                    .fix(format!("write `{package}.{near}`"), format!("{package}.{near}")),
                None => error,
            };
            self.report(error);
        }
    }

    /// Whether the name is declared before, here or in another file, and says so. Facts may be declared
    /// again if nothing differs.
    fn is_repeated(&mut self, origin: Origin, item: &Item, name: &ast::Name, first_here: bool) -> bool {
        if name.text.is_empty() {
            return false;
        }
        if let Item::Fact(fact) = item {
            self.repeated_fact(origin, fact);
            return false;
        }
        let package = self.view.outline.package.as_str();
        let Some(member) = self.names.packages.get(package).and_then(|members| members.get(&name.text))
        else {
            return false;
        };
        let elsewhere = member.origin != origin;
        if !member.repeated || !elsewhere && first_here {
            return false;
        }
        let place = self.declaration(member.origin, &name.text);
        let error =
            self.error(codes::DUPLICATE_NAME, name.span, format!("`{}` is declared twice", name.text));
        self.report(match place {
            Some(span) => error.and_at(member.origin.path(self.db), span, "first declared here"),
            None => error,
        });
        true
    }

    fn repeated_fact(&mut self, origin: Origin, fact: &ast::Fact) {
        let Some(entry) = self.names.facts.get(fact.name.text.as_str()) else { return };
        let own = fact::lower(fact, &mut |_| {});
        let (Some(first), Some(own)) = (&entry.fact, &own) else { return };
        let plain = |fact: &ordain_ir::Fact| ordain_ir::Fact { doc: String::new(), ..fact.clone() };
        if plain(first) == plain(own) {
            return;
        }
        let message = format!("fact `{}` is declared twice with different types", fact.name.text);
        let written = |fact: &ordain_ir::Fact| {
            let mut words = fact.ty.to_string();
            if fact.range.is_some() {
                words.push_str(" with a range");
            }
            words.push_str(if fact.optional { " optional" } else { "" });
            words.push_str(if fact.opaque { " opaque" } else { "" });
            words
        };
        let error = self.error(codes::CONFLICTING_FACT, fact.name.span, message);
        let error = match self.declaration(entry.origin, &fact.name.text) {
            Some(span) => error.and_at(
                entry.origin.path(self.db),
                span,
                format!("first declared here as {}", written(first)),
            ),
            None => error,
        };
        let help = if entry.origin == origin {
            "keep one of both"
        } else {
            "a fact's name means the same everywhere; take the same type, or another name"
        };
        self.report(error.labelled(format!("here as {}", written(own))).help(help));
    }

    /// Where a file first declares a name.
    fn declaration(&self, origin: Origin, name: &str) -> Option<Span> {
        origin.parse(self.db).file.items.iter().find_map(|item| {
            let declared = match item {
                Item::Fact(it) => &it.name,
                Item::Let(it) => &it.name,
                Item::Policy(it) => &it.name,
                Item::Broken(it) => it.declares.as_ref().map(|(_, name)| name)?,
                _ => return None,
            };
            (declared.text == name).then_some(declared.span)
        })
    }

    fn fact(&mut self, fact: &ast::Fact) {
        let mut problems = vec![];
        fact::lower(fact, &mut |problem| problems.push(problem));
        for mut problem in problems {
            if let Some(label) = &mut problem.primary {
                self.path.clone_into(&mut label.file);
            }
            for fix in &mut problem.fixes {
                self.path.clone_into(&mut fix.file);
            }
            self.report(problem);
        }
    }
}
