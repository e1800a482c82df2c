"""Peak memory of capturing attention, token by token: linear with genviz, quadratic with eager attention.

GPT-2 small, random weights, one thread, each forward in a process of its own; what is above the bare SDPA
forward of the same length. Run alone: `python -m benchmarks.memory`; that writes `docs/capture-memory.svg`.
"""

import gc
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import plotly.graph_objects as go
import torch
from transformers import GPT2Config, GPT2LMHeadModel

import genviz
from benchmarks.capture import VARIANTS, ids_of, run
from benchmarks.measure import Row, in_fresh_process, peak_over
from genviz.figures.base import blank
from genviz.figures.theme import SIZE, palette, role

LENGTHS = (512, 1024, 2048, 4096)
PICTURE = Path("docs/capture-memory.svg")
NAMES = {"genviz": "genviz on SDPA: queries and keys", "eager": "eager, output_attentions"}


def peak(variant: str, length: int) -> int:
    """Peak bytes of one forward over the resident start, after a warm-up on a short text."""
    torch.set_num_threads(1)
    config = GPT2Config(n_positions=max(LENGTHS))
    kernel = "eager" if variant == "eager" else "sdpa"
    net = GPT2LMHeadModel._from_config(config, attn_implementation=kernel).eval()
    run(variant, net, ids_of(64))()
    action = run(variant, net, ids_of(length))
    gc.collect()
    return peak_over(action)


def over_bare() -> dict[str, list[int]]:
    """Bytes above the bare forward, at each length."""
    peaks = {
        name: [int(in_fresh_process("-m", "benchmarks.memory", name, str(length))) for length in LENGTHS]
        for name in VARIANTS
    }
    return {name: [a - b for a, b in zip(peaks[name], peaks["bare"], strict=True)] for name in NAMES}


def rows(found: Mapping[str, Sequence[int]] | None = None) -> Iterator[Row]:
    """A row per length; the growth from each to the next tells which is linear."""
    found = over_bare() if found is None else found
    for at, length in enumerate(LENGTHS):
        sizes = "; ".join(f"{found[name][at] / 1e6:,.0f}" for name in NAMES)
        yield Row(f"peak of capture over the bare forward, T={length}: genviz; eager", f"{sizes} MB")
        if at:
            grew = "; ".join(f"× {found[name][at] / found[name][at - 1]:.2f}" for name in NAMES)
            yield Row("  that is, beside half the tokens", grew)


def picture(found: Mapping[str, Sequence[int]], theme: str = "light") -> go.Figure:
    """Both over the length of the text."""
    figure = blank(theme, "Memory that capturing the attention of GPT-2 small takes")
    colours = {"genviz": palette(theme).accent, "eager": role("key", theme)}
    for name, sizes in found.items():
        megabytes = [size / 1e6 for size in sizes]
        figure.add_scatter(
            x=list(LENGTHS),
            y=megabytes,
            mode="lines+markers+text",
            name=NAMES[name],
            text=[f"{size:,.0f} MB" for size in megabytes],
            textposition="bottom right" if name == "genviz" else "top left",
            textfont={"size": SIZE - 1, "color": colours[name]},
            line={"color": colours[name], "width": 3},
            marker={"color": colours[name], "size": 9},
        )
    figure.update_xaxes(title="tokens", type="log", range=[2.6, 3.72])
    figure.update_xaxes(tickvals=list(LENGTHS), ticktext=[f"{length:,}" for length in LENGTHS])
    figure.update_yaxes(title="memory over the bare forward (MB)", type="log", dtick=1)
    figure.update_layout(legend={"x": 0.02, "y": 0.98, "yanchor": "top"}, hovermode="x")
    return figure


if __name__ == "__main__":
    if len(sys.argv) == 3:
        print(peak(sys.argv[1], int(sys.argv[2])))
    else:
        measured = over_bare()
        for row in rows(measured):
            print(row, flush=True)
        genviz.write(picture(measured), PICTURE, width=900, height=520)
