"""Direct logit attribution: sums to the logit, and each part is what the formula by hand gives."""

from typing import Any

import numpy as np
import pytest
import torch

from genviz.errors import LiveError
from genviz.live.frozen import Frozen
from genviz.live.held_factor import HeldFactor
from tests.live.small_models import IDS, given_to, live_of, logits_of, model_of

SUMMING = ("gpt", "positions first", "translator", "t5", "gpt2", "llama", "gpt_neox", "granite", "bert",
           "roberta", "albert")  # fmt: skip


@pytest.mark.parametrize("kind", SUMMING)
@pytest.mark.parametrize("position", [0, 3])
def test_the_parts_sum_to_the_logit_of_the_model(kind: str, position: int) -> None:
    ids, target = given_to(kind)
    found = live_of(kind).logit_attribution(ids, position=position, word=7, target_text=target)
    with torch.no_grad():
        own = float(logits_of(kind, model_of(kind))[position, 7])
    total = found["bias"] + sum(part["value"] for part in found["parts"])
    assert total == pytest.approx(own, abs=1e-4)
    assert found["logit"] == pytest.approx(own, abs=1e-4)
    assert abs(found["gap"]) < 1e-4
    assert all(part["heads"] is not None for part in found["parts"] if "attention" in part["kind"])


def gpt_by_hand(model: Any, position: int, word: int) -> tuple[float, list[list[float]], list[float], float]:
    """Elhage et al.'s sum, written out: embedding, heads, feed-forward, constants."""
    ids = torch.tensor([IDS])
    x = model.token_embedding(ids) + model.position_embedding(torch.arange(len(IDS)))
    start, heads, feeds, constants = x, [], [], []
    for block in model.blocks:
        attention, read = block.attention, block.norm1(x)
        q, k, v = (
            part.view(len(IDS), attention.n_heads, -1).transpose(0, 1)
            for part in attention.qkv(read)[0].chunk(3, -1)
        )
        scores = q @ k.transpose(1, 2) / q.shape[-1] ** 0.5
        scores = scores.masked_fill(torch.ones(len(IDS), len(IDS)).triu(1).bool(), -torch.inf)
        mixed = scores.softmax(-1) @ v  # (head, token, channel)
        slices = attention.project.weight.T.view(attention.n_heads, -1, x.shape[-1])
        each = mixed @ slices
        heads.append(each)
        constants.append(attention.project.bias)
        x = x + each.sum(0) + attention.project.bias
        fed = block.feed_forward(block.norm2(x))
        feeds.append(fed[0])
        x = x + fed
    last = x[0, position]
    scale = (last.var(unbiased=False) + model.norm.eps).sqrt()

    def share(vector: torch.Tensor) -> float:
        return float(((vector - vector.mean()) / scale * model.norm.weight) @ model.head.weight[word])

    by_head = [[share(head[position]) for head in each] for each in heads]
    rest = float(model.norm.bias @ model.head.weight[word])
    return share(start[0, position]), by_head, [share(fed[position]) for fed in feeds], rest


def test_every_head_and_block_by_hand() -> None:
    found = live_of("gpt").logit_attribution(IDS, position=4, word=9)
    with torch.no_grad():
        start, heads, feeds, rest = gpt_by_hand(model_of("gpt"), 4, 9)
    parts = found["parts"]
    assert parts[0]["value"] == pytest.approx(start, abs=1e-5)
    attention = [part for part in parts if part["kind"] == "attention"]
    np.testing.assert_allclose([part["heads"] for part in attention], heads, atol=1e-5)
    fed = [part["value"] for part in parts if part["kind"] == "feed_forward"]
    np.testing.assert_allclose(fed, feeds, atol=1e-5)
    assert found["bias"] == pytest.approx(rest, abs=1e-5)
    assert [part["layer"] for part in parts] == [-1, 0, 0, 1, 1, 2, 2]


@pytest.mark.parametrize("kind", ["gpt2", "llama", "gpt_neox"])
def test_blocks_agree_with_differences_of_hidden_states(kind: str) -> None:
    """The direct effect of a whole block: final norm (scale held) and head of what it adds."""
    model = model_of(kind)
    found = live_of(kind).logit_attribution(IDS, position=2, word=5)
    with torch.no_grad():
        states: list[torch.Tensor] = []
        blocks = {"gpt2": "transformer.h", "llama": "model.layers", "gpt_neox": "gpt_neox.layers"}[kind]
        for block in model.get_submodule(blocks):
            block.register_forward_hook(
                lambda m, a, out: states.append((out[0] if isinstance(out, tuple) else out)[0, 2])
            )
        start = model(torch.tensor([IDS]), output_hidden_states=True).hidden_states[0][0, 2]
        norm = model.get_submodule({"gpt2": "transformer.ln_f", "llama": "model.norm",
                                    "gpt_neox": "gpt_neox.final_layer_norm"}[kind])  # fmt: skip
        last, row = states[-1], model.get_output_embeddings().weight[5]
        for at, (before, after) in enumerate(zip([start, *states], states, strict=False)):
            added = after - before
            if kind == "llama":
                expected = (added * norm.weight / (last.pow(2).mean() + norm.variance_epsilon).sqrt()) @ row
            else:
                scale = (last.var(unbiased=False) + norm.eps).sqrt()
                expected = ((added - added.mean()) / scale * norm.weight) @ row
            mine = sum(part["value"] for part in found["parts"] if part["layer"] == at)
            assert mine == pytest.approx(float(expected), abs=1e-5)


def test_heads_and_the_projection_s_bias_make_attention() -> None:
    for kind in ("t5", "llama"):  # without a bias
        ids, target = given_to(kind)
        for part in live_of(kind).logit_attribution(ids, target_text=target)["parts"]:
            if part["heads"] is not None:
                assert part["heads"].sum() == pytest.approx(part["value"], abs=1e-5)


def test_a_difference_of_two_words() -> None:
    live = live_of("gpt")
    first, second, both = (
        live.logit_attribution(IDS, word=w, against=a) for w, a in ((3, None), (8, None), (3, 8))
    )
    assert both["logit"] == pytest.approx(first["logit"] - second["logit"], abs=1e-5)
    np.testing.assert_allclose(
        [part["value"] for part in both["parts"]],
        [a["value"] - b["value"] for a, b in zip(first["parts"], second["parts"], strict=True)],
        atol=1e-5,
    )
    assert both["against"] == "w8"


def test_soft_capping_is_taken_off_and_said() -> None:
    found = live_of("gemma2").logit_attribution(IDS, position=1, word=3)
    with torch.no_grad():
        own = float(logits_of("gemma2", model_of("gemma2"))[1, 3])
    assert found["capped"] is True
    assert 5 * np.tanh(found["logit"] / 5) == pytest.approx(own, abs=1e-5)
    assert abs(found["gap"]) < 1e-4


def test_a_masked_language_model_s_head_by_hand() -> None:
    """What the last feed-forward network adds, through its norm, the head's layer and its norm, all held."""
    model = model_of("bert")
    found = live_of("bert").logit_attribution(IDS, position=2, word=7)
    assert found["held"] == [{"site": "cls.predictions.transform.dense", "function": "GELU"}]
    kept: dict[str, Any] = {}
    head, last = model.cls.predictions, model.bert.encoder.layer[-1].output
    for name, module in (("fed", last.dense), ("norm", last.LayerNorm), ("dense", head.transform.dense),
                         ("head norm", head.transform.LayerNorm)):  # fmt: skip
        module.register_forward_hook(lambda _, given, out, name=name: kept.update({name: (given[0], out)}))
    with torch.no_grad():
        model(torch.tensor([IDS]), attention_mask=torch.ones(1, len(IDS), dtype=torch.long))

        def normed(norm: Any, name: str, vector: torch.Tensor) -> torch.Tensor:
            length = (kept[name][0][0, 2].var(unbiased=False) + norm.eps).sqrt()
            held: torch.Tensor = (vector - vector.mean()) / length * norm.weight
            return held

        opened = head.transform.dense.weight @ normed(last.LayerNorm, "norm", kept["fed"][1][0, 2])
        before = kept["dense"][1][0, 2]
        opened = opened * torch.nn.functional.gelu(before) / before
        expected = normed(head.transform.LayerNorm, "head norm", opened) @ head.decoder.weight[7]
    assert found["parts"][-1]["kind"] == "feed_forward"
    assert found["parts"][-1]["value"] == pytest.approx(float(expected), abs=1e-5)
    assert live_of("roberta").logit_attribution(IDS)["held"][0]["site"] == "lm_head.dense"


def test_only_functions_that_keep_zero_are_held() -> None:
    before = torch.randn(3, 20)
    before[0, 0] = 0
    held = HeldFactor.between(before, torch.tanh(before))
    assert held is not None
    assert held.name == "tanh"
    torch.testing.assert_close(held(before), torch.tanh(before))
    assert HeldFactor.between(before, torch.sigmoid(before)) is None
    assert HeldFactor.between(before, before) is None
    assert HeldFactor.between(before, torch.sin(before)) is None
    assert HeldFactor.between(before, before[:2]) is None


def test_what_is_no_sum_is_said() -> None:
    live = live_of("bert")
    model: Any = live.modules[""]
    model.cls.predictions.transform.transform_act_fn = torch.nn.Sigmoid()
    with pytest.raises(
        LiveError, match="this logit is not a sum of what the layers add: the parts miss it by"
    ):
        live.logit_attribution(IDS)
    with pytest.raises(LiveError, match="no position 9: the text has positions 0 … 5"):
        live_of("gpt").logit_attribution(IDS, position=9)


@pytest.mark.parametrize("size", [16, 15])
def test_norms_held_are_affine_and_give_what_the_norm_gives(size: int) -> None:
    torch.manual_seed(0)
    x = torch.randn(2, 5, size) * 3 + 1
    layer = torch.nn.LayerNorm(size)
    layer.weight.data = torch.randn(size)
    layer.bias.data = torch.randn(size)
    root = torch.nn.RMSNorm(size, eps=1e-2)
    root.weight.data = torch.randn(size)
    for norm in (layer, root):
        frozen = Frozen.of(norm, x)
        assert frozen is not None
        torch.testing.assert_close(frozen(x), norm(x), atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(frozen(2 * x) - frozen.bias, 2 * (frozen(x) - frozen.bias))
        assert frozen.centres is (norm is layer)
    assert Frozen.of(torch.nn.Tanh(), x) is None


def test_nothing_is_left_on_the_model_and_its_flags_are_put_back() -> None:
    for kind in ("gpt", "translator"):
        live = live_of(kind)
        model = live.modules[""]
        model.train()
        model.requires_grad_(False)
        before = {name: each.clone() for name, each in model.state_dict().items()}
        ids, target = given_to(kind)
        live.logit_attribution(ids, target_text=target)
        assert not any(part._forward_hooks or part._forward_pre_hooks for part in model.modules())
        assert all(part.training for part in model.modules())
        assert all(torch.equal(before[name], each) for name, each in model.state_dict().items())
        assert not any(parameter.requires_grad for parameter in model.parameters())


@pytest.mark.parametrize("kind", ["gpt2", "llama"])
def test_half_precision_is_split_as_far_as_it_reaches(kind: str) -> None:
    live = live_of(kind)
    live.modules[""].to(torch.bfloat16)
    found = live.logit_attribution(IDS)
    assert abs(found["gap"]) < 0.05 * max(1.0, abs(found["logit"]))
    assert live.logit_lens(IDS)["error"] == 0.0
