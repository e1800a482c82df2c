"""One neuron of a feed-forward network over all example texts: what it gets, and what it makes of it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from genviz.analysis.activations import Found, identify
from genviz.capture import part_by_part
from genviz.capture.families import experts
from genviz.capture.families.base import Call, Tap
from genviz.capture.families.structure import is_linear
from genviz.capture.modules import parent
from genviz.capture.replacing import seeing
from genviz.errors import LiveError
from genviz.live.progress import report
from genviz.live.stack import Layout

if TYPE_CHECKING:
    from genviz.live.text_model import TextModel

_TEXTS = 64  # example texts that are run
_POINTS = 50_000  # numbers from which the activation function is told

Numbers = NDArray[np.float32]


def neuron(
    live: "TextModel", site: str, unit: int, texts: Sequence[tuple[Any, Any]], *, expert: int | None = None
) -> dict[str, Any]:
    """See :meth:`genviz.live.LanguageModel.neuron`."""
    layout = Layout.of(live)
    tap = _tap(layout, site, "neuron" if expert is None else "routing")
    runs, places = [], []
    decoder = tap.attrs.get("tokens", {}).get("token") if not callable(tap.attrs) else None
    for at, (ids, target) in enumerate(texts[:_TEXTS]):
        report(at / len(texts), "reading the examples")
        read = target if decoder == "target_tokens" else ids
        if expert is None:
            rows, (out, ins) = list(range(len(read))), _run(live, layout, tap, (ids, target))
        else:
            rows, out, ins = _routed(live, layout, tap, (ids, target), expert)
        if not 0 <= unit < out.shape[-1]:
            raise LiveError(f"no neuron {unit} at {site!r}: it has neurons 0 … {out.shape[-1] - 1}")
        runs.append((read, out, ins))
        places.append(rows)
    found, gate = _function(runs)
    names = live.target if decoder == "target_tokens" else live.source
    return {
        "words": [names.tokens(ids) for ids, _, _ in runs],
        "positions": places,
        "activations": np.concatenate([out[:, unit] for _, out, _ in runs]),
        "before": None if gate is None else np.concatenate([ins[gate][:, unit] for _, _, ins in runs]),
        "function": found.name,
        "gated": found.gated,
        "left_out": max(0, len(texts) - _TEXTS),
    }


def expert_neurons(
    live: "TextModel", site: str, expert: int, ids: Sequence[int], target: Sequence[int] | None
) -> dict[str, Any]:
    """See :meth:`genviz.live.LanguageModel.expert_neurons`."""
    layout = Layout.of(live)
    rows, out, _ = _routed(live, layout, _tap(layout, site, "routing"), (ids, target), expert)
    return {"positions": rows, "activations": out}


def _tap(layout: Layout, site: str, kind: str) -> Tap:
    what = {"neuron": "neurons", "routing": "experts"}[kind]
    taps = {tap.where: tap for tap in layout.plan.taps if tap.kind == kind}
    if site not in taps:
        raise LiveError(f"no {what} at {site!r}: there are some at {', '.join([*taps][:6]) or 'no place'}")
    return taps[site]


def _routed(
    live: "TextModel", layout: Layout, tap: Tap, given: tuple[Any, Any], expert: int
) -> tuple[list[int], Numbers, list[Numbers]]:
    """Tokens that went through an expert, its neurons there, and what may have gone into its function."""
    count = experts.count(layout.network[tap.path]) or 0
    if not 0 <= expert < count:
        raise LiveError(f"no expert {expert} at {tap.where!r}: it has experts 0 … {count - 1}")
    found: list[experts.Passed | None] = []

    def seen(call: Call) -> None:
        if call.path == tap.path:
            found.append(experts.through(call, expert))

    with live.running(), seeing(layout.network, seen):
        live._run(*given)
    passed = found[-1] if found else None
    if passed is None:
        raise LiveError(f"{tap.path!r} did not say which tokens go to which expert")
    return passed.rows.tolist(), _flat(passed.neurons), [_flat(each) for each in passed.before]


def _run(
    live: "TextModel", layout: Layout, tap: Tap, given: tuple[Any, Any]
) -> tuple[Numbers, list[Numbers]]:
    """Activations of a layer for one text, (token, unit), and what may have gone into its function."""
    blocks = [each.path for each in layout.plan.taps if each.kind == "hidden"]
    own = (path for path in blocks if tap.path.startswith(f"{path}."))
    around = tap.where if tap.where != tap.path else max(own, key=len, default=parent(tap.path))
    attention = tuple(f"{path}." for path in layout.plan.attends)
    calls: list[Call] = []

    def seen(call: Call) -> None:
        inside = call.path == tap.path or call.path.startswith(f"{around}.")
        if inside and is_linear(call.module) and not call.path.startswith(attention):
            calls.append(call)

    with live.running(), part_by_part(live.modules[""]), seeing(layout.network, seen):
        live._run(*given)
    down = next((at for at in range(len(calls) - 1, -1, -1) if calls[at].path == tap.path), None)
    if down is None or calls[down].given is None:
        raise LiveError(f"{tap.path!r} did not run, so its neurons cannot be seen")
    out = _flat(calls[down].given)
    ins: list[Numbers] = []
    for call in calls[:down]:
        made = None if call.result is None else _flat(call.result)
        if made is not None and made.shape == out.shape:
            ins.append(made)
        elif made is not None and made.shape == (out.shape[0], 2 * out.shape[1]):  # gate and factor in one
            ins += [made[:, : out.shape[1]], made[:, out.shape[1] :]]
    return out, ins[-2:]


def _flat(tensor: Tensor | None) -> Numbers:
    assert tensor is not None
    values = tensor.detach().float().cpu().numpy()
    return np.ascontiguousarray(values.reshape(-1, values.shape[-1]))


def _function(runs: Sequence[tuple[Any, Numbers, list[Numbers]]]) -> tuple[Found, int | None]:
    """Which function it is, and which of the numbers before go into it: tried out on the layer's own."""
    count = min((len(ins) for _, _, ins in runs), default=0)
    after = _sampled([out for _, out, _ in runs])
    columns = [_sampled([ins[at] for _, _, ins in runs]) for at in range(count)]
    tolerance = 2e-4
    tries: list[tuple[Found, int]] = [
        (identify(each, after, tolerance=tolerance), at) for at, each in enumerate(columns)
    ]
    if count == 2:
        for gate in (0, 1):
            tries.append((identify(columns[gate], after, times=columns[1 - gate], tolerance=tolerance), gate))
    named = [(found, at) for found, at in tries if found.name]
    if named:
        return min(named, key=lambda each: each[0].error)
    return Found("", count == 2, float("nan")), 0 if count == 1 else None


def _sampled(parts: Sequence[Numbers]) -> NDArray[np.float32]:
    flat = np.concatenate([part.ravel() for part in parts])
    if len(flat) <= _POINTS:
        return flat
    some = torch.randperm(len(flat), generator=torch.Generator().manual_seed(0))[:_POINTS].numpy()
    return np.asarray(flat[some])
