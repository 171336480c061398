//! `check --fix`: puts the fixes that diagnostics carry into the files.
//!
//! Fixes are applied in memory, up to a fixpoint, and written once at the end. One that doesn't remove its diagnostic,
//! or leaves more errors or conflicts than there were, is taken back.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use jiff::Timestamp;
use ordain_compiler::workspace::{MANIFEST, decode, load};
use ordain_ir::diagnostic::Fix;
use ordain_ir::{Code, ConflictType, Diagnostic, Place, Severity, fix};

use crate::args::Fixes;
use crate::failure::Failure;
use crate::files;
use crate::progress::Progress;
use crate::workspace::{Session, place};

/// No workspace is fixed more often than this.
const ROUNDS: usize = 1_000;

/// A fix that was applied, or taken back.
#[derive(Clone, Debug)]
pub(crate) struct Done {
    /// The file.
    pub(crate) file: String,
    /// Where, in the text as it was then.
    pub(crate) place: Place,
    /// What it mends.
    pub(crate) code: Code,
    /// What it does.
    pub(crate) title: String,
}

/// What came of it.
#[derive(Debug, Default)]
pub(crate) struct Fixed {
    /// In order.
    pub(crate) applied: Vec<Done>,
    /// Taken back, since they would have left more errors, or the same.
    pub(crate) refused: Vec<Done>,
    /// How many findings have a fix that guesses, and was left alone for that.
    pub(crate) guesses: usize,
}

/// A diagnostic and a fix of it, wherever both have moved to.
type Key = (String, Code, String, String);

fn key(diagnostic: &Diagnostic, fix: &Fix) -> Key {
    (fix.file.clone(), diagnostic.code.clone(), diagnostic.message.clone(), fix.title.clone())
}

/// Applies fixes to a workspace and to its files.
pub(crate) fn apply(
    session: &mut Session,
    which: Fixes,
    now: Timestamp,
    progress: &Progress,
) -> Result<Fixed, Failure> {
    let before = session.files().clone();
    let mut fixed = Fixed::default();
    let mut refused: BTreeSet<Key> = BTreeSet::new();
    // Fixes that get along are applied together; once some did not, one by one, to find which.
    let mut singly = false;
    for _ in 0..ROUNDS {
        let found = findings(session, now, progress)?;
        let mut round = choose(session, &found, which, &refused);
        if singly {
            round.truncate(1);
        }
        if round.is_empty() {
            fixed.guesses = choose(session, &found, Fixes::All, &refused).len();
            break;
        }
        let done: Vec<Done> = round.iter().map(|(found, fix)| done(session.files(), found, fix)).collect();
        let left = session.files().clone();
        session.set_files(edited(&left, &round));
        let after = findings(session, now, progress)?;
        let gone = |(diagnostic, fix): &(&Diagnostic, &Fix)| {
            let key = key(diagnostic, fix);
            count(&after, &key) < count(&found, &key)
        };
        // Of several, each must have mended its own, or one might have made up for another.
        let mended = round.iter().filter(|(diagnostic, _)| diagnostic.severity == Severity::Error).count();
        let allowed = errors(&found) - if round.len() > 1 { mended } else { 0 };
        let calmed = round.iter().filter(|(diagnostic, _)| is_conflict(diagnostic)).count();
        let quiet = calmed == 0 || conflicts(&after) + calmed <= conflicts(&found);
        if errors(&after) <= allowed && quiet && round.iter().all(gone) {
            fixed.applied.extend(done);
            continue;
        }
        if let [(diagnostic, fix)] = round.as_slice() {
            refused.insert(key(diagnostic, fix));
            fixed.refused.extend(done);
        }
        singly = true;
        session.set_files(left);
    }
    for (file, text) in session.files() {
        if let Some(old) = before.get(file).filter(|old| *old != text) {
            files::replace(&session.root().join(file), old, text)?;
        }
    }
    Ok(fixed)
}

/// Applies fixes to the workspace file, as long as it can't be read without.
pub(crate) fn apply_to_manifest(path: &Path, which: Fixes) -> Result<Vec<Done>, Failure> {
    let mut applied = vec![];
    let root = path.canonicalize().ok().and_then(|path| {
        let root = path.ancestors().find(|folder| folder.join(MANIFEST).is_file());
        root.map(Path::to_owned)
    });
    let Some(file) = root.map(|root| root.join(MANIFEST)) else { return Ok(applied) };
    while let Err(problems) = load(path)
        && applied.len() < ROUNDS
    {
        let Ok(old) = decode(MANIFEST, files::read(&file)?) else { break };
        let fixes = problems.iter().flat_map(|problem| problem.fixes.iter().map(move |fix| (problem, fix)));
        let Some(one) = fixes.into_iter().find(|(_, fix)| fix.file == MANIFEST && is_wanted(fix, which))
        else {
            break;
        };
        let texts = BTreeMap::from([(MANIFEST.to_owned(), old)]);
        let (old, new) = (&texts[MANIFEST], &edited(&texts, &[one])[MANIFEST]);
        files::replace(&file, old, new)?;
        if load(path).is_err_and(|left| left.len() > problems.len() || left.contains(one.0)) {
            files::replace(&file, new, old)?;
            break;
        }
        applied.push(done(&texts, one.0, one.1));
    }
    Ok(applied)
}

fn is_wanted(fix: &Fix, which: Fixes) -> bool {
    which == Fixes::All || fix.certain
}

fn errors(found: &[Diagnostic]) -> usize {
    found.iter().filter(|diagnostic| diagnostic.severity == Severity::Error).count()
}

fn is_conflict(diagnostic: &Diagnostic) -> bool {
    ConflictType::ALL.iter().any(|kind| kind.code() == diagnostic.code)
}

fn conflicts(found: &[Diagnostic]) -> usize {
    found.iter().filter(|diagnostic| is_conflict(diagnostic)).count()
}

fn count(found: &[Diagnostic], wanted: &Key) -> usize {
    let keys = found.iter().flat_map(|it| it.fixes.iter().map(move |fix| key(it, fix)));
    keys.filter(|key| key == wanted).count()
}

/// What the compiler says; and, once it has no errors, what the analysis does. Before, an `allow` may look unused only
/// because the policy that it names can't be read.
fn findings(session: &Session, now: Timestamp, progress: &Progress) -> Result<Vec<Diagnostic>, Failure> {
    let found = session.diagnostics();
    if errors(&found) > 0 {
        return Ok(found);
    }
    let checked = session.check(None, now, progress)?;
    let conflicts = ordain_analyzer::conflict_diagnostics(&checked.report, &checked.sources);
    Ok(checked.diagnostics.into_iter().chain(conflicts).collect())
}

/// Fixes in the workspace's own files that don't touch each other, by file and place.
fn choose<'a>(
    session: &Session,
    found: &'a [Diagnostic],
    which: Fixes,
    refused: &BTreeSet<Key>,
) -> Vec<(&'a Diagnostic, &'a Fix)> {
    let all = found.iter().filter_map(|diagnostic| {
        let mut fixes = diagnostic.fixes.iter().filter(|fix| is_wanted(fix, which));
        // Where there is a choice, somebody has to make it.
        let fix = fixes.next().filter(|_| fixes.next().is_none())?;
        let own = session.files().contains_key(&fix.file);
        (own && !refused.contains(&key(diagnostic, fix))).then_some((diagnostic, fix))
    });
    fix::apart(all.collect(), |(_, fix)| fix)
}

fn done(texts: &BTreeMap<String, String>, diagnostic: &Diagnostic, fix: &Fix) -> Done {
    let place = place(texts.get(&fix.file).map(String::as_str), fix.span);
    Done { file: fix.file.clone(), place, code: diagnostic.code.clone(), title: fix.title.clone() }
}

/// The texts after some fixes that don't touch each other, sorted.
fn edited(texts: &BTreeMap<String, String>, fixes: &[(&Diagnostic, &Fix)]) -> BTreeMap<String, String> {
    let mut texts = texts.clone();
    // From the end, so that places further up stay where they are.
    for (_, fix) in fixes.iter().rev() {
        if let Some(text) = texts.get_mut(&fix.file) {
            let (span, replacement) = fix.edit(text);
            text.replace_range(span.range(), replacement);
        }
    }
    texts
}
