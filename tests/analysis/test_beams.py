"""Beam search on given probabilities: against all sequences, against greedy, how its tree hangs together."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from genviz.analysis.beam_search import Search, with_greedy
from genviz.analysis.beams import (
    FINISHED,
    GREEDY,
    KEPT,
    PRUNED,
    TOO_LATE,
    Rules,
    Tree,
)
from genviz.errors import ControlError

END = 0
Scores = NDArray[np.float64]


def model(vocab: int, seed: int) -> "Model":
    return Model(vocab, seed)


class Model:
    """Log-probabilities that depend on all that was said."""

    def __init__(self, vocab: int, seed: int) -> None:
        self.vocab, self.seed = vocab, seed

    def __call__(self, said: tuple[int, ...]) -> Scores:
        logits = np.random.default_rng([self.seed, *said]).normal(size=self.vocab) * 1.5
        scores: Scores = logits - np.log(np.exp(logits).sum())
        return scores


def searched(rules: Rules, says: Model) -> Tree:
    search = Search(rules)
    while search.running:
        search.step(np.stack([says(tuple(said)) for said in search.spelt()]))
    return search.tree()


def every_sentence(rules: Rules, says: Model) -> list[tuple[float, float, tuple[int, ...]]]:
    """Score, joint log-probability and ids of all sentences that there are, the best first."""
    found = []
    for length in range(1, rules.max_new + 1):
        for ids in product(range(says.vocab), repeat=length):
            if END in ids[:-1] or (length < rules.max_new and ids[-1] != END):
                continue
            total = sum(float(says(ids[:at])[each]) for at, each in enumerate(ids))
            found.append((total / length**rules.length_penalty, total, ids))
    return sorted(found, reverse=True)


@pytest.mark.parametrize("penalty", [-0.5, 0.0, 0.7, 1.0, 2.0])
@pytest.mark.parametrize("seed", range(4))
def test_with_beams_for_everything_it_finds_the_best_of_all_sentences(penalty: float, seed: int) -> None:
    """Brute force over the whole space is the reference; it knows nothing of beams."""
    rules = Rules(
        beams=4**4, max_new=4, length_penalty=penalty, early_stopping="never", ends=frozenset([END])
    )
    says = model(4, seed)
    tree, best = searched(rules, says), every_sentence(rules, says)
    assert len(tree.finished) == len(best)
    for finished, (score, total, ids) in zip(tree.finished, best, strict=True):
        assert tree.spelt(finished.node) == list(ids)
        assert finished.total == pytest.approx(total)
        assert finished.score == pytest.approx(score)


def test_a_wider_beam_finds_what_greedy_misses() -> None:
    """The textbook case: the likeliest first word leads nowhere."""
    table = {(): [0, 0.55, 0.45], (1,): [0.34, 0.33, 0.33], (2,): [0.95, 0.03, 0.02]}

    class Table(Model):
        def __call__(self, said: tuple[int, ...]) -> Scores:
            with np.errstate(divide="ignore"):
                scores: Scores = np.log(table.get(said, [1.0, 0.0, 0.0]))
            return scores

    rules = Rules(beams=2, max_new=3, length_penalty=0.0, ends=frozenset([END]))
    tree = searched(rules, Table(3, 0))
    assert tree.spelt(tree.finished[0].node) == [2, END]
    assert np.exp(tree.finished[0].total) == pytest.approx(0.45 * 0.95)
    grown = with_greedy(tree, [1, END], np.log([0.55, 0.34]).tolist())
    assert grown.spelt(grown.greedy[-1]) == [1, END]
    assert np.exp(grown.totals[grown.greedy[-1]]) == pytest.approx(0.55 * 0.34)


def test_one_beam_goes_where_greedy_goes() -> None:
    says = model(6, 9)
    tree = searched(Rules(beams=1, max_new=5), says)
    said: tuple[int, ...] = ()
    for _ in range(5):
        said = (*said, int(says(said).argmax()))
    assert tuple(tree.spelt(tree.finished[0].node)) == said


searches = given(
    vocab=st.integers(2, 7),
    seed=st.integers(0, 10_000),
    beams=st.integers(1, 5),
    max_new=st.integers(1, 6),
    penalty=st.sampled_from([-1.0, 0.0, 0.5, 1.0, 2.0]),
    early=st.sampled_from([False, True, "never"]),
)


@searches
def test_the_tree_hangs_together(
    vocab: int, seed: int, beams: int, max_new: int, penalty: float, early: bool | str
) -> None:
    rules = Rules(beams, max_new, penalty, early, frozenset([END]))
    says = model(vocab, seed)
    tree = searched(rules, says)
    for node in range(1, len(tree)):
        parent, said = tree.parents[node], tuple(tree.spelt(node))
        assert tree.fates[parent] == KEPT, "only what went on has continuations"
        assert tree.steps[node] == tree.steps[parent] + 1 == len(said)
        assert tree.chances[node] == pytest.approx(says(said[:-1])[said[-1]])
        assert tree.totals[node] == pytest.approx(tree.totals[parent] + tree.chances[node])
        ends = said[-1] == END or len(said) == max_new
        assert (tree.fates[node] in (FINISHED, TOO_LATE)) == ends
    for step in range(1, tree.depth + 1):
        here = np.flatnonzero(tree.steps == step)
        assert len(here) <= rules.considered
        assert tree.ranks[here].tolist() == list(range(len(here)))
        assert (np.diff(tree.totals[here]) <= 1e-12).all(), "the likeliest first"
        kept = [tree.totals[n] for n in here if tree.fates[n] == KEPT]
        pruned = [tree.totals[n] for n in here if tree.fates[n] == PRUNED]
        assert len(kept) <= beams
        if pruned:
            assert len(kept) == beams
            assert min(kept) >= max(pruned)
    assert sum(each.kept for each in tree.finished) <= beams
    scores = [each.score for each in tree.finished]
    assert scores == sorted(scores, reverse=True)
    assert tree.stopped


@searches
def test_it_comes_back_from_json(
    vocab: int, seed: int, beams: int, max_new: int, penalty: float, early: bool | str
) -> None:
    tree = searched(Rules(beams, max_new, penalty, early, frozenset([END])), model(vocab, seed))
    again = Tree.from_json(tree.to_json())
    assert again.to_json().keys() == tree.to_json().keys()
    assert (again.fates, again.finished, again.rules) == (tree.fates, tree.finished, tree.rules)
    assert np.array_equal(again.totals, tree.totals)


def test_greedys_path_is_drawn_into_the_tree_and_not_beside_it() -> None:
    says = model(5, 3)
    tree = searched(Rules(beams=2, max_new=4, ends=frozenset([END])), says)
    ids: list[int] = []
    while len(ids) < 4 and END not in ids:
        ids.append(int(says(tuple(ids)).argmax()))
    grown = with_greedy(tree, ids, [float(says(tuple(ids[:at]))[each]) for at, each in enumerate(ids)])
    assert grown.spelt(grown.greedy[-1]) == ids
    pairs = list(zip(grown.parents.tolist(), grown.ids.tolist(), strict=True))
    assert len(set(pairs)) == len(pairs), "no hypothesis stands there twice"
    assert all(grown.fates[node] == GREEDY for node in range(len(tree), len(grown)))
    assert len(tree) == len(searched(tree.rules, says)), "the tree given is not changed"


def test_a_hypothesis_lasts_until_its_last_offspring_is_given_up() -> None:
    tree = searched(Rules(beams=2, max_new=6), model(6, 1))
    lasting = tree.lasting()
    assert lasting[0] == tree.depth
    for node, fate in enumerate(tree.fates):
        if fate == PRUNED:
            assert lasting[node] == tree.steps[node] - 1
        children = np.flatnonzero(tree.parents == node)
        if fate == KEPT and len(children):
            assert lasting[node] == max(tree.steps[node], *(lasting[child] for child in children))


def test_fewer_words_than_beams_are_no_trouble() -> None:
    tree = searched(Rules(beams=8, max_new=3, ends=frozenset([END])), model(2, 0))
    assert sum(tree.steps == 1) == 2
    assert len(tree.finished) == len(every_sentence(tree.rules, model(2, 0)))


def test_a_stop_ends_a_hypothesis_as_an_end_does() -> None:
    says = model(4, 5)
    search = Search(Rules(beams=3, max_new=5), stops=lambda ids: ids[-2:] == [1, 2])
    while search.running:
        search.step(np.stack([says(tuple(said)) for said in search.spelt()]))
    tree = search.tree()
    for node in range(1, len(tree)):
        said = tree.spelt(node)
        assert (tree.fates[node] in (FINISHED, TOO_LATE)) == (said[-2:] == [1, 2] or len(said) == 5)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"beams": 0}, "beams=0 does not fit: a search needs at least 1"),
        ({"max_new": -2}, "max_new=-2 does not fit: a search needs at least 1"),
        ({"early_stopping": "soon"}, "early_stopping='soon' does not fit: it is False, True or 'never'"),
    ],
)
def test_rules_that_do_not_fit_are_refused(wrong: dict[str, object], says: str) -> None:
    with pytest.raises(ControlError, match=says):
        Rules(**wrong)  # type: ignore[arg-type]


def test_scores_that_are_no_numbers_and_impossible_ones_are_refused() -> None:
    with pytest.raises(ValueError, match="NaN among the log-probabilities of step 1"):
        Search(Rules()).step(np.array([[np.nan, 0.0]]))
    with pytest.raises(ValueError, match="nothing can follow step 0: all are impossible"):
        Search(Rules()).step(np.full((1, 3), -np.inf))
