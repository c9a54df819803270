#!/usr/bin/env bash
# Fuzzes the targets that are named, or all, for SECONDS_EACH (60), from the seeds and what earlier runs have found.
# It takes a nightly toolchain; cargo-fuzz is installed below target/.
set -euo pipefail
cd "$(dirname "$0")/.."

tools=$PWD/target/tools
[[ -x $tools/bin/cargo-fuzz ]] || cargo install cargo-fuzz --locked --root "$tools" --target-dir "$tools/build"
export PATH=$tools/bin:$PATH

[[ $# -gt 0 ]] || set -- $(cargo +nightly fuzz list)
for target in "$@"; do
    mkdir -p "fuzz/corpus/$target"
    printf '\n== %s\n' "$target"
    # Without a sanitizer: what is fuzzed has no `unsafe`, and is tried more often so.
    cargo +nightly fuzz run --sanitizer none "$target" "fuzz/corpus/$target" "fuzz/seeds/$target" -- \
        -max_total_time="${SECONDS_EACH:-60}" -timeout=10 -verbosity=0 -print_final_stats=1
done
