"""Small models of every kind that scores words, with random weights."""

from typing import Any

import torch
import transformers
from torch import nn

from genviz.live import LanguageModel

VOCAB = 40
IDS = [5, 9, 3, 17, 11, 2]
TARGET = [1, 7, 12, 8]
_SIZES = {"vocab_size": VOCAB, "hidden_size": 16, "num_hidden_layers": 3, "num_attention_heads": 2,
          "intermediate_size": 32}  # fmt: skip


class Identity:
    """A tokenizer whose words are numbers."""

    vocab_size, bos_id = VOCAB, 1

    def encode(self, text: str) -> list[int]:
        return [int(part) for part in text.split()]

    def tokens(self, ids: list[int]) -> list[str]:
        return [f"w{each}" for each in ids]


def model_of(kind: str) -> Any:
    """One model by name, in evaluation mode; norms and biases are not trivial."""
    torch.manual_seed(0)
    made = _MAKERS[kind]()
    for parameter in made.parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)
    return made.eval()


def live_of(kind: str, **more: Any) -> LanguageModel:
    """The same as a live model."""
    two_sided = kind in ("t5", "translator")
    return LanguageModel(
        model_of(kind), Identity(), target_tokenizer=Identity() if two_sided else None,
        text=[" ".join(map(str, IDS)), "4 4 6 20"],
        target_text=[" ".join(map(str, TARGET)), "1 30 31"] if two_sided else (), **more,
    )  # fmt: skip


def given_to(kind: str) -> tuple[list[int], list[int] | None]:
    """Ids, and ids of the target."""
    return IDS, TARGET if kind in ("t5", "translator") else None


def logits_of(kind: str, model: Any) -> torch.Tensor:
    """The model's own logits, (token, vocab)."""
    ids, target = given_to(kind)
    arguments = [torch.tensor([each]) for each in (ids, target) if each is not None]
    if hasattr(model, "config"):
        names = ("input_ids", "decoder_input_ids")
        out = model(**dict(zip(names, arguments, strict=False))).logits
    else:
        out = model(*arguments)
    found: torch.Tensor = out[0]
    return found


def _t5() -> nn.Module:
    config = transformers.T5Config(
        vocab_size=VOCAB, d_model=16, d_kv=8, d_ff=32, num_layers=3, num_heads=2, decoder_start_token_id=1
    )
    made: nn.Module = transformers.T5ForConditionalGeneration(config)
    return made


def _gpt() -> nn.Module:
    from sample_models.gpt.model import GPT

    return GPT(VOCAB, d_model=16, n_heads=2, n_layers=3, context=16)


def _translator() -> nn.Module:
    from sample_models.translator.model import Translator

    return Translator(VOCAB, VOCAB, d_model=16, n_heads=2, n_layers=2)


class PositionsFirst(nn.Module):
    """``nn.TransformerEncoder`` as PyTorch's own tutorial has it: (token, sample, channel) throughout."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(VOCAB, 16)
        layer = nn.TransformerEncoderLayer(16, 2, 32, norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2, norm=nn.LayerNorm(16), enable_nested_tensor=False)
        self.head = nn.Linear(16, VOCAB)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        mask = nn.Transformer.generate_square_subsequent_mask(ids.shape[1])
        hidden = self.encoder(self.embedding(ids.T), mask=mask)
        out: torch.Tensor = 2.0 * self.head(hidden).transpose(0, 1)
        return out


def _of(name: str, config: str, **more: Any) -> Any:
    sizes = {**_SIZES, **more}
    return lambda: getattr(transformers, name)(getattr(transformers, config)(**sizes))


_MAKERS: dict[str, Any] = {
    "gpt": _gpt,
    "translator": _translator,
    "positions first": PositionsFirst,
    "t5": _t5,
    "gpt2": lambda: transformers.GPT2LMHeadModel(
        transformers.GPT2Config(vocab_size=VOCAB, n_embd=16, n_layer=3, n_head=2, n_positions=16)
    ),
    "llama": _of("LlamaForCausalLM", "LlamaConfig", num_key_value_heads=1),
    "gemma2": _of(
        "Gemma2ForCausalLM", "Gemma2Config", head_dim=8, num_key_value_heads=1, final_logit_softcapping=5.0
    ),
    "bert": _of("BertForMaskedLM", "BertConfig"),
    "roberta": _of("RobertaForMaskedLM", "RobertaConfig"),
    "albert": _of("AlbertForMaskedLM", "AlbertConfig", embedding_size=8),
    "gpt_neox": _of("GPTNeoXForCausalLM", "GPTNeoXConfig", use_parallel_residual=True),
    "granite": _of(
        "GraniteForCausalLM", "GraniteConfig", num_key_value_heads=1, residual_multiplier=0.4,
        embedding_multiplier=3.0, logits_scaling=2.0,
    ),
}  # fmt: skip
