//! AWS: Lambda and ECS say in variables that they are there; else the machine's metadata service is asked, in its second version.
//!
//! Source: AWS Lambda Developer Guide, "Defined runtime environment variables"; Amazon ECS Developer Guide, "Task metadata endpoint version
//! 4"; Amazon EC2 User Guide, "Instance identity documents".

#[cfg(feature = "_http-client")]
use super::metadata::{Metadata, text};
use super::{Attributes, Variables, known};

const FUNCTION: &str = "AWS_LAMBDA_FUNCTION_NAME";
const CONTAINER: &str = "ECS_CONTAINER_METADATA_URI_V4";
const TOKEN_FILE: &str = "AWS_WEB_IDENTITY_TOKEN_FILE";
const POD_IDENTITY: &str = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
const MACHINE: &str = "AWS_EC2_METADATA_SERVICE_ENDPOINT";
const NO_MACHINE: &str = "AWS_EC2_METADATA_DISABLED";

pub(super) const VARIABLES: &[&str] = &[
    FUNCTION,
    "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_REGION",
    CONTAINER,
    TOKEN_FILE,
    POD_IDENTITY,
    MACHINE,
    NO_MACHINE,
];

pub(super) fn attributes(variables: &Variables) -> Attributes {
    if variables.get(FUNCTION).is_some() {
        return function(variables);
    }
    match variables.get(CONTAINER) {
        Some(url) => container(url),
        None => machine(variables),
    }
}

fn function(variables: &Variables) -> Attributes {
    let get = |name| variables.get(name).map(str::to_owned);
    let mut attributes = known([
        ("cloud.provider", Some("aws".to_owned())),
        ("cloud.platform", Some("aws_lambda".to_owned())),
        ("cloud.region", get("AWS_REGION")),
        ("faas.name", get(FUNCTION)),
        ("faas.version", get("AWS_LAMBDA_FUNCTION_VERSION")),
        ("faas.instance", get("AWS_LAMBDA_LOG_STREAM_NAME")),
    ]);
    let memory = variables.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE").and_then(|mib| mib.parse::<i64>().ok());
    attributes.extend(memory.map(|mib| ("faas.max_memory", (mib << 20).into())));
    attributes
}

#[cfg(feature = "_http-client")]
fn container(url: &str) -> Attributes {
    let metadata = Metadata::at(url);
    let (Some(container), Some(task)) = (metadata.object(""), metadata.object("/task")) else {
        return Attributes::new();
    };
    let arn = text(&container, "ContainerARN");
    // arn:aws:ecs:<region>:<account>:...
    let part = |index| arn.as_ref().and_then(|arn| arn.split(':').nth(index)).map(str::to_owned);
    let cluster = text(&task, "Cluster").map(|cluster| match (part(3), part(4)) {
        (Some(region), Some(account)) if !cluster.starts_with("arn:") => {
            format!("arn:aws:ecs:{region}:{account}:cluster/{cluster}")
        }
        _ => cluster,
    });
    known([
        ("cloud.provider", Some("aws".to_owned())),
        ("cloud.platform", Some("aws_ecs".to_owned())),
        ("cloud.region", part(3)),
        ("cloud.account.id", part(4)),
        ("cloud.availability_zone", text(&task, "AvailabilityZone")),
        ("cloud.resource_id", arn.clone()),
        ("container.id", text(&container, "DockerId")),
        ("container.name", text(&container, "DockerName")),
        ("aws.ecs.container.arn", arn.clone()),
        ("aws.ecs.cluster.arn", cluster),
        ("aws.ecs.launchtype", text(&task, "LaunchType").map(|kind| kind.to_ascii_lowercase())),
        ("aws.ecs.task.arn", text(&task, "TaskARN")),
        ("aws.ecs.task.family", text(&task, "Family")),
        ("aws.ecs.task.revision", text(&task, "Revision")),
    ])
}

#[cfg(not(feature = "_http-client"))]
fn container(_: &str) -> Attributes {
    Attributes::new()
}

/// EKS, which has the credentials of pods, or EC2.
#[cfg(feature = "_http-client")]
fn machine(variables: &Variables) -> Attributes {
    let is_pod = |name: &str, word: &str| variables.get(name).is_some_and(|value| value.contains(word));
    let is_eks = variables.is_kubernetes()
        && (is_pod(TOKEN_FILE, "eks.amazonaws.com") || is_pod(POD_IDENTITY, "169.254.170.23"));
    let document = document(variables);
    if document.is_none() && !is_eks {
        return Attributes::new();
    }
    let said = |key| document.as_ref().and_then(|document| text(document, key));
    known([
        ("cloud.provider", Some("aws".to_owned())),
        ("cloud.platform", Some(if is_eks { "aws_eks" } else { "aws_ec2" }.to_owned())),
        ("cloud.region", said("region").or_else(|| variables.get("AWS_REGION").map(str::to_owned))),
        ("cloud.account.id", said("accountId")),
        ("cloud.availability_zone", said("availabilityZone")),
        ("host.id", said("instanceId")),
        ("host.type", said("instanceType")),
        ("host.image.id", said("imageId")),
    ])
}

#[cfg(not(feature = "_http-client"))]
fn machine(_: &Variables) -> Attributes {
    Attributes::new()
}

#[cfg(feature = "_http-client")]
fn document(variables: &Variables) -> Option<serde_json::Value> {
    if variables.get(NO_MACHINE).is_some_and(|value| value.eq_ignore_ascii_case("true")) {
        return None;
    }
    let base = variables.get(MACHINE).unwrap_or("http://169.254.169.254");
    let session = Metadata::at(base).with("x-aws-ec2-metadata-token-ttl-seconds", "60");
    let session = session.put("/latest/api/token")?;
    Metadata::at(base)
        .with("x-aws-ec2-metadata-token", &session)
        .object("/latest/dynamic/instance-identity/document")
}
