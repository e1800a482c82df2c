"""What a person does in the dashboard, done in Chromium."""

import io
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from pptx import Presentation

from dashboards.pages import PAGES
from tests.browser.conftest import Open, Visit

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

LINKS = (
    "/reader/overview",
    "/reader/attention",
    "/dots/overview",
    "/dots/latent-space",
    "/game/adversarial-game",
    "/game/latent-space",
    "/houses/perceptron",
    "/speaker/tokens-and-positions",
    "/speaker/two-senses",
    "/speaker/inside-the-layers",
    "/speaker/beam-search?prompt=the%20cat&max_new=8",
    "/speaker/playground?prompt=the%20cat&max_new=8",
    "/speaker/gpt-dials",
    "/speaker/fine-tuning",
    "/speaker/compare",
    "/student/training",
    "/guesser/masked-words",
    "/interpreter/encoder-decoder",
    "/waves/forecast",
)
PLOT = "document.querySelector('#view-{} .js-plotly-plot')"


def test_every_page_is_visited_here() -> None:
    visited = {link.rsplit("/", 1)[1].split("?")[0] for link in LINKS}
    assert visited == {page.name for page in PAGES if page.panels}


CUT_OFF = """() => [...document.querySelectorAll('h1, h2, .button, .nav-link, .control-label *, .badge, dd')]
    .filter(one => one.offsetParent !== null && one.clientWidth > 0)
    .filter(one => one.scrollWidth > one.clientWidth + 1)
    .filter(one => getComputedStyle(one).display !== 'inline')
    .map(one => one.textContent)"""
NAMELESS = """() => [...document.querySelectorAll('button, a[href], input, textarea, [role=slider]')]
    .filter(one => one.offsetParent !== null && one.type !== 'hidden' && one.tabIndex >= 0)
    .filter(one => !(one.getAttribute('aria-label') || one.textContent.trim() || one.title
        || (one.labels && one.labels.length) || one.getAttribute('aria-labelledby')
        || (one.closest('[aria-label],[aria-labelledby]') && one.type === 'radio')))
    .map(one => one.outerHTML.slice(0, 160))"""


@pytest.mark.parametrize("link", LINKS)
def test_a_page_is_drawn_in_both_themes_fills_the_window_and_names_everything(visit: Open, link: str) -> None:
    window = visit()
    for theme in ("light", "dark"):
        window.go(f"{link}{'&' if '?' in link else '?'}theme={theme}")
        assert window.page.locator("h1").count() == 1
        assert window.page.locator(".view.failed").count() == 0
        has_colours_of(theme, window)
    boxes = [panel.bounding_box() for panel in window.page.locator(".panel").all()]
    assert sum(box["width"] * box["height"] for box in boxes) >= 0.6 * 1440 * 900
    assert window.page.evaluate("document.documentElement.scrollWidth") <= 1440
    assert window.page.evaluate("document.documentElement.scrollHeight") <= 900
    assert window.page.evaluate(CUT_OFF) == [], "a text is wider than what holds it"
    assert window.page.evaluate(NAMELESS) == [], "what can be reached has no name"


def has_colours_of(theme: str, window: Visit) -> None:
    assert window.page.evaluate("document.documentElement.dataset.theme") == theme
    page_colour = window.page.evaluate("getComputedStyle(document.querySelector('.panel')).backgroundColor")
    for view in window.page.locator(".view:not([hidden])").all():
        figure = window.figure(view.get_attribute("data-view"))
        paper = figure["layout"]["template"]["layout"]["paper_bgcolor"]
        assert page_colour == "rgb({}, {}, {})".format(*(int(paper[at : at + 2], 16) for at in (1, 3, 5)))


@pytest.mark.parametrize(("width", "height"), [(390, 844), (1280, 720), (820, 1180)])
def test_other_windows_can_be_read(visit: Open, width: int, height: int) -> None:
    for link in ("/reader/attention", "/dots/latent-space?method=pca"):
        window = visit(width, height).go(link)
        assert window.page.evaluate("document.documentElement.scrollWidth") <= width
        for panel in window.page.locator(".panel").all():
            box = panel.bounding_box()
            assert box["width"] >= min(width - 40, 300)
            assert box["height"] >= 180


def test_a_change_is_drawn_and_kept_in_the_link(visit: Open) -> None:
    window = visit().go("/houses/perceptron?theme=light")
    assert window.controls("perceptron_network")["row"] == 0
    slider = window.page.get_by_role("slider", name="Item")
    slider.focus()
    for _ in range(3):
        slider.press("ArrowRight")
    window.until("() => new URLSearchParams(location.search).get('row') === '3'")
    window.drawn()
    window.until(f"() => {PLOT.format('perceptron_network')}.layout.meta.genviz.controls.row === 3")
    again = visit().go(window.link)
    assert again.controls("perceptron_network")["row"] == 3
    assert again.controls("weighted_sum")["row"] == 3, "views that share a control follow it together"
    assert again.page.get_by_role("slider", name="Item").get_attribute("aria-valuenow") == "3"


def test_changes_make_no_history_and_pages_do(visit: Open) -> None:
    window = visit().go("/houses/overview?theme=light")
    window.page.get_by_role("link", name="Perceptron").click()
    window.until("() => location.pathname === '/houses/perceptron'")
    window.drawn()
    slider = window.page.get_by_role("slider", name="Item")
    slider.focus()
    slider.press("ArrowRight")
    window.until("() => location.search.includes('row=1')")
    window.page.go_back()
    window.until("() => location.pathname === '/houses/overview'")
    window.drawn()
    assert window.page.locator("h1").text_content() == PAGES[0].question
    window.page.go_forward()
    window.until("() => location.search.includes('row=1')")
    window.drawn()
    assert window.controls("perceptron_network")["row"] == 1


def test_dragging_draws_while_it_goes_on(visit: Open) -> None:
    """Dash alone would draw once, at the end; here one request is on its way, and the newest value next."""
    window = visit().go("/houses/perceptron?theme=light")
    window.page.evaluate(
        f"() => {{ window.seen = new Set(); const plot = {PLOT.format('perceptron_network')};"
        "plot.on('plotly_afterplot', () => window.seen.add(plot.layout.meta.genviz.controls.row)); }"
    )
    handle = window.page.get_by_role("slider", name="Item").bounding_box()
    x, y = handle["x"] + handle["width"] / 2, handle["y"] + handle["height"] / 2
    window.page.mouse.move(x, y)
    window.page.mouse.down()
    for step in range(24):
        window.page.mouse.move(x + step * 8, y)
        time.sleep(0.06)
    window.page.mouse.up()
    window.until("() => window.seen.has(11)")
    assert len(window.page.evaluate("[...window.seen]")) >= 4


def test_the_theme_is_switched_kept_and_linked(visit: Open) -> None:
    window = visit(color_scheme="light").go("/reader/attention")
    assert "theme=light" in window.link
    window.page.get_by_role("button", name="Switch between light and dark").click()
    window.until("() => document.documentElement.dataset.theme === 'dark'")
    window.until(
        f"() => {PLOT.format('attention_matrix')}.layout.template.layout.paper_bgcolor === '#12151b'"
    )
    assert "theme=dark" in window.link
    assert window.page.evaluate("document.documentElement.dataset.mantineColorScheme") == "dark"
    window.go("/houses/overview")
    assert window.page.evaluate("document.documentElement.dataset.theme") == "dark"


def test_the_theme_of_the_system_is_the_first_one(visit: Open) -> None:
    window = visit(color_scheme="dark").go("/reader/overview")
    assert window.page.evaluate("document.documentElement.dataset.theme") == "dark"


def test_another_subject_keeps_the_page_where_it_applies(visit: Open) -> None:
    window = visit().go("/dots/latent-space?theme=light&method=pca")
    choose(window, "Subject", "Game: a GAN")
    window.until("() => location.pathname === '/game/latent-space'")
    window.drawn()
    choose(window, "Subject", "Houses: a perceptron")
    window.until("() => location.pathname === '/houses/overview'")
    window.drawn()


def choose(window: Visit, label: str, option: str) -> None:
    """Open a list and take an entry."""
    window.page.get_by_role("combobox", name=label).or_(
        window.page.get_by_role("textbox", name=label)
    ).first.click()
    window.page.get_by_role("option", name=option).click()


def test_a_click_on_a_head_shows_it_in_both_other_pictures(visit: Open) -> None:
    window = visit().go("/reader/attention?theme=light&site=layers.1.attn&head=1")
    spot = window.page.evaluate(
        """() => { const plot = document.querySelector('#view-attention_heads .js-plotly-plot');
            const heat = plot._fullData.find(trace => trace.type === 'heatmap');
            const x = plot._fullLayout.xaxis, y = plot._fullLayout.yaxis, box = plot.getBoundingClientRect();
            return [box.left + x._offset + x.d2p(heat._input.x ? heat.x[3] : 3),
                    box.top + y._offset + y.d2p(heat._input.y ? heat.y[0] : 0)]; }"""
    )
    window.page.mouse.click(*spot)
    window.until("() => location.search.includes('head=3')")
    for view in ("attention_matrix", "attention_lines"):
        window.until(f"() => {PLOT.format(view)}.layout.meta.genviz.controls.head === 3")
        assert window.controls(view)["site"] == "layers.0.attn"


def test_a_click_on_a_word_shows_its_links_and_on_a_mean_all_heads_at_once(visit: Open) -> None:
    window = visit().go("/reader/attention?theme=light&site=layers.1.attn&head=1")
    words = """name => { const plot = document.querySelector('#view-attention_lines .js-plotly-plot');
        const trace = plot._fullData.find(each => each.name === name);
        const x = plot._fullLayout.xaxis, y = plot._fullLayout.yaxis, box = plot.getBoundingClientRect();
        return [box.left + x._offset + x.d2p(trace.x[2]), box.top + y._offset + y.d2p(trace.y[2])]; }"""
    for name, other in (("key", "query"), ("query", "key")):
        click_at(window, "attention_lines", partial(window.page.evaluate, words, name))
        window.until(f"() => location.search.includes('{name}=2') && !location.search.includes('{other}=2')")
        window.until(f"() => {PLOT.format('attention_lines')}.layout.meta.genviz.controls.{name}[0] === 2")
    mean = """() => { const plot = document.querySelector('#view-attention_heads .js-plotly-plot');
        const x = plot._fullLayout.xaxis, y = plot._fullLayout.yaxis, box = plot.getBoundingClientRect();
        return [box.left + x._offset + x.d2p(4), box.top + y._offset + y.d2p(0)]; }"""
    click_at(window, "attention_heads", partial(window.page.evaluate, mean))
    window.until("() => location.search.includes('average=mean')")
    window.until(f"() => {PLOT.format('attention_matrix')}.layout.meta.genviz.controls.average === 'mean'")
    assert window.controls("attention_matrix")["site"] == "layers.0.attn"


def test_the_word_under_the_pointer_keeps_its_lines_and_asks_nobody(visit: Open) -> None:
    window = visit().go("/reader/attention?theme=light&attention_lines.threshold=0")
    asked: list[str] = []
    window.page.on("request", lambda sent: asked.append(sent.url))
    spot = window.page.evaluate(
        """() => { const plot = document.querySelector('#view-attention_lines .js-plotly-plot');
            const trace = plot._fullData.find(each => each.name === 'query');
            const x = plot._fullLayout.xaxis, y = plot._fullLayout.yaxis, box = plot.getBoundingClientRect();
            return [box.left + x._offset + x.d2p(trace.x[3]), box.top + y._offset + y.d2p(trace.y[3])]; }"""
    )
    window.page.mouse.move(spot[0] - 4, spot[1])
    window.page.mouse.move(*spot)
    window.until("() => document.querySelector('#view-attention_lines .lit')")
    lines = """() => [...document.querySelectorAll('#view-attention_lines .js-line')]
        .map(line => Number(getComputedStyle(line).opacity))"""
    window.until(f"() => ({lines})().filter(one => one === 1).length === 4")  # itself and all before
    window.until(f"() => ({lines})().filter(one => one < 0.2).length > 8")
    window.page.mouse.move(5, 5)
    window.until("() => !document.querySelector('#view-attention_lines .lit')")
    assert asked == []


def test_a_click_on_a_piece_chooses_the_token_and_a_long_text_is_cut_on_demand(visit: Open) -> None:
    window = visit().go("/speaker/tokens-and-positions?theme=light")
    piece = """() => { const plot = document.querySelector('#view-tokenizations .js-plotly-plot');
        const trace = plot._fullData.find(each => each.name === 'this model');
        const x = plot._fullLayout.xaxis, y = plot._fullLayout.yaxis, box = plot.getBoundingClientRect();
        return [box.left + x._offset + x.d2p(trace.x[1]), box.top + y._offset + y.d2p(trace.y[1])]; }"""
    click_at(window, "tokenizations", partial(window.page.evaluate, piece))
    window.until("() => location.search.includes('position=1')")
    window.until(f"() => {PLOT.format('embedding_neighbours')}.layout.meta.genviz.controls.position === 1")
    field = window.page.get_by_role("textbox", name="Text")
    field.fill("the cat sits on the mat and the dog sleeps in the house " * 3)
    field.press("Enter")
    window.page.get_by_text("Longer than this model can read").wait_for()
    window.page.get_by_role("link", name="Cut it there and read what fits").click()
    window.page.locator(".notice", has_text="32 of 39 tokens").wait_for()
    window.drawn()
    assert "run.cut=true" in window.link


def place_of(window: Visit, item: int) -> list[float]:
    """Where an item lies in the window on the latent map."""
    found: list[float] = window.page.evaluate(
        """item => { const plot = document.querySelector('#view-latent_map .js-plotly-plot');
            const box = plot.getBoundingClientRect(), x = plot._fullLayout.xaxis, y = plot._fullLayout.yaxis;
            for (const trace of plot._fullData) {
                const at = trace.customdata ? [...trace.customdata].flat().indexOf(item) : -1;
                const left = box.left + x._offset, top = box.top + y._offset;
                if (at >= 0) return [left + x.d2p(trace.x[at]), top + y.d2p(trace.y[at])];
            } }""",
        item,
    )
    return found


def click_item(window: Visit, item: int) -> None:
    """Click an item of the map as a hand does."""
    click_at(window, "latent_map", lambda: place_of(window, item))


def click_at(window: Visit, view: str, place: Callable[[], list[float]]) -> None:
    """Click as a hand does: rest on the mark, so that it is under the pointer, then click."""
    window.drawn()
    label = f"document.querySelector('#view-{view} .hoverlayer .hovertext')"
    window.page.mouse.move(5, 5)
    window.until(f"() => {label} === null")  # or the label of the mark before would be taken for this one's
    window.page.mouse.move(*place(), steps=3)
    window.until(f"() => {label} !== null")
    window.page.mouse.click(*place())


def test_a_click_on_the_lens_chooses_the_token_and_one_on_a_bar_the_neuron(visit: Open) -> None:
    window = visit().go("/speaker/inside-the-layers")
    spot = """view => { const plot = document.querySelector(`#view-${view[0]} .js-plotly-plot`);
        const x = plot._fullLayout.xaxis, y = plot._fullLayout.yaxis, box = plot.getBoundingClientRect();
        return [box.left + x._offset + x.d2p(view[1]), box.top + y._offset + y.d2p(view[2])]; }"""
    window.page.mouse.click(*window.page.evaluate(spot, ["logit_lens", 1, 1]))
    window.until("() => location.search.includes('position=1')")
    for view in ("logit_lens", "residual_path", "logit_attribution"):
        window.until(f"() => {PLOT.format(view)}.layout.meta.genviz.controls.position === 1")
    window.page.get_by_text("Neurons", exact=True).first.click()
    window.drawn()
    third = window.page.evaluate(f"{PLOT.format('neurons')}.data[0].customdata[2][0]")
    window.page.mouse.click(*window.page.evaluate(spot, ["neurons", 0.01, 2]))
    window.until(f"() => {PLOT.format('neurons')}.layout.meta.genviz.controls.unit === '{third}'")
    assert f"neuron {third} over" in window.page.locator("[data-caption=neurons]").inner_text()


def test_two_picks_make_a_path_whose_frames_are_scrubbed_here(visit: Open) -> None:
    window = visit().go("/dots/latent-space?theme=light&method=pca")
    click_item(window, 40)
    window.until("() => /picks=40(&|$)/.test(location.search)")
    click_item(window, 77)
    window.until("() => location.search.includes('picks=40,77')")
    window.until(
        "() => { const plot = document.querySelector('#view-interpolation .js-plotly-plot');"
        "return plot.layout.meta && String(plot.layout.meta.genviz.controls.picks) === '40,77'; }"
    )
    window.drawn()
    assert tuple(window.controls("latent_map")["picks"]) == (40, 77)
    window.until("() => document.querySelectorAll('#player img').length === 2")
    sent: list[str] = []
    window.page.on("request", lambda request: sent.append(request.url))
    scrub = window.page.get_by_role("slider", name="Share of the way from A to B")
    pictures = set()
    for place in (0, 8, 16, 23):
        scrub.fill(str(place))
        pictures.add(window.page.locator("#player img").first.get_attribute("src"))
    assert len(pictures) == 4
    assert [address for address in sent if not address.startswith("data:")] == []


def test_the_walk_plays_pauses_and_steps(visit: Open) -> None:
    window = visit(reduced_motion="reduce").go("/dots/latent-space?theme=light&method=pca")
    scrub = window.page.get_by_role("slider", name="Share of the way from A to B")
    before = scrub.input_value()
    time.sleep(0.9)
    assert scrub.input_value() == before, "it does not begin by itself"
    window.page.get_by_role("button", name="One step on").click()
    assert int(scrub.input_value()) == int(before) + 1
    window.page.get_by_role("button", name="Play").click()
    window.until(f"() => Number(document.querySelector('#player input').value) > {int(before) + 1}")
    window.page.get_by_role("button", name="Pause").click()
    paused = scrub.input_value()
    time.sleep(0.9)
    assert scrub.input_value() == paused


def test_a_live_model_reads_what_is_typed(visit: Open) -> None:
    window = visit().go("/reader/attention?theme=light")
    field = window.page.get_by_label("Text", exact=True)
    assert field.input_value() == "The cat sits on the mat ."
    asked: list[str] = []
    window.page.on("request", lambda request: asked.append(request.post_data or ""))
    field.fill("a dog <b>runs</b>")
    field.press("Enter")
    window.until("() => location.search.includes('run.text=')")
    window.drawn()
    window.until(
        "() => { const plot = document.querySelector('#view-attention_matrix .js-plotly-plot');"
        "return plot.layout.xaxis && plot.layout.xaxis.ticktext && plot.layout.xaxis.ticktext.length === 3; }"
    )
    assert window.page.locator(".panel b", has_text="runs").count() == 0, "text is not read as markup"
    assert not any('"role":"figure"' in body.replace("\\", "") for body in asked), "every picture came ahead"


def test_a_model_that_refuses_says_so_on_a_card(visit: Open) -> None:
    window = visit()
    window.page.goto(window.base + "/reader/attention?theme=light&run.text=refuse")
    card = window.page.locator(".card.problem")
    card.wait_for()
    assert "does not read <b>that</b>" in (card.text_content() or "")


def test_new_samples_come_from_another_seed(visit: Open) -> None:
    window = visit().go("/game/adversarial-game?theme=light")
    before = window.figure("samples_by_score")["layout"]["images"][0]["source"]
    window.page.get_by_role("button", name="New samples").click()
    window.until("() => location.search.includes('run.seed=1')")
    window.drawn()
    assert window.figure("samples_by_score")["layout"]["images"][0]["source"] != before
    assert window.page.get_by_label("Seed").input_value() == "1"


def test_a_picture_can_fill_the_page(visit: Open) -> None:
    window = visit().go("/reader/attention?theme=light")
    small = window.page.locator("#view-attention_lines").bounding_box()
    window.page.locator('[data-expand="attention_lines"]').click()
    window.page.wait_for_timeout(400)
    large = window.page.locator("#view-attention_lines .main-svg").first.bounding_box()
    assert large["width"] > 2 * small["width"]
    window.page.keyboard.press("Escape")
    assert window.page.locator(".panel:visible").count() == 3


def test_tabs_show_another_picture_of_the_frame(visit: Open) -> None:
    window = visit().go("/reader/overview?theme=light")
    window.page.get_by_role("tab", name="Parameters", exact=True).click()
    window.until("() => !document.getElementById('view-parameters').hidden")
    window.drawn()
    assert "tab.network=parameters" in window.link
    again = visit().go(window.link)
    assert again.page.locator("#view-parameters").is_visible()
    assert not again.page.locator("#view-network").is_visible()


def test_figures_go_to_slides_and_to_powerpoint(visit: Open) -> None:
    window = visit().go("/houses/perceptron?theme=light&row=2")
    window.page.locator('[data-keep="perceptron_network"]').click()
    window.go("/reader/attention?theme=light&site=layers.0.attn&head=2")
    window.page.locator('[data-keep="attention_matrix"]').click()
    assert window.page.locator("#tray-count").text_content() == "2"
    window.page.locator("#tray").click()
    window.until("() => document.querySelectorAll('.slide .thumb img').length === 2")
    window.page.get_by_label("Title").nth(1).fill("Head two")
    window.page.get_by_label("Speaker notes").nth(1).fill("Say what it does.")
    window.page.get_by_role("button", name="Move up").nth(1).click()
    assert window.page.get_by_label("Title").first.input_value() == "Head two"
    window.page.reload()
    window.until("() => document.querySelectorAll('.slide .thumb img').length === 2")
    assert window.page.get_by_label("Title").first.input_value() == "Head two"
    deck = downloaded(window, "Download PowerPoint")
    shown = [slide for slide in Presentation(io.BytesIO(deck)).slides if slide.has_notes_slide]
    notes = [slide.notes_slide.notes_text_frame.text for slide in shown]
    assert any("Say what it does." in note for note in notes)
    words = [s.text_frame.text for slide in shown for s in slide.shapes if s.has_text_frame]
    assert "Head two" in words
    assert downloaded(window, "Download PDF").startswith(b"%PDF")
    window.page.get_by_role("button", name="Remove slide").first.click()
    assert window.page.locator(".slide").count() == 1
    window.page.locator(".thumb-link").click()
    window.until("() => location.pathname === '/houses/perceptron'")
    window.drawn()
    assert window.controls("perceptron_network")["row"] == 2, "a slide leads back to what was seen"


def downloaded(window: Visit, name: str) -> bytes:
    """Press a button and take what it downloads."""
    with window.page.expect_download(timeout=60_000) as waiting:
        window.page.get_by_role("button", name=name).click()
    return Path(waiting.value.path()).read_bytes()


def test_without_slides_the_page_says_how_to_begin(visit: Open) -> None:
    window = visit()
    window.page.goto(window.base + "/slides")
    window.page.locator("#slide-empty").wait_for()
    assert window.page.get_by_role("button", name="Download PowerPoint").is_disabled()


def test_the_keyboard_reaches_everything_in_order(visit: Open) -> None:
    window = visit().go("/reader/attention?theme=light")
    window.page.evaluate("document.body.focus()")
    reached: list[Any] = []
    for _ in range(40):
        window.page.keyboard.press("Tab")
        reached.append(
            window.page.evaluate(
                """() => { const one = document.activeElement, style = getComputedStyle(one);
                    const region = one.closest('.skip, .header, .nav, .main, .aside') || {className: ''};
                    return [region.className.split(' ')[0],
                            one.getAttribute('aria-label') || one.textContent.trim() || one.id,
                            style.outlineStyle !== 'none' || style.boxShadow !== 'none'
                            || getComputedStyle(one.parentElement).borderColor !== '']; }"""
            )
        )
    regions = [where for where, _, _ in reached if where]
    order = ["skip", "header", "nav", "main", "aside"]
    assert [where for at, where in enumerate(regions) if at == 0 or regions[at - 1] != where][:5] == order
    names = [name for _, name, _ in reached]
    for wanted in ("Skip to the picture", "Attention", "Read it", "Head", "Copy link to this view"):
        assert wanted in names, wanted
    assert all(seen for where, _, seen in reached if where)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_stands_out_from_what_is_behind_it(visit: Open, theme: str) -> None:
    """Contrast of WCAG 2.2 AA, 4.5 : 1, for every text of the page outside the figures."""
    window = visit().go(f"/reader/attention?theme={theme}")
    weak = window.page.evaluate(
        """() => {
            const parse = colour => (colour.match(/[\\d.]+/g) || []).map(Number);
            const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
                .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
                .reduce((sum, v, at) => sum + v * [0.2126, 0.7152, 0.0722][at], 0);
            const behind = one => { for (let at = one; at; at = at.parentElement) {
                const colour = parse(getComputedStyle(at).backgroundColor);
                if (colour.length === 3 || colour[3] > 0.5) return colour; } return [255, 255, 255]; };
            const places = ['.header', '.nav', '.question', '.panel-head', '.aside', '.run'];
            return [...document.querySelectorAll(places.map(place => place + ' *').join())]
                .filter(one => one.offsetParent !== null && [...one.childNodes]
                    .some(node => node.nodeType === 3 && node.textContent.trim()))
                .map(one => { const a = light(parse(getComputedStyle(one).color)), b = light(behind(one));
                    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
                    return [one.textContent.trim().slice(0, 40), ratio]; })
                .filter(([, ratio]) => ratio < 4.5);
        }"""
    )
    assert weak == []
