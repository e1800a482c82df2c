"""Smaller answers: gzip, done once for files that do not change."""

import gzip
import re
import threading
from collections import OrderedDict

from flask import Flask, Response, request

_TEXT = ("application/json", "application/javascript", "text/", "image/svg+xml")
_LEAST = 1_000  # bytes below which compressing costs more than it saves
YEAR = "public, max-age=31536000, immutable"
# Dash writes the version and time of a component's file into its name, and the time of an asset behind it.
_FINGERPRINT = re.compile(r"\.v[0-9][\w]*m[0-9]+\.")


class _Cache:
    """Compressed files, newest kept, at most ``limit`` bytes together."""

    def __init__(self, limit: int = 16_000_000) -> None:
        self._kept: OrderedDict[tuple[str, int], bytes] = OrderedDict()
        self._limit, self._lock = limit, threading.Lock()

    def packed(self, path: str, data: bytes) -> bytes:
        key = (path, hash(data))
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        made = gzip.compress(data, 6, mtime=0)
        with self._lock:
            self._kept[key] = made
            while sum(map(len, self._kept.values())) > self._limit:
                self._kept.popitem(last=False)
        return made


def compress(server: Flask) -> None:
    """Compress what a client can unpack, and let fingerprinted files be kept for a year."""
    cache = _Cache()

    @server.after_request
    def shrink(response: Response) -> Response:
        if is_fingerprinted(request.path, request.query_string.decode("ascii", "replace")):
            if response.status_code == 200:
                response.headers["Cache-Control"] = YEAR
            kept = True
        else:
            kept = False
        return _shrunk(response, cache if kept else None)


def is_fingerprinted(path: str, query: str) -> bool:
    """Tell whether a changed file would have another address."""
    if path.startswith("/_dash-component-suites/"):
        return bool(_FINGERPRINT.search(path))
    return path.startswith("/assets/") and query.startswith("m=")


def _shrunk(response: Response, cache: _Cache | None) -> Response:
    kind = response.content_type or ""
    if (
        response.status_code != 200
        or "gzip" not in request.headers.get("Accept-Encoding", "").lower()
        or "Content-Encoding" in response.headers
        or not kind.startswith(_TEXT)
    ):
        return response
    response.direct_passthrough = False
    data = response.get_data()
    if len(data) < _LEAST:
        return response
    packed = cache.packed(request.path, data) if cache else gzip.compress(data, 3, mtime=0)
    response.set_data(packed)
    response.headers["Content-Encoding"] = "gzip"
    response.headers["Content-Length"] = str(len(packed))
    response.vary.add("Accept-Encoding")
    response.headers.pop("ETag", None)
    return response
