"""The local AWS account of `fde-infra --sandbox`: moto in server mode, with its gaps mended."""

import argparse
import json
import os
import sys
import threading

ACCOUNT_ID = "123456789012"


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
        }
    )


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
        headers["Authorization"] = f"AWS4-HMAC-SHA256 Credential=warm/20000101/us-east-1/{service}/aws4_request, SignedHeaders=host, Signature=0"
        environ = EnvironBuilder(**{"path": "/", "method": "POST", **request, "headers": headers}).get_environ()
        _, status, _ = run_wsgi_app(frontend, environ, buffered=True)
        if not status.startswith("200"):
            raise RuntimeError(f"{service} did not start: {status}")
    frontend.control("POST", "/_account/reset")


def write_whole(path, text):
    """Writes a file so that a reader sees all of it or nothing."""
    draft = f"{path}.{os.getpid()}"
    with open(draft, "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(draft, path)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="loopback port; 0 takes a free one")
    parser.add_argument("--ready-file", help="where to write {pid, port, version} once the account answers")
    parser.add_argument("--version-key", default="", help="what /_account/status answers as its version")
    options = parser.parse_args()

    prepare_environment()
    from werkzeug.serving import make_server

    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app

    import mends
    import wire

    mends.apply()

    class Handler(MotoRequestHandler):
        # Head and body of an answer leave in two writes; without this the second could wait for the first's receipt.
        disable_nagle_algorithm = True

        def log_request(self, *_):
            """The call log has it."""

    stopping = threading.Event()
    frontend = wire.Frontend(DomainDispatcherApplication(create_backend_app), options.version_key, stopping.set)
    warm(frontend)
    server = make_server("127.0.0.1", options.port, frontend, threaded=True, request_handler=Handler)
    server.daemon_threads = True
    server.log_startup = lambda: None
    threading.Thread(target=server.serve_forever, daemon=True).start()
    ready = json.dumps({"pid": os.getpid(), "port": server.port, "version": options.version_key})
    if options.ready_file:
        write_whole(options.ready_file, ready)
    print(ready, flush=True)

    stopping.wait()
    server.shutdown()


if __name__ == "__main__":
    sys.exit(main())
