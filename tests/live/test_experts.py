"""Mixtures of experts: who goes where is what the router said, neurons are what the down-projections get."""

from typing import Any

import numpy as np
import pytest
import torch
import transformers

from genviz import record
from genviz.errors import LiveError, NotCaptured
from genviz.live import InlineEngine, LanguageModel
from genviz.views import Subject, experts, neurons
from tests.live.small_models import IDS, VOCAB, Identity

SITE = "model.layers.1.mlp"
_SIZES = {"vocab_size": VOCAB, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2,
          "num_key_value_heads": 1, "head_dim": 8, "intermediate_size": 32}  # fmt: skip
_KINDS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "mixtral": ("MixtralForCausalLM", "MixtralConfig", {"num_local_experts": 4, "num_experts_per_tok": 2}),
    "qwen": (
        "Qwen2MoeForCausalLM", "Qwen2MoeConfig",
        {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 24,
         "shared_expert_intermediate_size": 20},
    ),
    "gpt-oss": ("GptOssForCausalLM", "GptOssConfig", {"num_local_experts": 4, "num_experts_per_tok": 2}),
}  # fmt: skip


def mixture(kind: str) -> Any:
    torch.manual_seed(1)
    name, config, own = _KINDS[kind]
    model = getattr(transformers, name)(getattr(transformers, config)(**{**_SIZES, **own}))
    for parameter in model.parameters():
        parameter.data += 0.3 * torch.randn_like(parameter)
    return model.eval()


def live_mixture(kind: str) -> LanguageModel:
    return LanguageModel(mixture(kind), Identity(), text=[" ".join(map(str, IDS)), "4 4 6 20"])


@pytest.mark.parametrize("kind", _KINDS)
def test_routing_is_what_the_router_said(kind: str) -> None:
    model, said = mixture(kind), list[Any]()
    at = model.get_submodule(SITE).experts
    at.register_forward_pre_hook(
        lambda _, args, kwargs: said.append((*args, *kwargs.values())), with_kwargs=True
    )
    ids = torch.tensor([IDS, IDS[::-1]])
    with torch.no_grad(), record(model) as recording:
        model(ids)
    entry = next(iter(recording.entries(SITE, "routing")))
    assert entry.axes == ("sample", "token", "expert")
    shares = recording[SITE, "routing"].values
    assert shares.shape == (2, len(IDS), 4)
    _, index, weights = said[0][:3]
    expected = np.zeros((2 * len(IDS), 4), np.float32)
    for row, (choices, own) in enumerate(zip(index.tolist(), weights.tolist(), strict=True)):
        for choice, share in zip(choices, own, strict=True):
            expected[row, choice] = share
    np.testing.assert_array_equal(shares.reshape(-1, 4), expected)
    why = next(item.reason for item in recording.missing if item.kind == "neuron")
    assert why.endswith("'routing' tells which, and a live model gives the neurons of each")


@pytest.mark.parametrize("kind", _KINDS)
def test_the_neurons_of_all_experts_make_what_the_mixture_gives(kind: str) -> None:
    live = live_mixture(kind)
    model: Any = live.modules[""]
    module, kept = model.get_submodule(SITE).experts, list[Any]()
    handle = module.register_forward_hook(lambda _, __, out: kept.append(out))
    shares = live.record(IDS)[SITE, "routing"].values[0]
    handle.remove()
    total = np.zeros((len(IDS), 16), np.float32)
    for expert in range(4):
        found = live.expert_neurons(IDS, site=SITE, expert=expert)
        rows, down = found["positions"], module.down_proj[expert].detach().numpy()
        assert rows == np.flatnonzero(shares[:, expert]).tolist()
        made = found["activations"] @ (down if down.shape[0] == found["activations"].shape[1] else down.T)
        if kind == "gpt-oss":
            made = made + module.down_proj_bias[expert].detach().numpy()
        total[rows] += shares[rows, expert, None] * made
    np.testing.assert_allclose(total, kept[0].detach().numpy().reshape(-1, 16), atol=1e-5)


def test_one_neuron_over_all_examples_and_its_function() -> None:
    live = live_mixture("mixtral")
    found = live.neuron(SITE, 3, expert=2)
    per_text = [live.expert_neurons(text, site=SITE, expert=2) for text in (IDS, [4, 4, 6, 20])]
    np.testing.assert_array_equal(
        found["activations"], np.concatenate([p["activations"][:, 3] for p in per_text])
    )
    assert found["positions"] == [each["positions"] for each in per_text]
    assert found["words"] == [[f"w{each}" for each in ids] for ids in (IDS, [4, 4, 6, 20])]
    assert found["function"] == "SiLU"
    assert found["gated"] is True
    assert len(found["before"]) == len(found["activations"])


def test_what_is_not_there_is_said() -> None:
    live = live_mixture("mixtral")
    with pytest.raises(LiveError, match=r"no expert 4 at 'model.layers.1.mlp': it has experts 0 … 3"):
        live.expert_neurons(IDS, site=SITE, expert=4)
    with pytest.raises(LiveError, match=r"no experts at 'x': there are some at model.layers.0.mlp, model"):
        live.expert_neurons(IDS, site="x", expert=0)
    with pytest.raises(LiveError, match=r"no neurons at 'model.layers.1.mlp': there are some at no place"):
        live.neuron(SITE, 0)


def test_views_show_who_goes_where_and_an_expert_s_neurons() -> None:
    live = live_mixture("mixtral")
    recording = live.record()
    shares = recording[SITE, "routing"].values[0]
    subject = Subject("mixture", recording=recording, live=InlineEngine(live))
    figure = experts(subject, network=SITE, position=1)
    np.testing.assert_array_equal(figure.data[0].z, shares.T)
    said = " ".join(note.text for note in figure.layout.annotations).replace("<br>", " ")
    assert "Each token goes through 2 of 4 experts." in said
    shown = neurons(subject, network=SITE, position=1)
    best = int(shares[1].argmax())
    assert f"expert {best}" in shown.layout.title.text
    own = live.expert_neurons(IDS, site=SITE, expert=best)
    at = own["positions"].index(1)
    assert shown.data[0].x[0] == pytest.approx(
        own["activations"][at][np.abs(own["activations"][at]).argmax()]
    )
    idle = int(np.flatnonzero(shares[1] == 0)[0])
    with pytest.raises(NotCaptured, match=rf"token 1 \(w9\) does not go through expert {idle} at"):
        neurons(subject, network=SITE, position=1, expert=str(idle))
    with pytest.raises(NotCaptured, match=r"no neurons along tokens were captured .*mixture of experts"):
        neurons(Subject("only recorded", recording=recording))
