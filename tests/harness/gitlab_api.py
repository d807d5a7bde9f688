"""The runners API of the stand-in GitLab, as docs.gitlab.com has it: what the real one refuses is refused, in its words."""
import re
import secrets

from gitlab_http import Answer

TYPES = ("instance_type", "group_type", "project_type")
LEVELS = ("not_protected", "ref_protected")
TAGS_MAX, TAG_MAX, DESCRIPTION_MAX, TIMEOUT_MIN = 50, 255, 1024, 600
SIGN_IN = "<!DOCTYPE html>\n<html><head><title>Sign in - GitLab</title></head><body>You need to sign in.</body></html>\n"


def message(status, text):
    return Answer(status, {"message": f"{status} {text}"})


def tag_set(value):
    """A list of tags as GitLab keeps it: split at commas, trimmed, each once; its order is nobody's."""
    texts = value if isinstance(value, list) else [value]
    tags = [tag.strip() for text in texts for tag in str(text).split(",")]
    return sorted({tag for tag in tags if tag}, key=lambda tag: tag[::-1])


# ---- parameters: a wrong type is refused before anything else is looked at ----

def as_text(value):
    if isinstance(value, (dict, list, bool)):
        raise ValueError
    return str(value)


def as_integer(value):
    if isinstance(value, bool) or not re.fullmatch(r"-?\d+", str(value)):
        raise ValueError
    return int(value)


def as_boolean(value):
    names = {"true": True, "t": True, "1": True, "on": True, "false": False, "f": False, "0": False, "off": False}
    return names[str(value).lower()] if str(value).lower() in names else as_integer("")


def as_tags(value):
    if isinstance(value, (dict, bool)) or (isinstance(value, list) and not all(isinstance(tag, str) for tag in value)):
        raise ValueError
    return tag_set(value)


NEW_RUNNER = {"runner_type": as_text, "group_id": as_integer, "project_id": as_integer, "description": as_text, "maintenance_note": as_text,
              "paused": as_boolean, "locked": as_boolean, "access_level": as_text, "run_untagged": as_boolean, "tag_list": as_tags,
              "maximum_timeout": as_integer}


def typed(params, table):
    values, errors = {}, []
    for name, read in table.items():
        if params.get(name) is None:
            continue
        try:
            values[name] = read(params[name])
        except ValueError:
            errors.append(f"{name} is invalid")
    return values, errors


class Api:
    """One GitLab: its runners, users' tokens, groups and projects."""

    def __init__(self, name, config):
        self.name = name
        self.runners = {}  # by id
        self.next_id = 1 + config.get("first_id", 0)
        self.groups = set(config.get("groups", [7, 8]))
        self.projects = set(config.get("projects", [42, 43]))
        # scopes; admin: of the whole instance; member: at least maintainer of these groups and projects
        self.users = config.get("users") or {
            f"glpat-create-{name}-0123456789": {"scopes": ["create_runner"], "admin": True},
            f"glpat-manage-{name}-0123456789": {"scopes": ["read_api", "manage_runner"], "admin": True},
            f"glpat-read-{name}-0123456789": {"scopes": ["read_api"], "admin": True}}

    # ---- who asks ----

    def user(self, rq, *scopes):
        """The user of the request's token, which must have one of the scopes."""
        token = rq.headers.get("private-token") or rq.headers.get("authorization", "").removeprefix("Bearer ")
        if not token or token not in self.users:
            raise message(401, "Unauthorized")
        user = self.users[token]
        if user.get("revoked"):
            raise Answer(401, {"error": "invalid_token", "error_description": "Token was revoked. You have to re-authorize from the user."})
        if not {"api", *scopes} & set(user["scopes"]):
            raise Answer(403, {"error": "insufficient_scope", "scope": " ".join([*scopes, "api"]),
                               "error_description": "The request requires higher privileges than provided by the access token."})
        return user

    def maintains(self, user, runner_type, where):
        return user.get("admin", False) or (runner_type != "instance_type" and where in user.get("member", []))

    def runner_of_token(self, rq):
        token = rq.params.get("token")
        if token is None:
            raise Answer(400, {"error": "token is missing"})
        for runner in self.runners.values():
            if runner["token"] == token:
                return runner
        raise message(403, "Forbidden")

    # ---- runners ----

    def create(self, rq):
        user = self.user(rq, "create_runner")
        values, errors = typed(rq.params, NEW_RUNNER)
        kind = values.get("runner_type")
        if kind is None:
            errors.append("runner_type is missing")
        if kind not in TYPES:
            errors.append("runner_type does not have a valid value")
        scope = {"group_type": "group_id", "project_type": "project_id"}.get(kind)
        if scope and scope not in values and f"{scope} is invalid" not in errors:
            errors.append(f"{scope} is missing")
        if values.get("access_level", LEVELS[0]) not in LEVELS:
            errors.append("access_level does not have a valid value")
        if errors:
            raise Answer(400, {"error": ", ".join(errors)})
        self.check_new(user, values, kind, scope)
        return Answer(201, self.registration(self.add(values)))

    def check_new(self, user, values, kind, scope):
        others = {"group_id", "project_id"} & set(values) - {scope}
        if others:
            raise message(400, "Bad request - unexpected " + " and ".join(sorted(others)))
        if scope and values[scope] not in (self.groups if kind == "group_type" else self.projects):
            raise message(400, "Bad request - Missing/invalid scope")
        if not self.maintains(user, kind, values.get(scope)):
            raise message(403, "Forbidden - Insufficient permissions")
        if not values.get("run_untagged", True) and not values.get("tag_list"):
            raise message(400, "Bad request - Tags list can not be empty when runner is not allowed to pick untagged jobs")
        if len(values.get("tag_list", [])) > TAGS_MAX:
            raise message(400, f"Bad request - Tags list Too many tags specified. Please limit the number of tags to {TAGS_MAX}")
        if any(len(tag) > TAG_MAX for tag in values.get("tag_list", [])):
            raise message(400, f"Bad request - Name is too long (maximum is {TAG_MAX} characters)")
        if values.get("maximum_timeout", TIMEOUT_MIN) < TIMEOUT_MIN:
            raise message(400, "Bad request - Maximum timeout needs to be at least 10 minutes")
        if len(values.get("description", "")) > DESCRIPTION_MAX:
            raise message(400, f"Bad request - Description is too long (maximum is {DESCRIPTION_MAX} characters)")

    def add(self, values):
        runner = {"id": self.next_id, "token": "glrt-" + secrets.token_hex(10), "description": "", "tag_list": [], "run_untagged": True,
                  "locked": False, "paused": False, "access_level": "not_protected", "maximum_timeout": None, "group_id": None,
                  "project_id": None, "runner_type": "instance_type", **values}
        self.runners[runner["id"]] = runner
        self.next_id += 1
        return runner

    @staticmethod
    def registration(runner):
        return {"id": runner["id"], "token": runner["token"], "token_expires_at": None}

    @staticmethod
    def summary(runner):
        return {"id": runner["id"], "description": runner["description"], "ip_address": "", "active": not runner["paused"],
                "paused": runner["paused"], "is_shared": runner["runner_type"] == "instance_type", "runner_type": runner["runner_type"],
                "name": None, "online": None, "status": "never_contacted", "created_by": {"id": 1, "username": "farm"},
                "created_at": "2025-01-01T00:00:00.000Z", "job_execution_status": "idle"}

    def details(self, runner):
        place = {"name": "a place", "web_url": "https://gitlab.example.com/place"}
        return {**self.summary(runner), "tag_list": runner["tag_list"], "run_untagged": runner["run_untagged"], "locked": runner["locked"],
                "maximum_timeout": runner["maximum_timeout"], "access_level": runner["access_level"], "version": None, "revision": None,
                "platform": None, "architecture": None, "contacted_at": None, "maintenance_note": runner.get("maintenance_note"),
                "projects": [{"id": runner["project_id"], **place}] if runner["runner_type"] == "project_type" else [],
                "groups": [{"id": runner["group_id"], **place}] if runner["runner_type"] == "group_type" else []}

    def verify(self, rq):
        return Answer(200, self.registration(self.runner_of_token(rq)))

    def remove_by_token(self, rq):
        del self.runners[self.runner_of_token(rq)["id"]]
        return Answer(204)

    def runner_by_id(self, user, number):
        runner = self.runners.get(int(number))
        if not runner:
            raise message(404, "Not found")
        if not self.maintains(user, runner["runner_type"], runner["group_id"] or runner["project_id"]):
            raise message(403, "Forbidden - No access granted")
        return runner

    def show(self, rq, number):
        user = self.user(rq, "read_api", "manage_runner")
        return Answer(200, self.details(self.runner_by_id(user, number)))

    def remove(self, rq, number):
        user = self.user(rq, "manage_runner")
        del self.runners[self.runner_by_id(user, number)["id"]]
        return Answer(204)

    # ---- lists ----

    def page_of(self, rq, runners):
        numbers, errors = typed(rq.query, {"page": as_integer, "per_page": as_integer})
        kind = rq.query.get("type")
        if kind is not None and kind not in TYPES:
            errors.append("type does not have a valid value")
        if errors:
            raise Answer(400, {"error": ", ".join(errors)})
        runners = [r for r in sorted(runners, key=lambda r: -r["id"]) if kind in (None, r["runner_type"])]
        page, size = max(1, numbers.get("page", 1)), min(100, max(1, numbers.get("per_page", 20)))
        pages = -(-len(runners) // size)
        return Answer(200, [self.summary(r) for r in runners[(page - 1) * size:page * size]], x_page=page, x_per_page=size,
                      x_total=len(runners), x_total_pages=pages, x_next_page=page + 1 if page < pages else "",
                      x_prev_page=page - 1 if page > 1 else "")

    def list_own(self, rq):
        user = self.user(rq, "read_api")
        own = [r for r in self.runners.values() if r["runner_type"] != "instance_type" and
               self.maintains(user, r["runner_type"], r["group_id"] or r["project_id"])]
        return self.page_of(rq, own)

    def list_all(self, rq):
        if not self.user(rq, "read_api").get("admin"):
            raise message(403, "Forbidden")
        return self.page_of(rq, self.runners.values())

    def list_of(self, rq, what, number):
        user, number = self.user(rq, "read_api"), int(number)
        kind, ids = ("group_id", self.groups) if what == "groups" else ("project_id", self.projects)
        if number not in ids:
            raise message(404, "Group Not Found" if what == "groups" else "Project Not Found")
        if not self.maintains(user, kind[:-2] + "type", number):
            raise message(403, "Forbidden")
        return self.page_of(rq, [r for r in self.runners.values() if r[kind] == number or r["runner_type"] == "instance_type"])

    ROUTES = (("POST", r"/user/runners", create), ("POST", r"/runners/verify", verify), ("DELETE", r"/runners", remove_by_token),
              ("GET", r"/runners", list_own), ("GET", r"/runners/all", list_all), ("GET", r"/runners/(\d+)", show),
              ("DELETE", r"/runners/(\d+)", remove), ("GET", r"/(groups|projects)/(\d+)/runners", list_of))

    def answer(self, rq):
        """A token in the address is refused here, though GitLab would take it: addresses are logged along the way."""
        if not rq.path.startswith("/api/v4"):
            return Answer(200, SIGN_IN, Content_Type="text/html; charset=utf-8")
        if {"token", "private_token", "access_token", "registration_token"} & set(rq.query):
            return Answer(400, {"error": "a token in the address"})
        allowed = False
        try:
            rq.read_params()
            for method, pattern, run in self.ROUTES:
                if match := re.fullmatch("/api/v4" + pattern + "/?", rq.path):
                    allowed = True
                    if method == rq.method:
                        return run(self, rq, *match.groups())
        except Answer as refusal:
            return refusal
        return Answer(405, {"error": "405 Not Allowed"}) if allowed else Answer(404, {"error": "404 Not Found"})
