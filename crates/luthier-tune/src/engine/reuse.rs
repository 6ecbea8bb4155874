//! How many fits of a cell are those of another one.

use std::collections::HashMap;

use super::Session;
use crate::plan::Asked;
use crate::search::Sharing;

impl Session {
    /// Counts the fits that are not needed because an equal stage is fitted for another candidate, or for another round with the
    /// same training rows. This is told of what is asked, so that it does not depend on what a journal has.
    pub(super) fn count_reused(&mut self, asked: &Asked) {
        if self.search.sharing == Sharing::Off {
            return;
        }
        let mut all = 0;
        for part in &asked.parts {
            let together = self.alike(&part.rounds, |_| false);
            for group in self.tree.levels(&part.candidates).into_iter().flat_map(|level| level.groups) {
                for node in group {
                    let through = self.tree.through(&[node], &part.candidates);
                    let is_scored = !self.tree.ending_at(node, &part.candidates).is_empty();
                    for rounds in &together {
                        let first = rounds.first().map_or(0, |&round| self.split.first_alike(round));
                        let is_new = !self.asks_again || self.fitted.insert((first, node));
                        let fits = usize::from(is_new || is_scored);
                        let pairs = rounds.iter().flat_map(|&r| through.iter().map(move |&one| (r, one)));
                        for (round, one) in pairs.skip(fits) {
                            self.cells.at(round, one).reused_fits += 1;
                        }
                        all += (rounds.len() * through.len()).saturating_sub(fits);
                    }
                }
            }
        }
        self.work.reused_fits(all as u64);
    }

    /// Rounds with the same training rows, together, but for those that stand alone.
    pub(super) fn alike(&self, rounds: &[u32], stands_alone: impl Fn(u32) -> bool) -> Vec<Vec<u32>> {
        if rounds.iter().all(|&round| self.split.first_alike(round) == round) {
            return rounds.iter().map(|&round| vec![round]).collect();
        }
        let mut together: Vec<Vec<u32>> = Vec::new();
        let mut places: HashMap<u32, usize> = HashMap::new();
        for &round in rounds {
            if stands_alone(round) {
                together.push(vec![round]);
                continue;
            }
            let place = *places.entry(self.split.first_alike(round)).or_insert(together.len());
            match together.get_mut(place) {
                Some(others) => others.push(round),
                None => together.push(vec![round]),
            }
        }
        together
    }
}
