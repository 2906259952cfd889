#!/usr/bin/env python3
"""A collector of spans by OTLP over HTTP whose decoder is OpenTelemetry's own: the messages of PyPI opentelemetry-proto, read by protobuf's JSON reader,
which refuses a field that it does not know. Bodies are kept as they come and decoded at the end (SIGTERM), so that decoding takes nothing from what is
measured meanwhile. Then a line of JSON; exit 1 when a field is unknown, a value is of another type, or an identifier or a time cannot be.

Usage: collector.py PORT [BODIES_KEPT]     (pip: opentelemetry-proto protobuf)
"""
import base64, http.server, importlib.metadata, json, signal, sys, threading

from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest, ExportTraceServiceResponse
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

most = int(sys.argv[2]) if len(sys.argv) > 2 else 2_000
bodies, count = [], 0


class Collector(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        global count
        body = self.rfile.read(int(self.headers["Content-Length"]))
        count += 1
        if len(bodies) < most:
            bodies.append((self.path, self.headers["Content-Type"], body))
        said = json_format.MessageToJson(ExportTraceServiceResponse()).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *_):
        """Nobody reads it."""


def of_hex(value, size, name):
    """OTLP's JSON has identifiers in hex, where protobuf's has base64."""
    raw = bytes.fromhex(value)
    if len(raw) != size or not any(raw):
        raise ValueError(f"{name} {value!r} is not {size} bytes, some of them not zero")
    return base64.b64encode(raw).decode()


def decoded(path, kind, body):
    if path != "/v1/traces" or kind.split(";")[0] != "application/json":
        raise ValueError(f"{path} with {kind}")
    told = json.loads(body)
    for resource in told["resourceSpans"]:
        for scope in resource["scopeSpans"]:
            for span in scope["spans"]:
                span["traceId"], span["spanId"] = of_hex(span["traceId"], 16, "traceId"), of_hex(span["spanId"], 8, "spanId")
                if "parentSpanId" in span:
                    span["parentSpanId"] = of_hex(span["parentSpanId"], 8, "parentSpanId")
    read = json_format.ParseDict(told, ExportTraceServiceRequest(), ignore_unknown_fields=False)
    found = []
    for resource in read.resource_spans:
        about = {one.key: one.value.string_value for one in resource.resource.attributes}
        if about.get("service.name") != "aula":
            raise ValueError(f"service.name is {about.get('service.name')!r}")
        for scope in resource.scope_spans:
            found += scope.spans
    for span in found:
        if not span.name or span.kind not in Span.SpanKind.values() or span.kind == Span.SPAN_KIND_UNSPECIFIED:
            raise ValueError(f"a span has the name {span.name!r} and the kind {span.kind}")
        if span.status.code not in Status.StatusCode.values() or not 0 < span.start_time_unix_nano <= span.end_time_unix_nano:
            raise ValueError(f"a span of {span.start_time_unix_nano} to {span.end_time_unix_nano}, status {span.status.code}")
        for one in span.attributes:
            if one.value.WhichOneof("value") not in ("string_value", "int_value", "bool_value"):
                raise ValueError(f"{one.key} is a {one.value.WhichOneof('value')}")
    return found


def end(*_):
    kinds, why = {}, []
    for body in bodies:
        try:
            for span in decoded(*body):
                word = span.name.split()[0] if not span.name[0].isupper() else "request"
                kinds[word] = kinds.get(word, 0) + 1
        except (ValueError, KeyError, json_format.ParseError) as error:
            why.append(str(error)[:300])
    version = lambda name: importlib.metadata.version(name)
    print(json.dumps({"requests": count, "decoded": len(bodies) - len(why), "refused": len(why), "why": why[:3], "spans": kinds,
                      "by": f"opentelemetry-proto {version('opentelemetry-proto')}, protobuf {version('protobuf')}"}), flush=True)
    raise SystemExit(1 if why or not kinds else 0)


signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
server = http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Collector)
server.serve_forever()
end()
