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
# Milliseconds from Enter until the map of one head of the new text, or every picture, is painted. Pictures
# come ahead of the rest of the page; until that is there too, the page is marked as being left.
WATCH = f"""text => new Promise(done => {{
    const drawn = {DRAWN};
    const views = () => [...document.querySelectorAll('.view:not([hidden])')];
    const isNew = frame => frame.classList.contains('drawn') && frame.querySelector('.main-svg')
        && (frame.classList.contains('ahead') || !document.querySelector('.main.leaving'));
    const painted = then => requestAnimationFrame(() => setTimeout(then));
    const found = [0, 0];
    const at = place => painted(() => {{ found[place] = performance.now() - window.from; }});
    const asked = [false, false];
    const look = () => {{
        const here = new URLSearchParams(location.search).get('run.text') === text;
        const frame = document.getElementById('view-attention_matrix');
        const plot = frame && frame.querySelector('.js-plotly-plot');
        if (plot && plot.on && plot !== window.watched)
            (window.watched = plot).on('plotly_afterplot', () => {{ window.plotted = performance.now(); }});
        const one = here && frame && isNew(frame) && window.plotted > window.from;
        const ready = [one, one && views().every(isNew)];
        ready.forEach((yes, place) => {{ if (yes && !asked[place]) at(place), asked[place] = true; }});
        if (found[0] && found[1] && !document.querySelector('.main.leaving') && drawn())
            done([...found, performance.now() - window.from]);
        else setTimeout(look, 8);
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
        forward, first, every, settled = measured(source)
        over = first - forward
        yield Row(f"{name}: Enter to one head's map, over a bare forward ({forward * 1e3:.0f} ms)",
                  f"{over * 1e3:.0f} ms", f"≤ {LIMIT * 1e3:.0f} ms", over <= LIMIT)  # fmt: skip
        yield Row(f"  {name}: until every picture of the page is drawn", f"{every * 1e3:.0f} ms")
        yield Row(f"  {name}: until controls and links are of the new text too", f"{settled * 1e3:.0f} ms")


def measured(source: str) -> tuple[float, ...]:
    """Medians in seconds: a bare forward; from Enter to one head's map, to every picture, to all else."""
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
    return tuple(map(statistics.median, zip(*found[2:], strict=True)))


def forward(live: Any, text: str) -> float:
    """Seconds of one forward of the model alone."""
    ids = torch.tensor([live.tokenize(text)["ids"]])
    model = live.modules[""]
    start_at = time.perf_counter()
    with torch.no_grad():
        model(ids)
    return time.perf_counter() - start_at


def typed(window: Any, text: str) -> tuple[float, ...]:
    """Seconds from Enter until one head's map, every picture, and all else is of the text."""
    field = window.locator(".run input").first
    field.fill(text)
    field.press("Enter")
    return tuple(each / 1e3 for each in window.evaluate(WATCH, text))


if __name__ == "__main__":
    for row in rows():
        print(row, flush=True)
