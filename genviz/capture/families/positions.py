"""Where a transformer gets its token vectors and its positions from."""

import re
from collections.abc import Callable, Iterator

import torch
from torch import nn

from genviz.capture.families.base import Call, Tap, given
from genviz.capture.families.structure import Block, embeddings, rotates, within
from genviz.capture.modules import Network
from genviz.recording import Missing

_POSITION = re.compile(r"(^|[._])(pos|wpe|pe$|positional|abs_pos)|position", re.IGNORECASE)
_OTHER = re.compile(r"type|segment|task|lang|relative|bias|time|class|label", re.IGNORECASE)


def token_tables(network: Network, layers: tuple[Block, ...]) -> dict[str, nn.Module]:
    """Embedding tables of tokens: those that are neither positions nor marks of another kind."""
    return {
        path: module
        for path, module in embeddings(network, layers)
        if not _POSITION.search(path) and not _OTHER.search(path.rpartition(".")[2])
    }


def position_taps(network: Network, layers: tuple[Block, ...], width: int | None) -> Iterator[Tap]:
    """Everything that may give position vectors: a table, a parameter, a module that adds them."""
    tables = [path for path, _ in embeddings(network, layers) if _POSITION.search(path)]
    for path in tables:
        yield Tap(path, "position", take=_batched)
    inside = within(network, layers)
    for path, module in network.modules.items():
        if path in inside or path in tables or network.path(module) != path:
            continue
        for name, parameter in module._parameters.items():
            wide = parameter is not None and parameter.ndim in (2, 3) and parameter.shape[-1] == width
            if wide and _POSITION.search(name):
                yield Tap(path, "position", take=_from_parameter(name))
        named = path and _POSITION.search(f"{path}.{type(module).__name__}")
        if named and module._buffers and not module._modules and not module._parameters:
            yield Tap(path, "position", take=_added)


def no_position(network: Network, root: str) -> Missing:
    """Why there are no position vectors."""
    if rotates(network):
        return Missing(
            root, "position", "positions are rotated into queries and keys; none are added to the tokens"
        )
    return Missing(
        root,
        "position",
        "no table, parameter or module of positions was found: they may be relative, or computed",
    )


def table_length(module: nn.Module) -> int | None:
    """How many positions a module's table, parameter or buffer holds."""
    rows = getattr(module, "num_embeddings", None)
    if isinstance(rows, int):
        return rows
    tables = {**module._parameters, **module._buffers}
    named = [table for name, table in tables.items() if table is not None and _POSITION.search(name)]
    return int(named[0].numel() // named[0].shape[-1]) if named and named[0].ndim > 1 else None


def ids_taken(call: Call) -> torch.Tensor | None:
    """Token ids that an embedding was given, with a sample axis."""
    ids = given(call)
    if ids is None or ids.is_floating_point() or ids.ndim not in (1, 2):
        return None
    return ids[None] if ids.ndim == 1 else ids


def _batched(call: Call) -> torch.Tensor | None:
    found = call.result
    if found is None or found.ndim not in (2, 3):
        return None
    return found[None] if found.ndim == 2 else found


def _from_parameter(name: str) -> Callable[[Call], torch.Tensor | None]:
    def take(call: Call) -> torch.Tensor | None:
        table = call.module._parameters[name]
        length = _length(call)
        if table is None or length is None:
            return None
        rows = table.reshape(-1, table.shape[-1])
        return rows[None, :length] if length <= rows.shape[0] else None

    return take


def _length(call: Call) -> int | None:
    source, made = call.given, call.result
    if source is not None and not source.is_floating_point() and source.ndim == 2:
        return int(source.shape[1])
    return int(made.shape[1]) if made is not None and made.ndim == 3 else None


def _added(call: Call) -> torch.Tensor | None:
    """The rows of a module's own table that it adds, provided that this is what it does."""
    source, made = call.given, call.result
    if made is None or made.ndim not in (2, 3):
        return None
    if source is None or source.shape != made.shape or not source.is_floating_point():
        return made if made.ndim == 3 else made[None]
    for table in call.module._buffers.values():
        if table is None or table.shape[-1] != made.shape[-1]:
            continue
        rows = table.reshape(-1, table.shape[-1])
        for axis in (made.ndim - 2, 0):
            part = rows[: made.shape[axis]]
            shaped = part if axis == made.ndim - 2 else part[:, None]
            if part.shape[0] == made.shape[axis] and torch.allclose(source + shaped, made, atol=1e-5):
                return part[None]
    return None
