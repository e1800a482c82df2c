import plotly.graph_objects as go
import pytest

from genviz.export.clean import as_json
from genviz.figures import theme as look
from genviz.figures.cells import legible


def drawn(theme: str) -> go.Figure:
    """As a view draws: every colour from the palette, some of them with an opacity or inside markup."""
    colours = look.palette(theme)
    red, green, blue = (int(colours.categories[1][at : at + 2], 16) for at in (1, 3, 5))
    figure = go.Figure(
        [
            go.Scatter(
                y=[1, 2],
                line={"color": f"rgba({red},{green},{blue},0.5)"},
                marker={"color": [colours.accent, "#123456"]},
                text=[f'<span style="color:{colours.muted}">a</span>', "b"],
                textfont={"color": colours.text},
            ),
            go.Heatmap(z=[[0, 1]], colorscale=[list(stop) for stop in colours.magnitude]),
        ]
    )
    return figure.update_layout(template=look.template(theme))


def numbered(theme: str) -> go.Figure:
    figure = go.Figure(layout={"template": look.template(theme)})
    for scale in (look.palette(theme).magnitude, look.palette(theme).signed):
        stops = [list(stop) for stop in scale]
        figure.add_heatmap(z=[[0, 0.3, 0.5, 0.7, 1]], texttemplate="%{z:.1f}", colorscale=stops)
    legible(figure)
    return figure


@pytest.mark.parametrize(("old", "new"), [("light", "dark"), ("dark", "light")])
def test_numbers_in_cells_can_be_read_in_the_other_theme(old: str, new: str) -> None:
    changed, wanted = as_json(numbered(old), new), as_json(numbered(new))
    assert changed["data"] == wanted["data"]
    assert changed["data"][2]["textfont"] != as_json(numbered(old))["data"][2]["textfont"]


@pytest.mark.parametrize(("old", "new"), [("light", "dark"), ("dark", "light")])
def test_a_figure_in_the_other_theme_is_as_if_drawn_in_it(old: str, new: str) -> None:
    changed, wanted = as_json(drawn(old), new), as_json(drawn(new))
    assert changed["data"] == wanted["data"]
    assert changed["layout"]["template"] == wanted["layout"]["template"]


def test_figures_of_other_hands_keep_their_colours() -> None:
    figure = go.Figure(go.Scatter(y=[1], marker={"color": look.LIGHT.text}))
    assert as_json(figure, "dark")["data"][0]["marker"]["color"] == look.LIGHT.text


def test_names_that_look_like_colours_stay() -> None:
    figure = drawn("light").add_trace(go.Bar(x=[look.LIGHT.text], y=[1], name=look.LIGHT.text))
    trace = as_json(figure, "dark")["data"][-1]
    assert (trace["x"], trace["name"]) == ([look.LIGHT.text], look.LIGHT.text)


def test_a_colour_bar_says_what_its_picture_shows() -> None:
    """The colours inside a picture stay, so the scale beside it stays too."""
    figure = drawn("light").add_layout_image(source="data:image/png;base64,iVBORw0KGgo=")
    changed = as_json(figure, "dark")
    assert changed["data"][1]["colorscale"] == [list(stop) for stop in look.LIGHT.magnitude]
    assert changed["data"][0]["textfont"]["color"] == look.DARK.text
    scales = changed["layout"]["template"]["layout"]["colorscale"]
    assert scales["sequential"] == as_json(figure)["layout"]["template"]["layout"]["colorscale"]["sequential"]
    assert changed["layout"]["template"]["layout"]["paper_bgcolor"] == look.DARK.page
