//! What a reader wants to know of a name: its declaration, its documentation, its conflicts.

use std::fmt::Write as _;

use ordain_compiler::Meaning;
use ordain_grammar::ast::Item;
use ordain_ir::{Bound, Direction, Fact, Limit, Policies, PolicyId, PolicyName, Rule, Span, Value};

use crate::names::occurrence;
use crate::{Analysed, Snapshot, Standing};

/// What to show over a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hover {
    /// The name.
    pub span: Span,
    /// The text.
    pub markdown: String,
}

impl Snapshot {
    /// What to show over the name at an offset. Conflicts are those of `analysed`, as far as they still hold.
    pub fn hover(&self, file: &str, offset: u32, analysed: Option<&Analysed>) -> Option<Hover> {
        let name = occurrence(self.tree(file)?, offset)?;
        if let Some(parameter) = name.parameter {
            let text = self.input.file(&self.db, file)?.text(&self.db);
            return Some(Hover { span: name.span, markdown: code(text.get(parameter.span.range())?) });
        }
        let meaning = self.meaning(file, name)?;
        let policies = ordain_compiler::policies(&self.db, self.input);
        let markdown = match &meaning {
            Meaning::Policy(policy, ..) => {
                let standing = analysed.map(|analysed| analysed.standing(policies));
                policy_text(policies, standing.as_ref(), policy)?
            }
            Meaning::Fact(_, entry) => fact_text(entry.fact.as_ref()?),
            Meaning::Let(..) | Meaning::Meter(_) | Meaning::Template(..) | Meaning::Apply(..) => {
                let (origin, item) = self.declaration(&meaning)?;
                let text = origin.text(&self.db).get(item.span().range())?;
                match item {
                    Item::Let(it) => with_doc(code(text), &it.doc),
                    Item::Meter(it) => with_doc(code(text), &it.doc),
                    // What it makes follows from its parameters.
                    Item::Template(it) => {
                        let last = it.parameters.last().map_or(it.name.span, |parameter| parameter.span);
                        let end = usize::try_from(last.end - it.span.start).ok()?;
                        let rest = text.get(end..)?.split('{').next()?;
                        with_doc(code(text.get(..end + rest.len())?.trim_end()), &it.doc)
                    }
                    Item::Apply(it) => with_doc(code(text), &it.doc),
                    _ => return None,
                }
            }
        };
        Some(Hover { span: name.span, markdown })
    }
}

fn code(text: &str) -> String {
    format!("```ordain\n{text}\n```")
}

fn with_doc(mut text: String, doc: &str) -> String {
    if !doc.is_empty() {
        let _ = write!(text, "\n\n{doc}");
    }
    text
}

fn fact_text(fact: &Fact) -> String {
    let mut declared = format!("fact {} : {}", fact.name, fact.ty);
    if let Some((least, greatest)) = fact.range {
        let [least, greatest] = [least, greatest].map(|number| {
            let json = Value::Number(number).to_json(&fact.ty);
            json.as_str().map_or_else(|| json.to_string(), str::to_owned)
        });
        let _ = write!(declared, " in {least}..{greatest}");
    }
    if fact.optional {
        declared.push_str(" optional");
    }
    if fact.opaque {
        declared.push_str(" opaque");
    }
    with_doc(format!("```ordain\n{declared}\n```"), &fact.doc)
}

fn policy_text(policies: &Policies, standing: Option<&Standing>, name: &PolicyName) -> Option<String> {
    let (mut declared, doc, derived) = match (policies.rules.get(name), policies.limits.get(name)) {
        (Some(rule), _) => (rule_text(rule), &rule.doc, &rule.derived),
        (None, Some(limit)) => (limit_text(limit), &limit.doc, &limit.derived),
        (None, None) => return None,
    };
    if let Some(template) = derived.as_ref().and_then(|derived| derived.template.as_ref()) {
        let _ = write!(declared, " · from template `{template}`");
    }
    let mut text = with_doc(declared, doc);
    let id = PolicyId::of(name);
    let mut conflicts = standing.into_iter().flat_map(|standing| standing.of(&id));
    if let Some(first) = conflicts.next() {
        text.push_str("\n\n---\n\nConflicts:\n");
        for conflict in std::iter::once(first).chain(conflicts) {
            let _ = write!(
                text,
                "\n- **{} {}** ({}): {}",
                conflict.severity, conflict.conflict_type, conflict.certainty, conflict.explanation
            );
        }
    }
    Some(text)
}

fn rule_text(rule: &Rule) -> String {
    format!(
        "```ordain\nrule {}\n```\n\n{} · {} · priority {} · {}",
        rule.name, rule.rule_type, rule.enforcement_mode, rule.priority, rule.scope
    )
}

fn limit_text(limit: &Limit) -> String {
    let Bound { direction, value } = limit.bound;
    let bound = match direction {
        Direction::AtMost => "at most",
        Direction::AtLeast => "at least",
    };
    let value = limit.quantity.format(value);
    format!(
        "```ordain\nlimit {}\n```\n\n{} {bound} {value} · {} · {}",
        limit.name,
        limit.quantity.wording(),
        limit.enforcement,
        limit.scope
    )
}
