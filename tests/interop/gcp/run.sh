#!/usr/bin/env bash
# Log lines of `logging.format: gcp` beside those that Google's own exporter for Python, installed into a virtual environment below target/,
# writes of the same events, field by field.
set -euo pipefail
cd "$(dirname "$0")/../../.."

environment=target/interop-gcp
[[ -x $environment/bin/python ]] || python3 -m venv "$environment"
"$environment/bin/pip" install --quiet opentelemetry-exporter-gcp-logging==1.15.0a0

cargo build --quiet -p telemetry-tests --example everything --target-dir target
# The vendor calls the class deprecated; what it writes is what its agents read all the same.
"$environment/bin/python" -B -W ignore::DeprecationWarning tests/interop/gcp/compare.py target/debug/examples/everything
