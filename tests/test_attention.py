"""Attention worked out from queries and keys, against PyTorch in double precision and by property."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from genviz.attention import AttentionInputs, MaskRule

RULES = st.builds(
    MaskRule,
    causal=st.booleans(),
    offset=st.integers(0, 4),
    window=st.none() | st.integers(1, 6),
    scale=st.floats(0.05, 2),
    softcap=st.none() | st.floats(1, 30),
)


def reference(inputs: AttentionInputs) -> np.ndarray:
    """The same weights by another library, in float64, written from the definition."""
    heads, (queries, keys) = inputs.heads, inputs.shape
    rule = inputs.rule
    key = torch.from_numpy(inputs.key).double().repeat_interleave(heads // inputs.key.shape[0], 0)
    scores = torch.from_numpy(inputs.query).double() @ key.mT * rule.scale
    if rule.softcap:
        scores = rule.softcap * torch.tanh(scores / rule.softcap)
    if inputs.bias is not None:
        scores = scores + torch.from_numpy(inputs.bias).double()
    for i in range(queries):
        for j in range(keys):
            distance = i + rule.offset - j
            hidden = (rule.causal and distance < 0) or (
                rule.window is not None
                and (distance >= rule.window or (not rule.causal and -distance >= rule.window))
            )
            if hidden or (inputs.key_mask is not None and not inputs.key_mask[j]):
                scores[:, i, j] = -math.inf
    if inputs.sinks is not None:
        extra = torch.from_numpy(inputs.sinks).double().view(-1, 1, 1).expand(-1, queries, 1)
        scores = torch.cat([scores, extra], -1)
    return torch.softmax(scores, -1).nan_to_num(0.0)[..., :keys].numpy()


def inputs(rule: MaskRule, seed: int = 0, **extra: object) -> AttentionInputs:
    rng = np.random.default_rng(seed)
    query, key = rng.normal(size=(4, 5, 8)), rng.normal(size=(2, 7, 8))
    return AttentionInputs(query.astype(np.float32), key.astype(np.float32), rule, **extra)  # type: ignore[arg-type]


@given(RULES, st.integers(0, 100))
def test_weights_agree_with_double_precision(rule: MaskRule, seed: int) -> None:
    found = inputs(rule, seed)
    expected = reference(found)
    for head in range(4):
        np.testing.assert_allclose(found.weights(head), expected[head], atol=2e-6)


@given(RULES)
def test_rows_are_one_or_empty_and_never_negative(rule: MaskRule) -> None:
    found = inputs(rule)
    allowed = rule.allowed(np.arange(5), 7)
    for head in range(4):
        weights = found.weights(head)
        np.testing.assert_allclose(weights.sum(1), allowed.any(1).astype(float), atol=1e-5)
        assert (weights >= 0).all()
        assert (weights[~allowed] == 0).all()


def test_mask_bias_and_sinks_agree_with_double_precision() -> None:
    rng = np.random.default_rng(3)
    mask = np.array([True, True, False, True, True, False, True])
    bias = rng.normal(size=(4, 5, 7)).astype(np.float32)
    sinks = rng.normal(size=4).astype(np.float32)
    found = inputs(MaskRule(causal=True, offset=2, scale=0.3), key_mask=mask, bias=bias, sinks=sinks)
    expected = reference(found)
    for head in range(4):
        np.testing.assert_allclose(found.weights(head), expected[head], atol=2e-6)
        assert (found.weights(head).sum(1) < 1).all()  # the sink took its share


def test_a_bias_of_one_row_and_head_is_shared() -> None:
    bias = np.linspace(-1, 1, 7, dtype=np.float32)[None, None]
    found = inputs(MaskRule(scale=0.3), bias=bias)
    full = inputs(MaskRule(scale=0.3), bias=np.broadcast_to(bias, (4, 5, 7)).copy())
    np.testing.assert_array_equal(found.weights(2), full.weights(2))


def test_chosen_rows_are_those_rows() -> None:
    found = inputs(MaskRule(causal=True, scale=0.3))
    rows = np.array([4, 1])
    np.testing.assert_array_equal(found.weights(1, rows), found.weights(1)[rows])


def test_a_row_without_keys_is_zero_and_large_scores_do_not_overflow() -> None:
    found = inputs(MaskRule(scale=1e4), key_mask=np.zeros(7, bool))
    assert (found.weights(0) == 0).all()
    assert np.isfinite(inputs(MaskRule(scale=1e30)).weights(0)).all()


def test_a_nan_in_the_model_is_not_hidden() -> None:
    found = inputs(MaskRule(scale=1.0))
    found.query[0, 2, 0] = np.nan
    weights = found.weights(0)
    assert np.isnan(weights[2]).all()
    assert np.isfinite(weights[[0, 1, 3, 4]]).all()


@given(RULES)
def test_a_rule_survives_json(rule: MaskRule) -> None:
    assert MaskRule.from_json(rule.to_json()) == rule


def test_an_unknown_field_of_a_rule_is_an_error() -> None:
    with pytest.raises(TypeError, match="spiral"):
        MaskRule.from_json({"spiral": 1})
