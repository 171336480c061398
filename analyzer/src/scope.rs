//! Exact algebra of scopes: unions of segment-pattern boxes minus unions of boxes.
//!
//! In each of the four dimensions the patterns at hand cut all segments into finitely many classes; segments
//! of one class match the same patterns. A scope can't tell paths apart whose segments have the same classes,
//! so walking the classes, dimension by dimension, decides everything and yields a path on the way.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use ordain_ir::{Glob, Path, ScopePattern, ScopeSelector, TextTest};

use crate::Answer;
use crate::bits::Bits;
use crate::strings::Strings;

/// Most sets of live patterns that a walk keeps.
const MAX_STATES: usize = 50_000;

/// Where a request comes from and goes to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subject {
    /// Tenant, project and agent.
    pub path: Path,
    /// The model provider, if any.
    pub provider: Option<String>,
}

/// A pattern's part in one dimension.
type GlobOf = fn(&ScopePattern) -> Option<&Glob>;

/// The dimensions, in the order of the walk.
const DIMENSIONS: [(&str, GlobOf); 4] = [
    ("tenant", |p| p.tenant.as_ref()),
    ("project", |p| p.project.as_ref()),
    ("agent", |p| p.agent.as_ref()),
    ("provider", |p| p.provider.as_ref()),
];

/// Segments that no pattern at hand tells apart.
struct Class {
    /// A member; `None` is the absent provider.
    segment: Option<String>,
    /// Bit set over all patterns: which of them accept the members.
    accepts: Bits,
}

/// The classes of one dimension, the most readable member first: no provider, then segments that patterns
/// name, then a word made up for the purpose.
fn classes(dimension: usize, patterns: &[&ScopePattern], strings: &Strings) -> Option<Vec<Class>> {
    let (word, glob_of) = DIMENSIONS[dimension];
    let globs: BTreeSet<&Glob> = patterns.iter().filter_map(|p| glob_of(p)).collect();
    let literals: BTreeSet<&str> = globs.iter().filter_map(|glob| glob.as_literal()).collect();
    let wild: Vec<&Glob> = globs.iter().copied().filter(|glob| glob.as_literal().is_none()).collect();
    let accepting = |segment: Option<&str>| {
        Bits::new(patterns.len(), |i| {
            glob_of(patterns[i]).is_none_or(|glob| segment.is_some_and(|text| glob.matches(text)))
        })
    };
    let class =
        |segment: Option<&str>| Class { segment: segment.map(str::to_owned), accepts: accepting(segment) };
    let mut out = vec![];
    if word == "provider" {
        out.push(class(None));
    }
    // A segment is never empty.
    out.extend(literals.iter().filter(|text| !text.is_empty()).map(|text| class(Some(text))));
    let outcome = |text: &str| {
        wild.iter().enumerate().fold(0_u64, |mask, (i, glob)| mask | u64::from(glob.matches(text)) << i)
    };
    let mut spare = word.to_owned();
    for n in 2..=literals.len() + 1 {
        if literals.contains(spare.as_str()) {
            spare = format!("{word}-{n}");
        }
    }
    if wild.is_empty() {
        out.push(class(Some(&spare)));
        return Some(out);
    }
    let tests: Vec<TextTest> = wild.iter().map(|glob| TextTest::Like(Glob::clone(glob))).collect();
    let mut made_up = vec![];
    for (vector, text) in &*strings.realisable(&tests, true)? {
        if outcome(&spare) == *vector {
            made_up.push(spare.clone());
        } else if !literals.contains(text.as_str()) {
            made_up.push(text.clone());
        } else {
            // Each literal is a class of its own; is there anything beside them?
            let others = literals.iter().filter(|text| outcome(text) == *vector);
            let exact = tests.iter().enumerate().map(|(i, test)| (test.clone(), vector >> i & 1 == 1));
            let beside = others.map(|text| (TextTest::Equals((*text).to_owned()), false));
            match strings.witness(&exact.chain(beside).collect::<Vec<_>>()) {
                Answer::Yes(text) if text.is_empty() => {}
                Answer::Yes(text) => made_up.push(text),
                Answer::No => {}
                Answer::Undecided => return None,
            }
        }
    }
    made_up.sort_by(|a, b| (a.len(), a).cmp(&(b.len(), b)));
    out.extend(made_up.iter().map(|text| class(Some(text))));
    Some(out)
}

/// All sets of patterns that some subject lies in, each with its canonical subject, in canonical order; only
/// those that pass `keep`, which may also be asked of partial walks with too many patterns set. `None` beyond
/// the caps.
fn walk(
    patterns: &[&ScopePattern],
    strings: &Strings,
    keep: impl Fn(&Bits) -> bool,
) -> Option<Vec<(Bits, Vec<Option<String>>)>> {
    let mut states = vec![(Bits::new(patterns.len(), |_| true), vec![])];
    for dimension in 0..DIMENSIONS.len() {
        let classes = classes(dimension, patterns, strings)?;
        let mut seen: HashSet<Bits> = HashSet::new();
        let mut next = vec![];
        for (alive, segments) in &states {
            for class in &classes {
                let alive = alive.and(&class.accepts);
                if keep(&alive) && seen.insert(alive.clone()) {
                    let mut segments: Vec<Option<String>> = Vec::clone(segments);
                    segments.push(class.segment.clone());
                    next.push((alive, segments));
                }
            }
            if next.len() > MAX_STATES {
                return None;
            }
        }
        states = next;
    }
    Some(states)
}

fn subject(segments: Vec<Option<String>>) -> Subject {
    let [tenant, project, agent, provider] =
        <[Option<String>; 4]>::try_from(segments).expect("a walk has a class for each dimension");
    let named = |segment: Option<String>| segment.expect("only a provider may be absent");
    Subject { path: Path { tenant: named(tenant), project: named(project), agent: named(agent) }, provider }
}

/// The patterns of several selectors in one row, and where each selector's stand.
struct Row<'a> {
    patterns: Vec<&'a ScopePattern>,
    /// Of each selector: its `include`, its `except`.
    ranges: Vec<(std::ops::Range<usize>, std::ops::Range<usize>)>,
}

impl<'a> Row<'a> {
    fn new(selectors: impl IntoIterator<Item = &'a ScopeSelector>) -> Self {
        let mut row = Self { patterns: vec![], ranges: vec![] };
        for selector in selectors {
            let start = row.patterns.len();
            row.patterns.extend(&selector.include);
            let middle = row.patterns.len();
            row.patterns.extend(&selector.except);
            row.ranges.push((start..middle, middle..row.patterns.len()));
        }
        row
    }

    fn contains(&self, selector: usize, alive: &Bits) -> bool {
        let (include, except) = &self.ranges[selector];
        alive.any_in(include.clone()) && !alive.any_in(except.clone())
    }
}

/// A subject that lies in all of `inside` and in none of `outside`.
pub fn find(inside: &[&ScopeSelector], outside: &[&ScopeSelector], strings: &Strings) -> Answer<Subject> {
    if outside.is_empty()
        && let Some(answer) = find_in_literal_boxes(inside)
    {
        return answer;
    }
    let row = Row::new(inside.iter().chain(outside).copied());
    let included = |alive: &Bits| (0..inside.len()).all(|i| alive.any_in(row.ranges[i].0.clone()));
    let Some(states) = walk(&row.patterns, strings, included) else { return Answer::Undecided };
    let fits = |alive: &Bits| {
        (0..inside.len()).all(|i| row.contains(i, alive))
            && (inside.len()..row.ranges.len()).all(|i| !row.contains(i, alive))
    };
    match states.into_iter().find(|(alive, _)| fits(alive)) {
        Some((_, segments)) => Answer::Yes(subject(segments)),
        None => Answer::No,
    }
}

/// The common case without classes: every selector one box of literals.
fn find_in_literal_boxes(inside: &[&ScopeSelector]) -> Option<Answer<Subject>> {
    let mut segments = vec![];
    let mut empty = false;
    for (word, glob_of) in DIMENSIONS {
        let mut named: Option<&str> = None;
        for selector in inside {
            let [pattern] = &*selector.include else { return None };
            if !selector.except.is_empty() {
                return None;
            }
            if let Some(glob) = glob_of(pattern) {
                let literal = glob.as_literal()?;
                empty |= literal.is_empty() || named.is_some_and(|other| other != literal);
                named = Some(literal);
            }
        }
        let made_up = (word != "provider").then_some(word);
        segments.push(named.or(made_up).map(str::to_owned));
    }
    Some(if empty { Answer::No } else { Answer::Yes(subject(segments)) })
}

/// Whether everything that all of `small` select, all of `big` select too, as far as single patterns show.
pub(crate) fn plainly_included(small: &[&ScopeSelector], big: &[&ScopeSelector]) -> bool {
    let around = |outer: &ScopePattern, inner: &ScopePattern| {
        DIMENSIONS.iter().all(|(_, glob_of)| match (glob_of(outer), glob_of(inner)) {
            (None, _) => true,
            (Some(outer), Some(inner)) => {
                outer == inner || inner.as_literal().is_some_and(|text| outer.matches(text))
            }
            (Some(_), None) => false,
        })
    };
    let within = |outer: &ScopeSelector, inner: &ScopeSelector| {
        outer.except.is_empty()
            && inner.include.iter().all(|inner| outer.include.iter().any(|outer| around(outer, inner)))
    };
    big.iter().all(|outer| small.iter().any(|inner| outer == inner || within(outer, inner)))
}

/// Whether everything that all of `small` select, all of `big` select too.
pub fn included(small: &[&ScopeSelector], big: &[&ScopeSelector], strings: &Strings) -> Answer<()> {
    if plainly_included(small, big) {
        return Answer::Yes(());
    }
    let mut undecided = false;
    for selector in big.iter().filter(|selector| !small.contains(selector)) {
        match find(small, &[selector], strings) {
            Answer::Yes(_) => return Answer::No,
            Answer::No => {}
            Answer::Undecided => undecided = true,
        }
    }
    if undecided { Answer::Undecided } else { Answer::Yes(()) }
}

/// The joint refinement: every set of selectors (bit `i` is `selectors[i]`) that some subject lies in exactly,
/// with such a subject; sorted by set. Each entry of `domains`, of which there are 128 at most, is a conjunction of
/// selectors. `None` beyond the caps.
pub fn minterms(domains: &[Vec<&ScopeSelector>], strings: &Strings) -> Option<Vec<(u128, Subject)>> {
    let row = Row::new(domains.iter().flatten().copied());
    let states = walk(&row.patterns, strings, |_| true)?;
    let mut out: BTreeMap<u128, Subject> = BTreeMap::new();
    for (alive, segments) in states {
        let mut first = 0;
        let mut set = 0;
        for (i, selectors) in domains.iter().enumerate() {
            let last = first + selectors.len();
            set |= u128::from((first..last).all(|s| row.contains(s, &alive))) << i;
            first = last;
        }
        out.entry(set).or_insert_with(|| subject(segments));
    }
    Some(out.into_iter().collect())
}

/// How others cut the subjects that all of `within` select: each set of the others (by number) that some of these
/// subjects lies in exactly, with such a subject, in canonical order. `None` beyond the caps.
pub(crate) fn cells(
    within: &[&ScopeSelector],
    others: &[&ScopeSelector],
    strings: &Strings,
) -> Option<Vec<(Bits, Subject)>> {
    let row = Row::new(within.iter().chain(others).copied());
    let included = |alive: &Bits| (0..within.len()).all(|i| alive.any_in(row.ranges[i].0.clone()));
    let states = walk(&row.patterns, strings, included)?;
    let mut seen = HashSet::new();
    let mut out = vec![];
    let inside = |alive: &Bits| (0..within.len()).all(|i| row.contains(i, alive));
    for (alive, segments) in states.into_iter().filter(|(alive, _)| inside(alive)) {
        let set = Bits::new(others.len(), |other| row.contains(other + within.len(), &alive));
        if seen.insert(set.clone()) {
            out.push((set, subject(segments)));
        }
    }
    Some(out)
}
