"""Sizes of GPTs: parameters of models that are built, operations that PyTorch counts, published figures."""

import re
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode
from transformers import GPT2Config, GPT2LMHeadModel

from genviz.analysis.accounting import GPT3, Configuration
from genviz.analysis.gpt_sizes import (
    GPT3_TOKENS,
    PRECISIONS,
    activation_bytes,
    head_width,
    training_bytes,
    training_flops,
    writing_bytes,
)
from genviz.errors import ControlError

MIXED, FULL = PRECISIONS["16 + 32 bits"], PRECISIONS["32 bits"]


def gpt2(size: Configuration, **more: Any) -> GPT2LMHeadModel:
    config = GPT2Config(
        n_layer=size.n_layers, n_embd=size.d_model, n_head=size.n_heads, n_positions=size.context,
        vocab_size=size.vocab, tie_word_embeddings=size.tied, **more,
    )  # fmt: skip
    return GPT2LMHeadModel(config)


@given(
    layers=st.integers(1, 3), heads=st.integers(1, 4), width=st.integers(1, 5), vocab=st.integers(2, 40),
    context=st.integers(1, 12), tied=st.booleans(),
)  # fmt: skip
def test_parameters_are_those_of_a_gpt2_that_is_built(
    layers: int, heads: int, width: int, vocab: int, context: int, tied: bool
) -> None:
    size = Configuration(
        "", layers, heads * width, heads, width, context, vocab=vocab, context=context, tied=tied
    )
    with torch.device("meta"):
        model = gpt2(size)
    counted = {id(parameter): parameter.numel() for parameter in model.parameters()}
    assert size.n_params == sum(counted.values())


@pytest.mark.parametrize("size", GPT3, ids=lambda size: size.name)
def test_published_sizes_share_their_width_among_their_heads(size: Configuration) -> None:
    assert head_width(size.d_model, size.n_heads) == size.d_head


def test_operations_are_what_torch_counts_in_a_step_of_training() -> None:
    size = Configuration("", 2, 24, 3, 8, 2 * 10, vocab=30, context=10)
    model = gpt2(size, attn_pdrop=0.0, embd_pdrop=0.0, resid_pdrop=0.0, attn_implementation="sdpa")
    ids = torch.arange(20).reshape(2, 10)
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        model(ids, labels=ids).loss.backward()
    assert training_flops(size) * ids.numel() == counter.get_total_flops()


def test_gpt3_took_as_many_operations_as_were_published() -> None:
    """3.14e23, 6 per parameter and token (Brown et al. 2020, table D.1): attention's own are 3% more."""
    whole = training_flops(GPT3[-1]) * GPT3_TOKENS
    assert 3.14e23 < whole < 1.04 * 3.14e23


@pytest.mark.parametrize(("heads", "width", "per_channel"), [(96, 12288, 114), (128, 20480, 98)])
def test_activations_of_a_layer_are_those_published(heads: int, width: int, per_channel: int) -> None:
    """34 + 5·a·s/h: 5·a·s/h is 80 for GPT-3 and 64 for MT-NLG (Korthikanti et al. 2022, section 5)."""
    one, two = (Configuration("", layers, width, heads, width // heads, 2048.0, vocab=7) for layers in (1, 2))
    layer = activation_bytes(two, 3, MIXED) - activation_bytes(one, 3, MIXED)
    assert layer == 3 * 2048 * width * per_channel


@given(st.integers(1, 64), st.integers(1, 64))
def test_activations_grow_with_the_texts_and_nothing_else_does(few: int, more: int) -> None:
    size = GPT3[0]
    first, second = training_bytes(size, few, FULL), training_bytes(size, few + more, FULL)
    assert second["activations"] == pytest.approx(first["activations"] * (few + more) / few)
    assert {name for name in first if first[name] != second[name]} == {"activations"}


def test_adam_in_mixed_precision_takes_sixteen_bytes_per_parameter() -> None:
    held = training_bytes(GPT3[-1], 1, MIXED)
    assert sum(held.values()) - held["activations"] == 16 * GPT3[-1].n_params
    held = training_bytes(GPT3[-1], 1, FULL)
    assert sum(held.values()) - held["activations"] == 16 * GPT3[-1].n_params


def test_writing_keeps_the_cache_that_transformers_keeps() -> None:
    size = Configuration("", 2, 24, 3, 8, 12, vocab=30, context=12)
    with torch.no_grad():
        kept = gpt2(size).eval()(torch.ones(5, 12, dtype=torch.long), use_cache=True).past_key_values
    own = sum(part.nbytes for layer in kept.layers for part in (layer.keys, layer.values))
    assert writing_bytes(size, 5, FULL)["key/value cache"] == own


def test_adams_states_are_what_torch_keeps() -> None:
    size = Configuration("", 1, 8, 2, 4, 6, vocab=10, context=6)
    model = gpt2(size)
    adam = torch.optim.Adam(model.parameters())
    model(torch.ones(1, 6, dtype=torch.long), labels=torch.ones(1, 6, dtype=torch.long)).loss.backward()
    adam.step()
    states = sum(state[name].nbytes for state in adam.state.values() for name in ("exp_avg", "exp_avg_sq"))
    held = training_bytes(size, 1, FULL)
    assert held["Adam's states"] == states
    assert held["gradients"] == sum(p.grad.nbytes for p in model.parameters() if p.grad is not None)


@given(st.integers(1, 5000), st.integers(1, 128))
def test_a_width_is_shared_out_or_refused_with_sizes_that_fit(width: int, heads: int) -> None:
    try:
        assert head_width(width, heads) * heads == width
    except ControlError as error:
        asked, proposed = str(error).split("Take ")
        assert f"d_model={width:,} is not divisible by n_heads={heads:,}" in asked
        few, wide = proposed.split("heads")
        assert all(width % int(n) == 0 for n in re.findall(r"\d+", few.replace(",", "")))
        widths = [int(n) for n in re.findall(r"\d+", wide.split("or set")[0].replace(",", ""))]
        assert widths
        assert all(n % heads == 0 for n in widths)


def test_the_refusal_says_why_and_what_fits() -> None:
    with pytest.raises(ControlError) as error:
        head_width(768, 7)
    assert str(error.value) == (
        "d_model=768 is not divisible by n_heads=7: the heads share the 768 channels of a token among them, "
        "and 768 / 7 = 109.71 is no whole number of channels. Take 6 or 8 heads, or d_model = 763 or 770, or "
        "set d_head yourself"
    )
