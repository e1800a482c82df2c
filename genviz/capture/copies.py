"""Tensors of a running model → arrays that nothing changes any more."""

from collections.abc import Callable
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

# What numpy has no dtype for is kept at full value in float32.
_WIDENED = {
    getattr(torch, name)
    for name in ("bfloat16", "float8_e4m3fn", "float8_e5m2", "float8_e4m3fnuz", "float8_e5m2fnuz")
    if hasattr(torch, name)
}


class Unreadable(Exception):
    """A tensor holds no values that can be kept; the text says why."""


def snapshot(tensor: torch.Tensor) -> torch.Tensor:
    """Return the values of a tensor as they are now, contiguous, with storage of their own.

    A view would be free, but the next in-place operation would change the recording, and it would keep a
    whole fused buffer alive for a part of it; so the values are copied (on the tensor's own device).

    Raises
    ------
    Unreadable
        For tensors without readable values.
    """
    if torch._C._functorch.is_functorch_wrapped_tensor(tensor):
        raise Unreadable("it ran inside torch.func (vmap or grad), where values cannot be kept")
    if tensor.is_meta or isinstance(tensor, torch._subclasses.FakeTensor):
        raise Unreadable("the model ran on the meta device, which computes no values")
    if tensor.is_complex():
        raise Unreadable("its values are complex numbers, which a recording does not hold")
    with torch.no_grad():
        plain = tensor.detach()
        if plain.is_nested:
            padded: torch.Tensor = torch.nested.to_padded_tensor(plain, 0.0)
            return padded.clone()
        if plain.is_quantized:
            return torch.dequantize(plain)
        if plain.layout is not torch.strided:
            return plain.to_dense()
        if hasattr(plain, "full_tensor"):  # a DTensor: sharded over processes
            whole: torch.Tensor = plain.full_tensor()
            return whole.clone()
        return plain.clone(memory_format=torch.contiguous_format)


class Kept:
    """A snapshot that becomes a numpy array when it is first asked for.

    Parameters
    ----------
    tensor : torch.Tensor
        From :func:`snapshot`; owned by this object from now on.
    """

    def __init__(self, tensor: torch.Tensor) -> None:
        self._tensor: torch.Tensor | None = tensor
        self._array: NDArray[Any] | None = None
        self.shape = tuple(tensor.shape)
        self.dtype = _numpy_dtype(tensor.dtype)

    def changed(self, change: Callable[[torch.Tensor], torch.Tensor]) -> "Kept":
        """The same values in another shape; ``change`` gives a view."""
        if self._tensor is None:
            assert self._array is not None
            return Kept(change(torch.from_numpy(self._array)))
        return Kept(change(self._tensor))

    def __call__(self) -> NDArray[Any]:
        """Return the array; the device's memory is let go."""
        tensor = self._tensor
        if self._array is None and tensor is not None:
            values = tensor.float() if tensor.dtype in _WIDENED else tensor
            self._array = values.cpu().resolve_neg().numpy()
            self._tensor = None
        assert self._array is not None
        return self._array


def _numpy_dtype(dtype: torch.dtype) -> str:
    if dtype in _WIDENED:
        return "float32"
    return str(np.dtype(str(dtype).removeprefix("torch.")))


def first_tensor(value: Any, deep: int = 8) -> torch.Tensor | None:
    """The first tensor in a module's output: itself, or in a tuple, dict, dataclass or model output."""
    if isinstance(value, torch.Tensor):
        # a nested tensor (PyTorch's padded encoder) has no shape: it is padded again with zeros
        return torch.nested.to_padded_tensor(value.detach(), 0.0) if value.is_nested else value
    if isinstance(value, dict):
        value = tuple(value.values())
    elif is_dataclass(value) and not isinstance(value, type):
        value = tuple(getattr(value, field.name, None) for field in fields(value))
    if isinstance(value, list | tuple) and deep:
        return next((found for item in value if (found := first_tensor(item, deep - 1)) is not None), None)
    return None
