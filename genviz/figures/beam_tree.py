"""Beam search as a tree that grows step by step, greedy's path in it, and the sentences it finished."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from genviz.analysis.beams import FINISHED, GREEDY, KEPT, PRUNED, TOO_LATE, Finished, Tree
from genviz.analysis.lanes import lanes
from genviz.figures.arrays import plain
from genviz.figures.base import hidden_axis, small_print
from genviz.figures.colours import tint
from genviz.figures.finished_sentences import MOST_ROWS, minus, sentences
from genviz.figures.played import BAR, Picture, played
from genviz.figures.text import clean, number, token, tokens
from genviz.figures.theme import SIZE, palette, role

BEND = 0.64  # share of a column that an edge runs level in: room of its label
NAMED_UP_TO = 9  # columns in which labels have room
TWO_LINES_UP_TO = 11  # lanes in which labels have room for two lines
LONGEST = 9  # characters of a token on an edge
BECAME = {
    KEPT: "went on",
    FINISHED: "finished: the sentence ends here",
    TOO_LATE: "ended, but was not among the best: it does not count",
    PRUNED: "pruned: others were likelier",
    GREEDY: "only greedy went here",
}


@dataclass(frozen=True)
class Searched:
    """What a search found, with the words for it.

    Parameters
    ----------
    tree : Tree
    names : sequence of str
        The last token of each hypothesis.
    sentences : mapping of int to str
        Texts of finished hypotheses, and of the end of greedy's path.
    prompt : str
        What was continued or answered.
    """

    tree: Tree
    names: Sequence[str]
    sentences: Mapping[int, str]
    prompt: str

    @property
    def best(self) -> Finished | None:
        """The sentence that the search chose."""
        return self.tree.finished[0] if self.tree.finished else None

    @property
    def last(self) -> int:
        """The last step that there is something to see of, greedy's among them."""
        return int(self.tree.steps.max())


def beam_tree(searched: Searched, *, step: int, window: int, theme: str = "light") -> go.Figure:
    """Draw a search up to a step; every other step is in the figure, to be played.

    Parameters
    ----------
    searched : Searched
    step : int
        How many tokens have been written; beyond the last step, the last.
    window : int
        Steps that are shown at once, up to the present one; 0 for all.
    theme : {"light", "dark"}
    """
    window = searched.last if window == 0 else min(window, searched.last)
    drawing = _Drawing(searched, window, theme)
    pictures = [drawing.at(each) for each in range(searched.last + 1)]
    prompt = f"after <b>{clean(searched.prompt, 90)}</b>"
    figure = played(
        pictures, step, control="step", theme=theme, redraw=False, title=verdict(searched), subtitle=prompt
    )
    figure.update_layout(margin={"t": 116, "b": 60 + 18 * 3 + BAR, "l": 16, "r": 16}, hovermode="closest")
    small_print(figure, clean(_note(searched.tree), 500), theme)
    return figure


def verdict(searched: Searched) -> str:
    """Say whether greedy finds the sentence that the search chose; escaped."""
    best, tree = searched.best, searched.tree
    if best is None:
        return "No sentence was finished"
    found = f"“{clean(searched.sentences[best.node], 70)}”"
    end = tree.greedy[-1]
    if end == best.node:
        return f"Greedy finds it too: {found}, probability {number(np.exp(best.total))}"
    beam, greedy = float(best.total), float(tree.totals[end])
    both = f"{number(np.exp(beam))} against {number(np.exp(greedy))}"
    if beam > greedy:
        return f"{number(np.exp(beam - greedy), 3)} times as probable as greedy's: {found}, {both}"
    if best.score > tree.rules.score(greedy, int(tree.steps[end])):
        return f"Less probable than greedy's ({both}), but better once length is counted: {found}"
    return f"Here greedy's sentence is the better one ({both}): the search chose {found}"


def _note(tree: Tree) -> str:
    rules = tree.rules
    return (
        f"At each step the {rules.considered} likeliest continuations are considered; the best "
        f"{rules.beams} that do not end go on. On an edge: the token and its probability; below it the "
        f"joint log-probability and the product of all probabilities. "
        f"The search stopped because {tree.stopped}."
    )


@dataclass
class _Drawing:
    """Everything that does not change from step to step."""

    searched: Searched
    window: int
    theme: str
    heights: NDArray[np.float64] = field(init=False)
    lasting: NDArray[np.int64] = field(init=False)
    hovers: list[str] = field(init=False)

    def __post_init__(self) -> None:
        tree = self.searched.tree
        self.heights = lanes(tree.parents, tree.steps, tree.ranks)
        self.lasting = tree.lasting()
        self.lanes = float(np.ptp(self.heights)) + 1
        self.hovers = [self._hover(node) for node in range(len(tree))]

    @property
    def named(self) -> bool:
        return self.window <= NAMED_UP_TO

    @property
    def _two_lines(self) -> bool:
        return self.lanes <= TWO_LINES_UP_TO

    def at(self, step: int) -> Picture:
        """The picture of one step."""
        tree, first = self.searched.tree, max(0, step - self.window)
        shown = (tree.steps <= step) & (tree.steps >= first)
        chosen, alive = self._chosen(step), self._alive(step)
        edges = shown & (tree.steps > first)
        greedy = np.isin(np.arange(len(tree)), tree.greedy)
        colours = palette(self.theme)
        muted, beam, gold = colours.muted, role("beam", self.theme), role("greedy", self.theme)
        inked = alive | chosen
        return Picture(
            [
                self._edges(edges & greedy, "greedy's path", tint(gold, 0.55), width=9),
                self._edges(edges & ~inked, "pruned", tint(muted, 0.45), width=1.2),
                self._edges(edges & alive & ~chosen, "goes on, or finished", beam, width=2.4),
                self._edges(edges & chosen, "chosen", role("path", self.theme), width=3.5),
                self._nodes(shown & ~inked, "given up", {"color": tint(muted, 0.6), "size": 6}),
                self._nodes(shown & inked & ~self._ended, "hypothesis", {"color": beam, "size": 10}),
                self._nodes(shown & inked & self._ended, "sentence ends", {"color": beam, "size": 13,
                                                                            "symbol": "square"}),
                self._answers(shown),
                *self._words(edges & ~inked, colours.muted),
                *self._words(edges & inked, colours.text),
                sentences(self.searched, step, self.theme),
            ],
            self._axes(step, first),
        )  # fmt: skip

    @property
    def _ended(self) -> NDArray[np.bool_]:
        return np.array([fate in (FINISHED, TOO_LATE) for fate in self.searched.tree.fates])

    def _alive(self, step: int) -> NDArray[np.bool_]:
        """On the way to what goes on at this step, or to a sentence that is finished by then."""
        tree = self.searched.tree
        found = (self.lasting >= step) & (step < tree.depth)
        for each in tree.finished:
            if tree.steps[each.node] <= step:
                found[[0, *tree.path(each.node)]] = True
        return np.asarray(found)

    def _chosen(self, step: int) -> NDArray[np.bool_]:
        tree, best = self.searched.tree, self.searched.best
        found = np.zeros(len(tree), bool)
        if best is not None and step >= tree.depth:
            found[[0, *tree.path(best.node)]] = True
        return found

    def _edges(self, which: NDArray[np.bool_], name: str, colour: str, *, width: float) -> dict[str, Any]:
        tree, nodes = self.searched.tree, np.flatnonzero(which)
        ends, here, before = tree.steps[nodes], self.heights[nodes], self.heights[tree.parents[nodes]]
        gap = np.full(len(nodes), np.nan)
        return {
            "type": "scatter", "mode": "lines", "name": name, "hoverinfo": "skip",
            "x": plain(_kept_open(np.stack([ends - 1, ends - BEND, ends, gap], axis=1).ravel())),
            "y": plain(_kept_open(np.stack([before, here, here, gap], axis=1).ravel())),
            "line": {"color": colour, "width": width},
        }  # fmt: skip

    def _nodes(self, which: NDArray[np.bool_], name: str, marker: dict[str, Any]) -> dict[str, Any]:
        nodes = np.flatnonzero(which)
        return {
            "type": "scatter", "mode": "markers", "name": name, "marker": marker, "hoverinfo": "skip",
            "showlegend": "symbol" in marker,
            "x": plain(_kept_open(self.searched.tree.steps[nodes])),
            "y": plain(_kept_open(self.heights[nodes])),
        }  # fmt: skip

    def _answers(self, which: NDArray[np.bool_]) -> dict[str, Any]:
        """Unseen marks that answer the pointer; their words are the same in all steps, so they stand once."""
        return {
            "type": "scatter", "mode": "markers", "name": "hypotheses", "showlegend": False,
            "marker": {"size": 16, "opacity": 0},
            "x": plain(np.where(which, self.searched.tree.steps, np.nan)), "y": plain(self.heights),
            "text": self.hovers, "hovertemplate": "%{text}<extra></extra>",
        }  # fmt: skip

    def _words(self, which: NDArray[np.bool_], colour: str) -> list[dict[str, Any]]:
        """What stands on edges: above them the token and its probability, below those of the whole.

        Plain words of what is seen, and no markup: text is what takes a browser's time in every frame.
        """
        nodes = np.flatnonzero(which) if self.named else np.array([], np.int64)
        below = nodes if self._two_lines else nodes[:0]
        size = SIZE - 2 if self._two_lines else SIZE - 4
        return [
            self._text(nodes, [self._above(node) for node in nodes], "top right", size=size, color=colour),
            self._text(below, [self._below(node) for node in below], "bottom right", size=SIZE - 4,
                       color=colour),
        ]  # fmt: skip

    def _text(self, nodes: NDArray[np.int64], words: list[str], position: str, **font: Any) -> dict[str, Any]:
        return {
            "type": "scatter", "mode": "text", "name": "tokens", "showlegend": False, "hoverinfo": "skip",
            "x": plain(_kept_open(self.searched.tree.steps[nodes] - (BEND - 0.03))),
            "y": plain(_kept_open(self.heights[nodes])), "text": [*words, ""],
            "textposition": position, "textfont": font, "cliponaxis": False,
        }  # fmt: skip

    def _above(self, node: int) -> str:
        chance = float(np.exp(self.searched.tree.chances[node]))
        return f"{token(self.searched.names[node], LONGEST)} {percent(chance)}"

    def _below(self, node: int) -> str:
        total = float(self.searched.tree.totals[node])
        return f"{minus(total, 2)} · {np.exp(total):#.2g}"

    def _hover(self, node: int) -> str:
        tree, names = self.searched.tree, self.searched.names
        if node == 0:
            return f"the prompt: <b>{clean(self.searched.prompt, 60)}</b>"
        path, total = tree.path(node), float(tree.totals[node])
        said = " ".join(tokens((names[each] for each in path[-7:]), 14))
        place = f", number {tree.ranks[node] + 1} in step {tree.steps[node]}" if tree.ranks[node] >= 0 else ""
        found = [
            f"<b>{'… ' * (len(path) > 7)}{said}</b>",
            f"token: probability {np.exp(tree.chances[node]):.6g}, log {tree.chances[node]:.6f}",
            f"joint: log-probability {total:.6f}, product {np.exp(total):.6g}",
            f"{BECAME[tree.fates[node]]}{place}",
        ]
        if tree.fates[node] == FINISHED:
            length, power = int(tree.steps[node]), tree.rules.length_penalty
            score = tree.rules.score(total, length)
            found.append(f"score: {total:.6f} / {length}^{power:g} = {score:.6f}")
        return "<br>".join(found)

    def _axes(self, step: int, first: int) -> dict[str, Any]:
        rows = min(self.searched.tree.rules.beams, max(1, len(self.searched.tree.finished)), MOST_ROWS) + 2
        share = min(0.045 * rows, 0.45)
        spread = [self.heights.max() + 0.6, self.heights.min() - 0.6 - 0.02 * self.lanes]
        return {
            "xaxis": {
                "title": {"text": "step: tokens after the prompt"},
                "range": [first - 0.12, first + self.window + 0.12],
                "dtick": 1 if self.window <= 24 else 5, "showgrid": False, "zeroline": False, "anchor": "y",
            },
            "yaxis": hidden_axis(range=spread, domain=[share + 0.13, 1]),
            "xaxis2": hidden_axis(range=[0, 1], anchor="y2", fixedrange=True),
            "yaxis2": hidden_axis(range=[rows - 0.4, -0.6], domain=[0, share], anchor="x2", fixedrange=True),
            "legend": {"orientation": "h", "y": 1.0, "yanchor": "bottom", "x": 0, "traceorder": "normal"},
        }  # fmt: skip


def _kept_open(values: NDArray[Any]) -> NDArray[np.float64]:
    """With a place that is nowhere behind them: a trace without any place would leave the legend."""
    return np.append(values.astype(np.float64), np.nan)


def percent(share: float) -> str:
    """Write a probability in as few signs as tell it: ``42%``, ``0.3%``, ``<0.1%``.

    Examples
    --------
    >>> percent(0.4217), percent(0.0031), percent(0.99999)
    ('42%', '0.3%', '100%')
    """
    if share >= 0.01:
        return f"{share:.0%}"
    return f"{share:.1%}" if share >= 0.001 else "<0.1%"
