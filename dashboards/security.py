"""The walls around the dashboard: who may ask, what a page may do, and what is never said.

The order of the checks is that of their cost to an attacker: the address asked for (DNS rebinding), where the
request comes from (cross-site requests), how large it is, and, beyond loopback, the token.
"""

import hmac
import ipaddress
import logging
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from urllib.parse import urlencode, urlsplit

from flask import Flask, Response, redirect, request
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as BaseResponse

from genviz.errors import ServeError

LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")
#: Bytes of one request; the largest that a page sends is a deck's worth of slide states.
BODY_LIMIT = 2_000_000
COOKIE = "genviz-access"
_UNSAFE = ("POST", "PUT", "PATCH", "DELETE")
_LOG = logging.getLogger("dashboards")


@dataclass(frozen=True)
class Policy:
    """Whom the dashboard answers.

    Parameters
    ----------
    host : str
        Address it is bound to.
    token : str or None
        Needed from everyone when the address is not loopback.
    allowed_hosts : sequence of str
        Names people use for it beside the loopback names, with or without a port.
    framed : bool
        Let pages of this machine (a notebook) show it in a frame.

    Raises
    ------
    ServeError
        When it would be reachable from elsewhere without a token or without a list of names.
    """

    host: str = "127.0.0.1"
    token: str | None = None
    allowed_hosts: Sequence[str] = ()
    framed: bool = False
    secret: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)

    def __post_init__(self) -> None:
        if self.token is not None and len(self.token) < 8:
            raise ServeError(f"a token of {len(self.token)} characters is too short: give at least 8")
        if is_loopback(self.host):
            return
        lacking = [
            what
            for what, there in (
                ("a token (--token)", self.token),
                ("names (--allow-host)", self.allowed_hosts),
            )
            if not there
        ]
        if lacking:
            raise ServeError(
                f"serving on {self.host} lets other machines in, so it needs {' and '.join(lacking)}: "
                "for example --token SOME-LONG-SECRET --allow-host my-machine.lan. "
                "Without them, serve on 127.0.0.1"
            )

    def knows(self, host: str) -> bool:
        """Tell whether a Host header names this server; the case of letters does not matter."""
        asked = host.strip().lower()
        allowed = [*LOOPBACK_NAMES, *(name.strip().lower() for name in self.allowed_hosts)]
        return asked in allowed or without_port(asked) in allowed

    @property
    def pass_value(self) -> str:
        """What the cookie holds: proof of the token, worthless after a restart."""
        return hmac.new(self.secret, (self.token or "").encode(), sha256).hexdigest()


def is_loopback(host: str) -> bool:
    """Tell whether only this machine can reach an address."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def without_port(host: str) -> str:
    """Drop ``:port`` from a Host header; the brackets of an IPv6 address stay."""
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdigit() and (name.endswith("]") or ":" not in name) else host


def protect(server: Flask, policy: Policy, script_hashes: Sequence[str]) -> None:
    """Put every wall around a Flask server."""
    server.config["MAX_CONTENT_LENGTH"] = BODY_LIMIT
    server.config["MAX_FORM_PARTS"] = 10
    headers = _headers(policy, script_hashes)

    @server.before_request
    def check() -> BaseResponse | None:
        return _refused(policy) or _without_token(policy)

    @server.after_request
    def add(response: Response) -> Response:
        for name, value in headers.items():
            response.headers[name] = value
        response.headers.setdefault("Cache-Control", "no-store")
        return response

    @server.errorhandler(Exception)
    def explain(error: Exception) -> Response:
        if isinstance(error, HTTPException) and error.code:
            return _plain(error.code, f"{error.code} {error.name}")
        _LOG.error("a request failed: %s %s", request.method, request.path, exc_info=error)
        return _plain(500, "500 something went wrong here; the log of the server says what")


def _refused(policy: Policy) -> Response | None:
    if not policy.knows(request.headers.get("Host", "")):
        return _plain(
            400, "400 this server does not answer to that host name; start it with --allow-host NAME"
        )
    length = request.content_length or 0
    if length > BODY_LIMIT:
        return _plain(413, f"413 a request may have {BODY_LIMIT} bytes, not {length}")
    if request.method in _UNSAFE and not _from_here():
        return _plain(403, "403 requests that change something must come from this site's own pages")
    return None


def _from_here() -> bool:
    """Judge an unsafe request by what the browser itself says of its origin.

    A request without either header does not come from a page in a browser of this decade.
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None and site.lower() not in ("same-origin", "none"):
        return False
    origin = request.headers.get("Origin")
    if origin is None:
        return True
    parts = urlsplit(origin)
    return (
        parts.scheme in ("http", "https") and parts.netloc.lower() == request.headers.get("Host", "").lower()
    )


def _without_token(policy: Policy) -> BaseResponse | None:
    if policy.token is None:
        return None
    if hmac.compare_digest(request.cookies.get(COOKIE, "").encode(), policy.pass_value.encode()):
        return None
    given = request.args.get("token", "")
    if request.method == "GET" and hmac.compare_digest(given.encode(), policy.token.encode()):
        kept = [(name, value) for name, value in request.args.items(multi=True) if name != "token"]
        path = "/" + request.path.lstrip("/")  # "//elsewhere" would be another site
        answer = redirect(path + ("?" + urlencode(kept) if kept else ""), 303)
        answer.set_cookie(COOKIE, policy.pass_value, httponly=True, samesite="Strict", path="/")
        return answer
    return _plain(401, "401 this server needs its token: open its address with ?token=… at the end")


def _headers(policy: Policy, script_hashes: Sequence[str]) -> dict[str, str]:
    local = "http://localhost:* http://127.0.0.1:*"
    rules = {
        "default-src": "'none'",
        "script-src": " ".join(["'self'", *script_hashes]),
        "style-src": "'self' 'unsafe-inline'",  # plotly and Mantine write styles; scripts may not be inline
        "img-src": "'self' data: blob:",
        "font-src": "'self'",
        "connect-src": "'self'",
        "manifest-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'self'",
        "frame-ancestors": local if policy.framed and is_loopback(policy.host) else "'none'",
    }
    headers = {
        "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in rules.items()),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    }
    if not policy.framed:
        headers["X-Frame-Options"] = "DENY"
    return headers


def _plain(status: int, text: str) -> Response:
    return Response(text + "\n", status, mimetype="text/plain")
