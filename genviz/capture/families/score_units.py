"""In which unit a discriminator's scores are, told by the operation that made them."""

from torch import Tensor

# Operations that only rearrange or average values: what they were before is what they are after.
_KEEPING = (
    "View", "Reshape", "ReshapeAlias", "UnsafeView", "Squeeze", "Unsqueeze", "Flatten", "Select", "Slice",
    "Alias", "T", "Permute", "Transpose", "Clone", "ToCopy", "Mean",
)  # fmt: skip
_AFFINE = (
    "Addmm",
    "Mm",
    "Bmm",
    "Convolution",
    "MkldnnConvolution",
    "CudnnConvolution",
    "Linear",
    "Sum",
    "Add",
)


def score_unit(scores: Tensor) -> str:
    """``"probability"`` after a sigmoid, ``"logit"`` after a linear layer or convolution, else ``"unknown"``.

    A critic of a Wasserstein GAN ends in a linear layer too; that its scores are not log odds cannot be
    seen in the network, so whoever knows says so with ``score_unit="unknown"``.

    Parameters
    ----------
    scores : Tensor
        Computed with gradients, so that it knows the operation it came from.

    Examples
    --------
    >>> import torch
    >>> score_unit(torch.nn.Linear(3, 1)(torch.zeros(2, 3)).sigmoid())
    'probability'
    """
    node = scores.grad_fn
    for _ in range(32):
        name = "" if node is None else node.name().rstrip("0123456789").removesuffix("Backward")
        if name in _KEEPING and node is not None:
            following = [parent for parent, _ in node.next_functions if parent is not None]
            node = following[0] if len(following) == 1 else None
            continue
        return "probability" if name == "Sigmoid" else "logit" if name in _AFFINE else "unknown"
    return "unknown"
