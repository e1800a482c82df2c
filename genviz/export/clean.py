"""Figures as plain JSON that is safe to hand on: clean text, and nothing that a reader would fetch."""

import re
from typing import Any

import plotly.graph_objects as go

from genviz.errors import ExportError
from genviz.export.recolour import in_theme
from genviz.figures import theme as look
from genviz.figures.played import without_bar

# Not allowed in XML 1.0 (https://www.w3.org/TR/xml/#charsets), and so not in SVG and PowerPoint either.
_UNWRITABLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]"
)
# Plotly's pseudo-HTML knows links; everything else that it does not know it shows as text.
_LINK = re.compile(r"</?a\b[^>]*>", re.IGNORECASE)
# … and passes their styles on to SVG, where url() loads; backslashes could spell it otherwise.
_LOADING_STYLE = re.compile(
    r"""(<[^>]*?)\bstyle\s*=\s*(["'])(?:(?!\2).)*?(?:url|\\)(?:(?!\2).)*\2""", re.IGNORECASE | re.DOTALL
)
_PICTURE = re.compile(r"data:image/(?:png|jpeg|webp|gif|svg\+xml)[;,]", re.IGNORECASE)
_ADDRESS = re.compile(r"\s*(?:[a-z][a-z0-9+.-]*:|//|\\\\|/)", re.IGNORECASE)
# Attributes that plotly.js loads from; the values of other attributes are never fetched.
_FETCHED = frozenset({"source", "geojson", "sourceattribution"})
# Drawn over tiles or outlines that plotly.js downloads.
_NEEDS_NETWORK = ("geo", "mapbox", "choropleth", "scattermap", "densitymap")


def clean_text(text: str) -> str:
    """The text without what files cannot hold: control characters, lone surrogates, noncharacters."""
    return _UNWRITABLE.sub("\N{REPLACEMENT CHARACTER}", text)


def clean_words(text: str) -> str:
    """A title or caption as plain text: Plotly's pseudo-HTML (``<b>``, ``<br>``) is taken off."""
    broken = re.sub(r"<br\s*/?>", " ", clean_text(text), flags=re.IGNORECASE)
    return re.sub(r"</?(?:b|i|u|s|em|strong|sub|sup|span|a)\b[^>]*>", "", broken, flags=re.IGNORECASE).strip()


def as_json(figure: go.Figure, theme: str | None = None) -> dict[str, Any]:
    """The figure as plain JSON (arrays as typed base64), in a theme, with nothing left that would be fetched.

    Parameters
    ----------
    figure : Figure
        Not changed.
    theme : {None, "light", "dark"}
        None keeps the figure's template.

    Returns
    -------
    dict
        ``data``, ``layout`` and, if there are any, ``frames``.
    """
    copied = figure.to_dict()
    plain: dict[str, Any] = _cleaned(copied)
    if theme is not None:
        plain = in_theme(plain, theme)
    layout = plain["layout"]
    own = layout.get("font", {}).get("family")
    if not (own or layout.get("template", {}).get("layout", {}).get("font", {}).get("family")):
        layout.setdefault("font", {})["family"] = look.FONT
    return plain


def for_drawing(figure: go.Figure, theme: str | None = None) -> dict[str, Any]:
    """As :func:`as_json`, for formats that show the figure.

    Raises
    ------
    ExportError
        When the figure is a map, whose tiles or outlines would come from the network.
    """
    plain = as_json(figure, theme)
    kinds = sorted({str(trace.get("type", "scatter")) for trace in plain["data"]})
    if maps := [kind for kind in kinds if any(word in kind for word in _NEEDS_NETWORK)]:
        raise ExportError(
            f"the figure has {', '.join(maps)}, whose map would be downloaded when it is drawn; exports "
            "never use the network. Draw it with scatter or heatmap, or use .json or .csv for its numbers"
        )
    return plain


def for_paper(figure: go.Figure, theme: str | None = None) -> dict[str, Any]:
    """As :func:`for_drawing`, for formats that stand still: what plays a figure is taken off.

    Raises
    ------
    ExportError
        As there.
    """
    plain = {name: part for name, part in for_drawing(figure, theme).items() if name != "frames"}
    without_bar(plain["layout"])
    return plain


def is_dark(figure: go.Figure, theme: str | None) -> bool:
    """Whether the page around the figure should be dark: the theme asked for, else the figure's own paper."""
    if theme is not None:
        return theme == "dark"
    template = figure.layout.template.layout
    paper = figure.layout.paper_bgcolor or (template.paper_bgcolor if template else None) or "#ffffff"
    match = re.fullmatch(r"#([0-9a-fA-F]{2})([0-9a-fA-F]{2})([0-9a-fA-F]{2})", str(paper))
    if match:
        return sum(int(part, 16) for part in match.groups()) < 3 * 100
    return str(paper).lower() in {"black", "#000"}


def _cleaned(value: Any, key: str = "") -> Any:
    if isinstance(value, dict):
        kept = {clean_text(str(name)): _cleaned(inner, str(name)) for name, inner in value.items()}
        return {name: inner for name, inner in kept.items() if not _is_fetched(name, inner)}
    if isinstance(value, list | tuple):
        return [_cleaned(inner, key) for inner in value]
    if isinstance(value, str):
        return value if key == "bdata" else _unlinked(clean_text(value))
    if getattr(value, "dtype", None) is not None and value.dtype.kind in "OU":
        return [_cleaned(inner, key) for inner in value.tolist()]
    return value


def _unlinked(text: str) -> str:
    return _LOADING_STYLE.sub(r"\1", _LINK.sub("", text)) if "<" in text else text


def _is_fetched(key: str, value: Any) -> bool:
    if key == "style" and isinstance(value, str):  # of a map
        return _ADDRESS.match(value) is not None
    return key in _FETCHED and isinstance(value, str) and not _PICTURE.match(value)
