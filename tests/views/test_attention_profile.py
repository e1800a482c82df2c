"""One row and one column of an attention map: the model's own numbers, at any length."""

from typing import Any

import numpy as np
import pytest

from genviz.errors import Cancelled, NotCaptured
from genviz.live.progress import listening
from genviz.recording import Recording
from genviz.views import Subject, attention_profile, windows
from tests.views.subjects import eager, transformer

SITE = "layers.0.attn"
HERE: dict[str, Any] = {"site": SITE, "head": 0}


def long(tokens: int = 2000, **more: Any) -> Recording:
    return transformer(layers=1, heads=1, tokens=tokens, **more)


def weights(recording: Recording, head: int = 0) -> Any:
    return recording.attention(SITE, head=head).values


def trace(figure: Any, name: str, axis: str = "x") -> Any:
    return next(t for t in figure.data if t.name == name and (t.xaxis or "x") == axis)


def said(figure: Any) -> str:
    return str(next(note.text for note in figure.layout.annotations if note.name == "small print")).replace(
        "<br>", " "
    )


def test_a_row_and_a_column_show_every_weight() -> None:
    recording = transformer(layers=1, heads=2, tokens=9)
    expected = weights(recording, 1)
    figure = attention_profile(recording, site=SITE, head=1, query=(6,), key=(2,))
    np.testing.assert_allclose(trace(figure, "weight").y[:7], expected[6, :7], atol=1e-6)
    np.testing.assert_allclose(trace(figure, "weight", "x2").y[2:], expected[2:, 2], atol=1e-6)
    assert np.isnan(trace(figure, "weight").y[7:]).all(), "masked is not zero"
    assert trace(figure, "masked: may not be looked at").x[0] == 6.5
    headings = [note.text for note in figure.layout.annotations]
    assert any("(6) looks at" in each for each in headings)
    assert any("(2) is looked at by" in each for each in headings)
    assert trace(figure, "weight").marker.color[2] != trace(figure, "weight").marker.color[3], "the pair"
    five = np.sort(expected[6, :7])[-5:].sum()
    assert any(f"sum 1, 5 largest {five:.1%}" in each for each in headings)
    assert any(f"mean {expected[2:, 2].mean():.3g}" in each for each in headings)


def test_the_first_sight_is_the_last_word() -> None:
    figure = attention_profile(transformer(layers=1, heads=1, tokens=9))
    assert "(8) looks at" in figure.layout.annotations[0].text
    assert len({t.xaxis for t in figure.data}) == 1, "no key, no column"


def test_only_a_key_shows_only_its_column() -> None:
    figure = attention_profile(transformer(layers=1, heads=1, tokens=9), **HERE, key="3")
    assert "is looked at by" in figure.layout.annotations[0].text
    assert figure.layout.meta["spans"] == {"x": "rows"}


def test_a_long_row_and_column_travel_as_bins_that_lose_no_peak() -> None:
    recording = long()
    expected = weights(recording)
    figure = attention_profile(recording, **HERE, query="1777", key="1200")
    for axis, line in (("x", expected[1777]), ("x2", expected[:, 1200])):
        largest, mean = trace(figure, "largest", axis), trace(figure, "mean", axis)
        assert len(largest.y) == 500
        first = 0 if axis == "x" else 1200 // 4
        stop = 1777 // 4 if axis == "x" else 500
        blocks = line.reshape(500, 4)
        np.testing.assert_allclose(largest.y[first:stop], blocks[first:stop].max(1), atol=1e-6)
        np.testing.assert_allclose(mean.y[first:stop], blocks[first:stop].mean(1), atol=1e-6)
        np.testing.assert_allclose(largest.x[:2], [1.5, 5.5])
    assert figure.layout.shapes[0].x0 == 1200
    assert "Line: the largest of each bin, dotted: the mean." in said(figure)
    assert len(figure.to_json()) < 200_000


def test_hover_of_a_bin_tells_which_token_has_how_much() -> None:
    recording = long()
    row = weights(recording)[1999]
    at = int(row.argmax())
    spelt = trace(attention_profile(recording, **HERE, query="1999"), "largest").customdata[at // 4]
    assert f"({at:,})<br>weight {row[at]:.6f}" in spelt
    assert f"{at // 4 * 4:,}–{at // 4 * 4 + 3:,}" in spelt


def test_a_part_follows_the_map_down_to_every_weight() -> None:
    recording = long()
    expected = weights(recording)
    part = {"rows": "1500-1599", "keys": "40-139"}
    figure = attention_profile(recording, **HERE, query="1999", key="50", **part)
    np.testing.assert_allclose(trace(figure, "weight").y, expected[1999, 40:140], atol=1e-6)
    np.testing.assert_allclose(trace(figure, "weight", "x2").y, expected[1500:1600, 50], atol=1e-6)
    assert tuple(figure.layout.xaxis.range) == (39.5, 139.5)
    assert tuple(figure.layout.xaxis2.range) == (1499.5, 1599.5)
    assert figure.layout.meta["spans"] == {"x": "keys", "x2": "rows"}
    assert "sum 1, 5 largest" in figure.layout.annotations[0].text, "the sum is of all keys"


def test_a_mean_of_heads_and_left_out_keys_are_followed() -> None:
    recording = transformer(layers=1, heads=3, tokens=9)
    mean = np.mean([weights(recording, head) for head in range(3)], axis=0)
    figure = attention_profile(recording, **HERE, query="8", key="1", average="mean")
    np.testing.assert_allclose(trace(figure, "weight").y, mean[8], atol=1e-6)
    np.testing.assert_allclose(trace(figure, "weight", "x2").y[1:], mean[1:, 1], atol=1e-6)
    figure = attention_profile(recording, **HERE, query="8", key="0", without="first")
    row = weights(recording)[8]
    np.testing.assert_allclose(trace(figure, "weight").y[1:], row[1:] / row[1:].sum(), rtol=1e-4)
    assert "No query shown may look at key 0." in said(figure)
    assert "Left out: the first token" in said(figure)


def test_finished_weights_and_weights_that_are_no_numbers() -> None:
    recording = eager()
    figure = attention_profile(recording, query="5", key="0")
    site = recording.sites("attention")[0]
    shown = recording.attention(site, head=figure.layout.meta["genviz"]["controls"]["head"]).values
    np.testing.assert_allclose(trace(figure, "weight").y, shown[5], atol=1e-6)
    bad = transformer(layers=1, heads=1, tokens=9)
    key = next(entry for entry in bad.entries() if entry.kind == "key").load().copy()
    key[..., 4, :] = np.nan
    made = Recording(info=bad.info)
    for entry in bad.entries():
        made.add(entry.site, entry.kind, key if entry.kind == "key" else entry.load(), attrs=entry.attrs)
    figure = attention_profile(made, **HERE, query="8")
    assert trace(figure, "not a number (NaN)").x[0] == -0.5, "one such key spoils the whole row"


def test_a_position_that_is_not_there_is_refused() -> None:
    recording = transformer(layers=1, heads=1, tokens=9, calls=2)
    call = recording.attention_reader(SITE).calls[-1]
    with pytest.raises(NotCaptured, match=r"no query 7 at 'layers.0.attn': it has queries 0 … \d; pick"):
        attention_profile(recording, **HERE, query="7", call=call)


def test_a_sample_of_queries_stands_in_for_a_long_column(monkeypatch: pytest.MonkeyPatch) -> None:
    subject = Subject("long", recording=long(600))
    monkeypatch.setattr(windows, "AT_ONCE", 600 * 100)
    monkeypatch.setattr(windows, "SAMPLED", 600 * 30)
    assert attention_profile.stand_in(subject, **HERE, query="5") is None, "a row is there at once"
    standing_in = attention_profile.stand_in(subject, **HERE, key="5")
    assert standing_in is not None
    some = attention_profile(subject, **HERE, key="5", **standing_in.values)
    assert "From every 10th query only, the others may differ." in said(some)
    expected = weights(subject.recorded())[5::10, 5]
    np.testing.assert_allclose(trace(some, "weight").y[1:], expected[1:], atol=1e-6)
    attention_profile(subject, **HERE, key="5")
    assert attention_profile.stand_in(subject, **HERE, key="6") is None, "sums of rows are remembered"


def test_a_column_that_nobody_waits_for_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    def leave(share: float, _: str) -> None:
        raise Cancelled("nobody waits")

    with listening(leave), pytest.raises(Cancelled):
        attention_profile(long(800), **HERE, key="5")


def test_markup_in_tokens_is_text() -> None:
    recording = transformer(layers=1, heads=1, tokens=3)
    recording.info["tokens"] = [["<b>x</b>", "$y$", "שלום 🙂"]]
    text = attention_profile(recording, **HERE, query="0", key="0").to_json()
    assert "<b>x</b>" not in text.replace("\\u003c", "<").replace("\\u003e", ">")
    assert "&lt;b&gt;x" in text.replace("\\u0026", "&")
