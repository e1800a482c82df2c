"""Steps from query and key to a weight, against PyTorch and against the whole row."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from genviz.analysis.scores import score_steps
from genviz.attention import AttentionInputs, MaskRule


def inputs(**rule: object) -> AttentionInputs:
    draw = np.random.default_rng(3)
    query, key = (draw.normal(size=(heads, 6, 8)).astype(np.float32) for heads in (4, 2))
    return AttentionInputs(query, key, MaskRule(scale=8**-0.5, **rule))  # type: ignore[arg-type]


def test_every_step_of_a_causal_row_is_what_torch_computes() -> None:
    given = inputs(causal=True)
    steps = score_steps(given, 3, 4, key=2)
    query, key = torch.from_numpy(given.query)[3], torch.from_numpy(given.key)[1]
    weights = F.softmax((query[4] @ key[:5].T).double() / 8**0.5, dim=0)
    assert steps.dot == pytest.approx(float(query[4] @ key[2]), abs=1e-5)
    assert steps.product.sum() == pytest.approx(steps.dot, abs=1e-12)
    assert steps.scaled == pytest.approx(steps.dot / 8**0.5)
    np.testing.assert_allclose(steps.weights[:5], weights.numpy(), atol=1e-6)
    assert steps.weights[5] == 0
    assert steps.allowed.tolist() == [True] * 5 + [False]
    assert steps.bias == 0
    assert steps.capped == steps.scaled


def test_cap_and_bias_are_steps_of_their_own() -> None:
    given = inputs(softcap=0.5)
    bias = np.random.default_rng(0).normal(size=(4, 6, 6)).astype(np.float32)
    steps = score_steps(AttentionInputs(given.query, given.key, given.rule, bias=bias), 1, 5, key=0)
    assert steps.capped == pytest.approx(0.5 * np.tanh(steps.scaled / 0.5))
    assert steps.bias == pytest.approx(float(bias[1, 5, 0]), abs=1e-6)
    assert steps.shaped == pytest.approx(steps.scores[0], abs=1e-5)
    assert steps.weights.sum() == pytest.approx(1, abs=1e-5)


def test_one_bias_for_all_heads_and_queries() -> None:
    given = inputs()
    bias = np.arange(6, dtype=np.float32)[None, None]
    steps = score_steps(AttentionInputs(given.query, given.key, given.rule, bias=bias), 2, 1, key=4)
    assert steps.bias == pytest.approx(4)
