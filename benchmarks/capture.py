"""Capturing attention in every layer of a GPT-2-small-sized model, beside bare and eager forwards.

Run alone: `python -m benchmarks.capture`. With `VARIANT LENGTH` it prints one variant's peak memory.
"""

import gc
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from transformers import GPT2Config, GPT2LMHeadModel

import genviz
from benchmarks.measure import Row, in_fresh_process, in_turn, peak_over, ratio

LENGTHS = (128, 512, 1024)
LAYERS, WIDTH = 12, 768
VARIANTS = ("bare", "genviz", "eager")


def model(variant: str) -> GPT2LMHeadModel:
    """Random weights: what is measured does not depend on their values."""
    torch.manual_seed(0)
    config = GPT2Config()
    made = GPT2LMHeadModel._from_config(config, attn_implementation="eager" if variant == "eager" else "sdpa")
    return made.eval()


def run(variant: str, net: GPT2LMHeadModel, ids: torch.Tensor) -> Callable[[], object]:
    """One forward, with what it keeps."""

    @torch.no_grad()
    def bare() -> object:
        return net(ids, use_cache=False)

    @torch.no_grad()
    def eager() -> object:
        return net(ids, use_cache=False, output_attentions=True)

    @torch.no_grad()
    def captured() -> object:
        with genviz.record(net, kinds=("attention",)) as recording:
            out = net(ids, use_cache=False)
        return out, recording

    return {"bare": bare, "eager": eager, "genviz": captured}[variant]


def ids_of(length: int) -> torch.Tensor:
    """Random token ids."""
    return torch.randint(0, 50257, (1, length), generator=torch.Generator().manual_seed(1))


def peak(variant: str, length: int) -> int:
    """Peak bytes of one forward over the resident start, after one warm-up."""
    torch.set_num_threads(1)
    action = run(variant, model(variant), ids_of(length))
    action()
    gc.collect()
    return peak_over(action)


def rows() -> Iterator[Row]:
    """Time and memory at each length."""
    torch.set_num_threads(1)
    fast, slow = model("sdpa"), model("eager")
    for length in LENGTHS:
        ids = ids_of(length)
        actions = {name: run(name, slow if name == "eager" else fast, ids) for name in VARIANTS}
        seconds = in_turn(actions, rounds=15 if length < 1024 else 9)
        of = ratio(seconds["genviz"], seconds["bare"])
        aimed = length >= 512
        yield Row(f"capture of attention, T={length}: time × bare forward", f"{of:.3f}",
                  "≤ 1.05" if aimed else "", of <= 1.05 if aimed else None)  # fmt: skip
        yield Row(
            f"  eager + output_attentions, T={length}", f"{ratio(seconds['eager'], seconds['bare']):.3f}"
        )
        peaks = {
            name: int(in_fresh_process("-m", "benchmarks.capture", name, str(length))) for name in VARIANTS
        }
        qk = LAYERS * 2 * length * WIDTH * 4
        over = (peaks["genviz"] - peaks["bare"]) / qk
        yield Row(f"capture of attention, T={length}: peak over bare ÷ bytes of q and k ({qk / 1e6:.0f} MB)",
                  f"{over:.2f}", "≤ 1.1" if aimed else "", over <= 1.1 if aimed else None)  # fmt: skip
        yield Row(f"  eager + output_attentions, T={length}", f"{(peaks['eager'] - peaks['bare']) / qk:.2f}")
        yield from peer(length, qk)


def peer(length: int, qk: int) -> Iterator[Row]:
    """TransformerLens in its own environment, where `make peers` has made it."""
    python = Path(".venv-peers/bin/python")
    if not python.exists():
        yield Row(f"  TransformerLens, T={length}", "not measured", "run: make peers")
        return
    script = ("benchmarks/peers/lens.py", str(length))
    times = json.loads(in_fresh_process(*script, python=str(python)))
    peaks = {
        name: int(in_fresh_process(*script, name, python=str(python)))
        for name in ("bare", "patterns", "full")
    }
    for name, what in (("patterns", "attention patterns only"), ("full", "full cache")):
        over = (peaks[name] - peaks["bare"]) / qk
        yield Row(
            f"  TransformerLens run_with_cache, {what}, T={length}: time; memory",
            f"{times[name]:.3f}; {over:.2f}",
        )


if __name__ == "__main__":
    if len(sys.argv) == 3:
        print(peak(sys.argv[1], int(sys.argv[2])))
    else:
        for row in rows():
            print(row, flush=True)
