"""Does what was recorded give what the model computed? Weights times values, against its own output."""

import torch

from genviz.capture.attention.masks import Masking, pattern
from genviz.capture.attention.seen import Seen
from genviz.errors import NotCaptured
from genviz.recording import Recording


def verify(recording: Recording) -> dict[str, float]:
    """How far recomputed attention is from what the model computed, per site.

    Parameters
    ----------
    recording : Recording
        Captured with ``record(model, verify=True)``.

    Returns
    -------
    dict
        Site → largest absolute difference between weights · values and the model's own attention output,
        over all calls, samples, heads and channels.

    Raises
    ------
    NotCaptured
        When it was captured without ``verify=True``.
    """
    errors: dict[str, float] = {}
    for entry in recording.entries(kind="query"):
        if "error" in entry.attrs:
            errors[entry.site] = max(errors.get(entry.site, 0.0), float(entry.attrs["error"]))
    if not errors:
        raise NotCaptured(
            "no attention call of this recording was checked against the model's output: "
            "capture it with record(model, verify=True)"
        )
    return errors


@torch.no_grad()
def error_of(seen: Seen, masking: Masking, key: torch.Tensor) -> float:
    """Largest difference of weights · values, worked out as a reader does, from the call's output."""
    assert seen.query is not None
    assert seen.value is not None
    assert seen.output is not None
    heads, rule = seen.query.shape[1], masking.rule
    group = heads // key.shape[1]
    keys = key.float().repeat_interleave(group, 1)
    scores = seen.query.float() @ keys.mT * rule.scale
    if rule.softcap is not None:
        scores = rule.softcap * torch.tanh(scores / rule.softcap)
    if masking.bias is not None:
        scores = scores + masking.bias
    allowed = pattern(rule, scores.shape[2], scores.shape[3], scores.device)
    if masking.key_mask is not None:
        allowed = allowed & masking.key_mask[:, None, None, :]
    scores = scores.masked_fill(~allowed, float("-inf"))
    if seen.sinks is not None:
        extra = seen.sinks.float().view(1, -1, 1, 1).expand(*scores.shape[:3], 1)
        scores = torch.cat([scores, extra], -1)
    weights = torch.softmax(scores, -1).nan_to_num(0.0)[..., : key.shape[2]]
    value = seen.value[:, :, : key.shape[2]].float()
    value = value.repeat_interleave(heads // value.shape[1], 1)
    return float((weights @ value - seen.output.float()).abs().max())
