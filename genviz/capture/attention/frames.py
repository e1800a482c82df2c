"""While a library's attention function runs: what the functions below it were called with."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from genviz.capture.attention.sdpa import Arguments


@dataclass
class Frame:
    """One call of an attention function above the kernel's choice.

    Parameters
    ----------
    inner : Arguments, optional
        Of the last ``scaled_dot_product_attention`` inside it.
    softmax : tensor, optional
        The last result of a softmax inside it.
    """

    inner: "Arguments | None" = None
    softmax: torch.Tensor | None = None


class _Open(threading.local):
    def __init__(self) -> None:
        self.frames: list[Frame] = []


_OPEN = _Open()


def current() -> Frame | None:
    """The innermost frame of this thread."""
    return _OPEN.frames[-1] if _OPEN.frames else None


@contextmanager
def opened() -> Iterator[Frame]:
    """Open a frame."""
    frame = Frame()
    _OPEN.frames.append(frame)
    try:
        yield frame
    finally:
        _OPEN.frames.pop()
