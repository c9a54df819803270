//! `compat::instrument`: any subscriber sees what `tracing::instrument` shows it, and our span is there as well.

use std::fmt::{self, Write};
use std::sync::{Arc, Mutex};

use telemetry_runtime::{StatusCode, ValueBuf, testing};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// Which callsites `tracing` asks about depends on all subscribers of the process: one test at a time.
static ALONE: Mutex<()> = Mutex::new(());

/// The same code under either attribute.
macro_rules! code {
    ($module:ident, $attribute:path) => {
        mod $module {
            use std::fmt;
            use std::num::NonZeroU8;
            use std::pin::Pin;

            use tracing::Level;
            use $attribute as instrument;

            use tokio::task::yield_now;

            const NAME: &str = "named by a const";
            const TARGET: &str = "orders";
            const KEY: &str = "key.of.const";

            #[derive(Debug, Clone)]
            pub(crate) struct Order {
                pub(crate) id: u64,
            }

            #[derive(Debug)]
            pub(crate) struct Declined;

            impl fmt::Display for Declined {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.write_str("card declined")
                }
            }

            #[expect(clippy::too_many_arguments, reason = "one of each kind")]
            #[instrument]
            pub(crate) fn everything(
                n: u64,
                text: &str,
                owned: String,
                letter: char,
                some: Option<u8>,
                list: Vec<u8>,
                order: &Order,
                non_zero: NonZeroU8,
                (a, b): (u8, u8),
                _unused: bool,
                password: &str,
            ) -> usize {
                tracing::info!("inside");
                text.len() + owned.len() + list.len() + usize::from(a + b) + password.len()
            }

            #[instrument(name = "by text", target = "shop", level = "debug", skip(skipped), fields(order, later = tracing::field::Empty, sum = n + 1, ?skipped, %text, a.b = %text, {KEY} = ?order))]
            pub(crate) fn fields(n: u8, skipped: u8, text: &str, order: &Order) -> u8 {
                tracing::Span::current().record("later", "recorded");
                n + skipped
            }

            #[instrument(name = NAME, target = TARGET, level = Level::WARN, skip_all, fields(n))]
            pub(crate) fn consts(n: u8) -> u8 {
                n
            }

            #[instrument(level = 1, parent = None)]
            pub(crate) fn orphan(n: u8) -> u8 {
                leaf(n)
            }

            #[instrument(level = "trace")]
            pub(crate) fn leaf(n: u8) -> u8 {
                n
            }

            #[instrument(parent = parent, skip(parent, causes), follows_from = causes)]
            pub(crate) fn elsewhere(parent: &tracing::Span, causes: &[tracing::span::Id], n: u8) -> u8 {
                leaf(n)
            }

            #[instrument(err)]
            pub(crate) fn fails(n: u8) -> Result<u8, Declined> {
                leaf(n);
                if n == 0 { Err(Declined) } else { Ok(n) }
            }

            #[instrument(err(Debug, level = "warn"), ret)]
            pub(crate) fn fails_in_debug(n: u8) -> Result<u8, Declined> {
                if n == 0 { Err(Declined) } else { Ok(n) }
            }

            #[instrument(ret(level = Level::DEBUG), level = "info", target = "shop")]
            pub(crate) fn returns(n: u8) -> Result<u8, Declined> {
                if n == 0 { Err(Declined) } else { Ok(n) }
            }

            #[instrument(ret(Display))]
            pub(crate) fn displays(n: u8) -> u8 {
                n
            }

            #[instrument(err, ret, skip(order))]
            pub(crate) async fn later(n: u8, order: Order) -> Result<u8, Declined> {
                yield_now().await;
                leaf(n);
                yield_now().await;
                let _moved = order;
                if n == 0 { Err(Declined) } else { Ok(n) }
            }

            #[instrument(err)]
            pub(crate) fn boxed(n: u8) -> Pin<Box<dyn Future<Output = Result<u8, Declined>> + Send>> {
                Box::pin(async move {
                    yield_now().await;
                    if n == 0 { Err(Declined) } else { Ok(n) }
                })
            }

            impl Order {
                #[instrument]
                pub(crate) fn method(&self, n: u8) -> u64 {
                    self.id + u64::from(n)
                }

                #[instrument(skip(self), fields(id = self.id), ret)]
                pub(crate) async fn method_later(&mut self, n: u8) -> u64 {
                    yield_now().await;
                    self.id += 1;
                    self.id + u64::from(n)
                }
            }

            pub(crate) fn run() {
                let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
                let mut order = Order { id: 7 };
                everything(1, "t", "o".to_owned(), 'c', Some(2), vec![3], &order, NonZeroU8::MIN, (4, 5), true, "hunter2");
                fields(1, 2, "t", &order);
                consts(1);
                orphan(1);
                let around = tracing::info_span!("around");
                elsewhere(&around, &around.id().into_iter().collect::<Vec<_>>(), 1);
                around.in_scope(|| leaf(1));
                for n in [0, 1] {
                    let _ = fails(n);
                    let _ = fails_in_debug(n);
                    let _ = returns(n);
                    displays(n);
                    let _ = runtime.block_on(later(n, order.clone()));
                    let _ = runtime.block_on(boxed(n));
                }
                order.method(1);
                runtime.block_on(order.method_later(1));
                drop(later(1, order));
            }
        }
    };
}

code!(incumbent, tracing::instrument);
code!(ours, telemetry_runtime::compat::instrument);

#[derive(Default)]
struct Seen {
    lines: Vec<String>,
    spans: u64,
}

/// Writes down whatever it is told.
#[derive(Clone)]
struct Transcript {
    seen: Arc<Mutex<Seen>>,
    most: tracing::Level,
}

struct Fields(String);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        write!(self.0, " {}=?{value:?}", field.name()).expect("a string");
    }
    fn record_u64(&mut self, field: &Field, value: u64) {
        write!(self.0, " {}=u{value}", field.name()).expect("a string");
    }
    fn record_i64(&mut self, field: &Field, value: i64) {
        write!(self.0, " {}=i{value}", field.name()).expect("a string");
    }
    fn record_bool(&mut self, field: &Field, value: bool) {
        write!(self.0, " {}=b{value}", field.name()).expect("a string");
    }
    fn record_str(&mut self, field: &Field, value: &str) {
        write!(self.0, " {}=s{value}", field.name()).expect("a string");
    }
}

fn described(metadata: &Metadata<'_>) -> String {
    let names: Vec<_> = metadata.fields().iter().map(|field| field.name()).collect();
    let name = if metadata.is_span() { metadata.name() } else { "event" };
    format!("{name} {} {} {names:?}", metadata.target(), metadata.level())
}

impl Transcript {
    fn tell(&self, line: String) {
        let line = line.replace("::incumbent", "").replace("::ours", "");
        self.seen.lock().expect("no panic while writing").lines.push(line);
    }
}

impl Subscriber for Transcript {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= self.most
    }
    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let id = {
            let mut seen = self.seen.lock().expect("no panic while writing");
            seen.spans += 1;
            seen.spans
        };
        let mut fields = Fields(String::new());
        span.record(&mut fields);
        let place = (span.is_root(), span.is_contextual(), span.parent().map(Id::into_u64));
        self.tell(format!("new {id} {} {place:?}{}", described(span.metadata()), fields.0));
        Id::from_u64(id)
    }
    fn record(&self, span: &Id, values: &Record<'_>) {
        let mut fields = Fields(String::new());
        values.record(&mut fields);
        self.tell(format!("record {}{}", span.into_u64(), fields.0));
    }
    fn record_follows_from(&self, span: &Id, follows: &Id) {
        self.tell(format!("{} follows from {}", span.into_u64(), follows.into_u64()));
    }
    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields(String::new());
        event.record(&mut fields);
        self.tell(format!("{}{}", described(event.metadata()), fields.0));
    }
    fn enter(&self, span: &Id) {
        self.tell(format!("enter {}", span.into_u64()));
    }
    fn exit(&self, span: &Id) {
        self.tell(format!("exit {}", span.into_u64()));
    }
    fn try_close(&self, span: Id) -> bool {
        self.tell(format!("close {}", span.into_u64()));
        true
    }
}

fn transcript(most: tracing::Level, run: fn()) -> Vec<String> {
    let transcript = Transcript { seen: Arc::default(), most };
    tracing::subscriber::with_default(transcript.clone(), run);
    let seen = transcript.seen.lock().expect("no panic while writing");
    seen.lines.clone()
}

#[test]
fn a_subscriber_sees_the_same_spans_and_events() {
    let _alone = ALONE.lock();
    for most in [tracing::Level::TRACE, tracing::Level::INFO, tracing::Level::ERROR] {
        let (expected, seen) = (transcript(most, incumbent::run), transcript(most, ours::run));
        for (line, (expected, seen)) in expected.iter().zip(&seen).enumerate() {
            assert_eq!(expected, seen, "line {line} at {most}");
        }
        assert_eq!(expected.len(), seen.len());
    }
}

#[test]
fn our_span_is_there_as_well() {
    let _alone = ALONE.lock();
    let spans = testing::capture(ours::run);
    let named = |name: &str| spans.iter().find(|span| span.name == name).expect("a span");
    let span = named("everything");
    let mut keys: Vec<_> = span.attributes.iter().map(|(key, _)| key.as_str()).collect();
    keys.sort_unstable();
    assert_eq!(
        keys,
        ["_unused", "a", "b", "letter", "list", "n", "non_zero", "order", "owned", "some", "text"]
    );
    assert_eq!(span.attribute("n"), Some(&ValueBuf::I64(1)));
    assert_eq!(span.attribute("order"), Some(&ValueBuf::Str("Order { id: 7 }".to_owned())));
    assert_eq!(
        (named("fails").status, named("fails").status_message.as_str()),
        (StatusCode::Error, "card declined")
    );
    assert_eq!(named("later").status, StatusCode::Error);
    assert_eq!(named("method_later").attribute("return"), Some(&ValueBuf::Str("9".to_owned())));
}
