"""One architecture: build it, run it with and without capture, and compare its attention with a reference."""

import math
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import nn

from benchmarks.architectures import references
from benchmarks.architectures.inputs import Given, runs
from benchmarks.architectures.references import Maps, Softmaxes
from benchmarks.architectures.shrinking import STRATEGIES, small_model

#: Largest difference from the reference, float32.
TOLERANCE = 1e-5


@dataclass
class Result:
    """What was found out about one model type."""

    model_type: str
    outcome: str = "not built"
    reason: str = ""
    how: str = ""
    family: str = ""
    identical: bool = False
    found: int = 0
    references: int = 0
    against: str = ""
    exact: int = 0
    largest: float = 0.0
    routes: list[str] = field(default_factory=list)
    shown: dict[str, int] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    seconds: float = 0.0
    eager_gap: float = 0.0


def trial(model_type: str) -> Result:
    """Everything about one model type."""
    result = Result(model_type)
    errors: list[str] = []
    for strategy in STRATEGIES:
        started = _running(model_type, strategy, errors)
        if started is not None:
            model, (name, given), bare = started
            result.how = f"{strategy}: {name}"
            _examine(result, model, given, bare)
            return result
    result.reason = errors[0] if errors else "nothing to run it on"
    return result


def _running(
    model_type: str, strategy: str, errors: list[str]
) -> tuple[nn.Module, tuple[str, Given], Any] | None:
    """A model, what it can be run on, and what it returns."""
    try:
        model = small_model(model_type, strategy)
    except Exception as error:
        errors.append(_said(error))
        return None
    for name, given in runs(model):
        try:
            bare = _run(model, given)
        except Exception as error:
            errors.append(f"{name}: {_said(error)}")
        else:
            return model, (name, given), bare
    return None


def _run(model: nn.Module, given: Given, **extra: Any) -> Any:
    torch.manual_seed(7)  # noise, masking and layer drop
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return model(**given, **extra)


def _examine(result: Result, model: nn.Module, given: Given, bare: Any) -> None:
    import genviz

    with genviz.record(model) as recording:
        seen = _run(model, given)
    result.identical = _same(tensors(bare), tensors(seen))
    result.family = recording.info["provenance"]["family"]
    for kind in ("hidden", "contribution", "neuron", "embedding", "activation"):
        result.shown[kind] = len(recording.entries(kind=kind))
    attention = [m for m in recording.missing if m.kind == "attention"]
    result.missing = [f"{m.site}: {m.reason}" for m in attention]
    found = maps(recording)
    result.found = len(found)
    result.routes = sorted({e.attrs["route"] for e in recording.entries() if "route" in e.attrs})
    _compare(result, found, model, given)


def _compare(result: Result, found: Maps, model: nn.Module, given: Given) -> None:
    own = _intercepted(model, given)  # on the model's own kernels, before it is put on eager
    weights = False
    for reference in _references(model, given, result, own, found):
        weights |= any(references.sums_to_one(each) for each in reference.needed)
        if not reference.needed:
            continue
        worst, exact, invented = _matched(found, reference)
        result.references, result.against = len(reference.needed), reference.source
        result.exact, result.largest = exact, worst
        if exact == len(reference.needed) and not invented:
            result.outcome = "exact" if result.identical else "outputs differ"
            return
        result.outcome = "differs"
        result.reason = f"{len(reference.needed) - exact} references not found, {invented} maps without one"
    if not result.against:
        result.outcome = "no reference" if found else "no softmax attention"
    elif not found and not weights:
        result.outcome, result.reason = "no softmax attention", ""


@dataclass(frozen=True)
class Reference:
    """Maps that must be found, maps that may be, and where they are from."""

    source: str
    needed: Maps
    others: Maps
    outputs: list[torch.Tensor] = field(default_factory=list)


def _gap(left: list[torch.Tensor], right: list[torch.Tensor]) -> float:
    """How far the first outputs of two runs are apart."""
    pairs = [
        (a, b) for a, b in zip(left, right, strict=False) if a.shape == b.shape and a.is_floating_point()
    ]
    return float((pairs[0][0] - pairs[0][1]).abs().nan_to_num(0.0).max()) if pairs else 0.0


def _matched(found: Maps, reference: Reference) -> tuple[float, int, int]:
    """Largest distance of a needed map from the nearest found one, how many are found, how many invented."""
    nearest = [_nearest(each, found) for each in reference.needed]
    invented = [_nearest(each, [*reference.needed, *reference.others], swap=True) for each in found]
    exact = sum(each <= TOLERANCE for each in nearest)
    return max(nearest, default=math.inf), exact, sum(each > TOLERANCE for each in invented)


def _nearest(one: Any, many: Maps, swap: bool = False) -> float:
    distances = (references.distance(*((one, each) if swap else (each, one))) for each in many)
    return min(distances, default=math.inf)


def _shaped_like(maps: Maps, found: Maps) -> Maps:
    """Softmaxes without an axis of heads that may be those found: by their shape."""
    return [each for each in maps if any(references.distance(one, each) < math.inf for one in found)]


def _references(
    model: nn.Module, given: Given, result: Result, own: Reference, found: Maps
) -> Iterator[Reference]:
    """What eager gives out; its softmaxes; and where it computes something else, the model's own kernels."""
    strategy = result.how.rpartition(": ")[0]
    attempts: list[Callable[[], nn.Module | None]] = [
        lambda: model if references.eager(model) else None,
        lambda: _twin(model, result.model_type, strategy),
    ]
    for attempt in attempts:
        eager = attempt()
        if eager is None:
            continue
        try:
            with Softmaxes() as seen:
                output = _asked(eager, given)
        except Exception as error:  # an eager path that nobody runs
            result.reason = f"eager: {_said(error)}"
            continue
        result.eager_gap = _gap(own.outputs, tensors(output))
        given_out, others = references.given_out(output), [*seen.maps, *seen.kernels]
        softmaxes = references.softmaxes_expected(seen.maps) or _shaped_like(seen.maps, found)
        if given_out:
            yield Reference("output_attentions", given_out, others)
        if softmaxes or given_out:
            yield Reference("softmaxes of eager", softmaxes, others)
            break
    if own.needed:
        yield own


def _intercepted(model: nn.Module, given: Given) -> Reference:
    with Softmaxes() as seen:
        output = _run(model, given)
    needed = seen.kernels or references.softmaxes_expected(seen.maps)
    return Reference("its own kernel, in float64", needed, [*seen.maps, *seen.kernels], tensors(output))


def _asked(model: nn.Module, given: Given) -> Any:
    try:
        return _run(model, given, output_attentions=True)
    except (TypeError, ValueError):
        return _run(model, given)


def _twin(model: nn.Module, model_type: str, strategy: str) -> nn.Module | None:
    try:
        twin = small_model(model_type, strategy, attn_implementation="eager")
    except Exception:
        return None
    twin.load_state_dict(model.state_dict(), strict=False)
    return twin


def maps(recording: Any) -> Maps:
    """Every attention map of a recording, over all samples: ``(sample, head, query, key)``."""
    found = []
    for site in recording.sites(kind="attention"):
        reader = recording.attention_reader(site)
        for call in reader.calls:
            kind = "query" if recording.entries(site, "query", call=call) else "attention"
            entry = recording.entry(site, kind, call=call)
            samples = [recording.attention(site, sample=n, call=call).values for n in range(entry.shape[0])]
            found.append(np.stack(samples))
    return found


def tensors(value: Any, deep: int = 10) -> list[torch.Tensor]:
    """Every tensor in an output."""
    return list(_tensors(value, deep))


def _tensors(value: Any, deep: int) -> Iterator[torch.Tensor]:
    if isinstance(value, torch.Tensor):
        yield value
    elif deep:
        for item in _inside(value):
            yield from _tensors(item, deep - 1)


def _inside(value: Any) -> Iterable[Any]:
    if isinstance(value, Mapping):
        return value.values()
    if isinstance(value, list | tuple):
        return value
    return vars(value).values() if hasattr(value, "__dict__") else ()


def _same(left: list[torch.Tensor], right: list[torch.Tensor]) -> bool:
    if len(left) != len(right):
        return False
    return all(
        a.shape == b.shape and a.dtype == b.dtype and bool(((a == b) | ((a != a) & (b != b))).all())
        for a, b in zip(left, right, strict=True)
    )


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}"[:200]
