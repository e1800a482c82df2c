"""Attention figures: the numbers in them, what is masked, what a click gives."""

import numpy as np
import pytest

from genviz.analysis.pooling import Overview, pooled_rows
from genviz.figures.attention_heads import HeadMap, attention_heads, tile_side
from genviz.figures.attention_lines import BINS, MOST_LINES, Side, attention_lines
from genviz.figures.attention_matrix import (
    KEY_TITLE,
    QUERY_TITLE,
    LeftOut,
    attention_matrix,
    attention_overview,
)
from genviz.figures.colours import masked, not_a_number, rgb
from genviz.figures.theme import palette
from tests.figures.pictures import decoded

WORDS = ["le", "chat", "<b>", "noir"]


def causal(size: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    weights = np.tril(np.random.default_rng(seed).random((size, size)) + 0.01).astype(np.float32)
    return weights / weights.sum(axis=1, keepdims=True), np.tri(size, dtype=bool)


def overview(weights: np.ndarray, may: np.ndarray, size: int) -> Overview:
    rows, keys = map(range, weights.shape)
    return pooled_rows(lambda at: weights[at], lambda at: may[at], rows=rows, keys=keys, size=size)


def test_the_matrix_holds_every_weight_and_leaves_masked_cells_out() -> None:
    weights, may = causal(4)
    figure = attention_matrix(weights, may, queries=WORDS, keys=WORDS, title="a < b")
    drawn, covered = figure.data
    assert np.array_equal(drawn.z, np.where(may, weights, np.nan).astype(np.float32), equal_nan=True)
    assert np.array_equal(np.isnan(covered.z), may)
    assert "masked" in covered.hovertemplate
    assert drawn.zmax == pytest.approx(weights.max())
    assert figure.layout.title.text == "a &lt; b"
    assert (figure.layout.xaxis.title.text, figure.layout.yaxis.title.text) == (KEY_TITLE, QUERY_TITLE)
    assert list(figure.layout.xaxis.ticktext) == ["le", "chat", "&lt;b&gt;", "noir"]
    assert drawn.text[3][2] == "<b>noir</b> (3) → <b>&lt;b&gt;</b> (2)"


def test_a_weight_of_zero_is_not_masked_and_nan_has_its_own_colour() -> None:
    weights = np.array([[0.0, 1.0], [np.nan, 0.5]], np.float32)
    figure = attention_matrix(weights, np.ones((2, 2), bool), queries=[0, 1], keys=[0, 1])
    drawn, broken = figure.data
    assert drawn.z[0, 0] == 0
    assert np.isnan(broken.z).tolist() == [[True, True], [False, True]]
    assert broken.colorscale[0][1] == not_a_number("light")
    assert "NaN" in broken.hovertemplate


def test_colours_can_be_held_from_0_to_1() -> None:
    weights, may = causal(3)
    assert attention_matrix(weights / 2, may, queries=range(3), keys=range(3), top=1.0).data[0].zmax == 1.0


def test_labels_thin_out_in_long_texts() -> None:
    weights, may = causal(100)
    axis = attention_matrix(weights, may, queries=range(100), keys=range(100)).layout.xaxis
    assert list(axis.tickvals) == list(range(0, 100, 3))
    assert list(axis.ticktext) == [str(n) for n in range(0, 100, 3)]


def test_the_overview_is_a_picture_with_exact_numbers_of_blocks() -> None:
    weights, may = causal(300)
    figure = attention_overview(overview(weights, may, 100), how="max", theme="dark")
    (picture,) = figure.layout.images
    pixels = decoded(picture.source)
    assert tuple(pixels[0, -1]) == rgb(masked("dark"))
    assert (picture.sizex, picture.sizey) == (300, 300)
    grid = figure.data[-1]
    assert grid.opacity == 0
    assert grid.z[-1, 0] == pytest.approx(weights[-6:, :6].max())
    assert np.isnan(grid.z[0, -1])
    assert grid.text[-1][0] == "queries 294–299, keys 0–5"


def test_lines_are_one_trace_per_width_however_many_there_are() -> None:
    weights, _ = causal(36)
    figure = attention_lines(weights, queries=Side(range(36)), keys=Side(range(36)), threshold=0.0)
    lines = [trace for trace in figure.data if trace.mode == "lines"]
    assert len(lines) <= BINS
    (marks,) = (trace for trace in figure.data if trace.name == "links")
    assert len(marks.x) == min((weights > 0).sum(), MOST_LINES)
    drawn = sum(int(np.isnan(trace.x).sum()) for trace in lines)
    assert drawn == len(marks.x)
    widths = [trace.line.width for trace in lines]
    assert widths == sorted(widths)


def test_lines_of_one_token_and_above_a_threshold() -> None:
    weights = np.array([[1.0, 0, 0], [0.5, 0.5, 0], [0.04, 0.06, 0.9]], np.float32)
    figure = attention_lines(
        weights, queries=Side("abc", (10, 11, 12), 2), keys=Side("abc", (20, 21, 22)), threshold=0.05
    )
    (marks,) = (trace for trace in figure.data if trace.name == "links")
    assert [text.split("<br>")[1] for text in marks.text] == ["weight 0.060000", "weight 0.900000"]
    assert "<b>c</b> (12) → <b>b</b> (21)" in marks.text[0]
    (left,) = (trace for trace in figure.data if trace.name == "query")
    assert list(left.customdata) == [["10", ""], ["11", ""], ["", ""]]  # a click lets the picked one go
    assert "2 links of weight ≥ 0.05" in figure.layout.annotations[-1].text or any(
        "2 links of weight ≥ 0.05" in note.text for note in figure.layout.annotations
    )


def head(weights: np.ndarray, may: np.ndarray, side: int = 32) -> HeadMap:
    return HeadMap(overview(weights, may, side), entropy=1.5)


def test_all_heads_are_one_picture_and_a_click_gives_site_and_head() -> None:
    maps = [[head(*causal(20, seed=layer * 3 + n)) for n in range(3)] for layer in range(2)]
    figure = attention_heads(maps, sites=["h.0.attn", "h.1.attn"], side=32, theme="light")
    (picture,) = figure.layout.images
    pixels = decoded(picture.source)
    assert pixels.shape == (2 * 34, 3 * 34, 3)
    grid = figure.data[-1]
    assert grid.customdata[1][2] == ["h.1.attn", 2, "one"]
    assert grid.z.shape == (2, 3)
    assert "h.1.attn · head 2" in grid.text[1][2]
    assert "mean entropy 1.5 bits" in grid.text[1][2]
    assert list(figure.layout.yaxis.ticktext) == ["0", "1"]


def test_layers_of_different_size_leave_gaps() -> None:
    maps = [[head(*causal(8))], [head(*causal(8)), head(*causal(8))]]
    figure = attention_heads(maps, sites=["a", "b"], side=16, logarithmic=False)
    assert figure.data[-1].customdata[0][1] == ["", -1]
    assert figure.data[-1].text[0][1] == ""


def test_144_heads_of_512_tokens_stay_within_two_megabytes() -> None:
    side = tile_side(144)
    noise = np.random.default_rng(0).dirichlet(np.full(512, 0.1), 512).astype(np.float32)
    one = head(noise, np.ones_like(noise, bool), side)  # noise: the worst that there is to compress
    figure = attention_heads([[one] * 12] * 12, sites=[f"h.{n}" for n in range(12)], side=side)
    assert 80 <= side <= 100
    assert len(figure.to_json()) < 2_000_000


def test_lines_of_one_key_are_one_column() -> None:
    weights = np.array([[1.0, 0, 0], [0.5, 0.5, 0], [0.04, 0.06, 0.9]], np.float32)
    figure = attention_lines(weights, queries=Side("abc"), keys=Side("abc", picked=0), threshold=0.05)
    (marks,) = (trace for trace in figure.data if trace.name == "links")
    assert [text.split("<br>")[0] for text in marks.text] == [
        "<b>a</b> (0) → <b>a</b> (0)",
        "<b>b</b> (1) → <b>a</b> (0)",
    ]
    (right,) = (trace for trace in figure.data if trace.name == "key")
    assert list(right.customdata) == [["", ""], ["", "1"], ["", "2"]]
    assert "click to see all links again" in right.hovertext[0]
    (left,) = (trace for trace in figure.data if trace.name == "query")
    assert left.textfont.color[2] != left.textfont.color[0], "words without a link step back"


def test_weak_weights_and_keys_left_out_are_blank_each_in_its_way() -> None:
    weights, may = causal(4)
    keys = np.array([True, False, False, False])
    left = LeftOut(0.3, keys, np.full(4, 0.25), note="what is left out")
    figure = attention_matrix(weights, may & ~keys, queries=WORDS, keys=WORDS, left_out=left)
    drawn, covered, gone = figure.data
    assert np.array_equal(~np.isnan(drawn.z), may & ~keys & (weights >= 0.3))
    assert np.array_equal(~np.isnan(covered.z), ~may & ~keys)
    assert np.array_equal(~np.isnan(gone.z), np.broadcast_to(keys, (4, 4)))
    assert "0.2500 of this row was left out" in drawn.text[2][1]
    assert figure.layout.annotations[0].text == "what is left out"


def test_an_overview_leaves_weak_blocks_blank() -> None:
    weights, may = causal(300)
    found = overview(weights, may, 100)
    figure = attention_overview(found, how="max", left_out=LeftOut(0.05))
    pixels = decoded(figure.layout.images[0].source)
    step = pixels.shape[0] // 100
    blank = (pixels[::step, ::step] == rgb(palette("light").page)).all(-1)
    assert np.array_equal(blank, np.nan_to_num(found.largest, nan=1) < np.float32(0.05))


def test_means_stand_in_a_column_of_their_own() -> None:
    maps = [[head(*causal(8))], [head(*causal(8)), head(*causal(8))]]
    figure = attention_heads(maps, sites=["a", "b"], side=16, means=[None, head(*causal(8))])
    grid = figure.data[-1]
    assert grid.customdata[1][2] == ["b", None, "mean"]
    assert grid.text[1][2].startswith("<b>b · mean of heads</b>")
    assert grid.text[0][2] == ""
    assert list(figure.layout.xaxis.ticktext) == ["0", "1", "mean"]


def test_words_beside_lines_are_cut_where_there_is_no_room_and_whole_on_hover() -> None:
    weights = np.array([[1.0, 0.0], [0.5, 0.5]])
    long = "<b>&incomprehensibilities"
    figure = attention_lines(weights, queries=Side([long, "a"]), keys=Side([long, "a"]))
    for side in ("query", "key"):
        (words,) = (trace for trace in figure.data if trace.name == side)
        assert words.text == ("&lt;b&gt;&amp;incompr…", "a")
        assert "incomprehensibili" in words.hovertext[0]


def test_logarithmic_colours_tell_faint_weights_of_a_long_text_apart() -> None:
    weights, may = np.full((2, 200), 1e-9, np.float32), np.ones((2, 200), bool)
    weights[0, :4] = 1.0, 0.01, 0.001, 0.0001
    found = overview(weights, may, 200)
    straight, log = (attention_overview(found, how="max", logarithmic=way) for way in (False, True))
    colours = [decoded(figure.layout.images[0].source)[0] for figure in (straight, log)]
    step = colours[0].shape[0] // 200
    told = [len({tuple(pixel) for pixel in row[: 4 * step : step]}) for row in colours]
    assert told == [3, 4]
    assert tuple(colours[1][0]) == rgb(palette("light").magnitude[-1][1])
    shown = log.data[0].marker
    assert (shown.cmin, shown.cmax) == pytest.approx((-4, 0))
    assert shown.colorbar.ticktext == ("≤ 0.0001", "0.001", "0.01", "0.1", "1")
