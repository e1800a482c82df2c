import base64
import csv
import json
import math
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
import plotly.io as pio
import pytest
from hypothesis import given
from hypothesis import strategies as st

import genviz
from genviz.errors import ExportError
from genviz.export.cells import cell


def table(figure: go.Figure, folder: Path) -> list[dict[str, str]]:
    with genviz.write(figure, folder / "a.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def numbers(rows: list[dict[str, str]], name: str) -> np.ndarray:
    return np.array([float(row[name] or "nan") for row in rows])


def test_json_is_the_figure(figure: go.Figure, tmp_path: Path) -> None:
    path = genviz.write(figure, tmp_path / "a.json")
    again = pio.read_json(path)
    spec = again.data[0].to_plotly_json()["z"]
    sizes = [int(size) for size in spec["shape"].split(",")]
    values = np.frombuffer(base64.b64decode(spec["bdata"]), spec["dtype"]).reshape(sizes)
    assert np.array_equal(values, figure.data[0].z)
    assert values.dtype == np.float32
    assert json.loads(path.read_text())["layout"]["meta"] == figure.to_dict()["layout"]["meta"]


def test_heatmap_cells(figure: go.Figure, tmp_path: Path) -> None:
    rows = table(figure, tmp_path)
    assert list(rows[0]) == ["trace", "x", "y", "z"]
    grid = np.zeros((6, 6))
    grid[numbers(rows, "y").astype(int), numbers(rows, "x").astype(int)] = numbers(rows, "z")
    assert np.array_equal(grid, figure.data[0].z.astype(np.float64))  # exactly


def test_heatmap_coordinates(tmp_path: Path) -> None:
    z = np.arange(6.0).reshape(2, 3)
    labelled = go.Figure(
        go.Heatmap(z=z, x=["a", "b", "c"], y=[10, 20], customdata=np.stack([z, -z], axis=-1))
    )
    rows = table(labelled, tmp_path)
    assert [(row["x"], row["y"], row["z"]) for row in rows[2:4]] == [("c", "10", "2.0"), ("a", "20", "3.0")]
    assert numbers(rows, "customdata[1]").tolist() == (-z).reshape(-1).tolist()
    edges = table(go.Figure(go.Heatmap(z=z, x=[0, 1, 2, 3], y0=5, dy=0.5)), tmp_path)
    assert [row["x_from"] for row in edges[:3]] == ["0", "1", "2"]
    assert numbers(edges, "y").tolist() == [5.0] * 3 + [5.5] * 3
    turned = table(go.Figure(go.Heatmap(z=z, transpose=True, x=["p", "q"])), tmp_path)
    assert [(row["x"], row["y"], row["z"]) for row in turned[:3]] == [
        ("p", "0", "0.0"),
        ("q", "0", "3.0"),
        ("p", "1", "1.0"),
    ]


def test_traces_below_each_other(tmp_path: Path) -> None:
    x = np.array([1.5, np.nan, 3.0])
    many = go.Figure(
        [
            go.Scatter(x=x, y=[1, 2, 3], name="real", marker={"size": [5, 6, 7]}, text=["a", None, "c"]),
            go.Bar(y=[4, 5], name="fake", error_y={"array": [0.1, 0.2]}),
        ]
    )
    rows = table(many, tmp_path)
    assert list(rows[0]) == ["trace", "name", "x", "y", "text", "marker.size", "error_y.array"]
    assert [row["name"] for row in rows] == ["real"] * 3 + ["fake"] * 2
    assert np.array_equal(numbers(rows, "x")[:3], x, equal_nan=True)
    assert rows[1]["text"] == rows[1]["x"] == ""
    assert [row["x"] for row in rows[3:]] == ["0", "1"]  # plotly counts the bars from 0
    assert [row["error_y.array"] for row in rows] == ["", "", "", "0.1", "0.2"]


def test_links_dimensions_and_frames(tmp_path: Path) -> None:
    flow = go.Figure(
        go.Sankey(node={"label": ["a", "b", "c"]}, link={"source": [0], "target": [2], "value": [7]})
    )
    rows = table(flow, tmp_path)
    assert [row["node.label"] for row in rows] == ["a", "b", "c"]
    assert [row["link.value"] for row in rows] == ["7", "", ""]
    splom = go.Figure(go.Splom(dimensions=[{"label": "size", "values": [1, 2]}, {"values": [3, 4]}]))
    assert table(splom, tmp_path)[1] == {
        "trace": "0",
        "dimensions[size].values": "2",
        "dimensions[1].values": "4",
    }
    moving = go.Figure(
        go.Scatter(x=[0], y=[1]), frames=[go.Frame(name="later", data=[go.Scatter(x=[2], y=[3])])]
    )
    assert [tuple(row.values()) for row in table(moving, tmp_path)] == [
        ("", "0", "0", "1"),
        ("later", "0", "2", "3"),
    ]


def test_typed_arrays_that_came_as_base64(figure: go.Figure, tmp_path: Path) -> None:
    rows = table(pio.from_json(figure.to_json()), tmp_path)
    assert np.array_equal(numbers(rows, "z"), figure.data[0].z.astype(np.float64).reshape(-1))


@pytest.mark.parametrize("empty", [go.Figure(), go.Figure(go.Image(source="data:image/png;base64,AAAA"))])
def test_pictures_have_no_numbers(tmp_path: Path, empty: go.Figure) -> None:
    with pytest.raises(ExportError) as caught:
        genviz.write(empty, tmp_path / "a.csv")
    assert str(caught.value) == (
        "the figure holds no numbers to write (it shows a picture or words only): use .png, .svg or .json"
    )


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("=HYPERLINK(1)", "'=HYPERLINK(1)"),
        ("+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0"),
        ("-x", "'-x"),
        ("@SUM(A1)", "'@SUM(A1)"),
        (" =1+1", "' =1+1"),
        ("\t=1", "'\t=1"),
        ("-1.5e3", "-1.5e3"),
        ("##ing", "##ing"),
        (-1.5, "-1.5"),
        (np.float32(0.1), "0.10000000149011612"),
        (np.int64(-3), "-3"),
        (float("inf"), "inf"),
        (float("nan"), ""),
        (None, ""),
        (True, "true"),
        ("a\ud800b\x00", "a\ufffdb\ufffd"),
    ],
)
def test_cells(value: object, written: str) -> None:
    assert cell(value) == written


@given(st.floats(allow_nan=False))
def test_numbers_read_back_as_they_were(value: float) -> None:
    assert float(cell(value)) == value
    assert math.copysign(1, float(cell(value))) == math.copysign(1, value)


@given(st.text())
def test_text_never_starts_a_formula(text: str) -> None:
    written = cell(text)
    if written.lstrip(" ")[:1] in tuple("=+-@\t\r\n"):
        float(written)  # a number is no formula


def test_tables_are_written_as_tables(tmp_path: Path) -> None:
    shown = go.Table(
        header={"values": ["<b>what</b>", "value"]}, cells={"values": [["layers", "heads"], [3, 4]]}
    )
    shown.cells.fill.color = [["#ffffff", "#eeeeee"]]
    rows = table(go.Figure(shown), tmp_path)
    assert rows == [
        {"trace": "0", "what": "layers", "value": "3"},
        {"trace": "0", "what": "heads", "value": "4"},
    ]
