"""Receives what the demo sends by OTLP over gRPC while it serves one order, and checks it."""

import sys

import grpc
from otlp import Taken, check_order, order_from, serve


def order_over_grpc(demo, port):
    return order_from(
        demo,
        f"""
service: {{name: orders}}
telemetry:
  exporters:
    - provider: otlp
      otlp: {{endpoint: "http://localhost:{port}", protocol: grpc, compression: gzip}}
""",
    )


def main(demo):
    taken = Taken()
    server, port = serve(taken)
    order_over_grpc(demo, port)
    taken.wait(taken.has_order)
    check_order(taken)
    server.stop(None)

    # Whether a call was packed, a server is not told; so one that takes no gzip must have refused it.
    refused = Taken()
    server, port = serve(refused, ("grpc.compression_enabled_algorithms_bitset", 1 << grpc.Compression.NoCompression))
    said = order_over_grpc(demo, port)
    server.stop(None)
    assert not refused.spans and not refused.logs and "'gzip' is disabled" in said, said
    print(f"{len(taken.spans)} spans and {len(taken.logs)} log records arrived over gRPC, packed and as they were meant")


main(sys.argv[1])
