from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from genviz.errors import DamagedFrame, LiveError
from genviz.live.wire import pack, unpack
from genviz.recording import Recording

LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8)
TREES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(max_size=4) | st.integers(), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(TREES)
def test_plain_values_come_back_as_they_were(value: Any) -> None:
    back = unpack(pack(value))
    assert back == value
    assert type(back) is type(value)


@given(hnp.arrays(st.sampled_from(["<f4", "<f8", "<f2", "<i8", "<i4", "|u1", "|b1"]),
                  hnp.array_shapes(min_dims=0, min_side=0)))  # fmt: skip
def test_arrays_come_back_bit_for_bit(array: np.ndarray[Any, Any]) -> None:
    back = unpack(pack({"deep": [array]}))["deep"][0]
    assert back.dtype == array.dtype
    assert back.shape == array.shape
    assert back.tobytes() == array.tobytes()


def test_what_json_has_no_word_for() -> None:
    value = {
        "nan": float("nan"),
        "inf": -float("inf"),
        "big": 2**80,
        "odd": "\ud800x",
        3: "int key",
        "$": "mark",
    }
    back = unpack(pack(value))
    assert np.isnan(back.pop("nan"))
    del value["nan"]
    assert back == value


def test_big_endian_and_text_arrays() -> None:
    back = unpack(pack((np.arange(3, dtype=">f4"), np.array([["a", "ü"]]), np.array(["x", "yy"], object))))
    assert back[0].tolist() == [0, 1, 2]
    assert back[1].tolist() == [["a", "ü"]]
    assert back[2].tolist() == ["x", "yy"]


def test_a_recording_crosses() -> None:
    recording = Recording(info={"title": "t"})
    recording.add("a", "hidden", np.ones((1, 2, 3), np.float32))
    back = unpack(pack({"recording": recording}))["recording"]
    assert back.info["title"] == "t"
    assert back["a", "hidden"].values.sum() == 6


def test_a_long_text_is_not_limited_by_the_frames_header() -> None:
    text = "x" * (17 * 1024 * 1024)
    assert unpack(pack(text)) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": [object()]}, "value['a'][0] is a builtins.object, which cannot be sent"),
        (np.zeros(2, complex), "value is an array of dtype complex128, which cannot be sent"),
        ([lambda: 0], "value[0] is a builtins.function"),
    ],
)
def test_what_cannot_cross_is_named(value: Any, text: str) -> None:
    with pytest.raises(LiveError) as caught:
        pack(value)
    assert text in str(caught.value)


def test_a_damaged_message_is_noticed() -> None:
    data = bytearray(pack(np.ones(100, np.float32)))
    data[-7] ^= 1
    with pytest.raises(DamagedFrame, match="checksum"):
        unpack(bytes(data))
