"""Frames that are left out give their place to one beside them."""

import pytest

from dashboards.pages import Panel
from dashboards.panels import widths

TWO_ROWS = [
    Panel(("a",), columns=12, rows=6),
    Panel(("b",), columns=6, rows=6),
    Panel(("c",), columns=6, rows=6),
]
GRID = [Panel(("a",), columns=5, rows=5), Panel(("b",), columns=7), Panel(("c",), columns=5, rows=7)]
ONE_ROW = [Panel(("a",), columns=5), Panel(("b",), columns=7)]


@pytest.mark.parametrize(
    ("panels", "shown", "expected"),
    [
        (TWO_ROWS, "abc", [12, 6, 6]),
        (TWO_ROWS, "ab", [12, 12, 0]),
        (TWO_ROWS, "ac", [12, 0, 12]),
        (TWO_ROWS, "a", [12, 0, 0]),
        (GRID, "abc", [5, 7, 5]),
        (GRID, "b", [0, 12, 0]),
        (ONE_ROW, "b", [0, 12]),
        (ONE_ROW, "", [0, 0]),
    ],
)
def test_widths(panels: list[Panel], shown: str, expected: list[int]) -> None:
    assert widths([(panel, panel.views[0] in shown) for panel in panels]) == expected
