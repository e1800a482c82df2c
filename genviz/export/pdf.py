"""PDF: vectors, one page for each figure."""

import base64
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from genviz.export import renderer
from genviz.export.base import HEIGHT, WIDTH, Options, Slide
from genviz.export.clean import for_paper, is_dark
from genviz.export.words import LONGEST_CAPTION, LONGEST_TITLE, Words, shortened, untitled, words
from genviz.figures import theme as look


def write_pdf(slides: Sequence[Slide], path: Path, options: Options) -> None:
    """Write every figure on a page of its own.

    A bare figure alone fills a page of its own size (for a paper). Several are pages of 16:9; a slide with a
    title or a caption has them on its page.
    """
    sheets = [_sheet(slide, options, len(slides) == 1) for slide in slides]

    async def job(tab: renderer.Tab) -> str:
        await tab.call("clear")
        for frame, figure in sheets:
            room = json.loads(await tab.call("sheet", json.dumps(frame)))
            await tab.call("hang", renderer.spec(figure, room))
        page = sheets[0][0]["page"]
        printed = await tab.print((page[0], page[1]))
        await tab.call("clear")
        return printed

    path.write_bytes(base64.b64decode(renderer.run(job, suffix=".pdf", timeout=options.timeout)))


def _sheet(slide: Slide, options: Options, alone: bool) -> tuple[dict[str, Any], dict[str, Any]]:
    """The page around a figure, and the figure."""
    figure = for_paper(slide.figure, options.theme)
    # The figure's own title is part of the picture; only words given for the page need a frame.
    said = words(slide) if slide.title or slide.caption else Words("", "", "")
    if alone and not said.spoken:
        page = options.size(figure["layout"])
    else:
        page = (options.width or WIDTH, options.height or HEIGHT)
    colours = look.DARK if is_dark(slide.figure, options.theme) else look.LIGHT
    frame = {
        "page": page,
        "title": shortened(said.title, LONGEST_TITLE),
        "caption": shortened(said.caption, LONGEST_CAPTION),
        "colours": {"page": colours.page, "text": colours.text, "muted": colours.muted},
    }
    return frame, untitled(figure, said)
