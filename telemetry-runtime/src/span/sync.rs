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

/// The memory of a lane: words that one thread writes and another reads, never the same ones at the same time.
///
/// Who may touch which words when is the lane's business; every access is therefore `unsafe` here and justified there.
#[cfg(not(loom))]
pub(super) struct Words(Box<[std::cell::UnsafeCell<u64>]>);

#[cfg(not(loom))]
impl Words {
    pub(super) fn new(count: usize) -> Self {
        // Zeroed by the allocator: pages that no record has reached cost no memory.
        let words = std::mem::ManuallyDrop::new(vec![0_u64; count].into_boxed_slice());
        let cells = std::ptr::from_ref::<[u64]>(&words) as *mut [std::cell::UnsafeCell<u64>];
        // SAFETY: `UnsafeCell<u64>` has the layout of `u64`, and the allocation is given up by the `ManuallyDrop` above.
        Self(unsafe { Box::from_raw(cells) })
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Writes words from `at` on.
    ///
    /// # Safety
    /// The words are inside, and no other thread reads or writes them meanwhile.
    #[inline(always)]
    pub(super) unsafe fn write(&self, at: usize, words: &[u64]) {
        // SAFETY: inside the allocation and not shared, by this function's own contract.
        unsafe { self.start().add(at).copy_from_nonoverlapping(words.as_ptr(), words.len()) };
    }

    /// Writes bytes from word `at` on; the rest of the last word becomes zero.
    ///
    /// # Safety
    /// As [`Self::write`].
    #[inline(always)]
    pub(super) unsafe fn write_bytes(&self, at: usize, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        // SAFETY: inside the allocation and not shared, by this function's own contract.
        unsafe {
            let start = self.start().add(at);
            start.add((bytes.len() - 1) / 8).write(0);
            start.cast::<u8>().copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
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
unsafe impl Sync for Words {}

/// The same memory under loom, which reports every access that is not ordered.
#[cfg(loom)]
pub(super) struct Words(Box<[loom::cell::UnsafeCell<u64>]>);

#[cfg(loom)]
impl Words {
    pub(super) fn new(count: usize) -> Self {
        Self((0..count).map(|_| loom::cell::UnsafeCell::new(0)).collect())
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// # Safety
    /// As in the other build.
    pub(super) unsafe fn write(&self, at: usize, words: &[u64]) {
        for (cell, word) in self.0[at..].iter().zip(words) {
            // SAFETY: by this function's own contract, which loom checks.
            cell.with_mut(|cell| unsafe { *cell = *word });
        }
    }

    /// # Safety
    /// As in the other build.
    pub(super) unsafe fn write_bytes(&self, at: usize, bytes: &[u8]) {
        for (index, chunk) in bytes.chunks(8).enumerate() {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            // SAFETY: by this function's own contract.
            unsafe { self.write(at + index, &[u64::from_ne_bytes(word)]) };
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
unsafe impl Sync for Words {}
