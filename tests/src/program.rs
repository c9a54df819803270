//! The demo's program, built once for the tests that run it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// Where the program is; it is built in the profile `dev` first.
///
/// # Panics
/// If it cannot be built.
pub fn demo() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let built = Command::new(env!("CARGO")).args(["build", "--quiet", "-p", "telemetry-demo"]).status();
        assert!(built.expect("cargo runs").success());
        // A test is target/<profile>/deps/<name>.
        let this = std::env::current_exe().expect("this program has a path");
        this.ancestors().nth(3).expect("a target directory").join("debug/telemetry-demo")
    })
}
