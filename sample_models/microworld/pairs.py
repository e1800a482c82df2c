"""French phrases and sentences of the small world beside their English, with the agreement French asks for.

The French side agrees in gender and number (*petite maison*, *chats noirs*), puts most adjectives after
the noun and a few before it (*le petit chat noir*), and elides (*l'arbre*). The English follows
from the French alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from random import Random


@dataclass(frozen=True)
class Pair:
    """A French text, its English, and the noun–adjective couples in it.

    Parameters
    ----------
    french, english : str
        The texts, in lower case.
    couples : tuple of (str, str)
        English noun and adjective, for each adjective used.
    """

    french: str
    english: str
    couples: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class _Noun:
    french: str
    french_plural: str
    feminine: bool
    english: str
    english_plural: str
    kind: str


@dataclass(frozen=True)
class _Adjective:
    forms: tuple[str, str, str, str]  # masculine, feminine, masculine plural, feminine plural
    before_vowel: str  # masculine singular before a vowel, where it differs
    english: str
    first: bool  # stands before its noun
    kinds: tuple[str, ...]  # of nouns it goes with


@dataclass(frozen=True)
class _Phrase:
    french: str
    english: str
    plural: bool
    feminine: bool
    couples: tuple[tuple[str, str], ...]


def _nouns() -> tuple[_Noun, ...]:
    table = """"m animal chat chats cat cats, m animal chien chiens dog dogs,
    m animal cheval chevaux horse horses, m animal oiseau oiseaux bird birds,
    m animal éléphant éléphants elephant elephants, f animal souris souris mouse mice,
    m person voleur voleurs robber robbers, m person garçon garçons boy boys,
    f person fille filles girl girls, m person homme hommes man men, f person femme femmes woman women,
    m person roi rois king kings, f person reine reines queen queens, f place maison maisons house houses,
    f place école écoles school schools, f place banque banques bank banks,
    m place jardin jardins garden gardens, m place parc parcs park parks,
    f place rivière rivières river rivers, m thing arbre arbres tree trees,
    f thing fleur fleurs flower flowers, m thing livre livres book books, f seat table tables table tables,
    f seat chaise chaises chair chairs, m seat tapis tapis mat mats, m seat lit lits bed beds,
    f thing clé clés key keys, f thing lettre lettres letter letters, f thing boîte boîtes box boxes,
    m thing bateau bateaux boat boats, f thing pomme pommes apple apples,
    f thing orange oranges orange oranges"""
    found = []
    for entry in table.split(","):
        gender, kind, one, many, english, english_many = entry.split()
        found.append(_Noun(one, many, gender == "f", english, english_many, kind))
    return tuple(found)


def _adjectives() -> tuple[_Adjective, ...]:
    table = """after noir noire noirs noires - black animal/seat/thing,
    after blanc blanche blancs blanches - white animal/place/seat/thing,
    after vert verte verts vertes - green place/seat/thing,
    after rouge rouge rouges rouges - red seat/thing,
    after gris grise gris grises - grey animal/place/seat/thing,
    after brun brune bruns brunes - brown animal/seat/thing,
    after triste triste tristes tristes - sad animal/person,
    after intelligent intelligente intelligents intelligentes - clever animal/person,
    after tranquille tranquille tranquilles tranquilles - quiet animal/person/place,
    after lourd lourde lourds lourdes - heavy seat/thing,
    first petit petite petits petites - small animal/person/place/seat/thing,
    first grand grande grands grandes - big animal/place/seat/thing,
    first beau belle beaux belles bel beautiful animal/person/place/seat/thing,
    first vieux vieille vieux vieilles vieil old animal/person/place/seat/thing,
    first jeune jeune jeunes jeunes - young animal/person,
    first nouveau nouvelle nouveaux nouvelles nouvel new animal/place/seat/thing"""
    found = []
    for entry in table.split(","):
        place, *forms, before_vowel, english, kinds = entry.split()
        a, b, c, d = forms
        special = "" if before_vowel == "-" else before_vowel
        found.append(_Adjective((a, b, c, d), special, english, place == "first", tuple(kinds.split("/"))))
    return tuple(found)


NOUNS, ADJECTIVES = _nouns(), _adjectives()

# English determiner: French masculine, feminine, before a vowel (both genders), plural.
_DETERMINERS = {
    "the": ("le", "la", "l'", "les"),
    "a": ("un", "une", "", "des"),
    "this": ("ce", "cette", "cet", "ces"),
    "my": ("mon", "ma", "mon", "mes"),
}
_ENGLISH_PLURAL = {"the": "the", "a": "some", "this": "these", "my": "my"}

# French singular and plural; English singular and plural.
_INTRANSITIVE = (
    ("dort", "dorment", "sleeps", "sleep"),
    ("marche", "marchent", "walks", "walk"),
    ("attend", "attendent", "waits", "wait"),
    ("mange", "mangent", "eats", "eat"),
    ("arrive", "arrivent", "arrives", "arrive"),
)
_TRANSITIVE = (
    ("voit", "voient", "sees", "see"),
    ("regarde", "regardent", "looks at", "look at"),
    ("aime", "aiment", "likes", "like"),
    ("cherche", "cherchent", "looks for", "look for"),
    ("trouve", "trouvent", "finds", "find"),
)
# Where things are: the kind of noun that fits.
_PLACED = (
    ("sur", "on", "seat"),
    ("sous", "under", "seat"),
    ("dans", "in", "place"),
    ("devant", "in front of", "place"),
    ("derrière", "behind", "place"),
)
_GOING = (
    ("à la banque", "to the bank"),
    ("à la maison", "to the house"),
    ("à l'école", "to the school"),
    ("au parc", "to the park"),
    ("au jardin", "to the garden"),
    ("à la rivière", "to the river"),
    ("sur la rive de la rivière", "to the bank of the river"),
)
_PRONOUNS = (
    ("il", "he", False, False),
    ("elle", "she", True, False),
    ("ils", "they", False, True),
    ("elles", "they", True, True),
)
# *Une vieille fille* is a spinster, *un vieux garçon* a bachelor.
_AVOIDED = {("girl", "old"), ("boy", "old")}
_BEINGS = ("animal", "person")
_VOWELS = "aeiouhéèêâî"


def held_out(noun: str, adjective: str) -> bool:
    """Whether a couple is kept from training: one in eight, and the course's black cat.

    Parameters
    ----------
    noun, adjective : str
        In English, singular.
    """
    return (noun, adjective) == ("cat", "black") or sha256(f"{adjective} {noun}".encode()).digest()[
        0
    ] % 8 == 0


def fits(noun: _Noun, adjective: _Adjective) -> bool:
    """Whether the two are said together here."""
    return noun.kind in adjective.kinds and (noun.english, adjective.english) not in _AVOIDED


def draw_pairs(count: int, *, seed: int, unseen: bool = False) -> list[Pair]:
    """Return pairs, each different.

    Parameters
    ----------
    count : int
        How many.
    seed : int
        The same seed gives the same pairs.
    unseen : bool, optional
        Whether each holds a couple that is `held_out`; otherwise none does.

    Examples
    --------
    >>> draw_pairs(1, seed=3)[0].english.split()[0] in {"the", "a", "an", "some", "this", "these", "my"}
    True
    """
    random = Random(seed)
    found: dict[str, Pair] = {}
    while len(found) < count:
        pair = _pair(random)
        if any(held_out(*couple) for couple in pair.couples) == unseen:
            found[pair.french] = pair
    return list(found.values())


def _pair(random: Random) -> Pair:
    shapes = (_noun_phrase, _alone, _with_object, _placed, _going, _state)
    return random.choices(shapes, (4, 1, 3, 3, 2, 1))[0](random)


def _noun_phrase(random: Random) -> Pair:
    phrase = _phrase(random, ("animal", "person", "place", "seat", "thing"))
    return Pair(phrase.french, phrase.english, phrase.couples)


def _alone(random: Random) -> Pair:
    subject = _phrase(random, _BEINGS)
    return _join(subject, _doing(random, subject))


def _with_object(random: Random) -> Pair:
    subject = _phrase(random, _BEINGS)
    thing = _phrase(random, ("animal", "person", "place", "seat", "thing"))
    return _join(subject, _verb(random.choice(_TRANSITIVE), subject), thing)


def _placed(random: Random) -> Pair:
    subject = _phrase(random, _BEINGS)
    verb = _doing(random, subject)
    french, english, kind = random.choice(_PLACED)
    return _join(subject, (f"{verb[0]} {french}", f"{verb[1]} {english}"), _phrase(random, (kind,)))


def _going(random: Random) -> Pair:
    subject = _phrase(random, _BEINGS)
    verb = _verb(("va", "vont", "goes", "go"), subject)
    french, english = random.choice(_GOING)
    return _join(subject, (f"{verb[0]} {french}", f"{verb[1]} {english}"))


def _state(random: Random) -> Pair:
    french, english, feminine, plural = random.choice(_PRONOUNS)
    adjective = random.choice([a for a in ADJECTIVES if not a.first and "person" in a.kinds])
    verb = ("sont", "are") if plural else ("est", "is")
    agreed = adjective.forms[feminine + 2 * plural]
    return Pair(f"{french} {verb[0]} {agreed}", f"{english} {verb[1]} {adjective.english}")


def _doing(random: Random, subject: _Phrase) -> tuple[str, str]:
    """Return an intransitive verb in both languages; *est assis* agrees with its subject's gender too."""
    if random.random() < 0.25:
        sitting = ("assis", "assise", "assis", "assises")[subject.feminine + 2 * subject.plural]
        return _verb((f"est {sitting}", f"sont {sitting}", "sits", "sit"), subject)
    return _verb(random.choice(_INTRANSITIVE), subject)


def _verb(forms: tuple[str, str, str, str], subject: _Phrase) -> tuple[str, str]:
    return forms[subject.plural], forms[2 + subject.plural]


def _join(subject: _Phrase, verb: tuple[str, str], thing: _Phrase | None = None) -> Pair:
    french, english = f"{subject.french} {verb[0]}", f"{subject.english} {verb[1]}"
    if thing is None:
        return Pair(french, english, subject.couples)
    return Pair(f"{french} {thing.french}", f"{english} {thing.english}", subject.couples + thing.couples)


def _phrase(random: Random, kinds: tuple[str, ...]) -> _Phrase:
    noun = random.choice([noun for noun in NOUNS if noun.kind in kinds])
    fitting = [adjective for adjective in ADJECTIVES if fits(noun, adjective)]
    before = [adjective for adjective in fitting if adjective.first]
    after = [adjective for adjective in fitting if not adjective.first]
    chosen = random.choices(((0, 0), (1, 0), (0, 1), (1, 1)), (4, 3, 4, 2))[0]
    first = random.choice(before) if chosen[0] else None
    last = random.choice(after) if chosen[1] else None
    # *Ma femme* is my wife and *ma fille* my daughter: nobody owns a person here.
    weights = (6, 3, 1, 0 if noun.kind == "person" else 1)
    determiner = random.choices(tuple(_DETERMINERS), weights)[0]
    return compose(determiner, noun, first=first, last=last, plural=random.random() < 0.35)


def compose(
    determiner: str, noun: _Noun, *, first: _Adjective | None, last: _Adjective | None, plural: bool
) -> _Phrase:
    """Return a noun phrase in both languages, agreed and elided.

    Parameters
    ----------
    determiner : {"the", "a", "this", "my"}
        In English.
    noun : noun
        One of `NOUNS`.
    first, last : adjective or None
        Of `ADJECTIVES`: the one before the French noun and the one after it. English puts them in that order.
    plural : bool
        Whether there are several.
    """
    agreement = noun.feminine + 2 * plural
    names = [noun.french_plural if plural else noun.french]
    if first is not None:
        elided = first.before_vowel and agreement == 0 and names[0][0] in _VOWELS
        names.insert(0, first.before_vowel if elided else first.forms[agreement])
    if last is not None:
        names.append(last.forms[agreement])
    used = [adjective.english for adjective in (first, last) if adjective is not None]
    english = [*used, noun.english_plural if plural else noun.english]
    return _Phrase(
        _determined(determiner, names, feminine=noun.feminine, plural=plural),
        " ".join([_english_determiner(determiner, english[0], plural=plural), *english]),
        plural,
        noun.feminine,
        tuple((noun.english, adjective) for adjective in used),
    )


def _determined(determiner: str, names: list[str], *, feminine: bool, plural: bool) -> str:
    masculine_form, feminine_form, vowel_form, plural_form = _DETERMINERS[determiner]
    rest = " ".join(names)
    if plural:
        # *Des* becomes *de* before an adjective: de petits chats; *d'* does not arise with these adjectives.
        leading = len(names) > 1 and any(names[0] == form for a in ADJECTIVES if a.first for form in a.forms)
        return f"{'de' if determiner == 'a' and leading else plural_form} {rest}"
    # Ce becomes cet before masculine nouns only.
    vowel = rest[0] in _VOWELS and bool(vowel_form) and not (determiner == "this" and feminine)
    if vowel:
        return f"{vowel_form}{'' if vowel_form.endswith(chr(39)) else ' '}{rest}"
    return f"{feminine_form if feminine else masculine_form} {rest}"


def _english_determiner(determiner: str, following: str, *, plural: bool) -> str:
    if plural:
        return _ENGLISH_PLURAL[determiner]
    return "an" if determiner == "a" and following[0] in "aeiou" else determiner
