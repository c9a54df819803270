//! Spans that wait for the span above them, and the trees they become.

use super::tree::{Row, Standing, Tree};
use crate::record::{SpanData, SpanId, TraceId, ValueBuf};
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

/// How much may wait, and for how long by the spans' own clock.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) spans: usize,
    pub(super) bytes: usize,
    pub(super) age_ns: u64,
}

/// How many printed spans are remembered, to tell who comes late from who still waits.
const REMEMBERED_SPANS: usize = 4096;

#[derive(Debug)]
pub(super) struct Held {
    limits: Limits,
    /// By arrival: the oldest first.
    traces: BTreeMap<u64, Waiting>,
    arrivals: HashMap<TraceId, u64>,
    next_arrival: u64,
    /// Spans that nothing above is awaited for, since the last look.
    tops: Vec<Top>,
    printed: Printed,
    spans: usize,
    bytes: usize,
    newest_ns: u64,
}

/// The spans held of one trace.
#[derive(Debug)]
struct Waiting {
    trace_id: TraceId,
    since_ns: u64,
    spans: Vec<SpanData>,
}

#[derive(Debug)]
struct Top {
    end_unix_ns: u64,
    span_id: SpanId,
    trace_id: TraceId,
    standing: Standing,
}

impl Held {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            limits,
            traces: BTreeMap::new(),
            arrivals: HashMap::new(),
            next_arrival: 0,
            tops: Vec::new(),
            printed: Printed::default(),
            spans: 0,
            bytes: 0,
            newest_ns: 0,
        }
    }

    pub(super) fn add(&mut self, span: SpanData) {
        let (trace_id, span_id) = (span.trace_id, span.span_id);
        let end_unix_ns = span.start_unix_ns.saturating_add(span.duration_ns);
        self.newest_ns = self.newest_ns.max(end_unix_ns);
        if let Some(standing) = self.standing_of_top(&span) {
            self.tops.push(Top { end_unix_ns, span_id, trace_id, standing });
        }
        self.spans += 1;
        self.bytes += size_bytes(&span);
        let arrival = *self.arrivals.entry(trace_id).or_insert(self.next_arrival);
        self.next_arrival = self.next_arrival.max(arrival + 1);
        let waiting = || Waiting { trace_id, since_ns: self.newest_ns, spans: Vec::new() };
        self.traces.entry(arrival).or_insert_with(waiting).spans.push(span);
    }

    /// The trees whose top has come, in the order in which the tops ended; then what is held against the limits.
    pub(super) fn take_complete(&mut self) -> Vec<Tree> {
        let mut tops = std::mem::take(&mut self.tops);
        tops.sort_by_key(|top| (top.end_unix_ns, top.span_id));
        let mut trees: Vec<Tree> = tops.iter().filter_map(|top| self.take_below(top)).collect();
        while self.is_beyond_limits() {
            trees.extend(self.take_oldest());
        }
        trees
    }

    /// Everything that is held.
    pub(super) fn take_all(&mut self) -> Vec<Tree> {
        let mut trees = self.take_complete();
        trees.extend(std::iter::from_fn(|| self.take_oldest()));
        trees
    }

    fn standing_of_top(&self, span: &SpanData) -> Option<Standing> {
        match span.parent_span_id {
            Some(parent) if self.printed.contains(parent) => Some(Standing::Late),
            Some(_) if !span.parent_is_remote => None,
            _ => Some(Standing::Whole),
        }
    }

    fn take_below(&mut self, top: &Top) -> Option<Tree> {
        let arrival = *self.arrivals.get(&top.trace_id)?;
        let waiting = self.remove(arrival)?;
        let (rows, rest) = split_below(waiting.spans, |span| span.span_id == top.span_id);
        if !rest.is_empty() {
            self.keep(arrival, Waiting { spans: rest, ..waiting });
        }
        self.finish(top.trace_id, top.standing, rows)
    }

    fn is_beyond_limits(&self) -> bool {
        let oldest = self.traces.first_key_value();
        self.spans > self.limits.spans
            || self.bytes > self.limits.bytes
            || oldest.is_some_and(|(_, oldest)| self.newest_ns - oldest.since_ns > self.limits.age_ns)
    }

    fn take_oldest(&mut self) -> Option<Tree> {
        let arrival = *self.traces.first_key_value()?.0;
        let Waiting { trace_id, mut spans, .. } = self.remove(arrival)?;
        let mut rows = Vec::new();
        let held: HashSet<SpanId> = spans.iter().map(|span| span.span_id).collect();
        let mut is_top: Box<dyn Fn(&SpanData) -> bool> =
            Box::new(move |span| span.parent_span_id.is_none_or(|parent| !held.contains(&parent)));
        while !spans.is_empty() {
            let (below, rest) = split_below(spans, &is_top);
            rows.extend(below);
            spans = rest;
            // Only spans that are their own ancestors are left: begin anywhere.
            if let Some(next) = spans.first().map(|span| span.span_id) {
                is_top = Box::new(move |span| span.span_id == next);
            }
        }
        self.finish(trace_id, Standing::Incomplete, rows)
    }

    fn finish(&mut self, trace_id: TraceId, standing: Standing, rows: Vec<Row>) -> Option<Tree> {
        for row in &rows {
            self.printed.insert(row.span.span_id);
        }
        (!rows.is_empty()).then_some(Tree { trace_id, standing, rows })
    }

    fn remove(&mut self, arrival: u64) -> Option<Waiting> {
        let waiting = self.traces.remove(&arrival)?;
        self.arrivals.remove(&waiting.trace_id);
        self.spans -= waiting.spans.len();
        self.bytes -= waiting.spans.iter().map(size_bytes).sum::<usize>();
        Some(waiting)
    }

    fn keep(&mut self, arrival: u64, waiting: Waiting) {
        self.spans += waiting.spans.len();
        self.bytes += waiting.spans.iter().map(size_bytes).sum::<usize>();
        self.arrivals.insert(waiting.trace_id, arrival);
        self.traces.insert(arrival, waiting);
    }
}

/// The tops with all that is below them, parents first and siblings in the order of their start; and the other spans.
fn split_below(mut spans: Vec<SpanData>, is_top: impl Fn(&SpanData) -> bool) -> (Vec<Row>, Vec<SpanData>) {
    spans.sort_by_key(|span| (span.start_unix_ns, span.span_id));
    let mut children: HashMap<SpanId, Vec<usize>> = HashMap::new();
    for (index, span) in spans.iter().enumerate() {
        if let Some(parent) = span.parent_span_id {
            children.entry(parent).or_default().push(index);
        }
    }
    let tops = (0..spans.len()).filter(|index| is_top(&spans[*index]));
    let mut next: Vec<(usize, usize)> = tops.rev().map(|index| (index, 0)).collect();
    let mut spans: Vec<Option<SpanData>> = spans.into_iter().map(Some).collect();
    let mut rows = Vec::new();
    while let Some((index, depth)) = next.pop() {
        let Some(span) = spans[index].take() else { continue };
        let below = children.get(&span.span_id).into_iter().flatten();
        next.extend(below.rev().map(|child| (*child, depth + 1)));
        rows.push(Row { depth, span });
    }
    (rows, spans.into_iter().flatten().collect())
}

/// About the memory that a span takes.
fn size_bytes(span: &SpanData) -> usize {
    let attributes = |attributes: &[(String, _)]| attributes.iter().map(attribute_bytes).sum::<usize>();
    let events =
        span.events.iter().map(|event| size_of_val(event) + event.name.len() + attributes(&event.attributes));
    let links = span.links.iter().map(|link| size_of_val(link) + attributes(&link.attributes));
    size_of::<SpanData>()
        + span.name.len()
        + span.target.len()
        + span.status_message.len()
        + attributes(&span.attributes)
        + events.sum::<usize>()
        + links.sum::<usize>()
}

fn attribute_bytes((key, value): &(String, ValueBuf)) -> usize {
    size_of_val(key) + key.len() + value_bytes(value)
}

fn value_bytes(value: &ValueBuf) -> usize {
    let content = match value {
        ValueBuf::Str(text) => text.len(),
        ValueBuf::Bytes(bytes) => bytes.len(),
        ValueBuf::Array(elements) => elements.iter().map(value_bytes).sum(),
        _ => 0,
    };
    size_of_val(value) + content
}

/// The spans that were printed last.
#[derive(Debug, Default)]
struct Printed {
    order: VecDeque<SpanId>,
    ids: HashSet<SpanId>,
}

impl Printed {
    fn contains(&self, id: SpanId) -> bool {
        self.ids.contains(&id)
    }

    fn insert(&mut self, id: SpanId) {
        if !self.ids.insert(id) {
            return;
        }
        self.order.push_back(id);
        if self.order.len() > REMEMBERED_SPANS {
            self.order.pop_front().map(|oldest| self.ids.remove(&oldest));
        }
    }
}
