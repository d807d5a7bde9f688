#!/usr/bin/env python3
"""presign_put HOST:PORT PATH KEY SECRET [FILE]: a URL by which everybody may PUT that object for an hour (AWS signature version 4, in the query),
with the file's bytes alone if there is one: the SHA-256 of them in x-amz-content-sha256 is signed, too."""
import datetime
import hashlib
import hmac
import sys
import urllib.parse

host, path, key, secret = sys.argv[1:5]
payload, headers = "UNSIGNED-PAYLOAD", f"host:{host}\n"
if len(sys.argv) > 5:
    payload = hashlib.sha256(open(sys.argv[5], "rb").read()).hexdigest()
    headers += f"x-amz-content-sha256:{payload}\n"
names = ";".join(line.split(":")[0] for line in headers.splitlines())
now = datetime.datetime.now(datetime.timezone.utc)
at, scope = now.strftime("%Y%m%dT%H%M%SZ"), now.strftime("%Y%m%d/us-east-1/s3/aws4_request")
query = urllib.parse.urlencode({"X-Amz-Algorithm": "AWS4-HMAC-SHA256", "X-Amz-Credential": f"{key}/{scope}", "X-Amz-Date": at,
                                "X-Amz-Expires": "3600", "X-Amz-SignedHeaders": names}, quote_via=urllib.parse.quote)
asked = "\n".join(["PUT", path, query, headers, names, payload])
by = ("AWS4" + secret).encode()
for part in scope.split("/"):
    by = hmac.new(by, part.encode(), hashlib.sha256).digest()
signed = "\n".join(["AWS4-HMAC-SHA256", at, scope, hashlib.sha256(asked.encode()).hexdigest()])
print(f"http://{host}{path}?{query}&X-Amz-Signature={hmac.new(by, signed.encode(), hashlib.sha256).hexdigest()}")
