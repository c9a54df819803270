#!/usr/bin/env bash
# Watches every connection that the demo opens: none by its embedded defaults, else those to the endpoints that its settings name.
#
# Linux only: `strace` sees the system calls of all threads.
set -euo pipefail
cd "$(dirname "$0")/.."

command -v strace >/dev/null || { apt-get update -q && apt-get install -qy strace; }

cargo test --locked -p telemetry-tests --test demo -- --ignored --exact --nocapture \
    network::it_connects_to_nobody_by_itself_and_else_to_what_the_settings_name_only
