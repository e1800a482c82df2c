"""Nearest neighbours among embeddings against scikit-learn's cosines, on models of several makes."""

from typing import Any

import numpy as np
import pytest
import torch
from sklearn.metrics.pairwise import cosine_similarity

from genviz.errors import LiveError
from genviz.live import LanguageModel
from genviz.live.embedding_neighbours import token_table
from tests.live.small_models import IDS, live_of

KINDS = ["gpt", "positions first", "translator", "gpt2", "llama", "bert", "albert", "t5"]


def own(live: LanguageModel) -> torch.Tensor:
    """The table, found by what it is given: the first embedding that is run on the ids."""
    return token_table(live)[1].weight.detach()


@pytest.mark.parametrize("kind", KINDS)
def test_neighbours_are_those_of_scikit_learn(kind: str) -> None:
    live = live_of(kind)
    table = own(live).numpy()
    found = live.embedding_neighbours(IDS, position=2, count=5)
    cosines = cosine_similarity(table[IDS[2] : IDS[2] + 1], table)[0]
    others = np.delete(np.arange(len(table)), IDS[2])
    kept = others[np.linalg.norm(table[others], axis=1) > 0]
    expected = kept[np.argsort(-cosines[kept], kind="stable")][:5]
    assert found["ids"] == expected.tolist()
    np.testing.assert_allclose(found["cosines"], cosines[expected], atol=1e-6)
    assert found["typical"] == pytest.approx(cosines[kept].mean(), abs=1e-6)
    assert found["norm"] == pytest.approx(np.linalg.norm(table[IDS[2]]), rel=1e-6)
    assert (found["id"], found["rows"], found["width"]) == (IDS[2], *table.shape)


@pytest.mark.parametrize("kind", ["gpt2", "llama", "bert", "albert", "t5"])
def test_the_table_is_the_one_that_transformers_names(kind: str) -> None:
    live = live_of(kind)
    model: Any = live.modules[""]
    assert token_table(live)[1] is model.get_input_embeddings()


def test_what_has_no_direction_is_said_and_never_a_neighbour() -> None:
    live = live_of("gpt")
    weight = token_table(live)[1].weight
    before = weight.detach().clone()
    try:
        with torch.no_grad():
            weight[IDS[0]] = 0
            weight[IDS[3]] = float("nan")
        with pytest.raises(LiveError, match=f"token {IDS[0]} has length 0, so it points nowhere"):
            live.embedding_neighbours(IDS, position=0)
        found = live.embedding_neighbours(IDS, position=1, count=1000)
        assert not {IDS[0], IDS[1], IDS[3]} & set(found["ids"])
        assert len(found["ids"]) == len(weight) - 3
    finally:
        with torch.no_grad():
            weight.copy_(before)


def test_a_position_outside_the_text_is_refused() -> None:
    with pytest.raises(LiveError, match=f"position 9 does not fit: the text has {len(IDS)} tokens"):
        live_of("gpt").embedding_neighbours(IDS, position=9)
