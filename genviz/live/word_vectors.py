"""One word in several texts: its vector before the first block and behind each, where the senses part."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from genviz.analysis.occurrences import occurrences
from genviz.analysis.words import bare, special, spelled, words
from genviz.capture.families.base import Call
from genviz.capture.replacing import seeing
from genviz.errors import LiveError
from genviz.live.embedding_neighbours import table_of
from genviz.live.progress import report
from genviz.live.stack import Layout, handed_on, name_of, only_sample

if TYPE_CHECKING:
    from genviz.live.text_model import TextModel

SIDE = "tokens"  # of an encoder–decoder, the encoder reads the texts
BEFORE = ("embedding", "input")  # layers before the first block
MOST_TEXTS = 400
AT_ONCE = 32  # texts of one length that run together
NAMED = 16  # words of a text that an error names
_SAME = 1e-4  # of a vector's length: what only rounding changes

Text = str | Sequence[int]


@dataclass(frozen=True)
class Found:
    """A word in one text.

    Parameters
    ----------
    ids : list of int
    tokens : list of str
    marks : bool array, (token,)
        Tokens that stand for no text.
    places : list of list of int
        Tokens of each occurrence.
    """

    ids: list[int]
    tokens: list[str]
    marks: NDArray[np.bool_]
    places: list[list[int]]


def word_vectors(live: "TextModel", texts: Sequence[Text], word: str, *, every: bool) -> dict[str, Any]:
    """See :meth:`genviz.live.LanguageModel.word_vectors`."""
    found = find_all(live, texts, word)
    layout = Layout.of(live, SIDE)
    most = None if every else 1
    names, read = _read(live, layout, found, most)
    each = [read[tuple(one.ids)] for one in found]
    shown = [(at, place) for at, one in enumerate(found) for place in one.places[:most]]
    centre, typical, counted = _common(each)
    return {
        "layers": names,
        "vectors": torch.cat([one.vectors for one in each]).cpu().numpy(),
        "centre": centre.cpu().numpy(),
        "typical": typical.cpu().numpy(),
        "counted": counted,
        "text": [at for at, _ in shown],
        "places": [place for _, place in shown],
        "left_out": sum(len(one.places) for one in found) - len(shown),
        "tokens": [one.tokens for one in found],
        "sees_after": _sees_after(live, layout, found),
    }


def find_all(live: "TextModel", texts: Sequence[Text], word: str) -> list[Found]:
    """Find a word in every text.

    Raises
    ------
    LiveError
        When there are no texts, or one is empty, too long, or without the word: says which.
    """
    if not texts:
        raise LiveError("no texts: give at least two that hold the word, one a line")
    if len(texts) > MOST_TEXTS:
        raise LiveError(f"{len(texts)} texts are too many at a time: at most {MOST_TEXTS}")
    if not word.strip():
        raise LiveError("no word: say which word of the texts is looked at")
    context = (live.describe()["facts"] or {}).get("context")
    return [_find(live, text, word, number, context) for number, text in enumerate(texts, 1)]


def _find(live: "TextModel", text: Text, word: str, number: int, context: int | None) -> Found:
    if not (text.strip() if isinstance(text, str) else text):
        raise LiveError(f"text {number} is empty: write something that holds {word!r}")
    read = live.source.encode(text)
    if context and len(read.ids) > context:
        last = " ".join(bare(token) for token in read.tokens[max(0, context - 4) : context])
        raise LiveError(
            f"text {number} has {len(read.ids)} tokens, and this model reads at most {context}: end it no "
            f"later than “… {last}”"
        )
    places = occurrences(read.tokens, word, live.source.specials)
    marks = special(read.tokens, live.source.specials)
    if not places:
        raise LiveError(_without(text, word, number, read.tokens, marks))
    return Found(read.ids, read.tokens, marks, places)


def _without(text: Text, word: str, number: int, tokens: Sequence[str], marks: NDArray[np.bool_]) -> str:
    group = words(tokens, marks)
    written = spelled(tokens, group)
    for at in np.flatnonzero(marks):
        written[int(group[at])] = ""
    told = list(dict.fromkeys(bare(each) for each in written if any(map(str.isalnum, each))))
    rest = " …" if len(told) > NAMED else ""
    said = f"text {number} ({str(text)[:40]!r}) has no word {word!r}: it has {', '.join(told[:NAMED])}{rest}"
    alone = rf"(?<!\w){re.escape(word.strip())}(?!\w)"
    known = isinstance(text, str) and re.search(alone, text, re.IGNORECASE)
    return f"{said}; the model's tokenizer reads {word!r} as something else" if known else said


@dataclass(frozen=True)
class _Read:
    """What is kept of one text.

    Parameters
    ----------
    vectors : Tensor, (occurrence, layer, channel)
    total, units : Tensor, (layer, channel)
        Sums over its tokens: of their vectors, and of these at length 1.
    count : int
        Tokens that stand for text.
    """

    vectors: Tensor
    total: Tensor
    units: Tensor
    count: int

    @classmethod
    def of(cls, states: Tensor, found: Found, most: int | None) -> "_Read":
        plain = states[:, torch.from_numpy(~found.marks)].double()
        units = torch.nn.functional.normalize(plain, dim=-1)
        vectors = torch.stack([states[:, place].mean(dim=1) for place in found.places[:most]])
        return cls(vectors, plain.sum(dim=1), units.sum(dim=1), plain.shape[1])


def _read(
    live: "TextModel", layout: Layout, found: Sequence[Found], most: int | None
) -> tuple[list[str], dict[tuple[int, ...], _Read]]:
    """Names of the layers, and what is kept of each text, by its ids: those of one length run together."""
    distinct = {tuple(each.ids): each for each in found}
    names: list[str] = []
    read: dict[tuple[int, ...], _Read] = {}
    for group in _together(list(distinct)):
        report(len(read) / len(distinct), f"reading {len(distinct)} texts")
        for ids, (own, states) in zip(group, streams(live, layout, group), strict=True):
            names = names or own
            if own != names:
                raise LiveError("the layers of two texts are not the same, so they cannot be compared")
            read[ids] = _Read.of(states, distinct[ids], most)
    return names, read


def _together(texts: Sequence[tuple[int, ...]]) -> list[list[tuple[int, ...]]]:
    """Texts of one length; not as many as they are long, or nothing would tell the axes apart."""
    groups: list[list[tuple[int, ...]]] = []
    for length in dict.fromkeys(map(len, texts)):
        alike = [each for each in texts if len(each) == length]
        size = AT_ONCE if length != AT_ONCE else AT_ONCE - 1
        for start in range(0, len(alike), size):
            group = alike[start : start + size]
            groups += [group] if len(group) != length else [group[:1], group[1:]] if length > 1 else [group]
    return groups


def stream(live: "TextModel", layout: Layout, ids: Sequence[int]) -> tuple[list[str], Tensor]:
    """Run one text, see :func:`streams`."""
    return streams(live, layout, [ids])[0]


def streams(
    live: "TextModel", layout: Layout, texts: Sequence[Sequence[int]]
) -> list[tuple[list[str], Tensor]]:
    """Run texts of one length: names of the layers, and vectors (layer, token, channel), of each.

    First ``embedding``, the token's row of the table, where the model has one as wide as its stream; then
    ``input`` of the first block, unless that is the same; then what each block hands on.
    """
    names, states, rows = _run(live, layout, texts)
    shape = len(texts), len(texts[0])
    parted = [_by_text(each, shape) for each in states]
    if any(each is None for each in parted):  # the model keeps no samples apart, or not in a known way
        return [one for text in texts for one in streams(live, layout, [text])]
    table = None if rows is None else _by_text(rows, shape)
    return [
        _layers(
            names, [each[at] for each in parted if each is not None], None if table is None else table[at]
        )
        for at in range(len(texts))
    ]


def _run(
    live: "TextModel", layout: Layout, texts: Sequence[Sequence[int]]
) -> tuple[list[str], list[Tensor], Tensor | None]:
    """Names and tensors of the blocks (before the first: ``input``), and what the table of tokens gave."""
    names: list[str] = []
    states: list[Tensor] = []
    rows: list[Tensor] = []
    blocks, table = set(layout.blocks), table_of(layout)

    def seen(call: Call) -> None:
        if call.path == table and not states and not rows and call.result is not None:
            rows.append(call.result.detach())
        if call.path not in blocks:
            return
        given, made = handed_on(call)
        if not states:
            names.append("input")
            states.append(given)
        names.append(name_of(call))
        states.append(made)

    target = [live._start() for _ in texts] if live.two_sided else None
    with live.running(), seeing(layout.network, seen):
        live.run_many([list(text) for text in texts], target, len(texts))
    if not states:
        raise LiveError(f"no block of {type(live.modules['']).__name__} ran on this text")
    return names, states, rows[0] if rows else None


def _by_text(tensor: Tensor, shape: tuple[int, int]) -> Tensor | None:
    """A tensor as (text, token, channel), or None when it does not tell texts apart."""
    count, length = shape
    if count == 1:
        return only_sample(tensor)[None]
    if tensor.ndim == 3 and tuple(tensor.shape[:2]) == (count, length):
        return tensor
    if tensor.ndim == 3 and tuple(tensor.shape[:2]) == (length, count):
        return tensor.transpose(0, 1)
    return None


def _layers(names: Sequence[str], states: Sequence[Tensor], row: Tensor | None) -> tuple[list[str], Tensor]:
    found = torch.stack([each.float() for each in states])
    if row is None or row.shape != found[0].shape:
        return list(names), found
    own = row.float()
    same = torch.allclose(own, found[0], atol=_SAME * float(own.abs().max()))
    begins = 1 if same else 0
    return ["embedding", *names[begins:]], torch.cat([own[None], found[begins:]])


def _common(read: Sequence[_Read]) -> tuple[Tensor, Tensor, int]:
    """What all tokens have in common, per layer: their mean (layer, channel), and the mean cosine of two.

    The sum of all cosines is the squared length of the sum of unit vectors; each with itself is taken away.
    """
    count = sum(each.count for each in read)
    total = torch.stack([each.total for each in read]).sum(dim=0)
    units = torch.stack([each.units for each in read]).sum(dim=0)
    typical = (units.square().sum(dim=-1) - count) / max(count * (count - 1), 1)
    return (total / max(count, 1)).float(), typical if count > 1 else typical * torch.nan, count


def _sees_after(live: "TextModel", layout: Layout, found: Sequence[Found]) -> bool | None:
    """Whether what stands after the word changes its vector: tried on one text, cut behind the word."""
    for each in found:
        last = each.places[0][-1]
        if last + 1 < len(each.ids):
            whole = stream(live, layout, each.ids)[1][-1, last]
            alone = stream(live, layout, each.ids[: last + 1])[1][-1, last]
            return bool((whole - alone).norm() > 10 * _SAME * whole.norm())
    return None
