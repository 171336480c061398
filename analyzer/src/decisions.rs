//! What rules say together, as conditions: when one speaks, and when a concern's verdict is at least so strict.
//!
//! Within a cell of subjects and instants it is settled which rules' scopes and windows hold; that one of those is
//! present is then the same as that its condition holds. So every question about decisions becomes a question about
//! one condition, which [`conditions`](crate::conditions) answers.

use std::collections::{BTreeMap, BTreeSet};

use ordain_ir::{Condition, EnforcementMode, PolicyName, RuleStatus, RuleType, ScopeSelector};
use rustc_hash::FxHashMap;

use crate::domain::{Algebra, AnalyzerError, Domain};
use crate::overrides::Overrides;
use crate::places::PlaceId;
use crate::rules::RuleEntry;

/// The active rules of some policies, by name, with who silences whom.
pub(crate) struct RuleBook<'a> {
    pub(crate) entries: Vec<RuleEntry<'a>>,
    number: BTreeMap<&'a PolicyName, usize>,
    /// Those that override a rule, directly or through others, whatever their concern.
    silencers: Vec<Vec<usize>>,
    silenced: Vec<Vec<usize>>,
    places: FxHashMap<PlaceId, Vec<usize>>,
}

/// Whether a rule is present, as a condition.
pub(crate) type Present<'p> = &'p dyn Fn(usize) -> Condition;

impl<'a> RuleBook<'a> {
    /// Of the rules that are kept only.
    pub(crate) fn of(
        algebra: &Algebra<'a>,
        overrides: &Overrides<'a>,
        keep: impl Fn(&PolicyName) -> bool,
    ) -> Result<Self, AnalyzerError> {
        let active = algebra.policies().rules.values();
        let active = active.filter(|rule| rule.status == RuleStatus::Active && keep(&rule.name));
        let entries = active.map(|rule| RuleEntry::new(rule, algebra));
        let entries = entries.collect::<Result<Vec<_>, AnalyzerError>>()?;
        Ok(Self::with(entries, overrides))
    }

    /// Of these rules, by name.
    pub(crate) fn with(entries: Vec<RuleEntry<'a>>, overrides: &Overrides<'a>) -> Self {
        let number: BTreeMap<&PolicyName, usize> =
            entries.iter().enumerate().map(|(at, entry)| (&entry.rule.name, at)).collect();
        let (mut silencers, mut silenced) = (vec![vec![]; entries.len()], vec![vec![]; entries.len()]);
        for (over, under) in overrides.pairs() {
            // Members of a cycle, which the compiler refuses, don't silence each other.
            if let (Some(over_at), Some(under_at)) = (number.get(over), number.get(under))
                && !overrides.reaches(under, over)
            {
                silencers[*under_at].push(*over_at);
                silenced[*over_at].push(*under_at);
            }
        }
        for list in &mut silencers {
            list.sort_unstable();
        }
        let mut places: FxHashMap<PlaceId, Vec<usize>> = FxHashMap::default();
        for (at, entry) in entries.iter().enumerate() {
            places.entry(entry.domain.place).or_default().push(at);
        }
        Self { entries, number, silencers, silenced, places }
    }

    pub(crate) fn number(&self, name: &PolicyName) -> Option<usize> {
        self.number.get(name).copied()
    }

    /// The rules of a place.
    pub(crate) fn at(&self, place: PlaceId) -> &[usize] {
        self.places.get(&place).map_or(&[], |rules| rules)
    }

    /// The rules that a rule silences, directly or through others.
    pub(crate) fn silences(&self, rule: usize) -> &[usize] {
        &self.silenced[rule]
    }

    /// The rules that silence a rule, likewise, ascending.
    pub(crate) fn silenced_by(&self, rule: usize) -> &[usize] {
        &self.silencers[rule]
    }

    /// The concerns whose verdicts a rule may change.
    pub(crate) fn concerns(&self, rule: usize) -> BTreeSet<RuleType> {
        [rule].iter().chain(&self.silenced[rule]).map(|at| self.entries[*at].rule.rule_type).collect()
    }

    /// The other rules on which it depends what these concerns say within a domain: theirs, and who silences those.
    pub(crate) fn involved(
        &self,
        concerns: &BTreeSet<RuleType>,
        domain: &Domain,
        algebra: &Algebra<'_>,
    ) -> Vec<usize> {
        let selectors = algebra.selectors(domain);
        let of_concern = |at: usize| concerns.contains(&self.entries[at].rule.rule_type);
        // Who silences a rule of theirs counts where that rule may be in the same tenant.
        let silences = |at: &usize| {
            let mut silenced = self.silenced[*at].iter().filter(|under| of_concern(**under));
            silenced.any(|under| share_tenant(&selectors, &self.entries[*under].rule.scope))
        };
        let near = algebra.places().near(domain.place).iter();
        let near = near.filter_map(|(place, _)| self.places.get(place)).flatten().copied();
        let mut found: Vec<usize> = near
            .filter(|at| of_concern(*at) || silences(at))
            .filter(|at| algebra.first_instant(&self.entries[*at].domain, domain).is_some())
            .collect();
        found.sort_unstable();
        found
    }

    /// When a rule speaks, of which the named ones are all that count.
    pub(crate) fn speaks(&self, rule: usize, among: &[usize], present: Present<'_>) -> Condition {
        let of = &self.entries[rule].rule;
        let higher = among.iter().filter(|other| {
            let other = self.entries[**other].rule;
            other.rule_type == of.rule_type && other.priority > of.priority
        });
        let outranked = higher.map(|other| self.applies(*other, among, present).negate());
        Condition::and([self.applies(rule, among, present)].into_iter().chain(outranked))
    }

    /// When it is present and nothing silences it.
    fn applies(&self, rule: usize, among: &[usize], present: Present<'_>) -> Condition {
        let silencers = self.silencers[rule].iter().filter(|other| among.binary_search(other).is_ok());
        let silent = silencers.map(|other| present(*other).negate());
        Condition::and([present(rule)].into_iter().chain(silent))
    }

    /// When a concern says at least this.
    pub(crate) fn at_least(
        &self,
        (concern, mode): (RuleType, EnforcementMode),
        among: &[usize],
        present: Present<'_>,
    ) -> Condition {
        let strict = among.iter().filter(|at| {
            let rule = self.entries[**at].rule;
            rule.rule_type == concern && rule.enforcement_mode >= mode
        });
        Condition::or(strict.map(|at| self.speaks(*at, among, present)))
    }
}

/// Whether some tenant may be in a conjunction of selectors and in another one, by the first that names tenants.
fn share_tenant(selectors: &[&ScopeSelector], scope: &ScopeSelector) -> bool {
    let named = selectors.iter().find_map(|selector| tenants(selector));
    named.zip(tenants(scope)).is_none_or(|(a, b)| !a.is_disjoint(&b))
}

/// The tenants to which a selector is confined; `None` if it is not.
fn tenants(scope: &ScopeSelector) -> Option<BTreeSet<&str>> {
    scope.include.iter().map(|pattern| pattern.tenant.as_ref()?.as_literal()).collect()
}
