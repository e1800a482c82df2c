"""Logit lens: what a model would say if it stopped after a layer.

Every hidden state goes through what the model itself does after its last block, final norm and output layer
(nostalgebraist 2020, "interpreting GPT: the logit lens"). With a tuned lens each state is first carried to
the last layer's space by an affine map of its own (Belrose et al. 2023, arXiv:2303.08112):
``h + W h + b``.
"""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from genviz.capture.families.base import Call
from genviz.capture.replacing import replacing, with_first
from genviz.errors import LiveError
from genviz.live.progress import report
from genviz.live.stack import Layout, Run, run_through
from genviz.live.weights import read_weights

if TYPE_CHECKING:
    from genviz.live.text_model import TextModel

_AT_ONCE = 24_000_000  # logits worked out at a time
_FITS = 1e-4  # of the largest logit: how far the parts found may be from the model's own logits

Translators = dict[int, tuple[Tensor, Tensor]]


def logit_lens(
    live: "TextModel", ids: Sequence[int], target: Sequence[int] | None, *, word: int | None, top: int,
    tuned: bool,
) -> dict[str, Any]:  # fmt: skip
    """See :meth:`genviz.live.LanguageModel.logit_lens`."""
    layout = Layout.of(live)
    run = run_through(live, layout, ids, target)
    translators = live.translators if tuned else {}
    if tuned and not translators:
        raise LiveError(
            "this model has no tuned lens: pass tuned_lens= (a safetensors file) when you make it"
        )
    states = [_translated(state, translators.get(at)) for at, state in enumerate(run.states)]
    through = Reading(live, layout, run, (ids, target))
    chosen = run.logits.argmax(-1) if word is None else torch.full((len(run.logits),), word)
    rows = []
    for at, logits in enumerate(through.logits(states)):
        report(at / len(states), "reading the layers")
        rows.append(_row(logits, chosen.to(logits.device), top))
    found = {name: np.stack([row[name] for row in rows]) for name in rows[0]}
    return {
        **found,
        "layers": run.names,
        "words": live.target.tokens(ids if target is None else target),
        "names": _names(live, found["ids"], chosen),
        "chosen": chosen.cpu().numpy(),
        "route": through.route,
        "tuned": tuned,
        "error": float((through.last - run.logits).abs().max()),
    }


class Reading:
    """Turns hidden states into logits as the model does after its last block.

    Parameters
    ----------
    live : TextModel
    layout : Layout
    run : Run
    given : (ids, target ids)
        What the run was of.

    Attributes
    ----------
    route : str
        What the states go through: modules that ran after the last block, where these alone give the
        model's own logits; else the model itself, run again with the states in place of its last block's.
    """

    def __init__(self, live: "TextModel", layout: Layout, run: Run, given: tuple[Any, Any]) -> None:
        self._live, self._layout, self._run, self._given = live, layout, run, given
        names = [layout.network.path(module) or "" for module in run.tail]
        self._chains = self._fits()
        self.route = (
            " → ".join(names) if self._chains else "the model's own way after its last block, run again"
        )
        self.last = torch.zeros(0)

    def logits(self, states: Sequence[Tensor]) -> Iterator[Tensor]:
        """Logits of each state, (token, vocab), one state after the other."""
        size = max(1, _AT_ONCE // max(1, self._run.logits.numel()))
        for start in range(0, len(states), size):
            for logits in self._several(torch.stack(list(states[start : start + size]))):
                self.last = logits
                yield logits

    def _several(self, states: Tensor) -> Tensor:
        return self._chain(states) if self._chains else self._again(states)

    def _fits(self) -> bool:
        try:
            found = self._chain(self._run.states[-1][None])[0]
        except Exception:  # what ran after the blocks takes more than one tensor, or is no chain
            return False
        own = self._run.logits
        return found.shape == own.shape and bool(
            (found - own).abs().max() <= _FITS * own.abs().max().clamp(min=1)
        )

    def _chain(self, states: Tensor) -> Tensor:
        with self._live.running():
            for module in self._run.tail:
                states = module(states)
        return states.float()

    def _again(self, states: Tensor) -> Tensor:
        """The whole model once more, a sample per state."""
        path, number = self._run.last
        laid = states.transpose(0, 1) if self._run.positions_first else states

        def change(call: Call) -> Any:
            return with_first(call.output, laid) if call.number == number else None

        ids, target = self._given
        with self._live.running(), replacing(self._layout.network, {path: change}):
            scores = self._live.scores(self._live.run_many(ids, target, len(states)))
        if scores is None:
            raise LiveError("the model gave no logits when it was run again")
        return scores


def _row(logits: Tensor, chosen: Tensor, top: int) -> dict[str, Any]:
    """What one layer says at every position."""
    logs = logits.double().log_softmax(-1) if logits.numel() < 2_000_000 else logits.log_softmax(-1)
    best = logs.topk(min(top, logs.shape[-1]))
    own = logs.gather(-1, chosen[:, None])
    entropy = -(logs.exp() * logs).nan_to_num(0.0).sum(-1) / math.log(2)
    entropy = torch.where(logs.isnan().any(-1), torch.nan, entropy)
    return {
        "ids": best.indices.cpu().numpy(),
        "probabilities": best.values.exp().float().cpu().numpy(),
        "chosen_probabilities": own[:, 0].exp().float().cpu().numpy(),
        "ranks": (logs > own).sum(-1).cpu().numpy() + 1,
        "entropy": entropy.float().cpu().numpy(),
    }


def _names(live: "TextModel", ids: Any, chosen: Tensor) -> dict[str, str]:
    """What every id that occurs stands for."""
    known = sorted({*ids.ravel().tolist(), *chosen.tolist()})
    return dict(zip(map(str, known), live.target.tokens(known), strict=True))


def _translated(state: Tensor, translator: tuple[Tensor, Tensor] | None) -> Tensor:
    if translator is None:
        return state
    weight, bias = (each.to(state) for each in translator)
    if weight.shape != (state.shape[-1],) * 2:
        raise LiveError(
            f"the tuned lens has maps of shape {tuple(weight.shape)}, and this model's stream is "
            f"{state.shape[-1]} wide: it belongs to another model"
        )
    return state + state @ weight.T + bias


def read_translators(path: str | Path) -> Translators:
    """Read a tuned lens.

    Parameters
    ----------
    path : str or Path
        A safetensors file with ``N.weight`` (channel, channel) and ``N.bias`` (channel,) for N blocks that
        have run; N = 0 is the stream before the first block. A map is applied as ``h + W h + b`` and then
        goes through the model's own final norm and output layer; a layer without one is read as it is.
        (The state dict of the ``tuned-lens`` package's translators has these names.)

    Raises
    ------
    LiveError
        When it is no such file.
    """
    state = read_weights(Path(path), "the tuned lens")
    numbers = sorted({int(name.split(".")[0]) for name in state if name.split(".")[0].isdigit()})
    if not numbers or len(state) != 2 * len(numbers):
        raise LiveError(
            f"{path} is no tuned lens: it has {', '.join(list(state)[:4]) or 'nothing'}, and 0.weight, "
            "0.bias, 1.weight, … are needed, one pair for each number of blocks that have run"
        )
    return {at: (state[f"{at}.weight"], state[f"{at}.bias"]) for at in numbers}
