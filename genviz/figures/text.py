"""Text on figures: strings that come from models and data are shown as they are, never as markup.

Plotly reads a subset of HTML in titles, labels and hover boxes, ``%{…}`` in hover templates, and ``$…$``
as formulas; a token such as ``<b>`` must not change the picture.
"""

from collections.abc import Iterable

_MARKUP = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "$": "&#36;", "%{": "%&#123;"}
LONGEST_LABEL = 10  # characters of a layer's name that have room beside a map
_VISIBLE = {"\n": "↵", "\r": "␍", "\t": "⇥", " ": "·", "\u00a0": "⍽"}


def clean(value: object, longest: int = 80) -> str:
    """Escape a string from outside; longer ones end in an ellipsis.

    Parameters
    ----------
    value : object
        Anything with a text; lone surrogates and control characters become ``�``.
    longest : int
        Characters to keep.

    Examples
    --------
    >>> clean("<b>&")
    '&lt;b&gt;&amp;'
    """
    text = str(value).encode("utf-8", "replace").decode("utf-8")
    text = "".join(sign if sign.isprintable() else "�" for sign in text)
    if len(text) > longest:
        text = text[: longest - 1] + "…"
    for sign, entity in _MARKUP.items():
        text = text.replace(sign, entity)
    return text


def token(value: object, longest: int = 24) -> str:
    r"""Show a token: spaces and line breaks visible (``· ↵``), everything else as :func:`clean` does.

    Examples
    --------
    >>> token(" cat\n")
    '·cat↵'
    >>> token("")
    '∅'
    """
    return clean(visible(value), longest) or "∅"


def visible(value: object) -> str:
    r"""Write spaces and line breaks as signs; nothing is escaped or cut.

    Examples
    --------
    >>> visible("a\tb ")
    'a⇥b·'
    """
    text = str(value)
    for sign, shown in _VISIBLE.items():
        text = text.replace(sign, shown)
    return text


def tokens(values: Iterable[object], longest: int = 24) -> list[str]:
    """Every token of a sequence, as :func:`token` shows it."""
    return [token(value, longest) for value in values]


def number(value: float, digits: int = 4) -> str:
    """Write a number for people: ``0.0312``, ``1.20e-05``, ``NaN``."""
    if value != value:
        return "NaN"
    if value and (abs(value) < 10.0**-digits or abs(value) >= 1e6):
        return f"{value:.2e}"
    return f"{value:.{digits}g}"


def sentence(text: str) -> str:
    """Begin with a capital, as titles do."""
    return text[:1].upper() + text[1:]


def count(value: float) -> str:
    """Write a large count for people: ``85.1 M``, ``175 B`` (thousands, millions, billions).

    Examples
    --------
    >>> count(85_054_464), count(960)
    ('85.1 M', '960')
    """
    for unit in ("", " k", " M", " B"):
        if abs(value) < 999.5 or unit == " B":
            return f"{value:.0f}" if not unit else f"{value:.3g}{unit}"
        value /= 1000
    raise AssertionError("unreachable: the last unit always returns")


def short_names(names: Iterable[str]) -> list[str]:
    """Drop from dotted names what all of them share, so that labels stay short.

    Examples
    --------
    >>> short_names(["transformer.h.0.attn", "transformer.h.1.attn"])
    ['0', '1']
    >>> short_names(["encoder.layers.0.self_attn", "decoder.layers.0.self_attn"])
    ['encoder', 'decoder']
    """
    parts = [name.split(".") for name in names]
    if len({tuple(part) for part in parts}) < 2 or len({len(part) for part in parts}) > 1:
        return [".".join(part) for part in parts]
    keep = [place for place in range(len(parts[0])) if len({part[place] for part in parts}) > 1]
    return [".".join(part[place] for place in keep) for part in parts]


def layer_labels(sites: list[str]) -> list[str]:
    """Names of layers beside a map; where they are long, the first letters of their parts.

    Examples
    --------
    >>> layer_labels(["encoder.0.self_attn", "decoder.1.self_attn"])
    ['encoder.0', 'decoder.1']
    >>> layer_labels(["decoder.0.self_attn", "decoder.0.cross_attn"])
    ['self_attn', 'cross_attn']
    >>> layer_labels(["encoder.0.self_attn", "decoder.1.cross_attn"])
    ['enco.0.self', 'deco.1.cros']
    """
    names = short_names(sites)
    if max(map(len, names)) > LONGEST_LABEL:
        names = [".".join(part[:4] for part in name.split(".")) for name in names]
    return [clean(name, 16) for name in names]
