"""The cards are held by something that can fail."""

import math

from tests.sample_models.cards import claims, differences

CARD = """
| metric | value | tolerance | meaning |
|---|---|---|---|
| `share` | 0.90 | ± 0.05 | of something |
| `gain` | -1.5 | ± 0.1 | negative |
"""


def test_rows_are_read() -> None:
    assert claims(CARD) == {"share": (0.9, 0.05), "gain": (-1.5, 0.1)}


def test_what_holds_differs_nowhere() -> None:
    assert differences(claims(CARD), {"share": 0.93, "gain": -1.45}) == []


def test_every_kind_of_difference_is_said() -> None:
    assert differences(claims(CARD), {"share": 0.8, "more": 1.0}) == [
        "more is not in the card",
        "gain is in the card and not measured",
        "share is 0.8000, and the card says 0.9 ± 0.05",
    ]
    assert len(differences(claims(CARD), {"share": math.nan, "gain": -1.5})) == 1
