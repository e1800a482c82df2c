"""Two runs side by side: another text of the same model, or another model on the same text."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genviz.analysis.comparing import aligned, divergence
from genviz.errors import GenvizError, NotCaptured, TooLong
from genviz.recording import Recording
from genviz.views.asking import ask_plainly, ids_of
from genviz.views.attending import ALL_CALLS, AttentionSite, head_controls
from genviz.views.controls import Choice, Control, Switch, Text
from genviz.views.subject import Subject

TEXT = "another text"
MOST_ROWS = 96  # queries of a long text that heads are compared by
FEW_ROWS = 24  # … to choose the one shown first
Positions = NDArray[np.int64]


@dataclass(frozen=True)
class Pair:
    """Two recordings that are compared.

    Parameters
    ----------
    first, second : Recording
    names : (str, str)
    """

    first: Recording
    second: Recording
    names: tuple[str, str]

    def sites(self, kind: str) -> list[tuple[str, str]]:
        """Sites of a kind that stand for each other: the same name, else the same place in the order.

        Raises
        ------
        NotCaptured
            When the models are built too differently.
        """
        one, other = self.first.sites(kind=kind), self.second.sites(kind=kind)
        if set(one) == set(other):
            return [(site, site) for site in one]
        if len(one) == len(other):
            return list(zip(one, other, strict=True))
        raise NotCaptured(
            f"{kind} of {self.names[0]!r} and {self.names[1]!r} cannot be set against each other: "
            f"{len(one)} and {len(other)} sites; compare models of the same build"
        )

    def common(self, one: Sequence[Any], other: Sequence[Any]) -> tuple[Positions, Positions]:
        """Positions of the tokens that both runs have.

        Raises
        ------
        NotCaptured
            When they share none.
        """
        found = aligned(one, other)
        if not len(found[0]):
            raise NotCaptured(
                f"{self.names[0]!r} and {self.names[1]!r} have no token in common: "
                f"{_few(one)} and {_few(other)}"
            )
        return found


def comparable(one: Subject, other: Subject) -> bool:
    """Tell whether two subjects are language models of the same build, as far as their sizes tell."""
    sizes = [
        [(subject.info.get("facts") or {}).get(name) for name in ("n_layers", "n_heads", "d_model", "vocab")]
        for subject in (one, other)
    ]
    return sizes[0] == sizes[1] and None not in sizes[0] and one.has("attention") and other.has("attention")


def compare_controls(subject: Subject) -> tuple[Control, ...]:
    """What to compare with: another text, or one of the models and recordings beside this one."""
    others = [(name, name) for name in subject.beside]
    texts = list((subject.info.get("defaults") or {}).get("text") or ())
    if not subject.has("live.tokenize"):
        return (Choice("other", "Compare with", others[0][0], choices=tuple(others)),)
    told = "Another text through the same model, or the same text through another model on show."
    return (
        Choice("other", "Compare with", TEXT, choices=((TEXT, TEXT), *others), help=told),
        Text("second", "The other text", _other(texts), help="Used when another text is compared."),
        Switch("cut", "Cut it if it is too long", False, help="To what the model has positions for."),
    )


def _other(texts: Sequence[str]) -> str:
    """The example that shares most of the first one's words; else the first, changed in one word."""
    first = texts[0].split() if texts else []
    shared = [(len(aligned(first, text.split())[0]), text) for text in texts[1:] if text != texts[0]]
    most, best = max(shared, key=lambda pair: pair[0], default=(0, ""))
    return best if 2 * most > len(first) else _changed(texts)


def _changed(texts: Sequence[str]) -> str:
    """The first example with its second word exchanged: one word makes the difference."""
    words = texts[0].split() if texts else []
    known = {word.lower().strip(".,;!?") for word in words}
    others = (word.strip(".,;!?") for text in texts[1:] for word in text.split())
    new = next((word for word in others if len(word) > 3 and word.lower() not in known), None)
    at = min(1, len(words) - 1)
    return " ".join(words if new is None else [*words[:at], new, *words[at + 1 :]])


def pair_of(subject: Subject, other: str, second: str = "", *, cut: bool = False) -> Pair:
    """The recordings of both sides; the second one is made once and kept.

    Raises
    ------
    NotCaptured
        When the other text is empty, or another model cuts the text differently.
    """
    told: Recording
    first = subject.recorded()
    if other == TEXT:
        if not second.strip():
            raise NotCaptured("the other text is empty: write at least one word to compare with")
        told = _other_run(subject, second, cut)
        name = "the beginning of the other text" if told.info.get("cut") else "the other text"
        return Pair(first, told, ("this text", name))
    beside = subject.beside[other]
    names = (subject.name, beside.name)
    if beside.live is None:
        return Pair(first, beside.recorded(), names)
    told = ask_plainly(replace(beside, recording=first), "record", **ids_of(first))
    if first.tokens and told.tokens != first.tokens:
        raise NotCaptured(
            f"{beside.name!r} cuts text into other tokens than {subject.name!r} does: compare models that "
            "share a tokenizer, such as a base model and what was fine-tuned from it"
        )
    return Pair(first, told, names)


def _other_run(subject: Subject, text: str, cut: bool) -> Recording:
    try:
        found: Recording = ask_plainly(subject, "record", text=text, **({"cut": True} if cut else {}))
    except TooLong as error:
        raise TooLong(f"{error}; “Cut it if it is too long” does that") from None
    return found


def head_to_compare(subject: Subject, controls: Sequence[Control]) -> tuple[Control, ...]:
    """Site and head controls that begin with the head that differs most at first sight."""
    site, head = head_controls(subject)[:2]
    first = {control.name: control.value for control in controls}
    try:
        pair = pair_of(subject, str(first["other"]), str(first.get("second", "")))
        opened = [SitePair.of(pair, sites) for sites in pair.sites("attention")]
    except GenvizError:  # the pictures say why
        return site, head
    scores = {each.here.site: np.nan_to_num(each.differences(FEW_ROWS)) for each in opened}
    best = max(scores, key=lambda name: scores[name].max())
    return replace(site, value=best), replace(head, value=int(scores[best].argmax()))


@dataclass(frozen=True)
class SitePair:
    """Attention at two sites over the tokens that both runs have.

    Parameters
    ----------
    here, there : AttentionSite
    queries, keys : (positions, positions)
        Of the common tokens on either side.
    """

    here: AttentionSite
    there: AttentionSite
    queries: tuple[Positions, Positions]
    keys: tuple[Positions, Positions]

    @classmethod
    def of(cls, pair: Pair, sites: tuple[str, str]) -> "SitePair":
        """Open a pair of sites, all calls as one sequence where they are one."""
        here, there = (
            AttentionSite.of(recording, site, 0, call=ALL_CALLS)
            for recording, site in zip((pair.first, pair.second), sites, strict=True)
        )
        if here.heads != there.heads:
            raise NotCaptured(
                f"{sites[0]!r} has {here.heads} heads and {sites[1]!r} {there.heads}: compare models of the "
                "same build"
            )
        queries, keys = (pair.common(here.names[at], there.names[at]) for at in (0, 1))
        return cls(here, there, queries, keys)

    def weights(self, head: int, most: int | None = None) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Weights of both sides, ``(common query, common key)``; of ``most`` rows, evenly spaced."""
        count = len(self.queries[0])
        chosen = np.arange(count)
        if most is not None and count > most:
            chosen = np.unique(np.linspace(0, count - 1, most).round().astype(int))
        one = self.here.weights(head, self.queries[0][chosen])[:, self.keys[0]]
        other = self.there.weights(head, self.queries[1][chosen])[:, self.keys[1]]
        return one, other

    def differences(self, most: int | None = None) -> NDArray[np.float64]:
        """Mean Jensen–Shannon divergence of each head's rows, in bits; NaN where no row has weight."""
        found = [divergence(*self.weights(head, most)) for head in range(self.here.heads)]
        return np.array([np.nanmean(rows) if np.isfinite(rows).any() else np.nan for rows in found])

    @property
    def whole(self) -> bool:
        """Whether both runs have the same tokens throughout."""
        return all(
            len(common[side]) == each.shape[axis]
            for axis, common in enumerate((self.queries, self.keys))
            for side, each in enumerate((self.here, self.there))
        )

    @property
    def said(self) -> str:
        """What of the texts is compared."""
        if self.whole:
            return ""
        one, other = self.here.shape[0], self.there.shape[0]
        return (
            f"The texts differ: {len(self.queries[0])} tokens that both have are compared (of {one} and "
            f"{other}), weights among them scaled to sum to 1."
        )


def _few(tokens: Sequence[Any]) -> str:
    return " ".join(map(str, tokens[:6])) + (" …" if len(tokens) > 6 else "")
