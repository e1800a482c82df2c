"""Frames of a walk through latent space, decoded in one batch, for a player that needs no further call."""

import json
from typing import Any

from dash import Dash
from flask import Response, request

from dashboards.panels import subject_asked
from dashboards.player import VIEW
from dashboards.stage import Stage
from genviz.errors import ControlError, GenvizError, NotApplicable
from genviz.figures.image import uri
from genviz.views.controls import chosen
from genviz.views.interpolation import interpolation, walk

STEPS = 24


def frames(stage: Stage, asked: dict[str, Any]) -> dict[str, list[str]]:
    """Pictures of the walk, one list per way, as the view decodes them; the page enlarges them.

    Raises
    ------
    GenvizError
        When there is no walk to decode.
    """
    subject = subject_asked(stage, asked)
    if lacking := interpolation.lacks(subject):
        raise NotApplicable(
            f"{subject.name!r} has no {' and no '.join(lacking)}, so there is no walk to play"
        )
    values = chosen(interpolation.controls(subject), {**(asked.get("values") or {}), "count": STEPS}, VIEW)
    pictures, _ = walk(subject, values["picks"], values["way"], count=STEPS)
    return {name: [uri(each) for each in frames] for name, frames in pictures.items()}


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
