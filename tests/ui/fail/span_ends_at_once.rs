#![deny(unused_must_use)]

use telemetry_runtime::span;

fn main() {
    span!("gone");
}
