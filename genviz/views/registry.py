"""Views by name: genviz's own, and those that other packages bring."""

import logging
from functools import cache
from importlib.metadata import entry_points

from genviz.errors import ViewError
from genviz.views.base import View

GROUP = "genviz.views"
_LOG = logging.getLogger(__name__)


@cache
def registered() -> tuple[View, ...]:
    """Every view: those of genviz in their order, then those of the entry-point group ``genviz.views``.

    A package's view that cannot be loaded, is no view, or takes a name that is taken is left out, and the
    log says why: one broken package must not close the dashboard.
    """
    from genviz.views import VIEWS

    views = list(VIEWS)
    for point in entry_points(group=GROUP):
        try:
            view = point.load()
        except Exception as error:
            _LOG.warning("the view %r of %s cannot be loaded: %s", point.name, point.value, error)
            continue
        if not isinstance(view, View):
            _LOG.warning("%r of %s is a %s, not a View", point.name, point.value, type(view).__name__)
        elif view.name in {known.name for known in views}:
            _LOG.warning("the view %r of %s is left out: the name is taken", view.name, point.value)
        else:
            views.append(view)
    return tuple(views)


def view_named(name: str) -> View:
    """The view of that name.

    Raises
    ------
    ViewError
        When there is none; says which there are.
    """
    for view in registered():
        if view.name == name:
            return view
    raise ViewError(f"no view {name!r}: the views are {', '.join(view.name for view in registered())}")
