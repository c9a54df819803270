"""Compares the lines that Google's exporter and ours write of the same events, field by field."""

import json
import os
import subprocess
import sys
import tempfile
from datetime import datetime, timedelta

from official import lines

PROJECT = "shop"
SPECIAL = "logging.googleapis.com/"
# Where we tell what Google's exporter has as labels.
FIELDS, LABELS = "fields/", f"{SPECIAL}labels/"
PLACES = {
    f"{SPECIAL}sourceLocation/file": f"{LABELS}code.file.path",
    f"{SPECIAL}sourceLocation/line": f"{LABELS}code.line.number",
}

# What differs on purpose, and why. Each has to occur; whatever else differs is a mistake.
DIFFERENCES = {
    "a line is written a moment after its record was made, and tells microseconds": lambda path, theirs, ours: path == "time"
    and abs(datetime.fromisoformat(ours) - moment(theirs)) < timedelta(seconds=1),
    "fields have their types in the payload, as far as its numbers hold them, and are no labels, which are texts": lambda path, theirs, ours: path.startswith(
        LABELS
    )
    and type(ours) in (bool, int, float)
    and abs(ours) <= 2**53
    and theirs == json.dumps(ours),
    "what is not a number is written as in Rust": lambda path, theirs, ours: path == f"{LABELS}nan" and (theirs, ours) == ("nan", "NaN"),
    "an event's own name is no field": lambda path, theirs, ours: path == f"{LABELS}event.name" and ours is None,
    "the module that logs is told, too": lambda path, theirs, ours: path == "target" and theirs is None,
    "what is of no trace says nothing of traces": lambda path, theirs, ours: path
    in (f"{SPECIAL}trace", f"{SPECIAL}spanId", f"{SPECIAL}trace_sampled")
    and not theirs
    and ours is None,
}


def moment(text):
    """Python takes no more than microseconds."""
    seconds, _, fraction = text.removesuffix("Z").partition(".")
    return datetime.fromisoformat(f"{seconds}.{fraction[:6]:0<6}+00:00")


def our_lines(example, folder):
    """The lines that the example writes; its log records are in logs.jsonl in the folder."""
    settings = os.path.join(folder, "settings.yaml")
    with open(settings, "w", encoding="utf-8") as file:
        file.write(
            f"""
telemetry:
  resource: {{gcp.project_id: {PROJECT}}}
  exporters: [{{provider: file, file: {{path: "{folder}/{{signal}}.jsonl"}}}}]
logging: {{format: gcp, level: trace}}
"""
        )
    done = subprocess.run([example], env=os.environ | {"SETTINGS_FILE": settings}, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stderr.splitlines()]


def leaves(value, path=""):
    """Every leaf by its path; an empty object is one."""
    if not isinstance(value, dict) or not value:
        return {path: value}
    return {below: leaf for key, member in value.items() for below, leaf in leaves(member, f"{path}/{key}".lstrip("/")).items()}


def under_their_names(ours):
    """Our leaves by the paths at which Google's exporter has the same."""

    def renamed(path):
        return LABELS + path.removeprefix(FIELDS) if path.startswith(FIELDS) else PLACES.get(path, path)

    return {renamed(path): leaf for path, leaf in leaves(ours).items()}


def compare(theirs, ours, found):
    """The mistakes; what differs on purpose is noted in `found`."""
    their_leaves, our_leaves = leaves(theirs), under_their_names(ours)
    for path in sorted(their_leaves.keys() | our_leaves.keys()):
        pair = their_leaves.get(path), our_leaves.get(path)
        if pair[0] == pair[1]:
            continue
        reasons = [reason for reason, applies in DIFFERENCES.items() if applies(path, *pair)]
        found.update(reasons)
        if not reasons:
            yield f"{theirs.get('message')}: {path}: theirs is {pair[0]!r}, ours is {pair[1]!r}"


def main(example):
    with tempfile.TemporaryDirectory() as folder:
        ours = our_lines(example, folder)
        theirs = lines(PROJECT, os.path.join(folder, "logs.jsonl"))
    assert len(theirs) == len(ours), f"{len(theirs)} lines are theirs, {len(ours)} ours"
    found = set()
    mistakes = [mistake for pair in zip(theirs, ours) for mistake in compare(*pair, found)]
    mistakes += [f"this does not differ any longer: {reason}" for reason in DIFFERENCES.keys() - found]
    if mistakes:
        sys.exit("\n".join(mistakes))
    severities = sorted({line["severity"] for line in ours})
    print(f"{len(ours)} lines ({', '.join(severities)}) are the same, but for {len(found)} differences on purpose:")
    print("\n".join(f"- {reason}" for reason in DIFFERENCES))


main(sys.argv[1])
