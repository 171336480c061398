//! Coverage in the trace format of lcov, which `genhtml`, editors and code hosts read.
//!
//! A policy is a function, hit as often as it decided; lines are those of
//! [`Coverage::lines`](crate::testing::coverage::Coverage::lines); each leaf of a condition is a block with two
//! branches, 0 for true and 1 for false. A template's leaves are counted over all its applications.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use crate::testing::coverage::Covered;
use crate::testing::session::Suite;

/// Writes one record for each file with policies.
pub(crate) fn render(suites: &[Suite]) -> String {
    let mut out = "TN:\n".to_owned();
    for suite in suites {
        let Some(coverage) = &suite.coverage else { continue };
        // Those of libraries lie elsewhere, or nowhere.
        for (file, lines) in coverage.lines().into_iter().filter(|(file, _)| suite.files.contains(*file)) {
            let path = suite.root.join(file);
            // Forward slashes on every system.
            let path = path.iter().map(|part| part.to_string_lossy()).collect::<Vec<_>>().join("/");
            let _ = writeln!(out, "SF:{}", path.replace("//", "/"));
            let here: Vec<&Covered> =
                coverage.policies.iter().filter(|policy| policy.written.site.file == file).collect();
            functions(&here, &mut out);
            branches(&coverage.policies, file, &mut out);
            for (line, count) in &lines {
                let _ = writeln!(out, "DA:{line},{count}");
            }
            let hit = lines.values().filter(|count| **count > 0).count();
            let _ = writeln!(out, "LF:{}\nLH:{hit}\nend_of_record", lines.len());
        }
    }
    out
}

fn functions(policies: &[&Covered], out: &mut String) {
    let count = |policy: &Covered| {
        if policy.written.guarantee { policy.counts.in_domain } else { policy.counts.decided }
    };
    for policy in policies {
        let _ = writeln!(out, "FN:{},{}", policy.written.site.place.line, policy.written.name);
    }
    for policy in policies {
        let _ = writeln!(out, "FNDA:{},{}", count(policy), policy.written.name);
    }
    let hit = policies.iter().filter(|policy| count(policy) > 0).count();
    let _ = writeln!(out, "FNF:{}\nFNH:{hit}", policies.len());
}

/// The leaves that stand in this file, of whichever policies; those of a `let` are one for all its uses.
fn branches(policies: &[Covered], file: &str, out: &mut String) {
    let mut leaves: BTreeMap<(u32, u32), [u64; 2]> = BTreeMap::new();
    let mut asked = BTreeSet::new();
    for policy in policies {
        for (leaf, seen) in policy.written.leaves.iter().zip(&policy.counts.leaves) {
            if leaf.site.file == file {
                let place = (leaf.site.place.line, leaf.site.place.column);
                let sum = leaves.entry(place).or_default();
                sum[0] += seen[0];
                sum[1] += seen[1];
                if policy.counts.in_window > 0 {
                    asked.insert(place);
                }
            }
        }
    }
    let (mut block, mut line_before) = (0, 0);
    for (place, seen) in &leaves {
        // Blocks are numbered from 0 on each line.
        block = if place.0 == line_before { block + 1 } else { 0 };
        line_before = place.0;
        for (branch, count) in seen.iter().enumerate() {
            let taken = if asked.contains(place) { count.to_string() } else { "-".to_owned() };
            let _ = writeln!(out, "BRDA:{},{block},{branch},{taken}", place.0);
        }
    }
    let hit = leaves.values().flatten().filter(|count| **count > 0).count();
    let _ = writeln!(out, "BRF:{}\nBRH:{hit}", 2 * leaves.len());
}
