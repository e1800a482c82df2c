"""Looking back along training: at steps in the recording, or at checkpoints that a live model keeps."""

import threading
from collections import OrderedDict
from typing import Any
from weakref import WeakKeyDictionary

from genviz.recording import Recording
from genviz.views.controls import Choice, Control
from genviz.views.subject import Subject

END, START = "end", "start"
KEPT = 6  # recordings of earlier steps remembered for each live model

_LOCK = threading.Lock()
_KNOWN: WeakKeyDictionary[Any, "OrderedDict[tuple[Any, ...], Recording]"] = WeakKeyDictionary()


def step_controls(subject: Subject, kind: str) -> tuple[Control, ...]:
    """Which training step, where there are several; first the last one.

    Parameters
    ----------
    subject : Subject
    kind : str
        The steps at which this kind was recorded count.
    """
    recorded = _recorded(subject.recorded(), kind)
    if len(recorded) > 1:
        choices: list[tuple[Any, str]] = [(step, f"step {step:,}") for step in recorded]
    else:
        choices = [(step, f"step {step:,}") for step in _kept(subject)]
        if subject.has("live.record_initial"):
            choices.insert(0, (START, "before training"))
        if not choices:
            return ()
        choices.append((END, "trained"))
    return (
        Choice("step", "Training", choices[-1][0], choices=tuple(choices), help="How far training had gone."),
    )


def at_step(subject: Subject, step: int | str | None, kind: str) -> tuple[Recording, int | None]:
    """The recording to look at, and the step of its entries (None: whatever it holds).

    Parameters
    ----------
    subject : Subject
    step : int, "start", "end" or None
    kind : str
        As in :func:`step_controls`; as many items are taken at an earlier step as were recorded of it.
    """
    recording = subject.recorded()
    if step in (None, END):
        return recording, None
    if step in _recorded(recording, kind):
        return recording, int(step or 0)
    count = max((entry.shape[0] for entry in recording.entries(kind=kind)), default=0)
    arguments = {"count": count} if count else {}
    if step == START:
        return _ask(subject, "record_initial", arguments), None
    return _ask(subject, "record_step", {"step": step, **arguments}), None


def said(step: int | str | None) -> str:
    """How a title begins: ``Step 250 · ``; empty for the trained model."""
    if step in (None, END):
        return ""
    return "Before training · " if step == START else f"Step {step:,} · "


def _recorded(recording: Recording, kind: str) -> list[int]:
    return sorted({entry.step for entry in recording.entries(kind=kind) if entry.step is not None})


def _kept(subject: Subject) -> list[int]:
    if not subject.has("live.record_step"):
        return []
    return [int(step) for step in (subject.info.get("defaults") or {}).get("steps", ())]


def _ask(subject: Subject, ability: str, arguments: dict[str, Any]) -> Recording:
    """Call the live model, or remember what it said: the same step gives the same recording."""
    key = (ability, *sorted(arguments.items()))
    with _LOCK:
        known = _KNOWN.setdefault(subject.live, OrderedDict())
        if key in known:
            known.move_to_end(key)
            return known[key]
    assert subject.live is not None
    found: Recording = subject.live.call(ability, **arguments)
    with _LOCK:
        known[key] = found
        while len(known) > KEPT:
            known.popitem(last=False)
    return found
