//! What is asked of the engine at a time.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// Candidates and the rounds on which they are to be scored.
#[derive(Debug, Clone, Default)]
pub(crate) struct Asked {
    pub(crate) parts: Vec<AskedPart>,
}

/// Some candidates on some rounds, both in ascending order.
#[derive(Debug, Clone)]
pub(crate) struct AskedPart {
    pub(crate) candidates: Arc<[usize]>,
    pub(crate) rounds: Vec<u32>,
}

impl Asked {
    /// These candidates on each of these rounds.
    pub(crate) fn all(
        candidates: impl IntoIterator<Item = usize>,
        rounds: impl IntoIterator<Item = u32>,
    ) -> Self {
        let part =
            AskedPart { candidates: candidates.into_iter().collect(), rounds: rounds.into_iter().collect() };
        match part.candidates.is_empty() || part.rounds.is_empty() {
            true => Self::default(),
            false => Self { parts: vec![part] },
        }
    }

    /// From pairs of a round and a candidate: rounds with the same candidates are one part.
    pub(crate) fn from_pairs(pairs: impl IntoIterator<Item = (u32, usize)>) -> Self {
        let mut by_round: BTreeMap<u32, BTreeSet<usize>> = BTreeMap::new();
        for (round, candidate) in pairs {
            by_round.entry(round).or_default().insert(candidate);
        }
        let mut parts: Vec<AskedPart> = Vec::new();
        let mut places: HashMap<Arc<[usize]>, usize> = HashMap::new();
        for (round, candidates) in by_round {
            let candidates: Arc<[usize]> = candidates.into_iter().collect();
            let place = *places.entry(Arc::clone(&candidates)).or_insert(parts.len());
            match parts.get_mut(place) {
                Some(part) => part.rounds.push(round),
                None => parts.push(AskedPart { candidates, rounds: vec![round] }),
            }
        }
        Self { parts }
    }

    /// Pairs of a round and a candidate.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (u32, usize)> + '_ {
        let of = |part: &'_ AskedPart| -> Vec<(u32, usize)> {
            part.rounds.iter().flat_map(|&r| part.candidates.iter().map(move |&one| (r, one))).collect()
        };
        self.parts.iter().flat_map(of)
    }

    /// The number of pairs.
    pub(crate) fn len(&self) -> u64 {
        self.parts.iter().map(|part| (part.candidates.len() * part.rounds.len()) as u64).sum()
    }

    /// The rounds, in ascending order.
    pub(crate) fn rounds(&self) -> Vec<u32> {
        let rounds: BTreeSet<u32> = self.parts.iter().flat_map(|part| &part.rounds).copied().collect();
        rounds.into_iter().collect()
    }

    /// The candidates, in ascending order.
    pub(crate) fn candidates(&self) -> Vec<usize> {
        match &self.parts[..] {
            [part] => part.candidates.to_vec(),
            parts => {
                let all: BTreeSet<usize> =
                    parts.iter().flat_map(|part| part.candidates.iter()).copied().collect();
                all.into_iter().collect()
            }
        }
    }

    /// What is asked on some of the rounds, in ascending order.
    pub(crate) fn on(&self, rounds: &[u32]) -> impl Iterator<Item = AskedPart> {
        let of = |part: &AskedPart| {
            let asked = part.rounds.iter().copied().filter(|round| rounds.binary_search(round).is_ok());
            AskedPart { candidates: Arc::clone(&part.candidates), rounds: asked.collect() }
        };
        let parts: Vec<AskedPart> = self.parts.iter().map(of).collect();
        parts.into_iter().filter(|part| !part.rounds.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_with_the_same_candidates_are_one_part() {
        let asked = Asked::from_pairs([(0, 2), (0, 1), (1, 1), (2, 1), (2, 2)]);
        let parts: Vec<_> =
            asked.parts.iter().map(|part| (part.candidates.to_vec(), part.rounds.clone())).collect();
        assert_eq!(parts, [(vec![1, 2], vec![0, 2]), (vec![1], vec![1])]);
        assert_eq!((asked.rounds(), asked.candidates()), (vec![0, 1, 2], vec![1, 2]));
        let some: Vec<_> = asked.on(&[1, 2]).map(|part| part.rounds).collect();
        assert_eq!(some, [vec![2], vec![1]]);
    }
}
