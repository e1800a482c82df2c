"""Every parameter is counted once, in the part that it belongs to."""

from math import prod
from typing import Any

import pytest
import torch
from torch import nn

from genviz.analysis.accounting import account, multiplied, symbols
from genviz.capture import describe
from tests.capture.models import HandWritten, hugging_face, inputs_of

MODELS = (
    "gpt2",
    "llama",
    "bert",
    "t5",
    "mixtral",
    "falcon",
    "bloom",
    "gemma2",
    "vit",
    "whisper",
    "albert",
    "opt",
)


def value_of(formula: str, facts: dict[str, Any]) -> int:
    """Work a formula out with the model's own sizes, by Python's arithmetic."""
    names = {letter: value for letter, (value, _) in symbols(facts).items()}
    text = formula.removesuffix(": shared").replace("×", "*").replace("·", "*").replace(",", "")
    return int(eval(text.replace("²", "**2").replace("³", "**3"), {"__builtins__": {}}, names))


def tied() -> nn.Module:
    from transformers import GPT2Config, GPT2LMHeadModel

    model: nn.Module = GPT2LMHeadModel(
        GPT2Config(
            n_layer=2, n_embd=32, n_head=4, vocab_size=100, n_positions=64, bos_token_id=0, eos_token_id=0
        )
    )
    return model


@pytest.mark.parametrize("model_type", MODELS)
def test_parts_add_up_to_the_models_own_count(model_type: str) -> None:
    model = hugging_face(model_type)
    found = describe(model)
    parts = account(found["parts"], found["facts"])
    assert sum(part.count for part in parts) == sum(p.numel() for p in model.parameters())
    assert sum(part.bytes for part in parts) == sum(p.numel() * p.element_size() for p in model.parameters())
    for part in parts:
        assert value_of(part.formula, found["facts"]) == part.count, part.formula
    assert {"attention", "feed-forward", "norm"} <= {part.part for part in parts}


def test_the_textbook_formula_of_gpt_2() -> None:
    found = describe(tied())
    formulas = {part.part: part.formula for part in account(found["parts"], found["facts"])}
    assert formulas == {
        "embedding": "V·d", "position": "T·d", "attention": "L × (4·d² + 4·d)",
        "feed-forward": "L × (8·d² + 5·d)", "norm": "L × 4·d + 2·d", "head": "0: shared",
    }  # fmt: skip


def test_tied_tensors_are_counted_where_they_first_stand() -> None:
    rows = describe(tied())["parts"]
    (head,) = [row for row in rows if row["part"] == "head"]
    assert (head["times"], head["shared"]) == (0, "transformer.wte.weight")


def test_a_hand_written_model() -> None:
    model = HandWritten()
    found = describe(model)
    assert sum(row["times"] * prod(row["shape"]) for row in found["parts"]) == found["facts"]["n_params"]
    assert {row["part"] for row in found["parts"]} >= {"embedding", "attention", "feed-forward", "norm"}


def test_other_families_tell_no_parts() -> None:
    assert "parts" not in describe(nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 1)))


@pytest.mark.parametrize("model_type", ["gpt2", "llama", "bloom"])
def test_operations_are_those_that_torch_counts(model_type: str) -> None:
    """A token more costs what PyTorch's own counter sees, but for attention itself."""
    from torch.utils.flop_counter import FlopCounterMode

    model = hugging_face(model_type)
    inputs = inputs_of(model)
    tokens = inputs["input_ids"].numel()
    found = describe(model)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        model(**inputs)
    seen = counter.get_flop_counts()["Global"]
    matrices = sum(n for op, n in seen.items() if "attention" not in str(op) and "bmm" not in str(op))
    assert matrices == 2 * tokens * multiplied(found["parts"], found["facts"])


def test_of_experts_those_count_that_a_token_goes_through() -> None:
    model = hugging_face("mixtral")
    found, config = describe(model), model.config
    width, inner, layers = config.hidden_size, config.intermediate_size, config.num_hidden_layers  # type: ignore[union-attr]
    attention = 2 * width * width + 2 * width * config.num_key_value_heads * config.head_dim  # type: ignore[union-attr,operator]
    experts = config.num_experts_per_tok * 3 * width * inner + width * config.num_local_experts  # type: ignore[union-attr,operator]
    assert multiplied(found["parts"], found["facts"]) == layers * (attention + experts)  # type: ignore[operator]
