//! `allow`: what is accepted, with a reason.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use ordain_grammar::ast::{Allow, LiteralKind};
use ordain_grammar::suggest::nearest;
use ordain_ir::{Allowance, Allowed, Code, ConflictType, PolicyKind, PolicyName, codes};

use super::{Checker, FilePolicies};

/// What is allowed, before its policies are known.
enum What {
    Conflict(ConflictType),
    Warning(Code),
}

impl Checker<'_> {
    /// Checks an `allow` and puts it to the others if nothing is wrong with it.
    pub(super) fn allow(&mut self, it: &Allow, into: &mut FilePolicies) {
        let before = self.diagnostics.len();
        let what = self.allowed(it);
        let policies = self.allowed_policies(it, what.as_ref());
        let because = self.reason(it);
        for again in it.until.iter().skip(1) {
            let error = self.error(codes::DUPLICATE_CLAUSE, again.span, "`until` stands twice");
            self.report(error.and_at(self.path, it.until[0].span, "the first one"));
        }
        let until = it.until.first().map(|until| self.moment(until, &TimeZone::UTC));
        if it.broken || self.diagnostics.len() > before {
            return;
        }
        let (Some(what), Some(policies), Some(because), false) =
            (what, policies, because, until == Some(None))
        else {
            return;
        };
        let allowed = match what {
            What::Conflict(conflict_type) => Allowed::Conflict { conflict_type, policies },
            What::Warning(code) => match policies.into_iter().next() {
                Some(policy) => Allowed::Warning { code, policy },
                None => return,
            },
        };
        let until = until.flatten().and_then(|at| Timestamp::from_second(at).ok());
        let allowance = Allowance { allowed, because, until, package: self.view.package().to_owned() };
        self.places.allowances.entry(allowance.clone()).or_insert(it.span);
        into.allowances.insert(allowance);
    }

    /// The type of conflict or the code.
    fn allowed(&mut self, it: &Allow) -> Option<What> {
        let text = it.what.text.as_str();
        if text.is_empty() {
            return None;
        }
        if let Some(found) = ConflictType::ALL.iter().find(|kind| written(**kind) == text) {
            return Some(What::Conflict(*found));
        }
        if !text.starts_with("ORD") {
            let types: Vec<String> = ConflictType::ALL.iter().map(|kind| written(*kind)).collect();
            self.unknown_word(
                &it.what,
                "type of conflict",
                &types.iter().map(String::as_str).collect::<Vec<_>>(),
            );
            return None;
        }
        let Some((code, title)) = codes::ALL.iter().find(|(code, _)| code.as_str() == text) else {
            let message = format!("there is no code `{text}`");
            let error = self.error(codes::UNKNOWN_WORD, it.what.span, message);
            let known = codes::ALL.iter().map(|(code, _)| code).filter(|code| codes::is_lint(code));
            self.report(match nearest(text, known.map(Code::as_str)) {
                Some(near) => {
                    error.help(format!("did you mean `{near}`?")).fix(format!("write `{near}`"), near)
                }
                None => error.help("warnings say their code in brackets: `warning[ORD0401]`"),
            });
            return None;
        };
        if codes::is_lint(code) {
            return Some(What::Warning(code.clone()));
        }
        let conflict = ConflictType::ALL.iter().find(|kind| kind.code() == *code);
        let message = match conflict {
            Some(_) => format!("`{text}` is a conflict, which is allowed by its type"),
            None => format!("`{text}` is an error, which can't be allowed: {title}"),
        };
        let error = self.error(codes::NOT_ALLOWABLE, it.what.span, message);
        self.report(match conflict {
            Some(kind) => {
                error.help(format!("write `allow {} between … and … because \"…\"`", written(*kind)))
            }
            None => error.help("only warnings can be allowed; mend what is wrong"),
        });
        None
    }

    fn allowed_policies(&mut self, it: &Allow, what: Option<&What>) -> Option<BTreeSet<PolicyName>> {
        let mut policies = BTreeSet::new();
        let mut kinds = BTreeSet::new();
        let mut sound = true;
        for name in it.policies.iter().filter(|name| !name.text.is_empty()) {
            let Some((full, kind)) = self.policy_with_kind(name, None) else {
                sound = false;
                continue;
            };
            kinds.insert(kind);
            if !policies.insert(full) {
                self.twice(name);
                sound = false;
            }
        }
        if !sound {
            return None;
        }
        let wrong = match what? {
            What::Conflict(kind) => match (kind, policies.len()) {
                (_, 0 | 1) => Some("a conflict is between two policies at least"),
                (ConflictType::ThresholdContradiction, _) | (_, 2) => None,
                _ => Some("a conflict of this type is between two policies"),
            },
            What::Warning(_) => (policies.len() != 1).then_some("a warning is about one policy"),
        };
        let help = "write an `allow` for each, such as `allow scope-overlap between a and b because \"…\"`";
        let mixed = kinds.len() > 1 && *kinds.first()? == PolicyKind::Rule;
        if let Some(message) = wrong.or_else(|| mixed.then_some("a rule and a limit are never in conflict")) {
            let span = match (it.policies.first(), it.policies.last()) {
                (Some(first), Some(last)) => first.span.cover(last.span),
                _ => it.span,
            };
            let error = self.error(codes::BAD_ALLOW, span, message);
            self.report(if wrong.is_some() { error.help(help) } else { error });
            return None;
        }
        Some(policies)
    }

    fn reason(&mut self, it: &Allow) -> Option<String> {
        for again in it.because.iter().skip(1) {
            let error = self.error(codes::DUPLICATE_CLAUSE, again.span, "`because` stands twice");
            self.report(error.and_at(self.path, it.because[0].span, "the first one"));
        }
        let advice = "say for those who come after why it is right: `because \"…\"`";
        let Some(because) = it.because.first() else {
            if !it.broken {
                let error = self.error(codes::MISSING_REASON, it.span, "this `allow` has no reason");
                self.report(error.help(advice));
            }
            return None;
        };
        let LiteralKind::Text(text) = &because.kind else { return None };
        if text.trim().is_empty() {
            let error = self.error(codes::MISSING_REASON, because.span, "this reason is empty");
            self.report(error.help(advice));
            return None;
        }
        Some(text.clone())
    }
}

/// A type of conflict as source writes it.
fn written(kind: ConflictType) -> String {
    kind.as_str().to_lowercase().replace('_', "-")
}
