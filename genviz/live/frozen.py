"""A normalisation with its scale held: an affine map, found by trying the module out.

LayerNorm and its relatives divide by a length that depends on the whole vector. Held at what it is for one
vector, what remains is linear: ``y = g ∘ (x − mean(x)) / σ + b`` (RMSNorm: without the mean). Only then do
the parts of ``x`` have parts of ``y`` (Elhage et al. 2021, "A Mathematical Framework for Transformer
Circuits", on folding layer normalisation).
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

# Share of its output by which a module may differ from the form above: in single precision, and in half.
_EXACT, _HALF = 1e-3, 2e-2


@dataclass(frozen=True)
class Frozen:
    """A norm as ``gain ∘ centred(x) + bias``.

    Parameters
    ----------
    gain : Tensor, (…, channel)
        ``g / σ`` at each position.
    bias : Tensor, (…, channel)
    centres : bool
        Whether the mean is taken away first.
    """

    gain: Tensor
    bias: Tensor
    centres: bool

    @classmethod
    def of(cls, norm: nn.Module, x: Tensor) -> "Frozen | None":
        """Find the form at a vector (or several); None when the module is not of this form.

        The bias is what the module makes of zero, the gain's shape what it makes of a vector without zeros,
        the gain's size what fits its output here: so ``1 + w``, epsilon and precision are the module's own.
        """
        with torch.no_grad():
            x = x.detach()
            y, bias = norm.forward(x), norm.forward(torch.zeros_like(x))
            probe = _probe(x)
            centres = _near(norm.forward(probe + 3.0), norm.forward(probe))
            shape = (norm.forward(probe) - bias) / probe
            moved = shape * (x - x.mean(-1, keepdim=True) if centres else x)
            size = ((y - bias) * moved).sum(-1, keepdim=True) / (moved * moved).sum(-1, keepdim=True).clamp(
                1e-30
            )
            found = cls(size * shape, bias, centres)
            return found if _near(found(x), y) else None

    def __call__(self, x: Tensor, bias: Tensor | None = None) -> Tensor:
        """Apply the map; ``bias`` takes the place of its own."""
        moved = x - x.mean(-1, keepdim=True) if self.centres else x
        return self.gain * moved + (self.bias if bias is None else bias)


def _probe(x: Tensor) -> Tensor:
    """A vector of mean zero without zeros, as long as the stream usually is."""
    signs = torch.ones(x.shape[-1], device=x.device, dtype=x.dtype)
    signs[1::2] = -1
    return (signs - signs.mean()).expand_as(x) * x.abs().mean().clamp(min=1e-3)


def _near(first: Tensor, second: Tensor) -> bool:
    share = _EXACT if second.dtype in (torch.float32, torch.float64) else _HALF
    return bool((first - second).norm() <= share * second.norm().clamp(min=1e-6))
