"""The logit lens as a view: its words and numbers are the model's, asked once, and its reasons are said."""

from typing import Any

import numpy as np
import pytest
import torch

from genviz.errors import NotApplicable, NotCaptured
from genviz.live import InlineEngine, LanguageModel
from genviz.views import Subject, logit_lens
from genviz.views.asking import ids_of
from tests.live.small_models import IDS, TARGET, Identity, live_of, model_of
from tests.views.subjects import transformer


def shown(kind: str, **record: Any) -> Subject:
    live = live_of(kind)
    return Subject(kind, recording=live.record(**record), live=InlineEngine(live))


def test_cells_are_the_words_and_probabilities_of_the_model() -> None:
    subject = shown("gpt")
    figure = logit_lens(subject)
    model: Any = model_of("gpt")
    ids = torch.tensor([IDS])
    with torch.no_grad():
        x = model.token_embedding(ids) + model.position_embedding(torch.arange(len(IDS)))
        x = model.blocks[0](x)
        share = model.head(model.norm(x))[0].softmax(-1).max(-1)
    assert list(figure.data[0].text[1]) == [f"w{each}" for each in share.indices]
    np.testing.assert_allclose(figure.data[0].z[1], share.values, atol=1e-6)
    assert figure.data[0].customdata[1][3] == ["3"]
    rank = logit_lens(subject, word="7", show="rank")
    assert rank.layout.title.text == "rank of w7, after each layer (logit lens)"
    assert "Each state goes through norm → head; the last layer's" in rank.layout.annotations[0].text


def test_the_decoder_of_an_encoder_decoder_is_read_on_what_was_recorded() -> None:
    subject = shown("t5", target_text=TARGET)
    assert ids_of(subject.recorded()) == {"text": IDS, "target_text": TARGET}
    figure = logit_lens(subject)
    assert list(figure.layout.xaxis.ticktext) == [f"w{each}" for each in TARGET]
    assert "run again" in figure.layout.annotations[0].text


def test_the_model_is_asked_once_for_one_text() -> None:
    subject = shown("gpt")
    asked: list[str] = []
    call = subject.live.call  # type: ignore[union-attr]

    def counting(ability: str, **arguments: Any) -> Any:
        asked.append(ability)
        return call(ability, **arguments)

    subject.live.call = counting  # type: ignore[union-attr, method-assign]
    for theme in ("light", "dark"):
        for show in ("top", "rank", "entropy"):
            logit_lens(subject, theme=theme, show=show)
    assert asked == ["logit_lens"]
    logit_lens(subject, word="3")
    assert asked == ["logit_lens", "logit_lens"]


def test_reasons() -> None:
    with pytest.raises(NotApplicable, match=r"Logit lens needs logits or top_logits and live\.logit_lens"):
        logit_lens(transformer())
    encoder = LanguageModel(model_of("bert").bert, Identity(), text="3 4 5", title="MiniLM")
    subject = Subject("MiniLM", recording=encoder.record(), live=InlineEngine(encoder))
    with pytest.raises(NotApplicable, match="the model has no output layer as wide as its vocabulary"):
        logit_lens(subject)
    with pytest.raises(NotCaptured, match="the ids that went in were not captured"):
        ids_of(transformer())


def test_markup_in_tokens_and_one_token() -> None:
    class Odd(Identity):
        def tokens(self, ids: list[int]) -> list[str]:
            return ["<b>%{x}</b>" for _ in ids]

    live = LanguageModel(model_of("gpt"), Odd(), text="3")
    figure = logit_lens(Subject("odd", recording=live.record(), live=InlineEngine(live)))
    assert figure.data[0].text[0][0].startswith("&lt;b&gt;%&#123;")
