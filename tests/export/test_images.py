import base64
import io
import re
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
import pytest
from lxml import etree
from PIL import Image

import genviz
from genviz.export.images import finished_svg

pytestmark = pytest.mark.browser
SVG = "{http://www.w3.org/2000/svg}"


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB")).astype(int)


def test_png_is_as_large_as_said(figure: go.Figure, tmp_path: Path) -> None:
    with Image.open(genviz.write(figure, tmp_path / "a.png")) as image:
        assert (image.format, image.size) == ("PNG", (2560, 1440))
    with Image.open(genviz.write(figure, tmp_path / "b.png", width=400, height=300, scale=1.5)) as image:
        assert image.size == (600, 450)
    with Image.open(
        genviz.write(figure.update_layout(width=500, height=200), tmp_path / "c.png", scale=1)
    ) as image:
        assert image.size == (500, 200)


def test_heatmap_cells_have_their_colours_and_hard_edges(tmp_path: Path) -> None:
    cells = go.Figure(go.Heatmap(z=[[0, 1], [1, 0]], colorscale=["#ff0000", "#0000ff"], showscale=False))
    cells.update_layout(width=200, height=200, margin={"l": 0, "r": 0, "t": 0, "b": 0})
    cells.update_xaxes(visible=False).update_yaxes(visible=False)
    seen = pixels(genviz.write(cells, tmp_path / "a.png", scale=2))
    assert seen[300, 100].tolist() == [255, 0, 0]  # z[0][0] is at the bottom left
    assert seen[300, 300].tolist() == [0, 0, 255]
    colours = {tuple(colour) for colour in seen[50:350, 195:205].reshape(-1, 3)}
    assert colours <= {(255, 0, 0), (0, 0, 255)}
    picture = re.search(
        r'href="data:image/png;base64,([^"]+)"', genviz.write(cells, tmp_path / "a.svg").read_text()
    )
    assert picture is not None
    with Image.open(io.BytesIO(base64.b64decode(picture[1]))) as inside:
        assert min(inside.size) >= 400  # many pixels a cell: programs that blur have nothing to blur


def test_webgl_points_are_drawn(points: go.Figure, tmp_path: Path) -> None:
    seen = pixels(genviz.write(points, tmp_path / "a.png", scale=1))
    blue = np.array([0x00, 0x72, 0xB2])
    assert (np.abs(seen - blue).sum(axis=-1) < 30).sum() > 2_000


def test_theme_changes_the_paper_but_not_the_figure(figure: go.Figure, tmp_path: Path) -> None:
    before = figure.to_json()
    corners = {
        theme: pixels(genviz.write(figure, tmp_path / f"{theme}.png", theme=theme, scale=1))[2, 640].tolist()
        for theme in ("light", "dark", None)
    }
    assert corners == {"light": [255, 255, 255], "dark": [0x12, 0x15, 0x1B], None: [255, 255, 255]}
    assert figure.to_json() == before


def test_svg_reads_back(figure: go.Figure, tmp_path: Path) -> None:
    path = genviz.write(figure, tmp_path / "a.svg")
    root = etree.parse(path).getroot()
    assert (root.tag, root.get("viewBox"), root.get("role")) == (f"{SVG}svg", "0 0 1280 720", "img")
    assert root[0].text == "What each token looks at. Every row sums to one. Chart: heatmap"
    texts = [element.text for element in root.iter(f"{SVG}text")]
    assert {"query", "What each token looks at"} <= set(texts)


def test_svg_carries_the_characters_it_needs(figure: go.Figure, tmp_path: Path) -> None:
    def faces(title: str) -> list[tuple[str, str]]:
        text = genviz.write(figure.update_layout(title=title), tmp_path / "a.svg").read_text()
        found = re.finditer(
            r"font-weight:(\d+) \d+;src:url\(data:font/woff2;base64,[^)]+\)[^}]*?unicode-range:U\+(\w+)", text
        )
        return [(match[1], match[2]) for match in found]

    assert faces("plain") == [("100", "0000")]
    assert faces("plain and <b>bold</b>") == [("100", "0000"), ("501", "0000")]
    assert faces("σ, ł") == [("100", "0000"), ("100", "0100"), ("100", "0370")]


def test_references_are_cut_from_svg() -> None:
    evil = (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">'
        '<image xlink:href="http://evil.example/a.png"/><image href="//evil.example/b.png"/>'
        '<a xlink:href="javascript:alert(1)"><text style="fill: url(http://evil.example/c)">kept</text></a>'
        '<g clip-path="url(\'#clip\')"/><image xlink:href="data:image/png;base64,AAAA"/></svg>'
    )
    text = finished_svg(evil, "a picture").decode()
    assert "evil" not in text
    assert "javascript" not in text
    assert "kept" in text
    assert text.count("#clip") == 1
    assert text.count("data:image/png") == 1
