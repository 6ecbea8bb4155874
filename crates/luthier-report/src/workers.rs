//! The workers of a search.

use luthier_tune::Event;

/// The workers that did something. A file may give them any numbers, so each has a place, in the order of the numbers.
#[derive(Debug)]
pub(crate) struct Workers {
    numbers: Vec<usize>,
}

impl Workers {
    pub(crate) fn of(events: &[Event]) -> Self {
        let mut numbers: Vec<usize> = events.iter().map(|event| event.worker).collect();
        numbers.sort_unstable();
        numbers.dedup();
        Self { numbers }
    }

    /// Their names, in the order of their places.
    pub(crate) fn names(&self) -> impl Iterator<Item = String> + '_ {
        self.numbers.iter().map(|number| format!("worker {number}"))
    }

    /// The place of the one that did this.
    pub(crate) fn place(&self, event: &Event) -> usize {
        self.numbers.partition_point(|&number| number < event.worker)
    }
}
