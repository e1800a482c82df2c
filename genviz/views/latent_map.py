"""Where the codes lie: a map of latent space."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import plotly.graph_objects as go

from genviz.analysis.latent import lerp
from genviz.figures import latent_map as figures
from genviz.views.base import StandIn, View
from genviz.views.controls import Choice, Control, Number
from genviz.views.latent import codes_of, colourings, first_colour, picks_control
from genviz.views.projecting import layout, warm
from genviz.views.subject import Subject

PATH_POINTS = 48
METHODS = (("pca", "PCA"), ("umap", "UMAP"))
AXES = {
    "pca": ("principal component 1", "principal component 2"),
    "umap": ("UMAP 1 (no unit)", "UMAP 2 (no unit)"),
}


def _controls(subject: Subject) -> tuple[Control, ...]:
    recording = subject.recorded()
    codes = codes_of(recording)
    known = colourings(recording, codes)
    choices = (*((name, name) for name in known), ("none", "nothing"))
    return (
        Choice(
            "method",
            "Map by",
            "pca",
            choices=METHODS,
            help="PCA keeps directions and distances of largest spread; UMAP keeps neighbourhoods only.",
        ),
        Choice(
            "colour", "Colour by", first_colour(known), choices=choices, help="What is known of the items."
        ),
        picks_control(recording, codes),
        Number("seed", "Seed", 0, minimum=0, maximum=9999, help="Same seed, same map (UMAP)."),
    )


def _draw(
    subject: Subject, *, theme: str, method: str, colour: str, picks: tuple[int, ...], seed: int
) -> go.Figure:
    codes = codes_of(subject.recorded())
    known = colourings(subject.recorded(), codes)
    found = layout(codes.values, method=method, seed=seed)
    path = None
    note = f"Trustworthiness {found.trustworthiness:.3f} (1 is best)."
    if len(picks) == 2:
        shares = np.linspace(0, 1, PATH_POINTS)
        path = found.place(lerp(codes.values[picks[0]], codes.values[picks[1]], shares))
        note += " Dotted: straight line between the codes A and B."
    if len(picks) == 2 and method == "umap":
        note += f" Its place on this map: {found.placing}."
    return figures.latent_map(
        found.coordinates,
        axes=_axes(method, found),
        colouring=known.get(colour),
        picks=picks,
        path=path,
        note=note,
        one_scale=method == "pca",  # UMAP's axes have no unit: the map may fill its frame
        theme=theme,
        title=f"{len(codes.values):,} codes of {codes.values.shape[1]} dimensions ({codes.site or 'model'})",
    )


def _axes(method: str, found: Any) -> tuple[str, str]:
    shares = getattr(found, "explained", None)
    if method != "pca" or shares is None:
        return AXES[method]
    first, second = (
        f"{name} ({share:.0%} of the variance)" for name, share in zip(AXES["pca"], shares, strict=False)
    )
    return first, second


def _sooner(_: Subject, values: Mapping[str, Any]) -> StandIn | None:
    says = "PCA, while UMAP is laid out (its first map takes half a minute)"
    return StandIn({"method": "pca"}, says) if values["method"] == "umap" else None


latent_map = View(
    name="latent_map",
    title="Map of latent space",
    question="Where does the model put each item, and what lies close together?",
    needs=("latent|mean",),
    controls=_controls,
    draw=_draw,
    sooner=_sooner,
    prepare=warm,
)
