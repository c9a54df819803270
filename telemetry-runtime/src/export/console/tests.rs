//! What the console prints, to the letter.

use super::*;
use crate::record::sample::{Sample, batch};
use crate::record::{SpanKind, StatusCode, Value};

const MS: u64 = 1_000_000;
const S: u64 = 1_000 * MS;

/// What a console prints for these batches.
fn printed(style: Style, batches: &[&[Sample]]) -> String {
    let mut console = Console::to_writer(Vec::new(), style);
    for samples in batches {
        assert_eq!(console.export(&batch(samples)).ok(), Some(Exported::all()));
    }
    text(&console)
}

fn plain(batches: &[&[Sample]]) -> String {
    printed(Style { colour: false }, batches)
}

fn text(console: &Console<Vec<u8>>) -> String {
    String::from_utf8(console.writer.clone()).expect("the console writes UTF-8")
}

fn order() -> [Sample; 4] {
    [
        Sample::child("INSERT orders", 3, 2)
            .kind(SpanKind::Client)
            .at(11 * MS / 10, 91 * MS / 10)
            .attribute("db.system.name", "sqlite"),
        Sample::child("create_order", 2, 1).at(MS, 119 * MS / 10).attribute("quantity", 2),
        Sample::child("notify", 4, 1).at(12 * MS, 3 * MS / 10).error("MailError", "mailbox full"),
        Sample::root("POST /orders", 1)
            .kind(SpanKind::Server)
            .at(0, 124 * MS / 10)
            .attribute("http.response.status_code", 201),
    ]
}

#[test]
fn a_trace_is_a_tree() {
    assert_eq!(
        plain(&[&order()]),
        "\
trace 0af7651916cd43dd8448eb211c80319c  12.9 ms  4 spans  1 error
POST /orders ‹server›                        12.4 ms  http.response.status_code=201
├─ create_order                              11.9 ms  quantity=2
│  └─ INSERT orders ‹client›                 9.10 ms  db.system.name=sqlite
└─ notify                                ✗    300 µs  error.type=MailError
   exception MailError: mailbox full

"
    );
}

#[test]
fn colour_repeats_what_words_say() {
    let coloured = printed(Style { colour: true }, &[&order()]);
    assert_eq!(
        coloured,
        "\
\u{1b}[1mtrace\u{1b}[0m 0af7651916cd43dd8448eb211c80319c  12.9 ms  4 spans  \u{1b}[31m1 error\u{1b}[0m
POST /orders\u{1b}[36m ‹server›\u{1b}[0m                        12.4 ms  \u{1b}[2mhttp.response.status_code=201\u{1b}[0m
\u{1b}[2m├─ \u{1b}[0mcreate_order                              11.9 ms  \u{1b}[2mquantity=2\u{1b}[0m
\u{1b}[2m│  └─ \u{1b}[0mINSERT orders\u{1b}[36m ‹client›\u{1b}[0m                 9.10 ms  \u{1b}[2mdb.system.name=sqlite\u{1b}[0m
\u{1b}[2m└─ \u{1b}[0m\u{1b}[31mnotify\u{1b}[0m                                \u{1b}[31m✗\u{1b}[0m \u{1b}[31m   300 µs\u{1b}[0m  \u{1b}[2merror.type=MailError\u{1b}[0m
\u{1b}[2m   \u{1b}[0m\u{1b}[31mexception MailError: mailbox full\u{1b}[0m

"
    );
    let mut without_codes = coloured;
    for code in [0, 1, 2, 31, 33, 36] {
        without_codes = without_codes.replace(&format!("\u{1b}[{code}m"), "");
    }
    assert_eq!(without_codes, plain(&[&order()]));
}

#[test]
fn spans_wait_for_their_root_over_batches() {
    let [insert, create, notify, root] = order();
    let mut console = Console::to_writer(Vec::new(), Style::default());
    for early in [[insert, create], [notify.clone(), notify.trace(7)]] {
        assert!(console.export(&batch(&early)).is_ok());
        assert_eq!(text(&console), "");
    }
    assert!(console.export(&batch(&[root])).is_ok());
    assert!(text(&console).contains("└─ notify"));
    assert_eq!(text(&console).matches("trace ").count(), 1);
}

#[test]
fn a_span_with_a_remote_parent_is_a_root() {
    let shown = plain(&[&[Sample::child("GET /", 2, 1).remote_parent(), Sample::child("below", 3, 2)]]);
    assert_eq!(
        shown,
        "\
trace 0af7651916cd43dd8448eb211c80319c  1.00 ms  2 spans
GET /                                        1.00 ms
└─ below                                     1.00 ms

"
    );
}

#[test]
fn two_roots_of_one_trace_are_two_trees_in_order_of_their_end() {
    let root = |name, id| Sample::child(name, id, 99).remote_parent();
    let spans = [
        root("second", 1).at(0, 3 * MS),
        root("first", 2).at(0, 2 * MS),
        Sample::child("below first", 3, 2),
        Sample::child("below second", 4, 1),
    ];
    let shown = plain(&[&spans]);
    let at = |name: &str| shown.find(name).expect("every span is shown");
    assert!(at("\nfirst") < at("└─ below first") && at("└─ below first") < at("\nsecond"));
    assert!(at("\nsecond") < at("└─ below second"));
}

#[test]
fn siblings_stand_in_order_of_their_start() {
    let spans = [
        Sample::child("c", 2, 1).at(3, 1),
        Sample::child("a", 3, 1).at(1, 9),
        Sample::child("b", 4, 1).at(2, 1),
        Sample::root("root", 1),
    ];
    let shown = plain(&[&spans]);
    let names: Vec<_> = shown.lines().skip(1).filter_map(|line| line.split_whitespace().nth(1)).collect();
    assert_eq!(names[1..], ["a", "b", "c"]);
}

#[test]
fn what_ends_after_its_root_follows_late() {
    let late = [
        &[Sample::root("root", 1)][..],
        &[Sample::child("below detached", 3, 2)],
        &[Sample::child("detached", 2, 1).at(0, 2 * MS)],
    ];
    assert_eq!(
        plain(&late),
        "\
trace 0af7651916cd43dd8448eb211c80319c  1.00 ms  1 span
root                                         1.00 ms

trace 0af7651916cd43dd8448eb211c80319c  2.00 ms  2 spans  late: its root was printed before
detached                                     2.00 ms
└─ below detached                            1.00 ms

"
    );
}

#[test]
fn shutdown_prints_what_waits_and_says_that_it_is_incomplete() {
    let mut console = Console::to_writer(Vec::new(), Style::default());
    let spans =
        [Sample::child("orphan", 2, 1), Sample::child("below", 3, 2), Sample::child("other", 5, 4).at(5, 5)];
    assert!(console.export(&batch(&spans)).is_ok());
    assert_eq!(text(&console), "");
    console.shutdown();
    assert_eq!(
        text(&console),
        "\
trace 0af7651916cd43dd8448eb211c80319c  1.00 ms  3 spans  incomplete: a parent has not come
orphan                                       1.00 ms
└─ below                                     1.00 ms
other                                           5 ns

"
    );
}

#[test]
fn spans_in_a_circle_are_still_printed() {
    let mut console = Console::to_writer(Vec::new(), Style::default());
    let spans = [Sample::child("a", 1, 2), Sample::child("b", 2, 1), Sample::child("self", 3, 3)];
    assert!(console.export(&batch(&spans)).is_ok());
    console.shutdown();
    assert!(text(&console).contains("3 spans  incomplete"), "{}", text(&console));
}

#[test]
fn the_oldest_trace_gives_way_when_spans_exceed_the_limit() {
    let orphans = |trace: u64| -> Vec<Sample> {
        (1..=6_000).map(|id| Sample::child("x", id + trace, 1 << 40).trace(trace.into())).collect()
    };
    let mut console = Console::to_writer(Vec::new(), Style::default());
    assert!(console.export(&batch(&orphans(10_000))).is_ok());
    assert_eq!(text(&console), "");
    assert!(console.export(&batch(&orphans(20_000))).is_ok());
    assert!(
        text(&console).starts_with("trace 00000000000000000000000000002710  1.00 ms  6000 spans  incomplete")
    );
    assert_eq!(text(&console).matches("trace ").count(), 1);
}

#[test]
fn the_oldest_trace_gives_way_when_bytes_exceed_the_limit() {
    let long = "x".repeat(9 << 20);
    let orphan = |id| Sample::child("orphan", id, 99).trace(id.into()).attribute("long", long.as_str());
    let shown = plain(&[&[orphan(1)], &[orphan(2)]]);
    assert!(shown.starts_with("trace 00000000000000000000000000000001  "));
    assert_eq!(shown.matches("trace ").count(), 1);
}

#[test]
fn a_trace_gives_way_when_it_has_waited_too_long_by_the_spans_own_clock() {
    let orphan = Sample::child("orphan", 1, 99).at(0, S);
    let root = |end| Sample::root("other", 2).trace(7).at(end - 1, 1);
    assert!(!plain(&[std::slice::from_ref(&orphan), &[root(61 * S)]]).contains("orphan"));
    assert!(plain(&[&[orphan], &[root(61 * S + 1)]]).contains("orphan"));
}

#[test]
fn errors_events_and_cancellation_are_told_beneath_their_span() {
    let panic = [
        ("exception.type", Value::Str("panic")),
        ("exception.message", Value::Str("index out of bounds")),
        ("exception.stacktrace", Value::Str("src/main.rs:3:5")),
    ];
    let spans = [
        Sample::root("root", 1).status(StatusCode::Error, "no good").event(
            "cache.miss",
            400_000,
            &[("key", Value::Str("a b")), ("size", Value::I64(3))],
        ),
        Sample::child("dropped", 2, 1).at(1, MS).later_attribute("cancelled", true),
        Sample::child("panicked", 3, 2).status(StatusCode::Error, "index out of bounds").event(
            "exception",
            5,
            &panic,
        ),
        Sample::child("logged", 4, 2).event("exception", 5, &[("exception.message", Value::Str("seen"))]),
    ];
    assert_eq!(
        plain(&[&spans]),
        "\
trace 0af7651916cd43dd8448eb211c80319c  1.00 ms  4 spans  2 errors
root                                     ✗   1.00 ms
│  error: no good
│  • cache.miss +400 µs  key=\"a b\" size=3
└─ dropped                               ⊘   1.00 ms  cancelled=true
   ├─ panicked                           ✗   1.00 ms
   │  exception panic: index out of bounds  at src/main.rs:3:5
   └─ logged                                 1.00 ms
      exception seen

"
    );
}

#[test]
fn long_and_wide_names_keep_durations_aligned() {
    let spans = [
        Sample::root("root", 1),
        Sample::child("注文を作成する", 2, 1),
        Sample::child("a_name_that_is_longer_than_the_narrowest_column_allows", 3, 1),
    ];
    let shown = plain(&[&spans]);
    let ends: Vec<_> = shown.lines().skip(1).filter(|line| !line.is_empty()).map(words::width).collect();
    assert_eq!(ends, [ends[0]; 3]);
}

#[test]
fn deep_trees_are_drawn_without_their_outer_levels() {
    let deep: Vec<Sample> =
        (2..=200).map(|id| Sample::child("deep", id, id - 1)).chain([Sample::root("root", 1)]).collect();
    let shown = plain(&[&deep]);
    assert_eq!(shown.lines().count(), 202);
    assert!(shown.lines().all(|line| words::width(line) < 120));
    assert!(shown.lines().nth(200).is_some_and(|line| line.starts_with("⋯  ") && line.contains("└─ deep")));
}

#[test]
fn text_from_outside_cannot_steer_the_terminal_or_begin_a_line() {
    let hostile = "x\n\u{1b}[2J\u{202e}";
    let span = Sample::root("root", 1)
        .renamed(hostile)
        .attribute(hostile, hostile)
        .event(hostile, 1, &[(hostile, Value::Str(hostile))])
        .error(hostile, hostile);
    let shown = plain(&[&[span]]);
    assert_eq!(shown.lines().count(), 5);
    assert!(!shown.contains(['\u{1b}', '\u{202e}']));
    assert!(shown.contains("exception x\\n\\u{1b}[2J\\u{202e}: x\\n\\u{1b}[2J\\u{202e}"));
}

#[test]
fn a_closed_output_is_a_permanent_error() {
    struct Closed;
    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut console = Console::to_writer(Closed, Style::default());
    let error = console.export(&batch(&[Sample::root("root", 1)])).expect_err("nobody reads");
    assert!(!error.is_retryable());
    assert_eq!(error.to_string(), "the console cannot be written to");
    assert!(console.export(&batch(&[Sample::child("waits", 3, 2)])).is_ok());
    console.shutdown();
}

#[test]
fn the_environment_and_the_terminal_choose_the_colour() {
    let colour = |terminal, no_color, force| Style::choose(terminal, no_color, force).colour;
    assert!(colour(true, None, None) && !colour(false, None, None));
    assert!(colour(true, Some(""), None), "NO_COLOR counts only when it is not empty");
    assert!(!colour(true, Some("0"), None), "whatever it says");
    assert!(
        colour(false, None, Some("1")) && !colour(false, None, Some("0")) && !colour(false, None, Some(""))
    );
    assert!(!colour(true, Some("1"), Some("1")), "who wants none gets none");
}

#[test]
fn no_spans_print_nothing() {
    assert_eq!(plain(&[&[]]), "");
}
