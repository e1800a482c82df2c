"""The logit lens: words on a map of layers and tokens."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import plotly.graph_objects as go

from genviz.figures.base import foot
from genviz.figures.layer_map import Scale, layer_map
from genviz.figures.text import clean, number, short_names, token

WORDS_UP_TO = 36  # columns up to which a word can be read in a cell
WIDTH = 120  # letters that fit beside each other on the map


def logit_lens(
    found: Mapping[str, Any], *, show: str, what: str, chosen: int, named: bool, theme: str = "light"
) -> go.Figure:
    """Draw what :meth:`genviz.live.LanguageModel.logit_lens` found.

    Parameters
    ----------
    found : mapping
    show : {"top", "probability", "rank", "entropy"}
    what : str
        How that is called.
    chosen : int
        The column with a frame around it.
    named : bool
        Whether one word was asked for; else each column has its own, the last layer's.
    theme : {"light", "dark"}
    """
    layers = ["start", *short_names(found["layers"][1:])]
    values, span, ticks = _values(found, show)
    figure = layer_map(
        values, words=found["words"], layers=layers, scale=Scale(_unit(show), span, ticks), chosen=chosen,
        hover=_hover(found), cells=_cells(found, show), theme=theme,
    )  # fmt: skip
    figure.update_layout(title=_title(found, show, what, named), margin={"t": 44})
    foot(figure, _notes(found), theme)
    return figure


def _values(found: Mapping[str, Any], show: str) -> tuple[Any, tuple[float, float] | None, Any]:
    if show == "rank":
        worst = max(float(found["ranks"].max()), 10.0)
        places = [10.0**n for n in range(int(np.log10(worst)) + 1)]
        ticks = [-np.log10(place) for place in places], [f"{place:,.0f}" for place in places]
        return -np.log10(found["ranks"]), (-np.log10(worst), 0.0), ticks
    if show == "entropy":
        return found["entropy"], None, None
    return (
        found["probabilities"][..., 0] if show == "top" else found["chosen_probabilities"],
        (0.0, 1.0),
        None,
    )


def _unit(show: str) -> str:
    return {"rank": "rank (log scale)", "entropy": "entropy (bits)"}.get(show, "probability")


def _cells(found: Mapping[str, Any], show: str) -> list[list[str]] | None:
    columns = len(found["words"])
    if columns > WORDS_UP_TO or len(found["layers"]) > WORDS_UP_TO:
        return None
    if show == "top":
        fits = max(3, WIDTH // columns)
        return [[token(_name(found, row_id), fits) for row_id in row] for row in found["ids"][..., 0]]
    values = {"rank": found["ranks"], "entropy": found["entropy"]}.get(show, found["chosen_probabilities"])
    return [[number(float(value), 2 if columns > 12 else 3) for value in row] for row in values]


def _name(found: Mapping[str, Any], word: Any) -> str:
    return str(found["names"][str(int(word))])


def _hover(found: Mapping[str, Any]) -> list[list[str]]:
    return [
        [_said(found, row, at) for at in range(len(found["words"]))] for row in range(len(found["layers"]))
    ]


def _said(found: Mapping[str, Any], row: int, at: int) -> str:
    best = zip(found["ids"][row, at], found["probabilities"][row, at], strict=True)
    lines = [f"{token(_name(found, word))} {number(float(share), 4)}" for word, share in best]
    own = token(_name(found, found["chosen"][at]))
    lines.append(
        f"<i>{own}</i>: rank {int(found['ranks'][row, at]):,}, probability "
        f"{number(float(found['chosen_probabilities'][row, at]), 4)}"
    )
    return "<br>".join(lines)


def _title(found: Mapping[str, Any], show: str, what: str, named: bool) -> str:
    lens = "tuned lens" if found["tuned"] else "logit lens"
    if show in ("top", "entropy"):
        return f"{clean(what)} after each layer ({lens})"
    word = token(_name(found, found["chosen"][0])) if named else "the model's own word at each place"
    return f"{clean(what.removesuffix('the word'))}{word}, after each layer ({lens})"


def _notes(found: Mapping[str, Any]) -> str:
    route = clean(found["route"], 120)
    through = f"Each state goes through {route}"
    if found["tuned"]:
        through += ", after its layer's own affine map"
    return f"{through}; the last layer's is the model's own answer (largest difference {found['error']:.1e})."
