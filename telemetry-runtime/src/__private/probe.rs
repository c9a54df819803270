//! Questions about a type that the generated code asks of a value: does it capture itself, did it fail, what did it return?
//!
//! Each answer is an inherent method that exists only where the type allows it. Where it does not, method lookup goes on through
//! `Deref` to the next, humbler answer, so no spelling of a type is ever trusted and no trait needs to be in scope. The methods'
//! names are such that no trait of the user's has them.

use std::any::type_name;
use std::error::Error;
use std::fmt::{Debug, Display};
use std::ops::Deref;
use std::pin::Pin;

use super::{Event, Recording};
use crate::record::{Capture, Chain};
use crate::span::Failing;

/// A parameter that nobody named: recorded if its type is captured implicitly, else left alone.
#[derive(Debug)]
pub struct Probe<'a, T>(pub &'a T);

impl<T: Capture> Probe<'_, T> {
    /// Records the value if its type wants that.
    #[inline]
    pub fn record_if_implicit<const N: usize>(self, span: &mut Recording<N>, key: u8) {
        if T::IMPLICIT {
            span.value(key, self.0);
        }
    }
}

impl<T> Deref for Probe<'_, T> {
    type Target = NotCaptured;
    #[inline]
    fn deref(&self) -> &NotCaptured {
        &NotCaptured
    }
}

/// A parameter whose type has no attribute value.
#[derive(Debug)]
pub struct NotCaptured;

impl NotCaptured {
    /// Records nothing.
    #[inline]
    pub fn record_if_implicit<const N: usize>(&self, _span: &mut Recording<N>, _key: u8) {}
}

/// A parameter under `capture = all`: recorded with its type, else as `Debug` text.
#[derive(Debug)]
pub struct AnyProbe<'a, T: ?Sized>(DebugProbe<'a, T>);

/// A parameter whose type has no attribute value, but perhaps a `Debug` text.
#[derive(Debug)]
pub struct DebugProbe<'a, T: ?Sized>(&'a T);

impl<'a, T: ?Sized> AnyProbe<'a, T> {
    /// Looks at a parameter.
    #[inline]
    pub fn of(parameter: &'a T) -> Self {
        Self(DebugProbe(parameter))
    }
}

impl<T: Capture + ?Sized> AnyProbe<'_, T> {
    /// Records the value with its type.
    #[inline]
    pub fn record_any<const N: usize>(&self, span: &mut Recording<N>, key: u8) {
        span.value(key, self.0.0);
    }
}

impl<'a, T: ?Sized> Deref for AnyProbe<'a, T> {
    type Target = DebugProbe<'a, T>;
    #[inline]
    fn deref(&self) -> &DebugProbe<'a, T> {
        &self.0
    }
}

impl<T: ?Sized> DebugProbe<'_, T> {
    /// Records the value's `Debug` text.
    #[inline]
    pub fn record_any<const N: usize>(&self, span: &mut Recording<N>, key: u8)
    where
        T: Debug,
    {
        span.debug(key, &self.0);
    }
}

/// What a function returned: an `Err` fails the span with its own text and that of its sources, as far as its type tells them:
/// an `Error`, a pointer to one (`Box<dyn Error>`, `anyhow::Error`), `Display`, `Debug`, or only the type's name.
#[derive(Debug)]
pub struct Outcome<'a, R>(PointerOutcome<'a, R>);

/// An outcome whose error is no `Error`, but perhaps a pointer to one.
#[derive(Debug)]
pub struct PointerOutcome<'a, R>(DisplayOutcome<'a, R>);

/// An outcome whose error has perhaps a `Display` text.
#[derive(Debug)]
pub struct DisplayOutcome<'a, R>(DebugOutcome<'a, R>);

/// As [`Outcome`], but only `Debug` counts.
#[derive(Debug)]
pub struct DebugOutcome<'a, R>(SilentOutcome<'a, R>);

/// An outcome whose error says nothing about itself.
#[derive(Debug)]
pub struct SilentOutcome<'a, R>(&'a R);

/// An outcome that is no `Result`.
#[derive(Debug)]
pub struct NoResult;

impl<'a, R> Outcome<'a, R> {
    /// Looks at what was returned.
    #[inline]
    pub fn of(returned: &'a R) -> Self {
        Self(PointerOutcome(DisplayOutcome(DebugOutcome::of(returned))))
    }
}

impl<'a, R> DebugOutcome<'a, R> {
    /// Looks at what was returned.
    #[inline]
    pub fn of(returned: &'a R) -> Self {
        Self(SilentOutcome(returned))
    }
}

/// For each kind of outcome: of which errors, the message of the span, and that of the event.
macro_rules! outcomes {
    ($($outcome:ident [$($bound:tt)*] |$error:ident| $message:expr, $emit:ident $own:expr;)*) => {$(
        impl<T, E> $outcome<'_, Result<T, E>>
        where
            $($bound)*
        {
            /// Fails the span if this is an `Err`.
            #[inline]
            pub fn fail_if_err(&self, span: &mut impl Failing) {
                if let Err($error) = self.returned()
                    && span.is_recording()
                {
                    fail::<E>(span, &$message);
                }
            }

            /// Sends the event off if this is an `Err`.
            pub fn tell_if_err(&self, event: &'static Event) {
                if let Err($error) = self.returned() {
                    event.$emit(&$own);
                }
            }
        }
    )*};
}

outcomes! {
    Outcome [E: Error] |error| Chain(error), emit_display error;
    PointerOutcome [E: Deref<Target: Error>] |error| Chain(&**error), emit_display Chain(&**error).0;
    DisplayOutcome [E: Display] |error| error, emit_display error;
    DebugOutcome [E: Debug] |error| format_args!("{error:?}"), emit_debug error;
    SilentOutcome [] |_error| type_name::<E>(), emit_display type_name::<E>();
}

impl NoResult {
    /// Leaves the span alone.
    #[inline]
    pub fn fail_if_err(&self, _span: &mut impl Failing) {}

    /// Sends nothing.
    #[inline]
    pub fn tell_if_err(&self, _event: &'static Event) {}
}

#[cold]
fn fail<E>(span: &mut impl Failing, message: &dyn Display) {
    span.fail(type_name::<E>(), message);
}

macro_rules! outcomes_in_turn {
    ($($outcome:ident => $next:ident),*) => {$(
        impl<'a, R> $outcome<'a, R> {
            #[inline]
            fn returned(&self) -> &'a R {
                self.0.returned()
            }
        }

        impl<'a, R> Deref for $outcome<'a, R> {
            type Target = $next<'a, R>;
            #[inline]
            fn deref(&self) -> &$next<'a, R> {
                &self.0
            }
        }
    )*};
}

outcomes_in_turn! {
    Outcome => PointerOutcome, PointerOutcome => DisplayOutcome, DisplayOutcome => DebugOutcome, DebugOutcome => SilentOutcome
}

impl<'a, R> SilentOutcome<'a, R> {
    #[inline]
    fn returned(&self) -> &'a R {
        self.0
    }
}

impl<R> Deref for SilentOutcome<'_, R> {
    type Target = NoResult;
    #[inline]
    fn deref(&self) -> &NoResult {
        &NoResult
    }
}

/// A value that may be an `Err`, for `err_if`.
#[diagnostic::on_unimplemented(
    message = "`err_if` looks at the `Err` of a `Result`, and `{Self}` is none",
    label = "not a `Result`",
    note = "`ok_if` looks at any value"
)]
pub trait Fallible {
    /// What an `Err` holds.
    type Err;

    /// The `Err`, if it is one.
    fn as_err(&self) -> Option<&Self::Err>;
}

impl<T, E> Fallible for Result<T, E> {
    type Err = E;

    #[inline]
    fn as_err(&self) -> Option<&E> {
        self.as_ref().err()
    }
}

/// Whether this is an `Err` that counts.
#[inline]
pub fn is_failure<R: Fallible>(returned: &R, counts: impl FnOnce(&R::Err) -> bool) -> bool {
    returned.as_err().is_some_and(counts)
}

/// What `ret` records: a `Result`'s `Ok` value, or the whole of anything else.
#[derive(Debug)]
pub struct Returned<'a, R>(Whole<'a, R>);

/// A returned value that is no `Result`.
#[derive(Debug)]
pub struct Whole<'a, R>(&'a R);

/// The value to record, unless the function failed.
#[derive(Debug)]
pub struct Good<'a, T>(Option<&'a T>);

impl<'a, R> Returned<'a, R> {
    /// Looks at what was returned.
    #[inline]
    pub fn of(returned: &'a R) -> Self {
        Self(Whole(returned))
    }
}

impl<'a, T, E> Returned<'a, Result<T, E>> {
    /// The `Ok` value.
    #[inline]
    pub fn unless_err(&self) -> Good<'a, T> {
        Good(self.0.0.as_ref().ok())
    }
}

impl<'a, R> Deref for Returned<'a, R> {
    type Target = Whole<'a, R>;
    #[inline]
    fn deref(&self) -> &Whole<'a, R> {
        &self.0
    }
}

impl<'a, R> Whole<'a, R> {
    /// Looks at what was returned.
    #[inline]
    pub fn of(returned: &'a R) -> Self {
        Self(returned)
    }

    /// The value itself.
    #[inline]
    pub fn unless_err(&self) -> Good<'a, R> {
        Good(Some(self.0))
    }
}

impl<T> Good<'_, T> {
    /// Records the value's `Debug` text.
    #[inline]
    pub fn record_debug<const N: usize>(&self, span: &mut Recording<N>, key: u8)
    where
        T: Debug,
    {
        if let Some(value) = self.0.filter(|_| span.is_recording()) {
            span.debug(key, value);
        }
    }

    /// Records the value's `Display` text.
    #[inline]
    pub fn record_display<const N: usize>(&self, span: &mut Recording<N>, key: u8)
    where
        T: Display,
    {
        if let Some(value) = self.0.filter(|_| span.is_recording()) {
            span.display(key, value);
        }
    }

    /// Sends the value off as an event, in its `Debug` form.
    pub fn tell_debug(&self, event: &'static Event)
    where
        T: Debug,
    {
        self.0.iter().for_each(|value| event.emit_debug(value));
    }

    /// Sends the value off as an event, in its `Display` form.
    pub fn tell_display(&self, event: &'static Event)
    where
        T: Display,
    {
        self.0.iter().for_each(|value| event.emit_display(value));
    }

    /// Fails the span if the value does not count as a success.
    #[inline]
    pub fn fail_unless<const N: usize>(&self, span: &mut Recording<N>, counts: impl FnOnce(&T) -> bool) {
        if !self.0.filter(|_| span.is_recording()).is_none_or(counts) {
            span.reject("the value is none that `ok_if` takes for a success");
        }
    }
}

/// Calls the body as what it is, a `FnOnce`: it may give away what it captured, also a reborrow of a `&mut` parameter.
#[inline]
pub fn call_once<R>(body: impl FnOnce() -> R) -> R {
    body()
}

/// A future whose value has this type.
#[inline(always)]
pub fn future_of<T, F: Future<Output = T>>(future: F) -> F {
    future
}

/// A future in the box in which its function returns it.
pub fn pinned<F>(future: F) -> Pin<Box<F>> {
    Box::pin(future)
}

/// The same where the box is not pinned.
pub fn boxed<F>(future: F) -> Box<F> {
    Box::new(future)
}

/// Looks at nothing: for a future whose value cannot fail.
#[inline]
pub fn unobserved<const N: usize, T>(_span: &mut Recording<N>, _returned: &T) {}

/// Tells a type where no value of it can be had: in code that never runs.
pub fn unreached<T>() -> T {
    unreachable!("the code around it never runs")
}
