"""View: the same text cut by character, word, sentence, and by tokenizers."""

from typing import Any

import plotly.graph_objects as go

from genviz.analysis.splitting import (
    Splitting,
    by_character,
    by_sentence,
    by_word,
    joined,
    of_tokens,
)
from genviz.errors import MissingExtra, NotCaptured
from genviz.figures import tokenizations as figures
from genviz.live import tokenizers
from genviz.recording import Recording
from genviz.views.base import View
from genviz.views.chosen_token import token_control
from genviz.views.controls import Choice, Control, Number
from genviz.views.subject import Subject

ALL = "all"
OWN = "this model"
_TRAINED = (("none", "none"), *((name, name) for name in tokenizers.ALGORITHMS), (ALL, "all three"))
_LONGEST = 20_000  # characters of a recorded text that are cut


def _controls(subject: Subject) -> tuple[Control, ...]:
    return (
        *token_control(subject),
        Choice(
            "trained",
            "Trained here",
            "none",
            choices=_TRAINED,
            help="Train a small tokenizer on this text and the model's example texts, to see how it cuts.",
        ),
        Number(
            "size",
            "Its vocabulary",
            100,
            minimum=30,
            maximum=1000,
            step=10,
            help="Entries that the tokenizer trained here may have: the more, the longer its pieces.",
        ),
    )


def _draw(
    subject: Subject, *, theme: str, trained: str, size: float, position: int | None = None
) -> go.Figure:
    text, put_together = text_of(subject)
    found = [by_character(text), by_word(text), by_sentence(text), *_own(subject, text)]
    notes = []
    if put_together:
        notes.append("The recording has tokens but not the text: it is put together from them.")
    try:
        notes += _add_others(found, text)
        newly, learnt = _trained(subject, text, trained, int(size))
        found += newly
        notes += [f"Trained here: from {learnt} only."] if newly else []
    except MissingExtra as error:
        notes.append(f"{error}.")
    notes.append(
        "Pieces stand in reading order, also of text from right to left; · is a space. Grey: special, "
        "pink: unknown."
    )
    what = f"{len(text):,} characters, {len(text.encode('utf-8', 'surrogatepass')):,} bytes in UTF-8"
    return figures.tokenizations(found, chosen=(OWN, position), note=" ".join(notes), title=what, theme=theme)


def text_of(subject: Subject) -> tuple[str, bool]:
    """The text of the first sample, and whether it had to be put together from its tokens.

    Raises
    ------
    NotCaptured
        When there are no tokens either.
    """
    recording = subject.recorded()
    known = recording.info.get("text") or ()
    if known:
        return str(known[0])[:_LONGEST], False
    if not recording.tokens or not recording.tokens[0]:
        raise NotCaptured(
            f"{subject.name!r} has neither a text nor tokens: record with tokens=[…] or tokenizer="
        )
    return joined(recording.tokens[0])[:_LONGEST], True


def _own(subject: Subject, text: str) -> list[Splitting]:
    """What the model gets: by its live tokenizers, or as it was recorded."""
    if subject.live is not None and subject.has("live.tokenizations"):
        parts: list[dict[str, Any]] = subject.live.call("tokenizations", text=text)
        return [Splitting.from_json(each) for each in parts]
    return [_recorded(subject.recorded(), text)]


def _recorded(recording: Recording, text: str) -> Splitting:
    tokens = list(recording.tokens[0]) if recording.tokens else []
    entry = next(iter(recording.entries(kind="ids")), None)
    ids = [None] * len(tokens) if entry is None else [int(each) for each in entry.load()[0][: len(tokens)]]
    ids = [*ids, *[None] * (len(tokens) - len(ids))]
    about = "tokens as recorded" + ("" if entry is not None else "; their ids were not")
    return of_tokens(OWN, about, text=text, tokens=tokens, ids=ids)


def _add_others(found: list[Splitting], text: str) -> list[str]:
    """Add what other tokenizers on this machine make of it; say which of them do as the model's own."""
    same = []
    for name, each in tokenizers.installed().items():
        cut = tokenizers.split(each, text, name=name)
        if any((cut.pieces, cut.ids) == (own.pieces, own.ids) for own in found):
            same.append(f"{name} cuts it in the same way.")
        else:
            found.append(cut)
    return same


def _trained(subject: Subject, text: str, algorithm: str, size: int) -> tuple[list[Splitting], str]:
    """Cut by tokenizers that are made now, and from what they learnt."""
    if algorithm == "none" or not text.strip():
        return [], ""
    given = subject.info.get("defaults", {}).get("text") or []
    texts = [text, *([given] if isinstance(given, str) else map(str, given))]
    wanted = tokenizers.ALGORITHMS if algorithm == ALL else (algorithm,)
    learnt = "this text" if len(texts) == 1 else f"this text and {len(texts) - 1} examples"
    return [_newly(name, tokenizers.train(name, texts, size), texts) for name in wanted], learnt


def _newly(name: str, made: Any, texts: list[str]) -> Splitting:
    """The first of the texts, cut by a tokenizer that knows nothing but them."""
    about = f"{made.get_vocab_size():,} entries"
    return tokenizers.split(made, texts[0], name=f"{name}, trained here", about=about)


tokenizations = View(
    name="tokenizations",
    title="One text, many ways to cut it",
    question="Into which pieces is the text cut, and what are their numbers?",
    needs=("info.tokens|info.text|live.tokenizations",),
    controls=_controls,
    draw=_draw,
)
