"""One word in several texts: what the views show, and what they say where nothing can be shown."""

from importlib import import_module
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.metrics import silhouette_score
from sklearn.metrics.pairwise import cosine_similarity

import genviz.views as views
from genviz.errors import GenvizError, NotApplicable
from genviz.figures.theme import palette
from genviz.views import Subject
from genviz.views.sense_texts import EXAMPLES
from genviz.views.senses import Senses, layer_names, lines_of
from tests.views.subjects import SUBJECTS, language

TEXTS = """a | the cat sits on the bank
a | a cat went to bank and rob
b | the robber and the bank of river
b | a tree at bank"""


@pytest.fixture(scope="module")
def subject() -> Subject:
    return language()


def small_print(figure: object) -> str:
    notes = [note.text for note in figure.layout.annotations if note.name == "small print"]  # type: ignore[attr-defined]
    return notes[0].replace("<br>", " ") if notes else ""


def looked(subject: Subject, **look: object) -> Senses:
    return Senses.of(subject, {"word": "bank", "texts": TEXTS, "every": False, "picks": (), **look})


def test_lines_are_senses_and_texts() -> None:
    lines = lines_of("money | the bank | of\n\n  the bank  \n| no label | here\nriver |\n")
    assert [(line.label, line.text) for line in lines] == [
        ("money", "the bank | of"), ("text 2", "the bank"), ("text 3", "no label | here"), ("river", ""),
    ]  # fmt: skip


def test_the_curves_are_cosines_of_what_the_model_gives(subject: Subject) -> None:
    found = looked(subject).found
    for how, shift in (("raw", 0), ("centred", found["centre"][:, None])):
        figure = views.sense_by_layer(subject, texts=TEXTS, vectors=how)
        own = [cosine_similarity(layer) for layer in np.swapaxes(found["vectors"], 0, 1) - shift]
        lines = {trace.name: trace for trace in figure.data}
        assert list(lines)[:4] == ["A and B", "a", "b", "between"]
        np.testing.assert_allclose(lines["A and B"].y, [table[0, 2] for table in own], atol=1e-5)
        np.testing.assert_allclose(lines["b"].y, [table[2, 3] for table in own], atol=1e-5)
        between = [table[:2, 2:].mean() for table in own]
        np.testing.assert_allclose(lines["between"].y, between, atol=1e-5)
        assert ("any two tokens" in lines) == (how == "raw")
        assert (
            f"A and B: cosine {own[0][0, 2]:.3f} before, {own[-1][0, 2]:.3f} behind"
            in figure.layout.title.text
        )
        assert lines["A and B"].hovertext[0] == "A and B, the word's embedding alone<br>cosine 1.0000"
        assert list(lines["A and B"].customdata) == [0, 1, 2, 3]
    assert list(figure.layout.xaxis.ticktext) == ["word", "input", "1", "2"]


def test_a_causal_model_says_that_the_sense_has_to_stand_before(subject: Subject) -> None:
    said = small_print(views.sense_by_layer(subject))
    assert "Read from left to right: only what stands before the word counts." in said
    assert views.sense_by_layer.controls(subject)[1].value == EXAMPLES[1].texts
    assert "<b>bank</b>" in small_print(views.sense_by_layer(subject))


def test_the_map_says_how_far_senses_are_apart_in_the_full_space(subject: Subject) -> None:
    vectors = looked(subject).vectors("centred")
    for layer in (1, 3):
        figure = views.sense_map(subject, texts=TEXTS, layer=layer)
        expected = silhouette_score(vectors[layer], list("aabb"), metric="cosine")
        assert f"silhouette {expected:.2f}" in figure.layout.title.text
        assert " of 4 (chance 1.3)" in figure.layout.title.text
    assert "cosine of centred vectors, all 16 channels" in small_print(figure)
    assert len(figure.data[0].x) + len(figure.data[1].x) == 4
    assert figure.data[0].hovertext[1] == "a cat went to <b>bank</b> and rob"
    assert {trace.name for trace in figure.data} == {"a", "b", "path", "A", "B"}


def test_where_all_vectors_are_equal_the_map_says_so(subject: Subject) -> None:
    figure = views.sense_map(subject, texts=TEXTS, layer=0)
    assert figure.layout.title.text == "the word's embedding alone: all 4 vectors of “bank” are equal"
    assert not np.any(figure.data[0].x)
    assert "the embedding says nothing about sense" in next(
        note.text for note in figure.layout.annotations if note.name == "equal"
    )


def test_the_window_of_the_map_stays_while_the_layer_moves(subject: Subject) -> None:
    ranges = {
        tuple(views.sense_map(subject, texts=TEXTS, layer=layer).layout.xaxis.range) for layer in range(4)
    }
    assert len(ranges) == 1
    assert (
        views.sense_map(subject, texts=TEXTS, layer=1).to_json()
        == views.sense_map(subject, texts=TEXTS, layer=1).to_json()
    )


def test_picked_occurrences_are_compared(subject: Subject) -> None:
    assert looked(subject).pair == (0, 2)
    assert looked(subject, picks=(3,)).pair == (3, 0)
    assert looked(subject, picks=(1, 0)).pair == (1, 0)
    assert looked(subject, picks=(1, 99)).pair == (1, 2)
    assert looked(subject, picks=(1, 1)).pair == (1, 2)
    figure = views.sense_by_layer(subject, texts=TEXTS, picks=(3, 1))
    assert small_print(figure).startswith("A (b): a tree at <b>bank</b> B (a): a cat went to <b>bank</b>")


def test_heads_are_shares_of_the_difference_and_a_click_names_them(subject: Subject) -> None:
    figure = views.sense_heads(subject, texts=TEXTS)
    told = subject.live.call(  # type: ignore[union-attr]
        "word_heads", texts=["the cat sits on the bank", "the robber and the bank of river"], word="bank"
    )
    heads = [part["heads"] for part in told["parts"] if part["kind"] == "attention"]
    shares = np.asarray(figure.data[0].z)
    np.testing.assert_allclose(shares[:, :2], np.array(heads) / told["length"], atol=1e-5)
    fed = [part["value"] for part in told["parts"] if part["kind"] == "feed_forward"]
    np.testing.assert_allclose(shares[:, 2], np.array(fed) / told["length"], atol=1e-5)
    assert figure.data[0].customdata[1][0] == ["1", "0"]
    assert figure.data[0].customdata[1][2] == ["1", ""], "a feed-forward network chooses no head"
    block, head = np.unravel_index(np.argmax(shares[:, :2]), (2, 2))
    assert f"framed: block {block + 1}, head {head}, {shares[block, head]:+.1%}" in figure.layout.title.text
    assert figure.layout.title.text.startswith("A − B behind the last block: attention +")
    assert f"Length {told['length']:.4g} behind the last block" in small_print(figure)


def test_a_chosen_head_shows_what_the_word_looks_at(subject: Subject) -> None:
    figure = views.sense_heads(subject, texts=TEXTS, block="1", head=0)
    one, other = (
        subject.live.call("record", text=text)  # type: ignore[union-attr]
        for text in ("the cat sits on the bank", "the robber and the bank of river")
    )
    for bars, recording, place in ((figure.data[1], one, 5), (figure.data[2], other, 4)):
        own = recording.attention("blocks.1.attention", head=0, query=place)
        np.testing.assert_allclose(bars.y, np.asarray(own).ravel(), atol=1e-6)
    frame = next(shape for shape in figure.layout.shapes if shape.name == "chosen")
    assert (frame.x0, frame.y0) == (-0.5, 0.5)


def test_shares_behind_each_block_leave_out_what_came_before(subject: Subject) -> None:
    figure = views.sense_heads(subject, texts=TEXTS, behind="own", block="1")
    shares = np.asarray(figure.data[0].z, np.float64)
    before = 1 - shares[1].sum()
    assert "A − B behind block 2: from before" in figure.layout.title.text
    assert f"from before {before:+.0%}".replace("-", "−") in figure.layout.title.text
    np.testing.assert_allclose(
        shares[-1], np.asarray(views.sense_heads(subject, texts=TEXTS).data[0].z)[-1], atol=1e-5
    )


def test_equal_texts_have_no_sense_to_part(subject: Subject) -> None:
    texts = "the bank\nthe bank"
    figure = views.sense_by_layer(subject, texts=texts)
    np.testing.assert_allclose(figure.data[0].y, 1, atol=1e-6)
    assert "A and B are equal texts: their vectors are the same, there is no sense to part." in small_print(
        figure
    )
    assert "all 2 vectors of “bank” are equal" in views.sense_map(subject, texts=texts).layout.title.text
    with pytest.raises(
        GenvizError, match="'bank' in A and B are equal behind the last block: no head parts them"
    ):
        views.sense_heads(subject, texts=texts)
    with pytest.raises(GenvizError, match="the sense has to stand before it"):
        views.sense_heads(subject, texts="the bank of river\nthe bank and a cat")
    said = [note.text for note in views.sense_map(subject, texts=texts, layer=2).layout.annotations]
    assert "all vectors are equal here" in said


def test_where_a_text_is_nothing_but_the_word_centred_cosines_are_not_defined_at_first(
    subject: Subject,
) -> None:
    figure = views.sense_by_layer(subject, texts="bank bank bank", every=True)
    assert "undefined before" in figure.layout.title.text
    assert np.isnan(figure.data[0].y[0])


@pytest.mark.parametrize(
    ("look", "says"),
    [
        ({"texts": " \n "}, "no texts: write at least two that hold the word, one a line"),
        ({"texts": "the bank"}, "one occurrence of 'bank' has nothing to compare with: write another text"),
        ({"texts": "the bank\nthe cat"}, r"text 2 \('the cat'\) has no word 'bank': it has the, cat"),
        ({"texts": "the bank\nriver |"}, "text 2 is empty: write something that holds 'bank'"),
        ({"word": ""}, "no word: say which word of the texts is looked at"),
        ({"texts": "the bank\n" + "cat " * 40 + "bank"}, "text 2 has 41 tokens, and this model reads at"),
    ],
)  # fmt: skip
def test_what_cannot_be_shown_is_said(subject: Subject, look: dict[str, str], says: str) -> None:
    for view in (views.sense_by_layer, views.sense_map, views.sense_heads):
        with pytest.raises(GenvizError, match=says):
            view(subject, **look)


def test_one_text_with_all_its_occurrences_can_be_compared(subject: Subject) -> None:
    text = "the robber went to bank and rob the bank"
    figure = views.sense_by_layer(subject, texts=text, every=True)
    assert [trace.name for trace in figure.data] == ["A and B", "text 1"]
    assert views.sense_heads(subject, texts=text, every=True).data[1].y.shape == (9,)
    assert "silhouette" not in views.sense_map(subject, texts=text, every=True).layout.title.text
    only = views.sense_by_layer(subject, texts=f"{text}\nthe bank")
    assert "Only the first 'bank' of each text (1 more)." in small_print(only)


def test_texts_without_labels_are_not_measured(subject: Subject) -> None:
    figure = views.sense_map(subject, texts="the bank\nbank of river\na tree at bank", layer=3)
    assert figure.layout.title.text == "behind block 2"
    assert "No two texts have one label: write “sense | text”" in small_print(figure)


def test_markup_stays_text(subject: Subject) -> None:
    texts = "<b>x</b> $y$ | the bank <i>\n<a href='http://x'> | a tree at bank 🙂 بنك"
    for view in (views.sense_by_layer, views.sense_map, views.sense_heads):
        figure = view(subject, texts=texts)
        figure.layout.meta = None  # keeps the controls, which nobody draws
        written = str(figure.to_dict())
        assert "<i>" not in written
        assert "<a " not in written
        assert "$y$" not in written


def test_senses_have_the_same_colour_on_the_curve_and_on_the_map(subject: Subject) -> None:
    curve = {t.name: t.line.color for t in views.sense_by_layer(subject, texts=TEXTS, theme="dark").data}
    points = {t.name: t.marker.color for t in views.sense_map(subject, texts=TEXTS, theme="dark").data}
    assert curve["a"] == points["a"] == palette("dark").categories[0]
    assert curve["b"] == points["b"]


def test_layers_are_named_from_the_word_on() -> None:
    assert layer_names(["embedding", "h.0"]) == ["word", "1"]
    assert layer_names(["input", "h.0", "h.1"]) == ["input", "1", "2"]


def test_a_recording_alone_is_not_enough() -> None:
    with pytest.raises(NotApplicable, match=r"Alike, layer by layer needs live\.word_vectors"):
        views.sense_by_layer(SUBJECTS["transformer"]())


def test_umap_needs_more_than_a_few(subject: Subject) -> None:
    with pytest.raises(GenvizError, match="3 points are too few for a map: at least 4 are needed"):
        views.sense_map(subject, texts="the bank\nbank of river\na tree at bank", layer=3, method="umap")
    assert views.sense_map.stand_in(subject, method="umap").values == {"method": "pca"}  # type: ignore[union-attr]


def test_umap_lies_as_the_plane_does(subject: Subject, monkeypatch: pytest.MonkeyPatch) -> None:
    plane = views.sense_map(subject, texts=TEXTS, layer=3)
    before = np.stack([np.concatenate([trace[axis] for trace in plane.data[:2]]) for axis in ("x", "y")], 1)
    turn = np.array([[0.6, -0.8], [-0.8, -0.6]])  # turned and mirrored, wider, elsewhere

    def laid_out(points: np.ndarray, *, method: str, seed: int) -> SimpleNamespace:
        assert (len(points), method, seed) == (4, "umap", 7)
        return SimpleNamespace(coordinates=(before @ turn * 3 + 5).astype(np.float32))

    monkeypatch.setattr(import_module("genviz.views.sense_map"), "layout", laid_out)
    figure = views.sense_map(subject, texts=TEXTS, layer=3, method="umap", seed=7)
    shown = np.stack([np.concatenate([trace[axis] for trace in figure.data[:2]]) for axis in ("x", "y")], 1)
    np.testing.assert_allclose(shown, 3 * (before - before.mean(0)), atol=1e-5)
    assert figure.layout.xaxis.title.text == "UMAP 1 (no unit)"
    assert "Plane" not in small_print(figure)
