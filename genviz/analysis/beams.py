"""What a beam search looked at: a tree of hypotheses that can be walked step by step.

The rules are those of ``transformers``' ``generate(num_beams=…)``: at each step the likeliest continuations
are considered, ``max(2, 1 + ends)`` times as many as beams; of the best ``beams`` those that end are
finished, and the best ``beams`` of those that do not end go on. A finished hypothesis of ``n`` tokens with
the joint log-probability ``log p`` has the score ``log p / n ** length_penalty`` (Wu et al. 2016, "Google's
neural machine translation system", section 7, with their ``lp(n)`` replaced by the plain power).
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from genviz.errors import ControlError
from genviz.shapes import Float, Int

#: What a tree holds of each hypothesis, as arrays.
ARRAYS = ("parents", "ids", "steps", "chances", "totals", "ranks")
EARLY: tuple[bool | str, ...] = (False, True, "never")
#: What became of a hypothesis at its step.
KEPT, FINISHED, TOO_LATE, PRUNED, GREEDY = "kept", "finished", "too late", "pruned", "greedy"


@dataclass(frozen=True)
class Rules:
    """What a search may do.

    Parameters
    ----------
    beams : int
        Hypotheses that go on at each step; 1 is greedy decoding.
    max_new : int
        Tokens after which every hypothesis ends.
    length_penalty : float
        Power of the length by which a finished hypothesis's log-probability is divided: 0 compares joint
        probabilities, and the larger it is, the better long sentences do.
    early_stopping : {False, True, "never"}
        When to stop once there are ``beams`` finished ones: True at once; False when the best that goes on
        would not get in at its present length; "never" when it could not even at full length.
    ends : frozenset of int
        Ids that end a sentence.

    Raises
    ------
    ControlError
        When one does not fit.
    """

    beams: int = 4
    max_new: int = 20
    length_penalty: float = 1.0
    early_stopping: bool | str = False
    ends: frozenset[int] = frozenset()

    def __post_init__(self) -> None:
        for name in ("beams", "max_new"):
            if getattr(self, name) < 1:
                raise ControlError(f"{name}={getattr(self, name)} does not fit: a search needs at least 1")
        if self.early_stopping not in EARLY:
            raise ControlError(
                f"early_stopping={self.early_stopping!r} does not fit: it is False, True or 'never'"
            )

    @property
    def considered(self) -> int:
        """Continuations looked at in each step: enough that ``beams`` can go on whatever ends."""
        return max(2, 1 + len(self.ends)) * self.beams

    def score(self, total: float, length: int) -> float:
        """Penalised score of a joint log-probability.

        Examples
        --------
        >>> Rules(length_penalty=2.0).score(-8.0, length=2)
        -2.0
        """
        return float(total / length**self.length_penalty)


@dataclass(frozen=True)
class Finished:
    """A sentence that a search finished.

    Parameters
    ----------
    node : int
        Where it ends in the tree.
    length : int
        Tokens after the prompt, the end among them.
    total : float
        Joint log-probability.
    score : float
        The same after the length penalty.
    kept : bool
        Whether it is among the ``beams`` best that are handed out.
    """

    node: int
    length: int
    total: float
    score: float
    kept: bool = True


@dataclass(frozen=True)
class Tree:
    """Every hypothesis of a search; the first is the prompt.

    Parameters
    ----------
    parents : int array, (hypothesis,)
        The one that each continues; -1 for the prompt.
    ids : int array, (hypothesis,)
        Its last token; -1 for the prompt.
    steps : int array, (hypothesis,)
        How many tokens it has.
    chances : float array, (hypothesis,)
        Log-probability of its last token.
    totals : float array, (hypothesis,)
        Joint log-probability of all its tokens.
    ranks : int array, (hypothesis,)
        Its place among those considered in its step, the likeliest being 0; -1 where only greedy went.
    fates : sequence of str
        ``kept``, ``finished``, ``too late`` (it ended, but was not among the best), ``pruned``, ``greedy``
        (only greedy went there).
    finished : sequence of Finished
        Best first.
    rules : Rules
    stopped : str
        Why the search stopped.
    greedy : sequence of int
        Hypotheses on the path of greedy decoding.
    """

    parents: Int[np.ndarray, " hypothesis"]
    ids: Int[np.ndarray, " hypothesis"]
    steps: Int[np.ndarray, " hypothesis"]
    chances: Float[np.ndarray, " hypothesis"]
    totals: Float[np.ndarray, " hypothesis"]
    ranks: Int[np.ndarray, " hypothesis"]
    fates: tuple[str, ...]
    finished: tuple[Finished, ...]
    rules: Rules
    stopped: str = ""
    greedy: tuple[int, ...] = field(default=())

    def __len__(self) -> int:
        return len(self.parents)

    @property
    def depth(self) -> int:
        """Steps of the search."""
        searched = self.steps[self.ranks >= 0]
        return int(searched.max()) if len(searched) else 0

    def path(self, node: int) -> list[int]:
        """Hypotheses from the first token to ``node``, without the prompt."""
        found = []
        while node > 0:
            found.append(node)
            node = int(self.parents[node])
        return found[::-1]

    def spelt(self, node: int) -> list[int]:
        """Ids of a hypothesis."""
        return [int(self.ids[each]) for each in self.path(node)]

    def lasting(self) -> Int[np.ndarray, " hypothesis"]:
        """The last step at which each hypothesis was still part of one that went on or finished.

        One that was pruned at once lasts until the step before it.
        """
        lives = np.array([fate in (KEPT, FINISHED) for fate in self.fates])
        last = np.where(lives, self.steps, self.steps - 1)
        for node in range(len(self) - 1, 0, -1):
            if lives[node]:
                last[self.parents[node]] = max(last[self.parents[node]], last[node])
        return last

    def to_json(self) -> dict[str, Any]:
        """Arrays and plain JSON."""
        return {
            **{name: getattr(self, name) for name in ARRAYS},
            "fates": list(self.fates),
            "finished": [[f.node, f.length, f.total, f.score, f.kept] for f in self.finished],
            "rules": {**vars(self.rules), "ends": sorted(self.rules.ends)},
            "stopped": self.stopped,
            "greedy": list(self.greedy),
        }

    @classmethod
    def from_json(cls, told: dict[str, Any]) -> "Tree":
        """Read what :meth:`to_json` made."""
        return cls(
            **{name: np.asarray(told[name]) for name in ARRAYS},
            fates=tuple(told["fates"]),
            finished=tuple(Finished(*each) for each in told["finished"]),
            rules=Rules(**{**told["rules"], "ends": frozenset(told["rules"]["ends"])}),
            stopped=str(told["stopped"]),
            greedy=tuple(told["greedy"]),
        )
