"""A figure on a page: its words go into the page, which can wrap them, and its room to the picture."""

import re
from dataclasses import dataclass
from html import unescape
from html.parser import HTMLParser
from typing import Any

from dash import html

from genviz.figures.base import SMALL_PRINT
from genviz.figures.clock import unwind
from genviz.figures.played import without_bar

_COLOUR = re.compile(r"^\s*color:\s*(#[0-9a-fA-F]{6}|rgba?\([0-9., ]+\))\s*;?\s*$")
_TOP, _BOTTOM = 44, 52  # px: the theme's margins
_TITLE_LINE, _SUBTITLE_LINE = 30, 20
_LEAST_TOP, _LEAST_BOTTOM = 14, 50  # what an axis takes; with less, Plotly draws the figure twice
_BARE_BOTTOM = 12  # where nothing is written below the axes


@dataclass(frozen=True)
class Framed:
    """A figure without its words, and the words.

    Parameters
    ----------
    figure : Figure
    caption : list
        Title and subtitle, as components.
    note : list
        The small print.
    """

    figure: Any
    caption: list[Any]
    note: list[Any]


def framed(figure: Any) -> Framed:
    """Take title, subtitle and small print out of a figure (which is changed)."""
    unwind(figure)  # the page has one clock for all its pictures
    layout = figure.layout
    without_bar(layout)  # the page has its own
    title, subtitle = layout.title.text or "", layout.title.subtitle.text or ""
    prints = [note for note in layout.annotations if note.name == SMALL_PRINT]
    spare = _TITLE_LINE * bool(title) + _SUBTITLE_LINE * bool(subtitle)
    layout.title = {"text": None, "subtitle": {"text": None}}
    layout.annotations = [note for note in layout.annotations if note.name != SMALL_PRINT]
    top = _TOP if layout.margin.t is None else layout.margin.t
    bottom = _BOTTOM if layout.margin.b is None else layout.margin.b
    layout.margin.t = max(min(top, _LEAST_TOP), top - spare)
    least = _LEAST_BOTTOM if _written_below(figure) else _BARE_BOTTOM
    layout.margin.b = min(bottom, least) if prints else bottom
    _slim(figure)
    words = " · ".join(part for part in (title, subtitle) if part)
    return Framed(figure, components(words), components(" ".join(note.text for note in prints)))


def _written_below(figure: Any) -> bool:
    """Tell whether an axis has numbers or a title below the picture."""
    axes = list(figure.select_xaxes())
    return not axes or any(axis.side != "top" and axis.showticklabels is not False for axis in axes)


def _slim(figure: Any) -> None:
    """Colour bars of a panel are thin and their words small."""
    slim = {"thickness": 10, "title": {"font": {"size": 13}}, "tickfont": {"size": 12}, "xpad": 6}
    for trace in figure.data:
        if trace.type == "heatmap" and trace.showscale is not False:
            trace.colorbar.update(slim)
        marker = trace.marker if "marker" in trace else None
        if marker is not None and "showscale" in marker and marker.showscale:
            marker.colorbar.update(slim)


def components(text: str) -> list[Any]:
    """Turn Plotly's small subset of HTML into components; anything else in it is dropped, its text kept.

    Examples
    --------
    >>> components("a &lt; <b>b</b>")
    ['a < ', B('b')]
    """
    reader = _Reader()
    reader.feed(text)
    reader.close()
    return reader.found


class _Reader(HTMLParser):
    """Keeps bold, italics and colours, one level deep; a line break becomes a space."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self.found: list[Any] = []
        self._bold = 0
        self._colours: list[str | None] = []
        self._text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._flush()
        if tag == "b":
            self._bold += 1
        elif tag == "span":
            matched = _COLOUR.match(dict(attrs).get("style") or "")
            self._colours.append(matched[1] if matched else None)
        elif tag == "br":
            self._text += " "

    def handle_endtag(self, tag: str) -> None:
        self._flush()
        if tag == "b":
            self._bold = max(0, self._bold - 1)
        elif tag == "span" and self._colours:
            self._colours.pop()

    def handle_data(self, data: str) -> None:
        self._text += data

    def handle_entityref(self, name: str) -> None:
        self._text += unescape(f"&{name};")

    def handle_charref(self, name: str) -> None:
        self._text += unescape(f"&#{name};")

    def close(self) -> None:
        super().close()
        self._flush()

    def _flush(self) -> None:
        if not self._text:
            return
        colour = next((hue for hue in reversed(self._colours) if hue), None)
        piece: Any = self._text
        if colour:
            piece = html.Span(piece, style={"color": colour, "fontWeight": 600 if self._bold else 500})
        elif self._bold:
            piece = html.B(piece)
        self.found.append(piece)
        self._text = ""
