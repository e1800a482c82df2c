"""The tokens of a run: do those that were given fit, and which are they when a tokenizer tells."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from genviz.capture.families.base import Tap
from genviz.errors import CaptureError, TokenMismatch

_CHECKED = ("ids", "embedding", "hidden")


class Tokens:
    """The token lists of one capture.

    Parameters
    ----------
    tokens, target_tokens : sequence of str, or one per sample, optional
    tokenizer : object, optional
    """

    def __init__(self, tokens: Any, target_tokens: Any, tokenizer: Any) -> None:
        self._lists = {
            "tokens": _lists("tokens", tokens),
            "target_tokens": _lists("target_tokens", target_tokens),
        }
        self._tokenizer = tokenizer
        self._ids: dict[str, list[torch.Tensor]] = {}
        self._first: dict[str, int] = {}
        self._total: dict[str, int] = {}

    def given(self, tensor: torch.Tensor, tap: Tap, attrs: Mapping[str, Any]) -> None:
        """Look at what went in; called for every array that is kept.

        Raises
        ------
        TokenMismatch
            At the first array that the tokens are too few for, or the wrong number of samples.
        """
        if tap.kind not in _CHECKED or tensor.ndim < (1 if tap.kind == "ids" else 2):
            return
        name = str(attrs.get("tokens", {}).get("token", "tokens"))
        lists = self._lists[name]
        samples, length = _extent(tensor, tap.kind)
        turned = lists is not None and (len(lists), max(map(len, lists))) == (length, samples)
        if turned:  # positions come first in this model
            samples, length = length, samples
        if tap.kind == "ids":
            ids = tensor.detach().T if turned else tensor.detach()
            self._ids.setdefault(name, []).append(ids.reshape(samples, length).cpu())
            self._total[name] = self._total.get(name, 0) + length
        if name in self._first:
            return
        self._first[name] = length
        self._total.setdefault(name, length)
        if lists is None:
            return
        if len(lists) != samples:
            raise TokenMismatch(
                f"{name}= is for {len(lists)} samples, but the model was run on {samples}: "
                "give one list of tokens per sample"
            )
        short = max(len(each) for each in lists)
        if short < length:
            raise TokenMismatch(
                f"{name}= has {short} tokens, but the model was given {length}: "
                "give a token for every position, special tokens and padding included"
            )

    def check_end(self) -> None:
        """Check at the end of the block that there were not more tokens than positions.

        Raises
        ------
        TokenMismatch
            When no run was that long, not even with what was generated.
        """
        for name, lists in self._lists.items():
            if lists is None or name not in self._first:
                continue
            longest = max(len(each) for each in lists)
            if longest not in (self._first[name], self._total[name]) and longest > self._first[name]:
                raise TokenMismatch(
                    f"{name}= has {longest} tokens, but the model was given {self._first[name]}"
                    + (
                        f" and {self._total[name]} in all its runs"
                        if self._total[name] != self._first[name]
                        else ""
                    )
                    + ": give a token for every position, and no more"
                )

    def info(self) -> dict[str, Any]:
        """Token lists for the recording's info, and the special tokens that the tokenizer names."""
        named = getattr(self._tokenizer, "all_special_tokens", None)
        found: dict[str, Any] = {} if not named else {"special_tokens": [str(each) for each in named]}
        for name, lists in self._lists.items():
            if lists is None and self._tokenizer is not None and name in self._ids:
                lists = self._told(name)
            if lists is not None:
                longest = max((len(each) for each in lists), default=0)
                found[name] = [[*each, *[""] * (longest - len(each))] for each in lists]
        return found

    def _told(self, name: str) -> list[list[str]] | None:
        runs = self._ids[name]
        same = [run for run in runs if run.shape[0] == runs[0].shape[0]]
        growing = len(runs) > 1 and all(run.shape[1] == 1 for run in same[1:])
        ids = torch.cat(same, 1) if growing else runs[0]
        return [_strings(self._tokenizer, row.tolist()) for row in ids]


def _lists(name: str, tokens: Any) -> list[list[str]] | None:
    if tokens is None:
        return None
    if isinstance(tokens, str) or not isinstance(tokens, Sequence):
        raise CaptureError(
            f"{name}= takes a list of strings, one per position, or one such list per sample; got "
            f"{type(tokens).__name__}"
        )
    if not tokens:
        return None
    if all(isinstance(token, str) for token in tokens):
        return [list(tokens)]
    if all(isinstance(each, Sequence) and not isinstance(each, str) for each in tokens):
        return [[str(token) for token in each] for each in tokens]
    raise CaptureError(
        f"{name}= mixes strings and lists: give one list of strings, or one list of strings per sample"
    )


def _extent(tensor: torch.Tensor, kind: str) -> tuple[int, int]:
    shape = tensor.shape if kind == "ids" else tensor.shape[:-1]
    return (1, int(shape[0])) if len(shape) == 1 else (int(shape[0]), int(shape[1]))


def _strings(tokenizer: Any, ids: list[int]) -> list[str]:
    if hasattr(tokenizer, "convert_ids_to_tokens"):
        return [str(token) for token in tokenizer.convert_ids_to_tokens(ids)]
    if hasattr(tokenizer, "id_to_token"):
        return [str(tokenizer.id_to_token(each)) for each in ids]
    if hasattr(tokenizer, "decode"):
        return [str(tokenizer.decode([each])) for each in ids]
    return [str(token) for token in tokenizer(ids)]
