"""Reading attention: rows, tokens, calls of a generation put together."""

from typing import Any

import numpy as np
import pytest

from genviz.attention import AttentionInputs, MaskRule
from genviz.errors import NotCaptured, TokenMismatch, UnknownSite
from genviz.recording import Recording

RNG = np.random.default_rng(0)
QUERY = RNG.normal(size=(1, 4, 6, 8)).astype(np.float32)
KEY = RNG.normal(size=(1, 2, 6, 8)).astype(np.float32)
RULE = MaskRule(causal=True, scale=0.35)


def whole() -> Recording:
    """One pass over all six tokens."""
    found = Recording(info={"tokens": [["the", "cat", "sits", "on", "the", "mat"]]})
    found.add("attn", "query", QUERY, attrs={"rule": RULE.to_json(), "route": "sdpa"})
    found.add("attn", "key", KEY)
    return found


def stepwise(**first: Any) -> Recording:
    """The same in steps of three, one, one and one token, with a cache."""
    found = Recording(info={"tokens": [["the", "cat", "sits", "on", "the", "mat"]]})
    for call, (start, stop) in enumerate([(0, 3), (3, 4), (4, 5), (5, 6)]):
        rule = RULE if call == 0 else MaskRule(scale=0.35)
        attrs = {"rule": rule.to_json(), "start": {"query": start}}
        found.add("attn", "query", QUERY[:, :, start:stop], call=call, attrs=attrs)
        found.add(
            "attn", "key", KEY[:, :, start:stop], call=call, attrs={"key_start": start} if start else {}
        )
    return found


def test_weights_carry_tokens() -> None:
    read = whole().attention("attn", head=3)
    assert read.dims == ("query", "key")
    assert list(read.coords["key"].values)[1] == "cat"
    assert read.attrs["route"] == "sdpa"
    expected = AttentionInputs(QUERY[0], KEY[0], RULE).weights(3)
    np.testing.assert_array_equal(read, expected)
    assert whole().attention("attn").dims == ("head", "query", "key")


@pytest.mark.parametrize(
    ("query", "key", "rows", "columns"),
    [
        ("cat", None, [1], range(6)),
        ("the", slice(0, 2), [0, 4], [0, 1]),
        (-1, [0, 5], [5], [0, 5]),
        (slice(2, None), "mat", [2, 3, 4, 5], [5]),
    ],
)
def test_parts_are_those_of_the_whole(query: Any, key: Any, rows: Any, columns: Any) -> None:
    everything = whole().attention("attn", head=1).values
    part = whole().attention("attn", head=1, query=query, key=key).values
    np.testing.assert_allclose(part, everything[np.ix_(list(rows), list(columns))], atol=1e-7)


def test_calls_of_a_generation_are_one_map() -> None:
    one, steps = whole(), stepwise()
    np.testing.assert_allclose(steps.attention("attn"), one.attention("attn"), atol=1e-6)
    assert list(steps.attention("attn", head=0).coords["query"].values) == list(one.tokens[0])
    third = steps.attention("attn", head=2, call=2)
    assert third.shape == (1, 5)
    assert list(third.coords["query"].values) == ["the"]
    np.testing.assert_allclose(third, one.attention("attn", head=2).values[4:5, :5], atol=1e-6)


def test_calls_on_separate_inputs_are_not_put_together() -> None:
    found = whole()
    found.add("attn", "query", QUERY * 2, call=1, attrs={"rule": RULE.to_json()})
    found.add("attn", "key", KEY, call=1)
    with pytest.raises(NotCaptured) as caught:
        found.attention("attn")
    assert str(caught.value) == "'attn' ran 2 times on separate inputs: choose one with call= (0 … 1)"
    assert found.attention("attn", head=0, call=1).shape == (6, 6)


def test_a_bias_that_layers_share_is_found_at_the_first() -> None:
    found = whole()
    bias = RNG.normal(size=(1, 4, 6, 6)).astype(np.float32)
    for site in ("first", "second"):
        attrs: dict[str, Any] = {"rule": MaskRule(scale=0.35).to_json()}
        if site == "second":
            attrs["bias_at"] = ["first", 0]
        found.add(site, "query", QUERY, attrs=attrs)
        found.add(site, "key", KEY)
    found.add("first", "attention_bias", bias)
    np.testing.assert_array_equal(found.attention("first"), found.attention("second"))
    expected = AttentionInputs(QUERY[0], KEY[0], MaskRule(scale=0.35), bias=bias[0]).weights(2)
    np.testing.assert_array_equal(found.attention("second", head=2), expected)


def test_finished_weights_are_handed_out_as_they_are() -> None:
    found = Recording()
    weights = RNG.random(size=(2, 3, 4, 5)).astype(np.float32)
    found.add("attn", "attention", weights, attrs={"route": "eager"})
    np.testing.assert_array_equal(found.attention("attn", sample=1), weights[1])
    with pytest.raises(NotCaptured, match="only the finished weights were stored"):
        found.attention_reader("attn").inputs(0)


def test_what_is_not_there_is_told() -> None:
    found = whole()
    with pytest.raises(UnknownSite, match="no site 'attention': this recording has attn"):
        found.attention("attention")
    with pytest.raises(NotCaptured, match=r"no head 9 at 'attn': it has heads 0 … 3"):
        found.attention("attn", head=9)
    with pytest.raises(NotCaptured, match=r"no sample 1 at 'attn': it was run on 1 \(0 … 0\)"):
        found.attention("attn", sample=1)
    with pytest.raises(NotCaptured, match=r"no call 4 at 'attn': it ran 1 times"):
        found.attention("attn", call=4)
    with pytest.raises(TokenMismatch, match="no token 'dog': the tokens are the cat sits on the mat"):
        found.attention("attn", query="dog")
    with pytest.raises(TokenMismatch, match=r"no position 6: there are 6 \(0 … 5\)"):
        found.attention("attn", key=6)


def test_a_long_generation_is_read_in_time() -> None:
    """Every row needs the keys of all calls before it: they are put together once, not once per row."""
    import time

    found = Recording()
    steps = 400
    query = RNG.normal(size=(1, 8, steps, 16)).astype(np.float32)
    for site in range(12):
        for call in range(steps):
            attrs = {"rule": MaskRule(scale=0.25).to_json(), "start": {"query": call}}
            part = query[:, :, call : call + 1]
            found.add(f"{site}", "query", part, call=call, attrs=attrs)
            found.add(f"{site}", "key", part, call=call, attrs={"key_start": call} if call else {})
    start = time.perf_counter()
    read = found.attention("7", head=3)
    assert time.perf_counter() - start < 5
    expected = AttentionInputs(query[0], query[0], MaskRule(causal=True, scale=0.25)).weights(3)
    np.testing.assert_allclose(read, expected, atol=1e-6)
