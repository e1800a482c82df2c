"""Hugging Face architectures, small from their configs, unmodified on SDPA: weights equal their eager ones.

The reference is a second copy of the model, built on the eager implementation with the same weights and
asked for ``output_attentions``. Every attention map that it gives must be among those recorded, and the
outputs of the model must be the same bits with capture and without.
"""

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

pytest.importorskip("transformers")

from genviz.capture import record, verify
from genviz.capture.attention.frames import Frame
from genviz.capture.attention.registry import _Called
from genviz.recording import Recording
from tests.capture.models import eager_twin, hugging_face, inputs_of
from tests.capture.proofs import changes_nothing, equal, tables_unchanged, tensors

MODEL_TYPES = (
    # encoders
    "albert", "bert", "bert-generation", "camembert", "convbert", "data2vec-text", "deberta",
    "deberta-v2", "distilbert", "electra", "ernie", "esm", "layoutlm", "markuplm", "megatron-bert",
    "mobilebert", "modernbert", "mpnet", "nystromformer", "rembert", "roberta", "roberta-prelayernorm",
    "roformer", "splinter", "xlm", "xlm-roberta", "xlnet",
    # decoders
    "apertus", "arcee", "biogpt", "bitnet", "bloom", "codegen", "cohere", "cohere2", "diffllama",
    "doge", "exaone4", "falcon", "gemma", "gemma2", "gemma3_text", "glm", "glm4", "glm4_moe", "gpt2",
    "gpt_bigcode", "gpt_neox", "gpt_oss", "gptj", "granite", "granitemoe", "helium", "llama", "mistral",
    "mixtral", "modernbert-decoder", "mpt", "nemotron", "olmo", "olmo2", "olmo3", "olmoe", "openai-gpt",
    "opt", "persimmon", "phi", "phi3", "phimoe", "qwen2", "qwen2_moe", "qwen3", "qwen3_moe", "smollm3",
    "stablelm", "starcoder2", "vaultgemma", "xglm",
    # encoder–decoders
    "bart", "bigbird_pegasus", "blenderbot-small", "fsmt", "m2m_100", "marian", "mbart", "mt5", "mvp",
    "pegasus", "plbart", "t5", "umt5",
    # pictures
    "deit", "dinov2", "ijepa", "vit", "vit_msn",
)  # fmt: skip


def maps(recording: Recording) -> list[np.ndarray]:
    """Every attention map of a recording, over all samples: ``(sample, head, query, key)``."""
    found = []
    for site in recording.sites(kind="attention"):
        reader = recording.attention_reader(site)
        for call in reader.calls:
            entry = recording.entry(
                site, "query" if recording.entries(site, "query") else "attention", call=call
            )
            samples = [recording.attention(site, sample=n, call=call).values for n in range(entry.shape[0])]
            found.append(np.stack(samples))
    return found


def references(output: Any) -> list[np.ndarray]:
    return [
        part.float().numpy()
        for name, value in output.items()
        if "attentions" in name and isinstance(value, tuple)
        for part in value
        if isinstance(part, torch.Tensor)
    ]


#: Whose scores are so large here that float32 leaves more: largest difference of a weight.
WIDER = {"mobilebert": 2e-5}


def test_there_are_enough_architectures() -> None:
    assert len(set(MODEL_TYPES) - set(WIDER)) == len(MODEL_TYPES) - len(WIDER) >= 60


@pytest.mark.parametrize("model_type", MODEL_TYPES)
def test_attention_equals_eager(model_type: str) -> None:
    model = hugging_face(model_type)
    given = inputs_of(model)
    with torch.no_grad():
        bare = model(**given)
        with tables_unchanged(model), record(model) as recording:
            seen = model(**given)
        expected = references(eager_twin(model_type, model)(**given, output_attentions=True))
    assert equal(dict(enumerate(tensors(bare))), dict(enumerate(tensors(seen))))
    assert expected
    recorded = maps(recording)
    for reference in expected:
        distances = [np.abs(found - reference).max() for found in recorded if found.shape == reference.shape]
        assert min(distances, default=np.inf) <= WIDER.get(model_type, 1e-5)
    assert recording.info["provenance"]["family"] == "transformer"
    blocks = recording.sites(kind="hidden")
    assert len(blocks) >= (1 if model_type == "albert" else 2)


@pytest.mark.parametrize("model_type", ["gpt2", "llama", "bert", "t5"])
def test_nothing_of_the_model_is_changed(model_type: str) -> None:
    model = hugging_face(model_type)
    given = inputs_of(model)
    changes_nothing(model, lambda m: m(**given), record)


@pytest.mark.parametrize("model_type", ["gpt2", "llama", "mistral", "gemma2", "gpt_oss", "t5"])
def test_a_model_on_eager_gives_its_own_weights(model_type: str) -> None:
    model = eager_twin(model_type, hugging_face(model_type))
    given = inputs_of(model)
    with torch.no_grad(), record(model, kinds=["attention"]) as recording:
        output = model(**given, output_attentions=True)
    recorded = maps(recording)
    for reference in references(output):
        assert any(np.array_equal(found, reference) for found in recorded if found.shape == reference.shape)


def kernel(
    module: Any, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, mask: Any, **kwargs: Any
) -> Any:
    """A kernel that nothing below it shows: exp and sum by hand, padding as ``(sample, key)``."""
    group = query.shape[1] // key.shape[1]
    key, value = (part.repeat_interleave(group, 1) for part in (key, value))
    scores = query @ key.mT * kwargs["scaling"]
    position = torch.arange(query.shape[2])[:, None] - torch.arange(key.shape[2])[None]
    hidden = position < 0
    if kwargs.get("sliding_window"):
        hidden = hidden | (position >= kwargs["sliding_window"])
    scores = scores.masked_fill(hidden, -torch.inf)
    if mask is not None:
        scores = scores.masked_fill(~mask[:, None, None, :].bool(), -torch.inf)
    exponent = (scores - scores.amax(-1, keepdim=True)).exp()
    weights = exponent / exponent.sum(-1, keepdim=True)
    module.computed = weights
    return (weights @ value).transpose(1, 2).contiguous(), None


@pytest.mark.parametrize("model_type", ["llama", "mistral"])
def test_a_foreign_kernel_is_read_from_its_arguments(
    model_type: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from transformers.masking_utils import AttentionMaskInterface, flash_attention_mask
    from transformers.modeling_utils import AttentionInterface

    monkeypatch.setitem(AttentionInterface._global_mapping, "test_kernel", kernel)
    monkeypatch.setitem(AttentionMaskInterface._global_mapping, "test_kernel", flash_attention_mask)
    changes = {"sliding_window": 3} if model_type == "mistral" else {}
    model = hugging_face(model_type, **changes)
    model.set_attn_implementation("test_kernel")  # type: ignore[operator]
    with torch.no_grad(), record(model, kinds=["attention"], verify=True) as recording:
        model(**inputs_of(model))
    assert verify(recording)["layers.0.self_attn"] < 1e-6
    for layer, found in zip(model.layers, maps(recording), strict=True):  # type: ignore[arg-type]
        np.testing.assert_allclose(found, layer.self_attn.computed, atol=1e-5)


def test_a_kernel_with_an_unknown_argument_is_reported_not_guessed(monkeypatch: pytest.MonkeyPatch) -> None:
    from transformers.models.llama import modeling_llama

    monkeypatch.setitem(modeling_llama.ALL_ATTENTION_FUNCTIONS._global_mapping, "test_kernel", kernel)
    model = hugging_face("llama")
    model.set_attn_implementation("test_kernel")  # type: ignore[operator]
    with torch.no_grad(), record(model, kinds=["attention"]) as recording:
        model(input_ids=inputs_of(model)["input_ids"], tilt=0.5)
    assert recording.sites() == ()
    lost = {item.site: item.reason for item in recording.missing}
    assert lost["layers.0.self_attn"] == (
        "the attention kernel was called with tilt, whose effect on the weights is unknown: "
        'load the model with attn_implementation="sdpa"'
    )


def test_a_block_mask_of_flex_attention_is_made_dense() -> None:
    from torch.nn.attention.flex_attention import create_block_mask

    query = torch.randn(2, 4, 6, 8)
    block = create_block_mask(lambda b, h, q, k: (q >= k) & (k > b), 2, None, 6, 6, device="cpu")
    seen = _Called(nn.Identity(), query, query, query, block, {"scaling": 0.3}).seen(Frame(), (None, None))
    assert seen.mask is not None
    expected = torch.ones(6, 6).tril().bool() & (torch.arange(6)[None, :] > torch.arange(2)[:, None])[:, None]
    assert torch.equal(seen.mask[:, 0], expected)


def test_parts_and_facts_of_a_decoder() -> None:
    model = hugging_face("llama")
    with torch.no_grad(), record(model) as recording:
        model(**inputs_of(model))
    assert recording.sites(kind="neuron") == ("layers.0.mlp", "layers.1.mlp")
    assert recording.sites(kind="contribution") == (
        "layers.0.self_attn", "layers.0.mlp", "layers.1.self_attn", "layers.1.mlp"
    )  # fmt: skip
    stream = recording.entry("embed_tokens", "embedding").load()
    for layer in range(2):
        for part in ("self_attn", "mlp"):
            stream = stream + recording.entry(f"layers.{layer}.{part}", "contribution").load()
        np.testing.assert_allclose(stream, recording.entry(f"layers.{layer}", "hidden").load(), atol=1e-5)
    facts = recording.info["facts"]
    assert facts["n_params"] == sum(p.numel() for p in model.parameters()) == model.num_parameters()  # type: ignore[operator]
    sizes = {"n_layers": 2, "d_model": 32, "n_heads": 4, "d_head": 8, "context": 64, "vocab": 100}
    sizes |= {"n_kv_heads": 2}
    assert {name: facts[name] for name in sizes} == sizes
