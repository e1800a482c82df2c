"""One captured array and where it came from; and one that could not be captured, and why."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genviz.kinds import AXES, KINDS


@dataclass(frozen=True)
class Entry:
    """One array of a recording.

    Parameters
    ----------
    site : str
        Where in the model: a module path, or ``""`` for the model as a whole.
    kind : str
        What it is: a key of :data:`genviz.kinds.KINDS`.
    axes : tuple of str
        Names of the dimensions, from :data:`genviz.kinds.AXES`.
    shape : tuple of int
    call : int
        The n-th time that this site ran (0 is the first).
    step : int or None
        Training step, where there is one.
    attrs : mapping
        Plain JSON: ``route`` (how it was captured), ``rule`` (mask rule of a query), ``source``
        (``"real"`` or ``"fake"``), ``tokens`` (which token list labels which axis), …
    load : callable
        Hands out the array; called when somebody looks.
    """

    site: str
    kind: str
    axes: tuple[str, ...]
    shape: tuple[int, ...]
    load: Callable[[], NDArray[Any]] = field(compare=False, repr=False)
    dtype: str = "float32"
    call: int = 0
    step: int | None = None
    attrs: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"no kind {self.kind!r}: the kinds are {', '.join(KINDS)}")
        unknown = [axis for axis in self.axes if axis not in AXES]
        if unknown or len(self.axes) != len(self.shape):
            raise ValueError(
                f"axes {self.axes} do not name the shape {self.shape}; the axes are {', '.join(AXES)}"
            )

    @classmethod
    def of(cls, site: str, kind: str, array: NDArray[Any], **fields: Any) -> "Entry":
        """Build an entry around an array in memory; ``axes`` default to those of the kind."""
        axes = tuple(fields.pop("axes", None) or (KINDS[kind].axes if kind in KINDS else ()))
        data = np.asarray(array)
        return cls(site, kind, axes, data.shape, lambda: data, str(data.dtype), **fields)

    @property
    def nbytes(self) -> int:
        """Size of the array in bytes."""
        return int(np.prod(self.shape, dtype=np.int64)) * np.dtype(self.dtype).itemsize

    def described(self) -> dict[str, Any]:
        """Everything but the array, as plain JSON for a frame."""
        return {
            "site": self.site, "kind": self.kind, "axes": list(self.axes), "call": self.call,
            "step": self.step, "attrs": dict(self.attrs), "of": self.dtype,
        }  # fmt: skip

    @classmethod
    def from_described(cls, fields: Mapping[str, Any], load: Callable[[], NDArray[Any]]) -> "Entry":
        """Rebuild an entry from a frame's description."""
        return cls(
            fields["site"], fields["kind"], tuple(fields["axes"]), tuple(fields["shape"]), load,
            fields["of"], fields["call"], fields["step"], fields["attrs"],
        )  # fmt: skip


@dataclass(frozen=True)
class Missing:
    """Something that was asked for or expected and is not in the recording.

    Parameters
    ----------
    site, kind : str
    reason : str
        One sentence for the person who misses it.
    """

    site: str
    kind: str
    reason: str
