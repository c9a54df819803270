//! The primitives under the lane: the standard library's, or loom's when a model is checked.

#[cfg(not(loom))]
pub(super) use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64},
};

#[cfg(loom)]
pub(super) use loom::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64},
};

pub(super) use std::sync::atomic::Ordering;

/// The memory of a lane: words that one thread writes and another reads, never the same ones at the same time. A clone is the same
/// memory.
///
/// Who may touch which words when is the lane's business; every access is therefore `unsafe` here and justified there.
#[cfg(not(loom))]
#[derive(Clone)]
pub(super) struct Memory(Arc<[std::cell::UnsafeCell<u64>]>);

#[cfg(not(loom))]
impl Memory {
    pub(super) fn new(count: usize) -> Self {
        // Zeroed by the allocator: pages that no record has reached cost no memory.
        let zeroed = Arc::new_zeroed_slice(count);
        // SAFETY: zero is a number.
        Self(unsafe { zeroed.assume_init() })
    }

    #[inline(always)]
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Writes words from `at` on, those of `first` and then those of `second`.
    ///
    /// One by one: the span's thread has stored them as words just now, and a wider load would have to wait for that.
    ///
    /// # Safety
    /// The words are inside, and no other thread reads or writes them meanwhile.
    #[inline(always)]
    pub(super) unsafe fn write<const W: usize>(&self, at: usize, first: [u64; W], second: &[u64]) {
        // SAFETY: inside the allocation and not shared, by this function's own contract.
        unsafe {
            let start = self.start().add(at);
            for (index, word) in first.into_iter().enumerate() {
                start.add(index).write(word);
            }
            for (index, word) in second.iter().enumerate() {
                // Volatile, or the loop would become a call of `memcpy`.
                start.add(W + index).write_volatile(*word);
            }
        }
    }

    /// The `count` words from `at` on, as bytes.
    ///
    /// # Safety
    /// The words are inside, and no other thread writes them while the slice lives.
    pub(super) unsafe fn read<R>(&self, at: usize, count: usize, read: impl FnOnce(&[u8]) -> R) -> R {
        // SAFETY: inside the allocation and not written to, by this function's own contract; every word is initialised.
        read(unsafe { std::slice::from_raw_parts(self.start().add(at).cast::<u8>(), count * 8) })
    }

    #[inline(always)]
    fn start(&self) -> *mut u64 {
        self.0.as_ptr().cast::<u64>().cast_mut()
    }
}

// SAFETY: the words are plain numbers; access is by the `unsafe` methods only, whose contract rules out races.
#[cfg(not(loom))]
unsafe impl Send for Memory {}
// SAFETY: as above.
#[cfg(not(loom))]
unsafe impl Sync for Memory {}

/// The same memory under loom, which reports every access that is not ordered.
#[cfg(loom)]
#[derive(Clone)]
pub(super) struct Memory(std::sync::Arc<[loom::cell::UnsafeCell<u64>]>);

#[cfg(loom)]
impl Memory {
    pub(super) fn new(count: usize) -> Self {
        Self((0..count).map(|_| loom::cell::UnsafeCell::new(0)).collect())
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// # Safety
    /// As in the other build.
    pub(super) unsafe fn write<const W: usize>(&self, at: usize, first: [u64; W], second: &[u64]) {
        for (cell, word) in self.0[at..].iter().zip(first.iter().chain(second)) {
            // SAFETY: by this function's own contract, which loom checks.
            cell.with_mut(|cell| unsafe { *cell = *word });
        }
    }

    /// # Safety
    /// As in the other build.
    pub(super) unsafe fn read<R>(&self, at: usize, count: usize, read: impl FnOnce(&[u8]) -> R) -> R {
        let bytes: Vec<u8> = self.0[at..at + count]
            .iter()
            // SAFETY: by this function's own contract, which loom checks.
            .flat_map(|cell| cell.with(|cell| unsafe { *cell }).to_ne_bytes())
            .collect();
        read(&bytes)
    }
}

// SAFETY: as in the other build.
#[cfg(loom)]
unsafe impl Send for Memory {}
// SAFETY: as in the other build.
#[cfg(loom)]
unsafe impl Sync for Memory {}
