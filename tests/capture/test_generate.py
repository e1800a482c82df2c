"""``generate()`` with a KV cache: the calls put together equal one full pass on eager."""

from typing import Any

import numpy as np
import pytest
import torch

pytest.importorskip("transformers")

from benchmarks.architectures.shrinking import small_config
from genviz.capture import record, verify
from genviz.errors import NotCaptured


def language_model(model_type: str, eager: bool = False, **changes: Any) -> Any:
    from transformers import AutoModelForCausalLM

    torch.manual_seed(0)
    config = small_config(model_type, eos_token_id=None, **changes)
    kwargs = {"attn_implementation": "eager"} if eager else {}
    return AutoModelForCausalLM.from_config(config, **kwargs).eval()


PROMPT = torch.tensor([[11, 12, 13, 14, 15], [21, 22, 23, 24, 25]])
CASES: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "gpt2": ("gpt2", {}, {}),
    "llama": ("llama", {}, {}),
    "mistral, sliding": ("mistral", {"sliding_window": 4}, {}),
    "gemma3_text": ("gemma3_text", {"sliding_window": 4}, {}),
    "qwen3": ("qwen3", {}, {}),
    "opt": ("opt", {}, {}),
    "llama, static cache": ("llama", {}, {"cache_implementation": "static"}),
    "llama, no cache": ("llama", {}, {"use_cache": False}),
}


@pytest.mark.parametrize("name", CASES)
def test_calls_are_put_together(name: str) -> None:
    model_type, changes, options = CASES[name]
    model = language_model(model_type, **changes)
    torch.manual_seed(1)
    bare = model.generate(PROMPT, max_new_tokens=6, do_sample=True, **options)
    torch.manual_seed(1)
    with record(model, verify=True) as recording:
        made = model.generate(PROMPT, max_new_tokens=6, do_sample=True, **options)
    assert torch.equal(bare, made)
    assert max(verify(recording).values()) < 1e-5

    twin = language_model(model_type, eager=True, **changes)
    twin.load_state_dict(model.state_dict())
    with torch.no_grad():
        expected = twin(made[:, :-1], output_attentions=True).attentions
    for site, reference in zip(recording.sites(kind="attention"), expected, strict=True):
        for sample in range(2):
            call = 5 if "no cache" in name else None  # without a cache the last call is the whole sequence
            found = recording.attention(site, sample=sample, call=call)
            np.testing.assert_allclose(found, reference[sample], atol=1e-5)


@pytest.mark.parametrize("model_type", ["gpt2", "llama"])
def test_only_new_keys_are_kept(model_type: str) -> None:
    model = language_model(model_type)
    with record(model, kinds=["attention"]) as recording:
        model.generate(PROMPT, max_new_tokens=6, do_sample=False)
    site = recording.sites(kind="attention")[0]
    keys = recording.entries(site, "key")
    assert [entry.shape[2] for entry in keys] == [5, 1, 1, 1, 1, 1]
    assert [entry.attrs.get("key_start", 0) for entry in keys] == [0, 5, 6, 7, 8, 9]
    assert recording.attention(site, head=0).shape == (10, 10)
    assert recording.attention(site, head=0, query=[9]).shape == (1, 10)
    assert recording.attention(site, head=0, call=3).shape == (1, 8)


def test_a_padded_prompt_with_grouped_heads() -> None:
    """Decoding one token under a mask, transformers packs the heads of a group together below the "
    "registry."""
    model = language_model("llama")
    mask = torch.tensor([[0, 0, 1, 1, 1], [1, 1, 1, 1, 1]])
    with record(model, verify=True) as recording:
        made = model.generate(PROMPT, attention_mask=mask, max_new_tokens=5, do_sample=False)
    assert max(verify(recording).values()) < 1e-5
    twin = language_model("llama", eager=True)
    twin.load_state_dict(model.state_dict())
    whole = torch.cat([mask, torch.ones(2, 5, dtype=torch.long)], 1)[:, :-1]
    with torch.no_grad():
        positions = (whole.cumsum(1) - 1).clamp(min=1)
        positions = (whole.cumsum(-1) - 1).masked_fill(whole == 0, 0)
        expected = twin(made[:, :-1], attention_mask=whole, position_ids=positions, output_attentions=True)
    for site, reference in zip(recording.sites(kind="attention"), expected.attentions, strict=True):
        np.testing.assert_allclose(recording.attention(site, sample=0)[:, 2:], reference[0][:, 2:], atol=1e-5)
        np.testing.assert_allclose(recording.attention(site, sample=1), reference[1], atol=1e-5)


def test_an_encoder_decoder_generates() -> None:
    from transformers import AutoModelForSeq2SeqLM

    torch.manual_seed(0)
    config = small_config("bart", eos_token_id=None, forced_eos_token_id=None)
    model = AutoModelForSeq2SeqLM.from_config(config).eval()
    with record(model, tokens=[list("abcde")] * 2, verify=True) as recording:
        made = model.generate(PROMPT, max_new_tokens=5, do_sample=False, num_beams=1)
    assert max(verify(recording).values()) < 1e-5
    twin = AutoModelForSeq2SeqLM.from_config(config, attn_implementation="eager").eval()
    twin.load_state_dict(model.state_dict())
    with torch.no_grad():
        whole = twin(PROMPT, decoder_input_ids=made[:, :-1], output_attentions=True)
    for layer in range(2):
        for part, expected in (
            ("self_attn", whole.decoder_attentions),
            ("encoder_attn", whole.cross_attentions),
        ):
            for sample in range(2):
                found = recording.attention(f"model.decoder.layers.{layer}.{part}", sample=sample)
                np.testing.assert_allclose(found, expected[layer][sample], atol=1e-5)
    cross = recording.entries("model.decoder.layers.0.encoder_attn", "key")
    assert [entry.shape[2] for entry in cross] == [5, 0, 0, 0, 0]  # the encoder's keys are kept once


def test_beams_that_change_places_are_not_put_together_wrongly() -> None:
    model = language_model("gpt2")
    torch.manual_seed(0)
    with record(model, verify=True) as recording:
        model.generate(PROMPT, max_new_tokens=8, num_beams=3, do_sample=True, temperature=5.0)
    assert max(verify(recording).values()) < 1e-5
    site = recording.sites(kind="attention")[0]
    starts = [entry.attrs.get("key_start", 0) for entry in recording.entries(site, "key")]
    assert 0 in starts[1:]  # some beam moved
    with pytest.raises(NotCaptured, match=r"choose one with call="):
        recording.attention(site, head=0)
    assert recording.attention(site, head=0, call=7).shape == (1, 12)


def test_ids_and_logits_say_where_they_stand() -> None:
    model = language_model("llama")
    with record(model, tokenizer=lambda ids: [f"<{each}>" for each in ids]) as recording:
        made = model.generate(PROMPT, max_new_tokens=3, do_sample=False)
    ids = recording.entries("model.embed_tokens", "ids")
    assert [entry.attrs.get("start", {}).get("token", 0) for entry in ids] == [0, 5, 6]
    best = recording.entries("", "top_ids")
    assert [entry.attrs["start"]["token"] for entry in best] == [4, 5, 6]
    assert [int(entry.load()[0, -1, 0]) for entry in best] == made[0, 5:].tolist()
    assert recording.tokens[0] == tuple(f"<{each}>" for each in made[0, :-1].tolist())
    read = recording.attention("model.layers.0.self_attn", head=0)
    assert list(read.coords["key"].values) == list(recording.tokens[0])
