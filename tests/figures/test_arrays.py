"""Every array reaches Plotly as float32, int32 or uint8."""

from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest

from genviz.figures.arrays import plain


@pytest.mark.parametrize(
    ("dtype", "becomes"),
    [("float16", "float32"), ("float64", "float32"), ("int64", "int32"), ("bool", "uint8"),
     ("uint8", "uint8"), (">f4", "float32"), ("int16", "int32"), ("uint64", "int32")],
)  # fmt: skip
def test_dtypes(dtype: str, becomes: str) -> None:
    found = plain(np.ones((2, 3), dtype)[:, ::2])
    assert found.dtype == becomes
    assert found.flags.c_contiguous
    assert "bdata" in go.Figure(go.Heatmap(z=found)).to_json()


def test_whole_numbers_beyond_32_bits_keep_their_value() -> None:
    assert plain(np.array([2**40])).tolist() == [2.0**40]


def test_nan_and_infinities_stay() -> None:
    found = plain(np.array([np.nan, np.inf, -np.inf], np.float64))
    assert np.isnan(found[0])
    assert found[1:].tolist() == [np.inf, -np.inf]


@pytest.mark.parametrize("values", [["a", "b"], [object()]])
def test_what_is_no_number_is_refused(values: list[Any]) -> None:
    with pytest.raises(TypeError, match="cannot be drawn: figures take numbers"):
        plain(values)
