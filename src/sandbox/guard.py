"""The requests that are answered: those of programs on this machine, and never those that a browser makes for a page.

A page of any site can send requests to a loopback port, and can read the answers once its own name leads to 127.0.0.1 (DNS
rebinding). Browsers say so: in `Host`, `Origin` and `Sec-Fetch-Site` (https://www.w3.org/TR/fetch-metadata/). AWS's SDKs
send no `Origin` and no `Sec-Fetch-Site`.
"""

import re

# Names that lead to this machine alone: `bucket.localhost` is how S3 is asked for a bucket, and `localhost` belongs to no
# one (RFC 6761). Any port: behind a proxy or a forwarded port the client has another than the server.
LOOPBACK = re.compile(r"(127\.0\.0\.1|\[::1\]|([a-z0-9._-]+\.)?localhost)(:[0-9]{1,5})?", re.IGNORECASE)

# A connection is a thread, and it ends with its answer. A forgotten one must not take all of the process's files.
MOST_CONNECTIONS = 512

# Forks of forks included. Each is a process of some fifty megabytes, once it has been written to.
MOST_FORKS = 256

# No call of a stack comes near it, and command line tools send files in parts of 8 MiB.
MOST_BYTES = 64 * 1024 * 1024


def bounds():
    return {"connections": MOST_CONNECTIONS, "forks": MOST_FORKS}


def lower(query):
    """Lowers bounds, and never raises any: they can be seen at work without hundreds of processes."""
    global MOST_CONNECTIONS, MOST_FORKS
    wanted = {name: max(1, int(number)) for name, number in re.findall(r"(connections|forks)=([0-9]{1,4})", query)}
    MOST_CONNECTIONS = min(MOST_CONNECTIONS, wanted.get("connections", MOST_CONNECTIONS))
    MOST_FORKS = min(MOST_FORKS, wanted.get("forks", MOST_FORKS))


def refusal(environ):
    """The status and the reason of a request that is not answered; None where it is."""
    host = environ.get("HTTP_HOST", "")
    if not LOOPBACK.fullmatch(host):
        return "403 FORBIDDEN", "the local account is asked for by a loopback name only, such as 127.0.0.1"
    # `none` is what the user has typed.
    if "HTTP_ORIGIN" in environ or environ.get("HTTP_SEC_FETCH_SITE", "none") != "none":
        return "403 FORBIDDEN", "the local account does not answer pages in a browser"
    path = environ.get("PATH_INFO", "")
    if path.startswith("/moto-api") or path == "/favicon.ico":
        return "403 FORBIDDEN", "the local account has no such page"
    length = environ.get("CONTENT_LENGTH") or "0"
    if not (length.isascii() and length.isdigit()):
        return "400 BAD REQUEST", "Content-Length is not a number"
    if len(length) > 18 or int(length) > MOST_BYTES:
        return too_large()
    return None


def too_large():
    return "413 CONTENT TOO LARGE", f"the local account takes {MOST_BYTES} bytes in one request"


def body_of(environ):
    """The body of a request; None where it is too large, which one in chunks does not say beforehand."""
    stream = environ["wsgi.input"]
    if environ.get("CONTENT_LENGTH") or not environ.get("wsgi.input_terminated"):
        return stream.read(int(environ.get("CONTENT_LENGTH") or 0))
    parts, length = [], 0
    while part := stream.read(65536):
        length += len(part)
        if length > MOST_BYTES:
            return None
        parts.append(part)
    return b"".join(parts)
