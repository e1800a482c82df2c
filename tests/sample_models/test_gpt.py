"""The story-telling transformer: its contract, its training, and what its card claims."""

from __future__ import annotations

import json
import math
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import nn
from torch.nn import functional as F

import sample_models.gpt as package
from sample_models.gpt import along, train
from sample_models.gpt.data import make_tokenizer, training_stories
from sample_models.gpt.metrics import evaluate, held_out_stories, log_likelihood, make_up
from sample_models.gpt.model import CONTEXT, GPT, VOCABULARY, WEIGHTS, SelfAttention, load, parts, tokenizer
from sample_models.gpt.trigram import Trigram
from sample_models.microworld import COURSE, WordTokenizer, sentences, world
from tests.sample_models.cards import strays


@pytest.fixture(scope="module")
def sample() -> dict[str, Any]:
    return parts()


@pytest.fixture(scope="module")
def metrics() -> dict[str, float]:
    return evaluate()


def test_the_card_holds(metrics: dict[str, float]) -> None:
    assert strays(package, metrics) == []


def test_it_is_good_at_its_job(metrics: dict[str, float]) -> None:
    assert metrics["sentences"] >= 0.95
    assert metrics["stories"] >= 0.85
    assert metrics["answers"] >= 0.95
    assert metrics["river"] >= 0.9
    assert metrics["sense"] >= 0.9
    # Nothing but the attention to what is further back tells these three apart.
    assert metrics["bound"] < metrics["perplexity"] < 1.1 * metrics["bound"]
    assert metrics["trigram"] > 1.2 * metrics["perplexity"]


def test_parts_follow_the_contract(sample: dict[str, Any]) -> None:
    model, words, text = sample["model"], sample["tokenizer"], sample["text"]
    assert package.parts is parts
    assert not model.training
    assert {p.dtype for p in model.parameters()} == {torch.float32}
    assert tuple(text[:3]) == COURSE
    assert len(text) > 6
    for sentence in text:
        ids = words.encode(sentence)
        assert words.unk_id not in ids, sentence
        assert len(ids) <= CONTEXT
        assert words.decode(ids).rstrip(".") == sentence.lower().rstrip(".")
        with torch.no_grad():
            assert model(torch.tensor([ids])).shape == (1, len(ids), words.vocab_size)
    assert sample["title"]
    assert sample["about"].endswith(".")


def test_vocabulary_is_plain_json() -> None:
    assert json.loads(VOCABULARY.read_text(encoding="utf-8"))[:4] == ["<pad>", "<unk>", "<bos>", "<eos>"]
    words = make_tokenizer()
    assert words.tokens(range(words.vocab_size)) == tokenizer().tokens(range(tokenizer().vocab_size))


def test_parts_are_the_same_each_time_and_soon_there(sample: dict[str, Any]) -> None:
    started = time.process_time()
    again = parts()
    assert time.process_time() - started < 3
    assert again["text"] == sample["text"]
    for name, value in sample["model"].state_dict().items():
        assert torch.equal(value, again["model"].state_dict()[name])


def test_the_weights_are_small_and_all_used(sample: dict[str, Any]) -> None:
    assert WEIGHTS.stat().st_size < 4_000_000
    assert load_file(WEIGHTS).keys() == sample["model"].state_dict().keys()


def test_a_token_sees_only_what_is_before_it(sample: dict[str, Any]) -> None:
    ids = torch.tensor([sample["tokenizer"].encode(COURSE[2])])
    changed = ids.clone()
    changed[0, 8] = sample["tokenizer"].encode("money")[0]
    with torch.no_grad():
        first, second = sample["model"](ids), sample["model"](changed)
    assert torch.allclose(first[0, :8], second[0, :8], atol=1e-5)
    assert not torch.allclose(first[0, 8:], second[0, 8:], atol=1e-2)


def test_attention_matches_multi_head_attention() -> None:
    """torch's own module, given the same weights, is the reference."""
    torch.manual_seed(0)
    ours = SelfAttention(32, 4).eval()
    reference = nn.MultiheadAttention(32, 4, batch_first=True).eval()
    with torch.no_grad():
        nn.init.normal_(ours.qkv.bias)
        reference.in_proj_weight.copy_(ours.qkv.weight)
        reference.in_proj_bias.copy_(ours.qkv.bias)
        reference.out_proj.load_state_dict(ours.project.state_dict())
        x = torch.randn(2, 9, 32)
        future = torch.ones(9, 9, dtype=torch.bool).triu(1)
        expected, _ = reference(x, x, x, attn_mask=future)
        assert torch.allclose(ours(x), expected, atol=1e-5)


def test_too_long_a_text_is_refused(sample: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="65 tokens do not fit the context of 64: give the last 64"):
        sample["model"](torch.zeros(1, 65, dtype=torch.long))


def test_temperature_zero_takes_the_likeliest_and_runs_past_the_context(sample: dict[str, Any]) -> None:
    model, words = sample["model"], sample["tokenizer"]
    ids = torch.tensor([words.encode("the cat")])
    first = model.generate(ids, 70, temperature=0)
    assert torch.equal(first, model.generate(ids, 70, temperature=0))
    assert first.shape == (1, 72)
    with torch.no_grad():
        assert first[0, 2] == model(ids)[0, -1].argmax()


def test_sampling_follows_its_generator(sample: dict[str, Any]) -> None:
    made = [make_up(sample["model"], sample["tokenizer"], count=4, seed=seed) for seed in (1, 1, 2)]
    assert made[0] == made[1] != made[2]


def test_what_it_makes_up_is_not_copied(sample: dict[str, Any]) -> None:
    made = make_up(sample["model"], sample["tokenizer"], count=100, seed=9)
    known = {tuple(story) for story in training_stories()}
    assert sum(tuple(story) in known for story in made) < 50
    assert len({tuple(story) for story in made}) > 90


def test_untrained_model_makes_up_nothing_the_grammar_accepts() -> None:
    torch.manual_seed(0)
    made = make_up(GPT(tokenizer().vocab_size).eval(), tokenizer(), count=10, seed=0)
    assert not any(world().accepts(story, "STORY") for story in made)


def test_log_likelihood_adds_up_token_by_token(sample: dict[str, Any]) -> None:
    model, words = sample["model"], sample["tokenizer"]
    story = held_out_stories(1)[0]
    ids = [words.bos_id, *words.encode(" ".join(story)), words.eos_id]
    total = 0.0
    with torch.no_grad():
        for place in range(1, len(ids)):
            chances = F.softmax(model(torch.tensor([ids[:place]]))[0, -1].double(), dim=-1)
            total += math.log(float(chances[ids[place]]))
    assert log_likelihood(model, story, words) == pytest.approx(total, abs=1e-3)


def test_trigram_chances_sum_to_one() -> None:
    stories = [["the", "cat", "sits"], ["the", "dog"], ["a", "cat"]]
    model = Trigram(stories)
    outcomes = [*{word for story in stories for word in story}, "<edge>"]
    for before in [("<edge>", "<edge>"), ("<edge>", "the"), ("the", "cat"), ("a", "dog")]:
        total = sum(model._chance(before, word) for word in outcomes)
        # One share of the smallest chance is kept for a word never seen.
        assert total + model._chance(before, "zebra") == pytest.approx(1)


def test_rows_hold_whole_stories() -> None:
    words = make_tokenizer()
    stories = training_stories(200)
    rows = train.pack(stories, words)
    assert rows.shape[1] == CONTEXT + 1
    assert (rows[::2, 0] == words.bos_id).all()
    assert (rows[1::2, 0] != words.bos_id).all()
    special = {words.pad_id, words.bos_id, words.eos_id}
    kept = [number for row in rows.tolist() for number in row if number not in special]
    assert kept == [number for story in stories for number in words.encode(" ".join(story))]
    ends = sum(row.count(words.eos_id) for row in rows.tolist())
    full = sum(row[-1] not in (words.eos_id, words.pad_id) for row in rows.tolist())
    assert ends + full == len(stories)


def test_training_learns_and_repeats() -> None:
    (first, losses), (second, _) = (train.train(0, steps=20, stories=300) for _ in range(2))
    assert len(losses) == 20
    assert losses[-1] < losses[0]
    for name, value in first.state_dict().items():
        assert torch.equal(value, second.state_dict()[name])
    other, _ = train.train(1, steps=1, stories=300)
    assert not torch.equal(first.token_embedding.weight, other.token_embedding.weight)
    words = make_tokenizer()
    torch.manual_seed(0)
    rows = train.pack(held_out_stories(40), words)
    with torch.no_grad():
        before = train.loss_of(GPT(words.vocab_size).eval(), rows, words.pad_id)
        after = train.loss_of(first, rows, words.pad_id)
    assert before > math.log(words.vocab_size)
    assert after < 0.8 * math.log(words.vocab_size)


def test_checkpoints_lead_from_noise_to_sentences() -> None:
    words, stories = tokenizer(), held_out_stories(100)
    rows = train.pack(stories, words)
    model, losses, accepted = GPT(words.vocab_size).eval(), [], []
    for checkpoint in along.checkpoints():
        model.load_state_dict(checkpoint["weights"]())
        with torch.no_grad():
            losses.append(float(train.loss_of(model, rows, words.pad_id)))
        made = [line for story in make_up(model, words, count=20, seed=5) for line in sentences(story)]
        accepted.append(sum(world().accepts(line, "SENTENCE") for line in made) / len(made))
    assert len(losses) >= 8
    assert losses == sorted(losses, reverse=True)
    assert losses[0] > math.log(words.vocab_size)
    assert losses[-1] < math.log(2.9)
    assert accepted[:2] == [0, 0]
    assert accepted[-1] > 0.9
    assert sum(path.stat().st_size for path in along.HOME.iterdir()) < 8_000_000


def test_the_loss_along_the_way_is_that_of_the_checkpoints() -> None:
    seen = along.history()
    assert set(seen) == {"train", "validation"}
    for line in seen.values():
        assert len(line["steps"]) == len(line["loss"])
        assert line["steps"] == sorted(line["steps"])
    steps = [each["step"] for each in along.checkpoints()]
    assert steps[0] == 0
    assert set(steps) <= set(seen["validation"]["steps"])
    model, words = GPT(tokenizer().vocab_size).eval(), tokenizer()
    rows = train.pack(held_out_stories(train.VALIDATION_STORIES), words)
    model.load_state_dict(along.checkpoints()[3]["weights"]())
    told = seen["validation"]["loss"][seen["validation"]["steps"].index(steps[3])]
    with torch.no_grad():
        assert float(train.loss_of(model, rows, words.pad_id)) == pytest.approx(told, abs=0.005)


def test_looking_on_changes_nothing(tmp_path: Path) -> None:
    watched = along.Along(tmp_path, steps=6, validate=lambda model: model.head.weight.sum())
    first, _ = train.train(0, steps=6, stories=300, keep=watched)
    second, _ = train.train(0, steps=6, stories=300)
    for name, value in first.state_dict().items():
        assert torch.equal(value, second.state_dict()[name])


def test_training_command_writes_where_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def measure(model: GPT, words: WordTokenizer) -> dict[str, float]:
        return {"perplexity": float(words.vocab_size)}

    monkeypatch.setattr(train, "evaluate", measure)
    monkeypatch.setattr(sys, "argv", ["train", "--out", str(tmp_path / "new"), "--steps", "2", "--seed", "3"])
    before = WEIGHTS.stat().st_mtime_ns
    threads = torch.get_num_threads()
    try:
        train.main()
    finally:
        torch.set_num_threads(threads)
    made = load(tmp_path / "new" / "weights.safetensors")
    assert made.context == CONTEXT
    kept = along.checkpoints(tmp_path / "new" / "checkpoints")
    assert [each["step"] for each in kept] == [0, 1, 2]
    assert along.history(tmp_path / "new" / "checkpoints")["validation"]["steps"] == [0, 1, 2]
    for name, value in kept[-1]["weights"]().items():
        assert torch.allclose(value, made.state_dict()[name], atol=0.02), "the last one is the model itself"
    assert WordTokenizer.load(tmp_path / "new" / "vocabulary.json").vocab_size == tokenizer().vocab_size
    assert "perplexity" in capsys.readouterr().out
    assert WEIGHTS.stat().st_mtime_ns == before
