"""What a predicted word rests on: integrated gradients and occlusion over the words that went in.

Integrated gradients (Sundararajan et al. 2017, arXiv:1703.01365) walk in a straight line from a text of which
nothing is known (each word's vector replaced by a baseline) to the text itself, and give each word its part
of the change of the logit; the parts sum to that change (completeness). Occlusion (Zeiler & Fergus 2014)
replaces one word at a time and looks how far the logit falls.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from genviz.analysis.quadrature import clenshaw_curtis
from genviz.errors import LiveError
from genviz.live.baselines import baseline as baseline_of
from genviz.live.progress import report
from genviz.live.word_logit import WordLogit

if TYPE_CHECKING:
    from genviz.live.text_model import TextModel

_INTERVALS = (8, 16, 32, 64, 128, 256, 512)
_SETTLED = 5  # times the tolerance: how much of the largest part another may move when points are doubled
_LEAST = 0.1  # logits: smaller changes are held to this


def input_attribution(
    live: "TextModel", ids: Sequence[int], target: Sequence[int] | None, *, position: int | None,
    word: int | None, baseline: str, tolerance: float,
) -> dict[str, Any]:  # fmt: skip
    """See :meth:`genviz.live.LanguageModel.input_attribution`."""
    if not 0 < tolerance < 1:
        raise LiveError(f"tolerance={tolerance:g}: give a share of the change, above 0 and below 1")
    report(0.0, "reading")
    with live.running():
        logit = WordLogit(live, ids, target, position=position, word=word)
        name, empty = baseline_of(logit, baseline)
        walked = _walked(logit, empty, tolerance)
        dropped = _occlusion(logit, empty)
    tokens = live.source.tokens(logit.ids)
    written = [] if logit.target is None else live.target.tokens(logit.target)
    return {
        **walked,
        "occlusion": dropped,
        "words": [*tokens, *written],
        "sides": [*["tokens"] * len(tokens), *["target_tokens"] * len(written)],
        "kept": np.concatenate([~(slot.vectors != each).any(-1)[0].cpu().numpy()
                                for slot, each in zip(logit.slots, empty, strict=True)]),
        "baseline": name,
        "logit": logit.logit,
        "position": logit.position,
        "word": logit.word,
        "name": live.target.tokens([logit.word])[0],
    }  # fmt: skip


# -- occlusion ---------------------------------------------------------------------------------------


def _occlusion(logit: WordLogit, empty: Sequence[Tensor]) -> NDArray[np.float64]:
    """How far the logit falls when a word is replaced, one after the other; (token,)."""
    total = sum(len(slot.ids) for slot in logit.slots)
    fallen = []
    for start in range(0, total, logit.at_once):
        report(0.5 + 0.5 * start / total, "leaving words out")  # where a cancelled call stops
        rows = range(start, min(start + logit.at_once, total))
        fallen.append(logit.logit - logit(*_without(logit, empty, rows)).double())
    return np.asarray(torch.cat(fallen).cpu().numpy())


def _without(logit: WordLogit, empty: Sequence[Tensor], rows: range) -> list[Tensor]:
    """The text as many times as there are rows, each without the word of that number."""
    made, first = [], 0
    for slot, blank in zip(logit.slots, empty, strict=True):
        vectors = slot.vectors.expand(len(rows), -1, -1).clone()
        for at, row in enumerate(rows):
            if first <= row < first + len(slot.ids):
                vectors[at, row - first] = blank.expand_as(slot.vectors)[0, row - first]
        made.append(vectors)
        first += len(slot.ids)
    return made


# -- integrated gradients ----------------------------------------------------------------------------


class _Walk:
    """Gradients and logits between the baseline (0) and the text (1), each point worked out once."""

    def __init__(self, logit: WordLogit, empty: Sequence[Tensor]) -> None:
        self._logit, self._empty = logit, list(empty)
        self._known: dict[float, tuple[NDArray[np.float64], float]] = {}

    def at(
        self, points: NDArray[np.float64], share: float
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Slopes (point, token) of the logit along each word's part of the way, and logits (point,)."""
        new = [each for each in points.tolist() if each not in self._known]
        for start in range(0, len(new), self._logit.at_once):
            report(share * len(self._known) / len(points), "walking to the text")  # or a cancelled call stops
            self._learn(new[start : start + self._logit.at_once])
        slopes, logits = zip(*(self._known[each] for each in points.tolist()), strict=True)
        return np.stack(slopes), np.array(logits)

    def _learn(self, points: list[float]) -> None:
        ways = [slot.vectors - blank for slot, blank in zip(self._logit.slots, self._empty, strict=True)]
        with torch.enable_grad():
            places = [_along(blank, way, points) for blank, way in zip(self._empty, ways, strict=True)]
            logits = self._logit(*places)
            gradients = torch.autograd.grad(logits.sum(), places)
        parts = [(g.double() * way.double()).sum(-1) for g, way in zip(gradients, ways, strict=True)]
        slopes = torch.cat(parts, dim=1).cpu().numpy()
        found = zip(points, slopes, logits.tolist(), strict=True)
        self._known.update({point: (slope, value) for point, slope, value in found})


def _along(blank: Tensor, way: Tensor, points: Sequence[float]) -> Tensor:
    far = torch.tensor(points, dtype=way.dtype, device=way.device)[:, None, None]
    return (blank + far * way).detach().requires_grad_()


def _walked(logit: WordLogit, empty: Sequence[Tensor], tolerance: float) -> dict[str, Any]:
    """Integrated gradients, (token,); how far their sum is from the change, and how far they are settled."""
    walk = _Walk(logit, empty)
    half = logit.slots[0].vectors.dtype in (torch.float16, torch.bfloat16)  # more points do not settle it
    for intervals in _INTERVALS[:1] if half else _INTERVALS:
        slopes, logits = walk.at(clenshaw_curtis(intervals)[0], 0.5 * min(1.0, intervals / 32))
        shares = clenshaw_curtis(intervals)[1] @ slopes
        moved = np.abs(shares - clenshaw_curtis(intervals // 2)[1] @ slopes[::2]).max()
        change = logit.logit - float(logits[0])
        gap = change - float(shares.sum())
        wrong = abs(gap) > tolerance * max(abs(change), _LEAST)
        unsettled = moved > _SETTLED * tolerance * max(np.abs(shares).max(), _LEAST)
        if not (wrong or unsettled):  # also when they are no numbers
            break
    return {
        "integrated_gradients": shares,
        "gap": gap,
        "moved": float(moved),
        "steps": intervals + 1,
        "baseline_logit": float(logits[0]),
    }
