"""Masks → rules: a rule is given out only when it reproduces the mask exactly."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from genviz.attention import AttentionInputs, MaskRule
from genviz.capture.attention.masks import Masking, MaskReader, pattern, read_mask
from genviz.capture.keys import Continuation, KeyHistory


def effect(found: Masking, samples: int, queries: int, keys: int) -> torch.Tensor:
    """What a masking adds to the scores, as a reader of the recording works it out."""
    added = torch.zeros(samples, 1, queries, keys)
    if found.bias is not None:
        added = added + found.bias
    allowed = pattern(found.rule, queries, keys, added.device)
    if found.key_mask is not None:
        allowed = allowed & found.key_mask[:, None, None, :]
    return torch.where(allowed, added, -torch.inf)


@given(
    st.builds(
        MaskRule, causal=st.booleans(), offset=st.integers(0, 3), window=st.none() | st.integers(1, 5)
    ),
    st.integers(1, 6), st.integers(1, 8), st.lists(st.integers(0, 7), min_size=2, max_size=2), st.booleans(),
)  # fmt: skip
def test_what_a_rule_makes_is_read_back_exactly(
    rule: MaskRule, queries: int, keys: int, padding: list[int], left: bool
) -> None:
    present = torch.arange(keys)[None] >= torch.tensor(padding)[:, None]
    present = present if left else present.flip(1)
    mask = (pattern(rule, queries, keys, present.device) & present[:, None, :])[:, None]
    found = read_mask(mask, (queries, keys))
    assert torch.equal(
        effect(found, 2, queries, keys), torch.zeros(mask.shape).masked_fill(~mask, -torch.inf)
    )


@given(st.integers(0, 2**30), st.booleans())
def test_any_mask_is_read_back_exactly(seed: int, additive: bool) -> None:
    generator = torch.Generator().manual_seed(seed)
    if additive:
        mask = torch.randn(2, 3, 4, 5, generator=generator)
        torch.testing.assert_close(effect(read_mask(mask, (4, 5)), 2, 4, 5), mask)
    else:
        mask = torch.rand(2, 1, 4, 5, generator=generator) > 0.5
        found = effect(read_mask(mask, (4, 5)), 2, 4, 5)
        assert torch.equal(found, torch.zeros(mask.shape).masked_fill(~mask, -torch.inf))


def test_common_masks_cost_nothing() -> None:
    causal = torch.ones(6, 6).tril().bool()[None, None]
    assert read_mask(causal, (6, 6)) == Masking(MaskRule(causal=True))
    low = torch.finfo(torch.float32).min
    assert read_mask(torch.zeros(1, 1, 6, 6).masked_fill(~causal, low), (6, 6)) == Masking(
        MaskRule(causal=True)
    )
    assert read_mask(torch.zeros(6, 6), (6, 6)) == Masking(MaskRule())
    padded = torch.tensor([[1, 1, 0], [1, 1, 1]]).bool()[:, None, None, :]
    found = read_mask(padded, (6, 3))
    assert found.rule == MaskRule()
    assert found.bias is None
    assert found.key_mask is not None
    assert found.key_mask.tolist() == [[True, True, False], [True, True, True]]


def test_a_row_masked_with_a_finite_number_is_not_a_rule() -> None:
    """All scores of the row are as low: their softmax is even, not zero."""
    mask = torch.zeros(1, 1, 2, 3)
    mask[..., 0, :] = torch.finfo(torch.float32).min
    found = read_mask(mask, (2, 3))
    assert found.bias is not None
    inputs = AttentionInputs(
        np.ones((1, 2, 4), np.float32), np.ones((1, 3, 4), np.float32), found.rule, bias=found.bias[0].numpy()
    )
    np.testing.assert_allclose(inputs.weights(0)[0], 1 / 3, rtol=1e-6)


def test_layers_with_one_mask_read_it_once_and_a_changed_one_again() -> None:
    reader = MaskReader()
    mask = torch.ones(4, 4).tril().bool()[None, None]
    first = reader.read(mask, (4, 4))
    assert reader.read(mask.clone(), (4, 4)) is first
    mask[..., 3, 0] = False  # in place, as a static cache does
    assert reader.read(mask, (4, 4)) is not first


def test_a_mask_that_was_expanded_is_kept_small() -> None:
    mask = torch.ones(1, 1, 5, 5).tril().bool().expand(8, 16, 5, 5)
    assert read_mask(mask, (5, 5)) == Masking(MaskRule(causal=True))
    reader = MaskReader()
    reader.read(mask, (5, 5))
    assert reader._mask is not None
    assert reader._mask.numel() == 25


# -- keys of a cache -------------------------------------------------------------------------------


def test_a_growing_cache_continues() -> None:
    keys = torch.randn(1, 2, 20, 4)
    history = KeyHistory()
    history.restart(keys[:, :, :5].clone())
    for length in range(6, 20):
        found = history.continued(keys[:, :, :length], 1, running=True)
        assert found == Continuation(start=length - 1)
        history.extend(keys[:, :, length - 1 : length])
    assert history.length == 19


@pytest.mark.parametrize("change", ["value", "sample", "shape", "dtype"])
def test_a_cache_that_is_not_the_same_begins_anew(change: str) -> None:
    keys = torch.randn(2, 2, 6, 4)
    history = KeyHistory()
    history.restart(keys[:, :, :5].clone())
    other = keys.clone()
    if change == "value":
        other[0, 1, 2, 3] += 1e-3
    elif change == "sample":
        other = other.flip(0)
    elif change == "shape":
        other = other[:1]
    else:
        other = other.double()
    assert history.continued(other, 1, running=True) == Continuation()


def test_a_sliding_cache_says_what_it_dropped() -> None:
    keys = torch.randn(1, 2, 9, 4)
    history = KeyHistory()
    history.restart(keys[:, :, :8].clone())
    assert history.continued(keys[:, :, 5:9], 1, running=True) == Continuation(start=8, dropped=5)


def test_independent_calls_do_not_continue() -> None:
    keys = torch.randn(1, 2, 5, 4)
    history = KeyHistory()
    history.restart(keys.clone())
    assert history.continued(keys, 5, running=False) == Continuation()  # the same text twice
    assert history.continued(keys, 3, running=True) == Continuation(start=5)  # cross-attention while decoding
