#!/usr/bin/env python3
"""bucketd_chunks HOST:PORT KEY SECRET BUCKET KEY_OF_OBJECT SIZE [spoil | unsigned]: puts an object as mcli does, in signed chunks (aws-chunked,
STREAMING-AWS4-HMAC-SHA256-PAYLOAD); prints the status and the error's code. `spoil`: a byte of its last chunk is another than was signed.
`unsigned`: STREAMING-UNSIGNED-PAYLOAD-TRAILER with a checksum, as the newer SDKs do."""
import base64
import datetime
import hashlib
import hmac
import http.client
import re
import sys
import zlib

CHUNK = 65536
host, access, secret, bucket, key, size = sys.argv[1:7]
how = sys.argv[7] if len(sys.argv) > 7 else ""
body = bytes(i * 7 % 251 for i in range(int(size)))
now = datetime.datetime.now(datetime.timezone.utc)
at, day = now.strftime("%Y%m%dT%H%M%SZ"), now.strftime("%Y%m%d")
scope = f"{day}/us-east-1/s3/aws4_request"


def mac(by, text):
    return hmac.new(by, text.encode(), hashlib.sha256).digest()


def sha(data):
    return hashlib.sha256(data).hexdigest()


signing = ("AWS4" + secret).encode()
for part in scope.split("/"):
    signing = mac(signing, part)

headers = {"host": host, "x-amz-date": at, "x-amz-decoded-content-length": str(len(body)), "content-encoding": "aws-chunked",
           "x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER" if how == "unsigned" else "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"}
if how == "unsigned":
    headers["x-amz-trailer"] = "x-amz-checksum-crc32"
names = ";".join(sorted(headers))
canonical = "\n".join(["PUT", f"/{bucket}/{key}", "", *(f"{n}:{headers[n]}" for n in sorted(headers)), "", names, headers["x-amz-content-sha256"]])
previous = mac(signing, "\n".join(["AWS4-HMAC-SHA256", at, scope, sha(canonical.encode())])).hex()
headers["authorization"] = f"AWS4-HMAC-SHA256 Credential={access}/{scope}, SignedHeaders={names}, Signature={previous}"

pieces = [body[i:i + CHUNK] for i in range(0, len(body), CHUNK)] + [b""]
sent = b""
for n, piece in enumerate(pieces):
    if how == "unsigned":
        sent += b"%x\r\n" % len(piece) + (piece + b"\r\n" if piece else b"")
        continue
    previous = mac(signing, "\n".join(["AWS4-HMAC-SHA256-PAYLOAD", at, scope, previous, sha(b""), sha(piece)])).hex()
    if how == "spoil" and n == len(pieces) - 2:
        piece = piece[:-1] + b"\xff"
    sent += b"%x;chunk-signature=%s\r\n" % (len(piece), previous.encode()) + piece + b"\r\n"
if how == "unsigned":
    sent += b"x-amz-checksum-crc32:" + base64.b64encode(zlib.crc32(body).to_bytes(4, "big")) + b"\r\n\r\n"

connection = http.client.HTTPConnection(host)
connection.request("PUT", f"/{bucket}/{key}", sent, headers)
answer = connection.getresponse()
code = re.search(r"<Code>(\w+)</Code>", answer.read().decode())
print(answer.status, code[1] if code else hashlib.md5(body).hexdigest() == answer.headers["ETag"].strip('"'))
