#!/usr/bin/env python3
"""gitlab.py CONTROL_PORT FOLDER NAME=PORT[,CERTIFICATE]...: stand-in GitLabs for tests, all of one process, with a door for the test.

CERTIFICATE: none (plain HTTP), or `good` (for localhost and 127.0.0.1, by FOLDER/ca.pem, which is made at start), `name` (by it, for another
host), `ca` (by an authority that nobody trusts), `expired`. Says `ready` on standard output.

The door, JSON over HTTP on CONTROL_PORT of 127.0.0.1; NAME is the GitLab's:
  GET  /NAME             {runners, requests, faults, users, max_concurrent, connections, secrets_elsewhere}
  POST /NAME/configure   {first_id, groups, projects, users: {token: {scopes, admin, member: [id], revoked}}, elsewhere, rate}: starts anew;
                         rate {requests, seconds}: more than that in such a time are answered 429
  POST /NAME/runner      a runner as it is kept (tag_list, description, ...): {id, token}
  POST /NAME/change      {id, ...}: fields of a runner, as somebody might edit them on the web page
  POST /NAME/delete      {id}, {token}, {description} or {}: those runners (all): {deleted}
  POST /NAME/fault       {kind, count, match: {method, path}, ...}: the next `count` requests (null: all) that match, see gitlab_http.spoil;
                         also `status` {status, retry_after, body, type, location}: not done, answered so; `login`: redirected to the sign-in page
  POST /NAME/faults/end  none any more; what hangs goes on
  POST /NAME/outage      {on: true}: nobody listens and all connections are cut, until {on: false}
  POST /NAME/forget      the log of requests starts anew
  POST /NAME/wait        {runners: N, match: {field: value}} or {requests: N, match: {method, path, status}}: blocks until there are as many
                         (`exactly`: no more either; runners without `match`: all), or answers 408 after `seconds` (200) with what there is
"""
import asyncio
import json
import os
import re
import ssl
import subprocess
import sys

from gitlab_api import SIGN_IN, Api, tag_set
from gitlab_http import Answer, Cut, read_request, spoil

SECRET = re.compile(rb"glrt-|glpat-")


# ---- certificates ----

def make_certificates(folder):
    def openssl(*args):
        subprocess.run(["openssl", *args], check=True, capture_output=True, cwd=folder)

    def authority(name):
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.pem",
                "-days", "3650", "-subj", f"/CN={name} of a test")

    def leaf(name, by, names, days=3650):
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.csr",
                "-subj", f"/CN={name}", "-addext", "subjectAltName=" + names)
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", f"{by}.pem", "-CAkey", f"{by}.key", "-CAcreateserial", "-out", f"{name}.pem",
                "-days", str(days), "-copy_extensions", "copy")

    authority("ca")
    authority("other")
    leaf("good", "ca", "DNS:localhost,IP:127.0.0.1")
    leaf("name", "ca", "DNS:elsewhere.example")
    leaf("wrong", "other", "DNS:localhost,IP:127.0.0.1")
    leaf("expired", "ca", "DNS:localhost,IP:127.0.0.1", 0)


def tls(folder, certificate):
    if not certificate:
        return None
    name = "wrong" if certificate == "ca" else certificate
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(os.path.join(folder, name + ".pem"), os.path.join(folder, name + ".key"))
    return context


# ---- one GitLab: the API, its faults, its log ----

class GitLab:
    def __init__(self, name, port, context):
        self.name, self.port, self.context = name, port, context
        self.changed = asyncio.Condition()
        self.server, self.writers, self.away = None, set(), False
        self.configure({})

    def configure(self, config):
        self.api = Api(self.name, config)
        self.elsewhere = config.get("elsewhere", False)  # a host to which no token may go
        self.rate, self.window = config.get("rate"), [0, 0]  # since when, how many
        self.requests, self.faults, self.ended = [], [], asyncio.Event()
        self.busy = self.max_concurrent = self.connections = self.secrets_elsewhere = 0

    async def listen(self):
        self.server = await asyncio.start_server(self.serve, "0.0.0.0", self.port, ssl=self.context, backlog=512, limit=1 << 18)

    async def outage(self, on):
        self.away = on
        if on and self.server:
            self.server.close()
            self.server = None
            for writer in list(self.writers):
                writer.transport.abort()
        elif not on and not self.server:
            await self.listen()

    async def notify(self):
        async with self.changed:
            self.changed.notify_all()

    async def serve(self, reader, writer):
        if self.away:  # it was let in a moment before
            writer.transport.abort()
            return
        self.connections += 1
        self.writers.add(writer)
        try:
            while (rq := await read_request(reader)) is not None:
                await self.one(rq, writer)
                await writer.drain()
        except (Cut, ConnectionError, asyncio.IncompleteReadError, ValueError, ssl.SSLError):
            pass
        finally:
            self.writers.discard(writer)
            writer.close()

    def fault_of(self, rq):
        for fault in self.faults:
            match = fault.get("match", {})
            if match.get("method", rq.method) == rq.method and re.search(match.get("path", ""), rq.path):
                if fault.get("count") is not None:
                    fault["count"] -= 1
                    if fault["count"] <= 0:
                        self.faults.remove(fault)
                return fault
        return None

    def over_rate(self):
        now = asyncio.get_running_loop().time()
        if now >= self.window[0] + self.rate["seconds"]:
            self.window = [now, 0]
        self.window[1] += 1
        return self.window[1] > self.rate["requests"]

    def planned(self, rq, fault):
        """The answer; with most faults the request is done all the same."""
        if self.rate and self.over_rate():
            return Answer(429, "Retry later\n", Content_Type="text/plain", Retry_After=self.rate["seconds"])
        if fault and fault["kind"] == "status":
            body = fault.get("body", {"message": f"{fault['status']} planned by the test"})
            headers = {"Content_Type": fault["type"]} if "type" in fault else {}
            if "retry_after" in fault:
                headers["Retry_After"] = fault["retry_after"]
            if "location" in fault:
                headers["Location"] = fault["location"]
            return Answer(fault["status"], body, **headers)
        if fault and fault["kind"] == "login":
            return Answer(302, SIGN_IN, Content_Type="text/html", Location="/users/sign_in")
        if fault and fault["kind"] in ("reset", "hang") and not fault.get("done"):
            return Answer(200)
        return self.api.answer(rq)

    async def one(self, rq, writer):
        self.busy += 1
        self.max_concurrent = max(self.max_concurrent, self.busy)
        carried = SECRET.search(json.dumps([rq.headers, rq.query]).encode() + rq.body) is not None
        self.secrets_elsewhere += carried and self.elsewhere
        fault, ended = self.fault_of(rq), self.ended
        answer = self.planned(rq, fault)
        self.requests.append({"method": rq.method, "path": rq.path, "query": sorted(rq.query), "headers": sorted(rq.headers),
                              "fields": sorted(rq.params), "via": rq.headers.get("via"), "secret": carried, "status": answer.status, "fault": fault and fault["kind"]})
        await self.notify()
        try:
            if fault and fault["kind"] not in ("status", "login"):
                await spoil(fault, answer, writer, ended)
            else:
                writer.write(answer.bytes())
        finally:
            self.busy -= 1

    # ---- the door ----

    def state(self):
        return {"runners": list(self.api.runners.values()), "requests": self.requests, "faults": self.faults, "users": self.api.users,
                "max_concurrent": self.max_concurrent, "connections": self.connections, "secrets_elsewhere": self.secrets_elsewhere}

    def matching(self, wanted):
        match = dict(wanted.get("match", {}))
        if "runners" in wanted:
            return sum(all(r.get(k) == v for k, v in match.items()) for r in self.api.runners.values()), wanted["runners"]
        path = re.compile(match.pop("path", ""))
        return sum(bool(path.search(r["path"])) and all(r.get(k) == v for k, v in match.items()) for r in self.requests), wanted["requests"]

    async def wait(self, wanted):
        def there():
            found, needed = self.matching(wanted)
            return found == needed if wanted.get("exactly") or "runners" in wanted else found >= needed

        try:
            async with self.changed:
                await asyncio.wait_for(self.changed.wait_for(there), wanted.get("seconds", 200))
        except asyncio.TimeoutError:
            return Answer(408, {"found": self.matching(wanted)[0], "wanted": wanted, **self.state()})
        return Answer(200, {"found": self.matching(wanted)[0]})

    def delete(self, which):
        gone = [r for r in self.api.runners.values() if all(r.get(k) == v for k, v in which.items())]
        for runner in gone:
            del self.api.runners[runner["id"]]
        return Answer(200, {"deleted": len(gone)})

    async def order(self, what, body):
        if what == "wait":
            return await self.wait(body)
        answer = Answer(200, {})
        if what == "configure":
            self.ended.set()
            self.configure(body)
        elif what == "runner":
            body["tag_list"] = tag_set(body.get("tag_list", []))
            answer = Answer(200, self.api.registration(self.api.add(body)))
        elif what == "change":
            self.api.runners[body["id"]].update(body)
        elif what == "delete":
            answer = self.delete(body)
        elif what == "fault":
            self.faults.append(body)
        elif what == "faults/end":
            self.ended.set()
            self.faults, self.ended = [], asyncio.Event()
        elif what == "outage":
            await self.outage(body["on"])
        elif what == "forget":
            self.requests, self.max_concurrent, self.connections = [], self.busy, 0
        else:
            return Answer(404, {"error": f"the door does not know '{what}'"})
        await self.notify()
        return answer


async def door(gitlabs, reader, writer):
    try:
        rq = await read_request(reader)
        if rq:
            _, name, *what = rq.path.split("/", 2)
            gitlab = gitlabs.get(name)
            if not gitlab:
                answer = Answer(404, {"error": f"no GitLab '{name}'"})
            elif what and what[0]:
                answer = await gitlab.order(what[0], json.loads(rq.body or b"{}"))
            else:
                answer = Answer(200, gitlab.state())
            writer.write(answer.bytes(keep=False))
            await writer.drain()
    except ConnectionError:
        pass
    except (KeyError, ValueError, TypeError) as error:
        writer.write(Answer(400, {"error": repr(error)}).bytes(keep=False))
    finally:
        writer.close()


async def main(control, folder, *places):
    os.makedirs(folder, exist_ok=True)
    if any("," in place for place in places):
        make_certificates(folder)
    gitlabs = {}
    for place in places:
        name, port, certificate = re.fullmatch(r"(\w+)=(\d+),?(\w*)", place).groups()
        gitlabs[name] = GitLab(name, int(port), tls(folder, certificate))
        await gitlabs[name].listen()
    server = await asyncio.start_server(lambda r, w: door(gitlabs, r, w), "127.0.0.1", int(control))
    print("ready", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
