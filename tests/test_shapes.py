"""Shapes in annotations are checked here, cost nothing elsewhere, and speak the glossary's words."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from jaxtyping import TypeCheckError

import genviz
from genviz import shapes
from genviz.analysis.attention import summarise
from genviz.analysis.pooling import Overview
from genviz.kinds import AXES, MORE_AXES

HOUSE = Path(genviz.__file__).parent


def test_a_wrong_shape_is_caught() -> None:
    weights, queries = np.full((3, 4), 0.25), np.arange(3)
    assert summarise(weights, queries).entropy == 2.0
    with pytest.raises(
        TypeCheckError, match=r"parameter 'queries'(.|\n)*Expected type: .*Int\[ndarray, 'query'\]"
    ):
        summarise(weights, queries[:2])


def test_a_wrong_type_of_number_is_caught() -> None:
    number = np.zeros((2, 2), np.float32)
    with pytest.raises(TypeCheckError, match=r"parameter 'seen'(.|\n)*Expected type: .*Bool"):
        Overview(number, number, number, range(2), range(2), (1, 1))


def test_outside_of_the_tests_they_are_bare_arrays_and_jaxtyping_stays_away() -> None:
    tell = (
        "import sys, numpy, genviz.analysis.attention as a; from genviz.shapes import Float; "
        "assert 'jaxtyping' not in sys.modules; "
        "assert a.entropy.__annotations__['return'] is numpy.ndarray is Float[numpy.ndarray, 'query key']"
    )
    assert subprocess.run([sys.executable, "-c", tell], check=False).returncode == 0


def shapes_written() -> Iterator[tuple[str, str]]:
    """Every file with every string of axes in its annotations."""
    for path in sorted([*HOUSE.rglob("*.py")]):
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.Subscript(ast.Name(word), ast.Tuple([_, ast.Constant(str(axes))])) if (
                    word in shapes.__all__
                ):
                    yield str(path.relative_to(HOUSE)), axes


def test_axes_are_called_by_the_names_of_the_glossary() -> None:
    written = list(shapes_written())
    assert len(written) > 50
    names = {(path, name) for path, axes in written for name in axes.split() if name.isidentifier()}
    unknown = {(path, name) for path, name in names if name not in {**AXES, **MORE_AXES, "_": ""}}
    assert not unknown, "a new axis is defined once, in genviz/kinds.py: MORE_AXES"
    assert not set(AXES) & set(MORE_AXES)
    assert set(MORE_AXES) <= {name for _, name in names}
