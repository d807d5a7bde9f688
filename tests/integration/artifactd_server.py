#!/usr/bin/env python3
"""The HTTP server of artifactd_test: artifactd_server.py PORT. Says each request on its standard output, once it is answered or held."""
import http.server
import io
import sys
import tarfile
import threading

gate = threading.Event()
content = io.BytesIO()
with tarfile.open(fileobj=content, mode="w:gz") as tar:
    for name, text in ("boot/vmlinuz-6.1", b"the kernel\n"), ("etc/motd", b"hello\n"):
        entry = tarfile.TarInfo(name)
        entry.size = len(text)
        tar.addfile(entry, io.BytesIO(text))
tree = content.getvalue()
changes = [0]


def say(*words):
    print(" ".join(words) + "\n", end="", flush=True)  # in one piece: others talk at the same time


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status, body=b"", **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        path = self.path.split("?")[0]
        tag, since = self.headers.get("If-None-Match"), self.headers.get("If-Modified-Since")
        if path == "/tagged":
            self.answer(304) if tag == '"one"' else self.answer(200, b"tagged\n", ETag='"one"')
        elif path == "/dated":
            date = "Wed, 01 Jan 2025 00:00:00 GMT"
            self.answer(304) if since == date else self.answer(200, b"dated\n", Last_Modified=date)
        elif path == "/changing":
            changes[0] += 1
            self.answer(200, b"change %d\n" % changes[0], ETag='"%d"' % changes[0])
        elif path == "/held":
            say("held")
            gate.wait()
            self.answer(200, b"held\n")
        elif path == "/open":
            gate.set()
            self.answer(200, b"opened\n")
        elif path == "/loop":
            self.answer(302, Location="/loop")
        elif path.startswith("/to/"):
            self.answer(302, Location="http://" + path[4:])
        elif path == "/job":
            self.answer(200, b"""version: 1
console_patterns: {session_end: {regex: '^END'}}
deployment: {start: {kernel: {data: 'fetched for {{ machine_id }}'}}}
""")
        elif path == "/tree.tar.gz":
            self.answer(200, tree)
        elif path == "/binary":
            self.answer(200, b"ELF\xff\x00")
        elif path.startswith("/status/"):
            self.answer(int(path[8:]), b"no\n")
        elif path.startswith("/bytes/"):
            n = int(path[7:])
            self.answer(200, (path.encode() + b"\n") * (n // (len(path) + 1)) + b"." * (n % (len(path) + 1)))
        elif path == "/endless":
            self.send_response(200)
            self.end_headers()
            try:
                while True:
                    self.wfile.write(b"x" * 65536)
            except OSError:
                say("cut off")
            self.close_connection = True
        elif path == "/short":
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.write(b"short\n")
            self.close_connection = True
        else:
            self.answer(404, b"no\n")
        say(path, tag or since or "-")

    def log_message(self, *args):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64


server = Server(("", int(sys.argv[1])), Handler)
say("ready")
server.serve_forever()
