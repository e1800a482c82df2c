"""The sentences that a search has finished, as rows: raw and penalised score, greedy's among them."""

from typing import TYPE_CHECKING, Any

import numpy as np

from genviz.figures.arrays import plain
from genviz.figures.text import clean, number
from genviz.figures.theme import SIZE, palette, role

if TYPE_CHECKING:
    from genviz.figures.beam_tree import Searched

_COLUMNS = (0.0, 0.11, 0.64, 0.76, 0.88, 1.0)  # shares of the width
_SIDES = ("middle right", "middle right", "middle left", "middle left", "middle left", "middle left")
_LONGEST = 72
MOST_ROWS = 5  # sentences that are listed, beside greedy's


def sentences(searched: "Searched", step: int, theme: str) -> dict[str, Any]:
    """A trace of text: what is finished by a step, the best first, and greedy's sentence.

    Parameters
    ----------
    searched : Searched
    step : int
    theme : {"light", "dark"}
    """
    rows, finished = _rows(searched, step)
    colours = {"": palette(theme).text, "chosen": role("path", theme), "greedy": role("greedy", theme)}
    power = searched.tree.rules.length_penalty
    listed = f" (the best {MOST_ROWS})" if searched.tree.rules.beams > MOST_ROWS else ""
    head = ("", f"finished sentences{listed}", "tokens", "log p", "product", f"log p / tokens^{power:g}")
    cells = [(0, at, f"<i>{text}</i>", palette(theme).muted) for at, text in enumerate(head)]
    for line, (mark, *texts) in enumerate(rows, 1):
        hue = colours["chosen" if "chosen" in mark else mark]
        placed = f"{line}" if line <= finished else ""
        shown = (f"{placed} <b>{mark}</b>".strip() if mark else placed, *texts)
        cells += [(line, at, text, hue) for at, text in enumerate(shown)]
    return {
        "type": "scatter", "mode": "text", "name": "finished sentences", "xaxis": "x2", "yaxis": "y2",
        "x": plain(np.array([_COLUMNS[at] for _, at, *_ in cells])),
        "y": plain(np.array([float(line) for line, *_ in cells])),
        "text": [text for *_, text, _ in cells], "textposition": [_SIDES[at] for _, at, *_ in cells],
        "textfont": {"size": SIZE - 2, "color": [hue for *_, hue in cells]},
        "showlegend": False, "hoverinfo": "skip", "cliponaxis": False,
    }  # fmt: skip


def _rows(searched: "Searched", step: int) -> tuple[list[tuple[str, ...]], int]:
    """Mark, sentence, tokens, log-probability, product and score of each line; how many are finished."""
    tree, end = searched.tree, searched.tree.greedy[-1]
    done = [each for each in tree.finished if tree.steps[each.node] <= step][
        : min(tree.rules.beams, MOST_ROWS)
    ]
    over = step >= tree.depth
    rows = []
    for at, each in enumerate(done):
        chosen = "chosen" if over and at == 0 else ""
        mark = " = ".join(filter(None, (chosen, "greedy" if each.node == end else "")))
        rows.append((mark, *_told(searched, each.node, each.total, each.score)))
    if tree.steps[end] <= step and end not in [each.node for each in done]:
        total, length = float(tree.totals[end]), int(tree.steps[end])
        rows.append(("greedy", *_told(searched, end, total, tree.rules.score(total, length))))
    return rows, len(done)


def _told(searched: "Searched", node: int, total: float, score: float) -> tuple[str, ...]:
    length = int(searched.tree.steps[node])
    text = clean(searched.sentences[node], _LONGEST) or "∅"
    return text, f"{length}", minus(total, 3), number(float(np.exp(total))), minus(score, 4)


def minus(value: float, digits: int) -> str:
    """Write a number with so many decimals and a minus sign that is as wide as a digit.

    Examples
    --------
    >>> minus(-1.2345, 2)
    '−1.23'
    """
    return f"{value:.{digits}f}".replace("-", "\u2212")
