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
    values = {**(asked.get("values") or {}), "count": STEPS}
    figure = drawn(stage, {**asked, "view": VIEW, "values": values})
    pictures = [image.source for image in figure.layout.images]
    way = figure.layout.meta["genviz"]["controls"]["way"]
    ways = ("linear", "slerp") if way == "both" else (way,)
    return {name: pictures[n * STEPS : (n + 1) * STEPS] for n, name in enumerate(ways)}


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
