"""Taps at work: each time a module runs, what a family wants of it is kept."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

import torch
from torch import nn

from genviz.capture import hooks
from genviz.capture.families.base import Call, Plan, Tap
from genviz.capture.keeper import Keeper
from genviz.capture.modules import Network, class_of
from genviz.capture.settings import PARTS
from genviz.errors import CaptureError, UnknownSite
from genviz.kinds import KINDS
from genviz.recording import Missing

#: What is said of a module that never ran.
UNSEEN = (
    "did not run inside the with block: call the model itself there, in the same thread "
    "(a direct .forward() and compiled code run past every hook)"
)


_FUSED = (
    "was computed inside PyTorch's fused encoder kernel, which gives out no parts: after "
    "torch.backends.mha.set_fastpath_enabled(False) they run one by one"
)
_FUSING = (nn.TransformerEncoderLayer, nn.MultiheadAttention)


class Taps:
    """Runs the taps of one capture.

    Parameters
    ----------
    taps : sequence of Tap
    network : Network
    keeper : Keeper
    watcher : hooks.Watcher
        Whose gradients are told.
    """

    def __init__(self, taps: Sequence[Tap], network: Network, keeper: Keeper, watcher: hooks.Watcher) -> None:
        self._network, self._keeper, self._watcher = network, keeper, watcher
        self._taps: dict[int, list[Tap]] = {}
        for tap in taps:
            if keeper.wants(tap.where, *PARTS.get(tap.kind, (tap.kind,))):
                self._taps.setdefault(id(network[tap.path]), []).append(tap)
        self._ran: dict[int, int] = {}
        self._notes: dict[str, Any] = {}
        self._gradients: set[tuple[str, str]] = set()
        self.any_ran = False
        #: Told the ids (or vectors) of the first run: kind, shape, name of the token list.
        self.on_ids: Callable[[torch.Tensor, Tap, Mapping[str, Any]], None] = lambda *_: None

    def ran(self, path: str, run: tuple[tuple[Any, ...], Mapping[str, Any], Any]) -> None:
        """Keep what the taps of one module take from its run."""
        self.any_ran = True
        module = self._network[path]
        number = self._ran.get(id(module), 0)
        self._ran[id(module)] = number + 1
        for tap in self._taps.get(id(module), ()):
            stack = tuple(p for each in hooks.running() if (p := self._network.path(each)) is not None)
            call = Call(path, module, *run, number, stack, self._notes)
            self._keeper.guarded(tap.where, tap.kind, lambda tap=tap, call=call: self._take(tap, call))  # type: ignore[misc]

    def _take(self, tap: Tap, call: Call) -> None:
        tensor = tap.take(call)
        if tensor is None:
            return
        attrs = tap.attrs(call) if callable(tap.attrs) else tap.attrs
        if tap.when == "gradient":
            self._await_gradient(tap, call.number, tensor, attrs)
        elif tap.kind == "logits":
            self._keeper.logits(tap.where, tensor, call=call.number, attrs=attrs)
        else:
            if not tensor.is_meta:
                self.on_ids(tensor, tap, attrs)
            self._keeper.keep(tap.where, tap.kind, tensor, call=call.number, axes=tap.axes, attrs=attrs)

    def _await_gradient(self, tap: Tap, number: int, tensor: torch.Tensor, attrs: Mapping[str, Any]) -> None:
        def seen(gradient: torch.Tensor) -> None:
            with hooks.quiet():
                self._keeper.keep(tap.where, tap.kind, gradient, call=number, axes=tap.axes, attrs=attrs)

        if hooks.on_gradient(self._watcher, tensor, seen):
            self._gradients.add((tap.where, tap.kind))

    def missing(self) -> list[Missing]:
        """What no run gave, and why."""
        lost = []
        for module_id, taps in self._taps.items():
            for tap in taps:
                if not tap.optional and not any(self._keeper.has(tap.where, kind) for kind in _results(tap)):
                    lost.append(Missing(tap.where, tap.kind, self._reason(tap, module_id)))
        return lost

    def _reason(self, tap: Tap, module_id: int) -> str:
        if module_id not in self._ran:
            return f"{tap.path or 'the model'} {_FUSED if self._fused(tap.path) else UNSEEN}"
        if tap.when == "gradient" and class_of(self._network[tap.path]) is not type(self._network[tap.path]):
            return (
                "fully_shard gathers its parameters for each run, and their gradients pass by outside of it"
            )
        if tap.when == "gradient" and (tap.where, tap.kind) in self._gradients:
            return "no backward pass reached it inside the with block"
        if tap.when == "gradient":
            return "it takes part in no gradient here (no_grad, or frozen)"
        return f"{tap.path or 'the model'} ran, but its output holds no such array"

    def _fused(self, path: str) -> bool:
        """Tell whether a part stands in a module of PyTorch that ran as one kernel."""
        holders = (self._network.modules[above] for above in _above(path) if above in self._network.modules)
        return any(isinstance(each, _FUSING) and id(each) in self._ran for each in holders)


def _above(path: str) -> Iterator[str]:
    while path:
        path = path.rpartition(".")[0]
        yield path


def _results(tap: Tap) -> tuple[str, ...]:
    return PARTS["logits"] if tap.kind == "logits" else (tap.kind,)


def restricted(
    plan: Plan, network: Network, sites: Sequence[str] | Mapping[str, str] | None
) -> tuple[Plan, tuple[str, ...] | None]:
    """The plan for the sites that the user names, and the patterns of sites to keep.

    Raises
    ------
    UnknownSite
        When a name or pattern fits no module.
    """
    if sites is None:
        return plan, None
    names = (sites,) if isinstance(sites, str) else tuple(sites)
    known = {*network.modules, *(tap.where for tap in plan.taps)}
    for name in names:
        if not any(fnmatchcase(path, name) for path in known):
            raise UnknownSite.among(name, [path for path in network.modules if path], "model")
    if isinstance(sites, Mapping):
        return _replaced(plan, network, sites), names
    tapped = {tap.where for tap in plan.taps}
    added = [
        Tap(path, "activation")
        for path in network.modules
        if path not in tapped and any(fnmatchcase(path, name) for name in names)
    ]
    return _with_taps(plan, (*plan.taps, *added)), names


def _replaced(plan: Plan, network: Network, sites: Mapping[str, str]) -> Plan:
    taps = []
    for name, kind in sites.items():
        if kind not in KINDS:
            raise CaptureError(
                f"sites={{{name!r}: {kind!r}}}: no kind {kind!r}: the kinds are {', '.join(KINDS)}"
            )
        if kind != "attention":
            taps += [Tap(path, kind) for path in network.modules if fnmatchcase(path, name)]
    return _with_taps(plan, tuple(taps))


def _with_taps(plan: Plan, taps: tuple[Tap, ...]) -> Plan:
    return Plan(taps, (), plan.attends, plan.attention, plan.info, plan.two_sided)
