"""The way between two items through latent space, decoded."""

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from genviz.analysis.latent import PATHS
from genviz.errors import ControlError, NotApplicable
from genviz.figures import interpolation as figures
from genviz.figures.image import Pixels, to_pixels
from genviz.views.base import View
from genviz.views.controls import Choice, Control, Number
from genviz.views.latent import codes_of, picks_control
from genviz.views.pictures import picture_range, require_pictures
from genviz.views.subject import Subject

WAYS = (("both", "both"), ("linear", "straight line"), ("slerp", "arc (slerp)"))


def _controls(subject: Subject) -> tuple[Control, ...]:
    recording = subject.recorded()
    codes = codes_of(recording)
    return (
        picks_control(recording, codes),
        Choice("way", "Way", "both", choices=WAYS, help="Straight through latent space, or along the arc."),
        Number("count", "Stops", 7, minimum=3, maximum=24, help="Decoded pictures, ends included."),
    )


def _draw(subject: Subject, *, theme: str, picks: tuple[int, ...], way: str, count: int) -> go.Figure:
    frames, paths = walk(subject, picks, way, count=count)
    return figures.interpolation(
        frames,
        {name: np.linalg.norm(path, axis=1) for name, path in paths.items()},
        shares=np.linspace(0, 1, count).tolist(),
        title=f"From item {picks[0]} (A) to item {picks[1]} (B)",
        theme=theme,
    )


def walk(
    subject: Subject, picks: tuple[int, ...], way: str, *, count: int
) -> tuple[dict[str, Pixels], dict[str, NDArray[np.float64]]]:
    """Decode ``count`` stops between two items: pictures and codes of each way.

    Raises
    ------
    ControlError
        When not two items are chosen.
    """
    codes = codes_of(subject.recorded())
    if len(picks) != 2:
        raise ControlError(f"a way needs two items, not {len(picks)}: pick them on the map, or picks=3,17")
    names = ["linear", "slerp"] if way == "both" else [way]
    first, second = codes.values[picks[0]], codes.values[picks[1]]
    paths = {name: PATHS[name](first, second, np.linspace(0, 1, count)) for name in names}
    return _decoded(subject, paths, codes.item_shape), paths


def _decoded(
    subject: Subject, paths: dict[str, NDArray[np.float64]], item_shape: tuple[int, ...]
) -> dict[str, Pixels]:
    """Decode all ways in one batch."""
    if subject.live is None:
        raise NotApplicable(f"{subject.name!r} has no live model to decode with")
    every = np.concatenate(list(paths.values())).astype(np.float32)
    items = subject.live.call("decode", codes=every.reshape(len(every), *item_shape))
    pixels = to_pixels(
        require_pictures(np.asarray(items), "what the decoder makes"), picture_range(subject.info)
    )
    return dict(zip(paths, np.split(pixels, len(paths)), strict=True))


interpolation = View(
    name="interpolation",
    title="A walk between two items",
    question="What lies between two items, in the model's eyes?",
    needs=("latent|mean", "live.decode"),
    controls=_controls,
    draw=_draw,
)
