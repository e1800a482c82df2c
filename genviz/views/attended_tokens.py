"""The tokens that attention runs over: which are the same, which stand for no text, whose text they are."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genviz.analysis.words import special
from genviz.views.attending import AttentionSite

LISTS = ("tokens", "target_tokens")


def token_list(here: AttentionSite, axis: str) -> str:
    """Name of the list that the tokens of an axis are in."""
    named = here.reader.attrs(here.call).get("tokens") or {}
    return str(named.get(axis) or LISTS[0])


def crossed(here: AttentionSite) -> bool:
    """Tell whether queries and keys stand in different texts (cross-attention)."""
    attrs = here.reader.attrs(here.call)
    named = attrs.get("tokens") or {}
    if "query" in named and "key" in named:
        return bool(named["query"] != named["key"])
    queries, keys = here.shape
    continues = attrs.get("rule", {}).get("causal") or queries + here.start == keys
    return queries != keys and not continues


def identities(here: AttentionSite) -> NDArray[np.int64] | None:
    """A number per key, equal for equal tokens; None when the recording holds neither ids nor tokens."""
    ids = _ids(here)
    if ids is not None:
        return ids
    names = here.names[1]
    if not all(isinstance(name, str) for name in names):
        return None
    return np.unique(np.array([str(n) for n in names]), return_inverse=True)[1].astype(np.int64)


def _ids(here: AttentionSite) -> NDArray[np.int64] | None:
    recording, wanted = here.reader.recording, token_list(here, "key")
    found = [
        entry
        for entry in recording.entries(kind="ids")
        if (entry.attrs.get("tokens") or {}).get("token", LISTS[0]) == wanted
        and entry.shape[0] > here.reader.sample
        and (here.call is None or entry.call == here.call)
    ]
    rows = [np.asarray(entry.load()[here.reader.sample]).reshape(-1) for entry in found]
    ids = np.concatenate(rows) if rows else np.zeros(0, np.int64)
    return ids.astype(np.int64) if len(ids) == here.shape[1] else None


def specials(here: AttentionSite, axis: str = "key") -> NDArray[np.bool_]:
    """Tell which tokens of an axis stand for no text."""
    names: Sequence[Any] = here.names[0 if axis == "query" else 1]
    known = here.reader.recording.info.get("special_tokens") or ()
    return special([name if isinstance(name, str) else "" for name in names], map(str, known))


def last_word(names: Sequence[Any]) -> int:
    """The last word: what has seen most of the text."""
    spelled = np.array([any(map(str.isalnum, str(name))) for name in names], bool)
    plain = np.flatnonzero(spelled & ~special(names))
    return int(plain[-1]) if len(plain) else len(names) - 1
