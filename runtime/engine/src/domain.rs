//! The set of requests that a policy speaks about.

use ordain_ir::{Condition, Policies, PolicyName, Request, ScopeSelector, Window};

use crate::condition::{Test, Truth};
use crate::window::CompiledWindow;
use crate::{DecideError, EngineError, Mismatch};

/// Scope × window × condition of one policy.
#[derive(Debug)]
pub(crate) struct Domain {
    policy: PolicyName,
    scope: ScopeSelector,
    window: CompiledWindow,
    condition: Test,
}

/// Whether a request is in a domain; `Unknown` names the fact that it depends on and the policy that reads it.
pub(crate) enum Membership<'a> {
    Outside,
    Unknown(DecideErrorParts<'a>),
    Inside,
}

/// A missing fact and the policy whose condition depends on it.
pub(crate) type DecideErrorParts<'a> = (&'a ordain_ir::FactName, &'a PolicyName);

impl Domain {
    pub(crate) fn new(
        policy: &PolicyName,
        scope: &ScopeSelector,
        window: &Window,
        condition: &Condition,
        policies: &Policies,
    ) -> Result<Self, EngineError> {
        let unknown = |zone| EngineError::UnknownZone { policy: policy.clone(), zone };
        let unusable = |error| EngineError::of_condition(error, policy);
        Ok(Self {
            policy: policy.clone(),
            scope: scope.clone(),
            window: CompiledWindow::new(window).map_err(unknown)?,
            condition: Test::new(condition, &policies.facts).map_err(unusable)?,
        })
    }

    /// Whether the request is in the domain. The condition, the only part that may be unknown, comes last.
    pub(crate) fn membership(&self, request: &Request) -> Result<Membership<'_>, DecideError> {
        if !self.scope.contains(&request.path, request.provider.as_deref())
            || !self.window.contains(request.at)
        {
            return Ok(Membership::Outside);
        }
        let wrong =
            |Mismatch { fact, wanted }| DecideError::WrongValue { fact, wanted, policy: self.policy.clone() };
        Ok(match self.condition.evaluate(request).map_err(wrong)? {
            Truth::True => Membership::Inside,
            Truth::False => Membership::Outside,
            Truth::Unknown(fact) => Membership::Unknown((fact, &self.policy)),
        })
    }

    /// Whether the request is in the domain and in that of `confining`, if there is one. Unknown only if neither
    /// of them excludes the request.
    pub(crate) fn contains(&self, confining: Option<&Self>, request: &Request) -> Result<bool, DecideError> {
        let own = self.membership(request)?;
        if matches!(own, Membership::Outside) {
            return Ok(false);
        }
        let other = confining.map_or(Ok(Membership::Inside), |domain| domain.membership(request))?;
        match (own, other) {
            (_, Membership::Outside) | (Membership::Outside, _) => Ok(false),
            (Membership::Inside, Membership::Inside) => Ok(true),
            (Membership::Unknown((fact, policy)), _) | (_, Membership::Unknown((fact, policy))) => {
                Err(DecideError::MissingFact { fact: fact.clone(), policy: policy.clone() })
            }
        }
    }
}
