"""One way to ask any tokenizer: Hugging Face's, the ``tokenizers`` library's, or one a user wrote."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from genviz.errors import LiveError


@dataclass(frozen=True)
class Tokenised:
    """A text as the model gets it.

    Parameters
    ----------
    ids : list of int
    tokens : list of str
        What each id stands for, as people read it.
    """

    ids: list[int]
    tokens: list[str]


class Tokenizing:
    """Turns text into ids and ids into tokens, whatever the tokenizer's own methods are.

    Parameters
    ----------
    tokenizer : object or None
        Understood are: Hugging Face tokenizers (called with text; ``convert_ids_to_tokens``), ``tokenizers``
        (``encode(text).ids``, ``id_to_token``), objects with ``encode(text)`` → ids and ``tokens(ids)`` or
        ``decode(ids)``, and functions from text to ids. None: texts are ids already.

    Examples
    --------
    >>> Tokenizing(None).encode([3, 1])
    Tokenised(ids=[3, 1], tokens=['3', '1'])
    """

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer

    def encode(self, text: str | Sequence[int]) -> Tokenised:
        """Ids and tokens of a text (or of ids, which are taken as they are).

        Raises
        ------
        LiveError
            When the text is empty, or there is no tokenizer to read it.
        """
        ids = self._ids(text) if isinstance(text, str) else [int(each) for each in text]
        if not ids:
            raise LiveError(f"no tokens in {text!r}: give some text")
        return Tokenised(ids, self.tokens(ids))

    def tokens(self, ids: Sequence[int]) -> list[str]:
        """What each id stands for."""
        ids, tokenizer = [int(each) for each in ids], self.tokenizer
        if hasattr(tokenizer, "convert_ids_to_tokens"):
            return [self._readable(str(token)) for token in tokenizer.convert_ids_to_tokens(ids)]
        if callable(getattr(tokenizer, "tokens", None)):
            return [str(token) for token in tokenizer.tokens(ids)]
        if callable(getattr(tokenizer, "id_to_token", None)):
            return [str(tokenizer.id_to_token(each)) for each in ids]
        if callable(getattr(tokenizer, "decode", None)):
            return [str(tokenizer.decode([each])) for each in ids]
        return [str(each) for each in ids]

    def text(self, ids: Sequence[int]) -> str:
        """The text that ids stand for together; marks such as the end of a text are left out where known."""
        ids, tokenizer = [int(each) for each in ids], self.tokenizer
        if not ids:
            return ""
        if hasattr(tokenizer, "convert_ids_to_tokens"):
            return str(tokenizer.decode(ids, skip_special_tokens=True))
        if callable(getattr(tokenizer, "decode", None)):
            return str(tokenizer.decode(ids))
        return " ".join(self.tokens(ids))

    def plain_ids(self, text: str) -> list[int]:
        """Ids of a text without the marks that the tokenizer puts around it."""
        if hasattr(self.tokenizer, "convert_ids_to_tokens"):
            return _flat(self.tokenizer(text, add_special_tokens=False)["input_ids"])
        marks = {self.special(name) for name in ("bos", "eos", "cls", "sep", "pad")}
        return [each for each in self._ids(text) if each not in marks]

    @property
    def specials(self) -> list[str]:
        """Tokens that stand for no text, as far as the tokenizer names them."""
        named = getattr(self.tokenizer, "all_special_tokens", None)
        if isinstance(named, list | tuple):
            return [str(each) for each in named]
        ids = {self.special(name) for name in ("bos", "eos", "cls", "sep", "pad")}
        return self.tokens(sorted(each for each in ids if each is not None))

    def special(self, name: str) -> int | None:
        """Id of a special token (``"bos"``, ``"eos"``, …), or None when the tokenizer has none."""
        for attribute in (f"{name}_id", f"{name}_token_id"):
            found = getattr(self.tokenizer, attribute, None)
            if isinstance(found, int):
                return found
        return None

    @property
    def size(self) -> int | None:
        """How many ids there are, or None when the tokenizer does not say."""
        for name in ("vocab_size", "get_vocab_size", "n_vocab", "__len__"):
            found: Any = getattr(self.tokenizer, name, None)
            found = found() if callable(found) else found
            if isinstance(found, int) and found > 0:
                return found
        return None

    def _ids(self, text: str) -> list[int]:
        tokenizer = self.tokenizer
        if tokenizer is None:
            return _written_ids(text)
        if hasattr(tokenizer, "convert_ids_to_tokens"):
            return _flat(tokenizer(text)["input_ids"])
        encode: Callable[[str], Any] | None = getattr(tokenizer, "encode", None)
        if encode is None and callable(tokenizer):
            encode = tokenizer
        if encode is None:
            raise LiveError(
                f"cannot use a {type(tokenizer).__name__} as tokenizer: it needs encode(text) → ids, or to "
                "be a "
                "function from text to ids"
            )
        found = encode(text)
        return _flat(getattr(found, "ids", found))

    def _readable(self, token: str) -> str:
        """Byte-level tokens write a space as Ġ; everything else stays as the tokenizer says it."""
        if "Ġ" not in token and "Ċ" not in token:
            return token
        text = str(self.tokenizer.convert_tokens_to_string([token]))
        return token if "\ufffd" in text else text.replace("Ġ", " ").replace("Ċ", "\n")


def _flat(ids: Any) -> list[int]:
    ids = ids.tolist() if hasattr(ids, "tolist") else list(ids)
    if len(ids) == 1 and isinstance(ids[0], list):
        ids = ids[0]
    return [int(each) for each in ids]


def _written_ids(text: str) -> list[int]:
    parts = text.replace(",", " ").split()
    if not parts or not all(part.isdigit() for part in parts):
        raise LiveError(
            f"this model has no tokenizer, so it cannot read {text[:40]!r}: give ids such as '5 12 7', or "
            "pass "
            "tokenizer= when you make it"
        )
    return [int(part) for part in parts]
