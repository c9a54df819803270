//! The page of settings for people: every key and variable.

use super::super::key::{Absent, Key, Kind, size};
use super::{Place, compare, places};
use crate::detect;
use std::fmt::Write;

/// Variables that set no key.
const FURTHER: &[(&str, &str)] = &[
    (
        "SETTINGS_FILE",
        "the settings file, where the program is not told of one; else `./settings.yaml`, if it is there",
    ),
    (
        "OTEL_EXPORTER_OTLP_INSECURE",
        "whether an endpoint of gRPC that a variable names without a scheme is `http` (`true`), else `https`",
    ),
    ("OTEL_EXPORTER_OTLP_TRACES_INSECURE", "`OTEL_EXPORTER_OTLP_INSECURE` for traces"),
    ("OTEL_EXPORTER_OTLP_LOGS_INSECURE", "`OTEL_EXPORTER_OTLP_INSECURE` for log records"),
    ("AWS_ACCESS_KEY_ID", "with `auth: aws_sigv4`: the access key's name"),
    ("AWS_SECRET_ACCESS_KEY", "with `auth: aws_sigv4`: the access key itself"),
    ("AWS_SESSION_TOKEN", "with `auth: aws_sigv4`: what a temporary access key needs beside it"),
    (
        "AWS_PROFILE",
        "with `auth: aws_sigv4`: the profile of the shared files that has the key; default: `default`",
    ),
    (
        "AWS_SHARED_CREDENTIALS_FILE",
        "with `auth: aws_sigv4`: one of the shared files; default: `.aws/credentials` at home",
    ),
    (
        "AWS_CONFIG_FILE",
        "with `auth: aws_sigv4`: the other of the shared files; default: `.aws/config` at home",
    ),
    ("HOME", "where the shared files of AWS's tools and `gcloud`'s credentials are"),
    ("USERPROFILE", "the same, where there is no `HOME`"),
    ("AWS_WEB_IDENTITY_TOKEN_FILE", "with `auth: aws_sigv4`: the file of a web identity's token"),
    ("AWS_ROLE_ARN", "with `auth: aws_sigv4`: the role that the web identity takes"),
    (
        "AWS_ROLE_SESSION_NAME",
        "with `auth: aws_sigv4`: what the role's session is called; default: `telemetry`",
    ),
    (
        "AWS_ENDPOINT_URL_SSO",
        "with `auth: aws_sigv4`: the portal of IAM Identity Center, if it is not the region's",
    ),
    ("AWS_ENDPOINT_URL_STS", "with `auth: aws_sigv4`: the Security Token Service, if it is not the region's"),
    (
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "with `auth: aws_sigv4`: where the container's agent has the key, on ECS",
    ),
    ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "with `auth: aws_sigv4`: where the container's agent has the key"),
    ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "with `auth: aws_sigv4`: what the container shows to its agent"),
    (
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
        "with `auth: aws_sigv4`: the file of what the container shows to its agent",
    ),
    ("AWS_EC2_METADATA_DISABLED", "`true`: AWS's instance metadata service is not asked"),
    ("AWS_EC2_METADATA_SERVICE_ENDPOINT", "AWS's instance metadata service, if it is not at its own address"),
    (
        "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE",
        "`IPv6`: the address of AWS's instance metadata service is that of IPv6",
    ),
    ("GOOGLE_APPLICATION_CREDENTIALS", "with `auth: gcp_adc`: the file of credentials"),
    (
        "CLOUDSDK_CONFIG",
        "with `auth: gcp_adc`: `gcloud`'s folder, which may have credentials; default: `.config/gcloud` at home",
    ),
    ("GOOGLE_CLOUD_QUOTA_PROJECT", "with `auth: gcp_adc`: whose quota is used; else the file's"),
    ("GCE_METADATA_HOST", "Google's metadata service, if it is not at its own address"),
    ("AZURE_TENANT_ID", "with `auth: azure_entra`: the application's tenant"),
    ("AZURE_CLIENT_ID", "with `auth: azure_entra`: the application, or the managed identity"),
    ("AZURE_CLIENT_SECRET", "with `auth: azure_entra`: the application's secret"),
    (
        "AZURE_CLIENT_CERTIFICATE_PATH",
        "with `auth: azure_entra`: the file of the application's certificate and RSA key, in the form PEM",
    ),
    ("AZURE_FEDERATED_TOKEN_FILE", "with `auth: azure_entra`: the file of a workload's token"),
    (
        "AZURE_AUTHORITY_HOST",
        "with `auth: azure_entra`: who gives tokens out; default: `https://login.microsoftonline.com`",
    ),
    ("IDENTITY_ENDPOINT", "with `auth: azure_entra`: where the managed identity of an App Service is"),
    ("IDENTITY_HEADER", "with `auth: azure_entra`: what an App Service shows there"),
    (
        "AZURE_POD_IDENTITY_AUTHORITY_HOST",
        "Azure's instance metadata service, if it is not at its own address",
    ),
    (
        "APPLICATIONINSIGHTS_OPENTELEMETRY_RESOURCE_METRIC_DISABLED",
        "`true` keeps `azure_monitor` exporters from sending the resource's attributes",
    ),
    ("NO_COLOR", "forbids colours on the console and in log lines, whatever it says"),
    ("CLICOLOR_FORCE", "demands colours where there is no terminal, unless it is `0`"),
];

const HEAD: &str = "\
# Settings

Every key of `settings.yaml` and every environment variable that is read. This page and `settings.schema.json`, by which editors complete
and check the file, are written by a test from the tables that the program itself reads by;
`UPDATE=1 cargo test -p telemetry-runtime --lib config::reference` renews both.

## What holds
The first of these that says something:
1. what the program says in code, such as `Settings::with_service_name`;
2. the variables under *overridden by*, the first of them first; a number or word in them that cannot be understood is ignored with a warning;
3. the file: the one that the program is told of (`--config`), else that of `SETTINGS_FILE`, else `./settings.yaml`;
4. the variables that stand in, marked with *else*;
5. the default.

Where there is a list of exporters, the variables of OTLP override each of its `otlp` exporters and add none. An unknown key, a value of another
type and a contradiction are errors, all reported together at their place. Empty and `null` mean absent. In values, `${NAME}`,
`${env:NAME}` and `${NAME:-default}` stand for variables, and `$$` for a dollar sign; keys are never replaced.

| type | is written |
|---|---|
| time | a whole number with `ms`, `s`, `m` or `h`; without a unit it is milliseconds; 1 ms or more |
| size | a whole number with `B`, `KiB` (1024 bytes), `MiB` or `GiB`; without a unit it is bytes |
| directives, directives by target | a level (`trace`, `debug`, `info`, `warn`, `error`, `off`), or levels by target: `info,orders=debug` |
| attribute | text, a number, `true` or `false`; what is quoted is text |
| secret | text that no message, dump or log line shows |

Words may be in upper case, too; the schema asks for them as they stand here.
";

const TAIL: &str = "
## Checking them
`telemetry-demo check-config [--config FILE]`, or `Settings::resolved` and `Builder::check` in a program of one's own, prints what holds and why, and
asks every enabled exporter by an empty export whether it answers. The exit code is 0 if all do, 78 if the settings are wrong, and 69 if an exporter
does not answer.
";

/// What a key does, its default and its variables, in one line.
pub(super) fn sentence(key: &Key) -> String {
    let default = default(key).map(|default| format!("; default: {default}")).unwrap_or_default();
    let variables = overriding(key).map(|names| format!("; overridden by {names}")).unwrap_or_default();
    let others = others(key).map(|names| format!("; else {names}")).unwrap_or_default();
    format!("{}{default}{variables}{others}", key.about)
}

fn page() -> String {
    let mut page = HEAD.to_owned();
    table("the top", "", &mut page);
    for place in places() {
        match place.key.kind {
            Kind::Section([]) => {}
            Kind::Section(_) => table(&format!("`{}`", place.path()), &place.path(), &mut page),
            Kind::Sections(_) => table(&format!("each of `{}`", place.path()), &place.path(), &mut page),
            _ => {}
        }
    }
    page.push_str("\n## Variables\n| variable | is about |\n|---|---|\n");
    for (name, about) in variables() {
        let _ = writeln!(page, "| `{name}` | {about} |");
    }
    page + TAIL
}

fn table(title: &str, above: &str, page: &mut String) {
    let _ = write!(page, "\n## {}{}\n", title[..1].to_uppercase(), &title[1..]);
    page.push_str("| key | type | default | overridden by | what it does |\n|---|---|---|---|---|\n");
    for Place { key, .. } in places().iter().filter(|place| place.above.join(".") == above) {
        let default = default(key).unwrap_or_else(|| "–".to_owned());
        let default = if key.is_required { "required".to_owned() } else { default };
        let variables = [overriding(key), others(key).map(|names| format!("else {names}"))];
        let variables = variables.into_iter().flatten().collect::<Vec<_>>().join(", ");
        let _ = writeln!(
            page,
            "| `{}` | {} | {default} | {variables} | {} |",
            key.name,
            called(&key.kind),
            key.about
        );
    }
}

fn default(key: &Key) -> Option<String> {
    match key.absent {
        Absent::Nothing => None,
        Absent::Value(value) => Some(format!("`{}`", value())),
        Absent::Words(words) => Some(words.to_owned()),
    }
}

fn overriding(key: &Key) -> Option<String> {
    let names = key.own.iter().flatten().chain(key.overridden_by).map(|name| format!("`{name}`"));
    Some(names.collect::<Vec<_>>().join(", ")).filter(|names| !names.is_empty())
}

fn others(key: &Key) -> Option<String> {
    let names = key.else_by.iter().map(|name| format!("`{name}`"));
    Some(names.collect::<Vec<_>>().join(", ")).filter(|names| !names.is_empty())
}

/// A type in words.
pub(super) fn called(kind: &Kind) -> String {
    let quoted = |words: &[&str]| words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
    match *kind {
        Kind::Section(_) => "map, below".to_owned(),
        Kind::Sections(_) => "list, below".to_owned(),
        Kind::Map(of) => format!("map of {}s by name", called(of)),
        Kind::List(of) => format!("list: {}", called(of)),
        Kind::Free => "anything".to_owned(),
        Kind::Text => "text".to_owned(),
        Kind::Secret => "secret".to_owned(),
        Kind::Attribute => "attribute".to_owned(),
        Kind::Bool => quoted(&["true", "false"]),
        Kind::Word(words) => quoted(&words()),
        Kind::Ratio => "number from 0 to 1".to_owned(),
        Kind::Count { of, most: None } => format!("number of {of}, 1 or more"),
        Kind::Count { of, most: Some(most) } => format!("number of {of}, 1 to {most}"),
        Kind::Time => "time".to_owned(),
        Kind::WordOr(words, Kind::Like(called, _)) => format!("{}, or {called}", quoted(words)),
        Kind::WordOr(words, other) => format!("{}, or {}", quoted(words), called(other)),
        Kind::Size { least, most: None } => format!("size, {} or more", size(least)),
        Kind::Size { least, most: Some(most) } => format!("size, {} to {}", size(least), size(most)),
        Kind::Like(called, _) => called.to_owned(),
    }
}

/// Every variable, and what it is about.
pub(super) fn variables() -> Vec<(&'static str, String)> {
    let mut variables: Vec<(&str, String)> = Vec::new();
    for place in places() {
        let Key { own, overridden_by, else_by, .. } = place.key;
        for name in overridden_by.iter().chain(own.iter().flatten()).chain(*else_by) {
            variables.push((name, format!("`{}`", place.path())));
        }
    }
    let is_new = |name: &&str| FURTHER.iter().all(|(known, _)| known != name);
    let detected = detect::Variables::names().into_iter().filter(is_new);
    let about = "`telemetry.resource_detection` looks at it, to know where the process runs";
    variables.extend(detected.map(|name| (name, about.to_owned())));
    variables.extend(FURTHER.iter().map(|(name, about)| (*name, (*about).to_owned())));
    variables.sort();
    variables
}

#[test]
fn the_page_of_the_repository_is_that_of_the_tables() {
    compare("docs/settings.md", &page(), |found, expected| found == expected);
}
