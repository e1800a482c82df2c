"""Beam search as a figure: what each step shows, that it plays, and the prompts that are shipped."""

from importlib import import_module
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest

from genviz.analysis.beam_search import Search, with_greedy
from genviz.analysis.beams import FINISHED, KEPT, Rules, Tree
from genviz.errors import LiveError
from genviz.figures.beam_tree import Searched, beam_tree, verdict
from genviz.figures.played import BAR, PLAYED, without_bar
from genviz.live import InlineEngine, wrap
from genviz.views import Subject
from genviz.views import beam_tree as view
from tests.views.subjects import language

WORDS = ["<end>", "cat", "<b>dog</b>", "sits"]


def searched(beams: int = 3, *, max_new: int = 5, penalty: float = 1.0, seed: int = 2) -> Searched:
    """A search over given probabilities."""

    def says(said: list[int]) -> np.ndarray[Any, np.dtype[np.float64]]:
        logits = np.random.default_rng([seed, *said]).normal(size=4) * 1.5
        return np.asarray(logits - np.log(np.exp(logits).sum()))

    search = Search(Rules(beams, max_new, penalty, False, frozenset([0])))
    while search.running:
        search.step(np.stack([says(said) for said in search.spelt()]))
    greedy: list[int] = []
    while len(greedy) < max_new and 0 not in greedy:
        greedy.append(int(says(greedy).argmax()))
    tree = with_greedy(
        search.tree(), greedy, [float(says(greedy[:at])[each]) for at, each in enumerate(greedy)]
    )
    names = ["", *(WORDS[each] for each in tree.ids[1:])]
    texts = {node: " ".join(names[each] for each in tree.path(node)) for node in range(1, len(tree))}
    return Searched(tree, names, texts, "the <i>prompt</i>")


def trace(figure: go.Figure, name: str) -> Any:
    return next(each for each in figure.data if each.name == name)


def drawn_edges(figure: go.Figure) -> set[tuple[float, float]]:
    """Where the edges of a figure end."""
    ends = set()
    for name in ("pruned", "goes on, or finished", "chosen", "greedy's path"):
        found = trace(figure, name)
        ends |= {(float(x), float(y)) for x, y in zip(found.x[2::4], found.y[2::4], strict=True)}
    return ends


def test_each_step_shows_every_hypothesis_up_to_it_and_none_after() -> None:
    found = searched()
    for step in range(found.last + 1):
        figure = beam_tree(found, step=step, window=0)
        expected = sum((found.tree.steps > 0) & (found.tree.steps <= step))
        assert len(drawn_edges(figure)) == expected
    assert len(drawn_edges(beam_tree(found, step=99, window=0))) == len(found.tree) - 1


def test_a_window_shows_the_last_steps_only() -> None:
    found = searched()
    figure = beam_tree(found, step=4, window=2)
    assert {end for end, _ in drawn_edges(figure)} == {3.0, 4.0}
    low, high = figure.layout.xaxis.range
    assert (round(low), round(high)) == (2, 4)


def test_what_goes_on_is_told_from_what_was_given_up() -> None:
    found, step = searched(), 2
    figure = beam_tree(found, step=step, window=0)
    alive = {(float(x), float(y)) for x, y in zip(
        trace(figure, "hypothesis").x, trace(figure, "hypothesis").y, strict=True)}  # fmt: skip
    tree = found.tree
    here = [node for node in range(len(tree)) if tree.steps[node] == step and tree.fates[node] == KEPT]
    assert sum(x == step for x, _ in alive) == len(here) == 3
    ended = [n for n in range(len(tree)) if tree.fates[n] == FINISHED and tree.steps[n] <= step]
    assert len(trace(figure, "sentence ends").x) == len(ended) + 1


def test_the_final_choice_is_traced_once_the_search_is_over() -> None:
    found = searched()
    assert len(trace(beam_tree(found, step=found.tree.depth - 1, window=0), "chosen").x) == 1
    figure = beam_tree(found, step=found.last, window=0)
    assert found.best is not None
    assert len(trace(figure, "chosen").x) == 4 * found.best.length + 1


def test_hover_is_exact_and_nothing_is_markup() -> None:
    found = searched()
    figure = beam_tree(found, step=found.last, window=0)
    hovers = list(trace(figure, "hypotheses").text)
    tree = found.tree
    assert len(hovers) == len(tree)
    for node in range(1, len(tree)):
        joint = f"joint: log-probability {tree.totals[node]:.6f}, product {np.exp(tree.totals[node]):.6g}"
        assert any(joint in text for text in hovers)
    assert "<b>dog" not in figure.to_json()
    assert "<i>prompt" not in figure.to_json()
    best = found.best
    assert best is not None
    assert any(f"score: {best.total:.6f} / {best.length}^1 = {best.score:.6f}" in text for text in hovers)


def test_the_list_has_raw_and_penalised_scores_best_first_and_greedys_sentence() -> None:
    found = searched(penalty=2.0)
    table = trace(beam_tree(found, step=found.last, window=0), "finished sentences")
    cells: dict[float, list[str]] = {}
    for row, text in zip(table.y, table.text, strict=True):
        cells.setdefault(float(row), []).append(text.replace("\u2212", "-"))
    assert cells[0][-1] == "<i>log p / tokens^2</i>"
    for row, each in enumerate(found.tree.finished[:3], 1):
        assert cells[row][2:] == [
            str(each.length), f"{each.total:.3f}", cells[row][4], f"{each.score:.4f}"
        ]  # fmt: skip
        assert float(cells[row][4]) == pytest.approx(np.exp(each.total), rel=1e-3)
    assert "chosen" in cells[1][0]
    assert any("greedy" in row[0] for row in cells.values())


def test_every_step_is_in_the_figure_and_says_what_a_figure_of_that_step_says() -> None:
    """Playing frames from any step leads to the figure that would be drawn for that step."""
    found = searched()
    begun = beam_tree(found, step=1, window=3)
    assert [frame.name for frame in begun.frames] == [str(at) for at in range(found.last + 1)]
    for step, frame in enumerate(begun.frames):
        alone = beam_tree(found, step=step, window=3)
        for at, (base, change) in enumerate(zip(begun.data, frame.data, strict=True)):
            merged = {**base.to_plotly_json(), **change.to_plotly_json()}
            wanted = alone.data[at].to_plotly_json()
            assert merged.keys() == wanted.keys()
            for name, value in wanted.items():
                assert np.array_equal(_plain(merged[name]), _plain(value)), (step, at, name)
        assert frame.layout.xaxis.range == alone.layout.xaxis.range
    told = begun.layout.meta[PLAYED]
    assert (told["control"], told["last"]) == ("step", found.last)
    assert told["id"] == beam_tree(found, step=3, window=3).layout.meta[PLAYED]["id"]
    assert told["id"] != beam_tree(searched(seed=3), step=1, window=3).layout.meta[PLAYED]["id"]


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray) and value.dtype.kind == "f":
        return np.nan_to_num(value, nan=-99)
    return np.array(str(value)) if isinstance(value, dict) else np.asarray(value)


def test_no_trace_is_ever_empty() -> None:
    """Frames are not drawn anew: a trace that was empty at first would stay away."""
    for step in (0, 1, 5):
        figure = beam_tree(searched(), step=step, window=3)
        assert all(len(each.x) for each in figure.data)
        assert figure.layout.meta[PLAYED]["redraw"] is False


def test_a_page_takes_the_figures_own_bar_off_and_its_room() -> None:
    figure = beam_tree(searched(), step=1, window=3)
    assert len(figure.layout.sliders[0].steps) == len(figure.frames)
    bottom = figure.layout.margin.b
    without_bar(figure.layout)
    assert (figure.layout.sliders, figure.layout.margin.b) == ((), bottom - BAR)
    without_bar(figure.layout)
    assert figure.layout.margin.b == bottom - BAR, "twice takes no more"
    without_bar(go.Figure().layout)


def test_a_long_wide_search_stays_small() -> None:
    found = searched(8, max_new=32, seed=11)
    assert len(beam_tree(found, step=32, window=7).to_json()) < 2_000_000
    assert len(beam_tree(found, step=32, window=0).to_json()) < 2_000_000


@pytest.mark.parametrize(
    ("beams", "penalty", "says"),
    [(1, 1.0, "Greedy finds it too: "), (4, 0.0, " times as probable as greedy's: ")],
)
def test_the_title_answers_whether_greedy_finds_it(beams: int, penalty: float, says: str) -> None:
    titles = [verdict(searched(beams, penalty=penalty, seed=seed)) for seed in range(12)]
    assert any(says in title for title in titles)
    for seed, title in enumerate(titles):
        found = searched(beams, penalty=penalty, seed=seed)
        assert found.best is not None
        assert ("Greedy finds it too" in title) == (found.best.node == found.tree.greedy[-1])


def test_one_token_that_ends_at_once() -> None:
    found = searched(2, max_new=1)
    figure = beam_tree(found, step=1, window=7)
    assert {end for end, _ in drawn_edges(figure)} == {1.0}


def test_the_view_asks_once_and_walks_through_what_it_got() -> None:
    subject, calls = language(), list[str]()

    class Counting:
        info, abilities = subject.live.info, subject.live.abilities  # type: ignore[union-attr]

        def call(self, ability: str, **arguments: Any) -> Any:
            calls.append(ability)
            assert subject.live is not None
            return subject.live.call(ability, **arguments)

    counted = Subject("counted", recording=subject.recorded(), live=Counting())
    for step in (0, 1, 5):
        figure = view(counted, prompt="the cat", step=step, max_new=5)
        assert figure.layout.meta["genviz"]["controls"]["step"] == step
    assert calls == ["beam_search"]
    view(counted, prompt="the cat", beams=2, max_new=5)
    assert calls == ["beam_search"] * 2


@pytest.mark.parametrize("prompt", ["", "   "])
def test_an_empty_prompt_is_said(prompt: str) -> None:
    with pytest.raises(LiveError, match="no tokens in"):
        view(language(), prompt=prompt)


def of_sample(name: str) -> Subject:
    live = InlineEngine(wrap(import_module(f"sample_models.{name}").parts()))
    return Subject(name, live=live, recording=live.call("record"))


@pytest.mark.parametrize(("name", "end"), [("gpt", "."), ("translator", "")])
def test_greedy_misses_the_likelier_sentence_of_every_prompt_that_is_shipped(name: str, end: str) -> None:
    subject = of_sample(name)
    assert subject.live is not None
    defaults = subject.live.info["defaults"]
    assert len(defaults["prompts"]) >= 3
    for prompt in defaults["prompts"]:
        told = subject.live.call("beam_search", prompt=prompt, beams=4, stop=defaults["stop"])
        tree = Tree.from_json(told)
        best, greedy = tree.finished[0], tree.greedy[-1]
        for node in (best.node, greedy):
            assert told["sentences"][str(node)].endswith(end)
            assert tree.steps[node] < tree.rules.max_new, "both are whole sentences"
        assert best.total > tree.totals[greedy] + 0.2, prompt
    assert "times as probable as greedy" in view(subject).layout.title.text
