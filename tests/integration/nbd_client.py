#!/usr/bin/env python3
"""Connections to a network block device, held until the end of standard input: nbd_client.py PORT COUNT [SOURCE_ADDRESS]. Says "open N" when the
Nth is served, "refused" if the server ends one in its handshake. With COUNT+ each is tried until it is served: the server may still count those
that have ended just now. A line "read" reads the first 512 bytes
of each by its connection and says "read SHA256"; "write BYTE" fills them with that byte by the first."""
import hashlib
import socket
import struct
import sys
import time

HOST = "10.42.0.1"
PORT, COUNT, INSISTS = int(sys.argv[1]), int(sys.argv[2].rstrip("+")), sys.argv[2].endswith("+")
PATIENCE = 120
SOURCE = (sys.argv[3], 0) if len(sys.argv) > 3 else None
READ, WRITE = 0, 1


def say(*what):
    sys.stdout.write(" ".join(str(w) for w in what) + "\n")
    sys.stdout.flush()


def take(connection, size):
    got = b""
    while len(got) < size:
        part = connection.recv(size - len(got))
        if not part:
            raise ConnectionError("the end")
        got += part
    return got


def open_one():
    """The fixed newstyle handshake with NBD_OPT_EXPORT_NAME of the default export."""
    connection = socket.create_connection((HOST, PORT), timeout=60, source_address=SOURCE)
    connection.settimeout(60)
    assert take(connection, 16) == b"NBDMAGICIHAVEOPT"
    take(connection, 2)
    connection.sendall(struct.pack(">I8sII", 3, b"IHAVEOPT", 1, 0))
    take(connection, 10)
    return connection


def ask(connection, kind, data=b""):
    connection.sendall(struct.pack(">IHHQQI", 0x25609513, 0, kind, 1, 0, 512) + data)
    magic, error, _ = struct.unpack(">IIQ", take(connection, 16))
    assert magic == 0x67446698, hex(magic)
    if error:
        return f"error {error}"
    return hashlib.sha256(take(connection, 512)).hexdigest() if kind == READ else "ok"


def insist():
    until = time.monotonic() + PATIENCE
    while True:
        try:
            return open_one()
        except ConnectionError:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)


connections = []
for n in range(COUNT):
    try:
        connections.append(insist() if INSISTS else open_one())
        say("open", n + 1)
    except ConnectionError:
        say("refused")
for line in sys.stdin:
    words = line.split()
    try:
        if words[0] == "read":
            for connection in connections:
                say("read", ask(connection, READ))
        else:
            say("write", ask(connections[0], WRITE, words[1].encode() * 512))
    except ConnectionError:
        say("cut")
