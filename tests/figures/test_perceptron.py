"""The perceptron's figures: every unit, every weight, sums that add up."""

from dataclasses import replace

import numpy as np
import pytest

from genviz.analysis.perceptron import weighted_sum as spell_out
from genviz.figures.perceptron_network import Column, Edges, heights, perceptron_network
from genviz.figures.theme import role
from genviz.figures.weighted_sum import MOST_BARS, weighted_sum


def two_layers(inputs: int = 3, units: int = 4) -> tuple[list[Column], list[Edges]]:
    draw = np.random.default_rng(0)
    values, weights = draw.normal(size=inputs), draw.normal(size=(units, inputs))
    names = [f"x{n}" for n in range(inputs)]
    columns = [
        Column("inputs", values, names, names),
        Column("output", weights @ values, [f"u{n}" for n in range(units)], [""] * units),
    ]
    return columns, [Edges(weights, values)]


def test_every_edge_is_drawn_with_its_sign_and_numbers() -> None:
    columns, edges = two_layers()
    figure = perceptron_network(columns, edges)
    (marks,) = (trace for trace in figure.data if trace.name == "weights")
    assert len(marks.x) == 12
    weight, value = edges[0].weights[2, 1], columns[0].values[1]
    assert any(
        "x1 → u2" in text and f"w = {weight:.6g}" in text and f"w·x = {weight * value:.6g}" in text
        for text in marks.text
    )
    lines = [trace for trace in figure.data if trace.mode == "lines"]
    colours = {"positive": role("positive"), "negative": role("negative")}
    for line in lines:
        red, green, blue = (int(colours[line.name.split()[0]][at : at + 2], 16) for at in (1, 3, 5))
        assert line.line.color.startswith(f"rgba({red},{green},{blue},")
    negative = sum(int(np.isnan(line.x).sum()) for line in lines if line.name.startswith("negative"))
    assert negative == (edges[0].weights < 0).sum()


def test_only_the_strongest_edges_are_drawn_and_the_figure_says_so() -> None:
    columns, edges = two_layers(20, 30)
    figure = perceptron_network(columns, edges, most_edges=50, note="64 of 80 units.")
    (marks,) = (trace for trace in figure.data if trace.name == "weights")
    assert len(marks.x) == 50
    (said,) = (note.text for note in figure.layout.annotations if note.name == "small print")
    assert "The 50 strongest of 600 edges." in said
    assert "64 of 80 units." in said
    least = np.sort(np.abs(edges[0].weights).ravel())[-50]
    shown = [abs(float(text.split("w = ")[1].split("<br>")[0])) for text in marks.text]
    assert min(shown) == pytest.approx(least, rel=1e-4)


def test_width_by_contribution_uses_what_comes_in() -> None:
    columns, edges = two_layers()
    silent = [Edges(edges[0].weights, np.array([0.0, 1.0, 0.0]))]
    figure = perceptron_network(columns, silent, width_by="contribution")
    (marks,) = (trace for trace in figure.data if trace.name == "weights")
    assert len(marks.x) == 4  # the others contribute nothing


def test_units_show_their_values_and_a_click_gives_site_and_unit() -> None:
    columns, edges = two_layers()
    columns[1] = replace(columns[1], marks=[("layers.0", unit) for unit in range(4)])
    figure = perceptron_network(columns, edges)
    assert list(figure.data[-1].customdata) == [["layers.0", unit] for unit in range(4)]
    (units,) = (trace for trace in figure.data if trace.name == "output")
    assert units.marker.color == pytest.approx(columns[1].values, rel=1e-6)
    assert list(units.text) == [f"{value:.2f}" for value in columns[1].values]
    assert (units.marker.cmin, units.marker.cmax) == (-units.marker.cmax, units.marker.cmax)
    assert (np.diff(heights(9)) < 0).all()


def bars(parts: int) -> tuple[np.ndarray, np.ndarray, list[str]]:
    draw = np.random.default_rng(1)
    found = spell_out(draw.normal(size=parts), draw.normal(size=parts), 0.25)
    names = [f"f{n}" for n in range(parts)]
    figure = weighted_sum(found, names=names, hover=names, output=max(found.total, 0.0))
    (bar,) = (trace for trace in figure.data if trace.type == "bar")
    assert bar.x[-2] == pytest.approx(found.total, rel=1e-5)
    return bar.x, bar.base, list(figure.layout.yaxis.ticktext)


def test_each_bar_begins_where_the_one_before_ends() -> None:
    values, base, names = bars(5)
    assert names == ["f0", "f1", "f2", "f3", "f4", "bias b", "sum z", "activation"]
    assert base[1:6] == pytest.approx(np.cumsum(values)[:5], abs=1e-6)
    assert base[5] + values[5] == pytest.approx(values[6], abs=1e-6)
    assert base[6:].tolist() == [0, 0]


def test_many_inputs_are_put_together_and_still_add_up() -> None:
    values, base, names = bars(100)
    assert len(names) == MOST_BARS + 3
    assert "85 others" in names
    assert base[-3] + values[-3] == pytest.approx(values[-2], abs=1e-5)
