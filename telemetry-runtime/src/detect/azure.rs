//! Azure: App Service, Functions and Container Apps say in variables what they are; else the machine's metadata service is asked.
//!
//! Source: App Service, "Environment variables and app settings"; Container Apps, "Manage environment variables", built-in ones; Azure
//! Instance Metadata Service.

use super::{Attributes, Variables, known};

const SITE: &str = "WEBSITE_SITE_NAME";
const APP: &str = "CONTAINER_APP_NAME";
const METADATA: &str = "AZURE_POD_IDENTITY_AUTHORITY_HOST";
pub(super) const VARIABLES: &[&str] = &[
    SITE,
    "FUNCTIONS_EXTENSION_VERSION",
    "REGION_NAME",
    "WEBSITE_INSTANCE_ID",
    "WEBSITE_OWNER_NAME",
    "WEBSITE_RESOURCE_GROUP",
    "WEBSITE_SLOT_NAME",
    APP,
    "CONTAINER_APP_REPLICA_NAME",
    METADATA,
];

pub(super) fn attributes(variables: &Variables) -> Attributes {
    if variables.get(SITE).is_some() {
        return site(variables);
    }
    match variables.get(APP) {
        Some(_) => app(variables),
        None => machine(variables),
    }
}

fn site(variables: &Variables) -> Attributes {
    let get = |name| variables.get(name).map(str::to_owned);
    // <subscription>+<more>
    let subscription = variables.get("WEBSITE_OWNER_NAME").and_then(|owner| owner.split('+').next());
    let resource_id = (|| {
        let (subscription, group) = (subscription?, variables.get("WEBSITE_RESOURCE_GROUP")?);
        let site = variables.get(SITE)?;
        Some(format!(
            "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Web/sites/{site}"
        ))
    })();
    let is_function = variables.get("FUNCTIONS_EXTENSION_VERSION").is_some();
    let platform = if is_function { "azure.functions" } else { "azure.app_service" };
    known([
        ("cloud.provider", Some("azure".to_owned())),
        ("cloud.platform", Some(platform.to_owned())),
        ("cloud.region", get("REGION_NAME")),
        ("cloud.account.id", subscription.map(str::to_owned)),
        ("cloud.resource_id", resource_id),
        ("service.instance.id", get("WEBSITE_INSTANCE_ID")),
        ("deployment.environment.name", get("WEBSITE_SLOT_NAME")),
        ("faas.name", get(SITE).filter(|_| is_function)),
        ("faas.instance", get("WEBSITE_INSTANCE_ID").filter(|_| is_function)),
    ])
}

fn app(variables: &Variables) -> Attributes {
    known([
        ("cloud.provider", Some("azure".to_owned())),
        ("cloud.platform", Some("azure.container_apps".to_owned())),
        ("service.instance.id", variables.get("CONTAINER_APP_REPLICA_NAME").map(str::to_owned)),
    ])
}

#[cfg(feature = "_http-client")]
fn machine(variables: &Variables) -> Attributes {
    use super::metadata::{Metadata, text};
    let base = variables.get(METADATA).unwrap_or("http://169.254.169.254");
    let metadata = Metadata::at(base).with("metadata", "true");
    let Some(compute) = metadata.object("/metadata/instance/compute?api-version=2021-12-13&format=json")
    else {
        return Attributes::new();
    };
    let platform = if variables.is_kubernetes() { "azure.aks" } else { "azure.vm" };
    known([
        ("cloud.provider", Some("azure".to_owned())),
        ("cloud.platform", Some(platform.to_owned())),
        ("cloud.region", text(&compute, "location")),
        ("cloud.availability_zone", text(&compute, "zone")),
        ("cloud.account.id", text(&compute, "subscriptionId")),
        ("cloud.resource_id", text(&compute, "resourceId")),
        ("host.id", text(&compute, "vmId")),
        ("host.name", text(&compute, "name")),
        ("host.type", text(&compute, "vmSize")),
    ])
}

#[cfg(not(feature = "_http-client"))]
fn machine(_: &Variables) -> Attributes {
    Attributes::new()
}
