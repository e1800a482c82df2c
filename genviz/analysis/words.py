"""Words from tokens: which tokens stand for no text, which belong to one word, and attention among words."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from genviz.shapes import Bool, Float, Float64, Int, Shaped

Weights = Float[np.ndarray, "... query key"]
Flags = Bool[np.ndarray, " token"]
Numbers = Int[np.ndarray, " token"]

_SPECIAL = re.compile(
    r"</?s>|<pad>|<bos>|<eos>|<cls>|<sep>|<\|[^|<>\s]{1,40}\|>|\[(CLS|SEP|PAD|BOS|EOS|EOT)\]"
    r"|<(start|end)_of_(turn|text)>|<extra_id_\d+>",
    re.IGNORECASE,
)
_TEXTUAL = re.compile(r"(\[|<)\|?(unk|mask)\|?(\]|>)", re.IGNORECASE)
_STARTS = ("Ġ", "▁", " ", "Ċ", "\n")
_SPACES = "Ġ▁Ċ \n\t"


def special(tokens: Iterable[object], known: Iterable[str] = ()) -> Flags:
    """Tell which tokens stand for no text: ``[CLS]``, ``<s>``, ``<|endoftext|>``, padding.

    Parameters
    ----------
    tokens : iterable of str
    known : iterable of str
        Special tokens that the tokenizer names, besides the usual spellings. An unknown or a masked word
        stands for text in any case.

    Examples
    --------
    >>> special(["[CLS]", "the", "[MASK]", "[SEP]"])
    array([ True, False, False,  True])
    """
    named = {name for name in known if not _TEXTUAL.fullmatch(name)}
    found = [str(token) in named or bool(_SPECIAL.fullmatch(str(token))) for token in tokens]
    return np.array(found, dtype=bool)


def words(tokens: Sequence[object], apart: Flags | None = None) -> Numbers:
    """Number the words that tokens belong to, by the marks that tokenizers leave.

    Parameters
    ----------
    tokens : sequence of str
    apart : bool array, (token,), optional
        Tokens that are words of their own (special tokens).

    Returns
    -------
    int array, (token,)
        0, 1, 2 …, in order.

    Notes
    -----
    WordPiece writes ``##`` before what continues a word; byte-level BPE (``Ġ``) and SentencePiece (``▁``)
    mark what begins one, as a space does; CLIP and XLM end a word with ``</w>``; fairseq writes ``@@`` after
    what is continued. A token without letter or digit is a word of its own under each of them. Where no
    token has any mark, each is a word.

    Examples
    --------
    >>> words(["un", "##believ", "##able", "."]).tolist(), words(["Ġun", "believable", ".", "Ġand"]).tolist()
    ([0, 0, 0, 1], [0, 0, 1, 2])
    """
    texts = [str(token) for token in tokens]
    alone = np.zeros(len(texts), bool) if apart is None else apart
    single = [
        bool(lone) or not any(map(str.isalnum, bare(text)))
        for text, lone in zip(texts, alone, strict=True)
    ]  # fmt: skip
    begins = _begins(texts)
    fresh = [
        at == 0 or begins[at] or single[at] or single[at - 1] for at in range(len(texts))
    ]  # fmt: skip
    return np.asarray(np.cumsum(np.array(fresh, np.int64)) - (1 if texts else 0), np.int64)


def _begins(texts: Sequence[str]) -> list[bool]:
    if any(text.startswith("##") and len(text) > 2 for text in texts):
        return [not text.startswith("##") for text in texts]
    if any(text.endswith("</w>") for text in texts):
        return [at == 0 or texts[at - 1].endswith("</w>") for at in range(len(texts))]
    if any(text.endswith("@@") and len(text) > 2 for text in texts):
        return [at == 0 or not texts[at - 1].endswith("@@") for at in range(len(texts))]
    if any(text.startswith(_STARTS) for text in texts):
        return [text.startswith(_STARTS) for text in texts]
    return [True] * len(texts)


def bare(text: str) -> str:
    """A token's text without the marks of its tokenizer.

    Examples
    --------
    >>> bare("##able"), bare("▁bank")
    ('able', 'bank')
    """
    return text.removeprefix("##").removesuffix("</w>").removesuffix("@@").strip(_SPACES)


def spelled(tokens: Sequence[object], group: Numbers) -> list[str]:
    """Write each word as its tokens spell it, without their marks.

    Examples
    --------
    >>> spelled(["un", "##able", "."], np.array([0, 0, 1]))
    ['unable', '.']
    """
    written = [""] * (int(group[-1]) + 1 if len(group) else 0)
    sizes = np.bincount(group) if len(group) else np.zeros(0, int)
    for token, at in zip(tokens, group, strict=True):
        written[at] += bare(str(token)) if sizes[at] > 1 else str(token)
    return written


@dataclass(frozen=True)
class Merge:
    """Tokens put together to words along one axis.

    Parameters
    ----------
    group : int array, (token,)
        Word of each token: 0, 1, 2 … in order.
    """

    group: Numbers

    @property
    def starts(self) -> Int[np.ndarray, " _"]:
        """First token of each word."""
        return np.flatnonzero(np.diff(self.group, prepend=-1))

    @property
    def sizes(self) -> Int[np.ndarray, " _"]:
        """Tokens of each word."""
        return np.bincount(self.group)

    def tokens_of(self, chosen: Int[np.ndarray, " kept"]) -> Int[np.ndarray, " _"]:
        """Tokens of the chosen words, in their order."""
        return np.concatenate([np.arange(at, at + n) for at, n in zip(
            self.starts[chosen], self.sizes[chosen], strict=True)]).astype(np.int64)  # fmt: skip

    def keys(self, weights: Shaped[np.ndarray, "... query key"]) -> Shaped[np.ndarray, "... query _"]:
        """Sum columns over each word: what is looked at gets what its parts get."""
        return np.asarray(np.add.reduceat(weights, self.starts, axis=-1))

    def queries(
        self, weights: Shaped[np.ndarray, "... query key"], chosen: Int[np.ndarray, " kept"]
    ) -> Shaped[np.ndarray, "... kept key"]:
        """Average the rows of :meth:`tokens_of` over each chosen word."""
        sizes = self.sizes[chosen]
        starts = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int64)
        sums = np.add.reduceat(weights, starts, axis=-2)
        return np.asarray(sums / sizes[:, None].astype(sums.dtype))


def merged(
    weights: Weights, queries: Int[np.ndarray, " query"], keys: Int[np.ndarray, " key"]
) -> Float[np.ndarray, "... _ _"]:
    """Attention among words: rows averaged over a word's queries, columns summed over its keys.

    Parameters
    ----------
    weights : float array, (..., query, key)
    queries, keys : int array
        Words of the tokens, as :func:`words` numbers them.

    Returns
    -------
    float array, (..., query word, key word)
        Rows that summed to 1 do so still (Clark et al. 2019, arXiv:1906.04341, section 4.1).

    Examples
    --------
    >>> word = np.array([0, 0, 1])
    >>> merged(np.array([[1.0, 0.0, 0.0], [0.5, 0.5, 0.0], [0.2, 0.2, 0.6]]), word, word)
    array([[1. , 0. ],
           [0.4, 0.6]])
    """
    down = Merge(queries)
    return down.queries(Merge(keys).keys(weights), np.arange(len(down.starts)))


def without(
    weights: Weights, dropped: Bool[np.ndarray, " key"]
) -> tuple[Weights, Float64[np.ndarray, "... query"]]:
    """Take keys out of attention and scale what is left to the row's sum before.

    Parameters
    ----------
    weights : float array, (..., query, key)
    dropped : bool array, (key,)

    Returns
    -------
    weights : float array
        0 in the dropped columns, and in rows that had all their weight there.
    removed : float array, (..., query)
        Weight that the dropped keys had.

    Examples
    --------
    >>> left, removed = without(np.array([[0.5, 0.25, 0.25]]), np.array([True, False, False]))
    >>> left.tolist(), removed.tolist()
    ([[0.0, 0.5, 0.5]], [0.5])
    """
    wide = np.asarray(weights, np.float64)
    total, removed = wide.sum(-1), wide[..., dropped].sum(-1)
    left = np.where(dropped, 0, wide)
    rest = left.sum(-1)
    factor = np.divide(total, rest, out=np.zeros_like(rest), where=rest != 0)
    return np.asarray(left * factor[..., None], weights.dtype), removed
