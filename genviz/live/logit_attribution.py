"""Direct logit attribution: which part of the model says the next word.

Everything that is added to the residual stream reaches the output layer unchanged but for normalisation.
With each norm's scale held at what it is, the way from an addition to a word's logit is linear, so the logit
is a sum: of what the first block got, of each head and each feed-forward network, and of the biases
(Elhage et al. 2021, "A Mathematical Framework for Transformer Circuits"). The share of a part is its vector
times the gradient of the logit along that way, worked out by autograd through the model as it runs, so norms
before or after the addition, factors on the stream and tied weights count as the model has them.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from genviz.errors import LiveError
from genviz.live.additions import Cut, run_cut, shares
from genviz.live.stack import Layout, run_through

if TYPE_CHECKING:
    from genviz.live.text_model import TextModel

# Of the logit, and at least of 1: how far the parts may be from it, at once and at worst (half precision).
_SUMS, _NEARLY, _HALF = 1e-4, 2e-3, 5e-2


def logit_attribution(
    live: "TextModel", ids: Sequence[int], target: Sequence[int] | None, *, position: int | None,
    word: int | None, against: int | None,
) -> dict[str, Any]:  # fmt: skip
    """See :meth:`genviz.live.LanguageModel.logit_attribution`."""
    layout = Layout.of(live)
    run = run_through(live, layout, ids, target)
    at = len(run.logits) - 1 if position is None else position
    if not 0 <= at < len(run.logits):
        raise LiveError(f"no position {at}: the text has positions 0 … {len(run.logits) - 1}")
    chosen = int(run.logits[at].argmax()) if word is None else word
    cut = Cut(live, layout)
    scores = live.one_sample(run_cut(cut, ids, target, run.tail))
    if scores is None:
        raise LiveError("the model gave no logits when it was run again")
    found, capped = _split(cut, scores, at, chosen, against)
    words = live.target.tokens(ids if target is None else target)
    names = live.target.tokens([chosen, *([] if against is None else [against])])
    return {
        **found,
        "blocks": run.names[1:],
        "words": words,
        "position": at,
        "word": chosen,
        "name": names[0],
        "against": names[1] if against is not None else "",
        "capped": capped,
        "held": [{"site": site, "function": name} for site, name in cut.held],
        "model_logit": _said(run.logits, at, chosen, against),
        "probability": float(run.logits[at].double().softmax(-1)[chosen]),
    }


def _said(scores: Tensor, at: int, chosen: int, against: int | None) -> float:
    return float(scores[at, chosen] - (scores[at, against] if against is not None else 0.0))


# -- sums --------------------------------------------------------------------------------------------


def _split(
    cut: Cut, scores: Tensor, at: int, chosen: int, against: int | None
) -> tuple[dict[str, Any], bool]:
    """Shares of a logit; where the last of it is no sum (soft-capping), those of the output layer's own."""
    tried = [scores]
    if cut.raw is not None and cut.raw.shape[-1] == scores.shape[-1]:
        tried.append(cut.raw[0])
    known = []
    for number, each in enumerate(tried):
        wanted = each[at, chosen] - (each[at, against] if against is not None else 0.0)
        found = _shares(cut, wanted, keep=number < len(tried) - 1)
        known.append((_miss(found), number, found))
        if _miss(found) <= _SUMS:
            break
    miss, number, found = min(known, key=lambda each: each[:2])
    exact = next(iter(cut.leaves)).vector.dtype in (torch.float32, torch.float64)
    if miss > (_NEARLY if exact else _HALF):
        raise LiveError(_not_a_sum(cut, found))
    return found, number > 0


def _miss(found: Mapping[str, Any]) -> float:
    return abs(float(found["gap"])) / max(1.0, abs(float(found["logit"])))


def _shares(cut: Cut, wanted: Tensor, *, keep: bool) -> dict[str, Any]:
    parts, bias = shares(cut, wanted, keep=keep)
    logit = float(wanted.detach().double())
    return {
        "parts": parts,
        "bias": bias,
        "logit": logit,
        "gap": logit - bias - sum(part["value"] for part in parts),
    }


def _not_a_sum(cut: Cut, found: Mapping[str, Any]) -> str:
    lost = [m.site for m in cut.layout.plan.missing if m.kind == "contribution"]
    odd = f"; {', '.join(cut.odd[:3])} is no norm with a scale to hold" if cut.odd else ""
    lost_too = f"; what {', '.join(lost[:3])} adds cannot be told apart" if lost else ""
    return (
        f"this logit is not a sum of what the layers add: the parts miss it by {found['gap']:.3g} of "
        f"{found['logit']:.3g}, because something between the stream and the logit is not "
        f"linear{odd}{lost_too}; the logit lens works all the same"
    )
