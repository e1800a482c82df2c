"""Reading the code of a module's class: what it calls, without running it."""

import dis
from collections.abc import Iterator
from types import CodeType, FunctionType
from typing import Any
from weakref import WeakKeyDictionary

from torch import nn

# Base classes whose methods say nothing about one model.
_BASES = ("torch.", "transformers.modeling_utils", "transformers.generation")
# What multiplies two matrices: ``@`` stands for the operator.
_PRODUCTS = {"@", "matmul", "bmm", "einsum", "baddbmm", "mm", "addmm", "tensordot"}
# Read once per class, and forgotten with it (classes of a notebook come and go).
_KNOWN: WeakKeyDictionary[type, frozenset[str]] = WeakKeyDictionary()


def called(cls: type[nn.Module]) -> frozenset[str]:
    """Names that a class's ``forward`` uses, itself or in methods and functions beside it; ``@`` too."""
    if cls not in _KNOWN:
        _KNOWN[cls] = _read(cls)
    return _KNOWN[cls]


def multiplies(cls: type[nn.Module]) -> bool:
    """Tell whether a class's own code multiplies matrices, as scores are made (layers do it in theirs)."""
    return not called(cls).isdisjoint(_PRODUCTS)


def _read(cls: type[nn.Module]) -> frozenset[str]:
    names: set[str] = set()
    seen: set[int] = set()
    pending: list[tuple[Any, int]] = [(getattr(cls, "forward", None), 0)]
    while pending:
        function, depth = pending.pop()
        function = getattr(function, "__wrapped__", function)
        if not isinstance(function, FunctionType) or id(function) in seen or depth > 4:
            continue
        seen.add(id(function))
        used = set(_names(function.__code__))
        names |= used
        for name in used:
            beside = function.__globals__.get(name)
            if isinstance(beside, FunctionType) and beside.__module__ == function.__module__:
                pending.append((beside, depth + 1))
            method = getattr(cls, name, None)
            if isinstance(method, FunctionType) and not method.__module__.startswith(_BASES):
                pending.append((method, depth + 1))
    return frozenset(names)


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    if any(step.opname == "BINARY_OP" and step.argrepr == "@" for step in dis.get_instructions(code)):
        yield "@"
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)
