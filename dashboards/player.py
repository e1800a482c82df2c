"""The player of a walk: its frame; pictures and buttons are put in by ``assets/40-player.js``."""

from dash import html

#: The view whose pictures are played.
VIEW = "interpolation"


def player() -> html.Section:
    """The frame of the player; ``assets/40-player.js`` fills it."""
    return html.Section(
        [
            html.Div(
                [
                    html.Div(html.H2("Walk from A to B"), className="panel-row"),
                    html.P(id="player-caption", className="caption"),
                ],
                className="panel-head",
            ),
            html.Div(
                html.Div(className="skeleton tall", **{"aria-hidden": "true"}),
                id="player",
                className="player",
                **{"data-view": VIEW},
            ),
        ],
        className="panel",
        style={"gridColumn": "span 6", "gridRow": "span 6"},
    )
