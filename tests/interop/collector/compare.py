"""Sends the same spans and log records straight to a receiver and through a collector, by every road, and compares field by field."""

import json
import os
import socket
import subprocess
import sys
import time
from contextlib import contextmanager

from google.protobuf.json_format import MessageToDict
from otlp import PATIENCE_SECONDS, Taken, check_order, order_from, serve, settings_file

# How the collector is sent to: its port, and the exporter's settings. In JSON what is no finite number is a text such as "NaN", as
# protobuf's mapping to JSON wants it; this collector takes numbers only there, and would refuse the whole request.
ROADS = {
    "gRPC": ("grpc", "protocol: grpc, compression: none"),
    "gRPC, gzip": ("grpc", "protocol: grpc, compression: gzip"),
    "http/protobuf": ("http", "protocol: http/protobuf, compression: none"),
    "http/protobuf, gzip": ("http", "protocol: http/protobuf, compression: gzip"),
    "http/json": ("http", "protocol: http/json, compression: none"),
    "http/json, gzip": ("http", "protocol: http/json, compression: gzip"),
}


def settings(straight, through, options):
    return f"""
service: {{name: orders, version: 1.2.0}}
telemetry:
  resource: {{a.flag: true, a.number: -7, a.share: 0.5, a.text: "ä"}}
  exporters:
    - {{provider: otlp, name: straight, otlp: {{endpoint: "http://localhost:{straight}", protocol: grpc}}}}
    - {{provider: otlp, name: through, otlp: {{endpoint: "http://127.0.0.1:{through}", {options}}}}}
logging: {{level: "info,everything=trace", span_events: true}}
"""


@contextmanager
def collector(program, behind):
    """The ports of a collector that passes on to the port `behind`; at the end it has passed on all it has, and complained of nothing."""
    ports = {"grpc": free_port(), "http": free_port()}
    command = [program, "start", "--log-format", "json", "--batch-timeout", "50ms"]
    command += [part for kind, port in ports.items() for part in (f"--otlp-{kind}-endpoint", f"127.0.0.1:{port}")]
    command += ["--exporter", "otlp", "--otlp-exporter-protocol", "grpc"]
    command += ["--otlp-exporter-endpoint", f"http://localhost:{behind}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            for port in ports.values():
                wait_for(port)
            yield ports
        finally:
            process.terminate()
            said = process.stdout.read()
            calm = process.wait(PATIENCE_SECONDS) == 0 and all(map(is_calm, said.splitlines()))
            assert calm, f"the collector ended with {process.returncode} and said:\n{said}"


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def wait_for(port):
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            assert time.monotonic() < deadline, f"nobody listens on port {port}"
            time.sleep(0.01)


def is_calm(line):
    """A line about nothing that went wrong; 30 is the level of information in Bunyan's format."""
    try:
        return json.loads(line)["level"] <= 30
    except (ValueError, KeyError):
        return False


def everything_from(example, numbers, told):
    """Has the example tell everything once."""
    with settings_file(told) as file:
        variables = os.environ | {"SETTINGS_FILE": file.name}
        done = subprocess.run([example, numbers], env=variables, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 0, done.stderr


def fields(value, path=""):
    """Every leaf by its path; what is empty is one."""
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, (list, tuple)) else ()
    if not members:
        return {path: value}
    return {below: leaf for key, member in members for below, leaf in fields(member, f"{path}/{key}").items()}


def told(arrived):
    """All that is told of one, as its fields."""
    messages = arrived.item, arrived.resource, arrived.scope
    return fields([MessageToDict(message) for message in messages] + [arrived.schemas])


def order(arrived):
    """Spans by their ids; log records by their times, and what they say."""
    item = arrived.item
    return (item.span_id, getattr(item, "time_unix_nano", 0), item.SerializeToString(deterministic=True))


def compare(straight, through):
    """How many arrived, straight and through alike."""
    assert len(straight) == len(through), f"{len(straight)} arrived straight, {len(through)} through the collector"
    for one, other in zip(sorted(straight, key=order), sorted(through, key=order)):
        ours, theirs = told(one), told(other)
        differences = [path for path in ours.keys() | theirs.keys() if ours.get(path) != theirs.get(path)]
        shown = "\n".join(f"{path}: {ours.get(path)!r}, through the collector {theirs.get(path)!r}" for path in differences)
        assert one == other, f"this differs of\n{one.item}\n{shown}"
    return len(straight)


def travel(tell, program, kind, options):
    """What arrives straight and through the collector."""
    straight, through = Taken(), Taken()
    straight_server, straight_port = serve(straight)
    behind_server, behind_port = serve(through)
    with collector(program, behind_port) as ports:
        tell(settings(straight_port, ports[kind], options))
        # All has arrived straight when the program has ended.
        through.wait(lambda: len(through.spans) >= len(straight.spans) and len(through.logs) >= len(straight.logs))
    straight_server.stop(None)
    behind_server.stop(None)
    return straight, through


def main(program, demo, example):
    for road, (kind, options) in ROADS.items():
        straight, through = travel(lambda told: order_from(demo, told), program, kind, options)
        counts = [compare(straight.spans, through.spans), compare(straight.logs, through.logs)]
        check_order(through)
        numbers = "finite" if "json" in road else "all"
        straight, through = travel(lambda told: everything_from(example, numbers, told), program, kind, options)
        counts[0] += compare(straight.spans, through.spans)
        counts[1] += compare(straight.logs, through.logs)
        print(f"{road}: {counts[0]} spans and {counts[1]} log records are the same behind the collector", flush=True)


main(*sys.argv[1:])
