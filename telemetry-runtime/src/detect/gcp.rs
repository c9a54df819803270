//! Google Cloud: the metadata service says where we are, and variables what we run in.
//!
//! Source: Compute Engine, "Predefined metadata keys"; Cloud Run, "Container runtime contract".

use super::{Attributes, Variables};
#[cfg(feature = "_http-client")]
use super::{known, metadata::Metadata};

const HOST: &str = "GCE_METADATA_HOST";
const SERVICE: &str = "K_SERVICE";
const JOB: &str = "CLOUD_RUN_JOB";
const FUNCTION: &str = "FUNCTION_TARGET";
pub(super) const VARIABLES: &[&str] = &[HOST, SERVICE, "K_REVISION", JOB, "CLOUD_RUN_EXECUTION", FUNCTION];

#[cfg(feature = "_http-client")]
pub(super) fn attributes(variables: &Variables) -> Attributes {
    let host = variables.get(HOST).unwrap_or("169.254.169.254");
    let metadata =
        Metadata::at(&format!("http://{host}/computeMetadata/v1")).with("metadata-flavor", "Google");
    let Some(project) = metadata.get("/project/project-id") else { return Attributes::new() };
    let service = variables.get(SERVICE).or_else(|| variables.get(JOB)).map(str::to_owned);
    let platform = match &service {
        Some(_) if variables.get(FUNCTION).is_some() => "gcp_cloud_functions",
        Some(_) => "gcp_cloud_run",
        None if variables.is_kubernetes() => "gcp_kubernetes_engine",
        None => "gcp_compute_engine",
    };
    let mut attributes = known([
        ("cloud.provider", Some("gcp".to_owned())),
        ("cloud.platform", Some(platform.to_owned())),
        ("cloud.account.id", Some(project.clone())),
        ("gcp.project_id", Some(project)),
    ]);
    attributes.extend(match service {
        Some(_) => serverless(&metadata, variables, service),
        None => machine(&metadata, variables),
    });
    attributes
}

#[cfg(not(feature = "_http-client"))]
pub(super) fn attributes(_: &Variables) -> Attributes {
    Attributes::new()
}

#[cfg(feature = "_http-client")]
fn serverless(metadata: &Metadata, variables: &Variables, service: Option<String>) -> Attributes {
    let version = variables.get("K_REVISION").or_else(|| variables.get("CLOUD_RUN_EXECUTION"));
    known([
        ("cloud.region", metadata.get("/instance/region").map(last_part)),
        ("faas.name", service),
        ("faas.version", version.map(str::to_owned)),
        ("faas.instance", metadata.get("/instance/id")),
    ])
}

#[cfg(feature = "_http-client")]
fn machine(metadata: &Metadata, variables: &Variables) -> Attributes {
    let zone = metadata.get("/instance/zone").map(last_part);
    let region = zone.as_deref().and_then(|zone| zone.rsplit_once('-')).map(|(region, _)| region.to_owned());
    let in_cluster = |path| variables.is_kubernetes().then(|| metadata.get(path)).flatten();
    known([
        ("cloud.region", region),
        ("cloud.availability_zone", zone),
        ("host.id", metadata.get("/instance/id")),
        ("host.type", metadata.get("/instance/machine-type").map(last_part)),
        ("k8s.cluster.name", in_cluster("/instance/attributes/cluster-name")),
    ])
}

/// Of `projects/1/zones/europe-west1-b`, the zone.
#[cfg(feature = "_http-client")]
fn last_part(path: String) -> String {
    path.rsplit('/').next().unwrap_or_default().to_owned()
}
