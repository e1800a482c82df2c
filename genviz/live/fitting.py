"""Texts that are longer than a model can read: said before it runs, cut only when that is asked for."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from torch import nn

from genviz.capture.families import chosen
from genviz.capture.families.positions import table_length
from genviz.capture.modules import Network
from genviz.errors import GenvizError, TooLong
from genviz.live.tokenizing import Tokenised

if TYPE_CHECKING:
    from genviz.live.text_model import TextModel

_QUOTED = 40  # characters on either side of the place where a text is cut
_WORDS = re.compile(r"\S+")


def longest_readable(live: "TextModel") -> int | None:
    """The most tokens that the model has positions for; None when it makes them as it goes (as rotary ones).

    A table can be longer than what is read from it: entries up to the padding's stand for no position
    (RoBERTa), and a configuration may say less.
    """
    network = Network.of(live.modules[""])
    try:
        family = chosen(network, live.family)
        taps = [tap for tap in family.plan(network).taps if tap.kind == "position"]
    except GenvizError:
        return None
    found = [_rows(network[tap.path]) for tap in taps]
    rows = next((each for each in found if each), None)
    if rows is None:
        return None
    context = family.facts(network).get("context")
    return min(rows, context) if isinstance(context, int) and context > 0 else rows


def _rows(module: nn.Module) -> int | None:
    rows, padding = table_length(module), getattr(module, "padding_idx", None)
    return rows - padding - 1 if rows and isinstance(padding, int) else rows


def fitted(
    live: "TextModel", text: str | Sequence[int], *, cut: bool
) -> tuple[str | Sequence[int], Tokenised, dict[str, Any] | None]:
    """Read a text as far as the model can.

    Parameters
    ----------
    live : LanguageModel
    text : str or sequence of int
    cut : bool
        Leave out what does not fit; a word is never cut in two.

    Returns
    -------
    text, tokenised
        What is read.
    cut : dict or None
        ``tokens`` of the whole text, how many are ``read``, the words ``behind`` which it is cut, the words
        left out ``from`` there; None when all of it is read.

    Raises
    ------
    TooLong
        When it does not fit and is not to be cut; says where it would be.
    """
    whole = live.source.encode(text)
    most = longest_readable(live)
    if most is None or len(whole.ids) <= most:
        return text, whole, None
    words = _beginning(live, text, most) if isinstance(text, str) and live.source.tokenizer else None
    shorter: str | Sequence[int] = whole.ids[:most] if words is None else words
    read = live.source.encode(shorter)
    told: dict[str, Any] = {
        "tokens": len(whole.ids),
        "read": len(read.ids),
        **_ends(text, shorter, whole.tokens),
    }
    if not cut:
        raise TooLong(
            f"the text has {told['tokens']:,} tokens, and this model reads at most {most:,}: cut it behind "
            f"“{told['behind']}”, and leave out what begins “{told['from']}”"
        )
    return shorter, read, told


def _beginning(live: "TextModel", text: str, most: int) -> str | None:
    """The longest beginning of whole words that fits with the tokenizer's own marks; None when none does."""
    ends = [match.end() for match in _WORDS.finditer(text)]
    fits, too_many = 0, len(ends)
    while too_many - fits > 1:  # the first `fits` words fit, the first `too_many` do not
        middle = (fits + too_many) // 2
        if len(live.source.encode(text[: ends[middle - 1]]).ids) <= most:
            fits = middle
        else:
            too_many = middle
    return text[: ends[fits - 1]] if fits else None


def _ends(text: str | Sequence[int], shorter: str | Sequence[int], tokens: Sequence[str]) -> dict[str, str]:
    """The words on either side of the cut."""
    if isinstance(text, str) and isinstance(shorter, str):
        behind, rest = shorter, text[len(shorter) :].lstrip()
    else:
        behind, rest = (" ".join(part) for part in (tokens[: len(shorter)], tokens[len(shorter) :]))
    behind, rest = (" ".join(part.split()) for part in (behind, rest))
    return {
        "behind": f"…{behind[-_QUOTED:]}" if len(behind) > _QUOTED else behind,
        "from": f"{rest[:_QUOTED]}…" if len(rest) > _QUOTED else rest,
    }
