"""What runs in the browser: functions of ``assets/*.js``, tied to the components whose news they wait for."""

from dash import ALL, MATCH, ClientsideFunction, Dash, Input, Output


def register(app: Dash) -> None:
    """Tie the scripts to the page; none of them is inline, so the content policy can forbid inline ones."""

    def tie(function: str, *wires: Input | Output, initially: bool = False) -> None:
        app.clientside_callback(
            ClientsideFunction("genviz", function), *wires, prevent_initial_call=not initially
        )

    tie("boot", Output("address", "data"), Input("address", "id"), initially=True)
    tie(
        "theme",
        Output("theme", "data"),
        Output("mantine", "forceColorScheme"),
        Input("theme-toggle", "n_clicks"),
        Input("address", "data"),
    )
    tie("pick", Input("picker", "value"))
    tie(
        "collect",
        Input("here", "data"),
        Input("theme", "data"),
        Input({"role": "control", "scope": ALL, "name": ALL}, "value"),
        Input({"role": "switch", "scope": ALL, "name": ALL}, "checked"),
    )
    # One view each: with ALL, Dash would hold the news of one back until every other has its own.
    tie(
        "answered",
        Output({"role": "done", "view": MATCH}, "data"),
        Input({"role": "answer", "view": MATCH}, "data"),
    )
