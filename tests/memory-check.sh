#!/usr/bin/env bash
# Runs what touches unsafe code under valgrind: the span room's own tests, instrumented functions, and spans on all kinds of threads.
#
# Fails on any invalid or uninitialised access and on any memory that is lost. Forking tests are left out: a child has lost what the
# parent's other threads owned, which is what a leak looks like.
set -euo pipefail
cd "$(dirname "$0")/.."

command -v valgrind >/dev/null || { apt-get update -q && apt-get install -qy valgrind libc6-dbg; }

# Threads take turns under valgrind; fairly, or one that spins would keep the others waiting.
runner='["valgrind", "--quiet", "--error-exitcode=9", "--fair-sched=yes", "--leak-check=full", "--show-leak-kinds=definite", "--errors-for-leak-kinds=definite"]'

check() {
    printf '\n== %s\n' "$*"
    RUST_BACKTRACE=0 PROPTEST_CASES="${PROPTEST_CASES:-32}" \
        cargo test --locked --config "target.'cfg(unix)'.runner = $runner" "$@" --test-threads=1
}

check -p telemetry-runtime --lib --features http,stream,testing -- span::
check -p telemetry-tests --test threads --
check -p telemetry-tests --test behaviour --
printf '\nno invalid access, no lost memory\n'
