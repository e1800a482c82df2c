"""The frame around every page: chapters, subject picker, theme, slides tray; and each page put together."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

import dash_mantine_components as dmc
from dash import dcc, html

from dashboards import running, states, widgets
from dashboards.address import Address
from dashboards.pages import PAGES, Page
from dashboards.panels import panels, tab_name
from dashboards.stage import Stage
from dashboards.widgets import Placed
from genviz.figures import theme as look
from genviz.figures.colours import mix
from genviz.views.subject import Subject

_FEW = 6  # chapters that need no headings


def mantine_theme() -> dict[str, Any]:
    """Mantine's part of the one look: our accent, and greys between our page and our text."""
    dark = look.DARK
    text_to_page = [mix(dark.text, dark.muted, 0.25), dark.muted, mix(dark.muted, dark.line, 0.4)]
    greys = [*text_to_page, mix(dark.muted, dark.line, 0.75), dark.line, mix(dark.line, dark.panel, 0.5)]
    return {
        "fontFamily": look.FONT,
        "fontFamilyMonospace": look.MONO,
        "primaryColor": "genviz",
        "primaryShade": {"light": 6, "dark": 4},
        "colors": {
            "genviz": _steps(look.DARK.accent, look.LIGHT.accent),
            "dark": [*greys, mix(dark.panel, dark.line, 0.35), dark.page, dark.page, dark.page],
        },
        "defaultRadius": "md",
        "cursorType": "pointer",
        "respectReducedMotion": True,
        "focusRing": "auto",
        "autoContrast": True,
    }


def _steps(bright: str, deep: str) -> list[str]:
    """Ten steps as Mantine wants them: the fifth is the dark theme's accent, the seventh the light one's."""
    pale = [mix("#ffffff", bright, share) for share in (0.15, 0.35, 0.6, 0.8)]
    return [
        *pale,
        bright,
        mix(bright, deep, 0.5),
        deep,
        *(mix(deep, "#000000", share) for share in (0.15, 0.3, 0.45)),
    ]


def layout(stage: Stage) -> dmc.MantineProvider:
    """Everything that stays while pages come and go."""
    return dmc.MantineProvider(
        [
            html.A("Skip to the picture", href="#main", className="skip"),
            _header(stage),
            html.Div(
                [
                    html.Nav(id="nav", className="nav", **{"aria-label": "Chapters"}),
                    html.Main(states.waiting("opening …"), id="main", className="main", tabIndex=-1),
                    html.Aside(id="aside", className="aside", **{"aria-label": "Controls"}),
                ],
                className="frame",
                id="frame",
            ),
            html.Div(id="toast", className="toast", role="status", **{"aria-live": "polite"}),
            *_memory(),
        ],
        id="mantine",
        theme=mantine_theme(),
        forceColorScheme="light",
    )


def _header(stage: Stage) -> html.Header:
    subjects = [{"value": slug, "label": act.subject.name} for slug, act in stage.acts.items()]
    picker = dmc.Select(
        id="picker",
        data=subjects,
        value=next(iter(stage.acts), None),
        allowDeselect=False,
        size="sm",
        searchable=len(subjects) > 10,
        className="picker",
        disabled=not subjects,
        maxDropdownHeight=420,
        comboboxProps={"shadow": "md"},
        checkIconPosition="right",
        attributes={"input": {"aria-label": "Subject"}},
    )
    return html.Header(
        [
            html.A(
                [html.Span(className="logo", **{"aria-hidden": "true"}), "genviz"],
                href="/",
                className="brand",
            ),
            picker,
            html.Div(className="spacer"),
            html.A(
                ["Slides", html.Span("0", id="tray-count", className="badge")],
                href="/slides",
                id="tray",
                className="tray",
                **{"data-stay": "slides"},
            ),
            html.Button(
                className="icon-button theme-button",
                id="theme-toggle",
                type="button",
                n_clicks=0,
                title="Light or dark",
                **{"aria-label": "Switch between light and dark"},
            ),
        ],
        className="header",
    )


def _memory() -> list[Any]:
    return [
        dcc.Store(id="address"),
        dcc.Store(id="theme"),
        dcc.Store(id="here"),
        dcc.Interval(id="poll", interval=400, disabled=True),
    ]


def navigation(slug: str, pages: Sequence[Page], current: str, query: str = "") -> list[Any]:
    """Links to the chapters that apply, under the parts of the course once there are many."""
    found: list[Any] = []
    part = ""
    for page in pages:
        if page.part and page.part != part and len(pages) > _FEW:
            found.append(html.P(page.part, className="nav-part"))
        part = page.part or part
        found.append(_link(page, f"/{slug}/{page.name}{query}", page.name == current))
    return found


def _link(page: Page, href: str, current: bool) -> html.A:
    return html.A(
        [
            html.Span(className=f"icon icon-{page.name}", **{"aria-hidden": "true"}),
            html.Span(page.title),
        ],
        href=href,
        title=page.title,
        className="nav-link" + (" current" if current else ""),
        **({"aria-current": "page"} if current else {}),
    )


def question(page: Page, run: html.Div | None = None) -> html.Div:
    """The question at the top of a page, and what the model is told to run on."""
    return html.Div([html.H1(page.question), *([run] if run is not None else [])], className="question")


def applicable(subject: Subject) -> list[Page]:
    """Pages that apply to a subject."""
    return [page for page in PAGES if page.applies(subject)]


def page_of(address: Address, subject: Subject) -> Page:
    """The page that a link means: the one it names, the one to stay on if it applies, else the first."""
    pages = {page.name: page for page in PAGES}
    if address.page in pages:
        return pages[address.page]
    wanted = pages.get(address.stay)
    return wanted if wanted is not None and wanted.applies(subject) else applicable(subject)[0]


def compose(page: Page, subject: Subject, address: Address) -> tuple[list[Any], list[Any], dict[str, Any]]:
    """Put a page together.

    Returns
    -------
    main, aside : list of components
    here : dict
        What the page's scripts need: which controls change which views, first values, clicks.
    """
    views = [view for panel in page.panels for view in page.shown(panel, subject)]
    tabs = {
        key.removeprefix("tab."): value for key, value in address.controls.items() if key.startswith("tab.")
    }
    placed, complaints = place(page, subject, address)
    above = [
        page.above[item.control.name](item, subject) for item in placed if item.control.name in page.above
    ]
    run = running.strip(subject, address.run) if page.reads and not above else None
    cut = running.cut_of(subject) if page.reads else ""
    complaints = [*complaints, *([cut] if cut else [])]
    main = [
        question(page, *above) if above else question(page, run),
        *(html.P(states.sentence(text), className="notice", role="note") for text in complaints),
        panels(page, subject, tabs),
    ]
    here = {
        "subject": address.subject,
        "page": page.name,
        "title": f"{page.title} · {subject.name}",
        "path": f"/{address.subject}/{page.name}",
        "run": dict(address.run),
        "views": {view.name: keys(placed, view.name) for view in views},
        "names": {view.name: view.title for view in views},
        "first": {item.key: widgets.as_text(replaced_first(item)) for item in placed},
        "tabs": {tab_name(p): page.shown(p, subject)[0].name for p in page.panels if page.shown(p, subject)},
        "clicks": {name: asdict(click) for name, click in page.clicks.items()},
        "question": page.question,
        "frames": _sign(panels(page, subject, {}), complaints, above),
        "controls": _sign([(replaced_first(item), item.views) for item in placed], page.beside(subject)),
    }
    aside = [item for item in placed if item.control.name not in page.above]
    return main, [*page.beside(subject), *_controls(aside, views, subject)], here


def place(page: Page, subject: Subject, address: Address) -> tuple[list[Placed], list[str]]:
    """The controls of a page in their order, with the values of a link, and what of the link does not fit."""
    views = [view for panel in page.panels for view in page.shown(panel, subject)]
    given = {key: value for key, value in address.controls.items() if not key.startswith("tab.")}
    placed, complaints = widgets.place(views, subject, {**page.first, **given})
    return sorted(placed, key=lambda item: _rank(page, item)), complaints


def _sign(*parts: Any) -> str:
    """The same for parts that look the same."""
    return hashlib.sha1(repr(parts).encode(), usedforsecurity=False).hexdigest()[:16]


def replaced_first(item: Placed) -> Any:
    """The control with the value it has when a link says nothing."""
    return replace(item.control, value=item.first)


def _rank(page: Page, item: Placed) -> int:
    """Place of a control among those that lead; the others keep their order after them."""
    leading = page.leading
    return leading.index(item.control.name) if item.control.name in leading else len(leading)


def keys(placed: Sequence[Placed], view: str) -> dict[str, str]:
    """Control name → key in links, for one view."""
    return {item.control.name: item.key for item in placed if view in item.views}


def values(placed: Sequence[Placed], view: str) -> dict[str, str]:
    """Control name → value as its widget carries it, for one view."""
    return {item.control.name: widgets.as_text(item.control) for item in placed if view in item.views}


def _controls(placed: Sequence[Placed], views: Sequence[Any], subject: Subject) -> list[Any]:
    sections: list[Any] = []
    shared = [item for item in placed if len(item.views) > 1 or len(views) == 1]
    if shared:
        sections.append(_section("" if len(views) == 1 else "All pictures", shared, ""))
    for view in views if len(views) > 1 else ():
        own = [item for item in placed if item.views == (view.name,)]
        if own:
            sections.append(_section(view.title, own, view.name))
    copy = html.Button(
        "Copy link to this view", className="button quiet", id="copy-link", type="button", n_clicks=0
    )
    return [*sections, html.Div([copy, _provenance(subject.info)], className="aside-foot")]


def _section(title: str, items: Sequence[Placed], view: str) -> html.Section:
    heading = [html.H2(title)] if title else []
    return html.Section([*heading, *widgets.widgets(items)], className="controls", **{"data-for": view})


def _provenance(info: Mapping[str, Any]) -> html.P:
    found = info.get("provenance") or {}
    parts = [str(found[name]) for name in ("model", "class", "dtype", "device") if found.get(name)]
    parts += [str(found["date"])[:10]] if found.get("date") else []
    words = [piece for part in parts for piece in (" · ", html.Span(part))][1:]
    return html.P(words, className="provenance")
