"""Another run of a page: its pictures in one answer, the largest first, ahead of what else changes."""

import logging
from collections.abc import Iterator
from typing import Any

from dash import Dash
from flask import Response, request
from plotly.io.json import to_json_plotly

from dashboards import panels, running, shell
from dashboards.address import Address
from dashboards.stage import Stage
from genviz.errors import GenvizError
from genviz.views.controls import Step

_PATIENCE = (
    3.0  # seconds for which the pictures of the run before stay, until the page says what it waits for
)
_LOG = logging.getLogger("dashboards")


def requests(stage: Stage, asked: dict[str, Any]) -> list[dict[str, Any]]:
    """What the page of a link would ask of its pictures, as its scripts would put it.

    Parameters
    ----------
    stage : Stage
    asked : dict
        ``href``, the link, and ``shown``, the names of the views that are seen.

    Returns
    -------
    list of dict
        Without those that are played or that something stands in for, which are better asked for one by one.
        Nothing at all when the page has to be built anew: the model takes long, or something of the link
        does not fit.

    Raises
    ------
    GenvizError
        When the model cannot be run on that.
    """
    address = Address.parse(str(asked.get("href", "/")))
    performance = (
        stage.ask(address.subject, running.checked(address.run)) if address.subject in stage.acts else None
    )
    if performance is None or not performance.wait(_PATIENCE):
        return []
    subject = performance.subject
    page = shell.page_of(address, subject)
    placed, complaints = shell.place(page, subject, address)
    if complaints or running.cut_of(subject):
        return []
    shown = asked.get("shown")
    shown = shown if isinstance(shown, list) else []
    found = []
    for panel in sorted(page.panels, key=lambda panel: panel.columns * panel.rows, reverse=True):
        for view in page.shown(panel, subject):
            values = shell.values(placed, view.name)
            steps = any(isinstance(item.control, Step) for item in placed if view.name in item.views)
            if view.name in shown and not steps and view.stand_in(subject, **values) is None:
                found.append(
                    {
                        "subject": address.subject,
                        "view": view.name,
                        "theme": address.theme or "light",
                        "run": dict(address.run),
                        "values": values,
                    }
                )
    return found


def lines(stage: Stage, asked: dict[str, Any]) -> Iterator[bytes]:
    """One line of JSON per picture: what was asked, and what changes in its frame."""
    try:
        for each in requests(stage, asked):
            yield to_json_plotly({"request": each, **panels.answer(stage, each)}).encode() + b"\n"
    except GenvizError:  # the page, which is asked for next, says what is wrong
        return
    except Exception as error:
        _LOG.error("pictures of another run could not be sent ahead", exc_info=error)


def register(app: Dash, stage: Stage) -> None:
    """Register the route."""

    @app.server.post("/rerun")
    def rerun() -> Response:
        asked = request.get_json(silent=True)
        return Response(
            lines(stage, asked if isinstance(asked, dict) else {}), mimetype="application/x-ndjson"
        )
