"""Published sizes of GPT-3, key/value caches and operations, by hand and by PyTorch's counter."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from genviz.analysis.accounting import GPT3, CachedSite, account, flops_per_token, formula, kv_cache_bytes


@pytest.mark.parametrize("size", GPT3, ids=lambda size: size.name)
def test_gpt3_by_formula_is_as_large_as_it_was_published(size: object) -> None:
    published = {"125M": 125e6, "350M": 350e6, "760M": 760e6, "1.3B": 1.3e9, "2.7B": 2.7e9, "6.7B": 6.7e9,
                 "13B": 13e9, "175B": 175e9}  # fmt: skip
    name = size.name.split()[1]  # type: ignore[attr-defined]
    assert size.n_params == pytest.approx(published[name], rel=0.03)  # type: ignore[attr-defined]


def test_gpt3_by_formula_is_what_a_model_of_its_layout_counts() -> None:
    from transformers import GPT2Config, GPT2LMHeadModel

    size = GPT3[0]
    with torch.device("meta"):
        model = GPT2LMHeadModel(
            GPT2Config(n_layer=size.n_layers, n_embd=size.d_model, n_head=size.n_heads, n_positions=2048)
        )
    assert size.n_params == sum({id(p): p.numel() for p in model.parameters()}.values())


def test_cache_is_what_transformers_keeps() -> None:
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(num_hidden_layers=3, hidden_size=32, intermediate_size=64, num_attention_heads=4,
                         num_key_value_heads=2, vocab_size=50)  # fmt: skip
    model = LlamaForCausalLM(config).eval()
    with torch.no_grad():
        kept = model(torch.ones(5, 9, dtype=torch.long), use_cache=True).past_key_values
    tensors = [part for layer in kept.layers for part in (layer.keys, layer.values)]
    own = sum(part.numel() * part.element_size() for part in tensors)
    assert kv_cache_bytes([CachedSite(4, 2, 8)] * 3, 9, batch=5, bytes_per_value=4) == own


def test_attention_of_one_token_is_what_torch_counts() -> None:
    query, keys = torch.randn(1, 4, 1, 8), torch.randn(1, 4, 21, 8)
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        F.scaled_dot_product_attention(query, keys, keys)
    assert flops_per_token(0, [CachedSite(4, 4, 8)], 21) == counter.get_total_flops()


@given(st.integers(1, 500), st.integers(1, 100))
def test_a_window_bounds_both(context: int, window: int) -> None:
    whole, bounded = [CachedSite(4, 2, 8)], [CachedSite(4, 2, 8, window)]
    assert kv_cache_bytes(bounded, context) == kv_cache_bytes(whole, min(context, window))
    assert flops_per_token(10, bounded, context) == flops_per_token(10, whole, min(context, window))


def test_what_keeps_no_cache_needs_none() -> None:
    assert kv_cache_bytes([CachedSite(4, 4, 8, caches=False)], 100) == 0


def test_sizes_that_are_none_of_the_models_stay_numbers() -> None:
    rows = [{"part": "other", "name": "odd", "shape": [7, 11], "times": 3, "bytes": 308}]
    assert formula(rows, {"d_model": 8, "n_layers": 2}) == "3 × 77"
    (part,) = account(rows, {})
    assert (part.count, part.bytes, part.tensors) == (231, 924, ("odd 7×11, 3 times",))
    assert np.isfinite(part.count)
