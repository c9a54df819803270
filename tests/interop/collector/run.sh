#!/usr/bin/env bash
# What the demo sends through a collector beside what it sends straight to a receiver that knows nothing of this project. The collector,
# and OpenTelemetry's own messages for the receiver, are installed into a virtual environment below target/.
set -euo pipefail
cd "$(dirname "$0")/../../.."

environment=target/interop-collector
[[ -x $environment/bin/python ]] || python3 -m venv "$environment"
"$environment/bin/pip" install --quiet grpcio opentelemetry-proto rotel==0.0.1a15

cargo build --quiet -p telemetry-demo -p telemetry-tests --bins --example everything --target-dir target
collector=$(echo "$environment"/lib/python3*/site-packages/rotel/rotel-agent)
PYTHONPATH=tests/interop "$environment/bin/python" -B tests/interop/collector/compare.py \
    "$collector" target/debug/telemetry-demo target/debug/examples/everything
