"""What is kept of a run: tensors become entries of the recording, losses become reasons."""

from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from typing import Any

import torch

from genviz.capture.copies import Kept, Unreadable, snapshot
from genviz.capture.layout import Layout
from genviz.capture.settings import Settings
from genviz.errors import GenvizError
from genviz.kinds import KINDS
from genviz.recording import Entry, Missing, Recording

# Axes of arrays whose rank is not that of their kind.
_BY_RANK: Mapping[int, tuple[str, ...]] = {
    0: (),
    1: ("sample",),
    2: ("sample", "unit"),
    3: ("sample", "token", "channel"),
    4: ("sample", "channel", "row", "column"),
}


class Keeper:
    """Puts arrays into a recording.

    Parameters
    ----------
    recording : Recording
    settings : Settings
    kinds : frozenset of str, optional
        Only these.
    sites : tuple of str, optional
        Only sites that match one of these names or patterns (``layers.*.attn``).
    """

    def __init__(
        self, recording: Recording, settings: Settings,
        kinds: frozenset[str] | None = None, sites: tuple[str, ...] | None = None,
    ) -> None:  # fmt: skip
        self.recording, self.settings = recording, settings
        self._kinds, self._sites = kinds, sites
        self._lost: dict[tuple[str, str], str] = {}
        self._kept: set[tuple[str, str]] = set()
        #: What was kept since the model was last called.
        self.of_this_run: list[Entry] = []

    @property
    def wants_values(self) -> bool:
        """Whether the values of attention are to be kept: they were asked for."""
        return self.settings.values or (self._kinds is not None and "value" in self._kinds)

    def wants(self, site: str, *kinds: str) -> bool:
        """Tell whether any of these kinds is to be kept at a site."""
        if self._sites is not None and not any(fnmatchcase(site, pattern) for pattern in self._sites):
            return False
        return self._kinds is None or any(kind in self._kinds for kind in kinds)

    def keep(
        self, site: str, kind: str, tensor: torch.Tensor, *,
        call: int = 0, axes: tuple[str, ...] | None = None, attrs: Mapping[str, Any] | None = None,
    ) -> Entry | None:  # fmt: skip
        """Copy a tensor's values into the recording; what cannot be copied is noted as lost."""
        if tensor.ndim > 4:  # frames, windows: they count as more samples
            tensor = tensor.flatten(0, tensor.ndim - 4)
        try:
            return self.add(site, kind, Kept(snapshot(tensor)), call=call, axes=axes, attrs=attrs)
        except (Unreadable, RuntimeError, TypeError, ValueError) as error:
            self.lose(site, kind, str(error))
            return None

    def add(
        self, site: str, kind: str, kept: Kept, *,
        call: int = 0, axes: tuple[str, ...] | None = None, attrs: Mapping[str, Any] | None = None,
    ) -> Entry:  # fmt: skip
        """Add values that nobody will change."""
        names = axes or KINDS[kind].axes
        if len(names) != len(kept.shape):
            names = _BY_RANK[len(kept.shape)]
        entry = Entry(site, kind, names, kept.shape, kept, kept.dtype, call, None, dict(attrs or {}))
        self._kept.add((site, kind))
        self.of_this_run.append(entry)
        return self.recording.add_entry(entry)

    def logits(self, site: str, tensor: torch.Tensor, *, call: int, attrs: Mapping[str, Any]) -> None:
        """Keep logits as the settings say: all, or the largest with the log-sum-exp."""
        if self.settings.logits is None or tensor.shape[-1] == 0:
            return
        if self.settings.logits == "all" or tensor.ndim < 2:
            self.keep(site, "logits", tensor, call=call, attrs=attrs)
            return
        with torch.no_grad():
            scores = tensor.detach().float()
            best = scores.topk(min(self.settings.top, scores.shape[-1]))
            total = scores.logsumexp(-1)
        for kind, part in (("top_logits", best.values), ("top_ids", best.indices), ("logsumexp", total)):
            if self.wants(site, kind):
                own = Kept(snapshot(part))
                self.add(site, kind, own, call=call, attrs=attrs, axes=_of_logits(kind, part.ndim))

    def guarded(self, site: str, kind: str, work: Callable[[], None]) -> None:
        """Run code of a family: its failure is a loss with a reason, not the end of the user's run."""
        try:
            work()
        except GenvizError:
            raise
        except Unreadable as error:
            self.lose(site, kind, str(error))
        except Exception as error:
            self.lose(site, kind, f"reading it failed ({type(error).__name__}: {error})")

    def lose(self, site: str, kind: str, reason: str) -> None:
        """Note why something was not kept; the first reason counts."""
        self._lost.setdefault((site, kind), reason)

    def has(self, site: str, kind: str) -> bool:
        """Tell whether anything was kept there."""
        return (site, kind) in self._kept

    def missing(self) -> list[Missing]:
        """What was lost and never kept."""
        return [Missing(site, kind, reason) for (site, kind), reason in self._lost.items()]

    def lay_out(self, layout: Layout) -> None:
        """Bring what was kept of this run into the usual order of axes."""
        changed = layout.settle(self.of_this_run)
        if changed:
            self.of_this_run = [changed.get(id(entry), entry) for entry in self.of_this_run]
            self.recording.exchange(changed)

    def settle(self) -> None:
        """Bring everything that is still on another device into this machine's memory."""
        for entry in self.recording.entries():
            if isinstance(entry.load, Kept):
                entry.load()


def _of_logits(kind: str, rank: int) -> tuple[str, ...] | None:
    if rank == len(KINDS[kind].axes):
        return None
    return ("sample", "rank")[: max(rank, 1)] if kind != "logsumexp" else ("sample",) * rank
