//! Which pairs can meet at all, without looking at every pair: policies that name their tenants meet only
//! those that name one of them, or name none.

use std::collections::{BTreeMap, BTreeSet};

use ordain_ir::ScopeSelector;

/// The pairs `(i, j)`, `i < j`, of domains (each a conjunction of selectors) that may share a tenant, as the
/// list of the `j` for each `i`, ascending.
pub(crate) fn rows(domains: &[Vec<&ScopeSelector>]) -> Vec<Vec<usize>> {
    let tenants: Vec<Option<BTreeSet<&str>>> = domains.iter().map(|selectors| named(selectors)).collect();
    let mut by_tenant: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    let mut anywhere: Vec<usize> = vec![];
    for (i, tenants) in tenants.iter().enumerate() {
        match tenants {
            None => anywhere.push(i),
            Some(tenants) => {
                for tenant in tenants {
                    by_tenant.entry(tenant).or_default().push(i);
                }
            }
        }
    }
    let after = |list: &[usize], i: usize| list[list.partition_point(|j| *j <= i)..].to_vec();
    tenants
        .iter()
        .enumerate()
        .map(|(i, tenants)| match tenants {
            None => (i + 1..domains.len()).collect(),
            Some(tenants) => {
                let mut row = after(&anywhere, i);
                for tenant in tenants {
                    row.extend(after(&by_tenant[tenant], i));
                }
                row.sort_unstable();
                row.dedup();
                row
            }
        })
        .collect()
}

/// The tenants that some selector of the conjunction is confined to; `None` if none is.
fn named<'a>(selectors: &[&'a ScopeSelector]) -> Option<BTreeSet<&'a str>> {
    selectors.iter().find_map(|selector| {
        let literal = |pattern: &'a ordain_ir::ScopePattern| pattern.tenant.as_ref()?.as_literal();
        selector.include.iter().map(literal).collect()
    })
}
