//! Analyses of policies that change by and by, as in an editor: what rests on policies that stay the same is kept.
//!
//! A conflict of two policies depends on what they and the rules to which they are confined say, on the facts that
//! their conditions read, on the settings, on the horizon, and on whether one of them overrides the other. So after an
//! edit only pairs with a policy for which something of that has changed are judged; likewise only groups of limits
//! with such a member, and only coverage that such a rule could take part in. Where facts that conditions read,
//! settings, meters or the horizon change, everything is looked at afresh.

mod changes;
mod found;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use ordain_ir::{Obligation, Policies, PolicyId};

pub use self::changes::differing;
pub(crate) use self::changes::{Changes, Covering};
use self::found::ByPolicy;
pub(crate) use self::found::Index;
pub use self::found::{Found, Involved};

use crate::allowances::Acknowledgements;
use crate::analysis::{Contradictions, Kind, News, Options, counts, pool};
use crate::conditions::Memo;
use crate::coverage::{Before, Covered};
use crate::domain::{Algebra, AnalyzerError, Ground};
use crate::lints::{self, Lint};
use crate::pairs::Hard;
use crate::progress::{Stage, Watch};

/// The state of a row of analyses. Each of them finds what [`analyze`](crate::analyze) would find in the same policies;
/// what came before changes how long it takes and nothing else.
#[derive(Debug, Default)]
pub struct Session {
    memo: Arc<Memo>,
    kept: Option<Kept>,
    /// Something is being added to what is kept. If this is still so when the next analysis starts, that has failed.
    unsettled: bool,
}

/// What is kept of the last analysis.
#[derive(Debug)]
struct Kept {
    policies: Arc<Policies>,
    ground: Arc<Ground>,
    /// What the ground had at first. What no policy has any more is never taken out of it, so it may not grow for ever.
    size: usize,
    known: Known,
    considered: BTreeMap<Kind, u64>,
    hard: Vec<Hard>,
    /// Without acknowledgements.
    conflicts: ByPolicy,
    found: Arc<Found>,
    lints: Option<KeptLints>,
}

/// What is kept of the last search for lints.
#[derive(Debug)]
struct KeptLints {
    policies: Arc<Policies>,
    known: lints::Known,
}

/// What is known of sets of policies, if none of them has changed.
#[derive(Debug, Default)]
pub(crate) struct Known {
    pub(crate) contradictions: Arc<Contradictions>,
    covered: BTreeMap<Obligation, Covered>,
}

impl Known {
    pub(crate) fn obligations(&self) -> impl Iterator<Item = &Obligation> {
        self.covered.keys()
    }

    /// What is known of an obligation beside these changes.
    pub(crate) fn of(&self, obligation: &Obligation, changes: &Changes) -> Before<'_> {
        match (self.covered.get(obligation), changes.covering(obligation)) {
            (None, _) | (_, Covering::Otherwise) => Before::Nothing,
            (Some(covered), Covering::ByCondition) => Before::Parts(covered),
            (Some(covered), Covering::Alike) => Before::All(covered),
        }
    }
}

impl Session {
    /// A session that has seen nothing, with answers that others may share.
    pub fn new(memo: Arc<Memo>) -> Self {
        Self { memo, kept: None, unsettled: false }
    }

    /// Finds every conflict between the policies, and every gap in the coverage that they require. The memo of the
    /// options doesn't count, that of the session does.
    ///
    /// An analysis that is interrupted leaves the session as it was.
    ///
    /// # Errors
    /// As of [`analyze`](crate::analyze).
    pub fn analyze(
        &mut self,
        policies: &Arc<Policies>,
        options: &Options<'_>,
    ) -> Result<Arc<Found>, AnalyzerError> {
        if std::mem::replace(&mut self.unsettled, false) {
            self.kept = None;
        }
        if let Some(kept) = &self.kept
            && Arc::ptr_eq(&kept.policies, policies)
        {
            return Ok(Arc::clone(&kept.found));
        }
        let pool = pool(options)?;
        let watch = Watch::new(options.interrupt, options.progress);
        watch.enter(Stage::Domains);
        let memo = Arc::clone(&self.memo);
        let changes = self.kept.as_ref().and_then(|kept| kept.changes(policies));
        if let (Some(kept), Some(mut changes)) = (&mut self.kept, changes)
            && let Some(ground) = Arc::get_mut(&mut kept.ground)
        {
            self.unsettled = true;
            pool.install(|| changes.add_to(ground, policies, &memo));
            changes.settle(kept.known.obligations(), ground, &memo);
            self.unsettled = false;
            let algebra = Algebra::on(Arc::clone(&kept.ground), policies, &memo);
            let news = News::gather(&algebra, &changes, &kept.known, &pool, &watch)?;
            drop(algebra);
            watch.enter(Stage::Report);
            self.unsettled = true;
            kept.take_in(news, &changes, policies);
            self.unsettled = false;
            return Ok(Arc::clone(&kept.found));
        }
        let changes = Changes::everything(policies);
        let mut ground = Ground::new(policies);
        pool.install(|| changes.add_to(&mut ground, policies, &memo));
        let ground = Arc::new(ground);
        let algebra = Algebra::on(Arc::clone(&ground), policies, &memo);
        let news = News::gather(&algebra, &changes, &Known::default(), &pool, &watch)?;
        drop(algebra);
        watch.enter(Stage::Report);
        let mut kept = Kept {
            policies: Arc::clone(policies),
            size: ground.len(),
            ground,
            known: Known::default(),
            considered: BTreeMap::new(),
            hard: vec![],
            conflicts: ByPolicy::default(),
            found: Arc::default(),
            lints: None,
        };
        kept.take_in(news, &changes, policies);
        Ok(Arc::clone(&self.kept.insert(kept).found))
    }

    /// Finds what [`lint`](crate::lint) would find in the policies, and their conflicts before it, unless these are known.
    /// The memo of the options doesn't count, that of the session does. A search that is interrupted leaves what is kept
    /// as it was.
    ///
    /// # Errors
    /// As of [`lint`](crate::lint).
    pub fn lint(
        &mut self,
        policies: &Arc<Policies>,
        options: &Options<'_>,
        now: Option<Timestamp>,
    ) -> Result<Vec<Arc<Lint>>, AnalyzerError> {
        self.analyze(policies, options)?;
        let Some(kept) = &mut self.kept else { return Ok(vec![]) };
        let nothing = lints::Known::default();
        let (changes, known) = match &kept.lints {
            Some(lints) => (Changes::between(&lints.policies, policies, &kept.ground), &lints.known),
            None => (None, &nothing),
        };
        let changes = changes.unwrap_or_else(|| Changes::everything(policies));
        let pool = pool(options)?;
        let algebra = Algebra::on(Arc::clone(&kept.ground), policies, &self.memo);
        let runner = lints::Runner::new(&pool, options);
        let (found, news) = lints::lint_beside(&algebra, &changes, known, &runner, now)?;
        drop(algebra);
        let policies = Arc::clone(policies);
        let mut known = kept.lints.take().map(|lints| lints.known).unwrap_or_default();
        known.take_in(news);
        kept.lints = Some(KeptLints { policies, known });
        Ok(found)
    }
}

impl Kept {
    /// What has changed since, if it can be looked at by itself.
    fn changes(&self, policies: &Policies) -> Option<Changes> {
        let room = 2 * self.size + 10_000;
        (self.ground.len() < room).then(|| Changes::between(&self.policies, policies, &self.ground))?
    }

    /// Takes in what was found about the changes that lead to these policies.
    fn take_in(&mut self, news: News, changes: &Changes, policies: &Arc<Policies>) {
        let News { judged, considered, contradictions, covered } = news;
        self.hard.retain(|hard| !hard.pair.iter().any(|name| changes.concern(name)));
        self.hard.extend(judged.hard);
        self.considered.extend(considered);
        let (old, new) = (&self.known.contradictions.joint, &contradictions.joint);
        let gone = old
            .iter()
            .filter(|(members, (_, old))| new.get(*members).is_none_or(|(_, new)| !Arc::ptr_eq(old, new)));
        let gone: Vec<_> = gone.map(|(_, (_, conflict))| Arc::clone(conflict)).collect();
        let new = new
            .iter()
            .filter(|(members, (_, new))| old.get(*members).is_none_or(|(_, old)| !Arc::ptr_eq(old, new)));
        let new = new.map(|(_, (_, conflict))| Arc::clone(conflict));
        let changed: Vec<PolicyId> = changes.policies().map(PolicyId::of).collect();
        let new: Vec<_> = judged.conflicts.into_iter().chain(new).collect();
        self.conflicts.replace(&changed, &gone, &new);
        let unexplored_groups = contradictions.unexplored_groups;
        self.known = Known { contradictions, covered };
        self.policies = Arc::clone(policies);
        let pairs = counts(self.considered.values().sum(), self.hard.iter(), unexplored_groups);
        let gaps = self.known.covered.values().filter_map(|it| it.gap.clone()).collect();
        let conflicts = self.conflicts.acknowledged(&Acknowledgements::of(policies));
        self.found = Arc::new(Found::new(conflicts, pairs, gaps));
    }
}
