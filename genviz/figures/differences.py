"""Differences between two runs: one head's weights, the vectors of each token, the words that come next."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from genviz.figures.arrays import plain
from genviz.figures.attention_matrix import KEY_TITLE, QUERY_TITLE
from genviz.figures.base import blank, foot
from genviz.figures.colours import colorbar, masked
from genviz.figures.layer_map import Scale, layer_map
from genviz.figures.text import clean, tokens
from genviz.figures.theme import SIZE, palette

CELLS_UP_TO = 256  # tokens per side of which every cell is drawn
LABELS_UP_TO = 40
LEAST = 0.01  # a difference of weights that has a colour of its own; noise below it stays pale


_PLAIN = {"showgrid": False, "zeroline": False}


def attention_difference(
    difference: NDArray[Any],
    allowed: NDArray[np.bool_],
    *,
    queries: Sequence[Any],
    keys: Sequence[Any],
    names: tuple[str, str],
    note: str = "",
    title: str = "",
    theme: str = "light",
) -> go.Figure:
    """Draw the weights of one run minus those of another; colours are centred on no difference.

    Parameters
    ----------
    difference : float array, (query, key)
        Second minus first.
    allowed : bool array, (query, key)
        False where the mask forbids to look.
    queries, keys : sequence
        Tokens that both runs have.
    names : (str, str)
        The first and the second run.
    note : str
    title : str
    theme : {"light", "dark"}
    """
    figure = blank(theme, clean(title), f"{clean(names[1])} minus {clean(names[0])}")
    shown = [tokens(map(str, each)) for each in (queries, keys)]
    values, may, step = _thinned(np.asarray(difference, np.float32), allowed)
    at = [np.arange(side)[::step] for side in difference.shape]
    hover = [[f"{shown[0][i]} ({i}) → {shown[1][j]} ({j})" for j in at[1]] for i in at[0]]
    most = max(float(np.nanmax(np.abs(np.where(may, values, np.nan)), initial=0)), LEAST)
    figure.add_heatmap(
        z=plain(np.where(may, values, np.nan)), x0=0, dx=step, y0=0, dy=step, zmin=-most, zmax=most,
        colorscale=[list(stop) for stop in palette(theme).signed], text=hover, hoverongaps=False, xgap=0.5,
        ygap=0.5, hovertemplate="%{text}<br>difference %{z:+.6f}<extra></extra>", name="difference",
        colorbar=colorbar("difference of weights"),
    )  # fmt: skip
    figure.add_heatmap(
        z=plain(np.where(may, np.nan, 0.0)), x0=0, dx=step, y0=0, dy=step, showscale=False, xgap=0.5,
        ygap=0.5, colorscale=[[0, masked(theme)], [1, masked(theme)]], hoverongaps=False, name="masked",
        hovertemplate="masked: may not be looked at<extra></extra>",
    )  # fmt: skip
    figure.update_xaxes(title=KEY_TITLE, constrain="domain", **_PLAIN, **_ticks(shown[1]))
    figure.update_yaxes(
        title=QUERY_TITLE, range=[len(queries) - 0.5, -0.5], scaleanchor="x", constrain="domain", **_PLAIN,
        **_ticks(shown[0]),
    )  # fmt: skip
    if step > 1:
        note = f"Blocks of {step} × {step} cells, each with its largest difference. {note}"
    if note:
        foot(figure, clean(note, 300), theme)
    return figure


def _thinned(
    values: NDArray[np.float32], allowed: NDArray[np.bool_]
) -> tuple[NDArray[np.float32], NDArray[np.bool_], int]:
    """Blocks of a large map, each with the value of the largest size in it."""
    step = -(-max(values.shape) // CELLS_UP_TO)
    if step <= 1:
        return values, allowed, 1
    sides = [-(-side // step) * step - side for side in values.shape]
    pad = [(0, side) for side in sides]
    filled = np.pad(np.where(allowed, np.nan_to_num(values), 0), pad)
    blocks = filled.reshape(filled.shape[0] // step, step, filled.shape[1] // step, step)
    high, low = blocks.max(axis=(1, 3)), blocks.min(axis=(1, 3))
    seen = np.pad(allowed, pad).reshape(blocks.shape).any(axis=(1, 3))
    return np.where(high >= -low, high, low), np.asarray(seen), int(step)


def _ticks(names: list[str]) -> dict[str, Any]:
    if len(names) > LABELS_UP_TO:
        return {"tickmode": "auto"}
    return {"tickmode": "array", "tickvals": list(range(len(names))), "ticktext": names}


def stream_difference(
    turns: NDArray[Any],
    *,
    words: Sequence[Any],
    layers: Sequence[str],
    names: tuple[str, str],
    note: str = "",
    theme: str = "light",
) -> go.Figure:
    """Draw how far each token's vector has turned, layer by layer.

    Parameters
    ----------
    turns : float array, (layer, token)
        ``1 - cosine``.
    words : sequence
        Tokens that both runs have.
    layers : sequence of str
    names : (str, str)
    note : str
    theme : {"light", "dark"}
    """
    finite = np.where(np.isfinite(turns), turns, -1)
    figure = layer_map(
        turns,
        words=words,
        layers=layers,
        scale=Scale("1 − cosine", (0.0, float(max(finite.max(), 1e-9)))),
        chosen=int(finite[-1].argmax()),
        hover=[[f"1 − cosine {value:.6f}" for value in row] for row in turns],
        theme=theme,
    )
    title = f"{clean(names[0])} against {clean(names[1])}: how far each token's vector has turned"
    figure.update_layout(title={"text": title}, margin={"t": 56})
    if note:
        foot(figure, clean(note, 300), theme)
    return figure


@dataclass(frozen=True)
class Guess:
    """What one run says comes after a token.

    Parameters
    ----------
    words : sequence of str
        Likeliest first.
    probabilities : sequence of float
    """

    words: Sequence[str]
    probabilities: Sequence[float]


def predictions(
    guesses: Sequence[tuple[Guess, Guess]],
    *,
    words: Sequence[Any],
    names: tuple[str, str],
    note: str = "",
    theme: str = "light",
) -> go.Figure:
    """Draw the likeliest next word of both runs under every token that they share.

    Parameters
    ----------
    guesses : sequence of (Guess, Guess)
        One pair per token.
    words : sequence
        The tokens.
    names : (str, str)
    note : str
    theme : {"light", "dark"}
    """
    colours, shown = palette(theme), tokens(map(str, words))
    differ = sum(a.words[:1] != b.words[:1] for a, b in guesses)
    title = f"{differ} of {len(guesses)} next words differ"
    figure = blank(theme, title, f"{clean(names[0])} above, {clean(names[1])} below")
    rows = [[pair[side] for pair in guesses] for side in (0, 1)]
    figure.add_heatmap(
        z=[[guess.probabilities[0] for guess in row] for row in rows],
        x=list(range(len(shown))),
        y=[0, 1],
        text=[[clean(guess.words[0], 14) for guess in row] for row in rows],
        texttemplate="%{text}" if len(shown) <= LABELS_UP_TO else None,
        textfont={"size": SIZE - 1},
        customdata=[[_listed(guess) for guess in row] for row in rows],
        hovertemplate="%{customdata}<extra></extra>",
        zmin=0,
        zmax=1,
        colorscale=[list(stop) for stop in colours.magnitude],
        xgap=2,
        ygap=6,
        colorbar=colorbar("probability"),
        name="next word",
    )
    for at, (a, b) in enumerate(guesses):
        if a.words[:1] != b.words[:1]:
            figure.add_shape(
                type="rect", x0=at - 0.5, x1=at + 0.5, y0=-0.5, y1=1.5,
                line={"color": colours.categories[1], "width": 3},
            )  # fmt: skip
    figure.update_xaxes(title="after this token", showgrid=False, **_ticks(shown))
    figure.update_yaxes(
        title="run", tickvals=[0, 1], ticktext=[clean(name, 18) for name in names], autorange="reversed",
        showgrid=False,
    )  # fmt: skip
    foot(figure, clean(f"Framed: the likeliest word differs. {note}", 300), theme)
    return figure


def _listed(guess: Guess) -> str:
    pairs = zip(guess.words, guess.probabilities, strict=True)
    return "<br>".join(f"{clean(word, 24)} {probability:.6f}" for word, probability in pairs)
