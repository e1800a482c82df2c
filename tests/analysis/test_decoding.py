"""Distributions before and after each setting, against Hugging Face's processors and closed forms."""

from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genviz.analysis.decoding import (
    Decoded,
    Settings,
    decode,
    likeliest,
    nucleus,
    rank,
    ranked,
    softmax,
)
from genviz.errors import ControlError

seeds = st.integers(0, 2**32 - 1)
VOCAB = 60


def logits_of(seed: int, vocab: int = VOCAB) -> Any:
    return (np.random.default_rng(seed).normal(size=vocab) * 3).astype(np.float32)


@st.composite
def settings(draw: Any) -> Settings:
    """Any combination of settings that samples."""
    maybe = draw(st.lists(st.booleans(), min_size=6, max_size=6))
    ids = st.integers(0, VOCAB - 1)
    banned = draw(st.lists(st.lists(ids, min_size=1, max_size=3), max_size=4))
    return Settings(
        temperature=draw(st.floats(0.2, 3)) if maybe[0] else 1.0,
        top_k=draw(st.integers(1, VOCAB + 5)) if maybe[1] else 0,
        top_p=draw(st.floats(0.05, 0.99)) if maybe[2] else 1.0,
        min_p=draw(st.floats(0.001, 0.9)) if maybe[3] else 0.0,
        repetition_penalty=draw(st.floats(0.5, 3)) if maybe[4] else 1.0,
        banned=tuple(map(tuple, banned)) if maybe[5] else (),
    )


@cache
def any_model() -> Any:
    """A model of Hugging Face's: it alone knows the order of its processors."""
    transformers = pytest.importorskip("transformers")
    return transformers.GPT2LMHeadModel(transformers.GPT2Config(n_embd=4, n_layer=1, n_head=1, vocab_size=8))


def hugging_face(logits: Any, earlier: list[int], how: Settings, forced: int | None = None) -> Any:
    """Scores as ``generate()`` makes them: its own list of processors, in its own order."""
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    config = transformers.GenerationConfig(
        do_sample=how.draws,
        temperature=how.temperature if how.draws else None,
        top_k=how.top_k or None,
        top_p=how.top_p,
        min_p=how.min_p or None,
        repetition_penalty=how.repetition_penalty,
        bad_words_ids=[list(word) for word in how.banned] or None,
    )
    config._eos_token_tensor, config.num_beams = None, 1
    only = None if forced is None else (lambda _, __: [forced])
    processors = any_model()._get_logits_processor(
        generation_config=config, input_ids_seq_length=len(earlier), prefix_allowed_tokens_fn=only
    )
    return processors(torch.tensor([earlier]), torch.tensor(logits)[None].clone())[0].double().numpy()


def agree(found: Decoded, expected: Any) -> None:
    scores = found.stages[-1].scores
    assert np.array_equal(np.isneginf(scores), np.isneginf(expected))
    np.testing.assert_allclose(found.after, softmax(expected), atol=1e-6)


@given(seeds, settings(), st.lists(st.integers(0, VOCAB - 1), min_size=1, max_size=8))
def test_every_combination_is_what_generate_makes_of_it(seed: int, how: Settings, earlier: list[int]) -> None:
    logits = logits_of(seed)
    try:
        found = decode(logits, earlier, how)
    except ControlError:
        assert np.isneginf(hugging_face(logits, earlier, how)).all()
        return
    agree(found, hugging_face(logits, earlier, how))


@pytest.mark.parametrize("penalty", [1.0, 1.5, 4.0])
def test_temperature_zero_is_generate_without_sampling(penalty: float) -> None:
    for seed in range(20):
        how = Settings(temperature=0, repetition_penalty=penalty, top_k=3, top_p=0.2, banned=((4,), (7, 9)))
        found = decode(logits_of(seed), [1, 5, 7], how)
        expected = hugging_face(logits_of(seed), [1, 5, 7], how)
        assert found.after.tolist() == np.eye(VOCAB)[expected.argmax()].tolist()
        assert found.stage("top_k") is None, "where nothing is drawn, no word is cut off"


def test_a_forced_word_is_the_only_one() -> None:
    how = Settings(temperature=0.7, top_p=0.5)
    found = decode(logits_of(3), [2], how, forced=11)
    agree(found, hugging_face(logits_of(3), [2], how, forced=11))
    assert found.after[11] == 1
    assert found.reason(12) == "forced"
    assert found.reason(11) == ""


def test_words_of_several_ids_are_banned_where_they_would_be_completed() -> None:
    how = Settings(banned=((3, 4),))
    assert decode(logits_of(0), [9, 3], how).reason(4) == "banned"
    assert decode(logits_of(0), [3, 9], how).reason(4) == ""
    assert decode(logits_of(0), [], how).reason(4) == ""


@given(seeds, st.floats(0.01, 1.0))
def test_a_nucleus_is_the_smallest_set_that_crosses_p(seed: int, top_p: float) -> None:
    chances = softmax(logits_of(seed))
    inside = nucleus(chances, top_p)
    assert chances[inside].sum() >= top_p - 1e-12
    assert chances[inside[:-1]].sum() < top_p
    outside = np.setdiff1d(np.arange(VOCAB), inside)
    assert outside.size == 0 or chances[outside].max() <= chances[inside].min()


def test_a_nucleus_larger_than_those_looked_at_first_is_found() -> None:
    chances = np.full(50_000, 1 / 50_000)
    assert len(nucleus(chances, 0.9)) == pytest.approx(45_000, abs=1)
    assert nucleus(chances, 0.9)[:3].tolist() == [0, 1, 2]


@given(seeds, settings())
def test_what_stays_keeps_its_proportions(seed: int, how: Settings) -> None:
    """Cutting words off and renormalising changes no ratio between two that stay."""
    found = decode(logits_of(seed), (), Settings(top_k=how.top_k, top_p=how.top_p, min_p=how.min_p))
    stays = found.after > 0
    assert found.after.sum() == pytest.approx(1)
    np.testing.assert_allclose(found.after[stays], found.before[stays] / found.before[stays].sum(), rtol=1e-9)
    assert stays[found.before.argmax()]
    assert np.array_equal(found.excluded_by == 0, stays)


@given(seeds, st.floats(0.2, 1), st.floats(1.01, 4))
def test_cooler_is_less_open(seed: int, cold: float, hot: float) -> None:
    def entropy(temperature: float) -> float:
        chances = decode(logits_of(seed), settings=Settings(temperature=temperature)).after
        return float(-(chances[chances > 0] * np.log(chances[chances > 0])).sum())

    assert entropy(cold) <= entropy(1.0) + 1e-9 <= entropy(hot) + 2e-9


def test_temperature_in_closed_form() -> None:
    logits = np.log(np.array([0.5, 0.3, 0.2]))
    squared = np.array([0.25, 0.09, 0.04])
    np.testing.assert_allclose(
        decode(logits, settings=Settings(temperature=0.5)).after, squared / squared.sum()
    )


def test_what_a_word_is_excluded_by_is_the_first_step_that_did_it() -> None:
    logits = np.log(np.array([0.4, 0.3, 0.2, 0.06, 0.04]))
    found = decode(logits, [], Settings(top_k=4, top_p=0.7, banned=((0,),)))
    assert [stage.name for stage in found.stages] == ["model", "banned", "top_k", "top_p"]
    assert [found.reason(word) for word in range(5)] == ["banned", "", "", "top_p", "top_p"]


@given(seeds, st.integers(0, VOCAB))
def test_ranked_is_a_stable_sort(seed: int, count: int) -> None:
    values = np.random.default_rng(seed).integers(0, 9, VOCAB).astype(float)
    assert ranked(values, count).tolist() == sorted(range(VOCAB), key=lambda at: (-values[at], at))[:count]
    word = seed % VOCAB
    assert rank(values, word) == 1 + sum(values > values[word])


def test_what_is_shown_is_likeliest_before_or_after() -> None:
    logits = np.log(np.array([0.4, 0.3, 0.2, 0.06, 0.04]))
    assert likeliest(decode(logits, [0, 1], Settings(repetition_penalty=3.0)), 2).tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("values", "says"),
    [
        (
            {"temperature": -0.1},
            "temperature=-0.1 does not fit: give 0 (the likeliest word each time) or more",
        ),
        ({"temperature": float("nan")}, "temperature=nan does not fit"),
        ({"top_p": 0.0}, "top_p=0.0 does not fit: give more than 0 and at most 1 (all words)"),
        ({"top_p": 1.2}, "top_p=1.2 does not fit: give more than 0 and at most 1 (all words)"),
        ({"top_k": -1}, "top_k=-1 does not fit: give a whole number, 0 for all words"),
        ({"top_k": 1.5}, "top_k=1.5 does not fit"),
        ({"min_p": 2.0}, "min_p=2.0 does not fit: give 0 (all words) to 1"),
        ({"repetition_penalty": 0.0}, "repetition_penalty=0.0 does not fit: give more than 0"),
        ({"banned": ((),)}, "a banned word is empty"),
    ],
)
def test_settings_that_do_not_fit_are_refused(values: dict[str, Any], says: str) -> None:
    with pytest.raises(ControlError) as refused:
        Settings(**values)
    assert says in str(refused.value)


def test_when_no_word_is_left_it_is_said() -> None:
    everything = tuple((word,) for word in range(VOCAB))
    with pytest.raises(ControlError, match="no word is left to be said: 60 are banned; let some of them go"):
        decode(logits_of(0), [], Settings(banned=everything))
    with pytest.raises(ControlError, match="id 3 is forced here, and banned as well"):
        decode(logits_of(0), [], Settings(banned=((3,),)), forced=3)
    with pytest.raises(ControlError, match="the forced id 60 is not one of the 60 of this model"):
        decode(logits_of(0), [], forced=60)
    with pytest.raises(ControlError, match="the banned id 99 is not one of the 60"):
        decode(logits_of(0), [], Settings(banned=((99,),)))
