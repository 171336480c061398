//! Applications: a template's policies with arguments for its parameters.

use std::collections::{BTreeMap, BTreeSet};

use ordain_grammar::ast::{Apply, ArgumentValue, Expr, ExprKind, Item, Name, Template};
use ordain_grammar::suggest::nearest;
use ordain_ir::{Diagnostic, PolicyName, Span, codes};

use super::super::{Checker, FilePolicies};
use super::argument::Given;
use super::parameter::Takes;
use super::put::{self, Values};
use super::{Expansion, Siblings, template_problems};
use crate::made::{MAX_MADE, MAX_NESTING, all_made_by, goes_round};
use crate::mentions::Wanted;
use crate::packages::{MemberKind, Origin};
use crate::resolve::{Meaning, Unresolved};
use crate::view::{TemplateUnit, View};

/// Between the template's name and what is wrong with it.
const UNFIT: &str = " does not fit here: ";

/// A template to be applied.
#[derive(Clone, Copy)]
pub(super) struct Found<'a> {
    pub(super) origin: Origin,
    pub(super) package: &'a str,
    pub(super) name: &'a str,
    pub(super) unit: &'a TemplateUnit,
}

impl Found<'_> {
    pub(super) fn full(self) -> String {
        PolicyName::new(self.package, self.name).to_string()
    }
}

impl<'a> Checker<'a> {
    /// Checks an application and puts its policies to the others, as far as nothing is wrong with them.
    pub(in crate::check) fn apply(&mut self, apply: &Apply, repeated: bool, into: &mut FilePolicies) {
        let Some(found) = self.template_named(&apply.template) else { return };
        let depth = self.expansion.as_ref().map_or(0, |it| it.depth + 1);
        let broken = apply.broken || found.unit.is_header_broken || repeated;
        // Templates that apply each other in a cycle tell of it themselves.
        if broken || goes_round(self.db, found.origin, found.package, found.name) {
            return;
        }
        let made = all_made_by(self.db, self.view.origin(), &apply.template.text);
        if depth > MAX_NESTING || made.len() > MAX_MADE {
            let message = if depth > MAX_NESTING {
                format!("templates apply each other more than {MAX_NESTING} deep here")
            } else {
                format!("`{}` makes more than {MAX_MADE} policies", apply.template.text)
            };
            let error = self.error(codes::IN_EXPANSION, apply.template.span, message);
            self.report(error.help("apply fewer templates within templates"));
            return;
        }
        let Some(given) = self.given(apply, found) else { return };
        let name = apply.name().text;
        let around = self.expansion.as_ref();
        let applied_doc = match around {
            Some(around) if apply.doc.is_empty() => around.applied_doc.clone(),
            _ => apply.doc.clone(),
        };
        let expansion = Expansion {
            package: around.map_or_else(|| self.view.package().to_owned(), |it| it.package.clone()),
            prefix: around.map_or_else(|| name.clone(), |it| format!("{}.{name}", it.prefix)),
            template: found.full(),
            applied_doc,
            template_doc: found.unit.template.doc.clone(),
            depth,
        };
        let within = PolicyName::new(&expansion.package, &expansion.prefix);
        let siblings = made.into_iter().map(|(local, made)| {
            let full = PolicyName::from(format!("{within}.{local}").as_str());
            (local, (full, made.kind))
        });
        let (policies, problems) = self.expand_with(found, &given, expansion, siblings.collect());
        into.rules.extend(policies.rules);
        into.limits.extend(policies.limits);
        for problem in problems {
            if !is_known(template_problems(self.db, found.origin, found.name), &problem) {
                let error = self.unfitting_arguments(apply, found, &given, problem);
                self.report(error);
            }
        }
    }

    /// Applies a template for one test only. Its policies can be named like any others until the next call of
    /// [`forget_local_policies`](Self::forget_local_policies).
    pub(in crate::check) fn apply_locally(&mut self, apply: &Apply) -> FilePolicies {
        let mut policies = FilePolicies::default();
        let name = apply.name();
        if let Some(taken) = self.taken_locally(&name) {
            self.report(taken);
            return policies;
        }
        self.apply(apply, false, &mut policies);
        let within = PolicyName::new(self.view.package(), &name.text);
        for (local, made) in all_made_by(self.db, self.view.origin(), &apply.template.text) {
            let full = PolicyName::from(format!("{within}.{local}").as_str());
            self.siblings.insert(format!("{}.{local}", name.text), (full, made.kind));
        }
        policies
    }

    /// Ends the life of policies that exist in one test only.
    pub(in crate::check) fn forget_local_policies(&mut self) {
        self.siblings.clear();
    }

    /// The name of a test's own application may not be that of anything else, but for its template.
    fn taken_locally(&self, name: &Name) -> Option<Diagnostic> {
        let before = format!("{}.", name.text);
        let twice = self.siblings.keys().any(|sibling| sibling.starts_with(&before));
        let meaning = match self.view.find(&name.text, Wanted::Anything).ok() {
            Some(Meaning::Template(..)) => self.view.anything_but_templates(&name.text),
            other => other,
        };
        let own = meaning.filter(|meaning| meaning.package() == Some(self.view.package()));
        if !twice && own.is_none() {
            return None;
        }
        let message = match own {
            Some(meaning) => format!("`{}` is {} of the package already", name.text, meaning.description()),
            None => format!("`{}` is applied twice in this test", name.text),
        };
        let error = self.error(codes::DUPLICATE_NAME, name.span, message);
        Some(error.help("give it another name with `as`"))
    }

    /// The template that a name stands for.
    fn template_named(&mut self, name: &Name) -> Option<Found<'a>> {
        if name.text.is_empty() {
            return None;
        }
        let meaning = self.view.find(&name.text, Wanted::Template);
        match meaning {
            Ok(Meaning::Template(package, own, member)) => {
                debug_assert!(matches!(member.kind, MemberKind::Template { .. }));
                let unit = member.origin.template_unit(self.db, own)?;
                Some(Found { origin: member.origin, package, name: own, unit })
            }
            Ok(_) => None,
            Err(unresolved) => {
                // An application may itself be what has the name.
                let other = self.view.anything_but_applications(&name.text);
                if let (Unresolved::Unknown(_), Some(other)) = (&unresolved, other) {
                    let message = format!("`{}` is {}, not a template", name.text, other.description());
                    let error = self.error(codes::WRONG_KIND, name.span, message);
                    self.report(error);
                } else {
                    self.unknown_name(&name.text, name.span, "template", unresolved);
                }
                None
            }
        }
    }

    /// The values of all parameters; `None` after an error.
    fn given(&mut self, apply: &Apply, found: Found<'a>) -> Option<BTreeMap<String, Given>> {
        let template = &found.unit.template;
        let mut given: BTreeMap<String, Given> = BTreeMap::new();
        let mut sound = true;
        let mut named: BTreeMap<&str, Span> = BTreeMap::new();
        for argument in &apply.arguments {
            let name = &argument.name;
            if name.text.is_empty() {
                sound = false;
                continue;
            }
            let parameter = template.parameters.iter().find(|it| it.name.text == name.text);
            let Some(parameter) = parameter else {
                let error = self.no_parameter(apply, template, name);
                self.report(error);
                sound = false;
                continue;
            };
            if let Some(first) = named.insert(&name.text, name.span) {
                let error =
                    self.error(codes::BAD_ARGUMENT, name.span, format!("`{}` is given twice", name.text));
                self.report(error.and_at(self.path, first, "the first one").help("take one of both out"));
                sound = false;
                continue;
            }
            // What is wrong with the parameter is told where it is declared.
            let takes = Takes::of(&parameter.ty, &mut |_| {});
            match takes.and_then(|takes| self.argument(name, &takes, &argument.value)) {
                Some(value) => drop(given.insert(name.text.clone(), value)),
                None => sound = false,
            }
        }
        let missing: Vec<_> = template
            .parameters
            .iter()
            .filter(|it| {
                it.default.is_none() && !it.name.text.is_empty() && !named.contains_key(&*it.name.text)
            })
            .collect();
        if !missing.is_empty() {
            let words = missing.iter().map(|it| format!("`{}`", it.name.text)).collect::<Vec<_>>().join(", ");
            let message = format!("`{}` wants {words}", apply.template.text);
            let mut error = self.error(codes::BAD_ARGUMENT, apply.template.span, message);
            let base = self.base(found);
            for parameter in &missing {
                let span = moved(parameter.span, base);
                error = error.and_at(found.origin.path(self.db), span, "declared here, without a default");
            }
            let examples: Vec<String> = missing
                .iter()
                .filter_map(|it| {
                    let takes = Takes::of(&it.ty, &mut |_| {})?;
                    Some(format!("{} = {}", it.name.text, takes.example()))
                })
                .collect();
            let written = apply.arguments.is_empty();
            let examples = examples.join(", ");
            let example = if written { format!("({examples})") } else { examples };
            self.report(error.help(format!("write for example `{example}`")));
            sound = false;
        }
        if sound { self.defaults(found, given) } else { None }
    }

    fn no_parameter(&self, apply: &Apply, template: &Template, name: &Name) -> Diagnostic {
        let known: Vec<&str> = template.parameters.iter().map(|it| it.name.text.as_str()).collect();
        let message = format!("`{}` has no parameter `{}`", apply.template.text, name.text);
        let error = self.error(codes::BAD_ARGUMENT, name.span, message);
        match nearest(&name.text, known.iter().copied()) {
            Some(near) => error.help(format!("did you mean `{near}`?")).fix(format!("write `{near}`"), near),
            None if known.is_empty() => error.help("it has none: write `()`"),
            None => {
                let list = known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
                error.help(format!("its parameters are {list}"))
            }
        }
    }

    /// Adds the defaults of what isn't given. They are read where the template stands.
    fn defaults(
        &mut self,
        found: Found<'a>,
        mut given: BTreeMap<String, Given>,
    ) -> Option<BTreeMap<String, Given>> {
        let template = &found.unit.template;
        let open = template.parameters.iter().filter(|it| !it.name.text.is_empty());
        let open: Vec<_> = open.filter(|it| !given.contains_key(&it.name.text)).collect();
        if open.is_empty() {
            return Some(given);
        }
        let mut there = self.inside(found);
        let mut sound = true;
        for parameter in open {
            let value = parameter.default.as_ref().and_then(|default| {
                let takes = Takes::of(&parameter.ty, &mut |_| {})?;
                there.argument(&parameter.name, &takes, default)
            });
            match value {
                Some(value) => drop(given.insert(parameter.name.text.clone(), value)),
                None => sound = false,
            }
        }
        self.back_from(there);
        sound.then_some(given)
    }

    /// A checker in the view of a template. Its places are counted from the template's beginning, in a file
    /// without a name.
    pub(super) fn inside(&mut self, found: Found<'a>) -> Self {
        let mut there = Checker::new(self.db, View::new(self.db, found.origin, &found.unit.table), self.file);
        there.path = "";
        (there.lets, there.cyclic) = (std::mem::take(&mut self.lets), std::mem::take(&mut self.cyclic));
        there.facts = std::mem::take(&mut self.facts);
        there
    }

    fn back_from(&mut self, there: Self) {
        (self.lets, self.cyclic, self.facts) = (there.lets, there.cyclic, there.facts);
    }

    /// The policies of a template with these values for its parameters, and what is wrong with them there.
    pub(super) fn expand_with(
        &mut self,
        found: Found<'a>,
        given: &BTreeMap<String, Given>,
        expansion: Expansion,
        siblings: Siblings,
    ) -> (FilePolicies, Vec<Diagnostic>) {
        let mut there = self.inside(found);
        there.bindings = given.iter().map(|(name, given)| (name.clone(), given.binding.clone())).collect();
        there.siblings = siblings;
        there.expansion = Some(expansion);
        let put = given.iter().filter_map(|(name, given)| Some((name.clone(), given.put.clone()?)));
        let values: Values = put.collect();
        let mut policies = FilePolicies::default();
        let mut seen = BTreeSet::new();
        for item in &found.unit.template.items {
            match item {
                Item::Policy(policy) => {
                    let mut policy = policy.clone();
                    put::into_policy(&mut policy, &values);
                    let repeated = !seen.insert(policy.name.text.clone());
                    there.policy(&policy, repeated, &mut policies);
                }
                Item::Apply(apply) => {
                    let mut apply = apply.clone();
                    put::into_apply(&mut apply, &values);
                    let repeated = !seen.insert(apply.name().text);
                    there.apply(&apply, repeated, &mut policies);
                }
                _ => {}
            }
        }
        let problems = std::mem::take(&mut there.diagnostics);
        self.branches.append(&mut there.branches);
        self.back_from(there);
        (policies, problems)
    }

    /// What is wrong in a template, told where it is applied.
    fn unfitting_arguments(
        &self,
        apply: &Apply,
        found: Found<'a>,
        given: &BTreeMap<String, Given>,
        problem: Diagnostic,
    ) -> Diagnostic {
        let span = problem.primary.as_ref().map(|label| label.span).unwrap_or_default();
        let base = self.base(found);
        let involved = self.narrowed(found, base, span);
        let culprits: Vec<_> =
            apply.arguments.iter().filter(|it| involved.contains(it.name.text.as_str())).collect();
        let place = match culprits.as_slice() {
            [one] => one.span,
            _ => apply.template.span,
        };
        let nested = problem.code == codes::IN_EXPANSION;
        let message = problem.message.split_once(UNFIT).map_or(problem.message.as_str(), |(_, inner)| inner);
        let message = format!("`{}`{UNFIT}{message}", apply.template.text);
        let mut error = self.error(codes::IN_EXPANSION, place, message);
        let file = found.origin.path(self.db);
        let mut places = problem.secondary;
        if nested {
            // The innermost place comes first.
            places.extend(problem.primary.map(|mut label| {
                label.text = format!("applied here by template `{}`", found.name);
                label
            }));
        } else {
            places.splice(
                0..0,
                problem.primary.map(|mut label| {
                    label.text = format!("here in template `{}`", found.name);
                    label
                }),
            );
            error = error.note(format!("in the template this is {}", problem.code));
        }
        for mut label in places {
            if label.file.is_empty() {
                file.clone_into(&mut label.file);
                label.span = moved(label.span, base);
            }
            error.secondary.push(label);
        }
        for (name, given) in
            given.iter().filter(|(name, given)| involved.contains(&***name) && !given.text.is_empty())
        {
            error = error.note(format!("in `{}`, `{name}` is `{}`", found.name, given.text));
        }
        error.notes.extend(problem.notes);
        error.help = problem.help;
        error
    }

    /// The parameters on which a place of a template depends: those that are written there, or else those of the
    /// clause around it.
    fn narrowed(&self, found: Found<'a>, base: u32, span: Span) -> BTreeSet<&'a str> {
        let around = parameters_at(&found.unit.template, span);
        let text = found.origin.text(self.db).get(moved(span, base).range()).unwrap_or_default();
        let words = text.split(|c: char| !(c.is_alphanumeric() || matches!(c, '-' | '_' | '.')));
        let words: BTreeSet<&str> = words.collect();
        let here: BTreeSet<&str> = around.iter().copied().filter(|name| words.contains(name)).collect();
        if here.is_empty() { around } else { here }
    }

    /// Where a template begins in its file.
    fn base(&self, found: Found<'_>) -> u32 {
        let items = &found.origin.parse(self.db).file.items;
        let item = items.iter().find_map(|item| match item {
            Item::Template(it) if it.name.text == found.name => Some(it.span.start),
            _ => None,
        });
        item.unwrap_or_default()
    }
}

/// A span that is counted from `base`, counted from the beginning of the file.
pub(super) fn moved(span: Span, base: u32) -> Span {
    Span { start: span.start + base, end: span.end + base }
}

/// Whether a template tells of a problem itself.
fn is_known(known: &[Diagnostic], problem: &Diagnostic) -> bool {
    let place = |it: &Diagnostic| it.primary.as_ref().map(|label| (label.file.clone(), label.span));
    known.iter().any(|it| it.code == problem.code && place(it) == place(problem))
}

/// The parameters that a clause or a nested application around a place of a template depends on.
pub(super) fn parameters_at(template: &Template, span: Span) -> BTreeSet<&str> {
    let within = |outer: Span| outer.start <= span.start && span.end <= outer.end;
    let mut found: BTreeSet<String> = BTreeSet::new();
    let mut add = |name: &str| {
        found.insert(name.to_owned());
    };
    for item in template.items.iter().filter(|item| within(item.span())) {
        match item {
            Item::Policy(policy) => {
                let clauses: Vec<_> = policy.clauses.iter().filter(|clause| within(clause.span)).collect();
                for clause in &clauses {
                    put::names_in_clause(&clause.kind, &mut add);
                }
                // What is said of the whole policy, or at its name, may lie in any clause.
                if clauses.is_empty() {
                    policy.clauses.iter().for_each(|it| put::names_in_clause(&it.kind, &mut add));
                }
            }
            Item::Apply(apply) => put::names_in_apply(apply, &mut add),
            _ => {}
        }
    }
    let names = template.parameters.iter().map(|parameter| parameter.name.text.as_str());
    names.filter(|name| found.contains(*name)).collect()
}

/// A default that is a name may not be one of another parameter.
pub(super) fn names_parameter<'t>(template: &'t Template, value: &ArgumentValue) -> Option<&'t Name> {
    let ArgumentValue::Expr(Expr { kind: ExprKind::Name(name), .. }) = value else { return None };
    template.parameters.iter().map(|it| &it.name).find(|it| it.text == *name)
}
