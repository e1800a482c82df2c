"""The logit of one word at one place, as a function of the vectors of the words that went in."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from torch import Tensor

from genviz.capture import part_by_part
from genviz.capture.families.base import Call
from genviz.capture.families.structure import is_linear
from genviz.capture.replacing import Replacement, replacing, seeing, with_first
from genviz.errors import LiveError
from genviz.live.stack import Layout, no_scores, only_sample, positions_first

if TYPE_CHECKING:
    from genviz.live.text_model import TextModel

_TOKENS_AT_ONCE = 2_048  # run at a time, and
_WORK_AT_ONCE = (
    2e10  # products (tokens times parameters), about a second: a cancelled call stops between runs
)
_LOGITS_AT_ONCE = 40_000_000  # numbers that a run may give
_SAME = 1e-4  # of the logit: how far the end of the model, run for one place alone, may be from the whole


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


@dataclass(frozen=True)
class Ending:
    """A place in the run behind which every position may go its own way to the logits.

    Parameters
    ----------
    path : str
    number : int
        How many times the module had run before.
    given : bool
        Whether the place is before the module, not behind it.
    positions_first : bool
    """

    path: str
    number: int
    given: bool
    positions_first: bool


class WordLogit:
    """The logit of one word at one place, as a function of the token vectors.

    Where what stands behind the last block, or the output layer, gives the same for one place alone as for
    all of them (it is tried out), it is run for that place only: half the work, with 50,000 words.

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
        self.slots: list[Slot] = []
        endings: dict[str, Ending] = {}
        scores = self._look(endings)
        self.vocabulary = scores.shape[-1]
        self.position = len(scores) - 1 if position is None else position
        if not 0 <= self.position < len(scores):
            raise LiveError(f"no position {position}: the text has positions 0 … {len(scores) - 1}")
        self.word = int(scores[self.position].argmax()) if word is None else word
        self.logit = float(scores[self.position, self.word])
        places = endings.values() if len(scores) > 1 else ()
        self.alone = next((each for each in places if self._goes_alone(each)), None)

    def __call__(self, *vectors: Tensor) -> Tensor:
        """Logits, (sample,), for token vectors (sample, token, channel) in each slot."""
        scores = self._changed(vectors, self.alone)
        if scores is None:
            raise no_scores(self.live)
        return scores[:, self.position if self.alone is None else 0, self.word]

    @cached_property
    def at_once(self) -> int:
        """How many changed texts are run at a time."""
        tokens = sum(len(slot.ids) for slot in self.slots)
        logits = self.vocabulary * (tokens if self.alone is None else 1)
        work = tokens * sum(each.numel() for each in self.live.modules[""].parameters())
        return int(max(1, min(_TOKENS_AT_ONCE // tokens, _LOGITS_AT_ONCE // logits, _WORK_AT_ONCE // work)))

    def _changed(self, vectors: Sequence[Tensor], alone: Ending | None) -> Tensor | None:
        changed: dict[str, Replacement] = {}
        for path in {slot.path for slot in self.slots}:
            given = {
                slot.number: v.transpose(0, 1) if slot.positions_first else v
                for slot, v in zip(self.slots, vectors, strict=True)
                if slot.path == path
            }
            changed[path] = _putting(given)
        inputs: dict[str, Replacement] = {}
        if alone is not None:
            (inputs if alone.given else changed)[alone.path] = lambda call: self._one_place(alone, call)
        with part_by_part(self.live.modules[""]), replacing(self.layout.network, changed, inputs):
            return self.live.scores(self.live.run_many(self.ids, self.target, len(vectors[0])))

    def _one_place(self, ending: Ending, call: Call) -> Any:
        values = call.given if ending.given else call.result
        if call.number != ending.number or values is None:
            return None
        one = values.narrow(0 if ending.positions_first else 1, self.position, 1)
        return one if ending.given else with_first(call.output, one)

    def _goes_alone(self, ending: Ending) -> bool:
        vectors = [slot.vectors.expand(2, -1, -1) for slot in self.slots]
        try:
            with self.live.running():
                scores = self._changed(vectors, ending)
        except Exception:  # whatever a model's own code raises when it gets one place
            return False
        if scores is None or scores.shape[:2] != (2, 1):
            return False
        return abs(float(scores[0, 0, self.word]) - self.logit) <= _SAME * max(1.0, abs(self.logit))

    def _look(self, endings: dict[str, Ending]) -> Tensor:
        """Run the model as it is, find the slots and what may be endings; scores (token, vocab)."""
        tables = {tap.path for tap in self.layout.plan.taps if tap.kind == "embedding"}
        wanted = [self.ids, *([] if self.target is None else [self.target])]
        blocks = set(self.layout.blocks)

        def seen(call: Call) -> None:
            if call.path in blocks and call.result is not None:
                first = positions_first(call.result)
                endings["block"] = Ending(call.path, call.number, given=False, positions_first=first)
            elif is_linear(call.module) and call.given is not None:
                first = positions_first(call.given)
                endings["output"] = Ending(call.path, call.number, given=True, positions_first=first)
            if call.path not in tables or call.given is None or call.result is None or not wanted:
                return
            if call.given.flatten().tolist() == wanted[0]:
                vectors = only_sample(call.result.detach())[None].clone()
                first = positions_first(call.result)
                self.slots.append(Slot(call.path, call.number, wanted.pop(0), vectors, first))

        with self.live.running(), seeing(self.layout.network, seen):
            scores = self.live.one_sample(self.live._run(self.ids, self.target))
        if scores is None:
            raise no_scores(self.live)
        if wanted:
            raise LiveError("no table of token vectors was seen to read these ids, so no word can be changed")
        return scores


def _putting(given: dict[int, Tensor]) -> Replacement:
    def change(call: Call) -> Any:
        return with_first(call.output, given[call.number]) if call.number in given else None

    return change
