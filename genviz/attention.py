"""Attention weights from what attention was computed from: queries, keys, scale and a mask rule.

Storing queries and keys costs O(tokens), the weights O(tokens²); so a recording keeps the first and
the weights are worked out for the rows that somebody looks at.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from genviz.shapes import Bool, Float, Float32, Int


@dataclass(frozen=True)
class MaskRule:
    """Which keys a query may attend to, and how its scores are shaped before the softmax.

    Parameters
    ----------
    causal : bool
        Query ``i`` sees keys up to ``i + offset``.
    offset : int
        Position of the first query among the keys (``key length - query length`` when decoding with a cache).
    window : int or None
        A query sees at most this many keys, counted back from its own position (and as many ahead
        when not causal).
    scale : float
        Factor on ``query · key``.
    softcap : float or None
        Scores become ``softcap * tanh(score / softcap)`` (Gemma 2, arXiv:2408.00118).
    """

    causal: bool = False
    offset: int = 0
    window: int | None = None
    scale: float = 1.0
    softcap: float | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain values for a frame's metadata."""
        return asdict(self)

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> "MaskRule":
        """Rebuild the rule; unknown fields are an error of the caller."""
        return cls(**fields)

    def allowed(
        self, rows: Int[np.ndarray, " row"], keys: int | Int[np.ndarray, " key"]
    ) -> Bool[np.ndarray, "row key"]:
        """Tell which of ``keys`` keys (or of these keys) each query in ``rows`` may see; ``(row, key)``."""
        position = rows[:, None] + self.offset
        key = (np.arange(keys) if isinstance(keys, int) else keys)[None, :]
        allowed = np.ones((rows.size, key.size), dtype=bool)
        if self.causal:
            allowed &= key <= position
        if self.window is not None:
            allowed &= key > position - self.window
            if not self.causal:
                allowed &= key < position + self.window
        return allowed

    def span(self, rows: range, keys: int) -> range:
        """Keys that any of the queries may see: outside of them, nothing has to be worked out."""
        first, last = rows[0] + self.offset, rows[-1] + self.offset
        ahead = 1 if self.causal else keys if self.window is None else self.window
        low = 0 if self.window is None else first - self.window + 1
        return range(min(max(low, 0), keys), min(max(last + ahead, 0), keys))

    def frees(self, rows: range, keys: range) -> bool:
        """Tell whether every one of the queries may see every one of the keys."""
        first, last = rows[0] + self.offset, rows[-1] + self.offset
        seen_ahead = not self.causal or keys[-1] <= first
        seen_back = self.window is None or keys[0] > last - self.window
        return (
            seen_ahead
            and seen_back
            and (self.window is None or self.causal or keys[-1] < first + self.window)
        )


@dataclass(frozen=True)
class AttentionInputs:
    """What one attention call was computed from, for one sample.

    Parameters
    ----------
    query : float array, (head, query, channel)
    key : float array, (group, key, channel)
        ``head`` is a multiple of ``group``; consecutive heads share a group.
    rule : MaskRule
    key_mask : bool array (key,), optional
        True where a key may be attended to (padding is False).
    bias : float array (head or 1, query or 1, key), optional
        Added to the scaled scores (ALiBi, relative positions, an arbitrary mask).
    sinks : float array (head,), optional
        A learned extra logit per head that takes weight but has no value (arXiv:2309.17453).
    """

    query: Float[np.ndarray, "head query channel"]
    key: Float[np.ndarray, "group key channel"]
    rule: MaskRule
    key_mask: Bool[np.ndarray, " key"] | None = None
    bias: Float[np.ndarray, "heads_or_1 queries_or_1 key"] | None = None
    sinks: Float[np.ndarray, " head"] | None = None

    @property
    def heads(self) -> int:
        """Number of query heads."""
        return int(self.query.shape[0])

    @property
    def shape(self) -> tuple[int, int]:
        """Number of queries and of keys."""
        return int(self.query.shape[1]), int(self.key.shape[1])

    def scores(self, head: int, rows: Int[np.ndarray, " row"]) -> Float32[np.ndarray, "row key"]:
        """Masked scores before the softmax (``-inf`` where masked), shape ``(row, key)``."""
        group = head // (self.heads // self.key.shape[0])
        query = np.asarray(self.query[head][rows], np.float32) * np.float32(self.rule.scale)
        scores: Float32[np.ndarray, "row key"] = np.matmul(
            query, np.asarray(self.key[group], np.float32).T, dtype=np.float32
        )
        if self.rule.softcap is not None:
            scores = _softcap(scores, self.rule.softcap)
        if self.bias is not None:
            bias = self.bias[head if self.bias.shape[0] > 1 else 0]
            scores += np.asarray(bias[rows] if bias.shape[0] > 1 else bias, np.float32)
        allowed = self.rule.allowed(rows, scores.shape[1])
        if self.key_mask is not None:
            allowed = allowed & self.key_mask[None, :]
        return np.where(allowed, scores, np.float32(-np.inf))

    def weights(
        self, head: int, rows: Int[np.ndarray, " row"] | None = None
    ) -> Float32[np.ndarray, "row key"]:
        """Attention weights of one head, shape ``(row, key)``; a row with no key to see is all zero.

        Softmax of the scores with the row's maximum taken off first (arXiv:1706.03762, equation 1).
        """
        rows = np.arange(self.shape[0]) if rows is None else rows
        scores = self.scores(head, rows)
        peak = scores.max(axis=1, keepdims=True, initial=-np.inf)
        if self.sinks is not None:
            peak = np.maximum(peak, np.float32(self.sinks[head]))
        peak = np.where(np.isfinite(peak), peak, np.where(np.isnan(peak), peak, np.float32(0)))
        exponent = np.exp(scores - peak)
        total = exponent.sum(axis=1, keepdims=True)
        if self.sinks is not None:
            total = total + np.exp(np.float32(self.sinks[head]) - peak)
        weights: Float32[np.ndarray, "row key"] = np.divide(
            exponent, total, out=np.zeros_like(exponent), where=total != 0
        )
        return weights


def _softcap(scores: Float32[np.ndarray, "row key"], cap: float) -> Float32[np.ndarray, "row key"]:
    return np.asarray(cap * np.tanh(scores / np.float32(cap)), np.float32)
