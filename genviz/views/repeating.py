"""A text that shows induction without any help from meaning: random tokens, said twice."""

from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from genviz.analysis.words import special
from genviz.errors import NotApplicable
from genviz.recording import Recording
from genviz.views.subject import Runs, Subject

LONGEST = 48  # tokens of the part that is said twice
SHORTEST = 4
_MADE: WeakKeyDictionary[Any, Recording] = WeakKeyDictionary()


def can_repeat(subject: Subject) -> bool:
    """Tell whether the subject's model can be given ids of our choice."""
    facts, defaults = subject.info.get("facts") or {}, subject.info.get("defaults") or {}
    reads = subject.has("live.record") and subject.has("live.tokenize") and not defaults.get("two_sided")
    return bool(reads and _length(facts) >= SHORTEST)


def repeated(subject: Subject) -> Recording:
    """The recording of random tokens said twice (Olsson et al. 2022, arXiv:2209.11895); made once per model.

    Raises
    ------
    NotApplicable
        Without a live model that reads ids; says what is missing.
    """
    live = subject.live
    if live is None or not can_repeat(subject):
        raise NotApplicable(
            f"{subject.name!r} cannot read random tokens twice: that takes a live model of one text whose "
            "vocabulary is known; open the model itself, not a recording of it"
        )
    if live not in _MADE:
        ids = _drawn(live, subject.info["facts"], seed=0)
        _MADE[live] = live.call("record", text=[*ids, *ids])
    return _MADE[live]


def _length(facts: Any) -> int:
    """Tokens of one part: what fits the context twice, and differs."""
    context = facts.get("context") or 2 * LONGEST
    return int(min(LONGEST, context // 2, (facts.get("vocab") or 0) // 2))


def _drawn(live: Runs, facts: Any, *, seed: int) -> list[int]:
    vocab, count = int(facts["vocab"]), _length(facts)
    candidates = np.random.default_rng(seed).permutation(vocab)[: 2 * count].tolist()
    tokens = live.call("tokenize", text=candidates)["tokens"]
    plain = [each for each, lone in zip(candidates, special(tokens), strict=True) if not lone]
    return [int(each) for each in plain[:count]]
