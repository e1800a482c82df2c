"""A translation step by step: rows, words and probabilities are the model's own."""

from typing import Any

import numpy as np
import pytest
import torch
import transformers

from dashboards.framing import framed
from genviz import LanguageModel, record
from genviz.errors import NotApplicable
from genviz.figures import translation_steps as figures
from genviz.recording import Recording
from genviz.views import Subject, as_subject, translation_steps
from genviz.views.translation_steps import cross_sites
from sample_models.translator.model import parts
from tests.views.subjects import language, two_sided


def bars(figure: Any) -> Any:
    return next(trace for trace in figure.data if trace.type == "bar")


@pytest.fixture(scope="module")
def translator() -> Subject:
    return as_subject(LanguageModel(**parts()))


@pytest.mark.parametrize("step", [0, 1, 3])
def test_at_each_step_the_next_word_is_what_the_model_says(translator: Subject, step: int) -> None:
    figure = translation_steps(translator, step=step)
    assert translator.live is not None
    so_far = ["the", "black", "cat"][:step]
    told = translator.live.call("next_tokens", text="le chat noir", count=5, target_text=" ".join(so_far))
    np.testing.assert_allclose(bars(figure).x, told["probabilities"], atol=1e-6)
    assert bars(figure).customdata[0].strip() == ["the", "black", "cat", "&lt;eos&gt;"][step].strip()
    (said,) = (trace.text[0] for trace in figure.data if trace.name == "so far")
    assert said == f"so far: <b>{' '.join(['&lt;bos&gt;', *so_far])}</b> …"


def test_rows_are_cross_attention_and_later_ones_are_not_there_yet(translator: Subject) -> None:
    recording = translator.recorded()
    site = cross_sites(recording)[-1]
    figure = translation_steps(translator, step=1, layer=site)
    (found,) = (trace for trace in figure.data if trace.type == "heatmap")
    expected = np.asarray(recording.attention(site).mean("head"))
    np.testing.assert_allclose(found.z[:2], expected[:2], atol=1e-6)
    assert np.isnan(found.z[2:]).all()
    one = translation_steps(translator, step=1, layer=site, looking="2")
    np.testing.assert_allclose(
        one.data[0].z[:2], np.asarray(recording.attention(site, head=2))[:2], atol=1e-6
    )
    assert list(figure.layout.yaxis.ticktext) == ["&lt;bos&gt; → the", "the → ?", "", ""]


def test_every_step_is_in_the_figure_so_that_playing_asks_nobody(translator: Subject) -> None:
    figure = translation_steps(translator, step=0)
    assert figure.layout.meta["played"]["control"] == "step"
    assert [frame.name for frame in figure.frames] == ["0", "1", "2", "3"]
    for step in range(4):
        alone = translation_steps(translator, step=step)
        frame = figure.frames[step]
        parts = dict(zip(frame.traces, frame.data, strict=True))
        for at, whole in enumerate(alone.data):
            for name in ("x", "y", "z", "text", "customdata"):
                own = getattr(parts.get(at), name, None)
                told = getattr(figure.data[at], name, None) if own is None else own
                expected = getattr(whole, name, None)
                if expected is None or isinstance(expected[0], str):
                    assert told == expected
                else:
                    np.testing.assert_array_equal(np.asarray(told, float), np.asarray(expected, float))
        assert frame.layout.yaxis.ticktext == alone.layout.yaxis.ticktext
    assert len(figure.to_json()) < 60_000, "all of it together"
    beside = framed(figure)
    assert not beside.figure.layout.sliders, "the page has a bar of its own"
    assert 12 <= beside.figure.layout.margin.b <= 60


def test_a_long_answer_shows_a_window_and_one_that_is_too_long_a_step_at_a_time() -> None:
    draw = np.random.default_rng(0)
    for steps, source, whole in ((60, 30, True), (400, 300, False)):
        weights = draw.dirichlet(np.ones(source), steps)
        written = figures.Written(["s"] * source, ["t"] * steps, weights, [[] for _ in range(steps)])
        figure = figures.translation_steps(written, 50)
        np.testing.assert_allclose(figure.data[0].z, weights[27:51], atol=1e-6)
        assert figure.data[0].y0 == 27
        assert bool(figure.layout.meta) == whole == bool(len(figure.frames) > 1)
        assert len(figure.to_json()) < 2_000_000


def test_only_a_recording_names_words_by_their_ids() -> None:
    assert all(name.startswith("#") for name in bars(translation_steps(two_sided())).customdata)


def built(kind: str) -> Any:
    torch.manual_seed(0)
    if kind == "t5":
        config: Any = transformers.T5Config(
            vocab_size=40, d_model=16, d_kv=8, d_ff=32, num_layers=2, num_heads=2, decoder_start_token_id=1
        )
        return transformers.T5ForConditionalGeneration(config)
    sizes = {
        "vocab_size": 40, "d_model": 16, "encoder_layers": 2, "decoder_layers": 2, "encoder_ffn_dim": 32,
        "encoder_attention_heads": 2, "decoder_attention_heads": 2, "decoder_ffn_dim": 32, "pad_token_id": 0,
        "decoder_start_token_id": 1, "bos_token_id": 1, "eos_token_id": 2, "max_position_embeddings": 32,
    }  # fmt: skip
    if kind == "bart":
        return transformers.BartForConditionalGeneration(transformers.BartConfig(**sizes))
    return transformers.MarianMTModel(transformers.MarianConfig(**sizes))


@pytest.mark.parametrize("kind", ["t5", "bart", "marian"])
def test_hugging_face_encoder_decoders(kind: str) -> None:
    model = built(kind).eval()
    source, target = torch.tensor([[5, 9, 3, 17]]), torch.tensor([[1, 7, 12]])
    with torch.no_grad(), record(model) as recording:
        out = model(input_ids=source, decoder_input_ids=target)
    subject = Subject(kind, recording=recording)
    assert len(cross_sites(recording)) == 2
    figure = translation_steps(subject, step=1)
    expected = out.logits[0, 1].softmax(-1).topk(5)
    np.testing.assert_allclose(bars(figure).x, expected.values, atol=1e-5)
    assert list(bars(figure).customdata) == [f"#{each}\u2003" for each in expected.indices.tolist()]
    assert figure.data[0].z.shape == (3, 4)


def test_a_model_of_one_text_has_no_translation() -> None:
    with pytest.raises(NotApplicable, match="needs cross_attention"):
        translation_steps(language())


def test_without_predictions_it_is_said() -> None:
    whole = two_sided().recorded()
    kept = [entry for entry in whole.entries() if not entry.kind.startswith("top_")]
    figure = translation_steps(Subject("part", recording=Recording(kept, whole.info)))
    assert any("no predictions were captured" in str(each.text) for each in figure.layout.annotations)
