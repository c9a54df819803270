"""What the vendor's own exporter for Python sends of the telemetry in a file, taken by a receiver on this machine."""

import gzip
import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

from azure.monitor.opentelemetry.exporter import AzureMonitorLogExporter, AzureMonitorTraceExporter
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan, TracerProvider
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, NonRecordingSpan, SpanContext, SpanKind, Status, StatusCode, TraceFlags
from opentelemetry.trace import set_span_in_context

TRACE = 0x0AF7651916CD43DD8448EB211C80319C
KEY = "11112222-3333-4444-5555-66667777aaaa"
START_NS = 1_795_667_116_123_456_000
SCOPE = InstrumentationScope("sample::module")
SEVERITIES = {"trace": 1, "debug": 5, "info": 9, "warn": 13, "error": 17}


def context(span_id):
    return SpanContext(TRACE, span_id, False, TraceFlags(1))


def span(number, told, resource):
    start = START_NS + number * 1_000_000
    status = {"error": StatusCode.ERROR, "ok": StatusCode.OK}.get(told.get("status"), StatusCode.UNSET)
    return ReadableSpan(
        name=told["name"],
        context=context(100 + number),
        parent=None if told.get("root") else context(1),
        resource=resource,
        attributes=attributes(told),
        events=[Event(event["name"], attributes(event), start + 1000) for event in told.get("events", [])],
        links=[Link(context(link["span_id"]), attributes(link)) for link in told.get("links", [])],
        kind=SpanKind[told["kind"].upper()],
        status=Status(status),
        start_time=start,
        end_time=start + told.get("duration_ns", 1_000_000),
        instrumentation_scope=SCOPE,
    )


def attributes(told):
    attributes = told.get("attributes", {})
    return {key: tuple(value) if isinstance(value, list) else value for key, value in attributes.items()}


def log(number, told, resource):
    current = set_span_in_context(NonRecordingSpan(context(1)))
    record = LogRecord(
        timestamp=START_NS + number * 1_000_000,
        context=None if told.get("alone") else current,
        severity_number=SeverityNumber(SEVERITIES[told["level"]]),
        body=told["body"],
        attributes=attributes(told),
    )
    return ReadableLogRecord(record, resource, SCOPE)


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        items = json.loads(body)
        self.server.requests.append(items)
        answer = json.dumps({"itemsReceived": len(items), "itemsAccepted": len(items), "errors": []}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


def envelopes(path):
    """A list for each batch: the spans and the log records of each group in the file."""
    server = HTTPServer(("127.0.0.1", 0), Receiver)
    server.requests = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    connection = f"InstrumentationKey={KEY};IngestionEndpoint=http://127.0.0.1:{server.server_port}"
    with open(path, encoding="utf-8") as file:
        groups = json.load(file)
    for group in groups:
        resource = Resource(group["resource"])
        options = {"connection_string": connection, "disable_offline_storage": True}
        spans = AzureMonitorTraceExporter(tracer_provider=TracerProvider(resource=resource), **options)
        spans.export([span(number, told, resource) for number, told in enumerate(group["spans"])])
        logs = AzureMonitorLogExporter(**options)
        logs.export([log(number, told, resource) for number, told in enumerate(group["logs"])])
        spans.shutdown()
        logs.shutdown()
    return server.requests
