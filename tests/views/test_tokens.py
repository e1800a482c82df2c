"""Tokens: of a live model, of a plain recording, and of odd texts."""

import numpy as np
import pytest

from genviz import views
from genviz.errors import NotApplicable, NotCaptured
from genviz.recording import Recording
from genviz.views import Subject
from genviz.views.tokenizations import text_of
from tests.views.subjects import language


def headings(figure: object) -> list[str]:
    return [note.text.split("</b>")[0] for note in figure.layout.annotations if note.text.startswith("<b>")]  # type: ignore[attr-defined]


def test_a_live_model_shows_its_own_text_and_tokens() -> None:
    subject = language()
    assert text_of(subject) == ("The cat sits on mat", False)
    figure = views.tokenizations(subject, trained="all", size=40)
    assert [name.removeprefix("<b>") for name in headings(figure)][:4] == [
        "characters", "words", "sentences", "this model",
    ]  # fmt: skip
    assert [name for name in headings(figure) if "trained here" in name] == [
        "<b>BPE, trained here", "<b>WordPiece, trained here", "<b>Unigram, trained here",
    ]  # fmt: skip


def test_a_plain_recording_shows_the_tokens_it_has() -> None:
    recording = Recording(info={"tokens": [["[CLS]", "the", "cat", "##s", "<b>"]]})
    figure = views.tokenizations(recording)
    (small,) = [note for note in figure.layout.annotations if note.name == "small print"]
    assert "put together from them" in small.text.replace("<br>", " ")
    own = next(trace for trace in figure.data if trace.name == "this model")
    assert list(own.text) == ["[CLS]", "the", "cat", "##s", "&lt;b&gt;"]
    assert "no id" in own.hovertext[1]
    recording.add("embed", "ids", np.array([[7, 8, 9, 10, 11]]))
    own = next(trace for trace in views.tokenizations(recording).data if trace.name == "this model")
    assert "id 8" in own.hovertext[1]


@pytest.mark.parametrize(
    "text", ["", "👩‍🚀🤖", "مرحبا بكم", "<script>alert(1)</script> %{x} $y$", "\ud800 lone"]
)
def test_odd_texts(text: str) -> None:
    recording = Recording(info={"tokens": [list(text) or [""]], "text": [text]})
    figure = views.tokenizations(recording, trained="BPE" if text.strip() and text.isprintable() else "none")
    assert "<script>" not in figure.to_json()


def test_without_a_token_it_says_what_to_record() -> None:
    with pytest.raises(NotApplicable, match=r"needs info\.tokens or info\.text or live\.tokenizations"):
        views.tokenizations(Recording())
    with pytest.raises(NotCaptured, match=r"record with tokens=\[…\] or tokenizer="):
        text_of(Subject("bare", recording=Recording()))


def test_a_token_that_is_chosen_is_framed_and_its_row_of_positions_too() -> None:
    subject = language()
    figure = views.tokenizations(subject, position=1)
    own = next(trace for trace in figure.data if trace.name == "this model")
    assert [each[0] for each in own.customdata] == [0, 1, 2, 3, 4], "what a click sets"
    frame = next(trace for trace in figure.data if trace.name == "chosen")
    assert min(frame.x[:4]) <= own.x[1] <= max(frame.x[:4])
    assert not any(t.customdata is not None for t in figure.data if t.name in ("words", "characters"))
    alike = views.position_similarity(subject, position=1)
    assert (alike.layout.shapes[0].y0, alike.layout.shapes[0].y1) == (0.5, 1.5)
    row = np.where(np.arange(len(alike.data[0].z)) == 1, -np.inf, alike.data[0].z[1])
    best = int(row.argmax())
    said = next(note.text for note in alike.layout.annotations if note.name == "small print")
    assert f"Position 1 is most like {best} ({row[best]:.3f})" in said.replace("<br>", " ")
    for view in (views.tokenizations, views.position_similarity, views.embedding_neighbours):
        assert next(c.value for c in view.controls(subject) if c.name == "position") == 4, "the last word"


def test_a_piece_tells_which_characters_it_stands_for() -> None:
    recording = Recording(info={"tokens": [["[CLS]", "the", "cat", "##s"]], "text": ["The cats"]})
    own = next(trace for trace in views.tokenizations(recording).data if trace.name == "this model")
    assert "characters 4–6" in own.hovertext[2]
    assert "character 7<br>" in own.hovertext[3]
    assert "character" not in own.hovertext[0], "a special token stands nowhere"


def test_a_live_model_itself_can_be_looked_at() -> None:
    from torch import nn

    from genviz.live import LanguageModel

    live = LanguageModel(nn.Sequential(nn.Embedding(10, 8), nn.Linear(8, 10)), text="1 2 3")
    own = next(trace for trace in views.tokenizations(live).data if trace.name == "this model")
    assert list(own.text) == ["1", "2", "3"]
