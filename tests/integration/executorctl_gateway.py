"""A strict stand-in for a gateway, for executorctl_test.c: it takes only what protocols.md says a client sends, and talks to the client with
Python's own base64, json and datetime, as the field's programs do. What it was sent it prints, a line each."""
import base64
import email.parser
import email.policy
import http.server
import io
import json
import socket
import struct
import sys
import tarfile
import threading
from datetime import datetime, timezone

import executorctl_bucket as bucket

DUT = "52:54:00:11:22:0a"
DUTS = {DUT: {"id": DUT, "state": "IDLE", "ready_for_service": True, "full_name": "farm-gfx9-1", "ip_address": "10.42.0.17",
              "pdu": {"name": "APC", "port_id": "3"}, "comment": "loud\u001b[2J fan", "tags": ["a", "b"], "is_retired": False,
              "training": {"state": "IDLE"}, "firmware_boot_time": 7.5, "gitlab": {}},
        "rack-2": {"id": "rack-2", "state": "TRAINING", "ready_for_service": False, "full_name": "farm-virtio-1", "ip_address": None,
                   "pdu": {"name": "APC", "port_id": "4"}, "comment": None, "tags": [], "is_retired": False,
                   "training": {"state": "ENROLLING", "boot_loop_counts": 5, "loops": [{"status": "PASS"}, {"status": "FAIL"}]},
                   "firmware_boot_time": None, "gitlab": {}}}
PORT = {"label": "left", "min_off_time": 5, "state": "OFF", "last_shutdown": None, "last_polled": None, "reserved": False}
PDUS = {"APC": {"ports": {"3": PORT, "4": dict(PORT, label="", state="ON", reserved=True)}, "state": "OK", "error": None},
        "Lab\u001b[1m": {"ports": {}, "state": "ERROR", "error": "no route\u009b to\u007f 10.0.0.9"}}
ALARMS = [{"pdu": "APC", "port_id": "3", "dut": None, "text": "port 3 of APC could not be \u001b[2J switched OFF yet"}]
UP = {"state": "up", "pid": 7, "since": "2026-01-31T12:00:00+00:00", "restarts": 0, "last_exit": None, "last_exit_at": None, "back_off": 0}
DAEMONS = {"executord": UP, "pdud": dict(UP, restarts=3, last_exit="exit code 1"),
           "bootsd": dict(UP, state="failing", pid=None, restarts=9, last_exit="exit code 1\u001b[2J", back_off=8.5),
           "artifactd": dict(UP, state="down", pid=None), "saladd": dict(UP, state="down", pid=None, since=None)}
RUNNERS = [{"instance": "lab", "dut": DUT, "description": "farm-gfx9-1", "runner_id": 42, "exposed": True, "valid": "yes",
            "last_check": "2026-01-31T12:00:00.123+00:00"},
           {"instance": "fdo", "dut": "rack-2", "description": "farm-virtio-1", "runner_id": -1, "exposed": False, "valid": "unknown",
            "last_check": None, "last_error": "no tags\u001b[2J"}]
GITLAB = {"instances": [{"name": "lab", "url": "https://lab.example", "last_check": "2026-01-31T12:00:00.123+00:00", "next_try": None, "removals": 0},
                        {"name": "fdo", "url": "https://fdo.example", "last_check": None, "next_try": "2026-01-31T12:00:00.123+00:00",
                         "last_error": "answered 502", "removals": 3}],
          "runners": RUNNERS, "orphans": [{"instance": "lab", "runner_id": 7, "description": "farm-old-1"}],
          "config_file": "/etc/gitlab-runner/config.toml", "config_error": "conf.j2:3: no"}
busy = 0


def say(*words):
    print(" ".join(map(str, words)) + "\n", end="", flush=True)  # in one piece: others talk at the same time


class Refused(Exception):
    pass


def need(truth, what):
    if not truth:
        raise Refused(what)


def parts_of(headers, body):
    need(headers["Content-Type"].startswith("multipart/form-data"), "not a form")
    head = f"Content-Type: {headers['Content-Type']}\r\n\r\n".encode()
    message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + body)
    parts = {}
    for part in message.iter_parts():
        name = part.get_param("name", header="content-disposition")
        need(part.get_filename(), f"part {name} has no filename")
        parts[name] = (part.get_content_type(), part.get_payload(decode=True))
    return parts


class Client:
    """The connection back to the submitter."""
    def __init__(self, host, port):
        self.socket = socket.create_connection((host, port), timeout=20)

    def frame(self, msg_type, payload, date=None):
        text = json.dumps({"msg_type": msg_type, "date": date or datetime.now(timezone.utc).isoformat(), "payload": payload}).encode()
        return struct.pack("!I", len(text)) + text

    def send(self, *args, **kw):
        self.socket.sendall(self.frame(*args, **kw))

    def console(self, data):
        self.send("job_io", base64.b85encode(data).decode())

    def end(self, status, **more):
        self.send("session_end", dict({"status": status, "joules_consumed": None}, **more))

    def receive(self, n):
        data = b""
        while len(data) < n:
            more = self.socket.recv(n - len(data))
            if not more:
                raise EOFError
            data += more
        return data

    def read(self):
        message = json.loads(self.receive(struct.unpack("!I", self.receive(4))[0]))
        need(set(message) == {"msg_type", "date", "payload"}, "keys of a frame")
        need(datetime.fromisoformat(message["date"]).tzinfo, "a date with its zone")
        need(message["msg_type"] == "job_io", "only input comes from a client")
        return base64.b85decode(message["payload"])


def talk(client, what, metadata):
    """What the machine does that a job's target.id or job_id names."""
    if what == "pieces":
        for byte in client.frame("ctrl", {"msg": "+0.1s: byte by byte\n", "severity": 1, "tag": 0, "metadata": {}}):
            client.socket.sendall(bytes([byte]))
        client.end("PASS", joules_consumed=12.25)
    elif what == "together":
        client.socket.sendall(client.frame("job_io", base64.b85encode(b"one ").decode()) +
                              client.frame("job_io", base64.b85encode(b"two\n").decode()) +
                              client.frame("session_end", {"status": "PASS"}))
    elif what == "bytes":
        client.console(bytes(range(256)))
        client.end("PASS", job_bucket={"minio_access_url": "http://a:b@10.42.0.1:9000", "bucket_name": "job-1"})
    elif what.startswith("no-bucket-"):
        client.end(what[10:], job_bucket=None)
    elif bucket.client == client.socket:
        status = metadata.get("job_id", "PASS")
        client.end(status, job_bucket=bucket.ACCESS)
    elif what == "cut":
        client.send("ctrl", {"msg": "+0.1s: booting\n", "severity": 1, "tag": 0, "metadata": {}})
    elif what == "reset":
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    elif what == "garbage":
        client.socket.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        client.socket.recv(1)
    elif what == "odd-date":
        client.send("job_io", "VE", date="2026-01-31T12:00:00Z")
        client.socket.recv(1)
    elif what == "echo":
        client.console(b"login: ")
        typed = b""
        while not typed.endswith(b"q"):
            typed += client.read()
        say("typed", typed)
        client.console(b"bye\r\n")
        client.end("PASS")
    elif what == "stay":
        client.console(b"ready\r\n")
        try:
            while True:
                say("typed", client.read())
        except EOFError:
            say("the client left")
            return
    else:
        client.send("ctrl", {"msg": "+0.000s: Starting\n", "severity": 2, "tag": 100, "metadata": {}})
        client.end(what)
    try:
        client.receive(1)
    except (EOFError, OSError):
        say("the client closed")


ODD_KEYS = [b"a b", b"c+d/e%f", "\u00e9/\u20ac.txt".encode(), b"~-_.!*'()", b"x=y&z", b"q?#;:@$,[]"]
UNSAFE_KEYS = [b"/etc/hosts", b"../up", b"down/../../up", b"a//b", b"./a", b"folder/", b"n\0l", b"link/passwd"]


def share(tar, what):
    """The bucket as the job leaves it, from what it was at first."""
    with tarfile.open(fileobj=io.BytesIO(tar), errors="surrogateescape") as archive:
        need(all(member.isreg() for member in archive), "only regular files are shared")
        files = {member.name.encode("utf-8", "surrogateescape"): archive.extractfile(member).read() for member in archive}
        say("tar", [(m.name, m.size, oct(m.mode)) for m in archive])
    if what == "odd":
        files = {key: key * 1000 for key in ODD_KEYS}
    elif what == "unsafe":
        files.update({key: b"evil" for key in UNSAFE_KEYS})
    elif what == "empty":
        files = {}
    elif what == "conflict":
        files = {b"a": b"1", b"a/b": b"2", b"c": b"3"}
    elif what == "big":
        files = {b"big": bytes(range(256)) * 40960, b"none": b""}
    elif what == "changed":
        files = {b"stays": files[b"stays"], b"script": b"new", b"sub/deep/new": b"new", b"was-file/now": b"folder", b"was-folder": b"file"}
    else:
        files.update({b"a": b"aa", b"b": b"bb"})
    bucket.objects, bucket.fault = files, what
    bucket.seen.clear()


def submit(headers, body, host):
    global busy
    parts = parts_of(headers, body)
    tar = parts.pop("job_bucket_initial_state_tarball_file", None)
    need(set(parts) == {"metadata", "job"}, f"parts {sorted(parts)}")
    need(not tar or tar[0] == "application/octet-stream", "type of the archive")
    need(parts["metadata"][0] == "application/json", "type of metadata")
    need(parts["job"][0] == "application/x-yaml", "type of the job")
    metadata = json.loads(parts["metadata"][1])
    need(metadata["version"] == 1, "version")
    port = metadata["callback"].pop("port")
    say("metadata", json.dumps(metadata, sort_keys=True))
    say("job", parts["job"][1])
    what = (metadata.get("target") or {}).get("id") or metadata.get("job_id") or "PASS"
    if what == "busy" and busy < 2:
        busy += 1
        return 409, "All machines matching the tags are busy"
    if what == "unknown":
        return 404, "No machine has the id 'unknown'"
    if what == "malformed":
        return 400, "job.yml:3:1: 'deploy' is not a key of a job; did you mean 'deployment'?"
    if what == "busy":
        what = "PASS"
    client = Client(metadata["callback"].get("host", host), port)
    if tar:
        share(tar[1], what)
        bucket.client = client.socket
    threading.Thread(target=talk, args=(client, what, metadata), daemon=True).start()
    return 200, "success"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def answer(self, status, body, kind="application/json"):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def body(self):
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def route(self, method):
        path, body = self.path, self.body()
        if path == "/api/v1/jobs" and method == "POST":
            try:
                status, reason = submit(self.headers, body, self.client_address[0])
            except Refused as e:
                status, reason = 400, f"stand-in: {e}"
            return self.answer(status, {"version": 1, "error_msg": reason})
        if method in ("POST", "PATCH"):
            say(method, path, json.dumps(json.loads(body), sort_keys=True))
        known = {("GET", "/api/v1/full-state"): {"duts": DUTS, "pdus": PDUS, "discover": {}, "alarms": ALARMS, "daemons": DAEMONS, "pinned_ports": [{"pdu": "APC", "port_id": "4"}]}, ("GET", f"/api/v1/dut/{DUT}"): DUTS[DUT], ("GET", "/api/v1/dut/rack-2"): DUTS["rack-2"],
                 ("GET", "/api/v1/pdus"): {"pdus": PDUS}, ("GET", "/api/v1/pdu/APC/port/3"): PORT, ("PATCH", "/api/v1/pdu/APC/port/3"): {},
                 ("POST", "/api/v1/dut/discover"): {}, ("POST", f"/api/v1/dut/{DUT}/cancel_job"): {},
                 ("GET", "/api/v1/gitlab"): GITLAB}
        if (method, path) == ("POST", "/api/v1/gitlab/prune"):
            asked = json.loads(body)
            kept = [dict(GITLAB["orphans"][0], **({} if not asked["remove"] else {"error": "403 Forbidden"} if asked.get("instance") else {}))]
            return self.answer(200, {"orphans": kept, "errors": [] if asked.get("instance") else ["fdo: answered 502"]})
        if path == "/api/v1/pdu/APC/port/4":
            return self.answer(400, {"error": "port 4 of PDU APC is reserved"})
        if path == "/api/v1/pdu/odd/port/1":
            return self.answer(400, {"error": "no\u009b2J"})
        if path == "/api/v1/pdu/web/port/1":
            return self.answer(502, b"<html>\x1b[2J</html>", "text/html")
        if (method, path) in known:
            return self.answer(200, known[method, path])
        return self.answer(404, {"error": f"'{path}' is not known here"})

    def do_GET(self):
        self.route("GET")

    def do_POST(self):
        self.route("POST")

    def do_PATCH(self):
        self.route("PATCH")


bucket.start()
server = http.server.ThreadingHTTPServer(("10.42.0.1", 80), Handler)
say("ready")
sys.stdout.flush()
server.serve_forever()
