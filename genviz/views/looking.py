"""How attention is looked at, alike in every picture: means of heads, keys left out, words, thresholds."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from genviz.analysis.pooling import Overview, pooled_rows
from genviz.analysis.words import Merge, spelled, without, words
from genviz.recording import Recording
from genviz.views.attended_tokens import specials
from genviz.views.attending import AttentionSite, Rows
from genviz.views.controls import Choice, Control, Number, Switch
from genviz.views.subject import Subject

NOTHING, SPECIAL, FIRST = "nothing", "special", "first"
ONE, MEAN = "one", "mean"
MOST_ROWS_SAID = 256  # rows of a long map from which is said what was left out
TOKENS_TRIED = 4096  # tokens by which is told whether words are in pieces
MEAN_NOTE = "The model never uses this mean: it concatenates its heads and mixes them by W_O."
LEFT_OUT = {SPECIAL: "special tokens", FIRST: "the first token"}


@dataclass(frozen=True)
class Looked:
    """A site as a person wants to look at it; it is read as an :class:`AttentionSite` is.

    Parameters
    ----------
    here : AttentionSite
    leave_out : {"nothing", "special", "first"}
        Keys that are taken out, their weight shared out among the others.
    by_words : bool
        Tokens of a word are put together.
    threshold : float
        Weaker weights are not drawn.
    """

    here: AttentionSite
    leave_out: str = NOTHING
    by_words: bool = False
    threshold: float = 0.0

    @classmethod
    def of(
        cls, recording: Recording, site: str, sample: int, *, call: Any, look: Mapping[str, Any]
    ) -> "Looked":
        """Open a site with the values of :func:`look_controls`; those that are not there do nothing."""
        here = AttentionSite.of(recording, site, sample, call=call)
        return cls(
            here,
            str(look.get("without", NOTHING)),
            bool(look.get("words", False)),
            float(look.get("threshold", 0.0)),
        )

    @property
    def site(self) -> str:
        """Module path."""
        return self.here.site

    @property
    def heads(self) -> int:
        """Number of heads."""
        return self.here.heads

    @cached_property
    def names(self) -> tuple[list[Any], list[Any]]:
        """Words, tokens or positions along the queries and along the keys."""
        if not self.by_words:
            return self.here.names
        queries, keys = (
            spelled(self.here.names[at], self._merges[at].group) for at in (0, 1)
        )  # fmt: skip
        return queries, keys

    @property
    def shape(self) -> tuple[int, int]:
        """Number of queries and of keys."""
        return len(self.names[0]), len(self.names[1])

    @property
    def changed(self) -> bool:
        """Whether anything is left out or put together."""
        return self.by_words or bool(self._dropped.any())

    @cached_property
    def dropped(self) -> NDArray[np.bool_]:
        """Keys (or words) that are left out as a whole."""
        if not self.by_words or not len(self._dropped):
            return self._dropped
        return np.asarray(np.logical_and.reduceat(self._dropped, self._merges[1].starts))

    def weights(self, head: int | None, rows: Rows) -> NDArray[np.float32]:
        """Weights of some rows, ``(row, key)``; of the mean of all heads for ``head=None``."""
        found = self._kept(head, self._token_rows(rows))[0]
        if not self.by_words:
            return found
        queries, keys = self._merges
        return queries.queries(keys.keys(found), rows).astype(np.float32)

    def allowed(self, rows: Rows) -> NDArray[np.bool_]:
        """Tell which keys the rows may attend to and keep some weight on, ``(row, key)``."""
        found = self.here.allowed(self._token_rows(rows)) & ~self._dropped
        if self.by_words and found.size:
            queries, keys = self._merges
            wide = np.logical_or.reduceat(found, keys.starts, axis=1)
            starts = np.concatenate([[0], np.cumsum(queries.sizes[rows])[:-1]]).astype(np.int64)
            return np.asarray(np.logical_or.reduceat(wide, starts, axis=0))
        return np.asarray(found)

    def overview(
        self,
        head: int | None,
        *,
        rows: range | None = None,
        keys: range | None = None,
        size: int = 512,
        report: Callable[[float], None] | None = None,
    ) -> Overview:
        """Pool one head (or the mean of all), or a part of it; see :meth:`AttentionSite.overview`."""
        if head is not None and not self.changed:
            return self.here.overview(head, rows=rows, keys=keys, size=size, report=report)
        rows, keys = (given or range(side) for given, side in zip((rows, keys), self.shape, strict=True))
        return pooled_rows(partial(self.weights, head), self.allowed, rows=rows, keys=keys, size=size)

    def work(self, head: int | None, rows: range, keys: range) -> int:
        """Cells that have to be worked out for a part, about."""
        if head is not None and not self.changed:
            return self.here.work(head, rows, keys)
        return len(rows) * self.shape[1] * (1 if head is not None else self.heads)

    def removed(self, head: int | None, rows: Rows) -> NDArray[np.float64]:
        """Weight that the keys left out had, for each row."""
        parts = self._kept(head, self._token_rows(rows))[1]
        if not self.by_words:
            return parts
        return self._merges[0].queries(parts[:, None], rows)[:, 0].astype(np.float64)

    def said(self, head: int | None, *, weak: bool = True) -> str:
        """What this way of looking leaves out, in numbers; ``weak``: below the threshold, too."""
        rows = np.unique(np.linspace(0, self.shape[0] - 1, min(self.shape[0], MOST_ROWS_SAID)).astype(int))
        parts = [MEAN_NOTE] if head is None else []
        if self._dropped.any():
            gone = self.removed(head, rows)
            parts.append(
                f"Left out: {LEFT_OUT[self.leave_out]}, {np.mean(gone):.0%} of the weight "
                f"({np.min(gone):.0%} … {np.max(gone):.0%} of a row); the rest is scaled up."
            )
        if self.by_words:
            parts.append("Words: rows averaged, columns summed over their tokens.")
        if self.threshold and weak:
            weights = self.weights(head, rows)
            total, hidden = float(weights.sum()), float(weights[weights < self.threshold].sum())
            share = hidden / total if total else 0.0
            parts.append(f"Weights below {self.threshold:g}, {share:.1%} of all, are not drawn.")
        return " ".join(parts)

    def _token_rows(self, rows: Rows) -> Rows:
        return self._merges[0].tokens_of(rows) if self.by_words and len(rows) else rows

    def _kept(self, head: int | None, rows: Rows) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
        found = self._of_heads(head, rows)
        if not self._dropped.any():
            return found, np.zeros(len(rows))
        left, gone = without(found, self._dropped)
        return left.astype(np.float32), gone

    def _of_heads(self, head: int | None, rows: Rows) -> NDArray[np.float32]:
        if head is not None:
            return self.here.weights(head, rows)
        total = self.here.weights(0, rows).astype(np.float64)
        for each in range(1, self.heads):
            total += self.here.weights(each, rows)
        return (total / self.heads).astype(np.float32)

    @cached_property
    def _dropped(self) -> NDArray[np.bool_]:
        if self.leave_out == SPECIAL:
            return specials(self.here)
        return np.asarray(np.arange(self.here.shape[1]) == (0 if self.leave_out == FIRST else -1))

    @cached_property
    def _merges(self) -> tuple[Merge, Merge]:
        queries, keys = (
            Merge(words(self.here.names[at], specials(self.here, axis)))
            for at, axis in enumerate(("query", "key"))
        )
        return queries, keys


def look_controls(subject: Subject, *, heads: bool = False, threshold: bool = True) -> tuple[Control, ...]:
    """Controls that every picture of attention shares, as far as this recording gives them something to do.

    Parameters
    ----------
    subject : Subject
    heads : bool
        Whether a mean of heads can be shown instead of one.
    threshold : bool
        Whether weak weights can be left blank.
    """
    recording = subject.recorded()
    found: list[Control] = []
    if heads and max(recording.attention_reader(s).heads for s in recording.sites("attention")) > 1:
        kinds = ((ONE, "this head"), (MEAN, "mean of heads"))
        found.append(Choice("average", "Show", ONE, choices=kinds, help=MEAN_NOTE))
    return (*found, *_cleaning(recording), *((_THRESHOLD,) if threshold else ()))


_THRESHOLD = Number(
    "threshold", "Hide weights below", 0, minimum=0.0, maximum=1.0, step=0.01,
    help="Weaker weights are left blank; the small print says how much weight that hides.",
)  # fmt: skip


_CLEANING: WeakKeyDictionary[Recording, tuple[int, list[Control]]] = WeakKeyDictionary()


def _cleaning(recording: Recording) -> list[Control]:
    """What can be left out or put together; remembered until the recording grows."""
    known = _CLEANING.get(recording)
    if known is None or known[0] != len(recording):
        known = _CLEANING[recording] = (len(recording), _cleanings(recording))
    return known[1]


def _cleanings(recording: Recording) -> list[Control]:
    every = [
        Looked(AttentionSite(reader, max(reader.calls)))
        for reader in map(recording.attention_reader, recording.sites("attention"))
    ]
    opened = list({tuple(map(tuple, each.here.names)): each for each in every}.values())
    choices = [(NOTHING, "nothing"), (FIRST, LEFT_OUT[FIRST])]
    if any(specials(each.here).any() for each in opened):
        choices.insert(1, (SPECIAL, LEFT_OUT[SPECIAL]))
    told = "Heads park weight on a first or special token; without it, the rest is scaled to make up for it."
    found: list[Control] = [Choice("without", "Leave out", NOTHING, choices=tuple(choices), help=told)]
    if any(_in_pieces(each.here) for each in opened):
        told = "Rows of a word's tokens are averaged, its columns summed; each row still sums to 1."
        found.append(Switch("words", "Subwords as words", False, help=told))
    return found


def pooling_control(drawn: int, longest: int) -> tuple[Control, ...]:
    """Ask how cells of a map are put together, if one is longer than the ``drawn`` places per side."""
    if longest <= drawn:
        return ()
    how = (("max", "strongest link"), ("mean", "mean"))
    told = f"How cells are put together above {drawn:,} tokens."
    return (Choice("pooling", "Long texts", "max", choices=how, help=told),)


def _in_pieces(here: AttentionSite) -> bool:
    """Tell whether some word is several tokens, by the beginning of the text."""
    numbered = (
        words(here.names[at][:TOKENS_TRIED], specials(here, axis)[:TOKENS_TRIED])
        for at, axis in enumerate(("query", "key"))
    )
    return any(len(number) and np.bincount(number).max() > 1 for number in numbered)


def head_or_mean(head: int, look: Mapping[str, Any]) -> int | None:
    """The head to show; None for the mean of all."""
    return None if look.get("average", ONE) == MEAN else head


def title_of(here: Looked, head: int | None) -> str:
    """Site and head, for a picture's title."""
    return f"{here.site or 'model'} · " + (f"mean of {here.heads} heads" if head is None else f"head {head}")
