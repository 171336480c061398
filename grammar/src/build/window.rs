//! Windows.

use super::Builder;
use crate::ast::{Name, Recurrence, Window};
use crate::parser::{Pair, Rule, span};

impl Builder<'_> {
    pub(super) fn window(&mut self, pair: Pair<'_>) -> Window {
        let mut window =
            Window { span: span(&pair), recurrence: None, zones: vec![], from: vec![], until: vec![] };
        for part in pair.into_inner() {
            let last = part.clone().into_inner().last().map(|word| self.name(&word));
            match (part.as_rule(), last) {
                (Rule::window_zone, Some(word)) => window.zones.push(word),
                (Rule::window_from, Some(word)) => window.from.push(word),
                (Rule::window_until, Some(word)) => window.until.push(word),
                (Rule::weekly, _) => {
                    let words: Vec<Name> = self.names_of(part, &[Rule::day, Rule::time, Rule::plain_word]);
                    window.recurrence = <[Name; 4]>::try_from(words).ok().map(Recurrence::Weekly);
                }
                (Rule::daily, _) => window.recurrence = Some(self.daily(part)),
                _ => {}
            }
        }
        window
    }

    fn daily(&mut self, pair: Pair<'_>) -> Recurrence {
        let mut days = vec![];
        for list in pair.clone().into_inner().filter(|part| part.as_rule() == Rule::days) {
            for day_span in list.into_inner().filter(|part| part.as_rule() == Rule::day_span) {
                let names = self.names_of(day_span, &[Rule::day]);
                days.extend(names.first().cloned().zip(names.last().cloned()));
            }
        }
        let times = self.names_of(pair, &[Rule::time, Rule::plain_word]);
        Recurrence::Daily { days, times: times.first().cloned().zip(times.last().cloned()) }
    }

    fn names_of(&self, pair: Pair<'_>, rules: &[Rule]) -> Vec<Name> {
        pair.into_inner()
            .filter(|part| rules.contains(&part.as_rule()))
            .map(|part| self.name(&part))
            .collect()
    }
}
