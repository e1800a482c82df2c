"""Experts × tokens: who is sent where by a mixture of experts, and with which share."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from genviz.figures.base import foot
from genviz.figures.layer_map import Scale, layer_map
from genviz.figures.text import clean, number
from genviz.shapes import Float


def experts(
    shares: Float[np.ndarray, "token expert"],
    *,
    words: Sequence[Any],
    chosen: int,
    layer: str,
    theme: str = "light",
) -> go.Figure:
    """Draw the share that each expert has in each token; a click gives ``[position]``.

    Parameters
    ----------
    shares : float array, (token, expert)
        0 where a token does not go.
    words : sequence
    chosen : int
        The token with a frame around it.
    layer : str
    theme : {"light", "dark"}
    """
    values = np.asarray(shares, np.float64).T
    sent = (values != 0).sum(1)
    figure = layer_map(
        values,
        words=words,
        layers=[f"{at} · {count:,}" for at, count in enumerate(sent.tolist())],
        scale=Scale("share", (0.0, float(max(np.nanmax(values, initial=0.0), 1e-9)))),
        chosen=chosen,
        hover=[[_said(at, float(share)) for share in row] for at, row in enumerate(values)],
        theme=theme,
    )
    figure.update_yaxes(title="expert · its tokens")
    figure.update_layout(title=f"experts of {clean(layer)}", margin={"t": 56})
    foot(figure, _notes(values, sent), theme)
    return figure


def _said(expert: int, share: float) -> str:
    return f"expert {expert}: " + (f"share {number(share, 5)}" if share else "not sent there")


def _notes(values: np.ndarray, sent: np.ndarray) -> str:
    each = (values != 0).sum(0)
    through = f"{each.min()}" if each.min() == each.max() else f"{each.min()} to {each.max()}"
    busiest, idle = int(sent.argmax()), int((sent == 0).sum())
    said = f"Each token goes through {through} of {len(values)} experts. Expert {busiest} gets the most: "
    none = {0: "", 1: "; one gets none"}.get(idle, f"; {idle} get none")
    return f"{said}{sent[busiest]:,} of {values.shape[1]:,} tokens{none}."
