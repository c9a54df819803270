//! Where the process runs: attributes of the resource that the system, the environment and clouds' metadata services know.
//!
//! Nothing is asked that the settings do not name. What a service does not say in time is left out.
//!
//! Source: OpenTelemetry semantic conventions 1.44, resources.

mod aws;
mod azure;
mod gcp;
mod local;
#[cfg(feature = "_http-client")]
mod metadata;
#[cfg(all(test, feature = "_http-client"))]
mod tests;

use crate::record::{Resource, ValueBuf};
use std::collections::HashMap;
use std::io;
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// Who knows something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Detector {
    /// The machine's name, id and kind of processor.
    Host,
    /// The operating system.
    Os,
    /// The process's id and program; not its arguments, which may be secrets.
    Process,
    /// The container's id, and the pod's name.
    Container,
    /// EC2, ECS, EKS and Lambda.
    Aws,
    /// Compute Engine, Kubernetes Engine, Cloud Run and Cloud Run functions.
    Gcp,
    /// Virtual machines, AKS, App Service, Functions and Container Apps.
    Azure,
}

impl Detector {
    pub(crate) const WORDS: [(&'static str, Self); 7] = [
        ("host", Self::Host),
        ("os", Self::Os),
        ("process", Self::Process),
        ("container", Self::Container),
        ("aws", Self::Aws),
        ("gcp", Self::Gcp),
        ("azure", Self::Azure),
    ];

    /// Those that ask nobody.
    pub(crate) const LOCAL: [Self; 4] = [Self::Host, Self::Os, Self::Process, Self::Container];

    fn is_local(self) -> bool {
        Self::LOCAL.contains(&self)
    }

    fn attributes(self, variables: &Variables) -> Attributes {
        match self {
            Self::Host => local::host(variables),
            Self::Os => local::os(),
            Self::Process => local::process(),
            Self::Container => local::container(variables),
            Self::Aws => aws::attributes(variables),
            Self::Gcp => gcp::attributes(variables),
            Self::Azure => azure::attributes(variables),
        }
    }
}

/// Who is asked, and what the environment says.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Options {
    pub(crate) detectors: Vec<Detector>,
    pub(crate) variables: Variables,
}

/// The variables that detectors look at. None holds a secret.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Variables(HashMap<&'static str, String>);

impl Variables {
    /// As they are now.
    pub(crate) fn read(get: impl Fn(&str) -> Option<String>) -> Self {
        Self(Self::names().into_iter().filter_map(|name| Some((name, get(name)?))).collect())
    }

    /// Which they are, each once.
    pub(crate) fn names() -> Vec<&'static str> {
        let mut names = [aws::VARIABLES, azure::VARIABLES, gcp::VARIABLES, local::VARIABLES].concat();
        names.sort_unstable();
        names.dedup();
        names
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Whether Kubernetes runs us.
    fn is_kubernetes(&self) -> bool {
        self.get(KUBERNETES).is_some()
    }
}

const KUBERNETES: &str = "KUBERNETES_SERVICE_HOST";

/// What one detector has found.
type Attributes = Vec<(&'static str, ValueBuf)>;

/// Those of the attributes that are known.
fn known<const N: usize>(attributes: [(&'static str, Option<String>); N]) -> Attributes {
    let known = attributes.into_iter().filter_map(|(key, value)| Some((key, value?)));
    known.filter(|(_, value)| !value.is_empty()).map(|(key, value)| (key, value.into())).collect()
}

/// How long all services together may take. They answer within milliseconds, where there are any.
const DEADLINE: Duration = Duration::from_secs(1);

/// Starts a thread of this name.
pub(crate) type Spawn<'a> = &'a dyn Fn(String, Box<dyn FnOnce() + Send>) -> io::Result<()>;

/// Asks all at the same time, and waits no longer than a second. What a cloud knows goes before what the system says of itself.
pub(crate) fn detect(options: &Options, spawn: Spawn<'_>) -> Resource {
    let (local, remote): (Vec<_>, Vec<_>) =
        options.detectors.iter().copied().partition(|detector| detector.is_local());
    let found = remote_attributes(&remote, &options.variables, spawn);
    let local = local.into_iter().map(|detector| detector.attributes(&options.variables));
    let attributes = found.into_iter().chain(local).flatten();
    attributes.fold(Resource::new(), |resource, (key, value)| match resource.get(key) {
        Some(_) => resource,
        None => resource.with(key, value),
    })
}

/// What was found in time, in the order of the detectors.
fn remote_attributes(detectors: &[Detector], variables: &Variables, spawn: Spawn<'_>) -> Vec<Attributes> {
    let deadline = Instant::now() + DEADLINE;
    let (sender, receiver) = mpsc::channel();
    for (index, detector) in detectors.iter().copied().enumerate() {
        let (sender, variables) = (sender.clone(), variables.clone());
        let ask = move || {
            // Whoever comes too late is not waited for.
            let _ = sender.send((index, detector.attributes(&variables)));
        };
        // Without a thread its attributes are missing, which is no reason not to start.
        let _ = spawn("telemetry-detect".to_owned(), Box::new(ask));
    }
    drop(sender);
    let mut found = vec![Attributes::new(); detectors.len()];
    while let Ok((index, attributes)) =
        receiver.recv_timeout(deadline.saturating_duration_since(Instant::now()))
    {
        found[index] = attributes;
    }
    found
}
