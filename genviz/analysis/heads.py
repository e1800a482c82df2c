"""What a head is for: how well it fits the kinds of heads that are known, from its weights and the tokens."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from genviz.analysis.attention import distance, entropy
from genviz.shapes import Bool, Float, Float64, Int

Weights = Float[np.ndarray, "head query key"]
Flags = Bool[np.ndarray, "query key"]
Scores = Float64[np.ndarray, " head"]

NO_TOKENS = "the recording holds neither tokens nor ids"
NO_REPEAT = "no token repeats in this text"
NO_SPECIAL = "no special token is in this text"
CROSSED = "cross-attention: queries and keys stand in different texts"
SHORT = "no query may look at more than one key"
NONE_THERE = "no query may look at such a key"


@dataclass(frozen=True)
class Sight:
    """What the rows of one site could look at, whatever they did look at.

    Parameters
    ----------
    allowed : bool array, (row, key)
        False where the mask forbids to look.
    positions : int array, (row,)
        Position of each row's query among the keys.
    tokens : int array, (key,), optional
        Equal numbers for equal tokens.
    special : bool array, (key,), optional
        True for tokens that stand for no text (``[CLS]``, ``<s>``).
    crossed : bool
        Queries and keys stand in different texts, so positions are not comparable.
    """

    allowed: Flags
    positions: Int[np.ndarray, " query"]
    tokens: Int[np.ndarray, " key"] | None = None
    special: Bool[np.ndarray, " key"] | None = None
    crossed: bool = False

    @cached_property
    def telling(self) -> Bool[np.ndarray, " query"]:
        """Rows that may look at more than one key; the others have no choice."""
        return np.asarray(self.allowed.sum(axis=1) > 1)

    @cached_property
    def even(self) -> Weights:
        """Weights of a head that looks evenly at everything it may see, (1, row, key)."""
        counts = np.maximum(self.allowed.sum(axis=1, keepdims=True), 1)
        return np.asarray(self.allowed / counts)[None]

    @cached_property
    def places(self) -> Int[np.ndarray, " key"]:
        """Positions of the keys."""
        return np.arange(self.allowed.shape[1])


def share(weights: Weights, sight: Sight, target: Flags) -> Scores:
    """Mean weight that each head gives to the target keys of a row, over the rows that have one.

    Parameters
    ----------
    weights : float array, (head, row, key)
    sight : Sight
    target : bool array, (row, key)
        Keys that count.

    Returns
    -------
    float array, (head,)
        0 … 1; NaN when no row may look at a target.

    Examples
    --------
    >>> causal = Sight(np.tri(3, dtype=bool), np.arange(3))
    >>> share(np.array([[[1, 0, 0], [0.75, 0.25, 0], [0, 0.5, 0.5]]]), causal, at_offset(causal, -1))
    array([0.625])
    """
    aimed = target & sight.allowed
    rows = sight.telling & aimed.any(axis=1)
    if not rows.any():
        return np.full(len(weights), np.nan)
    return np.asarray(np.where(aimed[rows], np.asarray(weights, np.float64)[:, rows], 0).sum(-1).mean(-1))


def at_offset(sight: Sight, offset: int) -> Flags:
    """Keys that stand ``offset`` tokens after the query (-1: the previous token)."""
    return np.asarray(sight.places[None, :] == sight.positions[:, None] + offset)


def at_first(sight: Sight) -> Flags:
    """The first key, for queries that are not it (attention sinks, arXiv:2309.17453)."""
    return np.asarray((sight.places[None, :] == 0) & (sight.crossed | (sight.positions[:, None] > 0)))


def at_special(sight: Sight) -> Flags:
    """Special tokens (Clark et al. 2019, arXiv:1906.04341, section 3.2)."""
    special = np.zeros(len(sight.places), bool) if sight.special is None else sight.special
    return np.broadcast_to(special[None, :], sight.allowed.shape)


def at_duplicate(sight: Sight) -> Flags:
    """Other places of the query's own token (Wang et al. 2022, arXiv:2211.00593, section 3)."""
    tokens = _tokens(sight)
    same = tokens[None, :] == tokens[sight.positions][:, None]
    return np.asarray(same & ~at_offset(sight, 0))


def at_induction(sight: Sight) -> Flags:
    """Keys that come after another place of the query's own token.

    Prefix matching of Olsson et al. 2022, arXiv:2209.11895, "Prefix matching score": a head that looks there
    finds what followed the last time. The query itself is left out, also where a token follows itself.
    """
    after = np.zeros(sight.allowed.shape, bool)
    after[:, 1:] = at_duplicate(sight)[:, :-1]
    return np.asarray(after & ~at_offset(sight, 0))


def position_alone(weights: Weights, sight: Sight) -> Scores:
    """How much of a head's weights the relative position explains.

    Parameters
    ----------
    weights : float array, (head, row, key)
    sight : Sight

    Returns
    -------
    float array, (head,)
        ``ε² = 1 - (SS_within / (n - g)) / (SS_total / (n - 1))`` of the ``n`` cells that may be looked at,
        grouped by their ``g`` distances from query to key (Kelley 1935, *An unbiased correlation ratio
        measure*). 1: the weight depends on the distance alone; about 0 (or just below): on it not at all.
        NaN when there are too few cells, or all weights are the same.
    """
    seen = sight.allowed & sight.telling[:, None]
    offsets = (sight.places[None, :] - sight.positions[:, None])[seen]
    _, group = np.unique(offsets, return_inverse=True)
    sizes = np.bincount(group)
    spare = len(group) - len(sizes)
    if spare < 1:
        return np.full(len(weights), np.nan)
    return np.array([_explained(np.asarray(head, np.float64)[seen], group, sizes) for head in weights])


def _explained(
    cells: Float64[np.ndarray, " cell"], group: Int[np.ndarray, " cell"], sizes: Int[np.ndarray, " bin"]
) -> float:
    total = float(((cells - cells.mean()) ** 2).sum())
    if not total:
        return float("nan")
    means = np.bincount(group, cells) / sizes
    within = float(((cells - means[group]) ** 2).sum())
    return 1 - (within / (len(cells) - len(sizes))) / (total / (len(cells) - 1))


def mean_entropy(weights: Weights, sight: Sight) -> Scores:
    """Mean entropy of each head's rows, in bits; rows that see one key only are left out."""
    return _over_rows(entropy(weights[:, sight.telling]))


def mean_distance(weights: Weights, sight: Sight) -> Scores:
    """Mean distance that each head looks, in tokens; rows that see one key only are left out."""
    return _over_rows(distance(weights[:, sight.telling], sight.positions[sight.telling]))


def _over_rows(values: Float64[np.ndarray, "head query"]) -> Scores:
    return np.asarray(values.mean(-1)) if values.shape[-1] else np.full(len(values), np.nan)


def _tokens(sight: Sight) -> Int[np.ndarray, " key"]:
    if sight.tokens is None:
        raise ValueError("this score compares tokens, and the sight has none")
    return sight.tokens


@dataclass(frozen=True)
class Measure:
    """A number that says what a head does.

    Parameters
    ----------
    name, title : str
    meaning : str
        What it says, as the end of "How much …" or the like, in plain words.
    unit : str
    score : callable
        ``score(weights, sight)`` gives a number per head.
    target : callable, optional
        The keys that a share is of; without it the measure is no share.
    crosses : bool
        Whether it says something of cross-attention.
    low : bool
        The telling heads are those of low scores.
    """

    name: str
    title: str
    meaning: str
    unit: str
    score: Callable[[Weights, Sight], Scores]
    target: Callable[[Sight], Flags] | None = None
    crosses: bool = False
    low: bool = False

    def missing(self, sight: Sight) -> str:
        """Why nothing can be said of a site; empty when something can."""
        if sight.crossed and not self.crosses:
            return CROSSED
        if not sight.telling.any():
            return SHORT
        if self.name in ("duplicate", "induction"):
            if sight.tokens is None:
                return NO_TOKENS
            if len(np.unique(sight.tokens)) == len(sight.tokens):
                return NO_REPEAT
        if self.name == "special" and (sight.special is None or not sight.special.any()):
            return NO_SPECIAL
        if self.target is not None and not (self.target(sight) & sight.allowed)[sight.telling].any():
            return NONE_THERE
        return ""


def _share(
    name: str, title: str, meaning: str, target: Callable[[Sight], Flags], *, crosses: bool = False
) -> Measure:
    def score(weights: Weights, sight: Sight) -> Scores:
        return share(weights, sight, target(sight))

    return Measure(name, title, meaning, "share of weight", score, target, crosses)


#: What heads are sorted by, the general ones first.
MEASURES: dict[str, Measure] = {
    measure.name: measure
    for measure in (
        Measure(
            "entropy", "Entropy", "how widely a head spreads its weight", "bits", mean_entropy,
            crosses=True, low=True,
        ),
        Measure("distance", "Distance", "how far a head looks", "tokens", mean_distance),
        _share("previous", "Previous token", "weight on the token just before",
               lambda sight: at_offset(sight, -1)),
        _share("next", "Next token", "weight on the token just after", lambda sight: at_offset(sight, 1)),
        _share("current", "Current token", "weight on the token itself", lambda sight: at_offset(sight, 0)),
        _share("first", "First token (sink)", "weight that is parked on the first token", at_first,
               crosses=True),
        _share("special", "Special tokens", "weight on tokens that stand for no text", at_special,
               crosses=True),
        _share("duplicate", "Duplicate token", "weight on other places of the same token", at_duplicate),
        _share("induction", "Induction", "weight on what followed the same token before", at_induction),
        Measure("positional", "Position alone", "how well distance alone explains the weights",
                "ε²", position_alone),
    )
}  # fmt: skip


def score(measure: Measure, weights: Weights, sight: Sight) -> tuple[Scores, float, str]:
    """Score all heads of a site.

    Returns
    -------
    scores : float array, (head,)
        NaN when nothing can be said.
    even : float
        What a head that looks evenly at everything it may see would get.
    why : str
        Why nothing can be said; empty when something can.
    """
    why = measure.missing(sight)
    if why:
        return np.full(len(weights), np.nan), float("nan"), why
    return measure.score(weights, sight), float(measure.score(sight.even, sight)[0]), ""
