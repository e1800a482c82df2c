"""What watching costs while a model writes: the distribution of every token told, and brought to the screen.

Run alone: `python -m benchmarks.generating`.
"""

import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from playwright.sync_api import sync_playwright

from benchmarks.measure import Row, in_turn, ratio
from dashboards.server import start
from genviz.export.browser import find_browser
from genviz.live import InlineEngine, LanguageModel
from genviz.live.future import Call
from genviz.live.progress import listening
from genviz.views import Subject
from sample_models.gpt.model import parts

TOKENS, PROMPT, ROUNDS = 24, list(range(100, 132)), 7
SETTINGS: dict[str, dict[str, Any]] = {
    "greedy": {"temperature": 0.0},
    "top p 0.9": {"temperature": 1.0, "top_p": 0.9},
    "temperature 0.8, top k 50, top p 0.9": {"temperature": 0.8, "top_k": 50, "top_p": 0.9},
}
# Tells when a word has come onto the page, by the clock of the machine.
WATCH = """() => {
    window.came = [];
    new MutationObserver(seen => seen.forEach(one => one.addedNodes.forEach(node => {
        if (node.classList?.contains("word"))
            requestAnimationFrame(() => window.came.push(performance.timeOrigin + performance.now()));
    }))).observe(document.getElementById("playground"), {childList: true, subtree: true});
}"""


def rows() -> Iterator[Row]:
    """Ratio to plain `generate()` on a GPT-2 of its usual size; milliseconds from the model to the screen."""
    torch.set_num_threads(1)
    live = LanguageModel(_gpt2())
    for name, settings in SETTINGS.items():
        cost = _cost(live, settings)
        yield Row(
            f"GPT-2 small writes {TOKENS} tokens, {name}: told / plain",
            f"{cost:.3f} ×",
            "≤ 1.10 ×",
            cost <= 1.1,
        )
    late = _to_the_screen()
    yield Row("a token from the model to the screen, p95", f"{late:.0f} ms", "≤ 30 ms", late <= 30)


def _gpt2() -> Any:
    import transformers

    torch.manual_seed(0)
    config = transformers.GPT2Config(eos_token_id=None, bos_token_id=None)
    return transformers.GPT2LMHeadModel(config).eval()


def _cost(live: LanguageModel, settings: dict[str, Any]) -> float:
    model: Any = live.modules[""]
    ids = torch.tensor([PROMPT])
    draws = settings["temperature"] > 0
    own = {"do_sample": True, "top_k": 0, **settings} if draws else {"do_sample": False}

    def plain() -> None:
        torch.manual_seed(0)
        model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=TOKENS, pad_token_id=0, **own)

    def told() -> None:
        items: list[Any] = []
        with listening(lambda _, __: None, items.append):
            live.generate(PROMPT, max_new=TOKENS, **settings)
        if len(items) != TOKENS:
            raise RuntimeError(f"{len(items)} of {TOKENS} tokens were told")

    seconds = in_turn({"plain": plain, "told": told}, rounds=ROUNDS, warm=1)
    return ratio(seconds["told"], seconds["plain"])


def _to_the_screen() -> float:
    """95th percentile of milliseconds between a token's hand-over and the frame that shows it."""
    left: list[float] = []
    take = Call.take

    def noted(self: Call, item: Any) -> None:
        left.append(time.time() * 1e3)
        take(self, item)

    engine = InlineEngine(LanguageModel(**parts()))
    Call.take = noted  # type: ignore[method-assign]
    try:
        with start([Subject("gpt", live=engine)], port=0) as server, sync_playwright() as tools:
            browser = tools.chromium.launch(
                executable_path=str(find_browser() or "chromium"), args=["--no-sandbox"]
            )
            page = browser.new_page(viewport={"width": 1440, "height": 900})
            page.goto(
                f"{server.url.rstrip('/')}/gpt/playground?prompt=the%20boy&temperature=1.5&top_p=1&banned=%233"
            )
            done = "() => document.querySelector('#playground [data-do=again]:not([hidden])')"
            page.wait_for_function(done, timeout=60_000)
            page.wait_for_timeout(1500)
            page.evaluate(WATCH)
            late: list[float] = []
            for _ in range(5):
                left.clear()
                page.evaluate("() => (window.came = [])")
                page.locator("[data-do=again]").click()
                page.wait_for_timeout(400)
                page.wait_for_function(done, timeout=60_000)
                page.wait_for_timeout(200)
                came = page.evaluate("window.came")
                late += [b - a for a, b in zip(left, came, strict=True)]
            browser.close()
    finally:
        Call.take = take  # type: ignore[method-assign]
    return float(np.percentile(late, 95))


if __name__ == "__main__":
    for row in rows():
        print(row, flush=True)
