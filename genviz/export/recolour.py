"""A figure drawn in one theme, in the colours of the other.

Figures take every colour from a palette of :mod:`genviz.figures.theme`, so each has a counterpart in the
other palette. Figures that were not drawn in either theme keep their colours.
"""

import re
from typing import Any

from genviz.figures import theme as look
from genviz.figures.cells import in_new_ink
from genviz.figures.theme import Palette

Rgb = tuple[int, int, int]
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}\b|rgba?\(\s*(\d+)\s*,\s*(\d+)\s*,\s*(\d+)\s*([,)])")
_NO_COLOURS = frozenset({"bdata", "source", "meta", "customdata", "ids", "name", "x", "y"})


def drawn_in(figure: dict[str, Any]) -> str | None:
    """The theme whose template a figure (plain JSON) has, if any."""
    ways = figure["layout"].get("template", {}).get("layout", {}).get("colorway")
    return next((name for name, own in look.PALETTES.items() if ways and tuple(ways) == own.categories), None)


def in_theme(figure: dict[str, Any], theme: str) -> dict[str, Any]:
    """The figure (plain JSON) with a theme's template, and its own colours exchanged for the theme's.

    The colours inside pictures cannot be exchanged, so figures with pictures keep their colour scales: a
    colour bar must not say other values than its picture.
    """
    drawn, template = drawn_in(figure), look.template(theme).to_plotly_json()
    if drawn is not None and drawn != theme:
        pictured = _has_pictures(figure)
        if pictured:
            template["layout"]["colorscale"] = look.template(drawn).to_plotly_json()["layout"]["colorscale"]
        exchange = _exchange(look.palette(drawn), look.palette(theme), scales=not pictured)
        figure = {name: _walk(part, exchange, name) for name, part in figure.items()}
        in_new_ink(figure["data"])
    return figure | {"layout": figure["layout"] | {"template": template}}


def _has_pictures(figure: dict[str, Any]) -> bool:
    return bool(figure["layout"].get("images")) or any(
        trace.get("type") == "image" for trace in figure["data"]
    )


def _exchange(old: Palette, new: Palette, *, scales: bool) -> dict[Rgb, Rgb]:
    """Colour to colour; where a palette uses one colour twice, its first use counts."""
    pairs = [
        (getattr(old, name), getattr(new, name))
        for name in ("text", "muted", "line", "panel", "accent", "page")
    ]
    pairs += zip(old.categories, new.categories, strict=True)
    for scale in ("magnitude", "signed") if scales else ():
        pairs += [(was[1], now[1]) for was, now in zip(getattr(old, scale), getattr(new, scale), strict=True)]
    found: dict[Rgb, Rgb] = {}
    for was, now in pairs:
        found.setdefault(_rgb(was), _rgb(now))
    return found


def _walk(value: Any, exchange: dict[Rgb, Rgb], key: str) -> Any:
    if key in _NO_COLOURS:
        return value
    if isinstance(value, dict):
        return {name: _walk(inner, exchange, name) for name, inner in value.items()}
    if isinstance(value, list):
        return [_walk(inner, exchange, key) for inner in value]
    return _COLOUR.sub(lambda match: _swapped(match, exchange), value) if isinstance(value, str) else value


def _swapped(match: re.Match[str], exchange: dict[Rgb, Rgb]) -> str:
    text = match[0]
    was = _rgb(text) if text.startswith("#") else (int(match[1]), int(match[2]), int(match[3]))
    if was not in exchange:
        return text
    red, green, blue = exchange[was]
    if text.startswith("#"):
        return f"#{red:02x}{green:02x}{blue:02x}"
    return f"{text.partition('(')[0]}({red},{green},{blue}{match[4]}"


def _rgb(colour: str) -> Rgb:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
