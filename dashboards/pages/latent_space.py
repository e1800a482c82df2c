"""Latent space: a map of the codes, and the way between two of them."""

from typing import Any

from dashboards.pages.base import Click, Page, Panel
from dashboards.player import player
from genviz.views.subject import Subject


def _walk(subject: Subject) -> list[Any]:
    return [player()] if subject.has("live.decode") else []


LATENT_SPACE = Page(
    "latent-space",
    "Latent space",
    "Where does the model put each item, and what lies on the way from one to another?",
    needs=("latent|mean",),
    panels=(
        Panel(("latent_map",), columns=6),
        Panel(("interpolation", "reconstructions"), columns=6, rows=6),
    ),
    also=_walk,
    first={"count": 7, "method": "umap"},
    clicks={"latent_map": Click(picks="picks")},
    part="Pictures",
)
