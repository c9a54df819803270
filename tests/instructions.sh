#!/usr/bin/env bash
# Counts the instructions of a span of each kind with callgrind and compares them with instructions.tsv beside this.
#
# `bash tests/instructions.sh` fails if a kind takes over 10 % more than the file says; `--write` renews the file.
# The counts repeat exactly: the difference of two runs of different length, of one thread, without what starts and ends them.
set -euo pipefail
cd "$(dirname "$0")/.."

figures=tests/instructions.tsv
few=10 many=30

command -v valgrind >/dev/null || { apt-get update -q && apt-get install -qy valgrind libc6-dbg; }

# Spans read the time-stamp counter where the system does, which takes fewer instructions than asking the system.
machine() {
    local clock
    clock=$(cat /sys/devices/system/clocksource/clocksource0/current_clocksource 2>/dev/null || echo unknown)
    [[ $clock == tsc ]] || clock=system
    echo "$(uname -m), clock $clock"
}

build() {
    cargo build --quiet --locked --profile release -p telemetry-tests --example instructions \
        --message-format json-render-diagnostics |
        grep -o '"executable":"[^"]*/examples/instructions"' | cut -d '"' -f 4
}

# The instructions of what is counted in one run.
collected() {
    valgrind --tool=callgrind --callgrind-out-file=/dev/null --toggle-collect='*what_is_counted*' "$@" 2>&1 >/dev/null |
        awk '/Collected/ { print $NF; found = 1 } END { exit !found }'
}

count() {
    local program=$1 name few_take many_take
    printf '# Instructions per span, by tests/instructions.sh. %s\n' "$(machine)"
    for name in $("$program"); do
        few_take=$(collected "$program" "$name" "$few")
        many_take=$(collected "$program" "$name" "$many")
        printf '%s\t%d\n' "$name" $(((many_take - few_take) / (many - few)))
    done
}

compare() {
    awk -F '\t' '
        /^#/ { next }
        NR == FNR { before[$1] = $2; next }
        {
            verdict = ""
            if (!($1 in before)) { verdict = "new: run tests/instructions.sh --write"; failed = 1 }
            else if ($2 > before[$1] * 1.1) { verdict = "more than 10 % over"; failed = 1 }
            else if ($2 < before[$1] * 0.9) { verdict = "better: tests/instructions.sh --write keeps it so" }
            printf "%-18s %6d   was %6d   %s\n", $1, $2, before[$1], verdict
            delete before[$1]
        }
        END {
            for (name in before) { printf "%s is counted no more: run tests/instructions.sh --write\n", name; failed = 1 }
            exit failed
        }' "$figures" -
}

if [[ ${1:-} == --write ]]; then
    program=$(build)
    new=$(count "$program")
    printf '%s\n' "$new" | tee "$figures"
elif ! head -n 1 "$figures" | grep -qF "$(machine)"; then
    echo "$figures was made on another kind of machine than this ($(machine)): nothing is compared"
else
    program=$(build)
    count "$program" | compare
fi
