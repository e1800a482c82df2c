"""How a language model's scores become the distribution that the next word is drawn from.

The steps and their order are those of Hugging Face's ``generate()`` (processors: repetition penalty,
banned words, forced words; then, where it samples, warpers: temperature, top-k, top-p, min-p). Everything is
computed over the whole vocabulary; what is shown of it is chosen afterwards, by :func:`likeliest`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from genviz.errors import ControlError
from genviz.shapes import Bool, Float, Float64, Int

MODEL = "model"
#: Words looked at first for a nucleus; only when it is larger are all of them sorted.
_HEAD = 1024
_NOTHING = -np.inf


@dataclass(frozen=True)
class Settings:
    """How the next word is chosen.

    Parameters
    ----------
    temperature : float
        What scores are divided by; 0 takes the likeliest word each time.
    top_k : int (or a whole float)
        How many of the likeliest words stay (more when several tie for the last place); 0 keeps all.
    top_p : float
        Words stay, likeliest first, until their probabilities sum to this (nucleus; Holtzman et al. 2020,
        "The curious case of neural text degeneration", https://arxiv.org/abs/1904.09751).
    min_p : float
        Words stay that are at least this share of the likeliest one's probability (Nguyen et al. 2024,
        https://arxiv.org/abs/2407.01082).
    repetition_penalty : float
        Scores of words that are there already are divided by this, or multiplied where negative (Keskar et
        al. 2019, "CTRL", https://arxiv.org/abs/1909.05858, section 4.1); 1 changes nothing.
    banned : tuple of tuple of int
        Words (one or several ids each) that must not be said.

    Raises
    ------
    ControlError
        When a value does not fit; says what does.

    Examples
    --------
    >>> Settings(temperature=-1)
    Traceback (most recent call last):
    genviz.errors.ControlError: temperature=-1 does not fit: give 0 (the likeliest word each time) or more
    """

    temperature: float = 1.0
    top_k: float = 0
    top_p: float = 1.0
    min_p: float = 0.0
    repetition_penalty: float = 1.0
    banned: tuple[tuple[int, ...], ...] = ()

    def __post_init__(self) -> None:
        for name, fits, says in (
            ("temperature", lambda value: value >= 0, "give 0 (the likeliest word each time) or more"),
            (
                "top_k",
                lambda value: value >= 0 and value == int(value),
                "give a whole number, 0 for all words",
            ),
            ("top_p", lambda value: 0 < value <= 1, "give more than 0 and at most 1 (all words)"),
            ("min_p", lambda value: 0 <= value <= 1, "give 0 (all words) to 1"),
            ("repetition_penalty", lambda value: value > 0, "give more than 0; 1 changes nothing"),
        ):
            value = getattr(self, name)
            if not _is_number(value) or not fits(value):
                raise ControlError(f"{name}={value!r} does not fit: {says}")
        if any(not word for word in self.banned):
            raise ControlError("a banned word is empty: give words of at least one token")

    @property
    def draws(self) -> bool:
        """Whether chance has a part in it."""
        return self.temperature > 0


@dataclass(frozen=True)
class Stage:
    """The scores after one step.

    Parameters
    ----------
    name : str
        ``"model"``, or the setting that made the step; ``"forced"``.
    scores : float64 array, (vocab,)
        Logits; minus infinity where a word is excluded.
    """

    name: str
    scores: Float64[np.ndarray, " vocab"]

    @property
    def probabilities(self) -> Float64[np.ndarray, " vocab"]:
        """Softmax of the scores."""
        return softmax(self.scores)


@dataclass(frozen=True)
class Decoded:
    """How one next word is chosen, from the model's scores to what it is drawn from.

    Parameters
    ----------
    stages : tuple of Stage
        The model's own scores first; steps that change nothing are left out.
    excluded_by : int array, (vocab,)
        The stage at which a word was excluded (its place in ``stages``); 0 where it was not.
    """

    stages: tuple[Stage, ...]
    excluded_by: Int[np.ndarray, " vocab"]

    @property
    def before(self) -> Float64[np.ndarray, " vocab"]:
        """Probabilities as the model gives them."""
        return self.stages[0].probabilities

    @property
    def after(self) -> Float64[np.ndarray, " vocab"]:
        """Probabilities that the word is drawn with."""
        return self.stages[-1].probabilities

    def stage(self, name: str) -> Stage | None:
        """The stage of a name, if that step changed something."""
        return next((stage for stage in self.stages if stage.name == name), None)

    def reason(self, word: int) -> str:
        """Name of the step that excluded a word; empty when it may be said."""
        at = int(self.excluded_by[word])
        return self.stages[at].name if at else ""


def decode(
    logits: Float[np.ndarray, " vocab"],
    earlier: Sequence[int] = (),
    settings: Settings | None = None,
    *,
    forced: int | None = None,
) -> Decoded:
    """Turn a model's scores into the distribution that its next word is drawn from, step by step.

    Parameters
    ----------
    logits : float array, (vocab,)
    earlier : sequence of int
        Ids so far: what ``generate()`` calls ``input_ids`` (the prompt is among them; of an encoder–decoder,
        what the decoder has written).
    settings : Settings, optional
    forced : int, optional
        The only word that may be said.

    Raises
    ------
    ControlError
        When no word is left to be said.

    Examples
    --------
    >>> found = decode(np.log([0.5, 0.3, 0.15, 0.05]), settings=Settings(top_p=0.7))
    >>> found.after.round(3), found.reason(3)
    (array([0.625, 0.375, 0.   , 0.   ]), 'top_p')
    """
    settings = settings or Settings()
    stages = [Stage(MODEL, np.asarray(logits, np.float64))]
    excluded = np.zeros(len(logits), np.int64)
    for name, step in _steps(settings, earlier, forced):
        scores = step(stages[-1].scores)
        gone = (scores == _NOTHING) & (stages[-1].scores != _NOTHING)
        excluded[gone] = len(stages)
        stages.append(Stage(name, scores))
    if not np.any(stages[-1].scores > _NOTHING):
        raise ControlError(_nothing_left(settings, forced))
    return Decoded(tuple(stages), excluded)


def softmax(scores: Float[np.ndarray, " vocab"]) -> Float64[np.ndarray, " vocab"]:
    """Probabilities of scores; those of minus infinity have none.

    Examples
    --------
    >>> softmax(np.array([0.0, np.log(3), -np.inf]))
    array([0.25, 0.75, 0.  ])
    """
    wide = np.asarray(scores, np.float64)
    exponentials = np.exp(wide - wide.max())
    return np.asarray(exponentials / exponentials.sum())


def ranked(values: Float[np.ndarray, " vocab"], count: int | None = None) -> Int[np.ndarray, " rank"]:
    """Ids by falling value; of equal ones the smaller id first.

    Parameters
    ----------
    values : float array, (vocab,)
    count : int, optional
        Only so many.

    Examples
    --------
    >>> ranked(np.array([0.2, 0.5, 0.2]), 2)
    array([1, 0])
    """
    if count is None or count >= len(values):
        return np.argsort(-values, kind="stable")
    least = np.partition(values, len(values) - count)[len(values) - count] if count else np.inf
    among = np.flatnonzero(values >= least)
    return np.asarray(among[np.argsort(-values[among], kind="stable")][:count])


def nucleus(probabilities: Float[np.ndarray, " vocab"], top_p: float) -> Int[np.ndarray, " rank"]:
    """The likeliest words whose probabilities sum to ``top_p`` or just more, likeliest first.

    Examples
    --------
    >>> nucleus(np.array([0.15, 0.5, 0.05, 0.3]), 0.7)
    array([1, 3])
    """
    for count in (_HEAD, len(probabilities)):
        order = ranked(probabilities, count)
        total = np.cumsum(probabilities[order])
        if total[-1] >= top_p or len(order) == len(probabilities):
            break
    return order[: 1 + int(np.searchsorted(total[:-1], top_p, side="left"))]


def likeliest(found: Decoded, count: int) -> Int[np.ndarray, " rank"]:
    """Ids worth showing: the ``count`` likeliest before and after all steps, by their probability before.

    Examples
    --------
    >>> likeliest(decode(np.array([3.0, 2.0, 1.0, 0.0]), settings=Settings(banned=((0,),))), 1)
    array([0, 1])
    """
    before, after = found.stages[0].scores, found.stages[-1].scores
    ids = np.union1d(ranked(before, count), ranked(after, count))
    return np.asarray(ids[np.argsort(-before[ids], kind="stable")])


def rank(values: Float[np.ndarray, " vocab"], word: int) -> int:
    """The place of a word by falling value, from 1; equal ones share the best place.

    Examples
    --------
    >>> rank(np.array([0.2, 0.5, 0.3]), 2)
    2
    """
    return 1 + int(np.count_nonzero(values > values[word]))


# -- the steps ---------------------------------------------------------------------------------------

_Scores = Float64[np.ndarray, " vocab"]


def _steps(settings: Settings, earlier: Sequence[int], forced: int | None) -> list[tuple[str, Any]]:
    """Those that change something, in the order of ``generate()``."""
    steps: list[tuple[str, bool, Any]] = [
        ("repetition_penalty", settings.repetition_penalty != 1,
         lambda scores: _penalised(scores, earlier, settings.repetition_penalty)),
        ("banned", bool(settings.banned), lambda scores: _without(scores, earlier, settings.banned)),
        ("forced", forced is not None, lambda scores: _only(scores, forced)),
        ("temperature", settings.temperature != 1, lambda scores: _tempered(scores, settings.temperature)),
    ]  # fmt: skip
    if settings.draws:
        steps += [
            ("top_k", settings.top_k > 0, lambda scores: _top_k(scores, int(settings.top_k))),
            ("top_p", settings.top_p < 1, lambda scores: _top_p(scores, settings.top_p)),
            ("min_p", settings.min_p > 0, lambda scores: _min_p(scores, settings.min_p)),
        ]
    return [(name, step) for name, changes, step in steps if changes]


def _penalised(scores: _Scores, earlier: Sequence[int], penalty: float) -> _Scores:
    said = np.unique(np.asarray(earlier, np.int64))
    said = said[(said >= 0) & (said < len(scores))]
    changed = scores.copy()
    changed[said] = np.where(scores[said] < 0, scores[said] * penalty, scores[said] / penalty)
    return changed


def _without(scores: _Scores, earlier: Sequence[int], banned: Sequence[Sequence[int]]) -> _Scores:
    """Of a word of several ids the last is excluded, where the others have just been said."""
    changed = scores.copy()
    for *start, last in banned:
        if not 0 <= last < len(scores):
            raise ControlError(f"the banned id {last} is not one of the {len(scores)} of this model")
        if list(earlier[len(earlier) - len(start) :]) == start:
            changed[last] = _NOTHING
    return changed


def _only(scores: _Scores, forced: int | None) -> _Scores:
    if forced is None or not 0 <= forced < len(scores):
        raise ControlError(f"the forced id {forced} is not one of the {len(scores)} of this model")
    return _kept(scores, np.arange(len(scores)) == forced)


def _tempered(scores: _Scores, temperature: float) -> _Scores:
    if temperature > 0:
        return np.asarray(scores / temperature)
    return _kept(scores, np.arange(len(scores)) == int(np.argmax(scores)))


def _top_k(scores: _Scores, count: int) -> _Scores:
    if count >= len(scores):
        return scores
    return _kept(scores, scores >= np.partition(scores, len(scores) - count)[len(scores) - count])


def _top_p(scores: _Scores, top_p: float) -> _Scores:
    inside = np.zeros(len(scores), bool)
    inside[nucleus(softmax(scores), top_p)] = True
    return _kept(scores, inside)


def _min_p(scores: _Scores, min_p: float) -> _Scores:
    chances = softmax(scores)
    return _kept(scores, chances >= min_p * chances.max())


def _kept(scores: _Scores, keep: Bool[np.ndarray, " vocab"]) -> _Scores:
    return np.where(keep, scores, _NOTHING)


def _nothing_left(settings: Settings, forced: int | None) -> str:
    if forced is not None:
        return f"the word with id {forced} is forced here, and banned as well: let one of them go"
    count = len(settings.banned)
    return f"no word is left to be said: {count} are banned; let some of them go"


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
