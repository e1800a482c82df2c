"""One token of the text that the pictures of tokens and positions look at together."""

from genviz.recording import Recording
from genviz.views.attended_tokens import last_word
from genviz.views.controls import Control, Number
from genviz.views.stream import sides, words_of
from genviz.views.subject import Subject


def token_control(subject: Subject) -> tuple[Control, ...]:
    """Which token of the text, where its ids are known; at first the last word."""
    if not subject.has("ids"):
        return ()
    words = words_read(subject.recorded())
    if not words:
        return ()
    return (
        Number("position", "Token", last_word(words), minimum=0, maximum=len(words) - 1,
               help="Which token of the text, counted from 0; click one in the picture of pieces."),
    )  # fmt: skip


def words_read(recording: Recording, sample: int = 0) -> list[str]:
    """Tokens that the model read (of an encoder–decoder: the encoder)."""
    side = "tokens" if "tokens" in sides(recording) else ""
    return [str(word) for word in words_of(recording, side, sample)]
