"""The local AWS account of `fde-infra --sandbox`: moto in server mode, with its gaps patched.

`account.py` starts the server, `guard.py` decides which requests are answered, `wire.py` stands between clients and moto,
`checks.py` holds the requests of tests to their models, `patches.py` puts the patches in place; each patch is a small patch with
the AWS behaviour that it brings about. Nothing in fde-infra is bent to suit this account: what it gets wrong is patched here,
or listed below.

Control: `GET /_account/status` (with `?prove=` and 64 digits, also the proof that it is the server on record), `GET
/_account/calls`, `POST /_account/calls/reset`, `POST /_account/reset`, `POST /_account/fork` (a second account with the same
content on a port of its own, which ends after ten minutes without a request), `POST /_account/bounds?forks=2&connections=8`
(lowers them), `POST /_account/strangers?each=2000&like=NAME&region=REGION` (that number of objects of others, of each kind
listed by the account, by `strangers.py`), `POST /_account/policies` (the permissions of a caller, by `permissions.py`),
`POST /_account/cloudcontrol` (what the next operation of a type comes to, by `cloudcontrol.py`), `POST /_account/stop`;
`POST /_account/checks` begins to hold requests to their models, `GET /_account/checks` returns the
results, in all forks, since `POST /_account/checks/reset`. moto's own control pages are closed.

Mended
- Pages, of AWS's sizes: target groups, account authorization details, DB subnet groups, repositories, images.
- Every service: operations that moto lacks answer 400 `NotImplemented`, and its own failures 400 `SandboxFault`, never a
  page of HTML with 500 that an SDK would retry. Each call is atomic. Lookups that moto repeats for every call are remembered.
- CloudWatch: Smithy RPC v2 CBOR; tags on creation only, of dashboards too, and gone with their resource; an update keeps
  the alarm's state; dashboards of the account, not of a region; filters combine; pages; a new alarm has insufficient data.
- Tagging API: Elastic IP, security group rule, VPC endpoint, RDS subnet and parameter group, listener, rule, repository,
  dashboard, web ACL, scalable target, IAM policy, event rule, stream; changes of queues, streams and parameters; ARNs as AWS
  spells them; pages; failures per ARN; buckets in their own region.
- EC2: client tokens of NAT gateway, route table, VPC endpoint; pages; canonical CIDR blocks and protocols; rules
  modified whole, with descriptions for every peer; interfaces of NAT gateways, load balancers, databases and tasks; refused
  deletions of subnet, security group, VPC, main route table; address and internet gateway in use; one route table a
  subnet; routes to what is not there; black holes; tag filters and unknown ids of NAT gateways; endpoints that lost a
  route table; three zones in every region.
- ECS: every field of a service; client tokens; deployments, circuit breaker and rollback; tasks, targets, events;
  DRAINING, INACTIVE; clusters with services; task definitions completed as AWS does, sizes with units, Fargate sizes;
  UpdateClusterSettings; pages; deployments that are complete and their revisions, with the digests of images. An image with a tag that contains `unhealthy` makes a service that never becomes healthy.
- Application Auto Scaling: tags; limits applied to the service at once; policies that keep their ARN and alarms and go with
  their target; ObjectNotFoundException; pages.
- ELBv2: idempotent creates and Duplicate*; deletion protection; default attributes; both forms of conditions and forwards;
  redirect defaults; users of a target group; listeners without TLS have no policy; certificates must exist; access logs need
  a bucket that takes them; rules by priority; missing rules; 50 tags.
- RDS: Performance Insights; gp3 baseline; versions and parameter families; pending modifications and reboots;
  ports; DescribeDBParameters by source; ResetDBParameterGroup; DescribeDBEngineVersions; classes and storage types on offer;
  replicas of their own; final snapshots; groups in use, taken names, modified subnet groups (moto loses them); `creating` and `modifying` until the next look.
- SNS: subscriptions that wait for confirmation, and their count; a topic that exists with other tags.
- S3: defaults of a new bucket; tags in CreateBucket; tags gone with the bucket; lifecycle rules as they were put.
- ECR: scanning switched off; an image stays when its last tag goes to another.
- Secrets Manager: the name stays taken during the recovery window; secrets without a value in BatchGetSecretValue; partial
  ARNs that look like whole ones. (Client tokens moto has.)
- Parameter Store: the writer of each version; a type is needed to make a parameter; 4,096 characters; a name that was
  deleted is taken for 30 s.
- WAF: WAFDuplicateItemException; one ACL a resource; ACLs in use; updates replace the whole; ListResourcesForWebACL; names of
  destinations of logs, and headers in lower case.
- IAM: AWS's managed policies; attached policies cannot be deleted; names and tag keys without case; sizes of documents.
- Logs: groups by identifier and pattern; tags gone with their group; tags of missing groups; keys of groups; metric filters of
  a name, of groups that are there.
- SQS: a change of attributes keeps the policy.
- Cloud Control, and DescribeType of CloudFormation: `cloudcontrol.py`.

Known, and not patched
- Nothing takes time: no slow provisioning, no eventual consistency, no request rates, no quotas. An ECS service gets along
  when it is described, and by nothing else.
- No permissions, but for callers that were given policies: every other may do everything; DryRun is carried out.
- A token whose resource was deleted makes a new one; what AWS does then is not documented.
- The tagging API of AWS lists deleted resources for a while, for how long is not documented. Here it lists secrets in their
  recovery window, and no deleted clusters and services nor deregistered revisions.
- RDS knows PostgreSQL versions of its own list only; DescribeDBParameters lists no engine defaults; deletion is immediate.
- CloudWatch: no composite alarms, and no alarm ever changes its state.
- SQS: the name of a deleted queue is free at once, not after 60 s.
- Logs: ListLogGroups. ECS: Service Connect, capacity providers beyond moto's.
- IAM: SimulatePrincipalPolicy; malformed trust policies are accepted.
- WAF: the capacity of an ACL is a constant. ELBv2: the hosted zone of a load balancer is a constant.
- The route that a gateway endpoint adds to its tables is listed as moto lists it, not checked against AWS.
"""

import argparse
import contextlib
import gc
import json
import mmap
import os
import secrets
import signal
import sys
import threading
import time
import traceback

# It is run with `-I`, and then Python does not look for modules beside the program by itself.
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

ACCOUNT_ID = "123456789012"

# Seconds without a request, and without an open connection, after which a fork considers itself forgotten.
FORK_IDLE = 600


def prepare_environment():
    """Must run before moto is imported: it reads its settings then, and botocore must not see the user's AWS configuration."""
    for name in list(os.environ):
        if name.startswith(("AWS_", "MOTO_")):
            del os.environ[name]
    os.environ.update(
        {
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "MOTO_ACCOUNT_ID": ACCOUNT_ID,
            "MOTO_ACM_VALIDATION_WAIT": "1",
            "MOTO_DISABLE_GLOBAL_CORS": "true",
            "MOTO_IAM_LOAD_MANAGED_POLICIES": "true",
            # moto takes some times from the local clock and gives them out as UTC.
            "TZ": "UTC",
        }
    )
    time.tzset()


def warm(frontend):
    """Loads every service that stacks use: moto does so on first use, which would take up to a second of a command's time."""
    from werkzeug.test import EnvironBuilder, run_wsgi_app

    query = {
        "ec2": ("DescribeVpcs", "2016-11-15"),
        "rds": ("DescribeDBInstances", "2014-10-31"),
        "elasticloadbalancing": ("DescribeLoadBalancers", "2015-12-01"),
        "iam": ("ListRoles", "2010-05-08"),
        "sns": ("ListTopics", "2010-03-31"),
        "sts": ("GetCallerIdentity", "2011-06-15"),
    }
    targets = {
        "ecs": "AmazonEC2ContainerServiceV20141113.ListClusters",
        "ecr": "AmazonEC2ContainerRegistry_V20150921.DescribeRepositories",
        "logs": "Logs_20140328.DescribeLogGroups",
        "monitoring": "GraniteServiceVersion20100801.DescribeAlarms",
        "secretsmanager": "secretsmanager.ListSecrets",
        "ssm": "AmazonSSM.DescribeParameters",
        "tagging": "ResourceGroupsTaggingAPI_20170126.GetResources",
        "wafv2": "AWSWAF_20190729.ListWebACLs",
        "application-autoscaling": "AnyScaleFrontendService.DescribeScalableTargets",
    }
    requests = [("s3", {"method": "GET"})]
    for service, (action, version) in query.items():
        requests.append((service, {"data": {"Action": action, "Version": version}}))
    for service, target in targets.items():
        body = {"wafv2": {"Scope": "REGIONAL"}, "application-autoscaling": {"ServiceNamespace": "ecs"}}.get(service, {})
        requests.append(
            (
                service,
                {
                    "data": json.dumps(body),
                    "content_type": "application/x-amz-json-1.1",
                    "headers": {"X-Amz-Target": target},
                },
            )
        )
    for service, request in requests:
        headers = request.pop("headers", {})
        headers["Authorization"] = (
            f"AWS4-HMAC-SHA256 Credential=warm/20000101/us-east-1/{service}/aws4_request, SignedHeaders=host, Signature=0"
        )
        environ = EnvironBuilder(**{"path": "/", "method": "POST", **request, "headers": headers}).get_environ()
        _, status, _ = run_wsgi_app(frontend, environ, buffered=True)
        if not status.startswith("200"):
            raise RuntimeError(f"{service} did not start: {status}")
    frontend.control("POST", "/_account/reset")


def write_private(path, text):
    """Writes a file that this user alone can read, so that a reader sees all of it or nothing."""
    draft = f"{path}.{os.getpid()}"
    with contextlib.suppress(FileNotFoundError):
        os.remove(draft)
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(draft, path)


def is_running(process):
    try:
        os.kill(process, 0)
    except OSError:
        return False
    return True


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, default=0, help="loopback port; 0 takes a free one")
    parser.add_argument("--ready-file", help="where to write {pid, port, version, token} once the account answers")
    parser.add_argument("--version-key", default="", help="what /_account/status answers as its version")
    parser.add_argument("--packages", help="where the packages are, if the interpreter does not find them by itself")
    options = parser.parse_args()
    if options.packages:
        sys.path.insert(1, options.packages)

    # It outlives the command, and the terminal, that started it.
    for name in ("SIGHUP", "SIGINT"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    prepare_environment()
    from werkzeug.serving import make_server

    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app

    import guard
    import patches
    import wire

    patches.apply()

    class Handler(MotoRequestHandler):
        # Head and body of an answer leave in two writes; without this the second could wait for the first's receipt.
        disable_nagle_algorithm = True

        def log_request(self, *_):
            """The call log has it."""

    stopping = threading.Event()
    # The processes of all forks, and of their forks: shared memory, which they keep when they are doubled.
    forks = memoryview(mmap.mmap(-1, 8 * guard.MOST_FORKS)).cast("q")

    def serve(port):
        server = make_server("127.0.0.1", port, frontend, threaded=True, request_handler=Handler)
        server.daemon_threads = True
        # Each connection will have a thread of its own, beside this one and the one that takes them.
        others = threading.active_count() + 1

        def process_request(request, address):
            if threading.active_count() - others >= guard.MOST_CONNECTIONS:
                server.shutdown_request(request)
            else:
                type(server).process_request(server, request, address)

        server.process_request = process_request
        server.log_startup = lambda: None
        frontend.port = server.port
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return server

    def fork():
        """Doubles this process: memory and all, so that an account need not be filled a second time.

        None if there are as many forks as there may be.
        """
        # Two processes that look at the same time may take the same one: then there is one fork more.
        places = enumerate(forks[: guard.MOST_FORKS])
        free = (number for number, process in places if not process or not is_running(process))
        place = next(free, None)
        if place is None:
            return None
        reading, writing = os.pipe()
        child = os.fork()
        if child:
            forks[place] = child
            os.close(writing)
            with os.fdopen(reading, encoding="ascii") as port:
                return int(port.read())
        # Of the threads, only this one is here, with the locks that it holds; what it was answering, the other process
        # answers. The sockets are the other process's too.
        try:
            os.closerange(3, writing)
            os.closerange(writing + 1, 4096)
            wire.ACCOUNT_LOCK.release()
            frontend.log.lock.release()
            frontend.token = None
            frontend.checks.move_to(place + 1)
            ended = threading.Event()
            frontend.on_stop = ended.set
            server = serve(0)
            # Each connection will have a thread of its own.
            alone = threading.active_count()
            with os.fdopen(writing, "w", encoding="ascii") as port:
                port.write(str(server.port))
            # Memory that is shared with the other process stays shared for as long as neither looks through it.
            gc.freeze()
            answered = None
            while (answered != frontend.requests or threading.active_count() > alone) and not ended.is_set():
                answered = frontend.requests
                ended.wait(FORK_IDLE)
            server.shutdown()
        except BaseException:
            traceback.print_exc(file=sys.stderr)
        forks[place] = 0
        # Nothing of the other process's is to be tidied away here.
        os._exit(0)

    frontend = wire.Frontend(DomainDispatcherApplication(create_backend_app), options.version_key, stopping.set, fork)
    warm(frontend)
    if hasattr(signal, "SIGCHLD"):
        # Forks end by themselves, and their exit status is not needed.
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    server = serve(options.port)
    ready = {"pid": os.getpid(), "port": server.port, "version": options.version_key}
    if options.ready_file:
        frontend.token = secrets.token_hex(32)
        write_private(options.ready_file, json.dumps({**ready, "token": frontend.token}))
    # Into the log, which is no secret.
    print(json.dumps(ready), flush=True)

    stopping.wait()
    server.shutdown()


if __name__ == "__main__":
    sys.exit(main())
