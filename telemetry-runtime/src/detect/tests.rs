//! What each place says of itself: metadata services on the loopback interface, and variables.

use super::*;
use crate::record::Value;
use telemetry_tests::{Answer, Receiver};

fn options(detectors: &[Detector], variables: &[(&str, &str)]) -> Options {
    let get = |wanted: &str| Some(variables.iter().find(|(name, _)| *name == wanted)?.1.to_owned());
    Options { detectors: detectors.to_vec(), variables: Variables::read(get) }
}

#[expect(clippy::disallowed_methods, reason = "a test starts its own threads")]
fn spawn(name: String, body: Box<dyn FnOnce() + Send>) -> io::Result<()> {
    std::thread::Builder::new().name(name).spawn(body).map(drop)
}

/// The attributes in the order of their keys.
fn found(detectors: &[Detector], variables: &[(&str, &str)]) -> Vec<(String, String)> {
    let resource = detect(&options(detectors, variables), &spawn);
    let text = |value: &ValueBuf| match value.as_value() {
        Value::Str(text) => text.to_owned(),
        other => format!("{other:?}"),
    };
    let mut found: Vec<_> = resource.attributes().map(|(key, value)| (key.to_owned(), text(value))).collect();
    found.sort();
    found
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    let mut pairs: Vec<_> =
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    pairs.sort();
    pairs
}

#[test]
fn a_machine_of_aws_is_asked_in_two_steps() {
    let document = r#"{"accountId":"123","region":"eu-west-1","availabilityZone":"eu-west-1a","instanceId":"i-1",
        "instanceType":"m7g.large","imageId":"ami-1","privateIp":"10.0.0.1"}"#;
    let machine = Receiver::judged_by(move |request| {
        let has_session = request.header("x-aws-ec2-metadata-token") == Some("session");
        match &*request.line {
            "PUT /latest/api/token"
                if request.header("x-aws-ec2-metadata-token-ttl-seconds") == Some("60") =>
            {
                Answer::json(200, "session")
            }
            "GET /latest/dynamic/instance-identity/document" if has_session => Answer::json(200, document),
            _ => Answer::status(401),
        }
    });
    let base = machine.endpoint();
    let of_machine = [
        ("cloud.provider", "aws"),
        ("cloud.region", "eu-west-1"),
        ("cloud.account.id", "123"),
        ("cloud.availability_zone", "eu-west-1a"),
        ("host.id", "i-1"),
        ("host.type", "m7g.large"),
        ("host.image.id", "ami-1"),
    ];
    let with = |platform| pairs(&[&of_machine[..], &[("cloud.platform", platform)]].concat());
    let variables = [("AWS_EC2_METADATA_SERVICE_ENDPOINT", &*base)];
    assert_eq!(found(&[Detector::Aws], &variables), with("aws_ec2"));
    let token = "/var/run/secrets/eks.amazonaws.com/serviceaccount/token";
    let pod = [variables[0], (KUBERNETES, "10.0.0.1"), ("AWS_WEB_IDENTITY_TOKEN_FILE", token)];
    assert_eq!(found(&[Detector::Aws], &pod), with("aws_eks"));
    let count = machine.requests().len();
    assert_eq!(found(&[Detector::Aws], &[variables[0], ("AWS_EC2_METADATA_DISABLED", "true")]), []);
    assert_eq!(machine.requests().len(), count);
}

#[test]
fn a_function_of_aws_knows_by_its_variables_and_a_task_asks_its_agent() {
    let function = [
        ("AWS_LAMBDA_FUNCTION_NAME", "orders"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "7"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"),
        ("AWS_LAMBDA_LOG_STREAM_NAME", "2026/[7]1"),
        ("AWS_REGION", "eu-west-1"),
    ];
    let expected = [
        ("cloud.provider", "aws"),
        ("cloud.platform", "aws_lambda"),
        ("cloud.region", "eu-west-1"),
        ("faas.name", "orders"),
        ("faas.version", "7"),
        ("faas.instance", "2026/[7]1"),
        ("faas.max_memory", "I64(134217728)"),
    ];
    assert_eq!(found(&[Detector::Aws], &function), pairs(&expected));

    let agent = Receiver::judged_by(|request| match &*request.line {
        "GET /v4/1" => Answer::json(
            200,
            r#"{"DockerId":"d1","DockerName":"orders-1","ContainerARN":"arn:aws:ecs:eu-west-1:123:container/c1"}"#,
        ),
        "GET /v4/1/task" => Answer::json(
            200,
            r#"{"Cluster":"shop","TaskARN":"arn:aws:ecs:eu-west-1:123:task/t1","Family":"orders","Revision":"3",
                "AvailabilityZone":"eu-west-1b","LaunchType":"FARGATE"}"#,
        ),
        _ => Answer::status(404),
    });
    let url = format!("{}/v4/1", agent.endpoint());
    let expected = [
        ("cloud.provider", "aws"),
        ("cloud.platform", "aws_ecs"),
        ("cloud.region", "eu-west-1"),
        ("cloud.account.id", "123"),
        ("cloud.availability_zone", "eu-west-1b"),
        ("cloud.resource_id", "arn:aws:ecs:eu-west-1:123:container/c1"),
        ("container.id", "d1"),
        ("container.name", "orders-1"),
        ("aws.ecs.container.arn", "arn:aws:ecs:eu-west-1:123:container/c1"),
        ("aws.ecs.cluster.arn", "arn:aws:ecs:eu-west-1:123:cluster/shop"),
        ("aws.ecs.launchtype", "fargate"),
        ("aws.ecs.task.arn", "arn:aws:ecs:eu-west-1:123:task/t1"),
        ("aws.ecs.task.family", "orders"),
        ("aws.ecs.task.revision", "3"),
    ];
    assert_eq!(found(&[Detector::Aws], &[("ECS_CONTAINER_METADATA_URI_V4", &url)]), pairs(&expected));
}

#[test]
fn google_s_machines_clusters_and_services_are_told_apart() {
    let google = Receiver::judged_by(|request| {
        let answer = |text: &str| Answer::json(200, text);
        match request.line.strip_prefix("GET /computeMetadata/v1/") {
            _ if request.header("metadata-flavor") != Some("Google") => Answer::status(403),
            Some("project/project-id") => answer("shop"),
            Some("instance/zone") => answer("projects/1/zones/europe-west1-b"),
            Some("instance/region") => answer("projects/1/regions/europe-west1"),
            Some("instance/id") => answer("77"),
            Some("instance/machine-type") => answer("projects/1/machineTypes/e2-small"),
            Some("instance/attributes/cluster-name") => answer("main"),
            _ => Answer::status(404),
        }
    });
    let host = google.endpoint().trim_start_matches("http://").to_owned();
    let metadata = ("GCE_METADATA_HOST", &*host);
    let project = [("cloud.provider", "gcp"), ("cloud.account.id", "shop"), ("gcp.project_id", "shop")];
    let machine = [
        ("cloud.region", "europe-west1"),
        ("cloud.availability_zone", "europe-west1-b"),
        ("host.id", "77"),
        ("host.type", "e2-small"),
    ];
    let cluster = [("cloud.platform", "gcp_kubernetes_engine"), ("k8s.cluster.name", "main")];
    let service = [
        ("cloud.platform", "gcp_cloud_run"),
        ("cloud.region", "europe-west1"),
        ("faas.name", "orders"),
        ("faas.version", "orders-7"),
        ("faas.instance", "77"),
    ];
    let with = |more: &[&[(&str, &str)]]| pairs(&[&project[..], &more.concat()].concat());
    assert_eq!(
        found(&[Detector::Gcp], &[metadata]),
        with(&[&machine, &[("cloud.platform", "gcp_compute_engine")]])
    );
    assert_eq!(found(&[Detector::Gcp], &[metadata, (KUBERNETES, "10.0.0.1")]), with(&[&machine, &cluster]));
    let run = [metadata, ("K_SERVICE", "orders"), ("K_REVISION", "orders-7")];
    assert_eq!(found(&[Detector::Gcp], &run), with(&[&service]));
}

#[test]
fn azure_s_machines_sites_and_apps_are_told_apart() {
    let azure = Receiver::judged_by(|request| {
        let line = "GET /metadata/instance/compute?api-version=2021-12-13&format=json";
        match request.header("metadata") == Some("true") && request.line == line {
            true => Answer::json(
                200,
                r#"{"location":"westeurope","zone":"1","subscriptionId":"s1","resourceId":"/subscriptions/s1/vm",
                    "vmId":"v1","name":"vm-1","vmSize":"D2","customData":"canary"}"#,
            ),
            false => Answer::status(400),
        }
    });
    let base = azure.endpoint();
    let expected = [
        ("cloud.provider", "azure"),
        ("cloud.platform", "azure.vm"),
        ("cloud.region", "westeurope"),
        ("cloud.availability_zone", "1"),
        ("cloud.account.id", "s1"),
        ("cloud.resource_id", "/subscriptions/s1/vm"),
        ("host.id", "v1"),
        ("host.name", "vm-1"),
        ("host.type", "D2"),
    ];
    assert_eq!(found(&[Detector::Azure], &[("AZURE_POD_IDENTITY_AUTHORITY_HOST", &base)]), pairs(&expected));
    let site = [
        ("WEBSITE_SITE_NAME", "shop"),
        ("WEBSITE_OWNER_NAME", "s1+westeurope"),
        ("WEBSITE_RESOURCE_GROUP", "g1"),
        ("REGION_NAME", "westeurope"),
        ("WEBSITE_INSTANCE_ID", "x1"),
    ];
    let expected = [
        ("cloud.provider", "azure"),
        ("cloud.platform", "azure.app_service"),
        ("cloud.region", "westeurope"),
        ("cloud.account.id", "s1"),
        ("cloud.resource_id", "/subscriptions/s1/resourceGroups/g1/providers/Microsoft.Web/sites/shop"),
        ("service.instance.id", "x1"),
    ];
    assert_eq!(found(&[Detector::Azure], &site), pairs(&expected));
    let app =
        found(&[Detector::Azure], &[("CONTAINER_APP_NAME", "shop"), ("CONTAINER_APP_REPLICA_NAME", "r1")]);
    let expected = [
        ("cloud.provider", "azure"),
        ("cloud.platform", "azure.container_apps"),
        ("service.instance.id", "r1"),
    ];
    assert_eq!(app, pairs(&expected));
}

#[test]
fn services_that_say_nothing_cost_no_more_than_the_deadline_and_nobody_is_asked_unasked() {
    let (aws, azure) = (Receiver::scripted([Answer::hang()]), Receiver::scripted([Answer::hang()]));
    let google = Receiver::scripted([Answer::status(500)]);
    let host = google.endpoint().trim_start_matches("http://").to_owned();
    let (aws_url, azure_url) = (aws.endpoint(), azure.endpoint());
    let variables = [
        ("AWS_EC2_METADATA_SERVICE_ENDPOINT", &*aws_url),
        ("AZURE_POD_IDENTITY_AUTHORITY_HOST", &*azure_url),
        ("GCE_METADATA_HOST", &*host),
    ];
    let started = Instant::now();
    let found_there = found(&[Detector::Process, Detector::Aws, Detector::Gcp, Detector::Azure], &variables);
    assert!(started.elapsed() < 3 * DEADLINE, "{:?}", started.elapsed());
    assert!(found_there.iter().all(|(key, _)| key.starts_with("process.")) && found_there.len() == 3);
    let asked = || [&aws, &azure, &google].map(|receiver| receiver.connections());
    assert_eq!(asked(), [1, 1, 1]);
    assert!(!found(&Detector::LOCAL, &variables).is_empty());
    assert_eq!(asked(), [1, 1, 1]);
}

#[test]
fn a_cloud_knows_better_than_the_system_and_no_thread_is_no_reason_to_fail() {
    let azure = Receiver::judged_by(|_| Answer::json(200, r#"{"vmId":"v1","name":"vm-1"}"#));
    let base = azure.endpoint();
    let options =
        options(&[Detector::Host, Detector::Azure], &[("AZURE_POD_IDENTITY_AUTHORITY_HOST", &base)]);
    let resource = detect(&options, &spawn);
    assert_eq!(resource.get("host.id"), Some(&ValueBuf::from("v1")));
    assert!(resource.get("host.arch").is_some());
    let alone = detect(&options, &|_, _| Err(io::ErrorKind::OutOfMemory.into()));
    assert!(alone.get("host.arch").is_some() && alone.get("cloud.provider").is_none());
}
