import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
import pytest

import genviz
from genviz.export import Slide, markup
from genviz.export.browser import find_browser


class Seen(HTMLParser):
    """Tags with their attributes, and the text of each script."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "script":
            self.scripts.append("")

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1][0] == "script":
            self.scripts[-1] += data


def test_one_file_with_plotly_once(figure: go.Figure, points: go.Figure, tmp_path: Path) -> None:
    one = genviz.write(figure, tmp_path / "one.html").read_text()
    two = genviz.write([figure, Slide(points, "T", "C")], tmp_path / "two.html").read_text()
    assert two.count(markup.plotly_js()) == 1
    assert len(two) - len(one) < 300_000
    seen = Seen(two)
    assert [tag for tag, _ in seen.tags].count("section") == 2
    assert not [tag for tag, _ in seen.tags if tag in ("link", "img", "iframe", "base", "object")]
    assert not [names for _, names in seen.tags if {"src", "href"} & set(names)]
    drawn = json.loads(seen.scripts[0])
    assert [item["data"][0]["type"] for item in drawn] == ["heatmap", "scattergl"]


def test_policy_allows_its_scripts_and_nothing_else(
    figure: go.Figure, points: go.Figure, tmp_path: Path
) -> None:
    def policy(drawn: go.Figure) -> str:
        seen = Seen(genviz.write(drawn, tmp_path / "a.html").read_text())
        return next(
            names["content"] or "" for tag, names in seen.tags if tag == "meta" and "http-equiv" in names
        )

    rules = policy(figure)
    assert rules.startswith("default-src 'none'; script-src 'sha256-")
    assert rules.count("sha256-") == 2
    assert "eval" not in rules
    assert "http" not in rules
    assert "'unsafe-eval'" in policy(points)  # regl, which draws scattergl, makes functions from text


def test_words_are_text_not_markup(hostile: go.Figure, tmp_path: Path) -> None:
    words = "<script>window.pwned=1</script> & \"quotes\" 'single' \ud800\x00"
    text = genviz.write(Slide(hostile, words, words, words), tmp_path / "a.html").read_text(encoding="utf-8")
    outside = re.sub(r"<script\b.*?</script>", "", text, flags=re.DOTALL)
    assert "<script" not in outside
    assert "<img" not in outside
    assert "&lt;script&gt;window.pwned=1&lt;/script&gt; &amp; &quot;quotes&quot;" in outside
    assert "\ufffd" in outside


def test_inline_scripts_cannot_be_ended_early() -> None:
    assert markup.inline_script("a</script>b\r\n<!-- c") == "a<\\/script>b\n<\\!-- c"
    assert json.loads(markup.inline_json(json.dumps("</script>\u2028"))) == "</script>\u2028"
    assert "</" not in markup.inline_json(json.dumps("</script>"))


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    api = pytest.importorskip("playwright.sync_api")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(find_browser()), args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def opened(chromium: Any) -> Iterator[Any]:
    """A page with the network off, and what it says and asks for."""
    context = chromium.new_context(viewport={"width": 1280, "height": 720}, offline=True)
    page = context.new_page()
    page.said = []
    page.asked = []
    page.add_init_script(
        "document.addEventListener('securitypolicyviolation', (e) => console.error(e.blockedURI))"
    )
    page.on("console", lambda note: page.said.append(note.text) if note.type == "error" else None)
    page.on("pageerror", lambda problem: page.said.append(str(problem)))
    page.on("request", lambda request: page.asked.append(request.url))
    yield page
    context.close()


def show(page: Any, path: Path) -> None:
    page.goto(path.as_uri())
    page.wait_for_function("document.querySelectorAll('.figure .main-svg').length > 0")
    page.wait_for_timeout(300)


@pytest.mark.browser
def test_works_with_the_network_off(
    opened: Any, figure: go.Figure, points: go.Figure, tmp_path: Path
) -> None:
    slides = [figure, Slide(points, "Where <b>digits</b> live", "A caption.", "Notes.")]
    path = genviz.write(slides, tmp_path / "a.html")
    show(opened, path)
    assert opened.said == []
    assert [url for url in opened.asked if not url.startswith(("data:", "blob:"))] == [path.as_uri()]
    assert opened.title() == "What each token looks at"
    fonts = opened.evaluate(
        "[...document.fonts].filter(f => f.status === 'loaded').map(f => f.family + f.weight)"
    )
    assert {name.replace('"', "") for name in fonts} >= {"Inter100 500", "Inter501 900"}
    assert opened.evaluate("getComputedStyle(document.querySelector('.figure text')).fontFamily").startswith(
        "Inter"
    )
    opened.keyboard.press("ArrowRight")
    opened.wait_for_function("Math.abs(document.getElementById('slide-2').getBoundingClientRect().top) < 2")
    opened.wait_for_function("document.querySelectorAll('#slide-2 .gl-canvas').length > 0")
    assert opened.locator("#slide-2 h2").inner_text() == "Where digits live"
    assert "WebGL is not supported" not in opened.locator("body").inner_text()
    opened.keyboard.press("ArrowLeft")
    opened.wait_for_function("Math.abs(document.getElementById('slide-1').getBoundingClientRect().top) < 2")
    assert opened.said == []


@pytest.mark.browser
def test_attacks_do_nothing(opened: Any, hostile: go.Figure, tmp_path: Path) -> None:
    text = '"><img src=x onerror="window.pwned=1"><script>window.pwned=1</script>'
    path = genviz.write(Slide(hostile, text, text, text), tmp_path / "a.html")
    show(opened, path)
    assert opened.evaluate("window.pwned") is None
    assert [url for url in opened.asked if not url.startswith(("data:", "blob:"))] == [path.as_uri()]
    assert opened.locator("a[href], a[*|href]").count() == 0


@pytest.mark.browser
@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_runs_over_the_side(opened: Any, figure: go.Figure, tmp_path: Path, width: int) -> None:
    opened.set_viewport_size({"width": width, "height": 720})
    show(opened, genviz.write(Slide(figure, "x" * 300, "y" * 600), tmp_path / "a.html", theme="dark"))
    assert opened.evaluate("document.documentElement.scrollWidth") <= width
    assert opened.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(18, 21, 27)"
