"""Pieces of HTML shared by the page that draws figures and by the HTML that is handed out."""

import base64
import hashlib
import html
import re
from collections.abc import Iterable
from functools import cache

from genviz.export.clean import clean_text


@cache
def plotly_js() -> str:
    """The plotly.js of the installed plotly package, as it may stand inside a ``<script>``."""
    from plotly.offline import get_plotlyjs

    return inline_script(get_plotlyjs())


def inline_script(source: str) -> str:
    """JavaScript that neither ends its ``<script>`` early nor changes when the file is read (line ends)."""
    unix = source.replace("\r\n", "\n").replace("\r", "\n")
    return re.sub(r"</(script)", r"<\\/\1", unix, flags=re.IGNORECASE).replace("<!--", "<\\!--")


def inline_json(text: str) -> str:
    """JSON that may stand inside a ``<script type="application/json">``."""
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def policy(scripts: Iterable[str], *, makes_code: bool = False) -> str:
    """A ``<meta>`` with a content security policy: these scripts, what is embedded, and no network.

    Parameters
    ----------
    scripts : iterable of str
        The exact text of every script that may run.
    makes_code : bool
        Let them make functions from text, as plotly.js does for ``scattergl`` and its like.
    """
    allowed = [f"'sha256-{_digest(script)}'" for script in scripts] + (
        ["'unsafe-eval'"] if makes_code else []
    )
    rules = (
        f"default-src 'none'; script-src {' '.join(allowed)}; style-src 'unsafe-inline'; "
        "img-src data: blob:; font-src data:; base-uri 'none'; form-action 'none'"
    )
    return f'<meta http-equiv="Content-Security-Policy" content="{rules}">'


def escaped(text: str) -> str:
    """Untrusted text as HTML text or attribute value."""
    return html.escape(clean_text(text), quote=True)


@cache
def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")
