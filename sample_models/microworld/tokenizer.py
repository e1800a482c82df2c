"""Word-level tokens: a text is lower-cased and cut into words, elided articles (``l'``) and marks."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

PAD, UNKNOWN, BEGIN, END = "<pad>", "<unk>", "<bos>", "<eos>"
SPECIAL = (PAD, UNKNOWN, BEGIN, END)

_TOKEN = re.compile(r"<\w+>|\w+['’]|\w+|[^\w\s]")


def split(text: str) -> list[str]:
    """Return the words and marks of a text, in lower case.

    Examples
    --------
    >>> split("L'arbre est vert.")
    ["l'", 'arbre', 'est', 'vert', '.']
    """
    return [token.replace("’", "'") for token in _TOKEN.findall(text.lower())]


def spell(tokens: Sequence[str]) -> str:
    """Join words and marks into a text, as it is written."""
    text = re.sub(r" (?=[.,?!])|(?<=') ", "", " ".join(tokens))
    return text.strip()


class WordTokenizer:
    """One token a word, from a plain list of words.

    Parameters
    ----------
    words : iterable of str
        The vocabulary, special tokens first, in the order of the ids.

    Examples
    --------
    >>> tokenizer = WordTokenizer.of(["the", "cat", "sits", "."])
    >>> tokenizer.decode(tokenizer.encode("The cat sits."))
    'the cat sits.'
    """

    def __init__(self, words: Iterable[str]) -> None:
        self._words = list(words)
        self._ids = {word: number for number, word in enumerate(self._words)}
        missing = [token for token in SPECIAL if token not in self._ids]
        if missing:
            raise ValueError(
                f"the vocabulary lacks {', '.join(missing)}: build it with WordTokenizer.of(words)"
            )
        self.pad_id, self.unk_id, self.bos_id, self.eos_id = (self._ids[token] for token in SPECIAL)

    @classmethod
    def of(cls, words: Iterable[str]) -> WordTokenizer:
        """Make a tokenizer for these words, with the special tokens before them."""
        return cls([*SPECIAL, *sorted(set(words))])

    @classmethod
    def load(cls, path: Path) -> WordTokenizer:
        """Read a vocabulary: a JSON list of words."""
        return cls(json.loads(path.read_text(encoding="utf-8")))

    def save(self, path: Path) -> None:
        """Write the vocabulary as a JSON list of words."""
        path.write_text(json.dumps(self._words, ensure_ascii=False, indent=0) + "\n", encoding="utf-8")

    @property
    def vocab_size(self) -> int:
        """How many tokens there are."""
        return len(self._words)

    def encode(self, text: str) -> list[int]:
        """Return the ids of a text's words; no special token is added."""
        return [self._ids.get(token, self.unk_id) for token in split(text)]

    def tokens(self, ids: Iterable[int]) -> list[str]:
        """Return the word of each id."""
        return [self._words[number] for number in ids]

    def decode(self, ids: Iterable[int]) -> str:
        """Return the text of ids, without the special tokens other than ``<unk>``."""
        hidden = {self.pad_id, self.bos_id, self.eos_id}
        return spell(self.tokens(number for number in ids if number not in hidden))
