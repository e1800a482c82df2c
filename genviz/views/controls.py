"""Controls: what a person may change on a view, each with its check and its way from and to text."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from genviz.errors import ControlError


@dataclass(frozen=True)
class Control:
    """A setting of a view; see its subclasses.

    Parameters
    ----------
    name : str
        The keyword of the view's ``draw``.
    label : str
        What people read.
    value : Any
        Its first value.
    help : str
        One sentence, shown on demand.
    """

    name: str
    label: str
    value: Any
    help: str = field(default="", kw_only=True)

    def check(self, value: Any) -> Any:
        """Return the value as ``draw`` gets it, from itself or from text; ControlError says what fits."""
        raise TypeError(f"{type(self).__name__} must say how a value is checked")

    def _refuse(self, value: Any, fits: str) -> ControlError:
        return ControlError(f"{self.name}={value!r} does not fit: {self.label.lower()} takes {fits}")


@dataclass(frozen=True)
class Choice(Control):
    """One of several values; ``choices`` are ``(value, label)`` pairs."""

    choices: tuple[tuple[Any, str], ...] = ()

    def check(self, value: Any) -> Any:
        """Accept a value or its text."""
        for option, label in self.choices:
            if value == option or (isinstance(value, str) and value in (str(option), label)):
                return option
        shown = ", ".join(str(option) for option, _ in self.choices[:12])
        raise self._refuse(value, shown + (" …" if len(self.choices) > 12 else ""))


@dataclass(frozen=True)
class Number(Control):
    """A number in ``[minimum, maximum]``; whole when ``step`` is."""

    minimum: float = 0.0
    maximum: float = 1.0
    step: float = 1

    def check(self, value: Any) -> float:
        """Accept a number or its text."""
        fits = f"a number from {self.minimum:g} to {self.maximum:g}"
        try:
            number = float(value)
        except (TypeError, ValueError):
            raise self._refuse(value, fits) from None
        if not self.minimum <= number <= self.maximum:
            raise self._refuse(value, fits)
        return int(number) if isinstance(self.step, int) and number.is_integer() else number


@dataclass(frozen=True)
class Step(Number):
    """A place in time, from ``minimum`` on; one beyond the end is the end.

    A figure that holds a frame for each place is played in the browser: see :mod:`genviz.figures.played`.
    """


@dataclass(frozen=True)
class Switch(Control):
    """On or off."""

    def check(self, value: Any) -> bool:
        """Accept a bool or one of the usual words."""
        if isinstance(value, bool):
            return value
        known = {
            "true": True,
            "1": True,
            "on": True,
            "yes": True,
            "false": False,
            "0": False,
            "off": False,
            "no": False,
        }
        if str(value).lower() not in known:
            raise self._refuse(value, "on or off")
        return known[str(value).lower()]


@dataclass(frozen=True)
class Text(Control):
    """Free text of at most ``longest`` characters."""

    longest: int = 4000

    def check(self, value: Any) -> str:
        """Accept any text that is not too long."""
        text = str(value)
        if len(text) > self.longest:
            raise self._refuse(text[:20] + "…", f"at most {self.longest} characters, not {len(text)}")
        return text


@dataclass(frozen=True)
class Picks(Control):
    """Positions chosen in a figure (samples, tokens): a tuple of whole numbers below ``count``."""

    count: int = 0
    most: int = 2

    def check(self, value: Any) -> tuple[int, ...]:
        """Accept numbers, or text such as ``3,17``."""
        parts: Sequence[Any] = (
            [p for p in value.split(",") if p.strip()] if isinstance(value, str) else tuple(value)
        )
        try:
            picks = tuple(int(part) for part in parts)
        except (TypeError, ValueError):
            raise self._refuse(value, "whole numbers separated by commas") from None
        if len(picks) > self.most or any(not 0 <= pick < self.count for pick in picks):
            raise self._refuse(value, f"at most {self.most} numbers from 0 to {self.count - 1}")
        return picks


@dataclass(frozen=True)
class Span(Control):
    """A part of an axis, ``(first, last)``, both included; ``()`` is all of it.

    A box drawn in the figure, or the figure moved by hand, sets the one of its ``axis``.
    """

    count: int = 0
    axis: str = "x"

    def check(self, value: Any) -> tuple[int, ...]:
        """Accept two numbers, or text such as ``100-227``."""
        fits = f"from-to within 0-{self.count - 1}, or nothing for all"
        if isinstance(value, str) and value.strip():
            found = re.fullmatch(r"\s*(\d+)\s*[-–,:]\s*(\d+)\s*", value)
            if found is None:
                raise self._refuse(value, fits)
            value = found.groups()
        try:
            ends = tuple(int(part) for part in value if str(part).strip())
        except (TypeError, ValueError):
            raise self._refuse(value, fits) from None
        if ends and (len(ends) != 2 or not 0 <= ends[0] <= ends[1] < self.count):
            raise self._refuse(value, fits)
        return ends


def chosen(controls: Sequence[Control], given: Mapping[str, Any], view: str) -> dict[str, Any]:
    """Values of all controls: those given, checked, and the first values of the others."""
    names = {control.name for control in controls}
    if unknown := [name for name in given if name not in names]:
        raise ControlError(
            f"{view} has no control {unknown[0]!r}: it has {', '.join(sorted(names)) or 'none'}"
        )
    return {c.name: c.check(given[c.name]) if c.name in given else c.value for c in controls}
