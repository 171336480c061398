//! Windows.

use super::{Builder, inner};
use crate::ast::{Name, Recurrence, Window};
use crate::parser::{Pair, Rule};

impl Builder<'_> {
    pub(super) fn window(&mut self, pair: Pair<'_>) -> Window {
        let mut window =
            Window { span: self.whole(&pair), recurrence: None, zones: vec![], from: vec![], until: vec![] };
        for part in inner(pair) {
            match part.as_rule() {
                Rule::window_zone => window.zones.extend(self.names(part)),
                Rule::window_from => window.from.extend(self.names(part)),
                Rule::window_until => window.until.extend(self.names(part)),
                Rule::weekly => {
                    window.recurrence = <[Name; 4]>::try_from(self.names(part)).ok().map(Recurrence::Weekly);
                }
                _ => window.recurrence = Some(self.daily(part)),
            }
        }
        window
    }

    fn daily(&mut self, pair: Pair<'_>) -> Recurrence {
        let (mut days, mut times) = (vec![], vec![]);
        for part in inner(pair) {
            if part.as_rule() != Rule::days {
                times.push(self.name(&part));
                continue;
            }
            for day_span in inner(part) {
                let names = self.names(day_span);
                days.extend(names.first().cloned().zip(names.last().cloned()));
            }
        }
        Recurrence::Daily { days, times: times.first().cloned().zip(times.last().cloned()) }
    }

    /// All parts of a pair as names.
    pub(super) fn names(&mut self, pair: Pair<'_>) -> Vec<Name> {
        inner(pair).map(|part| self.name(&part)).collect()
    }
}
