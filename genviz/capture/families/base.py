"""What a family is: it recognises one kind of model by its structure, and says what to capture where.

To add a family, write one file with a :class:`Family` and add one line to ``FAMILIES``; another package
adds one through the entry-point group ``genviz.families``.

Example
-------
A family whose models have a part named ``encoder`` that gives a code::

    class Autoencoder(Family):
        name = "autoencoder"

        def recognise(self, network):
            return 0.9 if {"encoder", "decoder"} <= set(network.modules) else 0.0

        def plan(self, network):
            return Plan((Tap("encoder", "latent"), Tap("decoder", "reconstruction")))
"""

import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch import nn

from genviz.capture.copies import first_tensor
from genviz.capture.modules import Network
from genviz.recording import Missing


@dataclass(frozen=True)
class Call:
    """One run of a module, as a tap sees it.

    Parameters
    ----------
    path : str
        The module's path.
    module : nn.Module
    args, kwargs : what it was called with
    output : what it returned
    number : int
        How many times this module ran before in this capture.
    stack : tuple of str
        Paths of the modules that were running, outermost first, this one last.
    notes : dict
        Kept for the whole capture and shared by all taps of the family: what one remembers for another.
    """

    path: str
    module: nn.Module
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    output: Any
    number: int
    stack: tuple[str, ...]
    notes: dict[str, Any]

    @property
    def result(self) -> torch.Tensor | None:
        """The first tensor of the output, or None."""
        return first_tensor(self.output)

    @property
    def given(self) -> torch.Tensor | None:
        """The first tensor that went in, positional or by keyword, or None.

        By keyword the order is the caller's choice, so the first of ``forward``'s own parameters counts.
        """
        found = first_tensor(self.args)
        if found is not None or not self.kwargs:
            return found
        return first_tensor(tuple(self.kwargs[name] for name in _in_order(self.module, self.kwargs)))


def _in_order(module: nn.Module, names: Iterable[str]) -> list[str]:
    given = list(names)
    if len(given) < 2:
        return given
    try:
        parameters = list(inspect.signature(module.forward).parameters)
    except (TypeError, ValueError):
        return given
    return sorted(given, key=lambda name: parameters.index(name) if name in parameters else len(parameters))


def result(call: Call) -> torch.Tensor | None:
    """What a module returned (the usual ``take``)."""
    return call.result


def given(call: Call) -> torch.Tensor | None:
    """What went into a module."""
    return call.given


@dataclass(frozen=True)
class Tap:
    """One array to capture whenever one module has run.

    Parameters
    ----------
    path : str
        Module whose run gives the array.
    kind : str
        A key of :data:`genviz.kinds.KINDS`.
    site : str, optional
        Under which name it is kept; the path when not given.
    take : callable
        ``Call → tensor``; None means that this run gives none (which is no loss to report as long as
        another run gives one). Default: the first tensor of the output.
    axes : tuple of str, optional
        Names of the dimensions where they are not the kind's own.
    attrs : mapping or callable
        Plain JSON to keep with the array, or ``Call → mapping``; ``tokens`` says which list of tokens
        labels the token axis.
    when : {"forward", "gradient"}
        ``"gradient"`` keeps the gradient of the loss with respect to the tensor that ``take`` hands out, when
        a backward pass reaches it inside the ``with`` block.
    optional : bool
        Nothing is reported when no run gives it.
    """

    path: str
    kind: str
    site: str | None = None
    take: Callable[[Call], torch.Tensor | None] = result
    axes: tuple[str, ...] | None = None
    attrs: Mapping[str, Any] | Callable[[Call], Mapping[str, Any]] = field(default_factory=dict)
    when: Literal["forward", "gradient"] = "forward"
    optional: bool = False

    @property
    def where(self) -> str:
        """The site under which the array is kept."""
        return self.path if self.site is None else self.site


@dataclass(frozen=True)
class Plan:
    """Everything to capture in one model.

    Parameters
    ----------
    taps : tuple of Tap
    missing : tuple of Missing
        What a model of this family should have and this one has not, or not where it can be found.
    attends : tuple of str
        Modules in which attention is expected: one in which none was seen is reported.
    attention : mapping
        Path → ``attrs`` for attention seen there or below, such as
        ``{"tokens": {"query": "target_tokens"}}``.
    info : mapping
        What to add to the recording's ``info``.
    two_sided : bool
        An encoder's and a decoder's sequence go through the model; ``attrs["tokens"]`` tells them apart.
    """

    taps: tuple[Tap, ...] = ()
    missing: tuple[Missing, ...] = ()
    attends: tuple[str, ...] = ()
    attention: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    info: Mapping[str, Any] = field(default_factory=dict)
    two_sided: bool = False

    def attention_attrs(self, site: str) -> Mapping[str, Any]:
        """Attributes for attention at a site: those of the longest path that holds it."""
        holding = [path for path in self.attention if not path or site == path or site.startswith(f"{path}.")]
        return self.attention[max(holding, key=len)] if holding else {}


class Family(ABC):
    """One kind of model. Stateless: the same object serves every capture."""

    #: How it is asked for: ``record(model, family="transformer")``.
    name: str

    @abstractmethod
    def recognise(self, network: Network) -> float:
        """How sure the structure makes us, 0 (not one of these) to 1; nothing is run."""

    @abstractmethod
    def plan(self, network: Network) -> Plan:
        """What to capture; called once at the start of each capture."""

    def facts(self, network: Network) -> dict[str, Any]:
        """What can be told from the structure: ``n_layers``, ``d_model``, …; others stay null."""
        return {}

    def parts(self, network: Network) -> list[dict[str, Any]]:
        """Every parameter by the part it belongs to; nothing where the family tells no parts apart."""
        return []
