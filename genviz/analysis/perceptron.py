"""A perceptron spelt out: what each input adds to a unit's weighted sum."""

from dataclasses import dataclass

import numpy as np

from genviz.shapes import Float, Float64, Int


@dataclass(frozen=True)
class WeightedSum:
    """One unit for one item: ``z = Σ wᵢ·xᵢ + b`` (Rosenblatt 1958, *The perceptron*).

    Parameters
    ----------
    parts : float array, (input,)
        ``wᵢ·xᵢ``.
    bias : float
    total : float
        The weighted sum, in float64.
    """

    parts: Float64[np.ndarray, " input"]
    bias: float
    total: float


def weighted_sum(
    weights: Float[np.ndarray, " weight"], inputs: Float[np.ndarray, " input"], bias: float = 0.0
) -> WeightedSum:
    """Spell out one unit.

    Parameters
    ----------
    weights, inputs : float arrays, (input,)
    bias : float

    Raises
    ------
    ValueError
        When weights and inputs differ in number.
    """
    if np.shape(weights) != np.shape(inputs):
        raise ValueError(f"{np.shape(weights)} weights do not fit {np.shape(inputs)} inputs")
    parts = np.asarray(weights, np.float64) * np.asarray(inputs, np.float64)
    return WeightedSum(parts, float(bias), float(parts.sum() + bias))


def contributions(
    weights: Float[np.ndarray, "unit input"], inputs: Float[np.ndarray, " input"]
) -> Float64[np.ndarray, "unit input"]:
    """``wᵤᵢ·xᵢ`` for every unit and input; shape ``(unit, input)``."""
    return np.asarray(weights, np.float64) * np.asarray(inputs, np.float64)[None, :]


def strongest_units(
    incoming: Float[np.ndarray, "unit input"] | None,
    outgoing: Float[np.ndarray, "next unit"] | None,
    most: int,
) -> Int[np.ndarray, " kept"]:
    """Choose the units of a layer with the largest weights, in their own order.

    Parameters
    ----------
    incoming : float array (unit, input) or None
        None for the inputs of the network.
    outgoing : float array (next unit, unit) or None
        None for its outputs.
    most : int
    """
    size = 0.0
    if incoming is not None:
        size = size + np.linalg.norm(np.nan_to_num(incoming), axis=1)
    if outgoing is not None:
        size = size + np.linalg.norm(np.nan_to_num(outgoing), axis=0)
    order = np.argsort(-np.asarray(size), kind="stable")
    return np.sort(order[:most])
