"""Networks of fully connected layers: what each received, weighed, summed and passed on."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrize import is_parametrized

from genviz.capture.copies import Unreadable, snapshot
from genviz.capture.families.base import Call, Family, Plan, Tap
from genviz.capture.modules import Network, parent

# Layers with weights of their own that still leave a network a perceptron.
_BESIDE = (nn.modules.batchnorm._NormBase, nn.LayerNorm, nn.PReLU)


class Perceptron(Family):
    """Every ``nn.Linear``: input, weight, bias, weighted sum, activation, and their gradients in training."""

    name = "perceptron"

    def recognise(self, network: Network) -> float:
        """All weights lie in linear layers (and norms between them)."""
        weighty = [module for module in network.modules.values() if any(True for _ in _own(module))]
        if not any(isinstance(module, nn.Linear) for module in weighty):
            return 0.0
        return 0.6 if all(isinstance(module, (nn.Linear, *_BESIDE)) for module in weighty) else 0.0

    def plan(self, network: Network) -> Plan:
        """Tap each linear layer, and what follows it for its activation."""
        layers = linear_layers(network)
        taps: list[Tap] = []
        for at, path in enumerate(layers):
            # First the layer before this one: what this one receives is that one's activation.
            if at and not _activation_module(network, layers[at - 1]):
                taps.append(_activation(path, layers[at - 1], _received))
            taps += _layer(path)
            taps += _gradients(path) if torch.is_grad_enabled() else []
            found = _activation_module(network, path)
            if found:
                taps.append(_activation(found, path, _returned))
        if layers and not _activation_module(network, layers[-1]):
            taps += [_activation(root, layers[-1], _returned) for root in network.roots]
        return Plan(tuple(taps))


def linear_layers(network: Network) -> list[str]:
    """Paths of the linear layers in the order in which they were defined; shared ones once."""
    found: dict[int, str] = {}
    for path, module in network.modules.items():
        if isinstance(module, nn.Linear):
            found.setdefault(id(module), path)
    return list(found.values())


def _layer(path: str) -> list[Tap]:
    return [
        Tap(path, "input", take=_input, axes=("sample", "input")),
        Tap(path, "weight", take=_changed("weight")),
        Tap(path, "bias", take=_changed("bias")),
        Tap(path, "weighted_sum", take=_weighted_sum),
    ]


def _gradients(path: str) -> list[Tap]:
    return [
        Tap(path, "weight_gradient", take=lambda call: _parameter(call, "weight"), when="gradient"),
        Tap(path, "bias_gradient", take=lambda call: _parameter(call, "bias"), when="gradient"),
        Tap(path, "gradient", take=lambda call: call.result, when="gradient"),
    ]


def _activation(path: str, layer: str, read: "_Read") -> Tap:
    """The activation of ``layer``, as the module at ``path`` shows it."""

    def take(call: Call) -> Tensor | None:
        last = call.notes.get("last linear")
        return read(call, last[1]) if last and last[0] == layer else None

    return Tap(path, "activation", site=layer, take=take)


class _Read:
    """Reads a layer's activation off another module, if what is seen there has its units."""

    def __init__(self, of_input: bool) -> None:
        self._of_input = of_input

    def __call__(self, call: Call, shape: Sequence[int]) -> Tensor | None:
        seen = call.given if self._of_input else call.result
        if seen is None or seen.numel() != int(_product(shape)):
            return None
        return seen.reshape(*shape)  # (n,) where the model squeezed its single output


_received, _returned = _Read(of_input=True), _Read(of_input=False)


def _activation_module(network: Network, layer: str) -> str | None:
    """The activation function that follows a layer in its ``nn.Sequential`` and nowhere else, or None."""
    owner = network.modules.get(parent(layer)) if layer else None
    if not isinstance(owner, nn.Sequential):
        return None
    siblings = list(network.children(parent(layer)))
    at = next((index for index, (path, _) in enumerate(siblings) if path == layer), len(siblings))
    for path, module in siblings[at + 1 :]:
        if isinstance(module, _BESIDE) and not isinstance(module, nn.PReLU):
            continue
        used = sum(other is module for other in network.modules.values())
        return path if _is_activation(module) and used == 1 else None
    return None


def _is_activation(module: nn.Module) -> bool:
    """A module of its own that only bends values: no parts, and no weights but a slope."""
    if isinstance(module, nn.PReLU):
        return True
    rearranging = isinstance(module, nn.modules.dropout._DropoutNd | nn.Flatten | nn.Unflatten | nn.Linear)
    return not rearranging and not any(True for _ in module.parameters()) and not any(module.children())


def _input(call: Call) -> Tensor | None:
    given = call.given
    return None if given is None else given.reshape(-1, given.shape[-1])


def _weighted_sum(call: Call) -> Tensor | None:
    result = call.result
    if result is not None:
        call.notes["last linear"] = (call.path, tuple(result.shape))
    return None if result is None else result.reshape(-1, result.shape[-1])


def _changed(name: str) -> "_Changed":
    return _Changed(name)


class _Changed:
    """A parameter when it is first seen, and again only after it was changed: once per training step.

    Values are compared: ``parameter.data -= …`` changes them without leaving a trace.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def __call__(self, call: Call) -> Tensor | None:
        parameter, key = _parameter(call, self._name), f"{self._name} of {call.path}"
        if parameter is None:
            return None
        parameter = parameter.detach()
        known = call.notes.get(key)
        if known is not None and known.device == parameter.device and torch.equal(known, parameter):
            return None
        call.notes[key] = snapshot(parameter)
        return parameter


def _parameter(call: Call, name: str) -> Tensor | None:
    if call.module.training and is_parametrized(call.module, name):
        raise Unreadable("it is computed anew at each reading (spectral norm, …), which may change the model")
    found: Tensor | None = getattr(call.module, name)
    return found


def _own(module: nn.Module) -> list[Tensor]:
    return list(module.parameters(recurse=False))


def _product(shape: Sequence[int]) -> int:
    product = 1
    for length in shape:
        product *= length
    return product
