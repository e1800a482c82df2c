"""A mask tensor → the rule it follows, wherever it follows one.

A rule costs nothing to keep, the tensor costs the square of the length; and a rule is what people understand.
The answer is exact: a rule is only given out when it reproduces the mask element for element.
"""

from dataclasses import dataclass, replace

import torch

from genviz.attention import MaskRule

# Adding this to a score leaves nothing of it after the softmax, in float32: exp(-1e4) is 0.
_MASKED = -1e4


@dataclass(frozen=True)
class Masking:
    """How scores are masked.

    Parameters
    ----------
    rule : MaskRule
    key_mask : bool tensor (sample, key), optional
    bias : float tensor (sample or 1, head or 1, query or 1, key), optional
        Kept when there is no rule: added to the scaled scores.
    """

    rule: MaskRule
    key_mask: torch.Tensor | None = None
    bias: torch.Tensor | None = None


class MaskReader:
    """Reads masks; layers that share one mask have it read once."""

    def __init__(self) -> None:
        self._mask: torch.Tensor | None = None
        self._read: Masking | None = None
        self._lengths = (0, 0)

    def read(self, mask: torch.Tensor, lengths: tuple[int, int]) -> Masking:
        """Rule, key mask and bias of a mask that is broadcast against ``(sample, head, query, key)``."""
        if 0 in lengths or not mask.numel():
            return Masking(MaskRule())
        mask = _compact(mask.detach())
        known = self._mask
        if (
            self._read is None
            or known is None
            or lengths != self._lengths
            or known.shape != mask.shape
            or known.dtype != mask.dtype
            or known.device != mask.device
            or not torch.equal(known, mask)
        ):
            self._mask, self._lengths = mask.clone(), lengths
            self._read = read_mask(self._mask, lengths)
        return self._read

    def forget(self) -> None:
        """Let the last mask go."""
        self._mask = self._read = None


def _compact(mask: torch.Tensor) -> torch.Tensor:
    """Drop what ``expand`` repeated: one copy of it says everything."""
    for axis, stride in enumerate(mask.stride()):
        if stride == 0 and mask.shape[axis] > 1:
            mask = mask.narrow(axis, 0, 1)
    return mask


def read_mask(mask: torch.Tensor, lengths: tuple[int, int]) -> Masking:
    """Tell what a mask does; see :class:`MaskReader`."""
    full = mask[(None,) * (4 - mask.ndim)] if mask.ndim < 4 else mask.flatten(0, mask.ndim - 4)
    if full.shape[-1] != lengths[1]:
        full = full.expand(*full.shape[:-1], lengths[1])
    allowed = full if full.dtype == torch.bool else _as_allowed(full)
    if allowed is not None and allowed.shape[1] > 1 and bool((allowed == allowed[:, :1]).all()):
        allowed = allowed[:, :1]
    if allowed is not None and allowed.shape[1] == 1:
        found = _as_rule(allowed[:, 0].expand(-1, lengths[0], -1))
        if found is not None:
            return found
    return Masking(MaskRule(), bias=_as_bias(full))


def _as_bias(full: torch.Tensor) -> torch.Tensor:
    if full.dtype != torch.bool:
        return full.float()
    return torch.zeros(full.shape, device=full.device).masked_fill_(~full, float("-inf"))


def _as_allowed(full: torch.Tensor) -> torch.Tensor | None:
    """An additive mask of zeros and very negative numbers is a boolean one.

    Not so for a row in which everything is masked with a finite number: there the softmax is not zero.
    """
    allowed = full == 0
    if not bool((allowed | (full <= _MASKED)).all()):
        return None
    dead = ~allowed.any(-1, keepdim=True)
    if bool((dead & torch.isfinite(full)).any()):
        return None
    return allowed


def _as_rule(allowed: torch.Tensor) -> Masking | None:
    """Look for a rule and a key mask whose product is ``allowed`` (sample, query, key)."""
    queries, keys = allowed.shape[1:]
    key_mask = allowed.any(1)
    for rule in _candidates(allowed, queries, keys):
        shape = pattern(rule, queries, keys, allowed.device)
        if bool((allowed == (shape & key_mask[:, None, :])).all()):
            visible = shape.any(0)
            padded = bool((visible & ~key_mask).any())
            return Masking(rule, key_mask if padded else None)
    return None


def _candidates(allowed: torch.Tensor, queries: int, keys: int) -> list[MaskRule]:
    """Rules that fit the fullest sample's last and first row."""
    rules = [MaskRule()]
    sample = allowed[int(allowed.sum((1, 2)).argmax())]
    rows = [(row, sample[row].nonzero().flatten().tolist()) for row in {queries - 1, queries // 2, 0}]
    offsets = dict.fromkeys([keys - queries, 0, *(seen[-1] - row for row, seen in rows if seen)])
    for offset in offsets:
        causal = MaskRule(causal=True, offset=offset)
        back = max((row + offset - seen[0] + 1 for row, seen in rows if seen), default=0)
        ahead = max((seen[-1] - row - offset + 1 for row, seen in rows if seen), default=0)
        rules.append(causal)
        if back > 0:
            rules.append(replace(causal, window=back))
        if max(back, ahead) > 0:
            rules.append(MaskRule(offset=offset, window=max(back, ahead)))
    return rules


def pattern(rule: MaskRule, queries: int, keys: int, device: torch.device) -> torch.Tensor:
    """``MaskRule.allowed`` on the mask's own device."""
    position = torch.arange(queries, device=device)[:, None] + rule.offset
    key = torch.arange(keys, device=device)[None, :]
    allowed = torch.ones(queries, keys, dtype=torch.bool, device=device)
    if rule.causal:
        allowed &= key <= position
    if rule.window is not None:
        allowed &= key > position - rule.window
        if not rule.causal:
            allowed &= key < position + rule.window
    return allowed
