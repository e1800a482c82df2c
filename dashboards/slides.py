"""Slides: figures kept as states, drawn again when they are looked at, and written as a deck.

The browser keeps what describes a figure (subject, view, controls, words), so a deck survives a restart of
the server; this module draws it again and hands it to :func:`genviz.export.write`.
"""

import io
import logging
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dash_mantine_components as dmc
from dash import Dash, html
from flask import Response, request, send_file

from dashboards.panels import drawn
from dashboards.stage import Stage
from genviz.errors import ExportError, GenvizError, UnknownFormat

FORMATS = {
    "pptx": ("PowerPoint", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
    "pdf": ("PDF", "application/pdf"),
    "html": ("HTML", "text/html"),
}
MOST = 60  # slides of a deck
_LONGEST = {"title": 200, "caption": 1000, "notes": 8000}
_LOG = logging.getLogger("dashboards")


def page() -> list[Any]:
    """The slides page; its list is filled by the browser, which keeps the slides."""
    return [
        html.Div(
            [
                html.H1("What do you take to your talk?"),
                html.P(
                    "Figures that you keep are drawn again from their model, so they stay live.",
                    className="of",
                ),
            ],
            className="question",
        ),
        html.Ol(id="slide-list", className="slide-list", **{"aria-label": "Slides"}),
        html.Div(
            [
                html.H2("No slides yet"),
                html.P(
                    "Open a chapter and choose “Add to slides” on a figure. It comes here with its settings."
                ),
            ],
            id="slide-empty",
            className="card note",
            hidden=True,
        ),
    ]


def aside() -> list[Any]:
    """The slides page's controls: theme of the deck, and downloads."""
    buttons = [
        html.Button(
            f"Download {name}",
            className="button" + (" primary" if suffix == "pptx" else ""),
            type="button",
            id=f"download-{suffix}",
            **{"data-download": suffix},
        )
        for suffix, (name, _) in FORMATS.items()
    ]
    theme = dmc.SegmentedControl(
        id="deck-theme",
        value="light",
        fullWidth=True,
        size="sm",
        data=[{"value": "light", "label": "Light"}, {"value": "dark", "label": "Dark"}],
    )
    return [
        html.Section(
            [
                html.Div(html.Span("Theme of the deck", id="deck-theme-label"), className="control-label"),
                html.Div(theme, role="group", className="control", **{"aria-labelledby": "deck-theme-label"}),
                html.Div(buttons, className="stack"),
                html.P(id="deck-status", className="status", role="status"),
            ],
            className="controls",
        )
    ]


def register(app: Dash, stage: Stage) -> None:
    """Register the routes: one figure for a thumbnail, and the whole deck."""

    @app.server.post("/slides/figure")
    def figure() -> Response:
        try:
            return Response(drawn(stage, _json()).to_json(), mimetype="application/json")
        except GenvizError as error:
            return _sorry(error)

    @app.server.post("/slides/deck")
    def deck() -> Response:
        try:
            asked = _json()
            suffix = str(asked.get("format"))
            data = written(stage, asked, suffix)
        except GenvizError as error:
            return _sorry(error)
        return send_file(
            io.BytesIO(data),
            mimetype=FORMATS[suffix][1],
            as_attachment=True,
            download_name=f"slides.{suffix}",
        )


def written(stage: Stage, asked: Mapping[str, Any], suffix: str) -> bytes:
    """Write the deck that a page describes.

    Raises
    ------
    GenvizError
        When a slide cannot be drawn (says which), or the file cannot be written.
    """
    from genviz.export import write

    if suffix not in FORMATS:
        raise UnknownFormat(f"no deck of format {suffix!r}: the formats are {', '.join(FORMATS)}")
    states = asked.get("slides") or ()
    if not isinstance(states, list) or not states:
        raise ExportError("the deck has no slides: add a figure first")
    if len(states) > MOST:
        raise ExportError(f"a deck holds {MOST} slides, not {len(states)}: download it in parts")
    theme = "dark" if asked.get("theme") == "dark" else "light"
    slides = [_slide(stage, state, number, theme) for number, state in enumerate(states, 1)]
    with tempfile.TemporaryDirectory(prefix="genviz-") as folder:
        return write(slides, Path(folder) / f"slides.{suffix}").read_bytes()


def _slide(stage: Stage, state: Any, number: int, theme: str) -> Any:
    from genviz.export import Slide

    if not isinstance(state, dict):
        raise ExportError(f"slide {number} is not described: expected subject, view and values")
    try:
        figure = drawn(stage, {**state, "theme": theme})
    except GenvizError as error:
        raise ExportError(f"slide {number} cannot be drawn: {error}") from None
    words = {name: str(state.get(name) or "")[:longest] for name, longest in _LONGEST.items()}
    return Slide(figure, **words)


def _json() -> dict[str, Any]:
    found = request.get_json(silent=True)
    if not isinstance(found, dict):
        raise ExportError("the request describes no slide")
    return found


def _sorry(error: GenvizError) -> Response:
    import json

    return Response(json.dumps({"error": str(error)}), 422, mimetype="application/json")
