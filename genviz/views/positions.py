"""View: how the model knows the order of its tokens."""

from typing import Any

import numpy as np
import plotly.graph_objects as go

from genviz.figures import positions as figures
from genviz.views.asking import ask_plainly
from genviz.views.base import View
from genviz.views.controls import Choice, Control
from genviz.views.subject import Subject

FORMS = {
    "learned": "learned vectors",
    "sinusoidal": "sines and cosines",
    "rotary": "rotation of queries and keys (rotary)",
    "alibi": "a penalty by distance (ALiBi)",
    "relative": "a learned bias by distance",
}
ORDER = "This tells the model the order of its tokens, but not their sense."
_SIDES = (("tokens", "source"), ("target_tokens", "target"))


def side_controls(subject: Subject) -> tuple[Control, ...]:
    """Whose positions, where there are two sequences."""
    if not (subject.info.get("defaults") or {}).get("two_sided"):
        return ()
    return (Choice("side", "Sequence", "tokens", choices=_SIDES, help="Whose positions."),)


def parts_of(subject: Subject, side: str) -> tuple[list[dict[str, Any]], list[str], int]:
    """What was found of one sequence, what must be said of it, and of how many positions."""
    found = ask_plainly(subject, "positions")
    parts = [part for part in found["parts"] if part["side"] == side]
    notes = list(found["notes"])
    if not parts and not notes:
        notes = ["Nothing differs between positions of this sequence when all its tokens are the same."]
    if others := parts[1:]:
        listed = ", ".join(f"{FORMS[part['form']]} at {part['site']}" for part in others)
        notes.append(f"Not drawn: {listed}.")
    return parts, notes, int(found["length"])


def _draw(subject: Subject, *, theme: str, side: str = "tokens") -> go.Figure:
    parts, notes, length = parts_of(subject, side)
    if not parts:
        return figures.nothing(notes, theme=theme)
    part = parts[0]
    title = f"Order by {FORMS[part['form']]}"
    note = " ".join([ORDER, _how(part), *notes])
    if "table" in part:
        return figures.added(np.asarray(part["table"]), title=title, note=note, theme=theme)
    if part["form"] == "rotary":
        rates = np.asarray(part["frequencies"])
        return figures.turned(rates, length, title=title, note=note, theme=theme)
    return figures.by_distance(
        np.asarray(part["distances"]), np.asarray(part["bias"]), title=title, note=note, theme=theme
    )


def _how(part: dict[str, Any]) -> str:
    if part["form"] == "rotary":
        return f"{2 * len(part['frequencies'])} of {part['channels']} channels of each head are turned."
    if "bias" in part:
        return f"Added to the attention scores of {len(part['layers'])} layers."
    if part["seen"]:
        return f"Added to the token vectors, from {part['site']}."
    return "Added to the token vectors: what the first block gets, less the token's own vector."


positions = View(
    name="positions",
    title="How the model knows the order",
    question="What does the model use to know which token stands where?",
    needs=("live.positions",),
    controls=side_controls,
    draw=_draw,
)
