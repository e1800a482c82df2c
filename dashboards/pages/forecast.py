"""Forecast: autoregression at its simplest, on numbers."""

from dashboards.pages.base import Page, Panel

FORECAST = Page(
    "forecast",
    "Forecast",
    "What comes next in this series, and which past values say so?",
    needs=("live.forecast",),
    panels=(Panel(("forecast",), columns=12, rows=12),),
    leading=("step", "lags", "known", "horizon"),
    part="Series",
)
