"""HTML: one file for any number of figures, alive, with everything inside and the network shut out."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from plotly.io.json import to_json_plotly

from genviz.export import markup
from genviz.export.base import Options, Slide
from genviz.export.clean import for_drawing, is_dark
from genviz.export.words import Words, alternative, untitled, words
from genviz.figures import theme as look
from genviz.figures import typeface

_HERE = Path(__file__).parent
# Drawn by regl, which makes functions from text; other traces, 3-D ones among them, do without.
_REGL = frozenset({"scattergl", "scatterpolargl", "splom", "parcoords"})


def write_html(slides: Sequence[Slide], path: Path, options: Options) -> None:
    """Write figures one below the other; arrow keys step through them."""
    path.write_text(_page(slides, options), encoding="utf-8", newline="\n")


def _page(slides: Sequence[Slide], options: Options) -> str:
    said = [words(slide) for slide in slides]
    pairs = list(zip(slides, said, strict=True))
    figures = [
        _filling(untitled(for_drawing(slide.figure, options.theme), text), options) for slide, text in pairs
    ]
    sections = "\n".join(_section(number, slide, text) for number, (slide, text) in enumerate(pairs))
    title = next((text.title for text in said if text.title), "Figures")
    scripts = (markup.plotly_js(), markup.inline_script((_HERE / "web.js").read_text(encoding="utf-8")))
    data = to_json_plotly(figures)
    style = typeface.css(_faces(sections + data)) + _style(is_dark(slides[0].figure, options.theme))
    return "\n".join(
        (
            "<!DOCTYPE html>",
            '<html lang="en"><head><meta charset="utf-8">',
            markup.policy(scripts, makes_code=any(map(_by_regl, figures))),
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta name="generator" content="genviz">',
            f"<title>{markup.escaped(title)}</title>",
            f"<style>{style}</style>",
            f"</head><body><main>\n{sections}\n</main>",
            f'<script type="application/json" id="figures">{markup.inline_json(data)}</script>',
            *(f"<script>{script}</script>" for script in scripts),
            "</body></html>\n",
        )
    )


def _by_regl(figure: dict[str, Any]) -> bool:
    frames = figure.get("frames") or []
    traces = [*figure["data"], *(trace for frame in frames for trace in frame.get("data") or [])]
    return any(trace.get("type") in _REGL for trace in traces)


def _section(number: int, slide: Slide, said: Words) -> str:
    heading = "h1" if number == 0 else "h2"
    notes = f"<details><summary>Notes</summary><div>{markup.escaped(said.notes)}</div></details>"
    parts = [
        f'<section id="slide-{number + 1}" tabindex="-1">',
        f"<{heading}>{markup.escaped(said.title)}</{heading}>" if said.title else "",
        f'<div class="figure" role="group" aria-label="{markup.escaped(alternative(slide))}"></div>',
        f"<p>{markup.escaped(said.caption)}</p>" if said.caption else "",
        notes if said.notes else "",
        "</section>",
    ]
    return "\n".join(filter(None, parts))


def _filling(figure: dict[str, Any], options: Options) -> dict[str, Any]:
    """The figure with the size asked for, or else filling its place."""
    layout = {
        name: value for name, value in figure["layout"].items() if name not in ("width", "height", "autosize")
    }
    asked = {name: size for name, size in (("width", options.width), ("height", options.height)) if size}
    return figure | {"layout": layout | asked | {"autosize": True}}


def _faces(text: str) -> tuple[typeface.Face, ...]:
    # Headings are bold, and what a hover shows is made up by plotly.js: both weights of every range in use.
    used = {face.subset for face in typeface.FACES if face.subset == "latin" or face.covers(text)}
    return tuple(face for face in typeface.FACES if face.subset in used)


def _style(dark: bool) -> str:
    colours = look.DARK if dark else look.LIGHT
    names = ("page", "text", "muted", "line", "accent")
    variables = ";".join(f"--{name}:{getattr(colours, name)}" for name in names)
    rest = (_HERE / "web.css").read_text(encoding="utf-8")
    return f":root{{{variables}}}\nbody{{font-family:{look.FONT}}}\n{rest}"
