"""What a page says when it has no picture: empty, loading, failed, does not apply."""

import re
from collections.abc import Sequence
from typing import Any

from dash import html

from genviz.errors import (
    ControlError,
    EngineBusy,
    EngineDied,
    GenvizError,
    MissingExtra,
    NotApplicable,
    NotCaptured,
    TooLong,
)

_LINES = {
    ControlError: "These values do not fit",
    EngineBusy: "The model is busy",
    EngineDied: "The model's process ended",
    MissingExtra: "Something needs to be installed",
    NotApplicable: "Not for this subject",
    NotCaptured: "Not captured",
    TooLong: "Longer than this model can read",
}


def card(title: str, text: str, *more: Any, kind: str = "note", level: int = 2) -> html.Div:
    """A message in the place of a picture; text is shown as it is, never as markup."""
    heading = html.H2(title) if level == 2 else html.H3(title)
    return html.Div(
        [html.Div(className=f"card-sign {kind}", **{"aria-hidden": "true"}), heading, html.P(text), *more],
        className=f"card {kind}",
        role="alert" if kind == "problem" else "note",
    )


def problem(error: GenvizError, level: int = 2, *more: Any) -> html.Div:
    """What went wrong, in the error's own words, and what can be done; such errors are no alarm."""
    title = next((line for kind, line in _LINES.items() if isinstance(error, kind)), "This did not work")
    quiet = isinstance(error, NotApplicable | NotCaptured | TooLong)
    return card(title, sentence(str(error)), *more, kind="note" if quiet else "problem", level=level)


def way_out(label: str, href: str) -> html.P:
    """A link that does what a message proposes."""
    return html.P(html.A(label, href=href, className="button primary"), className="way-out")


def sentence(text: str) -> str:
    """Begin with a capital and end with a full stop.

    Examples
    --------
    >>> sentence("no head 9: it has 4")
    'No head 9: it has 4.'
    """
    shown = text.strip()
    if re.match(r"[a-z]+[ ,]", shown):
        shown = shown[:1].upper() + shown[1:]
    return shown if shown.endswith((".", "!", "?", "…", ")")) else shown + "."


def waiting(line: str) -> html.Div:
    """The shape of what is coming, and one line that says what is being done."""
    return html.Div(
        [
            html.Div(className="skeleton tall", **{"aria-hidden": "true"}),
            html.P(
                [
                    html.Span(className="spinner", **{"aria-hidden": "true"}),
                    html.Span(line, id="progress-line"),
                ],
                className="progress",
                role="status",
            ),
        ],
        className="waiting",
    )


def nothing_to_show() -> html.Div:
    """No subject was given."""
    return card(
        "Nothing to show yet",
        "Start the dashboard with something of yours, or with the sample models.",
        html.Pre("genviz demo\ngenviz show run.genviz\ngenviz show package.module:callable"),
    )


def does_not_apply(page: str, why: str, others: Sequence[tuple[str, str]]) -> html.Div:
    """The page is not for this subject; says what is."""
    items = [html.Li(html.A(title, href=href, className="link")) for title, href in others]
    links = html.Ul(items, className="links")
    return card(f"{page} does not apply here", why, html.P("This subject has:") if others else None, links)
