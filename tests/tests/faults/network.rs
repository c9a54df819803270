//! Every exporter that sends over a network before every fault: once, for ever and alone, and for ever beside a healthy one.

use crate::cases::{Case, ELSEWHERE, Fate, Kind, cases};
use crate::side::Side;
use crate::{A_WHILE, IMPATIENT, SOON, assert_adds_up, assert_lasted, install, make, status_of, turn};
use std::fs;
use std::path::PathBuf;
use telemetry_runtime::{ExporterStatus, Guard, Signal};
use telemetry_tests::Authority;

#[test]
fn otlp_as_protobuf_over_http_does_with_every_fault_what_the_protocol_says() {
    prove(Kind::Protobuf);
}

#[test]
fn otlp_as_json_over_http_does_with_every_fault_what_the_protocol_says() {
    prove(Kind::Json);
}

#[test]
fn otlp_over_grpc_does_with_every_fault_what_the_protocol_says() {
    prove(Kind::Grpc);
}

#[test]
fn azure_monitor_s_exporter_does_with_every_fault_what_the_service_expects() {
    prove(Kind::Azure);
}

#[test]
fn why_there_is_no_connection_is_told() {
    const WHY: [(&str, &str); 4] = [
        ("nobody", "refused"),
        ("unknown authority", "UnknownIssuer"),
        ("another host's certificate", "not valid for name"),
        ("expired certificate", "expired"),
    ];
    let _turn = turn();
    for kind in [Kind::Protobuf, Kind::Grpc] {
        let trusted = Trusted::new(kind);
        let cases = cases(kind, &trusted.authority);
        for (name, why) in WHY {
            let case = cases.iter().find(|case| case.name == name).expect("a case");
            let guard = trusted.last_alone(case);
            let told = status_of(&guard, name, Signal::Traces).last_error.expect("a complaint");
            assert!(told.starts_with("no ") && told.contains(why), "{told}");
        }
    }
}

fn prove(kind: Kind) {
    let _turn = turn();
    let trusted = Trusted::new(kind);
    let cases = cases(kind, &trusted.authority);
    trusted.pass(&cases);
    cases.iter().for_each(|case| drop(trusted.last_alone(case)));
    trusted.last_beside_a_healthy_one(&cases);
    assert_eq!(ELSEWHERE.connections(), 0, "redirects to another host are not followed");
}

/// Exporters of one kind, and whom they trust behind `https`.
struct Trusted {
    kind: Kind,
    authority: Authority,
    ca_file: PathBuf,
}

impl Trusted {
    fn new(kind: Kind) -> Self {
        let authority = Authority::default();
        let name = format!("telemetry-faults-{}-{kind:?}.pem", std::process::id());
        let ca_file = std::env::temp_dir().join(name);
        fs::write(&ca_file, authority.pem()).expect("a file");
        Self { kind, authority, ca_file }
    }

    /// An exporter in the settings.
    fn entry(&self, name: &str, side: &Side, timeout: &str, more: &str) -> String {
        let endpoint = side.endpoint();
        let protocol = match self.kind {
            Kind::Protobuf => "http/protobuf",
            Kind::Json => "http/json",
            Kind::Grpc => "grpc",
            Kind::Azure => {
                let key = "InstrumentationKey=11112222-3333-4444-5555-66667777aaaa";
                return format!(
                    "{{provider: azure_monitor, name: \"{name}\", {more}, azure_monitor: \
                     {{connection_string: \"{key};IngestionEndpoint={endpoint}\", timeout: {timeout}}}}}"
                );
            }
        };
        let tls = match endpoint.starts_with("https") {
            true => format!(", tls: {{ca_file: \"{}\"}}", self.ca_file.display()),
            false => String::new(),
        };
        format!(
            "{{provider: otlp, name: \"{name}\", {more}, otlp: \
             {{endpoint: \"{endpoint}\", protocol: {protocol}, timeout: {timeout}{tls}}}}}"
        )
    }

    /// One span or log record before each fault, which is over then.
    fn pass(&self, cases: &[Case]) {
        let mut sides = Vec::new();
        for signal in Signal::ALL {
            sides.extend(cases.iter().filter_map(|case| {
                Some((
                    format!("{}, {signal}", case.name),
                    signal,
                    case.fate,
                    Side::failing_once(&case.fault)?,
                ))
            }));
        }
        let entry = |(name, signal, fate, side): &(String, Signal, Fate, Side)| {
            let timeout = if *fate == Fate::Again { "500ms" } else { "10s" };
            let more = format!("signals: [{signal}], retry: {{initial: 10ms, max: 50ms, budget: 10s}}");
            self.entry(name, side, timeout, &more)
        };
        let guard = install(&sides.iter().map(entry).collect::<Vec<_>>());
        make(1);
        assert_adds_up(&guard);
        let _report = guard.flush(SOON);
        for (name, signal, fate, side) in &sides {
            assert_passed(*fate, side, &status_of(&guard, name, *signal));
        }
    }

    /// An exporter before a fault that is never over: it is not patient, unless the fault has an answer that it has to wait for.
    fn hopeless(&self, case: &Case, side: &Side) -> String {
        let timeout = if matches!(case.fate, Fate::Again | Fate::Later) { "50ms" } else { "10s" };
        self.entry(case.name, side, timeout, &format!("retry: {IMPATIENT}"))
    }

    fn last_alone(&self, case: &Case) -> Guard {
        let side = Side::failing(self.kind, &case.fault);
        let guard = install(&[self.hopeless(case, &side)]);
        make(10);
        assert_adds_up(&guard);
        let report = guard.shutdown(SOON);
        assert_lasted(&guard, case.name, case.fate, 10);
        assert_eq!(report.is_complete(), case.fate == Fate::Taken, "{}: {report:?}", case.name);
        guard
    }

    fn last_beside_a_healthy_one(&self, cases: &[Case]) {
        let healthy = Side::healthy(self.kind);
        let sides: Vec<_> = cases.iter().map(|case| Side::failing(self.kind, &case.fault)).collect();
        let mut entries: Vec<_> =
            cases.iter().zip(&sides).map(|(case, side)| self.hopeless(case, side)).collect();
        entries.push(self.entry("healthy", &healthy, "10s", "signals: [traces, logs]"));
        let guard = install(&entries);
        for round in 1..=3 {
            make(10);
            assert_adds_up(&guard);
            let report = guard.flush(3 * A_WHILE);
            assert_adds_up(&guard);
            for signal in Signal::ALL {
                let mut exporters = report.exporters.iter();
                let good = exporters.find(|report| report.name == "healthy" && report.signal == signal);
                let good = good.expect("it is there");
                assert_eq!((good.delivered, good.dropped, good.left), (10, 0, 0), "{good:?}");
                assert_eq!(healthy.taken(self.kind, signal), 10 * round);
            }
        }
        let _report = guard.shutdown(SOON);
        cases.iter().for_each(|case| assert_lasted(&guard, case.name, case.fate, 30));
    }
}

impl Drop for Trusted {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.ca_file);
    }
}

/// What has become of the only item of an exporter whose first request had the fault.
fn assert_passed(fate: Fate, side: &Side, status: &ExporterStatus) {
    let ExporterStatus { exported, rejected, dropped, .. } = status;
    let outcome = (side.attempts(), *exported, *rejected, dropped.permanent_error, dropped.too_large);
    let expected = match fate {
        Fate::Again | Fate::Later | Fate::Rest => (2, 1, 0, 0, 0),
        Fate::Taken => (1, 1, 0, 0, 0),
        Fate::Rejected => (1, 0, 1, 0, 0),
        Fate::Dropped => (1, 0, 0, 1, 0),
        Fate::Halved => (1, 0, 0, 0, 1),
        Fate::Left => unreachable!("no fault that passes"),
    };
    assert_eq!(outcome, expected, "{fate:?}: {status}");
    assert_eq!((status.created, status.queued), (1, 0), "{status}");
    assert!(fate != Fate::Later || side.pause() >= A_WHILE, "after {:?}: {status}", side.pause());
}
