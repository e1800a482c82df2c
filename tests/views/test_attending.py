"""The attention views show what the recording says: weights, masks, calls, tokens."""

from importlib import import_module
from typing import Any

import numpy as np
import pytest

from genviz.errors import ControlError, NotCaptured, UnknownSite
from genviz.recording import Recording
from genviz.views import Subject, attention_heads, attention_lines, attention_matrix, picked
from genviz.views.attending import ALL_CALLS, AttentionSite, first_head, head_controls
from genviz.views.base import View
from genviz.views.looking import Looked
from tests.views.subjects import eager, transformer

heads_view = import_module("genviz.views.attention_heads")  # the name itself is that of the view


def test_the_matrix_holds_the_recordings_weights() -> None:
    recording = transformer()
    for site in recording.sites(kind="attention"):
        for head in (0, 3):
            expected = recording.attention(site, head=head).values
            figure = attention_matrix(recording, site=site, head=head)
            drawn = figure.data[0].z
            assert np.array_equal(np.isnan(drawn), ~np.tri(14, dtype=bool))
            np.testing.assert_allclose(np.nan_to_num(drawn), expected, atol=1e-6)
            assert figure.layout.title.text == f"{site} · head {head}"


def test_calls_of_a_generation_are_one_map_and_one_call_is_its_rows() -> None:
    whole, parts = transformer(), transformer(calls=5)
    expected = np.nan_to_num(attention_matrix(whole, site="layers.2.attn", head=1).data[0].z)
    figure = attention_matrix(parts, site="layers.2.attn", head=1)
    assert figure.layout.meta["genviz"]["controls"]["call"] == ALL_CALLS
    assert np.nan_to_num(figure.data[0].z) == pytest.approx(expected, abs=1e-6)
    one = attention_matrix(parts, site="layers.2.attn", head=1, call=2)
    assert one.data[0].z.shape == (1, 12)
    assert np.nan_to_num(one.data[0].z)[0] == pytest.approx(expected[11, :12], abs=1e-6)
    assert list(one.layout.yaxis.ticktext) == [whole.tokens[0][11]]


def test_calls_on_separate_inputs_are_chosen_one_by_one() -> None:
    recording = Recording()
    for call in range(2):
        recording.add("attn", "attention", np.full((1, 1, 3, 3), 1 / 3, np.float32), call=call)
    controls = {control.name: control for control in head_controls(Subject("x", recording=recording))}
    assert controls["call"].value == 0
    with pytest.raises(ControlError, match="call='all' does not fit"):
        attention_matrix(recording, call="all")


def test_finished_weights_are_shown_with_their_nan_and_nothing_is_called_masked() -> None:
    figure = attention_matrix(eager(), head=0)
    assert [trace.name for trace in figure.data] == ["weight", "not a number (NaN)", "weight, written"]
    assert list(figure.layout.yaxis.ticktext)[:3] == ["&lt;b&gt;bold&lt;/b&gt;", "·a", "↵"]
    other = attention_matrix(eager(), head=0, sample=1)
    assert list(other.layout.yaxis.ticktext) == list("uvwxyz")


def test_finished_causal_weights_are_seen_to_be_masked() -> None:
    weights = np.tril(np.random.default_rng(0).random((1, 2, 5, 5)) + 0.1).astype(np.float32)
    weights[0, 0, 3, 1] = 0  # one cell that underflowed in one head is no mask
    recording = Recording()
    recording.add("attn", "attention", weights)
    site = AttentionSite.of(recording, "attn", 0, call=ALL_CALLS)
    assert np.array_equal(site.allowed(np.arange(5)), np.tri(5, dtype=bool))


def test_padding_is_masked() -> None:
    recording = transformer(causal=False, layers=1)
    mask = np.ones((1, 14), bool)
    mask[0, 10:] = False
    recording.add("layers.0.attn", "key_mask", mask)
    figure = attention_matrix(recording, site="layers.0.attn", head=0)
    assert np.isnan(figure.data[0].z).any(axis=0).tolist() == [False] * 10 + [True] * 4


def test_the_first_head_is_the_same_each_time_and_grows_with_the_recording() -> None:
    recording = transformer()
    chosen = first_head(recording)
    assert chosen == first_head(recording) == first_head(transformer())
    sharp = np.zeros((1, 1, 6, 6), np.float32)
    sharp[0, 0, :, 2] = 0.999
    sharp[0, 0, :, 1] = 0.001
    recording.add("late", "attention", sharp)
    assert first_head(recording) == ("late", 0)


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        (
            {"site": "layers.9.attn"},
            ControlError,
            "site='layers.9.attn' does not fit: where takes layers.0.attn",
        ),
        ({"head": 9}, ControlError, "head=9 does not fit: head takes a number from 0 to 3"),
    ],
)
def test_wrong_choices_are_named(arguments: dict[str, Any], error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        attention_matrix(transformer(), **arguments)


def test_unknown_sites_and_samples_of_a_recording_are_named() -> None:
    with pytest.raises(UnknownSite, match=r"no site 'nowhere': this recording has layers.0.attn"):
        AttentionSite.of(transformer(), "nowhere", 0, call=ALL_CALLS)
    with pytest.raises(NotCaptured, match=r"no sample 3 at 'encoder.0': it was run on 2"):
        AttentionSite.of(eager(), "encoder.0", 3, call=ALL_CALLS)
    with pytest.raises(NotCaptured, match=r"no head 7 at 'encoder.0': it has heads 0 … 2"):
        AttentionSite.of(eager(), "encoder.0", 0, call=ALL_CALLS).weights(7, np.arange(2))


def test_a_long_text_is_pooled_and_its_grid_is_exact() -> None:
    recording = transformer(layers=1, heads=1, tokens=600)
    figure = attention_matrix(recording, site="layers.0.attn", head=0)
    whole = recording.attention("layers.0.attn", head=0).values
    grid = figure.data[-1]
    step = round(float(grid.y[1] - grid.y[0]))
    assert grid.z[-1, 3] == pytest.approx(whole[-(600 % step or step) :, 3 * step : 4 * step].max(), abs=1e-6)


def test_lines_in_a_long_text_show_the_strongest_keys_and_say_how_many_are_left_out() -> None:
    recording = transformer(layers=1, heads=1, tokens=100)
    weights = recording.attention("layers.0.attn", head=0).values
    figure = attention_lines(recording, query=(60,), threshold=0)
    left, right = (next(t for t in figure.data if t.name == name) for name in ("query", "key"))
    assert (left.customdata[0], left.customdata[-1]) == (["52", ""], ["67", ""])
    strongest = sorted(np.argsort(-weights[60])[:16].tolist())
    assert [int(key) for _, key in right.customdata] == strongest
    (marks,) = (trace for trace in figure.data if trace.name == "links")
    assert all("(60) → " in text for text in marks.text)
    assert [link[1] for link in marks.customdata] == list(map(str, strongest))
    said = next(note.text for note in figure.layout.annotations if note.name == "small print")
    share = weights[60, strongest].sum()
    assert "Left: queries 52–67 of 100" in said
    assert f"the 16 of 100 keys it looks at most ({share:.1%} of the weight)" in " ".join(said.split("<br>"))
    steps = -np.diff(right.y)
    apart = np.diff(strongest) > 1
    assert apart.any()
    assert steps[apart].min() > steps[~apart].max(initial=0), "a break shows where tokens are left out"


def test_lines_to_a_key_come_from_where_it_is_looked_at_most() -> None:
    recording = transformer(layers=1, heads=1, tokens=100)
    weights = recording.attention("layers.0.attn", head=0).values
    figure = attention_lines(recording, key=(3,), query=(99,), threshold=0)
    left, right = (next(t for t in figure.data if t.name == name) for name in ("query", "key"))
    strongest = np.argsort(-weights[:, 3], kind="stable")[:16].tolist()
    expected = sorted(strongest if 99 in strongest else [*strongest[:-1], 99])
    shown = [int(query) if query else 99 for query, _ in left.customdata]
    assert shown == expected
    assert ["", ""] in left.customdata, "the picked one is let go by a click"
    links = next(t for t in figure.data if t.name == "links").customdata
    assert {q for q, k in links if k != "3"} == {"99"}, "links of either of the pair"
    assert {int(q) for q, k in links if k == "3"} == set(expected)
    assert len(right.customdata) == 16


def test_lines_of_a_very_long_text_keep_a_window_while_a_column_would_take_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(picked, "AT_ONCE", 10)
    figure = attention_lines(transformer(layers=1, heads=1, tokens=100), key=(50,), threshold=0)
    left = next(t for t in figure.data if t.name == "query")
    assert [int(query) for query, _ in left.customdata] == list(range(42, 58))


def test_all_heads_tell_their_entropy() -> None:
    recording = transformer()
    grid = attention_heads(recording).data[-1]
    weights = recording.attention("layers.1.attn", head=2).values.astype(np.float64)
    bits = -(weights * np.log2(np.where(weights > 0, weights, 1))).sum(axis=1).mean()
    assert grid.z[1, 2] == pytest.approx(bits, rel=1e-4)
    assert grid.customdata[1][2] == ["layers.1.attn", 2, "one"]
    assert grid.customdata[1][4] == ["layers.1.attn", None, "mean"]


def test_what_an_added_mask_rules_out_in_every_head_is_masked_and_not_zero() -> None:
    recording = transformer(causal=False, layers=1)
    bias = np.zeros((1, 4, 14, 14), np.float32)
    bias[..., 9:] = -np.inf
    bias[0, 2, :, 3] = -np.inf  # in one head alone it is that head's own affair
    recording.add("layers.0.attn", "attention_bias", bias)
    figure = attention_matrix(recording, site="layers.0.attn", head=2)
    assert np.isnan(figure.data[0].z).all(axis=0).tolist() == [False] * 9 + [True] * 5
    assert (figure.data[0].z[:, 3] == 0).all()


@pytest.mark.parametrize(("view", "tokens"), [(attention_matrix, 513), (attention_heads, 257)])
def test_only_a_map_longer_than_its_picture_asks_how_its_cells_are_put_together(
    view: View, tokens: int
) -> None:
    for length, asks in ((tokens - 1, False), (tokens, True)):
        subject = Subject("long", recording=transformer(layers=1, heads=1, tokens=length))
        assert ("pooling" in {control.name for control in view.controls(subject)}) == asks


def test_many_heads_of_a_long_text_come_from_a_sample_of_rows_that_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    recording = transformer(layers=1, heads=2, tokens=600)
    opened = Looked.of(recording, "layers.0.attn", 0, call=ALL_CALLS, look={})
    whole = attention_heads(recording)
    monkeypatch.setattr(heads_view, "AT_ONCE", 2 * 600 * 40)
    some = attention_heads(recording)
    assert "From every 15th row of each head" in some.layout.annotations[-1].text
    assert not any("row of each head" in said.text for said in whole.layout.annotations)
    rows = heads_view._rows(opened, 256, 2)
    assert rows == range(7, 600, 15)
    found = heads_view._long_head(opened, rows, 0, side=256, how="max", said=8).overview
    weights = recording.attention("layers.0.attn", head=0).values[7::15]
    np.testing.assert_allclose(found.largest[-1, :100], weights[-1, :300].reshape(100, 3).max(1), atol=1e-6)
    assert found.sums is not None
    assert some.layout.images[0].sizey == whole.layout.images[0].sizey
