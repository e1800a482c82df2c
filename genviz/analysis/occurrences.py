"""Where a word stands among tokens, whatever marks a tokenizer leaves on them."""

import unicodedata
from collections.abc import Callable, Iterable, Sequence
from functools import cache

from genviz.analysis.words import bare, special, words

MOST_PARTS = 12  # words and marks that what is looked for may have ("river bank", "mother-in-law")
Fold = Callable[[str], str]


def occurrences(tokens: Sequence[object], word: str, known: Iterable[str] = ()) -> list[list[int]]:
    """Positions of the tokens of each occurrence of a word, in order; occurrences do not overlap.

    Parameters
    ----------
    tokens : sequence of str
    word : str
        Case does not count, nor do spaces; a hyphen or an apostrophe does. Accents count unless nothing is
        found with them: some tokenizers take them away.
    known : iterable of str
        Special tokens, see :func:`genviz.analysis.words.special`.

    Returns
    -------
    list of list of int

    Examples
    --------
    >>> occurrences(["[CLS]", "the", "un", "##believ", "##able", "bank", "."], "Unbelievable")
    [[2, 3, 4]]
    >>> occurrences([" to", " the", " bank", "."], "bank"), occurrences(["The", "bank."], "bank")
    ([[2]], [[1]])
    """
    marks = special(tokens, known)
    group = words(tokens, marks)
    parts: list[list[int]] = [[] for _ in range(int(group[-1]) + 1 if len(group) else 0)]
    for at, number in enumerate(group):
        parts[int(number)].append(at)
    written = ["".join(bare(str(tokens[at])) for at in part) for part in parts]
    usable = [not marks[part[0]] for part in parts]
    for fold in (_folded, _plain):
        goal = fold(word)
        found = _spans(written, usable, goal, fold=fold) if goal else []
        if found:
            return [[at for part in parts[start:stop] for at in part] for start, stop in found]
    return []


def _spans(written: Sequence[str], usable: Sequence[bool], goal: str, *, fold: Fold) -> list[tuple[int, int]]:
    """Runs of words that together spell the goal, first words first."""
    found: list[tuple[int, int]] = []
    start = 0
    while start < len(written):
        stop = _reaches(written, usable, start, goal=goal, fold=fold)
        if stop:
            found.append((start, stop))
        start = stop or start + 1
    return found


def _reaches(written: Sequence[str], usable: Sequence[bool], start: int, *, goal: str, fold: Fold) -> int:
    """Where the run from ``start`` ends that spells the goal; 0 when none does."""
    if not written[start] or (goal[0].isalnum() and not any(map(str.isalnum, written[start]))):
        return 0  # a bracket before the word is no part of it
    so_far = ""
    for at in range(start, min(start + MOST_PARTS, len(written))):
        if not usable[at]:
            return 0
        so_far += written[at]
        if goal in (fold(so_far), fold(_without_marks(so_far))):
            return at + 1
        if len(so_far) > 4 * len(goal) + 8:  # bytes of other scripts are two to four signs each
            return 0
    return 0


def _folded(text: str) -> str:
    """A text without case and spaces, byte-level signs read as what they stand for."""
    decoded = unicodedata.normalize("NFKC", _decoded(text)).casefold()
    return "".join(decoded.split())


def _plain(text: str) -> str:
    """The same without accents."""
    apart = unicodedata.normalize("NFKD", _folded(text))
    return "".join(sign for sign in apart if not unicodedata.combining(sign))


def _without_marks(text: str) -> str:
    """A text without the punctuation at its ends."""
    kept = [at for at, sign in enumerate(text) if sign.isalnum() or unicodedata.combining(sign)]
    return text[kept[0] : kept[-1] + 1] if kept else text


def _decoded(text: str) -> str:
    """Undo the signs with which byte-level tokenizers write bytes (GPT-2: ``Ã©`` is ``é``)."""
    table = _bytes()
    if text.isascii() or any(sign not in table for sign in text):
        return text
    try:
        return bytes(table[sign] for sign in text).decode("utf-8")
    except UnicodeDecodeError:
        return text


@cache
def _bytes() -> dict[str, int]:
    """The sign of each byte: printable ones stand for themselves, the others are moved beyond 255."""
    own = [*range(33, 127), *range(161, 173), *range(174, 256)]
    moved = [byte for byte in range(256) if byte not in own]
    return {chr(byte): byte for byte in own} | {chr(256 + at): byte for at, byte in enumerate(moved)}
