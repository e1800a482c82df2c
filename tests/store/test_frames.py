"""A frame reads back exactly, or names its damage: never a wrong number."""

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from genviz.errors import DamagedFrame
from genviz.store import decode_frame, encode_frame

ARRAY = np.linspace(-2, 2, 6, dtype=np.float32).reshape(2, 3)
FRAME = encode_frame([({"site": "layers.0", "kind": "hidden"}, ARRAY)], {"tokens": [["the", "cat"]]})


@given(
    hnp.arrays(
        st.sampled_from([np.float32, np.float64, np.float16, np.int64, np.uint8, np.bool_]),
        hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4),
    )
)
def test_an_array_reads_back_bit_for_bit(array: np.ndarray) -> None:
    read = decode_frame(encode_frame([({}, array)], {})).array("0")
    assert read.dtype == array.dtype
    assert read.shape == array.shape
    assert read.tobytes() == array.tobytes()


def test_descriptions_and_info_read_back() -> None:
    frame = decode_frame(FRAME)
    assert frame.info == {"tokens": [["the", "cat"]]}
    assert frame.arrays[0]["site"] == "layers.0"
    assert frame.arrays[0]["shape"] == [2, 3]


@pytest.mark.parametrize("length", range(len(FRAME)))
def test_a_frame_cut_short_anywhere_is_named(length: int) -> None:
    with pytest.raises(DamagedFrame, match="frame"):
        decode_frame(FRAME[:length])


@pytest.mark.parametrize("mask", [0x01, 0x80, 0xFF])
def test_a_flipped_byte_is_named_or_harmless(mask: int) -> None:
    harmless = 0
    for place in range(len(FRAME)):
        changed = bytearray(FRAME)
        changed[place] ^= mask
        try:
            frame = decode_frame(bytes(changed))
            array = frame.array("0")
        except DamagedFrame:
            continue
        harmless += 1
        assert array.tobytes() == ARRAY.tobytes(), f"byte {place} changed a number without a word"
        assert frame.info == {"tokens": [["the", "cat"]]}
        assert frame.arrays[0]["kind"] == "hidden"
    assert harmless < len(FRAME) // 4, "most of a frame must be covered by a checksum"


def test_a_header_longer_than_the_file_is_refused_before_it_is_read() -> None:
    with pytest.raises(DamagedFrame, match="header of 1152921504606846976 bytes in a file of"):
        decode_frame(struct.pack("<Q", 2**60) + b"{}")


def test_a_safetensors_file_from_elsewhere_is_not_a_frame() -> None:
    from safetensors.numpy import save

    with pytest.raises(DamagedFrame, match="no description of its arrays: not written by genviz"):
        decode_frame(save({"w": ARRAY}))


def test_a_key_that_stands_twice_is_refused() -> None:
    (length,) = struct.unpack("<Q", FRAME[:8])
    header = FRAME[8 : 8 + length].rstrip()
    doubled = header[:-1] + b',"0":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}'
    doubled += b" " * (-len(doubled) % 8)
    with pytest.raises(DamagedFrame, match="a key stands twice"):
        decode_frame(struct.pack("<Q", len(doubled)) + doubled + FRAME[8 + length :])


def test_an_object_array_is_refused() -> None:
    with pytest.raises(TypeError, match="cannot be stored"):
        encode_frame([({}, np.array([object()]))], {})
