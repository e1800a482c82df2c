"""Batches as people run them: padded on either side, packed into one row, decoded with beams; flex."""

from typing import Any

import numpy as np
import pytest
import torch

pytest.importorskip("transformers")

from benchmarks.architectures.references import Softmaxes
from genviz.capture import record, verify
from genviz.recording import Recording
from tests.capture.test_generate import PROMPT, language_model

LEFT = torch.tensor([[0, 0, 1, 1, 1], [1, 1, 1, 1, 1]])
RIGHT = LEFT.flip(-1)


def twin_of(model: Any, model_type: str, **changes: Any) -> Any:
    """The same weights on eager, which gives its weights out."""
    twin = language_model(model_type, eager=True, **changes)
    twin.load_state_dict(model.state_dict())
    return twin


def agree(recording: Recording, expected: Any, keep: torch.Tensor | None = None) -> None:
    """Every map of the recording is the reference's, at the queries that are no padding."""
    sites = recording.sites(kind="attention")
    assert len(sites) == len(expected) > 0
    for site, reference in zip(sites, expected, strict=True):
        for sample in range(reference.shape[0]):
            rows = slice(None) if keep is None else keep[sample].bool().numpy()
            found = recording.attention(site, sample=sample).values
            np.testing.assert_allclose(found[:, rows], reference[sample].numpy()[:, rows], atol=1e-5)


KINDS: dict[str, dict[str, Any]] = {
    "gpt2": {}, "llama": {}, "gemma2": {}, "gpt_oss": {}, "bloom": {}, "mpt": {},
    "mistral": {"sliding_window": 3},
    "deepseek_v3": {
        "num_key_value_heads": 4, "q_lora_rank": 16, "kv_lora_rank": 16, "v_head_dim": 8,
        "qk_rope_head_dim": 8, "qk_nope_head_dim": 8,
    },
}  # fmt: skip


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("model_type", KINDS)
def test_padding(model_type: str, side: str) -> None:
    mask = LEFT if side == "left" else RIGHT
    model = language_model(model_type, **KINDS[model_type])
    with torch.no_grad():
        bare = model(PROMPT, attention_mask=mask).logits
        with record(model, verify=True) as recording:
            seen = model(PROMPT, attention_mask=mask).logits
        twin = twin_of(model, model_type, **KINDS[model_type])
        expected = twin(PROMPT, attention_mask=mask, output_attentions=True).attentions
    assert torch.equal(bare, seen)
    agree(recording, expected, mask)


def test_alibi_that_eager_adds_at_another_place() -> None:
    """Falcon's eager path scales its bias otherwise than its fused one: what was computed is what counts."""
    model = language_model("falcon", alibi=True)
    with torch.no_grad():
        bare = model(PROMPT, attention_mask=RIGHT).logits
        with Softmaxes() as kernels:
            model(PROMPT, attention_mask=RIGHT)
        with record(model, verify=True) as recording:
            seen = model(PROMPT, attention_mask=RIGHT).logits
    assert torch.equal(bare, seen)
    agree(recording, [torch.as_tensor(each) for each in kernels.kernels], RIGHT)
    assert max(verify(recording).values()) < 1e-6


def test_several_texts_packed_into_one_row() -> None:
    """Positions that begin anew: nothing looks over the border, and each text's map is what it is alone."""
    model = language_model("llama")
    packed = PROMPT.reshape(1, 10)
    positions = torch.tensor([[0, 1, 2, 3, 4, 0, 1, 2, 3, 4]])
    with torch.no_grad():
        bare = model(packed, position_ids=positions, use_cache=False).logits
        with record(model, verify=True) as recording:
            seen = model(packed, position_ids=positions, use_cache=False).logits
        alone = twin_of(model, "llama")(PROMPT, output_attentions=True).attentions
    assert torch.equal(bare, seen)
    assert max(verify(recording).values()) < 1e-5
    for site, reference in zip(recording.sites(kind="attention"), alone, strict=True):
        found = recording.attention(site).values
        assert not found[:, 5:, :5].any()
        np.testing.assert_allclose(found[:, :5, :5], reference[0], atol=1e-5)
        np.testing.assert_allclose(found[:, 5:, 5:], reference[1], atol=1e-5)


def test_flex_attention() -> None:
    model = language_model("llama")
    model.set_attn_implementation("flex_attention")
    mask = RIGHT
    with torch.no_grad():
        bare = model(PROMPT, attention_mask=mask).logits
        with record(model, verify=True) as recording:
            seen = model(PROMPT, attention_mask=mask).logits
        expected = twin_of(model, "llama")(PROMPT, attention_mask=mask, output_attentions=True).attentions
    assert torch.equal(bare, seen)
    agree(recording, expected, mask)
    assert max(verify(recording).values()) < 1e-5


def test_beams_are_samples_of_each_call() -> None:
    """Beams are reordered between calls, so each call is a map of its own; its last row is eager's."""
    model = language_model("llama")
    options: dict[str, Any] = {"max_new_tokens": 4, "num_beams": 3, "do_sample": False}
    bare = model.generate(PROMPT, **options)
    with record(model, kinds=["attention"], verify=True) as recording:
        made = model.generate(PROMPT, **options)
    assert torch.equal(bare, made)
    assert max(verify(recording).values()) < 1e-5
    twin = twin_of(model, "llama")
    told = twin.generate(PROMPT, output_attentions=True, return_dict_in_generate=True, **options)
    assert torch.equal(told.sequences, made)
    for layer, site in enumerate(recording.sites(kind="attention")):
        for call, step in enumerate(told.attentions):
            for sample in range(len(PROMPT) * 3):
                found = recording.attention(site, sample=sample, call=call).values
                reference = step[layer][sample].numpy()
                np.testing.assert_allclose(found[:, -1], reference[:, -1, : found.shape[-1]], atol=1e-5)
