"""Choosing each next word of an answer, for several samples side by side, and telling what is written."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from genviz.analysis.decoding import Decoded, Settings, decode, likeliest, rank
from genviz.errors import LiveError
from genviz.live.progress import hand_over, report

if TYPE_CHECKING:
    from genviz.live.text_model import TextModel

SHOWN = 12  # words told of at each step, likeliest first; the mathematics is of all


@dataclass(frozen=True)
class Plan:
    """What an answer is to be.

    Parameters
    ----------
    settings : Settings
    max_new : int
        Tokens at most, those at its beginning included.
    room : int or None
        Tokens that the model's context has room for.
    stop : sequence of str
        Texts that end it.
    ends : frozenset of int
        Ids that end it.
    seed : int
    samples : int
    forced : mapping of int to int
        Step → the only id that may be said there.
    begin : sequence of int
        Ids that it begins with.
    seconds : float
        After which it ends.
    """

    settings: Settings
    max_new: int
    room: int | None = None
    stop: Sequence[str] = ()
    ends: frozenset[int] = frozenset()
    seed: int = 0
    samples: int = 1
    forced: Mapping[int, int] = field(default_factory=dict)
    begin: Sequence[int] = ()
    seconds: float = 120.0

    @property
    def most(self) -> int:
        """Tokens still to be written at most."""
        asked = self.max_new - len(self.begin)
        return asked if self.room is None else min(asked, self.room)


@dataclass
class Written:
    """One sample's answer.

    Parameters
    ----------
    ids : list of int
    probabilities : list of float
        By the model itself, of each id that was chosen here.
    chances : list of float
        With which each was drawn, after all settings.
    ended : str
        Why it ended: ``"end"`` (the model said so), ``"stop"``, ``"length"``, ``"context"``, ``"time"``.
    stop : str
        The stop sequence that it ended at.
    """

    ids: list[int]
    probabilities: list[float] = field(default_factory=list)
    chances: list[float] = field(default_factory=list)
    ended: str = ""
    stop: str = ""


class Chooser:
    """What :func:`genviz.live.stepping.run_steps` asks for words; each step is handed over as it is made."""

    def __init__(self, live: "TextModel", plan: Plan) -> None:
        self._live, self._plan = live, plan
        self._names: dict[int, str] = {}
        self._ends = time.monotonic() + plan.seconds
        self._generator: torch.Generator | None = None
        self._made = 0
        self.samples = [Written(list(plan.begin)) for _ in range(plan.samples)]

    def __call__(self, earlier: Tensor, logits: Tensor) -> list[int] | None:
        """Choose the next id of each sample; None when all have ended."""
        report(self._made / self._plan.most, "writing")
        step = len(self._plan.begin) + self._made
        self._made += 1
        table = logits.detach().cpu().numpy()
        _refuse_nan(table, step)
        found = [
            None
            if sample.ended
            else decode(row, ids, self._plan.settings, forced=self._plan.forced.get(step))
            for sample, row, ids in zip(self.samples, table, earlier.tolist(), strict=True)
        ]
        following = self._drawn(found, table.shape)
        told = [self._write(*each) for each in zip(self.samples, found, following, strict=True)]
        hand_over({"step": step, "samples": told})
        return None if all(sample.ended for sample in self.samples) else following

    def _drawn(self, found: Sequence[Decoded | None], shape: tuple[int, ...]) -> list[int]:
        """Ids drawn over the whole vocabulary, as ``generate()`` draws them from PyTorch's generator."""
        chances = np.ones(shape, np.float32)
        for row, each in zip(chances, found, strict=True):
            if each is not None:
                row[:] = each.after
        if not self._plan.settings.draws:
            return [
                0 if each is None else int(row.argmax()) for row, each in zip(chances, found, strict=True)
            ]
        if self._generator is None:
            self._generator = torch.Generator().manual_seed(self._plan.seed)
            for _ in self._plan.begin:  # an answer that is taken up again goes on as it would have gone
                torch.multinomial(torch.ones(shape), 1, generator=self._generator)
        drawn = torch.multinomial(torch.from_numpy(chances), 1, generator=self._generator)
        return [int(each) for each in drawn[:, 0]]

    def _write(self, sample: Written, found: Decoded | None, word: int) -> dict[str, Any] | None:
        if found is None:
            return None
        before, after = found.before, found.after
        sample.ids.append(word)
        sample.probabilities.append(float(before[word]))
        sample.chances.append(float(after[word]))
        self._end(sample, word)
        ids = likeliest(found, SHOWN)
        ids = ids if word in ids else np.append(ids, word)
        return {
            "id": word,
            "token": self._name([word])[0],
            "probability": sample.probabilities[-1],
            "chance": sample.chances[-1],
            "rank": rank(before, word),
            "open": int(np.count_nonzero(after)),
            "ids": ids.tolist(),
            "names": self._name(ids.tolist()),
            "before": before[ids].tolist(),
            "after": after[ids].tolist(),
            "excluded_by": [found.reason(int(each)) for each in ids],
            "ended": sample.ended,
            "stop": sample.stop,
        }

    def _end(self, sample: Written, word: int) -> None:
        """Say why a sample ends with this word, if it does."""
        plan = self._plan
        if word in plan.ends:
            sample.ended = "end"
        elif plan.stop and (found := first_of(plan.stop, self._live.target.text(sample.ids))):
            sample.ended, sample.stop = "stop", found
        elif len(sample.ids) - len(plan.begin) >= plan.most:
            sample.ended = "length" if len(sample.ids) >= plan.max_new else "context"
        elif time.monotonic() > self._ends:
            sample.ended = "time"

    def _name(self, ids: Sequence[int]) -> list[str]:
        new = [each for each in ids if each not in self._names]
        if new:
            self._names.update(zip(new, self._live.target.tokens(new), strict=True))
        return [self._names[each] for each in ids]


def first_of(stops: Sequence[str], text: str) -> str:
    """The stop sequence that appears first in a text; of several at one place the longest; "" for none.

    Examples
    --------
    >>> first_of(["at", "cat"], "the cat"), first_of(["dog"], "the cat")
    ('cat', '')
    """
    found = [(text.index(stop), -len(stop), stop) for stop in stops if stop in text]
    return min(found)[2] if found else ""


def _refuse_nan(table: Any, step: int) -> None:
    if np.isnan(table).any() or not (table > -np.inf).any(axis=1).all():
        raise LiveError(
            f"the model's scores for token {step + 1} are not numbers (NaN), so no word can be drawn: look "
            "for the first layer that gives NaN, or run the model in float32"
        )
