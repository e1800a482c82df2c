"""What a page is: a question, the views that answer it, and how they lie and hang together."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from genviz.views import View, view_named
from genviz.views.subject import Subject


@dataclass(frozen=True)
class Panel:
    """A frame on a page that shows one view, or one of several behind tabs.

    Parameters
    ----------
    views : tuple of str
        Names of views; the first that applies is shown first.
    columns : int
        Width in twelfths of the page.
    rows : int
        Height in twelfths of the page.
    """

    views: tuple[str, ...]
    columns: int = 12
    rows: int = 12


@dataclass(frozen=True)
class Click:
    """What a click on a mark of a figure does to controls of its page.

    Parameters
    ----------
    sets : tuple of str
        Controls that take the mark's values (its ``customdata``), in order.
    picks : str
        A control of picked items that the mark's item is added to.
    most : int
        How many items can be picked.
    trace : str
        Only marks of the trace of this name; any, without it.
    place : bool
        The values are where on the first vertical and horizontal axis the click was, in whole numbers.
    """

    sets: tuple[str, ...] = ()
    picks: str = ""
    most: int = 2
    trace: str = ""
    place: bool = False


def _nothing(_: Subject) -> list[Any]:
    return []


@dataclass(frozen=True)
class Page:
    """A story told by a few linked views.

    Parameters
    ----------
    name : str
        In links.
    title, question : str
        The chapter, and its question in plain words.
    needs : tuple of str
        As those of a view: kinds, ``live.<ability>``, ``info.<name>``; ``a|b`` means either.
    panels : tuple of Panel
    clicks : mapping
        View → what a click in it does.
    first : mapping
        Control → value to begin with on this page, where another than the view's own suits its frame.
    leading : tuple of str
        Controls that stand above all others, in this order.
    also : callable
        ``also(subject)`` gives further frames among the panels, which are no views.
    beside : callable
        ``beside(subject)`` gives what stands above the controls.
    before : callable
        As ``also``, for frames that stand before the panels.
    above : mapping
        Control → how its widget is built beside the question, where other pages say what a model reads.
    part : str
        Part of the course that it belongs to: a heading in the left column once that is long.
    reads : bool
        Whether it shows what the model makes of a text (or of samples), which is then asked for at the top.
    """

    name: str
    title: str
    question: str
    needs: tuple[str, ...] = ()
    panels: tuple[Panel, ...] = ()
    clicks: Mapping[str, Click] = field(default_factory=dict)
    first: Mapping[str, Any] = field(default_factory=dict)
    leading: tuple[str, ...] = ()
    also: Callable[[Subject], list[Any]] = _nothing
    beside: Callable[[Subject], list[Any]] = _nothing
    before: Callable[[Subject], list[Any]] = _nothing
    above: Mapping[str, Callable[[Any, Subject], Any]] = field(default_factory=dict)
    part: str = ""
    reads: bool = True

    @property
    def views(self) -> tuple[str, ...]:
        """Names of all views of the page."""
        return tuple(name for panel in self.panels for name in panel.views)

    def lacks(self, subject: Subject) -> tuple[str, ...]:
        """What of ``needs`` the subject does not have."""
        return tuple(need for need in self.needs if not any(map(subject.has, need.split("|"))))

    def applies(self, subject: Subject) -> bool:
        """Tell whether the page has something to show."""
        if self.lacks(subject):
            return False
        return not self.panels or any(self.shown(panel, subject) for panel in self.panels)

    def shown(self, panel: Panel, subject: Subject) -> list[View]:
        """The views of a panel that apply to the subject."""
        return [view for name in panel.views if not (view := view_named(name)).lacks(subject)]
