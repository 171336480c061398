//! The order of `use` lines. Each group, up to an empty line or another item, is sorted by path; a comment
//! directly above a line moves with it, what stands above an empty line stays on top of the group.

use super::item::Unit;
use super::lexeme::Comment;
use crate::ast::Item;

/// Sorts each group.
pub(super) fn sort(units: &mut [Unit<'_, '_>]) {
    let mut from = 0;
    while from < units.len() {
        let joins = |unit: &&Unit<'_, '_>| {
            is_use(unit) && !unit.gap && !unit.apart && unit.above.iter().all(|comment| !comment.blank)
        };
        let more = if is_use(&units[from]) { units[from + 1..].iter().take_while(joins).count() } else { 0 };
        let end = from + 1 + more;
        if more > 0 {
            sort_group(&mut units[from..end]);
        }
        from = end;
    }
}

fn is_use(unit: &Unit<'_, '_>) -> bool {
    matches!(unit.item, Item::Use(_))
}

fn sort_group(group: &mut [Unit<'_, '_>]) {
    let first = &mut group[0];
    let gap = std::mem::take(&mut first.gap);
    let attached = if std::mem::take(&mut first.apart) {
        first.above.len()
    } else {
        first.above.iter().rposition(|comment| comment.blank).unwrap_or(0)
    };
    let mut head: Vec<Comment<'_>> = first.above.drain(..attached).collect();
    if let Some(comment) = first.above.first_mut() {
        comment.blank = false;
    }
    group.sort_by(|a, b| key(a).cmp(&key(b)));
    let first = &mut group[0];
    first.gap = gap;
    match first.above.first_mut() {
        Some(comment) => comment.blank = !head.is_empty(),
        None => first.apart = !head.is_empty(),
    }
    head.append(&mut first.above);
    first.above = head;
}

/// Parts of the path, then what is taken from there.
fn key<'f>(unit: &Unit<'f, '_>) -> Option<(Vec<&'f str>, bool, Option<&'f str>)> {
    let Item::Use(item) = unit.item else { return None };
    Some((
        item.path.text.split('.').collect(),
        !item.all,
        item.alias.as_ref().map(|alias| alias.text.as_str()),
    ))
}
