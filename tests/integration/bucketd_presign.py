#!/usr/bin/env python3
"""bucketd_presign HOST:PORT PATH KEY SECRET AGE EXPIRES: a URL (AWS signature version 4 in the query) to GET that object, signed AGE seconds ago for
EXPIRES seconds."""
import datetime
import hashlib
import hmac
import sys
import urllib.parse

host, path, key, secret, age, expires = sys.argv[1:7]
then = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=int(age))
at, scope = then.strftime("%Y%m%dT%H%M%SZ"), then.strftime("%Y%m%d/us-east-1/s3/aws4_request")
query = urllib.parse.urlencode({"X-Amz-Algorithm": "AWS4-HMAC-SHA256", "X-Amz-Credential": f"{key}/{scope}", "X-Amz-Date": at,
                                "X-Amz-Expires": expires, "X-Amz-SignedHeaders": "host"}, quote_via=urllib.parse.quote)
asked = "\n".join(["GET", path, query, f"host:{host}", "", "host", "UNSIGNED-PAYLOAD"])
by = ("AWS4" + secret).encode()
for part in scope.split("/"):
    by = hmac.new(by, part.encode(), hashlib.sha256).digest()
signed = "\n".join(["AWS4-HMAC-SHA256", at, scope, hashlib.sha256(asked.encode()).hexdigest()])
print(f"http://{host}{path}?{query}&X-Amz-Signature={hmac.new(by, signed.encode(), hashlib.sha256).hexdigest()}")
