"""What all live models share: how a user's modules are run, and how a live model describes itself."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain
from typing import Any, ClassVar, TypedDict

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from genviz.errors import LiveError
from genviz.live.progress import report

Array = NDArray[Any]


class Shown(TypedDict, total=False):
    """What a live model is called before people; the title defaults to the class of the model."""

    title: str
    about: str


class LiveModel(ABC):
    """A wrapper around a user's modules that can be run while someone looks.

    Parameters
    ----------
    modules : mapping of str to nn.Module
        ``{"": model}``, or several by name.
    title, about : str
        For people; the title defaults to the class of the model.
    """

    #: Name of the family that captures it.
    family: ClassVar[str]
    #: Names of its public methods, the full set.
    offers: ClassVar[tuple[str, ...]]

    def __init__(self, modules: Mapping[str, Any], *, title: str = "", about: str = "") -> None:
        for name, module in modules.items():
            if not isinstance(module, nn.Module):
                what = f"{name!r}" if name else "the model"
                raise LiveError(
                    f"{type(self).__name__}: {what} is a {type(module).__name__}, not a torch.nn.Module: "
                    "pass the module itself"
                )
        self.modules: dict[str, nn.Module] = dict(modules)
        self.title = title or " and ".join(type(module).__name__ for module in self.modules.values())
        self.about = about

    @property
    def abilities(self) -> tuple[str, ...]:
        """Names of the methods that can be called on this one."""
        return self.offers

    @abstractmethod
    def record(self) -> Any:
        """Run the model on what a first sight needs, and return a recording."""

    def defaults(self) -> dict[str, Any]:
        """Sensible starting values for the arguments of the abilities, plain JSON."""
        return {}

    def describe(self) -> dict[str, Any]:
        """Tell what this is, as the plain-JSON ``info`` of a recording."""
        return {**self._heading(), **structure(self.modules, self.family)}

    def _heading(self) -> dict[str, Any]:
        """What a description says that is not read off the modules; a recording has looked at those."""
        return {
            "title": self.title,
            "about": self.about,
            "family": self.family,
            "abilities": list(self.abilities),
            "defaults": self.defaults(),
        }

    def network_of(self, run: Callable[[], object]) -> dict[str, Any]:
        """The tree of modules with the output shapes that one run shows."""
        from genviz.capture import record

        model = self.modules[""] if list(self.modules) == [""] else self.modules
        with self.running(), record(model, family=self.family, kinds=()) as seen:
            run()
        network: dict[str, Any] = seen.info["network"]
        return network

    @contextmanager
    def running(self, *others: nn.Module) -> Iterator[None]:
        """Evaluation mode without gradients; every flag is put back afterwards."""
        modules = (*self.modules.values(), *others)
        flags = [(part, part.training) for module in modules for part in module.modules()]
        try:
            for part, _ in flags:
                part.training = False
            with torch.no_grad():
                yield
        finally:
            for part, training in flags:
                part.training = training


def refuse_unknown(name: str, given: Mapping[str, Any], known: type) -> None:
    """Hold options that come by name to those that a ``TypedDict`` lists.

    Raises
    ------
    LiveError
        When there is another.
    """
    takes = sorted(known.__annotations__)
    for each in given:
        if each not in takes:
            raise LiveError(f"{name} has no argument {each!r}: beside its own it takes {', '.join(takes)}")


def structure(modules: Mapping[str, nn.Module], family: str) -> dict[str, Any]:
    """``network``, ``facts`` and ``provenance`` of some modules, as in a recording's info."""
    from genviz.capture import describe

    model = modules[""] if list(modules) == [""] else modules
    return describe(model, family=family)


def place_of(module: nn.Module) -> tuple[torch.device, torch.dtype]:
    """Device and floating type that a module's inputs should have."""
    tensors = chain(module.parameters(), module.buffers())  # as many as are needed: a run asks each time
    first = next(tensors, None)
    if first is None:
        return torch.device("cpu"), torch.float32
    floating = (tensor.dtype for tensor in chain([first], tensors) if tensor.is_floating_point())
    return first.device, next(floating, torch.float32)


def tensor_for(module: nn.Module, values: Any) -> Tensor:
    """Copy numbers to where a module computes, in its own floating type."""
    device, dtype = place_of(module)
    tensor = values if isinstance(values, Tensor) else torch.from_numpy(np.array(values, np.float32))
    return tensor.detach().to(device=device, dtype=dtype)


def to_array(tensor: Tensor) -> Array:
    """Values of a tensor as numpy, floating ones as float32."""
    values = tensor.detach()
    return np.array((values.float() if values.is_floating_point() else values).cpu().numpy())


def as_data(values: Any, what: str) -> NDArray[np.float32]:
    """A user's data (array, tensor, sequence of either) as one float32 array.

    Raises
    ------
    LiveError
        When it is empty or not of one shape.
    """
    if isinstance(values, Tensor):
        values = to_array(values)
    elif isinstance(values, Sequence) and values and isinstance(values[0], Tensor):
        values = np.stack([to_array(item) for item in values])
    try:
        array = np.asarray(values, np.float32)
    except (TypeError, ValueError) as error:
        raise LiveError(
            f"{what} is not an array of numbers ({error}): give one array, items along axis 0"
        ) from None
    if array.ndim == 0 or not len(array):
        raise LiveError(f"{what} has shape {array.shape}: give at least one item, items along axis 0")
    return array


def as_labels(labels: Mapping[str, Any] | None, count: int) -> dict[str, list[Any]]:
    """Known values per item, plain lists.

    Raises
    ------
    LiveError
        When a label has not one value per item.
    """
    plain: dict[str, list[Any]] = {}
    for name, values in (labels or {}).items():
        array = to_array(values) if isinstance(values, Tensor) else np.asarray(values)
        if array.ndim != 1 or len(array) != count:
            raise LiveError(
                f"labels[{name!r}] has shape {array.shape} for {count} items: give one value per item"
            )
        plain[str(name)] = array.tolist()
    return plain


def spread(count: int | None, present: int, most: int) -> NDArray[np.intp]:
    """Indices of ``count`` items (default: at most ``most``), evenly spread over all that are there."""
    wanted = min(present, most if count is None else count)
    if wanted < 1:
        raise LiveError(f"cannot take {count} of {present} items: ask for at least one")
    return np.linspace(0, present - 1, wanted).round().astype(np.intp)


def image_range(data: Array) -> dict[str, Any]:
    """What black and white are in some pictures: the usual range that holds them, and what was measured."""
    low, high = float(data.min()), float(data.max())
    usual = ((0.0, 1.0), (-1.0, 1.0), (0.0, 255.0))
    held = next((ends for ends in usual if ends[0] <= low and high <= ends[1]), (low, high))
    return {"range": list(held), "measured": [low, high]}


def sample_axes(rank: int) -> tuple[str, ...]:
    """Axes of items of any rank: pictures with or without channels, or plain vectors."""
    known = {
        1: ("sample",),
        2: ("sample", "unit"),
        3: ("sample", "row", "column"),
        4: ("sample", "channel", "row", "column"),
    }
    if rank not in known:
        raise LiveError(f"items with {rank - 1} axes cannot be shown: give vectors or pictures")
    return known[rank]


def batches(count: int, size: int, doing: str) -> Iterator[slice]:
    """Slices over ``count`` items; says how far it is, and stops when the call was cancelled."""
    for start in range(0, count, size):
        report(start / count, doing)
        yield slice(start, min(start + size, count))
    report(1.0, doing)
