"""Two runs side by side: what is compared, with which numbers, and what cannot be."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from genviz import LanguageModel
from genviz.analysis.comparing import divergence
from genviz.errors import NotCaptured, TooLong
from genviz.live import InlineEngine
from genviz.views import Subject, compare_attention, compare_heads, compare_predictions, compare_stream
from genviz.views.comparing import TEXT, comparable
from sample_models.gpt.model import GPT
from tests.capture.models import HandWritten
from tests.views.subjects import transformer

LAYER = "blocks.1"
VIEWS = (compare_stream, compare_heads, compare_attention)


def base() -> nn.Module:
    torch.manual_seed(0)
    return HandWritten()


def shown(model: nn.Module, name: str = "base") -> Subject:
    live = InlineEngine(LanguageModel(model, text=["1 2 3 4 5", "1 9 3 4 5 6"]))
    return Subject(name, recording=live.call("record"), live=live)


def tuned() -> tuple[Subject, Subject]:
    """A model, and a copy of it in which one layer was changed."""
    first = base()
    second = copy.deepcopy(first)
    with torch.no_grad():
        for parameter in second.get_submodule(LAYER).parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    return shown(first), shown(second, "tuned")


def test_only_the_changed_layer_differs() -> None:
    one, other = tuned()
    subject = Subject(one.name, one.recording, one.live, beside={"tuned": other})
    turns = np.asarray(compare_stream(subject, other="tuned").data[0].z, float)
    np.testing.assert_allclose(turns[:2], 0, atol=1e-6)  # the input and the first block
    assert (turns[2] > 1e-3).all()


def test_the_difference_of_heads_is_that_of_their_weights() -> None:
    one, other = tuned()
    subject = Subject(one.name, one.recording, one.live, beside={"tuned": other})
    assert one.recording is not None
    assert other.recording is not None
    site = one.recording.sites(kind="attention")[1]
    maps = [np.asarray(each.attention(site, head=2)) for each in (one.recording, other.recording)]
    drawn = compare_attention(subject, other="tuned", site=site, head=2)
    np.testing.assert_allclose(
        np.nan_to_num(np.asarray(drawn.data[0].z, float)), maps[1] - maps[0], atol=1e-6
    )
    scores = np.asarray(compare_heads(subject, other="tuned", site=site, head=2).data[0].z, float)
    assert scores.max() > 0
    assert np.isclose(scores, divergence(maps[0], maps[1]).mean(), atol=1e-5).any()


def test_another_text_is_compared_where_both_have_the_same_tokens() -> None:
    subject = shown(base())
    figure = compare_stream(subject, other=TEXT, second="1 9 3 4 5 6")
    assert list(figure.layout.xaxis.ticktext) == ["1", "3", "4", "5"]
    assert any("4 tokens that both have" in note.text for note in figure.layout.annotations)
    words = compare_predictions(subject, other=TEXT, second="1 9 3 4 5 6")
    assert list(words.layout.xaxis.ticktext) == ["1", "3", "4", "5"]


def test_predictions_are_the_models_own() -> None:
    model = base().eval()
    subject = shown(model)
    figure = compare_predictions(subject, other=TEXT, second="1 9 3 4 5")
    with torch.no_grad():
        chance = model(torch.tensor([[1, 2, 3, 4, 5]])).softmax(-1).max(-1)
    kept = [0, 2, 3, 4]
    np.testing.assert_allclose(figure.data[0].z[0], chance.values[0][kept].numpy(), atol=1e-5)
    assert list(figure.data[0].text[0]) == [str(int(each)) for each in chance.indices[0][kept]]


def test_the_first_sight_changes_one_word() -> None:
    controls = {control.name: control for control in compare_stream.controls(shown(base()))}
    assert controls["second"].value == "1 9 3 4 5 6"  # an example that shares most of its words
    live = InlineEngine(LanguageModel(HandWritten(vocab=50_000), text=["11 2222 33", "44444 55 66"]))
    subject = Subject("m", recording=transformer(), live=live)
    controls = {control.name: control for control in compare_stream.controls(subject)}
    assert controls["second"].value == "11 44444 33"


@pytest.mark.parametrize("view", VIEWS)
def test_an_empty_text_and_one_with_nothing_in_common(view: object) -> None:
    subject = shown(base())
    with pytest.raises(NotCaptured, match="the other text is empty: write at least one word"):
        view(subject, other=TEXT, second="  ")  # type: ignore[operator]
    with pytest.raises(NotCaptured, match="no token in common: 1 2 3 4 5 and 7 8"):
        view(subject, other=TEXT, second="7 8")  # type: ignore[operator]


def test_models_of_another_build_are_refused_with_the_reason() -> None:
    one, other = transformer(), transformer(layers=2)
    subject = Subject("one", one, beside={"two": Subject("two", other)})
    with pytest.raises(NotCaptured, match="4 and 2 sites; compare models of the same build"):
        compare_heads(subject, other="two")
    with pytest.raises(NotCaptured, match="'one' has 4 layers 32 wide, 'two' 2 layers 32 wide"):
        compare_stream(subject, other="two")
    assert not comparable(subject, subject.beside["two"])
    assert comparable(subject, Subject("again", transformer()))


def test_another_text_that_is_too_long_is_cut_when_that_is_switched_on() -> None:
    model = GPT(30, d_model=16, n_heads=2, n_layers=2, context=8)
    live = InlineEngine(LanguageModel(model, text=["1 2 3 4 5", "1 9 3 4 5 6"]))
    subject = Subject("short", recording=live.call("record"), live=live)
    long = " ".join(map(str, range(1, 13)))
    for view in (*VIEWS, compare_predictions):
        with pytest.raises(TooLong, match=r"has 12 tokens.* at most 8: .*; “Cut it if it is too long” does"):
            view(subject, second=long)
        figure = view(subject, second=long, cut=True)
        assert figure.layout.meta["genviz"]["controls"]["cut"] is True
