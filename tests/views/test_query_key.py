"""The pair shown, its numbers, and what is said when there is nothing to show."""

import numpy as np
import pytest

from genviz.errors import NotCaptured
from genviz.views import query_key
from tests.views.subjects import eager, transformer


def test_the_product_of_the_channels_is_drawn_and_adds_up() -> None:
    recording = transformer()
    figure = query_key(recording, site="layers.1.attn", head=2, query=[9], key=[8])
    reader = recording.attention_reader("layers.1.attn")
    given = reader.inputs(0)
    product = given.query[2, 9].astype(float) * given.key[2, 8]
    np.testing.assert_allclose(np.asarray(figure.data[2].y, float), product, rtol=1e-5)
    assert f"q·k = {product.sum():.4g}" in figure.layout.title.subtitle.text
    shown = dict(zip(figure.data[3].customdata, figure.data[3].x, strict=True))
    assert shown[8] == pytest.approx(float(reader.weights(0, 2, np.array([9]))[0, 8]), abs=1e-6)


def test_first_sight_is_the_last_query_and_what_it_looks_at_most_but_itself() -> None:
    recording = transformer()
    figure = query_key(recording, site="layers.1.attn", head=0)
    row = recording.attention_reader("layers.1.attn").weights(0, 0, np.array([13]))[0]
    best = int(row[:13].argmax())
    names = [trace.name for trace in figure.data[:2]]
    words = recording.tokens[0]
    assert names == [f"q: {words[13]}", f"k: {words[best]}"]


def test_a_masked_pair_says_so() -> None:
    figure = query_key(transformer(), site="layers.0.attn", head=0, query=[2], key=[5])
    assert any("Masked" in note.text for note in figure.layout.annotations)
    assert " masked" in figure.data[3].text


def test_largest_channels_first() -> None:
    figure = query_key(transformer(), site="layers.1.attn", head=2, query=[9], key=[8], order="size")
    sizes = np.abs(np.asarray(figure.data[2].y, float))
    assert (np.diff(sizes) <= 0).all()


def test_generation_reads_the_call_in_which_the_query_ran() -> None:
    figure = query_key(transformer(calls=3), site="layers.1.attn", head=0, query=[13], key=[1])
    assert len(figure.data[3].customdata) > 3


def test_without_queries_and_keys_it_says_what_is_needed() -> None:
    with pytest.raises(Exception, match="query and key"):
        query_key(eager())


def test_a_pair_that_is_not_there() -> None:
    recording = transformer(calls=3)
    with pytest.raises(NotCaptured, match=r"key 13 comes after query 0: .* there were \d+ keys"):
        query_key(recording, site="layers.0.attn", head=0, query=[0], key=[13])
