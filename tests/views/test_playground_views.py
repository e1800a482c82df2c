"""The playground's views: their bars are the model's probabilities, their maps its attention."""

import threading
import time
from typing import Any

import numpy as np
import pytest
import torch

from genviz.errors import ControlError
from genviz.live import InlineEngine
from genviz.views import Subject, answer_attention, next_distribution, writing
from genviz.views.asking import follow
from tests.live.small_models import IDS, TARGET, VOCAB, live_of

FAMILIES = ["gpt2", "llama", "t5", "gpt", "translator"]
PROMPT = " ".join(map(str, IDS))


def shown(family: str) -> Subject:
    live = live_of(family)
    recording = live.record(IDS, TARGET) if live.two_sided else live.record(IDS)
    return Subject(family, recording=recording, live=InlineEngine(live))


def probabilities(subject: Subject, answer: list[int]) -> Any:
    """Of the next word, by the model called directly."""
    live: Any = subject.live._live  # type: ignore[union-attr]
    model = live.modules[""]
    with torch.no_grad():
        if live.two_sided:
            out = live.scores(live._run(IDS, [*live._start(), *answer]))
        else:
            out = live.scores(model(torch.tensor([[*IDS, *answer]])))
    return out[0, -1].double().softmax(0).numpy()


def named(figure: Any, name: str) -> Any:
    return next(trace for trace in figure.data if trace.name == name)


def bars(figure: Any) -> tuple[Any, Any]:
    """Lengths of the bars after all settings, the chosen word's among them, and by the model."""
    after = [np.asarray(named(figure, name).x) for name in ("after all settings", "the word drawn")]
    return np.nanmax(after, axis=0), np.asarray(named(figure, "by the model").x)


@pytest.mark.parametrize("family", FAMILIES)
def test_bars_are_the_models_probabilities_and_what_the_settings_leave(family: str) -> None:
    subject = shown(family)
    how: dict[str, Any] = {
        "prompt": PROMPT,
        "temperature": 0.5,
        "top_k": 6,
        "top_p": 1.0,
        "max_new": 4,
        "seed": 1,
    }
    ids = subject.live.call("generate", **writing.asked(how))["samples"][0]["ids"]  # type: ignore[union-attr]
    for step in range(len(ids)):
        figure = next_distribution(subject, **how, step=step)
        after, before = bars(figure)
        plain = probabilities(subject, ids[:step])
        order = np.argsort(-plain, kind="stable")[: len(before)]
        np.testing.assert_allclose(before, plain[order], atol=1e-5)
        kept = np.zeros(VOCAB)
        kept[order[:6]] = plain[order[:6]] ** 2
        np.testing.assert_allclose(after, kept[order] / kept.sum(), atol=1e-5)
        assert f"<b>w{ids[step]}</b>" in figure.layout.title.text
        assert f"drawn with {kept[ids[step]] / kept.sum():.1%} out of 6" in figure.layout.title.subtitle.text


def test_the_nucleus_is_shaded_up_to_the_word_that_crosses_p() -> None:
    subject = shown("gpt2")
    figure = next_distribution(subject, prompt=PROMPT, top_p=0.6, max_new=3, temperature=2)
    pile, inside = named(figure, "cumulative"), named(figure, "nucleus")
    chances = np.sort(probabilities(subject, []) ** 0.5)[::-1]
    total = np.cumsum(chances / chances.sum())
    np.testing.assert_allclose(pile.y, total, atol=1e-5)
    size = int(np.argmax(total >= 0.6)) + 1
    assert inside.x.tolist() == list(range(1, size + 1))
    note = figure.layout.annotations[-1].text
    assert f"Excluded: {VOCAB - size} by top p; the likeliest of them: " in note
    assert f"{size} of {VOCAB} words" in [each.text for each in figure.layout.annotations]
    assert "model" in note
    assert "→ temperature 2" in note


def test_words_taken_banned_and_set_beside() -> None:
    subject = shown("gpt2")
    base: dict[str, Any] = {"prompt": PROMPT, "temperature": 0.0, "max_new": 5}
    ids = writing.answered(subject, base)["samples"][0]["ids"]
    other = (ids[1] + 1) % VOCAB
    taken = next_distribution(subject, **base, forced=f"1:#{other}", step=1)
    assert f"<b>w{other}</b>" in taken.layout.title.text
    assert "by forced" in taken.layout.annotations[-1].text
    banned = writing.answered(subject, {**base, "banned": f"#{ids[0]}"})["samples"][0]["ids"]
    assert ids[0] not in banned
    beside = {**base, "beside": "temperature=1.5, top p=0.5, seed=3"}
    assert writing.asked({**beside, "lane": 1})["temperature"] == 1.5
    assert writing.asked({**beside, "lane": 1})["top_p"] == 0.5
    assert writing.asked({**beside, "lane": 0})["temperature"] == 0


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"forced": "river"}, "forced='river' does not fit: say which word stands where, such as 0:river"),
        ({"beside": "colour=2", "lane": 1}, "beside='colour=2' does not fit: say one of max_new, min_p"),
        ({"beside": "top_p=high", "lane": 1}, "beside='top_p=high' does not fit: 'high' is not a number"),
        ({"beside": "top_p=7", "lane": 1}, "top_p=7.0 does not fit: give more than 0 and at most 1"),
        ({"stop": "a||b"}, "a stop sequence is empty, and would end every answer"),
        ({"prompt": " "}, "the prompt is empty: give at least one word to go on from"),
        ({"temperature": -1}, "temperature=-1 does not fit: temperature takes a number from 0 to 2"),
        ({"max_new": 0}, "max_new=0 does not fit: max length takes a number from 1 to 1024"),
    ],
)
def test_what_does_not_fit_is_said(values: dict[str, Any], says: str) -> None:
    with pytest.raises(ControlError) as refused:
        next_distribution(shown("gpt2"), **{"prompt": PROMPT, **values})
    assert says in str(refused.value)


@pytest.mark.parametrize("family", FAMILIES)
def test_where_it_looked_is_the_attention_of_one_pass(family: str) -> None:
    subject = shown(family)
    how: dict[str, Any] = {"prompt": PROMPT, "temperature": 0.0, "max_new": 4}
    ids = writing.answered(subject, how)["samples"][0]["ids"]
    live: Any = subject.live._live  # type: ignore[union-attr]
    whole = live.record([*IDS, *ids]) if not live.two_sided else live.record(IDS, ids)
    decoder = [site for site in whole.sites(kind="attention") if not site.startswith("encoder")]
    for step in range(len(ids)):
        figure = answer_attention(subject, **how, step=step)
        rows = np.asarray(figure.data[0].z, float)
        assert len(rows) == len(decoder)
        for row, site in zip(rows, decoder, strict=True):
            at = step if live.two_sided else len(IDS) + step - 1
            expected = np.asarray(whole.attention(site))[:, at].mean(0)
            found = row[~np.isnan(row)]
            np.testing.assert_allclose(found, expected[: len(found)], atol=1e-5)
            assert found.sum() == pytest.approx(1, abs=1e-4)


def test_markup_in_tokens_is_text() -> None:
    live = live_of("gpt2")
    live.target.tokenizer.tokens = lambda ids: [f"<b>{each}</b>" for each in ids]
    figure = next_distribution(
        Subject("odd", recording=live.record(), live=InlineEngine(live)), prompt=PROMPT, max_new=2
    )
    assert "&lt;b&gt;" in figure.layout.title.text
    assert all("<b><b>" not in label for label in figure.layout.yaxis.ticktext)


def test_who_asks_for_what_is_being_written_waits_for_it() -> None:
    subject = shown("llama")
    how: dict[str, Any] = {"prompt": PROMPT, "max_new": 40, "banned": "#2"}
    call = follow(subject, "generate", **writing.asked(how))
    calls: list[str] = []
    live: Any = subject.live
    plain = live.submit

    def counted(ability: str, **arguments: Any) -> Any:
        calls.append(ability)
        return plain(ability, **arguments)

    live.submit = counted
    assert writing.answered(subject, how) == call.result(0)
    assert calls == [], "it was not written a second time"
    other = {**how, "seed": 1}
    waits = threading.Thread(target=writing.answered, args=(subject, other))
    waits.start()
    while not calls:
        time.sleep(0.001)
    joined = follow(subject, "generate", **writing.asked(other))
    assert len([item for item in joined.items() if item]) == 40, "who follows sees all of it"
    waits.join(20)
    assert calls == ["generate"]
    assert writing.answered(subject, other) == joined.result(0) != call.result(0)
