"""A trigram model of words: what counting alone can do, to compare with."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence

_EDGE = "<edge>"


class Trigram:
    """Counts of one, two and three words, each smoothed with the shorter (Witten and Bell 1991).

    Parameters
    ----------
    stories : iterable of sequence of str
        What is counted.

    Examples
    --------
    >>> model = Trigram([["the", "cat"], ["the", "dog"]])
    >>> model.log_probability(["the", "cat"]) > model.log_probability(["cat", "the"])
    True
    """

    def __init__(self, stories: Iterable[Sequence[str]]) -> None:
        self._counts: dict[tuple[str, ...], Counter[str]] = {}
        self._size = 0
        for story in stories:
            for before, word in _steps(story):
                for length in range(3):
                    self._counts.setdefault(before[2 - length :], Counter())[word] += 1
        self._size = len(self._counts[()])

    def log_probability(self, story: Sequence[str]) -> float:
        """Return the natural logarithm of the chance of a story and its end."""
        return sum(math.log(self._chance(before, word)) for before, word in _steps(story))

    def _chance(self, before: tuple[str, ...], word: str) -> float:
        # Section 2.4 of Chen and Goodman (1999): the shorter history counts as often as words follow it.
        shorter = self._chance(before[1:], word) if before else 1 / (self._size + 1)
        counts = self._counts.get(before)
        if counts is None:
            return shorter
        return (counts[word] + len(counts) * shorter) / (counts.total() + len(counts))


def _steps(story: Sequence[str]) -> list[tuple[tuple[str, ...], str]]:
    words = [_EDGE, _EDGE, *story, _EDGE]
    return [((words[i - 2], words[i - 1]), words[i]) for i in range(2, len(words))]
