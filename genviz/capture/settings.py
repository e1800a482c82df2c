"""How much of a run is kept."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, TypedDict

from genviz.errors import CaptureError
from genviz.kinds import KINDS

#: What a kind that is asked for stands for: attention is kept as what it is worked out from.
PARTS: Mapping[str, tuple[str, ...]] = {
    "attention": ("attention", "query", "key", "key_mask", "attention_bias", "bias"),
    "logits": ("logits", "top_logits", "top_ids", "logsumexp"),
}


class Options(TypedDict, total=False):
    """What else :func:`genviz.record` takes; see :class:`Settings`."""

    logits: Literal["top", "all"] | None
    top: int
    tokenizer: Any
    verify: bool
    values: bool
    title: str | None
    about: str | None


@dataclass(frozen=True)
class Settings:
    """Options of a capture that are seldom needed.

    Parameters
    ----------
    logits : {"top", "all"}, optional
        ``"top"`` keeps the largest logits and the log-sum-exp (enough for their probabilities),
        ``"all"`` every one, None none.
    top : int
        How many logits per token with ``"top"``.
    tokenizer : object, optional
        Gives the tokens from the ids that went in: anything with ``convert_ids_to_tokens``,
        ``id_to_token`` or ``decode``, or a function from a list of ids to a list of strings.
    verify : bool
        Also work out each attention call's weights times its values, and note how far that is from what
        the model computed (``attrs["error"]``).
    values : bool
        Also keep the values that attention mixes (kind ``value``): half as much memory again as queries and
        keys take. Naming ``"value"`` in ``kinds=`` asks for them too.
    title, about : str, optional
        For the first page of the dashboard.
    """

    logits: Literal["top", "all"] | None = "top"
    top: int = 10
    tokenizer: Any = None
    verify: bool = False
    values: bool = False
    title: str | None = None
    about: str | None = None

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> "Settings":
        """Check options that came by name.

        Raises
        ------
        CaptureError
            For an unknown option or value.
        """
        known = [field.name for field in fields(cls)]
        unknown = [name for name in options if name not in known]
        if unknown:
            raise CaptureError(
                f"record() has no option {unknown[0]!r}: its further options are {', '.join(known)}"
            )
        settings = cls(**options)
        if settings.logits not in ("top", "all", None):
            raise CaptureError(f"logits={settings.logits!r}: choose 'top', 'all' or None")
        if not isinstance(settings.top, int) or settings.top < 1:
            raise CaptureError(
                f"top={settings.top!r}: a whole number of logits per token is needed, 1 or more"
            )
        return settings


def wanted_kinds(kinds: Iterable[str] | None) -> frozenset[str] | None:
    """Kinds to keep, or None for all of them.

    Raises
    ------
    CaptureError
        For a kind that does not exist.
    """
    if kinds is None:
        return None
    asked = (kinds,) if isinstance(kinds, str) else tuple(kinds)
    for kind in asked:
        if kind not in KINDS:
            raise CaptureError(f"no kind {kind!r}: the kinds are {', '.join(KINDS)}")
    return frozenset(part for kind in asked for part in PARTS.get(kind, (kind,)))
