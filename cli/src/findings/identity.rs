//! Fingerprints of findings that are no conflicts; a conflict has its own.
//!
//! A fingerprint is made of the code, the policy that it is about or else the package, and the message. So it stays
//! the same when a policy moves to another file or is laid out anew. Of several that would be alike each is numbered.

use std::collections::BTreeMap;

use ordain_grammar::ast::Item;
use ordain_ir::{Diagnostic, PolicyName, Span};

use crate::texts::Texts;
use crate::workspace::Checked;

/// The policies that are written out in each file, by the place of their items.
type Written<'a> = BTreeMap<&'a str, Vec<(Span, &'a PolicyName)>>;

/// A fingerprint for each of the diagnostics, in their order.
pub(super) fn ids(checked: &Checked, texts: &Texts<'_>) -> Vec<String> {
    if checked.diagnostics.is_empty() {
        return vec![];
    }
    let written = written(checked);
    let mut packages: BTreeMap<&str, String> = BTreeMap::new();
    let mut seen: BTreeMap<[u8; 32], u32> = BTreeMap::new();
    let mut id = |diagnostic: &'_ Diagnostic, subject: &str| {
        let mut hasher = blake3::Hasher::new_derive_key("ordain finding id v1");
        for part in [diagnostic.code.as_str(), subject, &diagnostic.message] {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part.as_bytes());
        }
        let number = seen.entry(*hasher.finalize().as_bytes()).or_default();
        hasher.update(&number.to_le_bytes());
        *number += 1;
        hasher.finalize().to_hex()[..32].to_owned()
    };
    let mut ids = vec![];
    for diagnostic in &checked.diagnostics {
        let Some(label) = &diagnostic.primary else {
            ids.push(id(diagnostic, ""));
            continue;
        };
        if let Some(policy) = policy_at(&written, &label.file, label.span) {
            ids.push(id(diagnostic, policy.as_str()));
            continue;
        }
        let text = texts.get(&label.file).map_or("", |text| text.content);
        let package = packages.entry(&label.file).or_insert_with(|| package(text));
        ids.push(id(diagnostic, package));
    }
    ids
}

fn written(checked: &Checked) -> Written<'_> {
    let mut written: Written<'_> = BTreeMap::new();
    for name in checked.policies.rules.keys().chain(checked.policies.limits.keys()) {
        let source = checked.sources.get(&ordain_ir::PolicyId::of(name));
        // A template's item is that of many policies.
        if let Some(source) = source.filter(|source| source.application.is_none()) {
            written.entry(&source.file).or_default().push((source.item.span, name));
        }
    }
    for policies in written.values_mut() {
        policies.sort();
    }
    written
}

fn policy_at<'a>(written: &Written<'a>, file: &str, span: Span) -> Option<&'a PolicyName> {
    let policies = written.get(file)?;
    let behind = policies.partition_point(|(item, _)| item.start <= span.start);
    // A limit and the one that its `warn at` adds have one place; the shorter name is that of the limit.
    let (item, _) = policies.get(behind.checked_sub(1)?)?;
    let same = policies[..behind].iter().rev().take_while(|(other, _)| other.start == item.start);
    same.filter(|(item, _)| span.end <= item.end).map(|(_, name)| *name).min()
}

/// The package that a file says it belongs to.
fn package(text: &str) -> String {
    let items = ordain_grammar::parse(text).file.items;
    let package = items.into_iter().find_map(|item| match item {
        Item::Package(package) => Some(package.name.text),
        _ => None,
    });
    package.unwrap_or_default()
}
