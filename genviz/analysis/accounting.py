"""Where a transformer's parameters are, what it keeps for each token, and how much it computes for one."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

#: What each part is called, in the order in which a token meets them.
PARTS: dict[str, str] = {
    "embedding": "token embedding",
    "position": "positions",
    "attention": "attention",
    "feed-forward": "feed-forward",
    "norm": "norms",
    "head": "output head",
    "other": "other",
}
_MOST_MULTIPLE = 8  # 384 = 3 · 128 is said; 25 · d would explain nothing


@dataclass(frozen=True)
class PartCount:
    """Parameters of one part.

    Parameters
    ----------
    part : str
        A key of ``PARTS``.
    count : int
        Parameters; a tied tensor is counted where it first stands.
    bytes : int
    formula : str
        The same number from the model's sizes: ``L × (4·d² + 4·d)``.
    tensors : tuple of str
        Every tensor with its shape and how often it stands in the model.
    """

    part: str
    count: int
    bytes: int
    formula: str
    tensors: tuple[str, ...]


def account(rows: Sequence[Mapping[str, Any]], facts: Mapping[str, Any]) -> list[PartCount]:
    """Add up parameters part by part.

    Parameters
    ----------
    rows : sequence of mapping
        ``info["parts"]`` of a recording: part, name, shape, times, bytes, shared.
    facts : mapping
        ``info["facts"]``: sizes that the formulas are written in.

    Examples
    --------
    >>> qkv = {"part": "attention", "name": "qkv", "shape": [384, 128], "times": 4, "bytes": 196608}
    >>> found = account([qkv], {"d_model": 128, "n_layers": 4})[0]
    >>> found.count, found.formula
    (196608, 'L × 3·d²')
    """
    found = []
    for part in PARTS:
        own = [row for row in rows if row["part"] == part]
        if own:
            found.append(
                PartCount(
                    part,
                    sum(row["times"] * prod(row["shape"]) for row in own),
                    sum(row["times"] * row["bytes"] for row in own),
                    formula(own, facts),
                    tuple(_tensor(row) for row in own),
                )
            )
    return found


def symbols(facts: Mapping[str, Any]) -> dict[str, tuple[int, str]]:
    """Letters of the formulas: letter → (value, meaning), as far as the model tells its sizes."""
    heads, own = facts.get("n_heads"), facts.get("d_head")
    letters = {
        "L": (facts.get("n_layers"), "layers"),
        "V": (facts.get("vocab"), "vocabulary"),
        "T": (facts.get("context"), "context"),
        "d": (facts.get("d_model"), "model width"),
        "f": (facts.get("d_ff"), "feed-forward width"),
        "h": (heads, "heads"),
        "g": (facts.get("n_kv_heads"), "key/value heads"),
        "e": (own, "head width"),
        "E": (facts.get("n_experts"), "experts"),
    }
    return {letter: (int(value), meaning) for letter, (value, meaning) in letters.items() if value}


def formula(rows: Sequence[Mapping[str, Any]], facts: Mapping[str, Any]) -> str:
    """Write the number of parameters of some tensors in the model's own sizes.

    Tensors that stand equally often share a bracket. A size that is none of the model's stays a number.
    """
    known = symbols(facts)
    if not any(row["part"] == "position" for row in rows):
        known.pop("T", None)  # what is as long elsewhere is so by chance
    layers = known.get("L", (0, ""))[0]
    brackets: dict[int, Counter[tuple[str, ...]]] = {}
    for row in rows:
        if row["times"]:
            scale, letters = _monomial(row["shape"], known)
            brackets.setdefault(row["times"], Counter())[letters] += scale
    terms = []
    for times, sums in sorted(brackets.items(), reverse=True):
        inside = " + ".join(_term(scale, letters) for letters, scale in sorted(sums.items(), key=_degree))
        often = "L" if times == layers and times > 1 else "" if times == 1 else str(times)
        inside = f"({inside})" if often and len(sums) > 1 else inside
        terms.append(f"{often} × {inside}" if often else inside)
    return " + ".join(terms) or "0: shared"


def _monomial(shape: Sequence[int], known: Mapping[str, tuple[int, str]]) -> tuple[int, tuple[str, ...]]:
    scale, letters = 1, []
    for size in shape:
        factor, named = _named(int(size), known)
        scale *= factor
        letters += named
    return scale, tuple(sorted(letters, key="VTEdfhge".index))


def _named(size: int, known: Mapping[str, tuple[int, str]]) -> tuple[int, list[str]]:
    """One side of a tensor as a number times letters."""
    value = {letter: at for letter, (at, _) in known.items()}
    for letter in "dVTf":
        if letter == "f" and value.get("f", 0) == 4 * value.get("d", 0):
            continue  # the usual 4·d says more
        if size == value.get(letter):
            return 1, [letter]
    width, inner = value.get("d", 0), value.get("f", 0)
    if size == 2 * inner and inner != 4 * width:
        return 2, ["f"]
    if width > 1 and size % width == 0 and size // width <= _MOST_MULTIPLE:
        return size // width, ["d"]
    for letter in ("g", "h"):
        if "e" in value and letter in value and size == value[letter] * value["e"] and size > 1:
            return 1, [letter, "e"]
    for letter in ("e", "E"):
        if size > 1 and size == value.get(letter):
            return 1, [letter]
    return size, []


def _degree(item: tuple[tuple[str, ...], int]) -> tuple[int, tuple[str, ...]]:
    return -len(item[0]), item[0]


def _term(scale: int, letters: tuple[str, ...]) -> str:
    powers = Counter(letters)
    words = [letter + ("²" if n == 2 else "³" if n == 3 else "") for letter, n in powers.items()]
    return "·".join([*([f"{scale:,}"] if scale != 1 or not words else []), *words])


def _tensor(row: Mapping[str, Any]) -> str:
    shape = "×".join(f"{size:,}" for size in row["shape"]) or "1"
    if row.get("shared"):
        return f"{row['name']} {shape}, the same as {row['shared']}"
    return f"{row['name']} {shape}" + (f", {row['times']} times" if row["times"] != 1 else "")


@dataclass(frozen=True)
class CachedSite:
    """What attention at one site keeps and computes for each token.

    Parameters
    ----------
    heads, groups : int
        Query heads, and heads of keys and values.
    channels : int
        Width of one head.
    window : int or None
        Tokens it looks back at most.
    caches : bool
        Whether it keeps keys and values of what came before (causal attention does).
    """

    heads: int
    groups: int
    channels: int
    window: int | None = None
    caches: bool = True

    def length(self, context: int) -> int:
        """Tokens that a query sees after ``context`` tokens."""
        return context if self.window is None else min(context, self.window)


def kv_cache_bytes(
    sites: Sequence[CachedSite], context: int, *, batch: int = 1, bytes_per_value: float = 2
) -> float:
    """Bytes of the keys and values that are kept while ``batch`` texts of ``context`` tokens are written.

    ``2 · Σ_sites groups · channels · min(context, window) · batch · bytes_per_value`` (Pope et al. 2022,
    arXiv:2211.05102, section 3.3, summed over layers).

    Examples
    --------
    GPT-3 175B in 16 bits, one text of 2,048 tokens:

    >>> kv_cache_bytes([CachedSite(96, 96, 128)] * 96, 2048) / 1e9
    9.663676416
    """
    each = sum(2 * s.groups * s.channels * s.length(context) for s in sites if s.caches)
    return each * batch * bytes_per_value


def flops_per_token(matrices: int, sites: Sequence[CachedSite], context: int) -> int:
    """Floating-point operations of one forward step for one token that sees ``context`` tokens.

    A multiplication and an addition per matrix entry, and for each head the products with ``context`` keys
    and values: ``2 · matrices + Σ_sites 4 · heads · channels · min(context, window)`` (Kaplan et al. 2020,
    arXiv:2001.08361, table 1, which averages over the causal triangle and so has half the second term).

    Parameters
    ----------
    matrices : int
        Entries of all matrices that a token is multiplied with.
    sites : sequence of CachedSite
    context : int
    """
    return 2 * matrices + sum(4 * s.heads * s.channels * s.length(context) for s in sites)


def multiplied(rows: Sequence[Mapping[str, Any]], facts: Mapping[str, Any]) -> int:
    """Entries of the matrices that one token is multiplied with.

    Tables that are looked up and vectors that are added or scaled do not count; a tied head does; of experts,
    those that a token goes through.
    """
    every, active = facts.get("n_experts"), facts.get("n_active_experts")
    total = 0
    for row in rows:
        sides = len(row["shape"])
        if sides < 2 or row.get("lookup") or row["part"] in ("embedding", "position"):
            continue
        entries = prod(row["shape"]) * max(row["times"], 1)
        routed = every and "expert" in row["name"] and "shared_expert" not in row["name"]
        total += entries * active // every if routed else entries
    return int(total)


@dataclass(frozen=True)
class Configuration:
    """A GPT of a published size.

    Parameters
    ----------
    name : str
    n_layers, d_model, n_heads, d_head : int
    batch : float
        Tokens per training step.
    vocab, context : int
    tied : bool
        Whether the output head is the embedding, turned round.
    """

    name: str
    n_layers: int
    d_model: int
    n_heads: int
    d_head: int
    batch: float
    vocab: int = 50_257
    context: int = 2_048
    tied: bool = True

    @property
    def n_params(self) -> int:
        """Parameters by formula: embeddings, attention, a feed-forward network of width 4·d, biases, norms.

        ``V·d + T·d + L·(4·d·h·e + 8·d² + 3·h·e + 10·d) + 2·d``, the head tied to the embedding: the layout
        of GPT-2 (Radford et al. 2019), which GPT-3 shares. A head of its own has ``V·d`` more.
        """
        return sum(self.parts.values())

    @property
    def parts(self) -> dict[str, int]:
        """The parameters of each part; the keys are those of ``PARTS``."""
        width, inner, layers = self.d_model, self.n_heads * self.d_head, self.n_layers
        found = {
            "embedding": self.vocab * width,
            "position": self.context * width,
            "attention": layers * (4 * width * inner + 3 * inner + width),
            "feed-forward": layers * (8 * width**2 + 5 * width),
            "norm": layers * 4 * width + 2 * width,
        }
        return found if self.tied else {**found, "head": self.vocab * width}

    @property
    def matrices(self) -> int:
        """Entries of the matrices that a token is multiplied with, the tied head included."""
        inner = self.n_heads * self.d_head
        layer = 4 * self.d_model * inner + 8 * self.d_model**2
        return self.n_layers * layer + self.vocab * self.d_model

    @property
    def sites(self) -> tuple[CachedSite, ...]:
        """Its attention, layer by layer (GPT-3's sparse layers counted as dense)."""
        return (CachedSite(self.n_heads, self.n_heads, self.d_head),) * self.n_layers


#: GPT-3's eight sizes (Brown et al. 2020, arXiv:2005.14165, table 2.1). Two entries contradict themselves
#: there (24 heads of 128 are not 2048 wide, nor 40 heads of 128 5140): 16 heads and 5120 give the published
#: sizes.
GPT3: tuple[Configuration, ...] = (
    Configuration("GPT-3 125M", 12, 768, 12, 64, 0.5e6),
    Configuration("GPT-3 350M", 24, 1024, 16, 64, 0.5e6),
    Configuration("GPT-3 760M", 24, 1536, 16, 96, 0.5e6),
    Configuration("GPT-3 1.3B", 24, 2048, 16, 128, 1e6),
    Configuration("GPT-3 2.7B", 32, 2560, 32, 80, 1e6),
    Configuration("GPT-3 6.7B", 32, 4096, 32, 128, 2e6),
    Configuration("GPT-3 13B", 40, 5120, 40, 128, 2e6),
    Configuration("GPT-3 175B", 96, 12288, 96, 128, 3.2e6),
)
