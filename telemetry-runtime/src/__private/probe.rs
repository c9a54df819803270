//! Questions about a type that the generated code asks of a value: does it capture itself, did it fail, what did it return?
//!
//! Each answer is an inherent method that exists only where the type allows it. Where it does not, method lookup goes on through
//! `Deref` to the next, humbler answer, so no spelling of a type is ever trusted and no trait needs to be in scope. The methods'
//! names are such that no trait of the user's has them.

use std::any::type_name;
use std::fmt::{Debug, Display};
use std::ops::Deref;

use super::Recording;
use crate::record::Capture;

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

/// What a function returned: an `Err` fails the span with its `Display` text, else its `Debug` text, else only its type's name.
#[derive(Debug)]
pub struct Outcome<'a, R>(DebugOutcome<'a, R>);

/// As [`Outcome`], but `Debug` comes first.
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
        Self(DebugOutcome::of(returned))
    }
}

impl<'a, R> DebugOutcome<'a, R> {
    /// Looks at what was returned.
    #[inline]
    pub fn of(returned: &'a R) -> Self {
        Self(SilentOutcome(returned))
    }
}

impl<T, E: Display> Outcome<'_, Result<T, E>> {
    /// Fails the span if this is an `Err`.
    #[inline]
    pub fn fail_if_err<const N: usize>(&self, span: &mut Recording<N>) {
        if let Err(error) = self.0.0.0 {
            fail::<E, N>(span, error);
        }
    }
}

impl<T, E: Debug> DebugOutcome<'_, Result<T, E>> {
    /// Fails the span if this is an `Err`.
    #[inline]
    pub fn fail_if_err<const N: usize>(&self, span: &mut Recording<N>) {
        if let Err(error) = self.0.0 {
            fail::<E, N>(span, &format_args!("{error:?}"));
        }
    }
}

impl<T, E> SilentOutcome<'_, Result<T, E>> {
    /// Fails the span if this is an `Err`.
    #[inline]
    pub fn fail_if_err<const N: usize>(&self, span: &mut Recording<N>) {
        if self.0.is_err() {
            fail::<E, N>(span, &type_name::<E>());
        }
    }
}

impl NoResult {
    /// Leaves the span alone.
    #[inline]
    pub fn fail_if_err<const N: usize>(&self, _span: &mut Recording<N>) {}
}

#[cold]
fn fail<E, const N: usize>(span: &mut Recording<N>, message: &dyn Display) {
    if span.is_recording() {
        span.fail(type_name::<E>(), message);
    }
}

impl<'a, R> Deref for Outcome<'a, R> {
    type Target = DebugOutcome<'a, R>;
    #[inline]
    fn deref(&self) -> &DebugOutcome<'a, R> {
        &self.0
    }
}

impl<'a, R> Deref for DebugOutcome<'a, R> {
    type Target = SilentOutcome<'a, R>;
    #[inline]
    fn deref(&self) -> &SilentOutcome<'a, R> {
        &self.0
    }
}

impl<R> Deref for SilentOutcome<'_, R> {
    type Target = NoResult;
    #[inline]
    fn deref(&self) -> &NoResult {
        &NoResult
    }
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
}

/// Calls the body as what it is, a `FnOnce`: it may give away what it captured, also a reborrow of a `&mut` parameter.
#[inline]
pub fn call_once<R>(body: impl FnOnce() -> R) -> R {
    body()
}

/// Looks at nothing: for a future whose value cannot fail.
#[inline]
pub fn unobserved<const N: usize, T>(_span: &mut Recording<N>, _returned: &T) {}

/// Tells a type where no value of it can be had: in code that never runs.
pub fn unreached<T>() -> T {
    unreachable!("the code around it never runs")
}
