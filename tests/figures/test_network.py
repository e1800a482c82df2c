"""The module tree: nothing left out, equal blocks folded, names escaped; tables."""

from typing import Any

import pytest

from genviz.figures.network import network
from genviz.figures.tables import table


def module(name: str, kind: str, parameters: int, *children: Any) -> dict[str, Any]:
    total = parameters + sum(child["parameters"] for child in children)
    return {"name": name, "class": kind, "parameters": total, "bytes": total * 4, "children": list(children),
            "shape": [1, 8]}  # fmt: skip


def block(name: str, width: int = 10) -> dict[str, Any]:
    return module(name, "Block", 0, module("attn", "Attention", width), module("mlp", "MLP", 4 * width))


TREE = module(
    "", "GPT<x>", 3, module("embed", "Embedding", 7), module("h", "ModuleList", 0, *map(block, "012"))
)


def test_equal_blocks_are_folded() -> None:
    (trace,) = network(TREE).data
    assert list(trace.ids) == [
        "model",
        "model/embed",
        "model/h",
        "model/h/0",
        "model/h/0/attn",
        "model/h/0/mlp",
    ]
    at = list(trace.ids).index("model/h/0")
    assert trace.labels[at] == "0 … 2"
    assert trace.text[at].startswith("3 × Block")
    assert "3 alike, together 150 parameters" in trace.customdata[at]


def test_unfolded_every_module_has_its_box_inside_its_parents() -> None:
    (trace,) = network(TREE, fold=False).data
    assert len(trace.ids) == 12
    heights = dict(zip(trace.ids, trace.values, strict=True))
    for parent in set(trace.parents) - {""}:
        inside = sum(heights[i] for i, p in zip(trace.ids, trace.parents, strict=True) if p == parent)
        assert inside == heights[parent]


def test_blocks_that_differ_inside_are_not_folded() -> None:
    odd = module("3", "Block", 0, module("attn", "Attention", 40), module("mlp", "MLP", 10))
    tree = module("", "GPT", 0, block("2"), odd)
    assert len(network(tree).data[0].ids) == 7


def test_heights_by_parameters() -> None:
    (trace,) = network(TREE, fold=False, by_parameters=True).data
    heights = dict(zip(trace.ids, trace.values, strict=True))
    assert heights["model/h/0/mlp"] == 40
    assert heights["model/h"] == 150


def test_names_are_escaped_and_numbers_exact() -> None:
    (trace,) = network(TREE).data
    assert trace.text[0].startswith("GPT&lt;x&gt;")
    assert "160 parameters, 640 B" in trace.customdata[0]
    assert "output shape 1×8" in trace.customdata[0]


def test_boxes_say_that_a_click_opens_them_where_the_levels_end() -> None:
    texts = network(TREE, depth=3).data[0].text
    assert [text.split("<br>")[0].endswith("▸") for text in texts] == [
        False,
        False,
        False,
        True,
        False,
        False,
    ]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_tables_hold_their_rows_escaped(theme: str) -> None:
    (trace,) = table(("what", "value"), [("a<b", "1"), ("c", "2")], widths=(1, 2), theme=theme).data
    assert [list(column) for column in trace.cells["values"]] == [["a&lt;b", "c"], ["1", "2"]]
    assert list(trace.header["values"]) == ["<b>what</b>", "<b>value</b>"]
