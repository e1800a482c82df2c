"""What a person does on the playground, done in Chromium: on the sample GPT and on Hugging Face models."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from dashboards.server import Server, start
from genviz.live import InlineEngine, ProcessEngine, open_source, wrap
from genviz.views import Subject
from sample_models.gpt.model import parts
from tests.browser.conftest import Open, Visit

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

WORDS = "the cat sits on a mat and looks at big old river bank house tree robber".split()  # noqa: SIM905
SLOW = "max_new=1000&temperature=1.5&top_p=1"
DONE = "() => document.querySelector('#playground [data-do=again]:not([hidden])')"
FAMILIES = ("gpt2", "llama", "t5")
DEEP = "deep"  # a Llama that takes its time


def _tokenizer() -> Any:
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    names = ["<unk>", "<eos>", "<pad>", *WORDS]
    made = Tokenizer(models.WordLevel({name: at for at, name in enumerate(names)}, unk_token="<unk>"))
    made.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(
        tokenizer_object=made, unk_token="<unk>", eos_token="<eos>", pad_token="<pad>"
    )


def _model(family: str) -> Any:
    import transformers

    torch.manual_seed(0)
    ids = {"vocab_size": len(WORDS) + 3, "eos_token_id": 1, "pad_token_id": 2}
    if family == "gpt2":
        config = transformers.GPT2Config(n_embd=16, n_layer=2, n_head=2, n_positions=2048, **ids)
        return transformers.GPT2LMHeadModel(config)
    if family in ("llama", DEEP):
        layers = 24 if family == DEEP else 2
        sizes = {"hidden_size": 16, "intermediate_size": 32, "num_attention_heads": 2}
        sizes["num_hidden_layers"] = layers
        return transformers.LlamaForCausalLM(transformers.LlamaConfig(**sizes, **ids))
    config = transformers.T5Config(
        d_model=16, d_kv=8, d_ff=32, num_layers=2, num_heads=2, decoder_start_token_id=2, **ids
    )
    return transformers.T5ForConditionalGeneration(config)


@pytest.fixture(scope="module")
def deep(tmp_path_factory: pytest.TempPathFactory) -> ProcessEngine:
    """A model in a process of its own, which can be killed."""
    return ProcessEngine(_saved(tmp_path_factory, DEEP))


def _saved(folders: pytest.TempPathFactory, family: str) -> str:
    pytest.importorskip("transformers")
    folder: Path = folders.mktemp(family)
    _model(family).save_pretrained(folder)
    _tokenizer().save_pretrained(folder)
    return str(folder)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, deep: ProcessEngine, port: int) -> Iterator[Server]:
    live = {"gpt": wrap(parts()), **{name: open_source(_saved(tmp_path_factory, name)) for name in FAMILIES}}
    engines: dict[str, Any] = {DEEP: deep, **{name: InlineEngine(each) for name, each in live.items()}}
    with start([Subject(name, live=engine) for name, engine in engines.items()], port=port) as running:
        yield running


def written(window: Visit, link: str) -> Visit:
    """Open a link and wait until its answer is written and drawn."""
    window.page.goto(window.base + link)
    return settled(window)


def settled(window: Visit) -> Visit:
    window.page.wait_for_function(DONE, timeout=90_000)
    return window.drawn()


def begun(window: Visit, count: int) -> Visit:
    """Wait until so many words are there; the model may still have to start."""
    says = "count => document.querySelectorAll('.word').length > count"
    window.page.wait_for_function(says, arg=count, timeout=90_000)
    return window


def words(window: Visit, lane: int = 0, sample: int = 0) -> list[str]:
    found: list[str] = window.page.evaluate(
        "([lane, sample]) => [...document.querySelectorAll('.lane')[lane].querySelectorAll('.answer')[sample]"
        ".querySelectorAll('.word')].map(word => word.textContent)",
        [lane, sample],
    )
    return found


def press(window: Visit, name: str) -> Visit:
    """A button that makes the model write: wait until the new answer is there."""
    window.page.evaluate("() => document.querySelector('.lanes').dataset.old = 'yes'")
    window.page.locator(f"#playground {name}").first.click()
    window.page.wait_for_function("() => !document.querySelector('.lanes').dataset.old", timeout=90_000)
    return settled(window)


@pytest.mark.parametrize("name", ["gpt", *FAMILIES])
def test_a_word_is_looked_into_and_another_taken(visit: Open, name: str) -> None:
    window = written(visit(), f"/{name}/playground?prompt=the%20cat&temperature=1&top_p=1&max_new=8")
    first = words(window)
    assert 1 <= len(first) <= 8
    at = min(1, len(first) - 1)
    window.page.locator(".word").nth(at).click()
    drawn = "document.querySelector('#view-next_distribution .js-plotly-plot').layout.meta.genviz.controls"
    window.page.wait_for_function(f"step => {drawn}.step === step", arg=at, timeout=90_000)
    assert f"step={at}" in window.link or at == 0
    offered = window.page.locator("[data-take]")
    other = next(n for n in range(offered.count()) if "chosen" not in (_row(offered.nth(n)) or ""))
    taken = offered.nth(other).locator(".choice-name").inner_text()
    press(window, f".choices li:nth-child({other + 1}) [data-take]")
    assert words(window)[: at + 1] == [*first[:at], taken]
    assert window.page.locator(".branch").count() == 2
    link = window.link
    assert "forced=" in link
    now = words(window)
    press(window, "[data-do=undo]")
    assert words(window) == first
    press(window, ".branch:not(.current)")
    assert words(window) == now
    again = written(visit(), link)
    assert words(again) == now, "a link restores what was seen"


def _row(button: Any) -> str | None:
    found: str | None = button.evaluate("one => one.parentElement.className")
    return found


def test_zero_temperature_gives_the_same_each_time_and_higher_does_not(visit: Open) -> None:
    window = written(visit(), "/gpt/playground?prompt=the%20robber&temperature=0")
    first = words(window)
    press(window, "[data-do=seed]")
    assert "seed=1" in window.link
    assert words(window) == first
    press(window, "[data-do=again]")
    assert words(window) == first
    warm = written(visit(), "/gpt/playground?prompt=the%20robber&temperature=1.5&top_p=1")
    drawn = words(warm)
    press(warm, "[data-do=seed]")
    assert words(warm) != drawn


def test_words_are_banned_and_answers_stop_where_they_are_told(visit: Open) -> None:
    window = written(visit(), "/gpt/playground?prompt=the%20robber%20went%20to%20the&temperature=0")
    assert words(window)[0] == "bank"
    press(window, ".chosen [data-ban]")
    assert "bank" not in words(window)
    assert "banned=" in window.link
    press(window, "[data-do=undo]")
    assert words(window)[0] == "bank"
    window.page.evaluate("() => document.querySelector('.chosen [data-ban]').click()")
    window.until("() => location.search.includes('banned=')")
    window.page.wait_for_timeout(150)
    window.page.evaluate("() => document.querySelector('[data-do=undo]').click()")
    window.page.wait_for_timeout(1000)
    assert "banned=" not in window.link, "undone at once stays undone"
    stopped = written(
        visit(), "/gpt/playground?prompt=the%20robber%20went%20to%20the&temperature=0&stop=bank.%20he"
    )
    assert words(stopped)[-3:] == ["bank", ".", "he"]
    assert "a stop sequence ended it (bank. he)" in stopped.page.inner_text(".write-note")


def test_samples_and_settings_stand_side_by_side(visit: Open) -> None:
    window = written(visit(), "/gpt/playground?prompt=the%20boy&samples=3&temperature=1.5&top_p=1")
    answers = [words(window, sample=at) for at in range(3)]
    assert len({tuple(each) for each in answers}) == 3
    press(window, "[data-do=beside]")
    assert window.page.locator(".lane").count() == 2
    assert "beside=" in window.link
    assert [words(window, sample=at) for at in range(3)] == answers
    assert words(window, lane=1) == words(window, lane=1, sample=2), "it is temperature 0"
    window.page.locator(".lane:nth-child(2) .word").nth(2).click()
    window.until(
        "() => document.querySelector('#view-next_distribution .js-plotly-plot')"
        ".layout.meta.genviz.controls.lane === 1"
    )


def test_where_it_looked_is_one_click_away(visit: Open) -> None:
    window = written(visit(), "/llama/playground?prompt=the%20cat%20sits&temperature=1.5&top_p=1&max_new=6")
    window.page.locator(".word").last.click()
    window.page.get_by_role("tab", name="Where it looked").click()
    window.until("() => document.querySelector('#view-answer_attention.drawn:not(.busy)')")
    figure = window.figure("answer_attention")
    count = len(words(window))
    assert list(figure["layout"]["xaxis"]["ticktext"])[:3] == ["the", "cat", "sits"]
    assert len(figure["layout"]["xaxis"]["ticktext"]) == 3 + count - 1


def test_stopping_ends_it_within_a_token_and_the_next_one_begins(visit: Open) -> None:
    window = visit()
    window.page.goto(f"{window.base}/deep/playground?prompt=the%20cat&banned=%231&{SLOW}")
    begun(window, 20)
    window.page.locator("[data-do=stop]").click()
    count = len(words(window))
    window.page.wait_for_timeout(400)
    assert len(words(window)) <= count + 1
    assert window.page.inner_text(".write-note") == "stopped"
    press(written(window, "/llama/playground?prompt=the%20cat&max_new=4"), "[data-do=again]")


def test_two_people_at_once(visit: Open) -> None:
    first, second = visit(), visit()
    for window, seed in ((first, 1), (second, 2)):
        window.page.goto(f"{window.base}/deep/playground?prompt=the%20mat&banned=%231&seed={seed}&{SLOW}")
        if window is first:
            begun(first, 3)
    second.until("() => document.querySelector('.write-note')?.textContent.includes('1 before this one')")
    first.page.locator("[data-do=stop]").click()
    begun(second, 3)
    second.page.locator("[data-do=stop]").click()


def test_what_was_written_outlives_the_models_process(visit: Open, deep: ProcessEngine) -> None:
    window = visit()
    window.page.goto(f"{window.base}/deep/playground?prompt=the%20cat&banned=%231&{SLOW}")
    begun(window, 20)
    process = deep.pid
    assert process is not None
    os.kill(process, signal.SIGKILL)
    window.until("() => document.querySelector('.write-problem')?.textContent.includes('killed by signal 9')")
    assert "what was written is kept" in window.page.inner_text(".write-note")
    assert len(words(window)) > 20
    window.page.locator("[data-do=again]").click()
    window.until("() => document.querySelector('[data-do=stop]:not([hidden])')")
    begun(window, 3)
    window.page.locator("[data-do=stop]").click()


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("prompt=%20", "the prompt is empty: give at least one word to go on from"),
        ("prompt=the&stop=a||b", "a stop sequence is empty, and would end every answer"),
        ("prompt=" + "%20".join(["the"] * 70), "the prompt has 70 tokens, and this model reads 64"),
        ("prompt=the&banned=zeppelin", "'zeppelin' is not in this model's vocabulary"),
    ],
)
def test_what_does_not_fit_is_said_in_words(visit: Open, query: str, says: str) -> None:
    window = visit()
    window.page.goto(f"{window.base}/gpt/playground?{query}")
    window.until("() => document.querySelector('.write-problem')?.textContent")
    assert says in window.page.inner_text(".write-problem")


def test_markup_in_a_prompt_is_text(visit: Open) -> None:
    window = written(
        visit(),
        "/gpt/playground?prompt=%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E%20%D8%B3%D9%84%D8%A7%D9%85%20%F0%9F%A6%8A",
    )
    assert window.page.inner_text(".asked").startswith("<img src=x onerror=alert(1)>")
    assert window.page.locator("#playground img").count() == 0


def test_arrow_keys_walk_through_the_words(visit: Open) -> None:
    window = written(visit(), "/gpt/playground?prompt=the%20robber&temperature=0")
    window.page.locator(".word").first.focus()
    window.page.keyboard.press("ArrowRight")
    window.page.keyboard.press("ArrowRight")
    window.until("() => document.querySelectorAll('.word')[2].classList.contains('looked')")
    assert "step=2" in window.link or window.page.wait_for_url("**step=2**") is None


def test_two_models_stand_side_by_side(visit: Open) -> None:
    window = written(
        visit(), "/llama/playground?prompt=the%20cat&max_new=5&beside=model=gpt2,%20temperature=0"
    )
    own = words(window)
    assert own == words(written(visit(), "/llama/playground?prompt=the%20cat&max_new=5"))
    alone = written(visit(), "/gpt2/playground?prompt=the%20cat&max_new=5&temperature=0")
    assert words(window, lane=1) == words(alone)
    window.page.locator(".lane:nth-child(2) .word").first.click()
    window.until("() => document.querySelector('#view-next_distribution.failed')")
    assert "choose that model as the subject" in window.page.inner_text("#view-next_distribution .message")
    lost = visit()
    lost.page.goto(f"{lost.base}/gpt/playground?prompt=the&beside=model=nobody")
    lost.until("() => [...document.querySelectorAll('.write-problem')].some(one => one.textContent)")
    assert "on show are deep, gpt" in lost.page.locator(".write-problem").nth(1).inner_text()
    lost.complaints.clear()  # the browser notes the refusal
