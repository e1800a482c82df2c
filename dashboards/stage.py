"""Subjects on the stage: their models start behind the page, and their recordings are kept."""

import itertools
import json
import logging
import queue
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from dashboards.address import slugs
from dashboards.maps import Maps
from dashboards.preparing import Preparing
from genviz.errors import GenvizError, LiveError
from genviz.views.comparing import comparable
from genviz.views.subject import Subject

KEPT = 12  # recordings that are kept per subject, the newest
_LOG = logging.getLogger("dashboards")
_URGENT, _WHENEVER = 0, 1
_FIRST_SIGHT = "{}"  # the performance without arguments, as JSON


class Performance:
    """One subject with one recording: on its way, ready, or failed.

    Parameters
    ----------
    subject : Subject
    arguments : mapping
        What ``record`` is called with; nothing means a first sight.
    beside : callable
        Gives those that it may be compared with by now.
    """

    def __init__(
        self,
        subject: Subject,
        arguments: Mapping[str, Any],
        beside: Callable[[Subject], Mapping[str, Subject]] = lambda _: {},
    ) -> None:
        self._beside = beside
        self._given, self._arguments, self.name = subject, dict(arguments), subject.name
        self._claimed, self._done = threading.Lock(), threading.Event()
        self._made: Subject | None = None
        self.error: GenvizError | None = None
        self.doing = "waiting for its turn …"
        self.since = time.monotonic()
        if subject.live is None:
            self._made = subject
            self._done.set()

    @property
    def ready(self) -> bool:
        """Whether it can be shown (or has failed)."""
        return self._done.is_set()

    @property
    def made(self) -> Subject | None:
        """The subject with its recording, if it is ready and has not failed."""
        return self._made if self.ready and self.error is None else None

    def wait(self, seconds: float) -> bool:
        """Wait until it is ready."""
        return self._done.wait(seconds)

    @property
    def subject(self) -> Subject:
        """The subject with its recording.

        Raises
        ------
        GenvizError
            When it could not be made, or is not ready.
        """
        if self.error is not None:
            raise self.error
        if self._made is None:
            raise LiveError(f"{self._given.name!r} is not ready yet: {self.doing}")
        return replace(self._made, beside={**self._made.beside, **self._beside(self._made)})

    def perform(self) -> None:
        """Start the model and record; only the first caller does."""
        if self._done.is_set() or not self._claimed.acquire(blocking=False):
            return
        try:
            self._made = self._perform()
        except GenvizError as error:
            self.error = error
        except Exception as error:
            _LOG.error("%s failed", self._given.name, exc_info=error)
            self.error = LiveError(
                f"{self._given.name!r} failed with {type(error).__name__}; the log says more"
            )
        finally:
            self._done.set()

    def _perform(self) -> Subject:
        live = self._given.live
        assert live is not None
        self.doing = "starting the model …"
        _ = live.info  # waits until the engine answers
        if self._given.recording is not None and not self._arguments:
            return self._given
        if "record" not in live.abilities:
            return self._given
        self.doing = "running it once …"
        return self._given.with_recording(live.call("record", **self._arguments))


@dataclass
class Act:
    """A subject, the name it has in links, and its performances."""

    slug: str
    subject: Subject

    def __post_init__(self) -> None:
        self.performances: OrderedDict[str, Performance] = OrderedDict()


class Stage:
    """All subjects; at most two models start or record at a time.

    Parameters
    ----------
    subjects : sequence of Subject
    warm : bool
        Start every model behind the page, one after the other, so that the next one is there when asked for.
    """

    def __init__(self, subjects: Sequence[Subject], *, warm: bool = True) -> None:
        names = slugs(subject.name for subject in subjects)
        self.acts = {slug: Act(slug, subject) for slug, subject in zip(names, subjects, strict=True)}
        self._lock, self._count = threading.Lock(), itertools.count()
        self._urgent: queue.SimpleQueue[Performance | None] = queue.SimpleQueue()
        self._any: queue.PriorityQueue[tuple[int, int, Performance | None]] = queue.PriorityQueue()
        self.maps, self.preparing = Maps(), Preparing()
        for take in (self._urgent.get, lambda: self._any.get()[2]):
            threading.Thread(target=_work, args=(take,), name="genviz-stage", daemon=True).start()
        for act in self.acts.values() if warm else ():
            self._any.put((_WHENEVER, next(self._count), self._performance(act, {})))

    def ask(self, slug: str, arguments: Mapping[str, Any] | None = None) -> Performance:
        """The performance of a subject; it is begun if need be, ahead of those that nobody waits for."""
        performance = self._performance(self.acts[slug], dict(arguments or {}))
        if not performance.ready:
            self._urgent.put(performance)
            self._any.put((_URGENT, next(self._count), performance))
        return performance

    def wait_beside(self, name: Any, seconds: float) -> None:
        """Wait for a subject that a link compares with, by its name."""
        for slug, act in self.acts.items():
            if act.subject.name == name:
                self.ask(slug).wait(seconds)

    def _beside(self, subject: Subject) -> dict[str, Subject]:
        """Other subjects that are ready and of the same build."""
        found = {}
        for act in list(self.acts.values()):
            first = act.performances.get(_FIRST_SIGHT)
            made = first.made if first is not None else None
            if made is not None and made.name != subject.name and comparable(made, subject):
                found[made.name] = made
        return found

    def close(self) -> None:
        """End the models' processes."""
        self._urgent.put(None)
        self._any.put((_URGENT, -1, None))
        self.maps.close()
        self.preparing.close()
        for act in self.acts.values():
            for subject in (act.subject, *act.subject.beside.values()):
                close = getattr(subject.live, "close", None)
                if close is not None:
                    close()

    def _performance(self, act: Act, arguments: dict[str, Any]) -> Performance:
        key = json.dumps(arguments, sort_keys=True)
        with self._lock:
            known = act.performances.get(key)
            if known is None or (known.error is not None and time.monotonic() - known.since > 5):
                known = act.performances[key] = Performance(act.subject, arguments, self._beside)
            act.performances.move_to_end(key)
            if len(act.performances) > KEPT:  # the first sight stays
                oldest = next(name for name in act.performances if name not in (_FIRST_SIGHT, key))
                del act.performances[oldest]
            return known


def _work(take: Any) -> None:
    while (performance := take()) is not None:
        performance.perform()
