"""The lines that Google's own exporter for Python writes of the log records in a file of OTLP JSON lines."""

import base64
import io
import json

from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.cloud_logging import CloudLoggingExporter
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.resources import Resource
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, set_span_in_context


def lines(project, path):
    """In the order of time."""
    written = io.StringIO()
    exporter = CloudLoggingExporter(project_id=project, structured_json_file=written)
    exporter.export([record(told) for told in sorted(records(path), key=lambda told: int(told["timeUnixNano"]))])
    return [json.loads(line) for line in written.getvalue().splitlines()]


def records(path):
    with open(path, encoding="utf-8") as file:
        for line in file:
            for resource in json.loads(line)["resourceLogs"]:
                for scope in resource["scopeLogs"]:
                    yield from scope["logRecords"]


def record(told):
    log_record = LogRecord(
        timestamp=int(told["timeUnixNano"]),
        context=context(told),
        severity_number=SeverityNumber(told["severityNumber"]),
        body=value(told["body"]) if "body" in told else None,
        attributes={attribute["key"]: value(attribute["value"]) for attribute in told.get("attributes", [])},
        event_name=told.get("eventName"),
    )
    return ReadableLogRecord(log_record, Resource({}))


def context(told):
    if "traceId" not in told:
        return None
    flags = TraceFlags(told.get("flags", 0) & 0xFF)
    return set_span_in_context(NonRecordingSpan(SpanContext(int(told["traceId"], 16), int(told["spanId"], 16), False, flags)))


def value(told):
    """The value with its type: JSON has 64-bit integers and what is no number as texts."""
    ((kind, value),) = told.items()
    types = {"intValue": int, "doubleValue": float, "bytesValue": base64.b64decode}
    return types.get(kind, lambda value: value)(value)
