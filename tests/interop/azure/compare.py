"""Compares what the vendor's exporter and ours send of the same telemetry, field by field."""

import json
import re
import sys

from official import envelopes

# What differs on purpose, and why. Each has to occur; whatever else differs is a mistake.
DIFFERENCES = {
    "durations have microseconds, not milliseconds": lambda path, theirs, ours: path.endswith("/baseData/duration")
    and theirs == milliseconds(ours),
    "the library says its own name": lambda path, theirs, ours: path == "tags/ai.internal.sdkVersion"
    and (theirs[:8], ours[:15]) == ("ulm_py3.", "rust:telemetry0"),
    "the machine's own name, language and kind are told nobody who did not ask": lambda path, theirs, ours: path
    in ("tags/ai.device.id", "tags/ai.device.locale", "tags/ai.device.type")
    and ours is None,
    "the resource is told at the time of the first span, so that a batch that is sent again is the same": lambda path, theirs, ours: path
    == "time"
    and theirs > ours == "2026-11-26T04:25:16.123456Z",
    "what is empty is not sent": lambda path, theirs, ours: theirs in ("", {}) and ours is None,
    "a stack that is not there is not called None": lambda path, theirs, ours: path.endswith("/stack")
    and (theirs, ours) == ("None", None),
    "a port that is not there is not called None": lambda path, theirs, ours: path.endswith("/target")
    and theirs == f"{ours}:None",
    "URLs are sent without what grants access": lambda path, theirs, ours: path.endswith("/url")
    and (theirs, ours) == ("https://a:b@shop.example/x?sig=s&page=1", "https://REDACTED:REDACTED@shop.example/x?sig=REDACTED&page=1"),
    "destinations of messages are known by their present name, too": lambda path, theirs, ours: path.endswith("/source")
    and (theirs, ours) == (None, "broker/orders"),
    "a call's type is its system, not the name of the attribute": lambda path, theirs, ours: path.endswith("/type")
    and (theirs, ours) == ("rpc.system", "grpc"),
    "a call's target is its server, by its present name, too": lambda path, theirs, ours: path.endswith("/target")
    and (theirs, ours) == ("grpc", "mail.example:1"),
    "how long messages of Azure's own queues waited is not computed": lambda path, theirs, ours: path.endswith(
        "/measurements/timeSinceEnqueued"
    )
    and ours is None,
    "links are JSON without blanks": lambda path, theirs, ours: path.endswith("/properties/_MS.links")
    and ours == re.sub(" ", "", theirs),
    "flags are written as in JSON": lambda path, theirs, ours: path.endswith("/properties/is.on")
    and (theirs, ours) == ("True", "true"),
    "lists are written as in JSON": lambda path, theirs, ours: path.endswith("/properties/words")
    and (theirs, ours) == ("('a', 'b')", '["a", "b"]'),
    "a log record of no trace has no ids of zeros": lambda path, theirs, ours: path
    in ("tags/ai.operation.id", "tags/ai.operation.parentId")
    and set(theirs) == {"0"}
    and ours is None,
}


def milliseconds(duration):
    """As the vendor's exporter rounds it."""
    days, hours, minutes, seconds = re.fullmatch(r"(\d+)\.(\d\d):(\d\d):(\d\d\.\d{6})", duration).groups()
    microseconds = round(float(seconds) * 1_000_000)
    return f"{days}.{hours}:{minutes}:{(microseconds + 500) // 1000 / 1000:06.3f}"


def fields(value, path=""):
    """Every leaf of the envelope by its path; an empty object is one."""
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    if not members:
        return {path: value}
    return {below: leaf for key, member in members for below, leaf in fields(member, f"{path}/{key}".lstrip("/")).items()}


def name(envelope):
    data = envelope["data"]["baseData"]
    return data.get("name") or data.get("message") or envelope["name"].rpartition(".")[2]


def compare(theirs, ours, found):
    """The mistakes; what differs on purpose is noted in `found`."""
    their_fields, our_fields = fields(theirs), fields(ours)
    for path in sorted(their_fields.keys() | our_fields.keys()):
        pair = their_fields.get(path), our_fields.get(path)
        if pair[0] == pair[1]:
            continue
        reasons = [reason for reason, applies in DIFFERENCES.items() if is_so(applies, path, *pair)]
        found.update(reasons)
        if not reasons:
            yield f"{name(theirs)}: {path}: theirs is {pair[0]!r}, ours is {pair[1]!r}"


def is_so(applies, path, theirs, ours):
    try:
        return applies(path, theirs, ours)
    except (AttributeError, TypeError):
        # A test of texts, and one of the two is none.
        return False


def main(told_path, ours_path):
    theirs = envelopes(told_path)
    with open(ours_path, encoding="utf-8") as file:
        ours = json.load(file)
    assert [len(batch) for batch in theirs] == [len(batch) for batch in ours], "not as many envelopes"
    pairs = [pair for batches in zip(theirs, ours) for pair in zip(*batches)]
    found = set()
    mistakes = [mistake for pair in pairs for mistake in compare(*pair, found)]
    mistakes += [f"this does not differ any longer: {reason}" for reason in DIFFERENCES.keys() - found]
    if mistakes:
        sys.exit("\n".join(mistakes))
    types = sorted({envelope["data"]["baseType"] for envelope, _ in pairs})
    print(f"{len(pairs)} envelopes ({', '.join(types)}) are the same, but for {len(found)} differences on purpose:")
    print("\n".join(f"- {reason}" for reason in DIFFERENCES))


main(*sys.argv[1:])
