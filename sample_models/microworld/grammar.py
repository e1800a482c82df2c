"""Probabilistic context-free grammars with features: they make, check and weigh sentences."""

from __future__ import annotations

import itertools
import math
import re
from bisect import bisect
from collections.abc import Iterable, Mapping, Sequence
from random import Random

Alternative = tuple[float, tuple[str, ...]]

_SYMBOL = re.compile(r"^([\w-]+)<([\w,]+)>$")


class Grammar:
    """Rules by symbol; what is not a symbol is a word.

    Parameters
    ----------
    rules : mapping of str to sequence of (weight, symbols)
        A symbol's alternatives. Weights need not sum to 1. No rule may lead back to its own symbol at its
        first place (left recursion), or checking would not end.

    Examples
    --------
    >>> grammar = Grammar.parse("S<n> = the NOUN<n> | NOUN<n>", {"n": ("one", "many")},
    ...     {"NOUN<one>": ["cat"], "NOUN<many>": ["cats"]})
    >>> grammar.accepts(["the", "cats"], "S<many>"), grammar.accepts(["the", "cats"], "S<one>")
    (True, False)
    """

    def __init__(self, rules: Mapping[str, Sequence[Alternative]]) -> None:
        self._rules: dict[str, list[Alternative]] = {}
        self._bounds: dict[str, list[float]] = {}
        for symbol, alternatives in rules.items():
            total = sum(weight for weight, _ in alternatives)
            self._rules[symbol] = [(weight / total, symbols) for weight, symbols in alternatives]
            self._bounds[symbol] = list(itertools.accumulate(share for share, _ in self._rules[symbol]))

    @classmethod
    def parse(
        cls,
        text: str,
        features: Mapping[str, Sequence[str]],
        words: Mapping[str, Iterable[str]] | None = None,
    ) -> Grammar:
        """Read rules such as ``NP<n> = the NOUN<n> *3 | a NOUN<n>``, one a line.

        Parameters
        ----------
        text : str
            A name between angle brackets that is a key of `features` stands for each of its values, the
            same one throughout the rule; ``*3`` weighs an alternative. A line that starts with ``|`` goes on
            with the rule.
        features : mapping of str to sequence of str
            The values of each feature.
        words : mapping of str to iterable of str, optional
            More symbols, each with its words.

        Raises
        ------
        ValueError
            When a rule uses a symbol that nothing defines.
        """
        rules: dict[str, list[Alternative]] = {
            symbol: [(1.0, (word,)) for word in choices] for symbol, choices in (words or {}).items()
        }
        for line in re.sub(r"\n\s*\|", " |", text).splitlines():
            if line.strip():
                head, _, body = line.partition("=")
                for alternative in body.split("|"):
                    _expand(head.strip(), alternative, features, rules)
        used = {symbol for choices in rules.values() for _, symbols in choices for symbol in symbols}
        unknown = sorted(symbol for symbol in used if _is_symbol(symbol) and symbol not in rules)
        if unknown:
            raise ValueError(
                f"the rules use {', '.join(unknown)} without saying what they are: add a rule for each"
            )
        return cls(rules)

    def words_of(self, symbol: str) -> list[str]:
        """Return every word that `symbol` can give, sorted."""
        reached, waiting = {symbol}, [symbol]
        while waiting:
            parts = {part for _, symbols in self._rules.get(waiting.pop(), []) for part in symbols} - reached
            reached |= parts
            waiting.extend(parts)
        return sorted(part for part in reached if part not in self._rules)

    def generate(self, symbol: str, random: Random) -> list[str]:
        """Return the words of one draw of `symbol`."""
        if symbol not in self._rules:
            return [symbol]
        choice = min(bisect(self._bounds[symbol], random.random()), len(self._rules[symbol]) - 1)
        return [word for part in self._rules[symbol][choice][1] for word in self.generate(part, random)]

    def accepts(self, words: Sequence[str], symbol: str) -> bool:
        """Whether `symbol` can give exactly these words."""
        return self.log_probability(words, symbol) > -math.inf

    def log_probability(self, words: Sequence[str], symbol: str) -> float:
        """Return the natural logarithm of the chance that `symbol` gives these words; -inf for never.

        Every derivation is counted: the inside algorithm (Baker 1979, "Trainable grammars for speech
        recognition"; Manning and Schütze 1999, section 11.3.1).
        """
        chance = self._inside(tuple(words), symbol, 0, {}).get(len(words), 0.0)
        return math.log(chance) if chance > 0 else -math.inf

    def _inside(
        self, words: tuple[str, ...], symbol: str, start: int, known: dict[tuple[str, int], dict[int, float]]
    ) -> dict[int, float]:
        """Return, for each place where `symbol` may end when it begins at `start`, how likely that is."""
        if symbol not in self._rules:
            return {start + 1: 1.0} if start < len(words) and words[start] == symbol else {}
        if (symbol, start) in known:
            return known[symbol, start]
        total: dict[int, float] = {}
        for share, symbols in self._rules[symbol]:
            reached = {start: share}
            for part in symbols:
                reached = self._advance(words, part, reached, known)
                if not reached:
                    break
            for end, chance in reached.items():
                total[end] = total.get(end, 0.0) + chance
        known[symbol, start] = total
        return total

    def _advance(
        self,
        words: tuple[str, ...],
        part: str,
        reached: dict[int, float],
        known: dict[tuple[str, int], dict[int, float]],
    ) -> dict[int, float]:
        further: dict[int, float] = {}
        for middle, chance in reached.items():
            for end, share in self._inside(words, part, middle, known).items():
                further[end] = further.get(end, 0.0) + chance * share
        return further


def _is_symbol(name: str) -> bool:
    return name.endswith(">") or name.isupper()


def _expand(
    head: str, body: str, features: Mapping[str, Sequence[str]], rules: dict[str, list[Alternative]]
) -> None:
    """Add the rule once for each way to choose its features; free choices on the right share the weight."""
    names = body.split()
    weight = float(names.pop()[1:]) if names and names[-1].startswith("*") else 1.0
    head_features = _features_in([head], features)
    free = [name for name in _features_in(names, features) if name not in head_features]
    share = weight / math.prod(len(features[name]) for name in free)
    for values in itertools.product(*(features[name] for name in [*head_features, *free])):
        chosen = dict(zip([*head_features, *free], values, strict=True))
        symbols = tuple(_fill(name, chosen) for name in names)
        rules.setdefault(_fill(head, chosen), []).append((share, symbols))


def _features_in(names: Iterable[str], features: Mapping[str, Sequence[str]]) -> list[str]:
    found = [match[2].split(",") for match in map(_SYMBOL.match, names) if match]
    return list(dict.fromkeys(name for group in found for name in group if name in features))


def _fill(name: str, chosen: Mapping[str, str]) -> str:
    match = _SYMBOL.match(name)
    if not match:
        return name
    return f"{match[1]}<{','.join(chosen.get(value, value) for value in match[2].split(','))}>"
