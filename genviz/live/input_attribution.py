"""What a predicted word rests on: integrated gradients and occlusion over the words that went in.

Integrated gradients (Sundararajan et al. 2017, arXiv:1703.01365) walk in a straight line from a text of which
nothing is known (each word's vector replaced by a baseline) to the text itself, and give each word its part
of the change of the logit; the parts sum to that change (completeness). Occlusion (Zeiler & Fergus 2014)
replaces one word at a time and looks how far the logit falls. Captum does the walking.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from genviz.capture import part_by_part
from genviz.capture.families.base import Call
from genviz.capture.replacing import Replacement, replacing, seeing, with_first
from genviz.errors import LiveError, MissingExtra
from genviz.live.progress import report
from genviz.live.stack import Layout, no_scores, only_sample, positions_first

if TYPE_CHECKING:
    from genviz.live.text_model import TextModel

BASELINES = ("mask", "unk", "pad", "mean", "zero")
_MEANT = 4_096  # rows of a table that its mean is taken of, evenly spread
_TOKENS_AT_ONCE = 2_048  # run at a time, and
_LOGITS_AT_ONCE = 40_000_000  # numbers that they may give
_STEPS = (32, 128, 512)  # until the sum is within _COMPLETE of the change
_COMPLETE = 0.01


@dataclass(frozen=True)
class Slot:
    """One run of a table of token vectors.

    Parameters
    ----------
    path : str
    number : int
        How many times the table had run before.
    ids : list of int
    vectors : Tensor, (1, token, channel)
    positions_first : bool
        Whether the table gives (token, sample, channel).
    """

    path: str
    number: int
    ids: list[int]
    vectors: Tensor
    positions_first: bool = False


class Question:
    """The logit of one word at one place, as a function of the token vectors.

    Parameters
    ----------
    live : TextModel
    ids, target : sequence of int
    position, word : int, optional
        Default: the last position; the word that the model says there.
    """

    def __init__(
        self, live: "TextModel", ids: Sequence[int], target: Sequence[int] | None, *,
        position: int | None, word: int | None,
    ) -> None:  # fmt: skip
        self.live, self.ids, self.target = live, list(ids), None if target is None else list(target)
        self.layout = Layout.of(live)
        self.progress = 0.0
        self.slots, scores = self._slots()
        self.vocabulary = scores.shape[-1]
        self.position = len(scores) - 1 if position is None else position
        if not 0 <= self.position < len(scores):
            raise LiveError(f"no position {position}: the text has positions 0 … {len(scores) - 1}")
        self.word = int(scores[self.position].argmax()) if word is None else word
        self.logit = float(scores[self.position, self.word])

    def __call__(self, *vectors: Tensor) -> Tensor:
        """Logits, one per sample, for token vectors (sample, token, channel) in each slot."""
        report(self.progress, "changing words")  # where a cancelled call stops
        changed: dict[str, Replacement] = {}
        for path in {slot.path for slot in self.slots}:
            given = {
                slot.number: v.transpose(0, 1) if slot.positions_first else v
                for slot, v in zip(self.slots, vectors, strict=True)
                if slot.path == path
            }
            changed[path] = _putting(given)
        with part_by_part(self.live.modules[""]), replacing(self.layout.network, changed):
            scores = self.live.scores(self.live.run_many(self.ids, self.target, len(vectors[0])))
        if scores is None:
            raise no_scores(self.live)
        return scores[:, self.position, self.word]

    @property
    def at_once(self) -> int:
        """How many changed texts are run at a time: each gives logits at every place, for every word."""
        tokens = sum(len(slot.ids) for slot in self.slots)
        return max(1, min(_TOKENS_AT_ONCE // tokens, _LOGITS_AT_ONCE // (tokens * self.vocabulary)))

    def _slots(self) -> tuple[list[Slot], Tensor]:
        tables = {tap.path for tap in self.layout.plan.taps if tap.kind == "embedding"}
        wanted = [self.ids, *([] if self.target is None else [self.target])]
        found: list[Slot] = []

        def seen(call: Call) -> None:
            if call.path in tables and call.given is not None and call.result is not None and wanted:
                ids = call.given.flatten().tolist()
                if ids == wanted[0]:
                    first = positions_first(call.result)
                    vectors = only_sample(call.result.detach())[None].clone()
                    found.append(Slot(call.path, call.number, wanted.pop(0), vectors, first))

        with self.live.running(), seeing(self.layout.network, seen):
            scores = self.live.one_sample(self.live._run(self.ids, self.target))
        if scores is None:
            raise no_scores(self.live)
        if wanted:
            raise LiveError("no table of token vectors was seen to read these ids, so no word can be changed")
        return found, scores


def _putting(given: dict[int, Tensor]) -> Replacement:
    def change(call: Call) -> Any:
        return with_first(call.output, given[call.number]) if call.number in given else None

    return change


def input_attribution(
    live: "TextModel", ids: Sequence[int], target: Sequence[int] | None, *, position: int | None,
    word: int | None, baseline: str,
) -> dict[str, Any]:  # fmt: skip
    """See :meth:`genviz.live.LanguageModel.input_attribution`."""
    with live.running():
        question = Question(live, ids, target, position=position, word=word)
        name, empty = _baseline(question, baseline)
        dropped = _occlusion(question, empty)
        question.progress = 0.5
        walked = _walked(question, empty)
    tokens = live.source.tokens(question.ids)
    written = [] if question.target is None else live.target.tokens(question.target)
    return {
        **walked,
        "occlusion": dropped,
        "words": [*tokens, *written],
        "sides": [*["tokens"] * len(tokens), *["target_tokens"] * len(written)],
        "kept": np.concatenate([~(slot.vectors != each).any(-1)[0].cpu().numpy()
                                for slot, each in zip(question.slots, empty, strict=True)]),
        "baseline": name,
        "logit": question.logit,
        "position": question.position,
        "word": question.word,
        "name": live.target.tokens([question.word])[0],
    }  # fmt: skip


def _baseline(question: Question, asked: str) -> tuple[str, list[Tensor]]:
    """What stands for a word of which nothing is known, in words and as vectors; marks keep their own."""
    live = question.live
    if asked not in ("auto", *BASELINES):
        raise LiveError(f"baseline={asked!r}: choose auto, {', '.join(BASELINES)}")
    choices = BASELINES if asked == "auto" else (asked,)
    sides = [live.source, live.target][: len(question.slots)]
    for choice in choices:
        ids = [side.special(choice) for side in sides]
        if choice in ("mean", "zero") or all(each is not None for each in ids):
            break
    else:
        raise LiveError(f"baseline={asked!r}: this tokenizer has no such token; baseline='zero' always works")
    vectors = []
    for slot, side, number in zip(question.slots, sides, ids, strict=True):
        marks = {side.special(name) for name in ("bos", "eos", "cls", "sep", "pad")} | set(_start(live))
        plain = _mean(question, slot) if number is None else _vector(question, slot, number)
        plain = torch.zeros_like(plain) if choice == "zero" else plain
        keep = torch.tensor([each in marks for each in slot.ids], device=slot.vectors.device)[:, None]
        vectors.append(torch.where(keep, slot.vectors, plain))
    named = {side.tokens([number])[0] for side, number in zip(sides, ids, strict=True) if number is not None}
    said = {"zero": "a vector of zeros", "mean": "the mean of the vocabulary's vectors"}
    return said.get(choice) or f"the token {' and '.join(sorted(named))}", vectors


def baselines(live: "TextModel") -> list[str]:
    """What may stand for a word, for this model's tokenizers."""
    sides = [live.source, *([live.target] if live.two_sided else [])]
    tokens = [name for name in BASELINES[:3] if all(side.special(name) is not None for side in sides)]
    return ["auto", *tokens, *BASELINES[3:]]


def _start(live: "TextModel") -> list[int]:
    return live._start() if live.two_sided else []


def _vector(question: Question, slot: Slot, number: int) -> Tensor:
    """A token's vector, as its table gives it at each place."""
    table = question.layout.network[slot.path]
    found: Tensor = table.forward(torch.full_like(torch.tensor([slot.ids]), number).to(slot.vectors.device))
    return found.detach()


def _mean(question: Question, slot: Slot) -> Tensor:
    """The mean of a table's rows, as the table gives them."""
    table: Any = question.layout.network[slot.path]
    rows = int(table.num_embeddings)
    ids = torch.linspace(0, rows - 1, min(rows, _MEANT), device=slot.vectors.device).round().long()
    found: Tensor = table.forward(ids[None])[0].mean(0)
    return found.detach()


def _in_parts(question: Question, count: int, make: Callable[[slice], Sequence[Tensor]]) -> Tensor:
    """Logits of ``count`` changed texts, as many at once as fit."""
    size = question.at_once
    parts = []
    for start in range(0, count, size):
        question.progress = 0.5 * start / count
        parts.append(question(*make(slice(start, min(start + size, count)))))
    return torch.cat(parts)


def _occlusion(question: Question, empty: Sequence[Tensor]) -> Any:
    """How far the logit falls when a word is replaced, one after the other; (token,)."""
    lengths = [len(slot.ids) for slot in question.slots]
    total = sum(lengths)

    def make(part: slice) -> list[Tensor]:
        rows = torch.arange(total)[part]
        made, first = [], 0
        for slot, blank in zip(question.slots, empty, strict=True):
            vectors = slot.vectors.expand(len(rows), -1, -1).clone()
            for at, row in enumerate(rows.tolist()):
                if first <= row < first + len(slot.ids):
                    vectors[at, row - first] = blank.expand_as(slot.vectors)[0, row - first]
            made.append(vectors)
            first += len(slot.ids)
        return made

    fallen = question.logit - _in_parts(question, total, make).double()
    return fallen.cpu().numpy()


def _walked(question: Question, empty: Sequence[Tensor]) -> dict[str, Any]:
    """Integrated gradients, (token,), and how far their sum is from the change."""
    start = float(question(*empty)[0])
    nothing = {"integrated_gradients": None, "gap": None, "steps": 0, "baseline_logit": start}
    try:
        from captum.attr import IntegratedGradients
    except ImportError:
        return {**nothing, "missing": str(MissingExtra.named("explain", "integrated gradients"))}
    inputs = tuple(slot.vectors for slot in question.slots)
    change = question.logit - start
    half = inputs[0].dtype in (torch.float16, torch.bfloat16)  # more steps do not settle it
    for steps in _STEPS[:1] if half else _STEPS:
        parts = IntegratedGradients(question).attribute(
            inputs, baselines=tuple(empty), n_steps=steps, method="gausslegendre",
            internal_batch_size=max(question.at_once, len(inputs)),
        )  # fmt: skip
        shares = torch.cat([part[0].double().sum(-1) for part in parts]).detach()
        gap = change - float(shares.sum())
        if not abs(gap) > _COMPLETE * max(abs(change), 0.1):  # also when it is not a number
            break
    return {
        **nothing,
        "integrated_gradients": shares.cpu().numpy(),
        "gap": gap,
        "steps": steps,
        "missing": "",
    }
