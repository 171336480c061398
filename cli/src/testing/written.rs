//! Where policies are written, for coverage: in a file, or in a template of the workspace. What stands in a library's
//! template is the library's to cover; of it counts that it is applied here. Who applies it in a test, though, tests the
//! template, wherever that stands.

use std::collections::BTreeMap;

use ordain_compiler::{Branch, LineIndex};
use ordain_grammar::ast::{self, Item};
use ordain_ir::{
    Clause, Derived, Direction, Limit, LimitStatus, Policies, PolicyId, PolicyName, PolicySource, RuleStatus,
    Site, SourceMap,
};

use super::coverage::{Leaf, Written};

/// The files of a workspace.
#[derive(Clone, Copy)]
pub(crate) struct Home<'a> {
    /// Texts by path, also those of libraries.
    pub(crate) texts: &'a BTreeMap<String, String>,
    /// Texts of the workspace itself.
    pub(crate) own: &'a BTreeMap<String, String>,
    /// Whether the policies are those of a test.
    pub(crate) tested: bool,
}

impl Home<'_> {
    /// Where each of the policies is written that takes part in decisions and belongs to the workspace.
    pub(crate) fn all(
        self,
        policies: &Policies,
        sources: &SourceMap,
        branches: &BTreeMap<PolicyName, Vec<Branch>>,
    ) -> BTreeMap<PolicyName, Written> {
        let rules = policies.rules.values().filter(|rule| rule.status == RuleStatus::Active);
        let rules = rules.map(|rule| (&rule.name, rule.derived.as_ref(), false));
        let limits = policies.limits.values().filter(|limit| limit.status == LimitStatus::Active);
        let limits = limits.map(|limit| (&limit.name, limit.derived.as_ref(), is_guarantee(limit)));
        let written = rules.chain(limits).filter_map(|(name, derived, guarantee)| {
            let source = sources.get(&PolicyId::of(name))?;
            let leaves = branches.get(name).map_or(&[] as &[_], Vec::as_slice);
            Some((name.clone(), self.written(name, derived, guarantee, source, leaves)?))
        });
        written.collect()
    }

    fn written(
        self,
        name: &PolicyName,
        derived: Option<&Derived>,
        guarantee: bool,
        source: &PolicySource,
        branches: &[Branch],
    ) -> Option<Written> {
        let foreign = !self.own.contains_key(&source.file);
        if foreign && !self.tested {
            let site = source.application.clone().filter(|site| self.own.contains_key(&site.file))?;
            let name = name.to_string();
            let (clauses, leaves) = (BTreeMap::new(), vec![]);
            return Some(Written { kind: source.kind, name, site, clauses, guarantee, leaves });
        }
        let text = self.texts.get(&source.file)?;
        let local = source.clauses.get(&Clause::Name).and_then(|place| text.get(place.span.range()))?;
        // What a `warn at` adds has the same place as its limit, and `.warn` behind the limit's name.
        let warns = !name.as_str().ends_with(local) && source.clauses.contains_key(&Clause::WarnAt);
        let shown = match derived.and_then(|derived| derived.template.as_ref()) {
            Some(template) => format!("{template}: {local}{}", if warns { ".warn" } else { "" }),
            None => name.to_string(),
        };
        let place = if warns { source.clause(Clause::WarnAt) } else { source.clause(Clause::Name) };
        // Of a warning only that it warns is written here; the rest belongs to its limit.
        let clauses = if warns { BTreeMap::from([(Clause::Enforce, place)]) } else { source.clauses.clone() };
        let leaves = branches.iter().filter_map(|branch| {
            let text = self.texts.get(&branch.site.file)?.get(branch.site.place.span.range())?;
            let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
            Some(Leaf { site: branch.site.clone(), text, condition: branch.condition.clone() })
        });
        Some(Written {
            kind: source.kind,
            name: shown,
            site: Site { file: source.file.clone(), place },
            clauses,
            guarantee,
            leaves: leaves.collect(),
        })
    }

    /// The policies in the templates of a file, which may be applied nowhere.
    pub(crate) fn templates(self, path: &str, file: &ast::File, package: &str) -> Vec<Written> {
        let Some(text) = self.own.get(path) else { return vec![] };
        let lines = LineIndex::new(text);
        let templates = file.items.iter().filter_map(|item| match item {
            Item::Template(template) => Some(template),
            _ => None,
        });
        let policies = templates.flat_map(|template| {
            let name = PolicyName::new(package, &template.name.text);
            template.items.iter().filter_map(move |item| match item {
                Item::Policy(policy) => Some((name.clone(), policy)),
                _ => None,
            })
        });
        let written = policies.map(|(template, policy)| Written {
            kind: policy.kind,
            name: format!("{template}: {}", policy.name.text),
            site: Site { file: path.to_owned(), place: lines.place(text, policy.name.span) },
            clauses: BTreeMap::new(),
            guarantee: false,
            leaves: vec![],
        });
        written.collect()
    }
}

fn is_guarantee(limit: &Limit) -> bool {
    limit.bound.direction == Direction::AtLeast && !limit.quantity.is_pointwise()
}
