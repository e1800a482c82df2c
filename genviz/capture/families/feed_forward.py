"""What to capture in the feed-forward parts of a block: neurons, contributions, who goes to which expert."""

from collections.abc import Callable, Mapping
from typing import Any

from genviz.capture.families import experts, structure
from genviz.capture.families.base import Call, Tap, given
from genviz.capture.modules import Network
from genviz.recording import Missing

_Attrs = Mapping[str, Any] | Callable[[Call], Mapping[str, Any]]


def feed_forward_taps(
    network: Network, rest: list[str], width: int | None, attrs: _Attrs
) -> tuple[list[Tap], list[Missing]]:
    """Activations and contribution of the feed-forward parts of a block."""
    flat = [path for path in rest if structure.is_linear(network[path])]
    composite = [path for path in rest if path not in flat]
    taps: list[Tap] = []
    missing: list[Missing] = []
    spread = len(composite) > 1 and any(structure.adds_residual(network, path) for path in composite)
    if flat or spread:  # one network spread over several parts of the block
        down = _last([name for path in rest for name in structure.linears(network, path)], network, width)
        if down:
            taps += [
                Tap(down, "neuron", take=given, axes=None, attrs=attrs),
                Tap(down, "contribution", attrs=attrs),
            ]
        return taps, missing
    for path in composite:
        if structure.mixes_experts(network, path):
            own, lost = _mixture(network, path, attrs)
            taps, missing = [*taps, *own], [*missing, lost]
            continue
        down = _last(structure.linears(network, path), network, width)
        if down:
            source = down if structure.adds_residual(network, path) else path
            taps.append(Tap(down, "neuron", site=path, take=given, attrs=attrs))
            taps.append(Tap(source, "contribution", site=path, attrs=attrs))
    return taps, missing


def _mixture(network: Network, path: str, attrs: _Attrs) -> tuple[list[Tap], Missing]:
    """Which experts each token goes through, where they are stacked in one module, and the contribution."""
    reason = "its feed-forward network is a mixture of experts: tokens go through different ones"
    taps = [Tap(path, "contribution", attrs=attrs)]
    experts_at = experts.stacked(network, path)
    if experts_at is not None:
        reason += "; 'routing' tells which, and a live model gives the neurons of each"
        taps.append(Tap(experts_at, "routing", site=path, take=experts.routing, attrs=attrs))
    return taps, Missing(path, "neuron", reason)


def _last(paths: list[str], network: Network, width: int | None) -> str | None:
    """The last projection back to the residual stream."""
    fitting = [path for path in paths if width is None or structure.width_out(network[path]) in (None, width)]
    return fitting[-1] if fitting and len(paths) > 1 else None
