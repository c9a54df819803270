//! What the system says of itself: its files, and what the program was built for.

use super::{Attributes, Variables, known};
use std::fs;
use std::path::Path;

pub(super) const VARIABLES: &[&str] = &["HOSTNAME", super::KUBERNETES];

pub(super) fn host(variables: &Variables) -> Attributes {
    let name =
        first_line("/proc/sys/kernel/hostname").or_else(|| variables.get("HOSTNAME").map(str::to_owned));
    known([
        ("host.name", name),
        ("host.id", first_line("/etc/machine-id")),
        ("host.arch", Some(arch().to_owned())),
    ])
}

/// The conventions' word for the processor.
fn arch() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "arm" => "arm32",
        "powerpc" => "ppc32",
        "powerpc64" => "ppc64",
        other => other,
    }
}

pub(super) fn os() -> Attributes {
    let kind = if std::env::consts::OS == "macos" { "darwin" } else { std::env::consts::OS };
    let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
    let said = |key: &str| {
        let value = release.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='))?;
        Some(value.trim().trim_matches('"').to_owned())
    };
    known([
        ("os.type", Some(kind.to_owned())),
        ("os.name", said("NAME")),
        ("os.version", said("VERSION_ID")),
        ("os.description", said("PRETTY_NAME")),
    ])
}

pub(super) fn process() -> Attributes {
    let program = std::env::current_exe().ok();
    let name = program.as_deref().and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
    let path = program.map(|path| path.to_string_lossy().into_owned());
    let mut attributes = known([("process.executable.name", name), ("process.executable.path", path)]);
    attributes.push(("process.pid", i64::from(std::process::id()).into()));
    attributes
}

pub(super) fn container(variables: &Variables) -> Attributes {
    let read = |path| fs::read_to_string(path).unwrap_or_default();
    let id = container_id(&read("/proc/self/cgroup")).or_else(|| container_id(&read("/proc/self/mountinfo")));
    let pod = variables.get("HOSTNAME").filter(|_| variables.is_kubernetes()).map(str::to_owned);
    let namespace = first_line("/var/run/secrets/kubernetes.io/serviceaccount/namespace");
    known([("container.id", id), ("k8s.pod.name", pod), ("k8s.namespace.name", namespace)])
}

/// The 64 digits that a container's groups or mounts have in their paths, on a line that is about containers.
fn container_id(text: &str) -> Option<String> {
    let is_id = |word: &&str| word.len() == 64 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    let about = ["docker", "containerd", "kubepods", "libpod", "crio", "cri-"];
    let lines = text.lines().filter(|line| about.iter().any(|word| line.contains(word)));
    let mut words = lines.flat_map(|line| line.split(|char: char| !char.is_ascii_alphanumeric()));
    words.find(is_id).map(str::to_owned)
}

fn first_line(path: &str) -> Option<String> {
    Some(fs::read_to_string(path).ok()?.lines().next()?.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_container_s_id_is_in_its_groups_or_mounts() {
        let id = "0123456789abcdef".repeat(4);
        for text in [
            format!("12:pids:/docker/{id}\n"),
            format!("0::/kubepods.slice/kubepods-pod1.slice/cri-containerd-{id}.scope"),
            format!("1 2 0:1 /var/lib/docker/containers/{id}/hostname /etc/hostname rw"),
        ] {
            assert_eq!(container_id(&text), Some(id.clone()), "{text}");
        }
        for text in ["", "0::/", &*format!("12:pids:/docker/{}", &id[1..]), &*format!("0::/user/{id}")] {
            assert_eq!(container_id(text), None, "{text}");
        }
    }

    #[test]
    fn a_process_says_who_it_is_and_not_what_it_was_told() {
        let attributes = process();
        let keys: Vec<_> = attributes.iter().map(|(key, _)| *key).collect();
        assert_eq!(keys, ["process.executable.name", "process.executable.path", "process.pid"]);
    }
}
