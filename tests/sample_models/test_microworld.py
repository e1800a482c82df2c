"""The small world: its grammar against sampling, its stories against its checker, its French by hand."""

from __future__ import annotations

import math
from pathlib import Path
from random import Random

import pytest

from sample_models.microworld import (
    COURSE,
    Grammar,
    WordTokenizer,
    draw_pairs,
    draw_stories,
    sentences,
    spell,
    split,
    world,
)
from sample_models.microworld.pairs import ADJECTIVES, NOUNS, compose, fits, held_out
from sample_models.microworld.tokenizer import SPECIAL

NUMBERS = {"n": ("one", "many")}
WORDS = {"NOUN<one>": ["cat", "mouse"], "NOUN<many>": ["cats"]}
TOY = Grammar.parse(
    """
    S = NP<n> see<n>
        | NP<one> see<one> NP<n> *3
    NP<n> = the NOUN<n> *3 | NOUN<n> | the NOUN<n>
    see<one> = sees
    see<many> = see
    """,
    NUMBERS,
    WORDS,
)


def checked(text: str, symbol: str = "SENTENCE") -> bool:
    return world().accepts(text.split(), symbol)


def test_probability_is_the_sum_over_derivations() -> None:
    # S -> NP<one> see<one> (1/4, half of it to each number); NP -> the NOUN by two rules (3 + 1 of 5).
    assert TOY.log_probability(["the", "cat", "sees"], "S") == pytest.approx(math.log(1 / 4 / 2 * 4 / 5 / 2))
    # S -> NP<one> sees NP<n>: 3/4, half of it to each number.
    expected = math.log(3 / 4 / 2 * (1 / 5 / 2) * (4 / 5))
    assert TOY.log_probability(["mouse", "sees", "the", "cats"], "S") == pytest.approx(expected)


def test_probabilities_match_how_often_sentences_are_drawn() -> None:
    random = Random(0)
    drawn = [tuple(TOY.generate("S", random)) for _ in range(20_000)]
    sentences_seen = set(drawn)
    total = 0.0
    for sentence in sentences_seen:
        chance = math.exp(TOY.log_probability(sentence, "S"))
        total += chance
        error = math.sqrt(chance * (1 - chance) / len(drawn))
        assert drawn.count(sentence) / len(drawn) == pytest.approx(chance, abs=5 * error)
    assert total == pytest.approx(1)


@pytest.mark.parametrize(
    "words", ["cats sees", "the the cat sees", "the cat", "the cat sees the", "", "dog sees"]
)
def test_grammar_rejects(words: str) -> None:
    assert not TOY.accepts(words.split(), "S")


def test_grammar_names_what_is_not_defined() -> None:
    with pytest.raises(
        ValueError, match=r"the rules use VERB<one> without saying what they are: add a rule for each"
    ):
        Grammar.parse("S = the NOUN<one> VERB<one>", NUMBERS, WORDS)


def test_every_story_and_each_of_its_sentences_is_accepted() -> None:
    for story in draw_stories(300, seed=5):
        assert world().accepts(story, "STORY"), spell(story)
        assert [word for sentence in sentences(story) for word in sentence] == story
        for sentence in sentences(story):
            assert world().accepts(sentence, "SENTENCE"), spell(sentence)


def test_shuffled_sentences_are_rejected() -> None:
    random = Random(1)
    found = []
    for story in draw_stories(200, seed=6):
        sentence = sentences(story)[0]
        shuffled = random.sample(sentence[:-1], len(sentence) - 1) + sentence[-1:]
        found.append(shuffled != sentence and world().accepts(shuffled, "SENTENCE"))
    assert sum(found) < 5


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("the cat sits on the mat .", "the cats sits on the mat ."),
        ("an old tree", "a old tree"),
        ("the dogs were sleeping under a tree .", "the dogs was sleeping under a tree ."),
        (
            "the robber went to the bank and robbed the bank .",
            "the robber went to the bank and robs the bank .",
        ),
        ("the robbers want money .", "the cats want money ."),
        ("where is the cat ?", "where is the cat ."),
    ],
)
def test_checker_knows_agreement(right: str, wrong: str) -> None:
    symbol = "NP<thing,sg>" if "." not in right and "?" not in right else "SENTENCE"
    assert checked(right, symbol)
    assert not checked(wrong, symbol)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("the girl ate an apple . she was happy .", "the girl ate an apple . he was happy ."),
        (
            "the dogs slept near the river . they ate a fish .",
            "the dogs slept near the river . it ate a fish .",
        ),
        ("the boy ate an apple . he was happy .", "the boy ate an apple . he is happy ."),
        (
            "the cat is on the mat . the boy reads a book . where is the cat ? it is on the mat .",
            "the cat is on the mat . the boy reads a book . where is the cat ? it is in the house .",
        ),
        (
            "the robber wanted money . he went to the bank and took the money . he was tired .",
            "the robber wanted money . he went to the bank and caught a fish . he was tired .",
        ),
    ],
)
def test_checker_knows_stories(right: str, wrong: str) -> None:
    assert checked(right, "STORY")
    assert not checked(wrong, "STORY")


def test_stories_follow_from_the_seed() -> None:
    assert draw_stories(20, seed=1) == draw_stories(20, seed=1)
    assert draw_stories(20, seed=1) != draw_stories(20, seed=2)


def test_stories_vary_and_fit_the_context() -> None:
    stories = draw_stories(3_000, seed=7)
    assert len({tuple(story) for story in stories}) > 2_500
    assert max(map(len, stories)) < 62
    assert {word for story in stories for word in story} == set(world().words_of("STORY"))


def test_the_course_is_told_in_this_world() -> None:
    for text in COURSE:
        assert checked(" ".join(split(text.removesuffix(".") + ".")))


def test_tokenizer_reads_back_what_it_wrote(tmp_path: Path) -> None:
    tokenizer = WordTokenizer.of(["the", "cat", "l'", "arbre", ".", "sits"])
    tokenizer.save(tmp_path / "words.json")
    again = WordTokenizer.load(tmp_path / "words.json")
    ids = again.encode("The cat sits. L’arbre")
    assert ids == tokenizer.encode("the cat sits . l'arbre")
    assert again.tokens(ids) == ["the", "cat", "sits", ".", "l'", "arbre"]
    assert again.decode([again.bos_id, *ids, again.eos_id]) == "the cat sits. l'arbre"
    assert again.vocab_size == 10
    assert again.tokens(range(4)) == list(SPECIAL)


def test_tokenizer_says_what_it_does_not_know() -> None:
    tokenizer = WordTokenizer.of(["the"])
    assert tokenizer.tokens(tokenizer.encode("the zebra")) == ["the", "<unk>"]
    assert tokenizer.encode("<eos>") == [tokenizer.eos_id]
    with pytest.raises(
        ValueError, match=r"the vocabulary lacks <unk>, <bos>: build it with WordTokenizer.of"
    ):
        WordTokenizer(["<pad>", "<eos>", "cat"])


NOUN = {noun.english: noun for noun in NOUNS}
ADJECTIVE = {adjective.english: adjective for adjective in ADJECTIVES}


@pytest.mark.parametrize(
    ("determiner", "noun", "first", "last", "plural", "french", "english"),
    [
        ("the", "cat", None, "black", False, "le chat noir", "the black cat"),
        ("the", "cat", "small", "black", True, "les petits chats noirs", "the small black cats"),
        ("a", "house", "small", None, False, "une petite maison", "a small house"),
        ("the", "tree", None, "green", False, "l'arbre vert", "the green tree"),
        ("the", "tree", "old", None, False, "le vieil arbre", "the old tree"),
        ("this", "tree", "beautiful", None, False, "ce bel arbre", "this beautiful tree"),
        ("this", "tree", None, None, False, "cet arbre", "this tree"),
        ("this", "school", None, None, False, "cette école", "this school"),
        ("my", "school", None, "white", False, "mon école blanche", "my white school"),
        ("my", "school", "old", None, False, "ma vieille école", "my old school"),
        ("a", "flower", "beautiful", "red", True, "de belles fleurs rouges", "some beautiful red flowers"),
        ("a", "flower", None, "red", True, "des fleurs rouges", "some red flowers"),
        ("a", "bird", "old", None, False, "un vieil oiseau", "an old bird"),
        ("a", "horse", None, "white", True, "des chevaux blancs", "some white horses"),
        ("a", "apple", None, "red", False, "une pomme rouge", "a red apple"),
        ("a", "apple", None, None, False, "une pomme", "an apple"),
        ("a", "orange", None, "green", False, "une orange verte", "a green orange"),
        ("the", "orange", None, None, False, "l'orange", "the orange"),
        ("the", "man", None, None, False, "l'homme", "the man"),
        ("the", "mouse", None, "grey", True, "les souris grises", "the grey mice"),
    ],
)
def test_french_agrees(
    determiner: str, noun: str, first: str | None, last: str | None, plural: bool, french: str, english: str
) -> None:
    chosen = (None if name is None else ADJECTIVE[name] for name in (first, last))
    before, after = chosen
    phrase = compose(determiner, NOUN[noun], first=before, last=after, plural=plural)
    assert (phrase.french, phrase.english) == (french, english)


def test_held_out_couples_never_meet_in_training() -> None:
    assert held_out("cat", "black")
    kept = [
        (n.english, a.english)
        for n in NOUNS
        for a in ADJECTIVES
        if fits(n, a) and held_out(n.english, a.english)
    ]
    assert 20 < len(kept) < 80
    seen = {couple for pair in draw_pairs(20_000, seed=1) for couple in pair.couples}
    assert not seen & set(kept)
    # Each word of a couple kept back is known from other couples.
    assert {noun for noun, _ in kept} <= {noun for noun, _ in seen}
    assert {adjective for _, adjective in kept} <= {adjective for _, adjective in seen}
    assert all(any(held_out(*c) for c in pair.couples) for pair in draw_pairs(200, seed=2, unseen=True))


def test_pairs_are_different_and_french_has_one_english() -> None:
    pairs = draw_pairs(20_000, seed=3)
    assert len({pair.french for pair in pairs}) == len(pairs)
    assert pairs[:50] == draw_pairs(20_000, seed=3)[:50]
    english = {pair.french: pair.english for pair in pairs}
    again = {pair.french: pair.english for pair in draw_pairs(20_000, seed=4)}
    shared = english.keys() & again.keys()
    assert len(shared) > 500
    assert all(english[french] == again[french] for french in shared)


def test_french_mentions_both_banks() -> None:
    english = {pair.english: pair.french for pair in draw_pairs(20_000, seed=1)}
    assert english["the robber goes to the bank"] == "le voleur va à la banque"
    assert any("rive" in f and "the bank of the river" in e for e, f in english.items())
