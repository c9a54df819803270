#!/usr/bin/env bash
# W3C's own test suite for trace context against the demo's relay: run.sh CLONE, a git clone of the suite's repository. What the suite
# needs is installed into a virtual environment below target/.
#
# Its expectations are those of Level 2. At `SPEC_LEVEL=1`, too, it has Level 2's keys of `tracestate`, of which Level 1's specification
# takes fewer: `foo@@bar` was malformed.
set -euo pipefail

repository=https://github.com/w3c/trace-context
commit=acab820be9db7b3433668baa5cdd43f57f4c4be0

clone=$(realpath -- "${1:-.}")
cd "$(dirname "$0")/../../.."
git -C "$clone" cat-file -e "$commit:test/test.py" 2>/dev/null || {
    echo "run.sh: the suite is not here: say the path of a clone of $repository that has $commit" >&2
    exit 1
}

environment=target/interop-w3c
[[ -x $environment/bin/python ]] || python3 -m venv "$environment"
"$environment/bin/pip" install --quiet aiohttp
git -C "$clone" archive "$commit" test | tar --extract --directory "$environment"

cargo build --quiet -p telemetry-demo --target-dir target
echo 'telemetry: {exporters: []}' > "$environment/settings.yaml"
coproc relay { exec target/debug/telemetry-demo relay --port 0 --config "$environment/settings.yaml" 2>&1; }
trap 'kill "$relay_PID"' EXIT
read -r _ _ _ address <&"${relay[0]}"

cd "$environment/test"
SPEC_LEVEL=2 ../bin/python test.py "$address/relay"
