"""What the base model is fine-tuned for: prompts and their answers, made from the small world.

No prompt that is held out is ever trained on: which ones they are follows from the prompt alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from random import Random

from sample_models.microworld import draw_pairs, sentences, world

#: After a French sentence its English is wanted (as in section 3.7 of Radford et al. 2019), after a story its
#: gist.
ENGLISH = "="
GIST = "in short :"

_KINDS = ("robber", "man", "woman", "animal")
_VERBS = {"present": ("is", "sits", "sleeps", "waits"), "past": ("was", "sat", "slept", "waited")}
_PLACES = (
    "on the mat", "on the chair", "under the table", "under a tree", "under the bridge", "in the house",
    "in the garden", "in the school", "near the river", "near the lake", "near the park", "behind the tree",
)  # fmt: skip
_ADJECTIVES = frozenset(
    word for kind in (*_KINDS, "place", "seat", "thing", "object")
    for word in world().words_of(f"ADJ<{kind}>")
) | {"old"}  # fmt: skip
_VOWELS = ("apple",)  # nouns that take *an*
_LONGEST = 60  # tokens of prompt and answer: with both marks they fit the context


@dataclass(frozen=True)
class Item:
    """A prompt and the answer that is right.

    Parameters
    ----------
    prompt, answer : str
        Words and marks, separated by spaces.
    """

    prompt: str
    answer: str

    @property
    def held_out(self) -> bool:
        """Whether it is kept from training: one in eight, by chance but always the same."""
        return sha256(self.prompt.encode()).digest()[0] % 8 == 0


@dataclass(frozen=True)
class Task:
    """One thing that the base model learns to do.

    Parameters
    ----------
    name : str
        As in file names and on the card.
    title : str
        What people read.
    draw : callable
        Gets how many, and a seed; returns items, each different, more than a few of them held out.
    """

    name: str
    title: str
    draw: Callable[[int, int], list[Item]]

    def items(self, count: int, *, seed: int, held_out: bool) -> list[Item]:
        """Return items of one side: those that are trained on, or those that are kept from it."""
        factor = 16 if held_out else 2
        found = [item for item in self.draw(factor * count, seed) if item.held_out is held_out]
        return found[:count]


def draw_questions(count: int, seed: int) -> list[Item]:
    """It is told where one is, and perhaps what another does; then it is asked where that is, or who."""
    random = Random(seed)
    found: dict[str, Item] = {}
    while len(found) < count:
        item = _question(random)
        found[item.prompt] = item
    return list(found.values())


def draw_translations(count: int, seed: int) -> list[Item]:
    """A French sentence, and its English."""
    return [Item(f"{pair.french} {ENGLISH}", pair.english) for pair in draw_pairs(count, seed=seed)]


def draw_summaries(count: int, seed: int) -> list[Item]:
    """A story, and its gist: whom it is about and how it ends, without the adjectives."""
    random, grammar = Random(seed), world()
    found: dict[str, Item] = {}
    while len(found) < count:
        story = grammar.generate("STORY", random)
        if "?" not in story and len(sentences(story)) > 1:
            item = Item(f"{' '.join(story)} {GIST}", " ".join(gist(story)))
            if len(f"{item.prompt} {item.answer}".split()) <= _LONGEST:
                found[item.prompt] = item
    return list(found.values())


TASKS = (
    Task("answers", "Question → answer", draw_questions),
    Task("translation", "French → English", draw_translations),
    Task("summary", "Text → summary", draw_summaries),
)


def gist(story: list[str]) -> list[str]:
    """Return whom a story is about and what he, she, it or they do last, without adjectives.

    Examples
    --------
    >>> " ".join(gist("an old king ate an apple . he slept and ran to the old school .".split()))
    'the king ran to the school .'
    """
    said = sentences(story)
    last = [word for word in said[-1] if word != "then"]
    deed = last[last.index("and") + 1 :] if "and" in last else last[1:]
    return ["the", _hero(said[0]), *_plain(deed)]


def _hero(sentence: list[str]) -> str:
    """Return the noun that a sentence begins with."""
    return next(word for word in sentence[1:] if word not in _ADJECTIVES)


def _plain(words: list[str]) -> list[str]:
    """Return words without their adjectives; *an* agrees with what is left."""
    kept = [word for word in words if word not in _ADJECTIVES]
    for at, word in enumerate(kept[:-1]):
        if word in ("a", "an"):
            kept[at] = "an" if kept[at + 1] in _VOWELS else "a"
    return kept


def _question(random: Random) -> Item:
    tense = random.choice(tuple(_VERBS))
    kinds = random.choices(_KINDS, k=2)
    hero, other = (world().generate(f"NP<{kind},sg>", random) for kind in kinds)
    verb, place = random.choice(_VERBS[tense]), random.choice(_PLACES)
    deed = world().generate(f"VP<{kinds[1]},sg,{tense}>", random)
    if hero[-1] == other[-1] or place in " ".join(deed):
        return _question(random)  # it would not be clear who is asked for
    told = [*hero, verb, place, "."]
    if random.random() < 0.75:
        told += [*other, *deed, "."]
    if random.random() < 0.5:
        return Item(f"{' '.join(told)} who {verb} {place} ?", f"the {hero[-1]} .")
    return Item(f"{' '.join(told)} where {_VERBS[tense][0]} the {hero[-1]} ?", f"{place} .")
