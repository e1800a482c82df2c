"""plotly.js in its strict build, in place of the one that the plotly package brings.

The usual build makes functions from text to draw ``scattergl`` and its like. Under a content security policy
without ``unsafe-eval`` those traces stay empty and nothing says why; the strict build draws them.

A page asks for it first and by its content (:func:`address`), so that a browser keeps it, compiled: to
read its 5 MB anew takes longer than everything else on a page together.
"""

import gzip
import hashlib
from functools import cache
from pathlib import Path

from flask import Flask, Response, request

from dashboards.compression import YEAR

#: From the npm package plotly.js-strict-dist-min (MIT), of the version that the plotly package has.
STRICT = Path(__file__).parent / "vendor" / "plotly-strict.min.js.gz"
_USUAL = "/_dash-component-suites/plotly/package_data/plotly"


@cache
def address() -> str:
    """Where a page finds it: another address when it has changed."""
    return f"{_USUAL}.min.js?v={hashlib.sha256(_packed()).hexdigest()[:16]}"


def serve_strict(server: Flask) -> None:
    """Answer requests for plotly.js with the strict build; register it behind the walls."""

    @server.before_request
    def strict() -> Response | None:
        if not request.path.startswith(_USUAL):
            return None
        if "gzip" in request.headers.get("Accept-Encoding", "").lower():
            answer = Response(_packed(), mimetype="application/javascript")
            answer.headers["Content-Encoding"] = "gzip"
        else:
            answer = Response(gzip.decompress(_packed()), mimetype="application/javascript")
        answer.headers["Vary"] = "Accept-Encoding"
        if request.full_path == address():
            answer.headers["Cache-Control"] = YEAR
        return answer


@cache
def _packed() -> bytes:
    return STRICT.read_bytes()
