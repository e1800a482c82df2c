"""What views of one said word share: which word, at which place, and the question to the live model."""

from typing import Any

from genviz.views.asking import ask, sample_control
from genviz.views.controls import Control, Text
from genviz.views.stream import at_most, position_control, sides, words_of
from genviz.views.subject import Subject


def word_control() -> Text:
    """Which word; nothing means the one that the model says."""
    said = "One token, as the model writes it; empty: the word that the model itself says."
    return Text("word", "Word", "", longest=60, help=said)


def word_controls(subject: Subject, *own: Control) -> tuple[Control, ...]:
    """The place, the word there, a view's own controls, and the item of the batch."""
    return (position_control(subject), word_control(), *own, *sample_control(subject.recorded()))


def ask_of_word(
    subject: Subject, ability: str, *, position: int, word: str, sample: int, **more: Any
) -> dict[str, Any]:
    """Ask a live model about the word that it says, or another, at a place of the recorded text."""
    recording = subject.recorded()
    words = words_of(recording, next(iter(sides(recording)), ""), sample)
    found: dict[str, Any] = ask(
        subject, ability, sample=sample, position=at_most(position, words), word=word.strip() or None, **more
    )
    return found
