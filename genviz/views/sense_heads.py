"""Which heads part the two senses of a word, and what the word looks at in them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from genviz.errors import NotCaptured
from genviz.figures import senses as figures
from genviz.figures.senses import Looks
from genviz.figures.text import clean, number
from genviz.views.asking import ask_plainly
from genviz.views.base import View
from genviz.views.controls import Choice, Control, Number
from genviz.views.senses import CAUSAL, Senses, blocks_of, first_layers, sense_controls
from genviz.views.subject import Subject

STRONGEST = "strongest"
BEHIND = (("last", "last block"), ("own", "own block"))
FEED = "FF"
KINDS = {"embedding": "word and position", "attention": "attention", "feed_forward": "feed-forward"}


def _controls(subject: Subject) -> tuple[Control, ...]:
    names = blocks_of(first_layers(subject))
    heads = (subject.info.get("facts") or {}).get("n_heads") or 1
    blocks = tuple((at, f"{at + 1} · {name}") for at, name in enumerate(names))
    return (
        *sense_controls(subject),
        Choice(
            "block", "Head of block", STRONGEST, choices=((STRONGEST, "the strongest head"), *blocks),
            help="Whose weights are shown; a click on a head chooses it. Strongest: the head that adds most.",
        ),
        Choice(
            "behind", "Difference", "last", choices=BEHIND,
            help="Behind the last block, a sum of all parts; or behind each block, and what that one added.",
        ),
        Number("head", "Head", 0, minimum=0, maximum=max(heads - 1, 1), help="Where a block is chosen."),
    )  # fmt: skip


@dataclass(frozen=True)
class _Parts:
    """What was added to the difference, as a table.

    Parameters
    ----------
    shares : float array, (block, part)
    columns : list of str
        Heads by number, then attention that is no sum of heads, then feed-forward.
    sites : list of str
        Of each block's attention.
    """

    shares: NDArray[np.float64]
    columns: list[str]
    sites: list[str]

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> "_Parts":
        lengths, count = np.asarray(told["lengths"], np.float64), len(told["layers"])
        cells: list[dict[str, float]] = [{} for _ in range(count)]
        sites = [""] * count
        for part in told["parts"]:
            row = int(part["layer"])
            if row < 0:
                continue
            if part["kind"] != "feed_forward":
                sites[row] = str(part["site"])
            for column, value in _cells(part):
                cells[row][column] = cells[row].get(column, 0.0) + value / lengths[row]
        columns = sorted({name for row in cells for name in row}, key=_order)
        table = [[row.get(name, np.nan) for name in columns] for row in cells]
        return cls(np.array(table, np.float64).reshape(count, len(columns)), columns, sites)

    def strongest(self) -> tuple[int, int]:
        """Block and column of the head that adds most to the difference."""
        heads = [at for at, name in enumerate(self.columns) if name.isdigit()]
        if not heads or not np.isfinite(self.shares[:, heads]).any():
            return 0, 0
        best = np.nan_to_num(self.shares[:, heads], nan=-np.inf).argmax()
        row, at = np.unravel_index(int(best), (len(self.shares), len(heads)))
        return int(row), heads[int(at)]


def _cells(part: Mapping[str, Any]) -> list[tuple[str, float]]:
    if part["kind"] == "feed_forward":
        return [(FEED, float(part["value"]))]
    if part["heads"] is None:
        return [("attention", float(part["value"]))]
    return [(str(head), float(value)) for head, value in enumerate(part["heads"])]


def _order(name: str) -> tuple[int, int]:
    return (0, int(name)) if name.isdigit() else (1 + (name == FEED), 0)


def _draw(subject: Subject, *, theme: str, block: Any, head: int, behind: str, **look: Any) -> go.Figure:
    here = Senses.of(subject, look)
    told = _told(subject, here, behind)
    if not told["parts"]:
        raise NotCaptured(
            f"the vectors of {here.word!r} in A and B are equal behind the last block: no head parts them. "
            "Choose two other occurrences, or texts in which the word means something else"
            + (f". {CAUSAL}" if here.found["sees_after"] is False else "")
        )
    parts = _Parts.of(told)
    chosen = parts.strongest() if block == STRONGEST else _within(parts, int(block), int(head))
    return figures.parting_heads(
        parts.shares,
        columns=parts.columns,
        rows=[f"{at + 1} ({name})" for at, name in enumerate(map(clean, blocks_of(here.layers)))],
        chosen=chosen,
        looks=_looks(here, told, parts.sites[chosen[0]], chosen),
        title=_title(told, parts, chosen, behind),
        note=_note(told, behind),
        theme=theme,
    )


def _within(parts: _Parts, block: int, head: int) -> tuple[int, int]:
    """A block and a column that there are."""
    return min(block, len(parts.shares) - 1), min(head, max(len(parts.columns) - 1, 0))


def _told(subject: Subject, here: Senses, behind: str) -> Mapping[str, Any]:
    texts = [here.lines[here.found["text"][item]].text for item in here.pair]
    which = [here.which(item) for item in here.pair]
    told: Mapping[str, Any] = ask_plainly(
        subject, "word_heads", texts=texts, word=here.word, which=which, behind=behind
    )
    return told


def _looks(here: Senses, told: Mapping[str, Any], site: str, chosen: tuple[int, int]) -> list[Looks]:
    """Weights of the chosen head in both texts; none where they were not seen."""
    found = []
    for side, (name, item) in enumerate(zip("AB", here.pair, strict=True)):
        weights = _weights(told["looks"][side], site, chosen, len(told["layers"]))
        if weights is None:
            continue
        said = f"<b>{name}</b> · {clean(here.labels[item], 16)}: what “{clean(here.word, 16)}” looks at (key)"
        found.append(Looks(said, told["tokens"][side], told["places"][side], weights))
    return found


def _weights(
    looks: Mapping[str, Any], site: str, chosen: tuple[int, int], blocks: int
) -> NDArray[np.float32] | None:
    inside = [
        name for name in looks if name == site or name.startswith(f"{site}.") or site.startswith(f"{name}.")
    ]
    if not site or not inside:
        return None
    runs = np.asarray(looks[inside[0]])
    row, head = chosen
    run = (
        row * len(runs) // blocks if len(runs) > 1 else 0
    )  # a block that stands for several layers runs again
    return np.asarray(runs[run, head]) if head < runs.shape[1] else None


def _title(told: Mapping[str, Any], parts: _Parts, chosen: tuple[int, int], behind: str) -> str:
    row, column = chosen
    share = float(parts.shares[chosen]) if parts.shares.size else float("nan")
    framed = f" · framed: block {row + 1}, head {parts.columns[column]}, {share:+.1%}"
    length = float(told["lengths"][row])
    where = "the last block" if behind == "last" else f"block {row + 1}"
    said = f"A − B behind {where}"
    if length:
        said = f"{said}: {figures.sums(_totals(told, None if behind == 'last' else row))}"
    return said + ("" if np.isnan(share) else framed)


def _totals(told: Mapping[str, Any], row: int | None) -> dict[str, float]:
    """Shares by kind of part: of all blocks, or of one and of what came before it."""
    chosen = [part for part in told["parts"] if row is None or part["layer"] == row]
    length = float(told["lengths"][row or 0])
    totals: dict[str, float] = {}
    for part in chosen:
        name = KINDS.get(part["kind"], str(part["kind"]).replace("_", " "))
        totals[name] = totals.get(name, 0.0) + part["value"] / length
    if row is None:
        return {**totals, "biases": float(told["bias"]) / length}
    return {"from before": 1.0 - sum(totals.values()), **totals}


def _note(told: Mapping[str, Any], behind: str) -> str:
    over = "they sum to it" if behind == "last" else "with what came before, they sum to it"
    said = (
        f"Length {number(float(told['length']), 4)} behind the last block. Direct effects, each norm's scale "
        f"held: what a part adds along A − B; {over} (gap {abs(float(told['gap'])):.0e}). A head may act "
        "through later layers too."
    )
    return clean(said, 500)


sense_heads = View(
    name="sense_heads",
    title="Heads that part them",
    question="Which heads make the difference, and what does the word look at there?",
    needs=("live.word_heads",),
    controls=_controls,
    draw=_draw,
)
