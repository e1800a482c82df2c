"""What views ask of a live model about the text of a recording; the answers are kept with the recording."""

import json
import threading
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, cast
from weakref import WeakKeyDictionary

from genviz.errors import NotApplicable, NotCaptured
from genviz.recording import Entry, Recording
from genviz.views.controls import Control, Number
from genviz.views.stream import continued, read, side_of
from genviz.views.subject import Subject

KEPT = 24  # answers kept per recording
_ANSWERS: WeakKeyDictionary[Recording, OrderedDict[str, Any]] = WeakKeyDictionary()
_FLYING: dict[tuple[int, str], "_Flight"] = {}  # calls on their way, by recording and question
_LOCK = threading.Lock()


@dataclass
class _Flight:
    """A call on its way, and whether somebody reads what it hands over."""

    call: Any
    followed: bool = False


def ask(subject: Subject, ability: str, *, sample: int = 0, **arguments: Any) -> Any:
    """Ask the live model about the ids that a recording was made of.

    Parameters
    ----------
    subject : Subject
    ability : str
        Takes ``text`` and, of an encoder–decoder, ``target_text``.
    sample : int
        Item of the batch.
    **arguments
        Plain values.

    Raises
    ------
    NotApplicable
        When there is no live model.
    NotCaptured
        When the recording does not say which ids went in.
    """
    return ask_plainly(subject, ability, **{**ids_of(subject.recorded(), sample), **arguments})


def ask_plainly(subject: Subject, ability: str, **arguments: Any) -> Any:
    """Ask the live model something that needs no ids; the answer is kept with the recording.

    Raises
    ------
    NotApplicable
        When there is no live model.
    """
    if subject.live is None:
        raise NotApplicable(f"{subject.name!r} is only a recording: open it with its model to ask for more")
    recording, key = subject.recorded(), _key(subject, ability, arguments)
    with _LOCK:
        kept = _ANSWERS.setdefault(recording, OrderedDict())
        if key in kept:
            return kept[key]
    answer = subject.live.call(ability, **arguments)
    _keep(recording, key, answer)
    return answer


def ask_together(subject: Subject, ability: str, **arguments: Any) -> Any:
    """As :func:`ask_plainly`; what somebody else asks or follows at the same time is worked out once."""
    recording, key = subject.recorded(), _key(subject, ability, arguments)
    with _LOCK:
        kept = _ANSWERS.setdefault(recording, OrderedDict())
        if key in kept:
            return kept[key]
    if not hasattr(subject.live, "submit"):
        return ask_plainly(subject, ability, **arguments)
    return _flight(subject, ability, arguments, None).call.result()


def follow(subject: Subject, ability: str, *, deadline: float | None = None, **arguments: Any) -> Any:
    """Begin to ask something whose parts are worth having before it is done; who asks the same waits for it.

    Returns
    -------
    Call
        With ``items()``, ``ahead()``, ``cancel()``; its result is kept as :func:`ask_plainly` keeps answers.

    Raises
    ------
    NotApplicable
        When there is no live model, or none that hands parts over.
    """
    if not hasattr(subject.live, "submit"):
        raise NotApplicable(f"{subject.name!r} has no model that could be followed while it works")
    flight = _flight(subject, ability, arguments, deadline, alone=True)
    flight.followed = True
    return flight.call


def _flight(
    subject: Subject, ability: str, arguments: dict[str, Any], deadline: float | None, *, alone: bool = False
) -> _Flight:
    """The call on its way, or a new one; ``alone``: one that nobody reads from yet."""
    recording, key, live = subject.recorded(), _key(subject, ability, arguments), cast(Any, subject.live)
    with _LOCK:
        found = _FLYING.get((id(recording), key))
        if found is not None and not found.call.done() and not (alone and found.followed):
            return found
        flight = _FLYING[id(recording), key] = _Flight(live.submit(ability, deadline=deadline, **arguments))

    def landed(done: "Future[Any]") -> None:
        if done.exception() is None:
            _keep(recording, key, done.result())
        with _LOCK:
            if _FLYING.get((id(recording), key)) is flight:
                del _FLYING[id(recording), key]

    flight.call.add_done_callback(landed)
    return flight


def _key(subject: Subject, ability: str, arguments: dict[str, Any]) -> str:
    return json.dumps([ability, id(subject.live), len(subject.recorded()), arguments], sort_keys=True)


def _keep(recording: Recording, key: str, answer: Any) -> None:
    with _LOCK:
        kept = _ANSWERS.setdefault(recording, OrderedDict())
        kept[key] = answer
        while len(kept) > KEPT:
            kept.popitem(last=False)


def ids_of(recording: Recording, sample: int = 0) -> dict[str, list[int]]:
    """Ids of a recording's run: ``text`` and, of an encoder–decoder, ``target_text``.

    Raises
    ------
    NotCaptured
        When they were not recorded.
    """
    found: dict[str | None, list[Entry]] = {}
    for entry in recording.entries(kind="ids"):
        same = found.setdefault(side_of(entry), [])
        if not same or same[0].site == entry.site:  # a table under two names is asked once
            same.append(entry)
    if not found:
        raise NotCaptured(
            "the ids that went in were not captured: record with all kinds, or with 'ids' among them"
        )
    ids = {side: read(continued(entries), sample).astype(int).tolist() for side, entries in found.items()}
    if "target_tokens" in ids:
        return {"text": ids.get("tokens", []), "target_text": ids["target_tokens"]}
    return {"text": next(iter(ids.values()))}


def vocabulary(subject: Subject, ids: Sequence[int]) -> dict[int, str]:
    """What a model calls ids of what it writes (not escaped); their numbers, without a tokenizer."""
    if not subject.has("live.tokenize"):
        return {each: f"#{each}" for each in ids}
    told = ask_plainly(subject, "tokenize", text=list(ids), target=True)["tokens"]
    return {each: str(name) for each, name in zip(ids, told, strict=True)}


def sample_control(recording: Recording) -> tuple[Control, ...]:
    """Which item of the batch, where there are several."""
    samples = max((entry.shape[0] for entry in recording.entries(kind="ids")), default=1)
    if samples < 2:
        return ()
    return (Number("sample", "Sample", 0, minimum=0, maximum=samples - 1, help="Item of the batch."),)
