//! Runs one kind of span so many times, in a function on its own, for whoever counts instructions: `instructions.sh` beside this.
//!
//! `instructions NAME COUNT`, or without arguments the names, one a line. All records of one run fit into what a thread's lane begins
//! with, so that each span takes the same way as the one before.

use std::hint::black_box;
use std::pin::pin;
use std::process::ExitCode;
use std::sync::Once;
use std::task::{Context, Poll, Waker};
use telemetry_runtime::export::memory::Memory;
use telemetry_runtime::policy::Ratio;
use telemetry_runtime::{Guard, Settings, Span, bridge, builder, event, instrument};
use tracing::Subscriber;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::registry;

/// A kind of span.
struct Scenario {
    name: &'static str,
    /// How telemetry runs meanwhile.
    setting: Setting,
    /// Does it so many times.
    run: fn(u32),
}

enum Setting {
    Off,
    /// Each span is a root of its own.
    Roots,
    /// Within a span.
    Sampled,
    /// Within a span that is not sampled.
    Unsampled,
    /// Within a span that is sampled or not, and with the subscriber of `tracing` that settings bring along.
    Init(Ratio),
}

const SCENARIOS: &[Scenario] = &[
    Scenario { name: "off", setting: Setting::Off, run: off },
    Scenario { name: "off_async", setting: Setting::Off, run: off_async },
    Scenario { name: "plain", setting: Setting::Sampled, run: plain },
    Scenario { name: "root", setting: Setting::Roots, run: root },
    Scenario { name: "three_attributes", setting: Setting::Sampled, run: three_attributes },
    Scenario { name: "debug_attribute", setting: Setting::Sampled, run: debug_attribute },
    Scenario { name: "error", setting: Setting::Sampled, run: error },
    Scenario { name: "event", setting: Setting::Sampled, run: one_event },
    Scenario { name: "event_by_handle", setting: Setting::Sampled, run: one_event_by_handle },
    Scenario { name: "async_ready", setting: Setting::Sampled, run: async_ready },
    Scenario { name: "async_one_yield", setting: Setting::Sampled, run: async_one_yield },
    Scenario { name: "tracing_registry", setting: Setting::Off, run: by_registry_alone },
    Scenario { name: "tracing_off", setting: Setting::Off, run: by_tracing },
    Scenario { name: "tracing_span", setting: Setting::Sampled, run: by_tracing },
    Scenario { name: "tracing_unsampled", setting: Setting::Unsampled, run: by_tracing },
    Scenario { name: "tracing_span_by_init", setting: Setting::Init(Ratio::ALWAYS), run: spans_of_tracing },
    Scenario {
        name: "tracing_unsampled_by_init",
        setting: Setting::Init(Ratio::NEVER),
        run: spans_of_tracing,
    },
    Scenario { name: "unsampled", setting: Setting::Unsampled, run: unsampled },
    Scenario { name: "unsampled_async", setting: Setting::Unsampled, run: unsampled_async },
];

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let Some(name) = arguments.next() else {
        SCENARIOS.iter().for_each(|scenario| println!("{}", scenario.name));
        return ExitCode::SUCCESS;
    };
    let scenario = SCENARIOS.iter().find(|scenario| scenario.name == name);
    let count = arguments.next().and_then(|count| count.parse().ok());
    let (Some(scenario), Some(count)) = (scenario, count) else {
        eprintln!("usage: instructions [NAME COUNT]");
        return ExitCode::FAILURE;
    };
    let _guard = install(&scenario.setting);
    match scenario.setting {
        Setting::Off | Setting::Roots => warm_up_and_run(scenario.run, count),
        Setting::Sampled | Setting::Unsampled | Setting::Init(_) => {
            around(|| warm_up_and_run(scenario.run, count))
        }
    }
    ExitCode::SUCCESS
}

fn install(setting: &Setting) -> Option<Guard> {
    let builder = builder().exporter("memory", Memory::new());
    let builder = match setting {
        Setting::Off => return None,
        Setting::Roots | Setting::Sampled => builder,
        Setting::Unsampled => builder.policy(Ratio::NEVER),
        Setting::Init(ratio) => {
            let settings = Settings::from_text("telemetry: {exporters: []}", "settings.yaml");
            builder.settings(settings.expect("they are right")).policy(*ratio)
        }
    };
    Some(builder.install().expect("telemetry starts"))
}

#[instrument]
fn around(body: impl FnOnce()) {
    body();
}

/// The first span of a thread and of a place costs more than those that follow.
fn warm_up_and_run(run: fn(u32), count: u32) {
    run(2);
    what_is_counted(run, count);
}

/// What is counted: from here to the return.
#[inline(never)]
fn what_is_counted(run: fn(u32), count: u32) {
    black_box(run)(black_box(count));
}

#[instrument]
#[inline(never)]
fn child(n: u32) -> u32 {
    n
}

fn plain(count: u32) {
    for n in 0..count {
        black_box(child(n));
    }
}

fn off(count: u32) {
    plain(count);
}

fn root(count: u32) {
    plain(count);
}

fn unsampled(count: u32) {
    plain(count);
}

fn three_attributes(count: u32) {
    #[instrument(fields(number, short, long))]
    #[inline(never)]
    fn three(number: i64, short: &str, long: &String) -> usize {
        short.len() + long.len()
    }

    let long = "abcdefghijklmnopqrstuvwx".to_owned();
    for n in 0..count {
        black_box(three(i64::from(n), black_box("sixteen bytes it"), black_box(&long)));
    }
}

fn debug_attribute(count: u32) {
    #[instrument(fields(?pair))]
    #[inline(never)]
    fn debug(pair: (u32, bool)) -> u32 {
        pair.0
    }

    for _ in 0..count {
        black_box(debug(black_box((1234, true))));
    }
}

fn error(count: u32) {
    #[derive(Debug)]
    struct Refused;

    impl std::fmt::Display for Refused {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("the card was refused")
        }
    }

    impl std::error::Error for Refused {}

    #[instrument]
    #[inline(never)]
    fn fails(n: u32) -> Result<u32, Refused> {
        if black_box(true) { Err(Refused) } else { Ok(n) }
    }

    for n in 0..count {
        let _ = black_box(fails(n));
    }
}

fn one_event(count: u32) {
    #[instrument]
    #[inline(never)]
    fn tells(n: u32) -> u32 {
        event!("cache.miss", size = n);
        n
    }

    for n in 0..count {
        black_box(tells(n));
    }
}

fn one_event_by_handle(count: u32) {
    #[instrument]
    #[inline(never)]
    fn tells(n: u32) -> u32 {
        Span::current().add_event("cache.miss", &[("size", &n)]);
        n
    }

    for n in 0..count {
        black_box(tells(n));
    }
}

#[instrument]
async fn ready(n: u32) -> u32 {
    n
}

fn async_ready(count: u32) {
    for n in 0..count {
        black_box(block_on(ready(n)));
    }
}

fn off_async(count: u32) {
    async_ready(count);
}

fn unsampled_async(count: u32) {
    async_ready(count);
}

fn async_one_yield(count: u32) {
    #[instrument]
    async fn yields(n: u32) -> u32 {
        let mut is_second = false;
        std::future::poll_fn(|_| {
            if std::mem::replace(&mut is_second, true) { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        n
    }

    for n in 0..count {
        black_box(block_on(yields(n)));
    }
}

/// A layer that sees everything and does nothing.
struct Nothing;

impl<S: Subscriber> Layer<S> for Nothing {}

/// What a span of `tracing` takes without us. A registry that has no layer at all takes less, and never gives a span's memory back.
fn by_registry_alone(count: u32) {
    static INSTALL: Once = Once::new();
    INSTALL.call_once(|| {
        let subscriber = registry().with(Nothing);
        tracing::subscriber::set_global_default(subscriber).expect("no other is installed");
    });
    spans_of_tracing(count);
}

fn by_tracing(count: u32) {
    static INSTALL: Once = Once::new();
    INSTALL.call_once(|| {
        let subscriber = registry().with(bridge::spans::layer());
        tracing::subscriber::set_global_default(subscriber).expect("no other is installed");
    });
    spans_of_tracing(count);
}

fn spans_of_tracing(count: u32) {
    for n in 0..count {
        tracing::info_span!("child", n).in_scope(|| black_box(n));
    }
}

#[inline(always)]
fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return value;
        }
    }
}
