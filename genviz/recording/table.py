"""How a recording shows itself: a table of what was captured, how, and what was not and why."""

from collections.abc import Iterator
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from genviz.recording.recording import Recording

_COLUMNS = ("site", "kind", "axes", "calls", "size", "captured by")


def size(nbytes: float) -> str:
    """Write a number of bytes for people: ``1.5 MB`` (powers of 1000)."""
    for unit in ("B", "kB", "MB", "GB"):
        if nbytes < 1000 or unit == "GB":
            return f"{nbytes:.0f} {unit}" if unit == "B" else f"{nbytes:.1f} {unit}"
        nbytes /= 1000
    raise AssertionError("unreachable: the last unit always returns")


def rows(recording: "Recording") -> Iterator[tuple[str, ...]]:
    """One row per site and kind."""
    groups: dict[tuple[str, str], list[int]] = {}
    for index, entry in enumerate(recording.entries()):
        groups.setdefault((entry.site, entry.kind), []).append(index)
    entries = recording.entries()
    for (site, kind), members in groups.items():
        first = entries[members[0]]
        axes = " × ".join(f"{axis} {length}" for axis, length in zip(first.axes, first.shape, strict=True))
        nbytes = sum(entries[index].nbytes for index in members)
        yield (
            site or "(model)",
            kind,
            axes,
            str(len(members)),
            size(nbytes),
            str(first.attrs.get("route", "hook")),
        )


def text(recording: "Recording", most: int = 40) -> str:
    """Plain text, at most ``most`` rows."""
    body = list(rows(recording))
    shown = [_COLUMNS, *body[:most]]
    widths = [max(len(row[column]) for row in shown) for column in range(len(_COLUMNS))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in shown
    ]
    lines.insert(0, f"Recording: {len(recording)} arrays, {size(recording.nbytes)}")
    if len(body) > most:
        lines.append(f"… and {len(body) - most} more")
    lines += [f"not captured: {item.site} {item.kind}: {item.reason}" for item in recording.missing]
    lines += [f"damaged: {damage}" for damage in recording.damage]
    return "\n".join(lines)


def html(recording: "Recording", most: int = 200) -> str:
    """HTML for notebooks; every string is escaped."""
    head = "".join(f"<th style='text-align:left'>{name}</th>" for name in _COLUMNS)
    body = list(rows(recording))
    cells = "".join(
        "<tr>" + "".join(f"<td style='text-align:left'>{escape(cell)}</td>" for cell in row) + "</tr>"
        for row in body[:most]
    )
    more = f"<p>… and {len(body) - most} more</p>" if len(body) > most else ""
    notes = [f"not captured: {item.site} {item.kind}: {item.reason}" for item in recording.missing]
    notes += [f"damaged: {damage}" for damage in recording.damage]
    listed = "".join(f"<li>{escape(note)}</li>" for note in notes)
    title = f"<b>Recording</b>: {len(recording)} arrays, {size(recording.nbytes)}"
    return f"{title}<table><tr>{head}</tr>{cells}</table>{more}" + (f"<ul>{listed}</ul>" if listed else "")
