"""One text, cut in several ways: strips of coloured pieces."""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go

from genviz.analysis.splitting import SPECIAL, UNKNOWN, Splitting
from genviz.figures.arrays import plain
from genviz.figures.base import blank, hidden_axis, small_print
from genviz.figures.colours import mix, not_a_number
from genviz.figures.text import clean, visible
from genviz.figures.theme import MONO, SIZE, palette, role

COLUMNS = 64  # signs on a line
ROWS = 26.0  # lines of all strips together that can still be read
GAP = 0.5  # columns between pieces
HUES = 4  # enough for neighbours to differ; more would seem to mean something
SHOWN = 2000  # characters of a piece that are written out
_HEADING, _AFTER = 1.2, 0.55  # heights, in lines
_WITH_ID = 1.7  # height of a line whose pieces have their ids below


@dataclass(frozen=True)
class _Part:
    """A piece, or as much of it as stands on one line."""

    piece: int
    line: int
    left: float
    width: int
    text: str
    ends: bool


def tokenizations(
    splittings: Sequence[Splitting], *, chosen: tuple[str, int | None] = ("", None), note: str = "",
    title: str = "", theme: str = "light",
) -> go.Figure:  # fmt: skip
    """Draw one strip per splitting, with how many pieces, different, special and unknown ones.

    Parameters
    ----------
    splittings : sequence of Splitting
    chosen : (str, int or None)
        Name of the splitting whose pieces can be chosen by a click, and the one that is.
    note : str
        What must be known to read it, for the small print.
    title : str
    theme : {"light", "dark"}
    """
    figure = blank(theme, clean(title, 200), margin={"l": 12, "r": 12, "t": 48, "b": 88})
    room = max(1, int(ROWS / max(1, len(splittings)) - _HEADING - _AFTER))
    y, cut = 0.0, []
    for splitting in splittings:
        high = _WITH_ID if _numbered(splitting) else 1.0
        parts = [part for part in _flow(splitting) if part.line < max(1, int(room / high))]
        if parts and not (parts[-1].ends and parts[-1].piece == len(splitting) - 1):
            cut.append(f"{splitting.name} up to piece {parts[-1].piece + 1:,} of {len(splitting):,}")
        _heading(figure, splitting, y, theme)
        _strip(figure, splitting, parts, top=y + _HEADING, theme=theme)
        if splitting.name == chosen[0]:
            _choose(figure, splitting, parts, (chosen[1], y + _HEADING), theme)
        y += _HEADING + (parts[-1].line + 1 if parts else 0) * high + _AFTER
    said = f"{note} Written out: {'; '.join(cut)}." if cut else note
    small_print(figure, clean(said, 600), theme)
    figure.update_xaxes(range=[-0.5, COLUMNS + 0.5], **hidden_axis(fixedrange=True))
    figure.update_yaxes(range=[max(y, 12.0), -0.2], **hidden_axis(fixedrange=True))
    figure.update_layout(showlegend=False, hovermode="closest", hoverdistance=30, dragmode=False)
    return figure


def _heading(figure: go.Figure, splitting: Splitting, y: float, theme: str) -> None:
    muted = palette(theme).muted
    told = [
        f"{len(splitting):,} piece{'s'[: len(splitting) != 1]}",
        f"{len(set(splitting.pieces)):,} different",
    ]
    told += [f"{n:,} {mark}" for mark in (SPECIAL, UNKNOWN) if (n := splitting.count(mark))]
    text = f"<b>{clean(splitting.name, 40)}</b> {', '.join(told)}"
    text += f"  <span style='color:{muted}'>{clean(splitting.about, 90)}</span>"
    figure.add_annotation(
        text=text, x=-0.3, y=y + _HEADING / 2, xanchor="left", yanchor="middle", showarrow=False,
        align="left", font={"size": SIZE - 2},
    )  # fmt: skip


def _strip(
    figure: go.Figure, splitting: Splitting, parts: Sequence[_Part], *, top: float, theme: str
) -> None:
    """Boxes, one trace per colour; the words on them, ids below them; hover anywhere near a word."""
    high = _WITH_ID if _numbered(splitting) else 1.0
    for name, (fill, line) in _looks(theme).items():
        boxes = [_box(part, top, high) for part in parts if _look(splitting, part.piece) == name]
        if boxes:
            outline = np.concatenate(boxes)
            figure.add_scatter(
                x=plain(outline[:, 0]), y=plain(outline[:, 1]), mode="lines", fill="toself", fillcolor=fill,
                line={"color": line, "width": 1}, hoverinfo="skip", name=name,
            )  # fmt: skip
    middles = plain([part.left + part.width / 2 for part in parts])
    if _numbered(splitting):
        firsts = [n for n, part in enumerate(parts) if n == 0 or parts[n - 1].piece != part.piece]
        figure.add_scatter(
            x=middles[firsts], y=plain([top + (parts[n].line + 0.72) * high for n in firsts]), mode="text",
            text=[str(splitting.ids[parts[n].piece]) for n in firsts], hoverinfo="skip", name="id",
            textfont={"size": SIZE - 5, "color": palette(theme).muted},
        )  # fmt: skip
    figure.add_scatter(
        x=middles,
        y=plain([top + (part.line + (0.36 if high > 1 else 0.5)) * high for part in parts]),
        mode="text",
        text=[clean(part.text, SHOWN) for part in parts],
        textfont={"family": MONO, "size": SIZE - 3, "color": palette(theme).text},
        hovertext=[_hover(splitting, part.piece) for part in parts],
        hovertemplate="%{hovertext}<extra></extra>",
        name=clean(splitting.name, 40),
    )


def _choose(
    figure: go.Figure, splitting: Splitting, parts: Sequence[_Part], chosen: tuple[int | None, float],
    theme: str,
) -> None:  # fmt: skip
    """Let a click on a piece choose it, and frame the one that is chosen."""
    figure.data[-1].customdata = [[part.piece] for part in parts]
    piece, top = chosen
    high = _WITH_ID if _numbered(splitting) else 1.0
    boxes = [_box(part, top, high) for part in parts if part.piece == piece]
    if boxes:
        outline = np.concatenate(boxes)
        figure.add_scatter(
            x=plain(outline[:, 0]), y=plain(outline[:, 1]), mode="lines", hoverinfo="skip", name="chosen",
            line={"color": role("path", theme), "width": 2.5},
        )  # fmt: skip


def _look(splitting: Splitting, piece: int) -> str:
    return splitting.marks[piece] or f"piece {piece % HUES}"


def _looks(theme: str) -> dict[str, tuple[str, str]]:
    """Fill and outline of pieces in turn, of special and of unknown ones."""
    colours = palette(theme)
    hues = {f"piece {n}": mix(colours.page, colours.categories[n], 0.26) for n in range(HUES)}
    loud = not_a_number(theme)
    return {
        **{name: (fill, fill) for name, fill in hues.items()},
        SPECIAL: (mix(colours.page, colours.muted, 0.12), colours.muted),
        UNKNOWN: (mix(colours.page, loud, 0.25), loud),
    }


def _numbered(splitting: Splitting) -> bool:
    """Tell whether ids are written below the pieces: not below single characters, which have no room."""
    known = any(each is not None for each in splitting.ids)
    return known and sum(map(len, splitting.pieces)) > 1.5 * len(splitting)


def _box(part: _Part, top: float, high: float) -> np.ndarray[Any, Any]:
    left, right = part.left, part.left + part.width
    upper, lower = top + part.line * high + 0.06, top + (part.line + 1) * high - 0.06
    corners = [(left, upper), (right, upper), (right, lower), (left, lower), (left, upper), (np.nan, np.nan)]
    return np.array(corners, np.float32)


def _hover(splitting: Splitting, piece: int) -> str:
    span, number, data = splitting.spans[piece], splitting.ids[piece], splitting.bytes[piece]
    mark = splitting.marks[piece]
    lines = [f"<b>{clean(visible(splitting.pieces[piece]), 60) or '∅'}</b>{f' ({mark})' if mark else ''}"]
    lines.append(f"piece {piece}, of {len(splitting)}")
    lines.append("no id: no vocabulary" if number is None else f"id {number}")
    if span is not None and span[0] != span[1]:
        many = span[1] - span[0] > 1
        lines.append(f"characters {span[0]}–{span[1] - 1}" if many else f"character {span[0]}")
    if data:
        pairs = " ".join(data[at : at + 2] for at in range(0, min(len(data), 64), 2))
        lines.append(f"UTF-8 {pairs}{' …' if len(data) > 64 else ''} ({len(data) // 2} bytes)")
    else:
        lines.append("stands for no part of the text" if mark == "special" else "where it stands is not told")
    return "<br>".join(lines)


def _flow(splitting: Splitting) -> Iterator[_Part]:
    """Set the pieces in lines; a piece longer than a line goes on in the next."""
    line, left = 0, 0.0
    for number in range(len(splitting)):
        rest = _written(splitting, number)
        wide = _room(splitting, number, rest)
        if left + wide > COLUMNS and (wide <= COLUMNS or left > COLUMNS * 0.7):
            line, left = line + 1, 0.0
        while rest:
            here = _fitting(rest, COLUMNS - int(np.ceil(left)))
            rest = rest[len(here) :]
            width = _room(splitting, number, here)
            yield _Part(number, line, left, width, here, not rest)
            line, left = (line + 1, 0.0) if rest else (line, left + width + GAP)


def _room(splitting: Splitting, piece: int, text: str) -> int:
    """Columns that a piece takes, with its id below it."""
    digits = len(str(splitting.ids[piece])) if _numbered(splitting) else 0
    return max(_width(text), int(np.ceil(0.8 * digits)))


def _written(splitting: Splitting, piece: int) -> str:
    """A piece in the strip: as its vocabulary writes it, with a space as ``·`` in place of ``Ġ``."""
    text = splitting.pieces[piece].replace("Ġ", " ").replace("Ċ", "\n")
    return visible(text)[:SHOWN] or "∅"


def _fitting(text: str, columns: int) -> str:
    """As much of the beginning as fits, one character at least."""
    width = 0
    for at, sign in enumerate(text):
        width += _width(sign)
        if width > columns and at:
            return text[:at]
    return text


def _width(text: str) -> int:
    """Columns that a text takes: two for wide signs, none for marks that stand on the one before."""
    wide = sum(unicodedata.east_asian_width(sign) in "WF" for sign in text)
    return max(1, len(text) + wide - sum(unicodedata.combining(sign) > 0 for sign in text))
