"""Where the occurrences of one word lie, sense by sense, at one layer."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from genviz.analysis.senses import chance, flat_maps, separation, turned_onto
from genviz.figures import latent_map as figures
from genviz.figures.text import clean
from genviz.figures.theme import SIZE, palette
from genviz.views.base import StandIn, View
from genviz.views.controls import Choice, Control, Number
from genviz.views.latent_map import METHODS
from genviz.views.projecting import layout
from genviz.views.senses import Senses, layer_control, sense_controls, spoken, vectors_control
from genviz.views.subject import Subject

ROOM = 1.3  # half the width of the map, in distances of the farthest occurrence at any layer
POINT = 13  # px
UMAP_AXES = ("UMAP 1 (no unit)", "UMAP 2 (no unit)")
_PLANE = (
    "Plane: two principal components ({share:.0%} of the variance), of one spread, turned onto the next "
    "layer's (Procrustes)."
)


def _controls(subject: Subject) -> tuple[Control, ...]:
    return (
        *sense_controls(subject),
        layer_control(subject),
        vectors_control(),
        Choice(
            "method", "Map by", "pca", choices=METHODS,
            help="PCA keeps the directions of largest spread; UMAP keeps neighbourhoods only.",
        ),
        Number("seed", "Seed", 0, minimum=0, maximum=9999, help="Same seed, same map (UMAP)."),
    )  # fmt: skip


def _draw(
    subject: Subject, *, theme: str, layer: int, vectors: str, method: str, seed: int, **look: Any
) -> go.Figure:
    here = Senses.of(subject, look)
    at = here.at(layer)
    maps, explained = flat_maps(here.vectors("raw"))
    equal = not np.isfinite(explained[at]).all()
    shown = maps[at] if method == "pca" or equal else _neighbourhoods(here.vectors("raw")[at], maps[at], seed)
    figure = figures.latent_map(
        shown,
        axes=UMAP_AXES if method == "umap" and not equal else ("", ""),
        colouring=here.colouring,
        picks=here.pair,
        said=[here.told(item) for item in range(len(shown))],
        note=_note(here, vectors, None if method == "umap" or equal else float(explained[at].sum())),
        theme=theme,
    )
    figure.update_layout(title={"text": _title(here, vectors, at, equal)})
    _settle(figure, maps, method == "pca" or equal)
    if equal:
        _say_equal(figure, here.layers[at], theme)
    return figure


def _neighbourhoods(points: NDArray[np.float32], onto: NDArray[np.float64], seed: int) -> NDArray[np.float64]:
    """UMAP, turned to lie as the plane map does."""
    found = np.asarray(layout(np.ascontiguousarray(points), method="umap", seed=seed).coordinates, np.float64)
    return turned_onto(found - found.mean(axis=0), onto)


def _title(here: Senses, vectors: str, at: int, equal: bool) -> str:
    where = spoken(here.layers, at)
    if equal:
        return f"{where}: all {len(here.labels)} vectors of “{clean(here.word)}” are equal"
    found = separation(1 - here.cosines(vectors)[at], here.labels)
    if not found.asked or len(set(here.labels)) < 2:
        return where
    likely = chance(here.labels) * found.asked
    told = f"neighbour of own sense {found.right:.3g} of {found.asked} (chance {likely:.1f})"
    measured = "" if np.isnan(found.silhouette) else f", silhouette {found.silhouette:.2f}"
    return f"{where}: {told}{measured}"


def _note(here: Senses, vectors: str, share: float | None) -> str:
    width = here.vectors("raw").shape[2]
    how = "centred vectors" if vectors == "centred" else "vectors as they are"
    measured = f"Neighbours, silhouette: cosine of {how}, all {width} channels."
    alone = sum(here.labels.count(label) == 1 for label in here.labels)
    if len(set(here.labels)) == len(here.labels):
        measured = "No two texts have one label: write “sense | text” to measure how far senses are apart."
    elif alone:
        measured += f" {alone} alone in their sense count for neither neighbours nor chance."
    return measured if share is None else f"{measured} {_PLANE.format(share=share)}"


def _settle(figure: go.Figure, maps: NDArray[np.float64], plane: bool) -> None:
    """One window for all layers, points that a hand can hit."""
    for trace in figure.data:
        if trace.mode == "markers" and trace.name not in ("A", "B"):
            trace.marker.size = max(POINT, trace.marker.size) if len(maps[0]) <= 60 else trace.marker.size
    figure.update_layout(legend={"font": {"size": SIZE - 2}, "title": {"font": {"size": SIZE - 2}}})
    if plane:
        bare = {"showticklabels": False}  # spreads of a layer: numbers of no meaning elsewhere
        figure.update_xaxes(range=_window(maps[..., 0]), **bare)
        figure.update_yaxes(range=_window(maps[..., 1]), **bare)
        figure.update_layout(margin={"l": 24})


def _window(places: NDArray[np.float64]) -> list[float]:
    middle, half = (places.max() + places.min()) / 2, max(float(np.ptp(places)) / 2, 0.1) * ROOM
    return [float(middle - half), float(middle + half)]


def _say_equal(figure: go.Figure, layer: str, theme: str) -> None:
    more = ":<br>the embedding says nothing about sense" if layer == "embedding" else ""
    figure.add_annotation(
        text=f"all vectors are equal here{more}", x=0.5, y=0.72, xref="paper", yref="paper", showarrow=False,
        name="equal", font={"size": SIZE, "color": palette(theme).text},
    )  # fmt: skip


def _sooner(_: Subject, values: Mapping[str, Any]) -> StandIn | None:
    says = "PCA, while UMAP is laid out (its first map takes half a minute)"
    return StandIn({"method": "pca"}, says) if values["method"] == "umap" else None


sense_map = View(
    name="sense_map",
    title="Map of the occurrences",
    question="Do the two senses lie apart at this layer?",
    needs=("live.word_vectors",),
    controls=_controls,
    draw=_draw,
    sooner=_sooner,
)
