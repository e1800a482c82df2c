"""TransformerLens `run_with_cache` beside a bare SDPA forward of the same size; runs in its own environment.

`make peers` sets the environment up; `LENGTH` prints the ratios as JSON, `LENGTH VARIANT` one
variant's peak bytes.
"""

import gc
import json
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from transformer_lens.model_bridge import TransformerBridge
from transformers import AutoTokenizer, GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast


def _status(field: str) -> int:
    found = re.search(rf"{field}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found.group(1)) * 1024


def peak_over(action: Callable[[], object]) -> int:
    """Peak resident bytes above the start, after one warm-up."""
    action()
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")
    before = _status("VmRSS")
    kept = action()
    peak = _status("VmHWM")
    del kept
    return peak - before


def _tokenizer() -> object:
    """The bridge wants one, from a folder; the benchmark feeds ids and never uses it."""
    words = Tokenizer(WordLevel({"<eos>": 0, "a": 1}, unk_token="<eos>"))
    folder = tempfile.mkdtemp()
    special = dict.fromkeys(("eos_token", "bos_token", "pad_token"), "<eos>")
    PreTrainedTokenizerFast(tokenizer_object=words, **special).save_pretrained(folder)
    return AutoTokenizer.from_pretrained(folder)


def actions(length: int) -> dict[str, Callable[[], object]]:
    """A forward without and with each cache."""
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    eager = GPT2LMHeadModel._from_config(GPT2Config(), attn_implementation="eager").eval()
    eager.config._name_or_path = "gpt2"
    lens = TransformerBridge.boot_transformers("gpt2", hf_model=eager, tokenizer=_tokenizer())
    bare = GPT2LMHeadModel._from_config(GPT2Config(), attn_implementation="sdpa").eval()
    ids = torch.randint(0, 50257, (1, length))
    return {
        "bare": lambda: bare(ids, use_cache=False),
        "patterns": lambda: lens.run_with_cache(ids, names_filter=lambda name: name.endswith("hook_pattern")),
        "full": lambda: lens.run_with_cache(ids),
    }


def ratios(length: int) -> dict[str, float]:
    """Times over the bare forward, measured in turn."""
    run = actions(length)
    seconds: dict[str, list[float]] = {name: [] for name in run}
    for turn in range(7):
        for name, action in run.items():
            start = time.perf_counter()
            action()
            if turn >= 2:
                seconds[name].append(time.perf_counter() - start)
    pairs = {name: zip(seconds[name], seconds["bare"], strict=True) for name in ("patterns", "full")}
    return {name: statistics.median(a / b for a, b in pair) for name, pair in pairs.items()}


if __name__ == "__main__":
    if len(sys.argv) == 3:
        print(peak_over(actions(int(sys.argv[1]))[sys.argv[2]]))
    else:
        print(json.dumps(ratios(int(sys.argv[1]))))
