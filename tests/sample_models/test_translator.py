"""The translator: its contract, its training, and what its card claims."""

from __future__ import annotations

import json
import re
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

import sample_models.translator as package
from sample_models.microworld import WordTokenizer, draw_pairs, split
from sample_models.translator import train
from sample_models.translator.data import make_tokenizers, training_pairs
from sample_models.translator.metrics import evaluate
from sample_models.translator.model import (
    COURSE_PAIRS,
    LONGEST,
    SOURCE_VOCABULARY,
    TARGET_VOCABULARY,
    WEIGHTS,
    Translator,
    load,
    pad,
    parts,
    sinusoids,
    tokenizers,
    translate,
)
from tests.sample_models.cards import strays


@pytest.fixture(scope="module")
def sample() -> dict[str, Any]:
    return parts()


@pytest.fixture(scope="module")
def metrics() -> dict[str, float]:
    return evaluate()


def english(sample: dict[str, Any], *french: str) -> list[str]:
    return translate(sample["model"], list(french), sample["tokenizer"], sample["target_tokenizer"])


def test_the_card_holds(metrics: dict[str, float]) -> None:
    assert strays(package, metrics) == []


def test_it_is_good_at_its_job(metrics: dict[str, float]) -> None:
    assert metrics["unseen_couples"] >= 0.97
    assert metrics["unseen_sentences"] >= 0.97
    assert metrics["course"] == 1


@pytest.mark.parametrize(("french", "expected"), COURSE_PAIRS)
def test_it_translates_the_course(french: str, expected: str, sample: dict[str, Any]) -> None:
    assert english(sample, french) == [expected]


@pytest.mark.parametrize(
    ("french", "expected"),
    [
        ("Le chat noir", "the black cat"),
        ("les chats noirs", "the black cats"),
        ("le petit chat noir", "the small black cat"),
        ("la vieille maison blanche", "the old white house"),
        ("le vieil arbre", "the old tree"),
        ("un oiseau", "a bird"),
        ("une pomme", "an apple"),
        ("une pomme rouge", "a red apple"),
        ("un vieil éléphant gris", "an old grey elephant"),
        ("l'éléphant gris", "the grey elephant"),
        ("les souris grises dorment", "the grey mice sleep"),
        ("la souris grise dort", "the grey mouse sleeps"),
    ],
)
def test_it_reorders_and_agrees(french: str, expected: str, sample: dict[str, Any]) -> None:
    assert english(sample, french) == [expected]


def test_the_black_cat_was_never_in_training() -> None:
    known = training_pairs()
    assert not any(re.search(r"\bchats? noirs?\b", pair.french) for pair in known)
    assert any("chat" in split(pair.french) for pair in known)
    assert any("noir" in split(pair.french) for pair in known)


def test_parts_follow_the_contract(sample: dict[str, Any]) -> None:
    model, source, target = sample["model"], sample["tokenizer"], sample["target_tokenizer"]
    assert package.parts is parts
    assert not model.training
    assert {p.dtype for p in model.parameters()} == {torch.float32}
    assert sample["text"][0] == "le chat noir"
    assert len(sample["text"]) == len(sample["target_text"]) > 10
    for french, text in zip(sample["text"], sample["target_text"], strict=True):
        source_ids, target_ids = source.encode(french), [target.bos_id, *target.encode(text)]
        assert source.unk_id not in source_ids, french
        assert target.unk_id not in target_ids, text
        assert target.decode(target_ids) == text
        with torch.no_grad():
            logits = model(torch.tensor([source_ids]), torch.tensor([target_ids]))
        assert logits.shape == (1, len(target_ids), target.vocab_size)
    assert source.bos_id != source.eos_id
    assert sample["title"]
    assert sample["about"].endswith(".")


def test_vocabularies_are_those_of_the_training_pairs() -> None:
    for path, words in zip(
        (SOURCE_VOCABULARY, TARGET_VOCABULARY), make_tokenizers(training_pairs()), strict=True
    ):
        assert json.loads(path.read_text(encoding="utf-8")) == words.tokens(range(words.vocab_size))


def test_parts_are_the_same_each_time_and_soon_there(sample: dict[str, Any]) -> None:
    started = time.process_time()
    again = parts()
    assert time.process_time() - started < 3
    assert again["text"] == sample["text"]
    for name, value in sample["model"].state_dict().items():
        assert torch.equal(value, again["model"].state_dict()[name])


def test_the_weights_are_small_and_all_used(sample: dict[str, Any]) -> None:
    assert WEIGHTS.stat().st_size < 3_000_000
    assert load_file(WEIGHTS).keys() == sample["model"].state_dict().keys()


def test_filling_up_changes_nothing(sample: dict[str, Any]) -> None:
    model, source = sample["model"], sample["tokenizer"]
    ids = source.encode("le chat noir")
    target = torch.tensor([[2, 10, 11]])
    with torch.no_grad():
        alone = model(torch.tensor([ids]), target)
        filled = model(torch.tensor([[*ids, 0, 0, 0, 0]]), target)
    assert torch.allclose(alone, filled, atol=1e-4)


def test_the_decoder_sees_only_what_is_before(sample: dict[str, Any]) -> None:
    source_ids = torch.tensor([sample["tokenizer"].encode("le chat noir")])
    target, changed = torch.tensor([[2, 10, 11, 12]]), torch.tensor([[2, 10, 11, 20]])
    with torch.no_grad():
        first, second = sample["model"](source_ids, target), sample["model"](source_ids, changed)
    assert torch.allclose(first[0, :3], second[0, :3], atol=1e-5)
    assert not torch.allclose(first[0, 3], second[0, 3], atol=1e-2)


def test_translation_needs_the_source(sample: dict[str, Any]) -> None:
    french = [pair.french for pair in draw_pairs(60, seed=8)]
    expected = [pair.english for pair in draw_pairs(60, seed=8)]
    shifted = english(sample, *french[1:], french[0])
    assert sum(a == b for a, b in zip(shifted, expected, strict=True)) < 5


def test_too_long_a_text_is_refused(sample: dict[str, Any]) -> None:
    with pytest.raises(
        ValueError, match="33 tokens, and the longest text has 32: translate sentence by sentence"
    ):
        sample["model"](torch.ones(1, LONGEST + 1, dtype=torch.long), torch.ones(1, 1, dtype=torch.long))


def test_positions_are_those_of_the_paper() -> None:
    """Vaswani et al. (2017), section 3.5, term by term."""
    table = sinusoids(7, 6)
    for place in range(7):
        for pair in range(3):
            angle = torch.tensor(place / 10_000 ** (2 * pair / 6))
            assert table[place, 2 * pair] == pytest.approx(float(angle.sin()), abs=1e-5)
            assert table[place, 2 * pair + 1] == pytest.approx(float(angle.cos()), abs=1e-5)


def test_training_learns_and_repeats() -> None:
    first, second = (train.train(0, steps=40, pairs=400) for _ in range(2))
    for name, value in first.state_dict().items():
        assert torch.equal(value, second.state_dict()[name])
    other = train.train(1, steps=1, pairs=400)
    assert not torch.equal(first.head.weight, other.head.weight)
    known = training_pairs(400)
    source, target = make_tokenizers(known)
    ids = train.encode(known[:100], source, target)
    torch.manual_seed(0)
    with torch.no_grad():
        before = train.loss_of(Translator(source.vocab_size, target.vocab_size).eval(), *ids)
        after = train.loss_of(first, *ids)
    assert after < 0.8 * before


def test_an_untrained_model_translates_nothing() -> None:
    torch.manual_seed(0)
    source, target = tokenizers()
    model = Translator(source.vocab_size, target.vocab_size).eval()
    assert translate(model, ["le chat noir"], source, target) != ["the black cat"]


def test_rows_are_filled_up() -> None:
    assert pad([[1, 2, 3], [4]], 0).tolist() == [[1, 2, 3], [4, 0, 0]]


def test_training_command_writes_where_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def measure(model: Translator, source: WordTokenizer, target: WordTokenizer) -> dict[str, float]:
        return {"course": float(source.vocab_size > target.vocab_size)}

    monkeypatch.setattr(train, "evaluate", measure)
    monkeypatch.setattr(sys, "argv", ["train", "--out", str(tmp_path / "new"), "--steps", "2", "--seed", "3"])
    before = WEIGHTS.stat().st_mtime_ns
    threads = torch.get_num_threads()
    try:
        train.main()
    finally:
        torch.set_num_threads(threads)
    assert load(tmp_path / "new" / "weights.safetensors").pad_id == 0
    assert WordTokenizer.load(tmp_path / "new" / "french.json").vocab_size == tokenizers()[0].vocab_size
    assert "course" in capsys.readouterr().out
    assert WEIGHTS.stat().st_mtime_ns == before
