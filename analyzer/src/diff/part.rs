//! Which changed policies take part in a decision: those that speak on one of the sides, and those that keep another one
//! from speaking there. Where a decision shifts, one of these is among them: what speaks on one side and not on the
//! other has changed, or is outranked or overridden by such a one.

use std::collections::BTreeSet;

use ordain_engine::{Decision, Role};
use ordain_ir::{Condition, PolicyKind, PolicyName};

use super::changes::Changed;
use super::merge::tagged;
use super::search::{Cell, Search};
use crate::evidence;

impl Search<'_, '_> {
    /// When a changed policy takes part in the decision of one of the sides, of the requests of a cell.
    pub(super) fn takes_part(&self, changed: &Changed, cell: Cell<'_, '_, '_>) -> Condition {
        let on = |side: usize| {
            let name = tagged(side, &changed.policy.name);
            match changed.policy.kind {
                PolicyKind::Rule => self.rule_takes_part(side, &name, cell),
                PolicyKind::Limit => self.limit_takes_part(side, &name, cell),
            }
        };
        Condition::or([0, 1].map(on))
    }

    fn rule_takes_part(&self, side: usize, name: &PolicyName, cell: Cell<'_, '_, '_>) -> Condition {
        let own = &self.sides[side].rules;
        let among = cell.rules(side);
        let Some(at) = own.number(name).filter(|at| among.binary_search(at).is_ok()) else {
            return Condition::False;
        };
        let present = |at: usize| own.entries[at].rule.condition.clone();
        let silenced = own.silences(at).iter().filter(|under| among.binary_search(under).is_ok());
        let silences = Condition::and([present(at), Condition::or(silenced.map(|under| present(*under)))]);
        Condition::or([own.speaks(at, &among, &present), silences])
    }

    fn limit_takes_part(&self, side: usize, name: &PolicyName, cell: Cell<'_, '_, '_>) -> Condition {
        let own = &self.sides[side];
        let there = cell.limits(side);
        let at = own.limits.binary_search_by(|entry| entry.limit.name.cmp(name)).ok();
        let Some(at) = at.filter(|at| there.contains(at)) else { return Condition::False };
        let mut out = vec![];
        if !evidence::is_guarantee(own.limits[at].limit) && self.is_broken(side, at, cell) {
            out.push(self.breaks(side, at, cell));
        }
        if self.is_measured(side, at, cell) {
            let silenced = there.iter().filter(|under| {
                own.silencers[**under].contains(&at) && self.is_measured(side, **under, cell)
            });
            let silenced = Condition::or(silenced.map(|under| self.condition(&own.limits[*under])));
            out.push(Condition::and([self.condition(&own.limits[at]), silenced]));
        }
        Condition::or(out)
    }

    /// The changed policies that take part in the decisions that both sides have made about a request.
    pub(super) fn because(&self, made: &[Decision; 2]) -> Vec<PolicyName> {
        let mut parts: BTreeSet<&PolicyName> = BTreeSet::new();
        for (side, decision) in made.iter().enumerate() {
            let rules = decision.rules.iter().map(|found| (&found.rule.name, &found.role));
            let limits = decision.limits.iter().map(|found| (&found.limit.name, &found.role));
            let all: Vec<(&PolicyName, &Role)> = rules.chain(limits).collect();
            let silent: Vec<PolicyName> = all
                .iter()
                .filter(|(_, role)| matches!(role, Role::Overridden { .. }))
                .map(|(name, _)| tagged(side, name))
                .collect();
            for (name, role) in all {
                let over = tagged(side, name);
                let overrides = || silent.iter().any(|under| self.overrides.reaches(&over, under));
                if matches!(role, Role::Decided | Role::Agreed | Role::Milder { .. }) || overrides() {
                    parts.insert(name);
                }
            }
        }
        self.changed.iter().filter(|name| parts.contains(name)).cloned().collect()
    }
}
