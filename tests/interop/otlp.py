"""What the checks of OTLP share: a receiver that knows nothing of this project, and the demo that serves one order."""

import signal
import subprocess
import tempfile
import threading
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import grpc
from google.protobuf.message import Message
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2, logs_service_pb2_grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
PARENTS = {
    "create_order": "POST /orders",
    "validate": "create_order",
    "store.insert": "create_order",
    "INSERT orders": "store.insert",
    "notify": "create_order",
    "pack": "notify",
}
BODY = "order goes to the packers"
PATIENCE_SECONDS = 30


class Arrived(NamedTuple):
    """A span or a log record, and what was told once for it and others."""

    item: Message
    resource: Message
    scope: Message
    schemas: tuple


class Taken:
    """The spans and log records that have arrived."""

    def __init__(self):
        self.spans, self.logs = [], []
        self.changed = threading.Condition()

    def add(self, arrived, to):
        with self.changed:
            to.extend(arrived)
            self.changed.notify_all()

    def wait(self, complete):
        with self.changed:
            arrived = self.changed.wait_for(complete, PATIENCE_SECONDS)
        names = sorted(span.item.name for span in self.spans), sorted(log.item.body.string_value for log in self.logs)
        assert arrived, f"only {names[0]} and {names[1]} arrived"

    def span(self, name):
        return only(self.spans, lambda span: span.name == name, name)

    def log(self, body):
        return only(self.logs, lambda log: log.body.string_value == body, body)

    def has_order(self):
        names = {span.item.name for span in self.spans}
        return {"POST /orders", *PARENTS} <= names and any(log.item.body.string_value == BODY for log in self.logs)


def only(arrived, applies, name):
    found = [one for one in arrived if applies(one.item)]
    assert len(found) == 1, f"{name} arrived {len(found)} times"
    return found[0]


class Traces(trace_service_pb2_grpc.TraceServiceServicer):
    def __init__(self, taken):
        self.taken = taken

    def Export(self, request, context):
        spans = [
            Arrived(span, resource.resource, scope.scope, (resource.schema_url, scope.schema_url))
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]
        self.taken.add(spans, self.taken.spans)
        return trace_service_pb2.ExportTraceServiceResponse()


class Logs(logs_service_pb2_grpc.LogsServiceServicer):
    def __init__(self, taken):
        self.taken = taken

    def Export(self, request, context):
        logs = [
            Arrived(log, resource.resource, scope.scope, (resource.schema_url, scope.schema_url))
            for resource in request.resource_logs
            for scope in resource.scope_logs
            for log in scope.log_records
        ]
        self.taken.add(logs, self.taken.logs)
        return logs_service_pb2.ExportLogsServiceResponse()


def serve(taken, *options):
    server = grpc.server(ThreadPoolExecutor(2), options=options)
    trace_service_pb2_grpc.add_TraceServiceServicer_to_server(Traces(taken), server)
    logs_service_pb2_grpc.add_LogsServiceServicer_to_server(Logs(taken), server)
    port = server.add_insecure_port("localhost:0")
    server.start()
    return server, port


def settings_file(settings):
    """A file of these settings, while it is open."""
    file = tempfile.NamedTemporaryFile("w", suffix=".yaml")
    file.write(settings)
    file.flush()
    return file


def order_from(demo, settings):
    """Has the demo serve one order under these settings, and ends it; what it said."""
    with settings_file(settings) as file:
        command = [demo, "--port", "0", "--config", file.name]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
            try:
                first = process.stderr.readline()
                assert "http://" in first, first + process.stderr.read()
                address = first.strip().rpartition("http://")[2]
                headers = {"content-type": "application/json", "traceparent": f"00-{TRACE}-{PARENT}-01"}
                order = urllib.request.Request(
                    f"http://{address}/orders", b'{"item": "tea", "quantity": 2}', headers
                )
                assert urllib.request.urlopen(order, timeout=PATIENCE_SECONDS).status == 201
            finally:
                process.send_signal(signal.SIGTERM)
            said = process.stderr.read()
    assert process.returncode == 0, said
    return said


def attribute(attributes, key):
    """The value as (type, value): 2 is not "2"."""
    values = [attribute.value for attribute in attributes if attribute.key == key]
    assert len(values) == 1, f"{key} is there {len(values)} times"
    kind = values[0].WhichOneof("value")
    return kind, getattr(values[0], kind)


def check_order(taken):
    """What is to be told of the order."""
    arrived = taken.span("POST /orders")
    server = arrived.item
    assert (server.trace_id.hex(), server.parent_span_id.hex()) == (TRACE, PARENT)
    assert attribute(arrived.resource.attributes, "service.name") == ("string_value", "orders")
    assert attribute(server.attributes, "http.response.status_code") == ("int_value", 201)
    assert attribute(server.attributes, "http.route") == ("string_value", "/orders")
    for child, parent in PARENTS.items():
        span, above = taken.span(child).item, taken.span(parent).item
        assert (span.trace_id.hex(), span.parent_span_id) == (TRACE, above.span_id), child
        assert above.start_time_unix_nano <= span.start_time_unix_nano <= span.end_time_unix_nano, child
    assert attribute(taken.span("notify").item.attributes, "order.id") == ("int_value", 1)

    arrived = taken.log(BODY)
    log = arrived.item
    assert (log.trace_id.hex(), log.span_id) == (TRACE, taken.span("pack").item.span_id)
    assert log.severity_text == "INFO"
    assert attribute(log.attributes, "quantity") == ("int_value", 2)
    assert attribute(arrived.resource.attributes, "service.name") == ("string_value", "orders")
