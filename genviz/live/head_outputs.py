"""What each head really adds: its values through its own part of the out-projection W_O.

A weight says how much of a value is taken; what arrives in the stream is ``α(q, k) · v_k W_O^h``, and its
norm tells how much that is (Kobayashi et al. 2020, "Attention is Not Only a Weight", arXiv:2004.10102). The
out-projection is the linear module that is given what the heads mixed, compared number by number, so that no
naming convention is relied on.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from genviz.capture.families.base import Call
from genviz.capture.families.structure import is_linear
from genviz.capture.modules import Network
from genviz.capture.replacing import seeing
from genviz.errors import GenvizError, LiveError
from genviz.live.stack import only_sample
from genviz.recording.attend import AttentionReader

if TYPE_CHECKING:
    from genviz.live.text_model import TextModel

ROWS_COMPARED = 48  # queries whose mix is compared with what a linear module is given


@dataclass(frozen=True)
class Projected:
    """What W_O makes of a site's heads.

    Parameters
    ----------
    path : str
        The out-projection.
    values : Tensor, (head, key, channel)
        ``v_k W_O^h``.
    outputs : Tensor, (head, query, channel)
        What each head adds; with the projection's bias they sum to what attention gives.
    error : float
        By how much they miss it, at most.
    """

    path: str
    values: Tensor
    outputs: Tensor
    error: float


def head_outputs(live: "TextModel", ids: Sequence[int], target: Sequence[int] | None) -> dict[str, Any]:
    """See :meth:`genviz.live.LanguageModel.head_outputs`."""
    found: dict[str, list[dict[str, Any]]] = {}
    for reader, call, projected in projected_heads(live, ids, target):
        if isinstance(projected, str):
            row: dict[str, Any] = {"reason": projected}
        else:
            row = {
                "projection": projected.path,
                "value_norms": _norms(projected.values),
                "output_norms": _norms(projected.outputs),
                "error": projected.error,
            }
        found.setdefault(reader.site, []).append({"call": call, **row})
    if not found:
        raise LiveError(f"no attention was seen in {type(live.modules['']).__name__}: there are no heads")
    return {"sites": found}


def projected_heads(
    live: "TextModel", ids: Sequence[int], target: Sequence[int] | None
) -> list[tuple[AttentionReader, int, Projected | str]]:
    """Every site and call with what W_O makes of its heads, or why that cannot be told."""
    network = Network.of(live.modules[""])
    calls: list[Call] = []

    def seen(call: Call) -> None:
        if is_linear(call.module) or isinstance(call.module, nn.MultiheadAttention):
            calls.append(call)

    with seeing(network, seen):
        recording = live.record(ids, target, values=True)
    readers = map(recording.attention_reader, recording.sites(kind="attention"))
    return [(reader, call, _at(reader, call, calls)) for reader in readers for call in reader.calls]


def _at(reader: AttentionReader, call: int, calls: list[Call]) -> Projected | str:
    try:
        values = np.stack([reader.values(call, head) for head in range(reader.heads)])
        mixed, rows = _mixed(reader, call, values)
    except GenvizError as error:
        return str(error)
    if not np.isfinite(mixed).all():
        return "what the heads mix is not a number (NaN) in this run"
    for each in _nearest(reader.site, call, calls):
        project, path, given = each.module, each.path, each.given
        if isinstance(each.module, nn.MultiheadAttention):
            project, path = each.module.out_proj, f"{each.path}.out_proj"
            given = multi_head_mix(each.module, each)
        made = each.result
        if given is None or made is None:
            continue
        given = only_sample(given.detach())
        if _same(given, mixed, rows):
            return _through(project, path, values, given, only_sample(made))
    return (
        f"no linear module is given what the heads of {reader.site or 'the model'!r} mix, side by side: "
        "something stands between them and the out-projection (a norm, a gate), or there is none, so what "
        "one head adds cannot be told apart"
    )


def _mixed(
    reader: AttentionReader, call: int, values: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """What some queries get, heads side by side, (row, head · channel)."""
    count = len(reader.tokens(call)[0])
    rows = np.unique(np.linspace(0, count - 1, min(count, ROWS_COMPARED)).astype(np.int64))
    mixed = [reader.weights(call, head, rows) @ values[head] for head in range(reader.heads)]
    return np.concatenate(mixed, axis=1), rows


def _nearest(site: str, call: int, calls: list[Call]) -> list[Call]:
    """Calls by how far from a site their modules stand; first those that ran as often before."""

    def distance(each: Call) -> tuple[int, bool]:
        here, there = site.split("."), each.path.split(".")
        shared = next((n for n, (a, b) in enumerate(zip(here, there, strict=False)) if a != b),
                      min(len(here), len(there)))  # fmt: skip
        return -shared, each.number != call

    return sorted(calls, key=distance)


def _same(given: Tensor, mixed: NDArray[np.float32], rows: NDArray[np.int64]) -> bool:
    if given.ndim != 2 or given.shape[1] != mixed.shape[1] or len(given) <= rows[-1]:
        return False
    near = 1e-3 if given.dtype in (torch.float32, torch.float64) else 3e-2
    largest = float(np.abs(mixed).max(initial=0.0))
    here = given[torch.as_tensor(rows, device=given.device)].float().cpu().numpy()
    return bool(np.allclose(here, mixed, rtol=0, atol=near * largest))


def _through(
    project: nn.Module, path: str, values: NDArray[np.float32], mixed: Tensor, made: Tensor
) -> Projected:
    beside = torch.as_tensor(np.concatenate(list(values), axis=1)).to(mixed)
    outputs = by_slices(project, mixed, len(values))
    with torch.no_grad():
        bias = project.forward(torch.zeros_like(mixed[:1]))
    gap = (outputs.sum(0) + bias - made).abs().max()
    return Projected(path, by_slices(project, beside, len(values)), outputs, float(gap))


def _norms(vectors: Tensor) -> NDArray[np.float32]:
    return np.asarray(vectors.float().norm(dim=-1).cpu().numpy())


def by_slices(project: nn.Module, mixed: Tensor, count: int) -> Tensor:
    """What each head's channels alone give through an out-projection, without its bias.

    Parameters
    ----------
    project : nn.Module
        Linear.
    mixed : Tensor, (token, head · channel)
        Heads side by side.
    count : int
        Number of heads.

    Returns
    -------
    Tensor, (head, token, channel)
    """
    with torch.no_grad():
        token, width = mixed.shape
        alone = torch.zeros(count, token, width, device=mixed.device, dtype=mixed.dtype)
        size = width // count
        for head in range(count):
            part = slice(head * size, (head + 1) * size)
            alone[head, :, part] = mixed[:, part]
        found: Tensor = project.forward(alone) - project.forward(torch.zeros_like(alone[:1, :1]))
        return found


def multi_head_mix(module: nn.MultiheadAttention, call: Call) -> Tensor:
    """What the heads of PyTorch's module mix, (token, head · channel).

    It never calls its out-projection; with the identity in its place it returns the heads' mix.
    """
    project = module.out_proj
    weights = {"inner.out_proj.weight": torch.eye(module.embed_dim).to(project.weight)}
    if project.bias is not None:
        weights["inner.out_proj.bias"] = torch.zeros_like(project.bias)
    with torch.no_grad():
        called = _Called(module)
        mixed: Tensor = torch.func.functional_call(called, weights, call.args, dict(call.kwargs))[0]
    mixed = mixed if module.batch_first else mixed.transpose(0, 1)
    return mixed[0] if mixed.ndim == 3 else mixed


class _Called(nn.Module):
    """Calls another module's ``forward`` past its hooks."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self.inner.forward(*args, **kwargs)
