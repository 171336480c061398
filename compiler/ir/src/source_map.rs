//! Where every policy of a workspace stands.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{PolicyId, PolicySource};

/// Where the policies that one file makes stand: in the file, or in the templates that it applies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileSources {
    policies: BTreeMap<PolicyId, PolicySource>,
    /// The files in which they stand or are applied.
    files: BTreeSet<String>,
}

impl FileSources {
    /// Where a policy stands.
    pub fn get(&self, policy: &PolicyId) -> Option<&PolicySource> {
        self.policies.get(policy)
    }

    /// All, in the order of their identities.
    pub fn iter(&self) -> impl Iterator<Item = (&PolicyId, &PolicySource)> {
        self.policies.iter()
    }
}

impl FromIterator<(PolicyId, PolicySource)> for FileSources {
    fn from_iter<I: IntoIterator<Item = (PolicyId, PolicySource)>>(policies: I) -> Self {
        let (policies, mut files): (BTreeMap<PolicyId, PolicySource>, _) =
            (policies.into_iter().collect(), BTreeSet::new());
        for source in policies.values() {
            for file in [Some(&source.file), source.application.as_ref().map(|site| &site.file)] {
                if let Some(file) = file.filter(|file| !files.contains(*file)) {
                    files.insert(file.clone());
                }
            }
        }
        Self { policies, files }
    }
}

/// Which file makes a policy, by its number: the same as long as no policy comes, goes, or moves to another file.
pub type Makers = BTreeMap<PolicyId, usize>;

/// Where every policy of a workspace stands. An edit moves the policies of one file of many, so the places are kept by
/// the files that make them, and shared. Written as a map from identities to places.
#[derive(Clone, Debug, Default)]
pub struct SourceMap {
    makers: Arc<Makers>,
    files: Vec<Arc<FileSources>>,
}

impl SourceMap {
    /// The places in some files of the policies that each of them makes. A policy without a place in its file has none.
    pub fn new(makers: Arc<Makers>, files: Vec<Arc<FileSources>>) -> Self {
        Self { makers, files }
    }

    /// Where a policy stands.
    pub fn get(&self, policy: &PolicyId) -> Option<&PolicySource> {
        self.files.get(*self.makers.get(policy)?)?.get(policy)
    }

    /// All, in the order of their identities.
    pub fn iter(&self) -> impl Iterator<Item = (&PolicyId, &PolicySource)> {
        self.makers.iter().filter_map(|(policy, at)| Some((policy, self.files.get(*at)?.get(policy)?)))
    }

    /// All that stand in files of a kind, or are applied there, file by file.
    pub fn within<'a>(
        &'a self,
        wanted: &'a dyn Fn(&str) -> bool,
    ) -> impl Iterator<Item = (&'a PolicyId, &'a PolicySource)> {
        let files = self.files.iter().enumerate();
        let files = files.filter(move |(_, file)| file.files.iter().any(|file| wanted(file)));
        let own = move |at, policy: &PolicyId| self.makers.get(policy) == Some(&at);
        let stands = move |source: &PolicySource| {
            wanted(&source.file) || source.application.as_ref().is_some_and(|site| wanted(&site.file))
        };
        files.flat_map(move |(at, file)| {
            file.iter().filter(move |(policy, source)| stands(source) && own(at, policy))
        })
    }
}

impl PartialEq for SourceMap {
    fn eq(&self, other: &Self) -> bool {
        if Arc::ptr_eq(&self.makers, &other.makers) {
            return self.files == other.files;
        }
        self.iter().eq(other.iter())
    }
}

impl Eq for SourceMap {}

impl FromIterator<(PolicyId, PolicySource)> for SourceMap {
    fn from_iter<I: IntoIterator<Item = (PolicyId, PolicySource)>>(policies: I) -> Self {
        let file: FileSources = policies.into_iter().collect();
        let makers = file.policies.keys().map(|policy| (*policy, 0)).collect();
        Self { makers: Arc::new(makers), files: vec![Arc::new(file)] }
    }
}

impl<const N: usize> From<[(PolicyId, PolicySource); N]> for SourceMap {
    fn from(policies: [(PolicyId, PolicySource); N]) -> Self {
        policies.into_iter().collect()
    }
}

impl Serialize for SourceMap {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de> Deserialize<'de> for SourceMap {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let policies = BTreeMap::<PolicyId, PolicySource>::deserialize(deserializer)?;
        Ok(policies.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Place, PolicyKind, Site};

    fn source(file: &str, applied: Option<&str>) -> PolicySource {
        let place = Place { span: crate::Span { start: 0, end: 1 }, line: 1, column: 1 };
        PolicySource {
            kind: PolicyKind::Rule,
            file: file.to_owned(),
            item: place,
            clauses: BTreeMap::new(),
            application: applied.map(|file| Site { file: file.to_owned(), place }),
        }
    }

    fn id(name: &str) -> PolicyId {
        PolicyId::of(&name.into())
    }

    /// Both files make a `twice`; it is the second's. Nobody has a place of `lost`.
    fn map() -> SourceMap {
        let first = [(id("one"), source("a", None)), (id("twice"), source("a", None))];
        let second = [(id("made"), source("templates", Some("b"))), (id("twice"), source("b", None))];
        let makers = [(id("one"), 0), (id("made"), 1), (id("twice"), 1), (id("lost"), 1)];
        let files = [first, second].map(|file| Arc::new(file.into_iter().collect()));
        SourceMap::new(Arc::new(makers.into()), files.into())
    }

    #[test]
    fn a_policy_stands_where_its_maker_says() {
        let map = map();
        assert_eq!(map.get(&id("twice")).map(|source| source.file.as_str()), Some("b"));
        assert_eq!(map.get(&id("lost")), None);
        assert_eq!(map.iter().count(), 3);
    }

    #[test]
    fn templates_and_applications_are_both_places() {
        let map = map();
        let within = |file: &str| {
            let mut all: Vec<PolicyId> = map.within(&|it| it == file).map(|(policy, _)| *policy).collect();
            all.sort_unstable();
            all
        };
        let sorted = |names: &[&str]| {
            let mut all: Vec<PolicyId> = names.iter().map(|name| id(name)).collect();
            all.sort_unstable();
            all
        };
        assert_eq!(within("a"), sorted(&["one"]));
        assert_eq!(within("b"), sorted(&["made", "twice"]));
        assert_eq!(within("templates"), sorted(&["made"]));
        assert_eq!(within("c"), []);
    }

    #[test]
    fn what_is_read_back_equals_what_was_written() {
        let map = map();
        let text = serde_json::to_string(&map).unwrap();
        let back: SourceMap = serde_json::from_str(&text).unwrap();
        assert_eq!(back, map);
        assert_eq!(serde_json::to_string(&back).unwrap(), text);
        let other: SourceMap = [(id("one"), source("b", None))].into();
        assert_ne!(other, map);
    }
}
