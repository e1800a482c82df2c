"""Tokenizers side by side: the same pieces, places and bytes that their own libraries tell."""

from pathlib import Path
from typing import Any

import pytest
import transformers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from genviz.errors import LiveError
from genviz.live import tokenizers as ours
from sample_models.microworld import COURSE, WordTokenizer

ODD = "The cats' 🤖👩‍🚀 مرحبا <b>&amp;\n$x$"


@pytest.fixture(scope="module")
def byte_level() -> Any:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=320, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(list(COURSE) * 3, trainer)
    return tokenizer


def test_bytes_of_a_byte_level_tokenizer_are_the_texts(byte_level: Any) -> None:
    cut = ours.split(byte_level, ODD, name="BPE")
    assert bytes.fromhex("".join(cut.bytes)) == ODD.encode()  # an emoji is spread over several tokens
    assert list(cut.ids) == byte_level.encode(ODD).ids
    assert cut.about == f"BPE, {byte_level.get_vocab_size()} entries"


def test_hugging_face_wraps_the_same(byte_level: Any) -> None:
    wrapped = transformers.PreTrainedTokenizerFast(tokenizer_object=byte_level)
    mine, theirs = (ours.split(each, ODD, name="x") for each in (byte_level, wrapped))
    assert list(mine.pieces) == list(theirs.pieces)
    assert list(mine.bytes) == list(theirs.bytes)


def test_word_tokenizers_are_read_by_what_they_say() -> None:
    tokenizer = WordTokenizer.of(["the", "cat", "sits", "."])
    cut = ours.split(tokenizer, "The cat sleeps.", name="words")
    assert cut.pieces == ["the", "cat", "<unk>", "."]
    assert cut.spans == [(0, 3), (4, 7), None, (14, 15)]
    assert cut.marks == ["", "", "unknown", ""]
    assert len(ours.split(tokenizer, "", name="words")) == 0


@pytest.mark.parametrize("algorithm", ours.ALGORITHMS)
def test_one_trained_here_reads_its_own_text_without_unknowns(algorithm: str) -> None:
    trained = ours.train(algorithm, list(COURSE), 60)
    cut = ours.split(trained, COURSE[1], name=algorithm)
    assert cut.count("unknown") == 0
    whole = "".join(COURSE[1][slice(*span)] for span in cut.spans if span is not None)
    assert whole == COURSE[1].replace(" ", "")
    assert ours.split(trained, "Ω", name=algorithm).count("unknown") == 1
    assert trained.get_vocab_size() <= 60 or algorithm == "WordPiece"


def test_what_cannot_be_trained_or_read_is_said(tmp_path: Path) -> None:
    with pytest.raises(LiveError, match="no algorithm 'LZ': choose BPE, WordPiece, Unigram"):
        ours.train("LZ", ["a"], 40)
    with pytest.raises(LiveError, match="nothing to train BPE on: give a text"):
        ours.train("BPE", ["  "], 40)
    with pytest.raises(LiveError, match=r"no tokenizer at .*: give a tokenizer.json file, or a folder"):
        ours.load(tmp_path)
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(LiveError, match="cannot be read as a tokenizer"):
        ours.load(tmp_path)


def test_those_of_the_user_are_found_by_path(
    byte_level: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    byte_level.save(str(folder / "tokenizer.json"))
    monkeypatch.setenv(ours.VARIABLE, str(folder))
    assert next(iter(ours.installed())) == "mine"
    assert ours.named([folder])["mine"].get_vocab() == byte_level.get_vocab()
    assert set(ours.named({"a": byte_level, "b": str(folder / "tokenizer.json")})) == {"a", "b"}
