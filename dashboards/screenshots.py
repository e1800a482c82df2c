"""Every page of every sample in both themes, as PNG files to look at."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

from dashboards.pages import PAGES
from dashboards.stage import Stage
from genviz.errors import GenvizError, MissingBrowser
from genviz.showing import sample_subjects

#: True in the browser once every picture that is shown is drawn.
DRAWN = """() => {
    const views = [...document.querySelectorAll('.view:not([hidden])')];
    const player = document.getElementById('player');
    return document.querySelector('.card, .slide-list') !== null && views.length === 0 || views.length > 0
        && views.every(view => view.classList.contains('drawn') && !view.classList.contains('busy')
            && (view.querySelector('.js-plotly-plot .main-svg') || view.classList.contains('failed')))
        && (player === null || player.querySelector('button, p') !== null);
}"""
_SETTLE = 400  # ms for the last paint


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve the samples, take the pictures, and say where they are."""
    parser = argparse.ArgumentParser(prog="python -m dashboards.screenshots", description=__doc__)
    parser.add_argument("out", type=Path, metavar="OUT", help="folder to write to")
    parser.add_argument("--only", nargs="+", metavar="SAMPLE", help="some of the samples")
    parser.add_argument("--size", default="1440x900", help="of the window, in px")
    options = parser.parse_args(arguments)
    width, height = (int(side) for side in options.size.split("x"))
    try:
        paths = take(options.out, only=options.only, size=(width, height))
    except GenvizError as error:
        print(f"screenshots: {error}", file=sys.stderr)
        return 1
    print(f"{len(paths)} pictures in {options.out}")
    return 0


def take(out: Path, *, only: Sequence[str] | None = None, size: tuple[int, int] = (1440, 900)) -> list[Path]:
    """Take a picture of every page × theme of the sample models.

    Raises
    ------
    MissingBrowser
        When there is no Chromium.
    """
    from playwright.sync_api import sync_playwright

    from dashboards.server import start
    from genviz.export.browser import find_browser

    browser = find_browser()
    if browser is None:
        raise MissingBrowser("screenshots need Chromium: install the package 'chromium', or set BROWSER_PATH")
    out.mkdir(parents=True, exist_ok=True)
    with start(sample_subjects(only or ()), port=0) as server, sync_playwright() as tools:
        opened = tools.chromium.launch(executable_path=str(browser), args=["--no-sandbox"])
        window = opened.new_page(viewport={"width": size[0], "height": size[1]})
        pages = list(links(server.stage))
        return [
            _picture(window, server.url.rstrip("/"), slug, page, theme, out)
            for slug, page in tqdm(pages, desc="pages")
            for theme in ("light", "dark")
        ]


def links(stage: Stage) -> Iterator[tuple[str, str]]:
    """Subject and page of every page that applies, each subject started; the slides once."""
    for slug in stage.acts:
        performance = stage.ask(slug)
        performance.wait(120)
        for page in PAGES:
            if page.panels and page.applies(performance.subject):
                yield slug, page.name
    yield next(iter(stage.acts)), "slides"


def _picture(window: Any, base: str, slug: str, page: str, theme: str, out: Path) -> Path:
    window.goto(f"{base}/{slug}/{page}?theme={theme}")
    window.wait_for_function(DRAWN, timeout=60_000)
    window.wait_for_timeout(_SETTLE)
    path = out / f"{slug}-{page}-{theme}.png"
    window.screenshot(path=str(path))
    return path


if __name__ == "__main__":
    raise SystemExit(main())
