"""Receives what the demo sends by OTLP over gRPC while it serves one order, and checks it."""

import signal
import subprocess
import sys
import tempfile
import threading
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import grpc
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


class Taken:
    """The spans and log records that have arrived, each with its resource's attributes."""

    def __init__(self):
        self.spans, self.logs = {}, {}
        self.changed = threading.Condition()

    def add(self, items, named):
        with self.changed:
            named.update(items)
            self.changed.notify_all()

    def wait(self):
        def complete():
            return {"POST /orders", *PARENTS} <= self.spans.keys() and BODY in self.logs

        with self.changed:
            arrived = self.changed.wait_for(complete, PATIENCE_SECONDS)
        assert arrived, f"only {sorted(self.spans)} and {sorted(self.logs)} arrived"


class Traces(trace_service_pb2_grpc.TraceServiceServicer):
    def __init__(self, taken):
        self.taken = taken

    def Export(self, request, context):
        spans = {
            span.name: (resource.resource.attributes, span)
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        }
        self.taken.add(spans, self.taken.spans)
        return trace_service_pb2.ExportTraceServiceResponse()


class Logs(logs_service_pb2_grpc.LogsServiceServicer):
    def __init__(self, taken):
        self.taken = taken

    def Export(self, request, context):
        logs = {
            log.body.string_value: (resource.resource.attributes, log)
            for resource in request.resource_logs
            for scope in resource.scope_logs
            for log in scope.log_records
        }
        self.taken.add(logs, self.taken.logs)
        return logs_service_pb2.ExportLogsServiceResponse()


def serve(taken, *options):
    server = grpc.server(ThreadPoolExecutor(2), options=options)
    trace_service_pb2_grpc.add_TraceServiceServicer_to_server(Traces(taken), server)
    logs_service_pb2_grpc.add_LogsServiceServicer_to_server(Logs(taken), server)
    port = server.add_insecure_port("localhost:0")
    server.start()
    return server, port


def order_from(demo, port):
    """Has the demo serve one order, and ends it; what it said."""
    settings = f"""
service: {{name: orders}}
telemetry:
  exporters:
    - provider: otlp
      otlp: {{endpoint: "http://localhost:{port}", protocol: grpc, compression: gzip}}
"""
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        file.write(settings)
        file.flush()
        command = [demo, "--port", "0", "--config", file.name]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
            try:
                address = process.stderr.readline().strip().rpartition("http://")[2]
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


def check(taken):
    resource, server = taken.spans["POST /orders"]
    assert (server.trace_id.hex(), server.parent_span_id.hex()) == (TRACE, PARENT)
    assert attribute(resource, "service.name") == ("string_value", "orders")
    assert attribute(server.attributes, "http.response.status_code") == ("int_value", 201)
    assert attribute(server.attributes, "http.route") == ("string_value", "/orders")
    for child, parent in PARENTS.items():
        span, above = taken.spans[child][1], taken.spans[parent][1]
        assert (span.trace_id.hex(), span.parent_span_id) == (TRACE, above.span_id), child
        assert above.start_time_unix_nano <= span.start_time_unix_nano <= span.end_time_unix_nano, child
    assert attribute(taken.spans["notify"][1].attributes, "order.id") == ("int_value", 1)

    resource, log = taken.logs[BODY]
    assert (log.trace_id.hex(), log.span_id) == (TRACE, taken.spans["pack"][1].span_id)
    assert log.severity_text == "INFO"
    assert attribute(log.attributes, "quantity") == ("int_value", 2)
    assert attribute(resource, "service.name") == ("string_value", "orders")


def main(demo):
    taken = Taken()
    server, port = serve(taken)
    order_from(demo, port)
    taken.wait()
    check(taken)
    server.stop(None)

    # Whether a call was packed, a server is not told; so one that takes no gzip must have refused it.
    refused = Taken()
    server, port = serve(refused, ("grpc.compression_enabled_algorithms_bitset", 1 << grpc.Compression.NoCompression))
    said = order_from(demo, port)
    server.stop(None)
    assert not refused.spans and not refused.logs and "'gzip' is disabled" in said, said
    print(f"{len(taken.spans)} spans and {len(taken.logs)} log records arrived over gRPC, packed and as they were meant")


main(sys.argv[1])
