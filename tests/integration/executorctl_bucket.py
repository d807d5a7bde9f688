"""A strict stand-in for the server of a job's bucket, for executorctl_share_test.c: it checks each signature as AWS describes it (Authenticating
Requests, Signature Version 4), and that the job's connection is still there. Its list comes in pages of three."""
import hashlib
import hmac
import http.server
import re
import select
import threading
import urllib.parse
from xml.sax.saxutils import escape

BUCKET, KEY, SECRET = "job-1", "job-1-client", "0123456789abcdef0123456789abcdef"
ACCESS = {"minio_access_url": f"http://{KEY}:{SECRET}@10.42.0.1:9000", "bucket_name": BUCKET}
objects = {}  # key (bytes): content
client = None  # the job's connection
fault = ""  # what goes wrong, by the job's name
seen = set()


def quote(data, safe="-_.~"):
    return urllib.parse.quote(data, safe=safe)


def digest(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def why_not_signed(handler):
    match = re.fullmatch(r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/us-east-1/s3/aws4_request, SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})",
                         handler.headers.get("Authorization", ""))
    if not match or match[1] != KEY:
        return "AccessDenied"
    path, _, query = handler.path.partition("?")
    if path != quote(urllib.parse.unquote_to_bytes(path), "/-_.~"):
        return "a path that is not escaped as it is signed"
    pairs = sorted(pair.partition("=")[::2] for pair in query.split("&") if pair)
    if any(value != quote(urllib.parse.unquote_to_bytes(value)) for _, value in pairs):
        return "a query that is not escaped as it is signed"
    names = match[3].split(";")
    if names != sorted(names) or not {"host", "x-amz-date", "x-amz-content-sha256"} <= set(names):
        return "headers that must be signed are not"
    if handler.headers["x-amz-content-sha256"] != hashlib.sha256(b"").hexdigest():
        return "the hash of no body"
    headers = "".join(f"{name}:{handler.headers[name].strip()}\n" for name in names)
    canonical = "\n".join([handler.command, path, "&".join("=".join(pair) for pair in pairs), headers, match[3], handler.headers["x-amz-content-sha256"]])
    scope = f"{match[2]}/us-east-1/s3/aws4_request"
    to_sign = "\n".join(["AWS4-HMAC-SHA256", handler.headers["x-amz-date"], scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = ("AWS4" + SECRET).encode()
    for step in scope.split("/"):
        key = digest(key, step)
    return None if hmac.compare_digest(digest(key, to_sign).hex(), match[4]) else "SignatureDoesNotMatch"


def client_is_there():
    try:
        return not select.select([client], [], [], 0)[0]  # it says nothing after the end, but its own
    except (OSError, ValueError):
        return False


def first(what):
    is_first = what not in seen
    seen.add(what)
    return is_first


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def answer(self, status, data, length=None):
        self.send_response(status)
        self.send_header("Content-Length", str(len(data) if length is None else length))
        self.end_headers()
        self.wfile.write(data)

    def refuse(self, status, code, text):
        self.answer(status, f"<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>{escape(text)}</Message></Error>".encode())

    def do_GET(self):
        reason = why_not_signed(self)
        if reason or not client_is_there():
            return self.refuse(403, "AccessDenied", reason or "the job is over")
        path, _, query = self.path.partition("?")
        if path == f"/{BUCKET}":
            return self.list(urllib.parse.parse_qs(query, strict_parsing=True))
        self.get(urllib.parse.unquote_to_bytes(path)[len(BUCKET) + 2:])

    def list(self, asked):
        assert asked.pop("list-type") == ["2"] and asked.pop("encoding-type") == ["url"], asked
        after = asked.pop("continuation-token", [""])[0].removeprefix("after +/").encode("utf-8", "surrogateescape")
        assert not asked, asked
        if fault == "denied":
            return self.refuse(403, "AccessDenied", "Access \x1b[2J Denied.".replace("\x1b", "\u009b"))
        if fault == "garbage":
            return self.answer(200, b"<!DOCTYPE a [<!ENTITY b 'c'>]><ListBucketResult/>")
        if fault == "huge":
            return self.answer(200, b" " * (5 << 20))
        left = [key for key in sorted(objects) if key > after]
        page = left[:3]
        parts = [f"<Contents><Key>{escape(urllib.parse.quote_plus(key, safe='/'))}</Key><LastModified>2026-01-31T12:00:00.000Z</LastModified><ETag>&quot;x&quot;"
                 f"</ETag><Size>{len(objects[key]) - (fault == 'longer')}</Size><StorageClass>STANDARD</StorageClass></Contents>" for key in page]
        more = len(left) > 3
        if more:
            token = "after +/" + page[-1].decode("utf-8", "surrogateescape")
            parts.append(f"<NextContinuationToken>{escape(token)}</NextContinuationToken>")
        self.answer(200, ("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
                          f"<Name>{BUCKET}</Name><Prefix></Prefix><KeyCount>{len(page)}</KeyCount><MaxKeys>3</MaxKeys><EncodingType>url</EncodingType>"
                          f"<IsTruncated>{str(more).lower()}</IsTruncated>{''.join(parts)}</ListBucketResult>").encode())

    def get(self, key):
        if key not in objects or fault == "vanished" and key == b"a":
            return self.refuse(404, "NoSuchKey", "The specified key does not exist.")
        if fault == "over" and not first("an object"):
            return self.refuse(403, "InvalidAccessKeyId", "There is no such key.")
        data = objects[key]
        if fault == "flaky" and first((key, "busy")):
            return self.refuse(503, "SlowDown", "Please reduce your request rate.")
        if fault == "flaky" and first((key, "cut")):
            self.close_connection = True
            return self.answer(200, data[:len(data) // 2], len(data))
        if fault == "stuck" and key == b"b":
            self.answer(200, data[:1], len(data))
            print("stuck", flush=True)
            return self.rfile.read(1)
        self.answer(200, data)


def start():
    server = http.server.ThreadingHTTPServer(("10.42.0.1", 9000), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
