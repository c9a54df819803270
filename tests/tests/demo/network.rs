//! Whom the demo connects to: nobody by itself, and what settings name where they name something.

use crate::harness::*;
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::{env, fs};
use telemetry_tests::{Answer, Receiver, unused};

/// The addresses that the demo has connected or sent to while it answered some requests and ended.
fn connections(demo: &Command, name: &str) -> BTreeSet<String> {
    let calls = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("calls-{name}-{}", std::process::id()));
    let mut traced = Command::new("strace");
    // The tracer is not in between: signals go to the demo. It keeps the pipes, whose end is that of both.
    traced.args(["-D", "-f", "-qq", "-e", "trace=connect,sendto,sendmsg,sendmmsg", "-o"]).arg(&calls);
    traced.arg(demo.get_program()).args(demo.get_args());
    traced.current_dir(demo.get_current_dir().expect("it has one")).env("RUST_BACKTRACE", "0");
    let running = Demo::start_as(traced);
    assert_eq!(status(&running.post(r#"{"item": "tea", "quantity": 2}"#)), "201");
    assert_eq!(status(&running.get("/debug/fail")), "500");
    running.signal("TERM");
    assert!(running.end().status.success());
    let text = fs::read_to_string(&calls).expect("the tracer has written it");
    fs::remove_file(&calls).expect("it is ours");
    text.lines().filter_map(address).collect()
}

/// The internet address in a line such as `1 connect(9, {sa_family=AF_INET, sin_port=htons(4318), sin_addr=inet_addr("127.0.0.1")}, 16) = 0`.
fn address(line: &str) -> Option<String> {
    let after = |text| line.split_once(text).map(|(_, after)| after);
    let port = after("port=htons(")?.split(')').next()?;
    let host = after("inet_addr(\"").or_else(|| after("inet_pton(AF_INET6, \""))?.split('"').next()?;
    Some(format!("{host}:{port}"))
}

#[test]
#[ignore = "it needs strace, which tests/network-check.sh installs"]
fn it_connects_to_nobody_by_itself_and_else_to_what_the_settings_name_only() {
    assert_eq!(connections(&command(), "default"), BTreeSet::new());

    let [otlp, azure] = [Receiver::start(), Receiver::start()];
    let elsewhere = unused();
    let away = Answer::status(307).header("Location", format!("{elsewhere}/v1/traces"));
    let leads_away = Receiver::scripted(vec![away; 50]);
    let key = "00000000-0000-0000-0000-000000000000";
    let settings = format!(
        "telemetry: {{exporters: [{{provider: otlp, name: a, otlp: {{endpoint: '{}'}}}}, \
         {{provider: otlp, name: b, otlp: {{endpoint: '{}'}}}}, {{provider: azure_monitor, \
         azure_monitor: {{connection_string: 'InstrumentationKey={key};IngestionEndpoint={}'}}}}]}}",
        otlp.endpoint(),
        leads_away.endpoint(),
        azure.endpoint()
    );
    let named = [&otlp, &azure, &leads_away].map(|receiver| receiver.endpoint().replace("http://", ""));
    assert_eq!(connections(&command_with(&settings), "named"), BTreeSet::from(named));
    assert!(!otlp.spans().is_empty() && !azure.requests().is_empty());
}
