//! A request as JSON divided into two by its spans or log records, whose texts stay as they are.

use super::{LOGS, SPANS};
use crate::export::halves::{self, Pick};
use crate::record::Signal;
use serde_json::value::{RawValue, to_raw_value};
use std::collections::BTreeMap;

/// Two requests with a half of the items each, and how many those are; `None` if this is no request of the signal.
pub(crate) fn halves(signal: Signal, request: &[u8]) -> Option<[(usize, Vec<u8>); 2]> {
    let names = match signal {
        Signal::Traces => SPANS,
        Signal::Logs => LOGS,
    };
    let lists = [names.of_resources, names.of_scopes, names.items];
    let request: &RawValue = serde_json::from_slice(request).ok()?;
    halves::halves(|pick| Some(part(request, &lists, pick)?.get().as_bytes().to_vec()))
}

/// What is picked of an object, and all that it says besides.
fn part(object: &RawValue, lists: &[&str], pick: &mut Pick) -> Option<Box<RawValue>> {
    let (list, inner) = lists.split_first()?;
    let mut object: BTreeMap<&str, Box<RawValue>> = serde_json::from_str(object.get()).ok()?;
    let elements: Vec<Box<RawValue>> = serde_json::from_str(object.get(list)?.get()).ok()?;
    let mut picked = Vec::new();
    for element in elements {
        if inner.is_empty() {
            picked.extend(pick.item().then_some(element));
            continue;
        }
        let mut of_element = None;
        let is_wanted = pick.list(|pick| {
            of_element = Some(part(&element, inner, pick)?);
            Some(())
        })?;
        picked.extend(of_element.filter(|_| is_wanted));
    }
    object.insert(list, to_raw_value(&picked).ok()?);
    to_raw_value(&object).ok()
}
