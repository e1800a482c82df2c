"""The dials of a GPT as a person turns them: a preset, a dial too far with its refusal, and back."""

import pytest

from tests.browser.conftest import Open

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

PRESSED = """name => {
    const pressed = [...document.querySelectorAll('.presets [aria-pressed=true]')];
    return pressed.length === 1 && pressed[0].textContent === name[0]; }"""
TITLE = """title => {
    const plot = document.querySelector('#view-gpt_dials .js-plotly-plot');
    return plot.layout.legend.title.text.includes(title[0]); }"""
HEADS = "heads => new URLSearchParams(location.search).get('n_heads') === heads[0]"
REFUSED = """says => {
    const card = document.querySelector('.view.failed .card');
    return card && card.innerText.includes(says[0]); }"""


def test_a_preset_sets_the_dials_and_one_turned_too_far_is_refused(visit: Open) -> None:
    window = visit().go("/speaker/gpt-dials?theme=light")
    window.until(PRESSED, "This model")
    preset = window.page.get_by_role("button", name="125M")
    preset.click()
    window.until(PRESSED, "125M")
    window.until(TITLE, "125,226,240 parameters")
    window.drawn()
    thumb = window.page.get_by_role("slider", name="Heads")
    box = thumb.bounding_box()
    assert box is not None
    window.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    window.page.mouse.down()
    window.page.mouse.move(box["x"] + box["width"] / 2 + 30, box["y"] + box["height"] / 2, steps=5)
    window.page.mouse.up()
    window.until("() => Number(new URLSearchParams(location.search).get('n_heads')) > 12")
    thumb.press("Home")
    for _ in range(6):
        thumb.press("ArrowRight")
    window.until(HEADS, "7")
    window.until(REFUSED, "d_model=768 is not divisible by n_heads=7")
    window.until(REFUSED, "Take 6 or 8 heads")
    window.until("() => !document.querySelector('.presets [aria-pressed=true]')")
    preset.click()
    window.until("() => !document.querySelector('.view.failed')")
    window.until(PRESSED, "125M")
