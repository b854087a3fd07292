//! What may still be read: counters shared by all who read one bundle, possibly in parallel.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::Limits;

/// How many bytes and entries are left. Several threads may draw on one budget; who then meets its end is up to the scheduler.
#[derive(Debug)]
pub(crate) struct Budget {
    bytes: AtomicU64,
    members: AtomicU64,
}

impl Budget {
    pub(crate) fn new(limits: &Limits) -> Self {
        Budget { bytes: AtomicU64::new(limits.total_bytes), members: AtomicU64::new(limits.members) }
    }

    /// How many of the `wanted` bytes are granted.
    pub(super) fn take(&self, wanted: u64) -> u64 {
        draw(&self.bytes, wanted)
    }

    /// Whether one more entry is granted.
    pub(super) fn take_member(&self) -> bool {
        draw(&self.members, 1) == 1
    }
}

fn draw(left: &AtomicU64, wanted: u64) -> u64 {
    let before = left.fetch_update(Relaxed, Relaxed, |left| Some(left.saturating_sub(wanted)));
    before.unwrap_or_else(|same| same).min(wanted)
}

/// A count of bytes, seen by those who read and by those who judge.
#[derive(Debug, Clone, Default)]
pub(super) struct Count(Rc<Cell<u64>>);

impl Count {
    pub(super) fn get(&self) -> u64 {
        self.0.get()
    }

    pub(super) fn add(&self, bytes: u64) {
        self.0.set(self.0.get().saturating_add(bytes));
    }
}
