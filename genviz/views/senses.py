"""What the views of one word in several texts share: texts as typed, the word's vectors, the pair."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genviz.analysis.senses import cosines, separation
from genviz.analysis.words import bare, special, spelled, words
from genviz.errors import GenvizError, NotCaptured
from genviz.figures.latent_map import Colouring
from genviz.figures.text import clean, short_names
from genviz.views.asking import ask_plainly
from genviz.views.controls import Choice, Control, Number, Picks, Switch, Text
from genviz.views.sense_texts import EXAMPLES, Example
from genviz.views.subject import Subject

MOST = 400  # occurrences that can be chosen from
LONGEST_LABEL = 32
_UNKNOWN = re.compile(r"(\[|<)\|?unk\|?(\]|>)", re.IGNORECASE)
VECTORS = (("centred", "centred"), ("raw", "as they are"))
CAUSAL = (
    "This model reads from left to right: what stands after the word does not change its vector (tried out); "
    "the sense has to stand before it."
)


@dataclass(frozen=True)
class Line:
    """One text as it is typed.

    Parameters
    ----------
    label : str
        Its sense, or ``text 3``.
    text : str
    """

    label: str
    text: str


def lines_of(typed: str) -> list[Line]:
    """Read ``label | text``, one a line; without a label a text is a sense of its own.

    Examples
    --------
    >>> lines_of("money | Rob the bank.")[0], lines_of("The bank | of the river")[0].label
    (Line(label='money', text='Rob the bank.'), 'The bank')
    """
    found: list[Line] = []
    for line in typed.splitlines():
        label, bar, text = line.partition("|")
        if not line.strip():
            continue
        label, text = (label.strip(), text.strip()) if bar else ("", line.strip())
        found.append(Line(label[:LONGEST_LABEL] or f"text {len(found) + 1}", text))
    return found


@dataclass(frozen=True)
class Senses:
    """A word in several texts, and what the model makes of it.

    Parameters
    ----------
    word : str
    lines : list of Line
    found : mapping
        From :meth:`genviz.live.LanguageModel.word_vectors`.
    picks : tuple of int
        Chosen occurrences; at most two.
    """

    word: str
    lines: list[Line]
    found: Mapping[str, Any]
    picks: tuple[int, ...]

    @classmethod
    def of(cls, subject: Subject, look: Mapping[str, Any]) -> "Senses":
        """Ask the live model about what the controls say.

        Raises
        ------
        NotCaptured
            When there are no two occurrences.
        """
        lines = lines_of(str(look["texts"]))
        if not lines:
            raise NotCaptured("no texts: write at least two that hold the word, one a line")
        found = ask_plainly(
            subject, "word_vectors", texts=[line.text for line in lines], word=str(look["word"]),
            every=bool(look["every"]),
        )  # fmt: skip
        made = cls(str(look["word"]).strip(), lines, found, tuple(look["picks"]))
        if len(made.labels) < 2:
            raise NotCaptured(
                f"one occurrence of {made.word!r} has nothing to compare with: write another text with it "
                "on a line of its own, or look at all occurrences"
            )
        return made

    @property
    def labels(self) -> list[str]:
        """The sense of each occurrence."""
        return [self.lines[at].label for at in self.found["text"]]

    @property
    def colouring(self) -> Colouring:
        """Senses as colours."""
        return Colouring("sense", np.array(self.labels))

    @property
    def layers(self) -> list[str]:
        """Names of the layers as the model has them."""
        return [str(name) for name in self.found["layers"]]

    def at(self, layer: int) -> int:
        """A layer that there is: beyond the last, the last."""
        return min(int(layer), len(self.layers) - 1)

    def vectors(self, how: str) -> NDArray[np.float32]:
        """Vectors (layer, occurrence, channel), as they are or without what all tokens have in common."""
        found = np.swapaxes(np.asarray(self.found["vectors"], np.float32), 0, 1)
        if how == "raw":
            return found
        return np.asarray(found - np.asarray(self.found["centre"])[:, None], np.float32)

    @cached_property
    def pair(self) -> tuple[int, int]:
        """The two occurrences that are compared: those picked, else the first ones of two senses."""
        picked = list(dict.fromkeys(at for at in self.picks if at < len(self.labels)))[:2]
        rest = [at for at in range(len(self.labels)) if at not in picked]
        first = picked[0] if picked else rest.pop(0)
        others = [at for at in rest if self.labels[at] != self.labels[first]] or rest
        return first, (picked[1] if len(picked) > 1 else others[0])

    def cosines(self, how: str) -> NDArray[np.float64]:
        """Cosine of all occurrences with each other, (layer, occurrence, occurrence)."""
        return cosines(self.vectors(how))

    def text_of(self, item: int) -> list[str]:
        """Tokens of the text that an occurrence stands in."""
        return [str(token) for token in self.found["tokens"][self.found["text"][item]]]

    def which(self, item: int) -> int:
        """The how-manieth shown occurrence in its text, from 0."""
        texts = self.found["text"]
        return sum(text == texts[item] for text in texts[:item])

    @property
    def alike(self) -> bool:
        """Whether the two that are compared stand in equal texts at the same place."""
        a, b = self.pair
        return self.text_of(a) == self.text_of(b) and self.found["places"][a] == self.found["places"][b]

    def told(self, item: int, longest: int = 160) -> str:
        """The sentence of an occurrence, as the model reads it, its word in bold (escaped)."""
        tokens, place = self.text_of(item), set(self.found["places"][item])
        marks = special(tokens)
        group = words(tokens, marks)
        written = [bare(each) for each in spelled(tokens, group)]
        for at in np.flatnonzero(marks):
            written[int(group[at])] = ""
        chosen = {int(group[at]) for at in place}
        some = _around(written, min(chosen), longest)
        return " ".join(f"<b>{clean(written[n])}</b>" if n in chosen else clean(written[n]) for n in some)

    @property
    def said(self) -> str:
        """What must be known of these occurrences."""
        notes = []
        if self.found["left_out"]:
            notes.append(f"Only the first {self.word!r} of each text ({self.found['left_out']} more).")
        if self.found["sees_after"] is False:
            notes.append("Read from left to right: only what stands before the word counts.")
        if self.alike:
            notes.append("A and B are equal texts: their vectors are the same, there is no sense to part.")
        return " ".join(notes)


def _around(written: Sequence[str], centre: int, longest: int) -> list[int]:
    """Words of a sentence around one, as many as have room."""
    first, last, room = centre, centre, longest - len(written[centre])
    while room > 0 and (first > 0 or last < len(written) - 1):
        if first > 0:
            first, room = first - 1, room - len(written[first - 1]) - 1
        if last < len(written) - 1:
            last, room = last + 1, room - len(written[last + 1]) - 1
    return [n for n in range(first, last + 1) if written[n]]


def layer_names(names: Sequence[str]) -> list[str]:
    """Names for an axis: the word alone, what enters the first block, then blocks from 1.

    Examples
    --------
    >>> layer_names(["embedding", "input", "h.0", "h.1"])
    ['word', 'input', '1', '2']
    """
    before = [name for name in names if name in ("embedding", "input")]
    own = {"embedding": "word", "input": "input"}
    return [own[name] for name in before] + [str(at) for at in range(1, len(names) - len(before) + 1)]


def spoken(names: Sequence[str], at: int) -> str:
    """A layer in words (escaped)."""
    if names[at] == "embedding":
        return "the word's embedding alone"
    if names[at] == "input":
        return "what enters the first block"
    return f"behind block {layer_names(names)[at]}"


def blocks_of(names: Sequence[str]) -> list[str]:
    """Names of the blocks, short."""
    return short_names([name for name in names if name not in ("embedding", "input")])


# -- controls ----------------------------------------------------------------------------------------


def sense_controls(subject: Subject) -> tuple[Control, ...]:
    """The word, the texts, and which occurrences."""
    example = example_for(subject)
    return (
        Text("word", "Word", example.word, longest=60, help="Any word that every text holds; case is free."),
        Text(
            "texts", "Texts", example.texts, longest=20_000,
            help="One a line, as “sense | text”; a text without a label is a sense of its own.",
        ),
        Switch("every", "All occurrences", False, help="Not only the first one of each text."),
        Picks(
            "picks", "A and B", (), count=MOST, most=2,
            help="Two occurrences to compare: click them on the map. Without: the first of two senses.",
        ),
    )  # fmt: skip


def vectors_control() -> Control:
    """Whether what all tokens have in common is taken away."""
    return Choice(
        "vectors", "Vectors", "centred", choices=VECTORS,
        help="Centred: without the mean of all tokens of these texts, which every word has in common.",
    )  # fmt: skip


def layer_control(subject: Subject) -> Control:
    """Which layer; at first the one that parts the senses of the examples best."""
    here, last = _first(subject), len(first_layers(subject)) - 1
    best = last
    if here is not None:
        scores = [separation(1 - table, here.labels).silhouette for table in here.cosines("centred")]
        best = int(np.nanargmax(scores)) if np.isfinite(scores).any() else last
    return Number(
        "layer", "Layer", best, minimum=0, maximum=max(last, 1),
        help="From the word's embedding on; at first where the examples' senses part best (silhouette).",
    )  # fmt: skip


def first_layers(subject: Subject) -> list[str]:
    """Names of the layers, from the run of a first sight; counted where that cannot be made."""
    here = _first(subject)
    if here is not None:
        return here.layers
    count = (subject.info.get("facts") or {}).get("n_layers") or 1
    return ["embedding", "input", *(f"block {at}" for at in range(1, count + 1))]


def reads_left_to_right(subject: Subject) -> bool:
    """Tell whether the first sight showed that what stands after the word does not count."""
    here = _first(subject)
    return here is not None and here.found["sees_after"] is False


def _first(subject: Subject) -> Senses | None:
    """What a first sight shows; None where it cannot be made (the pictures say why)."""
    try:
        return Senses.of(subject, {control.name: control.value for control in sense_controls(subject)})
    except GenvizError:
        return None


def example_for(subject: Subject) -> Example:
    """The first example whose words the model reads; else its own texts, with a word that they share."""
    causal = subject.has("live.next_tokens") and not (subject.info.get("defaults") or {}).get("two_sided")
    for example in EXAMPLES:
        if example.before >= causal and _reads(subject, example):
            return example
    return _shared(list((subject.info.get("defaults") or {}).get("text") or ()))


def _reads(subject: Subject, example: Example) -> bool:
    """Whether a tokenizer knows the word and most of the texts' words, and the context holds them."""
    texts = [line.text for line in lines_of(example.texts)]
    context = (subject.info.get("facts") or {}).get("context")
    asked = (example.word, " ".join(texts), max(texts, key=len))
    try:
        own, rest, longest = (
            [_UNKNOWN.fullmatch(str(token)) is not None for token in told["tokens"]]
            for told in (ask_plainly(subject, "tokenize", text=text) for text in asked)
        )
    except GenvizError:
        return False
    fits = not context or len(longest) <= context
    return fits and not any(own) and sum(rest) < example.unread * len(rest)


def _shared(texts: Sequence[str]) -> Example:
    """Texts of one's own with the longest of the words that most of them share."""
    read = [[bare(word).strip(".,;:!?\"'()") for word in text.split()] for text in texts]
    counts = {word: sum(word in each for each in read) for each in read for word in each if word}
    best = max(counts, key=lambda word: (counts[word], len(word)), default="")
    held = [text for text, each in zip(texts, read, strict=True) if best in each]
    return Example(best, "\n".join(held))
