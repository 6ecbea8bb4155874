//! The memory for bodies of requests, or for answers.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::refusal::Refusal;

/// What every one may have without asking, in bytes. So large ones never keep out small ones.
const FREE: usize = 64 << 10;

/// The bytes that all requests, or all answers, may take together.
#[derive(Debug, Clone)]
pub(super) struct Memory {
    left: Arc<Semaphore>,
}

/// What one request or answer has of the memory, until it is dropped.
#[derive(Debug)]
pub(super) struct Held {
    memory: Memory,
    bytes: usize,
    beyond: Option<OwnedSemaphorePermit>,
}

impl Memory {
    pub(super) fn new(bytes: usize) -> Self {
        Self { left: Arc::new(Semaphore::new(bytes.min(Semaphore::MAX_PERMITS))) }
    }

    pub(super) fn hold(&self) -> Held {
        Held { memory: self.clone(), bytes: FREE, beyond: None }
    }
}

impl Held {
    /// Takes what is missing to this number of bytes.
    pub(super) fn reach(&mut self, bytes: usize) -> Result<(), Refusal> {
        let missing = bytes.saturating_sub(self.bytes);
        if missing == 0 {
            return Ok(());
        }
        let taken = u32::try_from(missing)
            .ok()
            .and_then(|missing| Arc::clone(&self.memory.left).try_acquire_many_owned(missing).ok());
        let taken = taken.ok_or_else(|| {
            Refusal::busy(
                "other requests have large bodies or answers; try again, or send fewer rows at a time",
            )
        })?;
        self.bytes += missing;
        match &mut self.beyond {
            Some(beyond) => beyond.merge(taken),
            None => self.beyond = Some(taken),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{FREE, Memory};

    #[test]
    fn what_is_held_comes_back() {
        let memory = Memory::new(1000);
        let (mut a, mut b) = (memory.hold(), memory.hold());
        a.reach(FREE + 600).unwrap();
        a.reach(10).unwrap();
        assert!(b.reach(FREE + 401).is_err());
        b.reach(FREE).unwrap();
        b.reach(FREE + 400).unwrap();
        assert!(a.reach(FREE + 601).is_err());
        drop(b);
        a.reach(FREE + 1000).unwrap();
        drop(a);
        memory.hold().reach(FREE + 1000).unwrap();
    }
}
