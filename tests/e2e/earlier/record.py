"""Records the calls by which a version of fde-infra makes a stack, so that a later version can be tried on what they make.

`calls.json` is of commit 71b2c88 and the `stacks/dev.yaml` of that commit, kept here as `dev.yaml`. It was made as follows,
with the Python of the local account (`environments/*/venv/bin/python` in its directory) and with that account empty:

    git worktree add /tmp/earlier 71b2c88 && cd /tmp/earlier && cargo build --locked
    target/debug/fde-infra preview stacks/dev.yaml --sandbox    # the account runs
    target/debug/fde-infra sandbox reset
    target/debug/fde-infra sandbox status                       # its address
    python tests/e2e/earlier/record.py http://127.0.0.1:PORT calls.json -- sh lifetime.sh

`lifetime.sh` runs `fde-infra up stacks/dev.yaml --yes`, puts an image into the repositories `happyrobot-api` and
`happyrobot-frontend` with `push.py`, and runs `up` again, so that the services run.

It stands between the program and the account, and writes every call that changed something (and reads that show its ids), in
the order of the answers: the operation, the request, and the ids that the account chose and that later calls name. It leaves
out data that differs from run to run and says nothing (dates, signatures, the SDK's own headers), calls that failed, the
lock, and the random password, which becomes `generated`.
CloudWatch's calls are written in its JSON protocol, which it takes as well.
"""

import http.client
import http.server
import json
import os
import re
import subprocess
import sys
import threading
from urllib.parse import parse_qsl, urlencode, urlsplit

import cbor2

READING = re.compile(r"^(Describe|Get|List|Head|BatchGet|Lookup|Search|Simulate|Validate)")
CBOR = re.compile(r"^/service/(\w+)/operation/(\w+)$")
KEPT = ("x-amz-target", "content-type", "x-amz-object-ownership", "x-amz-bucket-object-lock-enabled", "x-amz-tagging")
# What the account chooses: the answers of another account have others in these places.
CHOSEN = re.compile(
    r"(?<![A-Za-z0-9-])(?:vpc|subnet|igw|eipalloc|nat|rtb|rtbassoc|sg|sgr|vpce)-[0-9a-f]{8,17}(?![A-Za-z0-9-])"
    r"|(?<=/)[0-9a-f]{16}(?![A-Za-z0-9-])|(?<=:secret:)[A-Za-z0-9-]+|(?<=scalable-target/)[a-z0-9]+|(?<=\.)[a-z0-9]{12}(?=\.[a-z0-9-]+\.rds\.)"
)

calls = []
lock = threading.Lock()


class Recorder(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def handle_any(self):
        length = int(self.headers.get("content-length") or 0)
        body = self.rfile.read(length)
        connection = http.client.HTTPConnection(urlsplit(account).netloc)
        connection.request(self.command, self.path, body, dict(self.headers))
        answer = connection.getresponse()
        text = answer.read()
        with lock:
            self.record(body, answer.status, text)
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("transfer-encoding", "content-length", "connection", "date", "server"):
                self.send_header(name, value)
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(text)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = handle_any

    def record(self, body, status, answer):
        scope = re.search(r"Credential=[^/]+/\d+/([^/]+)/([^/]+)/aws4", self.headers.get("authorization", ""))
        region, service = scope.groups() if scope else ("", "")
        headers = {name.lower(): value for name, value in self.headers.items() if name.lower() in KEPT}
        method, path = self.command, self.path
        cbor = CBOR.match(path)
        if cbor:
            headers = {"content-type": "application/x-amz-json-1.0", "x-amz-target": ".".join(cbor.groups())}
            path, body = "/", json.dumps(cbor2.loads(body)).encode()
            answer = json.dumps(cbor2.loads(answer), default=str).encode() if answer else b""
        text = body.decode()
        kind = headers.get("content-type", "")
        if "x-amz-target" in headers:
            operation, request = headers["x-amz-target"].split(".")[-1], json.loads(text)
        elif kind.startswith("application/x-www-form-urlencoded"):
            request = dict(parse_qsl(text, keep_blank_values=True))
            operation = request["Action"]
        else:
            operation, request = f"{method} {path}", text
        reads = method in ("GET", "HEAD") or READING.match(operation) or service == "sts"
        # The lock has been given back when all is done.
        is_lock = service == "ssm" and request.get("Name", "").endswith("/lock")
        if is_lock or status >= 300:
            return
        chosen = list(dict.fromkeys(CHOSEN.findall(answer.decode(errors="replace"))))
        calls.append(
            {
                "service": service,
                "region": region,
                "operation": operation,
                "method": method,
                "path": path,
                "headers": headers,
                "request": request,
                "chosen": chosen,
                "reads": bool(reads),
            }
        )


def whole(calls):
    """The calls as text, without the one random value that the program chooses.

    Reads stay where they show an id for the first time that a later call names; of ids those that are named.
    """
    changes = [json.dumps(call["request"]) if not call["reads"] else "" for call in calls]
    kept, shown = [], set()
    for number, call in enumerate(calls):
        later = "\n".join(changes[number + 1 :])
        while call["chosen"] and call["chosen"][-1] not in later:
            call["chosen"].pop()
        is_first = any(id not in shown and id in later for id in call["chosen"])
        if is_first or not call.pop("reads"):
            kept.append(call)
            shown.update(call["chosen"])
        call.pop("reads", None)
    text = ",\n".join(json.dumps(call) for call in kept)
    for password in set(re.findall(r'"MasterUserPassword": "([^"]+)"', text)):
        text = text.replace(password, "generated")
    return f"[\n{text}\n]\n"


if __name__ == "__main__":
    account, file, _, *command = sys.argv[1:]
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Recorder)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    environment = {
        **os.environ,
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}",
        "AWS_ACCESS_KEY_ID": "earlier",
        "AWS_SECRET_ACCESS_KEY": "earlier",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    status = subprocess.run(command, env=environment, check=False).returncode
    with open(file, "w", encoding="utf-8") as out:
        out.write(whole(calls))
    sys.exit(status)
