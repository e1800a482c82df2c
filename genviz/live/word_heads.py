"""Which heads part the two senses of a word: the difference of its two last vectors as an exact sum.

With ``d`` the unit vector along the difference of the word's vectors behind the last block, each text's
``d · x`` is the sum of what every addition to the stream gives along ``d`` (:mod:`genviz.live.additions`);
the differences of the two sums' parts add up to the length of the difference. Effects are direct: what a
head adds, not what later layers make of it.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from genviz.errors import LiveError
from genviz.live.additions import Cut, run_cut, shares
from genviz.live.progress import report
from genviz.live.stack import Layout, only_sample
from genviz.live.word_vectors import BEFORE, SIDE, Found, Text, find_all, stream
from genviz.recording import Recording

if TYPE_CHECKING:
    from genviz.live.text_model import TextModel

BEHIND = ("last", "own")
# Of the length of the difference: by how much the parts may miss it, in single precision and in half.
_NEARLY, _HALF = 1e-2, 1e-1
_EQUAL = 1e-5  # of the vectors' length: a difference that is only rounding


def word_heads(
    live: "TextModel", texts: Sequence[Text], word: str, which: Sequence[int], behind: str
) -> dict[str, Any]:
    """See :meth:`genviz.live.LanguageModel.word_heads`."""
    if len(texts) != 2 or len(which) != 2:
        raise LiveError(f"two texts are compared, not {len(texts)}: give two, with one occurrence of each")
    if behind not in BEHIND:
        raise LiveError(f"behind={behind!r} does not fit: it is one of {', '.join(BEHIND)}")
    found = find_all(live, texts, word)
    places = [_occurrence(each, number, word) for each, number in zip(found, which, strict=True)]
    layout = Layout.of(live, SIDE)
    names, apart, sizes = _differences(live, layout, found, places)
    told = {
        "layers": names,
        "length": float(apart[-1].norm()),
        "tokens": [each.tokens for each in found],
        "places": places,
        "looks": [_looks(live, each, place) for each, place in zip(found, places, strict=True)],
    }
    told["lengths"] = [told["length"]] * len(names) if behind == "last" else apart.norm(dim=-1).tolist()
    equal = apart.norm(dim=-1) <= _EQUAL * sizes
    if equal[-1]:
        return {**told, "length": 0.0, "lengths": [0.0] * len(names), "parts": [], "bias": 0.0, "gap": 0.0}
    blocks = [len(names) - 1] if behind == "last" else [at for at in range(len(names)) if not equal[at]]
    units = {at: apart[at] / apart[at].norm() for at in blocks}
    halves = []
    for number, (each, place) in enumerate(zip(found, places, strict=True)):
        report(0.4 + 0.3 * number, f"taking text {number + 1} apart")
        halves.append(_along(Cut(live, layout), each.ids, place, units))
    sums = {at: _difference([half[at] for half in halves], float(apart[at].norm())) for at in blocks}
    if behind == "last":
        return {**told, **sums[blocks[0]]}
    return {**told, **_own_parts(sums)}


def _differences(
    live: "TextModel", layout: Layout, found: Sequence[Found], places: Sequence[list[int]]
) -> tuple[list[str], Tensor, Tensor]:
    """Names of the blocks, the difference behind each (block, channel), and how long the vectors are."""
    runs = [stream(live, layout, each.ids) for each in found]
    names = [name for name in runs[0][0] if name not in BEFORE]
    ends = torch.stack(
        [
            states[-len(names) :, place].double().mean(dim=1)
            for (_, states), place in zip(runs, places, strict=True)
        ]
    )
    return names, ends[0] - ends[1], ends.norm(dim=-1).amax(dim=0)


def _own_parts(sums: dict[int, dict[str, Any]]) -> dict[str, Any]:
    """Of the sum behind each block only what the block itself adds."""
    parts = [part for at, found in sums.items() for part in found["parts"] if part["layer"] == at]
    gap = max((found["gap"] for found in sums.values()), key=abs)
    return {"parts": parts, "bias": float("nan"), "gap": gap}


def _occurrence(found: Found, number: int, word: str) -> list[int]:
    if not 0 <= number < len(found.places):
        raise LiveError(
            f"no occurrence {number} of {word!r}: the text has {len(found.places)}, counted from 0"
        )
    return found.places[number]


_Half = tuple[list[dict[str, Any]], float, list[str], bool]


def _along(cut: Cut, ids: Sequence[int], place: list[int], units: Mapping[int, Tensor]) -> dict[int, _Half]:
    """By block: the parts of one text's vector behind it along a direction, and the biases' part.

    With what hindered, and whether numbers are exact.
    """
    live = cut.live
    run_cut(cut, ids, live._start() if live.two_sided else None)
    found: dict[int, _Half] = {}
    for at, unit in units.items():
        end = cut.ends[at] if at < len(cut.ends) else None
        if end is None or not end.requires_grad:
            raise LiveError(f"block {at} handed nothing on when the model was run again")
        along = (only_sample(end)[place].double().mean(dim=0) * unit).sum()
        parts, bias = shares(cut, along, keep=at != max(units))
        found[at] = parts, bias, cut.odd, end.dtype in (torch.float32, torch.float64)
    return found


def _difference(halves: Sequence[_Half], length: float) -> dict[str, Any]:
    (first, one, odd, exact), (second, other, *_) = halves
    if [(part["site"], part["layer"]) for part in first] != [(p["site"], p["layer"]) for p in second]:
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
            f"the word's vector is not a sum of what the layers add: the parts miss the difference by "
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
