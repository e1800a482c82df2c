"""From one query and one key to a weight: every step of the score, channel by channel."""

from dataclasses import dataclass

import numpy as np

from genviz.attention import AttentionInputs
from genviz.shapes import Bool, Float64


@dataclass(frozen=True)
class ScoreSteps:
    """How one weight of attention comes about.

    Parameters
    ----------
    query, key : float64 array, (channel,)
        As they meet: after position rotation, where the model rotates.
    product : float64 array, (channel,)
        Channel by channel; its sum is ``dot``.
    dot, scaled, capped, shaped : float
        ``q·k``; times the scale; soft-capped (equal where the model caps nothing); with the bias added.
    scores : float64 array, (every key,)
        What the softmax gets for this query, ``-inf`` where masked.
    weights : float64 array, (every key,)
    allowed : bool array, (every key,)
    """

    query: Float64[np.ndarray, " channel"]
    key: Float64[np.ndarray, " channel"]
    product: Float64[np.ndarray, " channel"]
    dot: float
    scaled: float
    capped: float
    shaped: float
    scores: Float64[np.ndarray, " every"]
    weights: Float64[np.ndarray, " every"]
    allowed: Bool[np.ndarray, " every"]

    @property
    def bias(self) -> float:
        """What is added to the score of this key."""
        return self.shaped - self.capped


def score_steps(inputs: AttentionInputs, head: int, query: int, *, key: int) -> ScoreSteps:
    """Work out one weight step by step.

    ``softmax_k(cap(scale · q·k) + bias)`` over the keys that the mask lets through (Vaswani et al. 2017,
    arXiv:1706.03762, equation 1).

    Parameters
    ----------
    inputs : AttentionInputs
    head, query, key : int
    """
    group = head // (inputs.heads // inputs.key.shape[0])
    q = np.asarray(inputs.query[head, query], np.float64)
    k = np.asarray(inputs.key[group, key], np.float64)
    rule, rows = inputs.rule, np.array([query])
    dot = float(q @ k)
    scaled = dot * rule.scale
    capped = scaled if rule.softcap is None else float(rule.softcap * np.tanh(scaled / rule.softcap))
    scores = np.asarray(inputs.scores(head, rows)[0], np.float64)
    return ScoreSteps(
        q, k, q * k, dot, scaled, capped, capped + _bias(inputs, head, query, key=key),
        scores, np.asarray(inputs.weights(head, rows)[0], np.float64), ~np.isneginf(scores),
    )  # fmt: skip


def _bias(inputs: AttentionInputs, head: int, query: int, *, key: int) -> float:
    if inputs.bias is None:
        return 0.0
    bias = inputs.bias[head if inputs.bias.shape[0] > 1 else 0]
    return float(bias[query if bias.shape[0] > 1 else 0, key])
