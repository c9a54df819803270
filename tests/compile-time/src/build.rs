//! The time and size of a build, for each way to instrument.

use std::fmt::Write;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::generate::{VARIANTS, Variant, source};

/// The best of so many is taken.
const ROUNDS: usize = 3;

struct Cost {
    check: Duration,
    release: Duration,
    bytes: u64,
}

pub fn table() -> io::Result<String> {
    let mut table = String::from("A crate of 1,000 functions; dependencies are built before\n\n");
    table += "| attribute | `cargo check` | `cargo build --release` | rlib |\n|---|---|---|---|\n";
    for variant in VARIANTS {
        eprintln!("building: {}", variant.name);
        let Cost { check, release, bytes } = measure(variant)?;
        let megabytes = bytes as f64 / 1e6;
        let (check, release) = (check.as_secs_f64(), release.as_secs_f64());
        // A string takes whatever is written to it.
        let _ = writeln!(table, "| {} | {check:.2} s | {release:.1} s | {megabytes:.1} MB |", variant.name);
    }
    Ok(table)
}

fn measure(variant: &Variant) -> io::Result<Cost> {
    let folder = write_crate(variant)?;
    let (mut check, mut release) = (Duration::MAX, Duration::MAX);
    cargo(&folder, &["check"])?;
    cargo(&folder, &["build", "--release"])?;
    for _ in 0..ROUNDS {
        check = check.min(timed(&folder, &["check"])?);
        release = release.min(timed(&folder, &["build", "--release"])?);
    }
    let rlib = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/generated/release/libgenerated.rlib");
    Ok(Cost { check, release, bytes: fs::metadata(rlib)?.len() })
}

fn write_crate(variant: &Variant) -> io::Result<PathBuf> {
    let name = variant.name.replace("::", "-");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/crates").join(name);
    fs::create_dir_all(folder.join("src"))?;
    fs::write(folder.join("src/lib.rs"), source(variant))?;
    let manifest = format!(
        "[package]\nname = \"generated\"\nversion = \"0.0.0\"\nedition = \"2024\"\n[workspace]\n[dependencies]\n{}\n",
        variant.dependency
    );
    fs::write(folder.join("Cargo.toml"), manifest)?;
    Ok(folder)
}

/// How long it takes with the crate itself changed and nothing else.
fn timed(folder: &Path, command: &[&str]) -> io::Result<Duration> {
    let lib = folder.join("src/lib.rs");
    fs::write(&lib, fs::read_to_string(&lib)? + "\n")?;
    let start = Instant::now();
    cargo(folder, command)?;
    Ok(start.elapsed())
}

fn cargo(folder: &Path, command: &[&str]) -> io::Result<()> {
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/generated");
    let status = Command::new(env!("CARGO"))
        .args(command)
        .current_dir(folder)
        .env("CARGO_TARGET_DIR", target)
        .stderr(Stdio::null())
        .status()?;
    if status.success() {
        Ok(())
    } else {
        Err(io::Error::other(format!("{command:?} failed in {}", folder.display())))
    }
}
