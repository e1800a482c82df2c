"""What a GPT of a size takes to train: memory, operations, time; and which sizes fit together."""

from dataclasses import dataclass

from genviz.analysis.accounting import Configuration, flops_per_token, kv_cache_bytes
from genviz.errors import ControlError

#: Tokens per parameter at which a model of a given cost is best (Hoffmann et al. 2022, arXiv:2203.15556).
TOKENS_PER_PARAMETER = 20
#: Tokens that every GPT-3 was trained on (Brown et al. 2020, arXiv:2005.14165, table 2.1).
GPT3_TOKENS = 300_000_000_000


@dataclass(frozen=True)
class Precision:
    """Bytes that each number takes while a model is trained with Adam.

    Parameters
    ----------
    name : str
    weight, gradient, states : int
        For each parameter; ``states`` are both moments and, where weights are kept short, a full copy.
    value : int
        Of an activation, a key, a value.
    """

    name: str
    weight: int
    gradient: int
    states: int
    value: int


#: By name. Mixed as in Rajbhandari et al. 2020, arXiv:1910.02054, section 3.1: 2 + 2 + 12 bytes.
PRECISIONS: dict[str, Precision] = {
    "32 bits": Precision("32 bits", 4, 4, 8, 4),
    "16 + 32 bits": Precision("16 + 32 bits", 2, 2, 12, 2),
}


@dataclass(frozen=True)
class Accelerator:
    """A processor by its published peak.

    Parameters
    ----------
    name : str
    peak : float
        FLOP/s of dense matrix products in 16 bits.
    source : str
        Where that is published.
    """

    name: str
    peak: float
    source: str


ACCELERATORS: tuple[Accelerator, ...] = (
    Accelerator("NVIDIA V100", 125e12, "NVIDIA V100 datasheet, SXM2"),
    Accelerator("NVIDIA A100", 312e12, "NVIDIA A100 datasheet, BF16"),
    Accelerator("NVIDIA H100", 989e12, "NVIDIA H100 datasheet, SXM, BF16 without sparsity"),
)


def head_width(d_model: int, n_heads: int) -> int:
    """Channels of each head when heads share the model's width.

    Raises
    ------
    ControlError
        When it cannot be shared out evenly; says why, and which sizes near by can.

    Examples
    --------
    >>> head_width(768, 12)
    64
    """
    if d_model % n_heads == 0:
        return d_model // n_heads
    below, above = d_model - d_model % n_heads, d_model + n_heads - d_model % n_heads
    fewer = next(n for n in range(n_heads, 0, -1) if d_model % n == 0)
    more = next(n for n in range(n_heads, d_model + n_heads) if d_model % n == 0 or n > d_model)
    heads = f"{fewer} or {more}" if more <= d_model else str(fewer)
    widths = f"{below:,} or {above:,}" if below else f"{above:,}"
    raise ControlError(
        f"d_model={d_model:,} is not divisible by n_heads={n_heads:,}: the heads share the {d_model:,} "
        f"channels of a token among them, and {d_model:,} / {n_heads:,} = {d_model / n_heads:.2f} is no "
        f"whole number of channels. Take {heads} heads, or d_model = {widths}, or set d_head yourself"
    )


def activation_bytes(size: Configuration, texts: int, precision: Precision) -> float:
    """Bytes that are kept from the forward step for the backward one, nothing being worked out twice.

    Korthikanti et al. 2022, arXiv:2205.05198, equation 1 and section 4.3, for ``s`` tokens of ``b`` texts:
    each layer keeps 16 values and 2 bytes of dropout masks per channel (34 bytes in 16 bits) and, of each
    head's map, 2 values and a byte per cell (5 bytes); embedding, last norm and head keep ``s·b·(1 + 2
    values)`` per channel and the logits in 32 bits. Heads that are not as wide together as the model
    change 4 of the 16.

    Examples
    --------
    A layer of GPT-3 175B: 34 + 5·a·s/h = 114 bytes per token and channel.

    >>> gpt3 = Configuration("", 1, 12288, 96, 128, 2048, vocab=0)
    >>> (activation_bytes(gpt3, 1, PRECISIONS["16 + 32 bits"]) / (2048 * 12288)) - (1 + 2 * 2)
    114.0
    """
    width, inner, value = size.d_model, size.n_heads * size.d_head, precision.value
    layer = 12 * value * width + 4 * value * inner + 2 * width
    cells = size.n_heads * size.context * (2 * value + 1)
    ends = (1 + 2 * value) * width + 4 * size.vocab
    return float(texts * size.context * (size.n_layers * (layer + cells) + ends))


def training_bytes(size: Configuration, texts: int, precision: Precision) -> dict[str, float]:
    """What training with Adam keeps in memory, in bytes, all texts of a step at once."""
    count = size.n_params
    return {
        "weights": float(count * precision.weight),
        "gradients": float(count * precision.gradient),
        "Adam's states": float(count * precision.states),
        "activations": activation_bytes(size, texts, precision),
    }


def writing_bytes(size: Configuration, texts: int, precision: Precision) -> dict[str, float]:
    """What writing keeps in memory, in bytes, when ``texts`` texts are as long as the context."""
    cache = kv_cache_bytes(size.sites, size.context, batch=texts, bytes_per_value=precision.value)
    return {"weights": float(size.n_params * precision.weight), "key/value cache": float(cache)}


def training_flops(size: Configuration) -> int:
    """Floating-point operations for each token that is trained on.

    Three times the forward step's, of which backward takes two: 6 per matrix entry and ``12·L·h·e·T`` for
    attention, whose maps are worked out whole (Kaplan et al. 2020, arXiv:2001.08361, section 2.1; Hoffmann et
    al. 2022, arXiv:2203.15556, appendix F; with this attention term Chowdhery et al. 2022, arXiv:2204.02311,
    appendix B).

    Examples
    --------
    GPT-3 175B on 300 billion tokens; 3.14e23 were published, without attention's own:

    >>> from genviz.analysis.accounting import GPT3
    >>> f"{training_flops(GPT3[-1]) * GPT3_TOKENS:.3g}"
    '3.23e+23'
    """
    return 3 * flops_per_token(size.matrices, size.sites, size.context)
