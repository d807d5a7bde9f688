"""HTTP/1.1 on asyncio for the stand-in GitLab: requests with their parameters as GitLab reads them, answers, and the ways an answer can go wrong."""
import asyncio
import json
import re
import urllib.parse

REASONS = {200: "OK", 201: "Created", 204: "No Content", 302: "Found", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found",
           405: "Method Not Allowed", 408: "Request Timeout", 413: "Payload Too Large", 415: "Unsupported Media Type", 429: "Too Many Requests",
           500: "Internal Server Error", 502: "Bad Gateway", 503: "Service Unavailable"}
BODY_MAX = 1 << 20
HUGE = 100 << 20


class Answer(Exception):
    """Raised or returned: `body` is JSON unless it is text or bytes."""

    def __init__(self, status, body=None, **headers):
        super().__init__(status)
        self.status = status
        self.headers = {name.replace("_", "-"): str(value) for name, value in headers.items()}
        if body is None:
            self.body = b""
        elif isinstance(body, bytes):
            self.body = body
        elif isinstance(body, str):
            self.body = body.encode()
        else:
            self.body = json.dumps(body).encode()
            self.headers.setdefault("Content-Type", "application/json")

    def bytes(self, keep=True):
        lines = [f"HTTP/1.1 {self.status} {REASONS.get(self.status, 'Unknown')}", *(f"{n}: {v}" for n, v in self.headers.items())]
        if self.status != 204:
            lines.append(f"Content-Length: {len(self.body)}")
        if not keep:
            lines.append("Connection: close")
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + self.body


class Request:
    """params: of the body, form or JSON, with the types it gave them; query: of the address."""

    def __init__(self, method, target, headers, body):
        self.method, self.headers, self.body = method, headers, body
        self.path, _, query = target.partition("?")
        self.path = re.sub(r"/+", "/", urllib.parse.unquote(self.path))
        self.query = dict(urllib.parse.parse_qsl(query, keep_blank_values=True))
        self.params = {}

    def read_params(self):
        """Raises an Answer if the body cannot be read."""
        kind = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        if not self.body:
            return
        if kind == "application/json":
            try:
                self.params = json.loads(self.body)
            except ValueError:
                raise Answer(400, {"error": "The provided content-type 'application/json' is invalid: message body does not match declared format"})
            if not isinstance(self.params, dict):
                raise Answer(400, {"error": "The body is not an object"})
        elif kind == "application/x-www-form-urlencoded":
            self.params = form(urllib.parse.parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True))
        elif kind == "multipart/form-data":
            self.params = form(self.multipart())
        else:
            raise Answer(415, {"error": f"The provided content-type '{kind}' is not supported."})

    def multipart(self):
        boundary = re.search(r'boundary="?([^";]+)', self.headers["content-type"])
        if not boundary:
            raise Answer(400, {"error": "multipart without a boundary"})
        for part in self.body.split(b"--" + boundary[1].encode())[1:-1]:
            head, _, value = part.partition(b"\r\n\r\n")
            name = re.search(rb'name="([^"]*)"', head)
            if name:
                yield name[1].decode(), value[:-2].decode("utf-8", "replace")


def form(pairs):
    """`name[]` makes an array, as in Rack."""
    params = {}
    for name, value in pairs:
        if name.endswith("[]"):
            params.setdefault(name[:-2], []).append(value)
        else:
            params[name] = value
    return params


async def read_request(reader):
    """None: the peer closed."""
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    method, target, _ = head[0].split(" ", 2)
    headers = {}
    for line in head[1:]:
        name, colon, value = line.partition(":")
        if colon:
            headers[name.strip().lower()] = value.strip()
    body = b""
    if headers.get("transfer-encoding", "").lower() == "chunked":
        while size := int(await reader.readline(), 16):
            body += await reader.readexactly(size)
            await reader.readline()
        await reader.readline()
    elif int(headers.get("content-length", 0)) <= BODY_MAX:
        body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Request(method, target, headers, body)


class Cut(Exception):
    """The connection ends here, without an answer or in the middle of one."""


async def spoil(fault, answer, writer, ended):
    """Gives `answer` as the fault's kind wants; raises Cut if the connection is to end. `ended`: an Event set when faults are cleared."""
    kind = fault["kind"]
    if kind == "lost":  # done, but nobody hears of it
        raise Cut
    if kind == "reset":
        writer.transport.abort()
        raise Cut
    if kind == "hang":
        await ended.wait()
        raise Cut
    if kind == "slow":
        try:
            await asyncio.wait_for(ended.wait(), fault["seconds"])
        except asyncio.TimeoutError:
            pass
        writer.write(answer.bytes())
    elif kind == "truncated":  # a whole answer whose JSON is cut in the middle
        writer.write(Answer(answer.status, answer.body[:len(answer.body) // 2], Content_Type="application/json").bytes())
    elif kind == "short":  # fewer bytes than the Content-Length
        writer.write(answer.bytes()[:-5])
        await writer.drain()
        raise Cut
    elif kind == "huge":
        writer.write(f"HTTP/1.1 {fault.get('status', 200)} OK\r\nContent-Type: application/json\r\n".encode())
        writer.write(b"Connection: close\r\n\r\n[" if fault.get("unannounced") else f"Content-Length: {HUGE + 1}\r\n\r\n[".encode())
        for _ in range(HUGE >> 16):
            writer.write(b" " * 65536)
            await writer.drain()
        raise Cut
    elif kind == "headers":  # without an end
        writer.write(b"HTTP/1.1 200 OK\r\n")
        for n in range(HUGE >> 13):
            writer.write(b"X-%d: " % n + b"x" * 8192 + b"\r\n")
            await writer.drain()
        raise Cut
    elif kind == "garbage":
        writer.write(b"\x16\x03\x01 not HTTP at all\r\n\r\n")
        raise Cut
    await writer.drain()
