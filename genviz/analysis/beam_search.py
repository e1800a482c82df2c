"""Beam search that is told, step by step, what may come next; its rules are those of :class:`Rules`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from genviz.analysis.beams import ARRAYS, FINISHED, GREEDY, KEPT, PRUNED, TOO_LATE, Finished, Rules, Tree
from genviz.shapes import Float, Int

Stops = Callable[[Sequence[int]], bool]


def never(_: Sequence[int]) -> bool:
    """Stop at nothing but the model's own end."""
    return False


@dataclass
class _Nodes:
    """Hypotheses so far, as lists."""

    parents: list[int] = field(default_factory=lambda: [-1])
    ids: list[int] = field(default_factory=lambda: [-1])
    steps: list[int] = field(default_factory=lambda: [0])
    chances: list[float] = field(default_factory=lambda: [0.0])
    totals: list[float] = field(default_factory=lambda: [0.0])
    ranks: list[int] = field(default_factory=lambda: [0])
    fates: list[str] = field(default_factory=lambda: [KEPT])

    def add(self, parent: int, token: int, *, chance: float, rank: int, fate: str) -> int:
        self.parents.append(parent)
        self.ids.append(token)
        self.steps.append(self.steps[parent] + 1)
        self.chances.append(chance)
        self.totals.append(self.totals[parent] + chance)
        self.ranks.append(rank)
        self.fates.append(fate)
        return len(self.ids) - 1

    def spelt(self, node: int) -> list[int]:
        found = []
        while node > 0:
            found.append(self.ids[node])
            node = self.parents[node]
        return found[::-1]


class Search:
    """A beam search that is told, step by step, what may come next.

    Parameters
    ----------
    rules : Rules
    stops : callable
        Says of a hypothesis's ids whether it ends there, beside the rules' own ends.

    Examples
    --------
    >>> search = Search(Rules(beams=2, max_new=2))
    >>> while search.running:
    ...     search.step(np.log(np.tile([0.6, 0.3, 0.1], (len(search.running), 1))))
    >>> search.tree().spelt(search.tree().finished[0].node)
    [0, 0]
    """

    def __init__(self, rules: Rules, stops: Stops = never) -> None:
        self.rules, self._stops = rules, stops
        self._nodes = _Nodes()
        self._finished: list[Finished] = []
        self.running: list[int] = [0]  #: hypotheses that go on, the likeliest first
        self.rows: list[int] = [0]  #: for each of them, the row of the step before that it continues
        self.stopped = ""

    def spelt(self) -> list[list[int]]:
        """Ids of the hypotheses that go on."""
        return [self._nodes.spelt(node) for node in self.running]

    def step(self, scores: Float[np.ndarray, "running vocab"]) -> None:
        """Take one step.

        Parameters
        ----------
        scores : float array, (running, vocab)
            Log-probability of each next token, for each hypothesis that goes on; ``-inf`` never comes.

        Raises
        ------
        ValueError
            When they are not numbers, or nothing can come next.
        """
        if np.isnan(scores).any():
            raise ValueError(
                f"NaN among the log-probabilities of step {self._nodes.steps[self.running[0]] + 1}"
            )
        totals = np.array([self._nodes.totals[node] for node in self.running])[:, None] + scores
        best = _largest(totals.ravel(), self.rules.considered)
        if not len(best):
            raise ValueError(
                f"nothing can follow step {self._nodes.steps[self.running[0]]}: all are impossible"
            )
        rows, tokens = np.divmod(best, scores.shape[1])
        self._sort(rows.tolist(), tokens.tolist(), scores[rows, tokens].tolist())
        self._look_whether_to_go_on()

    def _sort(self, rows: list[int], tokens: list[int], chances: list[float]) -> None:
        """Say of each continuation, the likeliest first, what becomes of it."""
        before, running, went = self.running, list[int](), list[int]()
        for rank, (row, token, chance) in enumerate(zip(rows, tokens, chances, strict=True)):
            node = self._nodes.add(before[row], token, chance=chance, rank=rank, fate=PRUNED)
            if self._ends(node):
                self._nodes.fates[node] = FINISHED if rank < self.rules.beams else TOO_LATE
                if rank < self.rules.beams:
                    self._finish(node)
            elif len(running) < self.rules.beams:
                self._nodes.fates[node] = KEPT
                running.append(node)
                went.append(row)
        self.running, self.rows = running, went

    def _ends(self, node: int) -> bool:
        full = self._nodes.steps[node] >= self.rules.max_new
        return full or self._nodes.ids[node] in self.rules.ends or self._stops(self._nodes.spelt(node))

    def _finish(self, node: int) -> None:
        total, length = self._nodes.totals[node], self._nodes.steps[node]
        self._finished.append(Finished(node, length, total, self.rules.score(total, length)))

    def _best(self) -> list[Finished]:
        return sorted(self._finished, key=lambda each: -each.score)[: self.rules.beams]

    def _look_whether_to_go_on(self) -> None:
        rules, best = self.rules, self._best()
        if not self.running:
            self.stopped = "every hypothesis has ended"
        elif len(best) == rules.beams and rules.early_stopping is True:
            self.stopped = f"{rules.beams} sentences are finished"
        elif len(best) == rules.beams and self._hope() <= best[-1].score:
            self.stopped = "none that goes on could still be among the best finished ones"
        if self.stopped:
            self.running = []

    def _hope(self) -> float:
        """The best score that one that goes on could have; for a penalty above 0 only ``never`` is sure."""
        first = self.running[0]
        far = self.rules.early_stopping == "never" and self.rules.length_penalty > 0
        length = self.rules.max_new if far else self._nodes.steps[first]
        return self.rules.score(self._nodes.totals[first], length)

    def tree(self) -> Tree:
        """Everything so far."""
        kept = {each.node for each in self._best()}
        finished = sorted(self._finished, key=lambda each: -each.score)
        nodes = self._nodes
        return Tree(
            parents=np.array(nodes.parents, np.int64),
            ids=np.array(nodes.ids, np.int64),
            steps=np.array(nodes.steps, np.int64),
            chances=np.array(nodes.chances, np.float64),
            totals=np.array(nodes.totals, np.float64),
            ranks=np.array(nodes.ranks, np.int64),
            fates=tuple(nodes.fates),
            finished=tuple(replace(each, kept=each.node in kept) for each in finished),
            rules=self.rules,
            stopped=self.stopped,
        )


def with_greedy(tree: Tree, ids: Sequence[int], chances: Sequence[float]) -> Tree:
    """Draw the path of greedy decoding into a tree; what the search never considered is added.

    Parameters
    ----------
    tree : Tree
    ids : sequence of int
        Greedy's tokens.
    chances : sequence of float
        Their log-probabilities.
    """
    arrays = {name: getattr(tree, name).tolist() for name in ARRAYS}
    nodes = _Nodes(**arrays, fates=list(tree.fates))
    places = {
        (parent, token): at for at, (parent, token) in enumerate(zip(nodes.parents, nodes.ids, strict=True))
    }
    at, path = 0, []
    for token, chance in zip(ids, chances, strict=True):
        found = places.get((at, token))
        at = nodes.add(at, token, chance=chance, rank=-1, fate=GREEDY) if found is None else found
        path.append(at)
    grown = {name: np.array(getattr(nodes, name), getattr(tree, name).dtype) for name in ARRAYS}
    more: dict[str, Any] = {**grown, "fates": tuple(nodes.fates), "greedy": tuple(path)}
    return replace(tree, **more)


def _largest(values: Float[np.ndarray, " candidate"], count: int) -> Int[np.ndarray, " kept"]:
    """Places of the largest possible values, the largest first; equal ones in their order."""
    count = min(count, int(np.isfinite(values).sum()))
    if count == 0:
        return np.empty(0, np.int64)
    edge = np.partition(values, len(values) - count)[len(values) - count]
    places = np.flatnonzero(values >= edge)
    found: Int[np.ndarray, " kept"] = places[np.argsort(-values[places], kind="stable")][:count]
    return found
