//! Memory that fills word by word: a running span's attributes, or the content of a record that is being put together.
//!
//! What is stored as a word is loaded as a word soon after: a wider load would have to wait for the stores before it.

use crate::record::layout::{attribute_head, tag};
use crate::record::{Array, ArrayContent};
use std::fmt;
use std::mem::MaybeUninit;

/// Some words' room, and how many of them are written, from the start.
pub(super) struct Words<const N: usize> {
    /// As wide as the processor likes to load it.
    used: u32,
    room: [MaybeUninit<u64>; N],
}

impl<const N: usize> Words<N> {
    #[inline(always)]
    pub(super) const fn new() -> Self {
        Self { used: 0, room: [MaybeUninit::uninit(); N] }
    }

    #[inline(always)]
    pub(super) fn as_slice(&self) -> &[u64] {
        // SAFETY: the first `used` words are written: `used` only grows past words that were.
        unsafe { self.room.get_unchecked(..self.used as usize).assume_init_ref() }
    }

    /// Appends these words, or nothing and says so.
    #[inline(always)]
    pub(super) fn push<const W: usize>(&mut self, words: [u64; W]) -> bool {
        let at = self.used as usize;
        let Some(room) = self.room.get_mut(at..at + W) else { return false };
        for (slot, word) in room.iter_mut().zip(words) {
            slot.write(word);
        }
        self.used += W as u32;
        true
    }

    /// Appends a word and these bytes, filled up with zeros, or nothing and says so.
    #[inline(always)]
    pub(super) fn push_headed(&mut self, head: u64, bytes: &[u8]) -> bool {
        push_headed(&mut self.room, &mut self.used, head, bytes)
    }

    /// Appends these bytes, filled up with zeros, or nothing and says so.
    #[inline(always)]
    pub(super) fn push_bytes(&mut self, bytes: &[u8]) -> bool {
        push_bytes(&mut self.room, &mut self.used, bytes)
    }

    /// Appends other words, or nothing and says so.
    #[inline(always)]
    pub(super) fn push_slice(&mut self, words: &[u64]) -> bool {
        let at = self.used as usize;
        let Some(room) = self.room.get_mut(at..at + words.len()) else { return false };
        for (slot, word) in room.iter_mut().zip(words) {
            store(slot, *word);
        }
        self.used += words.len() as u32;
        true
    }

    /// Appends an array; not if there is no room, or if it needs another form first: it is too long, or its integers too wide.
    #[inline(always)]
    pub(super) fn push_array(&mut self, key: u8, array: Array<'_>, limit_bytes: usize) -> bool {
        push_array(&mut self.room, &mut self.used, key, array, limit_bytes)
    }

    /// Appends a word, made of the text's length, a name, and formatted text; or nothing, and gives the text as far as it was `wanted`.
    #[inline]
    pub(super) fn push_text(
        &mut self,
        head: impl FnOnce(u32) -> u64,
        name: &str,
        text: fmt::Arguments<'_>,
        wanted: usize,
    ) -> Result<(), String> {
        let at = self.used as usize;
        if !self.push_headed(0, name.as_bytes()) {
            return Err(limited_text(text, wanted));
        }
        let text_at = std::mem::replace(&mut self.used, at as u32) as usize;
        let length = format(&mut self.room[text_at..], text, wanted)?;
        self.room[at].write(head(length as u32));
        self.used = (text_at + length.div_ceil(8)) as u32;
        Ok(())
    }
}

/// Not generic: it stands once in the program, however many kinds of spans there are.
#[inline(never)]
fn push_headed(room: &mut [MaybeUninit<u64>], used: &mut u32, head: u64, bytes: &[u8]) -> bool {
    let at = *used as usize;
    let end = at + 1 + bytes.len().div_ceil(8);
    let Some([first, rest @ ..]) = room.get_mut(at..end) else { return false };
    first.write(head);
    fill(rest, bytes);
    *used = end as u32;
    true
}

#[inline(never)]
fn push_bytes(room: &mut [MaybeUninit<u64>], used: &mut u32, bytes: &[u8]) -> bool {
    let at = *used as usize;
    let end = at + bytes.len().div_ceil(8);
    let Some(rest) = room.get_mut(at..end) else { return false };
    fill(rest, bytes);
    *used = end as u32;
    true
}

#[inline(never)]
fn push_array(
    room: &mut [MaybeUninit<u64>],
    used: &mut u32,
    key: u8,
    array: Array<'_>,
    limit_bytes: usize,
) -> bool {
    let Some(content) = array.content(limit_bytes).filter(ArrayContent::is_whole) else { return false };
    let before = *used;
    let head = attribute_head(tag::ARRAY, key, 0, content.bytes as u32);
    let fits = push_headed(room, used, head, &[])
        && content.put(|head, element| push_headed(room, used, head, element));
    if !fits {
        *used = before;
    }
    fits
}

/// Writes the bytes, and zeros up to the end of the last word. The room is exactly as long as it must be.
#[inline(always)]
fn fill(room: &mut [MaybeUninit<u64>], bytes: &[u8]) {
    let Some((last, whole)) = room.split_last_mut() else { return };
    let (chunks, _) = bytes.as_chunks::<8>();
    // Most texts are short: a loop would take longer to set up than to run.
    match (whole, chunks) {
        ([], _) => {}
        ([a], [x, ..]) => put(a, x),
        ([a, b], [x, y, ..]) => (put(a, x), put(b, y)).1,
        ([a, b, c], [x, y, z, ..]) => (put(a, x), put(b, y), put(c, z)).2,
        (whole, chunks) => whole.iter_mut().zip(chunks).for_each(|(slot, chunk)| put(slot, chunk)),
    }
    store(last, last_word(bytes));
}

#[inline(always)]
fn put(slot: &mut MaybeUninit<u64>, chunk: &[u8; 8]) {
    store(slot, u64::from_ne_bytes(*chunk));
}

/// The last one to eight bytes, and zeros.
#[inline(always)]
pub(super) fn last_word(bytes: &[u8]) -> u64 {
    let word = match bytes.last_chunk::<8>() {
        // The eight last bytes at once, less those that stand in the word before.
        Some(last) => u64::from_le_bytes(*last) >> (8 * (bytes.len().wrapping_neg() % 8)),
        None => few(bytes),
    };
    word.to_le()
}

/// One to seven bytes as a number, the first one lowest.
#[inline(always)]
fn few(bytes: &[u8]) -> u64 {
    if let (Some(low), Some(high)) = (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        let [low, high] = [low, high].map(|half| u64::from(u32::from_le_bytes(*half)));
        return low | high << (8 * (bytes.len() - 4));
    }
    bytes.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte))
}

/// A store that stays one: a loop of ordinary ones would become a call of `memcpy`, which takes longer than a few words do.
#[inline(always)]
fn store(slot: &mut MaybeUninit<u64>, word: u64) {
    // SAFETY: the reference is to memory that may be written to.
    unsafe { slot.as_mut_ptr().write_volatile(word) }
}

/// Formats into the room and gives the length; what does not fit is finished in a string that starts with what was there.
fn format(room: &mut [MaybeUninit<u64>], text: fmt::Arguments<'_>, wanted: usize) -> Result<usize, String> {
    let mut writer = Writer { room: as_bytes(room), used: 0, wanted, rest: None };
    // A `Display` that fails half-way leaves what it wrote.
    let _ = fmt::write(&mut writer, text);
    let Writer { room, used, rest, .. } = writer;
    match rest {
        Some(rest) => Err(rest),
        None => {
            // The end of the last word, if there is one.
            room.iter_mut().skip(used).take(used.next_multiple_of(8) - used).for_each(|byte| {
                byte.write(0);
            });
            Ok(used)
        }
    }
}

fn as_bytes(words: &mut [MaybeUninit<u64>]) -> &mut [MaybeUninit<u8>] {
    // SAFETY: the same memory under the same exclusive borrow; bytes need no alignment, and may be uninitialised as the words may.
    unsafe { std::slice::from_raw_parts_mut(words.as_mut_ptr().cast(), words.len() * 8) }
}

struct Writer<'a> {
    room: &'a mut [MaybeUninit<u8>],
    used: usize,
    wanted: usize,
    rest: Option<String>,
}

impl fmt::Write for Writer<'_> {
    #[inline]
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if let Some(rest) = &mut self.rest {
            return push_limited(rest, text, self.wanted);
        }
        match self.room.get_mut(self.used..self.used + text.len()) {
            Some(room) if self.used + text.len() <= self.wanted => {
                copy(text.as_bytes(), room);
                self.used += text.len();
                Ok(())
            }
            _ => self.spill(text),
        }
    }

    /// Quotes and separators, mostly.
    #[inline]
    fn write_char(&mut self, char: char) -> fmt::Result {
        match self.room.get_mut(self.used) {
            Some(room) if char.is_ascii() && self.rest.is_none() && self.used < self.wanted => {
                room.write(char as u8);
                self.used += 1;
                Ok(())
            }
            _ => self.write_str(char.encode_utf8(&mut [0; 4])),
        }
    }
}

/// Copies a few bytes without a call, as formatters hand them over.
#[inline(always)]
fn copy(bytes: &[u8], room: &mut [MaybeUninit<u8>]) {
    match (bytes.first_chunk::<8>(), bytes.last_chunk::<8>()) {
        // Overlapping halves.
        (Some(first), Some(last)) if bytes.len() <= 16 => {
            room[..8].write_copy_of_slice(first);
            let at = room.len() - 8;
            room[at..].write_copy_of_slice(last);
        }
        (None, _) if bytes.len() < 4 => {
            for (slot, byte) in room.iter_mut().zip(bytes) {
                slot.write(*byte);
            }
        }
        _ => {
            room.write_copy_of_slice(bytes);
        }
    }
}

impl Writer<'_> {
    #[cold]
    fn spill(&mut self, text: &str) -> fmt::Result {
        // SAFETY: the first `used` bytes are written.
        let written = unsafe { self.room[..self.used].assume_init_ref() };
        let mut rest = String::with_capacity(2 * (written.len() + text.len()).min(self.wanted));
        rest.push_str(std::str::from_utf8(written).unwrap_or(""));
        push_limited(self.rest.insert(rest), text, self.wanted)
    }
}

/// The text, as far as it is wanted and a little further.
pub(super) fn limited_text(text: fmt::Arguments<'_>, wanted: usize) -> String {
    let mut writer = Writer { room: &mut [], used: 0, wanted, rest: Some(String::new()) };
    let _ = fmt::write(&mut writer, text);
    writer.rest.unwrap_or_default()
}

/// Appends up to a little more than is wanted, so that a cut shows; an error stops a formatter that would go on for ever.
fn push_limited(whole: &mut String, text: &str, wanted: usize) -> fmt::Result {
    let left = (wanted + 1).saturating_sub(whole.len());
    whole.push_str(&text[..text.ceil_char_boundary(left.min(text.len()))]);
    if left < text.len() { Err(fmt::Error) } else { Ok(()) }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn bytes_of_any_length_read_back_and_are_followed_by_zeros(bytes in proptest::collection::vec(any::<u8>(), 0..70)) {
            let mut words = Words::<12>::new();
            prop_assert!(words.push([7]));
            prop_assert!(words.push_headed(9, &bytes));
            let written: Vec<u8> = words.as_slice().iter().flat_map(|word| word.to_ne_bytes()).collect();
            let content = &written[16..];
            prop_assert_eq!(content.len(), bytes.len().next_multiple_of(8));
            prop_assert_eq!(&content[..bytes.len()], &bytes);
            prop_assert!(content[bytes.len()..].iter().all(|byte| *byte == 0));
        }
    }

    #[test]
    fn what_does_not_fit_leaves_nothing_behind() {
        let mut words = Words::<2>::new();
        assert!(!words.push([1, 2, 3]) && !words.push_headed(1, b"more than a word"));
        assert!(words.push_headed(1, b"a word  ") && !words.push([1]));
        assert_eq!(words.as_slice().len(), 2);
    }

    #[test]
    fn text_that_does_not_fit_comes_back_as_far_as_it_is_wanted() {
        let push = |length: usize, wanted| {
            let mut words = Words::<3>::new();
            let text = "ä".repeat(length);
            let result = words.push_text(u64::from, "", format_args!("{}{}", &text[..2], &text[2..]), wanted);
            (result.err().map(|rest| rest.len()), words.as_slice().len())
        };
        assert_eq!(push(8, 100), (None, 3));
        assert_eq!(push(9, 100), (Some(18), 0));
        assert_eq!(push(90, 100), (Some(102), 0));
        assert_eq!(push(8, 10), (Some(12), 0));
    }
}
