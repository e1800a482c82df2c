"""Same word, two senses, as a person uses it: other texts and another word, another layer, another head."""

import pytest

from tests.browser.conftest import Open, Visit
from tests.browser.test_dashboard import click_at

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

LINK = "/speaker/two-senses?theme=light"
TEXTS = "low | the cat sits on the mat\nhigh | a tree and a cat"
PLOT = "document.querySelector('#view-{} .js-plotly-plot')"
SPOT = """([view, name, at]) => { const plot = document.querySelector(`#view-${view} .js-plotly-plot`);
    const trace = plot._fullData.find(each => each.name === name), box = plot.getBoundingClientRect();
    const x = plot._fullLayout.xaxis, y = plot._fullLayout.yaxis;
    const [left, top] = at.length === 2 ? at : [trace.x[at[0]], trace.y[at[0]]];
    return [box.left + x._offset + x.d2p(left), box.top + y._offset + y.d2p(top)]; }"""


def shown(window: Visit, view: str, control: str, value: str) -> None:
    """Wait until a view is drawn with a value of a control."""
    window.until(f"() => String({PLOT.format(view)}.layout.meta.genviz.controls.{control}) === `{value}`")


def click(window: Visit, view: str, name: str, *at: int) -> None:
    click_at(window, view, lambda: window.page.evaluate(SPOT, [view, name, list(at)]))


def test_other_texts_and_another_word(visit: Open) -> None:
    window = visit().go(LINK)
    assert (
        "what stands after the word does not change its vector" in window.page.locator(".aside").inner_text()
    )
    window.page.get_by_label("Texts", exact=True).fill(TEXTS)
    window.page.get_by_label("Word", exact=True).fill("cat")
    for view in ("sense_by_layer", "sense_map", "sense_heads"):
        shown(window, view, "word", "cat")
        shown(window, view, "texts", TEXTS)
    window.drawn()
    assert window.page.locator(".view.failed").count() == 0
    assert "“cat” in A and B" in window.page.locator("[data-caption=sense_by_layer]").inner_text()
    again = visit().go(window.link)
    assert again.page.get_by_label("Texts", exact=True).input_value() == TEXTS
    window.page.get_by_label("Word", exact=True).fill("dog")
    window.until("() => document.querySelectorAll('.view.failed').length === 3")
    said = window.page.locator("#view-sense_map .message").inner_text()
    assert "('the cat sits on the mat') has no word 'dog': it has the, cat, sits, on, mat" in said


def test_the_map_turns_while_the_layer_is_dragged(visit: Open) -> None:
    window = visit().go(f"{LINK}&layer=0")
    assert "are equal" in window.page.locator("[data-caption=sense_map]").inner_text()
    window.page.evaluate(
        f"() => {{ window.seen = new Set(); const plot = {PLOT.format('sense_map')};"
        "plot.on('plotly_afterplot', () => window.seen.add(plot.layout.meta.genviz.controls.layer)); }"
    )
    slider = window.page.get_by_role("slider", name="Layer")
    handle = slider.bounding_box()
    x, y = handle["x"] + handle["width"] / 2, handle["y"] + handle["height"] / 2
    window.page.mouse.move(x, y)
    window.page.mouse.down()
    for step in range(24):
        window.page.mouse.move(x + step * 8, y)
        window.page.wait_for_timeout(60)
    window.page.mouse.up()
    window.until("() => window.seen.has(3)")
    assert len(window.page.evaluate("[...window.seen]")) >= 2
    shown(window, "sense_by_layer", "layer", "3")
    click(window, "sense_by_layer", "A and B", 1)
    shown(window, "sense_map", "layer", "1")


def test_a_click_on_a_head_shows_what_the_word_looks_at_and_clicks_on_the_map_whom_to_compare(
    visit: Open,
) -> None:
    window = visit().go(f"{LINK}&layer=3")
    click(window, "sense_heads", "parts", 1, 0)
    window.until("() => /block=0(&|$)/.test(location.search) && /head=1(&|$)/.test(location.search)")
    shown(window, "sense_heads", "block", "0")
    assert "framed: block 1, head 1" in window.page.locator("[data-caption=sense_heads]").inner_text()
    click(window, "sense_map", "money", 2)
    window.until("() => /picks=4(&|$)/.test(location.search)")
    click(window, "sense_map", "river", 1)
    for view in ("sense_by_layer", "sense_heads"):
        shown(window, view, "picks", "4,3")
