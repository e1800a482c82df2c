"""How models know order, against the published formulas and the models' own tables."""

from typing import Any

import numpy as np
import pytest
import torch
import transformers
from torch import nn

from genviz.figures.positions import added
from genviz.live import LanguageModel
from sample_models.gpt.model import GPT
from sample_models.translator.model import Translator, sinusoids, tokenizers

LENGTH = 24
_SIZES = {"vocab_size": 60, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4,
          "intermediate_size": 64}  # fmt: skip


_MARIAN = {"vocab_size": 60, "d_model": 32, "encoder_layers": 2, "decoder_layers": 2,
           "encoder_attention_heads": 4, "decoder_attention_heads": 4, "encoder_ffn_dim": 64,
           "decoder_ffn_dim": 64, "max_position_embeddings": 64, "pad_token_id": 0}  # fmt: skip


def found_in(model: Any, length: int = LENGTH) -> dict[str, Any]:
    return LanguageModel(model.eval(), text="5 6 7 8").positions(length)


def only(found: dict[str, Any]) -> dict[str, Any]:
    (part,) = found["parts"]
    return dict(part)


def test_learned_rows_are_those_of_the_table() -> None:
    torch.manual_seed(0)
    gpt2 = transformers.GPT2LMHeadModel(
        transformers.GPT2Config(vocab_size=60, n_embd=32, n_layer=2, n_head=4, n_positions=64)
    )
    bert = transformers.BertForMaskedLM(transformers.BertConfig(**_SIZES))
    for model, table in (
        (gpt2, gpt2.transformer.wpe),
        (bert, bert.bert.embeddings.position_embeddings),
    ):
        part = only(found_in(model))
        assert part["form"] == "learned"
        np.testing.assert_array_equal(part["table"], table.weight[:LENGTH].detach().numpy())


def test_a_table_shorter_than_asked_for_sets_the_length() -> None:
    config = transformers.GPT2Config(vocab_size=60, n_embd=32, n_layer=1, n_head=2, n_positions=10)
    found = found_in(transformers.GPT2LMHeadModel(config), 64)
    assert found["length"] == 10
    assert only(found)["table"].shape == (10, 32)


@pytest.mark.parametrize("base", [10_000.0, 500.0])
def test_rotary_frequencies_are_powers_of_the_base(base: float) -> None:
    config = transformers.LlamaConfig(**_SIZES, rope_parameters={"rope_type": "default", "rope_theta": base})
    part = only(found_in(transformers.LlamaForCausalLM(config)))
    assert part["form"] == "rotary"
    width = 32 // 4
    expected = 1 / base ** (2 * np.arange(width // 2) / width)  # arXiv:2104.09864, section 3.2.2
    np.testing.assert_allclose(part["frequencies"], expected, rtol=1e-4)
    assert len(part["layers"]) == 2


@pytest.mark.parametrize("heads", [4, 8])
def test_alibi_slopes_are_those_of_the_paper(heads: int) -> None:
    config = transformers.BloomConfig(vocab_size=60, hidden_size=32, n_layer=2, n_head=heads)
    part = only(found_in(transformers.BloomForCausalLM(config)))
    assert part["form"] == "alibi"
    expected = 2.0 ** (-8 * np.arange(1, heads + 1) / heads)  # arXiv:2108.12409, section 3
    np.testing.assert_allclose(part["slopes"], expected, rtol=1e-5)
    np.testing.assert_allclose(part["bias"], expected[:, None] * part["distances"], atol=1e-5)


def test_relative_bias_is_the_modules_own() -> None:
    torch.manual_seed(1)
    sizes = {"vocab_size": 60, "d_model": 32, "d_kv": 8, "d_ff": 64, "num_layers": 2, "num_heads": 4}
    model = transformers.T5ForConditionalGeneration(transformers.T5Config(**sizes, decoder_start_token_id=0))
    for stack in (model.encoder, model.decoder):
        stack.block[0].layer[0].SelfAttention.relative_attention_bias.weight.data.normal_()
    parts = {part["side"]: part for part in found_in(model)["parts"]}
    assert set(parts) == {"tokens", "target_tokens"}
    for side, stack in (("tokens", model.encoder), ("target_tokens", model.decoder)):
        own = stack.block[0].layer[0].SelfAttention
        expected = own.compute_bias(LENGTH, LENGTH)[0].detach().numpy()
        part = parts[side]
        assert part["form"] == "relative"
        assert len(part["layers"]) == 2
        for distance, bias in zip(part["distances"], part["bias"].T, strict=True):
            at = np.diagonal(expected, int(distance), 1, 2)[:, 0]
            np.testing.assert_allclose(bias, at, atol=1e-5)
    assert parts["tokens"]["distances"].max() == LENGTH - 1
    assert parts["target_tokens"]["distances"].max() == 0  # it may not look ahead


def test_sines_and_cosines_are_those_of_the_paper() -> None:
    config = transformers.MarianConfig(**_MARIAN, decoder_start_token_id=0, eos_token_id=1)
    parts = found_in(transformers.MarianMTModel(config))["parts"]
    rates = 1 / 10_000 ** (2 * np.arange(16) / 32)  # arXiv:1706.03762, section 3.5; all sines, then cosines
    angles = np.arange(LENGTH)[:, None] * rates
    for part in parts:
        assert (part["form"], part["layout"]) == ("sinusoidal", "halves")
        np.testing.assert_allclose(part["frequencies"], rates, rtol=1e-4)
        np.testing.assert_allclose(
            part["table"], np.concatenate([np.sin(angles), np.cos(angles)], 1), atol=1e-5
        )


def test_the_samples_positions_are_their_own_rows() -> None:
    torch.manual_seed(2)
    model = GPT(40, d_model=16, n_heads=2, n_layers=1, context=32)
    part = only(found_in(model))
    np.testing.assert_array_equal(
        part["table"], model.get_parameter(f"{part['site']}.weight")[:LENGTH].detach()
    )


def test_the_translators_two_sequences_have_a_table_each() -> None:
    torch.manual_seed(5)
    source, target = tokenizers()
    model = Translator(source.vocab_size, target.vocab_size, d_model=16, n_heads=2, n_layers=1).eval()
    live = LanguageModel(model, source, target_tokenizer=target, text="le chat noir")
    found = live.positions(16)
    assert [part["side"] for part in found["parts"]] == ["tokens", "target_tokens"]
    expected = sinusoids(found["length"], 16).numpy()
    for part in found["parts"]:
        assert part["form"] == "sinusoidal"
        np.testing.assert_allclose(part["table"], expected, atol=1e-4)


def test_each_sequence_has_its_own_table_once() -> None:
    config = transformers.MarianConfig(**_MARIAN, decoder_start_token_id=0, eos_token_id=1)
    parts = found_in(transformers.MarianMTModel(config))["parts"]
    assert [(part["side"], part["site"]) for part in parts] == [
        ("tokens", "model.encoder.embed_positions"),
        ("target_tokens", "model.decoder.embed_positions"),
    ]


def test_positions_that_meet_content_are_not_called_a_bias() -> None:
    torch.manual_seed(3)
    config = transformers.DebertaV2Config(
        **_SIZES, relative_attention=True, pos_att_type=["c2p", "p2c"], position_biased_input=False
    )
    found = found_in(transformers.DebertaV2ForMaskedLM(config))
    assert not found["parts"]
    assert "positions meet content" in found["notes"][0]


def test_a_model_without_positions_says_so() -> None:
    model = nn.Sequential(nn.Embedding(40, 8), nn.Linear(8, 40))
    found = found_in(model)
    assert not found["parts"]
    assert "No position enters" in found["notes"][0]


def test_a_few_large_numbers_do_not_pale_the_others() -> None:
    table = np.random.default_rng(0).normal(size=(64, 64)).astype(np.float32)
    table[0, 0] = 500.0
    figure = added(table, title="t")
    assert figure.data[0].zmax < 5
    assert any("reach ±5e+02" in note.text for note in figure.layout.annotations)
    table[0, 0] = 0.0
    assert added(table, title="t").data[0].zmax == pytest.approx(float(np.abs(table).max()))
