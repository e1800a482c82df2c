"""What a sample's card claims, against what is measured."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

# | `name` | value | ± tolerance | …: how far another machine, or another seed, may stray.
ROW = re.compile(r"^\| `(\w+)` \| (-?[\d.]+) \| ± ([\d.]+) \|", re.MULTILINE)


def claims(card: str) -> dict[str, tuple[float, float]]:
    """Value and tolerance of every metric in a card's text."""
    return {name: (float(value), float(tolerance)) for name, value, tolerance in ROW.findall(card)}


def strays(sample: ModuleType, metrics: Mapping[str, float]) -> list[str]:
    """Where metrics and the card of a sample's package differ by more than the card allows, in words."""
    card = Path(str(sample.__file__)).with_name("card.md").read_text(encoding="utf-8")
    return differences(claims(card), metrics)


def differences(claimed: Mapping[str, tuple[float, float]], metrics: Mapping[str, float]) -> list[str]:
    """Where metrics differ from claims, in words: unlisted, not measured, or too far off (NaN is)."""
    unlisted = [f"{name} is not in the card" for name in metrics if name not in claimed]
    unknown = [f"{name} is in the card and not measured" for name in claimed if name not in metrics]
    far = [
        f"{name} is {metrics[name]:.4f}, and the card says {value} ± {tolerance}"
        for name, (value, tolerance) in claimed.items()
        if name in metrics and not abs(metrics[name] - value) <= tolerance
    ]
    return unlisted + unknown + far
