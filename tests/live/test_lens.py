"""The logit lens against the models' own logits, and against the final norm and head applied by hand."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from genviz.errors import LiveError
from genviz.live import LanguageModel
from genviz.live.lens import Reading
from genviz.live.stack import Layout, run_through
from tests.live.small_models import IDS, Identity, given_to, live_of, logits_of, model_of

KINDS = (
    "gpt",
    "translator",
    "positions first",
    "t5",
    "gpt2",
    "llama",
    "gemma2",
    "bert",
    "albert",
    "gpt_neox",
    "granite",
)
AGAIN = (
    "positions first",
    "t5",
    "gemma2",
    "granite",
)  # something between last block and logits is no module's work


def reading(kind: str) -> tuple[Any, Any, list[torch.Tensor]]:
    live = live_of(kind)
    layout = Layout.of(live)
    run = run_through(live, layout, *given_to(kind))
    through = Reading(live, layout, run, given_to(kind))
    return through, run, list(through.logits(run.states))


@pytest.mark.parametrize("kind", KINDS)
def test_the_last_layer_says_what_the_model_says(kind: str) -> None:
    through, run, logits = reading(kind)
    with torch.no_grad():
        own = logits_of(kind, model_of(kind))
    torch.testing.assert_close(logits[-1], own, atol=1e-5, rtol=1e-5)
    assert len(logits) == len(run.names) == (3 if kind in ("translator", "positions first") else 4)
    assert ("run again" in through.route) is (kind in AGAIN)


@pytest.mark.parametrize("kind", ["gpt2", "llama", "gpt_neox"])
def test_every_layer_is_the_final_norm_and_the_head_of_its_state(kind: str) -> None:
    _, _, logits = reading(kind)
    model = model_of(kind)
    with torch.no_grad():
        states = model(torch.tensor([IDS]), output_hidden_states=True).hidden_states
        base = model.transformer if kind == "gpt2" else model.base_model
        norm = getattr(base, {"gpt2": "ln_f", "llama": "norm", "gpt_neox": "final_layer_norm"}[kind])
        for at in range(3):
            expected = model.get_output_embeddings()(norm(states[at]))[0]
            torch.testing.assert_close(logits[at], expected, atol=1e-5, rtol=1e-5)


def test_soft_capping_and_scaling_by_hand() -> None:
    _, _, logits = reading("gemma2")
    model = model_of("gemma2")
    with torch.no_grad():
        states = model(torch.tensor([IDS]), output_hidden_states=True).hidden_states
        raw = model.lm_head(model.model.norm(states[1]))[0]
    torch.testing.assert_close(logits[1], 5 * torch.tanh(raw / 5), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("kind", ["gpt", "bert", "t5"])
def test_what_is_handed_out(kind: str) -> None:
    live = live_of(kind)
    assert "logit_lens" in live.abilities
    ids, target = given_to(kind)
    found = live.logit_lens(ids, word=7, top=3, target_text=target)
    _, _, logits = reading(kind)
    shares = torch.stack(logits).double().softmax(-1)
    np.testing.assert_allclose(found["probabilities"], shares.topk(3).values, atol=1e-6)
    np.testing.assert_allclose(found["chosen_probabilities"], shares[..., 7], atol=1e-6)
    assert np.array_equal(found["ranks"], 1 + (shares > shares[..., 7:8]).sum(-1))
    bits = -(shares * shares.log2()).sum(-1)
    np.testing.assert_allclose(found["entropy"], bits, atol=1e-5)
    assert found["error"] < 1e-5
    assert found["names"]["7"] == "w7"
    assert found["words"] == [f"w{each}" for each in (ids if target is None else target)]
    own = live.logit_lens(ids, target_text=target)
    assert np.array_equal(own["chosen"], logits[-1].argmax(-1))
    assert (own["ranks"][-1] == 1).all()


def test_a_tuned_lens_moves_each_state_first(tmp_path: Path) -> None:
    torch.manual_seed(1)
    maps = {f"{at}.{name}": torch.randn(shape) * 0.1 for at in range(2)
            for name, shape in (("weight", (16, 16)), ("bias", (16,)))}  # fmt: skip
    save_file(maps, tmp_path / "lens.safetensors")
    live = live_of("gpt", tuned_lens=tmp_path / "lens.safetensors")
    assert live.describe()["defaults"]["tuned_lens"] is True
    found = live.logit_lens(IDS, tuned=True, word=4)
    _, run, _ = reading("gpt")
    model = model_of("gpt")
    with torch.no_grad():
        h = run.states[1]
        moved = h + h @ maps["1.weight"].T + maps["1.bias"]
        expected = model.head(model.norm(moved)).softmax(-1)[:, 4]
    np.testing.assert_allclose(found["chosen_probabilities"][1], expected, atol=1e-6)
    plain = live.logit_lens(IDS, word=4)
    assert not np.allclose(plain["chosen_probabilities"][1], expected)
    np.testing.assert_allclose(
        found["chosen_probabilities"][2:], plain["chosen_probabilities"][2:], atol=1e-7
    )


def test_bad_tuned_lenses(tmp_path: Path) -> None:
    save_file({"head.weight": torch.zeros(2, 2)}, tmp_path / "other.safetensors")
    with pytest.raises(LiveError, match=r"is no tuned lens: it has head\.weight, and 0\.weight, 0\.bias"):
        live_of("gpt", tuned_lens=tmp_path / "other.safetensors")
    save_file({"0.weight": torch.zeros(3, 3), "0.bias": torch.zeros(3)}, tmp_path / "narrow.safetensors")
    with pytest.raises(LiveError, match=r"maps of shape \(3, 3\), and this model's stream is 16 wide"):
        live_of("gpt", tuned_lens=tmp_path / "narrow.safetensors").logit_lens(IDS, tuned=True)
    with pytest.raises(LiveError, match="this model has no tuned lens: pass tuned_lens="):
        live_of("gpt").logit_lens(IDS, tuned=True)


def test_a_model_without_an_output_layer_says_so() -> None:
    live = LanguageModel(model_of("bert").bert, Identity(), text="3 4 5")
    assert "logit_lens" not in live.abilities
    with pytest.raises(LiveError, match="BertModel has no output layer: it gives no score per vocabulary"):
        live.logit_lens(IDS)


def test_a_word_must_be_one_token() -> None:
    with pytest.raises(LiveError, match=r"'3 4' is 2 tokens for this model \(w3, w4\): choose one of them"):
        live_of("gpt").logit_lens(IDS, word="3 4")
    assert live_of("gpt").word_id("3") == 3


def test_nan_stays_nan() -> None:
    live = live_of("gpt")
    with torch.no_grad():
        live.modules[""].blocks[1].norm1.bias[0] = float("nan")  # type: ignore[union-attr, index]
    found = live.logit_lens(IDS)
    assert np.isfinite(found["entropy"][:2]).all()
    assert np.isnan(found["entropy"][2:]).all()
    assert np.isnan(found["probabilities"][2:]).all()


def test_nothing_is_left_on_the_model() -> None:
    for kind in ("gpt", "t5"):
        live = live_of(kind)
        ids, target = given_to(kind)
        live.logit_lens(ids, target_text=target)
        assert not any(part._forward_hooks or part._forward_pre_hooks for part in live.modules[""].modules())
