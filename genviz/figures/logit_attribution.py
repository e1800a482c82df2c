"""A logit as a sum: what each sub-layer, and each head, adds to one word's score."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from genviz.figures.arrays import plain
from genviz.figures.base import blank, foot
from genviz.figures.colours import colorbar
from genviz.figures.text import clean, number, short_names, token
from genviz.figures.theme import SIZE, palette, role

LABELS = {
    "embedding": "embedding",
    "attention": "attention",
    "cross_attention": "cross-attention",
    "feed_forward": "feed-forward",
    "bias": "biases",
}


def running_sum(found: Mapping[str, Any], *, theme: str = "light") -> go.Figure:
    """Draw the parts one after the other, each where the sum before it ends.

    Parameters
    ----------
    found : mapping
        From :meth:`genviz.live.LanguageModel.logit_attribution`.
    theme : {"light", "dark"}
    """
    figure = blank(theme, _title(found))
    parts = [*found["parts"], {"kind": "bias", "layer": "", "value": found["bias"]}]
    layers = _layers(found)
    ends = np.concatenate([[0.0], np.cumsum([part["value"] for part in parts])])
    for kind in dict.fromkeys(part["kind"] for part in parts):
        places = [at for at, part in enumerate(parts) if part["kind"] == kind]
        figure.add_bar(
            x=plain(np.array(places)),
            y=plain(np.array([parts[at]["value"] for at in places])),
            base=plain(ends[:-1][places]),
            marker={"color": role(kind, theme)},
            width=0.7,
            name=LABELS[kind],
            showlegend=kind != "bias",
            customdata=[_said(parts[at], layers[at], float(ends[at + 1])) for at in places],
            hovertemplate="%{customdata}<extra></extra>",
        )
    _total(figure, found, len(parts), theme)
    _sum_axes(figure, [*layers, "logit"])
    foot(figure, _notes(found), theme)
    return figure


def heads_map(found: Mapping[str, Any], *, theme: str = "light") -> go.Figure:
    """Draw a cell per head, and one per feed-forward network, layer by layer.

    Parameters
    ----------
    found : mapping
        From :meth:`genviz.live.LanguageModel.logit_attribution`.
    theme : {"light", "dark"}
    """
    figure = blank(theme, _title(found))
    rows, columns, values = _grid(found)
    most = float(np.nanmax(np.abs(values))) if np.isfinite(values).any() else 1.0
    hover = [
        [
            f"<b>layer {clean(row)} · {column}</b><br>{number(float(values[y, x]), 5)}"
            for x, column in enumerate(columns)
        ]
        for y, row in enumerate(rows)
    ]
    figure.add_heatmap(
        z=plain(values),
        zmin=-most,
        zmax=most,
        colorscale=[list(stop) for stop in palette(theme).signed],
        xgap=1,
        ygap=1,
        hoverongaps=False,
        hovertext=hover,
        hovertemplate="%{hovertext}<extra></extra>",
        colorbar=colorbar("share of the logit"),
        name="share",
        **({"texttemplate": "%{z:.2f}", "textfont": {"size": SIZE - 3}} if values.size <= 60 else {}),
    )
    flat = {"showgrid": False, "zeroline": False, "tickmode": "array"}
    figure.update_xaxes(title="part", tickvals=list(range(len(columns))), ticktext=columns,
                        tickangle=-45 if len(columns) > 6 else 0, **flat)  # fmt: skip
    figure.update_yaxes(
        title="layer", tickvals=list(range(len(rows))), ticktext=[clean(r, 16) for r in rows], **flat
    )
    missed = "" if all(p["heads"] is not None for p in found["parts"] if "attention" in p["kind"]) else (
        " Where attention is one cell, its output is no sum of its heads that could be told apart."
    )  # fmt: skip
    foot(figure, f"{_notes(found)}{missed}", theme)
    return figure


def _layers(found: Mapping[str, Any]) -> list[str]:
    """Short name of the layer of each part, and of the biases."""
    blocks = [str(block) for block in found["blocks"]]
    short = short_names(blocks)
    return ["start" if part["kind"] == "embedding" else short[part["layer"]] for part in found["parts"]] + [
        "biases"
    ]


def _grid(found: Mapping[str, Any]) -> tuple[list[str], list[str], np.ndarray]:
    layers = _layers(found)[:-1]
    rows = [name for name in dict.fromkeys(layers) if name != "start"]
    cells: dict[str, dict[str, float]] = {name: {} for name in rows}
    for part, layer in zip(found["parts"], layers, strict=True):
        if part["kind"] == "embedding":
            continue
        row = cells[layer]
        if part["heads"] is None:
            row[LABELS[part["kind"]]] = row.get(LABELS[part["kind"]], 0.0) + part["value"]
            continue
        prefix = "cross " if part["kind"] == "cross_attention" else "head "
        row.update({f"{prefix}{head}": float(value) for head, value in enumerate(part["heads"])})
    columns = sorted({name for row in cells.values() for name in row}, key=_order)
    return rows, columns, np.array([[row.get(name, np.nan) for name in columns] for row in cells.values()])


def _order(name: str) -> tuple[int, int]:
    words = name.split()
    at = int(words[1]) if len(words) > 1 and words[1].isdigit() else 0
    return ({"head": 0, "attention": 0, "cross": 1, "cross-attention": 1}.get(words[0], 2), at)


def _said(part: Mapping[str, Any], layer: str, end: float) -> str:
    lines = [f"<b>{LABELS[part['kind']]}, layer {clean(layer)}</b>", f"adds {number(part['value'], 6)}"]
    if part["kind"] in ("embedding", "bias"):
        lines[0] = f"<b>{LABELS[part['kind']]}</b>"
    heads = part.get("heads")
    if heads is not None:
        best = np.argsort(-np.abs(heads))[:4]
        lines += [f"head {head}: {number(float(heads[head]), 4)}" for head in best]
    return "<br>".join([*lines, f"sum so far {number(end, 6)}"])


def _total(figure: go.Figure, found: Mapping[str, Any], at: int, theme: str) -> None:
    figure.add_bar(
        x=[at],
        y=[found["logit"]],
        width=0.7,
        marker={"color": palette(theme).muted},
        name="logit",
        showlegend=False,
        text=[number(found["logit"], 4)],
        textposition="outside",
        cliponaxis=False,
        hovertemplate=f"the logit {number(found['logit'], 6)}<extra></extra>",
    )


def _sum_axes(figure: go.Figure, layers: Sequence[str]) -> None:
    named = list(dict.fromkeys(layers))
    middles = [float(np.mean([at for at, layer in enumerate(layers) if layer == name])) for name in named]
    every = -(-len(named) // 20)
    figure.update_xaxes(
        title="layer, its sub-layers in order",
        tickmode="array",
        tickvals=middles[::every],
        ticktext=[clean(name, 16) for name in named[::every]],
        showgrid=False,
        zeroline=False,
    )
    figure.update_yaxes(title="logit (sum so far)", zerolinewidth=2)
    figure.update_layout(
        legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "font": {"size": SIZE - 2}},
        margin={"t": 96},
        barmode="overlay",
    )


def _title(found: Mapping[str, Any]) -> str:
    word = token(found["name"])
    against = f" rather than “{token(found['against'])}”" if found["against"] else ""
    place = f"{token(found['words'][found['position']])} ({found['position']})"
    chance = "" if found["against"] else f", probability {number(found['probability'], 3)}"
    return f"what says “{word}”{against} at {place}: logit {number(found['logit'], 4)}{chance}"


def _notes(found: Mapping[str, Any]) -> str:
    said = (
        "Direct effects only, with each norm's scale held as it was; the parts sum to the logit "
        f"(gap {found['gap']:.0e})."
    )
    for each in found["held"]:
        layer = f"{clean(each['function'])} behind {clean(each['site'], 60)}"
        said += (
            f" The head is not linear: {layer} is held as the factor f(x)/x that it was, so a share is not "
            "what would be lost without its part."
        )
    if not found["capped"]:
        return said
    capped = number(found["model_logit"], 4)
    return f"{said} It is the output layer's own score; soft-capping then makes {capped} of it."
