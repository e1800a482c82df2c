"""A text in pieces: by character, word and sentence, and where a tokenizer's tokens stand in it."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

SPECIAL, UNKNOWN = "special", "unknown"
Span = tuple[int, int]

_WORD = re.compile(r"\w+(?:['’]\w+)*|[^\w\s]")
_SENTENCE_END = re.compile(r"(?<=[.!?…])[\"'”’)\]]*(?=\s)|(?<=[。！？])|\n+")
_BYTE_TOKEN = re.compile(r"<0x([0-9A-Fa-f]{2})>")
# What tokenizers write for "a space was here", "goes on with the word before", "ends a word".
_DRESS = re.compile(r"^##|</w>$")
_SPACES = "Ġ▁"


@dataclass(frozen=True)
class Splitting:
    """One way to cut a text.

    Parameters
    ----------
    name : str
        What cut it: ``"characters"``, the name of a tokenizer.
    about : str
        How it cuts, in a few words.
    pieces : sequence of str
        As the vocabulary writes them (``##ing``, ``Ġcat``).
    ids : sequence of int or None
        None where there is no vocabulary.
    spans : sequence of (int, int) or None
        First and one-past-last character of the text; None where a piece stands for no part of it (or for a
        part that cannot be told).
    marks : sequence of str
        ``"special"``, ``"unknown"`` or empty.
    bytes : sequence of str
        UTF-8 bytes that a piece stands for, in hex; empty for none.
    """

    name: str
    about: str
    pieces: Sequence[str]
    ids: Sequence[int | None]
    spans: Sequence[Span | None]
    marks: Sequence[str]
    bytes: Sequence[str]

    def __len__(self) -> int:
        return len(self.pieces)

    def count(self, mark: str) -> int:
        """How many pieces bear a mark."""
        return sum(each == mark for each in self.marks)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON."""
        return {name: list(v) if not isinstance(v, str) else v for name, v in asdict(self).items()}

    @classmethod
    def from_json(cls, parts: Mapping[str, Any]) -> "Splitting":
        """Rebuild from :meth:`to_json`, also after lists took the place of tuples."""
        spans = [None if span is None else (int(span[0]), int(span[1])) for span in parts["spans"]]
        return cls(**{**parts, "spans": spans})


def by_character(text: str) -> Splitting:
    """Cut into Unicode code points; the id of each is its number in Unicode.

    An emoji or an accented letter that people see as one sign may be several of them.

    Examples
    --------
    >>> cut = by_character("né")
    >>> cut.ids, cut.bytes
    ([110, 233], ['6e', 'c3a9'])
    """
    spans = [(at, at + 1) for at in range(len(text))]
    cut = _cut("characters", "ids are Unicode code points", text=text, spans=spans)
    return Splitting(**{**vars(cut), "ids": [ord(sign) for sign in text]})


def by_word(text: str) -> Splitting:
    """Cut into runs of letters and digits, and single marks; white space stands between the pieces.

    Examples
    --------
    >>> by_word("The cat's mat.").pieces
    ['The', "cat's", 'mat', '.']
    """
    spans = [match.span() for match in _WORD.finditer(text)]
    return _cut("words", "letters, digits, marks; no ids", text=text, spans=spans)


def by_sentence(text: str) -> Splitting:
    """Cut after full stops, question and exclamation marks that white space follows, and at line ends.

    Examples
    --------
    >>> by_sentence("It is 3.5 m. Is it? Yes").pieces
    ['It is 3.5 m.', 'Is it?', 'Yes']
    """
    ends = [match.end() for match in _SENTENCE_END.finditer(text)]
    spans = []
    for start, end in zip([0, *ends], [*ends, len(text)], strict=True):
        part = text[start:end]
        if part.strip():
            left = start + len(part) - len(part.lstrip())
            spans.append((left, left + len(part.strip())))
    return _cut("sentences", "after . ! ? and line ends; no ids", text=text, spans=spans)


def _cut(name: str, about: str, *, text: str, spans: Sequence[Span]) -> Splitting:
    pieces = [text[start:end] for start, end in spans]
    return Splitting(
        name, about, pieces, [None] * len(pieces), list(spans), [""] * len(pieces), [_hex(p) for p in pieces]
    )


def of_tokens(
    name: str, about: str, *, text: str, tokens: Sequence[str], ids: Sequence[int | None],
    spans: Sequence[Span | None] | None = None, special: Iterable[int] = (), unknown: Iterable[int] = (),
) -> Splitting:  # fmt: skip
    """Put together what a tokenizer said.

    Parameters
    ----------
    name, about : str
    text : str
    tokens : sequence of str
        As the vocabulary writes them.
    ids : sequence of int or None
    spans : sequence of (int, int) or None, optional
        Where the tokenizer says they stand; looked for in the text without it.
    special, unknown : iterable of int
        Places of special and of unknown tokens.

    Examples
    --------
    >>> cut = of_tokens("WordPiece", "", text="playing", tokens=["play", "##ing"], ids=[1, 2])
    >>> cut.spans, cut.bytes
    ([(0, 4), (4, 7)], ['706c6179', '696e67'])
    """
    marked = {**dict.fromkeys(unknown, UNKNOWN), **dict.fromkeys(special, SPECIAL)}
    marks = [marked.get(at, "") for at in range(len(tokens))]
    places = align(tokens, text, marks) if spans is None else list(spans)
    places = [None if mark == SPECIAL else span for mark, span in zip(marks, places, strict=True)]
    level = any(sign in token for token in tokens for sign in "ĠĊ") or _outside(tokens, text)
    return Splitting(
        name, about, list(tokens), list(ids), places, marks,
        [_bytes(*each, level=level, text=text) for each in zip(tokens, places, strict=True)],
    )  # fmt: skip


def _outside(tokens: Sequence[str], text: str) -> bool:
    """Tell whether tokens spell bytes in signs that the text does not have, as byte-level ones do."""
    alphabet = byte_alphabet()
    return any(
        all(sign in alphabet for sign in token)
        and any(ord(sign) > 126 and sign not in text for sign in token)
        for token in tokens
    )


def _bytes(token: str, span: Span | None, *, level: bool, text: str) -> str:
    alphabet = byte_alphabet()
    if span is None:
        return ""
    if found := _BYTE_TOKEN.fullmatch(token):
        return found[1].lower()
    if level and all(sign in alphabet for sign in token):
        return bytes(alphabet[sign] for sign in token).hex()
    return _hex(text[slice(*span)])


def _hex(text: str) -> str:
    return text.encode("utf-8", "surrogatepass").hex()


@cache
def byte_alphabet() -> dict[str, int]:
    """The sign that byte-level tokenizers write for each byte (Radford et al. 2019, GPT-2): sign → byte.

    Printable bytes of Latin-1 stand for themselves, the others for U+0100 onwards in their order.

    Examples
    --------
    >>> byte_alphabet()["Ġ"], byte_alphabet()["a"], len(byte_alphabet())
    (32, 97, 256)
    """
    printable = {*range(33, 127), *range(161, 173), *range(174, 256)}
    others = [byte for byte in range(256) if byte not in printable]
    return {chr(byte): byte for byte in sorted(printable)} | {
        chr(256 + place): byte for place, byte in enumerate(others)
    }


def align(tokens: Sequence[str], text: str, marks: Sequence[str] = ()) -> list[Span | None]:
    """Find tokens in a text, one after the other, by what they spell; upper and lower case count as one.

    Returns
    -------
    list of (int, int) or None
        None for tokens that are not found (special ones, unknown ones, pieces of one character). Leading
        white space belongs to the token that writes it.

    Examples
    --------
    >>> align(["[CLS]", "the", "Ġcat", "##s"], "The cats", ["special", "", "", ""])
    [None, (0, 3), (3, 7), (7, 8)]
    """
    folded = text.lower() if len(text.lower()) == len(text) else text
    spans: list[Span | None] = []
    at = 0
    for place, token in enumerate(tokens):
        spelt = bare(token, spaces=True)
        spelt = spelt.lower() if folded is not text else spelt
        start = folded.find(spelt, at) if spelt and not (marks and marks[place]) else -1
        if start < 0 and spelt.strip() and not (marks and marks[place]):  # no space before the first word
            start, spelt = folded.find(spelt.strip(), at), spelt.strip()
        near = (start >= 0 and not any(map(str.isalnum, text[at:start]))) or (start >= 0 and _lost(spans))
        spans.append((start, start + len(spelt)) if near else None)
        at = start + len(spelt) if near else at
    return spans


def _lost(spans: Sequence[Span | None]) -> bool:
    """Tell whether the token before was not found: what stands between belongs to it."""
    return bool(spans) and spans[-1] is None


def bare(token: str, *, spaces: bool = False) -> str:
    r"""A token without the signs that tokenizers add (``Ġ ▁ ## </w>``); ``spaces`` writes spaces for them.

    Examples
    --------
    >>> bare("Ġbank"), bare("▁bank"), bare("##ing"), bare("bank</w>"), bare("##"), bare("Ċ")
    ('bank', 'bank', 'ing', 'bank', '##', '\n')
    """
    if not token.strip("#"):
        return token
    found = _DRESS.sub("", token)
    for sign in _SPACES:
        found = found.replace(sign, " ")
    found = found.replace("Ċ", "\n")
    return found if spaces or not found.strip() else found.strip()


def joined(tokens: Sequence[str]) -> str:
    """The text that tokens stand for, as well as it can be told from them alone.

    Tokens that write their own spaces (``Ġcat``, ``▁cat``, ``" cat"``) are put together as they are; others
    are words, with a space between, pieces that go on (``##s``) excepted.

    Examples
    --------
    >>> joined(["The", "Ġcat", "s"]), joined(["the", "cat", "##s", "."])
    ('The cats', 'the cats .')
    """
    if any(token[:1] in ("Ġ", "▁", " ") for token in tokens):
        return "".join(bare(token, spaces=True) for token in tokens).removeprefix(" ")
    parts = [bare(token) if token.startswith("##") else " " + bare(token) for token in tokens]
    return "".join(parts).removeprefix(" ")
