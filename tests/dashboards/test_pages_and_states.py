"""What pages say: states, links, runs of live models, slides, frames; by calling what the callbacks call."""

import io
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from dash import html, no_update
from pptx import Presentation

from dashboards import maps as maps_module
from dashboards import slides, states
from dashboards.address import Address, slugs
from dashboards.app import Dashboard, build, kept, page
from dashboards.framing import components, framed
from dashboards.maps import Maps
from dashboards.panels import drawn, meanwhile
from dashboards.running import checked
from dashboards.stage import KEPT, Stage
from dashboards.widgets import shortened
from genviz.capture import record
from genviz.errors import Cancelled, ControlError, EngineBusy, LiveError, NotApplicable, TooLong
from genviz.figures.base import blank, small_print
from genviz.live.progress import report
from genviz.views.subject import Subject
from tests.contracts.family_models import IDS, LongConvolutions
from tests.contracts.test_pages import parts
from tests.dashboards.subjects import Engine, game, perceptron_recording, reader, speaker

HERE = {"Host": "127.0.0.1"}


def text_of(component: Any) -> str:
    words = [part.children for part in parts(component) if isinstance(getattr(part, "children", None), str)]
    return " ".join(words)


# -- links ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address",
    [
        Address("gpt", "attention", "dark", {"text": "The cat & the dog?"}, {"head": "2", "a.b": "x=1"}),
        Address("gpt", "overview"),
        Address(),
        Address("", "slides"),
        Address("été", "page", controls={"picks": "3,17"}),
    ],
)
def test_a_link_says_all_of_it(address: Address) -> None:
    assert Address.parse(address.href) == address


@pytest.mark.parametrize(
    "href", ["", "/", "//evil.example/x", "/a/b/c/d?x", "/?theme=pink", "/%00", "?" + "a=1&" * 500, "/\ud800"]
)
def test_odd_links_are_read_without_a_crash(href: str) -> None:
    found = Address.parse(href)
    assert found.theme in ("", "light", "dark")
    assert len(found.controls) <= 100


def test_links_of_subjects_with_one_name_differ() -> None:
    assert slugs(["A", "A", "slides", "", "日本"]) == ["a", "a-2", "slides-2", "subject", "subject-2"]


# -- states --------------------------------------------------------------------------------------


def test_without_subjects_the_page_says_how_to_begin() -> None:
    app = build([], warm=False)
    _, main, *_ = page(app.stage, Address())
    assert "Nothing to show yet" in text_of(main)
    assert "genviz demo" in text_of(main)


def test_a_page_that_does_not_apply_says_why_and_what_does(app: Dashboard) -> None:
    _, main, _, here, *_ = page(app.stage, Address("houses", "latent-space"))
    said = text_of(main)
    assert "Latent space does not apply here" in said
    assert "It needs latent or mean" in said
    links = [part.href for part in parts(main) if getattr(part, "className", "") == "link"]
    assert links == ["/houses/overview", "/houses/perceptron", "/houses/slides"]
    assert here["subject"] == "houses"


def test_a_model_in_which_nothing_attends_says_what_it_does_instead() -> None:
    model = LongConvolutions().eval()
    with torch.no_grad(), record(model, tokens=[list("abcde")] * 2) as recording:
        model(IDS)
    app = build([Subject("convolutions", recording=recording)], warm=False)
    _, main, *_ = page(app.stage, Address("convolutions", "attention"))
    said = text_of(main)
    assert "Attention does not apply here" in said
    assert (
        "In 2 layers: no softmax attention: its tokens are mixed by convolutions (GatedConvolution)." in said
    )
    links = [part.href for part in parts(main) if getattr(part, "className", "") == "link"]
    assert "/convolutions/inside-the-layers" in links


def test_an_unknown_subject_says_which_are_on_show(app: Dashboard) -> None:
    _, main, *_ = page(app.stage, Address("nobody"))
    assert "There is no subject 'nobody' on show" in text_of(main)
    assert "Reader: a small language model" in text_of(main)


def test_a_model_that_starts_shows_that_it_starts_then_itself() -> None:
    engine = Engine({"title": "Slow", "facts": {"n_params": 1}}, delay=1.6, record=perceptron_recording)
    stage = Stage([Subject("Slow", live=engine)], warm=False)
    began = time.monotonic()
    _, main, _, _, ready, _ = page(stage, Address("slow"))
    assert time.monotonic() - began < 1.5
    assert not ready
    assert "starting the model …" in text_of(main)
    assert stage.ask("slow").wait(10)
    _, main, *_ = page(stage, Address("slow"))
    assert "What is this model built of" in text_of(main)
    stage.close()
    assert engine.closed


def test_a_model_that_fails_is_a_card_with_its_words_and_is_tried_again() -> None:
    def record() -> Any:
        raise EngineBusy("cannot run 'record' now: <script>alert(1)</script>")

    stage = Stage([Subject("Busy", live=Engine({"title": "x"}, record=record))], warm=False)
    stage.ask("busy").wait(5)
    _, main, *_ = page(stage, Address("busy"))
    assert "The model is busy" in text_of(main)
    assert "<script>alert(1)</script>." in text_of(main), "as text, which React escapes"
    first = stage.ask("busy")
    first.since -= 60
    assert stage.ask("busy") is not first


def test_an_error_that_is_not_ours_keeps_its_inside() -> None:
    def record() -> Any:
        raise ZeroDivisionError("/secret/path")

    stage = Stage([Subject("Odd", live=Engine({"title": "x"}, record=record))], warm=False)
    stage.ask("odd").wait(5)
    _, main, *_ = page(stage, Address("odd"))
    assert "failed with ZeroDivisionError; the log says more" in text_of(main)
    assert "secret" not in text_of(main)


@pytest.mark.parametrize(
    ("error", "title", "kind"),
    [
        (NotApplicable("x needs y"), "Not for this subject", "note"),
        (EngineBusy("x"), "The model is busy", "problem"),
        (TooLong("x"), "Longer than this model can read", "note"),
        (LiveError("x"), "This did not work", "problem"),
    ],
)
def test_messages_are_cards(error: Any, title: str, kind: str) -> None:
    card = states.problem(error)
    assert title in text_of(card)
    assert card.className == f"card {kind}"


# -- live models ---------------------------------------------------------------------------------


def test_a_live_model_runs_on_the_text_of_the_link(app: Dashboard) -> None:
    _, main, _, here, *_ = page(app.stage, Address("reader", "attention", run={"text": "one two three"}))
    assert here["run"] == {"text": "one two three"}
    field = next(part for part in parts(main) if getattr(part, "id", None) == {"role": "run", "name": "text"})
    assert field.value == "one two three"
    assert field.data == ["The cat sits on the mat .", "The robber went to the bank ."]
    figure = drawn(
        app.stage, {"subject": "reader", "view": "attention_matrix", "run": {"text": "one two three"}}
    )
    assert list(figure.layout.xaxis.ticktext) == ["one", "two", "three"]


def test_the_same_run_is_recorded_once() -> None:
    engine = game()
    stage = Stage([Subject("Game", live=engine)], warm=False)
    for _ in range(3):
        drawn(stage, {"subject": "game", "view": "score_histograms", "run": {"seed": "5"}})
    assert engine.asked == [("record", {"seed": 5})]


def test_only_the_newest_recordings_are_kept() -> None:
    stage = Stage([Subject("Game", live=game())], warm=False)
    first = stage.ask("game")
    for seed in range(KEPT + 5):
        assert stage.ask("game", {"seed": seed}).wait(10)
    assert len(stage.acts["game"].performances) == KEPT
    assert stage.ask("game") is first, "the first sight stays"


@pytest.mark.parametrize(
    ("run", "text"),
    [
        ({"seed": "many"}, "seed='many' does not fit: seed takes a number"),
        ({"text": "  "}, "give at least one word"),
        ({"text": "x" * 4001}, "takes at most 4000 characters, not 4001"),
    ],
)
def test_arguments_that_do_not_fit_are_said(app: Dashboard, run: dict[str, str], text: str) -> None:
    _, main, *_ = page(app.stage, Address("reader", "attention", run=run))
    assert text in text_of(main)
    fields = [getattr(part, "id", None) for part in parts(main)]
    assert {"role": "run", "name": "text"} in fields, "another text can be given where this one was refused"


def test_arguments_that_no_model_takes_are_left_out(app: Dashboard) -> None:
    _, _, _, here, *_ = page(app.stage, Address("reader", "attention", run={"__class__": "x"}))
    assert here["page"] == "attention"


def test_a_refusal_of_the_model_is_shown_in_its_words(app: Dashboard) -> None:
    stage = Stage([Subject("Reader", live=reader())], warm=False)
    stage.ask("reader", {"text": "refuse"}).wait(5)
    _, main, *_ = page(stage, Address("reader", "attention", run={"text": "refuse"}))
    assert "This model does not read <b>that</b>." in text_of(main)


def test_a_text_that_is_too_long_is_offered_to_be_cut_and_the_page_then_says_where() -> None:
    stage = Stage([speaker()], warm=False)
    (slug,) = stage.acts
    words = "the cat sits on the mat and the dog sleeps in the house "
    run = {"text": words * 3}
    stage.ask(slug, {"text": run["text"]}).wait(60)
    _, main, *_ = page(stage, Address(slug, "attention", run=run))
    told = text_of(main)
    assert "Longer than this model can read" in told
    assert "The text has 39 tokens, and this model reads at most 32: cut it behind “…" in told
    assert any(getattr(part, "id", None) == {"role": "run", "name": "text"} for part in parts(main))
    link = next(part.href for part in parts(main) if "run.cut" in str(getattr(part, "href", "")))
    asked = Address.parse(link)
    assert asked.run == {**run, "cut": "true"}
    stage.ask(slug, checked(asked.run)).wait(60)
    for name in ("attention", "tokens-and-positions", "inside-the-layers", "compare"):
        _, main, _, here, *_ = page(stage, Address(slug, name, run=asked.run))
        assert here["page"] == name
        assert "32 of 39 tokens: the model reads no more. It is cut behind “…" in text_of(main)
        assert "7 tokens, from “" in text_of(main)


def test_at_most_two_models_start_at_a_time() -> None:
    running, most = [0], [0]

    def record() -> Any:
        running[0] += 1
        most[0] = max(most[0], running[0])
        time.sleep(0.1)
        running[0] -= 1
        return perceptron_recording()

    made = [Subject(f"S{n}", live=Engine({"title": "x"}, record=record)) for n in range(6)]
    stage = Stage(made)
    asked = [stage.ask(slug) for slug in stage.acts]
    assert all(performance.wait(10) for performance in asked)
    assert most[0] == 2


# -- slides --------------------------------------------------------------------------------------


def state(**more: Any) -> dict[str, Any]:
    return {"subject": "houses", "view": "perceptron_network", "values": {"row": "3"}, "run": {}, **more}


def test_a_slide_is_drawn_again_from_its_state(app: Dashboard) -> None:
    answer = app.server.test_client().post("/slides/figure", json=state(theme="dark"), headers=HERE)
    assert answer.status_code == 200
    meta = answer.get_json()["layout"]["meta"]["genviz"]
    assert meta["view"] == "perceptron_network"
    assert meta["controls"]["row"] == 3


@pytest.mark.parametrize(
    ("asked", "text"),
    [
        (state(subject="gone"), "no subject 'gone' here: on show are reader, dots, game, houses"),
        (state(view="nope"), "no view 'nope'"),
        (state(values={"row": "999"}), "row='999' does not fit"),
        (state(values={"__init__": 1}), "has no control '__init__'"),
        (["not", "a", "state"], "describes no slide"),
    ],
)
def test_a_state_that_does_not_fit_is_said(app: Dashboard, asked: Any, text: str) -> None:
    answer = app.server.test_client().post("/slides/figure", json=asked, headers=HERE)
    assert answer.status_code == 422
    assert text in answer.get_json()["error"]


@pytest.mark.parametrize(
    ("asked", "text"),
    [
        ({"format": "exe", "slides": [state()]}, "no deck of format 'exe': the formats are pptx, pdf, html"),
        ({"format": "pptx", "slides": []}, "the deck has no slides: add a figure first"),
        ({"format": "pptx", "slides": "all"}, "the deck has no slides"),
        ({"format": "pptx", "slides": [state()] * 61}, "a deck holds 60 slides, not 61"),
        (
            {"format": "html", "slides": [state(), state(subject="gone")]},
            "slide 2 cannot be drawn: no subject 'gone'",
        ),
        ({"format": "html", "slides": ["x"]}, "slide 1 is not described"),
    ],
)
def test_a_deck_that_cannot_be_written_says_why(app: Dashboard, asked: Any, text: str) -> None:
    answer = app.server.test_client().post("/slides/deck", json=asked, headers=HERE)
    assert answer.status_code == 422
    assert text in answer.get_json()["error"]


def test_a_deck_as_a_web_page_holds_every_slide(app: Dashboard) -> None:
    asked = {"format": "html", "slides": [state(title="First <one>"), state(title="Second", caption="Why")]}
    answer = app.server.test_client().post("/slides/deck", json=asked, headers=HERE)
    assert answer.status_code == 200
    assert "slides.html" in answer.headers["Content-Disposition"]
    text = answer.get_data(as_text=True)
    assert "First &lt;one&gt;" in text or "First \\u003cone" in text
    assert "Second" in text


@pytest.mark.browser
def test_a_deck_for_powerpoint_opens_with_its_words(app: Dashboard) -> None:
    data = slides.written(
        app.stage, {"slides": [state(title="Weights", caption="All of them", notes="Say it")]}, "pptx"
    )
    deck = Presentation(io.BytesIO(data))
    said = [shape.text_frame.text for shape in deck.slides[0].shapes if shape.has_text_frame]
    assert "Weights" in said
    assert any("All of them" in text for text in said)
    assert "Say it" in deck.slides[0].notes_slide.notes_text_frame.text


def test_nothing_is_left_in_the_temporary_folder(app: Dashboard, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    slides.written(app.stage, {"slides": [state()]}, "html")
    assert list(tmp_path.iterdir()) == []


# -- frames and maps -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("way", "ways"), [("both", ["linear", "slerp"]), ("slerp", ["slerp"]), ("linear", ["linear"])]
)
def test_frames_of_a_walk_come_in_one_batch(way: str, ways: list[str]) -> None:
    from dashboards.frames import STEPS, frames
    from tests.dashboards.subjects import dots

    engine = dots()
    stage = Stage([Subject("Dots", live=engine)], warm=False)
    found = frames(stage, {"subject": "dots", "values": {"way": way, "picks": "0,1"}})
    assert list(found) == ways
    assert all(len(pictures) == STEPS for pictures in found.values())
    assert all(uri.startswith("data:image/png") for pictures in found.values() for uri in pictures)
    assert len({found[ways[0]][n] for n in range(STEPS)}) > STEPS // 2, "the pictures change along the way"
    assert [ability for ability, _ in engine.asked].count("decode") == 1


def test_frames_need_two_items(app: Dashboard) -> None:
    asked = {"subject": "dots", "values": {"picks": "1"}}
    answer = app.server.test_client().post("/frames", json=asked, headers=HERE)
    assert answer.status_code == 422
    assert "two items" in answer.get_json()["error"]


def test_a_picture_that_waits_is_begun_once_and_handed_out() -> None:
    began = []

    def slow() -> str:
        began.append(time.monotonic())
        time.sleep(0.4)
        return "picture"

    maps = Maps()
    assert maps.get({"a": 1, "number": 1}, slow, 0.05) is None
    assert maps.get({"a": 1, "number": 2}, slow, 0.05) is None
    assert maps.waiting({"a": 1, "number": 2, "again": True}) == "0 s"
    assert maps.get({"a": 1, "number": 3}, slow, 5) == "picture"
    assert len(began) == 1
    maps.close()


def test_a_page_that_asks_for_another_picture_stops_the_one_before_unless_another_page_wants_it() -> None:
    stopped = threading.Event()

    def slow() -> None:
        try:
            while True:
                report(0.5, "half")
                time.sleep(0.01)
        except Cancelled:
            stopped.set()
            raise

    maps = Maps()
    first = {"view": "map", "head": 0}
    assert maps.get({**first, "page": "one"}, slow, 0.05) is None
    assert maps.get({**first, "page": "two"}, slow, 0.05) is None
    assert maps.get({"view": "map", "head": 1, "page": "one"}, lambda: "next", 5) == "next"
    assert not stopped.wait(0.2)
    assert maps.get({"view": "other", "page": "two"}, lambda: "other", 5) == "other"
    assert not stopped.wait(0.2)
    assert maps.get({"view": "map", "head": 1, "page": "two"}, lambda: "next", 5) == "next"
    assert stopped.wait(5)
    maps.close()


def test_a_picture_that_nobody_asks_for_is_stopped_and_begun_anew_when_asked(
    monkeypatch: Any,
) -> None:
    monkeypatch.setattr(maps_module, "GIVEN_UP", 0.05)
    begun: list[int] = []

    def slow() -> str:
        begun.append(0)
        for step in range(40):
            report((step + 1) / 41, "")
            time.sleep(0.01)
        return "picture"

    maps = Maps()
    assert maps.get({"a": 1}, slow, 0.02) is None
    assert maps.waiting({"a": 1}).endswith("%")
    until = time.monotonic() + 5
    while maps.waiting({"a": 1}) != "about to begin" and time.monotonic() < until:
        time.sleep(0.02)
    monkeypatch.setattr(maps_module, "GIVEN_UP", 60.0)
    assert maps.get({"a": 1}, slow, 5) == "picture"
    assert len(begun) == 2
    maps.close()


def test_while_another_stands_in_only_the_words_change(app: Dashboard, monkeypatch: Any) -> None:
    monkeypatch.setattr(app.stage.maps, "get", lambda *_: None)
    request = {"subject": "dots", "view": "latent_map", "values": {"method": "umap"}, "again": True}
    assert meanwhile(app.stage, request)[0] is None


def test_an_error_of_a_waiting_picture_is_raised_once_then_tried_again() -> None:
    def fails() -> None:
        raise ControlError("no")

    maps = Maps()
    for _ in range(2):
        with pytest.raises(ControlError):
            maps.get({"a": 1}, fails, 5)
    maps.close()


def test_pca_stands_in_while_umap_is_laid_out(app: Dashboard, monkeypatch: Any) -> None:
    monkeypatch.setattr(app.stage.maps, "get", lambda *_: None)
    figure, progress = meanwhile(
        app.stage, {"subject": "dots", "view": "latent_map", "values": {"method": "umap"}}
    )
    assert figure.layout.meta["genviz"]["controls"]["method"] == "pca"
    assert progress.startswith("PCA, while UMAP is laid out")


# -- small things --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a &lt;b&gt; &#36;", "['a <b> $']"),
        ("<b>x</b> y", "[B('x'), ' y']"),
        (
            '<span style="color:#ff0000">x</span>',
            "[Span(children='x', style={'color': '#ff0000', 'fontWeight': 500})]",
        ),
        ('<span style="background:url(http://x)">x</span>', "['x']"),
        ("<script>alert(1)</script>", "['alert(1)']"),
        ("<img src=x onerror=alert(1)>", "[]"),
        ("one<br>two", "['one', ' two']"),
    ],
)
def test_words_of_figures_become_components(text: str, expected: str) -> None:
    assert repr(components(text)) == expected


def test_long_site_names_keep_both_ends() -> None:
    assert shortened("transformer.h.11.attn") == "transformer.h.11.attn"
    assert (
        shortened("model.language_model.layers.11.self_attn") == "model.…11.self_attn"
        or len(shortened("model.language_model.layers.11.self_attn")) <= 24
    )


def test_html_is_never_built_from_text() -> None:
    assert isinstance(states.card("<b>", "<i>"), html.Div)


@pytest.mark.parametrize(
    ("axis", "bottom"), [({}, 50), ({"side": "top"}, 12), ({"showticklabels": False}, 12)]
)
def test_small_print_leaves_room_below_only_for_what_stands_there(axis: dict[str, Any], bottom: int) -> None:
    figure = blank("light", margin={"b": 84})
    figure.add_scatter(x=[0, 1], y=[0, 1])
    figure.update_xaxes(**axis)
    small_print(figure, "What is left out.", "light")
    made = framed(figure)
    assert (made.note, made.figure.layout.margin.b) == (["What is left out."], bottom)


def test_another_run_keeps_the_frames_and_controls_that_still_fit(app: Dashboard) -> None:
    first = page(app.stage, Address("reader", "attention", run={"text": "one two three"}))
    again = page(app.stage, Address("reader", "attention", run={"text": "three two one"}), 2)
    nav, main, aside, here, *_ = kept(again, first[3])
    assert (nav, main, aside) == (no_update,) * 3
    assert (here["run"], here["kept"]) == ({"text": "three two one"}, True)
    longer = page(app.stage, Address("reader", "attention", run={"text": "one " * 40}))
    assert kept(longer, first[3])[1] is no_update
    assert kept(longer, first[3])[2] is longer[2], "a long text has controls of its own"
    other = page(app.stage, Address("reader", "tokens-and-positions"))
    assert kept(other, first[3]) is other
    assert kept(first, {}) is first
