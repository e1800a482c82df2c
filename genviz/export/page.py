"""The page in which headless Chromium draws figures."""

from functools import cache
from pathlib import Path

from genviz.export import markup
from genviz.figures import typeface
from genviz.figures.theme import FONT

_STYLE = """
@page { margin: 0; }
* { box-sizing: border-box; }
body { margin: 0; }
.sheet { display: flex; flex-direction: column; overflow: hidden; break-after: page; break-inside: avoid;
  font-family: FONT; -webkit-print-color-adjust: exact; }
.sheet:last-child { break-after: auto; }
.sheet.worded { padding: 36px 48px 32px; gap: 14px; }
.picture { flex: 1; min-height: 0; }
.picture svg { display: block; }
h1 { margin: 0; font-size: 32px; font-weight: 600; line-height: 1.2; overflow-wrap: anywhere; }
p { margin: 0; font-size: 18px; line-height: 1.4; color: var(--muted); overflow-wrap: anywhere; }
h1, p { display: -webkit-box; -webkit-box-orient: vertical; overflow: hidden; flex: none; }
h1 { -webkit-line-clamp: 2; }
p { -webkit-line-clamp: 4; }
.long p { font-size: 15px; }
/* plotly.js keeps an element of its own in the page, to measure text in */
@media print { body > :not(main) { display: none; } }
"""


class DrawingPage:
    """What Kaleido asks for its page: a ``generate_index`` that gives the HTML."""

    def generate_index(self) -> str:
        """HTML with plotly.js, the typeface and ``page.js`` inside; its policy allows no network at all."""
        return _html()


@cache
def _html() -> str:
    scripts = (
        markup.plotly_js(),
        markup.inline_script(Path(__file__).with_name("page.js").read_text(encoding="utf-8")),
    )
    return "\n".join(
        (
            "<!DOCTYPE html>",
            '<html lang="en"><head><meta charset="utf-8">',
            markup.policy(scripts),
            "<title>genviz</title>",
            f'<style id="typeface">{typeface.css()}</style>',
            f"<style>{_STYLE.replace('FONT', FONT)}</style>",
            *(f"<script>{script}</script>" for script in scripts),
            '</head><body><main id="sheets"></main></body></html>',
        )
    )
