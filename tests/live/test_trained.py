"""A training looked back on: checkpoints, masked words, answers, weights; also of Hugging Face models."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from safetensors.torch import save_file
from torch import nn

from genviz.errors import LiveError
from genviz.live import LanguageModel, wrap
from genviz.live.training_run import training_run
from genviz.recording import load
from sample_models.masked.model import MaskedEncoder, MaskingTokenizer
from tests.live.small_models import IDS, VOCAB, Identity, live_of, model_of

TEXT = " ".join(map(str, IDS))


class Ending(Identity):
    """The numbers as words, and one that ends a text."""

    eos_id = 2

    def decode(self, ids: list[int]) -> str:
        return " ".join(map(str, ids))


def states(model: nn.Module, shares: tuple[float, ...] = (0.0, 0.5, 1.0)) -> list[dict[str, Any]]:
    """The model with its weights scaled, as if they had grown."""
    held = {name: value.clone() for name, value in model.state_dict().items()}
    return [
        {"step": 10 * n, "weights": {name: share * value for name, value in held.items()}}
        for n, share in enumerate(shares)
    ]


def student(kind: str = "gpt", **more: Any) -> LanguageModel:
    model = model_of(kind)
    return LanguageModel(model, Ending(), text=[TEXT, "4 4 6 20"], checkpoints=states(model), **more)


def masking(**more: Any) -> LanguageModel:
    torch.manual_seed(0)
    words = MaskingTokenizer.of("the cat sits on a mat".split())  # noqa: SIM905
    model = MaskedEncoder(words.vocab_size, d_model=16, n_heads=2, n_layers=2).eval()
    return LanguageModel(model, words, text="the cat sits on a mat", **more)


@pytest.mark.parametrize("kind", ["gpt", "gpt2", "llama"])
def test_every_checkpoint_is_looked_at_as_it_was(kind: str) -> None:
    live = student(kind)
    assert "training" in live.abilities
    found = live.training()
    run = found.info["training"]
    assert run["steps"] == [0, 10, 20]
    tables = found.entries(kind="embedding")
    assert [entry.step for entry in tables] == [0, 10, 20]
    last = next(m for m in live.modules[""].modules() if isinstance(m, nn.Embedding)).weight.detach().numpy()
    for entry, share in zip(tables, (0, 0.5, 1), strict=True):
        np.testing.assert_allclose(entry.load(), share * last, atol=1e-6)
    now = live.record()
    for site in found.sites("attention"):
        entry = found.entry(site, "attention", step=20)
        np.testing.assert_allclose(entry.load()[0], now.attention(site).values, atol=1e-5)
        assert not np.allclose(found.entry(site, "attention", step=10).load(), entry.load(), atol=1e-3)
    assert found.tokens[0] == tuple(f"w{each}" for each in IDS)


def test_the_loss_of_a_checkpoint_is_that_of_its_texts() -> None:
    live = student()
    run = live.training().info["training"]
    assert run["measured"][0] == pytest.approx(np.log(VOCAB), abs=1e-6), (
        "weights of 0 give every token the same"
    )
    total, count = 0.0, 0
    for text in live.text:
        ids = live.source.encode(text).ids
        with torch.no_grad():
            chances = live.modules[""](torch.tensor([ids]))[0].log_softmax(-1)
        total -= sum(float(chances[at, ids[at + 1]]) for at in range(len(ids) - 1))
        count += len(ids) - 1
    assert run["measured"][-1] == pytest.approx(total / count, abs=1e-5)


def test_what_checkpoints_write_repeats_with_the_seed_and_goes_on_from_the_prompt() -> None:
    live = student()
    first, again = (
        live.training(prompt="5 9", count=6, seed=3).info["training"]["samples"] for _ in range(2)
    )
    other = live.training(prompt="5 9", count=6, seed=4).info["training"]["samples"]
    assert first == again != other
    assert [row[0] for row in first] == [row[0] for row in other], "the greedy text has no seed"
    ids = torch.tensor([[5, 9]])
    model = live.modules[""]
    assert first[-1][0].split()[0] == str(int(model(ids)[0, -1].argmax()))
    assert live.training(prompt="").info["training"]["prompt"] == "5 9", "without one, the first two tokens"


def test_a_training_that_was_saved_is_shown_without_the_model(tmp_path: Path) -> None:
    found = student(history={"train": {"steps": [0, 20], "loss": [3, 1]}}).training()
    again = load(found.save(tmp_path / "run.genviz"))
    assert again.info["training"] == found.info["training"]
    assert again.info["training"]["history"]["train"] == {"steps": [0.0, 20.0], "loss": [3.0, 1.0]}


def test_without_checkpoints_there_is_no_training() -> None:
    live = live_of("gpt")
    assert "training" not in live.abilities
    with pytest.raises(
        LiveError, match="no checkpoints to look at: pass checkpoints= when you make this model"
    ):
        live.training()


def test_a_trainers_folder_is_a_training_run(tmp_path: Path) -> None:
    """As transformers.Trainer writes it, tied weights left out of the file."""
    config = transformers.GPT2Config(vocab_size=VOCAB, n_embd=16, n_layer=1, n_head=2, n_positions=16)
    model = transformers.GPT2LMHeadModel(config).eval()
    for step in (5, 10):
        model.save_pretrained(tmp_path / f"checkpoint-{step}")
    log = [{"step": 5, "loss": 3.5}, {"step": 10, "eval_loss": 3.1}, {"step": 10, "loss": 3.0}, {"step": 10}]
    state = tmp_path / "checkpoint-10" / "trainer_state.json"
    state.write_text(json.dumps({"log_history": log}), encoding="utf-8")
    live = wrap({"model": model, "tokenizer": Ending(), "text": TEXT, "checkpoints": str(tmp_path)})
    found = live.training()
    assert found.info["training"]["steps"] == [5, 10]
    assert found.info["training"]["history"] == {
        "train": {"steps": [5.0, 10.0], "loss": [3.5, 3.0]},
        "validation": {"steps": [10.0], "loss": [3.1]},
    }
    one, other = found.info["training"]["samples"]
    assert one == other, "both checkpoints are the same model"


def test_what_is_no_training_run_says_what_is_one(tmp_path: Path) -> None:
    with pytest.raises(
        LiveError, match="holds no checkpoints: a Trainer writes folders such as checkpoint-500"
    ):
        training_run(tmp_path, None, {})
    (tmp_path / "checkpoint-3").mkdir()
    with pytest.raises(LiveError, match=r"has no model\.safetensors: train with save_safetensors=True"):
        training_run(tmp_path, None, {})
    with pytest.raises(LiveError, match=r"history\['train'\] needs 'steps' and as many numbers in 'loss'"):
        training_run((), {"train": {"steps": [1], "loss": [1, 2]}}, {})
    save_file({"other": torch.zeros(1)}, tmp_path / "checkpoint-3" / "model.safetensors")
    (tmp_path / "trainer_state.json").write_text("[", encoding="utf-8")
    with pytest.raises(LiveError, match=r"trainer_state.json cannot be read .*: give history= instead"):
        training_run(tmp_path, None, {})


def test_a_checkpoint_may_be_a_function_and_must_fit() -> None:
    model = model_of("gpt")
    known = states(model)
    items = [{"step": each["step"], "weights": lambda each=each: each["weights"]} for each in known]
    live = LanguageModel(model, Ending(), text=TEXT, checkpoints=items)
    assert live.training().info["training"] == student().training().info["training"] | {
        "measured": live.training().info["training"]["measured"]
    }
    broken = LanguageModel(model, Ending(), text=TEXT, checkpoints=[*known, {"step": 30, "weights": {}}])
    with pytest.raises(LiveError, match="checkpoint 30 does not fit GPT"):
        broken.training()


def test_a_hidden_word_is_told_from_the_others() -> None:
    live = masking()
    assert "masked_words" in live.abilities
    found = live.masked_words("the cat sits on a mat", positions=[1, 4], top=3)
    words, model = live.source.tokenizer, live.modules[""]
    ids = words.encode("the <mask> sits on <mask> mat")
    with torch.no_grad():
        chances = model(torch.tensor([ids]))[0].double().softmax(-1)
    for row, (place, word) in enumerate(((1, "cat"), (4, "a"))):
        best = chances[place].topk(3)
        assert found["candidates"][row] == words.tokens(best.indices.tolist())
        np.testing.assert_allclose(found["probabilities"][row], best.values, rtol=1e-5)
        true = float(chances[place, words.encode(word)[0]])
        assert found["true"][row] == pytest.approx(true, rel=1e-5)
        assert found["ranks"][row] == 1 + int((chances[place] > true).sum())
    assert found["positions"] == [1, 4]
    assert found["hidden"] == [True, True]
    one = words.encode("the cat sits on a <mask>")
    with torch.no_grad():
        alone = float(model(torch.tensor([one]))[0, 5].softmax(-1)[words.encode("mat")[0]])
    assert found["alone"][5] == pytest.approx(alone, rel=1e-5)


def test_masks_in_the_text_are_asked_for_and_were_not_hidden_here() -> None:
    found = masking().masked_words("the <mask> sits <b> ☃ .", positions=[2])
    assert found["positions"] == [1, 2]
    assert found["hidden"] == [False, True]
    assert len(found["candidates"]) == 2


def test_one_word_can_be_hidden_and_no_other_place() -> None:
    assert masking().masked_words("cat", positions=[0])["positions"] == [0]
    with pytest.raises(LiveError, match="no token 6 to mask: the text has 6 tokens, 0 … 5"):
        masking().masked_words("the cat sits on a mat", positions=[6])
    with pytest.raises(LiveError, match="no tokens in ''"):
        masking().masked_words("")


def test_a_decoder_and_a_tokenizer_without_mask_hide_nothing() -> None:
    assert "masked_words" not in live_of("gpt").abilities
    with pytest.raises(LiveError, match="has no mask: its tokenizer needs mask_id or mask_token_id"):
        live_of("gpt").masked_words(TEXT, positions=[1])


def test_hugging_face_masked_models_fill_in(tmp_path: Path) -> None:
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "cat", "sits"]
    made = Tokenizer(models.WordLevel({word: n for n, word in enumerate(words)}, unk_token="[UNK]"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    made.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_object=made, mask_token="[MASK]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]",
        pad_token="[PAD]",
    )  # fmt: skip
    config = transformers.BertConfig(
        vocab_size=len(words),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
    )
    live = LanguageModel(transformers.BertForMaskedLM(config).eval(), tokenizer, text="the cat sits")
    assert "masked_words" in live.abilities
    found = live.masked_words("the cat sits", positions=[2])
    assert found["tokens"] == ["[CLS]", "the", "cat", "sits", "[SEP]"]
    assert found["marks"] == [True, False, False, False, True]
    assert np.isnan(found["alone"][[0, 4]]).all()
    assert np.isfinite(found["alone"][1:4]).all()


@pytest.mark.parametrize("kind", ["gpt2", "llama"])
def test_answers_are_those_of_generate(kind: str) -> None:
    model = model_of(kind)
    live = LanguageModel(model, Ending(), text=TEXT)
    prompts = ["5 9 3", "17 11", "4 6 20", "1"]
    told = live.answers(prompts, count=5)
    for prompt, answer in zip(prompts, told, strict=True):
        ids = torch.tensor([[int(each) for each in prompt.split()]])
        with torch.no_grad():
            whole = model.generate(
                ids, attention_mask=torch.ones_like(ids), max_new_tokens=5, do_sample=False, eos_token_id=2,
                pad_token_id=0,
            )[0, ids.shape[1] :].tolist()  # fmt: skip
        whole = whole[: whole.index(2) + 1] if 2 in whole else whole
        assert answer["tokens"] == [f"w{each}" for each in whole]
        assert answer["ended"] == (2 in whole)
        assert answer["text"] == " ".join(str(each) for each in whole if each != 2)
        chances = model(ids).logits[0, -1].detach().softmax(-1)
        assert answer["probabilities"][0] == pytest.approx(float(chances.max()), abs=1e-5)


def test_a_prompt_that_fills_the_context_is_refused() -> None:
    live = LanguageModel(model_of("gpt2"), Ending(), text=TEXT)
    assert live.context == 16
    assert len(live.answers([" ".join(["4"] * 14)], count=9)[0]["tokens"]) <= 2
    with pytest.raises(LiveError, match="a prompt of 16 tokens leaves no room to go on: the model takes 16"):
        live.answers([" ".join(["4"] * 16)])


def test_weights_are_handed_out_by_name_and_step() -> None:
    live = student()
    shapes = live.weight_shapes()
    assert shapes == {name: list(value.shape) for name, value in live.modules[""].named_parameters()}
    name = "head.weight"
    half = live.weights([name], step=10)[name]
    np.testing.assert_allclose(2 * half, live.weights([name])[name], atol=1e-6)
    with pytest.raises(LiveError, match=r"no weights 'tail': there are token_embedding\.weight"):
        live.weights(["tail"])


def test_an_argument_that_is_none_is_refused() -> None:
    with pytest.raises(
        LiveError, match="LanguageModel has no argument 'checkpoint': beside its own it takes"
    ):
        LanguageModel(model_of("gpt"), Ending(), checkpoint=[])  # type: ignore[call-arg]
