"""Weights from files that cannot run code, and models as they were along their training."""

import copy
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import nn

from genviz.errors import LiveError


class Checkpoints:
    """The modules of a live model with the weights of earlier training steps.

    Parameters
    ----------
    items : sequence of dict
        ``{"step": n, NAME: weights}`` for modules with names, ``{"step": n, "weights": weights}`` for a
        single one. Weights are a safetensors file, a state dict, or a function that returns one;
        ``"prefix"`` selects and shortens the keys in it.
    modules : mapping of str to nn.Module
        The modules as they are now; they are copied, never changed.
    """

    def __init__(self, items: Sequence[Mapping[str, Any]], modules: Mapping[str, nn.Module]) -> None:
        for item in items:
            if "step" not in item:
                raise LiveError(f"a checkpoint needs its 'step': this one has {', '.join(map(str, item))}")
        self._items = sorted(items, key=lambda item: int(item["step"]))
        self._modules = modules
        self._last: tuple[int, dict[str, nn.Module]] | None = None

    @property
    def steps(self) -> list[int]:
        """Training steps that can be looked at, in order."""
        return [int(item["step"]) for item in self._items]

    def at(self, step: int) -> tuple[int, dict[str, nn.Module]]:
        """The step nearest to the one asked for, and copies of the modules as they were then."""
        if not self._items:
            raise LiveError("this live model has no checkpoints: pass checkpoints= when you make it")
        item = min(self._items, key=lambda each: abs(int(each["step"]) - step))
        found = int(item["step"])
        if self._last is None or self._last[0] != found:
            self._last = (found, self._loaded(item, found))
        return self._last

    def _loaded(self, item: Mapping[str, Any], step: int) -> dict[str, nn.Module]:
        modules = {}
        for name, module in self._modules.items():
            key = name or "weights"
            if key in item:
                past = copy.deepcopy(module).eval()
                what = f"checkpoint {step}" + (f" of the {name}" if name else "")
                load_weights(past, item[key], what, str(item.get("prefix", "")))
                modules[name] = past
        missing = [name or "weights" for name in self._modules if name not in modules]
        if missing:
            raise LiveError(f"checkpoint {step} has no {missing[0]!r}: it has {', '.join(map(str, item))}")
        return modules


def load_weights(module: nn.Module, weights: Any, what: str, prefix: str = "") -> None:
    """Put weights into a module.

    Parameters
    ----------
    module : nn.Module
    weights : path, mapping or callable
        A safetensors file, a state dict, or a function that returns one.
    what : str
        For messages: what these weights are.
    prefix : str
        Only keys that begin with it are taken, without it.

    Raises
    ------
    UnsafeFile
        For a pickle.
    LiveError
        When the file is missing, is not a safetensors file, or does not fit the module.
    """
    given = weights() if callable(weights) else weights
    state = dict(given) if isinstance(given, Mapping) else read_weights(Path(given), what)
    state = {key.removeprefix(prefix): value for key, value in state.items() if key.startswith(prefix)}
    state |= _shared(module, state)
    try:
        module.load_state_dict(state)
    except RuntimeError as error:
        reason = str(error).splitlines()[-1].strip()
        raise LiveError(f"{what} does not fit {type(module).__name__}: {reason}") from None


def _shared(module: nn.Module, state: Mapping[str, Any]) -> dict[str, Any]:
    """Tensors that a file leaves out because the module keeps them under another name, too (tied weights)."""
    held = module.state_dict(keep_vars=True)
    known = {held[name].data_ptr(): value for name, value in state.items() if name in held}
    return {
        name: known[tensor.data_ptr()]
        for name, tensor in held.items()
        if name not in state and tensor.numel() and tensor.data_ptr() in known
    }


def read_weights(path: Path, what: str) -> dict[str, Any]:
    """Read a safetensors file; ``what`` is what messages call it."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    from genviz.live.sources import PICKLES, pickle_refused

    if path.suffix.lower() in PICKLES:
        raise pickle_refused(path)
    try:
        state: dict[str, Any] = load_file(path)
    except FileNotFoundError:
        raise LiveError(f"{what} is not there: no file {path}") from None
    except SafetensorError as error:
        raise LiveError(f"{what}: {path} is not a safetensors file ({error}): write it again") from None
    return state
