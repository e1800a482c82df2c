"""What a person may come with: odd texts, activations that are no numbers, layers that did not run."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from dashboards.pages import PAGES
from genviz.errors import GenvizError, NotCaptured
from genviz.live import InlineEngine, LanguageModel
from genviz.views import (
    Subject,
    View,
    attention_matrix,
    attention_profile,
    logit_lens,
    residual_norms,
    view_named,
)
from sample_models.gpt.model import GPT

PAGES_OF_TEXT = ("tokens-and-positions", "attention", "inside-the-layers", "compare")
NAMES = sorted({name for page in PAGES if page.name in PAGES_OF_TEXT for name in page.views})
TEXTS = {
    "markup": "<b>x</b> <script>alert(1)</script> $y$ %{z}",
    "emoji": "👩‍🚀 and 🤖 met 🏳️‍🌈",
    "right to left": "שלום עולם مرحبا",
    "one token": "x",
    "blanks": " \t\n ",
}


class Characters:
    """A tokenizer of characters; whatever a text holds is a token."""

    def __init__(self, *texts: str) -> None:
        self._signs = sorted({sign for text in texts for sign in text} | set("ab"))
        self.vocab_size = len(self._signs)

    def encode(self, text: str) -> list[int]:
        return [self._signs.index(sign) for sign in text]

    def tokens(self, ids: list[int]) -> list[str]:
        return [self._signs[each] for each in ids]


def subject_of(text: str, *, spoil: str = "") -> Subject:
    """A small decoder that has read a text; ``spoil`` names a parameter that is not a number."""
    torch.manual_seed(3)
    tokenizer = Characters(text, "abab")
    model = GPT(tokenizer.vocab_size, d_model=16, n_heads=2, n_layers=2, context=64).eval()
    if spoil:
        dict(model.named_parameters())[spoil].data[0] = math.nan
    live = InlineEngine(LanguageModel(model, tokenizer, text=[text, "abab"]))
    return Subject("odd", live=live, recording=live.call("record"))


def drawn(view: View, subject: Subject) -> tuple[str, str]:
    """The figure as JSON, or why there is none."""
    try:
        return view(subject).to_json(), ""
    except GenvizError as error:
        return "", str(error)


ODD = {name: subject_of(text) for name, text in TEXTS.items()}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("text", TEXTS)
def test_odd_texts_are_drawn_as_they_are_or_refused_in_words(text: str, name: str) -> None:
    view, subject = view_named(name), ODD[text]
    if view.lacks(subject):
        return
    shown, refused = drawn(view, subject)
    assert shown or (text in ("one token", "blanks") and len(refused) > 20), "only too little may be refused"
    assert "<script>" not in shown
    assert "\\u003cscript" not in shown


def spoiled() -> Subject:
    model = GPT(4, d_model=16, n_heads=2, n_layers=2, context=64)
    name = next(n for n, p in model.named_parameters() if n.startswith("blocks.0") and p.ndim == 1)
    return subject_of("abba", spoil=name)


SPOILED = spoiled()


@pytest.mark.parametrize("name", NAMES)
def test_activations_that_are_no_numbers_are_drawn_or_refused_in_words(name: str) -> None:
    view = view_named(name)
    if view.lacks(SPOILED):
        return
    shown, refused = drawn(view, SPOILED)
    assert shown or "NaN" in refused


def test_they_are_shown_as_what_they_are() -> None:
    recording = SPOILED.recorded()
    last = recording.sites("attention")[-1]
    for view in (attention_matrix, attention_profile):
        figure = view(SPOILED, site=last, head=0)
        assert "not a number (NaN)" in [trace.name for trace in figure.data]
    lengths = residual_norms(SPOILED)
    z = next(np.asarray(trace.z, float) for trace in lengths.data if trace.type == "heatmap")
    assert np.isfinite(z[0]).all(), "the input is sound"
    assert np.isnan(z[-1]).all(), "nothing after it is"


class Skips(nn.Module):
    """A decoder whose second block does not run."""

    def __init__(self, model: GPT) -> None:
        super().__init__()
        self.inner = model

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        block = self.inner.blocks[1]
        forward, block.forward = block.forward, lambda x, *_, **__: x
        try:
            found: torch.Tensor = self.inner(ids)
            return found
        finally:
            block.forward = forward


def test_a_layer_that_did_not_run_is_missing_with_its_reason_and_the_others_are_shown() -> None:
    torch.manual_seed(3)
    tokenizer = Characters("abab")
    model = Skips(GPT(tokenizer.vocab_size, d_model=16, n_heads=2, n_layers=3, context=64).eval())
    live = InlineEngine(LanguageModel(model, tokenizer, text="abab"))
    subject = Subject("skips", live=live, recording=live.call("record"))
    recording = subject.recorded()
    assert len(recording.sites("attention")) == 2
    gone = [each for each in recording.missing if each.site.startswith("inner.blocks.1")]
    assert gone
    assert all(each.reason for each in gone)
    for name in NAMES:
        view = view_named(name)
        if not view.lacks(subject):
            shown, refused = drawn(view, subject)
            assert shown or len(refused) > 20
    with pytest.raises(NotCaptured, match=r"inner\.blocks\.1\S*'"):
        recording.attention_reader(next(each.site for each in gone))
    assert attention_matrix(subject, site=recording.sites("attention")[-1], head=1).data
    assert logit_lens(subject).data


def test_texts_of_different_length_are_compared_by_what_they_share() -> None:
    subject: Any = subject_of("abba ab")
    figure = view_named("compare_attention")(subject, second="abba")
    said = " ".join(note.text for note in figure.layout.annotations if note.name == "small print")
    assert "The texts differ: 4 tokens that both have are compared (of 7 and 4)" in said.replace("<br>", " ")
    with pytest.raises(GenvizError, match="the other text is empty: write at least one word"):
        view_named("compare_attention")(subject, second="  ")
