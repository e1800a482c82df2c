"""What stands for a word of which nothing is known, in questions of the kind "what if it were not there"."""

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from genviz.errors import LiveError
from genviz.live.word_logit import Slot, WordLogit

if TYPE_CHECKING:
    from genviz.live.text_model import TextModel

BASELINES = ("mask", "unk", "pad", "mean", "zero")
_MEANT = 4_096  # rows of a table that its mean is taken of, evenly spread


def baseline(logit: WordLogit, asked: str) -> tuple[str, list[Tensor]]:
    """What stands for a word of which nothing is known, in words and as vectors; marks keep their own."""
    live = logit.live
    if asked not in ("auto", *BASELINES):
        raise LiveError(f"baseline={asked!r}: choose auto, {', '.join(BASELINES)}")
    choices = BASELINES if asked == "auto" else (asked,)
    sides = [live.source, live.target][: len(logit.slots)]
    for choice in choices:
        ids = [side.special(choice) for side in sides]
        if choice in ("mean", "zero") or all(each is not None for each in ids):
            break
    else:
        raise LiveError(f"baseline={asked!r}: this tokenizer has no such token; baseline='zero' always works")
    vectors = []
    for slot, side, number in zip(logit.slots, sides, ids, strict=True):
        marks = {side.special(name) for name in ("bos", "eos", "cls", "sep", "pad")} | set(_start(live))
        plain = _mean(logit, slot) if number is None else _vector(logit, slot, number)
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


def _vector(logit: WordLogit, slot: Slot, number: int) -> Tensor:
    """A token's vector, as its table gives it at each place."""
    table = logit.layout.network[slot.path]
    found: Tensor = table.forward(torch.full_like(torch.tensor([slot.ids]), number).to(slot.vectors.device))
    return found.detach()


def _mean(logit: WordLogit, slot: Slot) -> Tensor:
    """The mean of a table's rows, as the table gives them."""
    table: Any = logit.layout.network[slot.path]
    rows = int(table.num_embeddings)
    ids = torch.linspace(0, rows - 1, min(rows, _MEANT), device=slot.vectors.device).round().long()
    found: Tensor = table.forward(ids[None])[0].mean(0)
    return found.detach()
