"""The app: every page of every subject, put together from PAGES and VIEWS."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from dash import Dash, Input, Output, State, callback_context, no_update, set_props
from flask import Response, has_request_context, request, send_from_directory

import genviz.figures
from dashboards import clientside, frames, panels, plotlyjs, rerun, running, shell, slides, states, streams
from dashboards.address import Address
from dashboards.compression import compress
from dashboards.pages import PAGES, Page
from dashboards.security import Policy, protect
from dashboards.stage import Performance, Stage
from dashboards.style import stylesheet
from genviz.errors import GenvizError, TooLong
from genviz.views.subject import Subject

PATIENCE = 0.8  # seconds a page waits for a model before it shows that it waits
_FONTS = Path(genviz.figures.__file__).parent / "fonts"
_INDEX = """<!DOCTYPE html>
<html lang="en"{theme}>
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title><link rel="icon" href="/assets/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/look.css">{css}</head>
<body>{app_entry}<footer>{config}<script src="{plotly}"></script>{scripts}{renderer}</footer></body>
</html>"""


class Dashboard(Dash):
    """The Dash app with its stage."""

    stage: Stage

    def close(self) -> None:
        """End the models' processes."""
        self.stage.close()

    def interpolate_index(self, **parts: str) -> str:
        """The page that loads everything, in the theme of its link from the first paint on."""
        theme = Address.parse(request.full_path).theme if has_request_context() else ""
        parts |= {"favicon": "", "plotly": plotlyjs.address()}
        return _INDEX.format(theme=f' data-theme="{theme}"' if theme else "", **parts)


def build(subjects: Sequence[Subject], *, policy: Policy | None = None, warm: bool = True) -> Dashboard:
    """Build the app; nothing is started or drawn until somebody looks.

    Parameters
    ----------
    subjects : sequence of Subject
    policy : Policy, optional
        Whom it answers; without it, this machine.
    warm : bool
        Start all live models behind the page, one after the other.

    Examples
    --------
    >>> build([]).title
    'genviz'
    """
    app = Dashboard(
        "dashboards",
        title="genviz",
        update_title="",
        assets_folder=str(Path(__file__).parent / "assets"),
        pages_folder="",
        use_pages=False,
        serve_locally=True,
        suppress_callback_exceptions=True,
        add_log_handler=False,
        compress=False,
    )
    app.enable_dev_tools(debug=False, dev_tools_ui=False, dev_tools_disable_version_check=True)
    app.stage = Stage(subjects, warm=warm)
    app.layout = lambda: shell.layout(app.stage)
    _register(app)
    panels.register(app, app.stage)
    frames.register(app, app.stage)
    slides.register(app, app.stage)
    streams.register(app, app.stage)
    rerun.register(app, app.stage)
    clientside.register(app)
    _routes(app)
    compress(app.server)
    protect(app.server, policy or Policy(), app.csp_hashes())
    plotlyjs.serve_strict(app.server)
    return app


def _routes(app: Dashboard) -> None:
    style = stylesheet()

    @app.server.get("/look.css")
    def look() -> Response:
        return Response(style, mimetype="text/css", headers={"Cache-Control": "public, max-age=300"})

    @app.server.get("/fonts/<path:name>")
    def font(name: str) -> Response:
        answer = send_from_directory(_FONTS, name, mimetype="font/woff2")
        answer.headers["Cache-Control"] = "public, max-age=31536000"
        return answer


def _register(app: Dashboard) -> None:
    @app.callback(
        Output("nav", "children"),
        Output("main", "children"),
        Output("aside", "children"),
        Output("here", "data"),
        Output("poll", "disabled"),
        Output("picker", "value"),
        Input("address", "data"),
        Input("poll", "n_intervals"),
        State("here", "data"),
        prevent_initial_call=True,
    )
    def show(address: dict[str, Any] | None, _: int | None, before: dict[str, Any] | None) -> tuple[Any, ...]:
        if not address:
            return (no_update,) * 6
        asked = Address.parse(str(address.get("href", "/")))
        polling = callback_context.triggered_id == "poll"
        found = page(app.stage, asked, int(address.get("serial", 0)), polling)
        if not address.get("rerun") or polling:
            return found
        found = kept(found, before or {})
        for name, value in running.checked(asked.run).items() if found[1] is no_update else ():
            set_props({"role": "run", "name": name}, {"value": value})
        return found


def kept(found: tuple[Any, ...], before: Mapping[str, Any]) -> tuple[Any, ...]:
    """Leave in place what a page of another run has in common with the one before: frames, controls."""
    nav, main, aside, here, *rest = found
    if not isinstance(here, dict) or any(here.get(key) != before.get(key) for key in ("subject", "page")):
        return found
    same = {key: key in here and here[key] == before.get(key) for key in ("pages", "frames", "controls")}
    return (
        no_update if same["pages"] else nav,
        no_update if same["frames"] else main,
        no_update if same["frames"] and same["controls"] else aside,
        {**here, "kept": same["frames"]},
        *rest,
    )


def page(stage: Stage, address: Address, serial: int = 0, polling: bool = False) -> tuple[Any, ...]:
    """Everything that changes with the address, in the order of the callback's outputs."""
    if not stage.acts:
        if address.page == "slides":
            return _slides(stage, address, "", serial)
        return (
            [],
            [states.nothing_to_show()],
            [],
            {"path": "/", "title": "genviz", "serial": serial},
            True,
            no_update,
        )
    slug = address.subject or next(iter(stage.acts))
    if slug not in stage.acts:
        others = [(act.subject.name, f"/{name}") for name, act in stage.acts.items()]
        lost = states.does_not_apply("This link", f"There is no subject {slug!r} on show.", others)
        return [], [lost], [], {"path": f"/{slug}", "title": "genviz", "serial": serial}, True, no_update
    address = Address(slug, address.page, address.theme, address.run, address.controls, address.stay)
    if address.page == "slides":
        return _slides(stage, address, slug, serial)
    try:
        performance = stage.ask(slug, running.checked(address.run))
    except GenvizError as error:
        return _failed(error, slug, address, serial, stage.acts[slug].subject)
    if not performance.wait(0 if polling else PATIENCE):
        return _waiting(performance, slug, address, polling)
    stage.wait_beside(address.controls.get("other"), PATIENCE)
    try:
        return _shown(performance.subject, address, slug, serial)
    except GenvizError as error:
        return _failed(error, slug, address, serial, stage.acts[slug].subject)


def _shown(subject: Subject, address: Address, slug: str, serial: int) -> tuple[Any, ...]:
    chosen = shell.page_of(address, subject)
    pages = shell.applicable(subject)
    nav = shell.navigation(slug, pages, chosen.name)
    if not chosen.applies(subject):
        others = [(page.title, f"/{slug}/{page.name}") for page in pages]
        why = _why_not(chosen, subject)
        here = {"path": f"/{slug}/{chosen.name}", "title": chosen.title, "subject": slug, "serial": serial}
        return nav, [states.does_not_apply(chosen.title, why, others)], [], here, True, slug
    main, aside, here = shell.compose(chosen, subject, address)
    here |= {"serial": serial, "pages": [page.name for page in pages]}
    return nav, main, aside, here, True, slug


def _why_not(page: Page, subject: Subject) -> str:
    """What a page lacks, and what the recording says about that."""
    lacking = page.lacks(subject)
    kinds = "|".join(lacking).split("|")
    told = Counter(item.reason for item in subject.missing if item.kind in kinds)
    text = f"It needs {' and '.join(page.needs).replace('|', ' or ')}; {subject.name} has none of it."
    for reason, count in told.most_common(2):
        text += f" {f'In {count} layers: ' if count > 1 else 'Recorded: '}{reason}."
    return text


def _waiting(performance: Performance, slug: str, address: Address, polling: bool) -> tuple[Any, ...]:
    if polling:
        set_props("progress-line", {"children": performance.doing})
        return (no_update,) * 6
    wanted = next((page for page in PAGES if page.name == address.page), PAGES[0])
    nav = shell.navigation(slug, [page for page in PAGES if not page.panels or page is wanted], wanted.name)
    head = shell.question(wanted)
    return nav, [head, states.waiting(performance.doing)], [], no_update, False, slug


def _failed(
    error: GenvizError, slug: str, address: Address, serial: int, subject: Subject
) -> tuple[Any, ...]:  # fmt: skip
    """What went wrong, and the field in which something else can be given to the model."""
    wanted = next((page for page in PAGES if page.name == address.page), PAGES[0])
    pages = [page for page in PAGES if page in (PAGES[0], PAGES[-1], wanted)]
    nav = shell.navigation(slug, pages, wanted.name)
    here = {
        "path": f"/{slug}/{wanted.name}", "title": "genviz", "subject": slug, "serial": serial,
        "run": dict(address.run),
    }  # fmt: skip
    head = [] if wanted is PAGES[0] else [shell.question(wanted, _strip(subject, address))]
    more: list[Any] = []
    if isinstance(error, TooLong):
        cut = replace(address, run={**address.run, running.CUT.name: "true"})
        more = [states.way_out("Cut it there and read what fits", cut.href)]
    return nav, [*head, states.problem(error, 2, *more)], [], here, True, slug


def _strip(subject: Subject, address: Address) -> Any:
    try:
        return running.strip(subject, address.run)
    except GenvizError:  # the model itself is what went wrong
        return None


def _slides(stage: Stage, address: Address, slug: str, serial: int) -> tuple[Any, ...]:
    pages = [page for page in PAGES if not page.panels or page.name == "overview"]
    if slug and (performance := stage.ask(slug)).ready and performance.error is None:
        pages = shell.applicable(performance.subject)
    nav = shell.navigation(slug, pages, "slides") if slug else []
    path = f"/{slug}/slides" if slug else "/slides"
    here = {"path": path, "page": "slides", "title": "Slides", "subject": slug, "serial": serial}
    return nav, slides.page(), slides.aside(), here, True, slug or no_update
