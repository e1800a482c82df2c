"""Reasons of masked cells against the weights they leave, and the rule in words."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genviz.analysis.masking import Reason, bias_of, in_words, reasons
from genviz.attention import AttentionInputs, MaskRule


def inputs(queries: int = 5, keys: int = 5, rule: MaskRule | None = None, **more: object) -> AttentionInputs:
    draw = np.random.default_rng(0)
    query, key = (draw.normal(size=(2, n, 3)).astype(np.float32) for n in (queries, keys))
    return AttentionInputs(query, key, rule or MaskRule(), **more)  # type: ignore[arg-type]


@settings(deadline=None, max_examples=60)
@given(
    causal=st.booleans(),
    window=st.one_of(st.none(), st.integers(1, 4)),
    offset=st.integers(0, 2),
    padded=st.integers(0, 2),
)
def test_a_cell_is_visible_when_and_only_when_it_gets_weight(
    causal: bool, window: int | None, offset: int, padded: int
) -> None:
    rule = MaskRule(causal=causal, offset=offset, window=window)
    here = inputs(4, 6, rule, key_mask=np.arange(6) < 6 - padded)
    codes = reasons(here, np.arange(4))
    visible = codes == Reason.VISIBLE
    assert np.array_equal(visible, here.weights(0) > 0)
    assert (codes[:, 6 - padded :] == Reason.PADDING).all()


def test_each_cell_names_the_first_reason() -> None:
    codes = reasons(inputs(rule=MaskRule(causal=True, window=2), key_mask=np.array([1, 1, 1, 1, 0], bool)),
                    np.arange(5))  # fmt: skip
    assert codes.tolist() == [
        [0, 2, 2, 2, 1],
        [0, 0, 2, 2, 1],
        [3, 0, 0, 2, 1],
        [3, 3, 0, 0, 1],
        [3, 3, 3, 0, 1],
    ]


def test_a_bias_masks_where_nothing_is_left_and_else_is_a_number() -> None:
    bias = np.zeros((2, 5, 5), np.float32)
    bias[1, 2, 3], bias[1, 2, 4], bias[1, 0, 0] = -np.inf, -1e9, -2
    here = inputs(bias=bias)
    assert not reasons(here, np.arange(5), 0).any()
    codes = reasons(here, np.array([2]), 1)
    assert codes.tolist() == [[0, 0, 0, Reason.BIAS, Reason.BIAS]]
    assert np.array_equal(codes == 0, here.weights(1, np.array([2])) > 0)
    found = bias_of(here, np.array([0]), 1)
    assert found is not None
    assert found[0, 0] == -2


@pytest.mark.parametrize(
    ("here", "said"),
    [
        (inputs(), ["No mask: every query may look at every key."]),
        (
            inputs(rule=MaskRule(causal=True, window=1024)),
            [
                "Causal: a token may look at itself and at what came before, never ahead.",
                "Sliding window: at most 1,024 tokens back from itself, itself included.",
            ],
        ),
        (
            inputs(key_mask=np.array([1, 1, 1, 0, 0], bool)),
            ["Padding: 2 of 5 keys are filled up and hidden from all."],
        ),
        (
            inputs(bias=np.array([[[0, -0.5, -1, -np.inf, 0]]], np.float32)),
            ["A bias is added to the scores, the same for every head: -1 … 0. It also rules cells out."],
        ),
        (
            inputs(bias=np.array([[[0, 0, 0, -np.inf, 0]]], np.float32)),
            ["A mask that follows no simple rule is added to the scores."],
        ),
        (
            inputs(rule=MaskRule(softcap=50), sinks=np.zeros(2, np.float32)),
            [
                "No mask: every query may look at every key.",
                "Scores are capped softly at ±50.",
                "Each head has a learned sink that takes weight and gives nothing.",
            ],
        ),
    ],
)
def test_the_rule_is_said_in_words(here: AttentionInputs, said: list[str]) -> None:
    assert in_words(here) == said
