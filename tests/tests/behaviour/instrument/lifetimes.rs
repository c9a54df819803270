//! The body behaves as without the attribute: borrows, moves, drops.

use std::cell::RefCell;

use telemetry_runtime::instrument;

use super::{block_on, only};

thread_local!(static DROPPED: RefCell<Vec<&'static str>> = const { RefCell::new(Vec::new()) });

struct Loud(&'static str);

impl Drop for Loud {
    fn drop(&mut self) {
        DROPPED.with_borrow_mut(|dropped| dropped.push(self.0));
    }
}

fn dropped(body: impl FnOnce()) -> Vec<&'static str> {
    DROPPED.take();
    body();
    DROPPED.take()
}

#[test]
fn a_reborrow_of_a_parameter_may_be_returned() {
    struct Map {
        items: Vec<(u8, u8)>,
    }
    impl Map {
        #[instrument]
        fn get(&mut self, key: u8) -> Result<&mut u8, String> {
            if self.items.is_empty() {
                return Err("empty".to_owned());
            }
            let found = self.items.iter_mut().find(|(known, _)| *known == key);
            found.map(|(_, value)| value).ok_or_else(|| "absent".to_owned())
        }
        #[instrument]
        async fn get_later(&mut self, key: u8) -> Result<&mut u8, String> {
            self.get(key)
        }
    }
    #[instrument]
    fn first<'a>(items: &'a mut [u8], _other: &mut [u8]) -> Result<&'a mut u8, ()> {
        items.first_mut().ok_or(())
    }
    #[instrument]
    fn held<'a>(held: Option<&'a mut u8>, fallback: &'a mut u8) -> Result<&'a mut u8, ()> {
        if let Some(held) = held { Ok(held) } else { Ok(fallback) }
    }
    let mut map = Map { items: vec![(1, 2)] };
    *map.get(1).expect("it is there") = 3;
    *block_on(map.get_later(1)).expect("it is there") += 1;
    *first(&mut [1], &mut []).expect("it is there") = 2;
    *held(None, &mut 1).expect("it is there") = 2;
    assert_eq!(map.items, [(1, 4)]);
}

#[test]
fn a_reborrow_through_anything_may_be_returned() {
    type Bytes<'a> = dyn Iterator<Item = u8> + 'a;
    struct Held<'a>(&'a mut Bytes<'a>);

    #[instrument]
    fn slot<T: Default>(slot: &mut Option<T>) -> Result<&mut T, ()> {
        Ok(slot.get_or_insert_with(T::default))
    }
    #[instrument]
    fn inside<'a>(held: Held<'a>) -> Result<&'a mut Bytes<'a>, ()> {
        Ok(held.0)
    }
    #[instrument]
    fn listed<'a>(list: Vec<&'a mut u8>, counter: &mut u8) -> Result<&'a mut u8, u8> {
        *counter += 1;
        list.into_iter().next().ok_or(*counter)
    }
    #[instrument]
    fn method<'a>(text: &'a str) -> Result<Box<dyn Fn() -> usize + 'a>, ()> {
        Ok(Box::new(|| text.len()))
    }
    #[instrument]
    fn pinned(mut at: std::pin::Pin<&mut u8>) -> Result<std::pin::Pin<&mut u8>, ()> {
        *at += 1;
        Ok(at)
    }
    let (mut empty, mut one, mut counter) = (None::<u8>, 1, 0);
    *slot(&mut empty).expect("it is there") += 1;
    *listed(vec![&mut one], &mut counter).expect("it is there") += 1;
    *pinned(std::pin::Pin::new(&mut one)).expect("it is there") += 1;
    assert_eq!((empty, one, counter), (Some(1), 4, 1));
    assert_eq!(inside(Held(&mut [7].into_iter())).map(Iterator::next), Ok(Some(7)));
    assert_eq!(method("abc").map(|length| length()).ok(), Some(3));
}

#[test]
fn parameters_are_dropped_in_their_order() {
    fn plain(_a: Loud, (_b, _): (Loud, Loud), _: Loud, _e: Loud) -> Result<(), ()> {
        Ok(())
    }
    #[instrument]
    fn quiet(_a: Loud, (_b, _): (Loud, Loud), _: Loud, _e: Loud) {}
    #[instrument]
    fn watched(_a: Loud, (_b, _): (Loud, Loud), _: Loud, _e: Loud) -> Result<(), ()> {
        Ok(())
    }
    let arguments = || (Loud("a"), (Loud("b"), Loud("c")), Loud("d"), Loud("e"));
    macro_rules! order {
        ($function:ident) => {
            dropped(|| {
                let (a, b, d, e) = arguments();
                _ = $function(a, b, d, e);
            })
        };
    }
    let expected = order!(plain);
    assert_eq!(order!(quiet), expected);
    assert_eq!(order!(watched), expected);
}

#[test]
fn parameters_of_an_async_function_are_dropped_in_their_order() {
    async fn plain(a: Loud, _: Loud, c: Loud, _d: Loud) -> Result<(), ()> {
        drop(a);
        let _ = &c;
        Ok(())
    }
    #[instrument]
    async fn watched(a: Loud, _: Loud, c: Loud, _d: Loud) -> Result<(), ()> {
        drop(a);
        let _ = &c;
        Ok(())
    }
    let expected = dropped(|| _ = block_on(plain(Loud("a"), Loud("b"), Loud("c"), Loud("d"))));
    assert_eq!(dropped(|| _ = block_on(watched(Loud("a"), Loud("b"), Loud("c"), Loud("d")))), expected);
}

#[test]
fn moved_and_changed_parameters_work() {
    #[instrument]
    fn change(mut n: u32, mut text: String, list: Vec<u8>) -> Result<(u32, String, Vec<u8>), ()> {
        n += 1;
        text.push('!');
        let moved = list;
        Ok((n, text, moved))
    }
    #[instrument]
    async fn change_later(
        mut n: u32,
        (mut text, list): (String, Vec<u8>),
    ) -> Result<(u32, String, Vec<u8>), ()> {
        n += 1;
        text.push('!');
        Ok((n, text, list))
    }
    let expected = Ok((2, "a!".to_owned(), vec![1]));
    assert_eq!(change(1, "a".to_owned(), vec![1]), expected);
    assert_eq!(block_on(change_later(1, ("a".to_owned(), vec![1]))), expected);
}

#[test]
fn references_in_patterns_are_passed_on() {
    #[expect(clippy::toplevel_ref_arg, reason = "the rule under test")]
    #[instrument]
    async fn refer(ref a: String, ref mut b: u8, whole @ (c, _): (u8, u8)) -> Result<usize, ()> {
        *b += 1;
        Ok(a.len() + usize::from(*b) + usize::from(c) + usize::from(whole.1))
    }
    assert_eq!(block_on(refer("ab".to_owned(), 1, (1, 2))), Ok(7));
}

#[test]
fn a_temporary_at_the_end_may_borrow_a_parameter() {
    #[instrument]
    fn peek(cell: RefCell<u8>) -> Result<u8, ()> {
        Ok(*cell.borrow())
    }
    #[instrument]
    async fn peek_later(cell: RefCell<u8>) -> u8 {
        *cell.borrow()
    }
    assert_eq!(peek(RefCell::new(1)), Ok(1));
    assert_eq!(block_on(peek_later(RefCell::new(1))), 1);
}

#[test]
fn generics_and_constants_pass_through() {
    #[instrument]
    fn sum<'a, T, const N: usize>(items: &'a [T; N], start: T) -> Result<(&'a T, T), ()>
    where
        T: Copy + std::ops::Add<Output = T>,
    {
        let total = items.iter().fold(start, |sum, item| sum + *item);
        items.first().map(|first| (first, total)).ok_or(())
    }
    assert_eq!(sum(&[1, 2, 3], 4), Ok((&1, 10)));
}

#[test]
fn opaque_types_go_in_and_out() {
    #[instrument]
    fn twice(f: impl Fn(u8) -> u8) -> impl Fn(u8) -> u8 {
        move |x| f(f(x))
    }
    #[instrument]
    fn length() -> impl for<'a> Fn(&'a str) -> usize {
        |text| text.len()
    }
    #[instrument]
    fn tried() -> Result<impl Iterator<Item = u8>, ()> {
        Ok([1, 2].into_iter())
    }
    #[instrument]
    async fn later() -> Result<impl Iterator<Item = u8>, ()> {
        Ok([1, 2].into_iter())
    }
    assert_eq!(twice(|x| x + 1)(1), 3);
    assert_eq!(length()("abc"), 3);
    assert_eq!(tried().map(Iterator::sum), Ok(3_u8));
    assert_eq!(block_on(later()).map(Iterator::sum), Ok(3_u8));
}

#[test]
fn unsafe_and_extern_functions_work() {
    /// # Safety
    /// `at` must be valid.
    #[instrument(skip_all)]
    unsafe fn read(at: *const u8) -> Result<u8, ()> {
        // SAFETY: the caller's promise.
        Ok(unsafe { *at })
    }
    #[instrument]
    extern "C" fn add(a: i32, b: i32) -> i32 {
        a + b
    }
    // SAFETY: a reference is valid.
    assert_eq!(unsafe { read(&5) }, Ok(5));
    assert_eq!(only(|| assert_eq!(add(1, 2), 3)).name, "add");
}

#[test]
fn a_function_that_never_returns_compiles() {
    #[instrument]
    fn stop() -> ! {
        panic!("stop")
    }
    assert!(std::panic::catch_unwind(|| stop()).is_err());
}

#[test]
fn coercions_in_the_body_work() {
    #[instrument]
    fn boxed(big: bool) -> Result<Box<dyn std::fmt::Debug>, ()> {
        if big {
            return Ok(Box::new("big"));
        }
        Ok(Box::new(1))
    }
    #[instrument]
    async fn boxed_later(big: bool) -> Result<Box<dyn std::fmt::Debug>, ()> {
        if big {
            return Ok(Box::new("big"));
        }
        Ok(Box::new(1))
    }
    assert!(boxed(true).is_ok() && block_on(boxed_later(false)).is_ok());
}
