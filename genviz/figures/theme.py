"""The one look: every colour, font and size of figures, pages and exports.

Categorical colours are Okabe and Ito's (colour-blind safe, https://jfly.uni-koeln.de/color/), darkened or
lightened per theme to keep contrast; magnitudes have one hue of even steps in lightness, signed values a
diverging scale centred on 0.
"""

from dataclasses import dataclass
from functools import cache

import plotly.graph_objects as go

from genviz.errors import ControlError

FONT = "Inter, system-ui, 'Segoe UI', 'Helvetica Neue', Arial, sans-serif"
MONO = "ui-monospace, 'JetBrains Mono', 'DejaVu Sans Mono', Menlo, monospace"
SIZE = 15  # px; readable on a projector at 1280 × 720


@dataclass(frozen=True)
class Palette:
    """Colours of one theme."""

    page: str
    panel: str
    text: str
    muted: str
    line: str
    accent: str
    categories: tuple[str, ...]
    magnitude: tuple[tuple[float, str], ...]
    signed: tuple[tuple[float, str], ...]
    spectrum: tuple[tuple[float, str], ...]  # for points: no end of it fades into the page


LIGHT = Palette(
    page="#ffffff",
    panel="#f6f7f9",
    text="#16181d",
    muted="#5b6270",
    line="#dfe3e8",
    accent="#0b62b8",
    categories=(
        "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#b8860b", "#3f8fc4", "#6a4c93", "#7a7f87",
        "#8c2d04", "#00756b",
    ),
    magnitude=((0.0, "#f7fbff"), (0.25, "#b9d7ea"), (0.5, "#5fa6d1"), (0.75, "#2171b5"), (1.0, "#08306b")),
    signed=((0.0, "#b2440e"), (0.25, "#eba06f"), (0.5, "#f4f4f4"), (0.75, "#7fb6d8"), (1.0, "#0b5394")),
    spectrum=((0.0, "#e8a11c"), (0.35, "#d9573f"), (0.7, "#8b2f7f"), (1.0, "#2a1a5e")),
)  # fmt: skip
DARK = Palette(
    page="#12151b",
    panel="#1a1e26",
    text="#eceff4",
    muted="#a3acba",
    line="#2e3541",
    accent="#6cb6ff",
    categories=(
        "#56b4e9", "#e69f00", "#2fc49a", "#e39bc4", "#f0e442", "#7fa8ff", "#b79ae0", "#aab2bd",
        "#ff8c61", "#4fd1c5",
    ),
    magnitude=((0.0, "#171c26"), (0.25, "#1d4468"), (0.5, "#2f7ab3"), (0.75, "#74b8e0"), (1.0, "#eaf6ff")),
    signed=((0.0, "#ff9a5c"), (0.25, "#a8592a"), (0.5, "#20242c"), (0.75, "#2d6fa3"), (1.0, "#7cc4ff")),
    spectrum=((0.0, "#6a57c9"), (0.35, "#c05a9c"), (0.7, "#f2916b"), (1.0, "#ffe08a")),
)  # fmt: skip
PALETTES = {"light": LIGHT, "dark": DARK}

# One colour per role everywhere, as an index into `categories`.
ROLES = {
    "query": 0, "key": 1, "value": 2,
    "real": 2, "fake": 1,
    "encoder": 0, "latent": 3, "decoder": 1,
    "positive": 0, "negative": 1,
    "train": 0, "validation": 1,
    "greedy": 4, "beam": 0,
    "attention": 0, "cross_attention": 5, "mixing": 4, "feed_forward": 1, "embedding": 2, "bias": 7,
    "path": 3, "first": 0, "second": 1,
    "position": 4, "head": 5, "weights": 5, "gradients": 6, "optimizer": 9, "activations": 3, "cache": 4,
}  # fmt: skip


def palette(theme: str) -> Palette:
    """Colours of ``"light"`` or ``"dark"``."""
    if theme not in PALETTES:
        raise ControlError(f"theme={theme!r} does not fit: the themes are {', '.join(PALETTES)}")
    return PALETTES[theme]


def role(name: str, theme: str = "light") -> str:
    """The colour of a role (``"real"``, ``"query"``, …) in a theme."""
    return palette(theme).categories[ROLES[name]]


@cache
def template(theme: str) -> go.layout.Template:
    """Plotly template of a theme: figures hold no colour or font of their own unless it carries meaning."""
    colours = palette(theme)
    axis = {
        "gridcolor": colours.line, "linecolor": colours.line, "zerolinecolor": colours.line,
        "automargin": True,
        "title": {"font": {"size": SIZE, "color": colours.muted}, "standoff": 8}, "ticks": "",
        "tickfont": {"size": SIZE - 2},
    }  # fmt: skip
    layout = go.Layout(
        font={"family": FONT, "size": SIZE, "color": colours.text},
        title={"font": {"size": SIZE + 3}, "x": 0, "xref": "container", "xanchor": "left", "pad": {"l": 12}},
        paper_bgcolor=colours.page,
        plot_bgcolor=colours.page,
        colorway=list(colours.categories),
        colorscale={
            "sequential": list(colours.magnitude),
            "sequentialminus": list(reversed([(1 - at, hue) for at, hue in colours.magnitude])),
            "diverging": list(colours.signed),
        },
        coloraxis={"colorbar": {"outlinewidth": 0, "thickness": 12, "ticks": ""}},
        xaxis=axis,
        yaxis=axis,
        scene={
            name: {"gridcolor": colours.line, "backgroundcolor": colours.page}
            for name in ("xaxis", "yaxis", "zaxis")
        },
        hoverlabel={
            # without a colour of its own, what is written takes the border's
            "font": {"family": FONT, "size": SIZE - 1, "color": colours.text},
            "bgcolor": colours.panel,
            "bordercolor": colours.line,
        },
        legend={"bgcolor": "rgba(0,0,0,0)", "font": {"size": SIZE - 1}},
        margin={"l": 60, "r": 24, "t": 44, "b": 52},
        modebar={
            "bgcolor": "rgba(0,0,0,0)",
            "color": colours.muted,
            "activecolor": colours.accent,
            "orientation": "v",
        },
        separators=".,",
    )
    bar = {"colorbar": {"outlinewidth": 0, "thickness": 12, "ticks": ""}}
    return go.layout.Template(layout=layout, data={"heatmap": [bar], "scatter": [{"marker": {"size": 7}}]})
