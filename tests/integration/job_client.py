#!/usr/bin/env python3
"""A submitter as the field's: job_client.py PORT METADATA [JOB_FILE [ARCHIVE]]. METADATA is JSON without version and callback; PORT is
the callback's. Says "answer STATUS BODY", then "ctrl TAG SEVERITY METADATA MSG", "io BYTES" and "end STATUS" of each frame, "bucket
JOB_BUCKET" before the end of a job that has one, and then waits for a line of its input, or its end; exits at the connection's end."""
import base64
import datetime
import http.client
import json
import socket
import struct
import sys



def say(*what):
    sys.stdout.write(" ".join(str(w) for w in what) + "\n")  # a line at once: somebody may be reading
    sys.stdout.flush()


port = int(sys.argv[1])
metadata = {"version": 1, "callback": {"port": port}, **json.loads(sys.argv[2])}
parts = [("metadata", "application/json", json.dumps(metadata).encode())]
if len(sys.argv) > 3:
    parts.append(("job", "application/x-yaml", open(sys.argv[3], "rb").read()))
if len(sys.argv) > 4:
    parts.append(("job_bucket_initial_state_tarball_file", "application/octet-stream", open(sys.argv[4], "rb").read()))
body = b"".join(
    b'--parted\r\nContent-Disposition: form-data; name="%s"; filename="%s"\r\nContent-Type: %s\r\n\r\n%s\r\n'
    % (name.encode(), name.encode(), kind.encode(), content)
    for name, kind, content in parts
)
listener = socket.create_server(("", port))
connection = http.client.HTTPConnection("10.42.0.1", 80, timeout=60)
connection.request("POST", "//api/v1/jobs", body + b"--parted--\r\n", {"Content-Type": "multipart/form-data; boundary=parted"})
answer = connection.getresponse()
say("answer", answer.status, answer.read().decode().strip())
if answer.status != 200:
    sys.exit(1)
listener.settimeout(60)  # the field's client waits 5 s
server = listener.accept()[0]
server.settimeout(60)
frames = server.makefile("rb")
while header := frames.read(4):
    frame = json.loads(frames.read(struct.unpack(">I", header)[0]))
    datetime.datetime.fromisoformat(frame["date"])
    payload = frame["payload"]
    if frame["msg_type"] == "ctrl":
        say("ctrl", payload["tag"], payload["severity"], json.dumps(payload["metadata"]), payload["msg"].rstrip("\n"))
    elif frame["msg_type"] == "job_io":
        say("io", base64.b85decode(payload))
    else:
        if payload.get("job_bucket"):
            say("bucket", json.dumps(payload["job_bucket"]))
            sys.stdin.readline()
        say("end", payload["status"])
