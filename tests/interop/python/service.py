"""A relay like the demo's, traced by OpenTelemetry's own SDK: posts to others what it is told, on this machine only."""

import json
import os
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer

from opentelemetry import context, propagate, trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(endpoint=os.environ["TRACES_URL"])))
tracer = provider.get_tracer("python")


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        errands = json.loads(self.rfile.read(int(self.headers["content-length"])))
        received = context.attach(propagate.extract(dict(self.headers)))
        with tracer.start_as_current_span("python server", kind=trace.SpanKind.SERVER):
            for errand in errands:
                self.run(errand)
        context.detach(received)
        self.send_response(204)
        self.end_headers()

    def run(self, errand):
        with tracer.start_as_current_span("python client", kind=trace.SpanKind.CLIENT):
            headers = {"content-type": "application/json"}
            propagate.inject(headers)
            body = json.dumps(errand["arguments"]).encode()
            urllib.request.urlopen(urllib.request.Request(errand["url"], body, headers), timeout=30).close()

    def log_message(self, *_):
        pass


server = HTTPServer(("127.0.0.1", 0), Handler)
print(f"127.0.0.1:{server.server_port}", flush=True)
server.serve_forever()
