"""Integrated gradients against an integral by hand and Captum's layers; occlusion against the model."""

from typing import Any

import numpy as np
import pytest
import torch

from genviz.errors import Cancelled, LiveError
from genviz.live import input_attribution as module
from genviz.live.progress import listening
from genviz.live.word_logit import WordLogit
from tests.live.small_models import IDS, Identity, given_to, live_of, logits_of, model_of


class Marked(Identity):
    mask_id, unk_id, pad_id = 30, 31, 0


@pytest.mark.parametrize(
    "kind", ["gpt", "positions first", "translator", "gpt2", "llama", "bert", "albert", "t5"]
)
def test_the_parts_sum_to_the_change_of_the_logit(kind: str) -> None:
    ids, target = given_to(kind)
    found = live_of(kind).input_attribution(ids, position=2, word=7, target_text=target)
    with torch.no_grad():
        own = float(logits_of(kind, model_of(kind))[2, 7])
    assert found["logit"] == pytest.approx(own, abs=1e-5)
    change = found["logit"] - found["baseline_logit"]
    assert found["integrated_gradients"].sum() + found["gap"] == pytest.approx(change, abs=1e-6)
    assert abs(found["gap"]) <= 0.05 * max(abs(change), 0.1)
    assert len(found["words"]) == len(found["integrated_gradients"]) == len(found["occlusion"])
    if target is not None:
        assert found["sides"].count("target_tokens") == len(target)
        assert found["kept"].nonzero()[0].tolist() == [len(ids)]  # the mark that begins an answer


def integral_by_hand(model: Any, start: torch.Tensor, end: torch.Tensor) -> torch.Tensor:
    """Riemann's middle sum of the gradient along the line, times the line."""
    total = torch.zeros_like(end)
    for step in range(200):
        at = (start + (step + 0.5) / 200 * (end - start)).requires_grad_()
        x = at + model.position_embedding(torch.arange(len(IDS)))
        for block in model.blocks:
            x = block(x)
        total += torch.autograd.grad(model.head(model.norm(x))[0, 3, 9], at)[0]
    return (total / 200 * (end - start)).sum(-1)[0].detach()


def test_integrated_gradients_are_the_integral() -> None:
    live, model = live_of("gpt"), model_of("gpt")
    found = live.input_attribution(IDS, position=3, word=9, baseline="zero", tolerance=1e-5)
    end = model.token_embedding(torch.tensor([IDS])).detach()
    expected = integral_by_hand(model, torch.zeros_like(end), end)
    np.testing.assert_allclose(found["integrated_gradients"], expected, atol=1e-4)
    assert found["baseline"] == "a vector of zeros"
    assert not found["integrated_gradients"][4:].any()  # what comes later is not looked at


def test_captum_s_layer_attribution_says_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    from captum.attr import LayerIntegratedGradients

    live = live_of("gpt")
    live.source.tokenizer = Marked()
    found = live.input_attribution(IDS, position=5, word=2, tolerance=0.01)
    assert found["baseline"] == "the token w30"
    model = model_of("gpt")
    layer = LayerIntegratedGradients(lambda ids: model(ids)[:, 5, 2], model.token_embedding)
    parts = layer.attribute(torch.tensor([IDS]), torch.full((1, len(IDS)), 30), n_steps=200)
    expected = parts[0].sum(-1).detach().numpy()
    assert np.abs(found["integrated_gradients"] - expected).max() < 0.01 * np.abs(expected).max()
    monkeypatch.setattr(module, "_INTERVALS", (256,))
    found = live.input_attribution(IDS, position=5, word=2)
    np.testing.assert_allclose(found["integrated_gradients"], expected, atol=1e-5)
    assert found["steps"] == 257
    assert found["moved"] < 1e-5


def test_points_are_doubled_until_the_sum_holds() -> None:
    live = live_of("gpt")
    for parameter in live.modules[""].parameters():
        parameter.data *= 1.7  # attention turns from one word to another on the way
    found = live.input_attribution(IDS, position=5, word=2, tolerance=0.01)
    change = found["logit"] - found["baseline_logit"]
    assert found["steps"] > live.input_attribution(IDS, position=5, word=2, tolerance=0.5)["steps"]
    assert abs(found["gap"]) <= 0.01 * abs(change)
    assert found["moved"] <= 0.05 * np.abs(found["integrated_gradients"]).max()


@pytest.mark.parametrize("kind", ["gpt", "positions first", "translator", "llama"])
def test_occlusion_is_the_model_without_the_word(kind: str) -> None:
    live, model = live_of(kind), model_of(kind)
    live.source.tokenizer = live.target.tokenizer = Marked()
    ids, target = given_to(kind)
    found = live.input_attribution(ids, position=3, word=4, baseline="unk", target_text=target)
    for at in range(len(ids)):
        changed = [*ids[:at], 31, *ids[at + 1 :]]
        with torch.no_grad():
            arguments = [torch.tensor([each]) for each in (changed, target) if each is not None]
            out = model(*arguments)
            other = (out.logits if hasattr(out, "logits") else out)[0, 3, 4]
        assert found["occlusion"][at] == pytest.approx(found["logit"] - float(other), abs=1e-5)


@pytest.mark.parametrize("kind", ["gpt", "positions first", "translator", "gpt2", "bert", "albert", "t5"])
def test_one_place_alone_gives_what_the_whole_gives(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ids, target = given_to(kind)
    question = WordLogit(live_of(kind), ids, target, position=2, word=7)
    assert question.alone is not None
    found = live_of(kind).input_attribution(ids, position=2, word=7, target_text=target)
    monkeypatch.setattr(WordLogit, "_goes_alone", lambda *_: False)
    whole = live_of(kind).input_attribution(ids, position=2, word=7, target_text=target)
    for name in ("integrated_gradients", "occlusion"):
        np.testing.assert_allclose(found[name], whole[name], atol=1e-5)


@pytest.mark.parametrize("mixing", ["mean", "shape"])
@pytest.mark.parametrize("at", ["norm", "head"])
def test_an_ending_that_looks_at_all_places_is_run_for_all(mixing: str, at: str) -> None:
    live = live_of("gpt")

    def mixed(_: Any, __: Any, made: torch.Tensor) -> Any:
        return made + made.mean(1, keepdim=True) if mixing == "mean" else made.view(-1, 6, made.shape[-1])

    getattr(live.modules[""], at).register_forward_hook(mixed)
    question = WordLogit(live, IDS, None, position=3, word=4)
    assert (question.alone.path if question.alone else "none") == {"head": "none", "norm": "head"}[at]
    found = live.input_attribution(IDS, position=3, word=4)
    change = found["logit"] - found["baseline_logit"]
    assert found["integrated_gradients"].sum() == pytest.approx(change, abs=0.05 * max(abs(change), 0.1))


def test_it_says_how_far_it_is_and_stops_when_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("genviz.live.word_logit._TOKENS_AT_ONCE", len(IDS))
    heard: list[float] = []
    with listening(lambda fraction, _: heard.append(fraction)):
        live_of("gpt").input_attribution(IDS)
    assert heard == sorted(heard)
    assert len(heard) > len(IDS) + 9
    assert heard[-1] <= 1

    def cancel(fraction: float, _: str) -> None:
        if fraction > 0.3:
            raise Cancelled("enough")

    live = live_of("gpt")
    with listening(cancel), pytest.raises(Cancelled, match="enough"):
        live.input_attribution(IDS)
    assert not any(part._forward_hooks for part in live.modules[""].modules())


def test_wrong_arguments_are_said() -> None:
    live = live_of("gpt")
    with pytest.raises(
        LiveError, match="baseline='mask': this tokenizer has no such token; baseline='zero' always"
    ):
        live.input_attribution(IDS, baseline="mask")
    with pytest.raises(LiveError, match="baseline='noise': choose auto, mask, unk, pad, mean, zero"):
        live.input_attribution(IDS, baseline="noise")
    with pytest.raises(LiveError, match="tolerance=0: give a share of the change, above 0 and below 1"):
        live.input_attribution(IDS, tolerance=0)
    with pytest.raises(LiveError, match="no position 6: the text has positions 0 … 5"):
        live.input_attribution(IDS, position=6)


def test_one_token_and_nothing_left_behind() -> None:
    live = live_of("t5")
    before = {name: each.clone() for name, each in live.modules[""].state_dict().items()}
    found = live.input_attribution([5], target_text=[1])
    assert len(found["words"]) == 2
    model = live.modules[""]
    assert not any(part._forward_hooks or part._forward_pre_hooks for part in model.modules())
    assert all(torch.equal(before[name], each) for name, each in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())
