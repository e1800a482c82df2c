"""The words that a recorded run says come next, with their probabilities."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genviz.errors import NotCaptured
from genviz.recording import Entry, Recording
from genviz.recording.labels import tokens_of
from genviz.views.stream import continued

LISTED = 5


@dataclass(frozen=True)
class Predicted:
    """Next words at each position.

    Parameters
    ----------
    ids : int array, (token, rank)
        Likeliest first.
    probabilities : float array, (token, rank)
        Of the whole vocabulary.
    words : list of str
        The tokens after which they come.
    """

    ids: NDArray[np.int64]
    probabilities: NDArray[np.float64]
    words: list[str]

    @classmethod
    def of(cls, recording: Recording, sample: int = 0) -> "Predicted":
        """Read the last run (with the runs that it continues).

        Raises
        ------
        NotCaptured
            When no logits were captured.
        """
        whole = recording.entries(kind="logits")
        entries = continued(whole or _required(recording))
        words = _words(recording, entries, sample)
        if whole:
            return cls(*_best(np.concatenate([entry.load()[sample] for entry in entries])), words)
        parts = {
            kind: np.concatenate([recording.entry(e.site, kind, call=e.call).load()[sample] for e in entries])
            for kind in ("top_logits", "top_ids", "logsumexp")
        }
        chance = np.exp(parts["top_logits"].astype(np.float64) - parts["logsumexp"][:, None])
        return cls(parts["top_ids"][:, :LISTED].astype(np.int64), chance[:, :LISTED], words)


def _required(recording: Recording) -> list[Entry]:
    found = list(recording.entries(kind="top_logits"))
    if not found:
        why = next((m.reason for m in recording.missing if m.kind == "logits"), "they were not asked for")
        raise NotCaptured(f"no predictions were captured: {why}")
    return found


def _best(logits: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    wide = logits.astype(np.float64)
    wide = wide - wide.max(axis=1, keepdims=True)
    chance = np.exp(wide) / np.exp(wide).sum(axis=1, keepdims=True)
    order = np.argsort(-chance, axis=1, kind="stable")[:, :LISTED]
    return order.astype(np.int64), np.take_along_axis(chance, order, axis=1)


def _words(recording: Recording, entries: list[Entry], sample: int) -> list[str]:
    found: list[str] = []
    for entry in entries:
        length = entry.shape[1]
        start = int(entry.attrs.get("start", {}).get("token", 0))
        names = tokens_of(entry, "token", length, recording.info, sample)
        found += map(str, names if names is not None else range(start, start + length))
    return found
