"""Parts of long maps: exact numbers of a window, pooled larger ones, a sample of rows that stands in."""

from typing import Any

import numpy as np
import pytest

from genviz.errors import ControlError
from genviz.recording import Recording
from genviz.views import Subject, attention_matrix, remembered, windows
from genviz.views.attending import AttentionSite
from genviz.views.controls import Span
from genviz.views.windows import longest, part, sample
from tests.views.subjects import eager, transformer

SITE: dict[str, Any] = {"site": "layers.0.attn", "head": 0}


def long(tokens: int = 600, **more: Any) -> Recording:
    return transformer(layers=1, heads=1, tokens=tokens, **more)


def test_a_small_part_shows_every_weight_at_its_position() -> None:
    recording = long()
    figure = attention_matrix(recording, **SITE, rows="500-559", keys=(40, 79))
    drawn = figure.data[0]
    expected = recording.attention("layers.0.attn", head=0).values[500:560, 40:80]
    np.testing.assert_allclose(drawn.z, expected, atol=1e-6)
    assert (drawn.y0, drawn.x0) == (500, 40)
    assert tuple(figure.layout.yaxis.range) == (559.5, 499.5)
    assert tuple(figure.layout.xaxis.range) == (39.5, 79.5)
    assert figure.layout.xaxis.tickvals[0] == 40
    assert "(500) → " in drawn.text[0][0]
    assert figure.layout.title.text.endswith("queries 500–559, keys 40–79")
    assert figure.layout.meta["genviz"]["controls"]["rows"] == (500, 559)


def test_a_part_of_one_cell() -> None:
    figure = attention_matrix(long(), **SITE, rows="599-599", keys="3-3")
    assert figure.data[0].z.shape == (1, 1)


def test_a_larger_part_is_pooled() -> None:
    recording = long()
    figure = attention_matrix(recording, **SITE, rows="100-399", keys="0-399")
    picture = figure.layout.images[0]
    assert (picture.x, picture.y) == (-0.5, 99.5)
    assert (picture.sizex, picture.sizey) == (400, 300)
    grid = figure.data[-1]
    weights = recording.attention("layers.0.attn", head=0).values
    step = round(float(grid.y[1] - grid.y[0])), round(float(grid.x[1] - grid.x[0]))
    block = weights[100 + 2 * step[0] : 100 + 3 * step[0], step[1] : 2 * step[1]]
    assert grid.z[2, 1] == pytest.approx(block.max(), abs=1e-6)


def test_calls_of_a_generation_and_finished_weights_have_parts_too() -> None:
    parts = attention_matrix(long(tokens=200, calls=5), **SITE, rows="180-199", keys="0-19").data[0].z
    whole = attention_matrix(long(tokens=200), **SITE, rows="180-199", keys="0-19").data[0].z
    np.testing.assert_allclose(parts, whole, atol=1e-6)
    assert windows.span_controls(eager()) == ()  # six tokens are seen whole


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("", ()),
        ((), ()),
        ("3-7", (3, 7)),
        ("3–7", (3, 7)),
        (" 3 - 7 ", (3, 7)),
        ([3, 7], (3, 7)),
        ("9-9", (9, 9)),
    ],
)
def test_a_span_is_read_from_text(value: Any, expected: tuple[int, ...]) -> None:
    assert Span("rows", "Queries", (), count=10).check(value) == expected


@pytest.mark.parametrize("value", ["7-3", "0-10", "-1-3", "a-b", "1-2-3", "4"])
def test_a_span_that_does_not_fit_is_refused(value: str) -> None:
    with pytest.raises(ControlError, match="does not fit: queries takes from-to within 0-9, or nothing"):
        Span("rows", "Queries", (), count=10).check(value)


def test_a_span_beyond_a_shorter_text_is_cut() -> None:
    assert part((3, 90), 10) == range(3, 10)
    assert part((50, 90), 10) == range(9, 10)
    assert part((), 10) == range(10)


def test_the_longest_map_counts_the_cache() -> None:
    assert longest(transformer(tokens=40, calls=5)) == (40, 40)
    assert longest(eager()) == (6, 6)


def test_a_sample_of_rows_is_even_and_small() -> None:
    rows = sample(range(100_000), 5 * 10**9)
    assert len(rows) * 50_000 <= windows.SAMPLED * 1.1
    assert rows.start == rows.step // 2
    assert sample(range(10, 20), 100) == range(10, 20)


def test_a_sample_stands_in_for_what_takes_long_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    subject = Subject("long", recording=long())
    assert attention_matrix.stand_in(subject, **SITE) is None
    monkeypatch.setattr(windows, "AT_ONCE", 600 * 100)
    monkeypatch.setattr(windows, "SAMPLED", 600 * 30)
    standing_in = attention_matrix.stand_in(subject, **SITE)
    assert standing_in is not None
    assert standing_in.says.startswith("From every 10th row so far")  # 600·601/2 cells, about
    some = attention_matrix(subject, **SITE, **standing_in.values)
    assert "From every 10th row only; the others may differ." in some.layout.annotations[0].text
    whole = subject.recorded().attention("layers.0.attn", head=0).values
    grid = some.data[-1]
    assert grid.z[-1, 0] == pytest.approx(whole[[599 - (599 - 5) % 10], :10].max(), abs=1e-6)
    assert attention_matrix.stand_in(subject, **SITE, rows="0-50", keys="0-50") is None


def test_a_large_picture_is_there_when_it_is_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembered, "WORTH_KEEPING", 1000)
    monkeypatch.setattr(remembered, "OVERVIEWS_KEPT", 2)
    here = AttentionSite.of(long(), "layers.0.attn", 0, call=0)
    rows, keys = range(600), range(600)
    first = here.overview(0, size=100)
    assert here.work(0, rows, keys) == 0
    assert here.overview(0, size=100) is first
    assert here.overview(0, size=50) is not first
    assert here.overview(0, rows=rows[:100], size=100) is not first  # a third: the oldest makes room
    assert here.overview(0, size=100) is not first
