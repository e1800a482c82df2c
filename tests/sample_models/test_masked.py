"""The encoder that fills in masked words: its contract, its training, and what its card claims."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

import sample_models.masked as package
from sample_models.gpt.metrics import held_out_stories
from sample_models.masked import train
from sample_models.masked.data import IGNORED, SHARE, make_tokenizer, masked, rows
from sample_models.masked.metrics import Counts, evaluate
from sample_models.masked.model import (
    CONTEXT,
    MASK,
    VOCABULARY,
    WEIGHTS,
    MaskedEncoder,
    load,
    parts,
    tokenizer,
)
from sample_models.microworld import COURSE
from tests.sample_models.cards import strays


@pytest.fixture(scope="module")
def sample() -> dict[str, Any]:
    return parts()


@pytest.fixture(scope="module")
def metrics() -> dict[str, float]:
    return evaluate()


def test_the_card_holds(metrics: dict[str, float]) -> None:
    assert strays(package, metrics) == []


def test_it_reads_both_sides(metrics: dict[str, float]) -> None:
    assert metrics["accuracy"] > metrics["neighbours"] + 0.1 > metrics["commonest"] + 0.1
    assert metrics["pronouns"] > 0.98
    assert metrics["top5"] > 0.95


def test_parts_follow_the_contract(sample: dict[str, Any]) -> None:
    model, words = sample["model"], sample["tokenizer"]
    assert not model.training
    assert tuple(sample["text"][:3]) == COURSE
    for text in sample["text"]:
        ids = words.encode(text)
        assert words.unk_id not in ids
        assert len(ids) <= CONTEXT
    assert words.tokens([words.mask_id]) == [MASK]
    assert words.encode("the <mask> sits")[1] == words.mask_id
    assert make_tokenizer().tokens(range(words.vocab_size)) == words.tokens(range(words.vocab_size))


def test_what_it_tells_rests_on_what_comes_after(sample: dict[str, Any]) -> None:
    """Only the second sentence says who the first one is about."""
    model, words = sample["model"], sample["tokenizer"]
    for pronoun, right, wrong in (("she", "queen", "king"), ("he", "king", "queen")):
        ids = torch.tensor([words.encode(f"the <mask> is sad . {pronoun} reads a book .")])
        with torch.no_grad():
            chances = model(ids)[0, 1].softmax(-1)
        assert chances[words.encode(right)[0]] > 8 * chances[words.encode(wrong)[0]]


def test_padding_is_not_looked_at(sample: dict[str, Any]) -> None:
    model, words = sample["model"], sample["tokenizer"]
    ids = torch.tensor([words.encode(COURSE[0])])
    longer = torch.cat([ids, torch.full((1, 5), words.pad_id)], dim=1)
    with torch.no_grad():
        assert torch.allclose(model(ids), model(longer)[:, : ids.shape[1]], atol=1e-5)


def test_a_share_of_the_tokens_is_to_be_told() -> None:
    words = tokenizer()
    known = rows(held_out_stories(300), words)
    given, wanted = masked(known, words, torch.Generator().manual_seed(0))
    told = wanted != IGNORED
    there = known != words.pad_id
    assert not (told & ~there).any()
    assert float(told.sum() / there.sum()) == pytest.approx(SHARE, abs=0.01)
    assert torch.equal(given[~told], known[~told])
    assert torch.equal(wanted[told], known[told])
    assert float((given[told] == words.mask_id).float().mean()) == pytest.approx(0.8, abs=0.03)
    assert float((given[told] == known[told]).float().mean()) == pytest.approx(0.1, abs=0.03)


def test_counting_takes_the_word_between_two() -> None:
    counts = Counts([["a", "b", "c"], ["a", "b", "c"], ["a", "d", "c"], ["b"], ["b"]])
    assert counts.commonest == "b"
    assert counts.between(["a", "?", "c"], 1) == "b"
    assert counts.between(["x", "?", "y"], 1) == "b", "never seen: the commonest"


def test_the_weights_are_small() -> None:
    assert WEIGHTS.stat().st_size < 1_000_000
    assert {value.dtype for value in load_file(WEIGHTS).values()} == {torch.float16}
    assert {value.dtype for value in load().parameters()} == {torch.float32}


def test_too_long_a_text_is_refused(sample: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="65 tokens do not fit the context of 64: give at most 64"):
        sample["model"](torch.ones(1, 65, dtype=torch.long))


def test_training_learns_and_repeats() -> None:
    (first, losses), (second, _) = (train.train(0, steps=15, stories=300) for _ in range(2))
    assert losses[-1] < losses[0] < 1.1 * math.log(make_tokenizer().vocab_size)
    for name, value in first.state_dict().items():
        assert torch.equal(value, second.state_dict()[name])


def test_training_command_writes_where_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(train, "evaluate", lambda model, words: {"accuracy": float(words.vocab_size)})
    monkeypatch.setattr(train, "STORIES", 300)
    monkeypatch.setattr(sys, "argv", ["train", "--out", str(tmp_path / "new"), "--steps", "2"])
    threads = torch.get_num_threads()
    try:
        train.main()
    finally:
        torch.set_num_threads(threads)
    saved = load_file(tmp_path / "new" / WEIGHTS.name)
    MaskedEncoder(tokenizer().vocab_size).load_state_dict(saved)
    assert (tmp_path / "new" / VOCABULARY.name).read_bytes() == VOCABULARY.read_bytes()
    assert "accuracy" in capsys.readouterr().out
