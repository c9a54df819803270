#!/usr/bin/env bash
# Everything beside others' own libraries, which come from PyPI into virtual environments below target/: what each shows, and how long it took.
set -euo pipefail
cd "$(dirname "$0")"

show() {
  printf '\n== %s: %s\n' "$1" "$2"
  local began=$SECONDS
  bash "$1/run.sh"
  printf '== %s: passed, %d s\n' "$1" "$((SECONDS - began))"
}

show python "a trace goes through a Python service with OpenTelemetry's SDK and comes back"
show grpc "spans and log records arrive at gRPC's own server in Python, packed and as they were meant"
show collector "what goes through a collector, by every protocol, arrives as what is sent straight does"
show gcp "log lines for Google's agents say what the vendor's own exporter's do, but for named differences"
show azure "Azure Monitor gets what the vendor's own exporter sends, but for named differences"
