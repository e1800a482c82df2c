"""Anything that was captured, as it is."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from genviz.errors import NotCaptured
from genviz.figures import array as figures
from genviz.figures.gallery import Band, gallery
from genviz.figures.image import to_pixels
from genviz.figures.theme import role
from genviz.kinds import KINDS
from genviz.recording import Entry, Recording
from genviz.recording.labels import tokens_of
from genviz.views.base import View
from genviz.views.controls import Choice, Control, Number
from genviz.views.pictures import picture_range
from genviz.views.subject import Subject

PICTURE_AXES = ("channel", "row", "column")
TOKEN_AXES = ("token", "query", "key")
PICTURES = 32  # shown at once


def _controls(subject: Subject) -> tuple[Control, ...]:
    recording = subject.recorded()
    groups = _groups(recording)
    planes = max((_planes(entry) for entry in recording.entries()), default=1)
    times = max((len(found) for found in groups.values()), default=1)
    choices = tuple((name, name) for name in groups)
    controls: list[Control] = [
        Choice(
            "what", "What", next(iter(groups), ""), choices=choices, help="Site and kind of a captured array."
        )
    ]
    if times > 1:
        controls.append(Number("time", "Time", 0, minimum=0, maximum=times - 1,
                               help="The n-th capture of it: call, step or source."))  # fmt: skip
    if planes > 1:
        controls.append(Number("plane", "Plane", 0, minimum=0, maximum=planes - 1,
                               help="Place in the leading axes of an array of more than two."))  # fmt: skip
    return tuple(controls)


def _draw(subject: Subject, *, theme: str, what: str, time: int = 0, plane: int = 0) -> go.Figure:
    recording = subject.recorded()
    found = _groups(recording).get(what, [])
    if not found:
        raise NotCaptured(f"nothing was captured in {subject.name!r}")
    if all(not entry.shape for entry in found):
        return _over_time(found, theme)
    if time >= len(found):
        raise NotCaptured(f"{what} was captured {len(found)} times: choose time=0 … {len(found) - 1}")
    entry = found[time]
    array = entry.load()
    if not array.size:
        raise NotCaptured(f"{what} is empty: its shape is {entry.shape}")
    if entry.axes[-3:] == PICTURE_AXES and array.ndim == 4 and array.shape[1] in (1, 3):
        return _pictures(entry, array, plane, span=picture_range(subject.info), theme=theme)
    return _plain(recording, entry, array, plane=plane, theme=theme)


def _groups(recording: Recording) -> dict[str, list[Entry]]:
    """Entries by what the control calls them."""
    groups: dict[str, list[Entry]] = {}
    for entry in recording.entries():
        groups.setdefault(f"{entry.site or '(model)'} · {entry.kind}", []).append(entry)
    return groups


def _planes(entry: Entry) -> int:
    return int(np.prod(entry.shape[:-2], dtype=np.int64)) or 1


def _title(entry: Entry) -> str:
    when = (
        f" · step {entry.step:,}" if entry.step is not None else f" · call {entry.call}" if entry.call else ""
    )
    source = entry.attrs.get("source")
    return f"{entry.site or 'model'} · {entry.kind}{f' ({source})' if source else ''}{when}"


def _shape(entry: Entry) -> str:
    return " × ".join(f"{size} {axis}" for axis, size in zip(entry.axes, entry.shape, strict=True))


def _over_time(found: list[Entry], theme: str) -> go.Figure:
    """Single numbers, captured again and again, as a curve."""
    steps = [entry.step for entry in found]
    by_step = None not in steps
    values = np.array([float(entry.load()) for entry in found])
    return figures.curve(
        values,
        axis="training step" if by_step else "call",
        value=_value(found[0]),
        places=steps if by_step else [entry.call for entry in found],
        title=f"{found[0].site or 'model'} · {found[0].kind}",
        theme=theme,
    )


def _plain(recording: Recording, entry: Entry, array: NDArray[Any], *, plane: int, theme: str) -> go.Figure:
    planes = array.reshape(-1, *array.shape[-2:]) if array.ndim > 2 else array[None]
    if plane >= len(planes):
        raise NotCaptured(f"no plane {plane} in {_title(entry)}: it has planes 0 … {len(planes) - 1}")
    at = np.unravel_index(plane, array.shape[:-2]) if array.ndim > 2 else ()
    sample = int(at[entry.axes.index("sample")]) if "sample" in entry.axes[: len(at)] else 0
    where = "".join(f" · {axis} {n}" for axis, n in zip(entry.axes, at, strict=False))
    labels = _labels(recording, entry, sample)
    title, subtitle = _title(entry) + where, _shape(entry)
    if array.ndim == 1:
        return figures.curve(array, axis=entry.axes[0], value=_value(entry), labels=labels[0], title=title,
                             subtitle=subtitle, theme=theme)  # fmt: skip
    return figures.plane(
        planes[plane],
        axes=(entry.axes[-2], entry.axes[-1]),
        value=_value(entry),
        labels=(labels[-2], labels[-1]),
        title=title,
        subtitle=subtitle,
        theme=theme,
    )


def _labels(recording: Recording, entry: Entry, sample: int) -> list[Sequence[str] | None]:
    """Tokens along each axis that has them."""
    return [
        tokens_of(entry, axis, length, recording.info, sample) if axis in TOKEN_AXES else None
        for axis, length in zip(entry.axes, entry.shape, strict=True)
    ]


def _value(entry: Entry) -> str:
    return entry.kind.replace("_", " ") if entry.kind in KINDS else "value"


def _pictures(
    entry: Entry, array: NDArray[Any], first: int, *, span: tuple[float, float], theme: str
) -> go.Figure:
    start = min(first, max(len(array) - PICTURES, 0))
    shown = array[start : start + PICTURES]
    numbers = list(range(start, start + len(shown)))
    band = Band("", to_pixels(shown, span), role("encoder", theme), [str(n) for n in numbers], numbers,
                hover=[f"item {n}" for n in numbers])  # fmt: skip
    return gallery(
        [band], columns=min(8, len(shown)), title=_title(entry), subtitle=_shape(entry), theme=theme
    )


array = View(
    name="array",
    title="Any captured array",
    question="What exactly was captured here?",
    needs=("recording",),
    controls=_controls,
    draw=_draw,
)
