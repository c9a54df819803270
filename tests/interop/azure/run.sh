#!/usr/bin/env bash
# Sends the same telemetry by the vendor's own exporter for Python, installed into a virtual environment below target/, and by ours, each to a
# receiver on this machine, and compares the envelopes field by field.
set -euo pipefail
cd "$(dirname "$0")/../../.."

environment=target/interop-azure
[[ -x $environment/bin/python ]] || python3 -m venv "$environment"
"$environment/bin/pip" install --quiet azure-monitor-opentelemetry-exporter==1.0.0b58

cargo test --quiet -p telemetry-runtime --lib --target-dir target -- --ignored --exact \
    export::azure::interop::sends_what_the_file_tells
# Nothing of the vendor's own statistics and remote settings: this machine only.
APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL=true APPLICATIONINSIGHTS_CONTROLPLANE_DISABLED=true \
    "$environment/bin/python" tests/interop/azure/compare.py tests/interop/azure/telemetry.json "$environment/ours.json"
