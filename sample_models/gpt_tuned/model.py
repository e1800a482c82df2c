"""The base model with a larger vocabulary, and what fine-tuning made of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from sample_models.gpt import model as base
from sample_models.gpt.model import GPT
from sample_models.microworld import WordTokenizer, spell
from sample_models.weights import restored

from .tasks import TASKS, Task

HOME = Path(__file__).parent
VOCABULARY = HOME / "vocabulary.json"
# Prompts on show: held out, and the metrics use yet other ones.
SHOWN_SEED = 90_041
SHOWN = 8  # as examples
ASKED = 60  # with their answers


def tokenizer() -> WordTokenizer:
    """Return the tokenizer of the base model with the words of the three tasks after its own."""
    return WordTokenizer.load(VOCABULARY)


def extended(vocab_size: int, model: GPT | None = None) -> GPT:
    """Return a copy of the base model with rows for more tokens, where fine-tuning begins.

    A new row is the mean of all the base's rows: it is then as likely as an average word, and says nothing
    (Hewitt 2021, "Initializing new word embeddings for pretrained language models").

    Parameters
    ----------
    vocab_size : int
        Of the larger vocabulary.
    model : GPT, optional
        The base model; by default the shipped one.
    """
    known = base.load() if model is None else model
    larger = GPT(vocab_size)
    state = dict(known.state_dict())
    for name in ("token_embedding.weight", "head.weight"):
        rows = state[name]
        new = rows.mean(dim=0, keepdim=True).expand(vocab_size - len(rows), -1)
        state[name] = torch.cat([rows, new])
    larger.load_state_dict(state)
    return larger.eval()


def weights(task: Task) -> Path:
    """Return the file of a task's fine-tuned weights."""
    return HOME / f"{task.name}.safetensors"


def load(task: Task, path: Path | None = None) -> GPT:
    """Return the model that was fine-tuned for a task, in evaluation mode and float32."""
    return restored(GPT(tokenizer().vocab_size), weights(task) if path is None else path)


def _parts(task: Task) -> dict[str, Any]:
    shown = task.items(ASKED, seed=SHOWN_SEED, held_out=True)
    return {
        "model": load(task),
        "tokenizer": tokenizer(),
        "text": [spell(item.prompt.split()) for item in shown[:SHOWN]],
        "exercises": [tuple(spell(part.split()) for part in (item.prompt, item.answer)) for item in shown],
        "title": f"GPT, fine-tuned: {task.title}",
        "about": "The story-telling GPT after supervised fine-tuning on prompts and their answers.",
    }


def answering() -> dict[str, Any]:
    """Return the model that answers questions about a text, its tokenizer and prompts to try."""
    return _parts(TASKS[0])


def translating() -> dict[str, Any]:
    """Return the model that translates French into English, its tokenizer and prompts to try."""
    return _parts(TASKS[1])


def summing_up() -> dict[str, Any]:
    """Return the model that sums up a story, its tokenizer and prompts to try."""
    return _parts(TASKS[2])
