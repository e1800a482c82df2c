"""What the perceptron views share: the Linear layers of a recording, for one item."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genviz.errors import NotCaptured
from genviz.recording import Entry, Recording
from genviz.views.controls import Control, Number
from genviz.views.stepping import step_controls
from genviz.views.subject import Subject

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Layer:
    """One Linear layer for one item.

    Parameters
    ----------
    site : str
    weight : float array, (unit, input)
    bias : float array, (unit,)
        Zeros where the layer has none.
    inputs : float array, (input,)
    total : float array, (unit,)
        The weighted sums.
    output : float array, (unit,)
        After the activation function.
    """

    site: str
    weight: NDArray[np.float64]
    bias: Vector
    inputs: Vector
    total: Vector
    output: Vector


def linear_sites(recording: Recording) -> tuple[str, ...]:
    """Sites of Linear layers whose inputs were recorded, in the order in which they ran."""
    matrices = {e.site for e in recording.entries(kind="weight") if len(e.shape) == 2}
    return tuple(site for site in recording.sites(kind="input") if site in matrices)


def item_count(recording: Recording) -> int:
    """Items for which layers were recorded."""
    site = linear_sites(recording)[0]
    return int(recording.entries(site, "input")[0].shape[0])


def layer(recording: Recording, site: str, row: int, *, step: int | None) -> Layer:
    """Read one layer for one item.

    Raises
    ------
    NotCaptured
        When weights, inputs or weighted sums of this layer are missing.
    """
    weight = _read(recording, site, "weight", step=step)
    has_bias = bool(recording.entries(site, "bias"))
    total = _item(_read(recording, site, "weighted_sum", step=step), row, site)
    output = (
        _read(recording, site, "activation", step=step) if recording.entries(site, "activation") else None
    )
    return Layer(
        site,
        weight,
        _read(recording, site, "bias", step=step) if has_bias else np.zeros(len(weight)),
        _item(_read(recording, site, "input", step=step), row, site),
        total,
        total if output is None else _item(output, row, site),
    )


def input_names(recording: Recording, count: int) -> list[str]:
    """Names of the network's inputs; ``x1 …`` where they were not given."""
    names = list(recording.info.get("feature_names") or ())
    return [str(n) for n in names] if len(names) == count else [f"x{n + 1}" for n in range(count)]


def item_controls(subject: Subject) -> tuple[Control, ...]:
    """Which item, and which training step where there are several; first the last one."""
    last = item_count(subject.recorded()) - 1
    row = Number("row", "Item", 0, minimum=0, maximum=last,
                 help="The item of the data whose numbers run through the network.")  # fmt: skip
    return (row, *step_controls(subject, "activation"))


def _read(recording: Recording, site: str, kind: str, *, step: int | None) -> NDArray[np.float64]:
    found: list[Entry] = [e for e in recording.entries(site, kind) if step is None or e.step == step]
    if not found:
        recording.entry(site, kind, **({} if step is None else {"step": step}))  # raises with the reason
    latest: Any = max(found, key=lambda e: (e.step is not None, e.step or 0, e.call))
    return np.asarray(latest.load(), np.float64)


def _item(array: NDArray[np.float64], row: int, site: str) -> Vector:
    if not 0 <= row < len(array):
        raise NotCaptured(f"no item {row} at {site!r}: {len(array)} were recorded (0 … {len(array) - 1})")
    chosen: Vector = array[row].reshape(-1)
    return chosen
