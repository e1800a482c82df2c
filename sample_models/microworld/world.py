"""The world of the course's sentences as a grammar: who is there, what they do, and stories about them."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from random import Random

from .grammar import Grammar

#: The course's own sentences, letter by letter.
COURSE = (
    "The cat sits on mat",
    "The robber went to bank and rob the bank.",
    "The robber went to the bank of river and looking at a tree",
)

_FEATURES = {
    "n": ("sg", "pl"),
    "t": ("present", "past"),
    "k": ("robber", "man", "woman", "animal"),
    "p": ("robber", "man", "woman"),
}

# kind -> singular plural
_NOUNS = {
    "robber": "robber robbers",
    "man": "man men, boy boys, farmer farmers, king kings",
    "woman": "woman women, girl girls, teacher teachers, queen queens",
    "animal": "cat cats, dog dogs, bird birds, horse horses, mouse mice",
    "place": "house houses, school schools, garden gardens, shop shops, park parks",
    "seat": "mat mats, chair chairs, bed beds, table tables",
    "thing": "tree trees, flower flowers, boat boats, bridge bridges, hill hills",
    "object": "book books, ball balls, key keys, letter letters, box boxes",
}

_ADJECTIVES = {
    "robber": "young tall poor clever",
    "man": "young tall poor rich clever",
    "woman": "young tall poor rich clever",
    "animal": "black white brown small big",
    "place": "small big white quiet",
    "seat": "small big red green",
    "thing": "small big green white tall",
    "object": "small big red green",
}

# base, with -s, past, with -ing
_VERBS = """go goes went going, walk walks walked walking, run runs ran running, sit sits sat sitting,
sleep sleeps slept sleeping, look looks looked looking, see sees saw seeing, like likes liked liking,
want wants wanted wanting, read reads read reading, open opens opened opening, find finds found finding,
take takes took taking, steal steals stole stealing, rob robs robbed robbing, count counts counted counting,
eat eats ate eating, swim swims swam swimming, catch catches caught catching, chase chases chased chasing,
hide hides hid hiding, wait waits waited waiting, play plays played playing, need needs needed needing"""

# The two banks: what "goes to the bank and …" means is told only by the sentence before (HEIST, RIVERSIDE).
_RULES = """
STORY = TALE<k,n,t> *6 | HEIST<n,t> *2 | SAVER<p,n,t> | RIVERSIDE<p,n,t> *2 | ASKED *3 | LECTURE

TALE<k,n,t> = NP<k,n> VP<k,n,t> . NEXT<k,n,t> | NP<k,n> VP<k,n,t> . NEXT<k,n,t> NEXT<k,n,t> *2
    | NP<k,n> VP<k,n,t> . NEXT<k,n,t> NEXT<k,n,t> NEXT<k,n,t>
NEXT<k,n,t> = PRO<k,n> VP<k,n,t> . *4 | then PRO<k,n> VP<k,n,t> . | PRO<k,n> VP<k,n,t> and VP<k,n,t> .

HEIST<n,t> = NP<robber,n> want<n,t> money . PRO<robber,n> go<n,t> to the bank and HEIST_JOB<n,t> . FLIGHT<n,t>
    | NP<robber,n> go<n,t> to the bank and rob<n,t> the bank . PRO<robber,n> HEIST_JOB<n,t> . FLIGHT<n,t>
HEIST_JOB<n,t> = take<n,t> the money *2 | steal<n,t> the gold | open<n,t> the safe | rob<n,t> the bank
FLIGHT<n,t> = then PRO<robber,n> run<n,t> to PLACE . | then PRO<robber,n> hide<n,t> SPOT . | NEXT<robber,n,t>

SAVER<p,n,t> = NP<p,n> need<n,t> money . PRO<p,n> go<n,t> to the bank and SAVER_JOB<n,t> . NEXT<p,n,t>
SAVER_JOB<n,t> = count<n,t> the money | take<n,t> the money | open<n,t> the safe

RIVERSIDE<p,n,t> = NP<p,n> swim<n,t> in WATERS . PRO<p,n> go<n,t> to the bank and RIVER_JOB<n,t> . NEXT<p,n,t>
    | NP<p,n> go<n,t> to the bank of RIVER and RIVER_JOB<n,t> . PRO<p,n> RIVER_JOB<n,t> . NEXT<p,n,t>
RIVER_JOB<n,t> = look<n,t> at the water *2 | look<n,t> at NP_ANY<thing> *2 | catch<n,t> a fish
    | sleep<n,t> under a tree | sit<n,t> under a tree
RIVER = the river *3 | river
WATERS = the river *3 | the lake

LECTURE = NP<robber,sg> went to bank and rob the bank .
    | NP<p,sg> went to the bank of river and looking at a tree .
    | NP<animal,sg> sits on BARE . *2 | NP<p,sg> sits on BARE .
BARE = mat *3 | chair | bed

SENTENCE = NP<k,n> VP<k,n,t> . | PRO<k,n> VP<k,n,t> . | NEXT<k,n,t> | LECTURE
    | NP<robber,n> want<n,t> money . | NP<p,n> need<n,t> money . | NP<p,n> swim<n,t> in WATERS .
    | PRO<robber,n> go<n,t> to the bank and HEIST_JOB<n,t> .
    | PRO<p,n> go<n,t> to the bank and SAVER_JOB<n,t> .
    | PRO<p,n> go<n,t> to the bank and RIVER_JOB<n,t> .
    | NP<robber,n> go<n,t> to the bank and rob<n,t> the bank . | PRO<robber,n> HEIST_JOB<n,t> . | FLIGHT<n,t>
    | NP<p,n> go<n,t> to the bank of RIVER and RIVER_JOB<n,t> . | PRO<p,n> RIVER_JOB<n,t> .
    | ASKED_PART

VP<p,n,t> = go<n,t> to PLACE | walk<n,t> to PLACE | run<n,t> to PLACE | sit<n,t> on SEAT | sleep<n,t> SPOT
    | wait<n,t> SPOT | look<n,t> at SEEN *2 | see<n,t> SEEN *2 | like<n,t> SEEN | read<n,t> READING
    | open<n,t> the box | find<n,t> NP_ANY<object> | take<n,t> NP_ANY<object> | eat<n,t> FOOD
    | be<n,t> FEELING | be<n,t> DOING *3 | want<n,t> to WISH *2
VP<animal,n,t> = sit<n,t> on SEAT *3 | sleep<n,t> SPOT *2 | run<n,t> to PLACE | look<n,t> at SEEN *2
    | see<n,t> SEEN
    | chase<n,t> NP_ANY<animal> *2 | eat<n,t> PREY | be<n,t> hungry | be<n,t> tired | be<n,t> ANIMAL_DOING *2
    | play<n,t> with the ball | like<n,t> SEEN
DOING = sitting on SEAT | sleeping SPOT | looking at SEEN *2 | reading READING | walking to PLACE
    | eating FOOD
    | swimming in the river | waiting SPOT
ANIMAL_DOING = sitting on SEAT *2 | sleeping SPOT | looking at SEEN | chasing NP_ANY<animal> | eating PREY
WISH = go to PLACE | see SEEN | find NP_ANY<object> | read READING | eat FOOD | sleep SPOT
SPOT = in NP_ANY<place> | under a tree | under the old tree | under the bridge | under the table
    | near NP_ANY<place> | near the river | near NP_ANY<thing>
PLACE = NP_ANY<place> *5 | the river | the bank of RIVER | the lake
SEAT = NP<seat,sg> *6 | the bank of RIVER
SEEN = NP_ANY<k> *5 | NP_ANY<thing> *3 | NP_ANY<place> | the moon | the river
FOOD = an apple *2 | some bread *2 | a fish | some soup
PREY = a fish *2 | some meat *2 | some bread
READING = a book *2 | the book *2 | a letter | the letter | the old book | two books | some letters
FEELING = happy | sad | tired | hungry

PRO<robber,sg> = he
PRO<man,sg> = he
PRO<woman,sg> = she
PRO<animal,sg> = it
PRO<k,pl> = they
be<sg,present> = is
be<pl,present> = are
be<sg,past> = was
be<pl,past> = were
"""

# NP rules serve every kind of noun; a noun in the object's place may have either number.
_PHRASES = """
NP<a,sg> = the NOUN<a,sg> *6 | the ADJ<a> NOUN<a,sg> *3 | the old NOUN<a,sg> | a NOUN<a,sg> *3
    | a ADJ<a> NOUN<a,sg> *3
    | an old NOUN<a,sg>
NP<a,pl> = the NOUN<a,pl> *4 | the ADJ<a> NOUN<a,pl> *2 | the old NOUN<a,pl> | two NOUN<a,pl>
    | some NOUN<a,pl>
NP_ANY<a> = NP<a,sg> *4 | NP<a,pl>
"""

_MARKS = {".", "?"}
_WHO = {"cat": "it", "dog": "it", "robber": "he", "boy": "he", "girl": "she", "teacher": "she"}
_WHERE = (
    "on the mat",
    "under the table",
    "in the house",
    "near the river",
    "behind the tree",
    "in the school",
)


@cache
def world() -> Grammar:
    """Return the grammar: draw ``STORY`` for a story, check with ``STORY`` or, one by one, with ``SENTENCE``.

    Tense, number and the hero's pronoun agree through a whole story; the answer to a question is what the
    story said before.

    Examples
    --------
    >>> world().accepts("the cat sits on the mat .".split(), "SENTENCE")
    True
    >>> world().accepts("the cats sits on the mat .".split(), "SENTENCE")
    False
    """
    features = {**_FEATURES, "a": tuple(_NOUNS)}
    return Grammar.parse(_RULES + _PHRASES + _asked(), features, _words())


def draw_stories(count: int, *, seed: int) -> list[list[str]]:
    """Return stories as lists of words and marks.

    Parameters
    ----------
    count : int
        How many.
    seed : int
        The same seed gives the same stories.
    """
    random, grammar = Random(seed), world()
    return [grammar.generate("STORY", random) for _ in range(count)]


def sentences(story: Iterable[str]) -> list[list[str]]:
    """Cut a story, as words and marks, into its sentences; what follows the last mark is one too."""
    found: list[list[str]] = [[]]
    for word in story:
        found[-1].append(word)
        if word in _MARKS:
            found.append([])
    return [sentence for sentence in found if sentence]


def _asked() -> str:
    """Write the rules of stories that place someone, perhaps speak of something else, and ask where he is."""
    rules = ["ELSEWHERE<k> = NP<k,sg> VP<k,sg,present> ."]
    for who, pronoun in _WHO.items():
        rules.append(f"ASKED_PART = where is the {who} ?")
        for where in _WHERE:
            rules.append(f"ASKED_PART = the {who} is {where} . | {pronoun} is {where} .")
            placed = f"the {who} is {where} ."
            for named in (pronoun, f"the {who}"):
                asked = f"where is the {who} ? {named} is {where} ."
                rules.append(f"ASKED = {placed} {asked} | {placed} ELSEWHERE<k> {asked} *3")
    return "\n".join(rules)


def _words() -> dict[str, list[str]]:
    """Return the lexical symbols: nouns, adjectives, and verb forms by number and tense."""
    words: dict[str, list[str]] = {}
    for kind, text in _NOUNS.items():
        pairs = [entry.split() for entry in text.split(",")]
        words[f"NOUN<{kind},sg>"] = [one for one, _ in pairs]
        words[f"NOUN<{kind},pl>"] = [many for _, many in pairs]
        words[f"ADJ<{kind}>"] = _ADJECTIVES[kind].split()
    for entry in _VERBS.split(","):
        base, third, past, _ = entry.split()
        words |= {f"{base}<sg,present>": [third], f"{base}<pl,present>": [base]}
        words |= {f"{base}<{number},past>": [past] for number in ("sg", "pl")}
    return words
