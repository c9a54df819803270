//! Switching the cloud is one line: the same program, environment and settings but for the preset, and a back end that lets nobody in who
//! has not what that cloud asks for.

use std::process::{Command, Output};
use std::time::Duration;
use telemetry_runtime::{Settings, builder, instrument};
use telemetry_tests::proto::common::v1::any_value::Value;
use telemetry_tests::{Answer, Receiver, Request, check_signature, unused};

const SOON: Duration = Duration::from_secs(10);

/// All that stands in the file beside the preset.
const SETTINGS: &str = "
service: {name: orders}
telemetry:
  exporters:
    - provider: otlp
      otlp:
        preset: PRESET
        aws: {region: eu-west-1, log_group: /orders, log_stream: main}
";

#[instrument]
fn work(n: u32) {
    tracing::info!(n, "sold");
}

/// What is switched, which knows nothing of it.
#[test]
#[ignore = "the other tests run it, each with settings of its own"]
fn program() {
    let settings = Settings::find(None).expect("settings");
    println!("{settings:?}");
    let guard = builder().settings(settings).install().expect("telemetry starts");
    work(7);
    println!("{:?}", guard.shutdown(SOON));
    println!("{:?}", guard.status());
}

/// Hands out what each cloud hands out to those who ask in its way; `None` if the request is about something else.
fn handed_out(request: &Request) -> Option<Answer> {
    let token = |text: &str| Answer::json(200, format!(r#"{{"access_token":"{text}","expires_in":"3600"}}"#));
    let (method, path) = request.line.split_once(' ')?;
    let is = |name: &str, value: &str| request.header(name) == Some(value);
    match path.split('?').next()? {
        "/credentials" if is("authorization", "canary-container") => Some(Answer::json(
            200,
            r#"{"AccessKeyId":"AKID","SecretAccessKey":"canary-secret","Token":"canary-session","Expiration":"2999-01-01T00:00:00Z"}"#,
        )),
        "/metadata/identity/oauth2/token" if is("metadata", "true") => Some(token("canary-azure")),
        "/metadata/instance/compute" if is("metadata", "true") => {
            Some(Answer::json(200, r#"{"location":"westeurope","vmId":"v1"}"#))
        }
        "/computeMetadata/v1/instance/service-accounts/default/token" if is("metadata-flavor", "Google") => {
            Some(token("canary-google"))
        }
        "/computeMetadata/v1/project/project-id" if is("metadata-flavor", "Google") => {
            Some(Answer::json(200, "shop"))
        }
        _ if method == "POST" => None,
        _ => Some(Answer::status(404)),
    }
}

/// A cloud on this machine that lets in whom `lets_in` likes.
fn cloud(lets_in: fn(&Request) -> bool) -> Receiver {
    Receiver::judged_by(move |request| {
        handed_out(request).unwrap_or_else(|| match lets_in(request) {
            true => Answer::ok(),
            false => Answer::error(401, "who is it?"),
        })
    })
}

/// Runs the program with this preset and a whole environment that is the same for all.
fn run(preset: &str, cloud: &Receiver) -> Output {
    let host = cloud.endpoint().trim_start_matches("http://").to_owned();
    // No two clouds are at one address.
    let file = std::env::temp_dir().join(format!("telemetry-clouds-{}.yaml", host.replace(':', "-")));
    std::fs::write(&file, SETTINGS.replace("PRESET", preset)).expect("a file");
    let url = |path: &str| format!("http://{host}{path}");
    let output = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "program", "--ignored", "--nocapture"])
        .env_clear()
        .env("SETTINGS_FILE", &file)
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", url("/datacollectionRules/dcr-1"))
        .env("AWS_CONTAINER_CREDENTIALS_FULL_URI", url("/credentials"))
        .env("AWS_CONTAINER_AUTHORIZATION_TOKEN", "canary-container")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("AZURE_POD_IDENTITY_AUTHORITY_HOST", url(""))
        .env("GCE_METADATA_HOST", &host)
        .env("HTTP_PROXY", unused())
        .output()
        .expect("the program runs");
    std::fs::remove_file(file).expect("the file");
    let shown = format!("{output:?}");
    assert!(output.status.success() && !shown.contains("canary"), "{shown}");
    output
}

/// What arrived, and where.
struct Arrived {
    lines: Vec<String>,
    resource: Vec<(String, String)>,
    /// The program's own log line.
    log: String,
}

fn arrived(preset: &str, lets_in: fn(&Request) -> bool) -> Arrived {
    let cloud = cloud(lets_in);
    let output = run(preset, &cloud);
    let [span] = cloud.spans().try_into().expect("one span");
    assert_eq!(span.span.name, "work");
    assert_eq!(cloud.logs().iter().map(|log| log.body().to_owned()).collect::<Vec<_>>(), ["sold"]);
    let text = |value: Option<Value>| match value {
        Some(Value::StringValue(text)) => text,
        _ => String::new(),
    };
    let resource = span.resource.iter();
    let resource =
        resource.map(|pair| (pair.key.clone(), text(pair.value.clone().and_then(|any| any.value))));
    let mut lines: Vec<_> = cloud.requests().into_iter().map(|request| request.line).collect();
    lines.sort();
    let log = String::from_utf8(output.stderr).expect("text");
    let log = log.lines().find(|line| line.contains("sold")).expect("a log line").to_owned();
    Arrived { lines, resource: resource.collect(), log }
}

impl Arrived {
    fn says(&self, key: &str) -> Option<&str> {
        self.resource.iter().find(|(known, _)| known == key).map(|(_, value)| value.as_str())
    }
}

fn has_bearer(request: &Request, token: &str) -> bool {
    request.header("authorization") == Some(&format!("Bearer {token}"))
}

#[test]
fn aws_gets_signed_requests() {
    let arrived = arrived("aws", |request| {
        let service = if request.is_of_logs() { "logs" } else { "xray" };
        let is_placed = !request.is_of_logs() || request.header("x-aws-log-group") == Some("/orders");
        let is_of_session = request.header("x-amz-security-token") == Some("canary-session");
        is_placed
            && is_of_session
            && check_signature(request, "canary-secret", "eu-west-1", service) == Ok(())
    });
    assert!(
        arrived.lines.contains(&"POST /datacollectionRules/dcr-1/v1/traces".to_owned()),
        "{:?}",
        arrived.lines
    );
    assert!(arrived.lines.iter().all(|line| line.starts_with("POST ") || line == "GET /credentials"));
    assert!(arrived.log.contains(r#""level":"INFO""#), "{}", arrived.log);
}

#[test]
fn google_gets_its_token_and_project_and_log_lines_that_it_reads() {
    let arrived = arrived("gcp", |request| has_bearer(request, "canary-google"));
    assert_eq!((arrived.says("gcp.project_id"), arrived.says("cloud.provider")), (Some("shop"), Some("gcp")));
    assert!(
        arrived.log.contains(r#""logging.googleapis.com/trace":"projects/shop/traces/"#),
        "{}",
        arrived.log
    );
}

#[test]
fn azure_gets_its_token_at_the_streams_of_the_rule() {
    let arrived = arrived("azure", |request| has_bearer(request, "canary-azure"));
    let streams = "POST /datacollectionRules/dcr-1/streams/";
    for stream in ["Microsoft-OTLP-Traces/otlp/v1/traces", "Microsoft-OTLP-Logs/otlp/v1/logs"] {
        assert!(arrived.lines.contains(&format!("{streams}{stream}")), "{:?}", arrived.lines);
    }
    assert_eq!((arrived.says("cloud.platform"), arrived.says("host.id")), (Some("azure.vm"), Some("v1")));
}

#[test]
fn one_s_own_gets_nothing_but_telemetry() {
    let arrived = arrived("self_hosted", |request| request.header("authorization").is_none());
    let rule = "POST /datacollectionRules/dcr-1/v1";
    assert_eq!(arrived.lines, [format!("{rule}/logs"), format!("{rule}/traces")]);
    assert!(arrived.says("host.name").is_some() && arrived.says("cloud.provider").is_none());
}

#[test]
fn who_has_another_s_token_is_not_let_in() {
    let cloud = cloud(|request| has_bearer(request, "canary-azure"));
    run("gcp", &cloud);
    assert_eq!(cloud.spans().len(), 0);
    let tried = cloud.requests().into_iter().filter(|request| has_bearer(request, "canary-google")).count();
    // Once with the token, and once with a newer one, for each signal.
    assert_eq!(tried, 4);
}
