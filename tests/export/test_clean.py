import copy
import json
import re
import zipfile
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

import genviz
from genviz.export import Slide, markup, renderer
from genviz.export.clean import as_json, clean_text, clean_words, is_dark

DATA = "data:image/png;base64,iVBORw0KGgo="


@given(st.text(st.characters(codec=None)))
def test_clean_text_fits_into_xml_and_utf8(text: str) -> None:
    cleaned = clean_text(text)
    cleaned.encode()
    element = etree.Element("t")
    element.text = cleaned
    assert etree.fromstring(etree.tostring(element)).text in (cleaned, cleaned.replace("\r", "\n"), None)
    assert clean_text(cleaned) == cleaned


def test_clean_text_keeps_what_is_writable() -> None:
    assert clean_text("a\tb\nσ→ 😀") == "a\tb\nσ→ 😀"
    assert clean_text("\ud83d, \ufffe, \x1b[0m") == "\ufffd, \ufffd, \ufffd[0m"
    assert clean_words('<b>Bold</b><br>and <span style="x">plain</span>, a < b') == "Bold and plain, a < b"


def test_links_and_styles_that_load_are_taken_off() -> None:
    def cleaned(text: str) -> str:
        return str(as_json(go.Figure(layout={"title": {"text": text}}))["layout"]["title"]["text"])

    assert cleaned('<a href="https://a.example">x</a> <A target=_blank>y</A>') == "x y"
    assert cleaned('<span style="fill:url(//a)">x</span>') == "<span >x</span>"
    assert cleaned("<span style='fill: U\\52 L(//a)'>x</span>") == "<span >x</span>"
    for kept in (
        '<span style="color:red">x</span>',
        "a < b, url(x), <b>c</b>",
        "<unk> <|endoftext|> style='url'",
    ):
        assert cleaned(kept) == kept


def test_sources_elsewhere_are_taken_out_and_pictures_stay(hostile: go.Figure) -> None:
    hostile.add_layout_image(source=DATA)
    hostile.add_trace(go.Image(source=DATA))
    hostile.add_trace(go.Sankey(link={"source": [0], "target": [1], "value": [1]}))
    plain = as_json(hostile)
    assert [image.get("source") for image in plain["layout"]["images"]] == [None, None, DATA]
    assert [trace.get("source") for trace in plain["data"][1:3]] == [None, DATA]
    assert plain["data"][3]["link"]["source"] == [0]
    assert "source" not in plain["layout"]["template"]["layout"]["images"][0]
    assert "source" not in plain["layout"]["template"]["data"]["image"][0]


@pytest.mark.parametrize(
    "source",
    [
        "http://a.example",
        "HTTPS://a.example",
        "//a.example",
        "file:///etc/passwd",
        "/etc/passwd",
        "a.png",
        "data:text/html,x",
    ],
)
def test_only_embedded_pictures_count(source: str) -> None:
    assert "source" not in as_json(go.Figure(layout={"images": [{"source": source}]}))["layout"]["images"][0]


def test_cleaning_does_not_change_the_figure(hostile: go.Figure) -> None:
    before = copy.deepcopy(hostile.to_dict())
    as_json(hostile, "dark")
    assert str(hostile.to_dict()) == str(before)


def test_a_figure_without_a_font_gets_ours() -> None:
    assert as_json(go.Figure())["layout"]["font"]["family"].startswith("Inter")
    assert as_json(go.Figure(layout={"font": {"family": "Courier"}}))["layout"]["font"]["family"] == "Courier"


@pytest.mark.parametrize(
    ("paper", "dark"),
    [(None, False), ("#12151b", True), ("black", True), ("#fff", False), ("#000", True), ("white", False)],
)
def test_dark_paper_is_known(paper: str | None, dark: bool) -> None:
    drawn = go.Figure(layout={"paper_bgcolor": paper})
    assert is_dark(drawn, None) is dark
    assert is_dark(drawn, "dark") is True
    assert is_dark(drawn, "light") is False


def contents(path: Path) -> list[bytes]:
    """The parts of a file that hold what was given, without the library inside HTML."""
    if path.suffix == ".pptx":
        with zipfile.ZipFile(path) as archive:
            return [archive.read(name) for name in archive.namelist()]
    if path.suffix == ".json":
        return [fetched(json.loads(path.read_text()))]
    if path.suffix == ".html":
        text = path.read_text(encoding="utf-8").replace(markup.plotly_js(), "")
        figures = re.search(r'(<script type="application/json" id="figures">)(.*?)</script>', text)
        assert figures is not None
        return [text.replace(figures[0], "").encode(), fetched(json.loads(figures[2]))]
    if path.suffix == ".pdf":
        from pypdf import PdfReader

        reader = PdfReader(path)
        marks = [str(page.get("/Annots")) for page in reader.pages]
        return [" ".join(marks).encode(), str(reader.trailer["/Root"]).encode()]
    return [path.read_bytes()]


def fetched(value: Any, key: str = "") -> bytes:
    """What plotly.js would load from, of a figure as JSON."""
    if isinstance(value, dict):
        return b"".join(fetched(inner, name) for name, inner in value.items())
    if isinstance(value, list):
        return b"".join(fetched(inner, key) for inner in value)
    styled = isinstance(value, str) and re.search("<[^>]*style", value)
    return f"{key}={value}\n".encode() if key in ("source", "geojson", "style") or styled else b""


# What a reader would load or run: an attribute or CSS that names a place outside the file.
POINTERS = re.compile(
    rb"""(?:(?:src|href|source)\\?["']?\s*[=:]\s*\\?["']?|url\(\s*["']?)(?:https?:|file:|//)|TargetMode="External"|/URI""",
    re.IGNORECASE,
)


def test_pointers_would_be_found() -> None:
    for text in (
        b'src="http://a"',
        b"url(//a)",
        b'"source":"https://a"',
        b'xlink:href="file:///a"',
        b"href=//a",
    ):
        assert POINTERS.search(text)


@pytest.mark.browser
@pytest.mark.parametrize("suffix", [".svg", ".png", ".pdf", ".pptx", ".html", ".json"])
def test_nothing_points_elsewhere(hostile: go.Figure, tmp_path: Path, suffix: str) -> None:
    path = genviz.write(Slide(hostile, "A title", "A caption"), tmp_path / f"a{suffix}")
    for content in contents(path):
        # The attack itself may be shown, as text.
        shown = re.sub(rb"""&lt;img src=(?:&quot;|")https?://evil""", b"", content)
        found = POINTERS.search(shown)
        assert found is None, shown[max(0, found.start() - 80) : found.end() + 80]


@pytest.mark.browser
def test_a_picture_from_elsewhere_is_not_drawn(tmp_path: Path) -> None:
    """The drawing page has no network and no files, even for a source that slipped through."""
    secret = tmp_path / "secret.svg"
    secret.write_text(
        '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9"/></svg>'
    )
    image = {
        "source": secret.as_uri(),
        "x": 0,
        "y": 1,
        "sizex": 1,
        "sizey": 1,
        "xref": "paper",
        "yref": "paper",
    }
    spec = json.dumps(
        {"figure": {"data": [], "layout": {"images": [image]}}, "width": 90, "height": 90, "scale": 1}
    )

    async def job(tab: renderer.Tab) -> str:
        return await tab.call("svg", spec)

    assert "<image" not in renderer.run(job, suffix=".svg", timeout=20)
