"""A time series that is continued by autoregression, one value at a time."""

import numpy as np
import plotly.graph_objects as go

from genviz.figures import forecast as figures
from genviz.views.asking import ask_plainly
from genviz.views.base import View
from genviz.views.controls import Control, Number, Step
from genviz.views.subject import Subject

MOST_STEPS = 60


def _controls(subject: Subject) -> tuple[Control, ...]:
    told = dict(subject.info.get("defaults") or {})
    values, most = int(told.get("values", 0)), int(told.get("most_lags", 1))
    return (
        Number("lags", "Past values read", 0, minimum=0, maximum=most,
               help="How many weights are fitted; 0 takes the number with the least AIC."),
        Number("known", "Values known", int(told.get("known", values)), minimum=min(2 * most + 3, values),
               maximum=values, help="The forecast begins behind them; what really came is shown beside it."),
        Number("horizon", "Steps ahead", 24, minimum=1, maximum=MOST_STEPS,
               help="How far it goes on."),
        Step("step", "Step", MOST_STEPS, minimum=0, maximum=MOST_STEPS,
             help="Values forecast by now; each step reads the ones before it, its own among them."),
    )  # fmt: skip


def _draw(subject: Subject, *, theme: str, lags: int, known: int, horizon: int, step: int) -> go.Figure:
    recording = subject.recorded()
    told = ask_plainly(subject, "forecast", lags=int(lags) or None, known=int(known), steps=int(horizon))
    values = np.asarray(next(iter(recording.entries(kind="series"))).load(), np.float64)
    times = recording.info.get("times") or [str(at) for at in range(len(values))]
    name = str(recording.info.get("name") or "value")
    return figures.forecast(figures.Going(values, times, name, told), step=int(step), theme=theme)


forecast = View(
    name="forecast",
    title="Forecast",
    question="What comes next in this series, and which past values say so?",
    needs=("series", "live.forecast"),
    controls=_controls,
    draw=_draw,
)
