"""Panels: the frames in which views are drawn, and the one callback that draws them all."""

import logging
from collections.abc import Sequence
from functools import partial
from typing import Any

import dash_mantine_components as dmc
from dash import MATCH, Dash, Input, Output, dcc, html, no_update

from dashboards import states
from dashboards.framing import framed
from dashboards.pages.base import Page, Panel
from dashboards.running import checked
from dashboards.stage import Stage
from genviz.errors import Cancelled, ControlError, GenvizError, LiveError
from genviz.figures.played import PLAYED
from genviz.views import View, view_named
from genviz.views.base import StandIn
from genviz.views.subject import Subject

#: Nothing leaves this machine, and the bar of buttons stays out of the picture.
GRAPH_CONFIG = {
    "displaylogo": False,
    "showSendToCloud": False,
    "displayModeBar": False,
    "responsive": True,
    "scrollZoom": False,
    "doubleClick": "reset",
}
_BLANK = {
    "data": [],
    "layout": {
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "xaxis": {"visible": False},
        "yaxis": {"visible": False},
    },
}
#: Parts of a frame that an answer changes.
ROLES = ("figure", "message", "caption", "note", "answer")
_LONG = 60.0  # seconds to wait for a model that starts
_PATIENT = 2.0  # seconds to wait for a picture while another stands in for it
_LOG = logging.getLogger("dashboards")


def graph(place: Any, **more: Any) -> dcc.Graph:
    """Return an empty figure with the configuration that every figure has."""
    return dcc.Graph(id=place, figure=_BLANK, config=GRAPH_CONFIG, responsive=True, className="graph", **more)


def panels(page: Page, subject: Subject, tabs: dict[str, str]) -> html.Div:
    """Frames of a page; those without an applicable view are left out and the others widened."""
    every = [(panel, page.shown(panel, subject)) for panel in page.panels]
    wide = widths([(panel, bool(views)) for panel, views in every])
    frames = [
        _frame(panel, views, tabs, columns)
        for (panel, views), columns in zip(every, wide, strict=True)
        if views
    ]
    return html.Div([*page.before(subject), *frames, *page.also(subject)], className="panels")


def widths(panels: Sequence[tuple[Panel, bool]]) -> list[int]:
    """Columns of each frame, 0 for those that are left out: the first beside them takes their place.

    Parameters
    ----------
    panels : sequence of (Panel, bool)
        Whether each is shown. Beside each other stand those of one height that fill the page's width.
    """
    wide = [panel.columns if shown else 0 for panel, shown in panels]
    row: list[int] = []
    for at, (panel, _) in enumerate(panels):
        row.append(at)
        if sum(panels[n][0].columns for n in row) == 12:
            there = [n for n in row if panels[n][1]]
            if there and all(panels[n][0].rows == panel.rows for n in row):
                wide[there[0]] += 12 - sum(wide[n] for n in row)
            row = []
    spare = 12 - sum(wide)
    first = next((at for at, columns in enumerate(wide) if columns), None)
    if first is not None and spare > 0 and not all(shown for _, shown in panels):
        wide[first] += spare
    return wide


def tab_name(panel: Panel) -> str:
    """Name of a panel's tabs in links."""
    return panel.views[0]


def _frame(panel: Panel, views: Sequence[View], tabs: dict[str, str], columns: int) -> html.Section:
    chosen = tabs.get(tab_name(panel), views[0].name)
    chosen = chosen if chosen in [view.name for view in views] else views[0].name
    return html.Section(
        [
            html.Div(_head(panel, views, chosen), className="panel-head"),
            *(_body(view, chosen) for view in views),
        ],
        className="panel",
        style={"gridColumn": f"span {columns}", "gridRow": f"span {panel.rows}"},
        **{"data-panel": tab_name(panel)},
    )


def _head(panel: Panel, views: Sequence[View], chosen: str) -> list[Any]:
    name = tab_name(panel)
    heading: Any = html.H2(views[0].title, title=views[0].question)
    if len(views) > 1:
        heading = _tabs(name, views, chosen)
    captions = [
        html.P(
            id={"role": "caption", "view": view.name},
            className="caption",
            hidden=view.name != chosen,
            **{"data-caption": view.name},
        )
        for view in views
    ]
    keep = html.Button(
        html.Span("Add to slides"),
        className="button quiet keep",
        type="button",
        title="Add to slides",
        **{"data-keep": name},
    )
    expand = html.Button(
        className="button quiet expand",
        type="button",
        title="Fill the page with this picture",
        **{"data-expand": name, "aria-label": "Fill the page with this picture"},
    )
    return [html.Div([heading, keep, expand], className="panel-row"), *captions]


def _tabs(name: str, views: Sequence[View], chosen: str) -> html.Div:
    """Titles side by side, and a list of them: ``assets/25-tabs.js`` shows the list where they do not fit.

    The list holds the choice in both cases; the titles set it.
    """
    strip = html.Div(
        [
            html.Button(
                view.title,
                type="button",
                role="tab",
                title=view.question,
                className="tab-title",
                tabIndex=0 if view.name == chosen else -1,
                **{
                    "aria-selected": str(view.name == chosen).lower(),
                    "aria-controls": f"view-{view.name}",
                    "data-tab": view.name,
                },
            )
            for view in views
        ],
        role="tablist",
        className="tab-strip",
        **{"aria-label": "Which picture"},
    )
    choices = dmc.Select(
        id={"role": "control", "scope": "tab", "name": name},
        value=chosen,
        size="xs",
        data=[{"value": view.name, "label": view.title} for view in views],
        allowDeselect=False,
        comboboxProps={"shadow": "md"},
        checkIconPosition="right",
        className="tab-list",
        attributes={"input": {"aria-label": "Which picture"}},
    )
    return html.Div([strip, choices], className="tabs", **{"data-tabs": name})


def _body(view: View, chosen: str) -> html.Div:
    return html.Div(
        [
            graph({"role": "figure", "view": view.name}),
            html.Div(id={"role": "message", "view": view.name}, className="message"),
            html.Div(className="skeleton tall over", **{"aria-hidden": "true"}),
            html.P(id={"role": "note", "view": view.name}, className="small-print"),
            dcc.Store(id={"role": "request", "view": view.name}),
            dcc.Store(id={"role": "answer", "view": view.name}),
            dcc.Store(id={"role": "done", "view": view.name}),
        ],
        id=f"view-{view.name}",
        className="view",
        hidden=view.name != chosen,
        role="img",
        **{"data-view": view.name, "aria-label": f"{view.title}. {view.question}"},
    )


def register(app: Dash, stage: Stage) -> None:
    """Register the callback that draws every view of every page."""

    @app.callback(
        Output({"role": "figure", "view": MATCH}, "figure"),
        Output({"role": "message", "view": MATCH}, "children"),
        Output({"role": "caption", "view": MATCH}, "children"),
        Output({"role": "note", "view": MATCH}, "children"),
        Output({"role": "answer", "view": MATCH}, "data"),
        Input({"role": "request", "view": MATCH}, "data"),
        prevent_initial_call=True,
    )
    def draw(request: dict[str, Any] | None) -> tuple[Any, ...]:
        said = answer(stage, request) if request else {}
        return tuple(said.get(role, no_update) for role in ROLES)


def answer(stage: Stage, request: dict[str, Any]) -> dict[str, Any]:
    """What a request changes in the frame of its view, by role; what went wrong is said there."""
    number = request.get("number")
    try:
        figure, progress = meanwhile(stage, request)
        if figure is None:  # what stands in is there already
            return {"caption": progress, "answer": {"number": number, "ok": True, "again": True}}
        shown = framed(figure)
        told = {"number": number, "ok": True, "again": bool(progress), "played": _played(figure)}
        caption = progress or shown.caption
        return dict(zip(ROLES, (shown.figure, None, caption, shown.note, told), strict=True))
    except GenvizError as error:
        problem = error
    except Exception as error:
        _LOG.error("%s could not be drawn", request.get("view"), exc_info=error)
        problem = LiveError(f"{type(error).__name__} while drawing; the log of the server says more")
    failed = states.problem(problem, level=3)
    return {"message": failed, "caption": "", "note": "", "answer": {"number": number, "ok": False}}


def _played(figure: Any) -> dict[str, Any] | None:
    """What a figure says of its frames, when it has any."""
    found: dict[str, Any] | None = (figure.layout.meta or {}).get(PLAYED)
    return found


def subject_asked(stage: Stage, request: dict[str, Any]) -> Subject:
    """The subject that a request names, with the recording that it asks for.

    Raises
    ------
    GenvizError
        When there is none of that name, or it could not be made.
    """
    slug = str(request.get("subject"))
    if slug not in stage.acts:
        raise ControlError(f"no subject {slug!r} here: on show are {', '.join(stage.acts) or 'none'}")
    performance = stage.ask(slug, checked(request.get("run") or {}))
    performance.wait(_LONG)
    return performance.subject


def drawn(stage: Stage, request: dict[str, Any]) -> Any:
    """Draw what a request (or a kept slide) describes.

    Parameters
    ----------
    stage : Stage
    request : dict
        ``subject``, ``view``, ``theme``, ``values`` (controls as text), ``run`` (arguments of ``record``).

    Raises
    ------
    GenvizError
        When it names what is not there, or the view cannot be drawn.
    """
    view, subject, values = asked(stage, request)
    theme = "dark" if request.get("theme") == "dark" else "light"
    return view(subject, theme=theme, **values)


def asked(stage: Stage, request: dict[str, Any]) -> tuple[View, Subject, dict[str, Any]]:
    """The view, the subject with its recording, and the values of controls that a request names."""
    values = {str(key): value for key, value in (request.get("values") or {}).items()}
    stage.wait_beside(values.get("other"), _LONG)
    subject = subject_asked(stage, request)
    try:
        view = view_named(str(request.get("view")))
    except StopIteration:
        raise ControlError(f"no view {str(request.get('view'))!r}") from None
    return view, subject, values


def meanwhile(stage: Stage, request: dict[str, Any]) -> tuple[Any, str]:
    """Draw a view; while it is worked out, what its view has to stand in for it.

    Returns
    -------
    figure : Figure or None
        None when the request asks ``again`` and what stands in is still the newest.
    progress : str
        What stands in and how far the picture is; empty when the figure is the one asked for.
    """
    view, subject, values = asked(stage, request)
    try:
        return _newest(stage, request, view.stand_in(subject, **values))
    finally:
        stage.preparing.drawn(subject)


def _newest(stage: Stage, request: dict[str, Any], standing_in: StandIn | None) -> tuple[Any, str]:
    if standing_in is None:
        return drawn(stage, request), ""
    again = bool(request.get("again"))
    instead = partial(
        drawn, stage, {**request, "values": {**(request.get("values") or {}), **standing_in.values}}
    )
    first = None if again or standing_in.patience else instead()
    patience = _PATIENT if again else standing_in.patience
    try:
        figure = stage.maps.get(request, partial(drawn, stage, request), patience)
    except Cancelled:  # the page that asks has asked for another picture since
        return None, standing_in.says
    if figure is not None:
        return figure, ""
    progress = f"{standing_in.says}: {stage.maps.waiting(request)}"
    return (None if again else first or instead()), progress
