"""What a view is: one question, what it needs, its controls, and a function that draws the figure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import plotly.graph_objects as go

from genviz.errors import NotApplicable
from genviz.figures import theme as look
from genviz.figures.cells import legible
from genviz.recording import Recording
from genviz.views.controls import Control, chosen
from genviz.views.subject import Subject, as_subject


@dataclass(frozen=True)
class StandIn:
    """A picture that is there sooner than the one asked for, and is shown until that is done.

    Parameters
    ----------
    values : mapping
        Controls that differ from those asked for.
    says : str
        What it is, and what is waited for.
    patience : float
        Seconds to wait for the picture asked for before this one is shown. Without any, this one is drawn
        before the other is begun, so that it need not share the processor with it.
    """

    values: Mapping[str, Any]
    says: str
    patience: float = 1.0


def _nothing_sooner(_: Subject, __: Mapping[str, Any]) -> StandIn | None:
    return None


def _no_controls(_: Subject) -> tuple[Control, ...]:
    return ()


@dataclass(frozen=True)
class View:
    """One question answered by one figure.

    Parameters
    ----------
    name : str
        As in ``genviz.views.NAME`` and ``genviz export … NAME``.
    title, question : str
        A short title; the question in plain words.
    needs : tuple of str
        Kinds that the recording must hold, or ``live.<ability>``; ``a|b`` means either.
    draw : callable
        ``draw(subject, theme=…, **controls) -> Figure``; raises NotCaptured rather than inventing a value.
    controls : callable
        ``controls(subject)`` gives the controls with the values of a good first sight.
    sooner : callable
        ``sooner(subject, values)`` gives what can stand in while a picture that takes long is worked out.
    prepare : callable, optional
        Begins, without waiting, what the view's first picture of some kind would wait for.
    """

    name: str
    title: str
    question: str
    needs: tuple[str, ...]
    draw: Callable[..., go.Figure]
    controls: Callable[[Subject], tuple[Control, ...]] = _no_controls
    sooner: Callable[[Subject, Mapping[str, Any]], StandIn | None] = _nothing_sooner
    prepare: Callable[[], None] | None = None

    def lacks(self, subject: Subject) -> tuple[str, ...]:
        """What of ``needs`` the subject does not have."""
        return tuple(need for need in self.needs if not any(map(subject.has, need.split("|"))))

    def __call__(
        self, thing: Subject | Recording | Any, *, theme: str = "light", **controls: Any
    ) -> go.Figure:
        """Draw the view.

        Parameters
        ----------
        thing : Recording, Subject, live model or path of a recording
        theme : {"light", "dark"}
        **controls
            Any of the view's controls; the others keep their first values.

        Raises
        ------
        NotApplicable
            When the subject lacks what the view needs; says what.
        ControlError
            When a control's name or value is wrong; says which there are.
        """
        subject = as_subject(thing)
        if lacking := self.lacks(subject):
            raise NotApplicable(self._why(subject, lacking))
        values = chosen(self.controls(subject), controls, self.name)
        figure = self.draw(subject, theme=theme, **values)
        legible(figure)
        figure.update_layout(template=look.template(theme))
        figure.layout.meta = {**(figure.layout.meta or {}), "genviz": self._provenance(subject, values)}
        return figure

    def stand_in(self, subject: Subject, **controls: Any) -> StandIn | None:
        """What can be shown while the picture with these controls is worked out; None when nothing need."""
        if self.sooner is _nothing_sooner or self.lacks(subject):
            return None
        return self.sooner(subject, chosen(self.controls(subject), controls, self.name))

    def _why(self, subject: Subject, lacking: tuple[str, ...]) -> str:
        reasons = [
            f"{m.kind} at {m.site!r}: {m.reason}" for m in subject.missing if m.kind in "|".join(lacking)
        ]
        have = ", ".join(subject.abilities) or "nothing"
        return (
            f"{self.title} needs {' and '.join(need.replace('|', ' or ') for need in lacking)}; "
            f"{subject.name!r} has {have}" + (f". Not captured: {'; '.join(reasons)}" if reasons else "")
        )

    def _provenance(self, subject: Subject, values: Mapping[str, Any]) -> dict[str, Any]:
        from genviz import __version__

        return {
            "view": self.name,
            "title": self.title,
            "subject": subject.name,
            "controls": {name: _plain(value) for name, value in values.items()},
            "provenance": dict(subject.info.get("provenance", {})),
            "version": __version__,
        }


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, Path) else value
