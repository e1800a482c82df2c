"""The dials of a GPT: own sizes give a model's own count, GPT-3's the published ones, bad ones a reason."""

from typing import Any

import pytest
import torch
import transformers

from genviz.analysis.accounting import GPT3
from genviz.errors import ControlError
from genviz.live import InlineEngine, LanguageModel
from genviz.recording import Recording
from genviz.showing import sample_subjects
from genviz.views import Subject, gpt_dials
from genviz.views.gpt_dials import dials_of, presets, size_of
from tests.views.subjects import language, mixture, transformer


def gpt2(**sizes: Any) -> Subject:
    torch.manual_seed(0)
    model = transformers.GPT2LMHeadModel(transformers.GPT2Config(**sizes)).eval()
    live = InlineEngine(LanguageModel(model, text=["5 9 3"]))
    return Subject("small GPT-2", live=live, recording=live.call("record"))


def shares(figure: Any, axis: str) -> dict[str, float]:
    """Values of the bars of an axis, added up by name."""
    return {
        trace.name: float(sum(trace.x))
        for trace in figure.data
        if trace.type == "bar" and trace.yaxis == axis
    }


def said(figure: Any) -> str:
    texts = [note.text for note in figure.layout.annotations]
    return " ".join([*texts, figure.layout.legend.title.text, figure.layout.legend2.title.text]).replace(
        "<br>", " "
    )


@pytest.mark.parametrize("sizes", [
    {"n_layer": 2, "n_embd": 24, "n_head": 3, "n_positions": 16, "vocab_size": 40},
    {"n_layer": 1, "n_embd": 32, "n_head": 1, "n_positions": 9, "vocab_size": 11},
    {"n_layer": 3, "n_embd": 16, "n_head": 8, "n_positions": 40, "vocab_size": 60,
     "tie_word_embeddings": False},
])  # fmt: skip
def test_a_gpt2s_own_sizes_give_its_own_count(sizes: dict[str, Any]) -> None:
    subject = gpt2(**sizes)
    figure = gpt_dials(subject)
    assert sum(shares(figure, "y").values()) == subject.info["facts"]["n_params"]
    assert f"<b>{subject.info['facts']['n_params']:,} parameters</b>" in said(figure)
    assert "small GPT-2 has these sizes, and counts as many parameters itself" in said(figure)
    weights = next(trace for trace in figure.data if trace.name == "weights")
    assert set(weights.x) == {subject.info["facts"]["bytes"]}


def test_the_sample_gpt_counts_as_the_dials_do() -> None:
    [subject] = sample_subjects(["gpt"])
    assert subject.live is not None
    size = size_of(dials_of(subject))
    assert size.n_params == subject.info["facts"]["n_params"]
    by_part: dict[str, int] = dict.fromkeys(size.parts, 0)
    for row in subject.info["parts"]:
        by_part[row["part"]] += row["times"] * int(torch.Size(row["shape"]).numel())
    assert by_part == size.parts


def test_presets_are_the_model_and_gpt3() -> None:
    subject = language()
    names = [name for name, _ in presets(subject)]
    assert names == ["this model", *(each.name for each in GPT3)]
    for (_, values), each in zip(presets(subject)[1:], GPT3, strict=True):
        figure = gpt_dials(subject, **values)
        assert sum(shares(figure, "y").values()) == each.n_params
        assert "to train on 300 B tokens" in said(figure)
        assert size_of({**dials_of(subject), **values}).batch == pytest.approx(each.batch, rel=1e-3)


def test_what_is_not_divisible_is_refused_with_the_reason() -> None:
    with pytest.raises(ControlError, match=r"d_model=16 is not divisible by n_heads=3: .* Take 2 or 4 heads"):
        gpt_dials(language(), n_heads=3)


def test_heads_of_another_width_are_told() -> None:
    text = said(gpt_dials(language(), n_heads=3, d_head=8))
    assert "3 heads × 8 are 24 channels, not the model's 16: the projections lead there and back" in text


def test_half_a_layer_is_refused() -> None:
    with pytest.raises(ControlError, match=r"n_layers=2.5 does not fit: it counts things"):
        gpt_dials(language(), n_layers=2.5)


def test_another_layout_is_told_with_what_differs() -> None:
    subject = mixture()
    text = said(gpt_dials(subject))
    counted, ours = subject.info["facts"]["n_params"], size_of(dials_of(subject)).n_params
    assert f"mixture itself counts {counted:,}, {abs(counted - ours):,} " in text
    for reason in ("no table of positions", "1 key/value heads", "no biases", "experts"):
        assert reason in text


def test_sizes_that_are_not_told_are_said() -> None:
    text = said(gpt_dials(Subject("decoder", recording=transformer())))
    assert "it does not tell its context" in text
    assert "only a recording, without its model" in text


def test_time_is_operations_over_the_measured_speed() -> None:
    subject = language()
    assert subject.live is not None
    rates = sorted(subject.live.call("throughput")["rates"])
    figure = gpt_dials(subject, beside="NVIDIA A100", count=10, utilisation=50, tokens=2)
    [points] = [trace for trace in figure.data if trace.name == "time"]
    assert list(points.y) == ["one step here", "all steps here", "all steps, 10 × A100"]
    flops = points.x[2] * 10 * 0.5 * 312e12
    assert rates[0] <= flops / points.x[1] <= rates[-1]
    assert points.x[1] / points.x[0] == pytest.approx(2e6 / size_of(dials_of(subject)).batch)
    assert all(each >= 0 for each in (*points.error_x.array, *points.error_x.arrayminus))


def test_a_gpu_is_shown_only_when_asked_for() -> None:
    figure = gpt_dials(language(), beside="nothing")
    assert "A100" not in said(figure)
    empty = gpt_dials(Subject("decoder", recording=transformer()), beside="nothing")
    assert not [trace for trace in empty.data if trace.name == "time"]


def test_texts_at_once_are_no_more_than_a_step_has() -> None:
    subject = language()
    few = shares(gpt_dials(subject, batch=4, at_once=4), "y2")
    assert shares(gpt_dials(subject, batch=4, at_once=900), "y2") == few


def test_markup_in_a_name_stays_text() -> None:
    made = transformer()
    recording = Recording(made.entries(), {**made.info, "title": "<b>x</b>"})
    assert "<b>x" not in said(gpt_dials(Subject("<b>x</b>", recording=recording)))
