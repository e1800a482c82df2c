"""BertViz and CircuitsVis on all heads of a causal model: writes their pages; runs in their environment.

`TOOL LAYERS HEADS TOKENS FILE` writes one page. Random weights: their values change neither size nor time.
"""

import sys
from pathlib import Path

import numpy as np
import torch


def weights(layers: int, heads: int, tokens: int) -> np.ndarray:
    """Weights of a causal softmax, ``(layer, head, query, key)``."""
    scores = np.random.default_rng(0).standard_normal((layers, heads, tokens, tokens), np.float32)
    scores[..., np.triu(np.ones((tokens, tokens), bool), 1)] = -np.inf
    found = np.exp(scores)
    return found / found.sum(axis=-1, keepdims=True)


def bertviz(attention: np.ndarray, tokens: list[str]) -> str:
    """Its model view: every layer and head."""
    from bertviz import model_view

    layers = [torch.from_numpy(layer[None]) for layer in attention]
    return str(model_view(layers, tokens, html_action="return").data)


def circuitsvis(attention: np.ndarray, tokens: list[str]) -> str:
    """Its small maps of all heads, as it shows them without a network."""
    from circuitsvis.attention import attention_heads

    every = attention.reshape(-1, *attention.shape[2:])
    return str(attention_heads(attention=every, tokens=tokens, mask_upper_tri=True).local_src)


TOOLS = {"bertviz": bertviz, "circuitsvis": circuitsvis}

if __name__ == "__main__":
    tool, layers, heads, tokens, file = sys.argv[1:]
    made = weights(int(layers), int(heads), int(tokens))
    body = TOOLS[tool](made, [f"w{at}" for at in range(int(tokens))])
    page = f"<!doctype html><meta charset='utf-8'><body>{body}</body>"
    print(Path(file).write_text(page, encoding="utf-8"))
