//! Random span and trace ids, from a generator per thread that the operating system seeds.

use std::cell::Cell;
use std::hash::{BuildHasher, RandomState};

/// The generator's next number; never zero.
#[inline(always)]
pub(super) fn next(state: &Cell<u64>) -> u64 {
    loop {
        match next_seeded(state) {
            Some(number) => return number,
            None if state.get() == 0 => state.set(seed()),
            None => {}
        }
    }
}

/// The same, or `None` where the generator is not seeded or (once in 2^64 times) the number would be zero.
///
/// A Weyl sequence with a multiplicative finisher (wyrand): not secret, but well spread over 64 bits.
#[inline(always)]
pub(super) fn next_seeded(state: &Cell<u64>) -> Option<u64> {
    let seeded = state.get();
    if seeded == 0 {
        return None;
    }
    let stepped = seeded.wrapping_add(0xa076_1d64_78bd_642f);
    state.set(stepped);
    let wide = u128::from(stepped) * u128::from(stepped ^ 0xe703_7ed1_a0b4_28db);
    Some((wide >> 64) as u64 ^ wide as u64).filter(|number| *number != 0)
}

#[cold]
#[inline(never)]
fn seed() -> u64 {
    // Without the operating system's randomness (a very early boot) the standard library's hash keys are what is left, which a forked
    // child has in common with its parent.
    let ours = || (std::process::id(), std::thread::current().id());
    getrandom::u64().unwrap_or_else(|_| RandomState::new().hash_one(ours())) | 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn threads_draw_distinct_ids_that_are_never_zero() {
        let draw = || {
            let state = Cell::new(0);
            (0..10_000).map(|_| next(&state)).collect::<Vec<_>>()
        };
        let ids: Vec<u64> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(draw)).collect();
            threads.into_iter().flat_map(|thread| thread.join().expect("the thread draws ids")).collect()
        });
        assert!(!ids.contains(&0));
        assert_eq!(ids.iter().collect::<HashSet<_>>().len(), ids.len());
    }

    #[test]
    fn every_bit_is_set_in_about_half_of_the_ids() {
        let state = Cell::new(0);
        let mut set = [0_u32; 64];
        for _ in 0..10_000 {
            let id = next(&state);
            for (bit, count) in set.iter_mut().enumerate() {
                *count += (id >> bit & 1) as u32;
            }
        }
        assert!(set.iter().all(|count| (4_700..5_300).contains(count)), "{set:?}");
    }
}
