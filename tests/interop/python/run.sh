#!/usr/bin/env bash
# Traces demo relay -> Python service -> demo relay, the Python service with OpenTelemetry's own SDK, installed into a
# virtual environment below target/.
set -euo pipefail
cd "$(dirname "$0")/../../.."

environment=target/interop-python
[[ -x $environment/bin/python ]] || python3 -m venv "$environment"
"$environment/bin/pip" install --quiet opentelemetry-sdk opentelemetry-exporter-otlp-proto-http

PYTHON="$PWD/$environment/bin/python" cargo test -p telemetry-tests --test relay -- --ignored --exact \
    a_python_service_in_the_middle_is_part_of_the_same_trace
