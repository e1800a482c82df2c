"""Language models: plain PyTorch with home-made tokenizers, and Hugging Face folders."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from torch import Tensor, nn

from genviz.errors import LiveError, UnsafeFile
from genviz.live import LanguageModel, open_source, wrap

WORDS = ["<bos>", "<eos>", "the", "cat", "sits", "on", "mat", "robber", "bank"]


class Words:
    """A tokenizer as a user writes one."""

    vocab_size, bos_id, eos_id = len(WORDS), 0, 1

    def encode(self, text: str) -> list[int]:
        return [WORDS.index(word) for word in text.lower().rstrip(".").split()]

    def decode(self, ids: list[int]) -> str:
        return " ".join(self.tokens(ids))

    def tokens(self, ids: list[int]) -> list[str]:
        return [WORDS[each] for each in ids]


class Decoder(nn.Module):
    def __init__(self, *, causal: bool = True) -> None:
        super().__init__()
        self.embedding, self.causal = nn.Embedding(len(WORDS), 16), causal
        self.block = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True)
        self.head = nn.Linear(16, len(WORDS))

    def forward(self, ids: Tensor) -> Tensor:
        mask = nn.Transformer.generate_square_subsequent_mask(ids.shape[1]) if self.causal else None
        out: Tensor = self.head(self.block(self.embedding(ids), src_mask=mask, is_causal=self.causal))
        return out


class Translator(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.source, self.target = nn.Embedding(len(WORDS), 16), nn.Embedding(len(WORDS), 16)
        self.transformer = nn.Transformer(16, 2, 1, 1, 32, batch_first=True)
        self.head = nn.Linear(16, len(WORDS))

    def forward(self, source_ids: Tensor, target_ids: Tensor) -> Tensor:
        mask = nn.Transformer.generate_square_subsequent_mask(target_ids.shape[1])
        hidden = self.transformer(self.source(source_ids), self.target(target_ids), tgt_mask=mask)
        out: Tensor = self.head(hidden)
        return out


def test_a_decoder_and_its_next_tokens() -> None:
    torch.manual_seed(0)
    model = Decoder()
    live = LanguageModel(model, Words(), text="The cat sits on mat.")
    assert set(live.offers) - set(live.abilities) == {"training", "masked_words", "expert_neurons"}
    assert live.tokenize("the cat") == {"ids": [2, 3], "tokens": ["the", "cat"]}
    best = live.next_tokens("the cat sits", count=4)
    model.eval()
    with torch.no_grad():
        logits = model(torch.tensor([[2, 3, 4]]))[0, -1]
    order = logits.argsort(descending=True)[:4].tolist()
    assert best["ids"] == order
    assert best["tokens"] == [WORDS[each] for each in order]
    np.testing.assert_allclose(best["probabilities"], logits.softmax(0)[order], atol=1e-6)
    assert sum(live.next_tokens("the", count=100)["probabilities"]) == pytest.approx(1)


def test_a_recording_has_the_text_along_its_axes() -> None:
    model = Decoder()
    model.block.dropout.eval()
    flags = [part.training for part in model.modules()]
    recording = LanguageModel(model, Words(), text=["The cat sits on mat."], title="Mine").record()
    assert recording.tokens == (("the", "cat", "sits", "on", "mat"),)
    (site,) = recording.sites(kind="attention")
    weights = recording.attention(site, head=1)
    assert list(weights.coords["query"].values) == ["the", "cat", "sits", "on", "mat"]
    assert weights.values[0, 1:].max() == 0  # nobody looks ahead
    np.testing.assert_allclose(weights.values.sum(1), 1, atol=1e-6)
    assert recording.info["title"] == "Mine"
    assert recording.info["defaults"]["text"] == ["The cat sits on mat."]
    assert [part.training for part in model.modules()] == flags


def test_a_model_that_looks_both_ways_predicts_no_next_token() -> None:
    live = LanguageModel(Decoder(causal=False), Words(), text="the cat sits")
    assert "next_tokens" not in live.abilities
    assert "logit_lens" in live.abilities  # it scores the vocabulary all the same


def test_an_encoder_decoder_answers_and_records_both_sides() -> None:
    torch.manual_seed(1)
    live = LanguageModel(
        Translator(), Words(), target_tokenizer=Words(), text="the cat", target_text="the robber"
    )
    assert "next_tokens" in live.abilities
    own = live.record("the cat")
    assert own.tokens == (("the", "cat"),)
    answer = own.info["target_tokens"][0]
    assert answer[0] == "<bos>"
    for at in range(1, len(answer)):  # greedy: each token is the likeliest after those before it
        so_far = [WORDS.index(word) for word in answer[1:at]]
        assert live.next_tokens("the cat", 1, target_text=so_far)["tokens"] == [answer[at]]
    given = live.record("the cat", target_text="the robber")
    assert given.info["target_tokens"] == [["<bos>", "the", "robber"]]
    cross = [site for site in given.sites(kind="attention") if "multihead" in site]
    weights = given.attention(cross[0], head=0)
    assert weights.shape == (3, 2)
    assert list(weights.coords["query"].values) == ["<bos>", "the", "robber"]
    assert list(weights.coords["key"].values) == ["the", "cat"]


def test_a_recording_holds_the_parts_that_a_fused_kernel_hides() -> None:
    model = Translator()
    recording = LanguageModel(
        model, Words(), target_tokenizer=Words(), text="the cat", target_text="the robber"
    ).record(target_text="the robber")
    assert not [each for each in recording.missing if each.kind in ("neuron", "contribution", "attention")]
    assert recording.entry("transformer.encoder.layers.0.linear2", "neuron").shape == (1, 2, 32)
    assert "fused encoder kernel" in recording.info["provenance"]["fast_path"]
    assert torch.backends.mha.get_fastpath_enabled()


def test_a_model_without_a_fused_kernel_is_run_as_it_is() -> None:
    recording = LanguageModel(
        nn.Sequential(nn.Embedding(9, 16), nn.Linear(16, 9)), Words(), text="the cat"
    ).record()
    assert "fast_path" not in recording.info["provenance"]


def test_without_a_tokenizer_texts_are_ids() -> None:
    live = LanguageModel(Decoder())
    assert live.tokenize("2 3, 4") == {"ids": [2, 3, 4], "tokens": ["2", "3", "4"]}
    assert live.record([2, 3, 4]).tokens == (("2", "3", "4"),)
    with pytest.raises(LiveError, match="this model has no tokenizer, so it cannot read 'the cat': give ids"):
        live.tokenize("the cat")
    with pytest.raises(LiveError, match="no text to record: give one, or pass text="):
        live.record()


def test_other_tokenizers_and_bad_ones() -> None:
    letters = LanguageModel(Decoder(), lambda text: [ord(each) % len(WORDS) for each in text])
    assert len(letters.tokenize("abc")["ids"]) == 3
    with pytest.raises(LiveError, match="no tokens in '': give some text"):
        letters.tokenize("")
    with pytest.raises(LiveError, match=r"cannot use a int as tokenizer: it needs encode\(text\)"):
        LanguageModel(Decoder(), 3).tokenize("a")


def test_wrap_takes_what_a_sample_gives() -> None:
    live = wrap({"model": Decoder(), "tokenizer": Words(), "text": ["the cat"], "title": "T", "about": "A"})
    assert isinstance(live, LanguageModel)
    assert isinstance(wrap(Decoder()), LanguageModel)
    assert isinstance(
        wrap({"model": Translator(), "tokenizer": Words(), "target_tokenizer": Words()}), LanguageModel
    )


# -- Hugging Face --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=300, special_tokens=["<eos>", "<pad>"], show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )  # fmt: skip
    raw.train_from_iterator(["the cat sits on the mat", "the robber went to the bank"] * 20, trainer)
    return transformers.PreTrainedTokenizerFast(tokenizer_object=raw, eos_token="<eos>", pad_token="<pad>")


def small(kind: str) -> Any:
    torch.manual_seed(0)
    sizes: dict[str, Any] = {"vocab_size": 300}
    if kind == "gpt2":
        config = transformers.GPT2Config(
            n_layer=2, n_head=2, n_embd=16, n_positions=64, eos_token_id=0, bos_token_id=0, **sizes
        )
        return transformers.GPT2LMHeadModel(config)
    if kind == "t5":
        config = transformers.T5Config(
            d_model=16,
            d_kv=8,
            d_ff=32,
            num_layers=2,
            num_heads=2,
            decoder_start_token_id=1,
            eos_token_id=0,
            pad_token_id=1,
            **sizes,
        )
        return transformers.T5ForConditionalGeneration(config)
    config = transformers.BertConfig(
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=64,
        **sizes,
    )
    return transformers.BertForMaskedLM(config) if kind == "bert masked" else transformers.BertModel(config)


@pytest.mark.parametrize(
    ("kind", "predicts"), [("gpt2", True), ("t5", True), ("bert", False), ("bert masked", False)]
)
def test_a_saved_folder_is_opened(kind: str, predicts: bool, tmp_path: Path, tokenizer: Any) -> None:
    model = small(kind).eval()
    model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    live = open_source(str(tmp_path))
    assert type(live.modules[""]) is type(model)
    assert live.predicts_next is predicts
    assert live.title == tmp_path.name
    recording = live.record("the cat sits")
    assert "".join(recording.tokens[0]) == "the cat sits"
    assert len(recording.sites(kind="attention")) == (6 if kind == "t5" else 2)
    site = recording.sites(kind="attention")[0]
    np.testing.assert_allclose(recording.attention(site).values.sum(-1), 1, atol=1e-5)
    if predicts:
        best = live.next_tokens("the cat", count=5)
        ids = tokenizer("the cat", return_tensors="pt")["input_ids"]
        extra = {"decoder_input_ids": torch.tensor([[1]])} if kind == "t5" else {}
        with torch.no_grad():
            expected = model(input_ids=ids, **extra).logits[0, -1].softmax(0).topk(5)
        assert best["ids"] == expected.indices.tolist()
        np.testing.assert_allclose(best["probabilities"], expected.values, atol=1e-6)


def test_a_folder_without_a_tokenizer(tmp_path: Path) -> None:
    small("gpt2").save_pretrained(tmp_path)
    assert open_source(str(tmp_path)).record("5 6 7").tokens == (("5", "6", "7"),)


def test_pickled_weights_are_refused(tmp_path: Path) -> None:
    model = small("gpt2")
    model.config.save_pretrained(tmp_path)
    torch.save(model.state_dict(), tmp_path / "pytorch_model.bin")
    with pytest.raises(
        UnsafeFile, match=r"keeps its weights in pytorch_model.bin, a pickle, .*model\.save_pretrained\("
    ):
        open_source(str(tmp_path))


def test_code_from_a_configuration_is_refused(tmp_path: Path) -> None:
    small("gpt2").save_pretrained(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    config["_attn_implementation_internal"] = "somebody/kernel"
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(
        UnsafeFile, match=r"asks for attention code from 'somebody/kernel', which would be downloaded"
    ):
        open_source(str(tmp_path))


def test_an_auto_map_is_not_followed(tmp_path: Path) -> None:
    small("gpt2").save_pretrained(tmp_path)
    (tmp_path / "evil.py").write_text("raise SystemExit('code from a model folder ran')")
    config = json.loads((tmp_path / "config.json").read_text())
    config["auto_map"] = {"AutoConfig": "evil.Config", "AutoModelForCausalLM": "evil.Model"}
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert type(open_source(str(tmp_path)).modules[""]).__name__ == "GPT2LMHeadModel"
    config["model_type"] = "nothing-known"
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises((UnsafeFile, LiveError)):
        open_source(str(tmp_path))


def test_a_recording_names_the_tokens_that_stand_for_no_text() -> None:
    live = LanguageModel(Decoder(), Words(), text="the cat sits")
    assert live.record().info["special_tokens"] == live.source.specials == ["<bos>", "<eos>"]

    class Named(Words):
        all_special_tokens = ("<x>",)

    assert LanguageModel(Decoder(), Named(), text="the cat").record().info["special_tokens"] == ["<x>"]
