"""A stand-in for GitHub, Jira and ServiceNow: what the scripts of examples/tickets need of them.

Prints its port, then serves until it is stopped. Tickets are held in memory; GET /tickets shows
them in one shape for all three. Asked for anything else, or with other credentials than below,
it answers as the real ones do: an error.
"""

import base64
import json
import re
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

TOKEN = "let-me-in"
BASIC = "Basic " + base64.b64encode(f"bot:{TOKEN}".encode()).decode()
BEARER = f"Bearer {TOKEN}"

tickets = []
routes = []


def route(method, pattern, credentials):
    def add(function):
        routes.append((method, re.compile(pattern), credentials, function))
        return function

    return add


def new(key, title, body, state):
    ticket = {"key": key, "title": title, "body": body, "state": state, "comments": []}
    tickets.append(ticket)
    return ticket


def known(number):
    return tickets[int(number) - 1]


# GitHub: https://docs.github.com/rest/issues

REPO = "/repos/example/cloud/issues"


def issue(ticket):
    number = tickets.index(ticket) + 1
    return {"number": number, "state": ticket["state"], "title": ticket["title"]}


@route("GET", REPO, BEARER)
def github_list(query, _):
    wanted = set(query["labels"][0].split(","))
    state = query.get("state", ["open"])[0]
    found = [t for t in tickets if wanted <= set(t["key"])]
    return 200, [issue(t) for t in found if state in ("all", t["state"])]


@route("POST", REPO, BEARER)
def github_create(_, body):
    assert len(body["title"]) <= 256 and all(len(name) <= 50 for name in body["labels"])
    return 201, issue(new(body["labels"], body["title"], body["body"], "open"))


@route("PATCH", REPO + r"/(\d+)", BEARER)
def github_update(_, body, number):
    assert body["state_reason"] in ("completed", "not_planned", "duplicate", "reopened")
    known(number)["state"] = {"open": "open", "closed": "closed"}[body["state"]]
    return 200, issue(known(number))


@route("GET", REPO + r"/(\d+)/comments", BEARER)
def github_comments(query, _, number):
    size, page = int(query["per_page"][0]), int(query["page"][0])
    comments = known(number)["comments"][(page - 1) * size : page * size]
    return 200, [{"body": body} for body in comments]


@route("POST", REPO + r"/(\d+)/comments", BEARER)
def github_comment(_, body, number):
    known(number)["comments"].append(body["body"])
    return 201, {}


# Jira: https://developer.atlassian.com/cloud/jira/platform/rest/v2/


@route("POST", "/rest/api/2/search/jql", BASIC)
def jira_search(_, body):
    label = re.fullmatch(
        r'project = "SEC" AND labels = "([^"]*)" ORDER BY created ASC', body["jql"]
    ).group(1)
    return 200, {
        "issues": [
            {
                "key": f"SEC-{number}",
                "fields": {
                    "status": {
                        "statusCategory": {"key": "done" if t["state"] == "closed" else "new"}
                    }
                },
            }
            for number, t in enumerate(tickets, 1)
            if label in t["key"]
        ]
    }


@route("POST", "/rest/api/2/issue", BASIC)
def jira_create(_, body):
    fields = body["fields"]
    assert fields["project"] == {"key": "SEC"} and fields["issuetype"] == {"name": "Task"}
    assert "\n" not in fields["summary"] and len(fields["summary"]) <= 255
    assert not any(" " in label for label in fields["labels"])
    new(fields["labels"], fields["summary"], fields["description"], "open")
    return 201, {"key": f"SEC-{len(tickets)}"}


@route("GET", r"/rest/api/2/issue/SEC-(\d+)/comment", BASIC)
def jira_comments(_, __, number):
    return 200, {"comments": [{"body": body} for body in known(number)["comments"]]}


@route("POST", r"/rest/api/2/issue/SEC-(\d+)/comment", BASIC)
def jira_comment(_, body, number):
    known(number)["comments"].append(body["body"])
    return 201, {}


@route("GET", r"/rest/api/2/issue/SEC-(\d+)/transitions", BASIC)
def jira_transitions(_, __, number):
    ways = [("11", "indeterminate"), ("31", "done")]
    if known(number)["state"] == "closed":
        ways = [("41", "new")]
    return 200, {
        "transitions": [{"id": way, "to": {"statusCategory": {"key": key}}} for way, key in ways]
    }


@route("POST", r"/rest/api/2/issue/SEC-(\d+)/transitions", BASIC)
def jira_move(_, body, number):
    way = body["transition"]["id"]
    known(number)["state"] = {"11": "open", "31": "closed", "41": "open"}[way]
    return 204, None


# ServiceNow: the Table API

TABLE = "/api/now/table/incident"


@route("GET", TABLE, BASIC)
def servicenow_list(query, _):
    wanted, states = re.fullmatch(
        r"correlation_id=(\w+)\^stateNOT IN([\d,]+)", query["sysparm_query"][0]
    ).groups()
    found = [
        {"sys_id": str(number), **{f: t["fields"][f] for f in ("state", "correlation_display")}}
        for number, t in enumerate(tickets, 1)
        if t["key"] == [wanted] and t["fields"]["state"] not in states.split(",")
    ]
    return 200, {"result": found[: int(query["sysparm_limit"][0])]}


@route("POST", TABLE, BASIC)
def servicenow_create(_, body):
    assert len(body["short_description"]) <= 160
    assert {body["urgency"], body["impact"]} <= {"1", "2", "3"}
    key = [body["correlation_id"]]
    ticket = new(key, body["short_description"], body["description"], "open")
    ticket["fields"] = {"state": "1", **body}
    return 201, {"result": {"sys_id": str(len(tickets))}}


@route("PATCH", TABLE + r"/(\d+)", BASIC)
def servicenow_update(_, body, number):
    ticket = known(number)
    if body.get("state") == "6":
        assert body["close_code"] and body["close_notes"]
    ticket["fields"].update(body)
    ticket["comments"].append(body["work_notes"])
    ticket["state"] = "closed" if ticket["fields"]["state"] in "678" else "open"
    return 200, {"result": {}}


@route("GET", "/tickets", None)
def show(_, __):
    return 200, tickets


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        url = urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        sent = self.rfile.read(length)
        status, answer = 404, {"message": f"no route for {self.command} {url.path}"}
        for method, pattern, credentials, function in routes:
            match = pattern.fullmatch(url.path)
            if method != self.command or not match:
                continue
            if credentials and self.headers.get("Authorization") != credentials:
                status, answer = 401, {"message": "who are you?"}
                break
            try:
                body = json.loads(sent) if sent else None
                status, answer = function(parse_qs(url.query), body, *match.groups())
            except (AssertionError, AttributeError, KeyError, TypeError, ValueError) as error:
                status, answer = 400, {"message": repr(error)}
            break
        text = b"" if answer is None else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = do_PATCH = answer

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
