"""The subject: what is on show, a recording, a live model, or both."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from genviz.errors import NotApplicable
from genviz.recording import Missing, Recording, load


class Runs(Protocol):
    """What a subject needs of an engine: to say what it can do, and to do it."""

    @property
    def info(self) -> Mapping[str, Any]:
        """The live model's ``describe()``."""
        ...

    @property
    def abilities(self) -> tuple[str, ...]:
        """Names that ``call`` takes."""
        ...

    def call(self, ability: str, *, deadline: float | None = None, **arguments: Any) -> Any:
        """Run one ability and wait for its result."""
        ...


@dataclass(frozen=True)
class Subject:
    """What is on show.

    Parameters
    ----------
    name : str
        Shown in the subject picker, and kept in exports.
    recording : Recording, optional
    live : engine, optional
    beside : mapping of str to Subject
        Others that it may be compared with, by name.
    """

    name: str
    recording: Recording | None = None
    live: Runs | None = None
    beside: Mapping[str, "Subject"] = field(default_factory=dict, compare=False)

    @property
    def info(self) -> Mapping[str, Any]:
        """The live model's description, overlaid by the recording's."""
        recorded = self.recording.info if self.recording is not None else {}
        return {**(self.live.info if self.live else {}), **recorded}

    @property
    def abilities(self) -> tuple[str, ...]:
        """Kinds in the recording, and ``live.<ability>`` for each thing the live model can do."""
        kinds = self.recording.kinds() if self.recording else ()
        return (*kinds, *(f"live.{name}" for name in (self.live.abilities if self.live else ())))

    @property
    def missing(self) -> tuple[Missing, ...]:
        """What the recording says could not be captured."""
        return self.recording.missing if self.recording else ()

    def has(self, need: str) -> bool:
        """Tell whether a need is met: a kind, ``live.<ability>``, ``info.<name>``, or one of those below."""
        if need == "beside":
            return bool(self.beside)
        if need == "recording":
            return self.recording is not None or "live.record" in self.abilities
        if need == "cross_attention":
            return self.recording is not None and _crosses(self.recording)
        if need == "patches":
            pictures = self.recording.entries(kind="sample") if self.recording is not None else ()
            return any("grid" in entry.attrs for entry in pictures)
        if need.startswith("info."):
            return bool(self.info.get(need.removeprefix("info.")))
        return need in self.abilities

    def recorded(self) -> Recording:
        """The recording; where there is none yet, the live model makes the one of a first sight."""
        if self.recording is not None:
            return self.recording
        if self.live is None:
            raise NotApplicable(f"{self.name!r} has neither a recording nor a live model")
        made: Recording = self.live.call("record")
        return made

    def with_recording(self, recording: Recording) -> "Subject":
        """Return the same subject, looking at another recording."""
        return replace(self, recording=recording)


def _crosses(recording: Recording) -> bool:
    """Tell whether the queries of any attention stand in another text than its keys."""
    entries = (entry for entry in recording.entries() if entry.kind in ("query", "attention"))
    return any(len(set(dict(entry.attrs.get("tokens") or {}).values())) > 1 for entry in entries)


def as_subject(thing: Any) -> Subject:
    """Make a subject of a recording, a path of one, an engine, a live model or a subject.

    Raises
    ------
    NotApplicable
        When it is none of these.
    """
    if isinstance(thing, Subject):
        return thing
    if isinstance(thing, Recording):
        return Subject(str(thing.info.get("title") or "recording"), recording=thing)
    if isinstance(thing, str | Path):
        return as_subject(load(thing))
    if hasattr(thing, "abilities") and hasattr(thing, "call"):
        return Subject(str(thing.info.get("title") or "model"), live=thing, recording=thing.call("record"))
    if hasattr(thing, "record") and hasattr(thing, "describe"):
        from genviz.live import InlineEngine

        return as_subject(InlineEngine(thing))
    raise NotApplicable(
        f"a {type(thing).__name__} cannot be shown: give a recording, the path of one, or a live model "
        "(genviz.LanguageModel, Autoencoder, GAN, Perceptron)"
    )
