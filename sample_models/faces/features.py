"""Eyes, brows, nose and mouth: the parts that carry expression and gaze."""

from __future__ import annotations

import numpy as np

from .canvas import Canvas, colour
from .factors import CATEGORIES, Factors
from .head import Head
from .shapes import Array, capsule, ellipse

_IRIS = {"brown": (0.38, 0.21, 0.09), "blue": (0.20, 0.50, 0.86), "green": (0.22, 0.58, 0.30)}
_IRIS_TABLE = np.array([_IRIS[name] for name in CATEGORIES["eye_colour"]], dtype=np.float32)
_WHITE = colour((0.98, 0.98, 0.97))
_PUPIL = colour((0.04, 0.04, 0.06))
_LINE = colour((0.20, 0.11, 0.09))
_LIPS = colour((0.72, 0.24, 0.25))
_INSIDE = colour((0.34, 0.07, 0.09))
_TEETH = colour((0.97, 0.96, 0.93))
_EYE_LEVEL = 0.04
_MOUTH_LEVEL = 0.37


def draw_features(canvas: Canvas, head: Head, *, factors: Factors, hair: Array) -> None:
    """Paint everything inside the outline of the face; `hair`, (n, 3, 1, 1), colours the brows."""
    column = {
        name: np.asarray(factors[name], dtype=np.float32)[:, None, None]
        for name in ("eye_size", "smile", "gaze", "brow")
    }
    _draw_nose(canvas, head)
    _draw_mouth(canvas, head, smile=column["smile"])
    iris = _IRIS_TABLE[factors["eye_colour"]][:, :, None, None]
    for side in (-1, 1):
        _draw_eye(canvas, head, side=side, size=column["eye_size"], gaze=column["gaze"], iris=iris)
        _draw_brow(canvas, head, side=side, brow=column["brow"], hair=hair)


def _draw_nose(canvas: Canvas, head: Head) -> None:
    tip = ellipse(head.x, head.y - 0.20, width=0.085, height=0.05)
    canvas.paint(tip, head.skin * 0.72 * head.shade, opacity=0.85)
    bridge = ellipse(head.x, head.y - 0.12, width=0.045, height=0.12)
    canvas.paint(bridge, head.skin * 1.08 * head.shade, opacity=0.6)


def _draw_eye(canvas: Canvas, head: Head, *, side: int, size: Array, gaze: Array, iris: Array) -> None:
    x = head.x - side * 0.46 * head.width
    y = head.y - _EYE_LEVEL
    width = 0.125 + 0.045 * size
    height = 0.075 + 0.055 * size
    opening = ellipse(x, y, width=width, height=height)
    # The lid is the same shape, moved up and seen only above the eye.
    lid = ellipse(x, y + 0.035, width=width + 0.02, height=height + 0.01)
    canvas.paint(lid, _LINE, opacity=0.9)
    canvas.paint(opening, _WHITE)
    look = x - 0.55 * width * gaze
    ball = np.maximum(ellipse(look, y, width=height * 0.95, height=height * 1.02), opening)
    canvas.paint(ball, iris)
    pupil = np.maximum(ellipse(look, y, width=height * 0.45, height=height * 0.5), opening)
    canvas.paint(pupil, _PUPIL)
    glint = ellipse(look + 0.03, y + 0.035, width=0.025, height=0.025)
    canvas.paint(np.maximum(glint, opening), _WHITE, opacity=0.8)


def _draw_brow(canvas: Canvas, head: Head, *, side: int, brow: Array, hair: Array) -> None:
    x = head.x - side * 0.47 * head.width
    y = head.y - _EYE_LEVEL + 0.235 + 0.06 * brow
    # Knitted brows fall towards the nose, raised ones lift their inner ends a little.
    tilt = -0.05 * side * brow
    stroke = capsule(x, y, dx=0.135, dy=-tilt, radius=0.04)
    canvas.paint(stroke, 0.72 * hair * head.shade)


def _draw_mouth(canvas: Canvas, head: Head, *, smile: Array) -> None:
    width = 0.17 + 0.05 * np.abs(smile)
    # At rest the mouth is a little friendly: bare faces at 0 look cross.
    bend = 0.035 + 0.08 * smile
    # Laughing opens the mouth to half an ellipse that hangs from the upper lip.
    opening = 0.17 * np.clip((smile - 0.1) / 0.9, 0, 1)
    across = np.clip(np.abs(head.x) / width, 0, 1)
    beyond = np.abs(head.x) - width
    upper = head.y - _MOUTH_LEVEL + bend * (across**2 - 0.5) + 0.35 * opening
    lower = upper - opening * np.sqrt(1 - across**2)
    inside = np.maximum(np.maximum(-upper, lower), beyond)
    lips = np.hypot(np.maximum(np.maximum(-upper, lower), 0), np.maximum(beyond, 0)) - 0.036
    canvas.paint(lips, (0.75 * _LIPS + 0.25 * head.skin) * head.shade)
    shown = np.clip(opening / 0.06, 0, 1)
    canvas.paint(inside, _INSIDE, opacity=shown)
    canvas.paint(np.maximum(inside, upper - 0.45 * opening), _TEETH, opacity=shown)
