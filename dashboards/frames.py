"""Frames of a walk through latent space, decoded in one batch, for a player that needs no further call."""

import json
from typing import Any

from dash import Dash
from flask import Response, request

from dashboards.panels import drawn
from dashboards.player import VIEW
from dashboards.stage import Stage
from genviz.errors import ControlError, GenvizError

STEPS = 24


def frames(stage: Stage, asked: dict[str, Any]) -> dict[str, list[str]]:
    """Pictures of the walk, one list per way, as the view decodes them.

    Raises
    ------
    GenvizError
        When the view cannot be drawn.
    """
    values = dict(asked.get("values") or {})
    chosen = str(values.get("way") or "slerp")
    found = {}
    for way in ("linear", "slerp") if chosen == "both" else (chosen,):
        walk = {**asked, "view": VIEW, "values": {**values, "way": way, "count": STEPS}}
        found[way] = [image.source for image in drawn(stage, walk).layout.images]
    return found


def register(app: Dash, stage: Stage) -> None:
    """Register the route."""

    @app.server.post("/frames")
    def walk() -> Response:
        try:
            asked = request.get_json(silent=True)
            if not isinstance(asked, dict):
                raise ControlError("the request describes no walk")
            return Response(json.dumps(frames(stage, asked)), mimetype="application/json")
        except GenvizError as error:
            return Response(json.dumps({"error": str(error)}), 422, mimetype="application/json")
