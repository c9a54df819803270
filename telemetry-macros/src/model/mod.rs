//! What will be written: arguments and function held against each other, every cross-check made.

mod block;
mod check;
mod opening;
mod records;
mod tracing;

use proc_macro2::Span;
use syn::{Expr, LitStr, Type};

pub(crate) use self::block::BlockModel;
use self::check::{check_args, check_function, check_skips};
pub(crate) use self::opening::Opening;
pub(crate) use self::records::{Record, Source};
pub(crate) use self::tracing::{TracingField, TracingSpan};
use crate::args::{Args, Choice, FieldName, Mode};
use crate::errors::Errors;
use crate::item::Item;
use crate::item::spelling;
use crate::style::Style;

/// A span around a function, without a question left.
pub(crate) struct Model {
    pub(crate) item: Item,
    pub(crate) opening: Opening,
    /// The value's type, where the spelling tells it.
    pub(crate) value_type: Option<Type>,
    /// How an `Err` says what it is, where there may be one.
    pub(crate) err: Option<Failure>,
    pub(crate) ret: Option<Return>,
    /// Whether the value counts as a success.
    pub(crate) ok_if: Option<Expr>,
    /// The span of `tracing` beside ours.
    pub(crate) tracing: Option<TracingSpan>,
}

/// What becomes of an `Err`.
pub(crate) struct Failure {
    pub(crate) mode: Mode,
    /// Of the event.
    pub(crate) level: Option<Choice>,
    /// Whether it counts.
    pub(crate) counts_if: Option<Expr>,
}

/// The attribute `return`, recorded after the body.
pub(crate) struct Return {
    pub(crate) mode: Mode,
    /// Where a value is reported that cannot be formatted.
    pub(crate) place: Span,
    /// Of the event.
    pub(crate) level: Option<Choice>,
    /// Whether the event has an `Err`, too.
    pub(crate) whole: bool,
}

impl Model {
    pub(crate) fn of_function(args: Args, item: Item, style: Style, errors: &mut Errors) -> Self {
        check_function(&args, &item, errors);
        check_args(&args, errors);
        check_skips(&args, &item, errors);
        Self::new(args, item, None, style)
    }

    /// `owner` is the type or trait whose block holds the function.
    fn new(mut args: Args, item: Item, owner: Option<&str>, style: Style) -> Self {
        let tracing = (style == Style::Tracing).then(|| TracingSpan::take(&mut args, &item));
        let ret = args.ret.as_ref().filter(|ret| ret.on).map(|ret| Return {
            mode: ret.mode.unwrap_or(Mode::Debug),
            place: ret.word.span(),
            level: ret.level.clone(),
            whole: style == Style::Tracing && args.err.is_none(),
        });
        let value_type = item.value_type();
        let err = failure(&args, value_type.as_ref());
        let ok_if = args.ok_if.clone();
        let mut keys_after: Vec<_> =
            ret.iter().map(|ret| FieldName::Text(LitStr::new("return", ret.place))).collect();
        if item.streams() {
            keys_after.push(FieldName::ours("stream.items"));
        }
        let opening = Opening::of_function(args, &item, owner, style, keys_after);
        Self { item, opening, value_type, err, ret, ok_if, tracing }
    }

    /// Whether the value is looked at.
    pub(crate) fn observes(&self) -> bool {
        self.err.is_some() || self.ret.is_some() || self.ok_if.is_some()
    }

    /// Whether the value becomes an event, also where no span is recorded.
    pub(crate) fn tells(&self) -> bool {
        self.err.as_ref().is_some_and(|err| err.level.is_some())
            || self.ret.as_ref().is_some_and(|ret| ret.level.is_some())
    }
}

fn failure(args: &Args, value_type: Option<&Type>) -> Option<Failure> {
    let never_fails = args.err_if.is_none() && value_type.is_some_and(spelling::cannot_fail);
    let is_off = args.err.as_ref().is_some_and(|err| !err.on);
    (!never_fails && !is_off).then(|| Failure {
        mode: args.err.as_ref().and_then(|err| err.mode).unwrap_or(Mode::Display),
        level: args.err.as_ref().and_then(|err| err.level.clone()),
        counts_if: args.err_if.clone(),
    })
}
