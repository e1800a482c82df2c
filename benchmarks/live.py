"""A sentence is typed, Enter is pressed: how soon its attention is drawn, beside a bare forward of the model.

In Chromium, on the sample GPT, on MiniLM and on a GPT-2-small-sized model built from its configuration.

Run alone: `python -m benchmarks.live`.
"""

import statistics
import time
from collections.abc import Iterator
from typing import Any

import torch
from playwright.sync_api import sync_playwright

from benchmarks.measure import Row
from dashboards.screenshots import DRAWN
from dashboards.server import start
from genviz.export.browser import find_browser
from genviz.live import LanguageModel, open_source
from genviz.showing import subject_of

LIMIT = 0.3  # s over the forward
SOURCES = {
    "gpt sample": "sample_models.gpt.model:parts",
    "MiniLM": "minilm",
    "GPT-2 small": "benchmarks.live:gpt2_small",
}
WORDS = ("the", "cat", "sits", "on", "the", "mat", "near", "the", "river", "and", "the", "dog", "looks", "at")
# Milliseconds from Enter until the map of one head of the new text, or every picture, is painted.
WATCH = f"""text => new Promise(done => {{
    const drawn = {DRAWN};
    const painted = then => requestAnimationFrame(() => requestAnimationFrame(then));
    let one = 0;
    const look = () => {{
        const here = new URLSearchParams(location.search).get('run.text') === text
            && !document.querySelector('.main.leaving');
        const frame = document.getElementById('view-attention_matrix');
        if (!one && here && frame && frame.classList.contains('drawn') && frame.querySelector('.main-svg'))
            one = performance.now() - window.from;
        if (one && here && drawn()) painted(() => done([one, performance.now() - window.from]));
        else setTimeout(look, 16);
    }};
    look();
}})"""
PRESSED = (
    "addEventListener('keydown', e => { if (e.key === 'Enter') window.from = performance.now(); }, true)"
)


def gpt2_small() -> LanguageModel:
    """GPT-2 small with random weights, and a tokenizer of words."""
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace
    from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

    words = Tokenizer(WordLevel({word: at for at, word in enumerate(dict.fromkeys(WORDS))}, unk_token="the"))
    words.pre_tokenizer = Whitespace()
    torch.manual_seed(0)
    model = GPT2LMHeadModel(GPT2Config()).eval()
    return LanguageModel(
        model, PreTrainedTokenizerFast(tokenizer_object=words), text="the cat sits on the mat"
    )


def rows() -> Iterator[Row]:
    """Seconds from Enter to the picture, and how much of it is not the model's."""
    for name, source in SOURCES.items():
        forward, first, every = measured(source)
        over = first - forward
        yield Row(f"{name}: Enter to one head's map, over a bare forward ({forward * 1e3:.0f} ms)",
                  f"{over * 1e3:.0f} ms", f"≤ {LIMIT * 1e3:.0f} ms", over <= LIMIT)  # fmt: skip
        yield Row(f"  {name}: until every picture of the page is drawn", f"{every * 1e3:.0f} ms")


def measured(source: str) -> tuple[float, float, float]:
    """Medians in seconds: a bare forward, Enter to one head's map, Enter to every picture."""
    torch.set_num_threads(1)
    bare = open_source(source)
    found = []
    with start([subject_of(source)], port=0) as server, sync_playwright() as tools:
        browser = tools.chromium.launch(executable_path=str(find_browser()), args=["--no-sandbox"])
        window = browser.new_page(viewport={"width": 1440, "height": 900})
        window.goto(f"{server.url}{next(iter(server.stage.acts))}/attention?theme=light")
        window.wait_for_function(DRAWN, timeout=120_000)
        window.evaluate(PRESSED)
        for turn in range(9):
            text = " ".join(WORDS[turn % 3 : 8 + turn % 5])
            found.append((forward(bare, text), *typed(window, text)))
        browser.close()
    taken, first, every = zip(*found[2:], strict=True)
    return statistics.median(taken), statistics.median(first), statistics.median(every)


def forward(live: Any, text: str) -> float:
    """Seconds of one forward of the model alone."""
    ids = torch.tensor([live.tokenize(text)["ids"]])
    model = live.modules[""]
    start_at = time.perf_counter()
    with torch.no_grad():
        model(ids)
    return time.perf_counter() - start_at


def typed(window: Any, text: str) -> tuple[float, float]:
    """Seconds from Enter until one head's map, and until every picture is drawn."""
    field = window.locator(".run input").first
    field.fill(text)
    field.press("Enter")
    one, every = window.evaluate(WATCH, text)
    return one / 1e3, every / 1e3


if __name__ == "__main__":
    for row in rows():
        print(row, flush=True)
