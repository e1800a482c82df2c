"""Which heads part the two senses of a word: the difference of its two last vectors as an exact sum.

With ``d`` the unit vector along the difference of the word's vectors behind the last block, each text's
``d · x`` is the sum of what every addition to the stream gives along ``d`` (:mod:`genviz.live.additions`);
the differences of the two sums' parts add up to the length of the difference. Effects are direct: what a
head adds, not what later layers make of it.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from genviz.errors import LiveError
from genviz.live.additions import Cut, run_cut, shares
from genviz.live.progress import report
from genviz.live.stack import Layout, only_sample
from genviz.live.word_vectors import SIDE, Found, Text, find_all, stream
from genviz.recording import Recording

if TYPE_CHECKING:
    from genviz.live.text_model import TextModel

# Of the length of the difference: by how much the parts may miss it, in single precision and in half.
_NEARLY, _HALF = 1e-2, 1e-1
_EQUAL = 1e-5  # of the vectors' length: a difference that is only rounding


def word_heads(live: "TextModel", texts: Sequence[Text], word: str, which: Sequence[int]) -> dict[str, Any]:
    """See :meth:`genviz.live.LanguageModel.word_heads`."""
    if len(texts) != 2 or len(which) != 2:
        raise LiveError(f"two texts are compared, not {len(texts)}: give two, with one occurrence of each")
    found = find_all(live, texts, word)
    places = [_occurrence(each, number, word) for each, number in zip(found, which, strict=True)]
    layout = Layout.of(live, SIDE)
    runs = [stream(live, layout, each.ids) for each in found]
    ends = [states[-1, place].double().mean(dim=0) for (_, states), place in zip(runs, places, strict=True)]
    apart = ends[0] - ends[1]
    length = float(apart.norm())
    told = {
        "layers": [name for name in runs[0][0] if name not in ("embedding", "input")],
        "length": length,
        "tokens": [each.tokens for each in found],
        "places": places,
        "looks": [_looks(live, each, place) for each, place in zip(found, places, strict=True)],
    }
    if length <= _EQUAL * float(max(end.norm() for end in ends)):
        return {**told, "length": 0.0, "parts": [], "bias": 0.0, "gap": 0.0}
    halves = []
    for number, (each, place) in enumerate(zip(found, places, strict=True)):
        report(0.4 + 0.3 * number, f"taking text {number + 1} apart")
        halves.append(_along(Cut(live, layout), each.ids, place, apart / length))
    return {**told, **_difference(halves, length)}


def _occurrence(found: Found, number: int, word: str) -> list[int]:
    if not 0 <= number < len(found.places):
        raise LiveError(
            f"no occurrence {number} of {word!r}: the text has {len(found.places)}, counted from 0"
        )
    return found.places[number]


_Half = tuple[list[dict[str, Any]], float, list[str], bool]


def _along(cut: Cut, ids: Sequence[int], place: list[int], unit: Tensor) -> _Half:
    """Parts of one text's vector along a direction, and the biases'; what hindered; if it is exact."""
    live = cut.live
    run_cut(cut, ids, live._start() if live.two_sided else None)
    if cut.end is None or not cut.end.requires_grad:
        raise LiveError("the last block handed nothing on when the model was run again")
    end = only_sample(cut.end)
    parts, bias = shares(cut, (end[place].double().mean(dim=0) * unit).sum())
    return parts, bias, cut.odd, end.dtype in (torch.float32, torch.float64)


def _difference(halves: Sequence[_Half], length: float) -> dict[str, Any]:
    (first, one, odd, exact), (second, other, *_) = halves
    if [part["site"] for part in first] != [part["site"] for part in second]:
        raise LiveError("the two texts did not run through the same parts, so they cannot be set off")
    parts = [
        {**a, "value": a["value"] - b["value"], "heads": _apart(a["heads"], b["heads"])}
        for a, b in zip(first, second, strict=True)
    ]
    bias = one - other
    gap = length - bias - sum(part["value"] for part in parts)
    if abs(gap) > (_NEARLY if exact else _HALF) * length:
        lost = f"; {', '.join(odd[:3])} is no norm with a scale to hold" if odd else ""
        raise LiveError(
            f"the word's last vector is not a sum of what the layers add: the parts miss the difference by "
            f"{gap:.3g} of {length:.3g}{lost}; the curve and the map hold all the same"
        )
    return {"parts": parts, "bias": bias, "gap": gap}


def _apart(first: NDArray[np.float64] | None, second: NDArray[np.float64] | None) -> Any:
    return None if first is None or second is None else np.asarray(first - second)


def _looks(live: "TextModel", found: Found, place: list[int]) -> dict[str, NDArray[np.float32]]:
    """What the word looks at, (run, head, key), by site; its tokens averaged. A shared block runs again."""
    recording = live.record(found.ids, live._start() if live.two_sided else None)
    sites = [site for site in recording.sites(kind="attention") if _own(recording, site)]
    looks = {}
    for site in sites:
        reader = recording.attention_reader(site)
        rows = [
            [reader.weights(call, head, np.array(place)).mean(axis=0) for head in range(reader.heads)]
            for call in reader.calls
        ]
        looks[site] = np.array(rows, np.float32)
    return looks


def _own(recording: Recording, site: str) -> bool:
    """Whether a site is attention of the texts' own tokens among themselves."""
    entry = next(e for e in recording.entries(site) if e.kind in ("query", "attention"))
    named = entry.attrs.get("tokens") or {}
    return {named.get("query", SIDE), named.get("key", SIDE)} == {SIDE}
