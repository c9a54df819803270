#!/usr/bin/env bash
# The demo sends spans and log records to a receiver that knows nothing of this project: gRPC's own server in Python with
# OpenTelemetry's own messages, installed into a virtual environment below target/.
set -euo pipefail
cd "$(dirname "$0")/../../.."

environment=target/interop-grpc
[[ -x $environment/bin/python ]] || python3 -m venv "$environment"
"$environment/bin/pip" install --quiet grpcio opentelemetry-proto

cargo build --quiet -p telemetry-demo --target-dir target
# It would tell of the calls that it refuses on purpose.
GRPC_VERBOSITY=NONE PYTHONPATH=tests/interop "$environment/bin/python" tests/interop/grpc/receiver.py target/debug/telemetry-demo
