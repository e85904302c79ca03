//! The count of a reading, for those who watch it.

use std::sync::atomic::{AtomicUsize, Ordering};

/// The number of types that have been read, of all that are to be read, and of the objects that were found.
#[derive(Debug, Default)]
pub struct Tally {
    types: AtomicUsize,
    of: AtomicUsize,
    objects: AtomicUsize,
}

impl Tally {
    /// The number of types to read is known.
    pub fn begin(&self, types: usize) {
        self.of.store(types, Ordering::Relaxed);
    }

    /// A type has been read.
    pub fn add(&self, objects: usize) {
        self.types.fetch_add(1, Ordering::Relaxed);
        self.objects.fetch_add(objects, Ordering::Relaxed);
    }

    /// Types that were read, all types (zero as long as that is not known), and objects.
    pub fn counts(&self) -> (usize, usize, usize) {
        let of = |count: &AtomicUsize| count.load(Ordering::Relaxed);
        (of(&self.types), of(&self.of), of(&self.objects))
    }
}
