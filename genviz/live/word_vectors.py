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
from genviz.live.stack import Layout, Run, keep, only_sample

if TYPE_CHECKING:
    from genviz.live.text_model import TextModel

SIDE = "tokens"  # of an encoder–decoder, the encoder reads the texts
BEFORE = ("embedding", "input")  # layers before the first block
MOST_TEXTS = 400
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
    streams = _streams(live, layout, found)
    names = streams[0][0]
    shown = [(at, place) for at, each in enumerate(found) for place in each.places[: None if every else 1]]
    vectors = [streams[at][1][:, place].mean(dim=1) for at, place in shown]
    plain = [
        stream[:, torch.from_numpy(~each.marks)] for (_, stream), each in zip(streams, found, strict=True)
    ]
    centre, typical, counted = _common(torch.cat(plain, dim=1))
    return {
        "layers": names,
        "vectors": torch.stack(vectors).cpu().numpy(),
        "centre": centre.cpu().numpy(),
        "typical": typical.cpu().numpy(),
        "counted": counted,
        "text": [at for at, _ in shown],
        "places": [place for _, place in shown],
        "left_out": sum(len(each.places) for each in found) - len(shown),
        "tokens": [each.tokens for each in found],
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


def _streams(live: "TextModel", layout: Layout, found: Sequence[Found]) -> list[tuple[list[str], Tensor]]:
    """Names of the layers, and vectors (layer, token, channel) of each text; equal texts run once."""
    known: dict[tuple[int, ...], tuple[list[str], Tensor]] = {}
    for number, each in enumerate(found):
        report(number / len(found), f"reading text {number + 1} of {len(found)}")
        key = tuple(each.ids)
        if key not in known:
            known[key] = stream(live, layout, each.ids)
    return [known[tuple(each.ids)] for each in found]


def stream(live: "TextModel", layout: Layout, ids: Sequence[int]) -> tuple[list[str], Tensor]:
    """Run a text: names of the layers, and vectors (layer, token, channel).

    First ``embedding``, the token's row of the table, where the model has one as wide as its stream; then
    ``input`` of the first block, unless that is the same; then what each block hands on.
    """
    run = Run()
    rows: list[Tensor] = []
    blocks, table = set(layout.blocks), table_of(layout)

    def seen(call: Call) -> None:
        if call.path in blocks:
            keep(run, call)
        elif call.path == table and not run.states and call.result is not None and not rows:
            rows.append(only_sample(call.result.detach()))

    with live.running(), seeing(layout.network, seen):
        live._run(ids, live._start() if live.two_sided else None)
    if not run.states:
        raise LiveError(f"no block of {type(live.modules['']).__name__} ran on this text")
    states, names = [each.float() for each in run.states], ["input", *run.names[1:]]
    if rows and rows[0].shape == states[0].shape:
        own = rows[0].float()
        same = torch.allclose(own, states[0], atol=_SAME * float(own.abs().max()))
        names = ["embedding", *(names[1:] if same else names)]
        states = [own, *(states[1:] if same else states)]
    return names, torch.stack(states)


def _common(vectors: Tensor) -> tuple[Tensor, Tensor, int]:
    """What all tokens have in common, per layer: their mean (layer, channel), and the mean cosine of two.

    The sum of all cosines is the squared length of the sum of unit vectors; each with itself is taken away.
    """
    count = vectors.shape[1]
    unit = torch.nn.functional.normalize(vectors.double(), dim=-1)
    total = unit.sum(dim=1).square().sum(dim=-1)
    typical = (total - count) / max(count * (count - 1), 1)
    return vectors.double().mean(dim=1).float(), typical if count > 1 else typical * torch.nan, count


def _sees_after(live: "TextModel", layout: Layout, found: Sequence[Found]) -> bool | None:
    """Whether what stands after the word changes its vector: tried on one text, cut behind the word."""
    for each in found:
        last = each.places[0][-1]
        if last + 1 < len(each.ids):
            whole = stream(live, layout, each.ids)[1][-1, last]
            alone = stream(live, layout, each.ids[: last + 1])[1][-1, last]
            return bool((whole - alone).norm() > 10 * _SAME * whole.norm())
    return None
