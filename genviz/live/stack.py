"""One run of a language model as its layers see it: the stream behind each block, and what comes after."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from genviz.capture.families import chosen
from genviz.capture.families.base import Call, Plan, Tap
from genviz.capture.modules import Network
from genviz.capture.replacing import seeing
from genviz.errors import LiveError

if TYPE_CHECKING:
    from genviz.live.text_model import TextModel


@dataclass(frozen=True)
class Layout:
    """What is where in a language model.

    Parameters
    ----------
    network : Network
    plan : Plan
        Of the transformer family.
    blocks : tuple of str
        Paths of the blocks of the stack that leads to the logits.
    heads : int or None
        Attention heads per layer, as far as the model tells.
    """

    network: Network
    plan: Plan
    blocks: tuple[str, ...]
    heads: int | None = None

    @classmethod
    def of(cls, live: "TextModel", wanted: str | None = None) -> "Layout":
        """Read a model's structure.

        Parameters
        ----------
        live : TextModel
        wanted : {"tokens", "target_tokens"}, optional
            Which stack of an encoder–decoder; default: the one that leads to the logits.

        Raises
        ------
        LiveError
            When no blocks with attention are found, or no output layer: says which.
        """
        network = Network.of(live.modules[""])
        family = chosen(network, live.family)
        plan = family.plan(network)
        hidden = [tap for tap in plan.taps if tap.kind == "hidden"]
        if not hidden:
            raise LiveError(f"no blocks with attention were found in {type(live.modules['']).__name__}")
        side = wanted if any(side_of(tap) == wanted for tap in hidden) else side_of(hidden[-1])
        blocks = tuple(tap.path for tap in hidden if side_of(tap) == side)
        return cls(network, plan, blocks, family.facts(network).get("n_heads"))

    def taps(self, kind: str) -> list[Tap]:
        """Taps of one kind in the blocks of the stack."""
        inside = tuple(f"{path}." for path in self.blocks)
        return [tap for tap in self.plan.taps if tap.kind == kind and tap.path.startswith(inside)]


def side_of(tap: Tap) -> str | None:
    """Which sequence a tap's array lies along."""
    found: str | None = None if callable(tap.attrs) else tap.attrs.get("tokens", {}).get("token")
    return found


@dataclass
class Run:
    """What one run showed.

    Parameters
    ----------
    names : list of str
        ``"start"``, then the blocks' paths.
    states : list of Tensor, (token, channel)
        The stream before the first block and behind each.
    last : (str, int)
        The last block, and how many times it had run before (a block may stand for several layers).
    tail : list of nn.Module
        What ran after it and holds nothing else that ran, in order.
    logits : Tensor, (token, vocab)
    positions_first : bool
        Whether the blocks hand on (token, sample, channel).
    """

    names: list[str] = field(default_factory=list)
    states: list[Tensor] = field(default_factory=list)
    last: tuple[str, int] = ("", 0)
    tail: list[nn.Module] = field(default_factory=list)
    logits: Tensor = field(default_factory=lambda: torch.zeros(0, 0))
    positions_first: bool = False


def run_through(live: "TextModel", layout: Layout, ids: Sequence[int], target: Sequence[int] | None) -> Run:
    """Run a model once and keep the stream.

    Raises
    ------
    LiveError
        When it gives no score per vocabulary entry.
    """
    found = Run()
    after: list[Call] = []
    holding: set[str] = set()
    inside = [path for block in layout.blocks for path, _ in layout.network.below(block)]
    blocks, ignored = set(layout.blocks), set(inside)

    def seen(call: Call) -> None:
        if call.path in blocks:
            _keep(found, call)
            after.clear()
            holding.update(call.stack)
        elif call.path not in ignored:
            after.append(call)

    with live.running(), seeing(layout.network, seen):
        logits = live.one_sample(live._run(ids, target))
    if logits is None:
        raise no_scores(live)
    holding.update(path for call in after for path in call.stack[:-1])
    found.tail = [call.module for call in after if call.path not in holding]
    found.logits = logits
    return found


def _keep(found: Run, call: Call) -> None:
    given, made = handed_on(call)
    if not found.states:
        found.names.append("start")
        found.states.append(only_sample(given))
        found.positions_first = positions_first(given)
    found.names.append(name_of(call))
    found.states.append(only_sample(made))
    found.last = (call.path, call.number)


def handed_on(call: Call) -> tuple[Tensor, Tensor]:
    """What a block was given, and what it handed on.

    Raises
    ------
    LiveError
        When either is no tensor.
    """
    given, made = call.given, call.result
    if made is None or given is None:
        raise LiveError(f"{call.path!r} hands no tensor on, so its residual stream cannot be read")
    return given.detach(), made.detach()


def name_of(call: Call) -> str:
    """Name of a block's run: one that stands for several layers is counted."""
    return f"{call.path} ({call.number})" if call.number else call.path


def positions_first(tensor: Tensor) -> bool:
    """Tell whether the vectors of one sample lie as (token, sample, channel)."""
    return tensor.ndim == 3 and tensor.shape[0] > 1 and tensor.shape[1] == 1


def only_sample(tensor: Tensor) -> Tensor:
    """Vectors of a run of one sample as (token, channel), however they lie."""
    if tensor.ndim == 3:
        return tensor[:, 0] if positions_first(tensor) else tensor[0]
    return tensor


def no_scores(live: Any) -> LiveError:
    """Why nothing can be said of a model's next word."""
    return LiveError(
        f"{type(live.modules['']).__name__} has no output layer: it gives no score per vocabulary entry, so "
        "there is no word to look at; load it with its head (AutoModelForCausalLM, AutoModelForMaskedLM)"
    )
