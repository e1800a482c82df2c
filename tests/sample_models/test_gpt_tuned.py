"""The fine-tuned models: their tasks, their training, and what their card claims."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

import sample_models.gpt_tuned as package
from sample_models.gpt.model import load as load_base
from sample_models.gpt.model import tokenizer as base_tokenizer
from sample_models.gpt_tuned import train
from sample_models.gpt_tuned.metrics import answers, evaluate, right
from sample_models.gpt_tuned.model import VOCABULARY, extended, load, tokenizer, weights
from sample_models.gpt_tuned.tasks import TASKS, Item, Task, gist
from sample_models.microworld import draw_stories
from tests.sample_models.cards import strays

each = pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)


@pytest.fixture(scope="module")
def metrics() -> dict[str, float]:
    return evaluate()


def test_the_card_holds(metrics: dict[str, float]) -> None:
    assert strays(package, metrics) == []


@each
def test_the_base_fails_and_fine_tuning_succeeds(task: Task, metrics: dict[str, float]) -> None:
    assert metrics[f"{task.name}_before"] <= 0.02
    assert metrics[task.name] >= 0.9


@each
def test_what_is_held_out_is_never_trained_on(task: Task) -> None:
    trained = {item.prompt for item in task.items(3_000, seed=train.TRAIN_SEED, held_out=False)}
    held = task.items(100, seed=7, held_out=True)
    assert len(trained) == 3_000
    assert len({item.prompt for item in held}) == 100
    assert not trained & {item.prompt for item in held}
    assert task.items(5, seed=7, held_out=True) == held[:5]
    words = tokenizer()
    for item in held:
        assert words.unk_id not in words.encode(f"{item.prompt} {item.answer}"), item
        assert len(words.encode(f"{item.prompt} {item.answer}")) <= 62


def test_questions_are_answered_by_the_text() -> None:
    for item in TASKS[0].items(200, seed=3, held_out=True):
        *told, question = item.prompt.removesuffix(" ?").split(" . ")
        assert len(told) in (1, 2)
        answer = item.answer.removesuffix(" .")
        if question.startswith("who"):
            assert told[0].endswith(question.removeprefix("who "))
            assert answer.split()[-1] in told[0].split()[:3]
        else:
            assert question.split()[-1] in told[0].split()[:3]
            assert told[0].endswith(answer)


@pytest.mark.parametrize(
    ("story", "told"),
    [
        ("an old king ate an apple . he slept and ran to the old school .", "the king ran to the school ."),
        ("two robbers need money . then they read an old letter .", "the robbers read a letter ."),
        ("the cat is hungry . it eats an apple .", "the cat eats an apple ."),
        ("the young man is sad . he is tired .", "the man is tired ."),
    ],
)
def test_the_gist_is_who_and_how_it_ends(story: str, told: str) -> None:
    assert " ".join(gist(story.split())) == told


def test_every_story_has_a_gist_in_the_words_of_the_world() -> None:
    known = base_tokenizer()
    for story in draw_stories(300, seed=5):
        if "?" not in story and story.count(".") > 1:
            found = gist(story)
            assert found[-1] == "."
            assert 3 < len(found) <= len(story)
            assert known.unk_id not in known.encode(" ".join(found))


def test_fine_tuning_begins_with_the_base_model() -> None:
    """The larger model gives the base's own scores for its tokens; its new ones say nothing yet."""
    base, words = load_base(), tokenizer()
    larger = extended(words.vocab_size)
    known = base_tokenizer().vocab_size
    assert words.tokens(range(known)) == base_tokenizer().tokens(range(known))
    ids = torch.tensor([words.encode("the cat sits on the")])
    with torch.no_grad():
        one, other = base(ids), larger(ids)
    assert torch.allclose(one, other[..., :known], atol=1e-5)
    assert torch.allclose(other[..., known:], one.mean(-1, keepdim=True), atol=1e-4)


def test_only_answers_and_their_end_are_learnt() -> None:
    words = tokenizer()
    items = [Item("where is the cat ?", "on the mat ."), Item("le chat =", "the cat")]
    given, wanted = train.encode(items, words)
    assert words.tokens(wanted[0][wanted[0] != train.IGNORED].tolist()) == ["on", "the", "mat", ".", "<eos>"]
    assert words.tokens(wanted[1][wanted[1] != train.IGNORED].tolist()) == ["the", "cat", "<eos>"]
    assert given[0, 0] != words.bos_id == given[1, 0]
    first = int((wanted[0] != train.IGNORED).nonzero()[0])
    assert words.tokens([int(given[0, first])]) == ["?"], "the first answer word is told after the question"


def test_an_answer_counts_when_it_ends() -> None:
    words = tokenizer()

    class Says(torch.nn.Module):
        context = 64

        def __init__(self, told: str, *, ends: bool) -> None:
            super().__init__()
            self.ids = [*words.encode(told), *([words.eos_id] if ends else [])]

        def generate(self, ids: torch.Tensor, count: int, *, temperature: float) -> torch.Tensor:
            more = torch.tensor([(self.ids + [words.encode("the")[0]] * count)[:count]] * len(ids))
            return torch.cat([ids, more], dim=1)

    items = [Item("who ?", "the cat ."), Item("who is it ?", "the dog .")]
    assert right(Says("the cat .", ends=True), items, words) == 0.5  # type: ignore[arg-type]
    assert right(Says("the cat .", ends=False), items, words) == 0  # type: ignore[arg-type]
    assert answers(Says("the cat .", ends=True), ["who ?"], words) == ["the cat ."]  # type: ignore[arg-type]


@each
def test_the_weights_are_small_and_ready(task: Task) -> None:
    assert weights(task).stat().st_size < 2_000_000
    assert {value.dtype for value in load_file(weights(task)).values()} == {torch.float16}
    model = load(task)
    assert not model.training
    assert {value.dtype for value in model.parameters()} == {torch.float32}


@pytest.mark.parametrize("builder", [package.answering, package.translating, package.summing_up])
def test_parts_open_with_prompts_and_their_answers(builder: object) -> None:
    made = builder()  # type: ignore[operator]
    assert set(made) == {"model", "tokenizer", "text", "exercises", "title", "about"}
    assert len(made["exercises"]) >= 50
    assert made["text"] == [prompt for prompt, _ in made["exercises"]][: len(made["text"])]


def test_training_learns_and_repeats() -> None:
    words = tokenizer()
    (first, losses), (second, _) = (
        train.train(TASKS[1], 0, words=words, steps=8, items=200) for _ in range(2)
    )
    assert losses[-1] < losses[0]
    for name, value in first.state_dict().items():
        assert torch.equal(value, second.state_dict()[name])


def test_training_command_writes_where_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(train, "evaluate", lambda models, words: {"models": float(len(models))})
    monkeypatch.setattr(train, "ITEMS", 300)
    monkeypatch.setattr(sys, "argv", ["train", "--out", str(tmp_path / "new"), "--steps", "1"])
    threads = torch.get_num_threads()
    try:
        train.main()
    finally:
        torch.set_num_threads(threads)
    names = {path.name for path in (tmp_path / "new").iterdir()}
    assert names == {VOCABULARY.name, *(weights(task).name for task in TASKS)}
    assert "models" in capsys.readouterr().out
