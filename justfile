# Every recipe is one plain command: without `just`, type what stands here.

# Start the demo on http://127.0.0.1:8000
demo *ARGS:
    cargo run -p telemetry-demo -- {{ARGS}}

# Everything that `cargo test` covers
test:
    cargo test --workspace

# Check the lane with loom
loom:
    RUSTFLAGS="--cfg loom" cargo test -p telemetry-runtime --lib --release --target-dir target/loom -- lane::

# Run the span tests under valgrind
memory:
    bash tests/memory-check.sh

# Watch whom the demo connects to
network:
    bash tests/network-check.sh

# Count the instructions of a span of each kind, and compare; `--write` renews the figures
instructions *ARGS:
    bash tests/instructions.sh {{ARGS}}

# Print how long a span takes its caller with exporters that are dead, slow or healthy
latency:
    cargo run --release -p telemetry-tests --example latency

# Kill a process with a spool 50 times, and count what arrives
crash:
    TELEMETRY_CRASH_ROUNDS=50 cargo test -p telemetry-tests --test spool -- --nocapture killed

# Measure spans and their delivery beside other libraries; `--quick` for a first look
peers *ARGS:
    cargo run --release --manifest-path tests/peers/Cargo.toml -- {{ARGS}}

# Measure what the macro costs a build and a future, beside other libraries
compile-time:
    cargo run --release --manifest-path tests/compile-time/Cargo.toml

# Fuzz every parser of text from outside for a minute; `just fuzz b3 spool` for some of them
fuzz *TARGETS:
    bash fuzz/run.sh {{TARGETS}}

# What CI runs
ci:
    bash .ci/run

# Format
fmt:
    cargo fmt --all

# Lint
lint:
    cargo clippy --workspace --all-targets --all-features -- -D warnings

# Build the documentation
doc:
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --all-features
