#!/usr/bin/env python3
"""gitlab_test.py HARNESS: the stand-in GitLab refuses what the real one refuses, in its words; the tests of gitlabd lean on that."""
import json
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, sys.argv.pop(1))
from gitlab_api import Api
from gitlab_http import Answer, Request

CREATE, MANAGE, READ = (f"glpat-{what}-a-0123456789" for what in ("create", "manage", "read"))
NEW = {"runner_type": "project_type", "project_id": 42, "description": "farm-x86-1", "tag_list": "b, a,a,", "run_untagged": False, "maximum_timeout": 600}


class GitLab(unittest.TestCase):
    def setUp(self):
        self.api = Api("a", {})

    def ask(self, method, path, token=None, params=None, form=None):
        headers = {"private-token": token} if token else {}
        body = json.dumps(params).encode() if params is not None else (form or "").encode()
        headers["content-type"] = "application/json" if params is not None else "application/x-www-form-urlencoded"
        answer = self.api.answer(Request(method, "/api/v4" + path, headers, body))
        return answer.status, json.loads(answer.body) if answer.body else None, answer.headers

    def create(self, token=CREATE, **change):
        status, body, _ = self.ask("POST", "/user/runners", token, {k: v for k, v in {**NEW, **change}.items() if v is not None})
        return status, body

    def test_a_runner_lives_from_registration_to_removal(self):
        status, runner = self.create()
        self.assertEqual(status, 201)
        self.assertRegex(runner["token"], "^glrt-")
        self.assertEqual(self.ask("POST", "/runners/verify", params={"token": runner["token"]})[0], 200)
        _, details, _ = self.ask("GET", f"/runners/{runner['id']}", READ)
        self.assertEqual(sorted(details["tag_list"]), ["a", "b"])
        self.assertEqual(details["projects"][0]["id"], 42)
        self.assertNotIn("token", details)
        self.assertEqual(self.ask("DELETE", "/runners", form="token=" + runner["token"])[0], 204)
        self.assertEqual(self.ask("DELETE", "/runners", form="token=" + runner["token"])[:2], (403, {"message": "403 Forbidden"}))
        self.assertEqual(self.ask("POST", "/runners/verify", form="token=" + runner["token"])[:2], (403, {"message": "403 Forbidden"}))
        self.assertEqual(self.ask("GET", f"/runners/{runner['id']}", READ)[0], 404)

    def test_a_runner_that_cannot_be_is_refused(self):
        for change, status, text in (
                ({"runner_type": "farm_type"}, 400, "runner_type does not have a valid value"),
                ({"runner_type": None}, 400, "runner_type is missing, runner_type does not have a valid value"),
                ({"project_id": None}, 400, "project_id is missing"),
                ({"project_id": "x"}, 400, "project_id is invalid"),
                ({"project_id": 99}, 400, "400 Bad request - Missing/invalid scope"),
                ({"group_id": 7}, 400, "400 Bad request - unexpected group_id"),
                ({"runner_type": "instance_type"}, 400, "400 Bad request - unexpected project_id"),
                ({"maximum_timeout": "long"}, 400, "maximum_timeout is invalid"),
                ({"maximum_timeout": 599}, 400, "400 Bad request - Maximum timeout needs to be at least 10 minutes"),
                ({"run_untagged": "maybe"}, 400, "run_untagged is invalid"),
                ({"tag_list": " , "}, 400, "400 Bad request - Tags list can not be empty when runner is not allowed to pick untagged jobs"),
                ({"tag_list": [str(n) for n in range(51)]}, 400, "400 Bad request - Tags list Too many tags specified. Please limit the number of tags to 50"),
                ({"tag_list": [1]}, 400, "tag_list is invalid"),
                ({"access_level": "public"}, 400, "access_level does not have a valid value"),
                ({"description": "x" * 1025}, 400, "400 Bad request - Description is too long (maximum is 1024 characters)")):
            with self.subTest(text):
                got, body = self.create(**change)
                self.assertEqual((got, body.get("error") or body["message"]), (status, text))
        self.assertEqual(self.api.runners, {})

    def test_who_may_what(self):
        self.api.users["member"] = {"scopes": ["create_runner"], "member": [43]}
        self.assertEqual(self.create(token=None), (401, {"message": "401 Unauthorized"}))
        self.assertEqual(self.create(token="unknown")[0], 401)
        self.assertEqual(self.create(token=READ)[1]["error"], "insufficient_scope")
        self.assertEqual(self.create(token="member"), (403, {"message": "403 Forbidden - Insufficient permissions"}))
        self.assertEqual(self.create(token="member", project_id=43)[0], 201)
        self.assertEqual(self.ask("GET", "/runners/1", CREATE)[1]["error"], "insufficient_scope")
        self.assertEqual(self.ask("DELETE", "/runners/1", READ)[1]["error"], "insufficient_scope")
        self.assertEqual(self.ask("DELETE", "/runners/1")[0], 401)
        self.assertEqual(self.ask("DELETE", "/runners/1", MANAGE)[0], 204)
        self.api.users[READ]["revoked"] = True
        self.assertEqual(self.ask("GET", "/runners/1", READ)[1]["error"], "invalid_token")

    def test_a_token_in_the_address_is_refused(self):
        self.assertEqual(self.ask("POST", "/runners/verify?token=glrt-1"), (400, {"error": "a token in the address"}, {"Content-Type": "application/json"}))

    def test_a_missing_token_is_not_a_wrong_one(self):
        self.assertEqual(self.ask("POST", "/runners/verify", params={})[:2], (400, {"error": "token is missing"}))

    def test_lists_come_in_pages(self):
        for n in range(205):
            self.create(description=f"farm-{n}")
        for path in "/projects/42/runners", "/runners", "/runners/all":
            seen, page = [], "1"
            while page:
                _, body, headers = self.ask("GET", f"{path}?per_page=1000&page={page}", READ)
                self.assertLessEqual(len(body), 100)
                self.assertEqual(headers["x-total"], "205")
                seen, page = seen + [r["id"] for r in body], headers["x-next-page"]
            self.assertEqual(sorted(seen), list(range(1, 206)))
        self.assertEqual(self.ask("GET", "/projects/9/runners", READ)[0], 404)
        self.assertEqual(self.ask("GET", "/groups/7/runners", READ)[1], [])
        self.assertEqual(self.ask("GET", "/runners?page=x", READ)[1], {"error": "page is invalid"})

    def test_multipart_is_read(self):
        body = b"--B\r\nContent-Disposition: form-data; name=\"token\"\r\n\r\nnone\r\n--B--\r\n"
        answer = self.api.answer(Request("DELETE", "/api/v4/runners", {"content-type": "multipart/form-data; boundary=B"}, body))
        self.assertEqual(answer.status, 403)

    def test_other_types_methods_and_paths(self):
        self.assertEqual(self.api.answer(Request("POST", "/api/v4/runners/verify", {"content-type": "text/xml"}, b"<a/>")).status, 415)
        self.assertEqual(self.ask("PATCH", "/user/runners", CREATE, {})[0], 405)
        self.assertEqual(self.ask("GET", "/runner", READ)[0], 404)
        self.assertIn(b"Sign in", self.api.answer(Request("GET", "/", {}, b"")).body)


if __name__ == "__main__":
    unittest.main()
